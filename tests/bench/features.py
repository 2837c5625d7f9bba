# SPDX-License-Identifier: Apache-2.0
"""Scenarios in packets per second that need more around them than flows: stations that were
learned, connections, tunnels."""
import re
import time

import measure
import peers
import slu
import traffic
from rates import DST, SRC, Rate
from traffic import ip

STATIONS_HERE, STATIONS_THERE = 0x020000100000, 0x020000200000
LOCAL, REMOTE, REMOTE_MAC = "172.16.0.1", "172.16.0.2", "02:00:00:00:0f:02"
VNI = 42


class Normal(Rate):
    """Half of the stations are behind the sink: a port that sends a packet of each of them once,
    and takes any number."""

    def __init__(self):
        super().__init__("normal", "learning and forwarding by MAC address, of so many stations",
                         (10000,), self.pairs, lambda _: "actions=NORMAL\n", 2)

    def pairs(self, n):
        half = n // 2
        return traffic.File("stations-%d" % n, lambda: (
            traffic.udp(src_mac=STATIONS_HERE + i % half,
                        dst_mac=STATIONS_THERE + (i + i // half * 17) % half) for i in range(n)))

    def prepare(self, sw, size):
        teach = traffic.File("teach-%d" % size, lambda: (
            traffic.udp(src_mac=STATIONS_THERE + i, dst_mac=0xffffffffffff)
            for i in range(size // 2)), cycle=10 * size)
        sw.add_bridge("br0", "other_config:mac-table-size=50000")
        sw.load("br0", self.flows(size))
        sw.dpdk_port("br0", "dst", "net_pcap1,rx_pcap=" + teach.path, DST)
        time.sleep(1)

    def details(self, sw):
        return {"megaflows": sw.megaflows(),
                "stations": len(str(sw.rpc("fdb/show", "br0")).splitlines()) - 1}


class Ct(Rate):
    """Packets of both directions of UDP connections: after one cycle all are established."""
    warm = 3.0

    def __init__(self):
        super().__init__("ct", "connection tracking, of so many established connections",
                         (100000,), self.connections, lambda _: self.text, 2)

    text = """table=0,ip,ct_state=-trk,actions=ct(table=1)
table=1,ip,ct_state=+trk+new,actions=ct(commit),output:2
table=1,ip,ct_state=+trk+est,actions=output:2
"""

    def connections(self, n):
        def make():
            for i in range(n):
                a = dict(src=ip("10.1.0.0") + i // 50, sport=1024 + i % 50 * 997)
                b = dict(dst=ip("10.2.0.1"), dport=2000)
                yield traffic.udp(**a, **b)
                yield traffic.udp(src=b["dst"], sport=b["dport"], dst=a["src"], dport=a["sport"])
        return traffic.File("connections-%d" % n, make)

    def details(self, sw):
        text = str(sw.rpc("dpctl/ct-get-nconns"))
        return {"connections": int(re.search(r"\d+", text).group())}


class Tunnel(Rate):
    """br-phy has the underlay's address and its port, br0 the tunnel's."""

    def underlay(self, sw):
        sw.add_bridge("br-phy")
        slu.run("ip", "addr", "add", LOCAL + "/24", "dev", "br-phy", ns=sw.ns)
        sw.neighbour("br-phy", REMOTE, REMOTE_MAC)
        sw.add_bridge("br0")
        sw.vsctl("add-port", "br0", "vx0", "--", "set", "Interface", "vx0", "type=vxlan",
                 "ofport_request=3", "options:remote_ip=" + REMOTE, "options:key=%d" % VNI)


class Encap(Tunnel):
    def __init__(self):
        super().__init__("vxlan-encap", "into a VXLAN tunnel", (10000,), traffic.microflows,
                         lambda _: "in_port=1,actions=output:3\n", 2)

    sink = "br-phy"

    def prepare(self, sw, size):
        self.underlay(sw)
        sw.load("br0", self.flows(size))
        sw.load("br-phy", "in_port=LOCAL,actions=output:2\n")
        sw.dpdk_port("br-phy", "dst", peers.sink(), DST)


class Decap(Tunnel):
    """Inner flows differ, and so do the outer source ports."""
    source = "br-phy"

    def __init__(self):
        super().__init__("vxlan-decap", "out of a VXLAN tunnel", (10000,), self.encapsulated,
                         lambda _: "in_port=3,actions=output:2\n", 2)

    def encapsulated(self, n, dst_mac=traffic.DST_MAC):
        return traffic.File("vxlan-%d-%x" % (n, dst_mac), lambda: (
            traffic.vxlan(traffic.udp(src=ip("10.1.0.0") + i // 50, sport=1024 + i % 50 * 997),
                          ip(REMOTE), ip(LOCAL), VNI, 32768 + i % 16384, dst_mac)
            for i in range(n)))

    def prepare(self, sw, size):
        self.underlay(sw)
        sw.load("br0", self.flows(size))
        sw.load("br-phy", "in_port=1,actions=LOCAL\n")
        sw.dpdk_port("br0", "dst", peers.sink(), DST)

    def file_for(self, sw, size):
        """To the address that br-phy has."""
        address = slu.run("cat", "/sys/class/net/br-phy/address", ns=sw.ns).strip()
        return self.encapsulated(size, int(address.replace(":", ""), 16))


class Workers(measure.Scenario):
    """The rate of two sources to two sinks with two workers, by that with one."""
    name, unit = "workers", "times"
    what = "two workers by one, each with a source and a sink"
    goal = 1.8

    def variants(self):
        return (10000,) if len(peers.CPUS) > 1 else ()

    def limit(self, ctx, size):
        files = [traffic.microflows(size)] * 2
        one, two = (ctx.limit(files, cpus) for cpus in (peers.ONE_WORKER, peers.CPUS[:2]))
        return two / one

    def measure(self, ctx, label, size):
        one, two = (self.rate(ctx, label, size, cpus)
                    for cpus in (peers.ONE_WORKER, peers.CPUS[:2]))
        return {"figure": two / one, "Mpps of one": one, "Mpps of two": two}

    def rate(self, ctx, label, size, cpus):
        file = traffic.microflows(size)
        file.path
        with ctx.switch(label, cpus=cpus) as sw:
            sw.add_bridge("br0")
            sw.load("br0", "in_port=1,actions=output:2\nin_port=3,actions=output:4\n")
            for i in range(2):
                sw.dpdk_port("br0", "dst%d" % i, peers.sink(2 * i + 1), 2 * i + 2,
                             cpus[i % len(cpus)])
            for i in range(2):  # one after the other, so that they are given to both workers
                sw.dpdk_port("br0", "src%d" % i, peers.source(file, 2 * i), 2 * i + 1,
                             cpus[i % len(cpus)])
            measure.forwarded(sw, "br0", 2)
            measure.forwarded(sw, "br0", 4)
            time.sleep(1)
            before = time.monotonic(), self.sent(sw)
            time.sleep(ctx.seconds)
            return (self.sent(sw) - before[1]) / (time.monotonic() - before[0]) / 1e6

    def sent(self, sw):
        return sum(sw.port_counters("br0", port)[1] for port in (2, 4))


SCENARIOS = [Normal(), Ct(), Encap(), Decap(), Workers()]
