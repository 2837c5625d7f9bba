# SPDX-License-Identifier: Apache-2.0
"""What the programs of a run exercised: only flows that packets hit count."""
import collections
import re

import slu

LEAST = 20
EACH = 3  # packets of one flow that count, in a phase

# Refusals that random programs can meet: the other codes need faults or configuration.
REFUSALS = ("unsupported field", "unsupported mask", "unsupported action", "port not on the device",
            "no room now")

FIELDS = """in_port metadata pkt_mark eth_dst eth_src eth_type vlan_vid vlan_pcp nw_proto ip_dscp
ip_ecn nw_ttl ip_frag nw_src nw_dst ipv6_src ipv6_dst ipv6_label arp_op arp_spa arp_tpa arp_sha
arp_tha tcp_src tcp_dst tcp_flags udp_src udp_dst sctp_src sctp_dst icmp_type icmp_code icmpv6_type
icmpv6_code nd_target nd_sll nd_tll""".split()
FIELDS += ["reg%d" % i for i in range(16)] + ["xreg%d" % i for i in range(8)]
FIELDS += ["xxreg%d" % i for i in range(4)]

# What set_field writes, as ovs-ofctl prints it: all of the above but types and what a packet is
# classified by.
SETS = [f for f in FIELDS if f not in "in_port metadata eth_type nw_proto ip_frag tcp_flags".split()]
SETS = [{"ip_ecn": "nw_ecn", "nw_src": "ip_src", "nw_dst": "ip_dst"}.get(f, f) for f in SETS]

# As ovs-ofctl prints them.
ACTIONS = {
    "output": r"output:\d", "IN_PORT": r"IN_PORT", "ALL": r"\bALL", "FLOOD": r"FLOOD",
    "NORMAL": r"NORMAL", "LOCAL": r"LOCAL", "CONTROLLER": r"CONTROLLER", "drop": r"^drop",
    "push_vlan 802.1Q": r"push_vlan:0x8100", "push_vlan 802.1ad": r"push_vlan:0x88a8",
    "pop_vlan": r"pop_vlan", "dec_ttl": r"dec_ttl", "set_nw_ttl": r"->nw_ttl",
    "write_actions": r"write_actions", "clear_actions": r"clear_actions",
    "write_metadata": r"write_metadata", "goto_table": r"goto_table",
}


class Coverage:
    def __init__(self, refusals=REFUSALS):
        self.wanted_refusals = refusals
        self.fields = collections.Counter()
        self.kinds = collections.Counter()
        self.field_kinds = collections.Counter()
        self.actions = collections.Counter()
        self.sets = collections.Counter()
        self.refusals = collections.Counter()
        self.details = collections.Counter()
        self.lacking = collections.Counter()  # (device, action or field): megaflows refused for it
        self.seen_refusals = False
        self.begin()

    def begin(self):
        """A new program. Its flows count by the packets that hit them anew in a phase, few of each; its
        megaflows count once, however often they are shown."""
        self.counted, self.hits = set(), {}

    def new_hits(self, key, flow):
        """Packets that hit the flow since it was last asked for, as far as they count."""
        was = self.hits.get(key, 0)
        self.hits[key] = flow["n_packets"]
        return max(0, min(flow["n_packets"] - was, EACH))

    def flows(self, flows, meta):
        for flow in flows:
            n = self.new_hits(flow["cookie"], flow) if flow["cookie"] in meta else 0
            if not n:
                continue
            for name in meta[flow["cookie"]]:
                field, kind = name.split(":")
                self.fields[field] += n
                self.kinds[kind] += n
                self.field_kinds[name] += n
            for name, pattern in ACTIONS.items():
                if re.search(pattern, flow["actions"]):
                    self.actions[name] += n
            for name in re.findall(r"set_field:[^>]*->(\w+)", flow["actions"]):
                self.sets[name] += n

    def refusal(self, device, ufid, refusal):
        if (device, ufid, refusal["code"]) in self.counted:
            return
        self.counted.add((device, ufid, refusal["code"]))
        self.seen_refusals = True
        self.refusals[refusal["code"]] += 1
        self.lacking[device, refusal.get("action") or refusal.get("field")] += 1
        self.details[" ".join(str(refusal.get(k) or "") for k in (
            "code", "field", "action", "text")) + " on " + device] += 1

    def report(self, enforce, verbose):
        """Prints what occurred; returns what occurred too seldom."""
        problems = []
        parts = [("field", self.fields, FIELDS), ("mask kind", self.kinds, ("exact", "prefix", "any")),
                 ("action", self.actions, ACTIONS), ("target of set_field", self.sets, SETS)]
        if self.seen_refusals:
            parts.append(("refusal", self.refusals, self.wanted_refusals))
        for what, counter, wanted in parts:
            least = min(wanted, key=lambda name: counter[name])
            slu.log("occurrences: %d of %d %ss, least often %s (%d)" % (
                sum(1 for name in wanted if counter[name]), len(wanted), what, least,
                counter[least]))
            if verbose:
                slu.log("  " + ", ".join("%s %d" % c for c in counter.most_common()))
            if enforce:
                problems += ["%s %s occurred only %d times" % (what, name, counter[name])
                             for name in wanted if counter[name] < LEAST]
        if verbose:
            slu.log("refused: " + ", ".join("%s %d" % c for c in self.details.most_common()))
            slu.log("set_field: " + ", ".join("%s %d" % c for c in self.sets.most_common()))
            slu.log("field and kind: " + ", ".join("%s %d" % c for c in sorted(self.field_kinds.items())))
        return problems
