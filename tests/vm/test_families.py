#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Programs with label stacks and with meters by the TC driver, as tests/diff/test_model.py runs them:
through Open vSwitch's userspace datapath here, and through Sluice with a TC device in a guest.

test_families.py [--policy P]... [--programs N] [--rounds N] [--seed N]
"""
import argparse
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "diff")]
import slu  # noqa: E402
from diff import Divergence  # noqa: E402
from families import FAMILIES  # noqa: E402
from guestswitch import GuestUnderTest  # noqa: E402
from model import ModelDiff  # noqa: E402
from switches import OvsUnderTest  # noqa: E402

CHOSEN = ("Mpls", "Meters")


def run(diff, args):
    bad = []
    for index in range(args.programs):
        try:
            diff.program(index, args.rounds)
        except Divergence as e:
            bad.append(str(e))
            slu.log("DIVERGENCE " + str(e) + "\n")
    return bad


def compare(policy, args):
    """Problems of one policy."""
    start = time.monotonic()
    switches = [OvsUnderTest("ovs-" + policy), GuestUnderTest(policy, policy)]
    for s in switches:
        s.wait_ports()
    diff = ModelDiff(switches, args.seed, [f for f in FAMILIES if f.__name__ in CHOSEN])
    bad = run(diff, args)
    diff.wire.close()
    problems = ["%d divergent programs" % len(bad)] if bad else []
    for family in CHOSEN:
        hw, sw = diff.shares.get((family, policy), (0, 0))
        slu.log("  %-8s %5d by the device, %5d in software" % (family, hw, sw))
        if 10 * hw < hw + sw:  # a slow machine places them late
            problems.append("the device forwarded only %d of %d packets of %s" % (
                hw, hw + sw, family))
    slu.log("refused: " + ", ".join("%s %d" % c for c in diff.coverage.details.most_common()))
    for s in switches:
        s.stop()
    for word in ("BUG", "WARNING:", "Oops"):
        if word in switches[1].kernel_log:
            problems.append("the kernel's log: " + switches[1].kernel_log[-2000:])
    slu.log("%s: seed %d, %d programs, %d packets, %d forwarded, %d divergent, %.0f s" % (
        policy, args.seed, args.programs, diff.packets, diff.forwarded, len(bad),
        time.monotonic() - start))
    return ["%s: %s" % (policy, p) for p in problems]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--policy", action="append", choices=("none", "skip_hw", "skip_sw"))
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--programs", type=int, default=4)
    p.add_argument("--rounds", type=int, default=6, help="of packets, in each of two phases")
    args = p.parse_args()
    problems = []
    for policy in args.policy or ("skip_hw", "skip_sw"):
        problems += compare(policy, args)
    for problem in problems:
        slu.log("PROBLEM " + problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
