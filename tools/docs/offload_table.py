#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""README's table of what offloads where, from what devices say of themselves.

    tools/docs/offload_table.py FILE...              prints it
    tools/docs/offload_table.py --into README.md FILE...  puts it there

A FILE is what "sluice-simnic --list-profiles --json" prints, or "sluicectl offload capabilities
--json" while the device is open."""
import argparse
import json
import sys

BEGIN, END = "<!-- offload table: tools/docs/offload_table.py -->\n", "<!-- end of it -->\n"
COLUMNS = ("sim:nic", "sim:asic-small", "tc", "ebpf")

# What users match on, by its names in hal/fields.def.
FIELDS = (
    ("input port", "dp_port"),
    ("Ethernet addresses", "eth_src eth_dst"),
    ("Ethernet type", "eth_type"),
    ("VLAN id", "vlan_vid"),
    ("VLAN priority", "vlan_pcp"),
    ("second VLAN tag", "vlan_tci1"),
    ("MPLS label stack", "mpls_label mpls_tc mpls_bos mpls_ttl"),
    ("IPv4 addresses", "ipv4_src ipv4_dst"),
    ("IPv6 addresses", "ipv6_src ipv6_dst"),
    ("IPv6 flow label", "ipv6_flabel"),
    ("IPv6 extension headers", "ipv6_exthdr"),
    ("IP protocol", "ip_proto"),
    ("DSCP, ECN", "ip_dscp ip_ecn"),
    ("TTL, hop limit", "nw_ttl"),
    ("fragment or not", "ip_frag"),
    ("TCP and UDP ports", "tcp_src tcp_dst udp_src udp_dst"),
    ("TCP flags", "tcp_flags"),
    ("SCTP ports", "sctp_src sctp_dst"),
    ("ICMP and ICMPv6 type and code", "icmp_type icmp_code icmpv6_type icmpv6_code"),
    ("ARP operation", "arp_op"),
    ("ARP addresses", "arp_spa arp_tpa arp_sha arp_tha"),
    ("neighbour discovery", "nd_target nd_sll nd_tll"),
    ("backbone service (PBB)", "pbb_isid pbb_uca"),
    ("packet mark", "pkt_mark"),
    ("connection state and mark", "ct_state ct_mark"),
    ("connection label", "ct_label"),
    ("connection zone", "ct_zone"),
    ("connection's original addresses", "ct_nw_src ct_nw_dst ct_ipv6_src ct_ipv6_dst"),
    ("connection's original ports", "ct_tp_src ct_tp_dst"),
    ("tunnel id, addresses, flags",
     "tun_id tun_src tun_dst tun_ipv6_src tun_ipv6_dst tun_flags tun_gbp_id tun_gbp_flags"),
    ("tunnel options", "tun_metadata"),
)
# Other names for bits of the above, and what only the datapath sees.
HIDDEN = set("recirc_id packet_type vlan_tci vlan_tpid vlan_tpid1 nw_tos dp_hash mpls_lse1 mpls_lse2 "
             "ct_nw_proto tun_tos tun_ttl tun_opts_present".split())

ACTIONS = (
    ("output, to several ports too", "output"),
    ("to the controller", "controller"),
    ("push and pop VLAN", "push_vlan pop_vlan"),
    ("push and pop MPLS", "push_mpls pop_mpls"),
    ("decrement TTL", "dec_ttl"),
    ("recirculation, in chains", "recirc"),
    ("connection tracking", "ct"),
    ("select by hash", "hash"),
    ("all buckets of a group", "group"),
    ("meter", "meter"),
    ("mirror", "mirror"),
    ("VXLAN and Geneve, in and out", "tunnel_push tunnel_pop"),
    ("clone, sample", "clone sample"),
    ("check packet length, truncate", "check_pkt_len trunc"),
)
HIDDEN_ACTIONS = {"set", "ct_clear"}
OBJECTS = ("group", "meter", "mirror", "tunnel", "connection")


def same(values, what):
    """The one value that all of a row's fields have."""
    if len(set(values)) != 1:
        sys.exit("offload_table: %s differ: give them rows of their own" % what)
    return values[0]


def check_complete(profile):
    """Nothing that a profile can do is missing from the table."""
    shown = {name for _, names in FIELDS for name in names.split()}
    actions = {name for _, names in ACTIONS for name in names.split()}
    missing = (set(profile["match"]) | set(profile["set"])) - shown - HIDDEN
    missing |= set(profile["actions"]) - actions - HIDDEN_ACTIONS
    if missing:
        sys.exit("offload_table: no row for " + ", ".join(sorted(missing)))


def match_cell(profile, names, title):
    kind = same([profile["match"].get(n, "-") for n in names], title)
    return {"any": "any mask", "prefix": "prefixes"}.get(kind, kind)


def set_cell(profile, names, title):
    return "yes" if same([n in profile["set"] for n in names], "what can be set of " + title) else "-"


def line(cells):
    return "| " + " | ".join(cells) + " |\n"


def limits(profile):
    outputs = "%d" % profile["max_outputs"] if profile["max_outputs"] else "any number"
    return (("rules", format(profile["max_rules"], ",")), ("VLAN tags", str(profile["max_vlan_tags"])),
            ("outputs of a flow", outputs), ("bits of a counter", str(profile["counter_bits"])),
            *(("%ss" % what, format(profile["objects"][what], ",") if what in profile["objects"] else "-")
              for what in OBJECTS))


def title_of(device):
    """A column's: profiles of the model have no driver before their name, and TC's policies are
    alike."""
    name = device["name"]
    return "sim:" + name if "summary" in device else "tc" if name.startswith("tc:") else name


def table(devices):
    for device in devices:
        check_complete(device)
    by_title = {title_of(d): d for d in devices}
    chosen = [by_title[title] for title in COLUMNS]
    heads = [h for title in COLUMNS for h in ("`%s`" % title, "set it")]
    out = line(["match"] + heads) + line(["---"] * (1 + len(heads)))
    for title, names in FIELDS:
        cells = [cell(d, names.split(), title) for d in chosen for cell in (match_cell, set_cell)]
        out += line([title] + cells)
    out += "\n" + line(["action, limit"] + ["`%s`" % t for t in COLUMNS])
    out += line(["---"] * (1 + len(COLUMNS)))
    for title, names in ACTIONS:
        have = [same([n in d["actions"] for n in names.split()], title) for d in chosen]
        out += line([title] + ["yes" if h else "-" for h in have])
    for rows in zip(*(limits(d) for d in chosen)):
        out += line([rows[0][0]] + [value for _, value in rows])
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--into", metavar="README.md")
    p.add_argument("file", nargs="+")
    args = p.parse_args()
    devices = []
    for name in args.file:
        with open(name) as f:
            devices += json.load(f)
    text = table(devices)
    if not args.into:
        sys.stdout.write(text)
        return
    with open(args.into) as f:
        before, rest = f.read().split(BEGIN)
    after = rest.split(END)[1]
    with open(args.into, "w") as f:
        f.write(before + BEGIN + "\n" + text + "\n" + END + after)


if __name__ == "__main__":
    main()
