#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Meters: what they let through, in software and in a device, is within 2% of their rate and burst,
and no further from it than what the reference lets through; and they say so."""
import argparse
import json
import os
import re
import socket
import sys
import time

import frames as fr
import slu
from kernelswitch import KernelUnderTest
from switches import OvsUnderTest, SluiceUnderTest

SECONDS = 4.0
SIZE = 500  # bytes of a frame
UNKNOWN = 2**64 - 1  # a counter that a device has not got
# Input port, output port, meter, how many packets come a second, and how many may pass: so many a
# second, and so many at once.
CASES = (
    (1, 2, "pktps,burst,band=type=drop,rate=800,burst_size=100", 2400, 800, 100),
    (3, 4, "kbps,burst,band=type=drop,rate=4000,burst_size=400", 2500, 1000, 100),
    (5, 6, "pktps,burst,band=type=drop,rate=3000,burst_size=200", 1500, 1500, 0),  # never in force
)


def frame():
    data = bytes(SIZE - 42)
    return fr.ip_frame("10.0.0.1", "10.0.0.2", 17, fr.udp("10.0.0.1", "10.0.0.2", 5, 6, data),
                       "02:00:00:00:00:02", "02:00:00:00:00:01")


def received(s):
    links = json.loads(slu.run("ip", "-j", "-s", "link", ns=s.ns))
    return {int(link["ifname"][1:]): link["stats64"]["rx"]["packets"] for link in links
            if re.fullmatch(r"t\d", link["ifname"])}


def open_ports(s, cases):
    """Packet sockets on the far ends of the input ports."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/%s" % s.ns, os.O_RDONLY)
    os_setns(there)
    try:
        ports = {}
        for case in cases:
            ports[case[0]] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            ports[case[0]].bind(("t%d" % case[0], 0))
        return ports
    finally:
        os_setns(home)
        os.close(home)
        os.close(there)


def os_setns(fd):
    import ctypes
    if ctypes.CDLL(None, use_errno=True).setns(fd, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")


def send(ports, cases, seconds):
    """Sends each case's packets at its rate; returns how many of each, and the time they took."""
    data = frame()
    start = time.monotonic()
    sent = {case[0]: 0 for case in cases}
    while True:
        now = time.monotonic() - start
        if now >= seconds:
            return sent, now
        for port, _, _, rate, _, _ in cases:
            while sent[port] < now * rate:
                ports[port].send(data)
                sent[port] += 1
        time.sleep(0.0005)


def program(s, cases):
    ofctl = s.sw.ofctl
    ofctl("meter-features", "br0")  # the reference has no meters before it is asked for them
    ofctl("del-flows", "br0")
    for i, (port, out, meter, _, _, _) in enumerate(cases, 1):
        ofctl("add-meter", "br0", "meter=%d,%s" % (i, meter))
        ofctl("add-flow", "br0", "in_port=%d,actions=meter:%d,output:%d" % (port, i, out))


def measure(s, cases=CASES, seconds=SECONDS, patience=1):
    program(s, cases)
    ports = open_ports(s, cases)
    for port in ports:  # what makes the megaflows
        ports[port].send(frame())
    time.sleep(1.5 * patience)
    before = received(s)
    sent, took = send(ports, cases, seconds)
    time.sleep(0.7 * patience)
    after = received(s)
    stats = s.sw.ofctl("meter-stats", "br0")
    bad = 0
    for i, (port, out, _, _, rate, burst) in enumerate(cases, 1):
        got = after[out] - before[out]
        want = min(sent[port], rate * took + burst)
        off = 100.0 * (got - want) / want
        said = re.search(r"meter:%d .*?packet_in_count:(\d+) byte_in_count:(\d+).*?\n?.*?"
                         r"0:\s*packet_count:(\d+) byte_count:(\d+)" % i, stats, re.S)
        came, came_bytes, dropped, dropped_bytes = map(int, said.groups()) if said else (0,) * 4
        note = ""
        if (came, came_bytes) != (sent[port] + 1, SIZE * came):
            note = "; it says %d of %d bytes" % (came, came_bytes)
        elif dropped != sent[port] - got or dropped_bytes not in (SIZE * dropped, UNKNOWN):
            note = "; it says that %d of %d bytes were dropped" % (dropped, dropped_bytes)
        print("%-10s meter %d: %d of %d packets in %.2f s passed, %d were due (%+.2f%%)%s" % (
            s.name, i, got, sent[port], took, want, off, note))
        if s.name != "ovs" and (abs(off) > 2 or note):
            bad += 1
    for p in ports.values():
        p.close()
    return bad


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--seed", type=int, help="of nothing: time decides here")
    p.parse_args()
    bad = 0
    for make in (OvsUnderTest, lambda: SluiceUnderTest("software", None),
                 lambda: SluiceUnderTest("nic", "sim:nic"),
                 lambda: KernelUnderTest("ebpf", "ebpf")):
        s = make()
        s.wait_ports()
        bad += measure(s)
        wide = s.width_violations()
        if wide:
            print("%-10s %d megaflows are wider than their decisions" % (s.name, wide))
            bad += 1
        if s.device:
            packets = s.status()["packets"]
            print("%-10s %d packets by the device, %d in software" % (
                s.name, packets["hardware"], packets["software"]))
            bad += packets["hardware"] < packets["software"]
        s.stop()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
