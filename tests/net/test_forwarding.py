#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A bridge without flows of ours: learning, flooding, VLANs, TCP over kernel ports."""
import slu
from nettest import Failure, check_idle, expect, expect_equal, frame, iperf, main, wait_until


def standalone(lab, n):
    """Wires w1..wn on a learning bridge."""
    lab.sluice.vsctl("add-br", "br0")
    return lab.wires(n)


def seen(wire, wanted, timeout=0.3):
    return [f for f in wire.receive(timeout) if f == wanted]


def expect_out(wires, sent, where, what):
    """`sent` comes out exactly once at the wires with the numbers in `where`, nowhere else."""
    got = [i for i, w in enumerate(wires, 1) for f in w.receive(0.25) if f == sent]
    expect_equal(got, sorted(where), what)


def test_learning_and_flooding(lab):
    w = standalone(lab, 4)
    w[0].send(frame(1, 2))
    expect_out(w, frame(1, 2), [2, 3, 4], "an unknown address is flooded, not back")
    w[1].send(frame(2, 1))
    expect_out(w, frame(2, 1), [1], "a learned address is not flooded")
    w[0].send(frame(1, 2))
    expect_out(w, frame(1, 2), [2], "nor its answer")
    # The host moves.
    w[2].send(frame(2, 1))
    expect_out(w, frame(2, 1), [1], "from its new place")
    w[0].send(frame(1, 2))
    expect_out(w, frame(1, 2), [3], "to its new place")
    # A packet to an address that lives where it comes from goes nowhere.
    w[0].send(frame(9, 1))
    expect_out(w, frame(9, 1), [], "to where it came from")


def test_learned_addresses_are_shown(lab):
    w = standalone(lab, 2)
    w[0].send(frame(1, 2))
    wait_until("the address in fdb/show",
               lambda: "02:00:00:00:00:01" in lab.sluice.rpc("fdb/show", "br0"))
    lab.sluice.rpc("fdb/flush", "br0")
    expect("02:00:00:00:00:01" not in lab.sluice.rpc("fdb/show", "br0"), "flushed")


def test_addresses_age(lab):
    """Of four ports; and what it costs when nothing else happens."""
    w = standalone(lab, 4)
    lab.sluice.vsctl("set", "Bridge", "br0", "other_config:mac-aging-time=15")
    w[1].send(frame(2, 1))
    expect_out(w, frame(2, 1), [1, 3, 4], "flooded")
    w[0].send(frame(1, 2))
    expect_out(w, frame(1, 2), [2], "known")
    check_idle(lab, 5)
    wait_until("the address aged out", lambda: "02:00:00:00:00:02" not in lab.sluice.rpc(
        "fdb/show", "br0"), timeout=25, interval=0.5)
    w[0].send(frame(1, 2))
    expect_out(w, frame(1, 2), [2, 3, 4], "unknown again")


def test_reserved_groups_are_not_forwarded(lab):
    w = standalone(lab, 2)
    from nettest import ether
    bpdu = ether("01:80:c2:00:00:00", "02:00:00:00:00:01", 0x0026, b"\x42\x42\x03" + b"\0" * 50)
    w[0].send(bpdu)
    expect_out(w, bpdu, [], "a BPDU stays on its link")


def vlan_ports(lab):
    """1: access 10; 2: access 20; 3: trunk 10,20; 4: native untagged 10, trunk 20;
    5: native tagged 10; 6: trunk of everything."""
    lab.sluice.vsctl("add-br", "br0")
    w = lab.wires(6)
    lab.sluice.vsctl(
        "set", "Port", "p-w1", "tag=10", "--", "set", "Port", "p-w2", "tag=20", "--",
        "set", "Port", "p-w3", "trunks=10,20", "--",
        "set", "Port", "p-w4", "tag=10", "vlan_mode=native-untagged", "trunks=20", "--",
        "set", "Port", "p-w5", "tag=10", "vlan_mode=native-tagged", "trunks=10")
    return w


def expect_vlan_out(w, where, what, **kw):
    """`where`: port number to VLAN of the frame that comes out (None: untagged)."""
    got = {}
    for i, wire in enumerate(w, 1):
        for f in wire.receive(0.25):
            for vlan in (None, 10, 20, 30):
                if f == frame(1, 2, vlan=vlan, **kw):
                    if i in got:
                        raise Failure("%s: twice at port %d" % (what, i))
                    got[i] = vlan
    expect_equal(got, where, what)


def test_vlan_flooding(lab):
    w = vlan_ports(lab)
    w[0].send(frame(1, 2))
    expect_vlan_out(w, {3: 10, 4: None, 5: 10, 6: 10}, "from the access port of 10")
    w[1].send(frame(1, 2))
    expect_vlan_out(w, {3: 20, 4: 20, 6: 20}, "from the access port of 20")
    w[5].send(frame(1, 2, vlan=20))
    expect_vlan_out(w, {2: None, 3: 20, 4: 20}, "20 from the open trunk")
    w[5].send(frame(1, 2, vlan=30))
    expect_vlan_out(w, {}, "30 is nowhere else")
    w[2].send(frame(1, 2, vlan=30))
    expect_vlan_out(w, {}, "a trunk drops what it does not carry")
    w[3].send(frame(1, 2))
    expect_vlan_out(w, {1: None, 3: 10, 5: 10, 6: 10}, "untagged on native-untagged is 10")
    w[0].send(frame(1, 2, vlan=10))
    expect_vlan_out(w, {}, "an access port takes no tagged frames")


def test_vlans_learn_apart(lab):
    w = vlan_ports(lab)
    w[0].send(frame(2, 1))
    for wire in w:
        wire.receive(0.1)
    w[4].send(frame(1, 2, vlan=10))
    expect_vlan_out(w, {1: None}, "known in 10")
    w[1].send(frame(1, 2))
    expect_vlan_out(w, {3: 20, 4: 20, 6: 20}, "unknown in 20")


def test_tcp_over_kernel_ports(lab):
    lab.sluice.vsctl("add-br", "br0")
    a = lab.host("h1", "10.0.0.1/24", bridge="br0")
    b = lab.host("h2", "10.0.0.2/24", bridge="br0")
    a.ping("10.0.0.2")
    print("       TCP %.2f Gb/s, " % iperf(a.ns, b.ns, "10.0.0.2"), end="")
    print("back %.2f Gb/s" % iperf(a.ns, b.ns, "10.0.0.2", "-R"))


def test_tcp_to_the_bridge_itself(lab):
    lab.sluice.vsctl("add-br", "br0")
    slu.run("ip", "link", "set", "br0", "up", ns=lab.ns)
    slu.run("ip", "addr", "add", "10.0.0.9/24", "dev", "br0", ns=lab.ns)
    a = lab.host("h1", "10.0.0.1/24", bridge="br0")
    a.ping("10.0.0.9")
    print("       TCP %.2f Gb/s" % iperf(a.ns, lab.ns, "10.0.0.9"))


def test_ipv6_between_hosts(lab):
    lab.sluice.vsctl("add-br", "br0")
    a = lab.host("h1", bridge="br0", ipv6=True)
    b = lab.host("h2", bridge="br0", ipv6=True)
    a.exec("ip", "addr", "add", "fd00::1/64", "dev", "eth0", "nodad")
    b.exec("ip", "addr", "add", "fd00::2/64", "dev", "eth0", "nodad")
    a.ping("fd00::2")
    print("       TCP over IPv6 %.2f Gb/s" % iperf(a.ns, b.ns, "fd00::2"))


def test_hosts_hear_nothing_twice(lab):
    """The kernel port keeps its frames from the host stack: an address on it does not answer."""
    lab.sluice.vsctl("add-br", "br0")
    a = lab.host("h1", "10.0.0.1/24", bridge="br0")
    slu.run("ip", "addr", "add", "10.0.0.77/24", "dev", a.port, ns=lab.ns)
    a.no_ping("10.0.0.77")


def test_mtu_of_jumbo_frames(lab):
    lab.sluice.vsctl("add-br", "br0")
    a = lab.host("h1", "10.0.0.1/24")
    b = lab.host("h2", "10.0.0.2/24")
    for h in (a, b):
        slu.run("ip", "link", "set", h.port, "mtu", "9000", ns=lab.ns)
        h.exec("ip", "link", "set", "eth0", "mtu", "9000")
        lab.sluice.vsctl("add-port", "br0", h.port)
    a.exec("ping", "-n", "-c", "2", "-i", "0.1", "-M", "do", "-s", "8900", "10.0.0.2")


if __name__ == "__main__":
    main()
