# SPDX-License-Identifier: Apache-2.0
"""Families of programs about tunnels."""
import frames as fr
from family import Family


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
        out.append(self.flow(0, 122, "in_port=7,tun_dst=172.31.0.1,ip,nw_dst=%s" % self.v4[1],
                             "output:%d" % self.out()))
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


class Overlays(Tunnels):
    """Tunnels over IPv6 (VXLAN), and with options and flags (Geneve)."""
    HALF = False  # options are not for the device
    VXLAN, KINDS = 10, (6, 8, 8)

    def into(self, port):
        acts = ["set_field:0x%x->tun_id" % self.rng.randrange(1, 1 << 24)]
        if port == 8:
            acts.append("set_field:172.31.0.%d->tun_dst" % self.pick(2, 3))
            if self.chance(70):
                acts.append("set_field:0x%x->tun_metadata0" % self.rng.randrange(1 << 32))
        if port == 11 and self.chance(70):
            acts.append("set_field:0x%x->tun_gbp_id" % self.rng.randrange(1 << 16))
        return acts + ["output:%d" % port]

    def flows(self):
        self.ids = [self.rng.randrange(1, 1 << 24) for _ in range(3)]
        self.options = [self.rng.randrange(1 << 32) for _ in range(3)]
        self.policies = [self.rng.randrange(1 << 16) for _ in range(3)]
        out = []
        for i in range(8):
            acts = self.into(self.pick(8, self.VXLAN))
            if self.chance(30):
                acts += self.into(self.pick(7, 8, self.VXLAN))
            if self.chance(40):
                acts.append("output:%d" % self.out())
            out.append(self.flow(0, 50 + i, self.pick(
                "in_port=%d,ip" % (1 + i % 5), "tcp,tp_dst=%d" % self.ports[i % 6],
                "ip,nw_dst=%s" % self.v4[i % 6], "ipv6,ipv6_dst=%s" % self.v6[i % 6]),
                ",".join(acts)))
        for i, number in enumerate(self.ids):
            out.append(self.flow(0, 100 + i, "in_port=10,tun_id=0x%x%s" % (
                number, (",tun_ipv6_src=fd31::2", ",tun_ipv6_dst=fd31::1")[i % 2]), "output:%d" % self.out()))
            out.append(self.flow(0, 110 + i, "in_port=8,tun_metadata0=0x%x" % self.options[i],
                                 "output:%d" % self.out()))
            out.append(self.flow(0, 120 + i, "in_port=11,tun_gbp_id=0x%x" % self.policies[i],
                                 "output:%d" % self.out()))
        out.append(self.flow(0, 130, "in_port=8,tun_flags=+oam", "output:%d" % self.out()))
        out.append(self.flow(0, 95, "in_port=8,tun_flags=-oam,ip", "output:%d" % self.out()))
        for port in (8, 10, 11):
            out.append(self.flow(0, 90, "in_port=%d" % port, "output:%d" % self.out()))
        out.append(self.flow(0, 1, "", "output:%d" % self.pick(1, 2)))
        return out

    def any_packet(self):
        port, frame = Family.any_packet(self)
        if self.chance(35):
            return port, frame
        number = self.rng.choice(self.ids).to_bytes(3, "big") + b"\0"
        kind, peer = self.pick(*self.KINDS), self.pick(2, 3)
        src, dst, outer, summed = "172.31.0.%d" % peer, "172.31.0.1", 4789, False
        head = b"\x08\0\0\0" + number
        if kind == 6:
            peer, src, dst, summed = 2, "fd31::2", "fd31::1", True
        elif kind == 11:
            peer, src, outer = 2, "172.31.0.2", 4790
            head = b"\x88\0" + self.rng.choice(self.policies).to_bytes(2, "big") + number
        else:
            option = b"\x01\x02\x05\x01" + self.rng.choice(self.options).to_bytes(4, "big") \
                if self.chance(60) else b""
            outer = 6081
            head = bytes((len(option) // 4, self.pick(0, 0, 0x80))) + b"\x65\x58" + number + option
        segment = fr.udp(src, dst, 50000 + self.rng.randrange(99), outer, head + frame,
                         summed=summed)
        return 7, fr.ip_frame(src, dst, 17, segment, "02:00:00:00:01:01",
                              "02:00:00:00:01:%02x" % peer)


class Policies(Overlays):
    """Group policies of VXLAN, which the reference's datapath does not write."""
    HALF = True
    VXLAN, KINDS = 11, (11,)
    EXTRA = {"tun_gbp_id": r"tun_gbp_id=", "tun_gbp_id set": r"->(tun_gbp_id|NXM_NX_TUN_GBP_ID)"}
