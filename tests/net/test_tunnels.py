#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""VXLAN and Geneve ports against the kernel's own tunnels and Open vSwitch's.

    host h1 (10.0.0.1) -- br-int -- tunnel port ~~ br-phy (172.16.0.1) -- peer (172.16.0.2)
"""
import contextlib
import random
import struct

import nettest
import slu
from nettest import (both_paths, checksum, ether, expect, expect_equal, expect_in, ipv4, main,
                     port_counters, udp4, wait_until)


def underlay(lab, ipv6=False):
    """br-phy with the host's address, and a peer behind its uplink."""
    peer = lab.host("peer", "172.16.0.2/24", ipv6=ipv6)
    lab.bridge("br-phy")
    lab.sluice.vsctl("add-port", "br-phy", peer.port)
    lab.sluice.ofctl("add-flow", "br-phy", "actions=NORMAL")
    slu.run("ip", "addr", "add", "172.16.0.1/24", "dev", "br-phy", ns=lab.ns)
    return peer


def overlay(lab, kind=None, name="tun0", **options):
    """br-int with host h1 as port 1 and a tunnel port as port 2."""
    lab.bridge("br-int")
    h1 = lab.host("h1", "10.0.0.1/24", "br-int")
    h1.exec("ip", "link", "set", "eth0", "mtu", "1400")
    if kind:
        add_tunnel(lab, kind, name, **options)
    lab.sluice.ofctl("add-flow", "br-int", "actions=NORMAL")
    lab.on_device(*[h.port for h in lab.hosts if hasattr(h, "port")])
    return h1


def by_device(lab, host, address):
    """On a device: until it carries packets and their answers from end to end."""
    def all_hits():
        before, misses, _ = lab.device_packets()
        host.ping(address, 1)
        hits, now, _ = lab.device_packets()
        return hits - before >= 2 and now == misses
    if lab.device:
        wait_until("the device carries a ping", all_hits)


def ping(lab, host, address, count):
    """Pings; on a device, by the device alone."""
    by_device(lab, host, address)
    hits = lab.hits()
    host.ping(address, count)
    lab.expect_hits(hits, 2 * count, "pings")


def add_tunnel(lab, kind, name="tun0", bridge="br-int", **options):
    lab.sluice.vsctl("add-port", bridge, name, "--", "set", "Interface", name, "type=" + kind,
                     *["options:%s=%s" % o for o in options.items()])


def kernel_vxlan(peer, vni=42, remote="172.16.0.1", local="172.16.0.2", address="10.0.0.2/24",
                 more=()):
    peer.exec("ip", "link", "add", "vx0", "type", "vxlan", "id", str(vni), "remote", remote,
              "local", local, "dstport", "4789", "dev", "eth0", *more)
    peer.exec("ip", "addr", "add", address, "dev", "vx0")
    peer.exec("ip", "link", "set", "vx0", "mtu", "1400")
    peer.exec("ip", "link", "set", "vx0", "up")


def reached(host, address, timeout=10):
    """The first packets may be lost while the next hop is looked for."""
    wait_until("%s reaches %s" % (host.name, address),
               lambda: host.ping(address, 1, check=False, wait=0.5), timeout)


def lost(host, address):
    wait_until("%s no longer reaches %s" % (host.name, address),
               lambda: not host.ping(address, 1, check=False, wait=0.5))


def drops(lab):
    return lab.sluice.rpc_json("drops")


def interface(lab, name, column):
    return lab.sluice.vsctl("get", "Interface", name, column).strip()


def iperf(lab, server, client, address, *args):
    """TCP for a second; returns Gb/s."""
    hits = lab.hits()
    rate = nettest.iperf(client.ns, server.ns, address, *args)
    lab.expect_hits(hits, 500, "iperf3")
    slu.log("iperf3 %s: %.2f Gb/s" % (" ".join(args), rate))
    return rate


# ---- VXLAN, the kernel's at the other end ----

@both_paths
def test_vxlan_with_the_kernel(lab):
    peer = underlay(lab)
    kernel_vxlan(peer)
    h1 = overlay(lab, "vxlan", remote_ip="172.16.0.2", key=42)
    reached(h1, "10.0.0.2")
    by_device(lab, h1, "10.0.0.2")
    before = port_counters(lab, "br-int", "2")
    phy = lab.sluice.flows("br-phy")[0]["n_packets"]
    ping(lab, h1, "10.0.0.2", 10)
    after = port_counters(lab, "br-int", "2")
    expect(10 <= after[0] - before[0] <= 14, "received by the tunnel port: %s" % (after,))
    expect(10 <= after[2] - before[2] <= 14, "sent by the tunnel port: %s" % (after,))
    expect(20 <= lab.sluice.flows("br-phy")[0]["n_packets"] - phy <= 30,
           "the underlay's flow counts both directions")
    ports = lab.sluice.rpc_json("tnl/ports/show")
    expect_equal([(p["type"], p["udp_port"]) for p in ports], [("vxlan", 4789)], "ends")
    if not lab.device:  # those count what software does
        expect(ports[0]["encapsulated"] >= 10 and ports[0]["decapsulated"] >= 10, "counted, too")
    expect_in("tunnel_egress_iface=br-phy", interface(lab, "tun0", "status"), "status")
    expect_in("172.16.0.2", lab.sluice.rpc("tnl/neigh/show"), "the neighbour")
    expect_in("dev br-phy", lab.sluice.rpc("ovs/route/lookup", "172.16.0.2"), "the route")
    expect_in("172.16.0.0/24 dev br-phy", lab.sluice.rpc("ovs/route/show"), "all routes")


@both_paths
def test_tcp_through_vxlan(lab):
    peer = underlay(lab)
    kernel_vxlan(peer)
    h1 = overlay(lab, "vxlan", remote_ip="172.16.0.2", key=42)
    reached(h1, "10.0.0.2")
    expect(iperf(lab, peer, h1, "10.0.0.2") > 0.05, "TCP into the tunnel")
    expect(iperf(lab, peer, h1, "10.0.0.2", "-R") > 0.05, "TCP out of the tunnel")


def test_udp_checksums(lab):
    """csum=true here, checksums asked for there."""
    peer = underlay(lab)
    kernel_vxlan(peer, more=("udpcsum",))
    h1 = overlay(lab, "vxlan", remote_ip="172.16.0.2", key=42, csum="true")
    reached(h1, "10.0.0.2")
    h1.ping("10.0.0.2", 5)
    expect(iperf(lab, peer, h1, "10.0.0.2", "-R") > 0.05, "TCP")
    expect_equal(drops(lab).get("tunnel_checksum", 0), 0, "wrong checksums")


@both_paths
def test_vxlan_over_ipv6(lab):
    peer = underlay(lab, ipv6=True)
    slu.run("ip", "addr", "add", "fd00::1/64", "dev", "br-phy", "nodad", ns=lab.ns)
    peer.exec("ip", "addr", "add", "fd00::2/64", "dev", "eth0", "nodad")
    kernel_vxlan(peer, remote="fd00::1", local="fd00::2")
    h1 = overlay(lab, "vxlan", remote_ip="fd00::2", key=42)
    reached(h1, "10.0.0.2")
    ping(lab, h1, "10.0.0.2", 10)
    expect(iperf(lab, peer, h1, "10.0.0.2") > 0.05, "TCP")


def test_group_policy(lab):
    """The kernel sends a socket's mark as the group that a packet belongs to."""
    peer = underlay(lab)
    kernel_vxlan(peer, more=("gbp",))
    h1 = overlay(lab, "vxlan", remote_ip="172.16.0.2", key=42, exts="gbp")
    reached(h1, "10.0.0.2")
    for flow in ("priority=50000,in_port=2,arp,actions=NORMAL",
                 "priority=40000,in_port=2,tun_gbp_id=0x1234,actions=NORMAL",
                 "priority=35000,in_port=2,actions=drop"):
        lab.sluice.ofctl("add-flow", "br-int", flow)

    def ping(*args):
        return slu.run("ping", "-n", "-c", "3", "-i", "0.05", "-W", "0.5", *args, "10.0.0.1",
                       ns=peer.ns, check=False).returncode == 0
    expect(not ping(), "packets of no group are dropped")
    expect(ping("-m", "4660"), "those of the group pass")
    expect(not ping("-m", "4661"), "those of another are dropped")


def test_tos_and_ttl(lab):
    """Configured, inherited, and ECN in any case."""
    peer = underlay(lab)
    h1 = overlay(lab, "vxlan", remote_ip="172.16.0.2", key=42, tos="0x20", ttl=17)
    wire, inner = peer.wire(), h1.wire()

    def outer(tos):
        frame = ether("02:00:00:00:00:02", "02:00:00:00:00:01", 0x0800,
                      ipv4("10.0.0.1", "10.0.0.2", 17, b"\0" * 8, tos=tos, ttl=33))

        def sent():
            inner.send(frame)
            got = wire.receive(0.3, lambda f: f[23:24] == b"\x11" and f[-len(frame):] == frame)
            return got and (got[0][15], got[0][22])
        return wait_until("the packet comes out", sent)
    expect_equal(outer(0x00), (0x20, 17), "as configured")
    expect_equal(outer(0x4b), (0x23, 17), "CE is the inner packet's")
    lab.sluice.vsctl("set", "Interface", "tun0", "options:tos=inherit", "options:ttl=inherit")
    expect_equal(outer(0x4a), (0x4a, 33), "inherited")


# ---- changes while packets flow ----

@both_paths
def test_neighbour_moves(lab):
    peer = underlay(lab)
    kernel_vxlan(peer)
    h1 = overlay(lab, "vxlan", remote_ip="172.16.0.2", key=42)
    reached(h1, "10.0.0.2")
    peer.exec("ip", "link", "set", "eth0", "address", "02:00:00:00:99:01")
    lost(h1, "10.0.0.2")
    slu.run("ip", "neigh", "replace", "172.16.0.2", "lladdr", "02:00:00:00:99:01", "dev", "br-phy",
            ns=lab.ns)
    reached(h1, "10.0.0.2")
    ping(lab, h1, "10.0.0.2", 5)
    # What the kernel learns by itself counts as much.
    slu.run("ip", "neigh", "flush", "dev", "br-phy", ns=lab.ns)
    reached(h1, "10.0.0.2")


def test_unknown_neighbour(lab):
    underlay(lab)
    h1 = overlay(lab, "vxlan", remote_ip="172.16.0.77", key=42)
    expect_equal(h1.ping("10.0.0.2", 2, check=False, wait=0.5), 0, "answers from nobody")
    wire = h1.wire()
    for _ in range(5):
        wire.send(ether("02:00:00:00:00:02", "02:00:00:00:00:01", 0x88b5, b"\0" * 50))
    wait_until("packets for an unknown neighbour are counted",
               lambda: drops(lab).get("no_neighbour", 0) >= 5)
    # It is looked for as long as packets want it.
    other = lab.host("late", "172.16.0.77/24", "br-phy")
    kernel_vxlan(other, local="172.16.0.77")
    reached(h1, "10.0.0.2")


def test_routes_change(lab):
    peer = underlay(lab)
    peer.exec("ip", "addr", "add", "172.16.5.5/32", "dev", "lo")
    kernel_vxlan(peer, local="172.16.5.5")
    h1 = overlay(lab, "vxlan", remote_ip="172.16.5.5", key=42)
    expect_equal(h1.ping("10.0.0.2", 1, check=False, wait=0.5), 0, "without a route")
    slu.run("ip", "route", "add", "172.16.5.0/24", "via", "172.16.0.2", ns=lab.ns)
    reached(h1, "10.0.0.2")
    wait_until("status", lambda: "br-phy" in interface(lab, "tun0", "status"))
    # A longer prefix that leads nowhere, and a better metric.
    slu.run("ip", "route", "add", "unreachable", "172.16.5.5/32", ns=lab.ns)
    lost(h1, "10.0.0.2")
    slu.run("ip", "route", "del", "unreachable", "172.16.5.5/32", ns=lab.ns)
    reached(h1, "10.0.0.2")
    slu.run("ip", "route", "replace", "172.16.5.0/24", "via", "172.16.0.99", ns=lab.ns)
    lost(h1, "10.0.0.2")
    slu.run("ip", "route", "replace", "172.16.5.0/24", "via", "172.16.0.2", ns=lab.ns)
    reached(h1, "10.0.0.2")
    # The kernel drops a route with its netdev, and says so for the netdev only.
    slu.run("ip", "link", "set", "br-phy", "down", ns=lab.ns)
    wait_until("no route is left", lambda: "172.16.5.0" not in lab.sluice.rpc("ovs/route/show"))


@both_paths
def test_ports_come_and_go(lab):
    peer = underlay(lab)
    kernel_vxlan(peer)
    h1 = overlay(lab, "vxlan", remote_ip="172.16.0.2", key=42)
    reached(h1, "10.0.0.2")
    p = h1.popen("ping", "-n", "-i", "0.002", "-c", "4000", "10.0.0.2")
    lab.processes.append(p)
    for i in range(4):
        lab.sluice.vsctl("del-port", "tun0")
        expect_equal(lab.sluice.rpc_json("tnl/ports/show"), [], "ends without a tunnel")
        add_tunnel(lab, "vxlan", remote_ip="172.16.0.2", key=42 if i % 2 else 43)
    reached(h1, "10.0.0.2")
    ping(lab, h1, "10.0.0.2", 5)
    lab.sluice.vsctl("del-br", "br-phy")
    lost(h1, "10.0.0.2")


# ---- what flows decide ----

@both_paths
def test_flow_based(lab):
    """One port for two peers: flows say to whom and with which key, and see from whom."""
    a = underlay(lab)
    kernel_vxlan(a, vni=0x11)
    b = lab.host("b", "172.16.0.3/24", "br-phy")
    kernel_vxlan(b, vni=0x22, local="172.16.0.3", address="10.0.0.3/24")
    h1 = overlay(lab, "vxlan", remote_ip="flow", key="flow")
    sluice = lab.sluice
    sluice.ofctl("del-flows", "br-int")
    for address, peer, vni in (("10.0.0.2", "172.16.0.2", 0x11), ("10.0.0.3", "172.16.0.3", 0x22)):
        for match in ("ip,nw_dst=" + address, "arp,arp_tpa=" + address):
            sluice.ofctl("add-flow", "br-int", "in_port=1,%s,actions=set_field:%s->tun_dst,"
                         "set_field:%d->tun_id,output:2" % (match, peer, vni))
        sluice.ofctl("add-flow", "br-int", "in_port=2,tun_id=%d,tun_src=%s,actions=output:1"
                     % (vni, peer))
    reached(h1, "10.0.0.2")
    reached(h1, "10.0.0.3")
    ping(lab, h1, "10.0.0.2", 3)
    ping(lab, h1, "10.0.0.3", 3)
    sluice.ofctl("--strict", "del-flows", "br-int", "in_port=2,tun_id=0x22,tun_src=172.16.0.3")
    lost(h1, "10.0.0.3")
    ping(lab, h1, "10.0.0.2", 3)


def test_most_specific_tunnel_receives(lab):
    underlay(lab)
    overlay(lab, "vxlan", "any", remote_ip="flow", key="flow")
    add_tunnel(lab, "vxlan", "peer", remote_ip="172.16.0.2", key="flow")
    add_tunnel(lab, "vxlan", "key7", remote_ip="flow", key=7)
    add_tunnel(lab, "vxlan", "both", remote_ip="172.16.0.2", key=8)
    sluice = lab.sluice
    wire = [h for h in lab.hosts if h.name == "peer"][0].wire()
    local = slu.run("cat", "/sys/class/net/br-phy/address", ns=lab.ns).strip()
    inner = ether("02:00:00:00:00:02", "02:00:00:00:00:01", 0x88b5, b"inner" * 10)

    def port_of(src, vni):
        names = ("any", "peer", "key7", "both")

        def count():
            return [port_counters(lab, "br-int", str(i + 2))[0] for i in range(len(names))]
        before = count()
        wire.send(ether(local, "02:00:00:00:50:01", 0x0800, udp4(
            src, "172.16.0.1", 5000, 4789, struct.pack(">II", 0x08000000, vni << 8) + inner)))
        after = wait_until("somebody has it", lambda: (lambda a: a != before and a)(count()), 3)
        return names[[x - y for x, y in zip(after, before)].index(1)]
    expect_equal(port_of("172.16.0.9", 5), "any", "an unknown peer, an unknown key")
    expect_equal(port_of("172.16.0.2", 5), "peer", "a known peer")
    expect_equal(port_of("172.16.0.9", 7), "key7", "a known key")
    expect_equal(port_of("172.16.0.2", 7), "key7", "a key of its own comes first")
    expect_equal(port_of("172.16.0.2", 8), "both", "both")
    sluice.vsctl("del-port", "both")
    sluice.ofctl("dump-flows", "br-int")


def test_others_packets_go_to_the_host(lab):
    """Nobody here has a tunnel to that peer: the host's own VXLAN device does."""
    peer = underlay(lab)
    kernel_vxlan(peer)
    overlay(lab, "vxlan", remote_ip="172.16.0.99", key=42)
    slu.run("ip", "link", "add", "vxk", "type", "vxlan", "id", "42", "remote", "172.16.0.2",
            "local", "172.16.0.1", "dstport", "4789", "dev", "br-phy", ns=lab.ns)
    slu.run("ip", "addr", "add", "10.0.0.1/24", "dev", "vxk", ns=lab.ns)
    slu.run("ip", "link", "set", "vxk", "up", ns=lab.ns)
    reached(peer, "10.0.0.1")


def test_underlay_flows_see_outer_packets(lab):
    peer = underlay(lab)
    kernel_vxlan(peer)
    h1 = overlay(lab, "vxlan", remote_ip="172.16.0.2", key=42)
    reached(h1, "10.0.0.2")
    sluice = lab.sluice
    sluice.ofctl("add-flow", "br-phy", "priority=50000,udp,nw_dst=172.16.0.2,tp_dst=4789,"
                 "actions=mod_nw_tos:8,NORMAL")
    h1.ping("10.0.0.2", 4)
    expect(any(f["n_packets"] and f["n_packets"] >= 4 for f in sluice.flows("br-phy", "udp")),
           "the flow counts them")
    # Their source port differs from packet to packet: who looks at it gets them parsed again.
    sluice.ofctl("add-flow", "br-phy", "priority=60000,udp,tp_src=49152/0xc000,tp_dst=4789,"
                 "actions=NORMAL")
    h1.ping("10.0.0.2", 4)
    expect(any(f["n_packets"] and f["n_packets"] >= 4 for f in sluice.flows("br-phy", "udp")
               if "tp_src" in f["match"]), "it counts them")


def test_a_loop_ends(lab):
    """The route to the tunnel's other end leads through the tunnel."""
    lab.bridge("br-int")
    h1 = lab.host("h1", "10.0.0.1/24", "br-int")
    slu.run("ip", "addr", "add", "10.0.0.9/24", "dev", "br-int", ns=lab.ns)
    slu.run("ip", "neigh", "replace", "10.0.0.77", "lladdr", "02:00:00:00:77:77", "dev", "br-int",
            ns=lab.ns)
    add_tunnel(lab, "vxlan", remote_ip="10.0.0.77", key=1)
    lab.sluice.ofctl("add-flow", "br-int", "actions=NORMAL")
    h1.wire().send(ether("02:00:00:00:00:02", "02:00:00:00:00:01", 0x88b5, b"\0" * 50))
    h1.ping("10.0.0.9", 3, check=False, wait=0.5)
    expect(lab.sluice.alive(), "alive")
    lab.sluice.vsctl("del-port", "tun0")
    reached(h1, "10.0.0.9")


# ---- mistakes ----

def test_configuration_errors(lab):
    underlay(lab)
    overlay(lab, "vxlan", remote_ip="172.16.0.2", key=42)
    lab.allow("tun|bad")

    def error(kind, **options):
        lab.sluice.vsctl("--no-wait", "--if-exists", "del-port", "bad", "--", "add-port", "br-int",
                         "bad", "--", "set", "Interface", "bad", "type=" + kind,
                         *["options:%s=%s" % o for o in options.items()])
        return wait_until("an error", lambda: (
            lambda e: e if e not in ("[]", "") and interface(lab, "bad", "ofport") == "-1" else "")(
                interface(lab, "bad", "error")))
    expect_in("remote_ip", error("vxlan"), "no remote_ip")
    expect_in("172.16.0.500", error("vxlan", remote_ip="172.16.0.500"), "no address")
    expect_in("one host", error("vxlan", remote_ip="224.0.0.1"), "multicast")
    expect_in("key", error("vxlan", remote_ip="172.16.0.3", key="0x1000000"), "a key of 25 bits")
    expect_in("IP versions", error("geneve", remote_ip="fd00::2", local_ip="172.16.0.1"), "mixed")
    expect_in("ttl", error("vxlan", remote_ip="172.16.0.3", ttl="300"), "ttl")
    expect_in("those of tun0", error("vxlan", remote_ip="172.16.0.2", key=42), "a duplicate")
    expect_in("another type", error("geneve", remote_ip="172.16.0.2", dst_port=4789), "the port")
    # The duplicate works once the first is gone.
    error("vxlan", remote_ip="172.16.0.2", key=42)
    lab.sluice.vsctl("del-port", "tun0")
    wait_until("it takes its place", lambda: interface(lab, "bad", "ofport") not in ("-1", "[]"))


def geneve_header(rng):
    options = b""
    for _ in range(rng.randrange(4)):
        n = rng.randrange(5)
        options += struct.pack(">HBB", rng.choice((0x102, 0xffff)), rng.choice((0x80, 0x81, 1, 2)),
                               rng.choice((n, n, n, 31))) + rng.randbytes(4 * n)
    length = rng.choice((len(options) // 4, len(options) // 4, 0, 63))
    return struct.pack(">BBHI", rng.choice((0, 0, 0x40)) | length, rng.choice((0, 0x40, 0x80)),
                       rng.choice((0x6558, 0x6558, 0x0800)), 42 << 8) + options


def malformed(rng, local, port):
    """A packet for a tunnel, of which something may be wrong."""
    if port == 4789:
        head = struct.pack(">II", rng.choice((0x08000000, 0x08000000, 0, 0xff0000ff, 0x88000001)),
                           rng.choice((42 << 8, 42 << 8 | 1, 43 << 8)))
    else:
        head = geneve_header(rng)
    inner = ether("02:00:00:00:00:02", "02:00:00:00:00:03", 0x0800, ipv4(
        "10.0.0.2", "10.0.0.1", 17, rng.randbytes(rng.randrange(60)), tos=rng.randrange(4)))
    payload = head + inner
    payload = payload[:rng.choice((len(payload), len(payload), rng.randrange(len(payload) + 1)))]
    p = bytearray(udp4("172.16.0.2", "172.16.0.1", 5000, port, payload))
    p[1] = rng.randrange(4)  # ECN; the header's checksum is made right again, or not
    if rng.random() < 0.9:
        p[10:12] = b"\0\0"
        p[10:12] = struct.pack(">H", checksum(bytes(p[:20])))
    if rng.random() < 0.3:
        p[24:26] = struct.pack(">H", rng.randrange(100))
    if rng.random() < 0.3:
        p[rng.randrange(20, len(p))] ^= 1 << rng.randrange(8)
    return ether(local, "02:00:00:00:50:01", 0x0800, bytes(p))


@both_paths
def test_malformed_packets(lab):
    rng = random.Random(7)
    peer = underlay(lab)
    kernel_vxlan(peer)
    h1 = overlay(lab, "vxlan", remote_ip="172.16.0.2", key=42)
    add_tunnel(lab, "geneve", "gnv0", remote_ip="172.16.0.2", key="flow")
    reached(h1, "10.0.0.2")
    local = slu.run("cat", "/sys/class/net/br-phy/address", ns=lab.ns).strip()
    wire = peer.wire()
    for _ in range(600):
        wire.send(malformed(rng, local, rng.choice((4789, 6081))))
    seen = wait_until("all kinds of faults are counted", lambda: (
        lambda d: d if all(d.get("tunnel_" + kind) for kind in (
            "header", "checksum", "option", "ecn")) else None)(drops(lab)))
    slu.log("drops:", {k: v for k, v in seen.items() if "tunnel" in k})
    expect(sum(p["malformed"] for p in lab.sluice.rpc_json("tnl/ports/show")) > 100,
           "the ends count them")
    ping(lab, h1, "10.0.0.2", 5)


# ---- Open vSwitch at the other end ----

class OvsPeer:
    """Open vSwitch's userspace datapath as tunnel end, with a host h2 (10.0.0.2) behind it."""

    def __init__(self, lab):
        self.host = lab.host("peer", ipv6=True)
        self.h2 = slu.Netns("h2")
        lab.hosts.append(self)
        self.ns = self.h2
        self.sw = slu.Ovs(self.host.ns, "ovs-" + lab.name)
        self.host.ns.veth("p-h2", "eth0", self.h2)
        slu.run("ip", "addr", "add", "10.0.0.2/24", "dev", "eth0", ns=self.h2)
        slu.run("ip", "link", "set", "eth0", "mtu", "1400", ns=self.h2)
        # It does not complete the checksums that the kernel leaves to the hardware.
        slu.run("ethtool", "-K", "eth0", "tx", "off", ns=self.h2)
        self.sw.add_bridge("br-phy")
        self.sw.vsctl("add-port", "br-phy", "eth0")
        self.sw.ofctl("add-flow", "br-phy", "actions=NORMAL")
        for address in ("172.16.0.2/24", "fd00::2/64"):
            slu.run("ip", "addr", "add", address, "dev", "br-phy", *(["nodad"] * (":" in address)),
                    ns=self.host.ns)
        self.sw.add_bridge("br-int")
        self.sw.add_ports("br-int", ["p-h2"])
        self.sw.ofctl("add-flow", "br-int", "actions=NORMAL")

    def tunnel(self, kind, **options):
        self.sw.vsctl("add-port", "br-int", "tun0", "--", "set", "Interface", "tun0",
                      "type=" + kind, "ofport_request=2",
                      *["options:%s=%s" % o for o in options.items()])

    def popen(self, *cmd, **kw):
        return self.h2.popen(*cmd, **kw)


@contextlib.contextmanager
def ovs_peer(lab):
    peer = OvsPeer(lab)
    lab.bridge("br-phy")
    lab.sluice.vsctl("add-port", "br-phy", peer.host.port)
    lab.sluice.ofctl("add-flow", "br-phy", "actions=NORMAL")
    for address in ("172.16.0.1/24", "fd00::1/64"):
        slu.run("ip", "addr", "add", address, "dev", "br-phy", *(["nodad"] * (":" in address)),
                ns=lab.ns)
    try:
        yield peer
    finally:
        peer.sw.stop()
        slu.run("rm", "-rf", peer.sw.rundir)


@both_paths
def test_geneve_with_open_vswitch(lab):
    with ovs_peer(lab) as peer:
        peer.tunnel("geneve", remote_ip="172.16.0.1", key=77)
        h1 = overlay(lab, "geneve", remote_ip="172.16.0.2", key=77)
        reached(h1, "10.0.0.2")
        ping(lab, h1, "10.0.0.2", 10)
        expect(iperf(lab, peer, h1, "10.0.0.2") > 0.005, "TCP")


def test_geneve_options_with_open_vswitch(lab):
    """Each side writes an option that the other matches; one has it mapped elsewhere."""
    with ovs_peer(lab) as peer:
        peer.tunnel("geneve", remote_ip="172.16.0.1", key=77)
        h1 = overlay(lab, "geneve", remote_ip="172.16.0.2", key=77)
        reached(h1, "10.0.0.2")
        lab.sluice.ofctl("add-tlv-map", "br-int",
                         "{class=0x102,type=0x80,len=4}->tun_metadata3")
        lab.sluice.ofctl("add-tlv-map", "br-int", "{class=0x102,type=1,len=8}->tun_metadata0")
        peer.sw.ofctl("add-tlv-map", "br-int", "{class=0x102,type=1,len=8}->tun_metadata5")
        peer.sw.ofctl("add-tlv-map", "br-int", "{class=0x102,type=0x80,len=4}->tun_metadata0")
        for sw, short, long in ((lab.sluice, 3, 0), (peer.sw, 0, 5)):
            sw.ofctl("add-flow", "br-int", "priority=40000,in_port=1,actions="
                     "set_field:0xc0ffee->tun_metadata%d,set_field:0x123456789abc->tun_metadata%d,"
                     "NORMAL" % (short, long))
            sw.ofctl("add-flow", "br-int", "priority=40000,in_port=2,tun_metadata%d=0xc0ffee,"
                     "tun_metadata%d=0x56789abc/0xffffffff,actions=NORMAL" % (short, long))
            sw.ofctl("add-flow", "br-int", "priority=35000,in_port=2,actions=drop")
        reached(h1, "10.0.0.2")
        h1.ping("10.0.0.2", 5)
        for sw in (lab.sluice, peer.sw):
            wait_until("packets came with their options", lambda: 5 <= sum(
                f["n_packets"] for f in sw.flows("br-int") if "tun_metadata" in f["match"]))
        # A value that is not the one asked for.
        peer.sw.ofctl("mod-flows", "br-int", "in_port=1,actions=set_field:0xc0ffed->tun_metadata0,"
                      "set_field:0x123456789abc->tun_metadata5,NORMAL")
        lost(h1, "10.0.0.2")


def test_vxlan_over_ipv6_with_open_vswitch(lab):
    with ovs_peer(lab) as peer:
        peer.tunnel("vxlan", remote_ip="fd00::1", key=78)
        h1 = overlay(lab, "vxlan", remote_ip="fd00::2", key=78)
        reached(h1, "10.0.0.2")
        h1.ping("10.0.0.2", 10)


if __name__ == "__main__":
    main()
