#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Controllers: an os-ken application over TCP, active and passive connections, fail modes."""
import contextlib
import json
import os
import socket
import struct

import slu
from nettest import expect, expect_equal, frame, in_ns, main, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
OSKEN = "import sys; from os_ken.cmd.manager import main; sys.exit(main())"


class Controller:
    def __init__(self, lab, version="1.3", port=6653, name="app"):
        self.events_file = "%s/%s.events" % (slu.BASE, name)
        if os.path.exists(self.events_file):
            os.unlink(self.events_file)
        self.proc = slu.spawn(
            "/usr/bin/python3", "-c", OSKEN, "--ofp-listen-host", "127.0.0.1",
            "--ofp-tcp-listen-port", str(port), os.path.join(HERE, "controller_app.py"),
            ns=lab.ns, log="%s/%s.log" % (slu.BASE, name),
            env={"SLU_APP_LOG": self.events_file, "SLU_APP_VERSION": version})
        lab.processes.append(self.proc)
        wait_until("the controller listens", lambda: ":%d " % port in slu.run(
            "ss", "-Hltn", ns=lab.ns), timeout=15)

    def events(self, kind=None):
        if not os.path.exists(self.events_file):
            return []
        with open(self.events_file) as f:
            events = [json.loads(line) for line in f if line.endswith("\n")]
        return [e for e in events if kind is None or e["event"] == kind]

    def wait(self, kind, n=1, timeout=10):
        wait_until("%d %s at the controller" % (n, kind), lambda: len(self.events(kind)) >= n,
                   timeout)
        return self.events(kind)

    def stop(self):
        self.proc.kill()
        self.proc.wait()


def connect(lab, version):
    lab.bridge("br0", "other_config:datapath-id=00000000000000aa")
    wires = lab.wires(3)
    c = Controller(lab, version)
    lab.sluice.vsctl("set-controller", "br0", "tcp:127.0.0.1:6653")
    c.wait("features", timeout=15)
    return wires, c


def packet_in_and_out(lab, version):
    w, c = connect(lab, version)
    f = c.wait("features")[0]
    expect_equal((f["dpid"], f["buffers"]), (0xaa, 0), "features")
    expect_equal(f["version"], 4 if version == "1.3" else 1, "version")
    expect(f["tables"] >= 254, "tables")
    lab.sluice.ofctl("add-flow", "br0", "cookie=0x77,priority=9,udp,actions=CONTROLLER:64")
    sent = frame(dport=7777, payload=b"y" * 100)
    w[1].send(sent)
    pin = c.wait("packet-in")[0]
    expect_equal((pin["port"], pin["length"], len(pin["data"]) // 2), (2, len(sent), len(sent)),
                 "port and length of the packet-in, which is whole: nothing is buffered")
    expect_equal(pin["data"], sent.hex(), "its data")
    if version == "1.3":
        expect_equal((pin["cookie"], pin["table"], pin["reason"]), (0x77, 0, 1), "its origin")
    back = w[1].receive(1, lambda x: x == sent)
    expect(back, "the packet-out arrives where the packet came from")
    wait_until("Controller.is_connected", lambda: "true" in lab.sluice.vsctl(
        "--columns=is_connected", "list", "Controller"))


def test_packet_in_and_out_13(lab):
    packet_in_and_out(lab, "1.3")


def test_packet_in_and_out_10(lab):
    packet_in_and_out(lab, "1.0")


def test_table_miss_flow(lab):
    w, c = connect(lab, "1.3")
    lab.sluice.ofctl("add-flow", "br0", "priority=0,actions=CONTROLLER:65535")
    w[0].send(frame())
    pin = c.wait("packet-in")[0]
    expect_equal((pin["reason"], pin["port"], pin["data"]), (0, 1, frame().hex()),
                 "reason no-match, whole packet")


def test_flow_removed_and_port_status(lab):
    w, c = connect(lab, "1.3")
    lab.sluice.ofctl("add-flow", "br0", "cookie=5,priority=3,udp,idle_timeout=1,send_flow_rem,"
                     "actions=output:2")
    for _ in range(4):
        w[0].send(frame())
    fr = c.wait("flow-removed")[0]
    expect_equal((fr["cookie"], fr["reason"], fr["packets"], fr["bytes"], fr["priority"]),
                 (5, 0, 4, 4 * len(frame()), 3), "flow-removed")
    host = lab.host("new", bridge="br0")
    added = [e for e in c.wait("port-status") if e["name"] == host.port]
    expect_equal(added[0]["reason"], 0, "port added")
    host.exec("ip", "link", "set", "eth0", "down")
    wait_until("its link goes down", lambda: any(
        e["name"] == host.port and e["reason"] == 2 and e["state"] & 1
        for e in c.events("port-status")))
    lab.sluice.vsctl("del-port", "br0", host.port)
    wait_until("it goes", lambda: any(
        e["name"] == host.port and e["reason"] == 1 for e in c.events("port-status")))


def test_port_mod(lab):
    w, c = connect(lab, "1.3")
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2,output:3")
    lab.sluice.ofctl("mod-port", "br0", "2", "no-forward")
    w[0].send(frame())
    expect(w[2].receive(1, lambda f: f == frame()), "port 3 forwards")
    expect(not w[1].receive(0.2, lambda f: f == frame()), "port 2 does not")
    lab.sluice.ofctl("mod-port", "br0", "2", "forward")
    w[0].send(frame())
    expect(w[1].receive(1, lambda f: f == frame()), "port 2 forwards again")


def test_passive_listener(lab):
    lab.bridge("br0")
    lab.sluice.vsctl("set-controller", "br0", "ptcp:6634:127.0.0.1")
    wait_until("the listener", lambda: ":6634 " in slu.run("ss", "-Hltn", ns=lab.ns))
    out = slu.run("ovs-ofctl", "-O", "OpenFlow13", "show", "tcp:127.0.0.1:6634", ns=lab.ns)
    expect("n_buffers:0" in out, out)


def test_flow_restore_wait(lab):
    """Until it is over, what is new is dropped, and controllers do not hear of the switch."""
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:flow-restore-wait=true")
    lab.bridge("br0")
    w = lab.wires(2)
    c = Controller(lab)
    lab.sluice.vsctl("set-controller", "br0", "tcp:127.0.0.1:6653")
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    w[0].send(frame())
    expect(not w[1].receive(0.7, lambda f: f == frame()), "a packet while flows are restored")
    expect_equal(c.events(), [], "what the controller hears")
    lab.sluice.vsctl("remove", "Open_vSwitch", ".", "other_config", "flow-restore-wait")
    c.wait("features")
    expect_equal(len(lab.sluice.flows("br0")), 1, "flows that were restored")
    w[0].send(frame())
    expect(w[1].receive(1, lambda f: f == frame()), "a packet after that")


class Raw:
    """A connection of 1.3 that was accepted, bytes by hand."""

    def __init__(self, listener):
        self.sock = listener.accept()[0]
        self.sock.settimeout(3)
        expect_equal(self.read()[0], 0, "hello")

    def send(self, kind, body=b"", xid=7):
        self.sock.sendall(struct.pack(">BBHI", 4, kind, 8 + len(body), xid) + body)

    def exactly(self, n):
        data = b""
        while len(data) < n:
            part = self.sock.recv(n - len(data))
            expect(part, "it is closed")
            data += part
        return data

    def read(self):
        _, kind, length, xid = struct.unpack(">BBHI", self.exactly(8))
        return kind, xid, self.exactly(length - 8)

    def answer(self, kind, body=b"", xid=7):
        """Type and body of what has the request's xid."""
        self.send(kind, body, xid)
        while True:
            got, number, data = self.read()
            if number == xid:
                return got, data

    def auxiliary_id(self):
        return self.answer(5)[1][13]

    def role(self, role, generation):
        return struct.unpack(">I", self.answer(24, struct.pack(">IxxxxQ", role, generation))[1][:4])[0]

    def closed(self):
        with contextlib.suppress(ConnectionError):
            while self.sock.recv(4096):
                pass
        return True


def test_auxiliary_connections(lab):
    """They come after the main one, are the same controller's, and go with it."""
    lab.bridge("br0", "other_config:datapath-id=00000000000000aa")
    w = lab.wires(2)
    listener = in_ns(lab.ns, lambda: socket.create_server(("127.0.0.1", 6653)))
    listener.settimeout(0.7)
    lab.sluice.vsctl("set-controller", "br0", "tcp:127.0.0.1:6653")
    uuid = lab.sluice.vsctl("get", "Bridge", "br0", "controller").strip(" []\n")
    lab.sluice.vsctl("set", "Controller", uuid, "other_config:auxiliary-connections=2",
                     "inactivity_probe=60000")
    main_ = Raw(listener)
    try:
        Raw(listener)
        raise slu.Failure("a connection before the main one has said hello")
    except socket.timeout:
        pass
    main_.send(0)
    expect_equal(main_.auxiliary_id(), 0, "the main one's id")
    listener.settimeout(3)
    aux = [Raw(listener), Raw(listener)]
    for a in aux:
        a.send(0)
    expect_equal(sorted(a.auxiliary_id() for a in aux), [1, 2], "ids of the others")
    expect_equal(main_.role(3, 1), 3, "the controller is slave")
    packet_out = struct.pack(">IIH6x", 0xffffffff, 0xfffffffd, 16) + struct.pack(
        ">HHIH6x", 0, 16, 1, 0) + frame()
    expect_equal(aux[0].answer(13, packet_out)[0], 1, "a slave's packet-out on another connection")
    expect_equal(aux[1].role(2, 2), 2, "it is master, by another connection")
    aux[0].send(13, packet_out)
    expect(w[0].receive(2, lambda f: f == frame()), "a packet-out on another connection")
    # What happens by itself is told on the main one alone.
    lab.sluice.vsctl("del-port", "br0", "p-w2")
    expect_equal(main_.read()[0], 12, "port-status")
    for a in aux:
        expect_equal(a.answer(20, xid=9)[0], 21, "barrier, and nothing before it")
    main_.sock.close()
    expect(all(a.closed() for a in aux), "the others go with it")
    main_ = Raw(listener)
    main_.send(0)
    aux = [Raw(listener), Raw(listener)]
    for a in aux:
        a.send(0)
    lab.sluice.vsctl("remove", "Controller", uuid, "other_config", "auxiliary-connections")
    expect(all(a.closed() for a in aux), "nobody wants them")
    expect_equal(main_.answer(20, xid=10)[0], 21, "the main one stays")


def test_versions_that_nobody_speaks(lab):
    """What protocols names is all that is allowed, even if that is nothing."""
    lab.allow("that its protocols allow, none is spoken here")
    lab.bridge("br0")
    mgmt = "unix:%s/br0.mgmt" % lab.sluice.rundir

    def speaks(version):
        return slu.run("ovs-ofctl", "-O", version, "show", mgmt, check=False).returncode == 0
    expect(speaks("OpenFlow15"), "1.5 where nothing is said")
    lab.sluice.vsctl("set", "Bridge", "br0", "protocols=OpenFlow11,OpenFlow12")
    wait_until("none is spoken", lambda: not speaks("OpenFlow13"))
    expect(not speaks("OpenFlow10") and not speaks("OpenFlow15"), "others")
    with open(lab.sluice.log) as f:
        expect("expected 1.0, 1.3, 1.4 or 1.5" in f.read(), "it is said")
    lab.sluice.vsctl("set", "Bridge", "br0", "protocols=OpenFlow12,OpenFlow14")
    wait_until("1.4 is spoken", lambda: speaks("OpenFlow14"))
    expect(not speaks("OpenFlow13"), "1.3 beside 1.4")


def test_tables_of_the_database(lab):
    """Their names and limits; what a table cannot do is said."""
    lab.allow("flows are not evicted here")
    lab.bridge("br0")
    lab.sluice.vsctl("--", "--id=@t", "create", "Flow_Table", "name=first", "flow_limit=2",
                     "overflow_policy=evict", "--", "set", "Bridge", "br0", "flow_tables:4=@t")
    for i in range(2):
        lab.sluice.ofctl("add-flow", "br0", "table=4,priority=%d,actions=drop" % i)
    p = slu.run("ovs-ofctl", "-O", "OpenFlow13", "add-flow", "br0", "table=4,priority=3,actions=drop",
                env=lab.sluice.env, check=False)
    expect("OFPFMFC_TABLE_FULL" in p.stderr, p.stderr)
    expect("first" in lab.sluice.ofctl("dump-table-features", "br0"), "the table's name")
    lab.sluice.vsctl("clear", "Bridge", "br0", "flow_tables")
    lab.sluice.ofctl("add-flow", "br0", "table=4,priority=3,actions=drop")


def test_capabilities_of_the_datapath(lab):
    lab.sluice.vsctl("--", "--id=@d", "create", "Datapath", "datapath_version=1", "--", "set",
                     "Open_vSwitch", ".", "datapaths:system=@d")
    wait_until("capabilities", lambda: 'ct_zero_snat="true"' in lab.sluice.vsctl(
        "--columns=capabilities", "list", "Datapath"))


def test_standalone_when_the_controller_goes(lab):
    lab.allow(r"127\.0\.0\.1:6653|controller")
    lab.sluice.vsctl("add-br", "br0", "--", "set-fail-mode", "br0", "standalone")
    w = lab.wires(2)
    c = Controller(lab)
    lab.sluice.vsctl("set-controller", "br0", "tcp:127.0.0.1:6653", "--", "set", "Controller", "br0",
                     "inactivity_probe=1000", "max_backoff=1000")
    c.wait("features", timeout=15)

    def through():
        w[0].send(frame())
        return w[1].receive(0.3, lambda f: f == frame())
    wait_until("nothing passes while the controller rules", lambda: not through())
    c.stop()
    wait_until("it forwards by itself", through, timeout=15)
    lab.sluice.vsctl("set-fail-mode", "br0", "secure")
    wait_until("nothing passes in fail mode secure", lambda: not through(), timeout=15)


def test_secure_keeps_flows(lab):
    lab.allow(r"127\.0\.0\.1:6653|controller")
    w, c = connect(lab, "1.3")
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    c.stop()
    wait_until("it is noticed", lambda: "false" in lab.sluice.vsctl(
        "--columns=is_connected", "list", "Controller"), timeout=15)
    w[0].send(frame())
    expect(w[1].receive(1, lambda f: f == frame()), "flows stay")
    Controller(lab, name="again").wait("features", timeout=15)


def test_two_controllers_and_roles(lab):
    lab.bridge("br0")
    a, b = Controller(lab, port=6653, name="a"), Controller(lab, port=6654, name="b")
    w = lab.wires(1)
    lab.sluice.vsctl("set-controller", "br0", "tcp:127.0.0.1:6653", "tcp:127.0.0.1:6654")
    a.wait("features", timeout=15)
    b.wait("features", timeout=15)
    lab.sluice.ofctl("add-flow", "br0", "actions=CONTROLLER")
    w[0].send(frame())
    a.wait("packet-in")
    b.wait("packet-in")


def test_a_silent_peer_is_dropped(lab):
    """Somebody who accepts and says nothing must not hold the switch up."""
    lab.allow(r"127\.0\.0\.1:6655")
    lab.bridge("br0")

    def listen():
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 6655))
        s.listen()
        return s
    s = in_ns(lab.ns, listen)
    lab.sluice.vsctl("set-controller", "br0", "tcp:127.0.0.1:6655")
    s.settimeout(10)
    s.accept()
    lab.sluice.ofctl("add-flow", "br0", "actions=drop")
    expect_equal(len(lab.sluice.flows("br0")), 1, "others are served")
    s.close()


if __name__ == "__main__":
    main()
