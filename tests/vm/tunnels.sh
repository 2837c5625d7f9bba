#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# In the guest: tunnels on the kernel as a device, with the kernel's own at the other end.
# tunnels.sh SLUICED SLUICECTL KIND
#
#   slua: eth0 (10.0.0.1) -- br0, tunnel port ~~ br1 (172.16.0.1) -- (172.16.0.2) eth0, tun0 (10.0.0.2): slub
set -eu
sluiced=$1 sluicectl=$2 kind=$3
export OVS_RUNDIR=/run/sluice
fail() {
	echo "FAILED: $*"
	"$sluicectl" offload status --json || true
	"$sluicectl" offload flows || true
	cat /mnt/sluiced.log
	exit 1
}
. "$(dirname "${BASH_SOURCE[0]}")/waiting.sh"
status() { "$sluicectl" offload status --json | tr -d ' ,"' | awk -F: -v name="$1" '$1 == name { print $2 }'; }
answered() { ip netns exec slua busybox ping -q -c 1 -W 1 10.0.0.2 >/dev/null; }
carried() { # a ping, by the device
	local hits misses
	hits=$(status hit_packets) misses=$(status miss_packets)
	ip netns exec slua busybox ping -q -c 3 -i 0.1 -W 1 10.0.0.2 >/dev/null || return 1
	sleep 1
	[ "$(status hit_packets)" -ge $((hits + 6)) ] && [ "$(status miss_packets)" -eq "$misses" ]
}

modprobe -a tun sch_ingress cls_bpf "$kind"
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
for side in a b; do
	ip netns add slu$side
	ip netns exec slu$side sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip link add p$side type veth peer name eth0 netns slu$side
	ip link set p$side up
	ip -n slu$side link set eth0 up
done
ip -n slua addr add 10.0.0.1/24 dev eth0
ip -n slua link set eth0 mtu 1400
ip -n slub addr add 172.16.0.2/24 dev eth0
case $kind in
vxlan) type=(vxlan id 42 remote 172.16.0.1 local 172.16.0.2 dstport 4789 dev eth0 noudpcsum) ;;
geneve) type=(geneve id 42 remote 172.16.0.1 noudpcsum) ;;
esac
ip -n slub link add tun0 type "${type[@]}"
ip -n slub addr add 10.0.0.2/24 dev tun0
ip -n slub link set tun0 mtu 1400 up
mkdir -p $OVS_RUNDIR
"$sluiced" --rundir $OVS_RUNDIR --db-file /run/conf.db --log-file /mnt/sluiced.log 2>/dev/null &
daemon=$!
until_true "the database is served" test -S $OVS_RUNDIR/db.sock
ovs-vsctl --no-wait set Open_vSwitch . other_config:hw-offload=true other_config:sluice-device=ebpf
ovs-vsctl --timeout=150 add-br br0 -- add-br br1 -- add-port br0 pa -- add-port br1 pb \
	-- add-port br0 out -- set Interface out type="$kind" options:remote_ip=172.16.0.2 options:key=42 ||
	fail "no bridges"
ip addr add 172.16.0.1/24 dev br1
ip link set br1 up
for br in br0 br1; do ovs-ofctl add-flow $br actions=NORMAL; done
until_true "a ping is answered" answered
until_true "the device carries a ping" carried

echo "== $kind: packets of many sizes"
for size in 0 1 100 1000 1372; do
	ip netns exec slua busybox ping -q -c 3 -i 0.1 -s $size 10.0.0.2 | grep " 0% packet loss" ||
		fail "$size bytes are lost"
	ip netns exec slub busybox ping -q -c 3 -i 0.1 -s $size 10.0.0.1 | grep " 0% packet loss" ||
		fail "$size bytes are lost on the way out"
done

echo "== $kind: TCP, in super-frames"
ip netns exec slub iperf3 -s >/run/iperf 2>&1 &
server=$!
sleep 2
for way in "" -R; do
	hits=$(status hit_packets) misses=$(status miss_packets)
	# shellcheck disable=SC2086
	timeout 60 ip netns exec slua iperf3 -c 10.0.0.2 -n 20M $way >/run/client 2>&1 ||
		{ cat /run/client; fail "TCP $way"; }
	sleep 2
	hits=$(($(status hit_packets) - hits))
	echo "20 MB $way: $hits hits, $(($(status miss_packets) - misses)) misses," \
		"$(status dropped_packets) drops"
	[ $hits -gt 300 ] && [ $hits -lt 10000 ] || fail "super-frames do not stay whole" # 15,500 segments
	[ $(($(status miss_packets) - misses)) -lt 20 ] || fail "the device does not carry them"
	[ "$(status dropped_packets)" -eq 0 ] || fail "packets are lost"
done
kill $server
"$sluicectl" offload flows
kill $daemon
wait $daemon || fail "sluiced ended with $?"
echo "all of it holds"
