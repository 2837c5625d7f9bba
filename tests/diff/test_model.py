#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The differential test of what the datapath model has beyond matching and forwarding:
recirculation, connection tracking, groups, tunnels, Nicira's actions. Programs of families
(families.py) and their packets go through the same switches as those of diff.py, and are compared
by the same means."""
import argparse
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import slu  # noqa: E402
from diff import Diff, Divergence, make_switches  # noqa: E402
from families import ACTIONS, FAMILIES  # noqa: E402

LEAST = 20


class ModelDiff(Diff):
    """Programs of families, each by a number of its own."""

    def __init__(self, switches, seed):
        super().__init__(switches, seed, 2)
        self.seen = dict.fromkeys(ACTIONS, 0)
        self.by_family = {}

    def program(self, index, rounds):
        family = FAMILIES[index % len(FAMILIES)]
        rng = random.Random(self.seed * 100003 + index)
        program = family(rng, 0x4000 + index)
        self.problems, self.meta = [], {}
        self.wire.ask("begin", 0x4000 + index, self.dir)
        self.each(lambda s: s.model_start(index // len(FAMILIES) % 2 == 0))
        self.each(lambda s: s.counters_start())
        forwarded = self.forwarded
        for phase in range(2):
            self.model_phase(program, phase, rounds)
        self.check_ports()
        sent, ok, divergent, lost = map(int, self.wire.ask("verdict"))
        if divergent:
            with open(self.dir + "/divergences") as f:
                self.problems.insert(0, "%d packets were treated differently\n%s" % (
                    divergent, f.read()))
        self.packets += sent
        self.forwarded += ok
        count = self.by_family.setdefault(family.__name__, [0, 0, 0])
        count[0] += 1
        count[1] += sent
        count[2] += self.forwarded - forwarded
        for s in self.switches[1:]:
            bad = s.width_violations()
            if bad:
                self.problem("%s: %d megaflows are wider than their decisions" % (s.name, bad))
        if self.problems:
            raise Divergence(self.model_report(index, family, rounds))

    def model_phase(self, program, phase, rounds):
        groups, flows = program.rules(phase)
        paths = []
        for name, lines in (("groups", groups), ("rules", flows)):
            paths.append("%s/%s.%d" % (self.dir, name, phase))
            with open(paths[-1], "w") as f:
                f.write("".join(line + "\n" for line in lines))
        if not phase:
            self.each(lambda s: s.clear())
        if groups:
            self.each(lambda s: s.load_groups(paths[0]))
        self.each(lambda s: s.load(paths[1]))
        self.each(lambda s: s.sync())
        # Counters of a group outlive a modification here, and start anew in the reference.
        before = [s.dump_groups() for s in self.switches] if groups else None
        path = "%s/packets.%d" % (self.dir, phase)
        with open(path, "w") as f:
            for batch in program.packets(phase, rounds):
                for port, frame in batch:
                    f.write("%d %s\n" % (port, frame.hex()))
                f.write("settle\n")
                if program.STATEFUL:
                    f.write("fence\n")
                if program.PAUSE_MS:
                    f.write("pause %d\n" % program.PAUSE_MS)
        missing, strays = map(int, self.wire.ask("replay", phase, path))
        if missing or strays:
            self.problem("%d fences did not come back, %d frames are not ours" % (missing, strays))
        self.each(lambda s: s.settle())
        for s in self.switches:
            s.megaflows()
            if self.coverage:
                s.cover(self.coverage)
        dumps = self.each(lambda s: s.model_flows())
        self.count_actions(dumps[0])
        self.compare_flows(phase, program, dumps)
        if groups:
            self.compare_groups(phase, [
                {g: tuple(n - o for n, o in zip(now, old.get(g, now))) for g, now in d.items()}
                for d, old in zip([s.dump_groups() for s in self.switches], before)])

    def count_actions(self, flows):
        for f in flows.values():
            if not f["n_packets"]:
                continue
            text = f["match"] + " actions=" + f["actions"]
            for name, pattern in ACTIONS.items():
                if re.search(pattern, text):
                    self.seen[name] += 1

    def compare_flows(self, phase, program, dumps):
        reference = dumps[0]
        for s, flows in zip(self.switches[1:], dumps[1:]):
            for cookie in sorted(set(reference) | set(flows)):
                a, b = reference.get(cookie), flows.get(cookie)
                if a is None or b is None:
                    self.problem("phase %d: flow 0x%x is only in %s: %s" % (
                        phase, cookie[0], s.name if b else self.switches[0].name,
                        (a or b)["line"]))
                elif cookie[0] not in program.uncounted and (
                        (a["n_packets"], a["n_bytes"]) != (b["n_packets"], b["n_bytes"])):
                    self.problem("phase %d: flow counters differ:\n  %-10s %s\n  %-10s %s" % (
                        phase, self.switches[0].name, a["line"], s.name, b["line"]))
                elif (a["table"], a["priority"], a["match"], a["actions"]) != (
                        b["table"], b["priority"], b["match"], b["actions"]):
                    self.problem("phase %d: flows are shown differently:\n  %-10s %s\n  %-10s %s"
                                 % (phase, self.switches[0].name, a["line"], s.name, b["line"]))

    def compare_groups(self, phase, dumps):
        for s, groups in zip(self.switches[1:], dumps[1:]):
            if groups != dumps[0]:
                for number in sorted(set(groups) | set(dumps[0])):
                    if groups.get(number) != dumps[0].get(number):
                        self.problem("phase %d: group %s differs:\n  %-10s %s\n  %-10s %s" % (
                            phase, number, self.switches[0].name, dumps[0].get(number), s.name,
                            groups.get(number)))

    def model_report(self, index, family, rounds):
        text = "program %d of seed %d (%s): %d problems\n" % (
            index, self.seed, family.__name__, len(self.problems))
        text += "\n".join(self.problems[:4])
        with open(self.dir + "/rules.0") as f:
            rules = f.readlines()
        text += "\nprogram:\n" + "".join(rules[:40])
        return text + "\nto repeat: tests/diff/test_model.py --seed %d --only %d --rounds %d" % (
            self.seed, index, rounds)


def compare(args):
    switches = make_switches(args.switches.split(","), env={"SLUICE_WIDTH_ORACLE": "1"})
    if args.tunnels:
        for s in switches:
            s.add_tunnels()
    diff = ModelDiff(switches, args.seed)
    for s in switches:
        s.match_fragments()
    start, last, bad = time.monotonic(), time.monotonic(), []
    order = [args.only] if args.only is not None else range(args.programs)
    if args.family:
        order = [i for i in order if FAMILIES[i % len(FAMILIES)].__name__ == args.family]
    for done, index in enumerate(order, 1):
        try:
            diff.program(index, args.rounds)
        except Divergence as e:
            bad.append(str(e))
            slu.log("DIVERGENCE " + str(e) + "\n")
            if len(bad) >= args.max_divergences:
                slu.log("giving up after %d divergent programs" % len(bad))
                break
        if time.monotonic() - last > 30:
            last = time.monotonic()
            slu.log("%d programs, %d packets" % (done, diff.packets))
    diff.wire.close()
    slu.log("seed %d: %d packets, %d forwarded (%.1f%%), %d divergent programs, %.0f s" % (
        args.seed, diff.packets, diff.forwarded, 100.0 * diff.forwarded / max(1, diff.packets),
        len(bad), time.monotonic() - start))
    for name, (programs, sent, forwarded) in sorted(diff.by_family.items()):
        slu.log("  %-12s %3d programs, %5d packets, %5d forwarded" % (
            name, programs, sent, forwarded))
    problems = []
    least = min(diff.seen, key=diff.seen.get)
    slu.log("occurrences: %d of %d, least often %s (%d)" % (
        sum(1 for n in diff.seen.values() if n), len(diff.seen), least, diff.seen[least]))
    if args.verbose:
        slu.log("  " + ", ".join("%s %d" % c for c in sorted(diff.seen.items())))
    if not args.family and args.only is None and args.programs >= 100:
        problems += ["%s occurred only %d times" % c for c in diff.seen.items() if c[1] < LEAST]
        if diff.forwarded < 0.6 * diff.packets:
            problems.append("only %d of %d packets are forwarded" % (diff.forwarded, diff.packets))
    for s in switches:
        s.paths_report(False)
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
    p.add_argument("--programs", type=int, default=165)
    p.add_argument("--rounds", type=int, default=12, help="of packets, in each of two phases")
    p.add_argument("--only", type=int, help="run only this program")
    p.add_argument("--family", help="run only programs of this family")
    p.add_argument("--switches", default="ovs,software,nic")
    p.add_argument("--max-divergences", type=int, default=5)
    p.add_argument("--no-tunnels", dest="tunnels", action="store_false")
    p.add_argument("--verbose", action="store_true")
    args = p.parse_args()
    try:
        return compare(args)
    except slu.Failure as e:
        slu.log("FAILED %s" % e)
        return 1


if __name__ == "__main__":
    sys.exit(main())
