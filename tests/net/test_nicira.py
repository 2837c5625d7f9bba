#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nicira's actions with stock ovs-ofctl: learning, conjunctions, pauses, registers, fragments."""
import time

import slu
from nettest import (both_paths, checksum, ether, expect, expect_equal, expect_in, frame, main,
                     probe, udp4, wait_until)

# As ovs-ofctl's documentation builds a switch that learns, of flows only.
LEARNING = """
table=0 actions=learn(table=1, hard_timeout=60, NXM_OF_VLAN_TCI[0..11],\
 NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[], load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]), resubmit(,1),\
 resubmit(,2)
table=1 priority=0 actions=drop
table=2 priority=1 reg0=0 actions=flood
table=2 priority=0 actions=output:NXM_NX_REG0[]
"""


def add_flows(lab, text, *more):
    lab.sluice.ofctl("add-flows", "br0", "-", *more, input=text.strip() + "\n")


def switch(lab, n):
    lab.bridge("br0")
    wires = lab.wires(n)
    lab.on_device(*["p-w%d" % i for i in range(1, n + 1)])
    return wires


def outputs(lab, wires, sent, at=1, by_device=True):
    """Sends at a port; where it comes out."""
    out = probe(lab, wires, sent, at, by_device)
    expect(all(f == sent for frames in out.values() for f in frames), "frames are as they were")
    expect(all(len(frames) == 1 for frames in out.values()), "no frame comes twice")
    return sorted(out)


@both_paths
def test_learning_switch(lab):
    w = switch(lab, 3)
    add_flows(lab, LEARNING)

    # Not what other stations said: a random address may begin with 02.
    def learned():
        return len(lab.sluice.flows("br0", "table=1,dl_dst=02:00:00:00:00:00/ff:ff:ff:ff:ff:00"))
    # The bridge's own port, to which floods go too, is not on the device.
    expect_equal(outputs(lab, w, frame(1, 2), by_device=False), [2, 3], "an unknown station")
    wait_until("one is learned", lambda: learned() == 1)
    expect_equal(outputs(lab, w, frame(2, 1), at=2), [1], "a known station")
    wait_until("two are learned", lambda: learned() == 2)
    expect_equal(outputs(lab, w, frame(1, 2)), [2], "both are known")
    # One that moves is found where it is. A device's counters do not tell when its packets came:
    # those from before the move are read now.
    learned()
    outputs(lab, w, frame(1, 2), 3, by_device=False)

    def moved():
        return outputs(lab, w, frame(2, 1), 2, by_device=False) == [3]
    wait_until("the move is learned", moved)
    expect_equal(outputs(lab, w, frame(2, 1), at=2), [3], "it is where it moved to")
    expect_equal(learned(), 2, "flows learned")
    # What was learned is in use as long as there is traffic, wherever it is forwarded.
    lab.sluice.ofctl("del-flows", "br0", "table=1,dl_dst=02:00:00:00:00:01")

    def again():
        w[2].send(frame(1, 2))
        return learned() == 2
    wait_until("it is learned again", again)


@both_paths
def test_delete_learned(lab):
    w = switch(lab, 2)
    add_flows(lab, "table=0,in_port=1,udp actions=learn(table=5,cookie=0x77,delete_learned,limit=2,"
                   "result_dst=NXM_NX_REG1[0],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
                   "output:NXM_OF_IN_PORT[]),resubmit(,1)\n"
                   "table=1 reg1=1 actions=output:2\n")
    for i in (1, 2):
        expect_equal(outputs(lab, w, frame(i, 9)), [2], "there is room")
    wait_until("two are learned", lambda: len(lab.sluice.flows("br0", "table=5")) == 2)
    expect_equal(outputs(lab, w, frame(3, 9)), [], "there is no room")
    expect_equal(outputs(lab, w, frame(1, 9)), [2], "it is known")
    lab.sluice.ofctl("del-flows", "br0", "table=0")
    expect_equal(lab.sluice.flows("br0", "table=5"), [], "flows whose maker is gone")


@both_paths
def test_conjunction(lab):
    w = switch(lab, 3)
    clauses = ((1, "ip,nw_src=10.0.0.1"), (1, "ip,nw_src=10.0.0.2"), (2, "ip,nw_dst=10.0.0.3"),
               (2, "ip,nw_dst=10.0.0.4"), (3, "udp,tp_dst=53"), (3, "udp,tp_dst=123"))
    add_flows(lab, "".join("priority=100,%s actions=conjunction(5,%d/3)\n" % (match, k)
                           for k, match in clauses) +
              "cookie=5,priority=90,conj_id=5,ip actions=output:2\npriority=1,ip actions=output:3\n")
    n = 0
    for src in (1, 5) if lab.device else (1, 2, 5):
        for dst in (4, 5) if lab.device else (3, 4, 5):
            for port in (123, 80) if lab.device else (53, 123, 80):
                want = [2] if src < 5 and dst < 5 and port != 80 else [3]
                lab.probes = 0
                expect_equal(outputs(lab, w, frame(src, dst, dport=port)), want,
                             "10.0.0.%d to 10.0.0.%d port %d" % (src, dst, port))
                n += lab.probes if want == [2] else 0
    # The flow with the id is credited, its clauses are not.
    flows = lab.sluice.flows("br0")
    expect_equal({int(f["n_packets"]) for f in flows if f["priority"] == 100}, {0},
                 "packets of clauses")
    expect_equal([int(f["n_packets"]) for f in flows if f["priority"] == 90], [n], "packets")
    lab.sluice.ofctl("--strict", "del-flows", "br0", "priority=100,udp,tp_dst=53")
    expect_equal(outputs(lab, w, frame(1, 3, dport=53)), [3], "without a clause")
    expect_equal(outputs(lab, w, frame(1, 3, dport=123)), [2], "with it")


def test_pause(lab):
    lab.bridge("br0")
    w = lab.wires(3)
    add_flows(lab, "table=0,udp actions=set_field:0x2->reg0,controller(pause,userdata=01.02.03),"
                   "output:NXM_NX_REG0[],resubmit(,1)\ntable=1,reg0=2 actions=output:3\n")
    log = lab.sluice.rundir + "/monitor.log"
    monitor = slu.spawn("ovs-ofctl", "-O", "OpenFlow13", "-P", "nxt_packet_in2", "monitor",
                        lab.sluice.mgmt("br0"), "resume", log=log, env=lab.sluice.env)
    try:
        def resumed():
            return outputs(lab, w, frame(1, 2)) == [2, 3]
        wait_until("paused packets go on", resumed)
        text = open(log).read()
        expect_in("userdata=01.02.03", text, "the packet-in")
        expect_in("reg0=0x2", text, "the packet-in")
        expect_in("in_port=1", text, "the packet-in")
    finally:
        slu.stop(monitor)
    wait_until("nobody resumes", lambda: outputs(lab, w, frame(1, 2)) == [])


@both_paths
def test_registers(lab):
    w = switch(lab, 3)
    add_flows(lab, "table=0,udp actions=push:NXM_OF_UDP_DST[0..7],pop:NXM_NX_REG3[8..15],"
                   "move:NXM_NX_REG3[8..15]->NXM_NX_XXREG1[96..103],resubmit(,1)\n"
                   "table=1,reg4=2 actions=output:NXM_NX_REG4[0..15],exit,output:3\n"
                   "table=1,reg4=3 actions=bundle_load(eth_src,0,active_backup,ofport,"
                   "NXM_NX_REG5[0..15],members:9,3),output:NXM_NX_REG5[0..15]\n"
                   "table=1,reg4=4 actions=multipath(symmetric_l4,50,modulo_n,1,0,NXM_NX_REG6[]),"
                   "output:2,note:00.01.02\n")
    for port, want in ((2, [2]), (3, [3]), (4, [2]), (5, [])):
        expect_equal(outputs(lab, w, frame(1, 2, dport=port)), want, "port %d" % port)


def fragments(port):
    """A UDP packet in two pieces."""
    ip = udp4("10.0.0.1", "10.0.0.2", 1000, port, b"x" * 64)

    def piece(data, field):
        head = ip[:2] + (20 + len(data)).to_bytes(2, "big") + ip[4:6] + field.to_bytes(2, "big") + \
            ip[8:10] + b"\0\0" + ip[12:20]
        head = head[:10] + checksum(head).to_bytes(2, "big") + head[12:]
        return ether("02:00:00:00:00:02", "02:00:00:00:00:01", 0x800, head + data)
    return piece(ip[20:52], 0x2000), piece(ip[52:], 4)


@both_paths
def test_fragments(lab):
    w = switch(lab, 2)
    add_flows(lab, "priority=2,udp,tp_dst=53 actions=drop\npriority=1,ip actions=output:2\n")
    first, later = fragments(53)
    expect_equal(outputs(lab, w, first), [], "a first fragment does not slip past a port")
    expect_equal(outputs(lab, w, later), [2], "a later one has none")
    lab.sluice.ofctl("set-frags", "br0", "drop")
    expect_in("drop", lab.sluice.ofctl("get-frags", "br0"), "the policy")
    for f in fragments(54):
        expect_equal(outputs(lab, w, f), [], "a fragment")
    expect_equal(outputs(lab, w, frame(1, 2)), [2], "a whole packet")
    lab.sluice.ofctl("set-frags", "br0", "nx-match")
    expect_equal(outputs(lab, w, later), [2], "a later fragment")


def test_fin_timeout(lab):
    lab.bridge("br0")
    hosts = [lab.host("h%d" % i, "10.0.0.%d/24" % i) for i in (1, 2)]
    lab.sluice.add_ports("br0", [h.port for h in hosts])
    add_flows(lab, "priority=1 actions=flood\n"
                   "priority=9,tcp,idle_timeout=100 actions=fin_timeout(idle_timeout=1),flood\n")
    server = hosts[1].popen("python3", "-c", "import socket; s=socket.create_server(('10.0.0.2',80));"
                            "c,_=s.accept(); c.recv(9); c.close()")
    client = ("import socket,time\nfor _ in range(100):\n  try:\n    s=socket.create_connection("
              "('10.0.0.2',80),1)\n    break\n  except OSError: time.sleep(.05)\n"
              "s.send(b'x'); s.recv(9); s.close()")
    hosts[0].exec("python3", "-c", client)
    server.wait(10)
    end = time.monotonic() + 8
    while lab.sluice.flows("br0", "tcp") and time.monotonic() < end:
        time.sleep(0.1)
    expect(not lab.sluice.flows("br0", "tcp"), "the flow goes soon after the connection")


if __name__ == "__main__":
    main()
