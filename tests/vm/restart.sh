#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# In the guest: sluiced is killed and started again under traffic that its device carries.
# restart.sh SLUICED SLUICECTL MODULE POLICY
set -eu
sluiced=$1 sluicectl=$2 module=$3 policy=$4
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
adopted() {
	[[ $("$sluicectl" offload status --json) =~ \"adopted\":\ *([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 2 ]
}
rules() { # of ours, on p1 and p2
	{ tc filter show dev p1 ingress; tc filter show dev p2 ingress; } | grep -c "handle 0x5c0" || true
}
start() {
	"$sluiced" --rundir $OVS_RUNDIR --db-file /run/conf.db --log-file /mnt/sluiced.log 2>/dev/null &
	daemon=$!
	for _ in $(seq 100); do
		sleep 0.1
		[ -S $OVS_RUNDIR/br0.mgmt ] && ovs-ofctl add-flow br0 actions=NORMAL 2>/dev/null && return
	done
	fail "sluiced does not come up"
}
until_true() { # WHAT COMMAND...
	local what=$1
	shift
	for _ in $(seq 80); do
		if "$@"; then return; fi
		sleep 0.2
	done
	fail "not in time: $what"
}

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
	ip link set "t$i" netns "slu$i"
	ip link set "p$i" up
	ip -n "slu$i" addr add "10.0.0.$i/24" dev "t$i"
	ip -n "slu$i" link set "t$i" up
done
mkdir -p $OVS_RUNDIR
"$sluiced" --rundir $OVS_RUNDIR --db-file /run/conf.db --log-file /mnt/sluiced.log 2>/dev/null &
daemon=$!
for _ in $(seq 50); do
	if [ -S $OVS_RUNDIR/db.sock ]; then break; fi
	sleep 0.1
done
ovs-vsctl --no-wait set Open_vSwitch . other_config:hw-offload=true \
	other_config:sluice-device=tc "other_config:tc-policy=$policy"
ovs-vsctl --timeout=30 add-br br0 -- set Bridge br0 fail_mode=secure \
	-- add-port br0 p1 -- add-port br0 p2
ovs-ofctl add-flow br0 actions=NORMAL

echo "== $policy: killed under traffic"
# The neighbours are known for good: what else would be lost are the answers to who they are.
for i in 1 2; do
	peer=$((3 - i))
	ip -n slu$i neigh replace 10.0.0.$peer dev t$i \
		lladdr "$(ip netns exec slu$peer cat /sys/class/net/t$peer/address)" nud permanent
done
ip netns exec slu1 busybox ping -q -i 0.05 -c 200 10.0.0.2 >/run/ping &
ping=$!
sleep 2
[ "$(rules)" -ge 2 ] || fail "nothing is in the device"
kill -9 $daemon
wait $daemon 2>/dev/null || true
before=$(rules)
[ "$before" -ge 2 ] || fail "the rules went with the daemon"
wait $ping || true
cat /run/ping
grep -q " 0% packet loss" /run/ping || fail "packets were lost while the daemon was dead"

ip netns exec slu1 busybox ping -q -i 0.05 -c 500 10.0.0.2 >/run/ping &
ping=$!
start
until_true "rules of the former run are adopted" adopted
wait $ping || true
cat /run/ping
grep -q " 0% packet loss" /run/ping || fail "packets were lost while the daemon started"
[ "$(rules)" -ge 2 ] || fail "no rules are left"
"$sluicectl" offload status
"$sluicectl" offload flows
kill $daemon
wait $daemon || fail "sluiced ended with $?"
echo "all of it holds"
