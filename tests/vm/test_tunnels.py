#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tunnels on the kernel as a device, by its BPF programs: Debian's kernel takes them, and understands
with its own tunnels what they make."""
import guest
import slu
from nettest import main


def tunnels(kind):
    guest.holds("tunnels.sh", slu.program("sluiced"), slu.program("sluicectl"), kind, timeout=600)


def test_vxlan():
    tunnels("vxlan")


def test_geneve():
    tunnels("geneve")


if __name__ == "__main__":
    main()
