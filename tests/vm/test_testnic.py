#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The test card in its own right: what tests of drivers rest on."""
import os

import guest
from nettest import expect, expect_equal, expect_in, main

HERE = os.path.dirname(os.path.abspath(__file__))


def test_card():
    module = guest.module(os.path.join(HERE, "testnic"))
    status, output, log = guest.run("bash %s/testnic.sh %s" % (HERE, module), timeout=180)
    print(output)
    expect_equal(status, 0, "exit status")
    expect_in("all of it holds", output, "the end")
    for bad in ("BUG", "WARNING", "Oops", "refcount"):
        expect(bad not in log, "the kernel's log has no %s:\n%s" % (bad, log[-3000:]))


if __name__ == "__main__":
    main()
