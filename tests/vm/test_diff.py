#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The differential test against the kernel's drivers: the same programs and packets through Open
vSwitch's userspace datapath here, and through Sluice in a guest with a TC device, or an eBPF one.

test_diff.py [--policy P]... [--programs N] [--packets N] [--seed N] [--only N]
test_diff.py --mutations [N,N,...]
"""
import argparse
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "diff")]
import slu  # noqa: E402
from coverage import REFUSALS, Coverage  # noqa: E402
from diff import Diff, packets_for, run_programs  # noqa: E402
from guestswitch import GuestUnderTest  # noqa: E402
from switches import OvsUnderTest  # noqa: E402

POLICIES = "none", "skip_hw", "skip_sw", "ebpf"  # the last is a device of its own
# What the programs do not make a device refuse: a kernel has room, and eBPF matches all that is parsed.
KERNEL_NEVER = ("no room now",)
NEVER = {"skip_sw": (), "ebpf": ("no room now", "unsupported field", "unsupported mask")}
WHOLE = 200  # programs that exercise everything, and a device most of all


def compare(policy, args):
    """Problems of one policy."""
    start = time.monotonic()
    switches = [OvsUnderTest("ovs-" + policy, purged=True), GuestUnderTest(policy, policy)]
    for s in switches:
        s.wait_ports()
    slu.log("%s: the guest is ready after %.0f s" % (policy, time.monotonic() - start))
    whole = args.only is None and args.programs >= WHOLE
    coverage = Coverage([r for r in REFUSALS if r not in NEVER.get(policy, KERNEL_NEVER)])
    diff = Diff(switches, args.seed, args.phases, coverage, os.path.join(slu.BUILD, "divergences"))
    diff.verbose = args.verbose
    programs = [args.only] if args.only is not None else range(args.programs)
    bad = run_programs(diff, list(programs), packets_for(args.packets, programs), 3)
    diff.wire.close()
    by_device, in_software = switches[1].paths()
    switches[1].paths_report(False)
    problems = ["%d divergent programs" % len(bad)] if bad else []
    problems += switches[1].audited()
    if by_device < (in_software if whole else args.packets / 8):  # few programs prove little
        problems.append("only %d of %d packets were handled by the device" % (
            by_device, by_device + in_software))
    problems += coverage.report(whole, args.verbose)
    if whole and diff.forwarded < 0.6 * diff.packets:
        problems.append("only %d of %d packets were forwarded" % (diff.forwarded, diff.packets))
    for s in switches:
        s.stop()
    if bad and args.verbose:
        slu.log(switches[1].output)
    for word in ("BUG", "WARNING:", "Oops"):
        if word in switches[1].kernel_log:
            problems.append("the kernel's log: " + switches[1].kernel_log[-2000:])
    slu.log("%s: seed %d, %d programs, %d packets, %d forwarded, %d divergent, %.0f s (%s)" % (
        policy, args.seed, len(programs), diff.packets, diff.forwarded, len(bad),
        time.monotonic() - start, ", ".join("%s %.0f s" % t for t in sorted(diff.took.items()))))
    return ["%s: %s" % (policy, p) for p in problems]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--policy", action="append", choices=POLICIES)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--programs", type=int, default=5)
    p.add_argument("--packets", type=int, default=1250, help="by policy")
    p.add_argument("--phases", type=int, default=2)
    p.add_argument("--only", type=int)
    p.add_argument("--mutations", nargs="?", const="all", metavar="N,N,...",
                   help="judge the test itself by seeded faults")
    p.add_argument("--verbose", action="store_true")
    args = p.parse_args()
    if args.mutations:
        from mutations import judge_guest
        args.programs = max(args.programs, 30)
        return judge_guest(args)
    problems = []
    for policy in args.policy or POLICIES:
        problems += compare(policy, args)
    for problem in problems:
        slu.log("PROBLEM " + problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
