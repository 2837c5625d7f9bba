#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A device that misbehaves, stalls, or dies under traffic: nothing is lost but what was inside it,
nothing comes out twice, and what is refused is what the script refused."""
import collections
import os
import signal
import struct
import time

import slu
from nettest import expect, expect_equal, frame, main, wait_until

FLOWS = 40


def lab_on(lab, device, script=None):
    name = device.split(":")[1]
    if script:
        with open("%s/simnic-%s.script" % (lab.sluice.rundir, name), "w") as f:
            f.write(script)
    lab.sluice.offload(device)
    lab.bridge("br0")
    w = lab.wires(3)
    lab.sluice.bind("p-w1", "p-w2", "p-w3")
    wait_until("the device", lambda: any(d["alive"] for d in lab.sluice.offload_status()["devices"]))
    path = slu.BASE + "/flows"
    with open(path, "w") as f:
        for i in range(FLOWS):
            f.write("cookie=0x%x,in_port=1,udp,tp_dst=%d,actions=output:%d\n" % (
                i + 1, i + 1, 2 + i % 2))
    lab.sluice.ofctl("add-flows", "br0", path)
    return w


class Traffic:
    """Numbered packets to all flows; what came out is compared with what went in."""

    def __init__(self, lab, wires):
        self.lab, self.wires = lab, wires
        self.sent = 0
        self.sent_at = []
        self.got = {}
        self.wrong = []

    def send(self, n, pause=0.0):
        for _ in range(n):
            i = self.sent % FLOWS
            self.wires[0].send(frame(dport=i + 1, payload=struct.pack(">8sQ", b"numbered", self.sent)))
            self.sent += 1
            self.sent_at.append(time.monotonic())
            if self.sent % 20 == 0:
                self.collect(0)
                if pause:
                    time.sleep(pause)

    def collect(self, timeout):
        for port in (2, 3):
            for f in self.wires[port - 1].receive(timeout):
                if f[-16:-8] != b"numbered":
                    continue
                number = struct.unpack(">Q", f[-8:])[0]
                self.got[number] = self.got.get(number, 0) + 1
                if 2 + number % FLOWS % 2 != port:
                    self.wrong.append((number, port))

    def unread(self):
        """Packets of the last second: a device that dies may take their counters along."""
        return sum(t > time.monotonic() - 1 for t in self.sent_at[-5000:])

    def finish(self, windows=()):
        """Nothing came twice, or at a wrong port, or was lost but in these ranges of numbers.
        Returns how many were lost."""
        self.collect(0.5)
        expect_equal(self.wrong, [], "packets at the wrong port")
        expect_equal({n: c for n, c in self.got.items() if c > 1}, {}, "packets that came twice")
        lost = set(range(self.sent)) - set(self.got)
        expect_equal([n for n in sorted(lost) if not any(a <= n < b for a, b in windows)], [],
                     "packets of %d that no fault accounts for are lost" % self.sent)
        return len(lost)

    def check_counters(self, lost=0, unread=0):
        """The flows' counters say what went through them."""
        total = sum(f["n_packets"] for f in self.lab.sluice.flows("br0"))
        expect(self.sent - lost - unread <= total <= self.sent, "flows count %d packets, %d were "
               "sent, %d lost, %d may be uncounted" % (total, self.sent, lost, unread))


def simnic_pid(lab, known=None):
    """The process of the model eSwitch in the lab's namespace."""
    for pid in lab.ns.pids():
        try:
            with open("/proc/%d/comm" % pid) as f:
                if f.read().strip() == "sluice-simnic" and pid != known:
                    return pid
        except OSError:
            pass
    return None


def state(lab):
    return lab.sluice.offload_status()["devices"][0]


def refused(lab):
    """Megaflows of the test's flows that the device refused, by the code and the words of it."""
    return dict(collections.Counter(
        (r["code"], r.get("text")) for m in lab.sluice.offload_flows() for r in m["refusals"]
        if "udp" in m["match"]))


def hardware(lab):
    return sum(m["where"] == "hardware" for m in lab.sluice.offload_flows())


def test_scripted_refusals(lab):
    lab.allow("flaky|sim")
    w = lab_on(lab, "sim:flaky", 'refuse every=4 op=add code=unsupported_combination text="no such pair"\n')
    t = Traffic(lab, w)
    t.send(FLOWS)
    wait_until("a quarter is refused", lambda: refused(lab) == {
        ("unsupported combination", "no such pair"): FLOWS // 4})
    expect_equal(state(lab)["refused"].get("unsupported combination"), FLOWS // 4, "their sum")
    expect_equal(hardware(lab), FLOWS - FLOWS // 4, "flows in hardware")
    t.send(10 * FLOWS)
    t.finish()
    t.check_counters()


def test_late_errors(lab):
    """A rule that the device took at first: refused when it says so, then tried again."""
    lab.allow("flaky|sim")
    w = lab_on(lab, "sim:flaky", 'late every=3 op=add delay=150 text="came to nothing"\n')
    t = Traffic(lab, w)
    t.send(FLOWS)
    wait_until("a third comes to nothing", lambda: refused(lab) == {
        ("device error", "came to nothing"): FLOWS // 3})
    expect_equal(hardware(lab), FLOWS - FLOWS // 3, "flows in hardware")

    def tried_again():
        t.send(20, pause=0.01)
        return refused(lab) == {("device error", "came to nothing"): 4}
    wait_until("those 13 are tried again, of which a third comes to nothing", tried_again)
    expect_equal(hardware(lab), FLOWS - 4, "flows in hardware")
    d = state(lab)
    expect_equal((d["accepted_ops"], d["failed_ops"]), (FLOWS + 13, 13 + 4), "operations")
    t.finish()
    t.check_counters()


def test_lost_completions(lab):
    """A rule that is in the device although nobody said so: it is asked."""
    lab.allow("flaky|sim|complet|device")
    w = lab_on(lab, "sim:flaky", "lose every=5\n")
    t = Traffic(lab, w)
    t.send(FLOWS)
    wait_until("every fifth answer is missing", lambda: (
        lambda d: (d["placed"], d["pending"]) == (FLOWS - FLOWS // 5, FLOWS // 5))(state(lab)))
    t.send(5 * FLOWS, pause=0.005)
    wait_until("all in hardware", lambda: hardware(lab) == FLOWS)
    hits = lab.device_packets("flaky")[0]
    t.send(2 * FLOWS, pause=0.005)
    t.finish()
    t.check_counters()
    expect_equal(lab.device_packets("flaky")[0] - hits, 2 * FLOWS, "hits in the device")


def test_full_table(lab):
    lab.allow("flaky|sim")
    w = lab_on(lab, "sim:flaky", "full after=10\n")
    t = Traffic(lab, w)
    t.send(20 * FLOWS, pause=0.005)
    wait_until("30 are refused for room", lambda: refused(lab) == {
        ("no room now", "the rule memory is full"): FLOWS - 10})
    expect_equal(hardware(lab), 10, "flows in hardware")
    t.finish()
    t.check_counters()


def reset(lab):
    n = state(lab)["resets"]
    slu.run(slu.program("sluice-simnic"), "--rundir", lab.sluice.rundir, "--name", "flaky",
            "--script", "-", input="reset after_ms=1\n")
    wait_until("the reset", lambda: state(lab)["resets"] == n + 1)


def test_reset(lab):
    """Forgotten rules are put back. What was counted stays counted; what was not read is lost."""
    lab.allow("flaky|sim|reset|device")
    w = lab_on(lab, "sim:flaky")
    t = Traffic(lab, w)

    def again(n):
        t.send(FLOWS, pause=0.005)
        return state(lab)["resets"] == n and hardware(lab) == FLOWS
    wait_until("all in hardware", lambda: again(0))
    t.send(5 * FLOWS, pause=0.005)
    time.sleep(1.1)
    t.check_counters()
    reset(lab)
    wait_until("all in hardware again", lambda: again(1))
    t.check_counters()
    last, unread = 0, 0
    for i in range(24):
        if i == 12:
            unread = t.unread()
            reset(lab)
        t.send(FLOWS, pause=0.005)
        now = sum(f["n_packets"] for f in lab.sluice.flows("br0"))
        expect(now >= last, "counters run backwards: %d after %d" % (now, last))
        last = now
    wait_until("all in hardware for the third time", lambda: again(2))
    expect_equal(state(lab)["replayed"], 2 * FLOWS, "rules put back")
    t.finish()
    t.check_counters(unread=unread)


def test_slow_device(lab):
    """A device that answers late must not hold up packets, OpenFlow or the database."""
    lab.allow("flaky|sim|device")
    w = lab_on(lab, "sim:flaky", "slow delay=400\n")
    t = Traffic(lab, w)
    start = time.monotonic()
    t.send(FLOWS)
    lab.sluice.vsctl("set", "Bridge", "br0", "external_ids:x=y")
    lab.sluice.ofctl("add-flow", "br0", "priority=1,arp,actions=drop")
    t.collect(0)
    if time.monotonic() - start < 0.3:  # else it is the machine that is slow
        d = state(lab)
        expect_equal((d["placed"], d["pending"]), (0, FLOWS), "rules that the device has, has not")
        expect_equal(len(t.got), FLOWS, "packets meanwhile")
    expect(time.monotonic() - start < 1, "OpenFlow and the database answer")
    wait_until("all in hardware", lambda: hardware(lab) == FLOWS)
    expect(time.monotonic() - start > 0.4, "it took its time")
    t.send(10 * FLOWS, pause=0.005)
    t.finish()
    t.check_counters()


def in_hardware(t, name="nic"):
    """Until every packet is forwarded by the device, by its own count."""
    def all_hits():
        before = t.lab.device_packets(name)[0]
        t.send(FLOWS)
        t.collect(0.1)
        return t.lab.device_packets(name)[0] - before == FLOWS
    wait_until("the device forwards all packets", all_hits)


def test_stopped_and_continued(lab):
    """SIGSTOP is a stalled device: what is inside waits, and the control plane lives."""
    lab.allow("sim|device|stall")
    w = lab_on(lab, "sim:nic")
    t = Traffic(lab, w)
    in_hardware(t)
    pid = simnic_pid(lab)
    for i in range(4):
        t.collect(0.1)
        os.kill(pid, signal.SIGSTOP)
        got = len(t.got)
        t.send(60)
        start = time.monotonic()
        lab.sluice.ofctl("add-flow", "br0", "priority=1,arp,actions=drop")
        lab.sluice.ofctl("dump-flows", "br0")
        expect(time.monotonic() - start < 3, "OpenFlow answers while the device stalls")
        if i == 3:
            wait_until("the stall is seen", lambda: "stalled" in state(lab)["text"])
        t.collect(0)
        expect_equal(len(t.got), got, "packets that a stopped device let out")
        os.kill(pid, signal.SIGCONT)
        t.send(2 * FLOWS, pause=0.01)
    wait_until("it is alive again", lambda: state(lab)["alive"])
    in_hardware(t)
    expect_equal(simnic_pid(lab), pid, "the same process")
    t.finish()
    t.check_counters()


def test_killed(lab):
    """SIGKILL is a lost device: it is started again, filled again, and traffic goes on. Lost is what
    was inside it, and what came while nobody was there."""
    lab.allow("sim|device|lost|gone")
    w = lab_on(lab, "sim:nic")
    t = Traffic(lab, w)
    windows, unread = [], 0
    for i in range(4):
        in_hardware(t)
        pid = simnic_pid(lab)
        if i % 2:  # while it has packets
            t.send(4 * FLOWS, pause=0.002)
            t.send(20)
            unread += t.unread()
        else:      # when they are out, and counted
            t.collect(0.2)
            time.sleep(1.1)
        t.collect(0)
        known = windows[-1][1] if windows else 0
        first = min(set(range(known, t.sent)) - set(t.got), default=t.sent)  # is inside
        expect(t.sent - first <= 4 * FLOWS + 20 if i % 2 else first == t.sent, "what is inside")
        os.kill(pid, signal.SIGKILL)
        start = time.monotonic()

        def back():
            t.send(10)
            return simnic_pid(lab, pid) and (lambda d: d["alive"] and d["ports"] == 3)(state(lab))
        wait_until("another device is there", back, interval=0.01)
        windows.append((first, t.sent))
        print("       back after %.2f s" % (time.monotonic() - start))
        t.send(5 * FLOWS, pause=0.005)
    in_hardware(t)
    expect_equal(state(lab)["resets"], 4, "times that the device lost its state")
    lost = t.finish(windows)
    print("       %d of %d packets are lost, all of %d that came when nobody was there" % (
        lost, t.sent, sum(b - a for a, b in windows)))
    expect(lost, "packets are lost when nobody is there")
    t.check_counters(lost, unread)


if __name__ == "__main__":
    main()
