# SPDX-License-Identifier: Apache-2.0
"""The switches under test: each in a network namespace of its own, with ports p1 to p6 whose far
ends are t1 to t6, and a LOCAL port br0."""
import glob
import os
import re
import subprocess
import time

import slu

PORTS = 6
UNBOUND = 6  # this port is not given to the device: flows that use it stay in software

UNDERLAY_MAC, UNDERLAY_IP = "02:00:00:00:01:01", "172.31.0.1"
UNDERLAY_IP6 = "fd31::1"
TUNNEL_PEERS = {"172.31.0.2": "02:00:00:00:01:02", "172.31.0.3": "02:00:00:00:01:03",
                "fd31::2": "02:00:00:00:01:02"}
TUNNELS = (  # name, type, port number, options
    ("vx", "vxlan", 7, {"remote_ip": "172.31.0.2", "key": "flow"}),
    ("gn", "geneve", 8, {"remote_ip": "flow", "key": "flow"}),
    ("vy", "vxlan", 9, {"remote_ip": "172.31.0.3", "key": "77"}),
    ("v6", "vxlan", 10, {"remote_ip": "fd31::2", "key": "flow"}),
    ("gb", "vxlan", 11, {"remote_ip": "172.31.0.2", "key": "flow", "exts": "gbp",
                         "dst_port": "4790"}),
)
OPTIONS = "{class=0x102,type=0x5,len=4}->tun_metadata0"  # of Geneve


class UnderTest:
    """What diff.py asks of a switch. Methods that start a process return a function that waits
    for it, so that the switches work side by side."""
    lossy = False  # may lose packets
    outages = 0  # of its device, in this program
    INSIDE = 48  # packets that a device may hold: as many are on their way at a time
    counts_drops = True  # the bytes that a meter's bands drop
    patience = 0  # seconds after which counters must be right
    placing_ms = 0  # that its device takes to place what first packets make
    # Fields that its device cannot match, or write: programs seldom do.
    unmatched = unwritten = ()
    prefers_bound = False  # programs seldom send to ports that its device does not have
    forgets = False  # may lose what a device counted since it was last asked
    forgotten = 0
    limited = ()  # zones with a limit
    device = None
    metered = False

    def setup_ns(self, name):
        self.ns = slu.Netns("diff-" + name)
        for i in range(1, PORTS + 1):
            self.ns.veth("p%d" % i, "t%d" % i)

    def wait_ports(self):
        names = ["p%d" % i for i in range(1, PORTS + 1)]

        def ready():
            text = self.sw.vsctl("--columns=name,ofport,error", "--format=csv", "--no-headings",
                                 "list", "Interface")
            have = {line.split(",")[0]: line.split(",")[1] for line in text.splitlines()}
            return all(have.get(n) == n[1:] for n in names)
        slu.wait_until("%s: ports p1 to p6" % self.name, ready)

    def mgmt(self, bridge):
        return self.sw.mgmt(bridge)

    def ofctl_start(self, *args, again=True):
        p = subprocess.Popen(("ovs-ofctl", "-O", "OpenFlow13", "--no-names") + args,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True,
                             env=dict(os.environ, **self.sw.env))

        def finish():
            out, err = p.communicate(timeout=60)
            if p.returncode and again and "failed to open socket" in err:  # it never got there
                return self.ofctl_start(*args, again=False)()
            if p.returncode:
                raise slu.Failure("%s: ovs-ofctl %s: %s" % (self.name, " ".join(args), err))
            return out
        return finish

    def load(self, path):
        return self.ofctl_start("add-flows", "br0", path)

    def dump_flows(self):
        finish = self.ofctl_start("dump-flows", "br0")

        def flows():
            parsed = [f for f in map(slu.parse_flow, finish().splitlines()) if f]
            for f in parsed:
                # Two ways to say the same.
                f["actions"] = re.sub(r"mod_nw_ttl:(\d+)", r"set_field:\1->nw_ttl", f["actions"])
            return {f["cookie"]: f for f in parsed}
        return flows

    def dump_ports(self):
        finish = self.ofctl_start("dump-ports", "br0")

        def counters():
            out, port = {}, None
            for line in finish().splitlines():
                m = re.search(r"port\s+(\S+): rx", line)
                if m:
                    port = 0 if m.group(1) == "LOCAL" else int(m.group(1))
                m = re.search(r"pkts=(\d+), bytes=(\d+)", line)
                if m and port is not None:
                    out[port] = out.get(port, ()) + (int(m.group(1)), int(m.group(2)))
            return out
        return counters

    def counters_start(self):
        finish = self.dump_ports()

        def keep():
            self.base = finish()
        return keep

    def counters_read(self):
        finish = self.dump_ports()

        def difference():
            now = finish()
            return {port: tuple(n - b for n, b in zip(values, self.base.get(port, (0,) * 4)))
                    for port, values in now.items()}
        return difference

    def add_tunnels(self):
        """A bridge br1 with port p7 and an address, and tunnel ports 7 to 9 on br0 that leave
        through it."""
        self.ns.veth("p7", "t7")
        self.sw.add_bridge("br1")
        self.sw.vsctl("set", "Bridge", "br1", 'other_config:hwaddr="%s"' % UNDERLAY_MAC)
        self.sw.add_ports("br1", ["p7"])
        slu.run("ip", "link", "set", "br1", "address", UNDERLAY_MAC, ns=self.ns)
        self.ns.sysctl("net/ipv6/conf/br1/accept_ra", "0")
        self.ns.sysctl("net/ipv6/conf/br1/addr_gen_mode", "1")
        self.ns.sysctl("net/ipv6/conf/br1/disable_ipv6", "0")
        slu.run("ip", "addr", "add", UNDERLAY_IP + "/24", "dev", "br1", ns=self.ns)
        slu.run("ip", "addr", "add", UNDERLAY_IP6 + "/64", "dev", "br1", "nodad", ns=self.ns)
        for ip, mac in TUNNEL_PEERS.items():
            slu.run("ip", "neigh", "replace", ip, "lladdr", mac, "dev", "br1", "nud", "permanent",
                    ns=self.ns)
        self.sw.ofctl("add-flow", "br1", "actions=NORMAL")
        args = []
        for name, kind, port, options in TUNNELS:
            args += ["--", "add-port", "br0", name, "--", "set", "Interface", name,
                     "type=" + kind, "ofport_request=%d" % port] + [
                         "options:%s=%s" % o for o in options.items()]
        self.sw.vsctl(*args[1:])
        self.sw.ofctl("add-tlv-map", "br0", OPTIONS)

    def match_fragments(self):
        """First fragments have their ports in every lookup: otherwise the reference hides them. A
        new OpenFlow connection's configuration undoes it."""
        self.sw.ofctl("set-frags", "br0", "nx-match", version="OpenFlow10")
        return lambda: None

    def conntrack(self, method, *args):
        slu.unixctl(self.sw.ctl, method, *args)

    def model_start(self, windows, limits=()):
        """Forgets what former programs left in connection tracking. `windows`: TCP packets outside
        of them are invalid; where nobody looks at them a device may have TCP connections. `limits`:
        (zone, connections) that it may have."""
        self.conntrack("dpctl/flush-conntrack")
        self.conntrack("dpctl/ct-%s-tcp-seq-chk" % ("enable" if windows else "disable"))
        if self.limited:
            self.conntrack("dpctl/ct-del-limits", "zone=" + ",".join(map(str, self.limited)))
        if limits:
            self.conntrack("dpctl/ct-set-limits", *["zone=%d,limit=%d" % z for z in limits])
        self.limited = [zone for zone, _ in limits]
        return lambda: None

    def flush(self):
        """Forgets all connections, midway."""
        self.conntrack("dpctl/flush-conntrack")
        return lambda: None

    def clear(self):
        self.ofctl_start("del-flows", "br0")()
        if self.metered:
            self.ofctl_start("del-meters", "br0")()
        self.metered = False
        return self.ofctl_start("del-groups", "br0")

    def load_meters(self, lines):
        if lines and not self.metered:
            self.ofctl_start("meter-features", "br0")()  # the reference has none before it is asked
        for line in lines:
            self.metered = True
            self.ofctl_start("add-meter", "br0", line)()
        return lambda: None

    def dump_meters(self):
        """Counters by meter: its packets and bytes, then those of its bands."""
        finish = self.ofctl_start("meter-stats", "br0")

        def meters():
            found = {}
            for part in re.split(r"meter:(?=\d)", finish())[1:]:
                found[int(re.match(r"\d+", part)[0])] = tuple(
                    int(n) for n in re.findall(r"(?:packet|byte)(?:_in)?_count:(\d+)", part))
            return found
        return meters

    def links(self, ports, state):
        for port in ports:
            slu.run("ip", "link", "set", "t%d" % port, state, ns=self.ns)

    def wait_links(self, ports, down):
        def done():
            text = self.ofctl_start("dump-ports-desc", "br0")()
            states = dict(re.findall(r"^ (\d+)\(.*?state: +(\S+)", text, re.M | re.S))
            return all(("LINK_DOWN" in states.get(str(p), "")) == down for p in ports)
        slu.wait_until("%s: links of ports %s" % (self.name, ports), done, interval=0.05)

    def paths(self):
        """Packets by the device, and in software."""
        return 0, 0

    def load_groups(self, path):
        return self.ofctl_start("add-groups", "br0", path)

    def dump_groups(self):
        """Counters by group: its packets and bytes, then those of its buckets. Not how many refer to
        it: the reference leaves out groups that do."""
        groups = {}
        for line in self.ofctl_start("dump-group-stats", "br0")().splitlines():
            m = re.search(r"group_id=(\d+)", line)
            if m:
                groups[int(m.group(1))] = tuple(
                    int(n) for n in re.findall(r"(?:packet|byte)_count=(\d+)", line))
        return groups

    def model_flows(self):
        """Flows by what they are: learned ones share a cookie."""
        finish = self.ofctl_start("dump-flows", "br0")

        def flows():
            parsed = [f for f in map(slu.parse_flow, finish().splitlines()) if f]
            for f in parsed:
                # Two ways to say the same.
                f["actions"] = re.sub(r"load:(\w+)->NXM_NX_REG(\d+)\[\]", r"set_field:\1->reg\2",
                                      f["actions"])
            return {(f["cookie"], f["table"], f["priority"], f["match"]): f for f in parsed}
        return flows

    def counted_right(self, port, got, want):
        """Whether these are a port's counters."""
        return got == want

    def width_violations(self):
        return 0

    def is_prompt(self):
        """Whether a change is in force once the barrier was answered."""
        return False

    def sync(self):
        return lambda: None

    def settle(self):
        return lambda: None

    def cover(self, coverage):
        pass

    def paths_report(self, enforce):
        return []

    def stop(self):
        self.sw.stop()
        self.ns.delete()


class OvsUnderTest(UnderTest):
    def __init__(self, name="ovs", purged=False):
        self.name, self.purged = name, purged
        self.setup_ns(name)
        self.sw = slu.Ovs(self.ns, name)
        self.sw.add_bridge("br0")
        self.sw.add_ports("br0", ["p%d" % i for i in range(1, PORTS + 1)])

    def add_tunnels(self):
        super().add_tunnels()
        for ip, mac in TUNNEL_PEERS.items():
            slu.unixctl(self.sw.ctl, "tnl/neigh/set", "br1", ip, mac)

    def sync(self):
        """It answers a barrier before its datapath caches follow. A megaflow that was there before a
        flow was changed may go on without the tag's EtherType that it now depends on: some runs do
        without such."""
        if self.purged:
            slu.unixctl(self.sw.ctl, "revalidator/purge")
        end = time.monotonic() + 0.15
        return lambda: time.sleep(max(0, end - time.monotonic()))

    def settle(self):
        return lambda: slu.unixctl(self.sw.ctl, "revalidator/wait")

    def load(self, path):
        # What the former program left in the caches would count as its own.
        if path.endswith(".0"):
            slu.unixctl(self.sw.ctl, "revalidator/purge")
        return super().load(path)

    def megaflows(self):
        text = slu.unixctl(self.sw.ctl, "upcall/show")
        return int(re.search(r"current (\d+)", text).group(1))


class SluiceUnderTest(UnderTest):
    def __init__(self, name, device, env=None):
        self.name, self.device = name, device
        self.setup_ns(name)
        # Every megaflow is tried for being wider than its decision.
        self.sw = slu.Sluiced(self.ns, name, env=dict({"SLUICE_WIDTH_ORACLE": "1"}, **(env or {})))
        self.sw.add_bridge("br0")
        self.sw.add_ports("br0", ["p%d" % i for i in range(1, PORTS + 1)])
        if device:
            self.patience = 3
            self.use_device(device)

    def use_device(self, device):
        self.device = device
        self.sw.offload(device)
        self.sw.bind(*["p%d" % i for i in range(1, PORTS + 1) if i != UNBOUND])

    def alive(self):
        return self.sw.alive()

    def kill(self):
        self.sw.kill()
        self.ns.delete()

    def wait_ports(self):
        super().wait_ports()
        if self.device:
            slu.wait_until("%s: the device" % self.name, lambda: any(
                d["alive"] for d in self.status()["devices"]))

    def bound(self):
        """Ports of the device."""
        return [p for p in range(1, PORTS + 1) if p != UNBOUND]

    def is_prompt(self):
        return not self.device

    def status(self):
        return self.sw.offload_status()

    def audited(self):
        """What the audit found, though nobody but the switch touched its rules."""
        found = [d for d in self.sw.rpc_json("offload/log", "10000") if "audit" in d["decision"]]
        for d in found[:5]:
            slu.log("%s: %s: %s" % (self.name, d["match"], d["decision"]))
        return ["the audit found %d rules wrong" % len(found)] if found else []

    def paths(self):
        packets = self.status()["packets"]
        return packets["hardware"], packets["software"]

    def flush(self):
        super().flush()
        if not self.device:
            return lambda: None

        def gone():
            end = time.monotonic() + 2
            while any(d.get("connections") for d in self.status()["devices"]) and (
                    time.monotonic() < end):
                time.sleep(0.01)
        return gone

    def megaflows(self):
        self.shown = self.sw.offload_flows()
        return len(self.shown)

    def add_tunnels(self):
        super().add_tunnels()
        if self.device:
            self.sw.bind("p7")

    def conntrack(self, method, *args):
        self.sw.rpc(method, *args)

    def width_violations(self):
        """Megaflows that cover packets for which another decision would be made, by the oracle that
        SLUICE_WIDTH_ORACLE switches on, since the last call."""
        now = self.sw.rpc_json("coverage/show")["width_violations"]
        new, self.violations = now - getattr(self, "violations", 0), now
        return new

    def cover(self, coverage):
        if not self.device:
            return
        for mf in self.shown:
            for refusal in mf.get("refusals", ()):
                coverage.refusal(self.name, mf["ufid"], refusal)

    def paths_report(self, enforce):
        packets = self.status()["packets"]
        hw, sw = packets["hardware"], packets["software"]
        slu.log("packets   %-10s %d by the device, %d in software" % (self.name, hw, sw))
        checks = self.sw.rpc_json("coverage/show")["width_checks"]
        if checks:
            slu.log("width     %-10s %d packets tried by the oracle" % (self.name, checks))
        if enforce and self.device == "sim:nic" and hw < sw:
            return ["%s: the device forwarded only %d of %d packets" % (self.name, hw, hw + sw)]
        return []


def show_logs(lines=40):
    """The ends of what the daemons wrote, after something unexpected."""
    for path in sorted(glob.glob(slu.BASE + "/**/*.log", recursive=True)):
        with open(path, errors="replace") as f:
            last = f.readlines()[-lines:]
        slu.log("---- %s\n%s" % (os.path.relpath(path, slu.BASE), "".join(last)))
