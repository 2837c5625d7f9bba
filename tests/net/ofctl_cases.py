# SPDX-License-Identifier: Apache-2.0
"""Commands for stock ovs-ofctl: sections of (name, versions of OpenFlow, commands), each begun with an
empty switch. "[10 13] ": in these versions only. " <<< a ;; b": lines of the standard input. @monitor
starts "ovs-ofctl monitor" in the background, @send sends raw bytes over its connection, @end is what
it said. @file NAME writes a file, @sleep N waits N seconds."""

from ofctl_cases_15 import CASES15
from ofctl_cases_flows import ALL, FLOWS, SOME
from ofctl_cases_watch import WATCH

SECTIONS = (
    ("describe", SOME, """
show br0
dump-desc br0
dump-tables br0
[13 14 15] dump-table-features br0
[14 15] dump-table-desc br0
dump-ports-desc br0
--no-names dump-ports-desc br0
dump-ports-desc br0 2
dump-ports-desc br0 99
dump-ports br0
dump-ports br0 1
dump-ports br0 p2
dump-ports br0 LOCAL
dump-ports br0 99
dump-ports br0 nosuch
get-frags br0
set-frags br0 drop
get-frags br0
set-frags br0 reassemble
set-frags br0 nx-match
get-frags br0
set-frags br0 odd
set-frags br0 normal
get-frags br0
probe br0
ping br0 8
ping br0 65000
benchmark br0 10 10
benchmark br0 70000 1
dump-ipfix-bridge br0
dump-ipfix-flow br0
[13] -O OpenFlow12 show br0
[13] -O OpenFlow11,OpenFlow12 show br0
[13] -O OpenFlow10,OpenFlow12 get-frags br0
show nosuch
show tcp:127.0.0.1:1
nonsense br0
show
"""),
    ("queues", ALL, """
queue-stats br0
queue-stats br0 1
queue-stats br0 ALL 5
queue-stats br0 1 5
queue-stats br0 99
queue-stats br0 99 1
queue-stats br0 LOCAL
queue-stats br0 nosuch
queue-get-config br0
queue-get-config br0 1
queue-get-config br0 LOCAL
queue-get-config br0 99
add-flow br0 in_port=1,actions=set_queue:5,output:2,pop_queue
add-flow br0 in_port=2,actions=enqueue:2:7
add-flow br0 in_port=3,actions=set_queue:0xffffffff,output:2
dump-flows --no-stats br0
"""),
    ("ports", ALL, """
mod-port br0 1 down
show br0
mod-port br0 p1 up
mod-port br0 2 no-receive
mod-port br0 2 no-forward
mod-port br0 2 no-packet-in
[10] mod-port br0 2 no-flood
[13 14 15] mod-port br0 2 no-flood
--no-names dump-ports-desc br0 2
--no-names dump-ports-desc br0
mod-port br0 2 receive
mod-port br0 2 forward
mod-port br0 2 packet-in
mod-port br0 2 flood
mod-port br0 2 no-stp
mod-port br0 2 no-receive-stp
mod-port br0 2 receive-stp
mod-port br0 2 stp
--no-names dump-ports-desc br0
mod-port br0 LOCAL no-forward
mod-port br0 LOCAL forward
mod-port br0 99 down
mod-port br0 nosuch down
mod-port br0 1 sideways
mod-port br0 ALL down
"""),
    ("mod-table", SOME, """
mod-table br0 0 evict
mod-table br0 0 noevict
mod-table br0 0 vacancy:20,80
mod-table br0 0 vacancy:80,20
mod-table br0 0 novacancy
mod-table br0 all evict
mod-table br0 254 evict
mod-table br0 255 evict
mod-table br0 0 controller
mod-table br0 0 drop
mod-table br0 0 continue
mod-table br0 0 odd
[14 15] mod-table br0 1 evict
[14 15] dump-table-desc br0
[14 15] mod-table br0 1 noevict
"""),
) + FLOWS + CASES15 + (
    ("groups", "10 13 15", """
add-group br0 group_id=1,type=all,bucket=output:1,bucket=set_field:00:00:00:00:00:01->eth_dst,output:p2
add-group br0 group_id=2,type=select,bucket=weight:10,watch_port:1,actions=output:1,bucket=weight:5,output:2
add-group br0 group_id=3,type=ff,bucket=watch_port:2,output:2,bucket=watch_group:1,actions=output:3
add-group br0 group_id=4,type=indirect,bucket=dec_ttl,output:2
add-group br0 group_id=5,type=fast_failover,bucket=watch_port:1,group:1
add-group br0 group_id=6,type=all
add-group br0 group_id=7,type=select,selection_method=hash,fields(ip_src),bucket=output:1
add-group br0 group_id=8,type=select,selection_method=dp_hash,bucket=bucket_id=3,output:1
add-groups br0 - <<< group_id=9,type=all,bucket=output:1 ;; group_id=10,type=all,bucket=resubmit(,5)
dump-groups br0
--names dump-groups br0
dump-groups br0 1
dump-groups br0 group_id=2
dump-groups br0 99
add-flow br0 table=3,actions=group:1,group:2
dump-group-stats br0 1
dump-group-stats br0 group_id=2
dump-group-stats br0
dump-group-stats br0 99
dump-group-features br0
dump-groups br0 all
mod-group br0 group_id=6,type=indirect,bucket=output:1
mod-group br0 group_id=99,type=all,bucket=output:1
--may-create mod-group br0 group_id=99,type=all,bucket=output:1
insert-buckets br0 group_id=1,command_bucket_id=last,bucket=output:3
insert-buckets br0 group_id=1,command_bucket_id=first,bucket=bucket_id=7,output:3
insert-buckets br0 group_id=1,command_bucket_id=0,bucket=bucket_id=8,output:3
insert-buckets br0 group_id=98,command_bucket_id=last,bucket=output:3
remove-buckets br0 group_id=1,command_bucket_id=last
remove-buckets br0 group_id=1,command_bucket_id=77
remove-buckets br0 group_id=1,command_bucket_id=all
remove-buckets br0 group_id=98,command_bucket_id=last
dump-groups br0
add-group br0 group_id=1,type=all,bucket=output:1
add-group br0 group_id=50,type=odd,bucket=output:1
add-group br0 group_id=50,bucket=output:1
add-group br0 type=all,bucket=output:1
add-group br0 group_id=0xffffff01,type=all,bucket=output:1
add-group br0 group_id=0xffffff00,type=all,bucket=output:1
add-group br0 group_id=all,type=all,bucket=output:1
add-group br0 group_id=51,type=indirect
add-group br0 group_id=51,type=indirect,bucket=output:1,bucket=output:2
add-group br0 group_id=51,type=ff,bucket=output:1
add-group br0 group_id=51,type=all,bucket=weight:5,output:1
add-group br0 group_id=51,type=all,bucket=watch_port:1,output:1
add-group br0 group_id=52,type=select,bucket=weight:0,output:1
add-group br0 group_id=53,type=select,bucket=weight:70000,output:1
add-group br0 group_id=54,type=all,bucket=group:54
add-group br0 group_id=62,type=all,bucket=group:1234
add-group br0 group_id=63,type=all,bucket=output:99
add-group br0 group_id=55,type=ff,bucket=watch_port:99,output:1
add-group br0 group_id=56,type=ff,bucket=watch_group:98,output:1
add-group br0 group_id=57,type=all,bucket=goto_table:1
add-group br0 group_id=57,type=all,bucket=write_metadata:1
add-group br0 group_id=57,type=all,bucket=meter:1
add-group br0 group_id=57,type=all,bucket=nonsense
add-group br0 group_id=58,type=all,bucket=mod_nw_src:1.2.3.4,output:1
add-group br0 group_id=59,type=select,selection_method=odd,bucket=output:1
add-group br0 group_id=60,type=all,bucket=bucket_id=1,output:1,bucket=bucket_id=1,output:2
add-group br0 group_id=61,type=all,bucket=bucket_id=0xffffff01,output:1
add-group br0 group_id=70,type=all,bucket=output:1
add-group br0 group_id=71,type=all,bucket=group:70
mod-group br0 group_id=70,type=all,bucket=group:71
mod-group br0 group_id=70,type=all,bucket=group:70
mod-group br0 group_id=70,type=all,bucket=output:2
del-groups br0 group_id=54
del-groups br0 group_id=56
del-groups br0 group_id=62
dump-groups br0
del-groups br0 group_id=70
del-groups br0 group_id=71
del-groups br0 group_id=70
dump-groups br0
del-groups br0 99
del-groups br0 1234
del-groups br0 nonsense
dump-flows --no-stats br0
del-groups br0 1
dump-flows --no-stats br0
del-groups br0
dump-groups br0
dump-group-stats br0
"""),
    ("meters10", "10", """
add-meter br0 meter=1,kbps,bands=type=drop,rate=1
dump-meters br0
meter-features br0
"""),
    ("meters", "13 15", """
meter-features br0
add-meter br0 meter=1,kbps,burst,stats,bands=type=drop,rate=1000,burst_size=100
add-meter br0 meter=2,pktps,bands=type=drop,rate=5
add-meter br0 meter=3,kbps,bands=type=drop,rate=1000,type=drop,rate=2000
dump-meters br0
dump-meter br0 meter=1
dump-meter br0 1
dump-meter br0 meter=9
meter-stats br0
meter-stats br0 meter=1
meter-stats br0 meter=9
mod-meter br0 meter=2,kbps,bands=type=drop,rate=6
mod-meter br0 meter=9,kbps,bands=type=drop,rate=6
dump-meters br0
add-meter br0 meter=1,kbps,bands=type=drop,rate=1
add-meter br0 meter=0,kbps,bands=type=drop,rate=1
add-meter br0 meter=0xffff0001,kbps,bands=type=drop,rate=1
add-meter br0 meter=all,kbps,bands=type=drop,rate=1
add-meter br0 meter=controller,pktps,bands=type=drop,rate=1
add-meter br0 meter=slowpath,pktps,bands=type=drop,rate=1
dump-meters br0
del-meter br0 meter=controller
del-meter br0 meter=slowpath
add-meter br0 meter=10,kbps
add-meter br0 meter=10,bands=type=drop,rate=1
add-meter br0 meter=10,kbps,pktps,bands=type=drop,rate=1
add-meter br0 kbps,bands=type=drop,rate=1
add-meter br0 meter=10,kbps,bands=type=odd,rate=1
add-meter br0 meter=10,kbps,bands=type=drop
add-meter br0 meter=10,kbps,bands=type=drop,rate=0
add-meter br0 meter=11,kbps,burst,bands=type=drop,rate=1
add-meter br0 meter=12,kbps,bands=type=drop,rate=1,burst_size=1
add-meter br0 meter=13,kbps,bands=type=drop,rate=4294967295
add-meter br0 meter=14,kbps,bands=type=dscp_remark,rate=5,prec_level=1
add-meter br0 meter=70000,kbps,bands=type=drop,rate=1
add-meter br0 meter=65536,kbps,bands=type=drop,rate=1
add-meter br0 meter=15,kbps,bands=type=drop,rate=1,type=drop,rate=2,type=drop,rate=3,type=drop,rate=4,type=drop,rate=5,type=drop,rate=6,type=drop,rate=7,type=drop,rate=8,type=drop,rate=9
add-flow br0 in_port=1,actions=meter:1,output:2
add-flow br0 in_port=2,actions=meter:1,meter:2,output:2
add-flow br0 in_port=3,actions=output:2,meter:1
add-flow br0 in_port=3,actions=meter:77,output:2
meter-stats br0 meter=1
dump-flows --no-stats br0
del-meter br0 meter=1
dump-flows --no-stats br0
del-meter br0 meter=9
del-meter br0 meter=0
del-meters br0
dump-meters br0
meter-stats br0
"""),
    ("tlv-map", "13", """
dump-tlv-map br0
add-tlv-map br0 {class=0x102,type=0x5,len=4}->tun_metadata0
add-tlv-map br0 {class=0x102,type=0x6,len=8}->tun_metadata1,{class=0x103,type=1,len=100}->tun_metadata63
dump-tlv-map br0
add-tlv-map br0 {class=0x102,type=0x5,len=4}->tun_metadata2
add-tlv-map br0 {class=0x105,type=0x5,len=4}->tun_metadata0
add-tlv-map br0 {class=0x105,type=0x5,len=5}->tun_metadata5
add-tlv-map br0 {class=0x105,type=0x5,len=128}->tun_metadata5
add-tlv-map br0 {class=0x105,type=0x5,len=4}->tun_metadata64
add-tlv-map br0 {class=0x105,type=0x5,len=124}->tun_metadata7,{class=0x105,type=0x6,len=124}->tun_metadata8,{class=0x105,type=0x7,len=124}->tun_metadata9
add-tlv-map br0 nonsense
dump-tlv-map br0
add-flow br0 tun_metadata0=5/0xff,actions=set_field:0x7->tun_metadata1,output:1
add-flow br0 actions=move:NXM_NX_TUN_METADATA0[]->NXM_NX_REG0[]
add-flow br0 tun_metadata9=5,actions=drop
add-flow br0 actions=set_field:5->tun_metadata9
add-flow br0 actions=delete_field:tun_metadata0
dump-flows --no-stats br0
del-tlv-map br0 {class=0x102,type=0x5,len=4}->tun_metadata0
del-tlv-map br0 {class=0x999,type=0x5,len=4}->tun_metadata3
del-flows br0
add-tlv-map br0 {class=0x105,type=0x5,len=0}->tun_metadata5
del-tlv-map br0 {class=0x105,type=0x5,len=0}->tun_metadata5
add-tlv-map br0 {class=0x106,type=0x5,len=20}->tun_metadata6
del-tlv-map br0 {class=0x106,type=0x5,len=20}->tun_metadata6
del-tlv-map br0 {class=0x102,type=0x5,len=4}->tun_metadata0
dump-tlv-map br0
del-tlv-map br0
dump-tlv-map br0
"""),
    ("ct-flush", "10 13", """
ct-flush-zone br0 5
ct-flush-zone br0 70000
ct-flush-zone br0 nonsense
ct-flush br0
ct-flush br0 zone=5
ct-flush br0 zone=70000
ct-flush br0 ct_nw_src=10.0.0.1,ct_nw_proto=17
ct-flush br0 ct_nw_src=10.0.0.1,ct_nw_proto=17,ct_tp_src=5 ct_nw_dst=10.0.0.1,ct_nw_proto=17
ct-flush br0 zone=5 ct_ipv6_src=fe80::1,ct_nw_proto=6
ct-flush br0 ct_nw_proto=1,ct_nw_src=10.0.0.1,icmp_type=8,icmp_id=10
ct-flush br0 ct_nw_src=10.0.0.1,ct_ipv6_dst=fe80::1
ct-flush br0 nonsense
"""),
    ("monitor", SOME, """
@monitor monitor br0 65535
packet-out br0 "in_port=1 packet=ffffffffffff02000000000108060001080006040001020000000001c0a80001000000000000c0a80002 actions=controller"
packet-out br0 "in_port=2 packet=02000000000202000000000108004500001c00000000401166cf0a0000010a000002000a000b00080000 actions=controller(max_len=20)"
packet-out br0 "in_port=2 packet=02000000000202000000000108004500001c00000000401166cf0a0000010a000002000a000b00080000 actions=set_field:5->reg0,set_field:7->tun_id,controller(reason=no_match)"
packet-out br0 "in_port=2 packet=02000000000202000000000108004500001c00000000401166cf0a0000010a000002000a000b00080000 actions=controller(id=7)"
add-flow br0 in_port=1,cookie=0x77,actions=controller
packet-out br0 "in_port=1 packet=ffffffffffff02000000000108060001080006040001020000000001c0a80001000000000000c0a80002 actions=table"
add-flow br0 table=9,send_flow_rem,cookie=5,actions=drop
del-flows br0 table=9
mod-port br0 3 no-flood
mod-port br0 3 flood
mod-port br0 3 no-receive
mod-port br0 3 receive
@end
@monitor -P nxt_packet_in monitor br0 65535
packet-out br0 "in_port=2 packet=02000000000202000000000108004500001c00000000401166cf0a0000010a000002000a000b00080000 actions=set_field:5->reg0,set_field:7->tun_id,controller"
@end
@monitor -P nxt_packet_in2 monitor br0 65535
packet-out br0 "in_port=2 packet=02000000000202000000000108004500001c00000000401166cf0a0000010a000002000a000b00080000 actions=set_field:5->reg0,set_field:7->tun_id,controller(userdata=01.02.03)"
@end
@monitor -P standard monitor br0 65535
packet-out br0 "in_port=2 packet=02000000000202000000000108004500001c00000000401166cf0a0000010a000002000a000b00080000 actions=set_field:5->reg0,controller(max_len=20)"
@end
@monitor monitor br0 65535 resume
add-flow br0 table=0,in_port=3,actions=controller(pause),set_field:6->reg5,controller
packet-out br0 "in_port=3 packet=02000000000202000000000108004500001c00000000401166cf0a0000010a000002000a000b00080000 actions=table"
@end
@monitor monitor br0 65535 invalid_ttl
add-flow br0 table=0,in_port=3,ip,priority=50000,actions=dec_ttl,output:1
packet-out br0 "in_port=3 packet=02000000000202000000000108004500001c00000000001166cf0a0000010a000002000a000b00080000 actions=table"
@end
-P nonsense monitor br0
monitor br0 nonsense
snoop nosuch
"""),
) + WATCH + (
    ("raw", ALL, """
@monitor monitor br0 65535
# an unknown type, a wrong version, lengths that are wrong
[10] @send 01 63 0008 00000001
[13] @send 04 63 0008 00000001
[14] @send 05 63 0008 00000001
@send 03 05 0008 00000001
[10] @send 01 05 0009 00000001 00
[13] @send 04 05 0009 00000001 00
[14] @send 05 05 0009 00000001 00
[10] @send 01 0e 0010 00000002 0000000000000000
[13] @send 04 0e 0010 00000002 0000000000000000
[14] @send 05 0e 0010 00000002 0000000000000000
# experimenters: unknown, Nicira's unknown type
[10] @send 01 04 0010 00000003 12345678 00000001
[13] @send 04 04 0010 00000003 12345678 00000001
[14] @send 05 04 0010 00000003 12345678 00000001
[10] @send 01 04 0010 00000003 00002320 00012345
[13] @send 04 04 0010 00000003 00002320 00012345
[14] @send 05 04 0010 00000003 00002320 00012345
[13] @send 04 04 0010 00000003 4f4e4600 00012345
[14] @send 05 04 0010 00000003 4f4e4600 00012345
# multipart: unknown type, unknown experimenter, too short
[10] @send 01 10 000c 00000004 00ee 0000
[13] @send 04 12 0010 00000004 00ee 0000 00000000
[14] @send 05 12 0010 00000004 00ee 0000 00000000
[13] @send 04 12 0018 00000004 ffff 0000 00000000 12345678 00000001
[14] @send 05 12 0018 00000004 ffff 0000 00000000 12345678 00000001
[13] @send 04 12 0010 00000004 0001 0000 00000000
[14] @send 05 12 0010 00000004 0001 0000 00000000
[13] @send 04 12 0018 00000004 0004 0000 00000000 00000063 00000000
[14] @send 05 12 0018 00000004 0004 0000 00000000 00000063 00000000
[13] @send 04 12 0018 00000004 0005 0000 00000000 00000001 00000063
[14] @send 05 12 0018 00000004 0005 0000 00000000 00000001 00000063
[13] @send 04 12 0018 00000004 0006 0000 00000000 00000063 00000000
[13] @send 04 12 0018 00000004 0009 0000 00000000 00000063 00000000
[14] @send 05 12 0018 00000004 000a 0000 00000000 00000063 00000000
[14] @send 05 12 0010 00000004 000e 0000 00000000
[14] @send 05 12 0018 00000004 000f 0000 00000000 00000001 ffffffff
[14] @send 05 12 0018 00000004 000f 0000 00000000 00000063 ffffffff
# flow-mod: command, table, buffer, flags, match type, duplicate field, field without prerequisite
[13] @send 04 0e 0038 00000005 0000000000000000 0000000000000000 00 77 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000
[13] @send 04 0e 0038 00000005 0000000000000000 0000000000000000 ff 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000
[13] @send 04 0e 0038 00000005 0000000000000000 0000000000000000 00 00 0000 0000 8000 00000007 ffffffff ffffffff 0000 0000 0001 0004 00000000
[13] @send 04 0e 0038 00000005 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 8000 0000 0001 0004 00000000
[13] @send 04 0e 0038 00000005 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0000 0004 00000000
[13] @send 04 0e 0040 00000005 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 000a 80000a02 0800 000000000000
[13] @send 04 0e 0040 00000005 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0010 80000a02 0800 80000a02 0800
[13] @send 04 0e 0040 00000005 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 000a 80001a02 0050 000000000000
[13] @send 04 0e 0040 00000005 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 000a 8000fe02 0050 000000000000
[13] @send 04 0e 0040 00000005 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 000c 80000b04 0800 ffff 00000000
[13] @send 04 0e 0040 00000005 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 00ff 80000a02 0800 000000000000
# instructions and actions: unknown, lengths, an unknown experimenter's, an output to port 0
[13] @send 04 0e 0040 00000006 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0077 0008 00000000
[13] @send 04 0e 0040 00000006 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0004 0007 00000000
[13] @send 04 0e 0040 00000006 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0001 0008 ff000000
[13] @send 04 0e 0048 00000006 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0005 0008 00000000 0005 0008 00000000
[13] @send 04 0e 0048 00000006 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0004 0010 00000000 0077 0008 00000000
[13] @send 04 0e 0048 00000006 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0004 0010 00000000 0000 0008 00000001
[13] @send 04 0e 0048 00000006 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0004 0010 00000000 ffff 0008 12345678
[13] @send 04 0e 0050 00000006 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0004 0018 00000000 ffff 0010 00002320 7777 000000000000
[13] @send 04 0e 0050 00000006 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0004 0018 00000000 0000 0010 00000000 ffff 000000000000
[13] @send 04 0e 0050 00000006 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0004 0018 00000000 0000 0010 ffffff55 ffff 000000000000
[13] @send 04 0e 0050 00000006 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0004 0018 00000000 0019 0010 80000204 00000001 00000000
# packet-out of an unknown buffer; group-mod, meter-mod, port-mod, table-mod with bad values; role, barrier
[13] @send 04 0d 0018 00000007 00000009 00000001 0000 000000000000
[13] @send 04 0f 0010 00000007 0077 00 00 00000001
[13] @send 04 0f 0010 00000007 0000 77 00 00000001
[13] @send 04 0f 0018 00000007 0000 00 00 00000001 0004 0000 ffffffff
[13] @send 04 1d 0010 00000007 0077 0001 00000001
[13] @send 04 1d 0010 00000007 0000 00f0 00000001
[13] @send 04 1d 001c 00000007 0000 0001 00000001 0077 000c 00000001 00000000
[13] @send 04 10 0028 00000007 00000001 00000000 020000000099 0000 00000001 00000001 00000000 00000000
[13] @send 04 10 0028 00000007 00000063 00000000 020000000001 0000 00000001 00000001 00000000 00000000
[13] @send 04 11 0010 00000007 00 000000 00000000
[13] @send 04 11 0010 00000007 00 000000 00000077
[13] @send 04 11 0010 00000007 fe 000000 00000000
[13] @send 04 09 000c 00000007 0077 ffff
[13] @send 04 18 0018 00000007 00000000 00000000 0000000000000000
[13] @send 04 18 0018 00000007 00000009 00000000 0000000000000000
[13] @send 04 18 0018 00000007 00000001 00000000 0000000000000000
[13] @send 04 1a 0008 00000007
[13] @send 04 16 0010 00000007 00000063 00000000
[14] @send 05 21 0010 00000008 00000001 0000 0000
[14] @send 05 21 0010 00000008 00000001 0004 0000
[14] @send 05 21 0010 00000008 00000001 0077 0000
[14] @send 05 21 0010 00000008 00000002 0000 0000
[14] @send 05 21 0010 00000008 00000002 0000 0000
[14] @send 05 21 0010 00000008 00000002 0006 0000
[14] @send 05 1a 0008 00000007
[10] @send 01 0e 0048 00000009 003fffff 0000 000000000000 000000000000 0000 00 00 0000 00 00 0000 00000000 00000000 0000 0000 0000000000000000 0077 0000 0000 8000 ffffffff ffff 0000
[10] @send 01 0e 0050 00000009 003fffff 0000 000000000000 000000000000 0000 00 00 0000 00 00 0000 00000000 00000000 0000 0000 0000000000000000 0000 0000 0000 8000 ffffffff ffff 0000 0077 0008 00000000
[10] @send 01 0e 0050 00000009 003fffff 0000 000000000000 000000000000 0000 00 00 0000 00 00 0000 00000000 00000000 0000 0000 0000000000000000 0000 0000 0000 8000 ffffffff ffff 0000 0000 0004 00000000
[10] @send 01 0e 0050 00000009 003fffff 0000 000000000000 000000000000 0000 00 00 0000 00 00 0000 00000000 00000000 0000 0000 0000000000000000 0000 0000 0000 8000 ffffffff ffff 0000 0000 0008 ff55 0000
[10] @send 01 0e 0050 00000009 003fffff 0000 000000000000 000000000000 0000 00 00 0000 00 00 0000 00000000 00000000 0000 0000 0000000000000000 0000 0000 0000 8000 ffffffff ffff 0000 ffff 0008 12345678
[10] @send 01 12 0008 00000007
@end
dump-flows --no-stats br0
"""),
)
