#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The TC driver keeps the contract of drivers, under each policy."""
import os
import re

import guest
import slu
from nettest import expect, expect_equal, main

HERE = os.path.dirname(os.path.abspath(__file__))


def test_contract():
    module = guest.module(os.path.join(HERE, "testnic"))
    status, output, log = guest.run(
        "bash %s/contract.sh %s %s" % (HERE, module, slu.program("contract-test")), timeout=240)
    print(output)
    expect_equal(status, 0, "exit status")
    sums = re.findall(r"^tc:(\w+): (\d+) passed, (\d+) failed", output, re.M)
    expect_equal([policy for policy, _, _ in sums], ["none", "skip_hw", "skip_sw"], "policies")
    for policy, passed, failed in sums:
        expect(int(passed) > 20 and failed == "0",
               "%s: %s passed, %s failed" % (policy, passed, failed))
    for bad in ("BUG", "WARNING", "Oops", "refcount"):
        expect(bad not in log, "the kernel's log has no %s:\n%s" % (bad, log[-3000:]))


if __name__ == "__main__":
    main()
