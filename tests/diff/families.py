# SPDX-License-Identifier: Apache-2.0
"""Families of random programs for test_model.py: each about one part of the datapath model.

A family makes flows as ovs-ofctl reads them and packets in batches; the switches settle between
two batches, so that what one packet leaves behind (a connection, a learned flow) is there for the
next. Programs stay within what is defined, or else two right switches would differ.
"""
import frames as fr
from connections import connections

FENCE = "table=0,priority=65535,cookie=0xfe,dl_type=0x88b6,actions=CONTROLLER:65535"

# What has to occur in flows that packets hit, as ovs-ofctl prints it.
ACTIONS = {
    "load": r"load:0x", "move": r"move:", "push": r"push:NXM", "pop": r"pop:NXM",
    "resubmit table": r"resubmit\(,\d+\)", "resubmit port": r"resubmit\(\d+,\d+\)",
    "output to a register": r"output:NXM_NX_REG", "note": r"note:", "exit": r"exit",
    "bundle": r"bundle\(", "controller": r"controller\(", "clone": r"clone\(",
    "check_pkt_larger": r"check_pkt_larger", "output cut": r"output\(port=\d+,max_len",
    "ct table": r"ct\(table=", "ct commit": r"ct\(commit", "ct zone": r"zone=\d+",
    "ct zone of a register": r"zone=NXM_NX_REG", "ct nat": r"nat\)|nat,", "ct nat src": r"nat\(src",
    "ct nat dst": r"nat\(dst", "ct force": r"force", "ct_mark set": r"->(NXM_NX_CT_MARK|ct_mark)",
    "ct_label set": r"->(NXM_NX_CT_LABEL|ct_label)", "ct_clear": r"ct_clear",
    "ct_state new": r"ct_state=[^, ]*\+new", "ct_state est": r"ct_state=[^, ]*\+est",
    "ct_state rpl": r"ct_state=[^, ]*\+rpl", "ct_state inv": r"ct_state=[^, ]*\+inv",
    "ct_state rel": r"ct_state=[^, ]*\+rel", "ct_mark": r"ct_mark=[^ ]* actions",
    "ct_label": r"ct_label=[^ ]* actions", "ct_zone": r"ct_zone=", "ct_nw_src": r"ct_nw_src=",
    "ct_nw_dst": r"ct_nw_dst=", "ct_tp_dst": r"ct_tp_dst=", "learn": r"learn\(",
    "conjunction": r"conj_id=", "group": r"group:\d",
    "push_mpls": r"push_mpls", "pop_mpls": r"pop_mpls", "mpls_label set": r"->(mpls_label|OXM_OF_MPLS_LABEL)",
    "mpls_label": r"mpls_label=", "mpls_tc": r"mpls_tc=", "dec_mpls_ttl": r"dec_mpls_ttl",
    "set_mpls_ttl": r"set_mpls_ttl", "tun_id set": r"->(tun_id|NXM_NX_TUN_ID)",
    "tun_dst set": r"->(tun_dst|NXM_NX_TUN_IPV4_DST)", "tun_id": r"tun_id=",
    "tun_src": r"tun_src=", "output to a tunnel": r"output:[789]\b", "fragments": r"nw_frag=",
}


class Family:
    """What programs share: hosts, cookies, numbers of packets."""
    PAUSE_MS = 0  # after each batch
    STATEFUL = False  # what a packet leaves behind decides on others
    TOS = (0, 0, 0x28, 3)

    def __init__(self, rng, number):
        self.rng, self.number = rng, number
        self.cookie, self.seq = 0x100, 0
        self.uncounted = set()  # cookies of flows whose counters are nobody's concern
        net = rng.randrange(1, 250)
        self.macs = ["02:00:00:%02x:00:%02x" % (net, i) for i in range(1, 7)]
        self.v4 = ["10.%d.%d.%d" % (net, rng.randrange(4), rng.randrange(1, 250)) for _ in range(6)]
        self.v6 = ["fd00:%x::%x:%x" % (net, rng.randrange(4), rng.randrange(1, 0xffff))
                   for _ in range(6)]
        self.ports = [rng.randrange(1024, 60000) for _ in range(6)]

    def chance(self, percent):
        return self.rng.random() * 100 < percent

    def pick(self, *options):
        return self.rng.choice(options)

    def out(self):
        """A port to send to."""
        return self.rng.choice((1, 2, 3, 4, 5, 5, 6) if self.chance(15) else (1, 2, 3, 4, 5))

    def flow(self, table, priority, match, actions):
        self.cookie += 1
        return "add table=%d,priority=%d,cookie=0x%x%s,actions=%s" % (
            table, priority, self.cookie, "," + match if match else "", actions)

    def rules(self, phase):
        """(groups, flow-mods) of a phase, as lines."""
        if phase:
            return self.more_groups(), self.more_flows()
        return self.groups(), ["add " + FENCE] + self.flows()

    def groups(self):
        return []

    def more_groups(self):
        return []

    def more_flows(self):
        return []

    def ident(self):
        self.seq += 1
        return fr.ident(self.number, self.seq - 1)

    def payload(self, least=0, most=120):
        return bytes(self.rng.randrange(256) for _ in range(self.rng.randrange(least, most + 1)))

    def udp(self, src, dst, sport=None, dport=None, a=0, b=1, payload=None, **kw):
        """A UDP frame from host a to host b (their MACs)."""
        data = (self.payload() if payload is None else payload) + self.ident()
        segment = fr.udp(src, dst, sport or self.ports[0], dport or self.ports[1], data)
        return fr.ip_frame(src, dst, 17, segment, self.macs[b], self.macs[a], **kw)

    def tcp(self, src, dst, sport=None, dport=None, a=0, b=1, flags=0x18, **kw):
        segment = fr.tcp(src, dst, sport or self.ports[0], dport or self.ports[1], flags,
                         self.payload() + self.ident())
        return fr.ip_frame(src, dst, 6, segment, self.macs[b], self.macs[a], **kw)

    def any_packet(self, **kw):
        """(port, frame) of hosts that the program knows."""
        a, b = self.rng.sample(range(6), 2)
        pool = self.v4 if self.chance(65) else self.v6
        make = self.udp if self.chance(50) else self.tcp
        frame = make(pool[a], pool[b], self.rng.choice(self.ports), self.rng.choice(self.ports),
                     a, b, ttl=self.pick(64, 64, 2, 255), tos=self.pick(*self.TOS), **kw)
        return self.pick(1, 2, 3, 4, 5, 6), frame

    def packets(self, phase, rounds):
        pool = []
        for _ in range(rounds):
            batch = [self.any_packet() for _ in range(8)]
            pool.append(batch)
        return pool


class Registers(Family):
    """Registers, moves, the stack, resubmits and what sends in their ways."""
    TABLES = (0, 10, 20)

    def subfield(self, width=None):
        reg = self.rng.randrange(8)
        n = width or self.pick(1, 4, 8, 16, 32)
        low = self.rng.randrange(0, 33 - n)
        return "NXM_NX_REG%d[%s]" % (reg, "%d..%d" % (low, low + n - 1) if n < 32 else ""), n

    def step(self, kind, depth):
        r = self.rng
        how = r.randrange(18)
        if how < 3:
            sub, n = self.subfield()
            return ["load:0x%x->%s" % (r.randrange(1 << min(n, 8)), sub)]
        if how == 3:
            n = self.pick(4, 8, 16, 32)
            return ["move:%s->%s" % (self.subfield(n)[0], self.subfield(n)[0])]
        if how == 4:
            return [self.pick("move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]",
                              "move:NXM_OF_ETH_DST[0..31]->NXM_NX_REG1[]",
                              "move:NXM_OF_IN_PORT[]->NXM_NX_REG2[0..15]",
                              "move:NXM_OF_ETH_SRC[16..31]->NXM_NX_REG3[8..23]")]
        if how == 5 and kind in ("ip", "tcp", "udp"):
            return [self.pick("move:NXM_OF_IP_SRC[]->NXM_OF_IP_DST[]",
                              "move:NXM_OF_IP_SRC[0..15]->NXM_NX_REG4[16..31]",
                              "move:NXM_NX_REG4[]->NXM_OF_IP_SRC[]")]
        if how == 6 and kind in ("tcp", "udp"):
            up = kind.upper()
            return ["move:NXM_OF_%s_SRC[]->NXM_OF_%s_DST[]" % (up, up)]
        if how == 7:
            return self.pick(
                ["push:NXM_OF_ETH_SRC[]", "push:NXM_OF_ETH_DST[]", "pop:NXM_OF_ETH_SRC[]",
                 "pop:NXM_OF_ETH_DST[]"],
                ["push:NXM_NX_REG0[]", "load:0x7->NXM_NX_REG0[]", "pop:NXM_NX_REG5[]"],
                ["push:NXM_NX_REG1[0..15]", "pop:NXM_NX_REG6[16..31]"])
        if how == 8:
            return ["load:0x%x->NXM_NX_REG7[0..15]" % self.out(), "output:NXM_NX_REG7[0..15]"]
        if how < 11 and depth:
            table = r.choice(self.TABLES[-depth:])
            return ["resubmit(%s,%d)" % ("" if self.chance(60) else self.out(), table)]
        if how == 11:
            return ["note:%02x.%02x" % (r.randrange(256), r.randrange(256))]
        if how == 12:
            return ["exit"]
        if how == 13:
            a, b = r.sample(range(1, 6), 2)
            return ["bundle(eth_src,%d,active_backup,ofport,members:%d,%d)" % (r.randrange(9), a, b)]
        if how in (14, 17):
            return ["controller(max_len=65535,reason=%s)" % self.pick("action", "no_match")]
        if how == 15:
            return ["set_field:0x%x/0xff00->reg%d" % (r.randrange(256) << 8, r.randrange(8))]
        return ["output:%d" % self.out()]

    def actions(self, kind, depth):
        out = []
        for _ in range(self.rng.randrange(1, 5)):
            out += self.step(kind, depth)
        if depth and self.chance(70):
            out.append("resubmit(,%d)" % self.TABLES[len(self.TABLES) - depth])
        if not depth or self.chance(25):
            out.append("output:%d" % self.out())
        return ",".join(out)

    def match(self, table):
        kind = self.pick("", "ip", "tcp", "udp", "ipv6", "")
        parts = [kind] if kind else []
        if table:
            sub = self.rng.randrange(8)
            bits = self.pick(0xff, 0xf, 0xffff, 0x1, 0xff00)
            parts.append("reg%d=0x%x/0x%x" % (sub, self.rng.randrange(256) & bits, bits))
        if self.chance(40):
            parts.append("in_port=%d" % self.rng.randrange(1, 6))
        if kind == "ip" and self.chance(50):
            parts.append("nw_src=%s" % self.rng.choice(self.v4))
        if kind in ("tcp", "udp") and self.chance(50):
            parts.append("tp_dst=%d" % self.rng.choice(self.ports))
        if self.chance(30):
            parts.append("dl_src=%s" % self.rng.choice(self.macs))
        return kind, ",".join(parts)

    def some(self, tables, least, most):
        out = []
        for table in tables:
            depth = len(self.TABLES) - 1 - self.TABLES.index(table)
            for i in range(self.rng.randrange(least, most + 1)):
                kind, match = self.match(table)
                self.priority = getattr(self, "priority", 100) + 1
                out.append(self.flow(table, self.priority, match, self.actions(kind, depth)))
        return out

    def flows(self):
        out = self.some(self.TABLES, 5, 9)
        for i, table in enumerate(self.TABLES):
            out.append(self.flow(table, 1, "", self.actions("", len(self.TABLES) - 1 - i)))
        return out

    def more_flows(self):
        return self.some(self.TABLES, 1, 2)


class Nested(Registers):
    """Clones, checks of the length, outputs that cut."""
    CUTS = (64, 100, 128)

    def step(self, kind, depth):
        how = self.rng.randrange(6)
        if how < 2:
            inner = [self.pick("set_field:02:aa:00:00:00:01->eth_dst", "load:0x3->NXM_NX_REG0[]",
                               "set_field:02:bb:00:00:00:01->eth_src",
                               "load:0x9->NXM_NX_REG1[0..7]")]
            if kind in ("ip", "tcp", "udp") and self.chance(50):
                inner.append("set_field:10.99.0.%d->ip_src" % self.rng.randrange(1, 9))
            if depth and self.chance(40):
                inner.append("resubmit(,%d)" % self.TABLES[len(self.TABLES) - depth])
            inner.append("output:%d" % self.out())
            return ["clone(%s)" % ",".join(inner)]
        if how == 2:
            bit = self.rng.randrange(4)
            return ["check_pkt_larger(%d)->NXM_NX_REG0[%d]" % (self.pick(80, 120, 150), bit)]
        if how == 3:
            return ["output(port=%d,max_len=%d)" % (self.out(), self.rng.choice(self.CUTS))]
        if how == 4:
            return super().step(kind, depth)
        return ["output:%d" % self.out()]

    def match(self, table):
        kind, match = super().match(table)
        if table and self.chance(50):
            bit = 1 << self.rng.randrange(4)
            more = "reg0=0x%x/0x%x" % (self.pick(0, bit), bit)
            match = ",".join(p for p in match.split(",") if p and not p.startswith("reg0"))
            match = match + "," + more if match else more
        return kind, match

    def any_packet(self):
        """The id stands wherever the frame may be cut."""
        ident = self.ident()
        a, b = self.rng.sample(range(6), 2)
        tcp = self.chance(50)
        head = 54 if tcp else 42
        total = self.pick(64, 90, 100, 110, 128, 140, 200)
        body = bytearray(self.rng.randrange(256) for _ in range(max(total - head, 10)))
        body[-8:] = ident
        for cut in self.CUTS:
            if cut < head + len(body) and cut - 8 >= head:
                body[cut - 8 - head:cut - head] = ident
        body[-8:] = ident
        src, dst, sport, dport = self.v4[a], self.v4[b], self.rng.choice(self.ports), \
            self.rng.choice(self.ports)
        segment = fr.tcp(src, dst, sport, dport, 0x18, bytes(body)) if tcp else \
            fr.udp(src, dst, sport, dport, bytes(body))
        return self.pick(1, 2, 3, 4, 5), fr.ip_frame(
            src, dst, 6 if tcp else 17, segment, self.macs[b], self.macs[a])


class Mpls(Family):
    """Label stacks, and what lies below them. All packets of a label have its class and TTL: when it
    writes one part of an entry, the reference writes the rest as its first packet had it."""

    def __init__(self, rng, number):
        super().__init__(rng, number)
        self.entry = {label: (rng.randrange(3), rng.choice((64, 64, 255, 2)))
                      for label in list(range(16, 22)) + [30, 31]}

    def flows(self):
        out = []
        for label in range(16, 22):
            act = []
            how = label % 6
            if how == 0:
                act = ["pop_mpls:0x0800", "resubmit(,10)"]
            elif how == 1:
                act = ["set_field:%d->mpls_label" % self.rng.randrange(100, 200),
                       "set_field:%d->mpls_tc" % self.rng.randrange(8)]
            elif how == 2:
                act = ["dec_mpls_ttl"]
            elif how == 3:
                act = ["set_mpls_ttl(%d)" % self.rng.randrange(2, 200)]
            elif how == 4:
                act = ["pop_mpls:0x8847", "resubmit(,20)"]
            else:
                act = ["pop_mpls:0x0800", "dec_ttl"]
            out.append(self.flow(0, 100 + label, "mpls,mpls_label=%d%s" % (
                label, ",mpls_tc=%d" % self.entry[label][0] if self.chance(50) else "") + (
                    ",mpls_bos=%d" % (how != 4 if how in (0, 4, 5) else self.rng.randrange(2))),
                ",".join(act + ["output:%d" % self.out()])))
        for i, v4 in enumerate(self.v4):
            act = ["push_mpls:0x8847", "set_field:%d->mpls_label" % (50 + i)]
            if self.chance(50):
                act.append("set_field:%d->mpls_tc" % self.rng.randrange(8))
            if self.chance(30):
                act += ["push_mpls:0x8847", "set_field:%d->mpls_label" % (70 + i)]
            if self.chance(20):
                act += ["set_mpls_ttl(%d)" % self.rng.randrange(3, 99)]
            out.append(self.flow(0, 50 + i, "ip,nw_dst=%s" % v4,
                                 ",".join(act + ["output:%d" % self.out()])))
            out.append(self.flow(10, 50 + i, "ip,nw_src=%s" % v4, ",".join(self.rng.sample(
                ["set_field:10.77.0.%d->ip_dst" % i, "dec_ttl", "output:%d" % self.out()], 2)
                + ["output:%d" % self.out()])))
        out.append(self.flow(10, 10, "tcp,tp_dst=%d" % self.ports[0], "output:%d" % self.out()))
        out.append(self.flow(20, 10, "mpls,mpls_label=30", "output:%d" % self.out()))
        out.append(self.flow(20, 9, "mpls", "dec_mpls_ttl,output:%d" % self.out()))
        out.append(self.flow(0, 1, "", "output:%d" % self.out()))
        return out

    def any_packet(self):
        if self.chance(30):
            return super().any_packet()
        a, b = self.rng.sample(range(6), 2)
        labels = [self.rng.randrange(16, 22)]
        if self.chance(35):
            labels.append(self.pick(30, 31))
        labels = [(label,) + self.entry[label] for label in labels]
        make = self.udp if self.chance(50) else self.tcp
        return self.pick(1, 2, 3, 4, 5), make(
            self.v4[a], self.v4[b], self.rng.choice(self.ports), self.rng.choice(self.ports), a, b,
            labels=labels)


class Conntrack(Family):
    """Zones, commit, marks and labels."""
    STATEFUL = True
    NAT = False

    def __init__(self, rng, number):
        super().__init__(rng, number)
        self.zone = rng.randrange(1, 60000)
        self.zone2 = self.zone + 1
        self.script = None

    def commit(self, proto):
        parts = ["commit"]
        if self.chance(15):
            parts.append("force")
        if self.chance(30):
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
        out = [self.flow(0, 10, "ct_state=-trk,ip", self.track(1, self.zone)),
               self.flow(0, 10, "ct_state=-trk,ipv6", self.track(1, self.zone)),
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
            out.append(self.flow(1, 130, "ct_state=+inv+trk,%s" % l3, "output:%d" % self.out()))
            out.append(self.flow(1, 125, "ct_state=+rel+trk,%s" % l3, "output:%d" % self.out()))
            out.append(self.flow(2, 10, "ct_state=+new+trk,%s" % l3,
                                 "ct(commit,zone=%d),output:%d" % (self.zone2, self.out())))
            out.append(self.flow(2, 9, "ct_state=+trk,%s" % l3, "output:%d" % self.out()))
            out.append(self.flow(3, 9, "ct_state=-trk,%s" % l3, "output:%d" % self.out()))
        for i, l3 in enumerate(("ip", "ipv6")):
            for j, mark in enumerate(self.rng.sample((1, 2, 5), 2)):
                out.append(self.flow(1, 145 + 2 * i + j, "ct_state=+est+trk,ct_mark=%d,%s" % (
                    mark, l3), "output:%d" % self.out()))
        for i, label in enumerate(("0x1/0x1", "0x10", "0x700000000")):
            out.append(self.flow(1, 160 + i, "ct_state=+trk+est,ct_label=%s" % label,
                                 "output:%d" % self.out()))
        out.append(self.flow(1, 142, "ct_state=+trk+est,ct_zone=%d,tcp,tp_dst=%d" % (
            self.zone, self.ports[1]), "output:%d" % self.out()))
        out.append(self.flow(1, 143, "ct_state=+trk+est+rpl,ct_nw_src=%s,ip" % self.v4[0],
                             "output:%d" % self.out()))
        out.append(self.flow(1, 144, "ct_state=+trk+est+rpl,ct_nw_dst=%s,ct_nw_proto=6,"
                             "ct_tp_dst=%d,ip" % (self.v4[1], self.ports[2]),
                             "output:%d" % self.out()))
        return out

    def more_flows(self):
        return [self.flow(1, 150 + i, "ct_state=+est+trk,%s,in_port=%d" % (
            self.pick("ip", "tcp", "udp", "ipv6"), self.rng.randrange(1, 5)),
            "output:%d" % self.out()) for i in range(3)]

    def packets(self, phase, rounds):
        if not self.script:
            self.script = connections(self, 14)
        half = (len(self.script) + 1) // 2
        return self.script[:half] if not phase else self.script[half:]


class Nat(Conntrack):
    """Addresses and ports translated."""
    NAT = True

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
        return "ct(commit,zone=%d,nat(%s))" % (self.zone, where)

    def flows(self):
        out = []
        for line in super().flows():
            # In the second zone nothing is translated.
            out.append(line.replace("ct(table=2,zone=%d,nat)" % self.zone2,
                                    "ct(table=2,zone=%d)" % self.zone2))
        return out


class Learning(Family):
    """Flows that packets add. The reference follows a learned flow when it next revalidates, so
    nothing in a batch depends on what the same batch teaches."""
    PAUSE_MS = 130
    STATEFUL = True

    def flows(self):
        out = [self.flow(0, 10, "", "learn(table=10,priority=%d,hard_timeout=600,cookie=0x77,"
                         "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]%s),"
                         "resubmit(,%d)" % (self.pick(5, 100), self.pick(
                             "", ",load:0x5->NXM_NX_REG2[]",
                             ",load:NXM_OF_IN_PORT[]->NXM_NX_REG1[0..15]"), 20)),
               self.flow(0, 20, "udp,tp_dst=%d" % self.ports[0],
                         "learn(table=30,idle_timeout=600,eth_type=0x800,nw_proto=17,"
                         "NXM_OF_IP_SRC[]=NXM_OF_IP_DST[],load:0x%x->NXM_NX_REG0[0..15]),"
                         "output:%d" % (self.out(), self.out())) if self.chance(50) else
               self.flow(0, 20, "udp,tp_dst=%d" % self.ports[0], "resubmit(,10),resubmit(,20)"),
               self.flow(0, 30, "dl_type=0x86dd", "resubmit(,10),output:%d" % self.out()),
               self.flow(0, 40, "tcp,in_port=5", "resubmit(,30),output:%d" % self.out()),
               self.flow(20, 1, "", "output:%d" % self.out())]
        return out

    def packets(self, phase, rounds):
        batches = []
        for i in range(rounds):
            half = self.rng.sample(range(3), 3), self.rng.sample(range(3, 6), 3)
            sources, others = half if i % 2 else half[::-1]
            batch = []
            for a, b in zip(sources, others):
                pool = self.v4 if self.chance(65) else self.v6
                make = self.udp if self.chance(60) else self.tcp
                batch.append((1 + a % 5, make(pool[a], pool[b], None, self.rng.choice(self.ports),
                                              a, b)))
            batches.append(batch)
        return batches


class Conjunction(Family):
    """Matches in several dimensions."""

    def flows(self):
        out = []
        for conj in (1, 2, 3):
            n = self.pick(2, 3)
            priority = 100 * conj
            out.append(self.flow(0, priority, "conj_id=%d,ip" % conj,
                                 "output:%d" % self.out() if self.chance(80) else "drop"))
            dims = [
                lambda: "ip,nw_src=%s" % self.rng.choice(self.v4),
                lambda: "ip,nw_dst=%s" % self.rng.choice(self.v4),
                lambda: "%s,tp_dst=%d" % (self.pick("tcp", "udp"), self.rng.choice(self.ports)),
            ]
            self.rng.shuffle(dims)
            for clause in range(n):
                for match in sorted({dims[clause]() for _ in range(self.rng.randrange(2, 5))}):
                    out.append((priority, match, (conj, clause + 1, n)))
        # One match at one priority is one flow, whatever it is a clause of.
        merged, lines = {}, []
        for entry in out:
            if isinstance(entry, str):
                lines.append(entry)
            else:
                merged.setdefault(entry[:2], []).append("conjunction(%d,%d/%d)" % entry[2])
        for (priority, match), actions in merged.items():
            lines.append(self.flow(0, priority, match, ",".join(actions)))
        # Never the match of a clause: that would hide them from the reference, should the
        # conjunction have no flow of its own.
        for i in range(4):
            lines.append(self.flow(0, self.pick(50, 150, 250, 350) + i, "%s,nw_src=%s,in_port=%d" % (
                self.pick("ip", "tcp"), self.rng.choice(self.v4), self.rng.randrange(1, 6)),
                "output:%d" % self.out()))
        lines.append(self.flow(0, 1, "", "output:%d" % self.out()))
        return lines

    def more_flows(self):
        return [self.flow(0, 200, "ip,nw_dst=%s" % self.rng.choice(self.v4),
                          "conjunction(2,2/2)"),
                "delete_strict table=0,priority=300,conj_id=3,ip"]


class Groups(Family):
    """Groups of every type."""

    def bucket(self, more=""):
        acts = []
        if self.chance(40):
            acts.append("set_field:02:cc:00:00:00:%02x->eth_dst" % self.rng.randrange(1, 9))
        if self.chance(20):
            acts.append("push_vlan:0x8100,set_field:0x10%02x->vlan_vid" % self.rng.randrange(1, 99))
        acts.append("output:%d" % self.out())
        return "bucket=%sactions=%s" % (more, ",".join(acts))

    def group(self, number, verb="add"):
        kind = ("all", "indirect", "ff", "select", "all", "select")[number % 6]
        if kind == "all":
            buckets = [self.bucket() for _ in range(self.rng.randrange(1, 4))]
        elif kind == "indirect":
            buckets = [self.bucket()]
        elif kind == "ff":
            buckets = [self.bucket("watch_port:%d," % self.rng.randrange(1, 6))
                       for _ in range(self.rng.randrange(1, 4))]
        else:
            buckets = [self.bucket("weight:%d," % self.pick(1, 10))]
            if self.chance(50):
                buckets.append(self.bucket("weight:0,"))
        return "%s group_id=%d,type=%s,%s" % (verb, number, kind, ",".join(buckets))

    def groups(self):
        return [self.group(n) for n in range(1, 7)] + [
            "add group_id=10,type=all,bucket=actions=group:1,bucket=actions=output:%d" % self.out()]

    def more_groups(self):
        return [self.group(n, "modify") for n in self.rng.sample(range(1, 7), 2)]

    def flows(self):
        out = []
        for i in range(8):
            pre = self.pick("", "set_field:02:dd:00:00:00:01->eth_src,", "load:0x1->NXM_NX_REG0[],")
            post = self.pick("", ",output:%d" % self.out())
            out.append(self.flow(0, 100 + i, self.pick(
                "ip,nw_src=%s" % self.v4[i % 6], "tcp,tp_dst=%d" % self.ports[i % 6],
                "in_port=%d" % (1 + i % 5), "udp,nw_dst=%s" % self.v4[i % 6]),
                "%sgroup:%d%s" % (pre, self.pick(1, 2, 3, 4, 5, 6, 10), post)))
        out.append(self.flow(0, 2, "ipv6", "write_actions(group:%d),goto_table:1" % self.pick(
            1, 2, 3)))
        out.append(self.flow(0, 1, "", "group:%d" % self.pick(1, 2, 4)))
        return out


class Tunnels(Family):
    """VXLAN and Geneve, in and out. Nothing inside says that it met congestion: RFC 6040 copies that
    to the outer header, where the reference says no more than that it could be said."""
    TOS = (0, 0, 0x28, 2)

    def into(self, port):
        acts = []
        if port != 9:
            acts.append("set_field:0x%x->tun_id" % self.rng.randrange(1, 1 << 24))
        if port == 8:
            acts.append("set_field:172.31.0.%d->tun_dst" % self.pick(2, 3))
        if self.chance(30):
            acts.append("set_field:02:ee:00:00:00:01->eth_dst")
        return acts + ["output:%d" % port]

    def flows(self):
        self.ids = [self.rng.randrange(1, 1 << 24) for _ in range(4)]
        out = []
        for i in range(6):
            acts = self.into(self.pick(7, 8, 9))
            if self.chance(30):
                acts += self.into(self.pick(7, 8, 9))
            if self.chance(40):
                acts.append("output:%d" % self.out())
            out.append(self.flow(0, 50 + i, self.pick(
                "in_port=%d,ip" % (1 + i % 5), "tcp,tp_dst=%d" % self.ports[i % 6],
                "ip,nw_dst=%s" % self.v4[i], "ipv6,ipv6_dst=%s" % self.v6[i]), ",".join(acts)))
        for i, number in enumerate(self.ids):
            out.append(self.flow(0, 100 + i, "in_port=%d,tun_id=0x%x" % (self.pick(7, 8), number),
                                 "output:%d" % self.out()))
        out.append(self.flow(0, 120, "in_port=8,tun_src=172.31.0.3", "output:%d" % self.out()))
        out.append(self.flow(0, 121, "in_port=7,tun_src=172.31.0.2,ip,nw_dst=%s" % self.v4[0],
                             "dec_ttl,output:%d" % self.out()))
        out.append(self.flow(0, 90, "in_port=9", "output:%d" % self.out()))
        out.append(self.flow(0, 80, "in_port=7", "output:%d" % self.pick(1, 9)))
        out.append(self.flow(0, 1, "", "output:%d" % self.pick(1, 2, 7)))
        return out

    def any_packet(self):
        port, frame = super().any_packet()
        if self.chance(45):
            return port, frame
        peer = self.pick(2, 3)
        number = 77 if peer == 3 and self.chance(60) else self.rng.choice(self.ids)
        geneve = self.chance(40)
        head = b"\0\0\x65\x58" + number.to_bytes(3, "big") + b"\0" if geneve else \
            b"\x08\0\0\0" + number.to_bytes(3, "big") + b"\0"
        src, dst = "172.31.0.%d" % peer, "172.31.0.1"
        segment = fr.udp(src, dst, 50000 + self.rng.randrange(99), 6081 if geneve else 4789,
                         head + frame, summed=False)
        return 7, fr.ip_frame(src, dst, 17, segment, "02:00:00:00:01:01",
                              "02:00:00:00:01:%02x" % peer)


class Fragments(Conntrack):
    """Datagrams in pieces, through connection tracking and past it."""

    def flows(self):
        out = [self.flow(0, 20, "ip,in_port=1", self.track(1, self.zone)),
               self.flow(0, 20, "ip,in_port=2", self.track(1, self.zone)),
               self.flow(0, 10, "ip,nw_frag=first", "output:%d" % self.out()),
               self.flow(0, 11, "ip,nw_frag=later", "output:%d" % self.out()),
               self.flow(0, 12, "udp,tp_dst=%d" % self.ports[1], "output:%d" % self.out()),
               self.flow(0, 1, "", "output:%d" % self.out()),
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
        src, dst = self.v4[a], self.v4[b]
        n = self.pick(2, 2, 3)
        pieces = [self.payload(1200, 1200) + self.ident() for _ in range(n - 1)]
        pieces[0] = pieces[0][8:]
        pieces[0] = pieces[0][:len(pieces[0]) // 8 * 8 - 8 - 8] + pieces[0][-8:]
        pieces.append(self.payload(0, 200) + self.ident())
        segment = fr.udp(src, dst, self.rng.choice(self.ports), self.ports[self.pick(1, 2)],
                         b"".join(pieces))
        number, out, at = self.rng.randrange(1, 65536), [], 0
        for i, piece in enumerate(pieces):
            size = len(piece) + (8 if not i else 0)
            out.append(fr.eth(self.macs[b], self.macs[a], 0x0800, fr.ipv4(
                src, dst, 17, segment[at:at + size], ident=number,
                frag=at // 8 | (0x2000 if i < n - 1 else 0))))
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


FAMILIES = (Registers, Conntrack, Groups, Nested, Nat, Conjunction, Mpls, Learning, Tunnels,
            Conntrack, Registers, Nat, Fragments, Nested, Tunnels)
