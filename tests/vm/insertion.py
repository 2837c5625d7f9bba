# SPDX-License-Identifier: Apache-2.0
"""How fast rules go into the test card and out again: by the driver, and by tc -batch."""
import os
import re

import guest
import slu
from slu import expect_equal

HERE = os.path.dirname(os.path.abspath(__file__))
RULES = 10000
WAYS = ("driver", "tc")


def rates(rounds):
    """Both ways in turn, in a guest: of each round {way: (insertions, deletions)}, a second."""
    status, output, _ = guest.run("bash %s/insert.sh %s %s %d %d" % (
        HERE, slu.program("insert-rules"), guest.module(os.path.join(HERE, "testnic")), RULES, rounds),
        timeout=300)
    expect_equal(status, 0, "exit status: " + output)
    found = [[(int(a), int(b)) for a, b in re.findall(
        "^%s: insert (\\d+) rules/s, delete (\\d+)" % way, output, re.M)] for way in WAYS]
    expect_equal([len(f) for f in found], [rounds] * len(WAYS), "rounds")
    return [dict(zip(WAYS, pair)) for pair in zip(*found)]
