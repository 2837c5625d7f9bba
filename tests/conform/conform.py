# SPDX-License-Identifier: Apache-2.0
"""os-ken's switch tester against Sluice.

    sluiced, bridges t1 ...          Open vSwitch, bridges x1 ...
        t1p1 t1p2 t1p3 ------veth------ x1p1 x1p2 x1p3
        ctl  192.0.2.1 ------veth------ ctl  192.0.2.2, where the testers listen

A lane is a bridge of each with three links, and a tester that goes through files of patterns.
"""
import json
import os
import re
import shutil
import subprocess
import threading

import slu
from contradictions import CONTRADICTIONS
from nettest import expect, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
OSKEN = "import sys; from os_ken.cmd.manager import main; sys.exit(main())"
FOLDERS = {"1.0": "of10", "1.3": "of13", "1.4": "of14"}
PER_PATTERN = 4  # seconds that one may take, at the most


def patterns_folder():
    """Where os-ken's pattern files are, or None."""
    path = os.environ.get("OSKEN_PATTERNS",
                          os.path.join(slu.ROOT, "../shared/os-ken-patterns"))
    return os.path.abspath(path) if os.path.isdir(path) else None


class File:
    """One file of patterns: its name within the version's folder, and the patterns' titles."""

    def __init__(self, version, path):
        self.version, self.path = version, path
        self.name = os.path.relpath(path, os.path.join(patterns_folder(), FOLDERS[version]))
        with open(path) as f:
            tests = [t for t in json.load(f) if isinstance(t, dict)]
        self.titles = [t["description"] for t in tests]
        self.packets = [s["ingress"]["packets"] for t in tests for s in t["tests"]
                        if isinstance(s["ingress"], dict)]

    def rate(self):
        """Packets a second, at the most."""
        return max([p["pktps"] for p in self.packets], default=0)


def files(version, kind):
    found = []
    top = os.path.join(patterns_folder(), FOLDERS[version], kind)
    for folder, _, names in sorted(os.walk(top)):
        found += [File(version, os.path.join(folder, n)) for n in sorted(names)
                  if n.endswith(".json")]
    expect(found, "pattern files in " + top)
    return found


class Verdicts:
    """What became of each pattern."""

    def __init__(self):
        self.lock = threading.Lock()
        self.all = {}  # (version, file, pattern): None, or what was wrong

    def add(self, version, files, log):
        """Takes in what a tester wrote. It has to have judged every pattern of its files."""
        wanted = {(version, f.name, title) for f in files for title in f.titles}
        names = {f.name for f in files}
        got, name, last = {}, None, None
        for line in log.splitlines():
            m = re.match(r"    (\S.*?) +(OK|ERROR)$", line)
            if line.startswith("--- Test report"):
                break
            if m and (version, name, m[1]) in wanted:
                last = (version, name, m[1])
                got[last] = None if m[2] == "OK" else "?"
            elif line.startswith("        ") and last and got[last] == "?":
                got[last] = line.strip()
            elif line.strip() in names:
                name = line.strip()
        with self.lock:
            self.all.update({key: got.get(key, "was not judged") for key in wanted})

    def check(self):
        """Prints the sums, and what is not as it should be; fails if there is any."""
        bad, listed = [], {}
        for key, wrong in sorted(self.all.items()):
            kind = (key[0], key[1].split("/")[0])
            good = listed.setdefault(kind, [0, 0, 0])
            good[0] += 1
            good[1] += not wrong
            good[2] += bool(wrong and key in CONTRADICTIONS)
            if bool(wrong) != (key in CONTRADICTIONS):
                bad.append("%s %s: %s: %s" % (key + (wrong or "OK, against the specification",)))
        for (version, kind), (n, good, excused) in sorted(listed.items()):
            print("       %s %s: %d of %d OK%s" % (
                version, kind, good, n,
                ", %d contradict the specification" % excused if excused else ""), flush=True)
        expect(not bad, "%d patterns:\n%s" % (len(bad), "\n".join(bad)))


class Lane:
    """A bridge of Sluice joined to one of Open vSwitch."""

    def __init__(self, bench, number, version):
        self.bench, self.number, self.version = bench, number, version
        self.port = 6653 + number
        self.target, self.tester = "t%d" % number, "x%d" % number
        self.ports = {bridge: ["%sp%d" % (bridge, i) for i in (1, 2, 3)]
                      for bridge in (self.target, self.tester)}
        for a, b in zip(*self.ports.values()):
            bench.lab.ns.veth(a, b, bench.ns, quiet=True)
        self.add(bench.lab.sluice, self.target, version)
        self.add(bench.ovs, self.tester, "1.3")

    def dpid(self, bridge):
        return "%015x%d" % (self.number, bridge == self.tester)

    def add(self, switch, bridge, version):
        switch.add_bridge(
            bridge, "other_config:datapath-id=" + self.dpid(bridge),
            "protocols=OpenFlow" + version.replace(".", ""))
        switch.add_ports(bridge, self.ports[bridge])
        switch.vsctl("set-controller", bridge, "tcp:192.0.2.2:%d" % self.port, "--", "set",
                     "Controller", bridge, "max_backoff=1000")

    def run(self, files, seconds=0):
        """The tester goes through the files; each rate for so many seconds."""
        name = "lane%d" % self.number
        folder, log = slu.tmpdir(name), "%s/%s.log" % (slu.BASE, name)
        for f in files:
            os.makedirs(os.path.dirname(os.path.join(folder, f.name)), exist_ok=True)
            os.symlink(f.path, os.path.join(folder, f.name))
        of = "openflow" + self.version.replace(".", "")
        tester = slu.spawn(
            "/usr/bin/python3", "-c", OSKEN, "--ofp-listen-host", "192.0.2.2",
            "--ofp-tcp-listen-port", str(self.port),
            "--test-switch-target", self.dpid(self.target),
            "--test-switch-tester", self.dpid(self.tester),
            "--test-switch-target-version", of, "--test-switch-tester-version", "openflow13",
            "--test-switch-dir", folder, os.path.join(HERE, "tester_app.py"), ns=self.bench.ns,
            log=log, env={"SLU_TESTER_PORTS": ",".join(self.ports[self.tester]),
                          "SLU_SECONDS": str(seconds)})
        try:
            tester.wait(30 + sum(len(f.titles) for f in files) * (PER_PATTERN + seconds))
        except subprocess.TimeoutExpired:
            pass  # what it did not judge is an error
        finally:
            tester.kill()
            tester.wait()
            with open(log) as f:
                self.bench.verdicts.add(self.version, files, f.read())
            os.unlink(log)
            shutil.rmtree(folder)


class Bench:
    """Lanes, as many of each version as `lanes` says."""

    def __init__(self, lab, lanes):
        self.lab, self.verdicts, self.lanes = lab, Verdicts(), []
        lab.allow(r"192\.0\.2\.2|rconn|controller")
        self.ns = slu.Netns("os")
        for which in ("all", "default"):  # what the host says by itself would match patterns
            lab.ns.sysctl("net/ipv6/conf/%s/disable_ipv6" % which, "1")
        lab.ns.veth("ctl", "ctl", self.ns, quiet=True)
        lab.ns.exec("ip", "addr", "add", "192.0.2.1/24", "dev", "ctl")
        self.ns.exec("ip", "addr", "add", "192.0.2.2/24", "dev", "ctl")
        self.ovs = slu.Ovs(self.ns)
        for version, count in lanes.items():
            for _ in range(count):
                self.lanes.append(Lane(self, len(self.lanes) + 1, version))

    def run(self, files, seconds=0):
        """All files of a version are shared out among its lanes, which work side by side."""
        work = {lane: [] for lane in self.lanes}
        for f in sorted(files, key=lambda f: -len(f.titles)):
            lanes = [lane for lane in self.lanes if lane.version == f.version]
            least = min(lanes, key=lambda lane: sum(len(g.titles) for g in work[lane]))
            work[least].append(f)
        threads = [threading.Thread(target=lane.run, args=(mine, seconds))
                   for lane, mine in work.items() if mine]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    def close(self):
        self.lab.sluice.stop()
        self.ovs.stop()
        self.ns.delete()
        shutil.rmtree(self.ovs.rundir)
