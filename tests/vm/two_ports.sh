# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For scripts in the guest: sluiced on the TC device with the ports p1 and p2 of br0, whose far ends
# t1 and t2 are 10.0.0.1 and 10.0.0.2 in the namespaces slu1 and slu2, and know each other for good.
# Wants $sluiced, $sluicectl, $module and $policy.
export OVS_RUNDIR=/run/sluice

fail() {
	echo "FAILED: $*"
	"$sluicectl" offload status --json || true
	"$sluicectl" offload status || true
	"$sluicectl" offload flows || true
	tc -s filter show dev p1 ingress
	cat /mnt/sluiced.log
	exit 1
}
. "$(dirname "${BASH_SOURCE[0]}")/waiting.sh"
rules() { # of ours, on p1 and p2
	{ tc filter show dev p1 ingress; tc filter show dev p2 ingress; } | grep -c "handle 0x5c0" || true
}
launch() {
	"$sluiced" --rundir $OVS_RUNDIR --db-file /run/conf.db --log-file /mnt/sluiced.log 2>/dev/null &
	daemon=$!
	until_true "the database is served" test -S $OVS_RUNDIR/db.sock
}
make_ports() {
	modprobe -a tun cls_flower act_mirred
	sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	[ "$policy" != skip_sw ] || insmod "$module" ports=2
	for i in 1 2; do
		if [ "$policy" = skip_sw ]; then
			ip link set "swp$((i - 1))" name "p$i"
			ip link set "wire$((i - 1))" name "t$i"
		else
			ip link add "p$i" type veth peer name "t$i"
		fi
		ip netns add "slu$i"
		ip netns exec "slu$i" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 \
			net.ipv6.conf.default.disable_ipv6=1
		ip link set "t$i" netns "slu$i"
		ip link set "p$i" up
		ip -n "slu$i" addr add "10.0.0.$i/24" dev "t$i"
		ip -n "slu$i" link set "t$i" up
	done
	for i in 1 2; do
		peer=$((3 - i))
		ip -n slu$i neigh replace 10.0.0.$peer dev t$i \
			lladdr "$(ip netns exec slu$peer cat /sys/class/net/t$peer/address)" nud permanent
	done
}
set_up() {
	make_ports
	mkdir -p $OVS_RUNDIR
	launch
	ovs-vsctl --no-wait set Open_vSwitch . other_config:hw-offload=true \
		other_config:sluice-device=tc "other_config:tc-policy=$policy"
	ovs-vsctl --timeout=30 add-br br0 -- set Bridge br0 fail_mode=secure \
		-- add-port br0 p1 -- add-port br0 p2
}
