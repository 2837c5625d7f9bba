#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Flow table operations with stock ovs-ofctl, over OpenFlow 1.0 and 1.3."""
import re
import time

import slu
from nettest import ether, expect, expect_equal, expect_in, frame, main, wait_until

VERSIONS = ("OpenFlow10", "OpenFlow13")


def matches(flows):
    return sorted("%d:%s" % (f["priority"], f["match"]) for f in flows)


def three_ports(lab, *more):
    lab.bridge("br0", *more)
    return lab.wires(3)


def passes(wires, sent, out):
    """Sends at port 1; the ports where it comes out."""
    wires[0].send(sent)
    got = [i for i, w in enumerate(wires, 1) if any(f == sent for f in w.receive(0.15))]
    expect_equal(got, out, "output ports")


def test_add_modify_delete(lab):
    w = three_ports(lab)
    for version in VERSIONS:
        def ofctl(*args):
            return lab.sluice.ofctl(*args, version=version)
        ofctl("add-flow", "br0", "priority=10,in_port=1,actions=output:2")
        passes(w, frame(), [2])
        ofctl("mod-flows", "br0", "in_port=1,actions=output:3")
        passes(w, frame(), [3])
        ofctl("--strict", "mod-flows", "br0", "priority=11,in_port=1,actions=output:2")
        passes(w, frame(), [3] if version == "OpenFlow13" else [2])
        ofctl("--strict", "del-flows", "br0", "priority=11,in_port=1")
        passes(w, frame(), [3])
        # A higher priority wins at once, and its going gives way at once.
        ofctl("add-flow", "br0", "priority=20,udp,tp_dst=2000,actions=output:2,output:3")
        passes(w, frame(), [2, 3])
        ofctl("--strict", "del-flows", "br0", "priority=20,udp,tp_dst=2000")
        passes(w, frame(), [3])
        ofctl("del-flows", "br0")
        passes(w, frame(), [])
        expect_equal(lab.sluice.flows("br0", version=version), [], "flows after del-flows")


def test_loose_and_strict_delete(lab):
    three_ports(lab)
    adds = ["priority=1,ip,actions=1", "priority=2,ip,nw_src=10.0.0.0/8,actions=1",
            "priority=3,tcp,nw_src=10.1.0.0/16,actions=1", "priority=4,arp,actions=1",
            "priority=5,udp,actions=2"]

    def fill():
        lab.sluice.ofctl("del-flows", "br0")
        for a in adds:
            lab.sluice.ofctl("add-flow", "br0", a)
    fill()
    lab.sluice.ofctl("del-flows", "br0", "ip,nw_src=10.0.0.0/8")
    expect_equal(matches(lab.sluice.flows("br0")), ["1:ip", "4:arp", "5:udp"], "loose")
    fill()
    lab.sluice.ofctl("--strict", "del-flows", "br0", "priority=1,ip")
    expect_equal(len(lab.sluice.flows("br0")), 4, "strict takes one")
    lab.sluice.ofctl("--strict", "del-flows", "br0", "priority=7,arp")
    expect_equal(len(lab.sluice.flows("br0")), 4, "strict takes none of another priority")
    lab.sluice.ofctl("del-flows", "br0", "out_port=2")
    expect_equal(len(lab.sluice.flows("br0")), 3, "by output port")


def test_cookies(lab):
    three_ports(lab)
    for i in range(8):
        lab.sluice.ofctl("add-flow", "br0", "cookie=0x1%d,udp,tp_dst=%d,actions=1" % (i, i + 1))
    lab.sluice.ofctl("del-flows", "br0", "cookie=0x10/0xf1")
    got = sorted(f["cookie"] for f in lab.sluice.flows("br0"))
    expect_equal(got, [0x11, 0x13, 0x15, 0x17], "deleted by cookie and mask")
    got = [f["cookie"] for f in lab.sluice.flows("br0", "cookie=0x13/-1")]
    expect_equal(got, [0x13], "dumped by cookie")
    lab.sluice.ofctl("mod-flows", "br0", "cookie=0x15/-1,actions=drop")
    got = sorted(f["actions"] for f in lab.sluice.flows("br0"))
    expect_equal(got, ["drop"] + ["output:1"] * 3, "modified by cookie")


def test_tables_and_metadata(lab):
    w = three_ports(lab)
    lab.sluice.ofctl("add-flow", "br0", "table=0,in_port=1,actions=write_metadata:0x5/0xf,goto_table:7")
    lab.sluice.ofctl("add-flow", "br0", "table=7,metadata=0x5,udp,"
                     "actions=write_actions(output:2),goto_table:253")
    lab.sluice.ofctl("add-flow", "br0", "table=253,priority=0,actions=output:3")
    passes(w, frame(), [2, 3])
    lab.sluice.ofctl("mod-flows", "br0", "table=253,actions=output:3,clear_actions")
    passes(w, frame(), [3])
    lab.sluice.ofctl("del-flows", "br0", "table=7")
    passes(w, frame(), [])
    lab.sluice.ofctl("add-flow", "br0", "table=7,actions=drop")
    tables = lab.sluice.ofctl("dump-tables", "br0")
    expect(re.search(r"table 7.*?active=1", tables, re.S), "dump-tables:\n" + tables)


def test_counters_and_aggregate(lab):
    w = three_ports(lab)
    lab.sluice.ofctl("add-flow", "br0", "priority=2,udp,tp_dst=1,actions=output:2")
    lab.sluice.ofctl("add-flow", "br0", "priority=1,in_port=1,actions=output:3")
    a, b = frame(dport=1), frame(dport=2, payload=b"x" * 200)
    for _ in range(7):
        w[0].send(a)
    for _ in range(5):
        w[0].send(b)
    expect_equal(len(w[1].receive(0.3)), 7, "port 2")
    expect_equal(len(w[2].receive(0.3)), 5, "port 3")
    for version in VERSIONS:
        flows = sorted(lab.sluice.flows("br0", version=version), key=lambda f: f["priority"])
        expect_equal([(f["n_packets"], f["n_bytes"]) for f in flows],
                     [(5, 5 * len(b)), (7, 7 * len(a))], "counters by " + version)
        text = lab.sluice.ofctl("dump-aggregate", "br0", version=version)
        expect_in("packet_count=12 byte_count=%d flow_count=2" % (7 * len(a) + 5 * len(b)), text,
                  "aggregate")
        text = lab.sluice.ofctl("dump-aggregate", "br0", "udp", version=version)
        expect_in("flow_count=1", text, "aggregate of udp")
        text = lab.sluice.ofctl("dump-ports", "br0", "1", version=version)
        expect_in("rx pkts=12, bytes=%d" % (7 * len(a) + 5 * len(b)), text, "port statistics")
    # A modify keeps counters; so does the same flow added again, unless asked or in OpenFlow 1.0.
    lab.sluice.ofctl("mod-flows", "br0", "udp,tp_dst=1,actions=output:3")
    expect_equal([f["n_packets"] for f in lab.sluice.flows("br0", "udp")], [7], "after a modify")
    flow = "priority=2,udp,tp_dst=1,actions=output:3"
    lab.sluice.ofctl("add-flow", "br0", flow)
    expect_equal([f["n_packets"] for f in lab.sluice.flows("br0", "udp")], [7], "after an add")
    lab.sluice.ofctl("add-flow", "br0", "reset_counts," + flow)
    expect_equal([f["n_packets"] for f in lab.sluice.flows("br0", "udp")], [0], "after a reset")
    w[0].send(a)
    w[2].receive(1, lambda f: f == a)
    lab.sluice.ofctl("add-flow", "br0", flow, version="OpenFlow10")
    expect_equal([f["n_packets"] for f in lab.sluice.flows("br0", "udp")], [0], "after an add in 1.0")


def test_timeouts(lab):
    w = three_ports(lab)
    lab.sluice.ofctl("add-flow", "br0", "priority=3,udp,tp_dst=1,hard_timeout=2,actions=output:2")
    lab.sluice.ofctl("add-flow", "br0", "priority=2,udp,tp_dst=2,idle_timeout=2,actions=output:2")
    lab.sluice.ofctl("add-flow", "br0", "priority=1,udp,tp_dst=3,idle_timeout=2,actions=output:2")
    start = time.monotonic()
    while time.monotonic() - start < 3.6:
        w[0].send(frame(dport=2))
        time.sleep(0.2)
    left = [f["match"] for f in lab.sluice.flows("br0")]
    expect_equal(left, ["udp,tp_dst=2"], "what traffic keeps alive")
    wait_until("it idles out, too", lambda: not lab.sluice.flows("br0"), timeout=5)
    for wire in w:
        wire.drain()
    passes(w, frame(dport=2), [])


def test_flow_removed(lab):
    three_ports(lab)
    log = slu.BASE + "/monitor.log"
    monitor = slu.spawn("ovs-ofctl", "-O", "OpenFlow13", "monitor", lab.sluice.mgmt("br0"), "65534",
                        log=log, env=lab.sluice.env)
    lab.processes.append(monitor)
    time.sleep(0.3)
    lab.sluice.ofctl("add-flow", "br0", "cookie=0xaa,udp,tp_dst=1,hard_timeout=1,send_flow_rem,actions=1")
    lab.sluice.ofctl("add-flow", "br0", "cookie=0xbb,udp,tp_dst=2,send_flow_rem,actions=1")
    lab.sluice.ofctl("add-flow", "br0", "cookie=0xcc,udp,tp_dst=3,actions=1")
    lab.sluice.ofctl("del-flows", "br0", "cookie=0xbb/-1")
    lab.sluice.ofctl("del-flows", "br0", "cookie=0xcc/-1")

    def messages():
        with open(log) as f:
            return f.read()
    wait_until("a flow-removed for the timeout", lambda: re.search(
        r"OFPT_FLOW_REMOVED.*tp_dst=1 reason=hard .*cookie[:=]0xaa", messages()), timeout=4)
    text = messages()
    expect(re.search(r"OFPT_FLOW_REMOVED.*tp_dst=2 reason=delete .*cookie[:=]0xbb", text),
           "a flow-removed for the delete:\n" + text)
    expect("0xcc" not in text, "none where none was asked for")


def test_errors_are_the_specifications(lab):
    three_ports(lab)

    def error(want, *args, version="OpenFlow13"):
        p = lab.sluice.ofctl(*args, version=version, check=False)
        expect(p.returncode != 0, "%s is refused" % (args,))
        expect_in(want, p.stderr + p.stdout, "error for %s" % (args,))
    lab.sluice.ofctl("add-flow", "br0", "priority=5,ip,actions=1")
    error("OFPFMFC_OVERLAP", "add-flow", "br0", "check_overlap,priority=5,tcp,actions=1")
    error("OFPBAC_BAD_OUT_GROUP", "add-flow", "br0", "priority=6,tcp,actions=group:77")
    expect_equal(len(lab.sluice.flows("br0")), 1, "what is refused changes nothing")


def test_wide_dump(lab):
    """A dump that needs many multipart replies."""
    three_ports(lab)
    path = slu.BASE + "/many"
    with open(path, "w") as f:
        for i in range(20000):
            f.write("priority=%d,udp,nw_src=10.%d.%d.0/24,actions=output:%d\n" % (
                i % 7 + 1, i >> 8, i & 255, i % 3 + 1))
    lab.sluice.ofctl("add-flows", "br0", path)
    expect_equal(len(lab.sluice.flows("br0")), 20000, "flows")
    lab.sluice.ofctl("del-flows", "br0", "nw_src=10.0.0.0/8,ip")
    expect_equal(len(lab.sluice.flows("br0")), 0, "flows")


def test_change_is_seen_by_the_next_packet(lab):
    """After the reply to a barrier, no packet is treated the old way: 200 changes."""
    w = three_ports(lab)
    sent = frame()
    for i in range(200):
        port = 2 + i % 2
        lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:%d" % port)
        w[0].send(sent)
        got = w[port - 1].receive(1, lambda f: f == sent)
        expect(got, "change %d: the packet goes to port %d" % (i, port))


def test_sctp_and_others_pass(lab):
    w = three_ports(lab)
    lab.sluice.ofctl("add-flow", "br0", "actions=FLOOD")
    for payload in (b"", b"\0" * 10, b"\x45" + b"\xff" * 30, b"\x60" + b"\0" * 20):
        for kind in (0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x8847, 0x1234):
            f = ether("02:00:00:00:00:02", "02:00:00:00:00:01", kind, payload + b"\0" * 32)
            w[0].send(f)
            expect(w[1].receive(1, lambda x: x == f), "0x%04x with %r" % (kind, payload))


if __name__ == "__main__":
    main()
