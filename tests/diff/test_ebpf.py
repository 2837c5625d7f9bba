#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The differential test against the eBPF driver: the same programs and packets through Open vSwitch's
userspace datapath, and through Sluice whose device is the running kernel.

test_ebpf.py [--programs N] [--packets N] [--seed N] [--only N]
test_ebpf.py --mutations [N,N,...]
"""
import argparse
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), HERE]
import slu  # noqa: E402
from coverage import Coverage  # noqa: E402
from diff import Diff, packets_for, run_programs  # noqa: E402
from kernelswitch import KernelUnderTest  # noqa: E402
from switches import OvsUnderTest, show_logs  # noqa: E402


def compare(args):
    start = time.monotonic()
    switches = [OvsUnderTest(), KernelUnderTest("ebpf", "ebpf")]
    for s in switches:
        s.wait_ports()
    coverage = Coverage()
    diff = Diff(switches, args.seed, args.phases, coverage, os.path.join(slu.BUILD, "divergences"))
    diff.verbose = args.verbose
    programs = [args.only] if args.only is not None else range(args.programs)
    bad = run_programs(diff, list(programs), packets_for(args.packets, programs), 3)
    diff.wire.close()
    by_device, in_software = switches[1].paths()
    switches[1].paths_report(False)
    problems = ["%d divergent programs" % len(bad)] if bad else []
    problems += switches[1].audited()
    if by_device < args.packets / 4:
        problems.append("only %d of %d packets were handled by the device" % (
            by_device, by_device + in_software))
    coverage.report(False, args.verbose)
    if bad and args.verbose:
        show_logs()
    for s in switches:
        s.stop()
    slu.log("ebpf: seed %d, %d programs, %d packets, %d forwarded, %d divergent, %.0f s (%s)" % (
        args.seed, len(programs), diff.packets, diff.forwarded, len(bad),
        time.monotonic() - start, ", ".join("%s %.0f s" % t for t in sorted(diff.took.items()))))
    return problems


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--programs", type=int, default=20)
    p.add_argument("--packets", type=int, default=5000)
    p.add_argument("--phases", type=int, default=2)
    p.add_argument("--only", type=int)
    p.add_argument("--mutations", nargs="?", const="all", metavar="N,N,...",
                   help="judge the test itself by seeded faults")
    p.add_argument("--verbose", action="store_true")
    args = p.parse_args()
    if args.mutations:
        from mutations import judge_kernel
        args.programs = max(args.programs, 60)
        return judge_kernel(args)
    problems = compare(args)
    for problem in problems:
        slu.log("PROBLEM " + problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
