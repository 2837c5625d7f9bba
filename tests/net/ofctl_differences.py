# SPDX-License-Identifier: Apache-2.0
"""Where what ovs-ofctl prints differs between Open vSwitch and Sluice, each with the reason why Sluice's
answer is right, or as good. test_ofctl.py fails for what is not listed, and for what is listed but
does not occur."""
import collections
import re


class Difference(collections.namedtuple("Difference", "where command ovs sluice reason")):
    """Lines that match `ovs` are said by Open vSwitch alone, lines that match `sluice` by Sluice
    alone. None: no line. `where`: section/version."""

    def covers(self, where, command):
        return re.search(self.where, where) and re.search(self.command, command)

    def explains(self, which, line):
        pattern = getattr(self, which)
        return pattern is not None and re.search(pattern, line)


def refused(code):
    """What is printed when a request is refused with the code: the error, and the request."""
    return (r"^OFPT_ERROR .*: %s$|^Error %s for: |^(OFPT|OFPST|NXT|NXST|ONFT|ONFST)_(?!ERROR)|"
            r"^ (ADD|MOD|DEL|ADD_OR_MOD|INSERT_BUCKET|REMOVE_BUCKET) |^type=(drop|dscp_remark) |\*\*\*|^[0-9a-f]{8}  |^exit 1$|"
            r"^ovs-ofctl: talking to|^ id=0 flags=|^ +(class|-----|0x)|_actions\|WARN\|" % (code, code))


ERROR = "^(OFPT_ERROR |Error ).*: %s$"
FLOWS = r"^dump-flows"

LIST = [Difference(*d) for d in (
    # ---- what the switch says of itself
    ("", "^show", "^capabilities: .*QUEUE_STATS", "^capabilities: (?!.*QUEUE_STATS)",
     "no port has queues whose statistics could be asked for"),
    ("", "^dump-ports ", "(frame|coll)=0", r"(frame|coll)=\?",
     "what the drivers do not count is unknown, not 0"),
    ("", "^dump-ports br0 99", "^OFPST_PORT reply.*: 0 ports", refused("OFPBRC_BAD_PORT"),
     "a port that does not exist is an error (OpenFlow 1.3, 7.4.4.2)"),
    ("", "^set-frags br0 reassemble", "probably doesn't support mode", refused(
        "(OFPBRC_EPERM|OFPSCFC_BAD_FLAGS)"),
     "what is not supported is refused, not ignored"),
    ("", "^dump-table-features", "Set-Field:|arbitrary mask:|exact match or wildcard:",
     "Set-Field:|arbitrary mask:|exact match or wildcard:",
     "both name the fields that they know: Sluice writes more (eth_type, nw_proto, icmp), and has "
     "neither ERSPAN, GTP-U and NSH, nor 64 tunnel options before some are mapped"),
    ("/1[45]", "^dump-table-desc|^@end", r"eviction=(on|off) eviction_flags=OTHER",
     r"eviction=off eviction_flags=\(default\)",
     "tables do not evict, so there are no kinds of eviction"),
    ("/1[45]", "^mod-table br0 (0|1|all|255) evict", None, refused("OFPTMFC_BAD_CONFIG"),
     "tables do not evict; a switch need not"),
    ("/1[45]", "^mod-table br0 0 vacancy:20", None, refused("OFPBPC_BAD_TYPE"),
     "tables do not tell how full they are; a switch need not"),
    ("/1[45]", "^mod-table br0 254", ERROR % "OFPTMFC_EPERM", ERROR % "OFPTMFC_BAD_TABLE",
     "there is no hidden table 254 here"),
    # ---- queues
    ("", "^add-flow .*(set_queue|enqueue)", None, refused("OFPBAC_BAD_QUEUE"),
     "a queue that does not exist is an error"),
    ("(queues|actions)", FLOWS, "set_queue:|enqueue:", None, "the flows before were refused"),
    # ---- flows
    ("flows", "cookie=0x0/-1$", "^ table=254, ", None,
     "flows that nobody made are not shown; Open vSwitch hides them without this filter, too"),
    ("modify|bundle-flows", "check_overlap,priority=8,ip,", None, refused("OFPFMFC_OVERLAP"),
     "the same match overlaps as well (OpenFlow 1.3, 6.4)"),
    ("", "table=254,actions=drop", ERROR % "OFPBRC_EPERM",
     ERROR % "(NXFMFC_BAD_TABLE_ID|OFPFMFC_BAD_TABLE_ID)", "there is no hidden table 254 here"),
    ("", r"goto_table:(254|255)$|resubmit\(,254\)|learn\(table=254", None,
     refused("(OFPBAC_BAD_ARGUMENT|OFPBIC_BAD_TABLE_ID)"), "there is no such table"),
    ("", "meter:77", ERROR % "OFPMMFC_INVALID_METER",
     ERROR % "(OFPMMFC_UNKNOWN_METER|OFPBAC_BAD_METER)",
     "the number is valid, but there is no such meter (OpenFlow 1.3, 7.4.4.13)"),
    ("", "NXM_OF_ETH_TYPE", refused("OFPBAC_BAD_SET_ARGUMENT") + r"|meta_flow\|WARN", None,
     "Sluice can write the Ethernet type, as OpenFlow 1.3 (7.2.3.7) allows"),
    ("flow-errors/10", "actions=(pop_mpls:0x800|dec_mpls_ttl)", None,
     refused("OFPBAC_MATCH_INCONSISTENT"),
     "the action is not 1.0's but an extension, which says that the match has to be MPLS"),
    ("flow-errors/13", "encap|decap", None, refused("OFPBAC_BAD_VENDOR_TYPE"),
     "there is no NSH and no packet type but Ethernet"),
    ("fields", "erspan|gtpu", None, refused("OFPBMC_BAD_FIELD"),
     "there are no ERSPAN and GTP-U tunnels"),
    ("fields", "dp_hash=|recirc_id=", refused("OFPBRC_EPERM"), None,
     "table features list both as fields that can be matched, of both switches"),
    ("fields", FLOWS, "erspan|gtpu|vlan_tci=0x0000 ", "dp_hash|recirc_id|vlan_tci=0x0000/0x1fff",
     "what was refused above; and 1.0 says only that there is no tag, which has no priority"),
    ("actions", "actions=TABLE", None, refused("OFPBAC_BAD_OUT_PORT"),
     "only a packet-out may send to TABLE (OpenFlow 1.3, 4.5)"),
    ("actions", FLOWS, "actions=TABLE", None, "it was refused"),
    # ---- packet-out
    ("packet-out", '"in_port=99', None, refused("OFPBRC_BAD_PORT") + "|^arp,|^udp,",
     "a port that does not exist is an error"),
    ("packet-out/10", "mod_nw_src", None, refused("OFPBAC_MATCH_INCONSISTENT") + "|^arp,",
     "the packet is no IPv4, and is known"),
    # ---- groups
    ("groups", "^dump-group-stats", "group_id=1,.*ref_count=1,", "group_id=1,.*ref_count=2,",
     "a bucket that sends to the group is counted (OpenFlow 1.3, 7.3.5.9)"),
    ("groups/", "^dump-group-features", "0x7$|max_groups=0xffffff00|set_queue$",
     "0xf$|max_groups=0xf4240|pop_mpls$",
     "chains are checked, the number of groups is bounded, and there are no queues"),
    ("groups/", "group:54|group:1234", None, refused("OFPBAC_BAD_OUT_GROUP"),
     "a group that does not exist is an error"),
    ("groups/", "watch_group:98", None, refused("OFPGMFC_BAD_WATCH"),
     "a group that does not exist is an error"),
    ("groups/", "^mod-group br0 group_id=70,type=all,bucket=group", None, refused("OFPGMFC_LOOP"),
     "a loop is an error (OpenFlow 1.3, 6.7)"),
    ("groups/", "^del-groups br0 group_id=70", None, refused("OFPGMFC_CHAINED_GROUP"),
     "another group sends to it (OpenFlow 1.3, 7.4.4.7)"),
    # ---- meters
    ("meters", "^meter-features", "max_meter:262144 max_bands:8|band_types: drop$",
     "max_meter:65535 max_bands:16|band_types: drop dscp_remark", "both say what they have"),
    ("meters", "(add|del)-meter br0 meter=slowpath", None, refused("OFPMMFC_INVALID_METER"),
     "there is no slow path beside the software path, and this meter is optional (OpenFlow 1.3, "
     "7.3.4.4)"),
    ("meters", "^dump-meters", "meter=slowpath|^type=drop rate=1$", None, "it was refused"),
    ("meters", "dscp_remark", refused("OFPMMFC_BAD_BAND"), None, "Sluice has this band"),
    ("meters", "meter=15", refused("OFPMMFC_OUT_OF_BANDS"), None, "Sluice has room for 16 bands"),
    # ---- tunnel options
    ("tlv-map", "^dump-tlv-map", "max option space=256", "max option space=128",
     "a packet's options have 128 bytes, in every key that is hashed"),
    ("tlv-map", "class=0x106", None, refused("NXTTMFC_(TABLE_FULL|BAD_FIELD_IDX)"),
     "a packet's options have 128 bytes: it is full"),
    ("tlv-map", "len=0}", None, refused("NXTTMFC_(BAD_OPT_LEN|BAD_FIELD_IDX)"),
     "an option without a value cannot be told from none by its value"),
    ("tlv-map", "^del-tlv-map br0 {class=0x999", None, refused("NXTTMFC_BAD_FIELD_IDX"),
     "an option that is not mapped cannot be unmapped"),
    # ---- what monitors hear
    ("monitor", "^@end", r"^(send: )?NXT_\w+ .*: total_len=42 in_port=3",
     r"^(send: )?NXT_\w+ .*: cookie=0x0 total_len=42 in_port=3",
     "a paused packet says by which flow"),
    ("monitor/1[45]", "^@end", r"cookie=0x77 .*via packet_out", r"cookie=0x77 .*via action",
     "a flow sent it, not the packet-out's own actions (OpenFlow 1.4, 7.4.1)"),
    # ---- raw messages
    ("raw", "^@end", r"\(OF1.2\).*BAD_VERSION", "BAD_VERSION",
     "the error has the version that was agreed on, not the one that is wrong"),
    ("raw", "^@end", "^OFPST_PORT reply.*: 0 ports",
     r"OFPBRC_BAD_PORT|^OFPST_PORT request .*port_no=99",
     "a port that does not exist is an error (OpenFlow 1.3, 7.4.4.2)"),
    ("raw/14", "^@end", ERROR % "OFPBRC_BAD_SUBTYPE", ERROR % "OFPBRC_BAD_VENDOR",
     "the ONF's extension is one to 1.3: 1.4 has bundles of its own"),
    ("raw/14", "^@end", "^ bundle_id=B type=OPEN_REQUEST flags=0",
     (ERROR % "OFPBFC_BAD_TYPE") + "|^ bundle_id=B type= flags=0",
     "an unknown bundle request is an error (OpenFlow 1.4, 7.3.9.1), and no reply"),
    ("raw/13", "^@end", ERROR % "OFPBMC_BAD_LEN", ERROR % "OFPBMC_BAD_TYPE",
     "1.0's type of match is the first thing that is wrong"),
    ("raw/13", "^@end", ERROR % "OFPBIC_DUP_INST", ERROR % "OFPBIC_UNKNOWN_INST",
     "1.3 has no number for an instruction that is there twice"),
    ("raw/13", "^@end", ERROR % "OFPBAC_BAD_SET_LEN", ERROR % "OFPBAC_BAD_SET_TYPE",
     "in_phy_port is no field that can be set, whatever its length"),
    ("raw/13", "^@end", None, "OFPBIC_BAD_TABLE_ID|actions=goto_table:255",
     "there is no table 255"),
    ("raw/13", "^@end", None, "OFPBAC_BAD_OUT_PORT|actions=output:0", "there is no port 0"),
    ("raw/13", "^dump-flows", "actions=output:0", None, "it was refused"),
    ("raw/13", "^@end", None, "OFPTMFC_BAD_CONFIG|^OFPT_TABLE_MOD .*table_id=0$",
     "bits that 1.3 does not have are refused"),
    ("raw/13", "^@end", ERROR % "OFPTMFC_EPERM", ERROR % "OFPTMFC_BAD_TABLE",
     "there is no hidden table 254 here"),
    # ---- what 1.5 alone has
    ("describe/15", "^dump-ports-desc br0 99", "^OFPST_PORT_DESC reply", refused("OFPBRC_BAD_PORT"),
     "a port that does not exist is an error"),
    ("groups/15", "bucket=meter:1", None, refused("OFPBAC_BAD_METER"),
     "a meter that does not exist is an error (OpenFlow 1.5, 7.5.4.3)"),
    ("groups/15", "^dump-groups", "group_id=57,", None, "it was refused"),
    ("groups15", "insert-buckets .*group_id=5,", refused("OFPGMFC_WATCH_UNSUPPORTED"),
     refused("OFPGMFC_INVALID_GROUP"),
     "what a bucket may have depends on the group, not on the type in the message that inserts it"),
    ("groups15", "dump-groups", "group_id=5,|weight:0", "group_id=[157],",
     "so it is for the fast failover group; and in a select group the weight of a bucket that says "
     "none is 1 (OpenFlow 1.5, 7.3.4.3.1)"),
    ("packet-out15", r"packet_type=\(1,", None, refused("OFPBRC_BAD_PACKET") + "|^packet_type=",
     "packets come with their Ethernet header"),
    ("raw15", "^@end", "OFPBRC_BAD_STAT$|^[0-9a-f]{8}  ",
     "OFPBRC_MULTIPART_BAD_SCHED$|^[0-9a-f]{8}  ",
     "flow statistics and the features of bundles are there (OpenFlow 1.5, 7.3.5)"),
    ("raw15", "^@end", ERROR % "OFPBIC_UNKNOWN_INST", ERROR % "OFPBIC_UNSUP_INST",
     "the trigger of statistics is known, but optional (OpenFlow 1.5, 5.5)"),
    ("raw15", "^@end", "type=OPEN_REPLY", "OFPBFC_SCHED_NOT_SUPPORTED$|type=OPEN_REQUEST",
     "no bundle is scheduled"),
)]
