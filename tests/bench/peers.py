# SPDX-License-Identifier: Apache-2.0
"""Who is measured: Sluice, Open vSwitch with DPDK, and dpdk-testpmd as the limit. They get the same
DPDK arguments, the same CPUs and, through stock tools, the same flows."""
import contextlib
import json
import os
import re
import time

import slu
from slu import Failure

OVS_DPDK = "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
MEMORY_MB = 1024
CPUS = sorted(os.sched_getaffinity(0))
MAIN_CPU, WORKER_CPUS = CPUS[0], CPUS[1:] or CPUS
ONE_WORKER = WORKER_CPUS[:1]


def mask(cpus):
    return hex(sum(1 << cpu for cpu in cpus))


class HugePages:
    """As many as one switch needs, if they can be had; given back afterwards."""
    path = "/proc/sys/vm/nr_hugepages"
    reserve_mb = 128  # beside the memory of MEMORY_MB

    def __init__(self, wanted=True):
        self.wanted, self.added = wanted, 0
        self.available = False

    def _write(self, n):
        with contextlib.suppress(OSError), open(self.path, "w") as f:
            f.write(str(n))

    def _read(self):
        """How many there are, how many are free, and their size."""
        with open("/proc/meminfo") as f:
            text = f.read()
        return [int(re.search(name + r": +(\d+)", text).group(1))
                for name in ("HugePages_Total", "HugePages_Free", "Hugepagesize")]

    def ensure(self):
        """Before each start: others may have taken some."""
        total, free, size_kb = self._read()
        lacking = (MEMORY_MB + self.reserve_mb) * 1024 // size_kb - free
        if lacking > 0:
            self._write(total + lacking)
            self.added += self._read()[0] - total
        return self._read()[1] * size_kb >= MEMORY_MB * 1024

    def __enter__(self):
        self.available = self.wanted and self.ensure()
        return self

    def __exit__(self, *_):
        if self.added:
            self._write(max(0, self._read()[0] - self.added))


def machine():
    """What the figures depend on."""
    model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
    return {"cpu": model.group(1) if model else "unknown", "cpus": len(CPUS),
            "kernel": os.uname().release}


def eal_args(huge):
    return (["--in-memory"] if huge.available else ["--no-huge", "--no-shconf"]) + [
        "--iova-mode=va", "--no-pci", "-m", str(MEMORY_MB)]


def source(file, number=0):
    return "net_pcap%d,rx_pcap=%s,infinite_rx=1" % (number, file.path)


def sink(number=1):
    return "net_null%d,no-rx=1" % number


class Bench:
    """What both switches have: ports, flows and counters of the bench's kind."""
    label = ""

    def dpdk_port(self, bridge, name, devargs, number, cpu=None):
        """`cpu`: which of several workers polls it, where the switch can be told."""
        self.vsctl("add-port", bridge, name, "--", "set", "Interface", name, "type=dpdk",
                   "ofport_request=%d" % number, 'options:dpdk-devargs="%s"' % devargs,
                   "options:n_rxq=1",
                   *(["other_config:pmd-rxq-affinity=\"0:%d\"" % cpu] if cpu is not None else []))
        error = self.vsctl("get", "Interface", name, "error").strip()
        if error not in ("[]", '""'):
            raise Failure("%s: port %s: %s" % (self.label, name, error))

    def load(self, bridge, text):
        """Adds flows in the form that ovs-ofctl reads."""
        path = os.path.join(self.rundir, "flows.txt")
        with open(path, "w") as f:
            f.write(text if isinstance(text, str) else "\n".join(text) + "\n")
        self.ofctl("add-flows", bridge, path, timeout=120)

    def port_counters(self, bridge, port):
        """(received, sent) packets."""
        text = self.ofctl("dump-ports", bridge, str(port))
        m = re.search(r"rx pkts=(\d+).*\n +tx pkts=(\d+)", text)
        if not m:
            raise Failure("%s: no counters of port %s in\n%s" % (self.label, port, text))
        return int(m.group(1)), int(m.group(2))

    def rate(self, bridge, port, seconds):
        """Packets per second that leave by the port."""
        def read():
            before = time.monotonic()
            sent = self.port_counters(bridge, port)[1]
            return sent, (before + time.monotonic()) / 2
        sent, at = read()
        time.sleep(seconds)
        sent2, at2 = read()
        return (sent2 - sent) / (at2 - at)


class Sluice(slu.Sluiced, Bench):
    label = "sluice"
    patience = 60

    def __init__(self, ns, huge, cpus=ONE_WORKER, dpdk=True):
        super().__init__(ns, "sluice", start=False)
        for path in (self.db, self.log):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        self.start()
        if not dpdk:
            return
        self.vsctl("set", "Open_vSwitch", ".", "other_config:pmd-cpu-mask=" + mask(cpus),
                   "other_config:dpdk-lcore-mask=" + mask([MAIN_CPU]),
                   "other_config:dpdk-socket-mem=%d" % MEMORY_MB,
                   "other_config:max-idle=600000", "other_config:flow-limit=2000000")
        self.stop()
        self.start()

    def counters(self):
        return json.loads(self.rpc("coverage/show", "--json"))

    def megaflows(self):
        return self.counters()["megaflows"]

    def masks(self):
        return self.counters()["masks"]

    def neighbour(self, bridge, address, mac):
        slu.run("ip", "neigh", "replace", address, "lladdr", mac, "dev", bridge, ns=self.ns)


class Ovs(slu.Switch, Bench):
    label = "ovs"

    def __init__(self, ns, huge, cpus=ONE_WORKER, dpdk=True):
        super().__init__(ns, "ovs")
        r = self.rundir
        self.procs = []
        self.env.update(OVS_LOGDIR=r, OVS_DBDIR=r, OVS_SYSCONFDIR=r)
        self.ctl = r + "/ovs-vswitchd.ctl"
        for name in ("conf.db", "db.sock", "ovs-vswitchd.ctl"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(r + "/" + name)
        slu.run("ovsdb-tool", "create", r + "/conf.db", slu.OVS_SCHEMA)
        self._start("ovsdb-server", "ovsdb-server", r + "/conf.db",
                    "--remote=punix:%s/db.sock" % r)
        slu.wait_until("ovsdb-server's socket", lambda: os.path.exists(r + "/db.sock"))
        settings = ["other_config:max-idle=600000", "other_config:flow-limit=2000000"]
        if dpdk:
            settings += ["other_config:dpdk-init=true",
                         'other_config:dpdk-extra="%s"' % " ".join(eal_args(huge)),
                         "other_config:pmd-cpu-mask=" + mask(cpus),
                         "other_config:dpdk-lcore-mask=" + mask([MAIN_CPU])]
        self.vsctl("--no-wait", "init", "--", "set", "Open_vSwitch", ".", *settings)
        self._start("ovs-vswitchd", OVS_DPDK, "unix:%s/db.sock" % r)
        slu.wait_until("ovs-vswitchd's socket", lambda: os.path.exists(self.ctl), 60)
        slu.wait_until("Open vSwitch has DPDK", lambda: not dpdk or self.vsctl(
            "get", "Open_vSwitch", ".", "dpdk_initialized").strip() == "true", 60)

    def _start(self, name, path, *args):
        self.procs.append(slu.spawn(
            path, *args, "--unixctl=%s/%s.ctl" % (self.rundir, name), "--no-chdir",
            "-vconsole:off", "-vfile:info", "--log-file=%s/%s.log" % (self.rundir, name),
            ns=self.ns, env=self.env, log=self.rundir + "/console.log"))

    def pid(self):
        return self.procs[-1].pid

    def alive(self):
        return all(p.poll() is None for p in self.procs)

    def add_bridge(self, bridge, *more):
        self.vsctl("add-br", bridge, "--", "set", "Bridge", bridge, "datapath_type=netdev",
                   "fail_mode=secure", *more)
        slu.run("ip", "link", "set", bridge, "up", ns=self.ns)

    def rpc(self, method, *args):
        return slu.unixctl(self.ctl, method, *args, timeout=30)

    def megaflows(self):
        return int(re.search(r"flows: (\d+)", self.rpc("dpctl/show", "netdev@ovs-netdev")).group(1))

    def neighbour(self, bridge, address, mac):
        self.rpc("tnl/arp/set", bridge, address, mac)

    def stop(self):
        for p in reversed(self.procs):
            with contextlib.suppress(Failure):
                slu.stop(p)
        self.procs = []


SWITCHES = {"sluice": Sluice, "ovs": Ovs}


class Testpmd:
    """Moves packets from port to port, looking at nothing: what the machine can do."""

    def __init__(self, ns, huge, files, cpus=ONE_WORKER, devices=None):
        vdevs = devices or [d for i, f in enumerate(files)
                            for d in (source(f, 2 * i), sink(2 * i + 1))]
        self.log = os.path.join(slu.tmpdir("testpmd"), "testpmd.log")
        lcores = ",".join(map(str, sorted({MAIN_CPU, *cpus}))) if MAIN_CPU not in cpus else \
            "0@%d," % MAIN_CPU + ",".join("%d@%d" % (i + 1, c) for i, c in enumerate(cpus))
        import subprocess
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.log)
        self.proc = slu.spawn(
            "stdbuf", "-oL", "dpdk-testpmd", "--lcores", lcores, "--main-lcore",
            "0" if MAIN_CPU in cpus else str(MAIN_CPU), *eal_args(huge),
            *["--vdev=" + v for v in vdevs], "--", "-i", "--total-num-mbufs=262144",
            "--forward-mode=io", "--nb-cores=%d" % len(cpus), "--no-mlockall",
            ns=ns, log=self.log, stdin=subprocess.PIPE)
        self.n_ports = len(vdevs)
        self._say("start")

    def _say(self, command):
        self.proc.stdin.write(command.encode() + b"\n")
        self.proc.stdin.flush()

    def _text(self):
        with open(self.log, errors="replace") as f:
            return f.read()

    def rate(self, seconds):
        """Packets per second that are sent."""
        def ask():
            seen = self._text().count("Tx-pps")
            self._say("show port stats all")

            def answered():
                if self.proc.poll() is not None:
                    raise Failure("dpdk-testpmd ended:\n" + self._text()[-2000:])
                return self._text().count("Tx-pps") >= seen + self.n_ports
            slu.wait_until("dpdk-testpmd's statistics", answered, 60)
        ask()
        time.sleep(seconds)
        ask()
        return float(sum(int(n) for n in re.findall(r"Tx-pps: +(\d+)", self._text())
                         [-self.n_ports:]))

    def stop(self):
        with contextlib.suppress(OSError):
            self._say("quit")
        with contextlib.suppress(Exception):
            self.proc.wait(5)
        slu.stop(self.proc, slu.signal.SIGKILL)
