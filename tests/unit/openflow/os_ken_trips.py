# SPDX-License-Identifier: Apache-2.0
"""Round trips of the standard's messages: each function takes a peer and contents by chance."""
import struct

import os_ken_peer as peer_
from os_ken_peer import EVENT, NICIRA, Peer, Raw, expect, nicira
from os_ken_random import parse_all, plain, tlvs

M32 = 2 ** 32 - 1


def attrs(msg, *names):
    return {name: getattr(msg, name) for name in names}


# ---- the switch as a whole ----

def trip_symmetric(peer, rnd):
    data = rnd.bytes(rnd.rng.randrange(100))
    expect(bytes(peer.one(peer.p.OFPEchoRequest(peer.dp, data)).data), data, "echo")
    peer.none(peer.p.OFPEchoReply(peer.dp, data))
    barrier = peer.one(peer.p.OFPBarrierRequest(peer.dp))
    expect(barrier.msg_type, peer_.barrier_type(peer.version) + 1, "barrier")
    peer.none(peer.p.OFPErrorMsg(peer.dp, 1, 1, data + bytes(8)))


def trip_features(peer, rnd):
    m = peer.mirror
    f = peer.one(peer.p.OFPFeaturesRequest(peer.dp))
    expect((f.datapath_id, f.n_buffers, f.n_tables), (m.number(peer_.DPID, 0), 0, 254), "features")
    if peer.version == 1:
        for port in f.ports.values():
            check_port(peer, port)


def trip_config(peer, rnd):
    flags, length = rnd.rng.choice((0, 1, 3)), rnd.bits(16)
    peer.none(peer.p.OFPSetConfig(peer.dp, flags, length))
    got = peer.one(peer.p.OFPGetConfigRequest(peer.dp))
    expect((got.flags, got.miss_send_len), (flags, length), "config")


def check_port(peer, port):
    """A description, against what both know."""
    m, v10 = peer.mirror, peer.version == 1
    number = port.port_no | 0xffff0000 if v10 and port.port_no > 0xff00 else port.port_no
    n = [m.number(peer_.PORT, number * 16 + i) & 0xffffffff for i in range(10)]
    expect(port.hw_addr, "02:00:00:%02x:%02x:%02x" % (n[0] & 255, n[1] & 255, number & 255), "mac")
    expect(port.name, b"br0" if number == 0xfffffffe else b"p%d" % number, "name")
    expect((port.config, port.state), (n[2] & (0x7f if v10 else 0x65), n[3] & (1 if v10 else M32)),
           "config and state of a port")
    p = port.properties[0] if peer.version >= 5 else port
    want = [x & 0x7f | (x & 0xf800) >> 4 for x in n[4:8]] if v10 else n[4:8]
    expect([p.curr, p.advertised, p.supported, p.peer], want, "features of a port")
    if not v10:
        expect([p.curr_speed, p.max_speed], n[8:], "speeds of a port")


def trip_ports(peer, rnd):
    m, v10 = peer.mirror, peer.version == 1
    if v10:
        answer, = peer.raw_answers(Raw(peer, 16, struct.pack("!HH", 13, 0)))
        ports = [peer.p.OFPPhyPort.parser(answer, 12 + 48 * i) for i in range(3)]
        expect(len(answer), 12 + 3 * 48, "length of port descriptions")
    else:
        ports = peer.stats(peer.p.OFPPortDescStatsRequest(peer.dp, 0))
    expect(len(ports), 3, "ports")
    for port in ports:
        check_port(peer, port)
    names = ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_dropped", "tx_dropped",
             "rx_errors", "tx_errors")
    which = rnd.rng.choice((1, 2, peer.ofp.OFPP_NONE if v10 else peer.ofp.OFPP_ANY))
    found = peer.stats(peer.p.OFPPortStatsRequest(peer.dp, 0, which))
    expect(len(found), 1 if which <= 2 else 3, "ports of statistics")
    for s in found:
        number = s.port_no | 0xffff0000 if v10 and s.port_no > 0xff00 else s.port_no
        want = [m.number(peer_.OTHER, number * 16 + i) for i in range(8)]
        expect([getattr(s, name) for name in names], want, "statistics of a port")
        if not v10:
            expect((s.duration_sec, s.duration_nsec), m.duration(number), "duration of a port")


def trip_port_mod(peer, rnd):
    m, known = peer.mirror, 0x7f if peer.version == 1 else 0x65
    number = rnd.rng.choice((1, 2))
    mac = "02:00:00:%02x:%02x:%02x" % (m.number(peer_.PORT, number * 16) & 255,
                                       m.number(peer_.PORT, number * 16 + 1) & 255, number)
    config, mask = rnd.bits(7) & known, rnd.bits(7) & known
    if peer.version >= 5:
        props = [peer.p.OFPPortModPropEthernet(0, advertise=rnd.bits(16))]
        msg = peer.p.OFPPortMod(peer.dp, number, mac, config, mask, props)
    else:
        msg = peer.p.OFPPortMod(peer.dp, number, mac, config, mask, rnd.bits(10))
    peer.none(msg)
    expect(m.report(), ["port-mod", number, bytes.fromhex(mac.replace(":", "")), config & mask,
                        mask], "port-mod")


def trip_tables(peer, rnd):
    m, v10 = peer.mirror, peer.version == 1
    found = peer.stats(peer.p.OFPTableStatsRequest(peer.dp, 0))
    expect([t.table_id for t in found], list(range(254)), "tables")
    for t in found:
        expect((t.lookup_count, t.matched_count),
               (m.number(peer_.PACKETS, t.table_id), m.number(peer_.BYTES, t.table_id)), "table")
    if v10:
        return
    table, config = rnd.rng.choice((3, 253, 255)), rnd.bits(2)
    more = ([],) if peer.version >= 5 else ()
    peer.none(peer.p.OFPTableMod(peer.dp, table, config, *more))
    features = peer.stats(peer.p.OFPTableFeaturesStatsRequest(peer.dp, 0, []))
    expect([t.table_id for t in features], list(range(254)), "tables of features")
    for t in features:
        props = {p.type: p for p in t.properties}
        expect(list(props[2].table_ids), list(range(t.table_id + 1, 254)), "next tables")
        expect({f.type for f in props[8].oxm_ids} >= {"in_port", "eth_src", "vlan_vid", "tcp_dst"},
               True, "fields of a table")
        expect([i.type for i in props[0].instruction_ids],
               list(range(2 if t.table_id == 253 else 1, 7 if peer.version < 6 else 6)), "instructions of a table")
    if peer.version >= 5:
        desc = peer.stats(peer.p.OFPTableDescStatsRequest(peer.dp, 0))
        expect([(t.table_id, t.config) for t in desc], [(t, 0) for t in range(254)], "descriptions")


def trip_queues(peer, rnd):
    v10, v14 = peer.version == 1, peer.version >= 5
    any_port = peer.ofp.OFPP_ALL if v10 else peer.ofp.OFPP_ANY
    port = rnd.rng.choice((1, 2, any_port))
    expect(peer.stats(peer.p.OFPQueueStatsRequest(peer.dp, 0, port, 0xffffffff)), [], "queues")
    if v14:
        expect(peer.stats(peer.p.OFPQueueDescStatsRequest(peer.dp, 0, port, 0xffffffff)), [],
               "described queues")
        return
    port = rnd.rng.choice((1, 2))
    got = peer.one(peer.p.OFPQueueGetConfigRequest(peer.dp, port))
    expect((got.port, list(got.queues)), (port, []), "config of queues")


def trip_desc(peer, rnd):
    got, = peer.stats(peer.p.OFPDescStatsRequest(peer.dp, 0))
    expect(got.mfr_desc, b"Sluice", "manufacturer")


# ---- flows ----

def counters(peer, cookie):
    m = peer.mirror
    return m.number(peer_.PACKETS, cookie), m.number(peer_.BYTES, cookie)


def trip_flows10(peer, rnd):
    p, ofp, dp = peer.p, peer.ofp, peer.dp
    match, actions, cookie = rnd.match(), rnd.actions(), rnd.bits(64)
    prio, idle, hard = rnd.bits(16), rnd.bits(16), rnd.bits(16)
    everything = p.OFPMatch()
    peer.none(p.OFPFlowMod(dp, match, cookie, ofp.OFPFC_ADD, idle, hard, prio,
                           flags=ofp.OFPFF_SEND_FLOW_REM, actions=actions))
    s, = peer.stats(p.OFPFlowStatsRequest(dp, 0, everything, 255, ofp.OFPP_NONE))
    expect((s.cookie, s.priority, s.idle_timeout, s.hard_timeout, s.packet_count, s.byte_count),
           (cookie, prio, idle, hard) + counters(peer, cookie), "flow")
    expect((s.duration_sec, s.duration_nsec), peer.mirror.duration(cookie), "duration")
    expect(rnd.plain_match(s.match), rnd.plain_match(match), "match")
    expect(rnd.plain_actions(s.actions), rnd.plain_actions(actions), "actions")
    a, = peer.stats(p.OFPAggregateStatsRequest(dp, 0, everything, 255, ofp.OFPP_NONE))
    expect((a.packet_count, a.byte_count, a.flow_count), counters(peer, cookie) + (1,), "aggregate")
    removed = peer.one(p.OFPFlowMod(dp, match, 0, ofp.OFPFC_DELETE))
    reason = peer.mirror.number(EVENT, cookie) % 6
    expect((removed.cookie, removed.priority, removed.idle_timeout, removed.reason,
            removed.packet_count, removed.byte_count),
           (cookie, prio, idle, reason if reason < 3 else 2) + counters(peer, cookie), "removed")
    expect(rnd.plain_match(removed.match), rnd.plain_match(match), "removed match")


def trip_flows13(peer, rnd):
    p, ofp, dp, table = peer.p, peer.ofp, peer.dp, rnd.rng.randrange(253)
    match, instructions, cookie = rnd.match(), rnd.instructions(table), rnd.bits(64)
    want = {"cookie": cookie, "table_id": table, "idle_timeout": rnd.bits(16),
            "hard_timeout": rnd.bits(16), "priority": rnd.bits(16), "flags": rnd.bits(5) | 1}
    if peer.version >= 5:
        want["importance"] = rnd.bits(16)
    peer.none(p.OFPFlowMod(dp, match=match, instructions=instructions, command=ofp.OFPFC_ADD,
                           **want))
    by = (table, ofp.OFPP_ANY, ofp.OFPG_ANY, cookie, 2 ** 64 - 1, p.OFPMatch())
    s, = peer.stats(p.OFPFlowStatsRequest(dp, 0, *by))
    expect(attrs(s, *want), want, "flow")
    expect((s.packet_count, s.byte_count), counters(peer, cookie), "counters")
    expect((s.duration_sec, s.duration_nsec), peer.mirror.duration(cookie), "duration")
    expect(rnd.plain_match(s.match), rnd.plain_match(match), "match")
    expect(rnd.plain_instructions(s.instructions), rnd.plain_instructions(instructions),
           "instructions")
    a, = peer.stats(p.OFPAggregateStatsRequest(dp, 0, *by))
    expect((a.packet_count, a.byte_count, a.flow_count), counters(peer, cookie) + (1,), "aggregate")
    gone = peer.one(p.OFPFlowMod(dp, cookie, 2 ** 64 - 1, table, ofp.OFPFC_DELETE,
                                 out_port=ofp.OFPP_ANY, out_group=ofp.OFPG_ANY))
    reason, last = peer.mirror.number(EVENT, cookie) % 6, 3 if peer.version == 4 else 5
    names = ("cookie", "table_id", "idle_timeout", "hard_timeout", "priority")
    expect(attrs(gone, *names), {n: want[n] for n in names}, "removed")
    expect(gone.reason, reason if reason <= last else 2, "reason")
    expect((gone.packet_count, gone.byte_count), counters(peer, cookie), "removed counters")
    expect(rnd.plain_match(gone.match), rnd.plain_match(match), "removed match")


def flow_stats15(peer, found, cookie, idle=True):
    """1.5 has a list of statistics, which may grow."""
    names = ["duration", "packet_count", "byte_count"] + ["idle_time"] * idle
    expect(sorted(dict(found.items())), sorted(names), "statistics of a flow")
    expect((found["packet_count"], found["byte_count"]), counters(peer, cookie), "counters")
    expect(tuple(found["duration"]), peer.mirror.duration(cookie), "duration")


def trip_flows15(peer, rnd):
    p, ofp, dp, table = peer.p, peer.ofp, peer.dp, rnd.rng.randrange(253)
    match, instructions, cookie = rnd.match(), rnd.instructions(table), rnd.bits(64)
    want = {"cookie": cookie, "table_id": table, "idle_timeout": rnd.bits(16),
            "hard_timeout": rnd.bits(16), "priority": rnd.bits(16), "flags": rnd.bits(5) | 1,
            "importance": rnd.bits(16)}
    peer.none(p.OFPFlowMod(dp, match=match, instructions=instructions, command=ofp.OFPFC_ADD,
                           **want))
    by = (table, ofp.OFPP_ANY, ofp.OFPG_ANY, cookie, 2 ** 64 - 1, p.OFPMatch())
    d, = peer.stats(p.OFPFlowDescStatsRequest(dp, 0, *by))
    expect(attrs(d, *want), want, "description of a flow")
    flow_stats15(peer, d.stats, cookie)
    expect(rnd.plain_match(d.match), rnd.plain_match(match), "match")
    expect(rnd.plain_instructions(d.instructions), rnd.plain_instructions(instructions),
           "instructions")
    s, = peer.stats(p.OFPFlowStatsRequest(dp, 0, *by))
    expect((s.table_id, s.reason, s.priority), (table, 0, want["priority"]), "flow's statistics")
    flow_stats15(peer, s.stats, cookie)
    expect(rnd.plain_match(s.match), rnd.plain_match(match), "match of statistics")
    a, = peer.stats(p.OFPAggregateStatsRequest(dp, 0, *by))
    expect(dict(a.stats.items()), dict(zip(("packet_count", "byte_count", "flow_count"),
                                           counters(peer, cookie) + (1,))), "aggregate")
    gone = peer.one(p.OFPFlowMod(dp, cookie, 2 ** 64 - 1, table, ofp.OFPFC_DELETE,
                                 out_port=ofp.OFPP_ANY, out_group=ofp.OFPG_ANY))
    names = ("cookie", "table_id", "idle_timeout", "hard_timeout", "priority")
    expect(attrs(gone, *names), {n: want[n] for n in names}, "removed")
    expect(gone.reason, peer.mirror.number(EVENT, cookie) % 6, "reason")
    flow_stats15(peer, gone.stats, cookie, idle=False)
    expect(rnd.plain_match(gone.match), rnd.plain_match(match), "removed match")


def trip_flows(peer, rnd):
    by_version = {1: trip_flows10, 6: trip_flows15}
    by_version.get(peer.version, trip_flows13)(peer, rnd)


# ---- groups and meters ----

class Groups:
    """Buckets of a version, and what a mod says of them."""

    def __init__(self, peer, rnd):
        self.peer, self.rnd, self.v15 = peer, rnd, peer.version >= 6

    def bucket(self, number, select):
        p, rnd = self.peer.p, self.rnd
        weight, port, group, actions = rnd.bits(16), rnd.bits(32), rnd.bits(32), rnd.actions()
        if not self.v15:
            return p.OFPBucket(weight, port, group, actions)
        props = [p.OFPGroupBucketPropWatch(type_=1, watch=port),
                 p.OFPGroupBucketPropWatch(type_=2, watch=group)]
        if select:
            props.append(p.OFPGroupBucketPropWeight(type_=0, weight=weight))
        return p.OFPBucket(number, actions, props)

    def plain(self, found):
        plain_actions = self.rnd.plain_actions
        if not self.v15:
            return [(b.weight, b.watch_port, b.watch_group, plain_actions(b.actions))
                    for b in found]
        return [(b.bucket_id, {p.type: getattr(p, "watch" if p.type else "weight")
                               for p in b.properties}, plain_actions(b.actions)) for b in found]

    def mod(self, command, kind, number, buckets, properties=()):
        p, dp = self.peer.p, self.peer.dp
        if not self.v15:
            return p.OFPGroupMod(dp, command, kind, number, buckets)
        return p.OFPGroupMod(dp, command, kind, number, self.peer.ofp.OFPG_BUCKET_ALL, buckets,
                             list(properties))

    def described(self, msg):
        """Groups of a description: os-ken takes a bucket of 1.5 for longer than it is."""
        if not self.v15:
            return self.peer.stats(msg)
        p, found = self.peer.p, []
        for raw in self.peer.raw_answers(msg):
            body = raw[16:]
            while body:
                g = p.OFPGroupDescStats()
                length, g.type, g.group_id, size = struct.unpack_from("!HBxIH", body)
                buckets, rest, offset = body[16:16 + size], body[16 + size:length], 0
                while offset < size:
                    end = offset + struct.unpack_from("!H", buckets, offset)[0]
                    g.buckets.append(p.OFPBucket.parser(buckets[offset:end], 0))
                    offset = end
                g.properties = rest
                found.append(g)
                body = body[length:]
        return found


def trip_groups(peer, rnd):
    p, ofp, dp, m = peer.p, peer.ofp, peer.dp, peer.mirror
    groups = Groups(peer, rnd)
    number, kind = rnd.rng.randrange(64), rnd.rng.randrange(4)
    buckets = [groups.bucket(i * 7, kind == 1) for i in range(rnd.rng.randrange(6))]
    for command in ofp.OFPGC_ADD, ofp.OFPGC_MODIFY:
        peer.none(groups.mod(command, kind, number, buckets))
        d, = groups.described(p.OFPGroupDescStatsRequest(dp, 0))
        expect((d.type, d.group_id, groups.plain(d.buckets)),
               (kind, number, groups.plain(buckets)), "group")
        buckets = buckets[::-1]
    s, = peer.stats(p.OFPGroupStatsRequest(dp, 0, rnd.rng.choice((number, ofp.OFPG_ALL))))
    expect((s.group_id, s.ref_count, s.packet_count, s.byte_count, len(s.bucket_stats)),
           (number, m.number(peer_.COUNT, number) & M32) + counters(peer, number) +
           (len(buckets),), "statistics of a group")
    for i, b in enumerate(s.bucket_stats):
        expect((b.packet_count, b.byte_count),
               (m.number(peer_.OTHER, i), m.number(peer_.OTHER, 256 + i)), "bucket")
    f = peer.one(p.OFPGroupFeaturesStatsRequest(dp, 0)).body
    f = f[0] if isinstance(f, list) else f
    expect((f.types, f.capabilities, len(f.max_groups), len(f.actions)), (15, 15, 4, 4), "features")
    peer.none(groups.mod(ofp.OFPGC_DELETE, 0, ofp.OFPG_ALL, []))
    expect(groups.described(p.OFPGroupDescStatsRequest(dp, 0)), [], "groups that are left")


def trip_meters(peer, rnd):
    p, ofp, dp, m = peer.p, peer.ofp, peer.dp, peer.mirror
    number, flags = rnd.rng.randrange(1, 64), rnd.bits(4)
    v15 = peer.version >= 6
    config = p.OFPMeterDescStatsRequest if v15 else p.OFPMeterConfigStatsRequest
    bands = [p.OFPMeterBandDrop(rnd.bits(32), rnd.bits(32)) if rnd.often() else
             p.OFPMeterBandDscpRemark(rnd.bits(32), rnd.bits(32), rnd.bits(8))
             for _ in range(rnd.rng.randrange(1, 5))]

    def simple(found):
        return [(b.type, b.rate, b.burst_size, getattr(b, "prec_level", 0)) for b in found]
    for command in ofp.OFPMC_ADD, ofp.OFPMC_MODIFY:
        peer.none(p.OFPMeterMod(dp, command, flags, number, bands))
        c, = peer.stats(config(dp, 0, rnd.rng.choice((number, ofp.OFPM_ALL))))
        expect((c.meter_id, c.flags, simple(c.bands)), (number, flags, simple(bands)), "meter")
        bands = bands[::-1]
    s, = peer.stats(p.OFPMeterStatsRequest(dp, 0, number))
    expect((s.meter_id, s.ref_count if v15 else s.flow_count, s.packet_in_count, s.byte_in_count),
           (number, m.number(peer_.COUNT, number) & M32) + counters(peer, number), "statistics")
    for i, b in enumerate(s.band_stats):
        expect((b.packet_band_count, b.byte_band_count),
               (m.number(peer_.OTHER, 1024 + i), m.number(peer_.OTHER, 2048 + i)), "band")
    expect(len(s.band_stats), len(bands), "bands")
    # 1.5's go to a peer that knows Open vSwitch's form of them alone, which is that of 1.3.
    answer, = peer.raw_answers(p.OFPMeterFeaturesStatsRequest(dp, 0))
    _, types, _, most, _ = struct.unpack_from("!IIIBB2x", answer, 16)
    expect((len(answer), most >= 1, types & 2), (32, True, 2), "features of meters")
    peer.none(p.OFPMeterMod(dp, ofp.OFPMC_DELETE, 0, number, []))
    expect(peer.stats(config(dp, 0, ofp.OFPM_ALL)), [], "meters that are left")


# ---- packets and events ----

def trip_packet_out(peer, rnd):
    # os-ken writes over the packet when there are no actions.
    output = peer.p.OFPActionOutput(rnd.port(), 0)
    data, actions = rnd.bytes(rnd.rng.randrange(1, 200)), [output] + rnd.actions()
    port = rnd.bits(7) + 1
    where = peer.p.OFPMatch(in_port=port) if peer.version >= 6 else port
    peer.none(peer.p.OFPPacketOut(peer.dp, 0xffffffff, where, actions, data))
    what, buffer_id, in_port, got, *by_version = peer.mirror.report()
    expect((what, buffer_id, in_port, got), ("packet-out", 0xffffffff, port, data), "packet-out")
    found = parse_all(peer.p.OFPAction.parser, by_version[{1: 0, 6: 2}.get(peer.version, 1)])
    expect(plain(found), rnd.plain_actions(actions), "actions of a packet-out")


class PacketIn:
    """Packet-in `n`, as both know it."""

    def __init__(self, peer, n):
        e = [peer.mirror.number(EVENT, n * 16 + i) for i in range(11)]
        self.reason, self.table, self.cookie = e[0] % 6, e[1] % 254, e[2]
        if peer.version < 5 and self.reason > 2:
            self.reason = 1
        self.in_port, self.metadata = 1 + e[3] % 0xfeff, e[4]
        length, self.total = e[5] % 200, e[5] % 200 + e[8] % 1000
        data = bytes(peer.mirror.number(peer_.DATA, n * 1024 + i) & 255 for i in range(600))
        self.data, self.userdata = data[:length], data[200:200 + e[6] % 200]
        self.continuation = data[400:400 + e[7] % 200]
        # NXM headers of tunnel id, metadata and a register; OXM's where there are
        self.nxm = {0x00012008: struct.pack("!Q", e[9]), 0x00010004: struct.pack("!I", e[10] & M32)}
        port = struct.pack("!I", self.in_port)
        self.oxm = {0x80000004: port, 0x80000408: struct.pack("!Q", e[4]),
                    0x80004c08: struct.pack("!Q", e[9]), 0x00010004: self.nxm[0x00010004]}
        self.nxm[0x00000002] = port[2:]
        self.nxm[0x80000408] = self.oxm[0x80000408]


def trip_packet_in(peer, rnd):
    n = rnd.bits(20)
    want, got = PacketIn(peer, n), peer.event("packet-in %d" % n)
    expect((got.buffer_id, got.total_len, got.reason), (0xffffffff, want.total, want.reason),
           "packet-in")
    expect(bytes(got.data), want.data, "packet")
    if peer.version == 1:
        expect(got.in_port, want.in_port, "port")
        return
    expect((got.table_id, got.cookie), (want.table, want.cookie), "table and cookie")
    length, = struct.unpack_from("!H", got.raw, 26)
    expect(tlvs(got.raw[28:24 + length]), want.oxm, "fields of a packet-in")
    expect((got.match["in_port"], got.match["metadata"]), (want.in_port, want.metadata), "match")


def trip_port_status(peer, rnd):
    n = rnd.bits(20)
    got = peer.event("port-status %d" % n)
    number, reason = (peer.mirror.number(EVENT, n * 16 + i) for i in range(2))
    expect((got.desc.port_no, got.reason), (1 + number % 0xfeff, reason % 3), "port-status")
    check_port(peer, got.desc)


# ---- roles and asynchronous configuration ----

def ask_role(peer, role, generation, short_id):
    """1.5 gives controllers short ids."""
    if peer.version < 6:
        return peer.one(peer.p.OFPRoleRequest(peer.dp, role, generation))
    got = peer.one(peer.p.OFPRoleRequest(peer.dp, role, short_id, generation))
    expect(got.short_id, short_id, "short id")
    return got


def trip_roles(peer, rnd):
    other = Peer(peer.mirror, peer.version)
    short_id = 1 + rnd.bits(15)
    roles = {0: 1, 1: 2, 2: 3}  # Nicira's numbers to the standard's
    for role in rnd.rng.sample(range(3), 3) + [0]:
        got, = peer.raw_answers(nicira(peer, 10, struct.pack("!I", role)))
        expect(struct.unpack("!III", got[8:]), (NICIRA, 11, role), "Nicira's role")
        if peer.version == 1:
            continue
        peer.mirror.generation = generation = getattr(peer.mirror, "generation", 0) + 1
        got = ask_role(peer, roles[role], generation, short_id)
        expect(got.role, roles[role], "role")
        if role:
            expect(got.generation_id, generation, "generation")
    if peer.version >= 5:
        generation = peer.mirror.generation = peer.mirror.generation + 2
        ask_role(peer, 2, generation - 1, short_id)
        ask_role(other, 2, generation, short_id + 1)
        told = peer.parse(peer.read_raw())
        expect((told.role, told.reason, told.generation_id), (3, 0, generation), "role-status")
        ask_role(peer, 1, 0, short_id)
    other.close()


def trip_async(peer, rnd):
    p, dp, v14 = peer.p, peer.dp, peer.version >= 5
    masks = [rnd.bits(32) for _ in range(6)]
    if peer.version == 1:
        masks[2] = 0
        peer.none(p.NXTSetAsyncConfig(dp, masks[:2], masks[2:4], masks[4:]))
        other = Peer(peer.mirror, 1)
        other.event("port-status 1")
        other.close()
        expect(peer.until_barrier(), [], "port-status that is not wanted")
        peer.none(p.NXTSetAsyncConfig(dp, (0x3f, 0), (7, 7), (0x3f, 0)))
        return
    want = masks if v14 else [x & k for x, k in zip(masks, (7, 7, M32, M32, 15, 15))]

    def get():
        a = peer.one(p.OFPGetAsyncRequest(dp))
        if not v14:
            return list(a.packet_in_mask) + list(a.port_status_mask) + list(a.flow_removed_mask)
        by = {x.type: x.mask for x in a.properties}
        return [by[t ^ 1] for t in range(6)]

    def standard(m):
        if v14:
            props = [p.OFPAsyncConfigPropReasons(t ^ 1, 8, m[t]) for t in range(6)]
            return p.OFPSetAsync(dp, props)
        return p.OFPSetAsync(dp, m[:2], m[2:4], m[4:])
    peer.none(standard(masks))
    expect(get(), want, "asynchronous configuration")
    peer.none(nicira(peer, 19, struct.pack("!6I", *masks[::-1])))
    want = masks[::-1] if v14 else [x & k for x, k in zip(masks[::-1], (7, 7, M32, M32, 15, 15))]
    expect(get(), want, "Nicira's asynchronous configuration")
    peer.none(standard([0x3f, 0, 7, 7, 0x3f, 0]))


def trips(version):
    """What is tried often; and once, as there is little by chance in it."""
    often = [trip_symmetric, trip_config, trip_ports, trip_port_mod, trip_queues, trip_flows,
             trip_packet_out, trip_packet_in, trip_port_status, trip_roles, trip_async]
    if version > 1:
        often += [trip_groups, trip_meters]
    return often, [trip_features, trip_desc, trip_tables]
