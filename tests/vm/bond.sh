#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# In the guest: a bond of two ports of the test card is the uplink of a switch whose rules run on the
# card alone. Behind the far ends of its cables is another bond, which balances as it likes.
# bond.sh SLUICED SLUICECTL MODULE
#
#   slua: wire0 -- p0 [ card: br0 ] bond0 = (p1, p2) -- (wire1, wire2) = bond9: slub
set -eu
sluiced=$1 sluicectl=$2 module=$3
export OVS_RUNDIR=/run/sluice
step() { echo "== $*"; }
fail() {
	echo "FAILED: $*"
	"$sluicectl" offload flows || true
	for dev in p0 bond0; do tc -s filter show dev $dev ingress || true; done
	for dev in p0 p1 p2 bond0; do ip -s link show $dev || true; done
	ip -n slub -s link || true
	cat /mnt/sluiced.log
	exit 1
}
. "$(dirname "${BASH_SOURCE[0]}")/waiting.sh"
# Sends N packets each way, of flows that a bond spreads; all have to arrive.
traffic() {
	/usr/bin/python3 -S -E - "$1" <<'PYTHON' || fail "packets were lost"
import ctypes, os, select, socket, sys
libc, n = ctypes.CDLL(None), int(sys.argv[1])
def udp(ns, address):
	with open("/run/netns/" + ns) as f:
		libc.setns(f.fileno(), 0x40000000)
	s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	s.bind(address)
	return s
lost = 0
pairs = [(udp("slua", ("10.0.0.1", 2000 + i)), udp("slub", ("10.0.0.2", 3000 + 2 * i))) for i in range(8)]
for i in range(n):
	a, b = pairs[i % 8]
	for x, y in (a, b), (b, a):
		x.sendto(bytes(100), y.getsockname())
		lost += not select.select([y], [], [], 2)[0] or y.recv(200) != bytes(100)
print("%d of %d packets were lost" % (lost, 2 * n))
sys.exit(lost != 0)
PYTHON
}
counter() { cat "/sys/class/net/$1/statistics/$2"; }
hardware() { # packets of a device's filters, in the card
	tc -s filter show dev "$1" ingress | awk '/action order/ { first = $3 == "1:" }
		first && /Sent hardware/ { n += $5 } END { print n + 0 }'
}
software() {
	"$sluicectl" offload status --json | tr -d ' ,' | awk -F: '/"software"/ { n = $2 } END { print n + 0 }'
}
port() { # PORT: rx and tx packets, as OpenFlow tells them
	ovs-ofctl dump-ports br0 "$1" | tr -d ' ' | awk -F'[=,]' '/rxpkts/ { r = $2 } /txpkts/ { t = $2 } END { print r, t }' | sed 's/port.*://'
}
in_card() { # all filters of ours are, and there are some each way
	local p0 bond
	p0=$(tc filter show dev p0 ingress | grep -c "^  in_hw") || true
	bond=$(tc filter show dev bond0 ingress | grep -c "^  in_hw") || true
	[ "$p0" -ge 1 ] && [ "$bond" -ge 1 ]
}

modprobe -a tun bonding cls_flower act_mirred
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
insmod "$module" ports=4
for ns in slua slub; do
	ip netns add $ns
	ip netns exec $ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
done
for i in 0 1 2 3; do ip link set swp$i name p$i; done
bond=(type bond mode balance-xor miimon 50 xmit_hash_policy layer3+4)
ip link add bond0 "${bond[@]}"
ip link add bond1 "${bond[@]}"
ip link add vethx type veth peer name vethy
ip -n slub link add bond9 "${bond[@]}"
for i in 1 2; do
	ip link set "p$i" master bond0
	ip link set "wire$i" netns slub
	ip -n slub link set "wire$i" master bond9
done
ip link set p3 master bond1
ip link set vethx master bond1
ip link set wire0 netns slua
ip -n slua addr add 10.0.0.1/24 dev wire0
ip -n slub addr add 10.0.0.2/24 dev bond9
ip -n slua link set wire0 up
ip -n slub link set bond9 up
# The neighbours are known for good: what is counted are packets that were sent.
ip -n slua neigh replace 10.0.0.2 dev wire0 \
	lladdr "$(ip netns exec slub cat /sys/class/net/bond9/address)" nud permanent
ip -n slub neigh replace 10.0.0.1 dev bond9 \
	lladdr "$(ip netns exec slua cat /sys/class/net/wire0/address)" nud permanent
for dev in p0 bond0 bond1; do ip link set $dev up; done

mkdir -p $OVS_RUNDIR
"$sluiced" --rundir $OVS_RUNDIR --db-file /run/conf.db --log-file /mnt/sluiced.log 2>/dev/null &
daemon=$!
until [ -S $OVS_RUNDIR/db.sock ]; do sleep 0.1; done
ovs-vsctl --no-wait set Open_vSwitch . other_config:hw-offload=true \
	other_config:sluice-device=tc other_config:tc-policy=skip_sw other_config:max-idle=600000
ovs-vsctl --timeout=30 add-br br0 -- set Bridge br0 fail_mode=secure \
	-- add-port br0 p0 -- set Interface p0 ofport_request=1 \
	-- add-port br0 bond0 -- set Interface bond0 ofport_request=2 \
	-- add-port br0 bond1 -- set Interface bond1 ofport_request=3
ovs-ofctl add-flow br0 in_port=1,actions=output:2
ovs-ofctl add-flow br0 in_port=2,actions=output:1

step "a bond over a netdev of no switch is no port of the card"
grep "vethx, a member of the bond bond1, is no port of a switch" /mnt/sluiced.log || fail "bond1 is taken"

step "packets both ways through the card"
traffic 8
until_true "rules of p0 and bond0 are in the card" in_card
sleep 1
before=("$(hardware p0)" "$(hardware bond0)" "$(software)")
read -r rx tx <<<"$(port bond0)"
sent=("$(counter p1 tx_packets)" "$(counter p2 tx_packets)")
came=("$(counter p1 rx_packets)" "$(counter p2 rx_packets)")
traffic 80
after=("$(hardware p0)" "$(hardware bond0)" "$(software)")
[ $((after[0] - before[0])) = 80 ] || fail "$((after[0] - before[0])) of 80 packets from p0 in the card"
[ $((after[1] - before[1])) = 80 ] || fail "$((after[1] - before[1])) of 80 packets from bond0 in the card"
[ "${after[2]}" = "${before[2]}" ] || fail "$((after[2] - before[2])) packets in software"
for i in 0 1; do
	[ "$(counter p$((i + 1)) tx_packets)" -gt "${sent[i]}" ] || fail "nothing left by member p$((i + 1))"
	[ "$(counter p$((i + 1)) rx_packets)" -gt "${came[i]}" ] || fail "nothing came by member p$((i + 1))"
done
step "the counters of the bond's port"
read -r rx2 tx2 <<<"$(port bond0)"
[ $((rx2 - rx)) = 80 ] || fail "bond0 received $((rx2 - rx)) of 80"
[ $((tx2 - tx)) = 80 ] || fail "bond0 sent $((tx2 - tx)) of 80"
"$sluicectl" offload flows

step "one member is down"
ip link set p1 down
ip -n slub link set wire1 down
sleep 0.5
traffic 40
[ $(($(hardware p0) - after[0])) = 40 ] || fail "$(($(hardware p0) - after[0])) of 40 packets in the card"
[ $(($(hardware bond0) - after[1])) = 40 ] || fail "$(($(hardware bond0) - after[1])) of 40 packets in the card"
ip link set p1 up
ip -n slub link set wire1 up

step "a rule is written anew"
ovs-ofctl mod-flows br0 in_port=2,actions=mod_dl_src:02:00:00:00:00:77,output:1
anew() { [[ $(tc filter show dev bond0 ingress) == *pedit* ]] && in_card; }
until_true "the rule of bond0 writes" anew
before=("$(hardware bond0)" "$(software)")
traffic 8
[ $(($(hardware bond0) - before[0])) = 8 ] || fail "$(($(hardware bond0) - before[0])) of 8 packets in the card"
[ "$(software)" = "${before[1]}" ] || fail "$(($(software) - before[1])) packets in software"

step "the card has no room for it"
echo 0 >/sys/module/testnic/parameters/max_rules
ovs-ofctl mod-flows br0 in_port=2,actions=mod_dl_src:02:00:00:00:00:78,output:1
full() { "$sluicectl" offload flows | grep "the rule table of the card is full"; }
until_true "the card's words" full
if tc filter show dev bond0 ingress | grep pedit; then fail "the kernel keeps what no card took"; fi
traffic 8
echo 1000 >/sys/module/testnic/parameters/max_rules

step "a member that is not the card's"
ip link set vethx nomaster
ip link set vethx down
ip link set vethx master bond0
ovs-ofctl dump-ports br0 >/dev/null # with whose counters members are looked up
ovs-ofctl del-flows br0
ovs-ofctl add-flow br0 in_port=1,udp,actions=output:2
ovs-ofctl add-flow br0 in_port=2,udp,actions=output:1
traffic 8
sleep 1
"$sluicectl" offload flows | grep "members of the bond bond0 are not ports of one switch now" || fail "no refusal"
ip link set vethx nomaster
refused() { ! "$sluicectl" offload flows | grep -q "bond bond0 are not"; }
ovs-ofctl dump-ports br0 >/dev/null
until_true "it is the card's again" refused
until_true "rules of p0 and bond0 are in the card" in_card
kill $daemon
wait $daemon || fail "sluiced ended with $?"
ip link del bond0
rmmod testnic
echo "all of it holds"
