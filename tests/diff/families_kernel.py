# SPDX-License-Identifier: Apache-2.0
"""Programs about what the eBPF driver refuses: each kind of its refusals, many times, beside what it
takes. Whatever it refuses the software does in its place."""
from family import Family

MASKS = 165  # more than the driver has room for
STEPS = 64  # that a rule has room for
SOME = 6  # flows of each other kind and port
TABLES = 200  # of these


class Refused(Family):
    HALF = False

    def flows(self):
        out = [self.flow(0, 100, "dl_src=%s" % self.mac(i), "goto_table:%d" % (1 + i))
               for i in range(MASKS)]
        # Each with a mask of its own.
        out += [self.flow(1 + i, 1, "ip,nw_src=%s/%d,nw_dst=%s/%d" % (
            self.v4[0], 8 + i % 13, self.v4[1], 8 + i // 13), "output:%d" % (1 + i % 5))
            for i in range(MASKS)]
        for n, match in enumerate((",ct_label=0x0", "")):
            out.append(self.flow(0, 100, "dl_src=" + self.mac(MASKS + n), "goto_table:%d" % (
                TABLES + n)))
            for port in range(1, 6):
                out += [self.flow(TABLES + n, 1, "in_port=%d,udp,tp_dst=%d%s" % (
                    port, self.dport(i), match), self.long(i) if n else "output:%d" % self.out())
                    for i in range(SOME)]
        out.append(self.flow(0, 1, "", "output:%d" % self.out()))
        return out

    def mac(self, i):
        return "02:ee:00:00:00:%02x" % i

    @staticmethod
    def dport(i):
        return 7000 + i

    def out(self):
        return self.rng.randrange(1, 6)

    @staticmethod
    def long(i):
        """As many steps as there is room for, or more. Nothing goes out where it came in."""
        outputs = STEPS // 2 if i % 3 == 0 else STEPS * 2 // 3
        return ",".join("set_field:02:cc:00:00:%02x:%02x->eth_src,output:%d" % (i, n, 1 + n % 5)
                        for n in range(outputs))

    def packets(self, phase, rounds):
        out = []
        for i in range(MASKS):
            self.macs[0] = self.mac(i)
            out.append((self.pick(1, 2, 3, 4, 5), self.udp(self.v4[0], self.v4[1])))
        for n in range(2):
            self.macs[0] = self.mac(MASKS + n)
            out += [(port, self.udp(self.v4[2], self.v4[3], dport=self.dport(i)))
                    for port in range(1, 6) for i in range(SOME)]
        return [out[n:n + 10] for n in range(0, len(out), 10)]
