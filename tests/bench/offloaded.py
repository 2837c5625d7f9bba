# SPDX-License-Identifier: Apache-2.0
"""Scenarios of the running kernel as the device: what it forwards between netdevs without the
software path, and how fast rules go in."""
import os
import re
import time

import kernel
import measure
import peers
import rates
import slu
import traffic

HERE = os.path.dirname(os.path.abspath(__file__))
BARE = ("redirect", "redirect_peer")


class Bare:
    """Two ports, and at each a program that knows the other."""

    def __init__(self, ns, label):
        self.ns, self.label = ns, label

    def attach(self, here, there):
        index = slu.run("cat", "/sys/class/net/%s/ifindex" % there, ns=self.ns).strip()
        path = os.path.join(slu.tmpdir("redirect"), here + ".o")
        slu.run("clang", "-O2", "-g", "-target", "bpf", "-DTO=" + index,
                *(["-DPEER"] if self.label == "redirect_peer" else []),
                "-I/usr/include/" + slu.run("gcc", "-print-multiarch").strip(),
                "-c", os.path.join(HERE, "redirect.bpf.c"), "-o", path)
        slu.run("tc", "qdisc", "add", "dev", here, "clsact", ns=self.ns)
        slu.run("tc", "filter", "add", "dev", here, "ingress", "bpf", "direct-action", "obj", path,
                "sec", "tc", ns=self.ns)


class Hosts(kernel.Hosts):
    """Two hosts, and between them the kernel as Sluice's device, another switch or nothing but a
    program."""

    def __init__(self, ctx, label, flows=kernel.Hosts.flows):
        self.flows = flows
        super().__init__(ctx, label, 2)

    def _switch(self, ctx, label):
        if label in BARE:
            return Bare(self.enter_context(ctx.namespace()), label)
        sw = super()._switch(ctx, label)
        if label == "sluice":
            sw.offload("ebpf")
        return sw

    def _joined(self):
        if self.sw.label in BARE:
            self.sw.attach("p1", "p2")
            self.sw.attach("p2", "p1")
        elif self.sw.label == "sluice":
            slu.wait_until("ports on the device", lambda: [
                d["ports"] for d in self.sw.offload_status()["devices"]] == [3])  # and the bridge's own

    def in_software(self):
        return sum(m["packets"]["software"] for m in self.sw.offload_flows())

    def settled(self):
        """What was sent has its rules; they come into being in the background."""
        if self.sw.label == "sluice":
            slu.wait_until("rules in the kernel", self.sw.in_kernel)

    def received(self):
        """Packets at the second host, as its netdev counts them."""
        return int(slu.run("cat", "/sys/class/net/eth0/statistics/rx_packets", ns=self.hosts[1]))


class Tcp(measure.Scenario):
    """The limit is the better one of the bare programs."""
    name, unit, least_share, least_of_bridge = "tcp-offloaded", "Gb/s", 0.95, 0.9
    what = "iperf3 between two namespaces, in the kernel; the limit is a bare redirect there"
    switches = ("sluice", "ovs", "bridge")

    def limit(self, ctx, size):
        seen = {way: self.measure(ctx, way, size)["figure"] for way in BARE}
        return {"figure": max(seen.values()), **seen}

    def measure(self, ctx, label, size):
        with Hosts(ctx, label) as h:
            h.reach(0, 1)
            h.settled()
            result = {"figure": h.throughput(0, 1, ctx.seconds)}
            if label == "sluice":
                result["packets in software"] = h.in_software()
            return result


class Rate(measure.Scenario):
    """Frames of 64 bytes from packet sockets, counted by the receiver's netdev. A thread that sends
    through veths does the kernel's forwarding, too; a switch in user space has threads of its
    own."""
    unit, warm = "Mpps", 1.0

    def variants(self):
        return self.sizes

    def rate(self, ctx, label, file, flows, threads):
        path = file.path
        with Hosts(ctx, label, flows) as h:
            p = h.hosts[0].popen(slu.program("send-frames"), "eth0", path, "60", str(threads))
            h.callback(lambda: p.poll() is None and p.kill())
            slu.wait_until("frames arrive", lambda: h.received() > 0)
            h.settled()
            time.sleep(self.warm)
            before, start = h.received(), time.monotonic()
            time.sleep(ctx.seconds)
            result = {"figure": (h.received() - before) / (time.monotonic() - start) / 1e6}
            if label == "sluice":
                result["rules"] = len(h.sw.in_kernel())
            return result


class Frames(Rate):
    """What one thread sends, a bare redirect takes; all CPUs together send more."""
    name, target, switches = "rate64-offloaded", {"all-cpus": 5}, ("sluice", "ovs", "bridge")
    what = "frames of 64 bytes between two namespaces, in the kernel; the limit is a bare redirect"
    sizes = ("one-thread", "all-cpus")

    def limit(self, ctx, size):
        return self.measure(ctx, "redirect", size)

    def measure(self, ctx, label, size):
        return self.rate(ctx, label, traffic.microflows(1000), rates.port_flows(1000),
                         1 if size == "one-thread" else len(peers.CPUS))


class Masks(Rate):
    """For the plot."""
    name, sizes, rounds = "masks-ebpf", (1, 10, 100), 2
    what = "so many masks in the kernel, 10k microflows"

    def measure(self, ctx, label, size):
        return self.rate(ctx, label, rates.mask_file(size, 10000),
                         "\n".join(rates.mask_flows(size)) + "\n", len(peers.CPUS))


class Insert(measure.Scenario):
    name, unit, goal = "insert-ebpf", "k/s", 200
    what = "rules into the kernel through the eBPF driver; the limit is entries alone, in batches"
    switches, rounds = ("sluice",), 3

    def variants(self):
        return (10000, 100000)

    def rates(self, text):
        return [int(n) / 1000 for n in re.match(r"insert (\d+) rules/s, delete (\d+)", text).groups()]

    def limit(self, ctx, size):
        insert, delete = self.rates(slu.run(slu.program("batch-entries"), str(size)))
        return {"figure": insert, "deletions k/s": delete}

    def measure(self, ctx, label, size):
        with kernel.unpinned(), ctx.namespace() as ns:
            ns.veth("p1", "p2")
            insert, delete = self.rates(slu.run(
                slu.program("insert-rules"), "ebpf:", "p1", "p2", str(size), ns=ns))
            return {"figure": insert, "deletions k/s": delete}


SCENARIOS = [Tcp(), Frames(), Masks(), Insert()]
