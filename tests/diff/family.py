# SPDX-License-Identifier: Apache-2.0
"""Families of random programs for test_model.py: each about one part of the datapath model.

A family makes flows as ovs-ofctl reads them and packets in batches; the switches settle between
two batches, so that what one packet leaves behind (a connection, a learned flow) is there for the
next. Programs stay within what is defined, or else two right switches would differ.
"""
import frames as fr

FENCE = "table=0,priority=65535,cookie=0xfe,dl_type=0x88b6,actions=CONTROLLER:65535"

# What has to occur in flows that packets hit, as ovs-ofctl prints it.
ACTIONS = {
    "part of a header": r"load:\w+->NXM_OF_(ETH|IP|TCP|UDP)",
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
    "conjunction": r"conj_id=", "group": r"group:\d", "ct_tp_src": r"ct_tp_src=",
    "ct_nw_proto": r"ct_nw_proto=", "ct_ipv6_src": r"ct_ipv6_src=", "ct_ipv6_dst": r"ct_ipv6_dst=",
    "ct_state snat": r"ct_state=[^, ]*\+snat", "ct_state dnat": r"ct_state=[^, ]*\+dnat",
    "ct nat random": r"nat\([^)]*random", "ct nat hash": r"nat\([^)]*hash",
    "ct nat persistent": r"nat\([^)]*persistent", "learn limit": r"limit=",
    "learn delete_learned": r"delete_learned", "dec_ttl ids": r"dec_ttl\(",
    "multipath": r"multipath\(", "bundle_load": r"bundle_load\(",
    "fin_timeout": r"fin_timeout\(", "controller userdata": r"userdata=",
    "controller pause": r"pause", "meter": r"meter:\d",
    "push_mpls": r"push_mpls", "pop_mpls": r"pop_mpls",
    "mpls_label set": r"->(mpls_label|OXM_OF_MPLS_LABEL)",
    "mpls_label": r"mpls_label=", "mpls_tc": r"mpls_tc=", "mpls_bos": r"mpls_bos=",
    "mpls_ttl": r"mpls_ttl=", "dec_mpls_ttl": r"dec_mpls_ttl",
    "set_mpls_ttl": r"set_mpls_ttl", "tun_id set": r"->(tun_id|NXM_NX_TUN_ID)",
    "tun_dst set": r"->(tun_dst|NXM_NX_TUN_IPV4_DST)", "tun_id": r"tun_id=",
    "tun_src": r"tun_src=", "tun_dst": r"tun_dst=\d", "tun_ipv6_src": r"tun_ipv6_src=",
    "tun_ipv6_dst": r"tun_ipv6_dst=", "tun_flags": r"tun_flags=",
    "tun_metadata": r"tun_metadata0=", "tun_metadata set": r"->tun_metadata0",
    "output to a tunnel": r"output:([789]|1[01])\b",
    "fragments": r"nw_frag=",
}

# The same of programs that are not compared with the reference.
ALONE_ACTIONS = {}

GROUP_TYPES = ("group all", "group indirect", "group ff", "group select",
               "group ff, first port down")


class Family:
    """What programs share: hosts, cookies, numbers of packets."""
    PAUSE_MS = 0  # after each batch
    LATE = ()  # cookies of flows that the reference credits at some time near the right one
    PLACED_MS = 100  # in which a device gets the rules of what has been seen
    REPEATS = False  # nevertheless the packets may come again
    AGAIN = 2  # times that a phase's packets are repeated then
    STATEFUL = False  # what a packet leaves behind decides on others
    DOWN = ()  # ports whose link is down in the second phase
    FLUSHES = False  # connections are forgotten before the second phase
    NEEDS_LIBERAL = False  # a device has its connections only while nobody looks at windows
    HALF = True  # at least half of the packets are for the device
    EXTRA = {}  # what else has to occur in these programs, as ACTIONS
    TOS = (0, 0, 0x28, 3)
    TTL = (64, 64, 2, 255)

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

    def uncounted_flow(self, *args):
        """One whose counters are not compared."""
        line = self.flow(*args)
        self.uncounted.add(self.cookie)
        return line

    def rules(self, phase):
        """(groups, flow-mods) of a phase, as lines."""
        if phase:
            return self.more_groups(), self.more_flows()
        return self.groups(), ["add " + FENCE] + self.flows()

    def limits(self):
        """(zone, connections) that it may have."""
        return []

    def meters(self):
        """Meters of both phases, as ovs-ofctl reads them."""
        return []

    def last_flows(self):
        """Flow-mods after the last packets, before what counts is read."""
        return []

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
        if make == self.udp:
            kw.pop("flags", None)
        frame = make(pool[a], pool[b], self.rng.choice(self.ports), self.rng.choice(self.ports),
                     a, b, ttl=self.pick(*self.TTL), tos=self.pick(*self.TOS), **kw)
        return self.pick(1, 2, 3, 4, 5, 6), frame

    def all_packets(self, phase, rounds):
        """Batches; then, if nothing is left behind by packets, a pause (an empty batch) and the same
        packets again, but for their ids: devices have rules for them."""
        before = self.rng.getstate()
        batches = self.packets(phase, rounds)
        if self.STATEFUL and not self.REPEATS:
            return batches
        after = self.rng.getstate()
        batches.append([])
        for _ in range(self.AGAIN):
            self.rng.setstate(before)
            batches += [[p for batch in self.packets(phase, rounds) for p in batch]]
        self.rng.setstate(after)
        return batches

    def packets(self, phase, rounds):
        pool = []
        for _ in range(rounds):
            batch = [self.any_packet() for _ in range(8)]
            pool.append(batch)
        return pool
