# SPDX-License-Identifier: Apache-2.0
"""Sluice with the running kernel as its device, as a switch under test."""
import slu
from switches import UNBOUND, SluiceUnderTest, UnderTest


class KernelUnderTest(SluiceUnderTest):
    """Its ports are on the device by themselves."""

    def use_device(self, device):
        self.device = device
        self.sw.vsctl("set", "Open_vSwitch", ".", "other_config:sluice-audit-interval=500")
        self.sw.vsctl("set", "Interface", "p%d" % UNBOUND, "options:device=none")
        self.sw.offload(device)

    def wait_ports(self):
        super().wait_ports()
        slu.wait_until("%s: its ports" % self.name, lambda: any(
            d["ports"] >= len(self.bound()) for d in self.status()["devices"]))

    def add_tunnels(self):
        """What tunnels leave through is on the device by itself."""
        UnderTest.add_tunnels(self)

    def counted_right(self, port, got, want):
        """The counters of ports on the device are those of their netdevs, which leave out tags that
        lie beside the packet."""
        if port not in self.bound() or not got:
            return got == want
        return (got[0], got[2]) == (want[0], want[2]) and all(
            want[i] - 4 * want[i - 1] <= got[i] <= want[i] for i in (1, 3))
