# SPDX-License-Identifier: Apache-2.0
"""What tests share: network namespaces, a private Open vSwitch, sluiced in a run directory.

Everything made here carries the run's id: namespaces are called sluID-..., directories live in
/tmp/slu-ID, and every process inherits SLU_RUN=ID, so that tests/lib/reaper.py can remove it all
whatever happens to the test.
"""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUN = os.environ.setdefault("SLU_RUN", "x%d" % os.getpid())
BASE = "/tmp/slu-" + RUN
BUILD = os.environ.get("SLU_BUILD", os.path.join(ROOT, "build"))
OVS_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"


class Failure(Exception):
    """A test's expectation was not met."""


def program(name):
    """The path of a program of the build."""
    for pattern in ("tools/" + name, "tools/*/" + name, "tests/*/" + name, "tests/*/*/" + name,
                    "drivers/*/" + name):
        for path in glob.glob(os.path.join(BUILD, pattern)):
            if os.access(path, os.X_OK) and not os.path.isdir(path):
                return path
    raise Failure("%s is not built in %s" % (name, BUILD))


def run(*cmd, ns=None, check=True, timeout=60, env=None, input=None):
    """Runs a command (in a namespace) and returns its standard output; stderr too if it fails."""
    if ns:
        cmd = ("ip", "netns", "exec", str(ns)) + cmd
    full_env = dict(os.environ, **env) if env else None
    p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                       env=full_env, input=input, text=True)
    if check and p.returncode:
        raise Failure("%s: exit %d\n%s%s" % (" ".join(cmd), p.returncode, p.stdout, p.stderr))
    return p.stdout if check else p


def wait_until(what, condition, timeout=10.0, interval=0.02):
    """Polls until condition() is true and returns its value; fails with `what`."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure("%s: not within %g s (last: %r)" % (what, timeout, value))
        time.sleep(interval)


def expect(condition, what):
    if not condition:
        raise Failure(what)


def expect_equal(got, want, what):
    if got != want:
        raise Failure("%s: got %r, expected %r" % (what, got, want))


def expect_in(part, whole, what):
    if part not in whole:
        raise Failure("%s: %r is not in\n%s" % (what, part, whole))


def tmpdir(name):
    path = os.path.join(BASE, name)
    os.makedirs(path, exist_ok=True)
    return path


class Cleanup(contextlib.ExitStack):
    """with Cleanup() as c: c.callback(...): undone in reverse order, errors included."""


class Netns:
    """A network namespace without noise: no IPv6 unless asked for."""

    def __init__(self, name, ipv6=False):
        self.name = "slu%s-%s" % (RUN, name)
        run("ip", "netns", "add", self.name)
        if not ipv6:
            self.sysctl("net/ipv6/conf/all/disable_ipv6", "1")
            self.sysctl("net/ipv6/conf/default/disable_ipv6", "1")
        run("ip", "link", "set", "lo", "up", ns=self)

    def __str__(self):
        return self.name

    def sysctl(self, path, value):
        run("sh", "-c", "echo %s > /proc/sys/%s" % (value, path), ns=self)

    def exec(self, *cmd, **kw):
        return run(*cmd, ns=self, **kw)

    def popen(self, *cmd, **kw):
        return spawn(*cmd, ns=self, **kw)

    def pids(self):
        return [int(p) for p in run("ip", "netns", "pids", self.name).split()]

    def veth(self, a, b, peer_ns=None, quiet=False):
        """A pair of veths, both up: `a` here, `b` here or in peer_ns. `quiet`: the kernel sends
        nothing from `a` by itself."""
        where = ("netns", str(peer_ns)) if peer_ns else ()
        run("ip", "link", "add", a, "type", "veth", "peer", "name", b, *where, ns=self)
        if quiet:
            self.sysctl("net/ipv6/conf/%s/disable_ipv6" % a, "1")
        run("ip", "link", "set", a, "up", ns=self)
        run("ip", "link", "set", b, "up", ns=peer_ns or self)

    def delete(self):
        for _ in range(50):
            pids = self.pids()
            if not pids:
                break
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        run("ip", "netns", "del", self.name)


def spawn(*cmd, ns=None, log=None, env=None, **kw):
    """Starts a process. Its output goes to the file `log`."""
    if ns:
        cmd = ("ip", "netns", "exec", str(ns)) + cmd
    out = open(log, "ab") if log else kw.pop("stdout", subprocess.DEVNULL)
    p = subprocess.Popen(cmd, stdin=kw.pop("stdin", subprocess.DEVNULL), stdout=out,
                         stderr=kw.pop("stderr", subprocess.STDOUT if log else subprocess.DEVNULL),
                         env=dict(os.environ, **(env or {})), **kw)
    if log:
        out.close()
    return p


def stop(p, sig=signal.SIGTERM, timeout=5):
    """Ends a process; returns its exit status."""
    if p.poll() is None:
        p.send_signal(sig)
        try:
            p.wait(timeout)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            raise Failure("%s did not end on signal %d" % (p.args, sig))
    return p.returncode


def unixctl(path, method, *args, timeout=10):
    """Calls a method of the kind that ovs-appctl calls."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(timeout)
        s.connect(path)
        s.sendall(json.dumps({"id": 0, "method": method, "params": list(args)}).encode())
        decoder, text = json.JSONDecoder(), ""
        while True:
            data = s.recv(65536)
            if not data:
                raise Failure("%s %s: connection closed" % (path, method))
            text += data.decode()
            with contextlib.suppress(ValueError):
                reply, _ = decoder.raw_decode(text)
                break
    if reply.get("error") is not None:
        raise Failure("%s %s: %s" % (path, method, reply["error"]))
    return reply["result"]


class Switch:
    """What Sluice and Open vSwitch have in common: a run directory that stock tools are pointed
    to."""

    def __init__(self, ns, name):
        self.ns, self.name = ns, name
        self.rundir = tmpdir(name)
        self.env = {"OVS_RUNDIR": self.rundir}

    def vsctl(self, *args, **kw):
        kw.setdefault("timeout", 30)
        return run("ovs-vsctl", "--timeout=20", "--db=unix:%s/db.sock" % self.rundir, *args,
                   env=self.env, **kw)

    def ofctl(self, *args, version="OpenFlow13", **kw):
        return run("ovs-ofctl", "-O", version, "--no-names", *args, env=self.env, **kw)

    def mgmt(self, bridge):
        return "%s/%s.mgmt" % (self.rundir, bridge)

    def flows(self, bridge, *match, version="OpenFlow13"):
        """dump-flows, as a list of dicts."""
        text = self.ofctl("dump-flows", bridge, *match, version=version)
        return [f for f in map(parse_flow, text.splitlines()) if f]

    def add_ports(self, bridge, ports):
        args = []
        for i, port in enumerate(ports, 1):
            args += ["--", "add-port", bridge, port, "--", "set", "Interface", port,
                     "ofport_request=%d" % i]
        self.vsctl(*args[1:])


class Ovs(Switch):
    """A private Open vSwitch with the userspace datapath."""

    def __init__(self, ns, name="ovs"):
        super().__init__(ns, name)
        r = self.rundir
        self.env.update(OVS_LOGDIR=r, OVS_DBDIR=r, OVS_SYSCONFDIR=r)
        run("ovsdb-tool", "create", r + "/conf.db", OVS_SCHEMA)
        self.procs = [self._start("ovsdb-server", r + "/conf.db", "--remote=punix:%s/db.sock" % r)]
        wait_until("ovsdb-server's socket", lambda: os.path.exists(r + "/db.sock"))
        self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".",
                   "other_config:vlan-limit=2", "other_config:max-revalidator=100")
        self.procs.append(self._start("ovs-vswitchd", "unix:%s/db.sock" % r))
        self.ctl = r + "/ovs-vswitchd.ctl"
        wait_until("ovs-vswitchd's socket", lambda: os.path.exists(self.ctl))

    def _start(self, name, *args):
        path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin") or name
        return spawn(path, *args, "--unixctl=%s/%s.ctl" % (self.rundir, name), "--no-chdir",
                     "-vconsole:off", "-vfile:info", "--log-file=%s/%s.log" % (self.rundir, name),
                     ns=self.ns, env=self.env, log=self.rundir + "/console.log")

    def add_bridge(self, bridge, *more):
        self.vsctl("add-br", bridge, "--", "set", "Bridge", bridge, "datapath_type=netdev",
                   "fail_mode=secure", *more)
        run("ip", "link", "set", bridge, "up", ns=self.ns)

    def stop(self):
        for p in reversed(self.procs):
            with contextlib.suppress(Failure):
                stop(p)


class Sluiced(Switch):
    """sluiced in its own run directory."""
    patience = 20  # seconds that it may take to start
    around = ()  # what it is started by

    def __init__(self, ns, name="sluice", env=None, start=True):
        super().__init__(ns, name)
        self.log = os.path.join(BASE, name + ".log")
        self.db = os.path.join(BASE, name + ".db")
        self.extra_env = env or {}
        self.proc = None
        if start:
            self.start()

    def start(self):
        self.log_start = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        self.proc = spawn(*self.around, program("sluiced"), "--rundir", self.rundir,
                          "--db-file", self.db, ns=self.ns, log=self.log, env=self.extra_env)
        self.wait_ready()

    def wait_ready(self):
        def ready():
            if self.proc.poll() is not None:
                raise Failure("sluiced ended with %s:\n%s" % (self.proc.returncode, self.tail()))
            with open(self.log, errors="replace") as f:
                f.seek(self.log_start)
                return "|sluiced|INFO|ready" in f.read()
        wait_until("sluiced is ready", ready, self.patience)

    def alive(self):
        return self.proc is not None and self.proc.poll() is None

    def pid(self):
        """The daemon's own process id (ip netns exec replaces itself by the command)."""
        return self.proc.pid

    def kill(self):
        self.proc.kill()
        self.proc.wait()

    def stop(self):
        """Ends the daemon in order; a failure of that is a failure of the test."""
        if self.proc is None:
            return
        if self.proc.poll() is not None and self.proc.returncode == -signal.SIGKILL:
            self.proc = None
            return
        code = stop(self.proc, timeout=10)
        self.proc = None
        expect(code in (0, -signal.SIGKILL), "sluiced ended with %s:\n%s" % (code, self.tail()))

    def tail(self, lines=60):
        with open(self.log, errors="replace") as f:
            return "".join(f.readlines()[-lines:])

    def ctl(self, *args, **kw):
        """sluicectl"""
        return run(program("sluicectl"), "--rundir", self.rundir, *args, **kw)

    def ctl_json(self, *args):
        return json.loads(self.ctl(*args, "--json"))

    def rpc(self, method, *args):
        """Calls the daemon the way ovs-appctl does."""
        return unixctl("%s/sluiced.%d.ctl" % (self.rundir, self.pid()), method, *args)

    def rpc_json(self, method, *args):
        """The same for commands that know --json."""
        result = self.rpc(method, *args, "--json")
        return json.loads(result) if isinstance(result, str) else result

    def offload_status(self):
        return self.rpc_json("offload/status")

    def offload_flows(self):
        return self.rpc_json("offload/flows")

    def in_kernel(self):
        """Megaflows that the kernel, as a device, has rules for."""
        return [m for m in self.offload_flows() if m["where"] == "kernel"]

    def add_bridge(self, bridge, *more):
        self.vsctl("add-br", bridge, "--", "set", "Bridge", bridge, "fail_mode=secure", *more)
        run("ip", "link", "set", bridge, "up", ns=self.ns)

    def offload(self, device):
        self.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true",
                   "other_config:sluice-device=" + device)

    def bind(self, *ports):
        args = []
        for port in ports:
            args += ["--", "set", "Interface", port, "options:device=sim"]
        self.vsctl(*args[1:])




def parse_flow(line):
    """A line of dump-flows; None if it is none."""
    if "actions=" not in line or "cookie=" not in line:
        return None
    head, actions = line.strip().split(" actions=", 1)
    flow = {"actions": actions, "match": "", "priority": 32768, "line": line.strip()}
    for part in head.split(", "):
        key, _, value = part.partition("=")
        if key in ("cookie", "duration", "table", "n_packets", "n_bytes", "idle_timeout",
                   "hard_timeout", "idle_age", "hard_age", "importance"):
            flow[key] = value
        elif key in ("send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts"):
            flow.setdefault("flags", []).append(key)
        else:
            words = []
            for word in part.split(","):
                if word.startswith("priority="):
                    flow["priority"] = int(word[9:])
                else:
                    words.append(word)
            flow["match"] = ",".join(w for w in words if w)
    for key in ("table", "n_packets", "n_bytes"):
        if key in flow:
            flow[key] = int(flow[key]) if flow[key].isdigit() else None
    flow["cookie"] = int(flow.get("cookie", "0"), 16)
    return flow


def log(*words):
    print(*words, flush=True)


def warn(*words):
    print(*words, file=sys.stderr, flush=True)
