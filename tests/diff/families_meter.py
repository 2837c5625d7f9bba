# SPDX-License-Identifier: Apache-2.0
"""Families of programs about meters. Time decides nothing here: a meter lets pass all that comes, or
none of it, since its bucket is too small for a packet. test_meters.py is about rates."""
from family import Family

WIDE = "rate=4000000,burst_size=4000000"  # never in force
SMALL = 300  # bytes of payload: more than the buckets below hold


class Meters(Family):
    METERS = (
        "meter=1,kbps,burst,band=type=drop,rate=1,burst_size=1",
        "meter=2,pktps,burst,band=type=drop," + WIDE,
        # Of the bands that are exceeded the one with the highest rate applies.
        "meter=3,kbps,burst,band=type=drop,rate=1,burst_size=1,type=drop,rate=2,burst_size=2",
        "meter=4,kbps,burst,band=type=drop,rate=2,burst_size=2,type=drop," + WIDE,
        "meter=5,kbps,burst,band=type=drop," + WIDE,
    )
    FEW = (2, 5)  # that let something pass

    def meters(self):
        return list(self.METERS)

    def number_of(self):
        return self.pick(*self.FEW) if self.chance(60) else self.rng.randrange(
            1, len(self.METERS) + 1)

    def flows(self):
        out = []
        for i in range(8):
            pre = self.pick("", "set_field:02:dd:00:00:00:01->eth_src,", "load:0x1->NXM_NX_REG0[],")
            out.append(self.flow(0, 100 + i, self.pick(
                "ip,nw_src=%s" % self.v4[i % 6], "tcp,tp_dst=%d" % self.ports[i % 6],
                "in_port=%d" % (1 + i % 5), "udp,nw_dst=%s" % self.v4[i % 6]),
                "meter:%d,%soutput:%d" % (self.number_of(), pre, self.out())))
        out.append(self.flow(0, 50, "ipv6", "meter:%d,output:%d" % (
            self.number_of(), self.out())))
        out.append(self.flow(0, 1, "", "meter:2,output:%d" % self.out()))
        return out

    # A meter lives in one place with all of its flows: none is of a port that no device has.
    def out(self):
        return self.rng.randrange(1, 6)

    def any_packet(self, **kw):
        port, frame = super().any_packet(**kw)
        return min(port, 5), frame

    def last_flows(self):
        # With its last flow a meter leaves the device: what that counted must not be lost.
        if self.number % 2:
            return ["delete table=0"]
        return ["delete_strict table=0,priority=1", "delete_strict table=0,priority=50,ipv6"]

    def payload(self, least=0, most=120):
        return super().payload(SMALL, SMALL + 200)


class Remarks(Meters):
    """Bands that raise the drop precedence, which the reference has not got in its datapath."""
    METERS = (
        "meter=1,kbps,burst,band=type=dscp_remark,rate=1,burst_size=1,prec_level=1",
        "meter=2,kbps,burst,band=type=dscp_remark,rate=1,burst_size=1,prec_level=2",
        "meter=3,kbps,burst,band=type=drop,rate=1,burst_size=1,"
        "type=dscp_remark,rate=2,burst_size=2,prec_level=1",
        "meter=4,kbps,burst,band=type=dscp_remark,rate=1,burst_size=1,prec_level=1,"
        "type=drop,rate=2,burst_size=2",
    )
    FEW = (1, 2, 3)
    TOS = (0x28, 0x48, 0x68, 0x88, 0x30, 0x50, 0x38, 0, 0xb8, 0x29)
    EXTRA = {"meter of a remark": r"meter:[12]"}
