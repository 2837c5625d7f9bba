#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# In the guest: sluiced with ports p1 to p6 on the TC device, or with the policy "ebpf" on that, each
# wired to the network card e1 to e6 that leads out of the guest, and br0 to e0. Its sockets are
# served over TCP by e9. It runs until there is a file /mnt/stop.  switch.sh SLUICED POLICY MODULE
set -eu
sluiced=$1 policy=$2 module=$3
export OVS_RUNDIR=/run/sluice

# Few programs, each with much to do: to start one takes a tenth of a second here.
links() { ip -batch -; }
wires() { # pairs "A B": what comes in by one goes out by the other, and back
	while read -r a b; do
		for pair in "$a $b" "$b $a"; do
			# shellcheck disable=SC2086
			set -- $pair
			# The device made one where its own program is.
			if [ "$1-$policy" != br0-ebpf ]; then echo "qdisc add dev $1 clsact"; fi
			echo "filter add dev $1 ingress prio 60000 matchall action mirred egress redirect dev $2"
		done
	done | tc -batch -
}

modprobe -a tun virtio_net sch_ingress cls_matchall cls_flower act_mirred
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
if [ "$policy" = skip_sw ]; then insmod "$module" ports=6 max_rules=300; fi
{
	for dev in /sys/class/net/*; do # by the last byte of their addresses
		read -r address <"$dev/address"
		[[ $address == 02:00:00:00:aa:* ]] || continue
		echo "link set ${dev##*/} name e$((16#${address##*:})) mtu 2000 promisc on up"
	done
	for i in 1 2 3 4 5 6; do
		if [ "$policy" = skip_sw ]; then
			echo "link set swp$((i - 1)) name p$i"
			echo "link set wire$((i - 1)) name t$i"
		else
			echo "link add p$i type veth peer name t$i"
		fi
		echo "link set p$i mtu 2000 up"
		echo "link set t$i mtu 2000 up"
	done
	echo "addr add 10.0.2.15/24 dev e9"
} | links
if [ "$policy" != skip_sw ]; then # as packets come from a wire: one at a time
	for i in 1 2 3 4 5 6; do
		ethtool -K "t$i" tso off tx-udp-segmentation off tx-sctp-segmentation off \
			tx-gso-list off
	done
fi
for i in 1 2 3 4 5 6; do echo "t$i e$i"; done | wires
mkdir -p $OVS_RUNDIR
"$sluiced" --rundir $OVS_RUNDIR --db-file /run/conf.db --log-file /mnt/sluiced.log 2>/dev/null &
daemon=$!
until [ -S $OVS_RUNDIR/db.sock ]; do sleep 0.2; done
device=(other_config:sluice-device=tc "other_config:tc-policy=$policy")
if [ "$policy" = ebpf ]; then device=(other_config:sluice-device=ebpf); fi
ovs-vsctl --no-wait set Open_vSwitch . other_config:hw-offload=true "${device[@]}" \
	other_config:sluice-audit-interval=500 # all the time, beside everything else
args=()
for i in 1 2 3 4 5 6; do
	args+=(-- add-port br0 "p$i" -- set Interface "p$i" "ofport_request=$i")
done
ovs-vsctl --timeout=60 add-br br0 -- set Bridge br0 fail_mode=secure "${args[@]}" \
	-- set Interface p6 options:device=none
ip link set br0 mtu 2000 up
echo "br0 e0" | wires
socat TCP-LISTEN:7001,fork,reuseaddr UNIX-CONNECT:$OVS_RUNDIR/db.sock &
socat TCP-LISTEN:7002,fork,reuseaddr UNIX-CONNECT:$OVS_RUNDIR/br0.mgmt &
socat TCP-LISTEN:7003,fork,reuseaddr UNIX-CONNECT:$OVS_RUNDIR/sluiced.$daemon.ctl &
touch /mnt/ready
while [ ! -e /mnt/stop ]; do sleep 0.5; done
for i in 1 2 3 4 5 6; do
	echo "== p$i"
	tc -s filter show dev "p$i" ingress
done
echo "== policers"
tc actions list action police
kill $daemon
wait $daemon
echo "sluiced ended with $?"
