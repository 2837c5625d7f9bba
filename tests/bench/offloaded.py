# SPDX-License-Identifier: Apache-2.0
"""Scenarios of the running kernel as the device: what it forwards between netdevs without the
software path, and how fast rules go in."""
import os
import re
import time

import kernel
import measure
import rates
import slu
import traffic

HERE = os.path.dirname(os.path.abspath(__file__))
LIMITS = ("redirect", "peer")


class Bare:
    """Two ports, and at each a program that knows the other."""

    def __init__(self, ns, label):
        self.ns, self.label = ns, label

    def attach(self, here, there):
        index = slu.run("cat", "/sys/class/net/%s/ifindex" % there, ns=self.ns).strip()
        path = os.path.join(slu.tmpdir("redirect"), here + ".o")
        slu.run("clang", "-O2", "-g", "-target", "bpf", "-DTO=" + index,
                *(["-DPEER"] if self.label == "peer" else []),
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
        if label in LIMITS:
            return Bare(self.enter_context(ctx.namespace()), label)
        sw = super()._switch(ctx, label)
        if label == "sluice":
            sw.offload("ebpf")
        return sw

    def _joined(self):
        if self.sw.label in LIMITS:
            self.sw.attach("p1", "p2")
            self.sw.attach("p2", "p1")
        elif self.sw.label == "sluice":
            slu.wait_until("ports on the device", lambda: [
                d["ports"] for d in self.sw.offload_status()["devices"]] == [2])

    def in_kernel(self):
        return [m for m in self.sw.offload_flows() if m["where"] == "kernel"]

    def settled(self):
        """What was sent has its rules; they come into being in the background."""
        if self.sw.label == "sluice":
            slu.wait_until("rules in the kernel", self.in_kernel)

    def received(self):
        """Packets at the second host, as its netdev counts them."""
        return int(slu.run("cat", "/sys/class/net/eth0/statistics/rx_packets", ns=self.hosts[1]))


class Tcp(measure.Scenario):
    """The limit is the better one of the bare programs."""
    name, unit, least_share, least_of_bridge = "tcp-offloaded", "Gb/s", 0.95, 0.9
    what = "iperf3 between two namespaces, in the kernel; the limit is a bare redirect there"
    switches = ("redirect", "peer", "sluice", "ovs", "bridge")

    def measure(self, ctx, label, size):
        with Hosts(ctx, label) as h:
            h.reach(0, 1)
            h.settled()
            result = {"figure": h.throughput(0, 1, ctx.seconds)}
            if label == "sluice":
                result["packets in software"] = sum(
                    m["packets"]["software"] for m in h.sw.offload_flows())
            return result


class Rate64(measure.Scenario):
    """Frames of 64 bytes from a packet socket, counted by the receiver's netdev."""
    unit, warm = "Mpps", 1.0

    def __init__(self, name, what, sizes, file, flows, **kw):
        self.name, self.what, self.sizes, self.file, self.flows = name, what, sizes, file, flows
        self.__dict__.update(kw)

    def variants(self):
        return self.sizes

    def measure(self, ctx, label, size):
        path = self.file(size).path
        with Hosts(ctx, label, self.flows(size)) as h:
            p = h.hosts[0].popen(slu.program("send-frames"), "eth0", path, "60",
                                 os.environ.get("THREADS", "1"))
            h.callback(lambda: p.poll() is None and p.kill())
            slu.wait_until("frames arrive", lambda: h.received() > 0)
            h.settled()
            time.sleep(self.warm)
            before, start = h.received(), time.monotonic()
            time.sleep(ctx.seconds)
            result = {"figure": (h.received() - before) / (time.monotonic() - start) / 1e6}
            if label == "sluice":
                result["rules"] = len(h.in_kernel())
            return result


class Insert(measure.Scenario):
    name, unit, goal = "insert-ebpf", "k/s", 200
    what = "rules into the kernel through the eBPF driver; the limit is entries alone, in batches"
    switches = ("sluice",)

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


SCENARIOS = [
    Tcp(),
    Rate64("rate64-offloaded", "frames of 64 bytes between two namespaces, in the kernel", (1000,),
           traffic.microflows, rates.port_flows, target=5,
           switches=("redirect", "peer", "sluice", "ovs", "bridge")),
    Rate64("masks-ebpf", "so many masks in the kernel, 10k microflows", (1, 10, 100),
           lambda n: rates.mask_file(n, 10000), lambda n: "\n".join(rates.mask_flows(n)) + "\n", rounds=2),
    Insert(),
]
