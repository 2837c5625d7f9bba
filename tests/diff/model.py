# SPDX-License-Identifier: Apache-2.0
"""Runs the programs of families (families.py): what test_model.py and mutations.py share."""
import collections
import random
import re
import time

import slu
from coverage import Coverage
from diff import Diff, Divergence, Wire
from families import ACTIONS, ALONE_ACTIONS, FAMILIES, GROUP_TYPES
from switches import PORTS


UNKNOWN = 2**64 - 1  # a counter


class ModelDiff(Diff):
    """Programs of families, each by a number of its own. switches[0] is the reference."""

    def __init__(self, switches, seed, families=FAMILIES, first=0x4000, coverage=None):
        super().__init__(switches, seed, 2, coverage or Coverage())
        self.families, self.first = families, first
        self.patterns = ACTIONS if families is FAMILIES else ALONE_ACTIONS
        self.seen = collections.Counter()
        self.by_family = {}
        self.shares = {}  # (family, switch): packets by the device, and in software
        self.objects = collections.Counter()  # (switch, type): the most that its device held
        self.each(lambda s: s.match_fragments())

    def use(self, switches):
        """From now on with these."""
        self.wire.close()
        self.switches, self.wire = switches, Wire(switches)
        self.each(lambda s: s.match_fragments())

    def program(self, index, rounds):
        family = self.families[index % len(self.families)]
        rng = random.Random(self.seed * 100003 + index)
        number = (self.first + index) & 0xffff
        program = family(rng, number)
        windows = index // len(self.families) % 2 == 0
        self.problems, self.meta = [], {}
        self.coverage.begin()
        self.wire.ask("begin", number, self.dir)
        self.each(lambda s: s.model_start(windows, program.limits()))
        self.each(lambda s: s.counters_start())
        forwarded, paths = self.forwarded, [s.paths() for s in self.switches]
        self.fences = 0
        try:
            for phase in range(2):
                self.model_phase(program, phase, rounds)
        finally:
            if program.DOWN:
                self.ports_up(program.DOWN)
        self.check_ports(program.DOWN)
        sent, ok, divergent, *_ = map(int, self.wire.ask("verdict"))
        if divergent:
            with open(self.dir + "/divergences") as f:
                self.problems.insert(0, "%d packets were treated differently\n%s" % (
                    divergent, f.read()))
        self.packets += sent
        self.forwarded += ok
        count = self.by_family.setdefault(family.__name__, [0, 0, 0])
        count[0] += 1
        count[1] += sent
        count[2] += self.forwarded - forwarded
        self.count_paths(family, windows, paths)
        self.check_width()
        if self.problems:
            raise Divergence(self.model_report(index, family, rounds), self.problems)

    def count_paths(self, family, windows, before):
        if family.NEEDS_LIBERAL and windows:
            return  # its connections are for the software
        for s, was in zip(self.switches, before):
            share = self.shares.setdefault((family.__name__, s.name), [0, 0])
            now = s.paths()
            share[0] += now[0] - was[0]
            share[1] += now[1] - was[1] - self.fences

    def model_phase(self, program, phase, rounds):
        groups, flows = program.rules(phase)
        paths = []
        for name, lines in (("groups", groups), ("rules", flows)):
            paths.append("%s/%s.%d" % (self.dir, name, phase))
            with open(paths[-1], "w") as f:
                f.write("".join(line + "\n" for line in lines))
        if not phase:
            self.each(lambda s: s.clear())
            self.each(lambda s: s.load_meters(program.meters()))
        elif program.DOWN:
            self.ports_down(program.DOWN)
        if groups:
            self.each(lambda s: s.load_groups(paths[0]))
        self.each(lambda s: s.load(paths[1]))
        if phase and program.FLUSHES:
            self.each(lambda s: s.flush())
        self.each(lambda s: s.sync())
        # Counters of a group outlive a modification here, and start anew in the reference.
        before = [s.dump_groups() for s in self.switches] if groups else None
        self.send_packets(program, phase, rounds)
        last = program.last_flows() if phase else ()
        if last:
            with open(paths[1] + ".last", "w") as f:
                f.write("".join(line + "\n" for line in last))
            self.each(lambda s: s.load(paths[1] + ".last"))
            self.each(lambda s: s.sync())
        self.each(lambda s: s.settle())
        for s in self.switches:
            s.megaflows()
            self.count_objects(s)
            s.cover(self.coverage)
        dumps = self.each(lambda s: s.model_flows())
        self.count_actions(program, dumps[0])
        self.compare_flows(phase, program, dumps)
        if groups:
            changes = [
                {g: tuple(n - o for n, o in zip(now, old.get(g, now))) for g, now in d.items()}
                for d, old in zip([s.dump_groups() for s in self.switches], before)]
            self.count_groups(program, groups, changes[0])
            self.compare_numbered(phase, "group", changes)
        if program.meters():
            self.compare_numbered(phase, "meter", self.each(lambda s: s.dump_meters()))

    def send_packets(self, program, phase, rounds):
        path = "%s/packets.%d" % (self.dir, phase)
        with open(path, "w") as f:
            for batch in program.all_packets(phase, rounds):
                for port, frame in batch:
                    if not phase or port not in program.DOWN:
                        f.write("%d %s\n" % (port, frame.hex()))
                f.write("settle\n")
                if program.STATEFUL:
                    f.write("fence\n")
                    self.fences += PORTS + 1
                if program.PAUSE_MS or not batch:
                    f.write("pause %d\n" % (program.PAUSE_MS if batch else program.PLACED_MS))
        self.fences += PORTS + 1
        missing, strays = map(int, self.wire.ask("replay", phase, path))
        if missing or strays:
            self.problem("%d fences did not come back, %d frames are not ours" % (missing, strays))

    def ports_down(self, ports):
        self.wire.ask("mute", *ports)
        for s in self.switches:
            s.links(ports, "down")
        for s in self.switches:
            s.wait_links(ports, True)

    def ports_up(self, ports):
        for s in self.switches:
            s.links(ports, "up")
        for s in self.switches:
            s.wait_links(ports, False)
        self.wire.ask("mute")

    # ---- what occurred ----

    def count_actions(self, program, flows):
        """Each flow counts by the packets that hit it anew in this phase, few of each."""
        patterns = dict(self.patterns, **program.EXTRA)
        for key, f in flows.items():
            n = self.coverage.new_hits(key, f)
            if not n:
                continue
            text = f["match"] + " actions=" + f["actions"]
            for name, pattern in patterns.items():
                if re.search(pattern, text):
                    self.seen[name] += n

    def count_groups(self, program, lines, counters):
        """Groups of this phase's lines that packets went through, by their types."""
        for line in lines:
            m = re.search(r"group_id=(\d+),type=(\w+)", line)
            hit = counters.get(int(m[1]), (0,))
            if not hit[0]:
                continue
            self.seen["group " + m[2]] += 1
            buckets = hit[2::2]
            if m[2] == "select" and sum(1 for n in buckets if n) > 1:
                self.seen["group select, several buckets"] += 1
            if m[2] == "ff" and program.DOWN and line.startswith("modify") and not buckets[0]:
                self.seen["group ff, first port down"] += 1

    def count_objects(self, s):
        for d in s.status()["devices"] if s.device else ():
            for name, n in dict(d.get("objects", {}), connection=d["connections"]).items():
                self.objects[s.name, name] = max(self.objects[s.name, name], n)

    # ---- what has to be equal ----

    def compare_flows(self, phase, program, dumps):
        reference = dict(dumps[0])
        self.ask_again(reference, dumps[1:], set(program.uncounted) | set(program.LATE))
        for cookie in reference:
            if (self.switches[0].name.startswith("ovs") and cookie[0] in program.LATE and
                    cookie in dumps[1]):
                reference[cookie] = dict(reference[cookie], **{
                    k: dumps[1][cookie][k] for k in ("n_packets", "n_bytes")})
        for s, flows in zip(self.switches[1:], dumps[1:]):
            flows = self.model_counted(s, flows, reference, program.uncounted)
            for cookie in sorted(set(reference) | set(flows)):
                a, b = reference.get(cookie), flows.get(cookie)
                if a is None or b is None:
                    self.problem("phase %d: flow 0x%x is only in %s: %s" % (
                        phase, cookie[0], s.name if b else self.switches[0].name,
                        (a or b)["line"]))
                elif cookie[0] not in program.uncounted and (
                        (a["n_packets"], a["n_bytes"]) != (b["n_packets"], b["n_bytes"])):
                    self.problem("phase %d: flow counters differ:\n  %-10s %s\n  %-10s %s" % (
                        phase, self.switches[0].name, a["line"], s.name, b["line"]))
                elif any(a.get(k) != b.get(k) for k in (
                        "table", "priority", "match", "actions", "idle_timeout", "hard_timeout")):
                    self.problem("phase %d: flows are shown differently:\n  %-10s %s\n  %-10s %s"
                                 % (phase, self.switches[0].name, a["line"], s.name, b["line"]))

    def ask_again(self, reference, others, uncounted):
        """A busy Open vSwitch was seen to tell of half of its packets: what it counts later is taken
        if it differs."""
        def some(dump):
            return self.numbers({c: f for c, f in dump.items() if c[0] not in uncounted})
        if all(some(flows) == some(reference) for flows in others):
            return
        time.sleep(1)
        for cookie, f in self.switches[0].model_flows()().items():
            if cookie in reference:
                reference[cookie] = dict(reference[cookie], n_packets=f["n_packets"],
                                         n_bytes=f["n_bytes"])

    def model_counted(self, s, flows, reference, uncounted):
        """counted(), but for flows that are not compared."""
        def some(dump):
            return {c: f for c, f in dump.items() if c[0] not in uncounted}
        better = self.counted(s, some(flows), some(reference),
                              lambda s: lambda finish=s.model_flows(): some(finish()))
        return {**flows, **better}

    @staticmethod
    def same_counters(s, what, have, want):
        """Where a switch cannot count what a meter's band drops, it says so once there is some."""
        if what == "meter" and not s.counts_drops and have and want:
            have = tuple(w if i % 2 and i > 1 and n == UNKNOWN and want[i - 1] else n
                         for i, (n, w) in enumerate(zip(have, want)))
        return have == want

    def compare_numbered(self, phase, what, dumps):
        for s, have in zip(self.switches[1:], dumps[1:]):
            for number in sorted(set(have) | set(dumps[0])):
                if not self.same_counters(s, what, have.get(number), dumps[0].get(number)):
                    self.problem("phase %d: %s %s differs:\n  %-10s %s\n  %-10s %s" % (
                        phase, what, number, self.switches[0].name, dumps[0].get(number), s.name,
                        have.get(number)))

    def model_report(self, index, family, rounds):
        text = "program %d of seed %d (%s): %d problems\n" % (
            index, self.seed, family.__name__, len(self.problems))
        text += "\n".join(self.problems[:4])
        with open(self.dir + "/rules.0") as f:
            rules = f.readlines()
        text += "\nprogram:\n" + "".join(rules[:40])
        return text + "\nto repeat: tests/diff/test_model.py --seed %d --only %d --rounds %d%s" % (
            self.seed, index, rounds, "" if self.families is FAMILIES else " --alone")


def worth(diff, groups=GROUP_TYPES):
    """Names of what has to occur, with how often it did."""
    return {name: diff.seen[name] for name in list(diff.patterns) + [
        e for f in diff.families for e in f.EXTRA] + list(groups)}


def order(args, families):
    """Indices of the programs that the options ask for."""
    if args.only is not None:
        return args.only
    return [i for i in range(args.programs)
            if not args.family or families[i % len(families)].__name__ == args.family]


def expect_objects(diff, switch, types):
    return ["%s: its device never held a %s object" % (switch, t)
            for t in types if not diff.objects[switch, t]]


__all__ = ["ModelDiff", "expect_objects", "order", "worth"]
