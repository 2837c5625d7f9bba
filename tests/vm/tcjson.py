# SPDX-License-Identifier: Apache-2.0
"""What `tc -s -j filter show` says of a flower filter, and `sluicectl offload flows --json` of a
flow, each taken apart into one form, so that they can be compared:

    match    {field: (value, mask)}, of numbers; "in_port" is the netdev's name
    program  a list of steps: ("output", netdev), ("push", tpid, vid, pcp), ("pop",), ("tag", vid,
             pcp), ("write", {header: (value, mask)}), ("dec_ttl",), ("goto", chain), ("drop",)

Neither side is translated by code of the switch. A key, field or action that is not known here
raises Unknown."""
import ipaddress
import re

TPIDS = {"802.1Q": 0x8100, "802.1ad": 0x88a8, "8021q": 0x8100}
ETH_TYPES = {"ip": 0x0800, "ipv4": 0x0800, "ipv6": 0x86dd, "arp": 0x0806, **TPIDS}
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "sctp": 132}
WORDS = {"ip": (0x0800, None), "icmp": (0x0800, 1), "tcp": (0x0800, 6), "udp": (0x0800, 17),
         "sctp": (0x0800, 132), "ipv6": (0x86dd, None), "icmp6": (0x86dd, 58),
         "tcp6": (0x86dd, 6), "udp6": (0x86dd, 17), "sctp6": (0x86dd, 132), "arp": (0x0806, None)}
# By header: the member's first bit and its width in bits.
MEMBERS = {"eth_dst": ("eth", 0, 48), "eth_src": ("eth", 48, 48),
           "ipv4_src": ("ipv4", 96, 32), "ipv4_dst": ("ipv4", 128, 32),
           "ipv6_src": ("ipv6", 64, 128), "ipv6_dst": ("ipv6", 192, 128),
           "tcp_src": ("tcp", 0, 16), "tcp_dst": ("tcp", 16, 16),
           "udp_src": ("udp", 0, 16), "udp_dst": ("udp", 16, 16)}
TOS = {0x0800: ("ipv4", 8), 0x86dd: ("ipv6", 4)}  # where its byte begins
TTL = {0x0800: ("ipv4", 64), 0x86dd: ("ipv6", 56)}
HEADER_BITS = 40 * 8  # of the longest header that is written to


class Unknown(Exception):
    """There is no telling whether the two agree."""


def ones(n):
    return (1 << n) - 1


def number(text):
    """Of an address of any kind, or of digits."""
    text = str(text)
    if re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", text):
        return int(text.replace(":", ""), 16)
    if ":" in text or "." in text:
        return int(ipaddress.ip_address(text))
    return int(text, 0)


def masked(text, width):
    """(value, mask) of "value", "value/mask" or "address/prefix"."""
    value, _, mask = str(text).partition("/")
    if not mask:
        return number(value), ones(width)
    if mask.isdigit() and ("." in value or value.count(":") != 5):
        return number(value), ones(width) ^ ones(width - int(mask))
    return number(value), number(mask)


def set_tag(match, i, tpid):
    """Tag `i` is there, with a TPID; tpid 0: there is none, nor one behind it."""
    match["tag%d" % i] = (tpid, 0xffff)


def is_tag(kind):
    return kind in (0x8100, 0x88a8)


# ---- tc ----

def ethertype(text):
    return ETH_TYPES[text] if text in ETH_TYPES else int(text, 16)


def tc_fragment(flags):
    known = {name: flags[name] for name in flags if name in ("frag", "firstfrag")}
    if len(known) != len(flags):
        raise Unknown("ip_flags %s" % flags)
    if known.get("frag") is False:
        return "no"
    if "firstfrag" in known:
        return "first" if known["firstfrag"] else "later"
    return "yes"


# Keys with a member of their own: the field, its bits, and the key of its mask if it has one.
TC_KEYS = {
    "dst_mac": ("eth_dst", 48), "src_mac": ("eth_src", 48), "vlan_id": ("vid0", 12),
    "vlan_prio": ("pcp0", 3), "cvlan_id": ("vid1", 12), "cvlan_prio": ("pcp1", 3),
    "ip_tos": ("tos", 8), "ip_ttl": ("ttl", 8), "src_port": ("tp_src", 16),
    "dst_port": ("tp_dst", 16), "icmp_type": ("icmp_type", 8), "icmp_code": ("icmp_code", 8),
    "arp_sip": ("arp_spa", 32), "arp_tip": ("arp_tpa", 32), "arp_sha": ("arp_sha", 48),
    "arp_tha": ("arp_tha", 48)}
TC_STRUCTURE = ("eth_type", "vlan_ethtype", "cvlan_ethtype", "num_of_vlans")


def tc_tags(protocol, keys, match):
    """How many tags there are, and the EtherType behind them. The priority's protocol is the
    outermost type; the last type is told again, as the key eth_type."""
    kinds = [ethertype(protocol)] if protocol != "all" else []
    if kinds and is_tag(kinds[0]):
        kinds += [ethertype(keys[key]) for key in ("vlan_ethtype", "cvlan_ethtype") if key in keys]
    elif not kinds and keys.get("num_of_vlans") == 0 and "eth_type" in keys:
        kinds = [ethertype(keys["eth_type"])]
    if "num_of_vlans" in keys:
        set_tag(match, keys["num_of_vlans"], 0)
    for i, kind in enumerate(kinds):
        if is_tag(kind):
            set_tag(match, i, kind)
            continue
        if i < 2:
            set_tag(match, i, 0)
        match["eth_type"] = (kind, 0xffff)
    told = ethertype(keys["eth_type"]) if "eth_type" in keys else None
    if told != match.get("eth_type", (None,))[0]:
        raise Unknown("eth_type %s under protocol %s" % (keys.get("eth_type"), protocol))


def tc_match(dev, filter_):
    """The match of a filter at the ingress of `dev`."""
    keys = filter_["options"]["keys"]
    match = {"in_port": (dev, None)}
    tc_tags(filter_["protocol"], keys, match)
    v6 = match.get("eth_type", (0,))[0] == 0x86dd
    for key, value in keys.items():
        if key in TC_KEYS:
            field, width = TC_KEYS[key]
            mask = keys.get(key + "_mask")
            match[field] = (number(value), int(mask, 16)) if mask else masked(value, width)
        elif key in ("src_ip", "dst_ip"):
            match["ip_" + key[:3]] = masked(value, 128 if v6 else 32)
        elif key == "ip_proto":
            match["ip_proto"] = (PROTOCOLS[value] if value in PROTOCOLS else int(value, 16), 0xff)
        elif key == "ip_flags":
            match["frag"] = (tc_fragment(value), None)
        elif key == "arp_op":
            match["arp_op"] = ({"request": 1, "reply": 2}[value], 0xffff)
        elif key not in TC_STRUCTURE and key.replace("_mask", "") not in keys:
            raise Unknown("the key %s" % key)
    return match


def add_write(steps, header, value, mask):
    """Writes that follow each other are one step."""
    if not steps or steps[-1][0] != "write":
        steps.append(("write", {}))
    done = steps[-1][1].get(header, (0, 0))
    steps[-1][1][header] = (done[0] & ~mask | value & mask, done[1] | mask)


def tc_pedit(keys, steps):
    for key in keys:
        shift = HEADER_BITS - 32 - key["offset"] * 8
        value, write = int(key["val"], 16), ~int(key["mask"], 16) & ones(32)
        at = [bit for header, bit in TTL.values() if header == key["htype"]]
        if key["cmd"] == "set":
            add_write(steps, key["htype"], value << shift, write << shift)
        elif at and write << shift == 0xff << HEADER_BITS - 8 - at[0] and value == write:
            steps.append(("dec_ttl",))  # 255 is added
        else:
            raise Unknown("pedit %s" % key)


def tc_program(actions):
    steps = []
    for a in actions:
        verdict = a["control_action"]["type"]
        if a["kind"] == "mirred" and a["direction"] == "egress":
            steps.append(("output", a["to_dev"]))
            if (a["mirred_action"], verdict) not in (("mirror", "pipe"), ("redirect", "stolen")):
                raise Unknown("mirred %s" % a)
        elif a["kind"] == "vlan" and a["vlan_action"] == "pop":
            steps.append(("pop",))
        elif a["kind"] == "vlan":
            tag = (a["id"], a.get("priority", 0))
            steps.append(("push", TPIDS[a["protocol"]]) + tag if a["vlan_action"] == "push"
                         else ("tag",) + tag)
        elif a["kind"] == "pedit":
            tc_pedit(a["keys"], steps)
        elif a["kind"] == "gact" and verdict in ("drop", "goto"):
            steps.append(("drop",) if verdict == "drop" else
                         ("goto", a["control_action"]["chain"]))
        elif a["kind"] != "csum":  # checksums are not a step of a program
            raise Unknown("the action %s" % a)
    return steps


# ---- sluicectl ----

FIELDS = {
    "dl_dst": ("eth_dst", 48), "dl_src": ("eth_src", 48), "dl_type": ("eth_type", 16),
    "nw_src": ("ip_src", 32), "nw_dst": ("ip_dst", 32), "ipv6_src": ("ip_src", 128),
    "ipv6_dst": ("ip_dst", 128), "nw_proto": ("ip_proto", 8), "nw_ttl": ("ttl", 8),
    "tp_src": ("tp_src", 16), "tp_dst": ("tp_dst", 16), "icmp_type": ("icmp_type", 8),
    "icmp_code": ("icmp_code", 8), "arp_spa": ("arp_spa", 32), "arp_tpa": ("arp_tpa", 32),
    "arp_sha": ("arp_sha", 48), "arp_tha": ("arp_tha", 48), "arp_op": ("arp_op", 16),
    "dl_vlan": ("vid0", 12), "dl_vlan_pcp": ("pcp0", 3)}
PRESENT = 0x1000


def take_tci(match, i, text):
    value, mask = masked(text, 16)
    if mask & PRESENT and not value & PRESENT:
        set_tag(match, i, 0)
    for name, shift, width in (("vid", 0, 12), ("pcp", 13, 3)):
        if value & PRESENT and mask >> shift & ones(width):
            match["%s%d" % (name, i)] = (value >> shift & ones(width), mask >> shift & ones(width))


def take_field(match, name, text):
    if name in FIELDS:
        field, width = FIELDS[name]
        match[field] = masked(text, width)
    elif name in ("vlan_tci", "vlan_tci1"):
        take_tci(match, int(name.endswith("1")), text)
    elif name in ("vlan_tpid", "vlan_tpid1"):
        set_tag(match, int(name.endswith("1")), number(text))
    elif name in ("nw_tos", "nw_ecn"):  # parts of one byte
        bits = 0xfc if name == "nw_tos" else 0x03
        value, mask = match.get("tos", (0, 0))
        match["tos"] = (value | number(text), mask | bits)
    elif name == "nw_frag":
        match["frag"] = (text, None)
    else:
        raise Unknown("the field %s=%s" % (name, text))


def flow_match(text):
    match = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        port = re.fullmatch(r"in_port\((\w+)\)", part)
        if port:
            match["in_port"] = (port.group(1), None)
        elif part in WORDS:
            kind, proto = WORDS[part]
            match["eth_type"] = (kind, 0xffff)
            if proto is not None:
                match["ip_proto"] = (proto, 0xff)
        else:
            take_field(match, name, value)
    if match.get("tag0") == match.get("tag1") == (0, 0xffff):
        del match["tag1"]  # goes without saying
    if match.get("eth_type", (0,))[0] not in (0, 0x0800, 0x86dd) and match.get("frag") == ("no", None):
        del match["frag"]  # what is not IP is no fragment
    return match


def flow_set(text, match, tag, steps):
    """set(FIELD=VALUE); `tag`: vid and pcp of the outermost tag, as far as they are known."""
    name, _, value = text.partition("=")
    kind = match.get("eth_type", (0,))[0]
    if name in ("vlan_vid", "vlan_pcp"):
        tag[name[-3:]] = masked(value, 12 if name == "vlan_vid" else 3)[0]
        steps.append(("tag", tag.get("vid"), tag.get("pcp")))
        return
    if name in MEMBERS:
        header, at, width = MEMBERS[name]
    elif name in ("ip_dscp", "ip_ecn"):
        header, at = TOS[kind]
        at, width = (at, 6) if name == "ip_dscp" else (at + 6, 2)
    elif name == "nw_ttl":
        (header, at), width = TTL[kind], 8
    else:
        raise Unknown("set %s" % text)
    value, mask = masked(value, width)
    shift = HEADER_BITS - at - width
    add_write(steps, header, value << shift, mask << shift)


def flow_program(text, match):
    steps = []
    tag = {name: match[name + "0"][0] for name in ("vid", "pcp") if name + "0" in match}
    for name, argument in re.findall(r"(\w+)(?:\(([^()]*)\))?", text):
        if name == "output":
            steps.append(("output", argument))
        elif name in ("drop", "dec_ttl"):
            steps.append((name,))
        elif name == "pop_vlan":
            tag = {}
            steps.append(("pop",))
        elif name == "push_vlan":
            parts = dict(part.split("=") for part in argument.split(","))
            tag = {"vid": int(parts["vid"]), "pcp": int(parts["pcp"])}
            steps.append(("push", int(parts.get("tpid", "0x8100"), 16), tag["vid"], tag["pcp"]))
        elif name == "set":
            flow_set(argument, match, tag, steps)
        elif name == "recirc":
            steps.append(("goto", int(argument, 0)))
        else:
            raise Unknown("the step %s" % name)
    return steps
