# SPDX-License-Identifier: Apache-2.0
"""Scenarios with ports of the kernel: hosts in namespaces that are joined to the switch by veth
pairs. Nothing is pinned: the scheduler places the switch and the hosts."""
import contextlib
import json
import math
import os
import re
import time

import measure
import peers
import slu


class LinuxBridge:
    label = "bridge"

    def __init__(self, ns):
        self.ns = ns
        slu.run("ip", "link", "add", "br0", "type", "bridge", ns=ns)
        slu.run("ip", "link", "set", "br0", "up", ns=ns)


@contextlib.contextmanager
def unpinned():
    """What is started inside may run anywhere."""
    was = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(peers.CPUS))
    try:
        yield
    finally:
        os.sched_setaffinity(0, was)


class Hosts(contextlib.ExitStack):
    """A switch of the kind, and n hosts 10.0.0.1, ..."""
    flows = "actions=NORMAL\n"

    def __init__(self, ctx, label, n):
        super().__init__()
        self.enter_context(unpinned())
        try:
            self.sw = self._switch(ctx, label)
            self.hosts = [self._host(ctx, i) for i in range(1, n + 1)]
            self._joined()
        except BaseException:
            self.close()
            raise

    def _switch(self, ctx, label):
        if label == "bridge":
            return LinuxBridge(self.enter_context(ctx.namespace()))
        sw = self.enter_context(ctx.switch(label, dpdk=False))
        sw.add_bridge("br0")
        sw.load("br0", self.flows)
        return sw

    def _joined(self):
        """All hosts have their ports."""

    def _host(self, ctx, i):
        ns, port = self.enter_context(ctx.namespace("h%d" % i)), "p%d" % i
        self.sw.ns.veth(port, "eth0", ns)
        if self.sw.label == "ovs":  # it cannot carry partial checksums
            slu.run("ethtool", "-K", "eth0", "tx", "off", ns=ns)
        slu.run("ip", "addr", "add", "10.0.0.%d/24" % i, "dev", "eth0", ns=ns)
        if self.sw.label == "bridge":
            slu.run("ip", "link", "set", port, "master", "br0", ns=self.sw.ns)
        elif self.sw.label in peers.SWITCHES:
            self.sw.vsctl("add-port", "br0", port, "--", "set", "Interface", port,
                          "ofport_request=%d" % i)
        return ns

    def reach(self, a, b):
        slu.wait_until("ping", lambda: not self.hosts[a].exec(
            "ping", "-c1", "-W1", "10.0.0.%d" % (b + 1), check=False).returncode, 10)

    def server(self, i):
        p = self.hosts[i].popen("iperf3", "-s")
        self.callback(lambda: p.poll() is None and p.kill())
        slu.wait_until("iperf3 listens", lambda: ":5201" in slu.run(
            "cat", "/proc/net/tcp", "/proc/net/tcp6", ns=self.hosts[i]).replace(":1451", ":5201"))

    def iperf(self, a, b, seconds, *more):
        """The command of a client, for whole seconds (0 is for ever); the server is started."""
        self.server(b)
        return ("iperf3", "-c", "10.0.0.%d" % (b + 1), "-t", str(math.ceil(seconds)), "-J", *more)

    def throughput(self, a, b, seconds):
        """Gb/s of one TCP connection."""
        text = self.hosts[a].exec(*self.iperf(a, b, seconds), timeout=30 + seconds)
        return json.loads(text)["end"]["sum_received"]["bits_per_second"] / 1e9


class Tcp(measure.Scenario):
    name, unit, target = "tcp", "Gb/s", 8
    what = "iperf3 between two namespaces, in software"
    switches = ("sluice", "ovs", "bridge")

    def measure(self, ctx, label, size):
        with Hosts(ctx, label, 2) as h:
            h.reach(0, 1)
            return {"figure": h.throughput(0, 1, ctx.seconds)}


class Latency(measure.Scenario):
    """The 99th percentile of pings, 50 a second."""
    name, unit, better, target = "latency", "us", "less", 1
    what = "99th percentile of ping, after idle and beside TCP of 500 Mb/s"
    switches = ("sluice", "ovs", "bridge")
    pings = 150

    def variants(self):
        return ("idle", "load")

    def measure(self, ctx, label, size):
        with Hosts(ctx, label, 2 if size == "idle" else 4) as h:
            h.reach(0, 1)
            if size == "load":
                h.reach(2, 3)
                p = h.hosts[2].popen(*h.iperf(2, 3, self.pings / 50 + 3, "-b", "500M"))
                h.callback(lambda: p.poll() is None and p.kill())
                time.sleep(0.5)
            text = h.hosts[0].exec("ping", "-i", "0.02", "-c", str(self.pings), "10.0.0.2",
                                   check=False).stdout
            times = sorted(float(t) * 1000 for t in re.findall(r"time=([0-9.]+) ms", text))
            if len(times) < self.pings * 0.9:
                raise slu.Failure("%d of %d pings were answered" % (len(times), self.pings))
            return {"figure": times[int(len(times) * 0.99)], "median": times[len(times) // 2]}


class Idle(measure.Scenario):
    """CPU time of a switch with four ports on which nothing comes."""
    name, unit, better = "idle", "%", "less"
    what = "CPU of an idle switch with 4 ports"
    goal = 3.0
    rounds = 1

    def variants(self):
        return ("kernel", "dpdk")

    def measure(self, ctx, label, size):
        if size == "kernel":
            with Hosts(ctx, label, 4) as h:
                return {"figure": self.watch(h.sw, 2 * ctx.seconds)}
        with ctx.switch(label) as sw:
            sw.add_bridge("br0")
            for i in range(4):
                sw.dpdk_port("br0", "d%d" % i, peers.sink(i), i + 1)
            return {"figure": self.watch(sw, 2 * ctx.seconds)}

    def watch(self, sw, seconds):
        time.sleep(1)
        before, start = self.used(sw), time.monotonic()
        time.sleep(seconds)
        return 100 * (self.used(sw) - before) / (time.monotonic() - start)

    def used(self, sw):
        with open("/proc/%d/stat" % sw.pid()) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


SCENARIOS = [Tcp(), Idle(), Latency()]
