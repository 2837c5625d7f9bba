# SPDX-License-Identifier: Apache-2.0
"""Scenarios of the control plane: how fast megaflows come into being, and how fast flows change
below traffic."""
import re
import time

import measure
import openflow
import peers
import slu
import traffic
from traffic import ip

SRC, DST, OTHER = 1, 2, 3
# One flow whose megaflows are one for each source address: their actions differ.
EACH_SOURCE = ("priority=1,ip,actions=move:NXM_OF_IP_SRC[]->NXM_NX_PKT_MARK[],output:2\n")
PACE = 7919  # neighbours in a cycle are no neighbours in their addresses


def sources(n):
    return traffic.File("sources-%d" % n, lambda: (
        traffic.udp(src=ip("10.0.0.0") + i * PACE % n) for i in range(n)))


def each_source(sw):
    sw.add_bridge("br0")
    sw.load("br0", EACH_SOURCE)
    sw.dpdk_port("br0", "dst", peers.sink(), DST)


class Setup(measure.Scenario):
    """A million keys, each in one packet. The clock runs until all their megaflows are there and
    the packets are counted by the flow."""
    name, unit, target = "setup", "k/s", 4
    what = "distinct keys sent once, until all their megaflows are installed and counted"
    rounds = 2
    patience = 20.0

    def variants(self):
        return (1000000,)

    def measure(self, ctx, label, size):
        file = sources(size)
        file.path
        with ctx.switch(label) as sw:
            each_source(sw)
            memory = resident(sw)
            start = time.monotonic()
            sw.dpdk_port("br0", "src", "net_pcap0,rx_pcap=" + file.path, SRC)
            while True:
                installed = sw.megaflows()
                took = time.monotonic() - start
                if installed >= size and counted(sw) >= size or took > self.patience:
                    break
                time.sleep(0.05)
            grown = (resident(sw) - memory) * 1024
            return {"figure": min(installed, counted(sw), size) / took / 1000,
                    "installed": installed, "seconds": took,
                    "bytes per megaflow": grown / installed if installed else None}


def counted(sw):
    return int(re.search(r"n_packets=(\d+)", sw.ofctl("dump-flows", "br0")).group(1))


def resident(sw):
    """kB"""
    with open("/proc/%d/status" % sw.pid()) as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


class FlowMod(measure.Scenario):
    """Every second flow-mod adds or deletes a flow that takes 16 addresses away from the flow of
    all the others, so that 16 megaflows have another winner; the rest concern no traffic."""
    name, unit = "flowmod", "k/s"
    what = "flow-mods, each 500 followed by a barrier"
    target = {"idle": 3}
    goal = {"traffic": 60.0}
    keys, mods, chunk = 100000, 100000, 500
    rounds = 2
    patience = 5.0

    def variants(self):
        return ("idle", "traffic")

    def chunks(self):
        prefixes = self.keys // 16
        messages = []
        for k in range(self.mods):
            n = k // 2
            if k % 2:
                messages.append(openflow.flow_mod(
                    openflow.ADD, 7, ip("172.16.0.0") + n, 0xffffffff, DST))
            else:
                messages.append(openflow.flow_mod(
                    openflow.DELETE_STRICT if n // prefixes % 2 else openflow.ADD, 10,
                    ip("10.0.0.0") + n % prefixes * 16, 0xfffffff0, OTHER))
        return [b"".join(messages[i:i + self.chunk])
                for i in range(0, self.mods, self.chunk)]

    def measure(self, ctx, label, size):
        file, chunks = sources(self.keys), self.chunks()
        file.path
        with ctx.switch(label) as sw:
            each_source(sw)
            sw.dpdk_port("br0", "other", peers.sink(2), OTHER)
            if size == "traffic":
                sw.dpdk_port("br0", "src", peers.source(file), SRC)
                self.fill(sw)
            megaflows = sw.megaflows()
            c = openflow.Controller(sw.mgmt("br0"))
            start, done = time.monotonic(), 0
            for chunk in chunks:
                c.send(chunk)
                done += self.chunk
                took = time.monotonic() - start
                if took > self.patience:
                    break
            result = {"figure": done / took / 1000, "mods": done, "megaflows": megaflows}
            if size == "traffic":
                result["ms until packets follow"] = self.follow(c)
            c.close()
            return result

    def fill(self, sw):
        """Until all megaflows are there, or no more come."""
        end = time.monotonic() + 60
        while sw.megaflows() < self.keys and time.monotonic() < end:
            time.sleep(0.1)

    def follow(self, c):
        """Takes a sixth of the traffic to another port; the time from the barrier's answer until
        100 packets left there, less than a second, or None."""
        c.send(openflow.flow_mod(openflow.ADD, 20, ip("10.0.0.0"), 0xffffc000, SRC))
        time.sleep(0.2)
        before = c.sent_by(OTHER)
        c.send(openflow.flow_mod(openflow.ADD, 30, ip("10.0.0.0"), 0xffffc000, OTHER))
        answered = time.monotonic()
        while True:
            seen = c.sent_by(OTHER) - before
            now = time.monotonic()
            if seen > 100:
                return (now - answered) * 1000
            if now - answered > 1:
                return None


SCENARIOS = [Setup(), FlowMod()]
