#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rules go into a card through the driver about as fast as tc -batch puts the same ones in."""
import statistics

import insertion
from nettest import expect, main

ROUNDS = 3
TARGET = 0.9


def test_insertions():
    rounds = insertion.rates(ROUNDS)
    for r in rounds:
        print("driver: insert %d rules/s, delete %d; tc: insert %d, delete %d" % (
            r["driver"] + r["tc"]))
    insert, delete = ([r["driver"][i] / r["tc"][i] for r in rounds] for i in (0, 1))
    print("insert-tc: %.2f of tc -batch (%.2f-%.2f); deletions %.2f" % (
        statistics.median(insert), min(insert), max(insert), statistics.median(delete)))
    expect(statistics.median(insert) >= TARGET, "insertions reach %.2f of tc -batch's rate, not %.2f"
           % (statistics.median(insert), TARGET))


if __name__ == "__main__":
    main()
