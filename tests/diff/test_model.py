#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The differential test of what the datapath model has beyond matching and forwarding:
recirculation, connection tracking, groups, tunnels, Nicira's actions. Programs of families
(families.py) and their packets go through the same switches as those of diff.py, and are compared
by the same means."""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import slu  # noqa: E402
from coverage import Coverage  # noqa: E402
from diff import Divergence, make_switches  # noqa: E402
from families import ALONE, FAMILIES  # noqa: E402
from model import ModelDiff, expect_objects, order, worth  # noqa: E402
from switches import show_logs  # noqa: E402

LEAST = 20
FULL = 119  # programs from which on a run has to be worth something

# Devices that take turns beside software and sim:nic.
TURNS = ("nic-noresume", "nic-objects", "asic-small")
# What the device of each has to hold some time or other.
OBJECTS = {"nic": ("meter", "tunnel", "connection"), "nic-objects": ("group", "mirror", "meter")}
# What asic-small refuses, by name, and how often at least. The first thing that a device lacks is
# the one that is named: others of its lacks come only beside a match or a port that it lacks, too.
REFUSED = {"ct": LEAST, "meter": LEAST, "hash": LEAST, "clone": LEAST, "check_pkt_len": LEAST,
           "tunnel_pop": LEAST, "tunnel_push": LEAST // 2}


class Run:
    """Programs one after another, until too many diverge."""

    def __init__(self, args):
        self.args, self.bad, self.last = args, [], time.monotonic()

    def programs(self, diff, indices):
        for index in indices:
            if len(self.bad) >= self.args.max_divergences:
                slu.log("giving up after %d divergent programs" % len(self.bad))
                return
            try:
                diff.program(index, self.args.rounds)
            except Divergence as e:
                self.bad.append(str(e))
                slu.log("DIVERGENCE " + str(e) + "\n")
            if time.monotonic() - self.last > 30:
                self.last = time.monotonic()
                slu.log("program %d, %d packets" % (index, diff.packets))


def occurred(diff, groups, args, enforce):
    counts = worth(diff, *groups)
    least = min(counts, key=counts.get)
    slu.log("occurrences: %d of %d, least often %s (%d)" % (
        sum(1 for n in counts.values() if n), len(counts), least, counts[least]))
    if args.verbose:
        slu.log("  " + ", ".join("%s %d" % c for c in sorted(counts.items())))
    return ["%s occurred only %d times" % c for c in counts.items() if c[1] < LEAST and enforce]


def shares(diff, switch, enforce):
    """At least half of the packets are for the device; not less than 2 of 5 of each family that it
    can have: how many come before their megaflow is placed depends on the machine."""
    problems, all_hw, all_sw = [], 0, 0
    for family in dict.fromkeys(diff.families):
        hw, sw = diff.shares.get((family.__name__, switch), (0, 0))
        slu.log("  %-12s on %-12s %5d by the device, %5d in software" % (
            family.__name__, switch, hw, sw))
        all_hw += hw
        all_sw += sw
        if enforce and family.HALF and 5 * hw < 2 * (hw + sw):
            problems.append("%s: the device forwarded only %d of %d packets of %s" % (
                switch, hw, hw + sw, family.__name__))
    if enforce and all_hw < all_sw:
        problems.append("%s: the device forwarded only %d of %d packets" % (
            switch, all_hw, all_hw + all_sw))
    return problems


def refused(coverage, args, enforce):
    """Refusals by their codes, and of asic-small by what it lacks."""
    slu.log("refused: " + ", ".join("%s %d" % c for c in coverage.refusals.most_common()))
    lacks = {name: n for (device, name), n in coverage.lacking.items() if device == "asic-small"}
    slu.log("asic-small lacks: " + ", ".join("%s %d" % c for c in sorted(lacks.items())))
    if args.verbose:
        slu.log("  " + ", ".join("%s %d" % c for c in coverage.details.most_common()))
    return ["asic-small refused %s only %d times" % (name, lacks.get(name, 0))
            for name, least in REFUSED.items() if lacks.get(name, 0) < least and enforce]


def run_all(args, switches, coverage):
    """The programs that have a reference, then those that have none: (both differs, problems)."""
    run = Run(args)
    base = [switches[name] for name in args.switches.split(",")]
    diff = ModelDiff(base, args.seed, coverage=coverage)
    indices = [] if args.alone else order(args, FAMILIES)
    turns = args.turns.split(",") if args.turns else [None]
    for i, name in enumerate(turns):
        if name:
            diff.use(base + [switches[name]])
        run.programs(diff, indices[len(indices) * i // len(turns):
                                   len(indices) * (i + 1) // len(turns)])
    diff.wire.close()
    alone = ModelDiff([s for s in switches.values() if not s.name.startswith("ovs")], args.seed,
                      ALONE, 0x6000, coverage)
    indices = order(args, ALONE)
    run.programs(alone, indices if args.alone else indices[:len(indices) // 4 + 6])
    alone.wire.close()
    return diff, alone, run.bad


def compare(args):
    start = time.monotonic()
    names = args.switches.split(",") + (args.turns.split(",") if args.turns else [])
    switches = dict(zip(names, make_switches(names)))
    for s in switches.values():
        s.add_tunnels()
    coverage = Coverage()
    diff, alone, bad = run_all(args, switches, coverage)
    enforce = (not args.family and args.only is None and args.programs >= FULL and
               not args.alone and not bad)
    problems = []
    for what, some in (("with a reference", diff), ("alone", alone)):
        slu.log("seed %d, %s: %d packets, %d forwarded (%.1f%%)" % (
            args.seed, what, some.packets, some.forwarded,
            100.0 * some.forwarded / max(1, some.packets)))
        for name, (programs, sent, forwarded) in sorted(some.by_family.items()):
            slu.log("  %-12s %3d programs, %5d packets, %5d forwarded" % (
                name, programs, sent, forwarded))
    if diff.forwarded < 0.6 * diff.packets and enforce:
        problems.append("only %d of %d packets are forwarded" % (diff.forwarded, diff.packets))
    problems += occurred(diff, (), args, enforce)
    problems += occurred(alone, (("group select, several buckets",),), args, enforce)
    for name in names:
        if switches[name].device:
            problems += shares(diff, name, enforce and name == "nic")
    slu.log("objects: " + ", ".join("%s %s %d" % (s, t, n) for (s, t), n in sorted(
        diff.objects.items())))
    for name, types in OBJECTS.items():
        problems += expect_objects(diff, name, types) if enforce and name in names else []
    problems += refused(coverage, args, enforce and "asic-small" in names)
    for s in switches.values():
        s.paths_report(False)
        try:
            s.stop()
        except slu.Failure as e:
            problems.append(str(e))
    slu.log("%d divergent programs, %.0f s" % (len(bad), time.monotonic() - start))
    for p in problems:
        slu.log("PROBLEM " + p)
    return 1 if bad or problems else 0


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--programs", type=int, default=119)
    p.add_argument("--rounds", type=int, default=12, help="of packets, in each of two phases")
    p.add_argument("--only", type=lambda s: [int(n) for n in s.split(",")], metavar="N,N,...",
                   help="run only these programs")
    p.add_argument("--family", help="run only programs of this family")
    p.add_argument("--alone", action="store_true", help="only programs that have no reference")
    p.add_argument("--switches", default="ovs,software,nic")
    p.add_argument("--turns", default=",".join(TURNS), help="devices that take turns beside them")
    p.add_argument("--max-divergences", type=int, default=5)
    p.add_argument("--verbose", action="store_true")
    args = p.parse_args()
    try:
        return compare(args)
    except slu.Failure as e:
        slu.log("FAILED %s" % e)
        show_logs()
        return 1


if __name__ == "__main__":
    sys.exit(main())
