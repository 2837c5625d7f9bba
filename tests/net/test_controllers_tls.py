#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Controllers over TLS: two with roles, one of which is slow and one dies, and who is not let in."""
import os
import queue
import re
import shutil
import socket
import ssl
import statistics
import struct
import threading
import time

import slu
from nettest import expect, expect_equal, expect_in, frame, in_ns, main, wait_until

PASSED, TO_CONTROLLERS = 2000, 3000  # UDP ports
MASTER, SLAVE = 2, 3
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, PACKET_IN, FLOW_MOD = 0, 1, 2, 3, 10, 14
BARRIER_REQUEST, BARRIER_REPLY, ROLE_REQUEST, ROLE_REPLY, SET_ASYNC = 20, 21, 24, 25, 28
IS_SLAVE, ROLE_STALE = (1, 10), (11, 0)
MARK = b"number-and-time:"


def message(kind, body=b"", xid=1):
    return struct.pack(">BBHI", 4, kind, 8 + len(body), xid) + body


def udp_flow(port, output, cookie, xid=2):
    """flow-mod: add udp,tp_dst=port actions=output."""
    fields = (struct.pack(">HBBH", 0x8000, 10, 2, 0x0800) + struct.pack(">HBBB", 0x8000, 20, 1, 17) +
              struct.pack(">HBBH", 0x8000, 32, 2, port))
    match = struct.pack(">HH", 1, 4 + len(fields)) + fields
    match += bytes(-len(match) % 8)
    action = struct.pack(">HHIH6x", 0, 16, output, 0xffff)
    apply = struct.pack(">HH4x", 4, 8 + len(action)) + action
    return message(FLOW_MOD, struct.pack(">QQBBHHHIIIH2x", cookie, 0, 0, 0, 0, 0, 9, 0xffffffff,
                                         0xffffffff, 0xffffffff, 0) + match + apply, xid)


def empty_dir(name):
    shutil.rmtree(slu.tmpdir(name))
    return slu.tmpdir(name)


class Pki:
    """A CA and what it signs, in a directory of its own."""

    def __init__(self, name):
        self.dir = empty_dir("pki-" + name)
        self.ca = self.path("ca.crt")
        self.key("ca", "-x509", "-days", "2", "-out", self.ca)

    def path(self, name):
        return os.path.join(self.dir, name)

    def key(self, name, *more):
        slu.run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-subj", "/CN=%s of %s" % (name, os.path.basename(self.dir)), "-keyout",
                self.path(name + ".key"), *more)

    def issue(self, name, start="20200101000000Z", end="20991231000000Z"):
        """(private key, certificate)"""
        self.key(name, "-out", self.path(name + ".csr"))
        with open(self.path("ca.cnf"), "w") as f:
            f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nnew_certs_dir=%s\nrand_serial=yes\n"
                    "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n" % (
                        self.path("index"), self.dir))
        with open(self.path("index"), "a"):
            pass
        slu.run("openssl", "ca", "-batch", "-notext", "-config", self.path("ca.cnf"), "-cert",
                self.ca, "-keyfile", self.path("ca.key"), "-startdate", start, "-enddate", end,
                "-in", self.path(name + ".csr"), "-out", self.path(name + ".crt"))
        return self.path(name + ".key"), self.path(name + ".crt")


def context(side, ca, pair):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if side == "server" else ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname = False
    c.verify_mode = ssl.CERT_REQUIRED
    c.load_verify_locations(ca)
    if pair:
        c.load_cert_chain(pair[1], pair[0])
    return c


def listen(lab, port, receive_buffer=None):
    def make():
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        s.bind(("127.0.0.1", port))
        s.listen()
        s.settimeout(0.1)
        return s
    return in_ns(lab.ns, make)


class Controller:
    """Speaks OpenFlow 1.3 over TLS (or TCP, if `tls` is None), one connection after another."""

    def __init__(self, lab, port, tls, receive_buffer=None):
        self.tls, self.out = tls, queue.Queue()
        self.got = []          # (type, xid, body) but packet-ins
        self.packet_ins = {}   # number: seconds that it took
        self.connections = 0
        self.reading = True
        self.over = threading.Event()
        self.listener = listen(lab, port, receive_buffer)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            try:
                conn, _ = self.listener.accept()
                conn.settimeout(2)
                if self.tls:
                    conn = self.tls.wrap_socket(conn, server_side=True)
                self.serve(conn)
            except OSError:
                pass
        self.listener.close()

    def serve(self, conn):
        data = b""
        conn.sendall(message(HELLO))
        conn.settimeout(0.01)
        self.connections += 1
        while not self.over.is_set():
            while not self.out.empty():
                conn.sendall(self.out.get())
            if not self.reading:
                time.sleep(0.02)
                continue
            try:
                more = conn.recv(65536)
            except TimeoutError:
                continue
            if not more:
                break
            data += more
            while len(data) >= 8 and len(data) >= struct.unpack_from(">H", data, 2)[0]:
                length = struct.unpack_from(">H", data, 2)[0]
                self.take(conn, data[:length])
                data = data[length:]
        # As a killed process leaves it that had not read everything: with a reset.
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        conn.close()

    def take(self, conn, msg):
        kind, xid = msg[1], struct.unpack_from(">I", msg, 4)[0]
        if kind == ECHO_REQUEST:
            conn.sendall(message(ECHO_REPLY, msg[8:], xid))
        elif kind == PACKET_IN:
            at = msg.find(MARK)
            if at >= 0:
                number, sent = struct.unpack_from(">Id", msg, at + len(MARK))
                self.packet_ins[number] = time.monotonic() - sent
        else:
            self.got.append((kind, xid, msg[8:]))

    def send(self, msg):
        self.out.put(msg)

    def answer(self, xid, timeout=5):
        """(type, body) of the message with the xid."""
        return wait_until("an answer to %#x" % xid, lambda: [
            (k, b) for k, x, b in list(self.got) if x == xid], timeout)[0]

    def ask_role(self, role, generation, xid):
        """(role, generation), or an error's (type, code)."""
        self.send(message(ROLE_REQUEST, struct.pack(">I4xQ", role, generation), xid))
        kind, body = self.answer(xid)
        return struct.unpack_from(">HH" if kind == ERROR else ">I4xQ", body)

    def wait(self, n=1):
        wait_until("connection %d" % n, lambda: self.connections >= n, 15)
        return self

    def kill(self):
        self.over.set()
        self.thread.join(5)


class Sender(threading.Thread):
    """Numbered frames at a rate on a wire."""

    def __init__(self, wire, dport, rate, size):
        super().__init__(daemon=True)
        self.wire, self.dport, self.interval, self.fill = wire, dport, 1 / rate, b"." * size
        self.sent, self.over = 0, threading.Event()
        self.start()

    def run(self):
        at = time.monotonic()
        while not self.over.is_set():
            self.wire.send(frame(dport=self.dport, payload=MARK + struct.pack(
                ">Id", self.sent, time.monotonic()) + self.fill))
            self.sent += 1
            at += self.interval
            time.sleep(max(0, at - time.monotonic()))

    def stop(self):
        self.over.set()
        self.join()
        return self.sent


class Counter(threading.Thread):
    """Which numbers come in on a wire."""

    def __init__(self, wire):
        super().__init__(daemon=True)
        self.wire, self.numbers, self.over = wire, [], threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            for f in self.wire.receive(0.1):
                at = f.find(MARK)
                if at >= 0:
                    self.numbers.append(struct.unpack_from(">I", f, at + len(MARK))[0])


def use_tls(lab, pki, pair=None):
    key, certificate = pair or pki.issue("switch")
    lab.sluice.vsctl("set-ssl", key, certificate, pki.ca)


def flows_of(lab):
    return sorted((f.get("cookie"), f.get("match"), f.get("actions"))
                  for f in lab.sluice.flows("br0"))


def test_one_dies_and_one_is_slow(lab):
    lab.allow(r"controllers\|WARN\|br0: ssl:127\.0\.0\.1:6653: no connection: Connection refused")
    # So that not the kernel holds what a controller does not read.
    lab.ns.sysctl("net/ipv4/tcp_wmem", "4096 16384 65536")
    lab.bridge("br0")
    w = lab.wires(3)
    pki = Pki("one")
    tls = context("server", pki.ca, pki.issue("controller"))
    use_tls(lab, pki)
    a, b = Controller(lab, 6653, tls), Controller(lab, 6654, tls, receive_buffer=65536)
    lab.sluice.vsctl("set-controller", "br0", "ssl:127.0.0.1:6653", "ssl:127.0.0.1:6654")
    for c in lab.sluice.vsctl("--bare", "--columns=_uuid", "list", "Controller").split():
        lab.sluice.vsctl("set", "Controller", c, "inactivity_probe=60000", "max_backoff=1000")
    a.wait(), b.wait()
    expect_equal(a.ask_role(MASTER, 7, 0x71), (MASTER, 7), "the first asks to be master")
    expect_equal(b.ask_role(SLAVE, 7, 0x72), (SLAVE, 7), "the second to be slave")
    b.send(udp_flow(9, 2, 0xbad, 0x70))
    expect_equal(struct.unpack_from(">HH", b.answer(0x70)[1]), IS_SLAVE, "a slave changes nothing")
    b.send(message(SET_ASYNC, struct.pack(">6I", 7, 7, 7, 7, 15, 0)))
    a.send(udp_flow(PASSED, 2, 0xa1))
    a.send(udp_flow(TO_CONTROLLERS, 0xfffffffd, 0xa2))
    a.send(message(BARRIER_REQUEST, xid=0x73))
    expect_equal(a.answer(0x73)[0], BARRIER_REPLY, "barrier")
    flows = flows_of(lab)
    expect_equal(len(flows), 2, "the master's flows")

    counter = Counter(w[1])
    passed = Sender(w[0], PASSED, 500, 100)
    asked = Sender(w[2], TO_CONTROLLERS, 500, 1300)
    wait_until("both get packet-ins", lambda: min(len(a.packet_ins), len(b.packet_ins)) > 200)

    b.reading = False
    first = asked.sent
    time.sleep(6)
    last, behind = asked.sent, len(b.packet_ins)
    wait_until("the one that reads gets them all", lambda: all(
        n in a.packet_ins for n in range(first, last)), 2)
    times = sorted(a.packet_ins[n] for n in range(first, last))
    b.reading = True
    wait_until("the slow one reads on", lambda: len(b.packet_ins) > behind and
               max(b.packet_ins) > last + 100)
    late = sum(n in b.packet_ins for n in range(first, last))
    print("       %d packet-ins while one did not read: to the other within %.1f ms (median), "
          "%.1f ms (99%%); to the slow one %d later" % (
              last - first, statistics.median(times) * 1e3,
              times[len(times) * 99 // 100] * 1e3, late))
    expect(statistics.median(times) < 0.05, "its packet-ins are late")
    expect(late < (last - first) * 2 // 3, "the queue of one that does not read has no bound")

    def dropped(port):
        return "packet-in-action-dropped" in lab.sluice.vsctl(
            "--bare", "--columns=status", "find", "Controller",
            'target="ssl:127.0.0.1:%d"' % port)
    wait_until("it shows that one loses packet-ins", lambda: dropped(6654), 10)
    expect(not dropped(6653), "the one that reads loses none")

    a.kill()
    killed = time.monotonic()
    expect_equal(b.ask_role(MASTER, 8, 0x81), (MASTER, 8), "the survivor is promoted")
    print("       promoted within %.1f ms" % ((time.monotonic() - killed) * 1e3))
    b.send(udp_flow(9, 2, 0xb1))
    b.send(message(BARRIER_REQUEST, xid=0x82))
    expect_equal(b.answer(0x82)[0], BARRIER_REPLY, "the survivor may change flows")
    expect_equal(len(lab.sluice.flows("br0", "cookie=0xb1/-1")), 1, "its flow")
    lab.sluice.ofctl("del-flows", "br0", "cookie=0xb1/-1")

    again = Controller(lab, 6653, tls).wait()
    expect_equal(again.ask_role(MASTER, 7, 0x91), ROLE_STALE, "a generation that is over")
    expect_equal(again.ask_role(SLAVE, 8, 0x92), (SLAVE, 8), "the one that holds")
    wait_until("the roles show", lambda: sorted(lab.sluice.vsctl(
        "--bare", "--columns=role", "list", "Controller").split()) == ["master", "slave"])
    fresh = len(b.packet_ins)
    wait_until("the new master gets packet-ins", lambda: len(b.packet_ins) > fresh + 100)

    asked.stop()
    sent = passed.stop()
    wait_until("all packets", lambda: len(counter.numbers) >= sent, 5)
    counter.over.set()
    counter.join()
    print("       %d packets forwarded meanwhile" % sent)
    expect_equal(sorted(set(counter.numbers)), list(range(sent)), "packets forwarded")
    expect_equal(flows_of(lab), flows, "flows")
    again.kill()
    b.kill()


def log_of(lab):
    with open(lab.sluice.log, errors="replace") as f:
        return f.read()


def expect_log(lab, text):
    wait_until("a line in the log: " + text, lambda: text in log_of(lab), 10)


def refused(lab, why, tls, pki, pair=None):
    """A switch of the PKI does not get on with a controller of that context, and says why."""
    lab.allow(r"controllers\|WARN\|br0: ssl:127\.0\.0\.1:6653: no connection: TLS: ")
    lab.bridge("br0")
    c = Controller(lab, 6653, tls)
    use_tls(lab, pki, pair)
    lab.sluice.vsctl("set-controller", "br0", "ssl:127.0.0.1:6653")
    expect_log(lab, "br0: ssl:127.0.0.1:6653: no connection: TLS: " + why)
    wait_until("the row says so", lambda: why in lab.sluice.vsctl(
        "--if-exists", "get", "Controller", "br0", "status:last_error"))
    expect("false" in lab.sluice.vsctl("get", "Controller", "br0", "is_connected"), "not connected")
    return c


def test_wrong_ca(lab):
    ours, other = Pki("ours"), Pki("other")
    refused(lab, "the peer's certificate is refused: ",
            context("server", ours.ca, other.issue("controller")), ours).kill()


def test_expired_certificate_that_is_renewed(lab):
    pki = Pki("ours")
    old = pki.issue("controller", end="20210101000000Z")
    c = refused(lab, "the peer's certificate is refused: certificate has expired",
                context("server", pki.ca, old), pki)
    c.tls = context("server", pki.ca, pki.issue("renewed"))
    c.wait()
    wait_until("it is connected", lambda: "true" in lab.sluice.vsctl(
        "get", "Controller", "br0", "is_connected"))
    c.kill()


def test_our_own_certificate_expired_and_is_replaced_in_place(lab):
    pki = Pki("ours")
    tls = context("server", pki.ca, pki.issue("controller"))
    c = refused(lab, "the peer refused us: ", tls, pki, pki.issue("switch", end="20210101000000Z"))
    pki.issue("switch")
    wait_until("it is connected", lambda: "true" in lab.sluice.vsctl(
        "get", "Controller", "br0", "is_connected"), 15)
    c.kill()


def test_controller_without_tls(lab):
    refused(lab, "the peer does not speak TLS", None, Pki("ours")).kill()


def test_files_that_are_missing(lab):
    lab.allow(r"controllers\|WARN\|br0: ssl:127\.0\.0\.1:6653: no connection: ")
    lab.bridge("br0")
    lab.sluice.vsctl("set-controller", "br0", "ssl:127.0.0.1:6653")
    expect_log(lab, "no connection: TLS: no row of SSL says which key and certificates to use")
    pki = Pki("ours")
    key, certificate = pki.issue("switch")
    lab.sluice.vsctl("set-ssl", key, certificate, "/nonexistent/ca.pem")
    expect_log(lab, "no connection: TLS: ca_cert /nonexistent/ca.pem: No such file or directory")
    lab.sluice.vsctl("set-ssl", pki.path("ca.key"), certificate, pki.ca)
    expect_log(lab, "no connection: TLS: private_key %s: key values mismatch" % pki.path("ca.key"))


def test_bootstrap(lab):
    """The first controller that shows its CA's certificate with its own is trusted from then on, and
    nobody else."""
    lab.allow(r"application verification failure|no connection|sent no CA certificate")
    lab.bridge("br0")
    pki, other = Pki("first"), Pki("second")
    key, certificate = pki.issue("switch")
    ca = pki.path("learned.pem")
    key_c, cert_c = pki.issue("controller")
    lab.sluice.vsctl("--", "--bootstrap", "set-ssl", key, certificate, ca)
    # Who knows the CA sends its certificate.
    silent = Controller(lab, 6653, context("server", other.ca, (key_c, cert_c)))
    lab.sluice.vsctl("set-controller", "br0", "ssl:127.0.0.1:6653")
    expect_log(lab, "%s: the peer sent no CA certificate with its own" % ca)
    expect(not os.path.exists(ca), "a CA certificate that nobody sent")
    silent.kill()
    c = Controller(lab, 6653, context("server", pki.ca, (key_c, cert_c))).wait()
    expect_equal(c.ask_role(MASTER, 1, 0x71), (MASTER, 1), "it is master")
    with open(ca) as mine, open(pki.ca) as its:
        expect_equal(mine.read(), its.read(), "what was kept")
    expect_equal(os.stat(ca).st_mode & 0o777, 0o444, "who may write it")
    c.kill()
    stranger = Controller(lab, 6653, context("server", pki.ca, other.issue("controller")))
    expect_log(lab, "no connection: TLS: the peer's certificate is refused")
    stranger.kill()


def test_certificates_of_ovs_pki(lab):
    """Which have two CAs: one signs the switches' certificates, one the controllers'."""
    lab.bridge("br0")
    here = empty_dir("pki-stock")

    def pki(*args):
        slu.run("sh", "-c", 'cd "$0" && exec ovs-pki --dir=pki --log=log "$@"', here, *args)
    pki("init")
    pki("req+sign", "sw", "switch")
    pki("req+sign", "ctl", "controller")

    def path(name):
        return os.path.join(here, name)
    c = Controller(lab, 6653, context("server", path("pki/switchca/cacert.pem"), (
        path("ctl-privkey.pem"), path("ctl-cert.pem"))))
    lab.sluice.vsctl("set-ssl", path("sw-privkey.pem"), path("sw-cert.pem"),
                     path("pki/controllerca/cacert.pem"))
    lab.sluice.vsctl("set-controller", "br0", "ssl:127.0.0.1:6653")
    c.wait()
    expect_equal(c.ask_role(MASTER, 1, 0x71), (MASTER, 1), "it is master")
    c.kill()


def test_listener(lab):
    lab.allow(r"controllers\|WARN\|br0: pssl:6634:127\.0\.0\.1: \S+ was not let in: TLS: ")
    lab.bridge("br0")
    ours, other = Pki("ours"), Pki("other")
    use_tls(lab, ours)
    lab.sluice.vsctl("set-controller", "br0", "pssl:6634:127.0.0.1")
    wait_until("the listener", lambda: ":6634 " in slu.run("ss", "-Hltn", ns=lab.ns))
    key, certificate = ours.issue("tool")
    out = slu.run("ovs-ofctl", "-O", "OpenFlow13", "--private-key", key, "--certificate",
                  certificate, "--ca-cert", ours.ca, "show", "ssl:127.0.0.1:6634", ns=lab.ns)
    expect_in("n_buffers:0", out, "ovs-ofctl over TLS")

    def knock(tls):
        s = in_ns(lab.ns, lambda: socket.create_connection(("127.0.0.1", 6634), 5))
        try:
            if tls:
                s = tls.wrap_socket(s)
            s.sendall(message(HELLO))
            return s.recv(100)
        except OSError:
            return b""
        finally:
            s.close()
    for tls, why in ((None, "the peer does not speak TLS"),
                     (context("client", ours.ca, None), "peer did not return a certificate"),
                     (context("client", ours.ca, other.issue("stranger")),
                      "the peer's certificate is refused: "),
                     (context("client", ours.ca, ours.issue("late", end="20210101000000Z")),
                      "the peer's certificate is refused: certificate has expired")):
        data = knock(tls)
        expect(data[:1] != b"\x04", "no OpenFlow is spoken: %s" % data)
        wait_until("a line in the log: " + why, lambda: re.search(
            r"127\.0\.0\.1:\d+ was not let in: TLS: " + re.escape(why), log_of(lab)))
    expect_in("n_buffers:0", slu.run(
        "ovs-ofctl", "-O", "OpenFlow13", "--private-key", key, "--certificate", certificate,
        "--ca-cert", ours.ca, "show", "ssl:127.0.0.1:6634", ns=lab.ns), "others are served")


if __name__ == "__main__":
    main()
