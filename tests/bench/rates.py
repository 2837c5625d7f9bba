# SPDX-License-Identifier: Apache-2.0
"""Scenarios in packets per second: a source that sends a cycle of packets as fast as they are taken,
one switch, and a sink. Ports: 1 the source, 2 the sink."""
import random
import time

import measure
import peers
import traffic
from traffic import ip

SRC, DST = 1, 2


class Rate(measure.Scenario):
    """A scenario of one kind of traffic; variants differ in their number."""
    unit = "Mpps"
    warm = 1.0  # seconds of traffic before it is measured
    source = sink = "br0"  # bridges where they are ports

    def __init__(self, name, what, sizes, file, flows, target, share=None):
        self.name, self.what, self.sizes = name, what, sizes
        self.file, self.flows = file, flows
        self.target, self.share = target, share

    def variants(self):
        return self.sizes

    def traffic(self, size):
        return [self.file(size)]

    def limit(self, ctx, size):
        return ctx.limit(self.traffic(size)) / 1e6

    def prepare(self, sw, size):
        sw.add_bridge("br0")
        sw.load("br0", self.flows(size))
        sw.dpdk_port("br0", "dst", peers.sink(), DST)

    def file_for(self, sw, size):
        return self.file(size)

    def details(self, sw):
        return {"megaflows": sw.megaflows()}

    def measure(self, ctx, label, size):
        self.file(size).path  # written before the clock runs
        with ctx.switch(label) as sw:
            self.prepare(sw, size)
            sw.dpdk_port(self.source, "src", peers.source(self.file_for(sw, size)), SRC)
            measure.forwarded(sw, self.sink, DST)
            time.sleep(self.warm)
            return {"figure": sw.rate(self.sink, DST, ctx.seconds) / 1e6, **self.details(sw)}


# ---- port ----

def port_flows(_):
    return "in_port=1,actions=output:2\n"


# ---- acl1 ----

def acl_file(n):
    """Destinations and source ports vary within what the one flow matches."""
    return traffic.File("acl-%d" % n, lambda: (
        traffic.udp(dst=ip("10.2.0.0") + i * 7 % 65536, sport=1024 + i // 50, dport=53)
        for i in range(n)))


def acl_flows(_):
    return "priority=100,udp,nw_dst=10.2.0.0/16,tp_dst=53,actions=output:2\n"


# ---- masks: a product of two tables, each with prefixes of growing length ----

def mask_sides(n):
    """n = rows * columns, each at most 40."""
    columns = max(c for c in range(1, 41) if n % c == 0)
    return n // columns, columns


def prefix_value(i, width, first_bits):
    """A value for a prefix of first_bits + i bits; the first bits tell the i apart."""
    rng = random.Random(i)
    length = first_bits + i
    value = (2 * i + 2) << (width - 8) | rng.getrandbits(width - 8)
    mask = ((1 << length) - 1) << (width - length)
    return value & mask, mask, value


def mac_text(number):
    return ":".join("%02x" % b for b in traffic.mac(number))


def mask_flows(n):
    """The packet of row r and column c has matched prefixes of 8 + r and 8 + c bits, and, since
    longer prefixes have lower priority, needed no others: n masks."""
    rows, columns = mask_sides(n)
    for r in range(rows):
        value, mask, _ = prefix_value(r, 48, 8)
        yield "table=0,priority=%d,dl_src=%s/%s,actions=goto_table:1" % (
            1000 - r, mac_text(value), mac_text(mask))
    for c in range(columns):
        value, mask, _ = prefix_value(c, 48, 8)
        yield "table=1,priority=%d,dl_dst=%s/%s,actions=output:2" % (
            1000 - c, mac_text(value), mac_text(mask))


def mask_file(masks, n):
    rows, columns = mask_sides(masks)

    def make():
        for i in range(n):
            kind = i * 7919 % masks
            yield traffic.udp(src=ip("10.1.0.0") + i // 50, sport=1024 + i % 50 * 997,
                              src_mac=prefix_value(kind // columns, 48, 8)[2],
                              dst_mac=prefix_value(kind % columns, 48, 8)[2])
    return traffic.File("masks%d-%d" % (masks, n), make)


# ---- mega100k ----

def host_address(i):
    return ip("10.64.0.0") + i * 21 % (1 << 22)


class Masks(Rate):
    """For the plot: ten thousand microflows that hit so many masks."""
    rounds = 2

    def limit(self, ctx, size):
        return None


class Mega(Rate):
    """As many megaflows as microflows: a host route each. Measured when all are installed; the
    seconds until then count from the moment that the source is there."""
    patience = 75.0  # Open vSwitch lets its limit of megaflows grow by some 2,000 a second
    rounds = 2

    def measure(self, ctx, label, size):
        file = self.file(size)
        file.path
        with ctx.switch(label) as sw:
            self.prepare(sw, size)
            start = time.monotonic()
            sw.dpdk_port("br0", "src", peers.source(file), SRC)
            while sw.megaflows() < size and time.monotonic() - start < self.patience:
                time.sleep(0.02)
            until = time.monotonic() - start
            installed = sw.megaflows()
            rate = sw.rate("br0", DST, ctx.seconds) / 1e6
            return {"figure": rate, "megaflows": installed,
                    "seconds until installed": until if installed >= size else None}


def route_flows(n):
    return ("ip,nw_dst=%d.%d.%d.%d,actions=output:2" % tuple(host_address(i).to_bytes(4, "big"))
            for i in range(n))


def route_file(n):
    return traffic.File("routes-%d" % n, lambda: (
        traffic.udp(dst=host_address(i)) for i in range(n)))


# ---- what flows do to packets ----

def vlan_flows(_):
    return "in_port=1,actions=push_vlan:0x8100,set_field:4196->vlan_vid,output:2\n"


def setfield_flows(_):
    return ("in_port=1,udp,actions=set_field:02:00:00:00:00:0a->eth_src,"
            "set_field:02:00:00:00:00:0b->eth_dst,set_field:10.9.9.9->ip_dst,"
            "set_field:4000->udp_dst,dec_ttl,output:2\n")


def tables8_flows(_):
    return """table=0,in_port=1,actions=goto_table:1
table=1,dl_type=0x0800,actions=goto_table:2
table=2,dl_dst=02:00:00:00:00:02,actions=goto_table:3
table=3,ip,nw_src=10.1.0.0/16,actions=load:7->NXM_NX_REG0[],goto_table:4
table=4,ip,nw_dst=10.2.0.0/24,actions=write_metadata:0x5,goto_table:5
table=5,udp,tp_dst=2000,actions=load:9->NXM_NX_REG1[],goto_table:6
table=6,reg0=7,metadata=0x5,actions=goto_table:7
table=7,reg1=9,actions=output:2
"""


def flows(n):
    return traffic.microflows(n)


SCENARIOS = [
    Rate("port", "one flow that matches the input port", (1, 1000, 10000, 100000), flows,
         port_flows, 1.5, 0.5),
    Rate("acl1", "one flow: UDP, prefix of the destination, port", (10000, 100000), acl_file,
         acl_flows, 2.5),
    Rate("masks40", "40 megaflows of 40 different masks", (10000, 100000),
         lambda n: mask_file(40, n), lambda _: mask_flows(40), {10000: 2.5, 100000: 4}),
    Masks("masks", "so many masks, 10k microflows", (1, 5, 20, 80, 320),
          lambda n: mask_file(n, 10000), mask_flows, None),
    Mega("mega100k", "a flow, a megaflow and a microflow for each of the destinations", (100000,),
         route_file, route_flows, 6),
    Rate("tables8", "a pipeline of eight tables", (10000,), flows, tables8_flows, 2),
    Rate("vlan", "push a VLAN tag", (10000,), flows, vlan_flows, 2),
    Rate("setfield", "rewrite addresses and port, decrement the TTL", (10000,), flows,
         setfield_flows, 2),
]
