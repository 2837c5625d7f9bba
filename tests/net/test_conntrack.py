#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Connection tracking and NAT between real hosts: TCP, HTTP, ping, errors, fragments; and what
stock tools show of it."""
import json
import re

import slu
from nettest import expect, expect_equal, main, wait_until

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
"""


def two_hosts(lab, flows, ipv6=False):
    lab.bridge("br0")
    a = lab.host("ha", "10.0.0.1/24", ipv6=ipv6)
    b = lab.host("hb", "10.0.0.2/24", ipv6=ipv6)
    lab.sluice.add_ports("br0", [a.port, b.port])
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


def iperf(lab, client, server, address, *options):
    p = server.popen("iperf3", "-s", "-1", "-B", address)
    lab.processes.append(p)
    wait_until("iperf3's server", lambda: ":5201" in server.exec("ss", "-Hltn"))
    out = json.loads(client.exec("iperf3", "-J", "-t", "1", "-c", address, *options, timeout=40))
    p.wait(10)
    expect("error" not in out, "iperf3: %s" % out.get("error"))
    return out["end"]["sum_received"]["bits_per_second"] / 1e9


def http_server(lab, host, port, text="hello from afar"):
    code = ("import http.server,socketserver\n"
            "class H(http.server.BaseHTTPRequestHandler):\n"
            "  def do_GET(self):\n"
            "    self.send_response(200); self.end_headers()\n"
            "    self.wfile.write((self.client_address[0] + ' ' + %r).encode() * 1000)\n"
            "  def log_message(self, *a): pass\n"
            "http.server.ThreadingHTTPServer(('', %d), H).serve_forever()\n" % (text, port))
    lab.processes.append(host.popen("/usr/bin/python3", "-c", code))
    wait_until("the HTTP server", lambda: ":%d" % port in host.exec("ss", "-Hltn"))


def get(host, url):
    return host.exec("/usr/bin/python3", "-c",
                     "import urllib.request,sys;"
                     "sys.stdout.write(urllib.request.urlopen(%r, timeout=5).read().decode())" % url)


def refused(host, address, port):
    """Sends a datagram; what error does the socket get?"""
    return host.exec("/usr/bin/python3", "-c", """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.connect((%r, %d))
s.send(b"x" * 100)
try:
    s.recv(10)
except ConnectionRefusedError:
    print("refused")
except socket.timeout:
    print("timeout")
""" % (address, port)).strip()


def test_firewall(lab):
    a, b = two_hosts(lab, FIREWALL, ipv6=True)
    a.ping("10.0.0.2")
    b.no_ping("10.0.0.1")
    a.ping("fd00::2")
    b.no_ping("fd00::1")
    print("       TCP %.2f Gb/s, back %.2f Gb/s, IPv6 %.2f Gb/s" % (
        iperf(lab, a, b, "10.0.0.2"), iperf(lab, a, b, "10.0.0.2", "-R"),
        iperf(lab, a, b, "fd00::2")))
    http_server(lab, b, 80)
    expect("hello" in get(a, "http://10.0.0.2/"), "an answer")
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
    get(a, "http://10.0.0.2/")
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
    for port in range(2000, 2010):
        refused(a, "10.0.0.2", port)
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


def test_source_nat(lab):
    a, b = two_hosts(lab, """
table=0,arp,actions=normal
table=0,in_port=1,ip,actions=ct(commit,zone=1,nat(src=10.0.0.100-10.0.0.101:30000-30099),table=1)
table=0,in_port=2,ip,actions=ct(zone=1,nat,table=1)
table=1,in_port=1,ct_state=+trk-inv,actions=2
table=1,in_port=2,ct_state=+trk-inv-new,actions=1
""")
    for last in (100, 101):
        b.exec("ip", "neigh", "add", "10.0.0.%d" % last, "lladdr", a.mac(), "dev", "eth0")
    a.ping("10.0.0.2")
    b.no_ping("10.0.0.1")
    http_server(lab, b, 80)
    text = get(a, "http://10.0.0.2/")
    expect(text.startswith("10.0.0.10"), "the address that the server saw: " + text[:20])
    print("       TCP %.2f Gb/s, back %.2f Gb/s" % (
        iperf(lab, a, b, "10.0.0.2"), iperf(lab, a, b, "10.0.0.2", "-R")))
    expect_equal(refused(a, "10.0.0.2", 9), "refused", "an error through NAT")
    expect(any(re.search(r"reply=\(src=10.0.0.2,dst=10.0.0.10[01],sport=80,dport=300\d\d\)", c)
               for c in connections(lab)), "a translated connection is shown")


def test_destination_nat_and_two_zones(lab):
    """a talks to 10.0.0.200:8080, which is b:80; and is seen by b as 10.0.0.100."""
    a, b = two_hosts(lab, """
table=0,arp,actions=normal
table=0,in_port=1,ip,actions=ct(commit,zone=1,nat(dst=10.0.0.2:80),table=1)
table=0,in_port=2,ip,actions=ct(zone=2,nat,table=2)
table=1,ct_state=+trk-inv,ip,actions=ct(commit,zone=2,nat(src=10.0.0.100),table=3)
table=2,ct_state=+trk-inv-new,ip,actions=ct(zone=1,nat,table=3)
table=3,in_port=1,ct_state=+trk-inv,actions=2
table=3,in_port=2,ct_state=+trk-inv-new,actions=1
""")
    a.exec("ip", "neigh", "add", "10.0.0.200", "lladdr", b.mac(), "dev", "eth0")
    b.exec("ip", "neigh", "add", "10.0.0.100", "lladdr", a.mac(), "dev", "eth0")
    http_server(lab, b, 80)
    text = get(a, "http://10.0.0.200:8080/")
    expect(text.startswith("10.0.0.100 "), "the address that the server saw: " + text[:20])
    # The error is about b's port 80 for b, and about 10.0.0.200's port 8080 for a.
    expect_equal(refused(a, "10.0.0.200", 8080), "refused", "an error through two zones")
    expect(any("zone=1" in c and "dst=10.0.0.200" in c for c in connections(lab)), "zone 1")
    expect(any("zone=2" in c and "dst=10.0.0.100" in c for c in connections(lab)), "zone 2")


def test_traceroute(lab):
    """A router behind the firewall says that the time ran out, and is believed."""
    a, b = two_hosts(lab, FIREWALL)
    b.exec("sysctl", "-qw", "net.ipv4.ip_forward=1")
    a.exec("ip", "route", "add", "10.9.0.0/24", "via", "10.0.0.2")
    b.exec("ip", "route", "add", "10.9.0.0/24", "via", "10.0.0.1")
    p = slu.run("ping", "-n", "-c", "2", "-i", "0.05", "-W", "2", "-t", "1", "10.9.0.1", ns=a.ns,
                check=False)
    expect(re.search(r"10.0.0.2.*Time to live exceeded", p.stdout), p.stdout)


def test_fragments(lab):
    a, b = two_hosts(lab, FIREWALL, ipv6=True)
    for address in ("10.0.0.2", "fd00::2"):
        a.exec("ping", "-n", "-c", "3", "-i", "0.05", "-W", "2", "-s", "5000", address)
    n = lab.sluice.rpc_json("conntrack/counters")
    # The first of each connection is tracked twice: looked up, then committed.
    expect_equal(n["frag_whole"], 14, "datagrams that were whole")


if __name__ == "__main__":
    main()
