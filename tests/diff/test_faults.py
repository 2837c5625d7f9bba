#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The differential test with a device that misbehaves. Scripted faults cost nothing: every packet
and counter is as without them. A device that is stopped or killed may cost the packets inside it,
and nothing else."""
import argparse
import collections
import os
import random
import signal
import sys
import threading
import time

import slu
from diff import Diff, Divergence
from switches import OvsUnderTest, SluiceUnderTest

# A script; the refusals that it causes, by code and text; and what else shows that it was in force.
SCRIPTS = {
    "refusals": ('refuse every=3 op=add code=unsupported_combination text="not this one"\n',
                 ("unsupported combination", "not this one"), lambda w: w.last["failed_ops"]),
    "late errors": ("late every=3 op=add delay=20\n",
                    ("device error", "scripted: late"), lambda w: w.last["failed_ops"]),
    "lost completions": ("lose every=7\n", None,
                         # Barriers waited for what was never told.
                         lambda w: w.last["accepted_ops"] // 7 if w.lag_ms >= 300 else 0),
    "a full table": ("full after=15\n",
                     ("no room now", "the rule memory is full"), lambda w: w.rules == 15),
    "resets": ("reset after=100\n", None, lambda w: w.last["resets"]),
    "slowness": ("slow delay=30\n", None, lambda w: w.slow_ms >= 20),
}
# Refusals that need no script.
ORDINARY = ("port not on the device", "unsupported field", "unsupported mask", "unsupported action",
            "policy")
PROGRAMS = 8
PACKETS = 300
LEAST = 10  # scripted refusals


def simnic(ns):
    for pid in ns.pids():
        try:
            with open("/proc/%d/comm" % pid) as f:
                if f.read().strip() == "sluice-simnic":
                    return pid
        except OSError:
            pass
    return None


class Watched(SluiceUnderTest):
    """Remembers what the device's status said all along."""
    lag_ms = rules = slow_ms = 0
    last = None

    def watch(self):
        self.refusals = collections.Counter()
        self.done = False
        self.thread = threading.Thread(target=self.poll, daemon=True)
        self.thread.start()

    def poll(self):
        since = None
        while not self.done:
            try:
                d = self.status()["devices"][0]
            except (slu.Failure, OSError, IndexError, KeyError):
                time.sleep(0.05)
                continue
            now = time.monotonic()
            self.last = d
            self.lag_ms = max(self.lag_ms, d["lag_ms"])
            self.rules = max(self.rules, d["rules"])
            since = (since or now) if d["pending"] else None
            self.slow_ms = max(self.slow_ms, 1000 * (now - since) if since else 0)
            time.sleep(0.005)

    def megaflows(self):
        n = super().megaflows()
        for mf in self.shown:
            for r in mf.get("refusals", ()):
                self.refusals[r["code"], r.get("text")] += 1
        return n

    def stop(self):
        self.done = True
        self.thread.join()
        super().stop()


class Victim(SluiceUnderTest):
    """Its ports are counted while nothing happens to its device: what that counted is shown only while
    it is there."""
    lossy, patience = True, 1

    def __init__(self, name):
        super().__init__(name, None)
        self.calm, self.traffic = threading.Lock(), threading.Event()
        self.use_device("sim:nic")

    def watch(self):
        """Counters never run backwards, whatever becomes of the device."""
        self.backwards, self.done = [], False
        self.thread = threading.Thread(target=self.poll, daemon=True)
        self.thread.start()

    def poll(self):
        was = {}
        while not self.done:
            now = self.dump_ports()()
            self.backwards += ["port %s: %r after %r" % (p, now[p], n) for p, n in was.items()
                               if any(a < b for a, b in zip(now.get(p, n), n))]
            was.update(now)
            time.sleep(0.05)

    def stop(self):
        self.done = True
        self.thread.join()
        super().stop()

    def settled(self, quiet=0.3):
        before = self.dump_ports()()
        time.sleep(quiet)
        return before == self.dump_ports()() and any(d["alive"] for d in self.status()["devices"])

    def in_calm(self, read):
        def finish():
            with self.calm:
                slu.wait_until("%s: the device is back" % self.name, self.settled, timeout=20)
                return read()()
        return finish

    def sync(self):
        """The last thing before packets come."""
        finish = super().sync()

        def then():
            finish()
            self.traffic.set()
        return then

    def counters_start(self):
        return self.in_calm(super().counters_start)

    def counters_read(self):
        return self.in_calm(super().counters_read)


class Tormentor(threading.Thread):
    """Stops and continues, or kills, the device's process at random moments of each traffic."""

    def __init__(self, switch, kill):
        super().__init__(daemon=True)
        self.switch, self.kill, self.rng = switch, kill, random.Random(5)
        self.done = False
        self.count = 0

    def run(self):
        while not self.done:
            if not self.switch.traffic.wait(0.2):
                continue
            self.switch.traffic.clear()
            time.sleep(self.rng.uniform(0.02, 0.3))
            pid = simnic(self.switch.ns)
            if not pid:
                continue
            with self.switch.calm:
                self.torment(pid)

    def torment(self, pid):
        self.count += 1
        self.switch.outages += 1
        try:
            if self.kill:
                os.kill(pid, signal.SIGKILL)
                return
            os.kill(pid, signal.SIGSTOP)
            time.sleep(self.rng.uniform(0.01, 0.3))
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass


def programs(switches, seed, first, packets=PACKETS):
    diff = Diff(switches, seed, 2)
    bad = 0
    for i in range(first, first + PROGRAMS):
        try:
            diff.program(i, packets)
        except Divergence as e:
            print(e)
            bad += 1
    diff.wire.close()
    return bad, diff


def script_problems(s, refusal, in_force):
    """What the switch should have shown of the script, and did not; and what it should not have."""
    problems = []
    if not in_force(s):
        problems.append("nothing shows that the script was in force: %r" % s.last)
    if refusal and s.refusals[refusal] < LEAST:
        problems.append("%r was shown only %d times" % (refusal, s.refusals[refusal]))
    for code, text in s.refusals:
        if code not in ORDINARY and (code, text) != refusal:
            problems.append("nobody scripted %r" % ((code, text),))
    return problems


def scripted(reference, seed):
    bad = 0
    for i, (name, (script, refusal, in_force)) in enumerate(SCRIPTS.items()):
        start = time.monotonic()
        s = Watched("flaky%d" % i, None)
        path = os.path.join(s.sw.rundir, "simnic-flaky.script")
        with open(path, "w") as f:
            f.write(script)
        s.use_device("sim:flaky")
        s.wait_ports()
        s.patience = 5
        s.forgets = name == "resets"
        s.watch()
        wrong, _ = programs([reference, s], seed, i * PROGRAMS)
        problems = script_problems(s, refusal, in_force)
        print("%-18s %d divergent programs, refusals %s, %d resets, %d counts forgotten (%.0f s)" % (
            name, wrong, dict(s.refusals), s.last.get("resets", 0), s.forgotten,
            time.monotonic() - start))
        for p in problems:
            print("PROBLEM %s: %s" % (name, p))
        bad += wrong + len(problems)
        s.stop()
    return bad


def tormented(reference, seed, kill):
    s = Victim("victim%d" % kill)
    s.forgets = kill
    s.wait_ports()
    s.watch()
    tormentor = Tormentor(s, kill)
    tormentor.start()
    bad, diff = programs([reference, s], seed, 60, 600)
    tormentor.done = True
    tormentor.join()
    print("%s %d times: %d divergent programs, %d outputs of %d packets lost, %d packets unaccounted"
          % ("killed" if kill else "stopped", tormentor.count, bad, diff.lost, diff.packets,
             diff.unaccounted))
    if not tormentor.count:
        print("PROBLEM nothing happened to the device")
        bad += 1
    # And then it is a switch like any other again.
    s.lossy = s.forgets = False
    slu.wait_until("the device is back", s.settled, timeout=20)
    again, _ = programs([reference, s], seed, 70)
    s.stop()
    print("afterwards: %d divergent programs, %d counters of ports ran backwards" % (
        again, len(s.backwards)))
    for text in s.backwards[:5]:
        print("PROBLEM " + text)
    return bad + again + len(s.backwards)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args()
    reference = OvsUnderTest("ovs")
    reference.wait_ports()
    bad = scripted(reference, args.seed) + tormented(reference, args.seed, False) + tormented(
        reference, args.seed, True)
    reference.stop()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
