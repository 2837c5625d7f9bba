#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# In the guest: the driver contract, by the kernel's traffic control and by its BPF programs.
# contract.sh MODULE CONTRACT-TEST
set -u
bad=0
modprobe tun
for policy in none skip_hw; do
	"$2" --wires tc:$policy || bad=1
done
insmod "$1" ports=3
for i in 0 1 2; do
	for end in swp wire; do
		sysctl -qw net.ipv6.conf.$end$i.disable_ipv6=1
		ip link set $end$i up
	done
done
"$2" --netdevs swp wire tc:skip_sw || bad=1
"$2" --wires ebpf: || bad=1
exit $bad
