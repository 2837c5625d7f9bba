#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tunnels on the kernel as a device: what software makes of a packet, to the byte; and the kernel's
own VXLAN and Geneve at the other end.

    host h1 (10.0.0.1) -- br-int -- tunnel port ~~ br-phy (172.16.0.1) -- peer (172.16.0.2)
"""
import re
import socket
import struct
import threading
import time

import slu
from nettest import (Wire, checksum, ether, expect, expect_equal, expect_in, in_ns, ipv4, mac, main,
                     port_counters, udp4, wait_until)
from test_tunnels import add_tunnel, iperf, kernel_vxlan, reached

PORTS = {"vxlan": 4789, "geneve": 6081}
UNDERLAY, PEER = "02:00:00:00:50:01", "02:00:00:00:50:02"
OWN = b"\2\0\0\0\0\1"  # whose frames are inside
VNI = 42


def offload(lab):
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true",
                     "other_config:sluice-audit-interval=0")


def packets(lab):
    """(hits, misses, drops) of the device."""
    d = lab.device_state()
    return tuple(d[kind + "_packets"] for kind in ("hit", "miss", "dropped"))


def since(lab, before):
    time.sleep(0.3)  # its counters are read now and then
    return tuple(b - a for a, b in zip(before, packets(lab)))


# ---- frames of our own ----

def underlay(lab, kinds=("vxlan",), **options):
    """Wires to the peer and to port 1 of br-int, whose packets go into tun0 of each kind."""
    lab.bridge("br-phy", "--", "set", "Bridge", "br-phy", 'other_config:hwaddr="%s"' % UNDERLAY)
    lab.ns.veth("p-peer", "w-peer", quiet=True)
    lab.sluice.vsctl("add-port", "br-phy", "p-peer")
    slu.run("ip", "link", "set", "br-phy", "address", UNDERLAY, ns=lab.ns)
    slu.run("ip", "addr", "add", "172.16.0.1/24", "dev", "br-phy", ns=lab.ns)
    slu.run("ip", "neigh", "replace", "172.16.0.2", "lladdr", PEER, "dev", "br-phy", "nud",
            "permanent", ns=lab.ns)
    lab.sluice.ofctl("add-flow", "br-phy", "actions=NORMAL")
    lab.bridge("br-int")
    lab.ns.veth("p-w1", "w1", quiet=True)
    lab.sluice.vsctl("add-port", "br-int", "p-w1", "--", "set", "Interface", "p-w1",
                     "ofport_request=1")
    for i, kind in enumerate(kinds):
        add_tunnel(lab, kind, kind + "0", remote_ip="172.16.0.2", key="flow", **options)
        lab.sluice.vsctl("set", "Interface", kind + "0", "ofport_request=%d" % (10 + i))
    peer, w1 = Wire(lab.ns.name, "w-peer"), Wire(lab.ns.name, "w1")
    lab.sluice.ofctl("add-flow", "br-int", "priority=1,actions=output:1")
    for netdev in "w-peer", "p-peer", "w1", "p-w1":
        slu.run("ip", "link", "set", netdev, "mtu", "9000", ns=lab.ns)
    # The underlay learns where the peer is.
    peer.send(ether("ff:ff:ff:ff:ff:ff", PEER, 0x88b5, bytes(46)))
    return peer, w1


def udp6(payload=b"payload-of-a-test", tclass=0):
    src, dst = (socket.inet_pton(socket.AF_INET6, a) for a in ("fd00::1", "fd00::2"))
    head = struct.pack(">HHHH", 1000, 2000, 8 + len(payload), 0)
    c = checksum(src + dst + struct.pack(">II", 8 + len(payload), 17) + head + payload) or 0xffff
    return struct.pack(">IHBB", 6 << 28 | tclass << 20, 8 + len(payload), 17, 64) + src + dst + \
        head[:6] + struct.pack(">H", c) + payload


def inner_frames():
    """Whatever may be in a tunnel, by name."""
    a, b = "02:00:00:00:00:01", "02:00:00:00:00:02"
    arp = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + mac(a) + socket.inet_aton("10.0.0.1") + \
        bytes(6) + socket.inet_aton("10.0.0.2")
    frames = {"udp of %d" % n: ether(b, a, 0x0800, udp4("10.0.0.1", "10.0.0.2", 1000 + n, 2000,
                                                      bytes(n))) for n in (0, 1, 17, 700, 1371)}
    frames.update({"ecn %d" % n: ether(b, a, 0x0800, ipv4("10.0.0.1", "10.0.0.2", 47, bytes(30),
                                                       tos=0x28 | n, ttl=7)) for n in range(4)})
    frames.update({
        "udp over IPv6": ether(b, a, 0x86dd, udp6(tclass=2)),
        "an address": ether(b, a, 0x0806, arp),
        "a tag": ether(b, a, 0x0800, udp4("10.0.0.1", "10.0.0.2", 1, 2), 0x6005),
        "a service tag": ether(b, a, 0x86dd, udp6(), 7, 0x88a8),
        "an address with a tag": ether(b, a, 0x0806, arp, 7),
        "two tags": ether(b, a, 0x8100, b"\0\5\x08\0" + udp4("10.0.0.1", "10.0.0.2", 1, 2), 6,
                          0x88a8),
        "a label": ether(b, a, 0x8847, struct.pack(">I", 0x12345140) + udp4(
            "10.0.0.1", "10.0.0.2", 1, 2)),
        "a length": ether(b, a, 46, bytes(46)),
        "anything": ether(b, a, 0x88b5, bytes(range(60))),
    })
    return frames


def tunnelled(kind, inner, tos=0, dport=None, head=None, summed=False, ttl=64, **change):
    """A packet for the tunnel."""
    if head is None:
        head = struct.pack(">II", 0x08000000, VNI << 8) if kind == "vxlan" else \
            struct.pack(">HHI", 0, 0x6558, VNI << 8)
    p = bytearray(udp4("172.16.0.2", "172.16.0.1", 50000, dport or PORTS[kind], head + inner))
    p[1], p[8] = tos, ttl
    p[10:12] = b"\0\0"
    if not summed:
        p[26:28] = b"\0\0"
    p[10:12] = struct.pack(">H", checksum(bytes(p[:20])) ^ change.get("ip_sum", 0))
    if "udp_sum" in change:
        p[26:28] = struct.pack(">H", change["udp_sum"])
    return ether(UNDERLAY, PEER, 0x0800, bytes(p) + change.get("behind", b""))


def leave_out(outer):
    """The outer IPv4 header's identification, and its checksum once that is right."""
    expect_equal(checksum(outer[14:34]), 0, "the outer header's checksum")
    return outer[:18] + outer[20:24] + outer[26:]


def in_software(lab, work):
    """The same by software, then by the device."""
    result = [work()]
    offload(lab)
    wait_until("ports on the device", lambda: lab.device_state()["ports"] >= 3)
    work()
    wait_until("flows in the kernel", lambda: not [
        m for m in lab.sluice.offload_flows() if m["where"] == "software" and
        "tunnel" in m["actions"] + m["match"] and "clone" not in m["actions"]])
    before = packets(lab)
    return result + [work(), since(lab, before)]


def send_all(frames, wire, at, wanted):
    """What arrives for each frame, by its name."""
    got = {}
    for name, f in frames.items():
        at.drain()
        wire.send(f)
        got[name] = at.receive(0.3, wanted)
        got[name] += [x for x in at.receive(0.03) if wanted(x)]
    return got


def test_into_tunnels(lab):
    """Frames of all kinds have the same headers from software and from the device."""
    peer, w1 = underlay(lab, tuple(PORTS))
    frames = inner_frames()

    def work():
        got = {}
        for i, kind in enumerate(PORTS):
            lab.sluice.ofctl("add-flow", "br-int", "in_port=1,actions=set_field:%d->tun_id,output:%d" % (
                VNI, 10 + i))
            w1.send(frames["anything"])
            time.sleep(0.3)
            got[kind] = send_all(frames, w1, peer, lambda f: f[56:62] == OWN)
        return got
    software, device, (hits, misses, drops) = in_software(lab, work)
    for kind in PORTS:
        for name, f in frames.items():
            expect_equal(len(software[kind][name]), 1, "%s, %s: frames from software" % (kind, name))
            expect_equal([leave_out(x).hex() for x in device[kind][name]],
                         [leave_out(x).hex() for x in software[kind][name]], "%s, %s" % (kind, name))
            expect_equal(software[kind][name][0][50:], f, "%s, %s: what is inside" % (kind, name))
    slu.log("%d hits, %d misses, %d drops" % (hits, misses, drops))
    # Two tags are for software.
    expect(hits >= 2 * (len(frames) - 1) and 2 <= misses <= 8 and not drops, "who did it")


def test_out_of_tunnels(lab):
    peer, w1 = underlay(lab, tuple(PORTS))
    inner = inner_frames()
    plain = inner["udp of 17"]
    frames = {}
    for kind in PORTS:
        frames.update({"%s, %s" % (kind, name): tunnelled(kind, f) for name, f in inner.items()})
        frames.update({"%s, summed, of %d" % (kind, n): tunnelled(kind, ether(
            "02:00:00:00:00:02", "02:00:00:00:00:01", 0x88b5, bytes(range(1, 252)) * 40)[:n], summed=True)
            for n in (60, 61, 495, 496, 497, 1000, 8000)})
    by_device = len(frames)
    for kind in PORTS:
        frames.update({"%s, %s" % (kind, name): f for name, f in {
            "a wrong checksum": tunnelled(kind, plain, udp_sum=0x1234),
            "a wrong header checksum": tunnelled(kind, plain, ip_sum=1),
            "ECT(1) outside": tunnelled(kind, inner["ecn 2"], tos=1),
            "congestion outside": tunnelled(kind, inner["ecn 2"], tos=3),
            "congestion for nobody": tunnelled(kind, inner["ecn 0"], tos=3),
            "padding": tunnelled(kind, plain, behind=bytes(4)),
            "a reserved bit": tunnelled(kind, plain, head=struct.pack(">II", 0x08000001, VNI << 8)),
            "a reserved byte": tunnelled(kind, plain, head=struct.pack(
                ">II", 0x08000000 if kind == "vxlan" else 0x6558, VNI << 8 | 1)),
            "an option": tunnelled(kind, plain, head=struct.pack(
                ">BBHIHBBI", 2, 0, 0x6558, VNI << 8, 0x102, 5, 1, 7)),
            "no Ethernet": tunnelled(kind, plain, head=struct.pack(">II", 0x0800, VNI << 8)),
            "nothing": tunnelled(kind, b""),
            "less than a header": tunnelled(kind, bytes(13)),
        }.items()})

    def work():
        return send_all(frames, peer, w1, lambda f: f[6:12] == OWN)
    software, device, (hits, misses, drops) = in_software(lab, work)
    for name in frames:
        expect_equal([x.hex() for x in device[name]], [x.hex() for x in software[name]], name)
    for kind in PORTS:
        for name, f in inner.items():
            expect_equal([x.hex() for x in device["%s, %s" % (kind, name)]], [f.hex()], "what comes out")
        expect_equal(len(device[kind + ", summed, of 8000"][0]), 8000, "bytes of what comes out")
    slu.log("%d hits, %d misses, %d drops" % (hits, misses, drops))
    expect(by_device <= hits <= by_device + 4 and misses >= len(frames) - by_device and not drops,
           "who did it")


# ---- the kernel's own at the other end ----

def start(lab, kind="vxlan"):
    """Tunnels whose outer UDP header has no checksum, as in software."""
    offload(lab)
    peer = lab.host("peer", "172.16.0.2/24")
    lab.bridge("br-phy", quiet=True)
    lab.sluice.vsctl("add-port", "br-phy", peer.port)
    lab.sluice.ofctl("add-flow", "br-phy", "actions=NORMAL")
    slu.run("ip", "addr", "add", "172.16.0.1/24", "dev", "br-phy", ns=lab.ns)
    if kind == "vxlan":
        kernel_vxlan(peer, more=("noudpcsum",))
    else:
        peer.exec("ip", "link", "add", "vx0", "type", "geneve", "id", "42", "remote", "172.16.0.1",
                  "noudpcsum")
        peer.exec("ip", "addr", "add", "10.0.0.2/24", "dev", "vx0")
        peer.exec("ip", "link", "set", "vx0", "mtu", "1400", "up")
    lab.bridge("br-int", quiet=True)
    h1 = lab.host("h1", "10.0.0.1/24", "br-int")
    h1.exec("ip", "link", "set", "eth0", "mtu", "1400")
    add_tunnel(lab, kind, remote_ip="172.16.0.2", key=VNI)
    lab.sluice.ofctl("add-flow", "br-int", "actions=NORMAL")
    wait_until("ports on the device", lambda: lab.device_state()["ports"] >= 3)
    reached(h1, "10.0.0.2")
    for h in h1, peer:  # nobody asks anew while packets are counted
        other = peer if h is h1 else h1
        netdev, there = ("eth0", "vx0") if h is h1 else ("vx0", "eth0")
        address = other.exec("cat", "/sys/class/net/%s/address" % there).strip()
        h.exec("ip", "neigh", "replace", "10.0.0.2" if h is h1 else "10.0.0.1", "lladdr", address,
               "dev", netdev, "nud", "permanent")

    def carries():
        before = packets(lab)
        h1.ping("10.0.0.2", 2)
        hits, misses, _ = since(lab, before)
        return hits >= 4 and not misses
    wait_until("the device carries a ping", carries)
    return h1, peer


def rules(lab, text):
    return [m for m in lab.sluice.in_kernel() if text in m["actions"]]


def counted(lab, text):
    found = rules(lab, text)
    return sum(m["packets"]["hardware"] for m in found), sum(m["bytes"]["hardware"] for m in found)


def datagrams(client, server, address, sizes):
    """Sends one of each size, and returns what arrives."""
    def sock():
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s, c, got = in_ns(server.ns.name, sock), in_ns(client.ns.name, sock), []
    s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)
    s.bind(("", 7000))
    s.settimeout(0.5)

    def read():
        try:
            while True:
                got.append(s.recv(65536))
        except socket.timeout:
            s.close()
    t = threading.Thread(target=read)
    t.start()
    for n in sizes:
        c.sendto(n.to_bytes(4, "big") + bytes(n), (address, 7000))
    t.join()
    c.close()
    return got


def carry(lab, kind):
    h1, peer = start(lab, kind)
    before, ports = packets(lab), port_counters(lab, "br-int", "2")
    h1.ping("10.0.0.2", 20)
    sizes = list(range(0, 1360, 7))
    for client, server, address in (h1, peer, "10.0.0.2"), (peer, h1, "10.0.0.1"):
        got = datagrams(client, server, address, sizes)
        expect_equal(sorted(got), [n.to_bytes(4, "big") + bytes(n) for n in sizes],
                     "datagrams to " + address)
    n = 20 + len(sizes)
    hits, misses, drops = since(lab, before)
    expect(hits >= 2 * n and misses <= 4 and not drops, "%d hits, %d misses, %d drops for %d packets" % (
        hits, misses, drops, 2 * n))
    after = wait_until("the tunnel port's counters", lambda: (
        lambda p: p if p[0] - ports[0] >= n and p[2] - ports[2] >= n else None)(
            port_counters(lab, "br-int", "2")))
    expect(after[0] - ports[0] <= n + 2 and after[2] - ports[2] <= n + 2,
           "received and sent by the tunnel port: %s, %s" % (ports, after))
    return h1, peer


def test_vxlan(lab):
    carry(lab, "vxlan")


def test_super_frames_stay_whole(lab):
    h1, peer = start(lab)
    before, into = packets(lab), counted(lab, "tunnel_push")
    expect(iperf(lab, peer, h1, "10.0.0.2") > 0.05, "TCP into the tunnel")
    time.sleep(0.5)
    hits, misses, drops = since(lab, before)
    more = [b - a for a, b in zip(into, counted(lab, "tunnel_push"))]
    slu.log("into: %d hits, %d misses, %d bytes a packet" % (hits, misses, more[1] / more[0]))
    expect(more[1] / more[0] > 4000, "bytes of a packet that goes in: %s" % more)
    before, out = packets(lab), counted(lab, "tunnel_pop")
    expect(iperf(lab, peer, h1, "10.0.0.2", "-R") > 0.05, "TCP out of the tunnel")
    time.sleep(0.5)
    hits, misses, drops = since(lab, before)
    more = [b - a for a, b in zip(out, counted(lab, "tunnel_pop"))]
    slu.log("out: %d hits, %d misses, %d bytes a packet" % (hits, misses, more[1] / more[0]))
    expect(more[1] / more[0] > 4000, "bytes of a packet that comes out: %s" % more)
    expect_equal(drops, 0, "drops")


def test_from_tunnel_to_tunnel(lab):
    """What comes out of one goes into another; super-frames that the kernel still takes for what came
    out of a tunnel of this host do by software."""
    h1, peer = start(lab)
    other = lab.host("other", "172.16.0.3/24")
    lab.sluice.vsctl("add-port", "br-phy", other.port)
    kernel_vxlan(other, 43, local="172.16.0.3", address="10.0.0.3/24", more=("noudpcsum",))
    add_tunnel(lab, "vxlan", "tun1", remote_ip="172.16.0.3", key=43)
    reached(peer, "10.0.0.3")

    def carries():
        before = packets(lab)
        peer.ping("10.0.0.3", 2)
        hits, misses, _ = since(lab, before)
        return hits >= 4 and not misses
    wait_until("the device carries a ping", carries)
    before = packets(lab)
    expect(iperf(lab, other, peer, "10.0.0.3") > 0.02, "TCP from one tunnel into another")
    hits, misses, drops = since(lab, before)
    slu.log("%d hits, %d misses, %d drops" % (hits, misses, drops))
    expect(misses > 50 and not drops, "super-frames come up")


def test_restart(lab):
    """Ends of tunnels have other names in another run: rules that have to do with them are given up,
    and made again. Nothing is sent twice, or the wrong way, meanwhile."""
    h1, peer = start(lab)
    lab.sluice.kill()
    h1.ping("10.0.0.2", 5)
    lab.sluice.start()
    expect_in("rules of a former run that have to do with tunnels are given up", lab.sluice.tail(200),
              "the log")
    lab.sluice.ofctl("add-flow", "br-int", "actions=NORMAL")
    lab.sluice.ofctl("add-flow", "br-phy", "actions=NORMAL")
    reached(h1, "10.0.0.2")
    before = packets(lab)
    wait_until("the device carries a ping", lambda: h1.ping("10.0.0.2", 2) and
               since(lab, before)[0] >= 4)


def test_metered(lab):
    """A meter counts what is inside, before it goes in and after it came out."""
    peer, w1 = underlay(lab)
    frame = inner_frames()["udp of 17"]
    offload(lab)
    wait_until("ports on the device", lambda: lab.device_state()["ports"] >= 3)
    lab.sluice.ofctl("add-meter", "br-int", "meter=1,pktps,stats,band=type=drop,rate=1000000")
    lab.sluice.ofctl("add-flow", "br-int",
                     "in_port=1,ip,actions=meter:1,set_field:%d->tun_id,output:10" % VNI)
    lab.sluice.ofctl("add-flow", "br-int", "in_port=10,ip,actions=meter:1,output:1")

    arrived = []

    def take(n, wire, wanted):
        return sum(len(wire.receive(1, wanted)) for _ in range(n))

    def count():
        return [int(n) for n in re.findall(r"(?:packet|byte)_in_count:(\d+)", lab.sluice.ofctl(
            "meter-stats", "br-int", "meter=1"))]

    def both(n):
        for _ in range(n):
            w1.send(frame)
            peer.send(tunnelled("vxlan", frame))
        got = [take(n, peer, lambda f: f[56:62] == OWN), take(n, w1, lambda f: f[6:12] == OWN)]
        arrived.extend(got)
        return got
    both(1)

    def by_device():
        before = packets(lab)
        return both(2) == [2, 2] and since(lab, before)[0] >= 4
    wait_until("both ways in the kernel", by_device)
    before = packets(lab)
    expect_equal(both(5), [5, 5], "frames that arrive")
    expect(since(lab, before)[0] >= 10, "the device did it")
    wait_until("the meter counts them", lambda: count() == [
        sum(arrived), sum(arrived) * len(frame)])


def why(lab, text):
    return [r["reason"] for m in lab.sluice.offload_flows() if text in m["actions"]
            for r in m.get("refusals", ())]


def test_refused_by_name(lab):
    """A checksum over a whole packet is added up on the way out of a tunnel only."""
    peer, w1 = underlay(lab, csum="true")
    slu.run("ip", "addr", "add", "fd31::1/64", "dev", "br-phy", "nodad", ns=lab.ns)
    slu.run("ip", "neigh", "replace", "fd31::2", "lladdr", PEER, "dev", "br-phy", "nud", "permanent",
            ns=lab.ns)
    add_tunnel(lab, "vxlan", "vxlan6", remote_ip="fd31::2", key="flow")
    lab.sluice.vsctl("set", "Interface", "vxlan6", "ofport_request=20")
    offload(lab)
    wait_until("ports on the device", lambda: lab.device_state()["ports"] >= 3)
    frame = inner_frames()["udp of 17"]
    for port in 10, 20:
        lab.sluice.ofctl("add-flow", "br-int", "in_port=1,actions=set_field:%d->tun_id,output:%d" % (
            VNI, port))
        w1.send(frame)
        reasons = wait_until("a refusal", lambda: why(lab, "tunnel_push"))
        expect_in("checksum over a whole packet", reasons[0], "the reason")
    src, dst = (socket.inet_pton(socket.AF_INET6, a) for a in ("fd31::2", "fd31::1"))

    def outer(payload, wrong=0):
        head = struct.pack(">HHHH", 50000, 4789, 8 + len(payload), 0)
        c = checksum(src + dst + struct.pack(">II", len(payload) + 8, 17) + head + payload) or 0xffff
        return ether(UNDERLAY, PEER, 0x86dd, struct.pack(
            ">IHBB", 6 << 28, 8 + len(payload), 17, 64) + src + dst + head[:6] + struct.pack(
                ">H", c ^ wrong) + payload)
    head = struct.pack(">II", 0x08000000, VNI << 8)
    frames = {name: outer(head + f) for name, f in inner_frames().items()}
    frames["a wrong checksum"] = outer(head + frame, 1)
    for _ in range(10):  # the first time, and maybe once more, rules are on their way
        before = packets(lab)
        got = send_all(frames, peer, w1, lambda f: f[6:12] == OWN)
        hits, misses, drops = since(lab, before)
        expect_equal({n: [x.hex() for x in g] for n, g in got.items()}, dict(
            {n: [f.hex()] for n, f in inner_frames().items()}, **{"a wrong checksum": []}), "frames")
        # What is shorter than an IPv6 header comes up, too.
        if hits >= len(frames) - 5 and misses <= 9:
            break
    slu.log("%d hits, %d misses, %d drops" % (hits, misses, drops))
    expect(hits >= len(frames) - 5 and 1 <= misses <= 9 and not drops, "who did it")


if __name__ == "__main__":
    main()
