#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sluicectl capture: ports, matches and drops, with and without a device, read back from the file
byte by byte; and what becomes of a capture whose reader is slow, or dies."""
import json
import os
import select
import signal
import struct
import subprocess

import slu
from nettest import expect, expect_equal, expect_in, frame, main, wait_until

IN, OUT = 1, 2


class Pcapng:
    """What a file holds: interfaces by number, packets, and statistics by interface."""

    def __init__(self, data):
        self.interfaces, self.packets, self.statistics = [], [], {}
        self.comment = ""
        at = 0
        while at < len(data):
            kind, length = struct.unpack_from("<II", data, at)
            expect(length % 4 == 0 and at + length <= len(data), "whole blocks: one of type %#x has "
                   "%d bytes, %d are there" % (kind, length, len(data) - at))
            expect_equal(struct.unpack_from("<I", data, at + length - 4)[0], length, "length")
            self.block(kind, data[at + 8:at + length - 4])
            at += length

    @staticmethod
    def options(data):
        out = {}
        while len(data) >= 4:
            code, n = struct.unpack_from("<HH", data)
            if code == 0:
                break
            out[code] = data[4:4 + n]
            data = data[4 + (n + 3) // 4 * 4:]
        return out

    def block(self, kind, body):
        if kind == 0x0a0d0d0a:
            expect_equal(struct.unpack_from("<IHH", body), (0x1a2b3c4d, 1, 0), "section header")
            self.comment = self.options(body[16:])[1].decode()
        elif kind == 1:
            o = self.options(body[8:])
            expect_equal((struct.unpack_from("<H", body)[0], o[9]), (1, b"\x09"),
                         "Ethernet, in nanoseconds")
            self.interfaces.append(o[2].decode())
        elif kind == 6:
            face, high, low, caplen, length = struct.unpack_from("<IIIII", body)
            o = self.options(body[20 + (caplen + 3) // 4 * 4:])
            self.packets.append({
                "port": self.interfaces[face], "ns": high << 32 | low, "len": length,
                "data": body[20:20 + caplen], "way": struct.unpack("<I", o[2])[0] & 3,
                "comment": o.get(1, b"").decode()})
        elif kind == 5:
            o = self.options(body[12:])
            self.statistics[self.interfaces[struct.unpack_from("<I", body)[0]]] = tuple(
                struct.unpack("<Q", o[code])[0] for code in (4, 5))
        else:
            raise slu.Failure("a block of type %#x" % kind)

    def of(self, data):
        return [(p["port"], p["way"]) for p in self.packets if p["data"] == data]


class Capture:
    """A running sluicectl capture that writes to a file."""

    def __init__(self, lab, *args):
        self.path = os.path.join(slu.BASE, "capture%d.pcapng" % len(lab.processes))
        self.proc = subprocess.Popen(
            [slu.program("sluicectl"), "--rundir", lab.sluice.rundir, "capture", *args, "-w",
             self.path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        lab.processes.append(self.proc)
        self.said = ""
        while "capturing" not in self.said:
            expect(select.select([self.proc.stderr], [], [], 10)[0], "it begins: " + self.said)
            more = os.read(self.proc.stderr.fileno(), 4096).decode()
            expect(more, "it runs: " + self.said)
            self.said += more

    def end(self, status=0, by=signal.SIGINT):
        """The file; self.out and self.said have what was printed."""
        if by:
            self.proc.send_signal(by)
        out, err = self.proc.communicate(timeout=10)
        self.out, self.said = out.decode(), self.said + err.decode()
        expect_equal(self.proc.returncode, status, "exit status; it said: " + self.said)
        with open(self.path, "rb") as f:
            self.file = Pcapng(f.read())
        return self.file


def tcpdump(path):
    return slu.run("tcpdump", "-n", "-tt", "-r", path).splitlines()


def send(wire, frames, to, timeout=2):
    """Sends frames and waits until the last one arrived."""
    for f in frames:
        wire.send(f)
    got = to.receive(timeout, lambda f: f == frames[-1])
    expect(got, "the last frame arrives")


def test_port(lab):
    lab.bridge("br0")
    w = lab.wires(3)
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    lab.sluice.ofctl("add-flow", "br0", "in_port=2,actions=output:1")
    lab.sluice.ofctl("add-flow", "br0", "in_port=3,actions=output:2")
    there = [frame(1, 2, dport=2000 + i, payload=b"x" * i) for i in range(50)]
    back = [frame(2, 1, dport=3000 + i, vlan=7) for i in range(20)]
    c = Capture(lab, "p-w1", "--json")
    expect_in("no device carries any of it", c.said, "which way")
    send(w[0], there, w[1])
    send(w[1], back, w[0])
    send(w[2], [frame(3, 2)], w[1])
    f = c.end()
    for sent in there:
        expect_equal(f.of(sent), [("p-w1", IN)], "what came in")
    for sent in back:
        expect_equal(f.of(sent), [("p-w1", OUT)], "what went out")
    expect_equal(f.of(frame(3, 2)), [], "what is between other ports")
    times = [p["ns"] for p in f.packets]
    expect_equal(times, sorted(times), "order of time")
    summary = json.loads(c.out)
    expect_equal((summary["packets"], summary["lost"], f.interfaces, f.comment),
                 (len(f.packets), 0, ["p-w1"], "port p-w1"), "summary: %s" % summary)
    expect_equal(f.statistics, {"p-w1": (len(f.packets), 0)}, "statistics")
    expect_equal(len(tcpdump(c.path)), len(f.packets), "lines of tcpdump")


def test_match(lab):
    lab.bridge("br0")
    w = lab.wires(2)
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    lab.sluice.ofctl("add-flow", "br0", "in_port=2,actions=output:1")
    wanted = [frame(dport=80, payload=bytes([i]) * 100) for i in range(10)]
    other = [frame(dport=81), frame(1, 2, dport=80, vlan=9), frame(2, 1, dport=80)]
    c = Capture(lab, "br0", "in_port=p-w1,udp,tp_dst=80,vlan_tci=0", "--snaplen=60")
    send(w[0], wanted + other[:2], w[1])
    send(w[1], other[2:], w[0])
    f = c.end()
    expect_equal([(p["port"], p["way"], p["data"], p["len"]) for p in f.packets],
                 [("p-w1", IN, d[:60], len(d)) for d in wanted], "only what matches, cut")
    # A match whose flow looks at nothing of the packet, and one that ends by itself.
    c = Capture(lab, "udp,tp_dst=81", "--count=2")
    send(w[0], [frame(dport=81)] * 3 + [frame(dport=82)], w[1])
    f = c.end(by=None)
    expect_equal([p["data"] for p in f.packets], [frame(dport=81)] * 2, "two of three")
    c = Capture(lab, "ip", "--seconds=0.2")
    c.end(by=None)


def test_drops(lab):
    lab.bridge("br0")
    w = lab.wires(3)
    lab.sluice.ofctl("add-meter", "br0", "meter=1,pktps,burst,band=type=drop,rate=1,burst_size=1")
    lab.sluice.ofctl("add-flow", "br0", "priority=9,in_port=1,udp,tp_dst=5,actions=meter:1,output:2")
    lab.sluice.ofctl("add-flow", "br0", "priority=8,udp,tp_dst=6,actions=drop")
    lab.sluice.ofctl("add-flow", "br0", "priority=1,in_port=1,actions=output:2")
    lab.sluice.ofctl("add-flow", "br0", "priority=1,in_port=2,actions=output:3")
    fast, unwanted = frame(dport=5), frame(dport=6)
    c = Capture(lab, "meter")
    send(w[0], [fast] * 20 + [unwanted, frame(dport=7)], w[1])
    dropped = json.loads(lab.sluice.ctl("drops", "--json"))["meter"]
    expect(dropped >= 10, "%d dropped by the meter" % dropped)
    expect_equal([(p["port"], p["data"], p["comment"]) for p in c.end().packets],
                 [("p-w1", fast, "dropped: meter: came faster than a meter allows")] * dropped,
                 "packets too many")
    c = Capture(lab, "action")
    send(w[0], [fast] * 5 + [unwanted, frame(dport=7)], w[1])
    expect_equal([(p["port"], p["data"], p["comment"]) for p in c.end().packets],
                 [("p-w1", unwanted, "dropped: action: the flow says drop")],
                 "packets that a flow drops")
    slu.run("ip", "link", "set", "p-w3", "down", ns=lab.ns)
    c = Capture(lab, "drops")
    w[1].send(frame(2, 3))
    send(w[0], [fast] * 5 + [unwanted, frame(dport=7)], w[1])
    wait_until("a drop at the port that is down", lambda: json.loads(
        lab.sluice.ctl("drops", "--json"))["port_down"] > 0)
    got = {(p["comment"].split(":")[1].strip(), p["port"]) for p in c.end().packets
           if p["data"] in (fast, unwanted, frame(2, 3))}
    expect_equal(got, {("action", "p-w1"), ("port_down", "p-w2"), ("meter", "p-w1")}, "all drops")


def on_device(lab):
    """Two wires whose flow a device carries, and a third one's, too."""
    lab.sluice.offload("sim:nic")
    lab.bridge("br0")
    w = lab.wires(3)
    lab.sluice.bind("p-w1", "p-w2", "p-w3")
    wait_until("the device has its ports", lambda: lab.device_state()["ports"] == 3)
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    lab.sluice.ofctl("add-flow", "br0", "in_port=3,actions=output:2")
    send(w[0], [frame()], w[1])
    send(w[2], [frame(3, 2)], w[1])
    wait_until("both in hardware", lambda: len(lab.placed("in_port")) == 2)
    return w


def where(lab, port):
    return [m["where"] for m in lab.sluice.offload_flows() if port in m["match"]]


def test_device(lab):
    """What the device carries is captured whole, others' flows stay there, and all is back after."""
    w = on_device(lab)
    c = Capture(lab, "p-w1", "--json")
    expect_in("1 flow of sim:nic runs in software while this capture lasts", c.said, "which way")
    expect_equal((where(lab, "p-w1"), where(lab, "p-w3")), (["software"], ["hardware"]), "where")
    expect_in("being captured: port p-w1", lab.sluice.ctl("offload", "explain", "in_port=1"),
              "explain")
    sent = [frame(dport=100 + i) for i in range(200)]
    send(w[0], sent, w[1])
    lab.sluice.ofctl("mod-flows", "br0", "in_port=1,actions=output:2,output:3")
    more = [frame(dport=500 + i) for i in range(50)]
    send(w[0], more, w[2])
    f = c.end()
    for s in sent + more:
        expect_equal(f.of(s), [("p-w1", IN)], "a packet of the device's flow")
    expect_equal(json.loads(c.out)["devices"], [
        {"device": "sim:nic", "software": 1, "hardware": 0}], "devices in the summary")
    wait_until("back in hardware", lambda: where(lab, "p-w1") == ["hardware"])
    hits = lab.device_packets()[0]
    send(w[0], more, w[1])
    expect_equal(lab.device_packets()[0] - hits, len(more), "hits of the device after")


def test_drop_in_device(lab):
    w = on_device(lab)
    lab.sluice.ofctl("add-flow", "br0", "priority=40000,in_port=1,udp,tp_dst=9,actions=drop")
    w[0].send(frame(dport=9))
    wait_until("the drop is in hardware", lambda: lab.placed("tp_dst=9"))
    c = Capture(lab, "action")
    expect_in("1 flow of sim:nic runs", c.said, "which way")
    send(w[0], [frame(dport=9)] * 5 + [frame(dport=10)], w[1])
    expect_equal([p["data"] for p in c.end().packets], [frame(dport=9)] * 5, "dropped")
    wait_until("back in hardware", lambda: lab.placed("tp_dst=9"))


def test_tunnel(lab):
    """The port of a tunnel has the inner packets, the one below it the outer ones."""
    lab.bridge("br0")
    h = lab.host("h1", "10.0.0.1/24", bridge="br0")
    lab.sluice.vsctl("add-br", "br-phy")
    under = lab.host("peer", "172.16.0.2/24", bridge="br-phy")
    slu.run("ip", "addr", "add", "172.16.0.1/24", "dev", "br-phy", ns=lab.ns)
    slu.run("ip", "link", "set", "br-phy", "up", ns=lab.ns)
    under.exec("ip", "link", "add", "vx0", "type", "vxlan", "id", "42", "remote", "172.16.0.1",
               "local", "172.16.0.2", "dstport", "4789", "dev", "eth0")
    under.exec("ip", "addr", "add", "10.0.0.2/24", "dev", "vx0")
    under.exec("ip", "link", "set", "vx0", "up", "mtu", "1400")
    for name, key in (("tun0", "42"), ("tun1", "43")):
        lab.sluice.vsctl("add-port", "br0", name, "--", "set", "Interface", name, "type=vxlan",
                         "options:remote_ip=172.16.0.2", "options:key=" + key)
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    lab.sluice.ofctl("add-flow", "br0", "in_port=2,actions=output:1")
    wait_until("the tunnel is up", lambda: h.ping("10.0.0.2", 1, check=False, wait=0.5))
    inner, outer = Capture(lab, "tun0"), Capture(lab, "br-phy", "udp,tp_dst=4789")
    expect_in("packets of tun1 are captured too", inner.said, "what else it says")
    h.ping("10.0.0.2", 5)
    inner, outer = inner.end(), outer.end()
    for way, echo in ((OUT, 8), (IN, 0)):
        got = [p for p in inner.packets if p["way"] == way and p["data"][12:14] == b"\x08\x00" and
               p["data"][23] == 1 and p["data"][34] == echo]
        expect_equal((len(got), {p["port"] for p in got}), (5, {"tun1,tun0"}), "echoes %d" % echo)
        if way == IN:
            expect(all(any(p["data"] in o["data"] for o in outer.packets) for p in got),
                   "the outer ones hold them")


def test_tcp_of_hosts(lab):
    """What hosts leave to their network card is whole in the capture, or a super-frame."""
    lab.bridge("br0")
    a, b = lab.host("h1", "10.0.0.1/24", bridge="br0"), lab.host("h2", "10.0.0.2/24", bridge="br0")
    lab.sluice.ofctl("add-flow", "br0", "actions=normal")
    a.ping("10.0.0.2", 1)
    c = Capture(lab, "p-h1")
    server = b.popen("iperf3", "-s", "-1")
    wait_until("iperf3's server", lambda: ":5201" in b.exec("ss", "-Hltn"))
    a.exec("iperf3", "-n", "2M", "-c", "10.0.0.2", timeout=40)
    server.wait(10)
    f = c.end()
    expect(any(p["len"] > 1514 for p in f.packets), "super-frames")
    lines = slu.run("tcpdump", "-n", "-v", "-r", c.path, "tcp and less 1514").split("\n    10.0.0")
    expect(len(lines) > 50, "%d lines of tcpdump" % len(lines))
    bad = [line for line in lines if "incorrect" in line]
    expect(not bad, "checksums: %s" % bad[:3])


def test_client_dies(lab):
    w = on_device(lab)
    c = Capture(lab, "in_port=1")
    expect_equal(where(lab, "p-w1"), ["software"], "where")
    c.proc.kill()
    c.proc.wait()
    wait_until("back in hardware", lambda: where(lab, "p-w1") == ["hardware"])
    for _ in range(10):  # more than there can be at once, had one been left
        Capture(lab, "in_port=1").end()
    send(w[0], [frame()], w[1])


def test_slow_client(lab):
    """It loses packets, and says how many; the switch loses none."""
    lab.bridge("br0")
    w = lab.wires(2)
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    c = Capture(lab, "p-w2", "--json")
    c.proc.send_signal(signal.SIGSTOP)
    big = [frame(dport=i + 1, payload=b"x" * 1400) for i in range(6000)]
    passed = 0
    for i in range(0, len(big), 100):
        for f in big[i:i + 100]:
            w[0].send(f)
        passed += len([f for f in w[1].receive(2, count=100) if len(f) == len(big[0])])
    expect_equal(passed, len(big), "packets that pass")
    c.proc.send_signal(signal.SIGCONT)
    f = c.end()
    seen, lost = f.statistics["p-w2"]
    ours = len([p for p in f.packets if p["len"] == len(big[0])])
    expect(lost > 100 and ours > 100, "%d captured, %d lost" % (ours, lost))
    expect_equal((len(f.packets) + lost, json.loads(c.out)["lost"]), (seen, lost), "sums")
    expect(seen >= len(big), "%d seen" % seen)


def test_errors(lab):
    lab.bridge("br0")
    lab.wires(1)
    lab.sluice.vsctl("add-port", "br0", "pat", "--", "set", "Interface", "pat", "type=patch",
                     "options:peer=none")

    def refused(text, *args, status=1):
        p = slu.run(slu.program("sluicectl"), "--rundir", lab.sluice.rundir, "capture", *args,
                    check=False)
        expect_equal(p.returncode, status, "status of %s: %s" % (args, p.stderr))
        for t in [text] if isinstance(text, str) else text:
            expect_in(t, p.stderr, "message of %s" % (args,))
        expect_equal(p.stdout, "", "output")
    refused(["p-w2: there is no port", 'did you mean "p-w1"?', "tcp,tp_dst=80"], "p-w2")
    refused('did you mean "no_port"?', "noport")
    refused("tp_dts", "tcp,tp_dts=80")
    refused("reg0: packets are matched as they come in", "reg0=1")
    refused("patch port", "pat")
    refused("in_port=77: bridge br0 has no such port", "in_port=77")
    refused("--count=x: expected a whole number", "p-w1", "--count=x", status=2)
    refused("--snaplen=0: expected", "p-w1", "--snaplen=0", status=2)
    refused("too few", status=2)
    path = os.path.join(slu.BASE, "no/such/file")
    refused("%s: No such file" % path, "p-w1", "-w", path)
    # A pipe whose reader goes ends it, too; a file for nobody is no use on a terminal.
    text = slu.run("bash", "-c", "%s --rundir %s capture p-w1 --seconds=1 | tcpdump -n -r - 2>&1" % (
        slu.program("sluicectl"), lab.sluice.rundir))
    expect_in("reading from file -", text, "tcpdump reads the stream")
    slu.run("bash", "-c", "%s --rundir %s capture p-w1 | true" % (
        slu.program("sluicectl"), lab.sluice.rundir), timeout=5)
    p = slu.run("script", "-qec", "%s --rundir %s capture p-w1" % (
        slu.program("sluicectl"), lab.sluice.rundir), "/dev/null", check=False)
    expect_equal(p.returncode, 2, "status at a terminal")
    expect_in("tcpdump -r -", p.stdout, "what it says at a terminal")


if __name__ == "__main__":
    main()
