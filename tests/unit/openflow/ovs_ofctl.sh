#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What stock ovs-ofctl says to the agent, and reads from it: ovs_ofctl.sh OF-SERVE OVS-OFCTL
set -eu
serve=$1 ofctl=$2
dir=$(mktemp -d /tmp/slu-ofctl-XXXXXX)
mkfifo "$dir/in"
"$serve" "punix:$dir/br0.mgmt" <"$dir/in" &
pid=$!
exec 9>"$dir/in"
trap 'exec 9>&-; wait $pid || true; rm -rf "$dir"' EXIT
export OVS_RUNDIR="$dir"
failed=0

for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ -S "$dir/br0.mgmt" ] && break
	sleep 0.1
done

of() { timeout 10 "$ofctl" -O "$version" "$@" 2>&1; }

# expect WHAT PATTERN COMMAND...: the output has a line that matches
expect() {
	what=$1 pattern=$2
	shift 2
	out=$(of "$@") || true
	if ! printf '%s\n' "$out" | grep -Eq -- "$pattern"; then
		printf 'FAILED %s %s: expected /%s/, got:\n%s\n' "$version" "$what" "$pattern" "$out"
		failed=1
	fi
}

# silent WHAT COMMAND...: success without output
silent() {
	what=$1
	shift
	if ! out=$(of "$@") || [ -n "$out" ]; then
		printf 'FAILED %s %s: %s\n' "$version" "$what" "$out"
		failed=1
	fi
}

for version in OpenFlow10 OpenFlow13; do
	br=unix:$dir/br0.mgmt
	expect features 'dpid:0000000000001234' show "$br"
	expect ports ' 2\(p2\): addr:02:00:00:00:00:02' show "$br"
	silent add add-flow "$br" 'priority=100,cookie=0x5,tcp,in_port=p1,nw_dst=10.0.0.0/8,tp_dst=80,idle_timeout=5,actions=output:2,LOCAL'
	expect dump 'cookie=0x5, duration=1.234s, table=0, n_packets=7, n_bytes=700, idle_timeout=5,.* priority=100,tcp,in_port=p1,nw_dst=10.0.0.0/8,tp_dst=80 actions=output:p2,LOCAL$' --names dump-flows "$br"
	silent add2 add-flow "$br" 'table=3,ip,metadata=5/7,reg1=0x5/0xff,dl_vlan=5,dl_vlan_pcp=3,actions=set_field:1/3->reg2,move:NXM_NX_REG0[]->NXM_NX_REG1[],load:5->NXM_NX_REG0[],dec_ttl,resubmit(,4),CONTROLLER:100,NORMAL'
	expect dump2 'ip,reg1=0x5/0xff,metadata=0x5/0x7,dl_vlan=5,dl_vlan_pcp=3 actions=load:0x1->NXM_NX_REG2\[0..1\],move:NXM_NX_REG0\[\]->NXM_NX_REG1\[\],.*dec_ttl,resubmit\(,4\),CONTROLLER:100,NORMAL$' dump-flows "$br" table=3
	silent add3 add-flow "$br" 'table=4,ipv6,ipv6_src=fe80::/64,ipv6_label=0x123,actions=set_field:fe80::1->ipv6_dst,mod_vlan_vid:7,strip_vlan,output:1'
	expect dump3 'ipv6,ipv6_src=fe80::/64,ipv6_label=0x00123 actions=' dump-flows "$br" table=4
	silent add4 add-flow "$br" 'table=5,dl_vlan=0xffff,arp,arp_op=2,arp_tpa=10.0.0.1,actions=drop'
	expect dump4 'arp,vlan_tci=0x0000(/0x1fff)?,arp_tpa=10.0.0.1,arp_op=2 actions=drop' dump-flows "$br" table=5
	expect aggregate 'packet_count=28 byte_count=2800 flow_count=4' dump-aggregate "$br"
	silent mod mod-flows "$br" 'tcp,actions=drop'
	expect modified 'tp_dst=80 actions=drop' dump-flows "$br" tcp
	silent strict --strict del-flows "$br" 'table=4,ipv6,ipv6_src=fe80::/64,ipv6_label=0x123'
	silent by-cookie del-flows "$br" cookie=5/-1
	expect left 'flow_count=2' dump-aggregate "$br"
	expect port-stats 'port  1: rx pkts=1, bytes=3' dump-ports "$br" 1
	expect ports-desc ' LOCAL\(br0\): addr' dump-ports-desc "$br"
	expect tables 'table 0' dump-tables "$br"
	expect description 'Manufacturer: Sluice' dump-desc "$br"
	expect queues '0 queues' queue-stats "$br"
	silent port-mod mod-port "$br" 1 down
	silent packet-out packet-out "$br" 'in_port=1 packet=ffffffffffff0200000000010806000102 actions=output:2'
	want='PACKET_IN.*table_id=3 cookie=0x77 total_len=60 metadata=0x5,in_port=2'
	timeout 5 "$ofctl" -O "$version" monitor "$br" 65535 >"$dir/monitor" 2>&1 &
	monitor=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		grep -q "$want" "$dir/monitor" && break
		sleep 0.1
	done
	kill $monitor
	wait $monitor 2>/dev/null || true
	if ! grep -q "$want" "$dir/monitor"; then
		printf 'FAILED %s monitor: expected /%s/, got:\n' "$version" "$want"
		cat "$dir/monitor"
		failed=1
	fi
	silent delete del-flows "$br"
	expect none 'flow_count=0' dump-aggregate "$br"
done
version=OpenFlow13
silent group1 add-group "$br" 'group_id=1,type=all,bucket=output:1,bucket=set_field:00:00:00:00:00:01->eth_dst,output:p2'
silent group2 add-group "$br" 'group_id=2,type=select,bucket=weight:10,watch_port:1,actions=output:1,bucket=watch_group:1,actions=group:1'
silent group3 add-group "$br" 'group_id=3,type=ff,bucket=watch_port:2,output:2'
silent group4 add-group "$br" 'group_id=4,type=indirect,bucket=dec_ttl,output:2'
expect group1 'group_id=1,type=all,bucket=actions=output:p1,bucket=actions=set_field:00:00:00:00:00:01->eth_dst,output:p2$' --names dump-groups "$br"
expect group2 'group_id=2,type=select,bucket=weight:10,watch_port:1,actions=output:1,bucket=watch_group:1,actions=group:1$' --no-names dump-groups "$br"
expect group3 'group_id=3,type=ff,bucket=watch_port:2,actions=output:2$' --no-names dump-groups "$br"
expect group-exists 'OFPGMFC_GROUP_EXISTS' add-group "$br" 'group_id=1,type=all,bucket=output:1'
expect group-unknown 'OFPGMFC_UNKNOWN_GROUP' mod-group "$br" 'group_id=9,type=all,bucket=output:1'
silent mod-group mod-group "$br" 'group_id=4,type=indirect,bucket=output:1'
expect modified 'group_id=4,type=indirect,bucket=actions=output:1$' --no-names dump-groups "$br"
expect group-stats 'group_id=1,duration=1.234.*s,ref_count=3,packet_count=7,byte_count=700,bucket0:packet_count=0,byte_count=0,bucket1:packet_count=1,byte_count=100$' dump-group-stats "$br" group_id=1
silent del-group del-groups "$br" group_id=4
silent del-groups del-groups "$br"
expect no-groups 'OFPST_GROUP_DESC reply .*:$' dump-groups "$br"
expect group-features 'Capabilities:  0xf' dump-group-features "$br"
expect group-max 'max_groups=0xf4240' dump-group-features "$br"
silent meter1 add-meter "$br" 'meter=1,kbps,burst,stats,bands=type=drop,rate=1000,burst_size=100,type=dscp_remark,rate=500,burst_size=50,prec_level=1'
silent meter2 add-meter "$br" 'meter=2,pktps,bands=type=drop,rate=5'
expect meter1 'meter=1 kbps burst stats bands=$' dump-meter "$br" meter=1
expect band1 'type=drop rate=1000 burst_size=100$' dump-meter "$br" meter=1
expect band2 'type=dscp_remark rate=500 burst_size=50 prec_level=1$' dump-meter "$br" meter=1
expect meters 'meter=2 pktps bands=$' dump-meters "$br"
expect meter-exists 'OFPMMFC_METER_EXISTS' add-meter "$br" 'meter=1,kbps,bands=type=drop,rate=1'
expect meter-unknown 'OFPMMFC_UNKNOWN_METER' mod-meter "$br" 'meter=9,kbps,bands=type=drop,rate=1'
silent mod-meter mod-meter "$br" 'meter=2,pktps,bands=type=drop,rate=6'
expect meter-stats 'meter:1 flow_count:2 packet_in_count:9 byte_in_count:900 duration:1.234.*s bands:' meter-stats "$br" meter=1
expect band-stats '^0: packet_count:4 byte_count:0' meter-stats "$br" meter=1
expect no-meter 'OFPMMFC_UNKNOWN_METER' meter-stats "$br" meter=9
silent del-meter del-meter "$br" meter=2
silent del-meters del-meters "$br"
expect meter-features 'max_meter:65535 max_bands:16 max_color:0' meter-features "$br"
expect meter-types 'band_types: drop dscp_remark' meter-features "$br"
expect meter-capabilities 'capabilities: kbps pktps burst stats' meter-features "$br"
expect table-features 'next tables: 1-253' dump-table-features "$br"
exit $failed
