#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Filters that the TC driver writes take, in the kernel, exactly the packets that their matches
cover."""
import os
import re

import guest
import slu
from nettest import expect, expect_equal, main

MATCHES, SEED = 1000, 1
SCRIPT = """
set -e
ip link add slu0 type veth peer name slu1
for i in slu0 slu1; do
    sysctl -qw net.ipv6.conf.$i.disable_ipv6=1
    ip link set $i mtu 9000 up
done
modprobe tun
exec %s slu0 slu1 %d %d
"""


def test_matches_against_the_kernel():
    path = os.path.join(guest.HOME, "flower.sh")
    os.makedirs(guest.HOME, exist_ok=True)
    with open(path, "w") as f:
        f.write(SCRIPT % (slu.program("flower-match"), MATCHES, SEED))
    status, output, _ = guest.run("bash " + path, timeout=240)
    print(output)
    numbers = re.search(r"(\d+) matches, (\d+) refused, (\d+) packets taken, (\d+) not taken, "
                        r"(\d+) leaked, (\d+) divergent", output)
    expect(numbers, "no result, exit status %d:\n%s" % (status, output))
    n, refused, taken, passed, leaked, divergent = map(int, numbers.groups())
    expect_equal(divergent, 0, "matches of which the kernel makes something else")
    expect(leaked < taken / 50, "%d of %d packets are left to software" % (leaked, taken))
    expect(refused < n / 5, "%d of %d matches are refused" % (refused, n))
    expect(taken > 3 * n and passed > 3 * n, "%d packets taken, %d not" % (taken, passed))


if __name__ == "__main__":
    main()
