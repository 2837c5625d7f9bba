#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""os-ken's patterns of OpenFlow 1.0, 1.3 and 1.4: matches, actions, groups and meters."""
import contextlib

from conform import Bench, files, patterns_folder
from nettest import main

LANES = {"1.0": 1, "1.3": 4, "1.4": 4}
FAST = 10000  # packets a second, from which on a pattern has the machine for itself


@contextlib.contextmanager
def bench(lab, lanes):
    b = Bench(lab, lanes)
    try:
        yield b
        b.verdicts.check()
    finally:
        b.close()


def test_packets(lab):
    with bench(lab, LANES) as b:
        b.run([f for version in LANES for kind in ("action", "match")
               for f in files(version, kind)])


def rates(versions):
    return [f for version in versions for kind in ("group", "meter") for f in files(version, kind)]


def test_rates(lab):
    lanes = {"1.3": 6, "1.4": 6}
    with bench(lab, lanes) as b:
        b.run([f for f in rates(lanes) if f.rate() < FAST], 5)


def test_fast_rates(lab):
    lanes = {"1.3": 1, "1.4": 1}
    with bench(lab, lanes) as b:
        for version in lanes:
            b.run([f for f in rates([version]) if f.rate() >= FAST], 3)


if __name__ == "__main__":
    if patterns_folder():
        main()
    else:
        print("no pattern files of os-ken: OSKEN_PATTERNS names the folder that holds them")
