#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Other people's BPF programs at our netdevs, and other daemons of ours."""
import os

import slu
from bpfmaps import Maps, bpftool, program_at
from nettest import expect_equal, expect_in, frame, main, wait_until

LEFT, TAKEN, DROPPED = 9997, 9998, 9999  # UDP ports: verdicts of their program
SOURCE = r"""
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

SEC("tc")
int others(struct __sk_buff *skb)
{
	const __u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&seen, &zero);
	__be16 port = 0;

	if (bpf_skb_load_bytes(skb, 36, &port, sizeof(port)))
		return TC_ACT_UNSPEC;
	if (n && bpf_ntohs(port) >= 2000)
		__sync_fetch_and_add(n, 1);
	switch (bpf_ntohs(port)) {
	case 9997:
		return TC_ACT_PIPE;
	case 9998:
		return TC_ACT_OK;
	case 9999:
		return TC_ACT_SHOT;
	}
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
"""


def compiled():
    path = os.path.join(slu.BASE, "others.o")
    slu.run("clang", "-O2", "-g", "-target", "bpf", "-I/usr/include/%s" % slu.run(
        "gcc", "-print-multiarch").strip(), "-x", "c", "-c", "-", "-o", path, input=SOURCE)
    return path


class Others:
    """Their program at a netdev, before ours."""

    def __init__(self, lab, netdev):
        self.lab, self.show = lab, ("tc", "filter", "show", "dev", netdev, "ingress", "pref", "7")
        slu.run("tc", "qdisc", "add", "dev", netdev, "clsact", ns=lab.ns, check=False)
        slu.run("tc", "filter", "add", "dev", netdev, "ingress", "pref", "7", "handle", "0x77",
                "bpf", "direct-action", "obj", compiled(), "sec", "tc", ns=lab.ns)
        self.text = self.shown()
        words = self.text.split()
        program = bpftool("prog", "show", "id", words[words.index("id") + 1])
        self.map = next(i for i in program["map_ids"]
                        if bpftool("map", "show", "id", str(i))["name"] == "seen")

    def shown(self):
        return slu.run(*self.show, ns=self.lab.ns)

    def seen(self):
        value = bpftool("map", "lookup", "id", str(self.map), "key", "0", "0", "0", "0")["value"]
        return int.from_bytes(bytes(int(b, 16) for b in value), "little")


def sent(wires, dport, count=20):
    """How many of so many packets come out of port 2, and that nothing else does."""
    wires[1].drain()
    for _ in range(count):
        wires[0].send(frame(dport=dport))
    return len([f for f in wires[1].receive(0.5) if f == frame(dport=dport)])


def on_kernel(lab):
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true")
    lab.bridge("br0", quiet=True)
    wires = lab.wires(2)
    lab.on_kernel(2)
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    expect_equal(sent(wires, 2000, 1), 1, "packets")
    wait_until("the flow in the kernel", lab.sluice.in_kernel)
    return wires


def shares(lab, wires, others, before, count):
    """They see what comes in, drop what they drop, and we forward what they let through."""
    expect_equal(sent(wires, 2000), 20, "packets that they let through")
    expect_equal(sent(wires, LEFT), 20, "packets that they leave to others")
    expect_equal(sent(wires, TAKEN), 0, "packets that go to the host by their word")
    expect_equal(sent(wires, DROPPED), 0, "packets that they drop")
    expect_equal(others.seen() - before, 80, "packets that they saw")
    wait_until("packets in the kernel", lambda: sum(
        m["packets"]["hardware"] for m in lab.sluice.in_kernel()) == count)


def test_their_program_comes_first(lab):
    """It was there before ours, or comes later; it stays when ours goes, and so does its qdisc."""
    wires = on_kernel(lab)
    others = Others(lab, "p-w1")
    shares(lab, wires, others, 0, 40)
    # Ours goes, and comes to where theirs is.
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=false")
    wait_until("our program is gone", lambda: not program_at(lab.ns, "p-w1"))
    expect_equal(others.shown(), others.text, "their filter")
    before = others.seen()
    expect_equal(sent(wires, 2000), 20, "packets in software")
    expect_equal(others.seen() - before, 20, "packets that they saw")
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true")
    wait_until("our program is back", lambda: program_at(lab.ns, "p-w1"))
    expect_equal(sent(wires, 2000, 1), 1, "packets")
    wait_until("the flow in the kernel", lab.sluice.in_kernel)
    shares(lab, wires, others, others.seen(), 40)
    # The port goes.
    lab.sluice.vsctl("del-port", "br0", "p-w1")
    wait_until("our program is gone", lambda: not program_at(lab.ns, "p-w1"))
    expect_equal(others.shown(), others.text, "their filter")
    slu.run("tc", "filter", "del", "dev", "p-w1", "ingress", "pref", "7", ns=lab.ns)


def test_their_program_and_our_restart(lab):
    wires = on_kernel(lab)
    others = Others(lab, "p-w1")
    former = program_at(lab.ns, "p-w1")
    lab.sluice.kill()
    expect_equal(sent(wires, 2000), 20, "packets while no daemon runs")
    expect_equal(sent(wires, DROPPED), 0, "packets that they drop")
    lab.sluice.start()
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    wait_until("our other program", lambda: program_at(lab.ns, "p-w1") not in (None, former))
    expect_equal(others.shown(), others.text, "their filter")
    expect_equal(sent(wires, 2000), 20, "packets that they let through")
    expect_equal(others.seen(), 60, "packets that they saw")


def test_two_daemons(lab):
    """A netdev is on one daemon's device; the other is told so, and goes on without."""
    lab.allow("carries the program of another daemon")
    wires = on_kernel(lab)
    ours = program_at(lab.ns, "p-w1")
    second = slu.Sluiced(lab.ns, "second")
    try:
        second.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true")
        hosts = [lab.host("x%d" % i) for i in (1, 2)]
        second.add_bridge("br1")
        second.add_ports("br1", [h.port for h in hosts])
        wait_until("its ports on its device", lambda: any(
            d["ports"] == 3 for d in second.offload_status()["devices"]))
        second.ofctl("add-flow", "br1", "in_port=1,actions=output:2")
        own = [h.wire() for h in hosts]
        expect_equal(sent(own, 2000, 1), 1, "packets of the second")
        wait_until("a flow of the second in the kernel", second.in_kernel)
        expect_equal(sent(own, 2000), 20, "packets of the second")
        expect_equal((len(Maps(lab.ns, "p-w1").dump("ports")),
                      len(Maps(lab.ns, "p-x1").dump("ports"))), (3, 3), "ports in maps of their own")
        # A netdev of the first.
        second.vsctl("add-port", "br1", "p-w1")
        wait_until("it is said", lambda: "p-w1 carries the program of another daemon" in
                   second.tail(200))
        expect_equal(program_at(lab.ns, "p-w1"), ours, "the program at the netdev")
        expect_equal(sent(wires, 2000), 20, "packets of the first")
        second.vsctl("del-port", "br1", "p-w1")
        expect_equal(program_at(lab.ns, "p-w1"), ours, "the program at the netdev")
        # The second goes, its own with it; and the audit of the first touches nothing of it.
        lab.sluice.ctl("offload", "audit")
        expect_equal(sent(own, 2000), 20, "packets of the second")
        second.kill()
        expect_equal(sent(own, 2000), 20, "packets of the second, by the kernel alone")
        second.start()
        expect_in("rules of a former run", second.tail(200), "what the second finds")
        second.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=false")
        wait_until("its program is gone", lambda: not program_at(lab.ns, "p-x1"))
        expect_equal(program_at(lab.ns, "p-w1"), ours, "the program of the first")
        expect_equal(sent(wires, 2000), 20, "packets of the first")
    finally:
        second.stop()
        slu.run("rm", "-rf", second.db, second.log, second.rundir)


if __name__ == "__main__":
    main()
