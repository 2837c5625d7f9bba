# SPDX-License-Identifier: Apache-2.0
"""Flow monitors ("monitor BRIDGE watch:...") of stock ovs-ofctl, as ofctl_cases.py has its sections."""

ALL = "10 13 14 15"

# A request of its own over the monitor's connection, by version: (id, flags, table, command).
FORMS = {
    "10": "01 10 0028 {xid:08x} ffff 0000 00002320 00000002 00000000"
          " {id:08x} {flags:04x} ffff 0000 {table:02x} 0000000000",
    "13": "04 12 0030 {xid:08x} ffff 0000 00000000 4f4e4600 0000074e"
          " {id:08x} {flags:04x} 0000 ffffffff {table:02x} 000000 0001 0004 00000000",
    "14": "05 12 0028 {xid:08x} 0010 0000 00000000"
          " {id:08x} ffffffff ffffffff {flags:04x} {table:02x} {command:02x} 0001 0004 00000000",
}
CANCEL = {
    "10": "01 04 0014 {xid:08x} 00002320 00000015 {id:08x}",
    "13": "04 04 0014 {xid:08x} 4f4e4600 0000074e {id:08x}",
    "14": "05 12 0028 {xid:08x} 0010 0000 00000000"
          " {id:08x} ffffffff ffffffff 0000 ff 02 0001 0004 00000000",
}

for _forms in (FORMS, CANCEL):
    _forms["15"] = _forms["14"].replace("05 12", "06 12")


def request(xid, number, flags, table=255):
    return "\n".join("[%s] @send %s" % (version, form.format(
        xid=xid, id=number, flags=flags, table=table, command=0))
        for version, form in FORMS.items())


def cancel(xid, number, versions=ALL):
    return "\n".join("[%s] @send %s" % (version, CANCEL[version].format(xid=xid, id=number))
                     for version in versions.split())


WATCH = (
    ("watch", ALL, """
add-flow br0 table=1,cookie=1,in_port=1,actions=output:2
add-flow br0 table=2,cookie=2,in_port=2,actions=output:1
@monitor monitor br0 watch:
add-flow br0 table=3,cookie=3,in_port=2,actions=output:1
mod-flows br0 table=3,cookie=3,in_port=2,actions=output:3
mod-flows br0 table=3,cookie=3,in_port=2,actions=output:3
add-flow br0 table=3,cookie=9,in_port=2,actions=output:3
del-flows br0 table=3
add-flow br0 table=4,tcp,actions=drop
--strict del-flows br0 table=4,tcp
add-flow br0 table=5,idle_timeout=60,hard_timeout=120,priority=7,ipv6,ipv6_src=fe80::/10,actions=normal
add-flow br0 table=5,reg1=5,tun_id=7,actions=load:1->NXM_NX_REG2[],resubmit(,6)
[13 14 15] add-flow br0 table=5,vlan_tci=0x1000/0x1000,actions=pop_vlan,goto_table:7
[13 14 15] add-flow br0 table=6,actions=clear_actions,write_actions(output:3),write_metadata:0x5/0xff
mod-flows br0 table=5,actions=drop
del-flows br0 table=5,ipv6
add-flows br0 - <<< table=8,priority=1,actions=1 ;; table=8,priority=2,actions=2 ;; table=8,priority=3,actions=3
mod-flows br0 table=8,actions=1,2
--strict mod-flows br0 table=8,priority=2,actions=1
del-flows br0 table=9
del-flows br0
@end
monitor br0 watch:nonsense
monitor br0 watch:table=300
monitor br0 watch:in_port=
"""),
    ("watch-options", ALL, """
add-flow br0 table=0,actions=output:1
add-flow br0 table=1,actions=output:2
@monitor monitor br0 watch:!initial,table=0
add-flow br0 table=0,in_port=1,actions=output:1
add-flow br0 table=1,in_port=1,actions=output:1
del-flows br0 table=0,in_port=1
@end
@monitor monitor br0 watch:!actions,table=1
add-flow br0 table=1,in_port=2,actions=output:1
mod-flows br0 table=1,in_port=2,actions=output:3
del-flows br0 table=1,in_port=2
@end
@monitor monitor br0 watch:!add
add-flow br0 table=2,in_port=2,actions=output:1
mod-flows br0 table=2,actions=output:2
del-flows br0 table=2
@end
@monitor monitor br0 watch:!delete,!initial
add-flow br0 table=2,in_port=2,actions=output:1
mod-flows br0 table=2,actions=output:2
del-flows br0 table=2
@end
@monitor monitor br0 watch:!modify,!initial
add-flow br0 table=2,in_port=2,actions=output:1
mod-flows br0 table=2,actions=output:2
del-flows br0 table=2
@end
@monitor monitor br0 watch:out_port=2
add-flow br0 table=2,in_port=1,actions=output:1
add-flow br0 table=2,in_port=2,actions=output:1,output:2
mod-flows br0 table=2,in_port=1,actions=output:2
mod-flows br0 table=2,in_port=1,actions=output:3
mod-flows br0 table=2,in_port=1,actions=drop
del-flows br0 table=2
@end
@monitor monitor br0 watch:ip,nw_src=10.0.0.0/8
add-flow br0 ip,nw_src=10.1.0.0/16,actions=1
add-flow br0 ip,nw_src=11.1.0.0/16,actions=1
add-flow br0 tcp,nw_src=10.1.2.3,tp_dst=80,actions=1
add-flow br0 ip,actions=1
del-flows br0 ip
@end
@monitor monitor br0 watch:table=1,!initial,!actions watch:table=2,!initial watch:in_port=3
add-flow br0 table=1,actions=1
add-flow br0 table=2,actions=1
add-flow br0 table=1,in_port=3,actions=1
add-flow br0 table=2,in_port=3,actions=1
add-flow br0 table=3,in_port=1,actions=1
del-flows br0 in_port=3
@end
"""),
    ("watch-own", ALL, """
@monitor monitor br0 watch:!own
[10] @send 01 0e 0050 00001234 003820ff 0000 000000000000 000000000000 0000 00 00 0000 00 00 0000 00000000 00000000 0000 0000 0000000000000007 0000 0000 0000 0001 ffffffff ffff 0000 0000 0008 0001 0000
[13] @send 04 0e 0050 00001234 0000000000000007 0000000000000000 00 00 0000 0000 0001 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0004 0018 00000000 0000 0010 00000001 0000 000000000000
[14] @send 05 0e 0050 00001234 0000000000000007 0000000000000000 00 00 0000 0000 0001 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0004 0018 00000000 0000 0010 00000001 0000 000000000000
[15] @send 06 0e 0050 00001234 0000000000000007 0000000000000000 00 00 0000 0000 0001 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000 0004 0018 00000000 0000 0010 00000001 0000 000000000000
add-flow br0 in_port=2,actions=1
add-flow br0 in_port=3,actions=1
[10] @send 01 0e 0048 00001235 003820ff 0000 000000000000 000000000000 0000 00 00 0000 00 00 0000 00000000 00000000 0000 0000 0000000000000000 0003 0000 0000 0000 ffffffff ffff 0000
[13] @send 04 0e 0038 00001235 0000000000000000 0000000000000000 ff 03 0000 0000 0000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000
[14] @send 05 0e 0038 00001235 0000000000000000 0000000000000000 ff 03 0000 0000 0000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000
[15] @send 06 0e 0038 00001235 0000000000000000 0000000000000000 ff 03 0000 0000 0000 ffffffff ffffffff ffffffff 0000 0000 0001 0004 00000000
@end
dump-flows br0
"""),
    ("watch-causes", ALL, """
[13 14 15] add-group br0 group_id=1,type=all,bucket=output:1
[13 14 15] add-group br0 group_id=2,type=all,bucket=output:2
[13 14 15] add-meter br0 meter=1,kbps,band=type=drop,rate=1000
@monitor monitor br0 watch:
[13 14 15] add-flow br0 table=1,in_port=1,actions=group:1
[13 14 15] add-flow br0 table=1,in_port=2,actions=group:2
[13 14 15] del-groups br0 group_id=1
[13 14 15] add-flow br0 table=1,in_port=3,actions=meter:1,output:1
[13 14 15] del-meters br0
[13 14 15] --bundle add-flows br0 - <<< table=2,in_port=1,actions=1 ;; table=2,in_port=2,actions=2 ;; delete table=2,in_port=1
[13 14 15] bundle br0 - <<< flow add table=3,actions=1 ;; group add group_id=2,type=all,bucket=output:1
[13 14 15] bundle br0 - <<< flow modify table=2,actions=drop ;; group delete group_id=2
[14 15] --bundle replace-flows br0 - <<< table=2,in_port=1,actions=3
add-flow br0 table=0,priority=1,actions=learn(table=5,hard_timeout=100,cookie=0x9,delete_learned,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[])
packet-out br0 in_port=1 packet=ffffffffffff02000000000108060001 actions=table
@sleep 0.5
packet-out br0 in_port=2 packet=ffffffffffff02000000000108060001 actions=table
@sleep 0.5
del-flows br0 table=0
add-flow br0 table=6,hard_timeout=1,actions=1
@sleep 2.5
[14 15] add-flow br0 table=6,idle_timeout=1,actions=2
[14 15] @sleep 3.5
@end
"""),
    ("watch-group", "14 15", """
add-group br0 group_id=1,type=all,bucket=output:1
add-group br0 group_id=2,type=all,bucket=output:2
add-flow br0 in_port=1,actions=group:1
add-flow br0 in_port=2,actions=group:2
@monitor monitor br0 watch:out_group=2
mod-flows br0 in_port=1,actions=group:2
add-flow br0 in_port=3,actions=group:2
add-flow br0 in_port=LOCAL,actions=group:1
@end
"""),
    # No errors of requests that are multipart: Open vSwitch's have memory in them that is not theirs.
    ("watch-requests", ALL, """
add-flow br0 table=1,cookie=1,in_port=1,actions=output:2
@monitor monitor br0 watch:
%s
@end
""" % "\n".join((
        request(2, 7, 0x1f), cancel(4, 7), cancel(5, 7, "10 13"), cancel(6, 99, "10 13"),
        request(10, 9, 0x1f, 1), request(11, 10, 0x1f, 2), cancel(12, 0), cancel(13, 9),
        "add-flow br0 table=1,in_port=2,actions=1", "add-flow br0 table=2,in_port=2,actions=1",
        cancel(14, 10), "add-flow br0 table=2,in_port=3,actions=1",
    ))),
    ("watch-requests14", "14", """
add-flow br0 table=1,cookie=1,in_port=1,actions=output:2
add-flow br0 table=2,cookie=1,in_port=1,actions=output:2
@monitor monitor br0 watch:table=1
@send %s
add-flow br0 table=1,in_port=2,actions=1
add-flow br0 table=2,in_port=2,actions=1
@end
""" % FORMS["14"].format(xid=1, id=0, flags=0x1f, table=2, command=1)),
)
