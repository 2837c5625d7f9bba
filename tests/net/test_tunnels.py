#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""VXLAN and Geneve ports against the kernel's own tunnels and Open vSwitch's.

    host h1 -- br-int -- tunnel port ~~~ br-phy (172.16.0.1) -- uplink -- peer (172.16.0.2)
"""
import slu
from nettest import expect, expect_equal, expect_in, main, wait_until


def underlay(lab, peer_address="172.16.0.2/24", ipv6=False):
    """br-phy with the host's address, and a peer behind its uplink."""
    peer = lab.host("peer", peer_address, ipv6=ipv6)
    lab.bridge("br-phy")
    lab.sluice.vsctl("add-port", "br-phy", peer.port)
    lab.sluice.ofctl("add-flow", "br-phy", "actions=NORMAL")
    slu.run("ip", "addr", "add", "172.16.0.1/24", "dev", "br-phy", ns=lab.ns)
    return peer


def overlay(lab, kind, name="tun0", **options):
    """br-int with host h1 and a tunnel port."""
    lab.bridge("br-int")
    h1 = lab.host("h1", "10.0.0.1/24", "br-int")
    h1.exec("ip", "link", "set", "eth0", "mtu", "1400")
    add_tunnel(lab, kind, name, **options)
    lab.sluice.ofctl("add-flow", "br-int", "actions=NORMAL")
    return h1


def add_tunnel(lab, kind, name="tun0", **options):
    lab.sluice.vsctl("add-port", "br-int", name, "--", "set", "Interface", name, "type=" + kind,
                     *["options:%s=%s" % o for o in options.items()])


def kernel_vxlan(peer, vni=42, remote="172.16.0.1", local="172.16.0.2", address="10.0.0.2/24"):
    peer.exec("ip", "link", "add", "vx0", "type", "vxlan", "id", str(vni), "remote", remote,
              "local", local, "dstport", "4789", "dev", "eth0")
    peer.exec("ip", "addr", "add", address, "dev", "vx0")
    peer.exec("ip", "link", "set", "vx0", "mtu", "1400")
    peer.exec("ip", "link", "set", "vx0", "up")


def drops(lab):
    return lab.sluice.rpc_json("dpif/drops") if False else lab.sluice.offload_status()


def test_vxlan_with_the_kernel(lab):
    peer = underlay(lab)
    kernel_vxlan(peer)
    h1 = overlay(lab, "vxlan", remote_ip="172.16.0.2", key=42)
    wait_until("the first packet finds its neighbour", lambda: h1.ping("10.0.0.2", 1, check=False))
    h1.ping("10.0.0.2", 10)


if __name__ == "__main__":
    main()
