# SPDX-License-Identifier: Apache-2.0
"""Matches, actions and instructions by chance, in os-ken's classes, and their normal forms."""
import struct


def parse_all(parse, data):
    """What os-ken finds in the bytes, each with a length."""
    found, offset = [], 0
    while offset < len(data):
        one = parse(data, offset)
        found.append(one)
        offset += one.len
    return found


def serialized(things):
    data = bytearray()
    for one in things:
        one.serialize(data, len(data))
    return data


def plain(things):
    return [one.to_jsondict() for one in things]


def normal10(match):
    """1.0's, with one way to say that an address does not matter."""
    wildcards, rest = struct.unpack_from("!I", match)[0], bytes(match[4:])
    for shift in 8, 14:
        if wildcards >> shift & 0x3f > 32:
            wildcards = wildcards & ~(0x3f << shift) | 32 << shift
    return wildcards, rest


class Random:
    def __init__(self, rng, peer):
        self.rng, self.peer, self.p, self.ofp = rng, peer, peer.p, peer.ofp
        self.v10, self.v15 = peer.version == 1, peer.version >= 6

    def bits(self, n):
        return self.rng.getrandbits(n)

    def often(self):
        return self.rng.random() < 0.5

    def bytes(self, n):
        return bytes(self.bits(8) for _ in range(n))

    def mac(self):
        return ":".join("%02x" % self.bits(8) for _ in range(6))

    def ipv4(self):
        return "%d.%d.%d.%d" % tuple(self.bits(8) for _ in range(4))

    def ipv6(self):
        return ":".join("%x" % (self.bits(16) | 1) for _ in range(8))

    def port(self):
        reserved = ("IN_PORT", "NORMAL", "FLOOD", "ALL", "CONTROLLER", "LOCAL")
        if self.often():
            return 1 + self.rng.randrange(0xfeff)
        return getattr(self.ofp, "OFPP_" + self.rng.choice(reserved))

    # ---- matches ----

    def number(self, bits):
        """With a mask at times; what the mask leaves out is 0."""
        value = self.bits(bits)
        if self.often():
            return value
        mask = self.rng.randrange(1, 2 ** bits - 1)
        return value & mask, mask

    def transport(self, m, v6):
        proto = self.rng.choice((6, 17, 132, 58 if v6 else 1))
        m["ip_proto"] = proto
        names = {6: "tcp", 17: "udp", 132: "sctp"}
        if proto in names:
            for end in "src", "dst":
                if self.often():
                    m["%s_%s" % (names[proto], end)] = self.bits(16)
        elif v6:
            m["icmpv6_type"], m["icmpv6_code"] = 135, 0
            m["ipv6_nd_target"], m["ipv6_nd_sll"] = self.ipv6(), self.mac()
        else:
            m["icmpv4_type"], m["icmpv4_code"] = self.bits(8), self.bits(8)

    def network(self, m):
        what = self.rng.choice(("ipv4", "ipv6", "arp", "mpls", "none"))
        if what in ("ipv4", "ipv6"):
            m["eth_type"] = 0x0800 if what == "ipv4" else 0x86dd
            m[what + "_src"], m["ip_dscp"] = getattr(self, what)(), self.bits(6)
            m["ip_ecn"] = self.bits(2)
            if what == "ipv6":
                m["ipv6_flabel"] = self.number(20)
            self.transport(m, what == "ipv6")
        elif what == "arp":
            m.update(eth_type=0x0806, arp_op=self.bits(8), arp_spa=self.ipv4(),
                     arp_tpa=self.ipv4(), arp_sha=self.mac(), arp_tha=self.mac())
        elif what == "mpls":
            m.update(eth_type=0x8847, mpls_label=self.bits(20), mpls_tc=self.bits(3),
                     mpls_bos=self.bits(1))

    def match13(self):
        m = {}
        if self.often():
            m["in_port"] = 1 + self.rng.randrange(0xfeff)
        if self.often():
            m["eth_src"], m["eth_dst"] = self.mac(), self.mac()
        if self.often():
            m["vlan_vid"], m["vlan_pcp"] = 0x1000 | self.bits(12), self.bits(3)
        for name, bits in (("metadata", 64), ("tunnel_id", 64), ("reg3", 32), ("reg7", 32)):
            if self.often():
                m[name] = self.number(bits)
        self.network(m)
        return self.p.OFPMatch(**m)

    def match10(self):
        m = {}
        if self.often():
            m["in_port"] = 1 + self.rng.randrange(0xfeff)
        if self.often():
            m["dl_src"], m["dl_dst"] = self.mac(), self.mac()
        if self.often():
            m["dl_vlan"], m["dl_vlan_pcp"] = self.bits(12), self.bits(3)
        if self.often():
            proto = self.rng.choice((6, 17))
            m.update(dl_type=0x0800, nw_src=self.ipv4(), nw_dst=self.ipv4(),
                     nw_tos=self.bits(6) << 2, nw_proto=proto, tp_src=self.bits(16),
                     tp_dst=self.bits(16))
        return self.p.OFPMatch(**m)

    def match(self):
        return self.match10() if self.v10 else self.match13()

    def plain_match(self, match):
        """As os-ken finds it in bytes, in whatever order the fields are."""
        data = bytearray()
        match.serialize(data, 0)
        if self.v10:
            return normal10(data)
        found = self.p.OFPMatch.parser(bytes(data), 0).to_jsondict()["OFPMatch"]["oxm_fields"]
        return sorted(found, key=str)

    # ---- actions ----

    def action10(self):
        p = self.p
        return self.rng.choice((
            lambda: p.OFPActionOutput(self.port(), 0),
            lambda: p.OFPActionOutput(self.ofp.OFPP_CONTROLLER, self.bits(16)),
            lambda: p.OFPActionVlanVid(self.bits(12)), lambda: p.OFPActionVlanPcp(self.bits(3)),
            p.OFPActionStripVlan, lambda: p.OFPActionSetDlSrc(self.mac()),
            lambda: p.OFPActionSetDlDst(self.mac()), lambda: p.OFPActionSetNwSrc(self.ipv4()),
            lambda: p.OFPActionSetNwDst(self.ipv4()),
            lambda: p.OFPActionSetNwTos(self.bits(6) << 2),
            lambda: p.OFPActionEnqueue(1 + self.bits(8), self.bits(32))))()

    def set_field(self):
        name, value = self.rng.choice((
            ("eth_src", self.mac()), ("eth_dst", self.mac()), ("ipv4_src", self.ipv4()),
            ("ipv6_dst", self.ipv6()), ("ip_dscp", self.bits(6)), ("tcp_dst", self.bits(16)),
            ("udp_src", self.bits(16)), ("mpls_label", self.bits(20)),
            ("vlan_vid", 0x1000 | self.bits(12)), ("tunnel_id", self.bits(64)),
            ("arp_sha", self.mac()), ("metadata", self.bits(64)), ("reg2", self.bits(32))))
        if self.v15 and self.often():
            name, bits = self.rng.choice((("metadata", 64), ("reg4", 32), ("tunnel_id", 64)))
            value = self.number(bits)
        return self.p.OFPActionSetField(**{name: value})

    def action15(self):
        """What 1.5 has instead of an instruction; copy_field's form is not known to os-ken."""
        return self.p.OFPActionMeter(1 + self.bits(8))

    def action13(self):
        p = self.p
        others = (self.action15,) if self.v15 else (
            lambda: p.NXActionRegMove("reg1", "reg2", 8, self.rng.randrange(24),
                                      self.rng.randrange(24)),)
        return self.rng.choice(others + (
            self.set_field, self.set_field,
            lambda: p.OFPActionOutput(self.port(), 0),
            lambda: p.OFPActionOutput(self.ofp.OFPP_CONTROLLER, self.bits(16)),
            lambda: p.OFPActionPushVlan(0x8100), p.OFPActionPopVlan,
            lambda: p.OFPActionPushMpls(0x8847), lambda: p.OFPActionPopMpls(self.bits(16)),
            lambda: p.OFPActionSetMplsTtl(self.bits(8)), p.OFPActionDecMplsTtl,
            lambda: p.OFPActionSetNwTtl(self.bits(8)), p.OFPActionDecNwTtl,
            p.OFPActionCopyTtlIn, p.OFPActionCopyTtlOut,
            lambda: p.OFPActionSetQueue(self.bits(32)), lambda: p.OFPActionGroup(self.bits(31)),
            lambda: p.OFPActionPushPbb(0x88e7), p.OFPActionPopPbb,
            lambda: p.NXActionResubmitTable(1 + self.bits(8), self.bits(7))))()

    def actions(self):
        one = self.action10 if self.v10 else self.action13
        return [one() for _ in range(self.rng.randrange(6))]

    def plain_actions(self, actions):
        return plain(parse_all(self.p.OFPAction.parser, bytes(serialized(actions))))

    # ---- instructions ----

    def instructions(self, table):
        p, ofp, found = self.p, self.ofp, []
        if self.often() and not self.v15:
            found.append(p.OFPInstructionMeter(1 + self.bits(8)))
        if self.often():
            found.append(p.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS,
                                                 self.actions() or [self.set_field()]))
        if self.often():
            found.append(p.OFPInstructionActions(ofp.OFPIT_CLEAR_ACTIONS, []))
        if self.often():
            found.append(p.OFPInstructionActions(ofp.OFPIT_WRITE_ACTIONS,
                                                 self.actions() or [self.set_field()]))
        if self.often():
            mask = 1 + self.bits(63)
            found.append(p.OFPInstructionWriteMetadata(self.bits(64) & mask, mask))
        if self.often():
            found.append(p.OFPInstructionGotoTable(self.rng.randrange(table + 1, 254)))
        return found

    def plain_instructions(self, instructions):
        found = parse_all(self.p.OFPInstruction.parser, bytes(serialized(instructions)))
        return sorted(plain(found), key=str)


def tlvs(data):
    """Fields of an NXM or OXM match by their headers, of bytes."""
    found = {}
    while data:
        header, length = struct.unpack_from("!I", data)[0], data[3]
        found[header] = bytes(data[4:4 + length])
        data = data[4 + length:]
    return found
