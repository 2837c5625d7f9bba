#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The guest itself: it boots Debian's kernel, sees this host's files, and what a script says and
how it ends comes back."""
import os
import time

import guest
from nettest import expect, expect_equal, expect_in, main


def test_what_a_script_says_and_how_it_ends():
    start = time.monotonic()
    marker = os.path.join(guest.ROOT, "tests/vm/test_guest.py")
    status, output, _ = guest.run(
        'sh -c "uname -r; ls %s; echo $COLOUR; touch /written-in-the-guest; exit 7"' % marker,
        env={"COLOUR": "green"})
    print("it took %.1f s" % (time.monotonic() - start))
    expect_equal(status, 7, "exit status")
    expect_equal(output.split(), [guest.abi() + "-amd64", marker, "green"], "output")
    expect(not os.path.exists("/written-in-the-guest"), "what a guest writes stays there")


def test_modules_of_the_kernel():
    status, output, _ = guest.run(
        'sh -ec "ip link add slu0 type veth peer name slu1; tc qdisc add dev slu0 clsact;'
        'tc filter add dev slu0 ingress protocol ip flower dst_ip 10.0.0.1 action drop;'
        'tc filter show dev slu0 ingress"')
    expect_equal(status, 0, "exit status, with\n" + output)
    expect_in("not_in_hw", output, "the filter")


def test_no_end():
    try:
        guest.run("sleep 1000", timeout=8)
    except guest.Broken as e:
        expect_in("no end after 8 s", str(e), "what is said of a guest that hangs")
    else:
        raise AssertionError("a guest that hangs is not noticed")


if __name__ == "__main__":
    main()
