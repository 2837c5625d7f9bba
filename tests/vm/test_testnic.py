#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The test card in its own right: what tests of drivers rest on."""
import guest
from nettest import main


def test_card():
    guest.holds("testnic.sh", guest.card(), timeout=180, cpus=1)


if __name__ == "__main__":
    main()
