#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The differential test of tunnels by the eBPF driver: programs of the families about tunnels, and
their packets, through Open vSwitch's userspace datapath, and through Sluice whose device is the
running kernel.

test_ebpf_tunnels.py [--programs N] [--rounds N] [--seed N] [--only N]
"""
import argparse
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), HERE]
import slu  # noqa: E402
from diff import Divergence  # noqa: E402
from families import Overlays, Tunnels  # noqa: E402
from kernelswitch import KernelUnderTest  # noqa: E402
from model import ModelDiff  # noqa: E402
from switches import OvsUnderTest, show_logs  # noqa: E402

FULL = 16  # programs from which on a run has to be worth something


def run(diff, args):
    bad = []
    for index in [args.only] if args.only is not None else range(args.programs):
        try:
            diff.program(index, args.rounds)
        except Divergence as e:
            bad.append(str(e))
            slu.log("DIVERGENCE " + str(e) + "\n")
    return bad


def compare(args):
    """Copies of which one goes into a tunnel are not for this device, nor are options: it has a part
    of these programs only."""
    start = time.monotonic()
    switches = [OvsUnderTest(), KernelUnderTest("ebpf", "ebpf")]
    for s in switches:
        s.add_tunnels()
        s.wait_ports()
    diff = ModelDiff(switches, args.seed, [Tunnels, Overlays])
    bad = run(diff, args)
    diff.wire.close()
    problems = ["%d divergent programs" % len(bad)] if bad else []
    problems += switches[1].audited()
    for family in ("Tunnels", "Overlays"):
        hw, sw = diff.shares.get((family, "ebpf"), (0, 0))
        slu.log("  %-8s %5d by the device, %5d in software" % (family, hw, sw))
        if args.programs >= FULL and args.only is None and 10 * hw < hw + sw:
            problems.append("the device forwarded only %d of %d packets of %s" % (
                hw, hw + sw, family))
    slu.log("refused: " + ", ".join("%s %d" % c for c in diff.coverage.details.most_common()))
    if bad and args.verbose:
        show_logs()
    for s in switches:
        s.stop()
    slu.log("ebpf, tunnels: seed %d, %d programs, %d packets, %d forwarded, %d divergent, %.0f s" % (
        args.seed, args.programs, diff.packets, diff.forwarded, len(bad), time.monotonic() - start))
    return problems


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--programs", type=int, default=FULL)
    p.add_argument("--rounds", type=int, default=12)
    p.add_argument("--only", type=int)
    p.add_argument("--verbose", action="store_true")
    problems = compare(p.parse_args())
    for problem in problems:
        slu.log("PROBLEM " + problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
