# SPDX-License-Identifier: Apache-2.0
"""A test file of tests/net: functions test_*(lab), each with a lab of its own.

    lab.sluice     a running sluiced, in the namespace lab.ns
    lab.host(...)  a namespace that is joined to it by a veth pair

A test with @both_paths runs twice: in software, and with the ports that it gives to lab.on_device()
bound to the model eSwitch.
"""
import contextlib
import ctypes
import glob
import inspect
import json
import os
import re
import select
import socket
import struct
import sys
import time
import traceback

import slu
from slu import Failure, expect, expect_equal, expect_in, wait_until  # noqa: F401

SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING, ETH_P_ALL = 263, 8, 23, 3
SO_RCVBUFFORCE = 33
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def in_ns(ns, function):
    """Calls function() with the thread in the namespace."""
    with open("/proc/thread-self/ns/net") as home, open("/run/netns/%s" % ns) as there:
        if _libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            return function()
        finally:
            if _libc.setns(home.fileno(), CLONE_NEWNET):
                os._exit(3)


class Wire:
    """Raw frames on a netdev. The VLAN tag that the kernel takes out is put back."""

    def __init__(self, ns, ifname):
        def make():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
            s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
            s.bind((ifname, ETH_P_ALL))
            return s
        self.sock = in_ns(ns, make)

    def send(self, frame):
        self.sock.send(frame)

    def read(self):
        frame, control, _, _ = self.sock.recvmsg(65536, 128)
        for level, kind, data in control:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", data[:20])
                if status & 0x10:
                    tag = struct.pack(">HH", tpid if status & 0x40 else 0x8100, tci)
                    frame = frame[:12] + tag + frame[12:]
        return frame

    def receive(self, timeout=0.3, wanted=None, count=None):
        """The frames that come within the time, and no later than the `count`th; with `wanted`,
        only those for which it is true, and at once when there is one."""
        frames, end = [], time.monotonic() + timeout
        while True:
            left = max(0, end - time.monotonic())
            if not select.select([self.sock], [], [], left)[0]:
                return frames
            frame = self.read()
            if wanted is None:
                frames.append(frame)
                if len(frames) == count:
                    return frames
            elif wanted(frame):
                return [frame]

    def drain(self):
        """Forgets what came in so far."""
        self.receive(0)

    def close(self):
        self.sock.close()


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def ether(dst, src, kind, payload, vlan=None, tpid=0x8100):
    tag = struct.pack(">HH", tpid, vlan) if vlan is not None else b""
    return mac(dst) + mac(src) + tag + struct.pack(">H", kind) + payload


def ipv4(src, dst, proto, payload, ttl=64, tos=0):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, tos, 20 + len(payload), 1, 0, ttl, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def udp4(src, dst, sport, dport, payload=b"payload-of-a-test"):
    head = struct.pack(">HHHH", sport, dport, 8 + len(payload), 0)
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack(
        ">BBH", 0, 17, 8 + len(payload))
    c = checksum(pseudo + head + payload) or 0xffff
    return ipv4(src, dst, 17, head[:6] + struct.pack(">H", c) + payload)


def frame(i=1, j=2, vlan=None, dport=2000, payload=b"payload-of-a-test"):
    """A UDP packet from "host i" to "host j"."""
    return ether("02:00:00:00:00:%02x" % j, "02:00:00:00:00:%02x" % i, 0x0800,
                 udp4("10.0.0.%d" % i, "10.0.0.%d" % j, 1000, dport, payload), vlan)


def replies(ns, address, count, interval=0.01, wait=1):
    """Of so many pings from a namespace, those that are answered within `wait` seconds."""
    p = slu.run("ping", "-n", "-c", str(count), "-i", str(interval), "-W", str(wait), address,
                ns=ns, check=False)
    m = re.search(r"(\d+) received", p.stdout)
    return int(m[1]) if m else 0


class Host:
    """A namespace with one netdev, eth0, whose other end is `port` in the switch's namespace."""

    def __init__(self, lab, name, address=None, ipv6=False):
        self.name, self.port, self.address = name, "p-" + name, address
        self.ns = slu.Netns(name, ipv6=ipv6)
        lab.ns.veth(self.port, "eth0", self.ns, quiet=True)
        if address:
            self.exec("ip", "addr", "add", address, "dev", "eth0")

    def exec(self, *cmd, **kw):
        return self.ns.exec(*cmd, **kw)

    def popen(self, *cmd, **kw):
        return self.ns.popen(*cmd, **kw)

    def ping(self, address, count=3, check=True, wait=2):
        """Pings; returns the number of answers that come within `wait` seconds."""
        got = replies(self.ns, address, count, interval=0.05, wait=wait)
        if check:
            expect_equal(got, count, "%s: answers to pings to %s" % (self.name, address))
        return got

    def no_ping(self, address):
        expect_equal(slu.run("ping", "-n", "-c", "1", "-W", "0.5", address, ns=self.ns,
                             check=False).returncode != 0, True, "no answer from " + address)

    def wire(self):
        return Wire(self.ns, "eth0")

    def mac(self):
        return self.exec("cat", "/sys/class/net/eth0/address").strip()


def both_paths(function):
    function.devices = (None, "sim:nic")
    return function


class Lab:
    def __init__(self, name, device=None):
        self.name, self.device = name, device
        self.probes = 0  # frames that probe() sent
        self.ns = slu.Netns("sw", ipv6=True)
        self.hosts = []
        self.allowed = []
        self.processes = []
        self.sluice = slu.Sluiced(self.ns, "sluice", start=False)
        try:
            self.sluice.start()
        except BaseException:
            try:
                self.close()
            finally:
                self.remove()
            raise

    def host(self, name, address=None, bridge=None, ipv6=False):
        h = Host(self, name, address, ipv6)
        self.hosts.append(h)
        if bridge:
            self.sluice.vsctl("add-port", bridge, h.port)
        return h

    def bridge(self, name, *more, quiet=False):
        """A bridge whose flows are ours alone. `quiet`: so are its packets, as on silence()."""
        self.sluice.vsctl("add-br", name, "--", "set", "Bridge", name, "fail_mode=secure", *more)
        if quiet:
            self.silence(name)
        slu.run("ip", "link", "set", name, "up", ns=self.ns)

    def silence(self, name):
        """The host says nothing by itself on this netdev of its own: no router or neighbour is asked
        for, no group joined."""
        slu.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/%s/disable_ipv6" % name, ns=self.ns)

    def wires(self, n, bridge="br0"):
        """`n` hosts on a bridge with OpenFlow numbers 1 to n, as raw wires."""
        hosts = [self.host("w%d" % i) for i in range(1, n + 1)]
        self.sluice.add_ports(bridge, [h.port for h in hosts])
        return [h.wire() for h in hosts]

    def on_device(self, *ports):
        """Binds ports to the device of this run of the test, if it has one."""
        if not self.device:
            return
        self.sluice.offload(self.device)
        self.sluice.bind(*ports)
        wait_until("the device has its ports", lambda: self.device_state()["ports"] == len(ports))

    def on_kernel(self, n, what="ports on the device"):
        """The kernel is the device of n ports, and of the bridge's own."""
        wait_until(what, lambda: self.device_state()["ports"] == n + 1)

    def longest_in_kernel(self):
        """The longest packets, on average, of a megaflow there: bytes."""
        return max((m["bytes"]["hardware"] / max(1, m["packets"]["hardware"])
                    for m in self.sluice.in_kernel()), default=0)

    def device_state(self):
        """The first device, as the daemon sees it."""
        devices = self.sluice.offload_status()["devices"]
        return devices[0] if devices and devices[0]["alive"] else {"ports": 0}

    def device_packets(self, name="nic"):
        """(hits, misses, drops) by the device's own count. Each link of a chain is a hit."""
        text = slu.run(slu.program("sluice-simnic"), "--rundir", self.sluice.rundir, "--name", name,
                       "--stats")
        m = re.search(r"packets: (\d+) hits, (\d+) misses .*, (\d+) dropped", text)
        return tuple(int(n) for n in m.groups())

    def hits(self):
        return self.device_packets(self.device.split(":")[1])[0] if self.device else 0

    def expect_hits(self, since, least, what):
        """On a device: it did the work itself since hits() said `since`."""
        if self.device:
            got = self.hits() - since
            expect(got >= least, "%s: %d hits in the device, expected %d" % (what, got, least))

    def placed(self, text):
        """Megaflows in the device whose match holds the text."""
        return [m for m in self.sluice.offload_flows()
                if text in m["match"] and m["where"] == "hardware"]

    def allow(self, pattern):
        """Warnings that this test provokes."""
        self.allowed.append(pattern)

    def check_log(self):
        bad = []
        if os.getloadavg()[0] > 2 * os.cpu_count():
            self.allow("did not come to rest within")  # so busy a machine proves nothing
        with open(self.sluice.log, errors="replace") as f:
            for line in f:
                if re.search(r"\|(WARN|ERR)\|", line) and not any(
                        re.search(p, line) for p in self.allowed):
                    bad.append(line)
        expect(not bad, "the log holds warnings that nothing called for:\n" + "".join(bad[:20]))

    def close(self):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
                p.wait()
        self.sluice.stop()

    def remove(self):
        for h in self.hosts:
            h.ns.delete()
        self.ns.delete()
        for path in (self.sluice.log, self.sluice.db):
            if os.path.exists(path):
                os.unlink(path)
        slu.run("rm", "-rf", self.sluice.rundir)


def gather(wires, timeout=0.15):
    """What comes in within the time: {number of the wire, from 1: its frames of IPv4}."""
    out, end = {}, time.monotonic() + timeout
    number = {w.sock: i for i, w in enumerate(wires, 1)}
    while True:
        ready = select.select(number, [], [], max(0, end - time.monotonic()))[0]
        if not ready:
            return out
        for s in ready:
            frame = wires[number[s] - 1].read()
            if b"\x08\x00" in (frame[12:14], frame[16:18]):
                out.setdefault(number[s], []).append(frame)


def probe(lab, wires, sent, at=1, by_device=True):
    """Sends a frame on the wire `at`; what comes out, as of gather(). On a device, the frame is sent
    again until the device forwards it by itself, and that has to make no difference."""
    def once():
        for w in wires:
            w.drain()
        wires[at - 1].send(sent)
        lab.probes += 1
        return gather(wires)

    def by_itself():
        before = lab.hits()
        wires[at - 1].send(sent)
        lab.probes += 1
        return lab.hits() > before
    out = once()
    if lab.device and by_device:
        wait_until("the device forwards it", by_itself)
        hits = lab.hits()
        expect_equal(once(), out, "what the device sends, of %s" % sent[:60].hex())
        lab.expect_hits(hits, 1, "a packet")
    return out


def tcp_report(client, server, address, *options, seconds=1, port=5201, server_port=None):
    """TCP between two namespaces: the end of iperf3's report."""
    server_port = server_port or port
    p = slu.spawn("iperf3", "-s", "-1", "-p", str(server_port), ns=server)
    try:
        wait_until("iperf3's server",
                   lambda: ":%d" % server_port in slu.run("ss", "-Hltn", ns=server))
        out = json.loads(slu.run("iperf3", "-J", "-t", str(seconds), "-c", address, "-p", str(port),
                                 *options, ns=client, check=False, timeout=40).stdout)
        expect("error" not in out, "iperf3: %s" % out.get("error"))
        p.wait(10)
    finally:
        slu.stop(p)
    return out["end"]


def received_rate(report):
    """Gb/s."""
    return report["sum_received"]["bits_per_second"] / 1e9


def iperf(client, server, address, *options, **kw):
    """TCP between two namespaces: Gb/s that arrive."""
    return received_rate(tcp_report(client, server, address, *options, **kw))


def cpu_seconds(pid):
    """CPU time that the threads of a process have used."""
    total = 0
    for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
        with contextlib.suppress(FileNotFoundError):
            with open(path) as f:
                total += int(f.read().split()[0])
    return total / 1e9


def check_idle(lab, seconds, processes=1):
    """A quiet switch leaves the processor to others: workers sleep, and nobody polls."""
    time.sleep(0.5)
    pids = [pid for pid in lab.ns.pids() if pid == lab.sluice.pid() or lab.device]
    expect_equal(len(pids), processes, "processes")
    before = [cpu_seconds(pid) for pid in pids]
    time.sleep(seconds)
    shares = [100 * (cpu_seconds(pid) - b) / seconds for pid, b in zip(pids, before)]
    print("       %s of a core when idle" % ", ".join("%.2f%%" % share for share in shares))
    expect(max(shares) < 1, "%.2f%% of a core when idle" % max(shares))


def port_counters(lab, bridge, port):
    """Packets and bytes received, packets and bytes sent."""
    m = re.search(r"port +%s: rx pkts=(\d+), bytes=(\d+).*\n +tx pkts=(\d+), bytes=(\d+)" % port,
                  lab.sluice.ofctl("dump-ports", bridge, port))
    return [int(n) for n in m.groups()]


def run_one(name, function, device):
    start = time.monotonic()
    lab = None
    try:
        if inspect.signature(function).parameters:
            lab = Lab(name, device)
            function(lab)
            lab.close()
            lab.check_log()
        else:
            function()
        print("ok     %s (%.1f s)" % (name, time.monotonic() - start), flush=True)
        return True
    except Exception:
        print("FAILED %s (%.1f s)" % (name, time.monotonic() - start), flush=True)
        traceback.print_exc(file=sys.stdout)
        if lab and os.path.exists(lab.sluice.log):
            print("---- log of sluiced:\n" + lab.sluice.tail(80), flush=True)
        return False
    finally:
        if lab:
            try:
                lab.close()
            except Exception:
                pass
            lab.remove()


def main(module="__main__"):
    m = sys.modules[module]
    wanted = sys.argv[1:]
    tests = [(n, f) for n, f in vars(m).items() if n.startswith("test_") and callable(f)]
    tests = [(n + (" on " + d if d else ""), f, d) for n, f in tests
             for d in getattr(f, "devices", (None,))]
    tests = [t for t in tests if not wanted or any(w in t[0] for w in wanted)]
    failed = [t[0] for t in tests if not run_one(*t)]
    if not tests:
        sys.exit("no test is called that")
    sys.exit(1 if failed else 0)
