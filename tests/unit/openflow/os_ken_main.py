#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Round trips of every message of every version with contents by chance, os-ken's codec at the other
end: os_ken_main.py OF-MIRROR. What os-ken encodes, the switch keeps and tells, or reports; what the
switch tells, both know. A kind of request that is served and was not tried fails; a seed
(SLUICE_SEED) tries the same again."""
import os
import random
import struct
import sys
import time

import os_ken_extensions
import os_ken_trips
from os_ken_peer import NAMES, NICIRA, ONF, Failed, Mirror, Peer
from os_ken_random import Random

ROUNDS = 25
# Flow monitors are tried where they are served.
ELSEWHERE = {(1, "multipart request", NICIRA, 2), (5, "multipart request", 16),
             (6, "multipart request", 16),
             (4, "multipart request", NICIRA, 2), (1, "experimenter", NICIRA, 21)}
# What a switch says, but for answers: error, packet-in, flow-removed, port-status; Nicira's.
SAID = {(v, "message", t) for v in NAMES for t in (1, 10, 11, 12)} | {
    (v, "message", 30) for v in (5, 6)} | {
    (v, "experimenter", NICIRA, t) for v in NAMES for t in (11, 17, 26, 30)} | {
    (1, "experimenter", NICIRA, 14)}


def try_version(mirror, version, seed):
    """Lines that say what failed."""
    failed = []
    for module in os_ken_trips, os_ken_extensions:
        often, once = module.trips(version)
        for trip, rounds in [(t, ROUNDS) for t in often] + [(t, 1) for t in once]:
            peer = Peer(mirror, version)
            rnd = Random(random.Random("%d %d %s" % (seed, version, trip.__name__)), peer)
            try:
                for _ in range(rounds):
                    trip(peer, rnd)
            except (Failed, OSError, ValueError, AttributeError, KeyError, TypeError,
                    struct.error) as e:
                failed.append("%s, OpenFlow %s: %s: %s" % (
                    trip.__name__, NAMES[version], type(e).__name__, e))
                if os.environ.get("SLUICE_TRACE"):
                    import traceback
                    traceback.print_exc()
            peer.close()
    peer = Peer(mirror, version)
    for one in sorted((set(peer.served()) - mirror.seen) - ELSEWHERE, key=str):
        failed.append("served and not tried: %s" % (one,))
    peer.close()
    return failed


def main():
    seed = int(os.environ.get("SLUICE_SEED") or time.time_ns() & 0xffffffff) or 1
    mirror, failed = Mirror(sys.argv[1], seed), []
    for version in NAMES:
        failed += try_version(mirror, version, seed)
    failed += ["never said: %s" % (one,) for one in sorted(SAID - mirror.seen, key=str)]
    mirror.close()
    for line in failed:
        print("FAILED " + line)
    print("SLUICE_SEED=%d: %d kinds of messages" % (seed, len(mirror.seen)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
