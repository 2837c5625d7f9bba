#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The differential test with a device that misbehaves. Scripted faults cost nothing: every packet
and counter is as without them. A device that is stopped or killed may cost the packets inside it,
and nothing else."""
import os
import random
import signal
import sys
import threading
import time

import slu
from diff import Diff, Divergence
from switches import OvsUnderTest, SluiceUnderTest

SCRIPTS = {
    "refusals": 'refuse every=3 op=add code=unsupported_combination text="not this one"\n',
    "late errors": "late every=3 op=add delay=20\n",
    "lost completions": "lose every=7\n",
    "a full table": "full after=15\n",
    "resets": "reset after=200\n",
    "slowness": "slow delay=30\n",
}
PROGRAMS = 8
PACKETS = 300


def simnic(ns):
    for pid in ns.pids():
        try:
            with open("/proc/%d/comm" % pid) as f:
                if f.read().strip() == "sluice-simnic":
                    return pid
        except OSError:
            pass
    return None


class Tormentor(threading.Thread):
    """Stops and continues, or kills, the device's process at random moments."""

    def __init__(self, ns, kill):
        super().__init__(daemon=True)
        self.ns, self.kill, self.rng = ns, kill, random.Random(5)
        self.done = False
        self.count = 0

    def run(self):
        while not self.done:
            time.sleep(self.rng.uniform(0.1, 0.8) * (4 if self.kill else 1))
            pid = simnic(self.ns)
            if not pid:
                continue
            self.count += 1
            try:
                if self.kill:
                    os.kill(pid, signal.SIGKILL)
                    continue
                os.kill(pid, signal.SIGSTOP)
                time.sleep(self.rng.uniform(0.01, 0.3))
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass


def programs(switches, first, packets=PACKETS):
    diff = Diff(switches, 1, 2)
    bad = 0
    for i in range(first, first + PROGRAMS):
        try:
            diff.program(i, packets)
        except Divergence as e:
            print(e)
            bad += 1
    diff.wire.close()
    return bad, diff


def scripted(reference):
    bad = 0
    for i, (name, script) in enumerate(SCRIPTS.items()):
        start = time.monotonic()
        s = SluiceUnderTest("flaky%d" % i, None)
        path = os.path.join(s.sw.rundir, "simnic-flaky.script")
        with open(path, "w") as f:
            f.write(script)
        s.use_device("sim:flaky")
        s.wait_ports()
        s.patience = 5
        s.forgets = name == "resets"
        wrong, _ = programs([reference, s], i * PROGRAMS)
        status = s.status()["devices"][0]
        print("%-18s %d divergent programs, refused %s, %d resets, %d counts forgotten (%.0f s)" % (
            name, wrong, status["refused"], status.get("resets", 0), s.forgotten,
            time.monotonic() - start))
        bad += wrong
        s.stop()
    return bad


def settled(s):
    """Whether no counter of a port moves any more."""
    before = s.dump_ports()()
    time.sleep(1)
    return before == s.dump_ports()() and all(sum(n) for p, n in before.items() if 0 < p < 6)


def tormented(reference, kill):
    s = SluiceUnderTest("victim%d" % kill, None)
    s.use_device("sim:nic")
    s.wait_ports()
    s.lossy = True
    tormentor = Tormentor(s.ns, kill)
    tormentor.start()
    bad, diff = programs([reference, s], 60, 600)
    tormentor.done = True
    tormentor.join()
    print("%s %d times: %d divergent programs, %d of %d outputs lost" % (
        "killed" if kill else "stopped", tormentor.count, bad, diff.lost, diff.packets))
    # And then it is a switch like any other again.
    s.lossy = False
    slu.wait_until("the device is back", lambda: any(
        d["alive"] for d in s.status()["devices"]), timeout=20)
    # What its ports counted is shown again a moment after it is back itself.
    slu.wait_until("the counters of its ports are back", lambda: settled(s), timeout=20)
    again, _ = programs([reference, s], 70)
    print("afterwards: %d divergent programs" % again)
    s.stop()
    return bad + again


def main():
    reference = OvsUnderTest("ovs")
    reference.wait_ports()
    bad = scripted(reference) + tormented(reference, False) + tormented(reference, True)
    reference.stop()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
