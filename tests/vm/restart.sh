#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# In the guest: sluiced is killed and started again under traffic that its device carries.
# restart.sh SLUICED SLUICECTL MODULE POLICY
set -eu
sluiced=$1 sluicectl=$2 module=$3 policy=$4
here=$(dirname "$0")
# shellcheck source=tests/vm/two_ports.sh
. "$here/two_ports.sh"
adopted() {
	[[ $("$sluicectl" offload status --json) =~ \"adopted\":\ *([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 2 ]
}
programmed() {
	[ -S $OVS_RUNDIR/br0.mgmt ] && ovs-ofctl add-flow br0 actions=NORMAL 2>/dev/null
}
start() {
	launch
	until_true "the bridge takes flows" programmed
}

set_up
programmed
echo "== $policy: killed under traffic"
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

ip netns exec slu1 busybox ping -q -i 0.05 -c 300 10.0.0.2 >/run/ping &
ping=$!
start
until_true "rules of the former run are adopted" adopted
wait $ping || true
cat /run/ping
grep -q " 0% packet loss" /run/ping || fail "packets were lost while the daemon started"
[ "$(rules)" -ge 2 ] || fail "no rules are left"
"$sluicectl" offload status
"$sluicectl" offload flows

echo "== $policy: killed, and started with nothing configured"
kill -9 $daemon
wait $daemon 2>/dev/null || true
[ "$(rules)" -ge 2 ] || fail "the rules went with the daemon"
rm -f /run/conf.db*
launch
gone() { [ "$(rules)" -eq 0 ] && ! tc filter show dev p1 ingress | grep -q "handle 0x5cffffff"; }
until_true "what the killed one left is taken away" gone
kill $daemon
wait $daemon || fail "sluiced ended with $?"
echo "all of it holds"
