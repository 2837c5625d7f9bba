#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# In the guest: rules put into the test card by the driver, and the same ones by tc -batch, in turn.
# insert.sh INSERT-RULES MODULE N ROUNDS
set -eu
insert=$1 module=$2 n=$3 rounds=$4
rate() { # N SECONDS-BEFORE SECONDS-AFTER
	awk -v n="$1" -v a="$2" -v b="$3" 'BEGIN { printf "%.0f", n / (b - a) }'
}
now() { local up; read -r up _ </proc/uptime; echo "$up"; }

insmod "$module" ports=2
for i in 0 1; do ip link set swp$i up; done
for _ in $(seq "$rounds"); do
	echo "driver: $("$insert" tc:skip_sw swp0 swp1 "$n" /run/batch)"
	tc qdisc add dev swp0 clsact
	a=$(now)
	tc -batch /run/batch
	b=$(now)
	tc -batch /run/batch.del
	c=$(now)
	echo "tc: insert $(rate "$n" "$a" "$b") rules/s, delete $(rate "$n" "$b" "$c") rules/s"
	tc qdisc del dev swp0 clsact
done
