# SPDX-License-Identifier: Apache-2.0
"""Sluice in a guest, as a switch under test: its ports' far ends are TAPs in a network namespace
here, and its sockets are here too, relayed."""
import contextlib
import os
import time

import guest
import slu
from switches import PORTS, UNBOUND, SluiceUnderTest

VM = os.path.join(guest.ROOT, "tests", "vm")
RELAYED = {"db.sock": 7001, "br0.mgmt": 7002, "sluiced.ctl": 7003}


class Relayed(slu.Switch):
    """A sluiced that cannot be reached but by its sockets."""

    def __init__(self, ns, name):
        super().__init__(ns, name)
        self.ctl_path = self.rundir + "/sluiced.ctl"

    def rpc(self, method, *args):
        return slu.unixctl(self.ctl_path, method, *args, timeout=60)

    rpc_json = slu.Sluiced.rpc_json
    offload_status = slu.Sluiced.offload_status
    offload_flows = slu.Sluiced.offload_flows

    def ctl(self, *args, **kw):
        return slu.run(slu.program("sluicectl"), "--rundir", self.rundir, *args, **kw)


class GuestUnderTest(SluiceUnderTest):
    patience = 6
    placing_ms = 400
    prefers_bound = True

    def __init__(self, name, policy, env=None):
        self.name, self.device = name, policy if policy == "ebpf" else "tc:" + policy
        if policy != "ebpf":
            # Flower has no keys for them, and of VLAN ids for whole ones only.
            self.unmatched = ("pkt_mark", "ipv6_label", "nd_target", "nd_tll", "vlan_vid")
            self.unwritten = ("sctp_src", "sctp_dst", "icmp_type", "icmp_code", "icmpv6_type",
                              "icmpv6_code", "nd_target", "nd_tll")
        self.counts_drops = policy != "skip_sw"  # TC has no place for what a card says of it
        self.ns = slu.Netns("diff-" + name)
        devices = []
        for i in range(PORTS + 1):
            tap = "t%d" % i if i else "br0"
            slu.run("ip", "tuntap", "add", tap, "mode", "tap", ns=self.ns)
            slu.run("ip", "link", "set", tap, "mtu", "2000", "up", ns=self.ns)
            devices += ["-netdev", "tap,id=n%d,ifname=%s,script=no,downscript=no" % (i, tap)]
            devices += self.card(i, ",host_mtu=2000,csum=off,gso=off,guest_csum=off,guest_tso4=off,"
                                    "guest_tso6=off,guest_ecn=off,guest_ufo=off,host_tso4=off,"
                                    "host_tso6=off,host_ecn=off,host_ufo=off,mrg_rxbuf=on")
        forward = "".join(",hostfwd=tcp:127.0.0.1:%d-:%d" % (p, p) for p in RELAYED.values())
        devices += ["-netdev", "user,id=n9" + forward] + self.card(9, "")
        self.guest = guest.Guest(
            "bash %s/switch.sh %s %s %s" % (VM, slu.program("sluiced"), policy,
                                            guest.module(VM + "/testnic")),
            cpus=2, env=env, devices=devices, ns=self.ns)
        self.sw = Relayed(self.ns, name)
        slu.wait_until("the guest's switch is ready", self.is_ready, timeout=120, interval=0.2)
        for path, port in RELAYED.items():
            slu.spawn("socat", "UNIX-LISTEN:%s/%s,fork" % (self.sw.rundir, path),
                      "TCP:127.0.0.1:%d" % port, ns=self.ns)
            slu.wait_until(path, lambda p=path: os.path.exists("%s/%s" % (self.sw.rundir, p)))

        slu.wait_until("the relays", self.answers, timeout=20, interval=0.5)

    def alive(self):
        """The daemon in there: what it serves is answered."""
        return self.guest.process.poll() is None and self.answers() is not None

    def kill(self):
        self.guest.process.kill()
        self.guest.process.wait()
        self.ns.delete()

    def answers(self):
        with contextlib.suppress(slu.Failure, OSError):
            self.sw.vsctl("get", "Bridge", "br0", "name")
            return self.sw.rpc("version")
        return None

    @staticmethod
    def card(i, options):
        return ["-device", "virtio-net-pci,netdev=n%d,mac=02:00:00:00:aa:%02x,romfile=%s" % (
            i, i, options)]

    def is_ready(self):
        if self.guest.process.poll() is not None:
            raise slu.Failure("the guest has ended: %s" % self.guest.read("output"))
        return os.path.exists(self.guest.folder + "/ready")

    def counted_right(self, port, got, want):
        """The counters of ports on the device are those of their netdevs, whose drivers leave out
        tags that they took off."""
        if port not in self.bound() or not got:
            return got == want
        return (got[0], got[2]) == (want[0], want[2]) and all(
            want[i] - 4 * want[i - 1] <= got[i] <= want[i] for i in (1, 3))

    def width_violations(self):
        return 0  # the oracle doubles the work of a slow machine

    def stop(self):
        """Ends the guest; what it says in the end is in self.output."""
        with open(self.guest.folder + "/stop", "w"):
            pass
        self.log = self.guest.read("sluiced.log")
        status, self.output, self.kernel_log = self.guest.wait(60)
        self.ns.delete()
        slu.expect_equal(status, 0, "exit status of the guest: " + self.output[-2000:])
