#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The kernel's drivers keep the contract of drivers on Debian's kernel: TC under each policy, and
eBPF."""
import os
import re

import guest
import slu
from nettest import expect, expect_equal, main

HERE = os.path.dirname(os.path.abspath(__file__))


def test_contract():
    module = guest.module(os.path.join(HERE, "testnic"))
    status, output, log = guest.run(
        "bash %s/contract.sh %s %s" % (HERE, module, slu.program("contract-test")), timeout=400)
    print(output)
    expect_equal(status, 0, "exit status")
    sums = re.findall(r"^((?:tc|ebpf):\w*): (\d+) passed, (\d+) failed", output, re.M)
    expect_equal([device for device, _, _ in sums], ["tc:none", "tc:skip_hw", "tc:skip_sw", "ebpf:"],
                 "devices")
    for device, passed, failed in sums:
        expect(int(passed) > 20 and failed == "0",
               "%s: %s passed, %s failed" % (device, passed, failed))
    for bad in ("BUG", "WARNING", "Oops", "refcount"):
        expect(bad not in log, "the kernel's log has no %s:\n%s" % (bad, log[-3000:]))


if __name__ == "__main__":
    main()
