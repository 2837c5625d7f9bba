# SPDX-License-Identifier: Apache-2.0
"""Families of programs about connections."""
import frames as fr
from connections import connections, data
from family import Family


class Conntrack(Family):
    """Zones, commit, marks and labels."""
    STATEFUL = True
    NAT = False
    NEEDS_LIBERAL = True

    def __init__(self, rng, number):
        super().__init__(rng, number)
        self.zone = rng.randrange(1, 60000)
        self.zone2, self.zone3 = self.zone + 1, self.zone + 2
        self.script = None
        self.FLUSHES = not self.NAT and rng.random() < 0.3
        self.LIMITED = not self.NAT and not self.FLUSHES and rng.random() < 0.4

    def limits(self):
        return [(self.zone3, 2)] if self.LIMITED else []

    def commit(self, proto):
        parts = ["commit"]
        if self.chance(35):
            parts.append("force")
        if self.chance(50):
            pre = "load:0x%x->NXM_NX_REG3[0..15]," % self.zone
            parts.append("zone=NXM_NX_REG3[0..15]")
        else:
            pre = ""
            parts.append("zone=%d" % self.zone)
        ex = []
        if self.chance(60):
            ex.append("set_field:0x%x->ct_mark" % self.pick(1, 2, 5))
        if self.chance(55):
            ex.append("set_field:0x%x->ct_label" % self.pick(1, 0x10, 0x700000000))
        if ex:
            parts.append("exec(%s)" % ",".join(ex))
        return pre + "ct(%s)" % ",".join(parts)

    def track(self, table, zone):
        return "ct(table=%d,zone=%d)" % (table, zone)

    def flows(self):
        # Registers go with the packet.
        out = [self.flow(0, 10, "ct_state=-trk,ip", "load:0x1->NXM_NX_REG5[]," +
                         self.track(1, self.zone)),
               self.flow(0, 10, "ct_state=-trk,ipv6", "load:0x2->NXM_NX_REG5[]," +
                         self.track(1, self.zone)),
               self.flow(0, 1, "", "output:%d" % self.out())]
        for l3 in ("ip", "ipv6"):
            out.append(self.flow(1, 100, "ct_state=+new+trk,%s,in_port=1" % l3,
                                 self.commit(l3) + ",output:%d" % self.out()))
            out.append(self.flow(1, 100, "ct_state=+new+trk,%s,in_port=2" % l3,
                                 self.commit(l3) + ",output:%d" % self.out()))
            out.append(self.flow(1, 100, "ct_state=+new+trk,%s,in_port=3" % l3,
                                 "output:%d" % self.out()))
            out.append(self.flow(1, 120, "ct_state=+est+trk+rpl,%s" % l3,
                                 "output:%d" % self.out()))
            out.append(self.flow(1, 110, "ct_state=+est+trk-rpl,%s" % l3, self.pick(
                "output:%d" % self.out(), self.track(2, self.zone2),
                "ct_clear,resubmit(,3)")))
            out.append(self.flow(1, 130, "ct_state=+inv+trk,%s" % l3, self.pick(
                "output:%d" % self.out(), "ct_clear,resubmit(,3)")))
            out.append(self.flow(1, 125, "ct_state=+rel+trk,%s" % l3, "output:%d" % self.out()))
            out.append(self.flow(2, 10, "ct_state=+new+trk,%s" % l3,
                                 "ct(commit,zone=%d),output:%d" % (self.zone2, self.out())))
            out.append(self.flow(2, 9, "ct_state=+trk,%s" % l3, "output:%d" % self.out()))
            out.append(self.flow(3, 9, "ct_state=-trk,%s" % l3, "output:%d" % self.out()))
            out.append(self.flow(1, 108, "ct_state=+est+trk-rpl,%s,in_port=3,reg5=%d" % (
                l3, 1 + (l3 == "ipv6")), "output:%d" % self.out()))
        for i, l3 in enumerate(("ip", "ipv6")):
            for j, mark in enumerate(self.rng.sample((1, 2, 5), 2)):
                out.append(self.flow(1, 175 + 2 * i + j, "ct_state=+est+trk,ct_mark=%d,%s" % (
                    mark, l3), "output:%d" % self.out()))
        for i, label in enumerate(("0x1/0x1", "0x10", "0x700000000")):
            out.append(self.flow(1, 160 + i, "ct_state=+trk+est,ct_label=%s" % label,
                                 "output:%d" % self.out()))
        out.append(self.flow(1, 142, "ct_state=+trk+est,ct_zone=%d,tcp,tp_dst=%d" % (
            self.zone, self.ports[1]), "output:%d" % self.out()))
        out.append(self.flow(1, 143, "ct_state=+trk+est+rpl,ct_nw_src=%s,ip" % self.v4[0],
                             "output:%d" % self.out()))
        self.by_original(out)
        self.limited(out)
        out.append(self.flow(1, 144, "ct_state=+trk+est+rpl,ct_nw_dst=%s,ct_nw_proto=6,"
                             "ct_tp_dst=%d,ip" % (self.v4[1], self.ports[2]),
                             "output:%d" % self.out()))
        return out

    def by_original(self, out):
        """By what the connection began with, or that it is translated."""
        for i, match in enumerate((
                "ct_nw_proto=17,ct_tp_src=%d,ip" % self.rng.randrange(20000, 20014),
                "ct_nw_proto=6,ct_tp_src=%s,ip" % self.pick("0x4e20/0xfffc", "0x4e24/0xfffc"),
                "ct_nw_proto=17,ct_tp_src=%d,ipv6" % self.rng.randrange(20000, 20014),
                "+snat,ip,in_port=1", "+dnat,ip", "+snat,in_port=2",
                "ct_nw_proto=6,ct_ipv6_src=%s,ipv6" % self.v6[0],
                "ct_nw_proto=17,ct_ipv6_dst=%s,ipv6" % self.v6[1],
                "ct_zone=%d,ct_nw_proto=17,ct_tp_dst=%d,ip,in_port=5" % (self.zone, self.ports[2]), "ct_nw_proto=17,ip,in_port=3")):
            if match[0] == "+":
                match = "ct_state=+trk+est%s" % match
                if not self.NAT:
                    continue
            else:
                match = "ct_state=+trk+est,%s" % match
            out.append(self.flow(1, 180 + i, match, "output:%d" % self.out()))

    def limited(self, out):
        """A zone with few connections, which those of one port compete for."""
        if not self.limits():
            return
        out.append(self.flow(1, 101, "ct_state=+new+trk,ip,in_port=2", "ct(commit,zone=%d,table=4)"
                             % self.zone3))
        out.append(self.flow(4, 10, "ct_state=+est+trk,ip", "output:%d" % self.out()))
        out.append(self.flow(4, 9, "ct_state=+new+trk,ip", "output:%d" % self.out()))
        out.append(self.flow(4, 1, "", "output:%d" % self.out()))

    def more_flows(self):
        return [self.flow(1, 150 + i, "ct_state=+est+trk,%s,in_port=%d" % (
            self.pick("ip", "tcp", "udp", "ipv6"), self.rng.randrange(1, 5)),
            "output:%d" % self.out()) for i in range(3)]

    def packets(self, phase, rounds):
        if not self.script:
            self.script, self.living = connections(self, 14)
            if self.limits():  # who comes first is not left to chance
                first = self.script.pop(0)
                self.script = [[p for p in first if p[0] != 2]] + [
                    [p] for p in first if p[0] == 2] + self.script
        half = (len(self.script) + 1) // 2
        if not phase:
            return self.script[:half]
        return self.script[half:] + [[]] + data(self.living)


class Nat(Conntrack):
    """Addresses and ports translated."""
    NAT = True
    EXTRA = {"ICMP errors through NAT": r"ct_state=[^, ]*\+rel"}

    def __init__(self, rng, number):
        super().__init__(rng, number)
        self.dnat = rng.random() < 0.4

    def track(self, table, zone):
        return "ct(table=%d,zone=%d,nat)" % (table, zone)

    def nat_address(self, v6):
        return ("fd77::%x" if v6 else "10.250.0.%d") % (1 + self.number % 200)

    def commit(self, proto):
        v6 = proto == "ipv6"
        address = self.nat_address(v6)
        if self.dnat:
            where = "dst=%s" % (("[%s]:8080" if v6 else "%s:8080") % address
                                if self.number % 2 else address)
        else:
            where = "src=%s" % address
        return "ct(commit,zone=%d,nat(%s%s))" % (
            self.zone, where, (",random", ",hash", ",persistent", "")[(self.cookie + self.number) % 4])

    def flows(self):
        out = []
        for line in super().flows():
            # In the second zone nothing is translated.
            out.append(line.replace("ct(table=2,zone=%d,nat)" % self.zone2,
                                    "ct(table=2,zone=%d)" % self.zone2))
        return out


class Fragments(Conntrack):
    """Datagrams in pieces, through connection tracking and past it."""
    NEEDS_LIBERAL = False
    HALF = False  # connection tracking of fragments is the software's
    EXTRA = {"IPv6 fragments": r"ipv6.*nw_frag=|nw_frag=.*ipv6"}

    def limits(self):
        return []

    def flows(self):
        out = [self.flow(0, 20, "ip,in_port=1", self.track(1, self.zone)),
               self.flow(0, 20, "ip,in_port=2", self.track(1, self.zone)),
               self.flow(0, 10, "ip,nw_frag=first", "output:%d" % self.out()),
               self.flow(0, 11, "ip,nw_frag=later", "output:%d" % self.out()),
               self.flow(0, 12, "udp,tp_dst=%d" % self.ports[1], "output:%d" % self.out()),
               self.flow(0, 20, "ipv6,in_port=1", self.track(1, self.zone)),
               self.flow(0, 10, "ipv6,nw_frag=first", "output:%d" % self.out()),
               self.flow(0, 11, "ipv6,nw_frag=later", "output:%d" % self.out()),
               self.flow(0, 1, "", "output:%d" % self.out()),
               self.flow(1, 20, "ct_state=+trk,ipv6,nw_frag=later", "output:%d" % self.out()),
               self.flow(1, 9, "ct_state=+trk,ipv6", "ct(commit,zone=%d),output:%d" % (
                   self.zone, self.out())),
               self.flow(1, 10, "ct_state=+new+trk,ip", "ct(commit,zone=%d),output:%d" % (
                   self.zone, self.out())),
               self.flow(1, 11, "ct_state=+est+trk,ip", "output:%d" % self.out()),
               self.flow(1, 13, "ct_state=+trk,udp,tp_dst=%d,nw_frag=no" % self.ports[1],
                         "output:%d" % self.out()),
               self.flow(1, 12, "ct_state=+inv+trk,ip", "output:%d" % self.out())]
        return out

    def more_flows(self):
        return []

    def datagram(self):
        """Fragments of one datagram, in order."""
        a, b = self.rng.sample(range(6), 2)
        six = self.chance(35)
        src, dst = (self.v6 if six else self.v4)[a], (self.v6 if six else self.v4)[b]
        n = self.pick(2, 2, 3)
        pieces = [self.payload(1200, 1200) + self.ident() for _ in range(n - 1)]
        pieces[0] = pieces[0][8:]
        pieces[0] = pieces[0][:len(pieces[0]) // 8 * 8 - 8 - 8] + pieces[0][-8:]
        pieces.append(self.payload(0, 200) + self.ident())
        segment = fr.udp(src, dst, self.rng.choice(self.ports), self.ports[self.pick(1, 2)],
                         b"".join(pieces))
        if self.chance(15):  # too small to be honest
            pieces = [p[len(p) - 600:] for p in pieces[:-1]] + pieces[-1:]
            segment = fr.udp(src, dst, self.rng.choice(self.ports), self.ports[self.pick(1, 2)],
                             b"".join(pieces))
        number, out, at = self.rng.randrange(1, 65536), [], 0
        for i, piece in enumerate(pieces):
            size = len(piece) + (8 if not i else 0)
            more = i < n - 1
            out.append(fr.eth(self.macs[b], self.macs[a], 0x86dd if six else 0x0800, (
                fr.ipv6_fragment(src, dst, 17, segment[at:at + size], at, more, number) if six else
                fr.ipv4(src, dst, 17, segment[at:at + size], ident=number,
                        frag=at // 8 | (0x2000 if more else 0)))))
            at += size
        return out

    def packets(self, phase, rounds):
        batches = []
        for _ in range(rounds):
            if self.chance(40):
                batches.append([super(Conntrack, self).any_packet()])
                continue
            parts, port = self.datagram(), self.pick(1, 2, 3, 4)
            if self.chance(30):
                self.rng.shuffle(parts)
            if self.chance(10):
                parts.pop()
            batches.append([(port, part) for part in parts])
        return batches
