#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What `tc -s filter show` says of the kernel's filters, and `sluicectl offload flows` of the flows
that they are for, is the same: rule by rule, and counter by counter."""
import collections
import copy
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "diff")]
import guest  # noqa: E402
import slu  # noqa: E402
import tcjson  # noqa: E402
from frames import eth, icmp, ip_frame, tcp, udp  # noqa: E402
from nettest import expect, expect_equal, main  # noqa: E402

MARKER_PREF = 0xffe0
FLOWS = """
priority=100,in_port=1,ip,nw_dst=10.1.0.0/16 actions=output:2
priority=100,in_port=1,ip,nw_dst=10.2.0.0/16 actions=output:2,output:3
priority=100,in_port=1,ip,nw_dst=10.3.0.0/16 actions=drop
priority=100,in_port=1,ip,nw_dst=10.4.0.0/16 actions=push_vlan:0x8100,set_field:0x102c->vlan_vid,output:2
priority=100,in_port=1,ip,nw_dst=10.5.0.0/16 actions=set_field:192.168.0.9->ip_dst,set_field:02:00:00:00:00:09->eth_dst,output:3
priority=100,in_port=1,ip,nw_dst=10.6.0.0/16 actions=dec_ttl,output:4
priority=100,in_port=1,ip,nw_dst=10.7.0.0/16 actions=output:2,mod_nw_tos:32,output:4
priority=110,in_port=1,udp,nw_dst=10.1.2.3,tp_dst=53 actions=output:3
priority=110,in_port=1,tcp,nw_dst=10.1.2.3,tp_dst=80 actions=output:4
priority=110,in_port=1,icmp,nw_dst=10.1.2.3,icmp_type=8 actions=output:4
priority=100,in_port=2,dl_vlan=10 actions=pop_vlan,output:1
priority=100,in_port=2,dl_vlan=11,dl_vlan_pcp=3 actions=output:1,output:3
priority=100,in_port=2,dl_vlan=12 actions=set_field:0x100d->vlan_vid,output:4
priority=110,in_port=2,dl_vlan=12,ip,nw_src=10.0.0.0/8 actions=pop_vlan,output:3
priority=100,in_port=2,dl_dst=02:00:00:00:00:01 actions=output:1
priority=100,in_port=2,dl_dst=02:00:00:00:00:02/ff:ff:ff:ff:ff:0f actions=output:4
priority=100,in_port=3,ipv6,ipv6_dst=fd00::/64 actions=output:1
priority=110,in_port=3,udp6,ipv6_dst=fd00::5,tp_src=1000 actions=output:2
priority=110,in_port=3,tcp6,ipv6_dst=fd00::5 actions=set_field:fd00::99->ipv6_dst,output:2
priority=110,in_port=3,icmp6,icmp_type=128 actions=output:1,output:2
priority=100,in_port=3,arp,arp_op=1,arp_tpa=10.0.0.0/24 actions=output:1,output:2,output:4
priority=100,in_port=3,dl_type=0x88b5 actions=push_vlan:0x8100,set_field:0x1007->vlan_vid,output:4
priority=100,in_port=3,ip,nw_tos=32,nw_ttl=9 actions=output:1
priority=90,in_port=4 actions=output:1
"""


def frames():
    """(port, frame): of at least one kind for each flow."""
    a, b = "02:00:00:00:00:01", "02:00:00:00:00:12"

    def v4(dst, segment, proto, **kw):
        return ip_frame("10.0.0.1", dst, proto, segment("10.0.0.1", dst), b, a, **kw)

    def v6(dst, segment, proto, **kw):
        return ip_frame("fd00::1", dst, proto, segment("fd00::1", dst), b, a, **kw)

    def to(sport, dport):
        return lambda src, dst: udp(src, dst, sport, dport, bytes(30))

    def syn(dport):
        return lambda src, dst: tcp(src, dst, 5000, dport, 2, b"")

    def echo(kind):
        return lambda src, dst: icmp(src, dst, kind, 0, 7, bytes(20))

    for net in range(1, 9):
        yield 1, v4("10.%d.0.9" % net, to(1, 2), 17)
        yield 1, v4("10.%d.0.9" % net, syn(99), 6)
    yield 1, v4("10.1.2.3", to(1, 53), 17)
    yield 1, v4("10.1.2.3", to(1, 54), 17)
    yield 1, v4("10.1.2.3", syn(80), 6)
    yield 1, v4("10.1.2.3", echo(8), 1)
    yield 1, v4("10.1.0.9", to(1, 2), 17, tags=((0x8100, 5),))
    for vid in range(10, 14):
        for pcp in (0, 3):
            yield 2, v4("10.8.0.1", to(1, 2), 17, tags=((0x8100, pcp << 13 | vid),))
            yield 2, v6("fd00::7", to(1, 2), 17, tags=((0x8100, pcp << 13 | vid),))
    yield 2, eth(a, b, 0x88b5, bytes(50))
    yield 2, eth(b, a, 0x88b5, bytes(60))
    yield 2, v4("10.8.0.1", to(1, 2), 17)
    yield 3, v6("fd00::9", to(1, 2), 17)
    yield 3, v6("fd00::5", to(1000, 2), 17)
    yield 3, v6("fd00::5", to(1001, 2), 17)
    yield 3, v6("fd00::5", syn(80), 6)
    yield 3, v6("fd00::5", echo(128), 58)
    yield 3, v6("fd01::5", echo(129), 58)
    arp = bytes.fromhex("0001080006040001020000000001") + bytes([10, 0, 0, 1]) + bytes(6)
    yield 3, eth("ff:ff:ff:ff:ff:ff", a, 0x0806, arp + bytes([10, 0, 0, 2]) + bytes(18))
    yield 3, eth("ff:ff:ff:ff:ff:ff", a, 0x0806, arp + bytes([10, 0, 1, 2]) + bytes(18))
    yield 3, eth(b, a, 0x88b5, bytes(100))
    yield 3, v4("10.8.0.1", to(1, 2), 17, tos=32, ttl=9)
    yield 3, v4("10.8.0.1", to(1, 2), 17, tos=33, ttl=9)
    yield 3, v4("10.8.0.1", to(1, 2), 17, tos=32, ttl=10)
    yield 4, v4("10.8.0.1", to(1, 2), 17)
    yield 4, v6("fd00::7", to(1, 2), 17, tags=((0x88a8, 100),))


def collect(policy):
    """What the guest's programs say: by netdev what tc lists there, and sluicectl's flows."""
    folder = os.path.join(guest.HOME, "agree")
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/flows", "w") as f:
        f.write(FLOWS)
    with open(folder + "/frames", "w") as f:
        for i, (port, frame) in enumerate(frames()):
            f.write("t%d %d %s\n" % (port, i % 5 + 1, frame.hex()))
    status, output, log = guest.run("bash %s/agree.sh %s %s %s %s %s" % (
        HERE, slu.program("sluiced"), slu.program("sluicectl"),
        guest.module(os.path.join(HERE, "testnic")), policy, folder), timeout=150, cpus=2)
    expect_equal(status, 0, "exit status: " + output[-2000:])
    for bad in ("BUG", "WARNING:", "Oops", "refcount"):
        expect(bad not in log, "the kernel's log has no %s:\n%s" % (bad, log[-3000:]))
    parts = re.split(r"^== (\w+)\n", output, flags=re.M)
    said = {name: text for name, text in zip(parts[1::2], parts[2::2])}
    filters = {name: [f for f in json.loads(text) if "options" in f]
               for name, text in said.items() if re.fullmatch(r"p\d", name)}
    return filters, json.loads(said["flows"])


# ---- the comparison ----

def is_last(filter_):
    """Takes what no rule takes: the driver's marker, and the drop of the software path's port."""
    return filter_["pref"] == MARKER_PREF or filter_["options"].get("bpf_name") == "sluice-drop"


def counters(filter_, match):
    """Packets and bytes as a switch counts them: the kernel leaves out the Ethernet header, and the
    tag that it took off; a card does not."""
    stats = filter_["options"]["actions"][0]["stats"]
    by_kernel = stats["packets"] - stats.get("hw_packets", 0)
    left_out = 14 + (4 if match.get("tag0", (0,))[0] else 0)
    return stats["packets"], stats["bytes"] + by_kernel * left_out


def disagreements(dev, filter_, flow, policy):
    """What one of the two says otherwise than the other."""
    options = filter_["options"]
    try:
        match, want = tcjson.tc_match(dev, filter_), tcjson.flow_match(flow["match"])
        program = tcjson.tc_program(options["actions"])
        want_program = tcjson.flow_program(flow["actions"], want)
    except tcjson.Unknown as e:
        return ["not known here: %s" % e]
    pairs = [(field, match.get(field), want.get(field)) for field in set(match) | set(want)]
    pairs += [("actions", program, want_program),
              ("chain", filter_["chain"], flow["recirc_id"]),
              ("packets", counters(filter_, match)[0], flow["packets"]["hardware"]),
              ("bytes", counters(filter_, match)[1], flow["bytes"]["hardware"]),
              ("place", "hardware" if options.get("in_hw") else "kernel", flow["where"]),
              ("device", "tc:" + policy, flow["device"]),
              ("skip_hw", options.get("skip_hw", False), policy == "skip_hw"),
              ("skip_sw", options.get("skip_sw", False), policy == "skip_sw")]
    return ["%s: tc says %r, sluicectl %r" % pair for pair in pairs if pair[1] != pair[2]]


def compare(filters, flows, policy):
    """All that is told otherwise, or by one of the two only."""
    problems = []
    placed = {flow["ufid"].replace("-", ""): flow for flow in flows if flow["where"] != "software"}
    seen = set()
    for dev, listed in filters.items():
        for filter_ in listed:
            cookies = {a.get("cookie") for a in filter_["options"].get("actions", [])}
            cookie = cookies.pop() if len(cookies) == 1 else None
            if is_last(filter_):
                continue
            if cookie not in placed or cookie in seen:
                problems.append("%s: no flow of its own: %s" % (dev, filter_))
                continue
            seen.add(cookie)
            problems += ["%s %s" % (cookie, text) for text in
                         disagreements(dev, filter_, placed[cookie], policy)]
    problems += ["no filter of it: %s" % placed[ufid] for ufid in set(placed) - seen]
    return problems


def alterations(filters):
    """Each names what is done to one of the filters, and does it in the list that it is given."""
    for dev, listed in filters.items():
        for i, filter_ in enumerate(listed):
            if is_last(filter_):
                continue
            for key in filter_["options"]["keys"]:
                yield "%s %d without %s" % (dev, i, key), lambda f, d=dev, n=i, k=key: \
                    f[d][n]["options"]["keys"].pop(k)
            for k in range(len(filter_["options"]["actions"])):
                if filter_["options"]["actions"][k]["kind"] != "csum":
                    yield "%s %d without action %d" % (dev, i, k), lambda f, d=dev, n=i, k=k: \
                        f[d][n]["options"]["actions"].pop(k)
            for count in ("packets", "bytes"):
                yield "%s %d one %s more" % (dev, i, count), lambda f, d=dev, n=i, c=count: \
                    f[d][n]["options"]["actions"][0]["stats"].update(
                        {c: f[d][n]["options"]["actions"][0]["stats"][c] + 1})
            yield "%s %d elsewhere" % (dev, i), lambda f, d=dev, n=i: \
                f[d][n]["options"].update(in_hw=not f[d][n]["options"].get("in_hw"))
            yield "%s %d twice" % (dev, i), lambda f, d=dev, n=i: f[d].append(f[d][n])
            yield "%s %d is missing" % (dev, i), lambda f, d=dev, n=i: f[d].pop(n)
            yield "%s %d in chain 1" % (dev, i), lambda f, d=dev, n=i: f[d][n].update(chain=1)


def agree(policy):
    filters, flows = collect(policy)
    problems = compare(filters, flows, policy)
    expect(not problems, "%d disagreements:\n%s" % (len(problems), "\n".join(problems)))
    placed = [flow for flow in flows if flow["where"] != "software"]
    where = collections.Counter(flow["where"] for flow in flows)
    hit = [flow for flow in placed if flow["packets"]["hardware"]]
    slu.log("%s: %s, %d of them hit" % (policy, dict(where), len(hit)))
    left = [(flow["match"], flow["refusals"]) for flow in flows if flow not in placed]
    expect(len(placed) >= 25 and len(hit) >= 25, "%d flows placed, %d hit; in software: %s" % (
        len(placed), len(hit), left))
    for place, policies in (("hardware", ("none", "skip_sw")), ("kernel", ("none", "skip_hw"))):
        expect_equal(where[place] > 0, policy in policies, "whether flows are in " + place)
    n = 0
    for n, (what, alter) in enumerate(alterations(filters), 1):
        altered = copy.deepcopy(filters)
        alter(altered)
        expect(compare(altered, flows, policy), "it is not seen: " + what)
    slu.log("%d alterations, each seen" % n)


def test_no_policy():
    agree("none")


def test_in_the_card():
    agree("skip_sw")


if __name__ == "__main__":
    main()
