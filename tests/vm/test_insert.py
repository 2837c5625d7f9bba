#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rules go into a card through the driver about as fast as tc -batch puts the same ones in."""
import os
import re
import statistics

import guest
import slu
from nettest import expect, expect_equal, main

HERE = os.path.dirname(os.path.abspath(__file__))
RULES, ROUNDS = 10000, 3
TARGET = 0.9


def measure(rules, rounds):
    """Ratios of insertions, and of deletions, round by round."""
    status, output, _ = guest.run("bash %s/insert.sh %s %s %d %d" % (
        HERE, slu.program("insert-tc"), guest.module(os.path.join(HERE, "testnic")), rules, rounds),
        timeout=300)
    print(output)
    expect_equal(status, 0, "exit status")
    found = {who: re.findall("^%s: insert (\\d+) rules/s, delete (\\d+)" % who, output, re.M)
             for who in ("driver", "tc")}
    expect_equal((len(found["driver"]), len(found["tc"])), (rounds, rounds), "rounds")
    return [[int(a[i]) / int(b[i]) for a, b in zip(found["driver"], found["tc"])] for i in (0, 1)]


def test_insertions():
    insert, delete = measure(RULES, ROUNDS)
    print("insert-tc: %.2f of tc -batch (%.2f-%.2f); deletions %.2f" % (
        statistics.median(insert), min(insert), max(insert), statistics.median(delete)))
    expect(statistics.median(insert) >= TARGET, "insertions reach %.2f of tc -batch's rate, not %.2f"
           % (statistics.median(insert), TARGET))


if __name__ == "__main__":
    main()
