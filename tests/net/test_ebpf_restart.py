#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sluiced is killed and started again while the kernel forwards: no packet is lost or comes twice,
and its rules are taken up, whether their maps are pinned or only the program holds them."""
import os
import threading
import time

import slu
from bpfmaps import Maps, program_at
from nettest import expect, expect_equal, expect_in, frame, main, wait_until

FLOWS = 20
PAUSE = 0.001  # between packets
KILLS = 3


class Traffic(threading.Thread):
    """Numbered packets on a wire, one flow after another, until it is stopped."""

    def __init__(self, wire):
        super().__init__(daemon=True)
        self.wire, self.sent, self.done = wire, 0, False

    def run(self):
        while not self.done:
            self.wire.send(frame(dport=5000 + self.sent % FLOWS, payload=b"number %08d" % self.sent))
            self.sent += 1
            time.sleep(PAUSE)

    def stop(self, at):
        """Ends it; all came out of `at`, each once."""
        self.done = True
        self.join()
        got = [int(f[-8:]) for f in at.receive(0.5) if b"number " in f]
        lost = sorted(set(range(self.sent)) - set(got))
        expect(not lost, "%d of %d packets were lost: from %s on" % (
            len(lost), self.sent, lost[:5]))
        expect_equal(len(got), self.sent, "packets that came out")


def add_flows(lab, flows=FLOWS):
    lab.sluice.ofctl("add-flows", "br0", "-", input="".join(
        "udp,in_port=1,nw_src=10.0.0.1,tp_dst=%d,actions=output:2\n" % (5000 + n)
        for n in range(flows)))


def flows_in_the_kernel(lab):
    lab.bridge("br0", quiet=True)
    wires = lab.wires(2)
    offload_flows(lab, wires)
    return wires


def offload_flows(lab, wires):
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true",
                     "other_config:max-idle=600000")
    lab.on_kernel(2)
    add_flows(lab)
    for n in range(FLOWS):
        wires[0].send(frame(dport=5000 + n))
    wait_until("all in the kernel", lambda: len(lab.sluice.in_kernel()) == FLOWS)
    wires[1].drain()


def adopted(lab):
    device = lab.device_state()
    return device if device.get("adopted") == FLOWS else None


def killed_and_started(lab, wires):
    """Under traffic; what is counted of it never goes back."""
    traffic = Traffic(wires[0])
    traffic.start()
    time.sleep(0.3)
    lab.sluice.kill()
    time.sleep(0.3)
    at = traffic.sent
    lab.sluice.start()
    add_flows(lab)
    seen = [0]

    def packets():
        seen.append(sum(f["n_packets"] for f in lab.sluice.flows("br0")))
        expect(seen[-1] >= seen[-2], "counters that go back: %r" % seen)
        return seen[-1]
    device = wait_until("its rules are adopted", lambda: packets() >= 0 and adopted(lab), 15)
    expect_equal(device["removed_foreign"], 0, "rules removed")
    since = traffic.sent
    wait_until("packets are counted", lambda: packets() >= 100, 15)
    traffic.stop(wires[1])
    wait_until("all is counted", lambda: packets() >= traffic.sent - since)
    expect(seen[-1] <= traffic.sent - at, "%d packets were counted, %d sent" % (
        seen[-1], traffic.sent - at))
    expect_equal([m["packets"]["software"] for m in lab.sluice.in_kernel()], [0] * FLOWS,
                 "its packets in software")


def test_killed_under_traffic(lab):
    wires = flows_in_the_kernel(lab)
    for _ in range(KILLS):
        killed_and_started(lab, wires)


def test_what_nobody_wants_any_more(lab):
    """Half of the flows are there again: the rules of the others go, and stray entries with them."""
    lab.allow("%d entries of a former run could not be read" % FLOWS)
    wires = flows_in_the_kernel(lab)
    lab.sluice.kill()
    maps = Maps(lab.ns, "p-w1")
    rules = maps.rules()
    maps.write(*[(rules, key[:-1] + ["0x%02x" % (int(key[-1], 16) ^ 1)], value)
                 for key, value in maps.dump(rules)])
    lab.sluice.start()
    add_flows(lab, FLOWS // 2)
    device = wait_until("the others are removed", lambda: next(
        (d for d in lab.sluice.offload_status()["devices"] if d["removed_foreign"]), None), 20)
    expect_equal((device["adopted"], device["removed_foreign"]), (FLOWS // 2, FLOWS // 2),
                 "rules adopted, removed")
    lab.sluice.ctl("offload", "audit")
    expect_equal(lab.device_state()["audit"]["lost"], 0, "rules that went with the stray entries")
    wait_until("half of the entries", lambda: len(maps.dump(rules)) == FLOWS // 2)
    for n in range(FLOWS):
        wires[0].send(frame(dport=5000 + n))
    expect_equal(len([f for f in wires[1].receive(0.5) if b"payload" in f]), FLOWS // 2, "packets")


def with_pins(lab):
    """A mount namespace with a bpf filesystem, that outlives the daemon."""
    lab.sluice.stop()
    keeper = slu.spawn("sh", "-c", "mount -t bpf bpf /sys/fs/bpf && exec sleep 600", ns=lab.ns)
    lab.processes.append(keeper)

    def there():
        with open("/proc/%d/mounts" % keeper.pid) as f:
            return " /sys/fs/bpf bpf " in f.read()
    wait_until("the bpf filesystem", there)
    lab.sluice.around = ("nsenter", "--mount", "--target", str(keeper.pid))
    lab.sluice.start()
    return "/proc/%d/root/sys/fs/bpf" % keeper.pid


def test_with_pins(lab):
    """Its maps are found by their pins, though nothing else has them any more."""
    top = with_pins(lab)
    wires = flows_in_the_kernel(lab)
    pins = os.path.join(top, "sluice", os.listdir(top + "/sluice")[0])
    expect_in("rules20", os.listdir(pins), "pins")
    killed_and_started(lab, wires)
    lab.sluice.kill()
    for port in ("p-w1", "p-w2"):
        slu.run("tc", "qdisc", "del", "dev", port, "clsact", ns=lab.ns)
    lab.sluice.start()
    add_flows(lab)
    wait_until("its rules are adopted", lambda: adopted(lab))
    lab.sluice.vsctl("del-br", "br0")
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=false")
    wait_until("no pin is left", lambda: "sluice" not in os.listdir(top))


def another_layout(lab, wires):
    """The maps were left by another version: its rules are given up, and its program goes."""
    former = program_at(lab.ns, "p-w1")
    traffic = Traffic(wires[0])
    traffic.start()
    lab.sluice.kill()
    control = Maps(lab.ns, "p-w1").lookup("control", [0] * 4)
    Maps(lab.ns, "p-w1").write(("control", [0] * 4, b"\x7f" + control[1:]))
    time.sleep(0.2)
    lab.sluice.start()
    add_flows(lab)
    wait_until("other programs", lambda: program_at(lab.ns, "p-w1") not in (None, former)
               and program_at(lab.ns, "p-w2") not in (None, former))
    wait_until("the flows in its own maps", lambda: len(lab.sluice.in_kernel()) == FLOWS)
    traffic.done = True
    traffic.join()
    expect_equal(lab.device_state()["adopted"], 0, "rules adopted")
    wires[1].drain()
    traffic = Traffic(wires[0])
    traffic.start()
    time.sleep(0.3)
    traffic.stop(wires[1])


def test_another_layout(lab):
    another_layout(lab, flows_in_the_kernel(lab))


def test_another_layout_with_pins(lab):
    lab.allow("are laid out in another way: its rules are given up")
    with_pins(lab)
    another_layout(lab, flows_in_the_kernel(lab))
    with open(lab.sluice.log) as f:
        expect_in("its rules are given up", f.read(), "what is said of it")


def configuration(lab):
    """The database as it is; the daemon is stopped for it."""
    lab.sluice.stop()
    with open(lab.sluice.db, "rb") as f:
        return f.read()


def kill_and_restore(lab, before):
    lab.sluice.kill()
    for suffix in ("-wal", "-shm"):
        slu.run("rm", "-f", lab.sluice.db + suffix)
    with open(lab.sluice.db, "wb") as f:
        f.write(before)


def check_no_device(lab):
    """Who starts without a device forwards alone: what the killed one left is gone."""
    lab.bridge("br0", quiet=True)
    wires = lab.wires(2)
    before = configuration(lab)
    lab.sluice.start()
    offload_flows(lab, wires)
    expect(program_at(lab.ns, "p-w1"), "the program")
    kill_and_restore(lab, before)
    lab.sluice.start()
    add_flows(lab)
    wait_until("the switch forwards", lambda: (
        wires[0].send(frame(dport=5000)), wires[1].receive(0.1))[1])
    traffic = Traffic(wires[0])
    wires[1].drain()
    traffic.start()
    time.sleep(0.3)
    traffic.stop(wires[1])
    for port in ("p-w1", "p-w2"):
        expect_equal(program_at(lab.ns, port), None, "the program at " + port)


def test_started_without_a_device(lab):
    check_no_device(lab)


def test_started_without_a_device_with_pins(lab):
    top = with_pins(lab)
    check_no_device(lab)
    expect(not os.path.exists(top + "/sluice"), "its pins are gone")


def test_a_port_that_is_none_any_more(lab):
    """Its row went while no daemon ran: the program goes from it, and with it the qdisc."""
    flows_in_the_kernel(lab)
    stays = program_at(lab.ns, "p-w2")
    before = configuration(lab)
    lab.sluice.start()
    host = lab.host("w3", bridge="br0")
    lab.on_kernel(3, "a third port")
    expect(program_at(lab.ns, host.port), "its program")
    kill_and_restore(lab, before)
    lab.sluice.start()
    lab.on_kernel(2, "two ports")
    lab.sluice.ctl("offload", "audit")
    expect(program_at(lab.ns, host.port), "its program, while ports may still come")
    time.sleep(10)
    lab.sluice.ctl("offload", "audit")
    expect_equal(program_at(lab.ns, host.port), None, "its program")
    expect("clsact" not in slu.run("tc", "qdisc", "show", "dev", host.port, ns=lab.ns), "its qdisc")
    expect(program_at(lab.ns, "p-w2") not in (None, stays), "the program of a port")
    expect_equal(len(Maps(lab.ns, "p-w2").dump("ports")), 3, "ports in the map")


if __name__ == "__main__":
    main()
