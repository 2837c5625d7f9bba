#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A bond of a card's ports is a port of the card."""
import guest
import slu
from nettest import main


def test_uplink():
    guest.holds("bond.sh", slu.program("sluiced"), slu.program("sluicectl"), guest.card(),
                timeout=240)


if __name__ == "__main__":
    main()
