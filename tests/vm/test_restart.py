#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sluiced is killed and started again: traffic that its TC device carries goes on, and its rules are
taken up as they are."""
import guest
import slu
from nettest import main


def restart(policy):
    guest.holds("restart.sh", slu.program("sluiced"), slu.program("sluicectl"), guest.card(), policy,
                timeout=150)


def test_restart_with_rules_in_the_kernel():
    restart("skip_hw")


def test_restart_with_rules_in_the_card():
    restart("skip_sw")


if __name__ == "__main__":
    main()
