#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every command of stock ovs-ofctl, with its errors, on Sluice and on Open vSwitch side by side: what
it prints is the same, but for the differences that ofctl_differences.py lists with their reasons.

test_ofctl.py [--versions 10,13] [--verbose] [SECTION...]
"""
import concurrent.futures
import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import traceback

import ofctl_cases
import ofctl_differences
import slu

PORTS = 3
MAC = "02:00:00:00:00:%02x"
SILENCE = 0.3  # seconds without output after which a monitor has said all

# What two switches cannot have in common.
NORMAL = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\|\d+\|", ""),
    (r"/tmp/slu-\S*?/(?:ovs|sluice)/", ""),
    (r"xid=0x[0-9a-f]+", "xid=X"),
    (r"dpid:[0-9a-f]{16}", "dpid:D"),
    (r"duration=[0-9.]+s", "duration=Ds"),
    (r"duration:[0-9.]+s", "duration:Ds"),
    (r"duration[0-9.]+s", "duration Ds"),
    (r"\b(idle|hard)_age=\d+", r"\1_age=A"),
    (r"bytes from \S+: xid=\w+ time=[0-9.]+ ms", "bytes"),
    (r"(LOCAL\(br0\): addr:)\S+", r"\1MAC"),
    (r"^ continuation\..*", ""),  # is opaque
    (r"^(Manufacturer|Hardware|Software|Serial Num|DP Description): .*", r"\1: TEXT"),
    # No common version: who notices first?
    (r"connect to socket \((Protocol error|Broken pipe|Connection reset by peer)\)", "connect"),
    (r"Finished in [0-9.]+ ms.*", "Finished"),
    (r"bundle_id=0x[0-9a-f]+", "bundle_id=B"),
)


def normal(text):
    for pattern, to in NORMAL:
        text = re.sub(pattern, to, text, flags=re.M)
    return [line.rstrip() for line in text.splitlines()
            if line.strip() and not re.match(r"(timeval|coverage)\|", line)]


def has_ended(pid):
    """Whether or not its parent, who is none of ours, has taken notice."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


class Side:
    """One of the two switches."""

    def __init__(self, name, make):
        self.name, self.ns = name, slu.Netns("ofctl-" + name)
        for i in range(1, PORTS + 1):
            self.ns.veth("p%d" % i, "t%d" % i)
            slu.run("ip", "link", "set", "p%d" % i, "address", MAC % i, ns=self.ns)
        self.sw = make(self.ns, name)
        self.sw.add_bridge(
            "br0", "protocols=OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15")
        self.sw.add_ports("br0", ["p%d" % i for i in range(1, PORTS + 1)])
        self.dir = slu.tmpdir(name)
        self.monitor_pid = None

    def ofctl(self, command, version):
        """What an ovs-ofctl says."""
        text, _, stdin = command.partition(" <<< ")
        args = ["ovs-ofctl", "-O", "OpenFlow" + version, "--timeout=10"] + shlex.split(text)
        p = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, cwd=self.dir,
                             env=dict(os.environ, **self.sw.env))
        out = p.communicate(stdin.replace(" ;; ", "\n") + "\n", timeout=30)[0]
        return out + ("exit %d\n" % p.returncode if p.returncode else "")

    def path(self, name):
        return os.path.join(self.dir, name)

    def monitor(self, args, version):
        """Starts a monitor in the background; it is there when this returns."""
        out = open(self.path("monitor.txt"), "w")
        p = subprocess.run(
            ["ovs-ofctl", "-O", "OpenFlow" + version, "--detach", "--no-chdir",
             "--pidfile=" + self.path("monitor.pid"), "--overwrite-pidfile",
             "--unixctl=" + self.path("monitor.ctl")] + shlex.split(args),
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.dir,
            env=dict(os.environ, **self.sw.env), timeout=30)
        out.close()
        if p.returncode == 0:
            with open(self.path("monitor.pid")) as f:
                self.monitor_pid = int(f.read())
        return "exit %d\n" % p.returncode if p.returncode else ""

    def monitor_call(self, method, *args):
        try:
            return slu.unixctl(self.path("monitor.ctl"), method, *args) or ""
        except (OSError, slu.Failure) as e:
            return "monitor: %s\n" % re.sub(r".*: ", "", str(e))

    def monitor_end(self):
        """What it said, when it says no more."""
        if self.monitor_pid is None:
            return self.monitored()
        self.monitor_call("ofctl/barrier")
        before, since = None, time.monotonic()
        while time.monotonic() - since < SILENCE:
            now = self.monitored()
            if now != before:
                before, since = now, time.monotonic()
            time.sleep(0.05)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.monitor_pid, signal.SIGTERM)
            # It removes its pid file, which may be the next one's by then.
            slu.wait_until("the monitor's end", lambda: has_ended(self.monitor_pid))
        self.monitor_pid = None
        return before

    def monitored(self):
        with open(self.path("monitor.txt")) as f:
            return f.read()

    def step(self, command, version):
        """Does a step of a section; returns its output."""
        word, _, rest = command.partition(" ")
        if word == "@monitor":
            return self.monitor(rest, version)
        if word == "@send":
            return self.monitor_call("ofctl/send", rest.replace(" ", ""))
        if word == "@end":
            return self.monitor_end()
        if word == "@file":
            name, _, text = rest.partition(" ")
            with open(self.path(name), "w") as f:
                f.write(text.replace(" ;; ", "\n") + "\n")
            return ""
        if word == "@sleep":
            time.sleep(float(rest))
            return ""
        return self.ofctl(command, version)

    def stop(self):
        self.sw.stop()
        self.ns.delete()


class Comparison:
    def __init__(self, sides, verbose):
        self.sides, self.verbose = sides, verbose
        self.steps, self.found, self.failures = 0, set(), []
        self.threads = concurrent.futures.ThreadPoolExecutor(len(sides))

    def both(self, command, version):
        return list(self.threads.map(lambda s: normal(s.step(command, version)), self.sides))

    def reset(self, version):
        self.both("del-flows br0", version)
        if version != "10":
            self.both("del-groups br0", version)
            self.both("del-meters br0", version)

    def compare(self, where, command, ovs, sluice):
        """Lines that only one of them says are all listed, or it is a failure."""
        theirs, ours = list(ovs), list(sluice)
        for line in ovs:
            if line in ours:
                ours.remove(line)
                theirs.remove(line)
        if self.verbose:
            slu.log("%s %s" % (where, command))
            for line in sluice if sluice == ovs else ["ovs:"] + ovs + ["sluice:"] + sluice:
                slu.log("       " + line)
        if not theirs and not ours and ovs != sluice and "sort" in command:
            theirs, ours = ovs, sluice  # another order; without --sort any is right
        for lines, which in ((theirs, "ovs"), (ours, "sluice")):
            for d in ofctl_differences.LIST:
                if not d.covers(where, command):
                    continue
                left = [line for line in lines if not d.explains(which, line)]
                if len(left) < len(lines):
                    self.found.add(d)
                lines[:] = left
        if theirs or ours:
            self.failures.append("%s %s" % (where, command))
            slu.log("\n%s: ovs-ofctl %s" % (where, command[:300]))
            for line in theirs:
                slu.log("  ovs    | " + line[:600])
            for line in ours:
                slu.log("  sluice | " + line[:600])

    def section(self, name, text, version):
        self.reset(version)
        for line in text.strip().splitlines():
            command = line.strip()
            if not command or command.startswith("#"):
                continue
            only = re.match(r"\[([\d ]+)\] ", command)
            if only:
                if version not in only.group(1).split():
                    continue
                command = command[only.end():]
            self.steps += 1
            self.compare("%s/%s" % (name, version), command, *self.both(command, version))


def options(argv):
    versions, verbose, only = ["10", "13", "14", "15"], False, []
    argv = list(argv)
    while argv:
        arg = argv.pop(0)
        if arg == "--versions":
            versions = argv.pop(0).split(",")
        elif arg == "--verbose":
            verbose = True
        else:
            only.append(arg)
    return versions, verbose, only


def ports_known(side):
    """Whether every port has its number, and its link is up."""
    text = side.ofctl("--no-names dump-ports-desc br0", "13")
    return all(re.search(r"^ %d\(p%d\).*?state: +(LIVE|0)\s" % (i, i), text, re.M | re.S)
               for i in range(1, PORTS + 1))


def run(versions, verbose, only):
    began = time.monotonic()
    sides = []
    try:
        sides.append(Side("ovs", slu.Ovs))
        sides.append(Side("sluice", slu.Sluiced))
        for side in sides:
            slu.wait_until("%s: ports" % side.name, lambda s=side: ports_known(s))
        c = Comparison(sides, verbose)
        for name, wanted, text in ofctl_cases.SECTIONS:
            if only and not any(o in name for o in only):
                continue
            for version in wanted.split():
                if version in versions:
                    c.section(name, text, version)
        if not only and versions == ["10", "13", "14", "15"]:
            for d in ofctl_differences.LIST:
                if d not in c.found:
                    c.failures.append("listed, but no difference: %s" % (d,))
                    slu.log(c.failures[-1])
        slu.log("%d commands, %d listed differences, %d failures, %.0f s" % (
            c.steps, len(c.found), len(c.failures), time.monotonic() - began))
        return not c.failures
    finally:
        for side in sides:
            if side.monitor_pid:
                side.monitor_end()
            side.stop()


def main():
    try:
        return 0 if run(*options(sys.argv[1:])) else 1
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        return 1


if __name__ == "__main__":
    sys.exit(main())
