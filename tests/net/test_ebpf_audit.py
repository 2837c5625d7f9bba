#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Somebody alters and takes away what the eBPF driver has in the kernel: the audit finds, counts and
repairs it, and no packet is counted twice or lost."""
import time

import slu
from bpfmaps import Maps, program_at
from nettest import expect, expect_equal, expect_in, frame, main, wait_until

FLOWS, HALF, INTERVAL = 200, 100, 2000
# What the daemon says of what was done to it.
ALTERED = "was taken away|somebody|altered|audit"


def audit(lab):
    return lab.sluice.offload_status()["devices"][0]["audit"]


def kernel_packets(lab):
    return {m["ufid"]: m["packets"]["hardware"] for m in lab.sluice.in_kernel()}


def burst(wires):
    """A packet of each flow; all of them come out."""
    for n in range(FLOWS):
        wires[0].send(frame(dport=5000 + n))
    got = wires[1].receive(5, count=FLOWS)
    expect_equal(len(got), FLOWS, "packets that came out")
    wires[1].drain()


def flows_in_the_kernel(lab):
    """FLOWS flows, each with two packets so far."""
    lab.allow(ALTERED)
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true",
                     "other_config:sluice-audit-interval=0", "other_config:max-idle=600000")
    lab.bridge("br0", quiet=True)
    wires = lab.wires(2)
    lab.on_kernel(2)
    lab.sluice.ofctl("add-flows", "br0", "-", input="".join(
        "udp,in_port=1,tp_dst=%d,actions=output:2\n" % (5000 + n) for n in range(FLOWS)))
    burst(wires)
    wait_until("all in the kernel", lambda: len(kernel_packets(lab)) == FLOWS, 20)
    burst(wires)
    lab.sluice.ctl("offload", "audit")  # rules of a former run are not waited for any more
    return wires


def counted(lab, each):
    wait_until("each flow has its %d packets" % each, lambda: [
        f["n_packets"] for f in lab.sluice.flows("br0")] == [each] * FLOWS, 20, 0.2)


def repaired_in_time(lab, **found):
    """One interval is enough for all that was done."""
    before = audit(lab)
    begin = time.monotonic()
    lab.sluice.vsctl("set", "Open_vSwitch", ".",
                     "other_config:sluice-audit-interval=%d" % INTERVAL)
    want = sum(found.values())
    wait_until("all is repaired", lambda: audit(lab)["repaired"] - before["repaired"] == want, 20)
    took = time.monotonic() - begin
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:sluice-audit-interval=0")
    now = audit(lab)
    expect_equal({k: now[k] - before[k] for k in ("lost", "altered", "unwanted")},
                 dict({"lost": 0, "altered": 0, "unwanted": 0}, **found), "what was found")
    expect(took <= INTERVAL / 1000 + 1, "it took %.1f s" % took)
    slu.log("%d repaired in %.1f s" % (want, took))


def test_keys_of_rules(lab):
    """A hundred entries of the hash map are deleted, a hundred lead to another rule."""
    wires = flows_in_the_kernel(lab)
    maps = Maps(lab.ns, "p-w1")
    rules = maps.rules()
    entries = maps.dump(rules)
    expect_equal(len(entries), FLOWS, "entries")
    gone, led = entries[:HALF], entries[HALF:]
    others = led[1:] + led[:1]
    maps.write(*[(rules, key, None) for key, _ in gone],
               *[(rules, key, value) for (key, _), (_, value) in zip(led, others)])
    repaired_in_time(lab, lost=FLOWS)
    expect_equal(sorted(k for k, _ in maps.dump(rules)), sorted(k for k, _ in entries), "keys")
    burst(wires)
    counted(lab, 3)
    expect_equal(len(kernel_packets(lab)), FLOWS, "rules in the kernel")


def test_steps_of_rules(lab):
    """A hundred rules do nothing, a hundred have somebody else's steps."""
    wires = flows_in_the_kernel(lab)
    maps = Maps(lab.ns, "p-w1")
    entries = [[int(b, 16) for b in value] for _, value in maps.dump(maps.rules())]
    slots = [maps.lookup("entries", e) for e in entries]
    nothing = b"\0" * len(maps.lookup("slots", slots[0][:4]))
    maps.write(*[("slots", s[:4], nothing) for s in slots[:HALF]],
               *[("entries", e, s) for e, s in zip(
                   entries[HALF:], slots[HALF + 1:] + slots[HALF:HALF + 1])])
    repaired_in_time(lab, altered=FLOWS)
    burst(wires)
    counted(lab, 3)


def test_long_programs(lab):
    """Whatever a slot says of its steps, the numbers that others have stay theirs."""
    lab.allow(ALTERED)
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true",
                     "other_config:sluice-audit-interval=0")
    lab.bridge("br0", quiet=True)
    wires = lab.wires(3)
    lab.on_kernel(3)
    more = "set_field:02:00:00:00:00:%02x->eth_src,"
    lab.sluice.ofctl("add-flows", "br0", "-", input="".join(
        "udp,in_port=1,tp_dst=%d,actions=%soutput:2,%soutput:3\n" % (
            5000 + n, more % (2 * n), more % (2 * n + 1)) for n in range(4)))

    def sent(n):
        for w in wires:
            w.drain()
        wires[0].send(frame(dport=5000 + n))
        return [[f[11] for f in w.receive(2, count=1)] for w in wires[1:]]
    for n in range(4):
        expect_equal(sent(n), [[2 * n], [2 * n + 1]], "addresses of flow %d" % n)
    wait_until("all in the kernel", lambda: len(kernel_packets(lab)) == 4)
    maps = Maps(lab.ns, "p-w1")
    slots = [maps.lookup("entries", [int(b, 16) for b in value])[:4]
             for _, value in maps.dump(maps.rules())]
    said = [maps.lookup("slots", s) for s in slots]
    expect(all(s[16] > 3 for s in said), "long programs")
    # The first says that it has the program of the second, the third that it has none.
    maps.write(("slots", slots[0], said[0][:20] + said[1][20:24] + said[0][24:]),
               ("slots", slots[2], said[2][:16] + b"\1" + said[2][17:]))
    lab.sluice.ctl("offload", "audit")
    wait_until("both are repaired", lambda: audit(lab)["repaired"] == 2)
    for n in range(4):
        expect_equal(sent(n), [[2 * n], [2 * n + 1]], "addresses of flow %d" % n)
    # New ones get numbers of their own.
    lab.sluice.ofctl("add-flows", "br0", "-", input="".join(
        "udp,in_port=1,tp_dst=%d,actions=%soutput:2,%soutput:3\n" % (
            5000 + n, more % (2 * n), more % (2 * n + 1)) for n in range(4, 8)))
    for _ in range(2):
        for n in range(8):
            expect_equal(sent(n), [[2 * n], [2 * n + 1]], "addresses of flow %d" % n)
        wait_until("all in the kernel", lambda: len(kernel_packets(lab)) == 8)


def test_all_that_is_not_rules(lab):
    """Masks, their order, whose the maps are, and what is said of ports."""
    wires = flows_in_the_kernel(lab)
    maps = Maps(lab.ns, "p-w1")

    def zeros(name, key):
        return name, key, b"\0" * len(maps.lookup(name, key))
    port, *others = ([int(b, 16) for b in key] for key, _ in maps.dump("ports"))
    control = maps.lookup("control", [0] * 4)
    for what in ((("ports", port, None), *(zeros("ports", other) for other in others)),
                 tuple(zeros("masks", [n, 0, 0, 0]) for n in range(4)),
                 (zeros("control", [0] * 4),),
                 (("control", [0] * 4, b"\xff" * len(control)),)):
        maps.write(*what)
        lab.sluice.ctl("offload", "audit")
        before = kernel_packets(lab)
        burst(wires)
        wait_until("the kernel handles them: %s" % what[0][0], lambda: all(
            kernel_packets(lab).get(u) == n + 1 for u, n in before.items()))
    counted(lab, 6)
    signed = maps.lookup("control", [0] * 4)
    expect_equal((signed[:4], signed[8:12], signed[16:24]),
                 (control[:4], control[8:12], control[16:24]), "whose the maps are")
    with open(lab.sluice.log) as f:
        text = f.read()
    for said in [name + ": its entry in the map of ports was altered, and is put right"
                 for name in ("br0", "p-w1", "p-w2")] + ["somebody altered masks or their order"]:
        expect_in(said, text, "what is said of it")


def test_the_qdisc_goes(lab):
    """The program is gone with the qdisc, and comes back with it; then only the filter goes."""
    wires = flows_in_the_kernel(lab)
    for each, words in ((3, ("qdisc", "del", "dev", "p-w1", "clsact")),
                        (4, ("filter", "del", "dev", "p-w1", "ingress"))):
        slu.run("tc", *words, ns=lab.ns)
        lab.sluice.ctl("offload", "audit")
        expect(program_at(lab.ns, "p-w1"), "the program is back")
        before = kernel_packets(lab)
        burst(wires)
        wait_until("the kernel handles them", lambda: all(
            kernel_packets(lab).get(u) == n + 1 for u, n in before.items()))
        counted(lab, each)
    expect_equal({k: audit(lab)[k] for k in ("lost", "altered", "unwanted", "repaired")},
                 {"lost": 0, "altered": 0, "unwanted": 0, "repaired": 0}, "rules are as they were")


if __name__ == "__main__":
    main()
