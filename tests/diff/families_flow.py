# SPDX-License-Identifier: Apache-2.0
"""Families of programs about what actions do to packets and to flows."""
import frames as fr
from family import Family


class Registers(Family):
    """Registers, moves, the stack, resubmits and what sends in their ways."""
    TABLES = (0, 10, 20)
    TTL = (64, 64, 1, 2, 255)
    AGAIN = 3

    def subfield(self, width=None):
        reg = self.rng.randrange(8)
        n = width or self.pick(1, 4, 8, 16, 32)
        low = self.rng.randrange(0, 33 - n)
        return "NXM_NX_REG%d[%s]" % (reg, "%d..%d" % (low, low + n - 1) if n < 32 else ""), n

    def step(self, kind, depth):
        r = self.rng
        how = r.randrange(25)
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
        if how == 14:
            # Who pauses in an inner table is told by the reference as who began.
            return ["controller(max_len=65535,reason=%s%s)" % (
                self.pick("action", "no_match"), self.pick(
                    "", "", ",userdata=01.02.03",
                    ",pause" if depth == len(self.TABLES) - 1 else ",userdata=04"))]
        if how == 18 and kind:
            return ["dec_ttl(0,7)"]
        if how == 19:
            return [self.pick("multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG2[0..7])",
                              "multipath(symmetric_l4,7,hrw,1,0,NXM_NX_REG5[4..9])",
                              "bundle_load(eth_src,9,active_backup,ofport,NXM_NX_REG3[0..15],"
                              "members:%d,%d)" % tuple(r.sample(range(1, 6), 2)))]
        if how == 20 and kind == "tcp":
            return ["fin_timeout(idle_timeout=%d,hard_timeout=%d)" % (
                r.randrange(200, 300), r.randrange(200, 300))]
        if how == 15:
            return ["set_field:0x%x/0xff00->reg%d" % (r.randrange(256) << 8, r.randrange(8))]
        if how in (16, 21):  # parts of headers
            return ["set_field:00:00:00:00:%02x:00/00:00:00:00:ff:00->eth_%s" % (
                r.randrange(256), self.pick("src", "dst")) if kind not in ("ip", "tcp", "udp")
                or self.chance(30) else "set_field:0.0.0.%d/0.0.0.255->ip_%s" % (
                    r.randrange(256), self.pick("src", "dst")) if kind == "ip" or self.chance(50)
                else "set_field:0x%x/0xff->%s_%s" % (
                    r.randrange(256), kind, self.pick("src", "dst"))]
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
                timeouts = ",idle_timeout=500,hard_timeout=600" if kind == "tcp" else ""
                out.append(self.flow(table, self.priority, match + timeouts,
                                     self.actions(kind, depth)))
        return out

    def any_packet(self, **kw):
        kw.setdefault("flags", self.pick(0x18, 0x18, 0x11, 0x14))
        return super().any_packet(**kw)

    def seldom(self):
        """What else would be met too seldom: each in a flow of its own."""
        rare = (
            ("", "controller(max_len=65535,userdata=01.02.03.%02x)" % self.rng.randrange(256)),
            ("", "controller(max_len=65535,pause)"),
            ("ip,", "dec_ttl(0,7)"),
            ("", "push:NXM_OF_ETH_DST[],pop:NXM_NX_XXREG1[0..47],multipath(symmetric_l4,7,hrw,1,0,NXM_NX_REG5[4..9]),bundle_load(eth_src,9,"
             "active_backup,ofport,NXM_NX_REG3[0..15],members:%d,%d)" % tuple(
                 self.rng.sample(range(1, 6), 2))),
            ("tcp,idle_timeout=500,hard_timeout=600,", "fin_timeout(idle_timeout=%d)" %
             self.rng.randrange(200, 300)),
            ("ip,", "set_field:0.0.0.%d/0.0.0.255->ip_%s,set_field:00:00:00:00:%02x:00/"
             "00:00:00:00:ff:00->eth_src" % (self.rng.randrange(256), self.pick("src", "dst"),
                                             self.rng.randrange(256))))
        return [self.flow(0, 300 + i, "%sdl_src=%s%s" % (
            match, self.macs[i], "" if i == 4 else ",in_port=%d" % (1 + (i + self.number) % 6)),
            "%s,resubmit(,10),output:%d" % (acts, self.out()))
            for i, (match, acts) in enumerate(rare)]

    def flows(self):
        out = self.some(self.TABLES, 5, 9) + self.seldom()
        for i, table in enumerate(self.TABLES):
            out.append(self.flow(table, 1, "", self.actions("", len(self.TABLES) - 1 - i)))
        return out

    def more_flows(self):
        return self.some(self.TABLES, 1, 2)


class Nested(Registers):
    """Clones, checks of the length, outputs that cut."""
    CUTS = (64, 100, 128)
    AGAIN = 2

    def seldom(self):
        return []

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
        total = self.pick(64, 80, 81, 90, 100, 110, 120, 121, 128, 140, 150, 151, 200)
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
                label, self.pick("", ",mpls_tc=%d" % self.entry[label][0],
                                   ",mpls_ttl=%d" % self.entry[label][1])) + (
                    ",mpls_bos=%d" % (how != 4 if how in (0, 4, 5) else self.rng.randrange(2))),
                ",".join(act + ["output:%d" % self.out()])))
        for i, v4 in enumerate(self.v4):
            # Open vSwitch takes a first label's traffic class from the DSCP.
            act = ["push_mpls:0x8847", "set_field:%d->mpls_label" % (50 + i),
                   "set_field:%d->mpls_tc" % self.rng.randrange(8)]
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


class Learning(Family):
    """Flows that packets add. The reference follows a learned flow when it next revalidates, so
    nothing in a batch depends on what the same batch teaches."""
    PAUSE_MS = 130
    # What a packet teaches may come before its own megaflow is first revalidated: the reference then
    # credits that packet to what was learned. Counters of learned flows are compared with software's.
    LATE = (0, *range(0x77, 0x90))
    STATEFUL = True
    REPEATS = True  # it teaches nothing new
    AGAIN = 3

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
               # No more than two, and one a batch.
               self.flow(0, 15, "ip,in_port=1",
                         "learn(table=50,limit=2,result_dst=NXM_NX_REG6[0],cookie=0x78,"
                         "eth_type=0x800,NXM_OF_IP_DST[],output:NXM_OF_IN_PORT[]),resubmit(,60)"),
               # The reference counts as if all had been learned.
               self.uncounted_flow(60, 2, "reg6=1", "output:%d" % self.out()),
               self.uncounted_flow(60, 1, "", "output:%d" % self.out()),
               self.flow(0, 15, "ip,in_port=5",
                         "learn(table=52,limit=1,result_dst=NXM_NX_REG6[0],cookie=0x7a,"
                         "eth_type=0x800,NXM_OF_IP_DST[],output:NXM_OF_IN_PORT[]),resubmit(,60)"),
               self.flow(20, 1, "", "output:%d" % self.out())]
        for port in (2, 3, 4):  # what these taught goes with them
            out.append(self.flow(0, 14, "in_port=%d" % port, "learn(table=51,delete_learned,"
                                 "cookie=0x%x,NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),"
                                 "resubmit(,20)" % (0x80 + port)))
        return out

    def more_flows(self):
        return ["delete_strict table=0,priority=14,in_port=%d" % self.pick(2, 3, 4)]

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
    DOWN = (6,)  # not on the device: of those that are nobody tells the link

    def bucket(self, more=""):
        acts = []
        if self.chance(40):
            acts.append("set_field:02:cc:00:00:00:%02x->eth_dst" % self.rng.randrange(1, 9))
        if self.chance(20):
            # Open vSwitch does not take over the priority of a tag that is there.
            acts.append("push_vlan:0x8100,set_field:0x10%02x->vlan_vid,set_field:%d->vlan_pcp" % (
                self.rng.randrange(1, 99), self.rng.randrange(8)))
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
            buckets.insert(0, self.bucket("watch_port:6,"))
        else:
            buckets = [self.bucket("weight:%d," % self.pick(1, 10))]
            if self.chance(50):
                buckets.append(self.bucket("weight:0,"))
        return "%s group_id=%d,type=%s,%s" % (verb, number, kind, ",".join(buckets))

    def groups(self):
        return [self.group(n) for n in range(1, 13)] + [
            "add group_id=20,type=all,bucket=actions=group:1,bucket=actions=output:%d" % self.out()]

    def more_groups(self):
        return [self.group(n, "modify") for n in sorted({2, 8, self.rng.randrange(1, 13)})]

    def flows(self):
        out = []
        # The last ones have the highest priority: those that change with a port are hit then.
        rest = [n for n in list(range(1, 13)) + [20] if n not in (2, 7, 8)]
        used = self.rng.sample(rest, 8) + self.rng.sample((2, 7, 8), 3)
        for i in range(11):
            pre = self.pick("", "set_field:02:dd:00:00:00:01->eth_src,", "load:0x1->NXM_NX_REG0[],")
            post = self.pick("", ",output:%d" % self.out())
            out.append(self.flow(0, 100 + i, self.pick(
                "ip,nw_src=%s" % self.v4[i % 6], "tcp,tp_dst=%d" % self.ports[i % 6],
                "in_port=%d" % (1 + i % 5), "udp,nw_dst=%s" % self.v4[i % 6]),
                "%sgroup:%d%s" % (pre, used[i], post)))
        out.append(self.flow(0, 2, "ipv6", "write_actions(group:%d),goto_table:1" % self.pick(
            1, 2, 8)))
        out.append(self.flow(0, 1, "", "group:%d" % self.pick(1, 2, 4)))
        return out
