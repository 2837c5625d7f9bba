#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The differential test: the same programs and packets through Sluice in software, with sim:nic,
with sim:asic-small, and through Open vSwitch's userspace datapath. Outputs, flow counters and port
counters have to be equal.

sluice-diff (C) makes programs and packets and compares outputs; this script runs the switches,
programs them with ovs-ofctl and compares what they count.
"""
import argparse
import os
import shutil
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import slu  # noqa: E402
from coverage import Coverage  # noqa: E402
from switches import OvsUnderTest, SluiceUnderTest, show_logs  # noqa: E402

WIDE_PACKETS = 1300  # of the programs that overfill a small device


class Wire:
    """sluice-diff as a child."""

    def __init__(self, switches):
        specs = ["%s,%s,%s,br0%s" % (s.name, s.ns, s.mgmt("br0"), ",lossy" if s.lossy else "")
                 for s in switches]
        import subprocess
        self.proc = slu.spawn(slu.program("sluice-diff"), *specs, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=None, text=True)

    def ask(self, *words):
        """Sends a command; returns the words after "ok", and lines before it in self.lines."""
        self.lines = []
        try:
            self.proc.stdin.write(" ".join(map(str, words)) + "\n")
            self.proc.stdin.flush()
        except BrokenPipeError:
            raise slu.Failure("sluice-diff has ended")
        while True:
            line = self.proc.stdout.readline()
            if not line:
                raise slu.Failure("sluice-diff has ended (exit %s)" % self.proc.wait())
            parts = line.split()
            if parts[0] == "ok":
                return parts[1:]
            if parts[0] == "error":
                raise slu.Failure("sluice-diff: %s: %s" % (words[0], line.strip()))
            self.lines.append(parts)

    def close(self):
        self.proc.stdin.close()
        self.proc.wait()

    def kill(self):
        self.proc.kill()
        self.close()


class Divergence(Exception):
    def __init__(self, report, problems):
        super().__init__(report)
        self.problems = problems


class Diff:
    """Runs programs on a set of switches; switches[0] is the reference."""

    def __init__(self, switches, seed, phases, coverage=None, keep=None):
        self.switches, self.seed, self.phases = switches, seed, phases
        self.coverage = coverage
        self.keep = keep
        self.dir = slu.tmpdir("program")
        self.wire = Wire(switches)
        for s in switches:
            self.wire.ask("rare", "match", *s.unmatched)
            self.wire.ask("rare", "set", *s.unwritten)
            if s.prefers_bound:
                self.wire.ask("rare", "unbound")
        self.megaflows = {s.name: [] for s in switches}
        self.packets = self.forwarded = self.lost = self.unaccounted = 0
        self.took = {}
        self.verbose = False

    def timed(self, what, since):
        now = time.monotonic()
        self.took[what] = self.took.get(what, 0) + now - since
        return now

    def each(self, start, switches=None):
        """Starts something on every switch, then waits for all of it: side by side."""
        return [finish() for finish in [start(s) for s in (self.switches if switches is None else switches)]]

    def problem(self, text):
        self.problems.append(text)

    def program(self, index, packets):
        """Runs one program; raises Divergence with a report."""
        self.problems = []
        self.meta = {}
        if self.coverage:
            self.coverage.begin()
        profile, phases, _ = self.wire.ask("program", self.seed, index, self.phases, self.dir)
        self.each(lambda s: s.counters_start())
        count = {s.name: 0 for s in self.switches}
        if profile == "wide":
            packets = max(packets, WIDE_PACKETS)
        for phase in range(int(phases)):
            self.phase(phase, packets // int(phases), count)
        t = time.monotonic()
        self.check_ports()
        sent, forwarded, divergent, lost, harmed, copies = map(int, self.wire.ask("verdict"))
        for s in self.switches:
            if s.lossy:
                self.check_lossy(s, harmed, copies)
        self.timed("verdict", t)
        self.check_width()
        if divergent:
            with open(self.dir + "/divergences") as f:
                self.problem("%d packets were treated differently\n%s" % (divergent, f.read()))
        self.packets += sent
        self.forwarded += forwarded
        self.lost += lost
        for s in self.switches:
            self.megaflows[s.name].append(count[s.name])
        if self.verbose:
            slu.log("program %d (%s): megaflows %s" % (
                index, profile, ", ".join("%s %d" % c for c in count.items())))
        if self.problems:
            raise Divergence(self.report(index, profile, packets), self.problems)

    def phase(self, phase, packets, count):
        t = time.monotonic()
        self.wire.ask("rules", phase)
        path = "%s/rules.%d" % (self.dir, phase)
        prompt = [s for s in self.switches if s.is_prompt()]
        others = [s for s in self.switches if s not in prompt]
        for what in (lambda s: s.load(path), lambda s: s.sync()):
            self.each(what, others)
        # In software the next packet after the barrier sees the change.
        self.each(lambda s: s.load(path), prompt)
        t = self.timed("rules", t)
        missing, strays = map(int, self.wire.ask(
            "send", packets, max(s.placing_ms for s in self.switches)))
        if missing or strays:
            self.problem("%d fences did not come back, %d frames are not ours" % (missing, strays))
        t = self.timed("packets", t)
        self.each(lambda s: s.settle())
        for s in self.switches:
            count[s.name] += s.megaflows()
        t = self.timed("settle", t)
        with open(self.dir + "/meta") as f:
            for line in f:
                cookie, *names = line.split()
                self.meta[int(cookie, 16)] = names
        self.check_flows(phase)
        if self.coverage:
            for s in self.switches:
                s.cover(self.coverage)
        self.timed("statistics", t)

    @staticmethod
    def numbers(dump):
        return {c: (f["n_packets"], f["n_bytes"]) for c, f in dump.items()}

    def counted(self, switch, flows, reference, dump=lambda s: s.dump_flows()):
        """A dump in which the counters are right, if there is one within the switch's patience:
        a faulty device may tell late what it counted."""
        end = time.monotonic() + switch.patience
        while self.numbers(flows) != self.numbers(reference) and time.monotonic() < end:
            time.sleep(0.1)
            flows = dump(switch)()
        return flows

    def asked_again(self, flows):
        """Open vSwitch was seen to tell of a packet without its bytes, for seconds on a busy machine."""
        end = time.monotonic() + 10
        while True:
            reference = self.switches[0].dump_flows()()
            short = any(c in flows and f["n_packets"] == flows[c]["n_packets"] and
                        f["n_bytes"] < flows[c]["n_bytes"] for c, f in reference.items())
            if not short or time.monotonic() > end:
                return reference
            time.sleep(0.2)

    def check_flows(self, phase):
        dumps = self.each(lambda s: s.dump_flows())
        reference = dumps[0]
        if self.coverage:
            self.coverage.flows(reference.values(), self.meta)
        self.reference_flows = reference
        for s, flows in zip(self.switches[1:], dumps[1:]):
            if s.lossy:
                continue
            flows = self.counted(s, flows, reference)
            if self.numbers(flows) != self.numbers(reference):
                self.reference_flows = reference = self.asked_again(flows)
            for cookie in sorted(set(reference) | set(flows)):
                a, b = reference.get(cookie), flows.get(cookie)
                if a is None or b is None:
                    self.problem("phase %d: flow 0x%x is only in %s: %s" % (
                        phase, cookie, s.name if b else self.switches[0].name,
                        (a or b)["line"]))
                elif s.forgets and b["n_packets"] < a["n_packets"]:
                    s.forgotten += a["n_packets"] - b["n_packets"]
                elif (a["n_packets"], a["n_bytes"]) != (b["n_packets"], b["n_bytes"]):
                    self.problem("phase %d: flow counters differ:\n  %-10s %s\n  %-10s %s" % (
                        phase, self.switches[0].name, a["line"], s.name, b["line"]))
                elif (a["table"], a["priority"], a["match"], a["actions"]) != (
                        b["table"], b["priority"], b["match"], b["actions"]):
                    self.problem("phase %d: flows are shown differently:\n  %-10s %s\n  %-10s %s"
                                 % (phase, self.switches[0].name, a["line"], s.name, b["line"]))

    def check_width(self):
        for s in self.switches[1:]:
            bad = s.width_violations()
            if bad:
                self.problem("%s: %d megaflows are wider than their decisions" % (s.name, bad))

    def check_ports(self, unwatched=()):
        """`unwatched`: ports that were down, where what was sent is nowhere to be seen."""
        self.wire.ask("ports")
        truth = {}
        for name, port, *numbers in self.wire.lines:
            truth.setdefault(name, {})[int(port)] = tuple(map(int, numbers))
        self.truth = truth
        for s, counters in zip(self.switches, self.each(lambda s: s.counters_read())):
            if s.lossy:
                continue
            for port, want in truth[s.name].items():
                got = counters.get(port)
                if port not in unwatched and not s.counted_right(port, got, want):
                    self.problem("%s: port %s counters are %r, on the wire were %r "
                                 "(rx packets, rx bytes, tx packets, tx bytes)" % (
                                     s.name, port or "LOCAL", got, want))

    def check_lossy(self, s, harmed, copies):
        """A switch that may lose packets loses none but those that its device did not come to count
        or that were inside of it when it went; and it counts nothing that was not there. A port may
        have sent `copies` of each."""
        truth, end = self.truth[s.name], time.monotonic() + s.patience
        outages, s.outages = s.outages, 0
        while True:  # what the device counted is told late
            ports = s.counters_read()()
            missing = sum(truth[p][0] - ports[p][0] for p in truth if p in s.bound())
            if not missing or time.monotonic() > end:
                break
            time.sleep(0.1)
        inside = s.INSIDE * outages
        self.unaccounted += missing
        if harmed > missing + inside:
            self.problem("%s: of %d packets something is lost, but ports miss %d, and %d may have been "
                         "inside of the device" % (s.name, harmed, missing, inside))
        slack = missing + inside
        # Who receives in software and sends through the device is missed by no port that receives.
        unseen = slack + sum(truth[p][0] for p in truth if p not in s.bound())
        for port, want in truth.items():
            got = ports[port]
            room = slack if port in s.bound() else 0
            if not (want[0] - room <= got[0] <= want[0] and
                    want[2] - unseen * copies <= got[2] <= want[2]):
                self.problem("%s: port %s counters are %r, on the wire were %r, %d packets may be "
                             "missing, %d more may have come in software, %d copies of each" % (
                                 s.name, port or "LOCAL", got, want, slack, unseen - slack, copies))
        flows = s.dump_flows()()
        # Ports are read more often than rules. What a process takes with it that is killed within a
        # second of the first packet may be all that rules have counted.
        for cookie, a in self.reference_flows.items():
            b = flows.get(cookie)
            room = a["n_packets"] if outages and s.forgets else slack
            if b is None:
                self.problem("%s: flow 0x%x is not there: %s" % (s.name, cookie, a["line"]))
            elif not a["n_packets"] - room <= b["n_packets"] <= a["n_packets"]:
                self.problem("%s: flow counters differ by more than %d:\n  %-10s %s\n  %-10s %s" % (
                    s.name, room, self.switches[0].name, a["line"], s.name, b["line"]))

    def report(self, index, profile, packets):
        text = "program %d of seed %d (%s): %d problems\n" % (
            index, self.seed, profile, len(self.problems))
        text += "\n".join(self.problems[:4])
        if not self.keep:
            return text
        where = os.path.join(self.keep, "seed-%d-program-%d" % (self.seed, index))
        shutil.rmtree(where, ignore_errors=True)
        shutil.copytree(self.dir, where)
        with open(where + "/report", "w") as f:
            f.write("\n".join(self.problems) + "\n")
        again = "tests/run diff --seed %d --only %d --packets-per-program %d --phases %d" % (
            self.seed, index, packets, self.phases)
        with open(where + "/again", "w") as f:
            f.write(again + "\n")
        with open(self.dir + "/rules.0") as f:
            rules = f.readlines()
        text += "\nprogram (%d flow-mods, all of them in %s):\n%s" % (
            len(rules), where, "".join(rules[:25]))
        return text + "\nto repeat: " + again


def median(numbers):
    return statistics.median(numbers) if numbers else 0


def megaflow_report(diff, enforce):
    """Sluice may make no more megaflows than the reference."""
    problems = []
    want = diff.megaflows[diff.switches[0].name]
    for s in diff.switches:
        got = diff.megaflows[s.name]
        slu.log("megaflows %-10s total %d, median %g" % (s.name, sum(got), median(got)))
        if s is not diff.switches[0] and enforce and (
                sum(got) > sum(want) or median(got) > median(want)):
            worst = sorted(range(len(got)), key=lambda i: want[i] - got[i])[:5]
            problems.append("%s makes more megaflows than %s; worst programs: %s" % (
                s.name, diff.switches[0].name,
                ", ".join("%d (%d against %d)" % (i, got[i], want[i]) for i in worst)))
    return problems


def run_programs(diff, indices, packets, max_divergences):
    bad, last = [], time.monotonic()
    for done, index in enumerate(indices, 1):
        try:
            diff.program(index, packets)
        except Divergence as e:
            bad.append(str(e))
            slu.log("DIVERGENCE " + str(e) + "\n")
            if len(bad) >= max_divergences:
                slu.log("giving up after %d divergent programs" % len(bad))
                break
        if time.monotonic() - last > 30:
            last = time.monotonic()
            slu.log("%d programs, %d packets" % (done, diff.packets))
    return bad


def packets_for(total, programs):
    """Packets of an ordinary program, such that all of them together are `total`."""
    wide = len([i for i in programs if i % 100 == 42])
    ordinary = len(programs) - wide
    if not ordinary:
        return WIDE_PACKETS
    return max(40, -(-(total - wide * WIDE_PACKETS) // ordinary))


DEVICES = {"software": None, "nic": "sim:nic", "asic-small": "sim:asic-small", "flaky": "sim:flaky",
           "nic-noresume": "sim:nic-noresume", "nic-objects": "sim:nic-objects"}


def make_switches(names):
    switches = []
    for name in names:
        if name.startswith("ovs"):
            switches.append(OvsUnderTest(name))
        elif name == "kernel":
            from kernelswitch import KernelUnderTest
            switches.append(KernelUnderTest(name, "ebpf"))
        else:
            switches.append(SluiceUnderTest(name, DEVICES[name]))
    for s in switches:
        s.wait_ports()
    return switches


def compare(args):
    programs = [args.only] if args.only is not None else list(range(args.programs))
    per_program = args.packets_per_program or packets_for(args.packets, programs)
    full = len(programs) >= 200 and args.packets >= 100000
    switches = make_switches(args.switches.split(","))
    coverage = Coverage()
    keep = os.environ.get("SLU_KEEP", os.path.join(slu.BUILD, "divergences"))
    diff = Diff(switches, args.seed, args.phases, coverage, keep)
    diff.verbose = args.verbose
    start = time.monotonic()
    bad = run_programs(diff, programs, per_program, args.max_divergences)
    diff.wire.close()
    slu.log("seed %d: %d programs, %d packets, %d forwarded (%.1f%%), %d divergent programs, %.0f s" % (
        args.seed, len(diff.megaflows[switches[0].name]), diff.packets, diff.forwarded,
        100.0 * diff.forwarded / max(1, diff.packets), len(bad), time.monotonic() - start))
    slu.log("time: " + ", ".join("%s %.0f s" % t for t in sorted(diff.took.items())))
    problems = megaflow_report(diff, len(programs) >= 200)
    for s in switches:
        problems += s.paths_report(full)
    if diff.forwarded < 0.6 * diff.packets and full:
        problems.append("only %d of %d packets are forwarded" % (diff.forwarded, diff.packets))
    problems += coverage.report(full, args.verbose)
    for s in switches:
        try:
            s.stop()
        except slu.Failure as e:
            problems.append(str(e))
    for p in problems:
        slu.log("PROBLEM " + p)
    return 1 if bad or problems else 0


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--programs", type=int, default=200)
    p.add_argument("--packets", type=int, default=100000, help="over all programs")
    p.add_argument("--packets-per-program", type=int)
    p.add_argument("--only", type=int, help="run only this program")
    p.add_argument("--phases", type=int, default=2)
    p.add_argument("--switches", default="ovs,software,nic,asic-small")
    p.add_argument("--max-divergences", type=int, default=5)
    p.add_argument("--mutations", nargs="?", const="all", metavar="N,N,...",
                   help="judge the test itself by seeded faults")
    p.add_argument("--verbose", action="store_true")
    args = p.parse_args()
    try:
        if args.mutations:
            from mutations import judge
            return judge(args)
        return compare(args)
    except slu.Failure as e:
        slu.log("FAILED %s" % e)
        show_logs()
        return 1


if __name__ == "__main__":
    sys.exit(main())
