# SPDX-License-Identifier: Apache-2.0
"""Judges the differential test: each seeded fault of the tree has to be detected.

The build has -Dmutations=true; SLUICE_MUTATION=N in the environment switches fault N on. A fault
counts as detected when a program diverges, more megaflows are made than Open vSwitch makes, or a
switch dies. What else goes wrong says nothing of the fault, and the fault is tried again.

Faults below MODEL are judged by the programs of diff.py, the others, and what these miss, by those
of test_model.py; those from GUEST on, which are of the TC driver, by tests/vm/test_diff.py, and those
from KERNEL on, of the eBPF driver, by test_ebpf.py.
"""
import os
import re
import subprocess
import time

import slu

LEAST = 30
MODEL = 400  # numbers from here on are of the datapath model
GUEST = 500  # and from here on of what runs in a guest
KERNEL = 600  # and from here on of what runs in the kernel here
TIMES = 150  # programs before a fault counts as missed
MODEL_TIMES = 85
PACKETS = 500
ROUNDS = 12
TRIES = 3

# Where a fault is says which families of programs are most likely to meet it: these come first.
FIRST = (
    ("ofctl/pipeline/xlate_ct", "Conntrack"), ("ofctl/pipeline/xlate_group", "Groups"),
    ("ofctl/pipeline/xlate_nested", "Nested"), ("ofctl/pipeline/xlate_learn", "Learning"),
    ("ofctl/pipeline/xlate_tunnel", "Tunnels"), ("ofctl/pipeline/conjunction", "Conjunction"),
    ("ofctl/pipeline/fr", "Conntrack"), ("swpath/ct/frag", "Fragments"),
    ("swpath/ct/nat", "Nat"), ("swpath/ct", "Conntrack"), ("swpath/meter", "Meters Remarks"),
    ("swpath/tunnel", "Tunnels"), ("offload/chain", "Nested Conntrack Mpls"),
    ("offload/object.c", "Meters Groups"), ("offload/connection", "Conntrack Nat"),
    ("offload/rewrite", "Nested Groups"), ("tools/simnic/object", "Groups"),
    ("tools/simnic/meter", "Meters Remarks"), ("tools/simnic/tunnel", "Tunnels"),
    ("drivers/ebpf/meter", "Meters"), ("tools/simnic/connection", "Nat Conntrack"),
    ("tools/simnic/execute", "Nested"),
)


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
                    text = f.read()
                for m in re.finditer(r"\bMUTATE\(\s*(\d+)", text):
                    found.setdefault(int(m[1]), "%s:%d" % (
                        os.path.relpath(path, slu.ROOT), text.count("\n", 0, m.start(1)) + 1))
    return found


def build(*more):
    """A build with the faults in it, beside the ordinary one."""
    where = slu.BUILD + "-mutations"
    if not os.path.exists(where + "/build.ninja"):
        slu.run("meson", "setup", where, slu.ROOT, "-Dmutations=true", "-Dtests=enabled",
                timeout=600)
    slu.run("ninja", "-C", where, "tools/sluiced/sluiced", "tools/simnic/sluice-simnic",
            "tests/diff/sluice-diff", "tests/unit/tc/unit-tc", *more, timeout=3600)
    slu.BUILD = where


class Plain:
    """How faults below MODEL are judged."""
    name = "plain"
    DEVICES = {"software": None, "nic": "sim:nic", "asic": "sim:asic-small"}
    most = 1.1  # times as many megaflows as Open vSwitch

    def __init__(self, args):
        self.args = args

    def devices(self, where):
        return self.DEVICES

    @staticmethod
    def make(name, device, env):
        from switches import SluiceUnderTest
        return SluiceUnderTest(name, device, env=env)

    def run(self, reference, switches, where):
        """Raises Divergence, or returns what else gives the fault away, or None."""
        from diff import Diff
        # Kinds of programs take turns, so that few programs see much.
        order = [i for i in range(200) if i % 100 != 42]
        diff = Diff([reference] + switches, self.args.seed, self.args.phases)
        try:
            for index in order[:self.args.programs if self.args.programs < 200 else TIMES]:
                self.now = "program %d" % index
                diff.program(index, PACKETS)
            for s in switches:
                if sum(diff.megaflows[s.name]) > self.most * sum(diff.megaflows[reference.name]):
                    return "%s makes too many megaflows" % s.name
        finally:
            diff.wire.kill()
        return None


class Model:
    """How the others are."""
    name = "model"
    DEVICES = {"software": None, "nic": "sim:nic"}
    # Beside these, where the fault may matter to such a device only.
    MORE = {"noresume": "sim:nic-noresume", "objects": "sim:nic-objects"}
    make = staticmethod(Plain.make)
    SPECIAL = ("offload/", "tools/simnic/object", "tools/simnic/execute", "?")

    def __init__(self, args):
        self.args = args

    def devices(self, where):
        return dict(self.DEVICES, **self.MORE) if not where or where.startswith(self.SPECIAL) else \
            self.DEVICES

    def run(self, reference, switches, where):
        from families import ALONE, FAMILIES
        from model import ModelDiff
        names = next((n for p, n in FIRST if where.startswith(p)), "").split()
        times = min(self.args.programs, MODEL_TIMES)
        parts = (([reference] + switches, FAMILIES, range(times)),
                 (switches, ALONE, range(times // 4)))
        for likely in (True, False):
            for some, families, indices in parts:
                order = [i for i in indices
                         if (families[i % len(families)].__name__ in names) == likely]
                diff = ModelDiff(some, self.args.seed, families) if order else None
                try:
                    for index in order:
                        self.now = "program %d (%s)" % (
                            index, families[index % len(families)].__name__)
                        diff.program(index, ROUNDS)
                finally:
                    if diff:
                        diff.wire.kill()
        return None


def attempt(reference, number, where, judge, n):
    """Runs programs with the fault: (what gave it away or None, what went wrong or None)."""
    from diff import Divergence
    switches, model = [], isinstance(judge, Model)
    env = {"SLUICE_MUTATION": str(number)}
    if model:
        env["SLUICE_WIDTH_ORACLE"] = "1"
    judge.now = "the start"
    try:
        for name, device in judge.devices(where).items():
            # Each its own name: a switch finds the database of one of the same name.
            own = "%s%d-%s%d" % (name, number, "m" if model else "", n)
            switches.append(judge.make(own, device, env))
        for s in switches:
            s.wait_ports()
            if model:
                s.add_tunnels()
        return judge.run(reference, switches, where), None
    except Divergence as e:
        if not number:
            slu.log(str(e))
        return "%s: %s" % (judge.now, " ".join(e.problems[0].splitlines()[:1])), None
    except (slu.Failure, OSError, ValueError) as e:
        dead = [s.name for s in switches if not s.alive()]
        if dead:
            return "%s: %s died" % (judge.now, dead[0]), None
        return None, "%s: %s" % (judge.now, " ".join(str(e).split())[:200])
    finally:
        for s in switches:
            s.kill()


def detect(reference, number, where, judge):
    """What gave the fault away, or None; and what went wrong, if that is all there is to say."""
    for n in range(TRIES):
        how, wrong = attempt(reference, number, where, judge, n)
        if how or not wrong:
            return how, None
        slu.log("  fault %d, try %d: %s" % (number, n + 1, wrong))
    return None, wrong


def sound(reference, judge):
    """No fault may be found where there is none."""
    how, wrong = detect(reference, 0, "", judge)
    if how or wrong:
        raise slu.Failure("without a fault: %s" % (how or wrong))


def judge_some(faults, judge, progress):
    """Judges some faults; returns those that were missed."""
    from diff import make_switches
    if not faults:
        return []
    reference = make_switches(["ovs-" + judge.name])[0]
    if isinstance(judge, Model):
        reference.add_tunnels()
    sound(reference, judge)
    missed = []
    for number, where in faults:
        start = time.monotonic()
        how, wrong = detect(reference, number, where, judge)
        progress(number, where, how or "NOT DETECTED" + (": " + wrong if wrong else ""),
                 time.monotonic() - start)
        if not how:
            missed.append((number, where))
    reference.stop()
    return missed


def verdict(args, wanted, missed):
    if missed:
        slu.log("PROBLEM not detected: " + ", ".join(str(n) for n, _ in missed))
    if args.mutations == "all" and len(wanted) < LEAST:
        slu.log("PROBLEM there are only %d seeded faults" % len(wanted))
        return 1
    return 1 if missed else 0


def judge(args):
    found = known()
    wanted = sorted(n for n in found if n < GUEST) if args.mutations == "all" else [
        int(n) for n in args.mutations.split(",")]
    build()
    start, done = time.monotonic(), []

    def progress(number, where, how, took):
        done.append(number)
        slu.log("%d of %d: fault %3d %-36s %s (%.0f s)" % (
            len(set(done)), len(wanted), number, where, how, took))
    faults = [(n, found.get(n, "?")) for n in wanted]
    missed = judge_some([f for f in faults if f[0] < MODEL], Plain(args), progress)
    # What the programs of diff.py cannot see those of test_model.py may.
    missed = judge_some([f for f in faults if f[0] >= MODEL] + missed, Model(args), progress)
    slu.log("%d of %d seeded faults are detected, %.0f s" % (
        len(wanted) - len(missed), len(wanted), time.monotonic() - start))
    return verdict(args, wanted, missed)


class Guest(Plain):
    """How faults of the TC driver are judged: its rules in the kernel, then in the card."""
    most = 1.5  # flower has to know more of a packet

    def __init__(self, args, policy):
        super().__init__(args)
        self.policy = self.name = policy

    def devices(self, where):
        return {self.policy: self.policy}

    @staticmethod
    def make(name, device, env):
        from guestswitch import GuestUnderTest
        return GuestUnderTest(name, device, env)

    def run(self, reference, switches, where):
        found = super().run(reference, switches, where)
        return found or next((p for s in switches for p in s.audited()), None)


def by_units(faults, progress):
    """Those that the driver's unit tests do not see, either: what few packets need."""
    missed = []
    for number, where in faults:
        start = time.monotonic()
        code = slu.run(os.path.join(slu.BUILD, "tests/unit/tc/unit-tc"), check=False,
                       env=dict(os.environ, SLUICE_MUTATION=str(number))).returncode
        progress(number, where, "its unit tests" if code else "NOT DETECTED",
                 time.monotonic() - start)
        if not code:
            missed.append((number, where))
    return missed


def judge_guest(args):
    """The same for the faults from GUEST on. LEAST have to be seen by what packets become."""
    found = known()
    wanted = sorted(n for n in found if GUEST <= n < KERNEL) if args.mutations == "all" else [
        int(n) for n in args.mutations.split(",")]
    build()
    missed = [(n, found.get(n, "?")) for n in wanted]

    def progress(number, where, how, took):
        slu.log("fault %3d %-36s %s (%.0f s)" % (number, where, how, took))
    for policy in args.policy or ("skip_hw", "skip_sw"):
        missed = judge_some(missed, Guest(args, policy), progress)
    seen = len(wanted) - len(missed)
    missed = by_units(missed, progress)
    slu.log("%d of %d seeded faults are detected, %d of them by packets" % (
        len(wanted) - len(missed), len(wanted), seen))
    if args.mutations == "all" and seen < LEAST:
        slu.log("PROBLEM fewer than %d are seen by packets" % LEAST)
        return 1
    return verdict(args, wanted, missed)


class Kernel(Plain):
    """How faults of the eBPF driver are judged."""
    DEVICES = {"ebpf": "ebpf"}
    most = 1.5

    @staticmethod
    def make(name, device, env):
        from kernelswitch import KernelUnderTest
        return KernelUnderTest(name, device, env)

    def run(self, reference, switches, where):
        """An audit that finds something wrong gives a fault away, too."""
        how = super().run(reference, switches, where)
        for s in switches:
            for d in s.sw.rpc_json("offload/log", "10000"):
                if "audit" in d["decision"]:
                    return "the audit: " + d["decision"]
        return how


class KernelModel(Model):
    """The same by the datapath model: what the programs of diff.py do not come to."""
    make = staticmethod(Kernel.make)

    def devices(self, where):
        return Kernel.DEVICES


# A contract of packets over wires, in namespaces of its own.
CONTRACT = ("unshare", "--mount", "--net", "sh", "-c",
            'mount --make-rprivate / && mount -t bpf bpf /sys/fs/bpf && exec "$@"', "sh")


def fails(number, *command):
    """Whether it does with the fault, but not without."""
    env = dict(os.environ, SLU_BUILD=slu.BUILD, PYTHONPATH=os.path.join(slu.ROOT, "tests/lib"))
    ends = [subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           timeout=300, env=dict(env, SLUICE_MUTATION=str(n))).returncode
            for n in (number, 0)]
    return ends[0] not in (0, 77) and ends[1] == 0


def judge_by(faults, progress, commands):
    """Those that none of the commands, by their names, detects."""
    missed = []
    for number, where in faults:
        start = time.monotonic()
        how = next((name for name, command in commands.items() if fails(number, *command)), None)
        progress(number, where, how or "NOT DETECTED", time.monotonic() - start)
        if not how:
            missed.append((number, where))
    return missed


def judge_kernel(args):
    """The same for the faults from KERNEL on. LEAST have to be seen by what packets become."""
    found = known()
    wanted = sorted(n for n in found if n >= KERNEL) if args.mutations == "all" else [
        int(n) for n in args.mutations.split(",")]
    build("tests/unit/ebpf/unit-ebpf", "tests/unit/ebpf/ebpf-parser",
          "tests/unit/contract/contract-test", "tools/sluicectl/sluicectl")

    def progress(number, where, how, took):
        slu.log("fault %3d %-36s %s (%.0f s)" % (number, where, how, took))
    missed = [(n, found.get(n, "?")) for n in wanted]
    missed = judge_some(missed, Kernel(args), progress)
    missed = judge_by(missed, progress, {"the contract of drivers": CONTRACT + (
        slu.program("contract-test"), "--wires", "ebpf:")})
    unseen = missed
    missed = judge_by(missed, progress, {
        name: (slu.program(name),) for name in ("unit-ebpf", "ebpf-parser")})
    by_units = len(unseen) - len(missed)
    missed = judge_some(missed, KernelModel(args), progress)
    missed = judge_by(missed, progress, {"rates and super-frames": (
        "/usr/bin/python3", os.path.join(slu.ROOT, "tests/net/test_ebpf_meters.py"),
        "super_frame")})
    seen = len(wanted) - len(missed) - by_units
    slu.log("%d of %d seeded faults are detected, %d of them by packets" % (
        len(wanted) - len(missed), len(wanted), seen))
    if args.mutations == "all" and seen < LEAST:
        slu.log("PROBLEM fewer than %d are seen by packets" % LEAST)
        return 1
    return verdict(args, wanted, missed)
