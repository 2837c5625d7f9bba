# SPDX-License-Identifier: Apache-2.0
"""Commands for stock ovs-ofctl about what OpenFlow 1.5 says in another way than 1.4, or alone. See
ofctl_cases.py for the form."""

CASES15 = (
    ("flows15", "15", """
add-flow br0 tcp,tcp_flags=+syn-ack,actions=drop
add-flow br0 tcp,tcp_flags=0x2/0xff,actions=drop
add-flow br0 actset_output=1,actions=drop
add-flow br0 packet_type=(0,0),actions=drop
add-flow br0 packet_type=(1,0x800),actions=drop
add-flow br0 packet_type=(1,0x800),ip_src=1.2.3.4,actions=drop
add-flow br0 packet_type=(1,0x806),ip_src=1.2.3.4,actions=drop
add-flow br0 packet_type=(0,0),ip,actions=drop
add-flow br0 packet_type=(1,0x800),eth_src=00:00:00:00:00:01,actions=drop
add-flow br0 ip,packet_type=(1,0x800),actions=drop
add-flow br0 packet_type=(2,0),actions=drop
add-flow br0 table=1,actions=set_field:5/0xff->reg0,set_field:00:00:00:00:00:01/00:00:00:00:00:ff->eth_dst,set_field:5->reg1
add-flow br0 table=1,ip,actions=set_field:1.2.3.0/255.255.255.0->ip_dst,load:5->NXM_NX_REG0[4..7],mod_nw_ttl:4,mod_nw_tos:8
add-flow br0 table=2,vlan_tci=0x1000/0x1000,actions=set_field:0x1005/0x100f->vlan_vid
add-flow br0 table=2,vlan_tci=0x1000/0x1000,priority=1,actions=set_field:5/0xf->vlan_vid
add-flow br0 table=2,ip,actions=set_field:5/0xf->nw_ttl
add-flow br0 table=3,actions=move:NXM_NX_REG0[]->NXM_NX_REG1[],move:NXM_OF_ETH_SRC[0..15]->NXM_NX_REG2[8..23],move:OXM_OF_IN_PORT[]->NXM_NX_REG2[],move:NXM_OF_IN_PORT[]->NXM_NX_REG2[0..15]
add-flow br0 table=3,tcp,actions=move:NXM_OF_TCP_SRC[]->NXM_OF_TCP_DST[],move:OXM_OF_TCP_FLAGS[]->NXM_NX_REG0[0..11],move:NXM_OF_VLAN_TCI[]->NXM_NX_REG0[0..15]
add-flow br0 table=3,priority=1,actions=move:NXM_NX_REG0[0..3]->OXM_OF_PACKET_TYPE[0..3]
add-flow br0 table=4,importance=77,idle_timeout=5,hard_timeout=6,cookie=9,send_flow_rem,actions=write_actions(output:1),goto_table:5
add-flow br0 table=5,actions=clone(move:NXM_NX_REG0[]->NXM_NX_REG1[],set_field:1/3->reg0)
add-flow br0 table=5,ip,actions=ct(commit,exec(set_field:5/0xf->ct_mark,move:NXM_NX_REG0[]->NXM_NX_CT_MARK[]))
dump-flows br0
--no-stats dump-flows br0
dump-aggregate br0
dump-aggregate br0 table=3
-O OpenFlow13 dump-flows --no-stats br0
-O OpenFlow13 add-flow br0 table=6,actions=load:5->NXM_NX_REG0[4..7],move:NXM_NX_REG0[]->NXM_NX_REG1[],set_field:6->reg2
dump-flows --no-stats br0 table=6
"""),
    ("meters15", "15", """
add-meter br0 meter=1,kbps,bands=type=drop,rate=1000
add-meter br0 meter=2,kbps,bands=type=drop,rate=1000
add-flow br0 table=7,actions=meter:1,output:1
add-flow br0 table=8,actions=meter:1,goto_table:9
add-flow br0 table=9,actions=output:1,meter:2,output:2
-O OpenFlow13 add-flow br0 table=10,actions=meter:1,clear_actions,write_actions(output:1),goto_table:11
add-flow br0 table=11,actions=write_actions(meter:1,output:1)
add-flow br0 table=12,actions=meter:0
dump-flows --no-stats br0 table=7
dump-flows --no-stats br0 table=8
dump-flows --no-stats br0 table=9
dump-flows --no-stats br0 table=10
-O OpenFlow13 dump-flows --no-stats br0 table=7
-O OpenFlow13 dump-flows --no-stats br0 table=8
-O OpenFlow13 dump-flows --no-stats br0 table=9
packet-out br0 "in_port=1 packet=ffffffffffff02000000000108060001 actions=meter:1,output:2"
--strict mod-flows br0 table=7,actions=meter:2,output:1
dump-flows --no-stats br0 table=7
diff-flows br0 br0
"""),
    ("groups15", "15", """
add-group br0 group_id=1,type=select,selection_method=hash,fields(ip_src,tcp_dst,vlan_vid=0xfff,eth_src,in_port),bucket=bucket_id=5,weight:3,output:1,bucket=bucket_id=9,output:2
add-group br0 group_id=2,type=select,selection_method=hash,selection_method_param=7,fields(ip_src=255.255.0.0),bucket=output:1
add-group br0 group_id=3,type=select,selection_method=dp_hash,selection_method_param=7,bucket=output:1
add-group br0 group_id=4,type=select,selection_method=dp_hash,fields(ip_src),bucket=output:1
add-group br0 group_id=4,type=all,selection_method=hash,bucket=output:1
add-group br0 group_id=4,type=select,selection_method=hash,fields(reg0,metadata,tun_id),bucket=output:1
add-group br0 group_id=5,type=ff,bucket=bucket_id=1,watch_port:1,output:1,bucket=bucket_id=2,watch_group:4,output:2
add-group br0 group_id=6,type=all,bucket=bucket_id=1,output:1,bucket=bucket_id=2,output:2,bucket=bucket_id=3,output:3
insert-buckets br0 group_id=6,command_bucket_id=2,bucket=bucket_id=10,output:1,bucket=bucket_id=11,output:2
insert-buckets br0 group_id=6,command_bucket_id=first,bucket=bucket_id=20,output:1,bucket=bucket_id=21,output:2
insert-buckets br0 group_id=6,command_bucket_id=last,bucket=bucket_id=30,output:1
dump-groups br0 6
insert-buckets br0 group_id=6,command_bucket_id=2,bucket=bucket_id=10,output:1
insert-buckets br0 group_id=6,command_bucket_id=77,bucket=bucket_id=40,output:1
insert-buckets br0 group_id=6,command_bucket_id=all,bucket=bucket_id=40,output:1
insert-buckets br0 group_id=1,command_bucket_id=last,bucket=bucket_id=40,weight:7,output:1
insert-buckets br0 group_id=1,command_bucket_id=last,bucket=bucket_id=41,output:1
insert-buckets br0 group_id=6,command_bucket_id=last,bucket=bucket_id=50,weight:7,output:1
insert-buckets br0 group_id=5,command_bucket_id=last,bucket=bucket_id=3,output:1
insert-buckets br0 group_id=5,command_bucket_id=last,bucket=bucket_id=3,watch_port:2,output:1
remove-buckets br0 group_id=6,command_bucket_id=first
remove-buckets br0 group_id=6,command_bucket_id=last
remove-buckets br0 group_id=6,command_bucket_id=10
remove-buckets br0 group_id=6,command_bucket_id=10
dump-groups br0
dump-group-stats br0 group_id=6
remove-buckets br0 group_id=6,command_bucket_id=all
remove-buckets br0 group_id=6,command_bucket_id=first
remove-buckets br0 group_id=6,command_bucket_id=last
insert-buckets br0 group_id=6,command_bucket_id=first,bucket=output:1
insert-buckets br0 group_id=6,command_bucket_id=last,bucket=bucket_id=1,output:1
dump-groups br0 6
-O OpenFlow13 dump-groups br0
-O OpenFlow13 add-group br0 group_id=7,type=select,bucket=output:1,bucket=output:2
dump-groups br0 7
insert-buckets br0 group_id=7,command_bucket_id=0,bucket=bucket_id=5,output:3
dump-groups br0 7
"""),
    ("packet-out15", "15", """
packet-out br0 "in_port=1,reg0=5,metadata=7,tun_id=9 packet=ffffffffffff02000000000108060001 actions=output:2"
packet-out br0 "in_port=1,eth_src=00:00:00:00:00:01 packet=ffffffffffff02000000000108060001 actions=output:2"
packet-out br0 "reg0=5 packet=ffffffffffff02000000000108060001 actions=output:2"
packet-out br0 "in_port=1,packet_type=(0,0) packet=ffffffffffff02000000000108060001 actions=output:2"
packet-out br0 "in_port=1,packet_type=(1,0x800) packet=4500001c00000000401166cf0a0000010a000002000a000b00080000 actions=output:2"
@monitor -P nxt_packet_in2 monitor br0 65535
packet-out br0 "in_port=2,reg0=5,tun_id=7,metadata=3 packet=02000000000202000000000108004500001c00000000401166cf0a0000010a000002000a000b00080000 actions=controller"
add-flow br0 table=20,send_flow_rem,cookie=5,idle_timeout=9,actions=drop
del-flows br0 table=20
@end
"""),
    ("raw15", "15", """
@monitor monitor br0 65535
@send 06 12 0038 00000001 0011 0000 00000000 ff 000000 ffffffff ffffffff 00000000 0000000000000000 0000000000000000 0001 0004 00000000
@send 06 12 0018 00000002 0013 0000 00000000 00000000 00000000
@send 06 12 0018 00000003 0013 0000 00000000 00000002 00000000
@send 06 12 0010 00000004 0012 0000 00000000
@send 06 0e 0058 00000005 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0007 0020 00000000 0000 0010 80020008 00000001 00000000 0000000000000000
@send 06 0e 0040 00000006 0000000000000000 0000000000000000 00 00 0000 0000 8000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0006 0008 00000001
@send 06 18 0018 00000007 00000001 0005 0000 0000000000000000
@send 06 21 0010 00000008 00000001 0000 0004
@send 06 0f 0018 00000009 0004 00 00 00000001 0000 0000 ffffffff
@send 06 0f 0018 0000000a 0005 00 00 00000001 0008 0000 ffffffff
@send 06 1a 0008 0000000b
@send 06 1c 0010 0000000c 000f 0008 00000003
@end
"""),
)
