#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a kill leaves: acknowledged rows, internal netdevs with their addresses and port numbers;
no netdev that nobody declared."""
import random
import threading
import time

import slu
from nettest import expect, expect_equal, expect_in, main, wait_until


def ofports(lab):
    text = lab.sluice.vsctl("--columns=name,ofport", "--format=csv", "--no-headings", "list",
                            "Interface")
    return dict(line.split(",") for line in text.splitlines())


def netdevs(lab):
    out = slu.run("ip", "-o", "link", "show", ns=lab.ns)
    return {line.split(": ")[1].split("@")[0] for line in out.splitlines()}


def restart(lab):
    lab.sluice.kill()
    lab.sluice.start()


def test_kill_and_start_again(lab):
    lab.sluice.vsctl("add-br", "br0", "--", "set", "Bridge", "br0", "fail_mode=secure")
    a = lab.host("h1", "10.0.0.1/24", bridge="br0")
    lab.host("h2", "10.0.0.2/24", bridge="br0")
    lab.sluice.vsctl("add-port", "br0", "int0", "--", "set", "Interface", "int0", "type=internal")
    for name, address in (("br0", "10.0.0.8/24"), ("int0", "10.9.0.9/24")):
        slu.run("ip", "link", "set", name, "up", ns=lab.ns)
        slu.run("ip", "addr", "add", address, "dev", name, ns=lab.ns)
    before = ofports(lab)
    index = slu.run("cat", "/sys/class/net/int0/ifindex", ns=lab.ns)
    mac = slu.run("cat", "/sys/class/net/int0/address", ns=lab.ns)
    lab.sluice.kill()
    expect_in("int0", netdevs(lab), "internal netdevs outlive the daemon")
    lab.sluice.start()
    wait_until("port numbers as before", lambda: ofports(lab) == before)
    expect_equal(slu.run("cat", "/sys/class/net/int0/ifindex", ns=lab.ns), index, "the same netdev")
    expect_equal(slu.run("cat", "/sys/class/net/int0/address", ns=lab.ns), mac, "MAC address")
    expect_in("10.9.0.9", slu.run("ip", "addr", "show", "int0", ns=lab.ns), "its address")
    lab.sluice.ofctl("add-flow", "br0", "actions=NORMAL")
    wait_until("it forwards", lambda: a.ping("10.0.0.2", count=1, check=False))
    wait_until("to the bridge, too", lambda: a.ping("10.0.0.8", count=1, check=False))


def test_orderly_stop_keeps_internal_netdevs(lab):
    lab.sluice.vsctl("add-br", "br0")
    slu.run("ip", "addr", "add", "10.0.0.8/24", "dev", "br0", ns=lab.ns)
    lab.sluice.stop()
    expect_in("br0", netdevs(lab), "netdevs")
    lab.sluice.start()
    expect_in("10.0.0.8", slu.run("ip", "addr", "show", "br0", ns=lab.ns), "its address")


def test_undeclared_netdevs_go(lab):
    """Rows that go while the daemon is dead: its netdev goes when it is back."""
    lab.sluice.vsctl("add-br", "br0", "--", "add-br", "br1")
    lab.sluice.stop()
    with open(lab.sluice.db, "rb") as f:
        with_br1 = f.read()
    lab.sluice.start()
    lab.sluice.vsctl("del-br", "br1")
    lab.sluice.vsctl("add-br", "br2")
    lab.sluice.kill()
    # As if the machine had come back with the older database.
    for suffix in ("-wal", "-shm"):
        slu.run("rm", "-f", lab.sluice.db + suffix)
    with open(lab.sluice.db, "wb") as f:
        f.write(with_br1)
    lab.sluice.start()
    wait_until("br1 is back, br2 is gone", lambda: "br1" in netdevs(lab)
               and "br2" not in netdevs(lab))


class Churn(threading.Thread):
    """Changes the configuration until it is stopped; remembers what was acknowledged."""

    def __init__(self, lab, rng):
        super().__init__(daemon=True)
        self.lab, self.rng = lab, rng
        self.there = set()	# acknowledged bridges and ports
        self.unsure = set()	# asked for when the daemon died
        self.done = False
        self.count = 0

    def one(self):
        name = "c%d" % self.rng.randrange(6)
        if name in self.there:
            args = ["del-port", "br0", name]
        else:
            args = ["add-port", "br0", name, "--", "set", "Interface", name, "type=internal"]
        self.unsure.add(name)
        p = slu.run("ovs-vsctl", "--timeout=1", "--no-wait",
                    "--db=unix:%s/db.sock" % self.lab.sluice.rundir, *args,
                    env=self.lab.sluice.env, check=False)
        if p.returncode == 0:
            self.there ^= {name}
            self.unsure.discard(name)
            self.count += 1

    def run(self):
        while not self.done:
            self.one()


def declared(lab):
    return {n for n in lab.sluice.vsctl("list-ports", "br0").split() if n.startswith("c")}


def test_fifty_kills(lab):
    """Kills at random moments, under traffic and configuration changes."""
    rng = random.Random(11)
    lab.sluice.vsctl("add-br", "br0")
    a = lab.host("h1", "10.0.0.1/24", bridge="br0")
    lab.host("h2", "10.0.0.2/24", bridge="br0")
    slu.run("ip", "addr", "add", "10.0.0.8/24", "dev", "br0", ns=lab.ns)
    slu.run("ip", "link", "set", "br0", "up", ns=lab.ns)
    numbers = ofports(lab)
    flood = a.popen("ping", "-n", "-q", "-f", "10.0.0.2")
    lab.processes.append(flood)
    there, changes = set(), 0
    for i in range(50):
        churn = Churn(lab, rng)
        churn.there = there
        churn.start()
        time.sleep(rng.random() * 0.25)
        lab.sluice.kill()
        churn.done = True
        churn.join(10)
        changes += churn.count
        lab.sluice.start()
        now = declared(lab)
        wrong = (now ^ churn.there) - churn.unsure
        expect(not wrong, "kill %d: acknowledged rows are as they were: %s" % (i, sorted(wrong)))
        there = now
        wait_until("kill %d: netdevs as declared" % i, lambda: {
            n for n in netdevs(lab) if n[0] == "c"} == there)
        got = ofports(lab)
        for name, number in numbers.items():
            expect_equal(got.get(name), number, "kill %d: number of %s" % (i, name))
        expect_in("10.0.0.8", slu.run("ip", "addr", "show", "br0", ns=lab.ns),
                  "kill %d: address of br0" % i)
    expect(changes > 20, "%d changes were acknowledged" % changes)
    wait_until("it forwards", lambda: a.ping("10.0.0.2", count=1, check=False))
    print("       %d acknowledged changes between kills" % changes)


def test_start_when_everything_is_gone(lab):
    """A reboot: the database is there, no netdev is."""
    lab.allow("p-h1")
    lab.sluice.vsctl("add-br", "br0")
    a = lab.host("h1", "10.0.0.1/24", bridge="br0")
    numbers = ofports(lab)
    lab.sluice.stop()
    slu.run("ip", "link", "del", "br0", ns=lab.ns)
    slu.run("ip", "link", "del", "p-h1", ns=lab.ns)
    lab.sluice.start()
    wait_until("br0 is made anew", lambda: "br0" in netdevs(lab))
    lab.ns.veth("p-h1", "eth0", a.ns)
    wait_until("the port opens when its netdev comes", lambda: ofports(lab) == numbers)


if __name__ == "__main__":
    main()
