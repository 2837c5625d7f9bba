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
from diff import Diff, Divergence, packets_for, run_programs  # noqa: E402
from families_kernel import Refused  # noqa: E402
from families_meter import Meters  # noqa: E402
from kernelswitch import KernelUnderTest  # noqa: E402
from model import ModelDiff, expect_objects  # noqa: E402
from switches import OvsUnderTest, show_logs  # noqa: E402


ROUNDS = 12  # of packets, in each phase of a family's programs
FULL = 200  # programs from which on a run has to be worth something
# What the driver can refuse of a program: other codes need faults.
REFUSALS = ("unsupported field", "unsupported action", "unsupported combination",
            "port not on the device", "no room now")
FAMILIES = (Meters, Refused)
EACH = 3  # programs of each of these


def plain(args, switches, coverage, programs):
    """Programs of flows: (the differ, what diverged, packets by the device and in software)."""
    diff = Diff(switches, args.seed, args.phases, coverage, os.path.join(slu.BUILD, "divergences"))
    diff.verbose = args.verbose
    bad = run_programs(diff, programs, packets_for(args.packets, programs), 3)
    diff.wire.close()
    return diff, bad, switches[1].paths()


def of_families(args, switches, coverage):
    """What those do not come to: meters, and all kinds of refusals."""
    diff, bad = ModelDiff(switches, args.seed, FAMILIES, 0x5000, coverage), []
    for i in range(EACH * len(FAMILIES)):
        try:
            diff.program(i, ROUNDS)
        except Divergence as e:
            bad.append(str(e))
            slu.log("DIVERGENCE " + str(e) + "\n")
    diff.wire.close()
    problems = []
    for name, (programs, packets, forwarded) in diff.by_family.items():
        hw, sw = diff.shares.get((name, switches[1].name), (0, 0))
        slu.log("%s: %d programs, %d packets, %d forwarded, %d by the device, %d in software" % (
            name, programs, packets, forwarded, hw, sw))
        if name == "Meters" and hw < sw:
            problems.append("the device handled only %d of %d metered packets" % (hw, hw + sw))
    return bad, problems + expect_objects(diff, switches[1].name, ("meter",))


def worth(diff, by_device):
    """What the packets of the plain programs have to be worth."""
    problems = []
    if 5 * diff.forwarded < 3 * diff.packets:
        problems.append("only %d of %d packets were forwarded" % (diff.forwarded, diff.packets))
    if 2 * by_device < diff.forwarded:
        problems.append("only %d of %d packets were forwarded by the device" % (
            by_device, diff.forwarded))
    return problems


def compare(args):
    start = time.monotonic()
    switches = [OvsUnderTest(), KernelUnderTest("ebpf", "ebpf")]
    for s in switches:
        s.wait_ports()
    coverage = Coverage(REFUSALS)
    programs = [args.only] if args.only is not None else list(range(args.programs))
    diff, bad, (by_device, in_software) = plain(args, switches, coverage, programs)
    slu.log("ebpf: seed %d, %d programs, %d packets, %d forwarded, %d by the device, %d in software,"
            " %d divergent, %.0f s (%s)" % (
                args.seed, len(programs), diff.packets, diff.forwarded, by_device, in_software,
                len(bad), time.monotonic() - start,
                ", ".join("%s %.0f s" % t for t in sorted(diff.took.items()))))
    problems = [] if args.only is not None else worth(diff, by_device)
    if args.only is None and not bad:
        bad, more = of_families(args, switches, coverage)
        problems += more
    switches[1].paths_report(False)
    problems += ["%d divergent programs" % len(bad)] if bad else []
    problems += switches[1].audited()
    problems += coverage.report(len(programs) >= FULL and not bad, args.verbose)
    if bad and args.verbose:
        show_logs()
    for s in switches:
        s.stop()
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
