#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A device that misbehaves, stalls, or dies under traffic: nothing is lost but what was inside it,
nothing comes out twice, and what is refused is what the script refused."""
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
        self.got = {}
        self.wrong = []

    def send(self, n, pause=0.0):
        for _ in range(n):
            i = self.sent % FLOWS
            self.wires[0].send(frame(dport=i + 1, payload=struct.pack(">8sQ", b"numbered", self.sent)))
            self.sent += 1
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

    def finish(self, may_lose=0):
        self.collect(0.5)
        expect_equal(self.wrong, [], "packets at the wrong port")
        expect_equal({n: c for n, c in self.got.items() if c > 1}, {}, "packets that came twice")
        lost = self.sent - len(self.got)
        expect(lost <= may_lose, "%d of %d packets are lost" % (lost, self.sent))
        return lost

    def check_counters(self, lost=0):
        """The flows' counters say what went through them."""
        total = sum(f["n_packets"] for f in self.lab.sluice.flows("br0"))
        expect(self.sent - lost <= total <= self.sent, "flows count %d packets, %d were sent, %d "
               "lost" % (total, self.sent, lost))


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


def refusals(lab):
    return lab.sluice.offload_status()["devices"][0]["refused"]


def hardware(lab):
    return sum(m["where"] == "hardware" for m in lab.sluice.offload_flows())


def test_scripted_refusals(lab):
    lab.allow("flaky|sim")
    w = lab_on(lab, "sim:flaky", 'refuse every=4 op=add code=unsupported_combination text="no such pair"\n')
    t = Traffic(lab, w)
    t.send(FLOWS)
    wait_until("a quarter is refused", lambda: refusals(lab).get("unsupported combination") == FLOWS // 4)
    expect_equal(hardware(lab), FLOWS - FLOWS // 4, "flows in hardware")
    texts = {r["text"] for m in lab.sluice.offload_flows() for r in m["refusals"]
             if r["code"] != "port not on the device"}
    expect_equal(texts, {"no such pair"}, "the device's own words")
    t.send(10 * FLOWS)
    t.finish()
    t.check_counters()


def test_late_errors(lab):
    lab.allow("flaky|sim")
    w = lab_on(lab, "sim:flaky", 'late every=3 op=add delay=150 text="came to nothing"\n')
    t = Traffic(lab, w)
    t.send(20 * FLOWS, pause=0.01)
    t.finish()
    t.check_counters()


def test_lost_completions(lab):
    lab.allow("flaky|sim|complet|device")
    w = lab_on(lab, "sim:flaky", "lose every=5\n")
    t = Traffic(lab, w)
    t.send(40 * FLOWS, pause=0.02)
    t.finish(may_lose=0)
    t.check_counters()


def test_full_table(lab):
    lab.allow("flaky|sim")
    w = lab_on(lab, "sim:flaky", "full after=10\n")
    t = Traffic(lab, w)
    t.send(20 * FLOWS, pause=0.005)
    wait_until("30 are refused for room", lambda: refusals(lab).get("no room now") == FLOWS - 10)
    expect_equal(hardware(lab), 10, "flows in hardware")
    t.finish()
    t.check_counters()


def test_reset(lab):
    lab.allow("flaky|sim|reset|device")
    w = lab_on(lab, "sim:flaky", "reset after_ms=4000\n")
    t = Traffic(lab, w)
    t.send(2 * FLOWS)
    wait_until("all in hardware", lambda: hardware(lab) == FLOWS)
    last = 0
    end = time.monotonic() + 5
    while time.monotonic() < end:
        t.send(FLOWS, pause=0.01)
        now = sum(f["n_packets"] for f in lab.sluice.flows("br0"))
        expect(now >= last, "counters run backwards: %d after %d" % (now, last))
        last = now
    wait_until("all in hardware again", lambda: hardware(lab) == FLOWS)
    t.finish()
    t.check_counters(lost=t.sent // 50)


def test_slow_device(lab):
    """A device that answers late must not hold up packets, OpenFlow or the database."""
    lab.allow("flaky|sim|device")
    w = lab_on(lab, "sim:flaky", "slow delay=300\n")
    t = Traffic(lab, w)
    t.send(FLOWS)
    start = time.monotonic()
    lab.sluice.vsctl("set", "Bridge", "br0", "external_ids:x=y")
    expect(time.monotonic() - start < 1, "the database answers")
    t.send(20 * FLOWS, pause=0.005)
    t.finish()
    t.check_counters()


def test_stopped_and_continued(lab):
    """SIGSTOP is a stalled device: packets that go in wait or are lost, the control plane lives."""
    lab.allow("sim|device|stall")
    w = lab_on(lab, "sim:nic")
    t = Traffic(lab, w)
    t.send(5 * FLOWS, pause=0.01)
    pid = wait_until("the device's process", lambda: simnic_pid(lab))
    lost = 0
    for _ in range(5):
        os.kill(pid, signal.SIGSTOP)
        before = t.sent
        t.send(60)
        start = time.monotonic()
        lab.sluice.ofctl("add-flow", "br0", "priority=1,arp,actions=drop")
        lab.sluice.ofctl("dump-flows", "br0")
        expect(time.monotonic() - start < 3, "OpenFlow answers while the device stalls")
        os.kill(pid, signal.SIGCONT)
        lost += t.sent - before
        time.sleep(0.2)
        t.send(2 * FLOWS, pause=0.01)
    lost = t.finish(may_lose=lost)
    wait_until("all in hardware", lambda: hardware(lab) >= FLOWS)
    t.check_counters(lost)


def test_killed(lab):
    """SIGKILL is a lost device: it is started again, filled again, and traffic goes on."""
    lab.allow("sim|device|lost|gone")
    w = lab_on(lab, "sim:nic")
    t = Traffic(lab, w)
    t.send(5 * FLOWS, pause=0.01)
    inside, pid = 0, None
    for i in range(4):
        pid = wait_until("the device's process", lambda: simnic_pid(lab, pid))
        wait_until("all in hardware", lambda: (t.send(FLOWS), hardware(lab) >= FLOWS)[1])
        t.collect(0.2)
        os.kill(pid, signal.SIGKILL)
        before = t.sent
        t.send(3 * FLOWS, pause=0.02)
        wait_until("the device is back", lambda: any(
            d["alive"] for d in lab.sluice.offload_status()["devices"]))
        inside += t.sent - before
        wait_until("flows forward again", lambda: (
            lambda had: (t.send(FLOWS), t.collect(0.1), len(t.got) - had == FLOWS)[2])(
                (t.collect(0.1), len(t.got))[1]))
    lost = t.finish(may_lose=inside + 40 * FLOWS)
    print("       %d of %d packets lost over 4 kills" % (lost, t.sent))
    t.check_counters(lost + 40 * FLOWS)


if __name__ == "__main__":
    main()
