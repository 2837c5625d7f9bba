#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rules of the TC device are taken away and altered behind sluiced's back: the audit finds, counts
and repairs it, and leaves what is somebody else's."""
import guest
import slu
from nettest import main


def audit(policy):
    guest.holds("audit.sh", slu.program("sluiced"), slu.program("sluicectl"), guest.card(), policy,
                timeout=200)


def test_rules_in_the_kernel_are_repaired():
    audit("skip_hw")


def test_rules_in_the_card_are_repaired():
    audit("skip_sw")


if __name__ == "__main__":
    main()
