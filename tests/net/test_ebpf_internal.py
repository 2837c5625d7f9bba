#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Internal ports, by which the host itself is on a bridge, with the kernel as the device: packets
go between the host and other ports by rules, and each is counted once, whoever moved it."""
import re
import threading
import time

import slu
from bpfmaps import PRIORITY
from nettest import (Wire, expect, expect_equal, expect_in, frame, iperf, main, port_counters,
                     replies, wait_until)
from test_tunnels import add_tunnel, kernel_vxlan

HOST, PEER = "10.0.0.1", "10.0.0.2"


def by_rules(lab):
    return sum(m["packets"]["hardware"] for m in lab.sluice.in_kernel())


def use_kernel(lab):
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true",
                     "other_config:max-idle=600000", "other_config:sluice-audit-interval=0")


def address(lab, name):
    lab.silence(name)
    slu.run("ip", "addr", "add", HOST + "/24", "dev", name, ns=lab.ns)
    slu.run("ip", "link", "set", name, "up", ns=lab.ns)


def host_and_peer(lab, name="br0", ports=2):
    """The host on an internal port, and a namespace behind a veth, OpenFlow port 1."""
    use_kernel(lab)
    lab.bridge("br0", quiet=True)
    peer = lab.host("a", PEER + "/24", "br0")
    if name != "br0":
        lab.sluice.vsctl("add-port", "br0", name, "--", "set", "Interface", name, "type=internal")
    lab.on_kernel(ports - 1)
    address(lab, name)
    lab.sluice.ofctl("add-flow", "br0", "actions=NORMAL")
    return peer


def ping(lab, count, wait=1):
    return replies(lab.ns, PEER, count, wait=wait)


def warm(lab):
    """Both ways have their rules."""
    def done():
        before = by_rules(lab)
        expect_equal(ping(lab, 5), 5, "replies")
        return wait_until("counters", lambda: by_rules(lab) - before >= 10, timeout=1.5)
    expect_equal(ping(lab, 3, 3), 3, "replies")
    wait_until("flows in the kernel", lambda: len(lab.sluice.in_kernel()) >= 2)
    done()


def counted(lab, here, count=50):
    """The host and the peer talk by rules alone; what is counted at one port is at the other."""
    def read():
        return port_counters(lab, "br0", here), port_counters(lab, "br0", "1")
    warm(lab)
    before, rules = read(), by_rules(lab)
    expect_equal(ping(lab, count), count, "replies")
    wait_until("both ways by rules", lambda: by_rules(lab) - rules >= 2 * count)
    after = read()
    mine, its = ([a - b for a, b in zip(after[i], before[i])] for i in (0, 1))
    expect(mine[0] >= count and mine[2] >= count, "counters: %r" % mine)
    expect_equal(mine, its[2:] + its[:2], "received and sent here, sent and received there")


def test_the_bridges_own(lab):
    host_and_peer(lab)
    counted(lab, "LOCAL")


def test_another(lab):
    """And its rules alone go with it."""
    host_and_peer(lab, "int0", 3)
    counted(lab, "2")
    lab.sluice.vsctl("del-port", "br0", "int0")
    lab.on_kernel(1)
    address(lab, "br0")
    counted(lab, "LOCAL")


def test_dropped(lab):
    """Who sends is not told what becomes of it, as on any wire."""
    host_and_peer(lab)
    warm(lab)
    lab.sluice.ofctl("add-flow", "br0", "priority=40000,udp,actions=drop")
    was = port_counters(lab, "br0", "LOCAL")
    wire = Wire(lab.ns, "br0")
    wire.send(frame())
    wait_until("the drop in the kernel", lambda: any(
        not m["packets"]["hardware"] for m in lab.sluice.in_kernel()))
    for _ in range(20):
        wire.send(frame())
    wait_until("drops by the rule", lambda: any(
        m["packets"]["hardware"] == 20 for m in lab.sluice.in_kernel()))
    now = port_counters(lab, "br0", "LOCAL")
    expect_equal([a - b for a, b in zip(now, was)], [21, 21 * len(frame()), 0, 0], "counters")


def test_tags(lab):
    """A tag that the sender put into the packet, where an ingress would have taken it out, is one."""
    peer = host_and_peer(lab)
    lab.sluice.ofctl("add-flows", "br0", "-", input="".join(
        "priority=%d,udp,in_port=LOCAL,%sactions=%s\n" % f for f in (
            (50000, "dl_vlan=7,", "mod_vlan_vid:8,output:1"), (50000, "dl_vlan=9,", "strip_vlan,output:1"),
            (50000, "dl_vlan=10,", "push_vlan:0x88a8,set_field:4107->vlan_vid,output:1"))))
    wire, there = Wire(lab.ns, "br0"), peer.wire()
    sent = [frame(vlan=v) for v in (7, 9, 10)]
    inner = frame(vlan=10)
    wanted = [frame(vlan=8), frame(), inner[:12] + bytes((0x88, 0xa8, 0, 11)) + inner[12:]]
    for f in sent:
        wire.send(f)
    wait_until("all in the kernel", lambda: len(lab.sluice.in_kernel()) == 3)
    there.drain()
    for _ in range(5):
        for f in sent:
            wire.send(f)
    got = there.receive(0.5)
    expect_equal(sorted(got), sorted(wanted * 5), "what arrives")
    wait_until("by rules", lambda: by_rules(lab) == 15)


def test_tags_for_the_host(lab):
    """What the host is sent has its tags, and is what a capture there shows."""
    peer = host_and_peer(lab)
    lab.sluice.ofctl("add-flows", "br0", "-", input="".join(
        "priority=50000,udp,in_port=1,%s,actions=%s\n" % f for f in (
            ("dl_vlan=7", "mod_vlan_vid:8,LOCAL"), ("dl_vlan=9", "strip_vlan,LOCAL"),
            ("dl_vlan=10", "push_vlan:0x88a8,set_field:4107->vlan_vid,LOCAL"),
            ("dl_vlan=11", "LOCAL,in_port"),
            ("vlan_tci=0", "push_vlan:0x8100,set_field:4099->vlan_vid,LOCAL"))))
    wire, here = peer.wire(), Wire(lab.ns, "br0")
    sent = [frame(vlan=v) for v in (7, 9, 10, 11, None)]
    inner = frame(vlan=10)
    wanted = [frame(vlan=8), frame(), inner[:12] + bytes((0x88, 0xa8, 0, 11)) + inner[12:],
              frame(vlan=11), frame(vlan=3)]
    for f in sent:
        wire.send(f)
    wait_until("all in the kernel", lambda: len(lab.sluice.in_kernel()) == len(sent))
    here.receive(0.3)
    before = port_counters(lab, "br0", "LOCAL")
    for _ in range(5):
        for f in sent:
            wire.send(f)
    expect_equal(sorted(here.receive(0.5)), sorted(wanted * 5), "what arrives")
    wait_until("by rules", lambda: by_rules(lab) == 5 * len(sent))
    now = port_counters(lab, "br0", "LOCAL")
    expect_equal([a - b for a, b in zip(now, before)],
                 [0, 0, 5 * len(sent), 5 * sum(map(len, wanted))], "counters")


def test_through_a_tunnel(lab):
    """The host inside of a tunnel, and at the end of it."""
    use_kernel(lab)
    peer = lab.host("peer", "172.16.0.2/24")
    lab.bridge("br-phy")
    lab.sluice.vsctl("add-port", "br-phy", peer.port)
    lab.sluice.ofctl("add-flow", "br-phy", "actions=NORMAL")
    slu.run("ip", "addr", "add", "172.16.0.1/24", "dev", "br-phy", ns=lab.ns)
    kernel_vxlan(peer, more=("noudpcsum",))
    lab.bridge("br-int", quiet=True)
    address(lab, "br-int")
    slu.run("ip", "link", "set", "br-int", "mtu", "1400", ns=lab.ns)
    add_tunnel(lab, "vxlan", remote_ip="172.16.0.2", key=42)
    lab.sluice.ofctl("add-flow", "br-int", "actions=NORMAL")
    wait_until("a reply", lambda: ping(lab, 1))
    wait_until("both ways in the kernel", lambda: len(
        [m for m in lab.sluice.in_kernel() if "icmp" in m["match"] + m["actions"] or
         "tunnel" in m["actions"]]) >= 3)
    before, rules = port_counters(lab, "br-int", "LOCAL"), by_rules(lab)
    expect_equal(ping(lab, 50), 50, "replies")
    # Into the tunnel; out of it, and on to the host.
    wait_until("by rules", lambda: by_rules(lab) - rules >= 150)
    now = port_counters(lab, "br-int", "LOCAL")
    expect(all(50 <= now[i] - before[i] <= 52 for i in (0, 2)), "%r after %r" % (now, before))


def test_kept_in_software(lab):
    """Who says so keeps it off the device, and back."""
    host_and_peer(lab)
    warm(lab)
    lab.sluice.vsctl("set", "Interface", "br0", "options:device=none")
    lab.on_kernel(0)
    before = by_rules(lab)
    expect_equal(ping(lab, 5, 3), 5, "replies")
    expect_equal(by_rules(lab), before, "packets by rules")
    lab.sluice.vsctl("remove", "Interface", "br0", "options", "device")
    lab.on_kernel(1)


def test_device_comes_and_goes(lab):
    """Its netdev stays as it is, and so do the host's addresses; what rules moved stays counted, also
    what nobody had asked for until then."""
    lab.bridge("br0", quiet=True)
    lab.host("a", PEER + "/24", "br0")
    address(lab, "br0")
    lab.sluice.ofctl("add-flow", "br0", "actions=NORMAL")
    expect_equal(ping(lab, 5, 3), 5, "replies")
    use_kernel(lab)
    lab.on_kernel(1)
    warm(lab)
    was = port_counters(lab, "br0", "LOCAL")
    expect_equal(ping(lab, 50), 50, "replies by rules")
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=false")
    wait_until("no device", lambda: not lab.sluice.offload_status()["devices"])
    expect_equal(ping(lab, 5, 3), 5, "replies in software")
    now = port_counters(lab, "br0", "LOCAL")
    # And the two may have asked each other for their addresses.
    expect(all(55 <= now[i] - was[i] <= 57 for i in (0, 2)), "%r after %r" % (now, was))
    expect(PRIORITY not in slu.run("tc", "filter", "show", "dev", "br0", "egress", ns=lab.ns),
           "the program stayed")


def test_super_frames(lab):
    """TCP both ways between the host and a peer: whole super-frames, right to the byte."""
    peer = host_and_peer(lab)
    warm(lab)
    for more in (), ("-R",):
        before = by_rules(lab)
        rate = iperf(lab.ns, peer.ns, PEER, *more)
        slu.log("TCP%s: %.1f Gb/s" % (" back" if more else "", rate))
        expect(rate > 1, "%.1f Gb/s" % rate)
        wait_until("packets by rules", lambda: by_rules(lab) - before > 1000)
    wait_until("packets of more than 4,000 bytes", lambda: lab.longest_in_kernel() > 4000, timeout=3)


class Pinging(threading.Thread):
    def __init__(self, lab):
        super().__init__(daemon=True)
        self.lab, self.done, self.sent, self.got = lab, False, 0, 0

    def run(self):
        while not self.done:
            self.sent += 20
            self.got += ping(self.lab, 20)


def test_restart(lab):
    """A daemon is killed, and another takes over, while the host talks: nothing is lost."""
    host_and_peer(lab)
    warm(lab)
    # The host knows the neighbour for as long as this takes.
    for ns, dev, to in (lab.ns, "br0", PEER), (lab.hosts[0].ns, "eth0", HOST):
        lladdr = re.search(r"lladdr (\S+)", slu.run("ip", "neigh", "show", to, "dev", dev, ns=ns))[1]
        slu.run("ip", "neigh", "replace", to, "lladdr", lladdr, "dev", dev, "nud", "permanent", ns=ns)
    talk = Pinging(lab)
    talk.start()
    time.sleep(0.3)
    for _ in range(2):
        lab.sluice.kill()
        time.sleep(0.3)
        lab.sluice.start()
        lab.sluice.ofctl("add-flow", "br0", "actions=NORMAL")
        lab.on_kernel(1)
        time.sleep(0.5)
    talk.done = True
    talk.join()
    expect(talk.sent >= 100, "%d pings" % talk.sent)
    expect_equal(talk.got, talk.sent, "replies")


def test_foreign_hands(lab):
    """A program taken away is back after an audit; filters of others at the egress stay."""
    lab.allow("was taken away|audit")
    host_and_peer(lab)
    warm(lab)
    slu.run("tc", "filter", "add", "dev", "br0", "egress", "pref", "7", "protocol", "0x88b5",
            "u32", "match", "u32", "0", "0", "flowid", "1:1", ns=lab.ns)
    slu.run("tc", "filter", "del", "dev", "br0", "egress", "pref", PRIORITY, ns=lab.ns)
    expect_equal(ping(lab, 5), 5, "replies, partly by software")
    lab.sluice.ctl("offload", "audit")
    show = ("tc", "filter", "show", "dev", "br0", "egress")
    expect_in(PRIORITY, slu.run(*show, ns=lab.ns), "the program")
    warm(lab)
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=false")
    wait_until("the program is gone", lambda: PRIORITY not in slu.run(*show, ns=lab.ns))
    expect_in("pref 7 ", slu.run(*show, ns=lab.ns), "a filter of others")


def test_moved_away(lab):
    """Into a container: it goes on in software, and others by rules."""
    peer = host_and_peer(lab, "int0", 3)
    warm(lab)
    box = lab.host("box")
    slu.run("ip", "link", "set", "int0", "netns", box.ns.name, ns=lab.ns)
    lab.on_kernel(1)
    box.exec("ip", "addr", "add", "10.0.0.3/24", "dev", "int0")
    box.exec("ip", "link", "set", "int0", "up")
    wait_until("replies", lambda: box.ping(PEER, check=False) == 3, timeout=5)
    address(lab, "br0")
    peer.exec("ip", "neigh", "flush", "all")
    counted(lab, "LOCAL")


if __name__ == "__main__":
    main()
