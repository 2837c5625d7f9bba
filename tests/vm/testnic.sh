#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# In the guest: the test card does what its rules say, and what the kernel's tools show of it is
# what a card's driver would show.  testnic.sh MODULE
set -eu
step() { echo "== $*"; }
fail() {
	echo "FAILED: $*"
	tc -s filter show dev swp0 ingress || true
	exit 1
}
has() { # TEXT in what a command says
	local text=$1 said
	shift
	said=$("$@" 2>&1) || true
	[[ $said == *"$text"* ]] || fail "'$text' is not in what '$*' says: $said"
}
refused() { # TEXT that tc says when it does not take a filter
	local text=$1 said
	shift
	if said=$(tc filter add "$@" 2>&1); then fail "was taken: $*"; fi
	[[ $said == *"$text"* ]] || fail "'$text' is not the reason: $said"
}
clear() { for i in 0 1 2; do tc filter del dev swp$i ingress; done; }
rule() { tc filter add dev "$1" ingress "${@:2}"; }
pings() { ip netns exec slua busybox ping -c 2 -i 0.2 -W 2 "$1" >/dev/null; }
packets() { # that a rule of a device, by its number, took in hardware
	tc -s filter show dev "$1" ingress | awk -v n="$2" \
		'/Sent hardware/ { if (++i == n) print $5 }'
}
both() { # rules both ways between ports 0 and 1, with these actions before the redirection
	for pair in "0 1" "1 0"; do
		# shellcheck disable=SC2086
		set -- $pair "${@:3}"
		rule "swp$1" protocol arp prio 1 flower skip_sw action mirred egress redirect dev "swp$2"
		rule "swp$1" protocol ip prio 2 flower skip_sw action mirred egress redirect dev "swp$2"
	done
}

insmod "$1" ports=3
for i in 0 1 2; do
	ip link set swp$i up
	tc qdisc add dev swp$i clsact
done
for i in 0:slua 1:slub 2:sluc; do
	ip netns add "${i#*:}"
	ip link set "wire${i%:*}" netns "${i#*:}"
	ip -n "${i#*:}" addr add "10.0.0.$((${i%:*} + 1))/24" dev "wire${i%:*}"
	ip -n "${i#*:}" link set "wire${i%:*}" up
done

step "a switchdev device"
has "mode switchdev" devlink dev eswitch show platform/testnic.0
has "netdev swp1 flavour physical port 1" devlink port show
has "746573746e6963" cat /sys/class/net/swp0/phys_switch_id
has "p1" cat /sys/class/net/swp1/phys_port_name

step "misses go to the CPU, and to no other port"
if pings 10.0.0.2; then fail "frames got through without a rule"; fi
[ "$(cat /sys/class/net/swp0/statistics/rx_packets)" -gt 0 ] || fail "no miss at swp0"

step "rules forward, and count"
both
ip -n slua neigh flush dev wire0 # a question without an answer takes the first ping with it
pings 10.0.0.2 || fail "no ping through the rules"
has "in_hw in_hw_count 1" tc filter show dev swp0 ingress
[ "$(packets swp0 2)" = 2 ] || fail "hardware counted $(packets swp0 2) of 2 packets"
has "Sent hardware 196 bytes 2 pkt" tc -s filter show dev swp0 ingress

step "what the card cannot do, it says"
refused "cannot do this: sample" dev swp0 ingress protocol ip prio 9 flower skip_sw \
	action sample rate 10 group 1
refused "cannot match one of the keys" dev swp0 ingress protocol ip prio 9 flower skip_sw \
	ct_state +trk action drop
refused "not its own" dev swp0 ingress protocol ip prio 9 flower skip_sw \
	action mirred egress redirect dev lo

step "no room"
cat /sys/module/testnic/parameters/rules >/sys/module/testnic/parameters/max_rules
refused "rule table of the card is full" dev swp0 ingress protocol ip prio 9 flower skip_sw \
	dst_ip 10.9.9.9 action drop
echo 1000 >/sys/module/testnic/parameters/max_rules
clear

step "headers written, checksums put right"
both
tc filter del dev swp0 ingress prio 2
tc filter del dev swp1 ingress prio 2
rule swp0 protocol ip prio 2 flower skip_sw dst_ip 10.0.0.2 action pedit ex munge ip dst set 10.0.0.7 \
	munge ip ttl set 9 pipe csum ip4h and icmp pipe mirred egress redirect dev swp1
rule swp1 protocol ip prio 2 flower skip_sw src_ip 10.0.0.7 action pedit ex munge ip src set 10.0.0.2 \
	pipe csum ip4h and icmp pipe mirred egress redirect dev swp0
ip -n slub addr add 10.0.0.7/32 dev wire1
pings 10.0.0.2 || fail "no ping through rules that write addresses"
clear

step "tags, chains and mirrors"
rule swp0 protocol all prio 1 flower skip_sw action vlan push id 9 pipe action goto chain 5
rule swp0 protocol 802.1Q prio 1 chain 5 flower skip_sw vlan_id 9 \
	action mirred egress mirror dev swp2 pipe action vlan pop pipe action goto chain 6
rule swp0 protocol ip prio 1 chain 6 flower skip_sw action mirred egress redirect dev swp1
rule swp0 protocol arp prio 2 chain 6 flower skip_sw action mirred egress redirect dev swp1
rule swp1 protocol all prio 1 flower skip_sw action mirred egress redirect dev swp0
before=$(ip netns exec sluc cat /sys/class/net/wire2/statistics/rx_packets)
pings 10.0.0.2 || fail "no ping through chains"
after=$(ip netns exec sluc cat /sys/class/net/wire2/statistics/rx_packets)
[ $((after - before)) -ge 2 ] || fail "$((after - before)) of 2 packets were mirrored"
clear

step "label stacks, behind a tag"
rule swp0 protocol arp prio 1 flower skip_sw action mirred egress redirect dev swp1
rule swp1 protocol all prio 1 flower skip_sw action mirred egress redirect dev swp0
rule swp0 protocol ip prio 2 flower skip_sw action vlan push id 7 pipe \
	action mpls push protocol mpls_uc label 9 tc 3 ttl 64 bos 1 pipe \
	action mpls push protocol mpls_uc label 10 tc 0 ttl 63 bos 0 pipe action goto chain 7
rule swp0 protocol 802.1Q prio 1 chain 7 flower skip_sw vlan_id 7 vlan_ethtype mpls_uc \
	mpls_label 10 mpls_ttl 63 mpls_bos 0 action mpls pop protocol mpls_uc pipe \
	action mpls modify label 11 ttl 5 pipe action vlan pop pipe action goto chain 8
rule swp0 protocol mpls_uc prio 1 chain 8 flower skip_sw mpls_label 11 mpls_tc 3 mpls_ttl 5 \
	mpls_bos 1 action mpls pop protocol ipv4 pipe action mirred egress redirect dev swp1
pings 10.0.0.2 || fail "no ping through labels"
clear

step "policers, shared by their number"
police() { tc actions replace action police "$@"; }
before_and_after() { # what ping says of 20 packets that are sent at once
	ip netns exec slua busybox ping -c 20 -i 0.01 -W 1 -q 10.0.0.2 | awk '/received/ { print $4 }'
}
police pkts_rate 1 pkts_burst 4 conform-exceed drop/pipe index 77 skip_sw
has "in_hw in_hw_count 1" tc actions get action police index 77
rule swp0 protocol arp prio 1 flower skip_sw action mirred egress redirect dev swp1
rule swp1 protocol all prio 1 flower skip_sw action mirred egress redirect dev swp0
rule swp0 protocol ip prio 2 flower skip_sw ip_tos 0 action police index 77 \
	action mirred egress redirect dev swp1
came=$(before_and_after)
[ "$came" -ge 4 ] && [ "$came" -le 8 ] || fail "$came of 20 packets passed the policer"
has "Sent 1960 bytes 20 pkt (dropped $((20 - came))" tc -s actions get action police index 77
tc filter del dev swp0 ingress prio 2
has "" tc actions del action police index 77
refused "go on with what exceeds" dev swp0 ingress protocol ip prio 2 flower skip_sw action police \
	rate 1mbit burst 10k conform-exceed pipe/pipe
refused "more of a frame than there is" dev swp0 ingress protocol ip prio 2 flower skip_sw action \
	police rate 1mbit burst 10k overhead 14 conform-exceed drop/pipe
rule swp0 protocol ip prio 2 flower skip_sw action police rate 8kbit burst 500 \
	conform-exceed drop/pipe action mirred egress redirect dev swp1
came=$(before_and_after)
[ "$came" -ge 5 ] && [ "$came" -le 12 ] || fail "$came of 20 packets passed 500 bytes of burst"
clear

step "a rule's priority"
both
rule swp0 protocol ip prio 3 flower skip_sw dst_ip 10.0.0.2 action drop
pings 10.0.0.2 || fail "a lower rule won"
clear

step "the card goes and comes back"
both
echo 1 >/sys/module/testnic/parameters/gone
if ip link show swp0 2>/dev/null; then fail "swp0 is still there"; fi
echo 0 >/sys/module/testnic/parameters/gone
ip link show swp0 >/dev/null || fail "swp0 is not back"
[ "$(cat /sys/module/testnic/parameters/rules)" = 0 ] || fail "rules outlived the card"
rmmod testnic
echo "all of it holds"
