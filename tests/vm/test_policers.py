#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Meters by the TC driver, under each policy, and on request (ebpf) by the eBPF driver: what they let
through is within 2% of their rate and burst, and they say so. No policer is left in the kernel in the
end."""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "diff")]
from guestswitch import GuestUnderTest  # noqa: E402
from test_meters import measure  # noqa: E402

SECONDS = 12.0  # of which a loaded machine may lose a quarter of one
# As in tests/diff/test_meters.py, few enough for a guest, and with bursts that outlast its pauses.
CASES = (
    (1, 2, "pktps,burst,band=type=drop,rate=40,burst_size=80", 150, 40, 80),
    (3, 4, "kbps,burst,band=type=drop,rate=200,burst_size=400", 150, 50, 100),
    (5, 1, "pktps,burst,band=type=drop,rate=1000,burst_size=200", 100, 100, 0),  # never in force
)


def check(policy):
    s = GuestUnderTest(policy, policy)
    s.wait_ports()
    bad = measure(s, CASES, SECONDS, s.patience)
    by_device, in_software = s.paths()
    print("%-10s %d packets by the device, %d in software" % (policy, by_device, in_software))
    bad += by_device < in_software
    s.sw.ofctl("del-meters", "br0")
    s.stop()
    left = re.findall(r"police 0x\w+", s.output)
    if left:
        print("%-10s policers are left: %s" % (policy, left))
    for word in ("BUG", "WARNING:", "Oops"):
        if word in s.kernel_log:
            print("%-10s the kernel's log: %s" % (policy, s.kernel_log[-2000:]))
            bad += 1
    return bad + len(left)


def main():
    policies = sys.argv[1:] or ("skip_hw", "skip_sw")
    return 1 if sum([check(policy) for policy in policies]) else 0


if __name__ == "__main__":
    sys.exit(main())
