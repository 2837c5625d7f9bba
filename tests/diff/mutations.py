# SPDX-License-Identifier: Apache-2.0
"""Judges the differential test: each seeded fault of the tree has to be detected.

The build has -Dmutations=true; SLUICE_MUTATION=N in the environment switches fault N on. A fault
counts as detected when a program diverges, more megaflows are made than Open vSwitch makes, or a
switch dies.
"""
import os
import re
import time

import slu

LEAST = 30
TIMES = 150  # programs before a fault counts as missed
PACKETS = 500


def known():
    """Numbers of all seeded faults, and where they are."""
    found = {}
    for folder in ("hal", "drivers", "offload", "swpath", "ofctl", "tools"):
        for where, _, names in os.walk(os.path.join(slu.ROOT, folder)):
            for name in names:
                path = os.path.join(where, name)
                if not name.endswith((".c", ".h")) or path.endswith("hal/mutation.h"):
                    continue
                with open(path) as f:
                    for i, line in enumerate(f, 1):
                        for n in re.findall(r"\bMUTATE\(\s*(\d+)", line):
                            found[int(n)] = "%s:%d" % (os.path.relpath(path, slu.ROOT), i)
    return found


def build():
    """A build with the faults in it, beside the ordinary one."""
    where = slu.BUILD + "-mutations"
    if not os.path.exists(where + "/build.ninja"):
        slu.run("meson", "setup", where, slu.ROOT, "-Dmutations=true", "-Dtests=enabled",
                timeout=600)
    slu.run("ninja", "-C", where, "tools/sluiced/sluiced", "tools/simnic/sluice-simnic",
            "tests/diff/sluice-diff", timeout=3600)
    slu.BUILD = where


def detect(reference, number, args, order):
    """Runs programs with the fault; returns what gave it away, or None."""
    from diff import Diff, Divergence
    from switches import SluiceUnderTest
    tag = "%d" % number
    switches = [reference]
    diff = None
    try:
        for name, device in (("software", None), ("nic", "sim:nic"), ("asic", "sim:asic-small")):
            switches.append(SluiceUnderTest(name + tag, device, env={"SLUICE_MUTATION": tag}))
        for s in switches[1:]:
            s.wait_ports()
        diff = Diff(switches, args.seed, args.phases)
        for index in order[:args.programs if args.programs < 200 else TIMES]:
            diff.program(index, PACKETS)
        for s in switches[1:]:
            if sum(diff.megaflows[s.name]) > 1.1 * sum(diff.megaflows[reference.name]):
                return "%s makes too many megaflows" % s.name
            if not s.sw.alive():
                return "%s died" % s.name
        return None
    except Divergence:
        return "program %d: %s" % (index, diff.problems[0].splitlines()[0])
    except slu.Failure as e:
        return "failure: " + str(e).splitlines()[0]
    finally:
        if diff:
            diff.wire.proc.kill()
            diff.wire.close()
        for s in switches[1:]:
            s.sw.kill()
            s.ns.delete()


def judge(args):
    from diff import make_switches
    found = known()
    wanted = sorted(found) if args.mutations == "all" else [
        int(n) for n in args.mutations.split(",")]
    build()
    reference = make_switches(["ovs"])[0]
    # Kinds of programs take turns, so that few programs see much.
    order = [i for i in range(200) if i % 100 != 42]
    sound = detect(reference, 0, args, order)
    if sound:
        slu.log("without a fault: %s" % sound)
        reference.stop()
        return 1
    missed = []
    for number in wanted:
        start = time.monotonic()
        how = detect(reference, number, args, order)
        slu.log("fault %3d %-36s %s (%.0f s)" % (
            number, found.get(number, "?"), how or "NOT DETECTED", time.monotonic() - start))
        if not how:
            missed.append(number)
    reference.stop()
    slu.log("%d of %d seeded faults are detected" % (len(wanted) - len(missed), len(wanted)))
    if args.mutations == "all" and len(wanted) < LEAST:
        slu.log("PROBLEM there are only %d seeded faults" % len(wanted))
        return 1
    return 1 if missed else 0
