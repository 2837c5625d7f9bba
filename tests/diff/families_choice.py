# SPDX-License-Identifier: Apache-2.0
"""A family of programs in which the switch has a choice: the reference, as right, makes another one,
so that software is what a device is compared with."""
from family import Family


class Choices(Family):
    EXTRA = {
        "multipath of several": r"multipath\([^)]*,[2-8],0,", "bundle hrw": r"bundle\([^)]*hrw",
        "bundle_load hrw": r"bundle_load\([^)]*hrw", "ct nat range": r"nat\(src=[\d.]+-",
        "ct nat ports": r"nat\(src=[\d.]+(-[\d.]+)?:\d+-\d+", "select": r"group:[1-4]",
    }

    def groups(self):
        out = []
        for n in range(1, 5):
            buckets = ["bucket=weight:%d,%sactions=%soutput:%d" % (
                self.pick(1, 2, 10), self.pick("", "watch_port:%d," % self.pick(1, 2, 3)),
                self.pick("", "set_field:02:cc:00:00:00:%02x->eth_dst," % n), 1 + (n + i) % 5)
                for i in range(self.pick(2, 3, 4))]
            out.append("add group_id=%d,type=select,%s" % (n, ",".join(buckets)))
        return out

    def choice(self, how):
        fields = self.pick("eth_src", "symmetric_l4", "symmetric_l3l4", "nw_src", "nw_dst")
        if how == 0:
            return "multipath(%s,%d,%s,4,0,NXM_NX_REG0[0..7]),resubmit(,10)" % (
                fields, self.rng.randrange(9), self.pick("modulo_n", "hash_threshold", "hrw"))
        if how == 1:
            return "bundle(%s,%d,hrw,ofport,members:1,2,3,4)" % (fields, self.rng.randrange(9))
        if how == 2:
            return "bundle_load(%s,%d,hrw,ofport,NXM_NX_REG1[0..15],members:1,2,3,4)," \
                   "output:NXM_NX_REG1[0..15]" % (fields, self.rng.randrange(9))
        return "group:%d" % self.rng.randrange(1, 5)

    def translation(self, port):
        ports = ":2000-60000" if port == 4 else ""
        return "ct(commit,zone=%d,nat(src=10.251.0.%d-10.251.0.%d%s%s)),output:%d" % (
            1 + self.number % 60000, 1 + self.rng.randrange(8), 17 + self.rng.randrange(8), ports,
            self.pick("", ",hash", ",persistent"), self.out())

    def flows(self):
        out = []
        for i in range(8):
            out.append(self.flow(0, 100 + i, self.pick(
                "ip,nw_src=%s" % self.v4[i % 6], "tcp,tp_dst=%d" % self.ports[i % 6],
                "in_port=%d" % (1 + i % 3), "ipv6,ipv6_dst=%s" % self.v6[i % 6]), self.choice(i % 4)))
        for port in (4, 5):
            out.append(self.flow(0, 200 + port, "udp,in_port=%d" % port, self.translation(port)))
        for i in range(4):
            out.append(self.flow(10, 10, "reg0=%d" % i, "output:%d" % (1 + i)))
        out.append(self.flow(0, 1, "", "group:%d" % self.rng.randrange(1, 5)))
        return out
