# SPDX-License-Identifier: Apache-2.0
"""Commands for stock ovs-ofctl about flows, and packets on their way through them: see ofctl_cases.py."""

ALL = "10 13 14"
SOME = "10 13 14 15"

FLOWS = (
    ("flows", SOME, """
add-flow br0 cookie=0x1,table=0,priority=10,in_port=1,actions=output:2
add-flow br0 cookie=0x2,table=0,priority=20,in_port=p2,dl_type=0x800,nw_src=10.0.0.0/8,actions=p1,p3
add-flow br0 cookie=0x3,table=1,priority=30,tcp,tp_dst=80,idle_timeout=6000,hard_timeout=9000,actions=drop
add-flow br0 cookie=0x103,table=2,udp6,ipv6_dst=fe80::/64,tp_src=53,send_flow_rem,actions=LOCAL
add-flow br0 cookie=0x4,table=3,arp,arp_spa=1.2.3.4,arp_op=1,actions=controller:128
[13 14 15] add-flow br0 cookie=0x5,table=4,metadata=0x10/0xf0,no_packet_counts,no_byte_counts,reset_counts,actions=output:1
[13 14 15] add-flow br0 cookie=0x6,table=5,dl_vlan=7,actions=write_actions(output:2),goto_table:6
[14 15] add-flow br0 cookie=0x7,table=5,importance=9,dl_vlan=8,actions=output:2
add-flow br0 actions=NORMAL
dump-flows br0
dump-flows --no-stats br0
dump-flows --names br0
dump-flows --no-names br0
dump-flows --sort br0
dump-flows --rsort br0
dump-flows --sort=in_port br0
dump-flows --rsort=tcp_dst br0
dump-flows --sort=nosuch br0
dump-flows --no-stats br0 table=1
dump-flows --no-stats br0 table=77
dump-flows --no-stats br0 in_port=1
dump-flows --no-stats br0 ip
dump-flows --no-stats br0 ip,nw_src=10.0.0.0/8
dump-flows --no-stats br0 cookie=0x3/0xff
dump-flows --no-stats br0 cookie=0x3/-1
dump-flows --no-stats br0 cookie=0x0/-1
dump-flows --no-stats br0 out_port=2
dump-flows --no-stats br0 out_port=p1
dump-flows --no-stats br0 out_port=99
dump-flows --no-stats br0 out_port=LOCAL
[13 14 15] dump-flows --no-stats br0 out_group=1
dump-flows --no-stats br0 priority=10
--strict dump-flows br0 in_port=1
dump-flows br0 out_port=nosuch
dump-flows br0 nosuch=1
dump-flows br0 actions=drop
dump-aggregate br0
dump-aggregate br0 table=1
dump-aggregate br0 cookie=3/-1
dump-aggregate br0 out_port=2
dump-aggregate br0 nosuch
-m dump-flows br0 table=0
--color=never dump-flows --no-stats br0 table=0
--read-only dump-flows --no-stats br0 table=0
--read-only del-flows br0
dump-tables br0
del-flows br0 table=0,in_port=1
dump-flows --no-stats br0
del-flows br0 cookie=0x3/0xff
dump-flows --no-stats br0
del-flows br0 out_port=LOCAL
--strict del-flows br0 arp
--strict del-flows br0 table=3,arp,arp_spa=1.2.3.4,arp_op=1
dump-flows --no-stats br0
--strict del-flows br0 priority=9,table=0
del-flows br0 nosuch=4
del-flows br0 <<< table=5 ;;
del-flows br0 - <<< table=5 ;; table=0
dump-flows --no-stats br0
del-flows br0
dump-aggregate br0
"""),
    ("flow-formats", "10", """
-F OpenFlow10 add-flow br0 in_port=1,actions=output:2
-F OpenFlow10+table_id add-flow br0 table=3,in_port=1,actions=output:2
-F NXM add-flow br0 in_port=2,reg0=5,actions=output:2
-F NXM+table_id add-flow br0 table=4,in_port=2,reg0=5,actions=output:2
-F OpenFlow10 add-flow br0 table=5,reg1=2,actions=drop
-F OXM add-flow br0 actions=drop
-F nonsense add-flow br0 actions=drop
-F OpenFlow10 dump-flows --no-stats br0
-F OpenFlow10+table_id dump-flows --no-stats br0
-F NXM dump-flows --no-stats br0
-F NXM+table_id dump-flows --no-stats br0
-F OpenFlow10 dump-aggregate br0
-F NXM dump-aggregate br0
-F NXM dump-aggregate br0 reg0=5
-F OpenFlow10 del-flows br0 in_port=1
dump-flows --no-stats br0
"""),
    ("modify", "10 13", """
add-flow br0 cookie=1,priority=5,tcp,actions=output:1
add-flow br0 cookie=2,priority=6,udp,actions=output:2
add-flow br0 cookie=3,priority=5,tcp,actions=output:3
dump-flows --no-stats br0
mod-flows br0 tcp,actions=output:2
dump-flows --no-stats br0
mod-flows br0 icmp,actions=output:2
dump-flows --no-stats br0
mod-flows br0 cookie=9,icmp6,actions=output:2
dump-flows --no-stats br0
mod-flows br0 cookie=2/-1,ip,actions=drop
dump-flows --no-stats br0
mod-flows br0 cookie=2/-1,cookie=8,ip,actions=LOCAL
dump-flows --no-stats br0
--strict mod-flows br0 priority=5,tcp,actions=drop
--strict mod-flows br0 priority=7,tcp,actions=drop
dump-flows --no-stats br0
mod-flows br0 ip
mod-flows br0 table=255,ip,actions=drop
mod-flows br0 - <<< tcp,actions=1 ;; udp,actions=3
dump-flows --no-stats br0
add-flow br0 cookie=1/2,actions=drop
add-flow br0 check_overlap,priority=5,ip,actions=drop
add-flow br0 check_overlap,priority=8,ip,actions=drop
add-flow br0 check_overlap,priority=8,tcp,actions=output:1
add-flow br0 check_overlap,priority=8,ip,actions=output:2
add-flow br0 priority=8,ip,actions=drop
add-flow br0 priority=70000,actions=drop
add-flow br0 idle_timeout=70000,actions=drop
add-flow br0 out_port=2,actions=drop
mod-flows br0 out_port=2,actions=drop
dump-flows --no-stats br0
add-flows br0 - <<< # a comment ;; table=1 actions=drop ;; delete table=1 ;; table=2 actions=1
dump-flows --no-stats br0
add-flows br0 - <<< delete ;; add tcp,actions=1 ;; modify tcp,actions=2 ;; modify_strict udp,actions=1 ;; delete_strict udp
dump-flows --no-stats br0
add-flows br0 - <<< table=1,actions=2 ;; nonsense ;; table=2,actions=3
add-flows br0 nosuch.txt
dump-flows --no-stats br0
"""),
    ("replace", "10 14", """
@file a.txt cookie=1,table=0,priority=1,actions=1 ;; table=1,tcp,actions=drop ;; table=2,reg0=1,actions=2
@file b.txt cookie=1,table=0,priority=1,actions=2 ;; table=1,tcp,actions=drop ;; table=3,ip,actions=3
add-flows br0 a.txt
diff-flows br0 a.txt
diff-flows br0 b.txt
diff-flows a.txt b.txt
replace-flows br0 b.txt
dump-flows --no-stats br0
diff-flows br0 b.txt
--readd replace-flows br0 b.txt
--strict replace-flows br0 a.txt
dump-flows --no-stats br0
replace-flows br0 nosuch.txt
diff-flows br0 br0
[14] --bundle replace-flows br0 b.txt
[14 15] dump-flows --no-stats br0
"""),
    ("bundle-flows", "13 14 15", """
--bundle add-flow br0 cookie=1,in_port=1,actions=2
--bundle add-flows br0 - <<< table=1,actions=1 ;; table=2,actions=2
dump-flows --no-stats br0
--bundle mod-flows br0 in_port=1,actions=3
--bundle del-flows br0 table=1
dump-flows --no-stats br0
--bundle add-flows br0 - <<< table=3,actions=1 ;; table=4,actions=output:2 ;; check_overlap,priority=32768,table=3,ip,actions=2
dump-flows --no-stats br0
--bundle add-flows br0 - <<< delete ;; table=5,actions=1 ;; table=6,group_id=1,actions=group:1
--bundle add-flows br0 - <<< delete ;; table=5,actions=1 ;; table=6,actions=group:1
dump-flows --no-stats br0
--bundle replace-flows br0 - <<< table=7,actions=1 ;; table=8,actions=2
dump-flows --no-stats br0
--bundle del-flows br0
dump-flows --no-stats br0
"""),
    ("bundle", "13 14 15", """
bundle br0 - <<< flow add table=1,actions=1 ;; group add group_id=1,type=all,bucket=output:1 ;; flow add table=2,actions=group:1
dump-flows --no-stats br0
dump-groups br0
bundle br0 - <<< flow add table=3,actions=1 ;; group add group_id=1,type=all,bucket=output:2
dump-flows --no-stats br0
dump-groups br0
bundle br0 - <<< group modify group_id=1,type=select,bucket=output:2,bucket=output:3 ;; flow delete table=1 ;; flow modify table=2,actions=drop
dump-flows --no-stats br0
dump-groups br0
bundle br0 - <<< group delete group_id=1 ;; group add group_id=2,type=indirect,bucket=output:3 ;; flow add table=4,actions=group:1
dump-flows --no-stats br0
dump-groups br0
bundle br0 - <<< flow delete ;; group delete ;; group add group_id=5,type=ff,bucket=output:1
dump-flows --no-stats br0
dump-groups br0
bundle br0 - <<< flow delete ;; group delete
dump-flows --no-stats br0
dump-groups br0
bundle br0 - <<< flow add actions=2 ;; packet-out in_port=1 packet=ffffffffffff02000000000108060001 actions=table
bundle br0 - <<< flow nonsense actions=2
bundle br0 - <<< nonsense
--bundle add-groups br0 - <<< group_id=11,type=all,bucket=output:1 ;; group_id=12,type=all,bucket=output:2
--bundle mod-group br0 group_id=11,type=all,bucket=output:3
--bundle --may-create mod-group br0 group_id=13,type=all,bucket=output:3
--bundle add-groups br0 - <<< group_id=21,type=all,bucket=output:1 ;; group_id=12,type=all,bucket=output:2
--bundle del-groups br0 group_id=12
--bundle insert-buckets br0 group_id=11,command_bucket_id=last,bucket=output:1
--bundle remove-buckets br0 group_id=11,command_bucket_id=last
dump-groups br0
--bundle del-groups br0
dump-groups br0
"""),
    ("flow-errors", "10 13", """
add-flow br0 nosuch=1,actions=drop
add-flow br0 in_port=1
add-flow br0 in_port=99,actions=output:1
add-flow br0 in_port=nosuch,actions=drop
add-flow br0 table=254,actions=drop
add-flow br0 table=255,actions=drop
add-flow br0 table=256,actions=drop
add-flow br0 in_port=1,actions=output:99
add-flow br0 in_port=1,actions=output:0xff00
add-flow br0 in_port=1,actions=output:nosuch
add-flow br0 in_port=1,actions=output:NONE
add-flow br0 in_port=1,actions=group:77
add-flow br0 in_port=1,actions=meter:77
add-flow br0 in_port=1,actions=goto_table:0
add-flow br0 table=5,in_port=1,actions=goto_table:4
add-flow br0 table=5,in_port=1,actions=goto_table:255
add-flow br0 table=5,in_port=1,actions=goto_table:254
add-flow br0 tp_dst=80,actions=drop
add-flow br0 nw_src=1.2.3.4,actions=drop
add-flow br0 ip,nw_proto=6,icmp_type=1,actions=drop
add-flow br0 tcp,tcp_flags=+syn-ack,actions=drop
add-flow br0 udp,tcp_flags=+syn,actions=drop
add-flow br0 ipv6,arp_spa=1.2.3.4,actions=drop
add-flow br0 ip,nw_src=10.0.0.1/255.0.255.0,actions=drop
add-flow br0 dl_vlan=5000,actions=drop
add-flow br0 dl_vlan_pcp=8,actions=drop
add-flow br0 ip,nw_tos=3,actions=drop
add-flow br0 ip,ip_dscp=64,actions=drop
add-flow br0 mpls,mpls_label=0x100000,actions=drop
add-flow br0 actions=set_field:1.2.3.4->nw_src
add-flow br0 ip,actions=set_field:fe80::1->ipv6_src
add-flow br0 tcp,actions=set_field:80->udp_dst
add-flow br0 actions=mod_nw_src:1.2.3.4
add-flow br0 actions=mod_tp_dst:80
add-flow br0 actions=set_field:1->in_port
add-flow br0 actions=set_field:1->tcp_flags
add-flow br0 actions=set_field:0x800->eth_type
add-flow br0 ip,actions=set_field:6->nw_proto
add-flow br0 actions=load:1->NXM_OF_IP_SRC[]
add-flow br0 actions=load:1->NXM_OF_ETH_TYPE[]
del-flows br0
add-flow br0 actions=load:0x12->NXM_NX_REG0[0..3]
add-flow br0 actions=load:1->NXM_NX_REG0[0..40]
add-flow br0 actions=move:NXM_NX_REG0[]->NXM_NX_XXREG0[]
add-flow br0 actions=move:NXM_OF_IP_SRC[]->NXM_NX_REG0[]
add-flow br0 actions=move:NXM_NX_REG0[]->NXM_NX_CT_STATE[]
add-flow br0 actions=set_vlan_vid:5000
add-flow br0 actions=push_vlan:0x1234
add-flow br0 actions=set_field:5->vlan_vid
add-flow br0 actions=push_vlan:0x8100,set_field:5->vlan_vid,output:1
add-flow br0 actions=pop_vlan
add-flow br0 ip,actions=push_mpls:0x1234
add-flow br0 ip,actions=push_mpls:0x8847,set_field:5->mpls_label,output:1
add-flow br0 ip,actions=push_mpls:0x8847,dec_ttl,output:1
add-flow br0 actions=pop_mpls:0x800
add-flow br0 mpls,actions=pop_mpls:0x800,dec_ttl,output:1
add-flow br0 actions=dec_ttl
add-flow br0 actions=dec_mpls_ttl
add-flow br0 actions=set_mpls_label:5
add-flow br0 actions=resubmit(,255)
add-flow br0 actions=resubmit(,254)
add-flow br0 actions=resubmit:99
add-flow br0 actions=conjunction(1,1/2),output:1
add-flow br0 actions=conjunction(1,3/2)
add-flow br0 actions=conjunction(1,1/1)
add-flow br0 actions=conjunction(1,1/65)
add-flow br0 priority=65536,actions=drop
add-flow br0 actions=drop,output:1
add-flow br0 actions=output:1,drop
add-flow br0 actions=note:zz
add-flow br0 actions=nonsense
[13] add-flow br0 actions=learn(table=255,NXM_OF_ETH_DST[])
[13] add-flow br0 actions=learn(table=1,NXM_OF_IP_DST[])
[13] add-flow br0 actions=learn(table=1,load:5->NXM_OF_IP_DST[])
add-flow br0 actions=learn(table=254,output:NXM_NX_REG0[])
[13] add-flow br0 actions=ct(commit,zone=70000)
[13] add-flow br0 actions=ct(commit)
[13] add-flow br0 ip,actions=ct(commit,table=255)
[13] add-flow br0 ip,actions=ct(commit,table=0)
add-flow br0 ip,actions=ct(nat)
[13] add-flow br0 ip,actions=ct(nat(src=1.2.3.4))
[13] add-flow br0 ip,actions=ct(commit,nat(src=5.6.7.8-1.2.3.4))
[13] add-flow br0 ip,actions=ct(commit,nat(src=1.2.3.4,dst=1.2.3.4))
[13] add-flow br0 ip,actions=ct(commit,nat(src=fe80::1))
[13] add-flow br0 ip,actions=ct(commit,force,exec(set_field:1->ct_mark))
[13] add-flow br0 ip,actions=ct(exec(set_field:1->ct_mark))
[13] add-flow br0 ip,actions=ct(commit,exec(set_field:1->reg0))
[13] add-flow br0 ip,actions=ct(commit,exec(output:1))
[13] add-flow br0 ct_state=+trk,actions=drop
[13] add-flow br0 ip,ct_state=+new-new,actions=drop
[13] add-flow br0 ip,ct_nw_src=1.2.3.4,actions=drop
[13] add-flow br0 ip,actions=set_field:1->ct_mark
[13] add-flow br0 actions=multipath(symmetric_l4,0,modulo_n,0,0,NXM_NX_REG0[])
[13] add-flow br0 actions=multipath(symmetric_l4,0,modulo_n,70000,0,NXM_NX_REG0[])
[13] add-flow br0 actions=multipath(nonsense,0,modulo_n,4,0,NXM_NX_REG0[])
[13] add-flow br0 actions=multipath(eth_src,0,modulo_n,300,0,NXM_NX_REG0[0..3])
[13] add-flow br0 actions=bundle(eth_src,0,hrw,ofport,members:1,2,99)
[13] add-flow br0 actions=bundle(eth_src,0,nonsense,ofport,members:1,2)
[13] add-flow br0 actions=output(port=99,max_len=100)
[13] add-flow br0 actions=output(port=1,max_len=10)
[13] add-flow br0 actions=sample(probability=0,collector_set_id=1)
[13] add-flow br0 actions=check_pkt_larger(100)->NXM_NX_REG0[0..3]
[13] add-flow br0 actions=check_pkt_larger(100)->NXM_OF_ETH_TYPE[0]
[13] add-flow br0 actions=stack_push:NXM_NX_REG0[],stack_pop:NXM_OF_IP_SRC[]
add-flow br0 actions=fin_timeout(idle_timeout=5)
[13] add-flow br0 actions=clone(output:99)
[13] add-flow br0 actions=clone(clone(clone(output:1)))
add-flow br0 actions=delete_field:tun_metadata0
add-flow br0 tun_metadata0=5,actions=drop
add-flow br0 actions=controller(pause,max_len=100,reason=nonsense)
add-flow br0 actions=controller(userdata=01.02.0x)
add-flow br0 actions=enqueue:99:1
add-flow br0 actions=clear_actions
add-flow br0 actions=write_metadata:5,output:1
add-flow br0 table=9,actions=goto_table:10,output:1
add-flow br0 actions=write_actions(output:99)
add-flow br0 actions=write_actions(resubmit(,1))
add-flow br0 actions=push_nsh
add-flow br0 actions=encap(nsh)
add-flow br0 actions=decap
del-flows br0 table=5
add-flow br0 actions=drop
dump-flows --no-stats br0
"""),
    ("fields", "10 13 15", """
add-flow br0 table=1,in_port=LOCAL,dl_src=02:00:00:00:00:01,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=drop
add-flow br0 table=1,dl_type=0x1234,actions=drop
add-flow br0 table=1,dl_vlan=5,dl_vlan_pcp=3,actions=drop
add-flow br0 table=1,dl_vlan=0xffff,actions=drop
add-flow br0 table=1,vlan_tci=0x1000/0x1000,actions=drop
add-flow br0 table=1,vlan_tci=0x1005/0x1fff,actions=drop
add-flow br0 table=1,vlan_tci=0,actions=drop
add-flow br0 table=1,dl_vlan_pcp=0,actions=drop
[13 14 15] add-flow br0 table=1,vlan_vid=0x1000/0x1000,actions=drop
[13 14 15] add-flow br0 table=1,vlan_vid=0x1003/0x1003,actions=drop
add-flow br0 table=2,ip,nw_tos=0x20,nw_ttl=64,nw_ecn=2,actions=drop
add-flow br0 table=2,ip,nw_frag=yes,actions=drop
add-flow br0 table=2,ip,nw_frag=first,actions=drop
add-flow br0 table=2,ip,nw_frag=later,actions=drop
add-flow br0 table=2,ip,nw_frag=not_later,actions=drop
add-flow br0 table=2,ip,nw_frag=no,actions=drop
add-flow br0 table=2,tcp,tp_src=0x10/0xfff0,tcp_flags=+syn-ack,actions=drop
add-flow br0 table=2,sctp,tp_dst=5,actions=drop
add-flow br0 table=2,icmp,icmp_type=8,icmp_code=0,actions=drop
add-flow br0 table=2,icmp6,icmp_type=135,nd_target=fe80::1,nd_sll=02:00:00:00:00:09,actions=drop
add-flow br0 table=2,icmp6,icmpv6_type=136,icmpv6_code=0,nd_tll=02:00:00:00:00:09,actions=drop
add-flow br0 table=2,nw_proto=17,ip,actions=drop
add-flow br0 table=2,nw_proto=132,ipv6,actions=drop
add-flow br0 table=2,ipv6,ipv6_label=0x12345,nw_ttl=3,actions=drop
add-flow br0 table=2,arp,arp_op=2,arp_spa=10.0.0.0/24,arp_tpa=10.1.0.1,arp_sha=02:00:00:00:00:01,arp_tha=02:00:00:00:00:02,actions=drop
add-flow br0 table=2,rarp,actions=drop
add-flow br0 table=2,mpls,mpls_label=100,mpls_tc=3,mpls_bos=1,actions=drop
add-flow br0 table=2,mplsm,mpls_ttl=3,actions=drop
add-flow br0 table=3,reg0=1,reg7=2/3,xreg5=0x123456789a,xxreg3=0x5,actions=drop
add-flow br0 table=3,metadata=0x123,actions=drop
add-flow br0 table=3,pkt_mark=5/7,skb_priority=3,actions=drop
add-flow br0 table=3,pkt_mark=5/7,actions=drop
add-flow br0 table=3,tun_id=5,tun_src=1.2.3.4,tun_dst=5.6.7.0/24,tun_tos=4,tun_ttl=64,tun_flags=+oam,actions=drop
add-flow br0 table=3,tun_ipv6_src=fe80::1,tun_ipv6_dst=fe80::/10,actions=drop
add-flow br0 table=3,tun_gbp_id=5,tun_gbp_flags=8,actions=drop
add-flow br0 table=3,tunnel_id=0x5/0xff,actions=drop
add-flow br0 table=3,tun_erspan_idx=5,tun_erspan_ver=1,actions=drop
add-flow br0 table=3,tun_gtpu_flags=0x30,actions=drop
add-flow br0 table=3,conj_id=7,actions=drop
add-flow br0 table=3,dp_hash=5/0xf,actions=drop
add-flow br0 table=3,recirc_id=5,actions=drop
add-flow br0 table=3,actset_output=2,actions=drop
add-flow br0 table=3,in_port_oxm=2,actions=drop
add-flow br0 table=3,packet_type=(1,0x800),actions=drop
add-flow br0 table=3,packet_type=(0,0),actions=drop
add-flow br0 table=3,nsh,nsh_spi=5,actions=drop
add-flow br0 table=4,ip,ct_state=+trk+est-inv,ct_zone=5,ct_mark=1/3,ct_label=0x1/0xff,actions=drop
add-flow br0 table=4,tcp,ct_state=+trk,ct_nw_src=10.0.0.1,ct_nw_proto=6,ct_tp_dst=80,actions=drop
add-flow br0 table=4,ipv6,ct_state=+trk,ct_ipv6_src=fe80::1,actions=drop
add-flow br0 table=4,ct_state=0,actions=drop
[13 14 15] add-flow br0 table=5,eth_type=0x800,ip_proto=6,tcp_dst=5,ipv4_src=1.2.3.4,actions=drop
[13 14 15] add-flow br0 table=5,dl_type=0x88e7,pbb_isid=5,actions=drop
[13 14 15] add-flow br0 table=5,ipv6,ipv6_exthdr=5,actions=drop
dump-flows --no-stats br0
dump-flows --no-stats --names br0 in_port=LOCAL,table=1
dump-flows --no-stats br0 vlan_tci=0x1000/0x1000
dump-flows --no-stats br0 dl_vlan=5
dump-flows --no-stats br0 reg0=1
dump-flows --no-stats br0 ipv6
"""),
    ("actions", "10 13 15", """
add-flow br0 table=1,actions=1,p2,LOCAL,IN_PORT,CONTROLLER,FLOOD,ALL,NORMAL
add-flow br0 table=2,actions=TABLE
add-flow br0 table=3,actions=local,output:in_port,flood,all
add-flow br0 table=4,actions=controller(max_len=100,reason=invalid_ttl,id=5)
add-flow br0 table=5,actions=controller(userdata=01.02.03,pause,max_len=65535)
[13 14 15] add-flow br0 table=6,actions=controller(meter_id=7)
add-flow br0 table=7,ip,actions=mod_vlan_vid:5,mod_vlan_pcp:3,mod_dl_src:02:00:00:00:00:09,mod_dl_dst:02:00:00:00:00:08,mod_nw_src:1.2.3.4,mod_nw_dst:5.6.7.8,mod_nw_tos:8,mod_nw_ecn:2,mod_nw_ttl:5,strip_vlan,output:1
add-flow br0 table=8,tcp,actions=mod_tp_src:5,mod_tp_dst:6,output:1
add-flow br0 table=8,udp,actions=set_field:5->udp_src,output:1
add-flow br0 table=9,actions=set_field:5->reg0,set_field:5/7->reg1,set_field:0x123->metadata,set_field:5->tun_id,set_field:1.2.3.4->tun_dst,set_field:7->pkt_mark,set_field:5->xreg4,set_field:6->xxreg1
add-flow br0 table=10,actions=load:5->NXM_NX_REG0[],load:5->NXM_NX_REG0[4..7],load:0x3->NXM_OF_ETH_DST[0..15],load:5->OXM_OF_METADATA[]
add-flow br0 table=11,actions=move:NXM_NX_REG0[]->NXM_NX_REG1[],move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],move:NXM_NX_REG0[0..3]->NXM_NX_REG1[4..7]
add-flow br0 table=12,ip,actions=push_vlan:0x88a8,set_field:5->reg0,push_mpls:0x8847,pop_mpls:0x800,dec_ttl,dec_ttl(1,2)
add-flow br0 table=13,mpls,actions=set_mpls_label:5,set_mpls_tc:3,set_mpls_ttl:7,dec_mpls_ttl,pop_mpls:0x800
add-flow br0 table=14,actions=resubmit:1,resubmit(2,3),resubmit(,4),resubmit(,5,ct)
add-flow br0 table=14,ip,actions=resubmit(,5,ct)
add-flow br0 table=15,actions=stack_push:NXM_NX_REG0[],stack_pop:NXM_NX_REG1[0..7]
add-flow br0 table=16,actions=multipath(symmetric_l4,5,hrw,4,0,NXM_NX_REG0[0..7]),multipath(eth_src,0,iter_hash,8,2,NXM_NX_REG1[])
add-flow br0 table=17,actions=bundle(symmetric_l3l4,0,hrw,ofport,members:1,2),bundle_load(eth_src,5,active_backup,ofport,NXM_NX_REG0[],members:1)
add-flow br0 table=17,ip,actions=bundle(nw_src,0,hrw,ofport,slaves:1,2)
add-flow br0 table=18,actions=learn(table=5,idle_timeout=10,hard_timeout=20,priority=7,cookie=0x9,fin_idle_timeout=3,send_flow_rem,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],reg3=5,load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15],output:NXM_OF_IN_PORT[])
add-flow br0 table=18,ip,actions=learn(table=6,delete_learned,limit=5,result_dst=NXM_NX_REG0[0],eth_type=0x800,NXM_OF_IP_DST[]=NXM_OF_IP_SRC[],load:0x5->NXM_NX_REG1[])
add-flow br0 table=19,ip,actions=ct(commit,zone=5,table=20,alg=ftp,nat(src=1.2.3.4-1.2.3.9:100-200,random),exec(set_field:5->ct_mark,load:1->NXM_NX_CT_LABEL[0..3]))
add-flow br0 table=19,ip,tcp,actions=ct(table=20,zone=NXM_NX_REG0[0..15]),ct_clear
add-flow br0 table=19,udp,actions=ct(commit,force,nat(dst=5.6.7.8:80,hash,persistent))
add-flow br0 table=19,ipv6,actions=ct(commit,nat(src=[fe80::1]-[fe80::9]:5-6))
add-flow br0 table=19,icmp,actions=ct(commit,nat(src=0.0.0.0))
add-flow br0 table=21,actions=conjunction(5,1/2),conjunction(6,2/3)
add-flow br0 table=22,actions=clone(set_field:5->reg0,output:1),exit
add-flow br0 table=23,tcp,actions=fin_timeout(idle_timeout=5,hard_timeout=6),note:01.02.03.04.05.06.07.08
add-flow br0 table=24,actions=sample(probability=5,collector_set_id=1,obs_domain_id=2,obs_point_id=3)
add-flow br0 table=24,ip,actions=sample(probability=5,collector_set_id=1,obs_domain_id=2,obs_point_id=3,sampling_port=1,egress)
add-flow br0 table=25,actions=output(port=1,max_len=100),output:NXM_NX_REG0[],output:NXM_NX_REG1[3..9]
add-flow br0 table=26,actions=check_pkt_larger(1500)->NXM_NX_REG0[3]
add-flow br0 table=27,actions=set_queue:5,enqueue:1:2,pop_queue
[13 14 15] add-flow br0 table=28,actions=clear_actions,write_actions(output:1,set_field:5->reg0),write_metadata:0x5/0xff,goto_table:29
[13 14 15] add-flow br0 table=29,actions=write_metadata:0x123456789abcdef0
add-flow br0 table=30,actions=dec_nsh_ttl
add-flow br0 table=31,actions=ct_clear,set_field:1->tun_gbp_id
add-flow br0 table=32,actions=
add-flow br0 table=33,actions=drop
dump-flows --no-stats br0
dump-flows --no-stats --names br0 table=1
"""),
    ("packet-out", "10 13 15", """
packet-out br0 "in_port=1 packet=ffffffffffff02000000000108060001 actions=output:2"
packet-out br0 1 output:2 ffffffffffff02000000000108060001
packet-out br0 none output:2 ffffffffffff02000000000108060001
packet-out br0 "in_port=controller packet=ffffffffffff02000000000108060001 actions=table"
packet-out br0 "in_port=local packet=ffffffffffff02000000000108060001 actions=set_field:5->reg0,resubmit(,5)"
packet-out br0 "in_port=99 packet=ffffffffffff02000000000108060001 actions=output:2"
packet-out br0 "in_port=nosuch packet=ffffffffffff02000000000108060001 actions=output:2"
packet-out br0 "in_port=flood packet=ffffffffffff02000000000108060001 actions=output:2"
packet-out br0 "in_port=0xffffff00 packet=ffffffffffff02000000000108060001 actions=output:2"
packet-out br0 "in_port=1 packet=ffffffffffff02000000000108060001 actions=output:99"
packet-out br0 "in_port=1 packet=ffffffffffff02000000000108060001 actions=group:7"
packet-out br0 "in_port=1 packet=ffffffffffff02000000000108060001 actions=goto_table:7"
packet-out br0 "in_port=1 packet=ffffffffffff02000000000108060001 actions=mod_nw_src:1.2.3.4"
packet-out br0 "in_port=1 packet=ffff actions=output:2"
packet-out br0 "in_port=1 packet=zz actions=output:2"
packet-out br0 "in_port=1 actions=output:2"
packet-out br0 "in_port=1,reg0=5 packet=ffffffffffff02000000000108060001 actions=output:2"
packet-out br0 "packet=ffffffffffff02000000000108060001 actions=output:2"
packet-out br0 - <<< in_port=1 packet=ffffffffffff02000000000108060001 actions=output:2
"""),
)
