#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# In the guest: somebody takes away and alters the rules of sluiced's TC device behind its back.
# audit.sh SLUICED SLUICECTL MODULE POLICY
set -eu
sluiced=$1 sluicectl=$2 module=$3 policy=$4
flows=200 interval=3000
here=$(dirname "$0")
# shellcheck source=tests/vm/two_ports.sh
. "$here/two_ports.sh"

now() { # milliseconds
	local t=${EPOCHREALTIME/./}
	echo $((t / 1000))
}
send() { # a packet for each flow
	# Each in the namespace by one shell: to start a program takes long here.
	ip netns exec slu1 bash -c "for n in {1..$flows}; do echo >/dev/udp/10.0.0.2/\$n; done" 2>/dev/null
}
all_are_placed() { [ "$(tc filter show dev p1 ingress | grep -c dst_port)" -eq $flows ]; }
# Ours on p1, one a line, without what changes by itself or may: numbers, ages, counts.
shown() {
	tc filter show dev p1 ingress | awk '
		/^filter/ { if (mine) print all; mine = /handle 0x5c0/; sub(/handle.*/, ""); all = "" }
		!/index/ { all = all " " $0 }
		END { if (mine) print all }' | sort
}
number() { # NAME out of the device's audits
	[[ $("$sluicectl" offload status --json) =~ \"audit\":\ *\{[^}]*\"$1\":\ *([0-9]+) ]] || fail "no $1"
	echo "${BASH_REMATCH[1]}"
}
expect() { # NAME VALUE
	[ "$(number "$1")" -eq "$2" ] || fail "$1 is $(number "$1"), not $2"
}

set_up
ovs-vsctl set Open_vSwitch . other_config:sluice-audit-interval=0 other_config:max-idle=600000
for n in $(seq $flows); do echo "udp,tp_dst=$n,in_port=p1,actions=output:p2"; done >/run/flows
ovs-ofctl --names add-flows br0 /run/flows
# Nobody there answers, and what would be said about that is not wanted.
ip netns exec slu2 sysctl -qw net.ipv4.icmp_ratelimit=0
tc filter add dev p1 ingress pref 7 handle 0x77 protocol ip flower dst_ip 192.0.2.7 action drop

echo "== $policy: $flows rules"
send
until_true "all flows are in the device" all_are_placed
sleep 1.5 # counters are read
shown >/run/before

echo "== 100 are deleted, 100 replaced"
flag=
[ "$policy" = none ] || flag=$policy
tc filter show dev p1 ingress |
	sed -n 's/^filter protocol ip pref \([0-9]*\) flower chain \([0-9]*\) handle \(0x5c0[0-9a-f]*\).*/\1 \2 \3/p' >/run/places
i=0
while read -r pref chain handle; do
	i=$((i + 1))
	at="dev p1 ingress pref $pref handle $handle chain $chain protocol ip"
	if [ $((i % 2)) -eq 0 ]; then
		echo "filter del $at flower"
	else
		echo "filter replace $at flower $flag ip_proto udp dst_port $i ip_flags nofrag action drop"
	fi
done </run/places >/run/batch
[ "$(grep -c del /run/batch)" -eq 100 ] || fail "the batch is wrong"
[ "$(grep -c replace /run/batch)" -eq 100 ] || fail "the batch is wrong"
tc -batch /run/batch || fail "$(head -1 /run/batch)"
shown >/run/damaged
cmp -s /run/before /run/damaged && fail "nothing was damaged"
ovs-vsctl set Open_vSwitch . other_config:sluice-audit-interval=$interval
begin=$(now)
repaired() { [ "$(number repaired)" -eq 200 ]; }
until_true "all is repaired" repaired
took=$(($(now) - begin))
[ $took -le $((interval + 1000)) ] || fail "it took $took ms"
ovs-vsctl set Open_vSwitch . other_config:sluice-audit-interval=0
shown >/run/after
cmp /run/before /run/after || fail "it is not as it was: $(diff /run/before /run/after | head -5)"
expect lost 100
expect altered 100
expect unwanted 0
echo "repaired in $took ms (interval $interval ms)"

echo "== nothing is counted twice, or lost"
send
counted() {
	[ "$(ovs-ofctl dump-flows br0 | grep -c "n_packets=2,")" -eq $flows ]
}
until_true "each flow has its two packets" counted

echo "== the qdisc is taken away with all that is on it"
tc qdisc del dev p1 clsact
"$sluicectl" offload audit
all_are_placed || fail "the rules are not back"
tc filter show dev p1 ingress | grep -q "handle 0x5cffffff" || fail "the marker is not back"
expect lost 300
expect repaired 400
grep -q "is back" /mnt/sluiced.log || fail "it is not said"
send
counted() {
	[ "$(ovs-ofctl dump-flows br0 | grep -c "n_packets=3,")" -eq $flows ]
}
until_true "each flow has its three packets" counted
ovs-ofctl --names add-flow br0 "udp,tp_dst=777,in_port=p1,actions=output:p2"
ip netns exec slu1 bash -c "echo >/dev/udp/10.0.0.2/777" 2>/dev/null
seen() { ovs-ofctl dump-flows br0 udp,tp_dst=777 | grep -q "n_packets=1,"; }
until_true "what no rule takes still comes up" seen

echo "== rules that nobody wants, and somebody else's"
tc filter add dev p1 ingress pref 7 handle 0x77 protocol ip flower dst_ip 192.0.2.7 action drop
stray=$(tc filter show dev p1 ingress | sed -n 's/.*cookie \([0-9a-f]*\).*/\1/p' | head -1)
stray=${stray%????}beef
tc filter add dev p2 ingress pref 3 handle 0x5c0fff00 protocol ip flower $flag ip_proto tcp \
	action drop cookie "$stray"
"$sluicectl" offload audit
expect unwanted 1
tc filter show dev p2 ingress | grep -q "0x5c0fff00" && fail "the stray rule is still there"
tc filter show dev p1 ingress | grep -q "handle 0x77" || fail "somebody else's filter is gone"
"$sluicectl" offload log 10000 >/run/log
[ "$(grep -c "found altered" /run/log)" -eq 100 ] || fail "the log lacks what was altered"
[ "$(grep -c ": repaired" /run/log)" -eq 400 ] || fail "the log lacks repairs"
"$sluicectl" offload status
kill $daemon
wait $daemon || fail "sluiced ended with $?"
echo "all of it holds"
