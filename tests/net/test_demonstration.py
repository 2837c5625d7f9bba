#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What everybody does first with a switch, with stock tools and with sluicectl."""
import os
import re

import slu
from nettest import expect, expect_equal, expect_in, main, wait_until


def netdev(lab, name):
    return slu.run("ip", "link", "show", name, ns=lab.ns, check=False).returncode == 0


def link_local(lab, name):
    out = slu.run("ip", "-6", "addr", "show", "dev", name, ns=lab.ns)
    return re.search(r"fe80::\S+ scope link(?! tentative)", out)


def counter(lab, name, which):
    return int(slu.run("cat", "/sys/class/net/%s/statistics/%s" % (name, which), ns=lab.ns))


def start_dhcp_server(lab, bridge):
    slu.run("ip", "addr", "add", "192.168.77.1/24", "dev", bridge, ns=lab.ns)
    lab.processes.append(slu.spawn(
        "/usr/sbin/dnsmasq", "--keep-in-foreground", "--port=0", "--conf-file=/dev/null",
        "--interface=" + bridge, "--bind-interfaces", "--log-facility=-", "--user=root",
        "--dhcp-leasefile=" + os.path.join(lab.sluice.rundir, "leases"),
        "--pid-file=", "--dhcp-range=192.168.77.50,192.168.77.59,1h",
        ns=lab.ns, log=os.path.join(slu.BASE, "dnsmasq.log")))


def take_address(host):
    script = os.path.join(slu.BASE, "udhcpc.sh")
    with open(script, "w") as f:
        f.write('#!/bin/sh\n[ "$1" = bound ] && ip addr add "$ip/24" dev "$interface"\nexit 0\n')
    os.chmod(script, 0o755)
    host.exec("/usr/sbin/udhcpc", "-f", "-q", "-n", "-t", "8", "-T", "1", "-i", "eth0", "-s", script,
              timeout=30)
    out = host.exec("ip", "-4", "addr", "show", "dev", "eth0")
    expect_in("inet 192.168.77.5", out, "an address by DHCP")


def demonstrate(lab, do):
    """`do` runs a command line without the tool's name."""
    do("add-br", "mybridge")
    shown = do("show")
    expect_in("Bridge mybridge", shown, "show")
    expect_equal(shown.count("Port "), 1, "number of ports shown")
    expect(re.search(r"Interface mybridge\s+type: internal", shown), "the internal port:\n" + shown)
    expect(re.search(r'ovs_version: "?\d+\.\d+\.\d+', shown), "an ovs_version:\n" + shown)
    expect(netdev(lab, "mybridge"), "the netdev mybridge exists")
    slu.run("ip", "link", "set", "mybridge", "up", ns=lab.ns)
    wait_until("an IPv6 link-local address", lambda: link_local(lab, "mybridge"))
    wait_until("TX counters that count", lambda: counter(lab, "mybridge", "tx_packets") > 0)
    host = lab.host("h1")
    do("add-port", "mybridge", host.port)
    start_dhcp_server(lab, "mybridge")
    take_address(host)
    host.ping("192.168.77.1")
    tx = counter(lab, "mybridge", "tx_packets")
    host.ping("192.168.77.1", count=5)
    expect(counter(lab, "mybridge", "tx_packets") >= tx + 5, "TX counts the answers")
    do("del-br", "mybridge")
    expect(not netdev(lab, "mybridge"), "the netdev mybridge is gone")
    expect("mybridge" not in do("show"), "the bridge is gone")
    expect(netdev(lab, host.port), "the port's netdev is not ours to delete")


def test_with_stock_tools(lab):
    env = {"OVS_RUNDIR": lab.sluice.rundir}
    demonstrate(lab, lambda *words: slu.run("ovs-vsctl", "--timeout=10", *words, env=env))


def test_with_sluicectl(lab):
    demonstrate(lab, lambda *words: lab.sluice.ctl(*words))


def test_help_of_every_program(lab):
    for name in ("sluiced", "sluicectl", "sluice-simnic"):
        expect_in("Usage", slu.run(slu.program(name), "--help"), name)
        expect(slu.run(slu.program(name), "--version").strip(), name + " says its version")


if __name__ == "__main__":
    main()
