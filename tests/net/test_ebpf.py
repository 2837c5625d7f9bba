#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The kernel as a device: the driver's contract, and what an operator sees of it."""
import json
import re
import subprocess

import slu
from bpfmaps import PRIORITY, Maps
from nettest import expect, expect_equal, expect_in, frame, iperf, main, wait_until

# Namespaces of its own, with a bpf filesystem: nothing of this host is a port, and nothing stays.
OWN_BPFFS = ("unshare", "--mount", "--net", "sh", "-c",
             'mount --make-rprivate / && mount -t bpf bpf /sys/fs/bpf && exec "$@"', "sh")
NO_BPFFS = ("unshare", "--mount", "--net", "sh", "-c",
            'mount --make-rprivate / && mount -t tmpfs tmpfs /sys/fs && exec "$@"', "sh")


def test_contract(lab):
    """The driver keeps the contract of all drivers, with pins and without."""
    for around in (OWN_BPFFS, NO_BPFFS):
        p = subprocess.run(around + (slu.program("contract-test"), "--wires", "ebpf:"),
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        expect_equal(p.returncode, 0, p.stdout)
        expect_in(" 0 failed", p.stdout, "the contract")


def test_without_privileges(lab):
    """A refusal says what is missing; what is granted is enough."""
    def attempt(*capabilities):
        some = ",".join(["-all"] + ["+" + c for c in capabilities])
        p = subprocess.run(
            OWN_BPFFS + ("setpriv", "--bounding-set=" + some, "--inh-caps=" + some,
                         "timeout", "3", slu.program("contract-test"), "ebpf:"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        return p.stdout
    expect_in("CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON", attempt("net_admin"), "what is said")
    # The kernel trusts it less, and its verifier says where it stopped.
    refused = attempt("bpf", "net_admin")
    expect(re.search(r"the program was refused: .*(prohibited|[Pp]ointer|sequence)", refused), refused)
    enough = attempt("bpf", "net_admin", "perfmon")
    # Without wires it is opened, and closed again.
    expect_in("its ports would be netdevs of this host", enough, "these are enough")


def on_kernel(lab, n=3):
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true",
                     "other_config:sluice-audit-interval=0")
    lab.bridge("br0", quiet=True)
    wires = lab.wires(n)
    lab.on_kernel(n)
    return wires


def send(wire, count, *args, **kw):
    for _ in range(count):
        wire.send(frame(*args, **kw))


def received(wire, timeout=0.3):
    return len([f for f in wire.receive(timeout) if f == frame()])


def one_flow_in_the_kernel(lab):
    w = on_kernel(lab)
    lab.sluice.ofctl("add-flow", "br0", "cookie=0x42,in_port=1,actions=output:2,output:3")
    send(w[0], 1)
    wait_until("the flow in the kernel", lab.sluice.in_kernel)
    w[1].receive(0.2)
    w[2].drain()
    return w


def test_the_default_device(lab):
    """Whoever asks for offload gets the kernel. What misses comes up once, and counters are right."""
    w = one_flow_in_the_kernel(lab)
    expect_equal(lab.device_state()["name"], "ebpf", "the device")
    send(w[0], 50)
    expect_equal((received(w[1]), received(w[2])), (50, 50), "packets at ports 2 and 3")
    m = wait_until("hits", lambda: next(
        (m for m in lab.sluice.offload_flows() if m["packets"]["hardware"] >= 50), None))
    expect_equal((m["packets"]["hardware"], m["packets"]["software"]), (50, 1), "packets by path")
    flow = lab.sluice.flows("br0")[0]
    expect_equal((flow["n_packets"], flow["n_bytes"]), (51, 51 * len(frame())), "flow counters")
    for port, direction in ("1", "rx"), ("2", "tx"), ("3", "tx"):
        expect_in("%s pkts=51, bytes=%d" % (direction, 51 * len(frame())),
                  lab.sluice.ofctl("dump-ports", "br0", port), "port counters")


def test_the_loopback_stays_the_hosts(lab):
    on_kernel(lab, 1)
    lab.allow("lo is the host's loopback")
    lab.sluice.vsctl("--no-wait", "add-port", "br0", "lo")
    wait_until("it is refused", lambda: "lo is the host's loopback" in lab.sluice.tail())
    expect_equal(lab.device_state()["ports"], 2, "ports on the device")


def test_restart(lab):
    """Traffic goes on while no daemon runs, and the next one takes the rules over."""
    w = one_flow_in_the_kernel(lab)
    lab.sluice.kill()
    send(w[0], 20)
    expect_equal((received(w[1]), received(w[2])), (20, 20), "packets while no daemon runs")
    lab.sluice.start()
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2,output:3")
    device = wait_until("the rule is adopted", lambda: next(
        (d for d in lab.sluice.offload_status()["devices"] if d["adopted"]), None))
    expect_equal((device["adopted"], device["removed_foreign"]), (1, 0), "adopted, removed")
    w[1].drain(), w[2].drain()
    send(w[0], 20)
    expect_equal((received(w[1]), received(w[2])), (20, 20), "packets")
    expect_equal([m["packets"]["software"] for m in lab.sluice.in_kernel()], [0],
                 "its packets in software")


def test_foreign_hands(lab):
    """What somebody takes away or puts into the maps is put right by the audit."""
    lab.allow("was taken away|somebody put|audit")
    w = one_flow_in_the_kernel(lab)
    slu.run("tc", "filter", "del", "dev", "p-w1", "ingress", "pref", PRIORITY, ns=lab.ns)
    lab.sluice.ctl("offload", "audit")
    send(w[0], 10)
    expect_equal(received(w[1]), 10, "packets with the program back")
    maps = Maps(lab.ns, "p-w1")
    rules = maps.ids[maps.rules()]
    entry = json.loads(slu.run("bpftool", "-j", "map", "dump", "id", rules))[0]
    # Another entry that leads to the same rule, then none at all.
    other = list(entry["key"])
    other[-1] = "0x%02x" % (int(other[-1], 16) ^ 1)
    slu.run("bpftool", "map", "update", "id", rules, "key", *other, "value", *entry["value"])
    lab.sluice.ctl("offload", "audit")
    keys = [e["key"] for e in json.loads(slu.run("bpftool", "-j", "map", "dump", "id", rules))]
    expect_equal(keys, [entry["key"]], "keys")
    slu.run("bpftool", "map", "delete", "id", rules, "key", *entry["key"])
    lab.sluice.ctl("offload", "audit")
    wait_until("the rule is back", lambda: len(json.loads(
        slu.run("bpftool", "-j", "map", "dump", "id", rules))) == 1)
    w[1].drain()
    send(w[0], 10)
    expect_equal(received(w[1]), 10, "packets by the rule that is back")
    expect_equal(lab.sluice.in_kernel()[0]["packets"]["software"], 1, "its packets in software")


def test_others_are_left_alone(lab):
    """Filters of others come first and stay, and so does their qdisc."""
    lab.bridge("br0", quiet=True)
    w = lab.wires(2)
    slu.run("tc", "filter", "add", "dev", "p-w1", "ingress", "pref", "7", "protocol", "0x88b5",
            "matchall", "action", "drop", ns=lab.ns, check=False)
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true")
    lab.on_kernel(2)
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
    show = ("tc", "filter", "show", "dev", "p-w1", "ingress")
    expect_in(PRIORITY, slu.run(*show, ns=lab.ns), "our filter")
    others = [line for line in slu.run(*show, ns=lab.ns).splitlines() if "pref 7 " in line]
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=false")
    wait_until("our filter is gone", lambda: PRIORITY not in slu.run(*show, ns=lab.ns))
    expect_equal([line for line in slu.run(*show, ns=lab.ns).splitlines() if "pref 7 " in line],
                 others, "filters of others")
    send(w[0], 5)
    expect_equal(received(w[1]), 5, "packets in software")


def test_super_frames_stay_whole(lab):
    """TCP through the kernel's rules: packets are counted as they came, longer than on any wire."""
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true")
    lab.bridge("br0", quiet=True)
    a, b = lab.host("a", "10.0.0.1/24", "br0"), lab.host("b", "10.0.0.2/24", "br0")
    lab.on_kernel(2)
    lab.sluice.ofctl("add-flow", "br0", "actions=NORMAL")
    rate = iperf(a.ns, b.ns, "10.0.0.2", seconds=2)
    slu.log("TCP: %.1f Gb/s" % rate)
    wait_until("packets of more than 4,000 bytes", lambda: lab.longest_in_kernel() > 4000, timeout=3)
    expect(rate > 1, "%.1f Gb/s" % rate)


if __name__ == "__main__":
    main()
