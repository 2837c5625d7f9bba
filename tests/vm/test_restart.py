#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sluiced is killed and started again: traffic that its TC device carries goes on, and its rules are
taken up as they are."""
import os

import guest
import slu
from nettest import expect, expect_equal, expect_in, main

HERE = os.path.dirname(os.path.abspath(__file__))


def restart(policy):
    status, output, log = guest.run("bash %s/restart.sh %s %s %s %s" % (
        HERE, slu.program("sluiced"), slu.program("sluicectl"),
        guest.module(os.path.join(HERE, "testnic")), policy), timeout=150, cpus=2)
    print(output)
    expect_equal(status, 0, "exit status")
    expect_in("all of it holds", output, "the end")
    for bad in ("BUG", "WARNING:", "Oops", "refcount"):
        expect(bad not in log, "the kernel's log has no %s:\n%s" % (bad, log[-3000:]))


def test_restart_with_rules_in_the_kernel():
    restart("skip_hw")


def test_restart_with_rules_in_the_card():
    restart("skip_sw")


if __name__ == "__main__":
    main()
