#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Kinds of ports: patch, dpdk by devargs, netdevs that come and go or cannot be opened."""
import ctypes
import os
import re
import struct

import slu
from nettest import check_idle, expect, expect_equal, expect_in, frame, main, wait_until

SYS_SCHED_GETATTR = 315  # x86-64


def ofport(lab, name):
    return lab.sluice.vsctl("get", "Interface", name, "ofport").strip()


def test_patch_ports_join_bridges(lab):
    lab.sluice.vsctl("add-br", "br0", "--", "add-br", "br1")
    lab.sluice.vsctl(
        "add-port", "br0", "to1", "--", "set", "Interface", "to1", "type=patch", "options:peer=to0",
        "--", "add-port", "br1", "to0", "--", "set", "Interface", "to0", "type=patch",
        "options:peer=to1")
    a = lab.host("h1", "10.0.0.1/24", bridge="br0")
    lab.host("h2", "10.0.0.2/24", bridge="br1")
    a.ping("10.0.0.2")
    lab.sluice.vsctl("del-port", "br0", "to1")
    a.no_ping("10.0.0.2")


def test_flows_over_a_patch_port(lab):
    """Both bridges' flows count, and the second sees its own port number."""
    lab.bridge("br0")
    lab.bridge("br1")
    w0 = lab.wires(1, "br0")[0]
    h = lab.host("far")
    lab.sluice.vsctl("add-port", "br1", h.port, "--", "set", "Interface", h.port,
                     "ofport_request=5")
    lab.sluice.vsctl(
        "add-port", "br0", "to1", "--", "set", "Interface", "to1", "type=patch", "options:peer=to0",
        "ofport_request=7", "--", "add-port", "br1", "to0", "--", "set", "Interface", "to0",
        "type=patch", "options:peer=to1", "ofport_request=9")
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=set_field:02:00:00:00:00:99->eth_dst,output:7")
    lab.sluice.ofctl("add-flow", "br1", "in_port=9,dl_dst=02:00:00:00:00:99,actions=output:5")
    wire = h.wire()
    for _ in range(3):
        w0.send(frame(1, 2))
    expect_equal(len([f for f in wire.receive(0.4) if f == b"\x02\0\0\0\0\x99"
                      + frame(1, 2)[6:]]), 3, "frames behind both bridges")
    for br in ("br0", "br1"):
        expect_equal([f["n_packets"] for f in lab.sluice.flows(br)], [3], "packets of " + br)


def pcap(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i, data in enumerate(frames):
            f.write(struct.pack("<IIII", i, 0, len(data), len(data)) + data)


def read_pcap(path):
    with open(path, "rb") as f:
        data = f.read()
    out, at = [], 24
    while at + 16 <= len(data):
        n = struct.unpack("<I", data[at + 8:at + 12])[0]
        if at + 16 + n > len(data):
            break
        out.append(data[at + 16:at + 16 + n])
        at += 16 + n
    return out


def test_dpdk_ports(lab):
    """A DPDK device that plays a file, one that records."""
    frames = [frame(1, 2, dport=i + 1) for i in range(100)]
    source, sink = slu.BASE + "/in.pcap", slu.BASE + "/out.pcap"
    pcap(source, frames)
    lab.bridge("br0")
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    lab.sluice.vsctl("add-port", "br0", "d2", "--", "set", "Interface", "d2", "type=dpdk",
                     "ofport_request=2", "options:dpdk-devargs=net_pcap_out,tx_pcap=" + sink)
    lab.sluice.vsctl("add-port", "br0", "d1", "--", "set", "Interface", "d1", "type=dpdk",
                     "ofport_request=1", "options:dpdk-devargs=net_pcap_in,rx_pcap=" + source)
    expect_equal((ofport(lab, "d1"), ofport(lab, "d2")), ("1", "2"), "port numbers")
    wait_until("all packets are forwarded", lambda: lab.sluice.flows("br0")[0]["n_packets"] == 100)
    text = lab.sluice.ofctl("dump-ports", "br0", "2")
    expect_in("tx pkts=100", text, "port statistics")
    lab.sluice.vsctl("del-port", "br0", "d2", "--", "del-port", "br0", "d1")
    expect_equal(read_pcap(sink), frames, "what was recorded")


def test_dpdk_port_that_cannot_be_opened(lab):
    lab.allow("d1|net_nothing|EAL|dpdk")
    lab.bridge("br0")
    p = lab.sluice.vsctl("add-port", "br0", "d1", "--", "set", "Interface", "d1", "type=dpdk",
                         "options:dpdk-devargs=net_nothing_like_this", check=False)
    expect_in("d1", p.stderr, "what ovs-vsctl says")
    expect_equal(ofport(lab, "d1"), "-1", "ofport")
    expect(lab.sluice.vsctl("get", "Interface", "d1", "error").strip() not in ("[]", '""'),
           "an error")


def test_netdev_that_is_not_there(lab):
    lab.allow("nosuch")
    lab.sluice.vsctl("add-br", "br0")
    a = lab.host("h1", "10.0.0.1/24", bridge="br0")
    b = lab.host("h2", "10.0.0.2/24", bridge="br0")
    p = lab.sluice.vsctl("add-port", "br0", "nosuch0", check=False)
    expect_in("nosuch0", p.stderr, "ovs-vsctl prints the error")
    expect_in("Error detected while setting up", p.stderr, "ovs-vsctl prints the error")
    expect_equal(ofport(lab, "nosuch0"), "-1", "ofport")
    error = lab.sluice.vsctl("get", "Interface", "nosuch0", "error")
    expect(re.search("nosuch0.*(No such device|not|no )", error), "the error says what: " + error)
    expect_in("nosuch0", lab.sluice.vsctl("show"), "show")
    a.ping("10.0.0.2")
    # It appears later, and works then.
    lab.ns.veth("nosuch0", "there0")
    wait_until("the port opens when its netdev appears", lambda: ofport(lab, "nosuch0") != "-1")
    expect_equal(lab.sluice.vsctl("get", "Interface", "nosuch0", "error").strip(), "[]", "error")


def test_netdev_that_goes_away(lab):
    lab.allow("p-h2")
    lab.sluice.vsctl("add-br", "br0")
    a = lab.host("h1", "10.0.0.1/24", bridge="br0")
    b = lab.host("h2", "10.0.0.2/24", bridge="br0")
    a.ping("10.0.0.2")
    slu.run("ip", "link", "del", "p-h2", ns=lab.ns)
    wait_until("the port shows an error", lambda: ofport(lab, "p-h2") == "-1")
    lab.ns.veth("p-h2", "eth0", b.ns)
    b.exec("ip", "addr", "add", "10.0.0.2/24", "dev", "eth0")
    wait_until("it comes back", lambda: ofport(lab, "p-h2") not in ("-1", "[]"))
    # The new veth has a new address, which the other host would learn only after half a minute.
    a.exec("ip", "neigh", "flush", "dev", "eth0")
    wait_until("it forwards again", lambda: a.ping("10.0.0.2", count=1, check=False))


def test_internal_ports(lab):
    lab.sluice.vsctl("add-br", "br0")
    h = lab.host("h1", "10.0.0.1/24", bridge="br0")
    lab.sluice.vsctl("add-port", "br0", "int0", "--", "set", "Interface", "int0", "type=internal",
                     'mac="02:11:22:33:44:55"')
    out = slu.run("ip", "link", "show", "int0", ns=lab.ns)
    expect_in("02:11:22:33:44:55", out, "the address that was asked for")
    # Moved into a namespace of its own it still is a port.
    inner = slu.Netns("inner")
    slu.run("ip", "link", "set", "int0", "netns", str(inner), ns=lab.ns)
    inner.exec("ip", "link", "set", "int0", "up")
    inner.exec("ip", "addr", "add", "10.0.0.2/24", "dev", "int0")
    h.ping("10.0.0.2")
    inner.delete()


def slice_ns(tid):
    """A thread's time slice as sched_getattr(2) tells it; 0 from a kernel that has no such thing."""
    attr = ctypes.create_string_buffer(48)
    if ctypes.CDLL(None).syscall(SYS_SCHED_GETATTR, tid, attr, len(attr), 0):
        raise slu.Failure("sched_getattr failed")
    return struct.unpack("IIQiIQQQ", attr.raw)[5]


def test_workers_have_short_slices(lab):
    """So that packets do not wait for their turn behind what else runs."""
    tasks = "/proc/%d/task" % lab.sluice.pid()
    names = {open("%s/%s/comm" % (tasks, t)).read().strip(): int(t) for t in os.listdir(tasks)}
    expect_in("worker0", names, "threads")
    main_thread = slice_ns(lab.sluice.pid())
    if main_thread:
        expect_equal(slice_ns(names["worker0"]), 100000, "slice of a worker")
        expect(main_thread > 100000, "the others have the usual one")


def test_port_numbers(lab):
    lab.bridge("br0")
    for i in range(1, 4):
        lab.ns.veth("v%d" % i, "u%d" % i)
    lab.sluice.vsctl("add-port", "br0", "v1", "--", "set", "Interface", "v1", "ofport_request=77")
    lab.sluice.vsctl("add-port", "br0", "v2")
    lab.sluice.vsctl("add-port", "br0", "v3", "--", "set", "Interface", "v3", "ofport_request=77")
    expect_equal(ofport(lab, "v1"), "77", "the number that was asked for")
    expect(ofport(lab, "v3") not in ("77", "-1", ofport(lab, "v2")), "a number that is taken")
    expect_equal(ofport(lab, "br0"), "65534", "LOCAL")
    text = lab.sluice.ofctl("show", "br0")
    expect_in("77(v1)", text, "port description")
    expect_in("LOCAL(br0)", text, "port description")


def test_add_and_remove_under_traffic(lab):
    lab.sluice.vsctl("add-br", "br0")
    a = lab.host("h1", "10.0.0.1/24", bridge="br0")
    b = lab.host("h2", "10.0.0.2/24", bridge="br0")
    lab.ns.veth("extra", "extra-far")
    ping = a.popen("ping", "-n", "-q", "-i", "0.005", "-c", "600", "10.0.0.2",
                   log=slu.BASE + "/ping.log")
    for _ in range(15):
        lab.sluice.vsctl("add-port", "br0", "extra")
        lab.sluice.vsctl("del-port", "br0", "extra")
    ping.wait(30)
    with open(slu.BASE + "/ping.log") as f:
        text = f.read()
    expect_in("600 received", text, "pings through a changing bridge")
    os.unlink(slu.BASE + "/ping.log")


def test_statistics_in_the_database(lab):
    lab.sluice.vsctl("add-br", "br0")
    a = lab.host("h1", "10.0.0.1/24", bridge="br0")
    lab.host("h2", "10.0.0.2/24", bridge="br0")
    a.ping("10.0.0.2", count=10)

    def rx():
        text = lab.sluice.vsctl("get", "Interface", "p-h1", "statistics:rx_packets", check=False)
        return int(text.stdout or 0) >= 10
    wait_until("Interface.statistics", rx, timeout=15)
    expect_equal(lab.sluice.vsctl("get", "Interface", "p-h1", "link_state").strip(), "up", "link")
    a.exec("ip", "link", "set", "eth0", "down")
    wait_until("link_state follows", lambda: lab.sluice.vsctl(
        "get", "Interface", "p-h1", "link_state").strip() == "down", timeout=15)


def test_idle_on_a_device(lab):
    """Neither the daemon nor the model eSwitch polls. (Without one: test_forwarding.py.)"""
    lab.device = "sim:nic"
    lab.bridge("br0")
    w = lab.wires(4)
    lab.on_device(*["p-w%d" % i for i in range(1, 5)])
    lab.sluice.ofctl("add-flow", "br0", "actions=output:1,output:2")
    w[3].send(frame())
    expect(w[1].receive(2, lambda f: f == frame()), "it forwards")
    check_idle(lab, 2, 2)
    w[3].send(frame())
    expect(w[1].receive(2, lambda f: f == frame()), "it wakes up")


if __name__ == "__main__":
    main()
