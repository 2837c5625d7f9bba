#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A bond of a card's ports is a port of the card."""
import os

import guest
import slu
from nettest import expect, expect_equal, expect_in, main

HERE = os.path.dirname(os.path.abspath(__file__))


def test_uplink():
    status, output, log = guest.run("bash %s/bond.sh %s %s %s" % (
        HERE, slu.program("sluiced"), slu.program("sluicectl"),
        guest.module(os.path.join(HERE, "testnic"))), timeout=240, cpus=2)
    print(output)
    expect_equal(status, 0, "exit status")
    expect_in("all of it holds", output, "the end")
    for bad in ("BUG", "WARNING:", "Oops", "refcount"):
        expect(bad not in log, "the kernel's log has no %s:\n%s" % (bad, log[-3000:]))


if __name__ == "__main__":
    main()
