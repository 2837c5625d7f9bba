#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# In the guest: sluiced with ports p1 to p4 on the TC device is sent frames, until its device carries
# them; then says what the kernel tells of its filters, and what sluiced tells of its flows.
# agree.sh SLUICED SLUICECTL MODULE POLICY FOLDER
# FOLDER has `flows`, for ovs-ofctl, and `frames`: lines "PORT COUNT HEX".
set -eu
sluiced=$1 sluicectl=$2 module=$3 policy=$4 folder=$5
export OVS_RUNDIR=/run/sluice

modprobe -a tun cls_flower act_mirred act_vlan act_pedit act_csum
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
case $policy in # the ports that the card has; under "none" one flow can be here, another there
skip_sw) cards=4 ;;
none) cards=3 ;;
*) cards=0 ;;
esac
[ $cards = 0 ] || insmod "$module" ports=$cards
for i in 1 2 3 4; do
	if [ "$i" -le $cards ]; then
		echo "link set swp$((i - 1)) name p$i"
		echo "link set wire$((i - 1)) name t$i"
	else
		echo "link add p$i type veth peer name t$i"
	fi
	echo "link set p$i up"
	echo "link set t$i up"
done | ip -batch -
mkdir -p $OVS_RUNDIR
"$sluiced" --rundir $OVS_RUNDIR --db-file /run/conf.db --log-file /mnt/sluiced.log 2>/dev/null &
daemon=$!
until [ -S $OVS_RUNDIR/db.sock ]; do sleep 0.1; done
ovs-vsctl --no-wait set Open_vSwitch . other_config:hw-offload=true \
	other_config:sluice-device=tc "other_config:tc-policy=$policy" other_config:max-idle=600000
args=()
for i in 1 2 3 4; do args+=(-- add-port br0 "p$i" -- set Interface "p$i" "ofport_request=$i"); done
ovs-vsctl --timeout=30 add-br br0 -- set Bridge br0 fail_mode=secure "${args[@]}"
# A device that is slow to bind a port is asked again.
bound() { [[ $("$sluicectl" offload status --json) =~ \"ports\":\ *4 ]]; }
for _ in $(seq 50); do
	if bound; then break; fi
	sleep 0.5
done
bound
ovs-ofctl -O OpenFlow13 add-flows br0 "$folder/flows"

send() { # all|once: each frame its count of times, or once
	/usr/bin/python3 -S -E -c '
import socket, sys
out = {}
frames = [line.split() for line in open(sys.argv[1])]
for port, _, _ in frames:
	if port not in out:
		out[port] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		out[port].bind((port, 0))
for port, count, text in frames:
	for _ in range(int(count) if sys.argv[2] == "all" else 1):
		out[port].send(bytes.fromhex(text))
' "$folder/frames" "$1"
}
flows() { "$sluicectl" offload flows --json; }
where() { # each flow is; never the same while one is neither in the device nor refused
	flows | awk '/"where"/ { software += /software/; print } /"refusals": \[$/ { refused++ }
		END { exit software != refused }' || echo "$RANDOM"
}
counted() { flows | grep -v used_ms; }

settled() { # once a second: until what the command says stays as it is
	local before now=
	for _ in $(seq 20); do
		before=$now now=$("$@") || true
		if [ -n "$now" ] && [ "$now" = "$before" ]; then return; fi
		sleep 1
	done
	echo "sluiced does not come to rest"
	exit 1
}

send once
settled where
send all
send all
settled counted
for i in 1 2 3 4; do
	echo "== p$i"
	tc -s -j filter show dev "p$i" ingress
	echo
done
echo "== flows"
flows
echo "== end"
kill $daemon
wait $daemon || { cat /mnt/sluiced.log; exit 1; }
