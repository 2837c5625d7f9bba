#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Flows in the model eSwitch: hits by the device, refusals with their reasons, statistics that do
not tell the difference, restarts that leave traffic alone."""
import re
import time

import slu
from nettest import expect, expect_equal, expect_in, frame, iperf, main, wait_until


def bridge_on(lab, device, n=3, bound=None):
    lab.sluice.offload(device)
    lab.bridge("br0")
    wires = lab.wires(n)
    lab.sluice.bind(*["p-w%d" % i for i in (bound or range(1, n + 1))])
    wait_until("the device", lambda: any(d["alive"] for d in lab.sluice.offload_status()["devices"]))
    return wires


def megaflow(lab, text):
    flows = [f for f in lab.sluice.offload_flows() if text in f["match"]]
    return flows[0] if flows else None


def send(wire, count, *args, **kw):
    for _ in range(count):
        wire.send(frame(*args, **kw))


def wait_placed(lab, text):
    return wait_until("%s in hardware" % text, lambda: (
        lambda m: m if m and m["where"] == "hardware" else None)(megaflow(lab, text)))


def test_hits_by_the_device(lab):
    w = bridge_on(lab, "sim:nic")
    lab.sluice.ofctl("add-flow", "br0", "cookie=0x42,in_port=1,udp,tp_dst=2000,actions=output:2")
    send(w[0], 1)
    wait_placed(lab, "2000")
    send(w[0], 50)
    expect_equal(len([f for f in w[1].receive(0.5) if f == frame()]), 51, "packets at port 2")
    m = wait_until("hits in hardware", lambda: (
        lambda m: m if m["packets"]["hardware"] >= 50 else None)(megaflow(lab, "2000")))
    expect_equal((m["packets"]["hardware"], m["packets"]["software"]), (50, 1), "packets by path")
    expect(m["verified"], "a rule whose counter moved is verified")
    flow = lab.sluice.flows("br0")[0]
    expect_equal((flow["n_packets"], flow["n_bytes"]), (51, 51 * len(frame())), "flow counters")
    status = lab.sluice.offload_status()
    device = status["devices"][0]
    expect_equal((device["name"], device["alive"], device["rules"]), ("sim:nic", True, 1), "device")
    text = lab.sluice.ofctl("dump-ports", "br0", "2")
    expect_in("tx pkts=51, bytes=%d" % (51 * len(frame())), text, "port counters")


def test_refusals_say_why(lab):
    w = bridge_on(lab, "sim:asic-small")
    lab.sluice.ofctl("add-flow", "br0", "priority=5,in_port=1,udp,tp_dst=1,actions=output:2")
    lab.sluice.ofctl("add-flow", "br0", "priority=5,in_port=1,udp,tp_dst=2,"
                     "actions=set_field:02:00:00:00:00:77->eth_src,output:2")
    lab.sluice.ofctl("add-flow", "br0", "cookie=0x77,priority=5,in_port=2,udp,nw_ttl=64,actions=output:1")
    send(w[0], 3, dport=1)
    send(w[0], 3, dport=2)
    send(w[1], 3, dport=3)
    wait_placed(lab, "tp_dst=1")

    def refusal(test):
        for m in lab.sluice.offload_flows():
            for r in m["refusals"]:
                if test(m, r):
                    return m, r
        return None
    m, r = wait_until("a refused action", lambda: refusal(
        lambda m, r: r["code"] == "unsupported action" and r["action"] == "set"))
    expect_equal(m["where"], "software", "where")
    m, r = wait_until("a refused field", lambda: refusal(
        lambda m, r: r["code"] == "unsupported field" and r["field"] in ("nw_ttl", "ip_ttl")))
    refused = lab.sluice.offload_status()["devices"][0]["refused"]
    expect(refused.get("unsupported action") and refused.get("unsupported field"),
           "sums by reason: %s" % refused)
    for key in (m["ufid"], "cookie=0x77", "0x77", "in_port=2,udp,nw_ttl=64"):
        try:
            text = lab.sluice.rpc("offload/explain", key)
        except slu.Failure as e:
            if key == "0x77":
                continue
            raise e
        expect(re.search("nw_ttl", text), "explain %s names the field:\n%s" % (key, text))
        expect_in("sim:asic-small", text, "explain names the device")


def test_ports_that_are_not_on_the_device(lab):
    w = bridge_on(lab, "sim:nic", bound=(1, 2))
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:3")
    lab.sluice.ofctl("add-flow", "br0", "in_port=3,actions=output:1")
    send(w[0], 3)
    send(w[2], 3, 2, 1)
    expect(w[2].receive(1, lambda f: f == frame()), "port 3 gets it")
    expect(w[0].receive(1, lambda f: f == frame(2, 1)), "port 1 gets it")
    wait_until("both refused for the port", lambda: [
        r["code"] for m in lab.sluice.offload_flows() for r in m["refusals"]].count(
            "port not on the device") >= 2)


def test_links_of_bound_ports(lab):
    """The link of a netdev on the device is seen as that of any other, and so is its end."""
    lab.allow("p-w2 is gone|could not (open|bind)|p-w2")
    w = bridge_on(lab, "sim:nic")
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2,output:3")

    def link(port):
        text = lab.sluice.ofctl("dump-ports-desc", "br0")
        return re.search(r" %d\(.*?\): addr:(\S+)\s+config: +(.*)\s+state: +(.*)" % port,
                         text).groups()
    mac = slu.run("cat", "/sys/class/net/p-w2/address", ns=lab.ns).strip()
    expect_equal(link(2), (mac, "0", "LIVE"), "a link that is up")
    slu.run("ip", "link", "set", "p-w2", "down", ns=lab.ns)
    wait_until("it is down", lambda: link(2) == (mac, "PORT_DOWN", "LINK_DOWN"))
    wait_until("its row says so", lambda: lab.sluice.vsctl(
        "get", "Interface", "p-w2", "link_state").strip() == "down")
    lab.sluice.ofctl("mod-port", "br0", "2", "up")
    wait_until("it is up again", lambda: link(2) == (mac, "0", "LIVE"))
    send(w[0], 3)
    expect_equal(len([f for f in w[1].receive(0.3) if f == frame()]), 3, "packets at port 2")
    slu.run("ip", "link", "del", "p-w2", ns=lab.ns)
    wait_until("its end is seen", lambda: "is gone" in lab.sluice.vsctl(
        "get", "Interface", "p-w2", "error"))
    w[2].drain()
    send(w[0], 3)
    expect_equal(len([f for f in w[2].receive(0.3) if f == frame()]), 3, "packets at port 3")


def test_full_device(lab):
    """513 flows and more for a device of 512: the rest runs in software, and moves in when there is
    room."""
    w = bridge_on(lab, "sim:asic-small", n=2)
    path = slu.BASE + "/flows"
    with open(path, "w") as f:
        for i in range(600):
            f.write("in_port=1,udp,tp_src=1000,tp_dst=%d,actions=output:2\n" % (i + 1))
    lab.sluice.ofctl("add-flows", "br0", path)

    def round_of_packets():
        for i in range(600):
            w[0].send(frame(dport=i + 1))
        return len([f for f in w[1].receive(0.6) if len(f) == len(frame())])
    expect_equal(round_of_packets(), 600, "packets through")
    status = wait_until("the device is full", lambda: (
        lambda s: s if s["devices"][0]["rules"] == 512 else None)(lab.sluice.offload_status()))
    wait_until("the rest is refused for room", lambda: lab.sluice.offload_status()["devices"][0][
        "refused"].get("no room now") == 88)
    expect_equal(status["devices"][0]["max_rules"], 512, "max_rules")
    expect_equal(round_of_packets(), 600, "packets through")
    lab.sluice.ofctl("del-flows", "br0", "udp,tp_dst=0/0xff00")
    wait_until("there is room for all", lambda: lab.sluice.offload_status()["devices"][0][
        "refused"].get("no room now", 0) == 0)


def test_changes_reach_the_device(lab):
    """After a barrier the next packet sees the change, whoever forwards it."""
    w = bridge_on(lab, "sim:nic")
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    send(w[0], 5)
    wait_until("in hardware", lambda: any(
        m["where"] == "hardware" for m in lab.sluice.offload_flows()))
    for i in range(40):
        port = 2 + i % 2
        lab.sluice.ofctl("mod-flows", "br0", "actions=output:%d" % port)
        for wire in w:
            wire.drain()
        send(w[0], 3)
        got = [f for f in w[port - 1].receive(1, count=3) if f == frame()]
        expect_equal(len(got), 3, "change %d: packets at port %d" % (i, port))
        more = [f for wire in w[1:] for f in wire.receive(0.02) if f == frame()]
        expect_equal(more, [], "change %d: packets at the old port, or twice" % i)
    hits = lab.device_packets()[0]
    expect(hits >= 60, "%d of 120 packets were hits in the device" % hits)
    # A flow of higher priority, unseen before, wins over what the device holds.
    lab.sluice.ofctl("add-flow", "br0", "priority=40000,udp,tp_dst=2000,actions=drop")
    for wire in w:
        wire.drain()
    send(w[0], 5)
    expect_equal([f for wire in w for f in wire.receive(0.2) if f == frame()], [], "drop")


def test_idle_timeout_counts_hits_of_the_device(lab):
    w = bridge_on(lab, "sim:nic")
    lab.sluice.ofctl("add-flow", "br0", "idle_timeout=2,in_port=1,actions=output:2")
    end = time.monotonic() + 4
    while time.monotonic() < end:
        send(w[0], 1)
        time.sleep(0.2)
    expect(lab.sluice.flows("br0"), "a flow that the device hits does not idle out")
    packets = lab.sluice.offload_status()["packets"]
    expect(packets["hardware"] >= 12, "they were hits by the device: %s" % packets)
    wait_until("it idles out then", lambda: not lab.sluice.flows("br0"), timeout=6)


def test_counters_never_run_backwards(lab):
    w = bridge_on(lab, "sim:nic")
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    last = 0
    for i in range(30):
        send(w[0], 10)
        w[1].receive(0.02)
        if i % 5 == 4:
            lab.sluice.ofctl("mod-flows", "br0", "actions=output:%d" % (2 + i // 5 % 2))
        now = lab.sluice.flows("br0")[0]["n_packets"]
        expect(now >= last, "round %d: %d after %d" % (i, now, last))
        last = now
    for wire in w:
        wire.receive(0.1)
    expect_equal(lab.sluice.flows("br0")[0]["n_packets"], 300, "packets in all")


def test_learning_bridge_in_hardware(lab):
    """NORMAL, between hosts that talk over the device."""
    lab.sluice.offload("sim:nic")
    lab.sluice.vsctl("add-br", "br0")
    a = lab.host("h1", "10.0.0.1/24", bridge="br0")
    b = lab.host("h2", "10.0.0.2/24", bridge="br0")
    lab.sluice.bind("p-h1", "p-h2")
    wait_until("the device", lambda: any(
        d["alive"] for d in lab.sluice.offload_status()["devices"]))
    a.ping("10.0.0.2", count=40)
    packets = lab.sluice.offload_status()["packets"]
    expect(packets["hardware"] > packets["software"], "hits by the device: %s" % packets)
    print("       TCP through the model eSwitch %.2f Gb/s" % iperf(a.ns, b.ns, "10.0.0.2"))


def one_flow_in_hardware(lab):
    """The wires; what comes by the first leaves by the second."""
    w = bridge_on(lab, "sim:nic")
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    send(w[0], 2)
    wait_until("in hardware", lambda: any(
        m["where"] == "hardware" for m in lab.sluice.offload_flows()))
    return w


def test_restart_leaves_hardware_alone(lab):
    """The device outlives the daemon: its traffic flows on, its rules are adopted or removed."""
    w = one_flow_in_hardware(lab)
    w[1].drain()
    lab.sluice.kill()
    send(w[0], 20)
    expect_equal(len([f for f in w[1].receive(0.4) if f == frame()]), 20,
                 "packets while no daemon runs")
    lab.sluice.start()
    wait_until("the device is alive again", lambda: any(
        d["alive"] for d in lab.sluice.offload_status()["devices"]))
    # A bridge in fail mode secure starts without flows: what is left in the device must go.
    wait_until("rules that nobody wants are gone",
               lambda: lab.sluice.offload_status()["devices"][0]["rules"] == 0)
    send(w[0], 5)
    expect_equal([f for f in w[1].receive(0.3) if f == frame()], [], "nothing passes")


def test_restart_adopts_what_is_wanted(lab):
    """A device's packets never come up: its rules are claimed by what the tables say, without one."""
    w = one_flow_in_hardware(lab)
    lab.sluice.kill()
    lab.sluice.start()
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    device = wait_until("the rule is adopted", lambda: next(
        (d for d in lab.sluice.offload_status()["devices"] if d["adopted"]), None))
    expect_equal((device["adopted"], device["removed_foreign"], device["accepted_ops"]), (1, 0, 0),
                 "rules adopted, removed, and operations that it took")
    w[1].drain()
    send(w[0], 20)
    expect_equal(len([f for f in w[1].receive(0.4) if f == frame()]), 20, "packets")
    expect_equal([m["packets"]["software"] for m in lab.sluice.offload_flows()
                  if m["where"] == "hardware"], [0], "its packets in software")


def test_device_that_does_not_exist(lab):
    lab.allow("sim:nothing|device")
    lab.sluice.offload("sim:nothing")
    lab.bridge("br0")
    w = lab.wires(2)
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    send(w[0], 3)
    expect(w[1].receive(1, lambda f: f == frame()), "software forwards")
    status = lab.sluice.rpc("offload/status")
    expect_in("nothing", status, "offload status says what is wrong")


def test_offload_off_and_on(lab):
    w = bridge_on(lab, "sim:nic")
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    for state in ("false", "true", "false", "true"):
        lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=" + state)
        w[1].drain()
        send(w[0], 5)
        expect_equal(len([f for f in w[1].receive(0.5) if f == frame()]), 5,
                     "packets with hw-offload=" + state)
    wait_until("hardware again", lambda: (send(w[0], 1), any(
        m["where"] == "hardware" for m in lab.sluice.offload_flows()))[1])


if __name__ == "__main__":
    main()
