#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bundles with stock ovs-ofctl: many flows at once, of which no packet sees a part."""
import os
import subprocess
import time

import slu
from nettest import ether, expect, expect_equal, main, udp4, wait_until

DESTINATIONS = 5000
GAP = 0.0005  # seconds between packets: every one is looked up, and none is lost to a full queue


def address(i):
    return "10.1.%d.%d" % (i // 250, i % 250 + 1)


def packet(i):
    return ether("02:00:00:00:00:01", "02:00:00:00:00:02", 0x0800,
                 udp4("10.0.0.1", address(i), 1000, 2000, b"%08d" % i))


def write_flows(path, mark, port):
    """Of two tables, which only together let a packet pass: both are of the same file or neither."""
    with open(path, "w") as f:
        for i in range(DESTINATIONS):
            f.write("table=0,ip,nw_dst=%s,actions=load:%d->NXM_NX_REG0[],goto_table:1\n" % (
                address(i), mark))
            f.write("table=1,ip,nw_dst=%s,reg0=%d,actions=output:%d\n" % (
                address(i), mark, port))


def test_no_packet_sees_half(lab):
    lab.bridge("br0", "protocols=OpenFlow10,OpenFlow13,OpenFlow14")
    wires = lab.wires(3)
    paths = [os.path.join(slu.tmpdir("bundles"), name) for name in ("old", "new")]
    write_flows(paths[0], 1, 2)
    write_flows(paths[1], 2, 3)
    lab.sluice.ofctl("--bundle", "replace-flows", "br0", paths[0], version="OpenFlow14")
    p = subprocess.Popen(
        ["ovs-ofctl", "-O", "OpenFlow14", "--bundle", "replace-flows", "br0", paths[1]],
        env=dict(os.environ, **lab.sluice.env))
    sent, got = 0, [0, 0]
    while p.poll() is None and sent < DESTINATIONS:
        wires[0].send(packet(sent))
        sent += 1
        if not sent % 100:
            for i in (0, 1):
                got[i] += count(wires[1 + i], 0)
        time.sleep(GAP)
    expect_equal(p.wait(30), 0, "exit status of ovs-ofctl")

    def all_came():
        for i in (0, 1):
            got[i] += count(wires[1 + i], 0)
        return sum(got) >= sent
    wait_until("each of %d packets by the old flows or by the new ones" % sent, all_came)
    expect_equal(sum(got), sent, "packets that came out")
    expect(sent > 100 and got[0], "packets went by the old flows while the new ones came")
    wires[0].send(packet(DESTINATIONS - 1))
    wait_until("the new flows", lambda: count(wires[2], 0.1))


def count(wire, timeout):
    return sum(1 for f in wire.receive(timeout) if f[12:14] == b"\x08\x00" and f[23] == 17)


MANY = 100000
SLOWER = 3      # times as long as Open vSwitch at most, which takes about a second
GROWTH = 400    # MB at most


def rss(pid):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) // 1024 for line in f if line.startswith("VmRSS"))


def test_hundred_thousand(lab):
    """As fast as with Open vSwitch, within bounds of memory."""
    lab.bridge("br0", "protocols=OpenFlow10,OpenFlow13,OpenFlow14")
    path = os.path.join(slu.tmpdir("bundles"), "many")
    with open(path, "w") as f:
        for i in range(MANY):
            f.write("ip,nw_dst=10.%d.%d.%d,actions=drop\n" % (i >> 16, i >> 8 & 255, i & 255))
    ns = slu.Netns("bundles-ovs")
    ovs = slu.Ovs(ns)
    try:
        ovs.add_bridge("br0", "protocols=OpenFlow10,OpenFlow13,OpenFlow14")
        before, seconds = rss(lab.sluice.pid()), {}
        for name, switch in (("ovs", ovs), ("sluice", lab.sluice)):
            began = time.monotonic()
            for command in ("add-flows", "replace-flows"):
                switch.ofctl("--bundle", command, "br0", path, version="OpenFlow14")
            seconds[name] = time.monotonic() - began
        grown = rss(lab.sluice.pid()) - before
        slu.log("%d flows: Open vSwitch %.2f s, Sluice %.2f s, %d MB more" % (
            MANY, seconds["ovs"], seconds["sluice"], grown))
        expect_equal(len(lab.sluice.flows("br0", "ip")), MANY, "flows")
        expect(seconds["sluice"] < SLOWER * seconds["ovs"] + 1, "%r" % seconds)
        expect(grown < GROWTH, "%d MB more" % grown)
    finally:
        ovs.stop()
        ns.delete()


if __name__ == "__main__":
    main()
