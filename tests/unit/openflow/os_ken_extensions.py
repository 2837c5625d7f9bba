# SPDX-License-Identifier: Apache-2.0
"""Round trips of Nicira's messages and of bundles, as os_ken_trips.py does those of the standard."""
import struct

from os_ken.ofproto import nx_match

from os_ken_peer import COUNT, EVENT, NICIRA, ONF, Raw, expect, kind, nicira
from os_ken_random import parse_all, plain, serialized, tlvs
from os_ken_trips import PacketIn, counters


# ---- Nicira's to 1.0 ----

def rule10(rnd):
    """A match that 1.0 cannot say."""
    rule = nx_match.ClsRule()
    rule.set_in_port(1 + rnd.bits(8))
    rule.set_dl_src(bytes(rnd.bits(8) for _ in range(6)))
    value, mask = rnd.bits(64), 1 + rnd.bits(63)
    rule.set_tun_id_masked(value & mask, mask)
    rule.set_reg(3, rnd.bits(32))
    if rnd.often():
        rule.set_dl_type(0x86dd)
        rule.set_ipv6_dst([rnd.bits(16) for _ in range(8)])
        rule.set_nw_proto(6)
        rule.set_tp_dst(rnd.bits(16))
    return rule


def nxm(rule):
    data = bytearray()
    return tlvs(data[:nx_match.serialize_nxm_match(rule, data, 0)])


def trip_nx_flows(peer, rnd):
    p, ofp, dp, m = peer.p, peer.ofp, peer.dp, peer.mirror
    rule, actions, cookie = rule10(rnd), rnd.actions(), rnd.bits(64)
    table, prio, idle, hard = rnd.rng.randrange(254), rnd.bits(16), rnd.bits(16), rnd.bits(16)
    peer.none(p.NXTFlowModTableId(dp, 1))
    peer.none(p.NXTSetFlowFormat(dp, ofp.NXFF_NXM))
    peer.none(p.NXTFlowMod(dp, cookie, table << 8 | ofp.OFPFC_ADD, idle, hard, prio,
                           flags=ofp.OFPFF_SEND_FLOW_REM, rule=rule, actions=actions))
    everything = nx_match.ClsRule()
    reply = peer.one(p.NXFlowStatsRequest(dp, 0, ofp.OFPP_NONE, table, everything))
    length, found, sec, nsec, got_prio, got_idle, got_hard, match_len, age, _, got_cookie, packets, \
        byte_count = struct.unpack_from("!HBxIIHHHHHHQQQ", reply.raw, 24)
    expect((length, found, sec, nsec), (len(reply.raw) - 24, table) + m.duration(cookie), "flow")
    expect((got_cookie, got_prio, got_idle, got_hard, age), (cookie, prio, idle, hard, 2), "flow")
    expect((packets, byte_count), counters(peer, cookie), "counters")
    expect(tlvs(reply.raw[72:72 + match_len]), nxm(rule), "match")
    found = parse_all(p.OFPAction.parser, reply.raw[72 + (match_len + 7) // 8 * 8:])
    expect(plain(found), rnd.plain_actions(actions), "actions")
    a = peer.one(p.NXAggregateStatsRequest(dp, 0, ofp.OFPP_NONE, table, everything)).body
    a = a[0] if isinstance(a, list) else a
    expect((a.packet_count, a.byte_count, a.flow_count), counters(peer, cookie) + (1,), "aggregate")
    removed = peer.one(p.NXTFlowMod(dp, 0, table << 8 | ofp.OFPFC_DELETE_STRICT, priority=prio,
                                    rule=rule))
    reason = m.number(EVENT, cookie) % 6
    got = struct.unpack_from("!QHBBIIHHQQ", removed.raw, 16)
    expect(got[:4], (cookie, prio, reason if reason < 3 else 2, table + 1), "removed")
    expect(got[4:7] + got[8:], m.duration(cookie) + (idle,) + counters(peer, cookie), "removed")
    expect(tlvs(removed.raw[56:56 + got[7]]), nxm(rule), "removed match")
    peer.none(p.NXTSetFlowFormat(dp, ofp.NXFF_OPENFLOW10))
    peer.none(p.NXTFlowModTableId(dp, 0))


def nx_stats(peer, subtype, body=b""):
    """What the answer to one of Nicira's requests of 1.0 has behind its header."""
    answer, = peer.raw_answers(Raw(peer, 16, struct.pack("!HHIIxxxx", 0xffff, 0, NICIRA, subtype) +
                                   body))
    expect(struct.unpack_from("!HHII", answer, 8), (0xffff, 0, NICIRA, subtype), "answer")
    return answer[24:]


def trip_nx_groups(peer, rnd):
    """In 1.5's form, with the actions of 1.0."""
    m, number, kind = peer.mirror, rnd.rng.randrange(64), rnd.rng.randrange(4)
    buckets = b""
    for i in range(rnd.rng.randrange(6)):
        actions = bytes(serialized(rnd.actions()))
        props = struct.pack("!HHH2x", 0, 8, rnd.bits(16)) if kind == 1 else b""
        props += struct.pack("!HHIHHI", 1, 8, rnd.bits(31), 2, 8, rnd.bits(31))
        buckets += struct.pack("!HHI", 8 + len(actions) + len(props), len(actions), i * 7)
        buckets += actions + props
    head = struct.pack("!BxI", kind, number) + struct.pack("!HxxI", len(buckets), 0xffffffff)
    peer.none(nicira(peer, 31, struct.pack("!H", 0) + head + buckets))
    desc = nx_stats(peer, 8, struct.pack("!Ixxxx", rnd.rng.choice((number, 0xfffffffc))))
    length, got_kind, got_number, size = struct.unpack_from("!HBxIH", desc)
    expect((length, got_kind, got_number, size), (16 + size, kind, number, len(desc) - 16), "group")
    expect(desc[16:], buckets, "buckets")
    stats = nx_stats(peer, 7, struct.pack("!Ixxxx", number))
    expect(struct.unpack_from("!HxxIIxxxxQQ", stats), (
        len(stats), number, m.number(COUNT, number) & 0xffffffff) + counters(peer, number),
        "statistics of a group")
    types, _, *most = struct.unpack("!II4I4I", nx_stats(peer, 9))
    expect((types, most[4:]), (15, [0xfff] * 4), "features")
    peer.none(nicira(peer, 31, struct.pack("!HBxIHxxI", 2, 0, 0xfffffffc, 0, 0xffffffff)))
    expect(nx_stats(peer, 8, struct.pack("!Ixxxx", 0xfffffffc)), b"", "groups that are left")


# ---- packet-ins and what comes back of them ----

def properties(data):
    """By type, without their padding."""
    found = {}
    while data:
        what, length = struct.unpack_from("!HH", data)
        found[what] = data[4:length]
        data = data[(length + 7) // 8 * 8:]
    return found


def set_format(peer, number):
    if peer.version == 1:
        return peer.p.NXTSetPacketInFormat(peer.dp, number)
    return peer.p.NXTSetPacketInFormatMsg(peer.dp, number)


def check_nxt_packet_in(peer, _rnd, want, raw):
    v, total, reason, table, cookie, length = struct.unpack_from("!IHBBQH", raw, 16)
    expect((v, total, reason, table, cookie),
           (0xffffffff, want.total, want.reason, want.table, want.cookie), "Nicira's packet-in")
    fields, end = raw[40:40 + length], 40 + (length + 7) // 8 * 8 + 2
    expect(tlvs(fields)[0x00012008], want.nxm[0x00012008], "tunnel id")
    expect(tlvs(fields)[0x00010004], want.nxm[0x00010004], "register")
    expect(raw[end:], want.data, "packet")


def check_packet_in2(peer, rnd, want, raw):
    props = properties(raw[16:])
    expect((props[0], props[3][0], props[5][0]), (want.data, want.table, want.reason), "packet-in2")
    expect(struct.unpack_from("!Q", props[4], 4)[0], want.cookie, "cookie")
    expect(props.get(7, b""), want.userdata, "userdata")
    if want.total > len(want.data):
        expect(struct.unpack_from("!I", props[1])[0], want.total, "full length")
    fields = tlvs(props[6])
    expect(fields[0x00010004], want.nxm[0x00010004], "register")
    if peer.version > 1:
        expect(fields, want.oxm, "fields")
    if not want.continuation:
        return
    expect(properties(props[8][4:])[0x5c1c], want.continuation, "continuation")
    # It comes back with another packet.
    packet = rnd.bytes(1 + len(want.data))
    body = b""
    for what, value in ((0, packet), (6, props[6]), (8, props[8])):
        body += struct.pack("!HH", what, 4 + len(value)) + value
        body += bytes(-len(body) % 8)
    peer.none(nicira(peer, 28, body))
    what, data, continuation, oxms = peer.mirror.report()
    expect((what, data, continuation), ("resume", packet, want.continuation), "resume")
    expect(tlvs(oxms)[0x80004c08], want.oxm[0x80004c08], "fields that came back")


def trip_packet_ins(peer, rnd):
    for number, subtype, check in ((1, 17, check_nxt_packet_in), (2, 30, check_packet_in2)):
        peer.none(set_format(peer, number))
        n = rnd.bits(20)
        want, got = PacketIn(peer, n), peer.event("packet-in %d" % n)
        expect(kind(got.raw), (peer.version, "experimenter", NICIRA, subtype), "form")
        check(peer, rnd, want, got.raw)
    peer.none(set_format(peer, 0))


def trip_controller_id(peer, rnd):
    """Packet-ins for controller 0 go to those that call themselves so."""
    for number in rnd.bits(15) + 1, 0:
        if peer.version == 1:
            peer.none(peer.p.NXTSetControllerId(peer.dp, number))
        else:
            peer.none(nicira(peer, 20, struct.pack("!6xH", number)))
        if not number:
            continue
        n = rnd.bits(20)
        peer.mirror.event("packet-in %d" % n)
        status = peer.event("port-status %d" % n)
        expect(status.msg_type, 12, "what comes to another controller")
    n = rnd.bits(20)
    expect(peer.event("packet-in %d" % n).msg_type, 10, "what comes to controller 0")


def trip_flow_age(peer, rnd):
    peer.none(nicira(peer, 18))
    # IPFIX exports nothing: its statistics are refused.
    for subtype in 3, 4:
        head = struct.pack("!HH", 0xffff, 0) + (b"" if peer.version == 1 else bytes(4))
        body = head + struct.pack("!II", NICIRA, subtype)
        answer, = peer.raw_answers(Raw(peer, 16 if peer.version == 1 else 18, body))
        expect(answer[1], 1, "answer to IPFIX statistics")


# ---- the TLV table ----

def trip_tlv(peer, rnd):
    maps = [(rnd.bits(16), rnd.bits(8), 4 * rnd.rng.randrange(1, 6), index)
            for index in rnd.rng.sample(range(64), 6)]

    def mod(command, some):
        body = struct.pack("!H6x", command) + b"".join(struct.pack("!HBBHxx", *x) for x in some)
        peer.none(nicira(peer, 24, body))

    def table():
        reply, = peer.raw_answers(nicira(peer, 25))
        expect(struct.unpack_from("!IIIH10x", reply, 8), (NICIRA, 26, 128, 64), "TLV table")
        return [struct.unpack_from("!HBBHxx", reply, i) for i in range(32, len(reply), 8)]
    mod(0, maps)
    expect(table(), sorted(maps, key=lambda x: x[3]), "mappings")
    mod(1, maps[:2])
    expect(table(), sorted(maps[2:], key=lambda x: x[3]), "mappings that are left")
    mod(2, [])
    expect(table(), [], "mappings of a table that was cleared")


# ---- connections ----

def ct_tuple(rnd, v6, icmp):
    """Properties of a tuple, which bits they set, and what is reported of them."""
    props, has, report = b"", 0, [bytes(16), bytes(16), 0, 0, 0, 0, 0]
    for what in range(7):
        if (icmp and what in (2, 3)) or (not icmp and what > 3) or rnd.often():
            continue
        if what < 2:
            address = rnd.bits(128) | 1 << 127 if v6 else rnd.bits(32)
            value = (address if v6 else address | 0xffff << 32).to_bytes(16, "big")
            report[what] = value if v6 else value[12:] + bytes(12)
        else:
            report[what] = rnd.bits(16 if what < 5 else 8)
            value = struct.pack("!H" if what < 5 else "!B", report[what])
        has |= 0x10 << what
        props += struct.pack("!HH", what, 4 + len(value)) + value
        props += bytes(-len(props) % 8)
    return props, has, report


def trip_ct_flush(peer, rnd):
    v6, proto, zone = rnd.often(), rnd.rng.choice((6, 17, 1)), rnd.bits(16)
    body, has, report = struct.pack("!B7x", proto), 3, []
    for i in range(2):
        props, bits, one = ct_tuple(rnd, v6, proto == 1)
        body += struct.pack("!HH4x", i, 8 + len(props)) + props
        has |= bits << 12 * i | (4 if bits & 0x30 else 0)
        report += one
    body += struct.pack("!HHHxx", 2, 6, zone)
    peer.none(nicira(peer, 32, body))
    expect(peer.mirror.report(), ["ct-flush", has, zone, proto, int(v6 and bool(has & 4))] + report,
           "ct-flush")
    peer.none(nicira(peer, 29, struct.pack("!6xH", zone)))
    expect(peer.mirror.report()[:3], ["ct-flush", 1, zone], "flush of a zone")


# ---- bundles ----

def trip_bundle_features(peer, rnd):
    got = peer.one(peer.p.OFPBundleFeaturesStatsRequest(peer.dp, 0, 0, [])).body
    expect(got.capabilities & 3, 3, "bundles are atomic and ordered")


def trip_bundles(peer, rnd):
    p, ofp, dp, v14 = peer.p, peer.ofp, peer.dp, peer.version >= 5
    control, add = (p.OFPBundleCtrlMsg, p.OFPBundleAddMsg) if v14 else (
        p.ONFBundleCtrlMsg, p.ONFBundleAddMsg)
    number, flags, cookies = rnd.bits(32), rnd.bits(2), [rnd.bits(64) for _ in range(3)]

    def step(what):
        got = peer.one(control(dp, number, what, flags, []))
        expect((got.bundle_id, got.type, got.flags), (number, what + 1, flags), "bundle control")

    def flows():
        describe = p.OFPFlowDescStatsRequest if peer.version >= 6 else p.OFPFlowStatsRequest
        return sorted(f.cookie for f in peer.stats(describe(
            dp, 0, ofp.OFPTT_ALL, ofp.OFPP_ANY, ofp.OFPG_ANY, 0, 0, p.OFPMatch())))
    for last, want in (6, []), (4, sorted(cookies)):
        step(0)
        for priority, cookie in enumerate(cookies):
            inner = p.OFPFlowMod(dp, cookie=cookie, match=rnd.match(), priority=priority,
                                 instructions=rnd.instructions(0))
            peer.none(add(dp, number, flags, inner, []))
        expect(flows(), [], "flows before a bundle's end")
        step(2)
        step(last)
        expect(flows(), want, "flows after a bundle's end")
    peer.none(p.OFPFlowMod(dp, table_id=ofp.OFPTT_ALL, command=ofp.OFPFC_DELETE,
                           out_port=ofp.OFPP_ANY, out_group=ofp.OFPG_ANY))


def trips(version):
    often = [trip_packet_ins, trip_controller_id, trip_tlv, trip_ct_flush]
    return often + ([trip_nx_flows, trip_nx_groups] if version == 1 else [trip_bundles]), [trip_flow_age] + (
        [trip_bundle_features] if version >= 6 else [])
