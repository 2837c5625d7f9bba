#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Connection tracking and NAT between real hosts: TCP, HTTP, ping, errors, fragments; and what
stock tools show of it."""
import contextlib
import re
import select
import socket
import struct
import types

import slu
from nettest import (both_paths, checksum, expect, expect_equal, expect_in, in_ns, main,
                     port_counters, received_rate, tcp_report, wait_until)

IP_RECVERR, IP_MTU_DISCOVER, IP_PMTUDISC_DO = 11, 10, 2

# Whoever is behind port 1 may open connections, whoever is behind port 2 may answer.
FIREWALL = """
table=0,priority=10,arp,actions=normal
table=0,priority=5,icmp6,icmp_type=135,actions=normal
table=0,priority=5,icmp6,icmp_type=136,actions=normal
table=0,priority=1,ip,actions=ct(table=1,zone=5)
table=0,priority=1,ipv6,actions=ct(table=1,zone=5)
table=1,in_port=1,ct_state=+trk+new,ip,actions=ct(commit,zone=5),2
table=1,in_port=1,ct_state=+trk+new,ipv6,actions=ct(commit,zone=5),2
table=1,in_port=1,ct_state=+trk+est,ip,actions=2
table=1,in_port=1,ct_state=+trk+est,ipv6,actions=2
table=1,in_port=2,ct_state=+trk+est,ip,actions=1
table=1,in_port=2,ct_state=+trk+est,ipv6,actions=1
table=1,ct_state=+trk+rel+rpl,ip,actions=1
table=1,ct_state=+trk+inv,actions=drop
table=1,priority=0,actions=drop
"""
# a is 10.0.0.100 or 10.0.0.101 for everybody else.
SOURCE_NAT = """
table=0,arp,actions=normal
table=0,in_port=1,ip,actions=ct(commit,zone=1,nat(src=10.0.0.100-10.0.0.101:30000-30099),table=1)
table=0,in_port=2,ip,actions=ct(zone=1,nat,table=1)
table=1,priority=40000,in_port=2,ct_state=+trk+rel,ip,actions=1
table=1,in_port=1,ct_state=+trk-inv,ip,actions=2
table=1,in_port=2,ct_state=+trk-inv-new,ip,actions=1
table=1,priority=0,actions=drop
"""
# Hosts that a reaches by VIRTUAL:8080 are REAL:80, and see it as 10.0.0.100: a zone for each.
TWO_ZONES = """
table=0,arp,actions=normal
table=0,in_port=1,ip,actions=ct(commit,zone=1,nat(dst=REAL:80),table=1)
table=0,in_port=2,ip,actions=ct(zone=2,nat,table=2)
table=1,ct_state=+trk-inv,ip,actions=ct(commit,zone=2,nat(src=10.0.0.100),table=3)
table=2,ct_state=+trk-inv-new,ip,actions=ct(zone=1,nat,table=3)
table=3,in_port=1,ct_state=+trk-inv,ip,actions=2
table=3,priority=40000,in_port=2,ct_state=+trk+rel,ip,actions=1
table=3,in_port=2,ct_state=+trk-inv-new,ip,actions=1
"""


def two_hosts(lab, flows, ipv6=False):
    lab.bridge("br0")
    a = lab.host("ha", "10.0.0.1/24", ipv6=ipv6)
    b = lab.host("hb", "10.0.0.2/24", ipv6=ipv6)
    lab.sluice.add_ports("br0", [a.port, b.port])
    if lab.device:
        # A device looks at no windows: it takes connections of TCP when software does neither.
        lab.on_device(a.port, b.port)
        appctl(lab, "dpctl/ct-disable-tcp-seq-chk")
    if ipv6:
        a.exec("ip", "addr", "add", "fd00::1/64", "dev", "eth0", "nodad")
        b.exec("ip", "addr", "add", "fd00::2/64", "dev", "eth0", "nodad")
    lab.sluice.ofctl("add-flows", "br0", "-", input=flows)
    return a, b


def appctl(lab, *args):
    """Stock ovs-appctl."""
    ctl = "%s/sluiced.%s.ctl" % (lab.sluice.rundir, lab.sluice.pid())
    return slu.run("ovs-appctl", "-t", ctl, *args)


def connections(lab, *args):
    return appctl(lab, "dpctl/dump-conntrack", *args).splitlines()


def iperf(lab, client, server, address, *options, port=5201, server_port=None):
    """TCP for a second: Gb/s. On a device, it takes most of that."""
    hits = lab.hits()
    report = tcp_report(client.ns, server.ns, address, *options, port=port, server_port=server_port)
    # A super-frame is one packet for the device.
    lab.expect_hits(hits, report["sum_sent"]["bytes"] // 65536, "iperf3")
    return received_rate(report)


def http_server(lab, host, port, text="hello from afar"):
    code = ("import http.server,socketserver\n"
            "class H(http.server.BaseHTTPRequestHandler):\n"
            "  def do_GET(self):\n"
            "    self.send_response(200); self.end_headers()\n"
            "    self.wfile.write((self.client_address[0] + ' ' + %r).encode() * 100000)\n"
            "  def log_message(self, *a): pass\n"
            "http.server.ThreadingHTTPServer(('', %d), H).serve_forever()\n" % (text, port))
    lab.processes.append(host.popen("/usr/bin/python3", "-c", code))
    wait_until("the HTTP server", lambda: ":%d" % port in host.exec("ss", "-Hltn"))


def get(lab, host, url):
    hits = lab.hits()
    text = host.exec("/usr/bin/python3", "-c",
                     "import urllib.request,sys;"
                     "sys.stdout.write(urllib.request.urlopen(%r, timeout=5).read().decode())" % url)
    lab.expect_hits(hits, 1, "HTTP")
    return text


class Datagrams:
    """Two UDP sockets, one of which answers; what is said of their packets by everybody."""

    def __init__(self, lab, client, server, address, port=7, server_port=None):
        def make(ns, bound):
            s = in_ns(ns, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            s.settimeout(2)
            s.bind(bound)
            return s
        self.lab = lab
        self.server = make(server.ns, ("", server_port or port))
        self.client = make(client.ns, ("", 0))
        self.client.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        self.client.connect((address, port))

    def exchange(self, n=1):
        """`n` datagrams there and back; where they seem to come from."""
        for i in range(n):
            self.client.send(b"there %d" % i)
            data, peer = self.server.recvfrom(2000)
            expect_equal(data, b"there %d" % i, "what arrives")
            self.server.sendto(b"back %d" % i, peer)
            expect_equal(self.client.recv(2000), b"back %d" % i, "what comes back")
        return peer

    def settle(self, links):
        """Until the device has it all, on a device: `links` hits a packet."""
        if not self.lab.device:
            self.exchange(2)
            return

        def all_in_device():
            before = self.lab.hits()
            self.exchange()
            return self.lab.hits() - before == 2 * links
        wait_until("the device forwards both ways by itself", all_in_device)

    def close(self):
        self.client.close()
        self.server.close()


def counted(lab):
    """Packets of IPv4 that went into the pipeline and that came out of it, by its flows; and what
    ports received and sent, of any kind."""
    flows = [f for f in lab.sluice.flows("br0") if "ip" in f["match"].split(",")]
    last = max(f["table"] for f in flows)
    ports = [port_counters(lab, "br0", str(p)) for p in (1, 2)]
    return ([sum(f["n_packets"] for f in flows if f["table"] == table) for table in (0, last)],
            [sum(p[0] for p in ports), sum(p[2] for p in ports)])


def adds_up(lab, a, b, address, links, n=100, **ports):
    """`n` datagrams a way: both paths count each of them once, at every place. Hosts may look for
    each other meanwhile."""
    with contextlib.closing(Datagrams(lab, a, b, address, **ports)) as d:
        d.settle(links)
        before, hits = counted(lab), lab.hits()
        peer = d.exchange(n)

        def everywhere():
            now = counted(lab)
            at_flows, at_ports = [[x - y for x, y in zip(*pair)] for pair in zip(now, before)]
            return at_flows == [2 * n, 2 * n] and all(2 * n <= k < 2 * n + 20 for k in at_ports)
        wait_until("%d packets are counted everywhere" % (2 * n), everywhere, 3)
        if lab.device:
            got = lab.hits() - hits
            expect(0 <= got - 2 * n * links < 20, "%d hits in the device of %d packets in chains of"
                   " %d" % (got, 2 * n, links))
    return peer


def refused(host, address, port, wait=2):
    """Sends a datagram; what error does the socket get?"""
    return host.exec("/usr/bin/python3", "-c", """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(%g)
s.connect((%r, %d))
s.send(b"x" * 100)
try:
    s.recv(10)
except ConnectionRefusedError:
    print("refused")
except socket.timeout:
    print("timeout")
""" % (wait, address, port)).strip()


@both_paths
def test_firewall(lab):
    a, b = two_hosts(lab, FIREWALL, ipv6=True)
    a.ping("10.0.0.2")
    b.no_ping("10.0.0.1")
    a.ping("fd00::2")
    b.no_ping("fd00::1")
    adds_up(lab, a, b, "10.0.0.2", 2)
    print("       TCP %.2f Gb/s, back %.2f Gb/s, IPv6 %.2f Gb/s" % (
        iperf(lab, a, b, "10.0.0.2"), iperf(lab, a, b, "10.0.0.2", "-R"),
        iperf(lab, a, b, "fd00::2")))
    http_server(lab, b, 80)
    expect("hello" in get(lab, a, "http://10.0.0.2/"), "an answer")
    # An error belongs to the connection that caused it.
    expect_equal(refused(a, "10.0.0.2", 9), "refused", "a port that nobody listens at")
    p = slu.run("/usr/bin/python3", "-c", "import socket;"
                "socket.create_connection(('10.0.0.1', 22), 1)", ns=b.ns, check=False)
    expect("timed out" in p.stderr or "TimeoutError" in p.stderr, "no connection back")
    stats = lab.sluice.rpc_json("conntrack/counters")
    expect_equal(stats["bad_checksum"], 0, "bad checksums")
    expect_equal(stats["bad_window"], 0, "packets outside of windows")


def test_shown_and_flushed(lab):
    a, b = two_hosts(lab, FIREWALL)
    http_server(lab, b, 80)
    get(lab, a, "http://10.0.0.2/")
    a.ping("10.0.0.2", count=1)
    lines = connections(lab)
    tcp = [line for line in lines if line.startswith("tcp")]
    expect_equal(len(tcp), 1, "TCP connections in\n" + "\n".join(lines))
    expect(re.fullmatch(r"tcp,orig=\(src=10.0.0.1,dst=10.0.0.2,sport=(\d+),dport=80\),"
                        r"reply=\(src=10.0.0.2,dst=10.0.0.1,sport=80,dport=\1\),zone=5,"
                        r"protoinfo=\(state=TIME_WAIT\)", tcp[0]), tcp[0])
    icmp = [line for line in lines if line.startswith("icmp")]
    expect_equal(len(icmp), 1, "ICMP connections")
    expect(re.fullmatch(r"icmp,orig=\(src=10.0.0.1,dst=10.0.0.2,id=(\d+),type=8,code=0\),"
                        r"reply=\(src=10.0.0.2,dst=10.0.0.1,id=\1,type=0,code=0\),zone=5",
                        icmp[0]), icmp[0])
    expect_equal(connections(lab, "zone=6"), [], "connections of another zone")
    expect("Total: 2" in appctl(lab, "dpctl/ct-stats-show"), "statistics")
    expect("[TIME_WAIT]=1" in appctl(lab, "dpctl/ct-stats-show", "-m", "zone=5"), "states")
    expect_equal(appctl(lab, "dpctl/ct-get-nconns").strip(), "2", "number of connections")
    appctl(lab, "dpctl/flush-conntrack", "zone=6")
    appctl(lab, "dpctl/flush-conntrack", "zone=5", "ct_nw_proto=6")
    expect_equal(len(connections(lab)), 1, "connections after a flush of TCP")
    appctl(lab, "dpctl/flush-conntrack")
    expect_equal(connections(lab), [], "connections after a flush")


def test_limits(lab):
    a, _ = two_hosts(lab, FIREWALL)
    appctl(lab, "dpctl/ct-set-limits", "default=10", "zone=5,limit=3")
    answers = [refused(a, "10.0.0.2", port, 0.2) for port in range(2000, 2010)]
    expect_equal(answers, 3 * ["refused"] + 7 * ["timeout"], "connections up to the limit")
    expect_equal(appctl(lab, "dpctl/ct-get-limits", "zone=5").splitlines(),
                 ["default limit=10", "zone=5,limit=3,count=3"], "limits")
    appctl(lab, "dpctl/ct-del-limits", "zone=5")
    expect_equal(appctl(lab, "dpctl/ct-get-limits").splitlines(), ["default limit=10"], "limits")
    expect_equal(appctl(lab, "dpctl/ct-get-maxconns").strip(), "2000000", "the default")
    appctl(lab, "dpctl/ct-set-maxconns", "5")
    expect_equal(appctl(lab, "dpctl/ct-get-maxconns").strip(), "5", "what was set")


def test_timeouts_of_a_zone(lab):
    a, _ = two_hosts(lab, FIREWALL)
    lab.sluice.vsctl("--", "--id=@d", "create", "Datapath", "ct_zones={}", "--", "set",
                     "Open_vSwitch", ".", "datapaths:netdev=@d")
    lab.sluice.vsctl("add-zone-tp", "netdev", "zone=5", "icmp_reply=2", "icmp_first=2")
    a.ping("10.0.0.2", count=1)
    expect_equal(len(connections(lab)), 1, "connections")
    wait_until("the end of a short timeout", lambda: not connections(lab), 5)
    lab.sluice.vsctl("del-zone-tp", "netdev", "zone=5")
    a.ping("10.0.0.2", count=1)
    m = re.search(r"timeout=(\d+)", connections(lab, "-s")[0])
    expect(m and int(m.group(1)) > 20, "the default timeout again")


@both_paths
def test_flush_takes_effect(lab):
    """A connection that is gone is so in the device, too."""
    a, b = two_hosts(lab, FIREWALL)
    with contextlib.closing(Datagrams(lab, a, b, "10.0.0.2")) as d:
        peer = d.exchange(3)
        d.settle(2)
        appctl(lab, "dpctl/flush-conntrack")
        expect_equal(connections(lab), [], "connections")
        d.client.settimeout(0.3)

        def is_blocked():
            d.server.sendto(b"unasked", peer)
            try:
                return not d.client.recv(2000)
            except socket.timeout:
                return True
        wait_until("nobody may answer", is_blocked)
        d.settle(2)


@both_paths
def test_source_nat(lab):
    a, b = two_hosts(lab, SOURCE_NAT)
    for last in (100, 101):
        b.exec("ip", "neigh", "add", "10.0.0.%d" % last, "lladdr", a.mac(), "dev", "eth0")
    a.ping("10.0.0.2")
    b.no_ping("10.0.0.1")
    peer = adds_up(lab, a, b, "10.0.0.2", 2)
    expect(peer[0] in ("10.0.0.100", "10.0.0.101") and 30000 <= peer[1] < 30100,
           "the address that the server saw: %s:%d" % peer)
    http_server(lab, b, 80)
    text = get(lab, a, "http://10.0.0.2/")
    expect(text.startswith("10.0.0.10"), "the address that the server saw: " + text[:20])
    print("       TCP %.2f Gb/s, back %.2f Gb/s" % (
        iperf(lab, a, b, "10.0.0.2"), iperf(lab, a, b, "10.0.0.2", "-R")))
    expect_equal(refused(a, "10.0.0.2", 9), "refused", "an error through NAT")
    expect(any(re.search(r"reply=\(src=10.0.0.2,dst=10.0.0.10[01],sport=80,dport=300\d\d\)", c)
               for c in connections(lab)), "a translated connection is shown")


@both_paths
def test_destination_nat_and_two_zones(lab):
    """a talks to 10.0.0.200:8080, which is b:80; and is seen by b as 10.0.0.100."""
    a, b = two_hosts(lab, TWO_ZONES.replace("REAL", "10.0.0.2"))
    a.exec("ip", "neigh", "add", "10.0.0.200", "lladdr", b.mac(), "dev", "eth0")
    b.exec("ip", "neigh", "add", "10.0.0.100", "lladdr", a.mac(), "dev", "eth0")
    peer = adds_up(lab, a, b, "10.0.0.200", 3, port=8080, server_port=80)
    expect_equal(peer[0], "10.0.0.100", "the address that the server saw")
    print("       TCP %.2f Gb/s" % iperf(lab, a, b, "10.0.0.200", port=8080, server_port=80))
    http_server(lab, b, 80)
    text = get(lab, a, "http://10.0.0.200:8080/")
    expect(text.startswith("10.0.0.100 "), "the address that the server saw: " + text[:20])
    # The error is about b's port 80 for b, and about 10.0.0.200's port 8080 for a.
    expect_equal(refused(a, "10.0.0.200", 8080), "refused", "an error through two zones")
    expect(any("zone=1" in c and "dst=10.0.0.200" in c for c in connections(lab)), "zone 1")
    expect(any("zone=2" in c and "dst=10.0.0.100" in c for c in connections(lab)), "zone 2")


def test_no_helpers(lab):
    """What would need one is refused by name, rather than half done."""
    lab.allow("alg=")
    lab.bridge("br0")
    for alg, match in (("ftp", "tcp"), ("tftp", "udp")):
        p = lab.sluice.ofctl("add-flow", "br0", match + ",actions=ct(commit,alg=%s)" % alg,
                             check=False)
        expect_in("OFPBAC_BAD_ARGUMENT", p.stderr, "a flow with alg=" + alg)
        expect_in("(%s) is refused" % alg, lab.sluice.tail(3), "the log")
    expect_equal(lab.sluice.flows("br0"), [], "flows")


# ---- routers on the way ----

def behind_a_router(lab, flows):
    """a -- switch -- r (10.0.0.2) -- c (10.9.0.1), which answers to every name in 10.9.0.0/24."""
    a, r = two_hosts(lab, flows)
    far = slu.Netns("far")
    lab.hosts.append(types.SimpleNamespace(ns=far))
    r.ns.veth("eth1", "eth0", far)
    r.exec("ip", "addr", "add", "10.9.0.254/24", "dev", "eth1")
    far.exec("ip", "addr", "add", "10.9.0.1/24", "dev", "eth0")
    far.exec("ip", "route", "add", "default", "via", "10.9.0.254")
    a.exec("ip", "route", "add", "10.9.0.0/24", "via", "10.0.0.2")
    r.exec("ip", "neigh", "add", "10.0.0.100", "lladdr", a.mac(), "dev", "eth0")
    r.exec("ip", "neigh", "add", "10.0.0.101", "lladdr", a.mac(), "dev", "eth0")
    r.ns.sysctl("net/ipv4/ip_forward", 1)
    for ns in (r.ns, far):
        ns.sysctl("net/ipv4/icmp_ratelimit", 0)
    a.exec("ethtool", "-K", "eth0", "tx", "off")  # so that quoted packets have their checksum
    return a, r, types.SimpleNamespace(ns=far)


def quoted(wire, kind):
    """The packet that an ICMP error of that type and code quotes; its checksums are right."""
    got = wire.receive(2, lambda f: f[23:24] == b"\x01" and f[34:36] == bytes(kind))
    expect(got, "an ICMP error of type %d, code %d" % kind)
    ip = got[0][14:]
    ip = ip[:int.from_bytes(ip[2:4], "big")]
    inner = ip[28:]
    expect_equal([checksum(ip[:20]), checksum(ip[20:]), checksum(inner[:20])], [0, 0, 0],
                 "checksums of the error, and of the header that it quotes")
    if inner[9] == socket.IPPROTO_UDP and len(inner) == int.from_bytes(inner[2:4], "big"):
        expect_equal(checksum(inner[12:20] + struct.pack(">HH", 17, len(inner) - 20) + inner[20:]),
                     0, "checksum of the datagram that it quotes")
    return inner


def socket_error(s):
    """(host that sent it, type, code, MTU) of the ICMP error that a socket was told."""
    p = select.poll()
    p.register(s, 0)
    expect(p.poll(2000), "the socket is told of the error")
    _, control, _, _ = s.recvmsg(2000, 512, socket.MSG_ERRQUEUE)
    for _, kind, data in control:
        if kind == IP_RECVERR:
            _, _, icmp, code, _, info = struct.unpack("IBBBBI", data[:12])
            return socket.inet_ntoa(data[20:24]), icmp, code, info
    return None


def check_error(d, wire, ttl, address, port, offender, kind):
    """One datagram with a TTL that ends on the way; who says so, and what it quotes."""
    s = d.client
    wire.drain()
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    s.send(b"a probe of an even length")
    inner = quoted(wire, kind)
    ports = struct.pack(">HH", s.getsockname()[1], port)
    expect_equal((inner[12:20], inner[20:24]), (
        socket.inet_aton("10.0.0.1") + socket.inet_aton(address), ports),
        "addresses and ports that the error quotes")
    expect_equal(socket_error(s)[:3], (offender,) + kind, "what the socket is told")
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 64)


def related(lab):
    return sum(f["n_packets"] for f in lab.sluice.flows("br0") if "+rel" in f["match"])


def test_traceroute(lab):
    """A router behind the firewall says that the time ran out, and is believed."""
    a, b = two_hosts(lab, FIREWALL)
    b.exec("sysctl", "-qw", "net.ipv4.ip_forward=1")
    a.exec("ip", "route", "add", "10.9.0.0/24", "via", "10.0.0.2")
    b.exec("ip", "route", "add", "10.9.0.0/24", "via", "10.0.0.1")
    p = slu.run("ping", "-n", "-c", "2", "-i", "0.05", "-W", "2", "-t", "1", "10.9.0.1", ns=a.ns,
                check=False)
    expect(re.search(r"10.0.0.2.*Time to live exceeded", p.stdout), p.stdout)


@both_paths
def test_traceroute_through_nat(lab):
    """Errors of routers find the connection, in the device or not, and tell of it as its owner
    knows it."""
    a, r, far = behind_a_router(lab, SOURCE_NAT)
    text = a.exec("busybox", "traceroute", "-n", "-q", "1", "-w", "2", "-m", "4", "10.9.0.1")
    hops = re.findall(r"^ *(\d+)  ([\d.*]+)", text, re.M)
    expect_equal(hops, [("1", "10.0.0.2"), ("2", "10.9.0.1")], "hops that traceroute finds")
    p = slu.run("ping", "-n", "-c", "1", "-W", "2", "-t", "1", "10.9.0.1", ns=a.ns, check=False)
    expect(re.search(r"10.0.0.2.*Time to live exceeded", p.stdout), p.stdout)
    expect_equal(related(lab), 3, "errors that belong to a connection")
    wire = a.wire()
    with contextlib.closing(Datagrams(lab, a, far, "10.9.0.1")) as d:
        d.settle(2)
        hits = lab.hits()
        check_error(d, wire, 1, "10.9.0.1", 7, "10.0.0.2", (11, 0))
        lab.expect_hits(hits, 2, "what the error is about went by the device")
        d.exchange()
        # A link that is too narrow, and a port that nobody listens at any more.
        r.exec("ip", "link", "set", "eth1", "mtu", "1000")
        d.client.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        d.client.send(b"w" * 1200)
        expect_equal(quoted(wire, (3, 4))[12:16], socket.inet_aton("10.0.0.1"), "whose it was")
        expect_equal(socket_error(d.client), ("10.0.0.2", 3, 4, 1000), "the width of the link")
        d.exchange()
        d.server.close()
        check_error(d, wire, 64, "10.9.0.1", 7, "10.9.0.1", (3, 3))
    expect_equal(related(lab), 6, "errors that belong to a connection")
    wire.close()


@both_paths
def test_errors_through_two_zones(lab):
    """Both addresses are translated, each in a zone of its own."""
    a, r, far = behind_a_router(lab, TWO_ZONES.replace("REAL", "10.9.0.1"))
    wire = a.wire()
    with contextlib.closing(Datagrams(lab, a, far, "10.9.0.200", 8080, 80)) as d:
        # Before anybody answered, and after. The error seems to come from whom a sent it to.
        check_error(d, wire, 1, "10.9.0.200", 8080, "10.9.0.200", (11, 0))
        d.settle(3)
        hits = lab.hits()
        check_error(d, wire, 1, "10.9.0.200", 8080, "10.9.0.200", (11, 0))
        lab.expect_hits(hits, 3, "what the error is about went by the device")
        d.exchange()
    expect_equal(related(lab), 2, "errors that belong to a connection")
    wire.close()


@both_paths
def test_fragments(lab):
    a, b = two_hosts(lab, FIREWALL, ipv6=True)
    for address in ("10.0.0.2", "fd00::2"):
        a.exec("ping", "-n", "-c", "3", "-i", "0.05", "-W", "2", "-s", "5000", address)
    n = lab.sluice.rpc_json("conntrack/counters")
    # The first of each connection is tracked twice: looked up, then committed.
    expect_equal(n["frag_whole"], 14, "datagrams that were whole")


if __name__ == "__main__":
    main()
