#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rules of the TC device are taken away and altered behind sluiced's back: the audit finds, counts
and repairs it, and leaves what is somebody else's."""
import os

import guest
import slu
from nettest import expect, expect_equal, expect_in, main

HERE = os.path.dirname(os.path.abspath(__file__))


def audit(policy):
    status, output, log = guest.run("bash %s/audit.sh %s %s %s %s" % (
        HERE, slu.program("sluiced"), slu.program("sluicectl"),
        guest.module(os.path.join(HERE, "testnic")), policy), timeout=200, cpus=2)
    print(output)
    expect_equal(status, 0, "exit status")
    expect_in("all of it holds", output, "the end")
    for bad in ("BUG", "WARNING:", "Oops", "refcount"):
        expect(bad not in log, "the kernel's log has no %s:\n%s" % (bad, log[-3000:]))


def test_rules_in_the_kernel_are_repaired():
    audit("skip_hw")


def test_rules_in_the_card_are_repaired():
    audit("skip_sw")


if __name__ == "__main__":
    main()
