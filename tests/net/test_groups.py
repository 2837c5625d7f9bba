#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Groups and meters with stock ovs-ofctl and real packets."""
import re
import time

import slu
from nettest import (both_paths, ether, expect, expect_equal, expect_in, frame, gather, iperf,
                     ipv4, main, probe, wait_until)


def ports(lab, n):
    lab.bridge("br0")
    w = lab.wires(n)
    lab.on_device(*["p-w%d" % i for i in range(1, n + 1)])
    lab.sluice.ofctl("del-flows", "br0")
    return w


def got(lab, wires, sent, by_device=True):
    """Sends at port 1, where nothing else is sent; the ports where something comes out, with
    what."""
    return probe(lab, wires, sent, 1, by_device)


def group_stats(lab, group):
    text = lab.sluice.ofctl("dump-group-stats", "br0", "group_id=%d" % group)
    m = re.search(r"group_id=%d,.*" % group, text)
    expect(m, "statistics of group %d in %s" % (group, text))
    counts = [int(n) for n in re.findall(r"packet_count=(\d+)", m[0])]
    return counts[0], counts[1:]


@both_paths
def test_all(lab):
    w = ports(lab, 4)
    of = lab.sluice.ofctl
    of("add-group", "br0", "group_id=1,type=all,bucket=output:2,"
       "bucket=set_field:02:00:00:00:00:99->eth_dst,output:3")
    of("add-flow", "br0", "in_port=1,actions=group:1,output:4")
    sent = frame()
    out = got(lab, w, sent)
    expect_equal(sorted(out), [2, 3, 4], "ports")
    expect_equal(out[2], [sent], "the first bucket's copy")
    expect_equal(out[3], [b"\x02\x00\x00\x00\x00\x99" + sent[6:]], "the second bucket's copy")
    expect_equal(out[4], [sent], "what comes after the group")
    expect_equal(group_stats(lab, 1), (lab.probes, 2 * [lab.probes]), "counters")
    # A change is in force at once; deleting the group takes the flow.
    of("mod-group", "br0", "group_id=1,type=all,bucket=output:3")
    expect_equal(got(lab, w, sent), {3: [sent], 4: [sent]}, "after mod-group")
    expect_equal(group_stats(lab, 1), (lab.probes, [lab.probes]), "counters go on")
    of("del-groups", "br0", "group_id=1")
    expect_equal(got(lab, w, sent), {}, "after del-groups")
    expect_equal(lab.sluice.flows("br0"), [], "flows after del-groups")


@both_paths
def test_failover(lab):
    w = ports(lab, 3)
    of = lab.sluice.ofctl
    of("add-group", "br0", "group_id=2,type=ff,bucket=watch_port:2,output:2,"
       "bucket=watch_port:3,output:3")
    of("add-flow", "br0", "in_port=1,actions=group:2")
    sent = frame()

    def ways():
        return sorted(got(lab, w, sent, by_device=False))
    wait_until("both links are up", lambda: ways() == [2])
    expect_equal(sorted(got(lab, w, sent)), [2], "the way while both are up")
    p2 = lab.sluice.vsctl("--bare", "--columns=name", "find", "interface", "ofport=2").strip()
    slu.run("ip", "link", "set", p2, "down", ns=lab.sluice.ns)
    wait_until("the link is seen to be down", lambda: ways() == [3])
    expect_equal(sorted(got(lab, w, sent)), [3], "the way while one is down")
    slu.run("ip", "link", "set", p2, "up", ns=lab.sluice.ns)
    wait_until("the link is seen to be up again", lambda: ways() == [2])
    total, buckets = group_stats(lab, 2)
    expect(all(buckets) and sum(buckets) <= total, "counters of both buckets: %s" % buckets)


FLOWS = 400


def spread(w):
    """Sends a packet of each flow; by which port each leaves."""
    for x in w:
        x.drain()
    way, quiet = {}, 0.3
    for i in range(FLOWS):
        w[0].send(frame(dport=1000 + i))
        if i % 50 == 49:
            time.sleep(0.02)
    while True:
        out = gather(w, quiet)
        for port, frames in out.items():
            for f in frames:
                flow = int.from_bytes(f[36:38], "big")
                expect(flow not in way, "flow %d comes out twice" % flow)
                way[flow] = port
        if not out:
            return way
        quiet = 0.1


@both_paths
def test_select(lab):
    w = ports(lab, 4)
    of = lab.sluice.ofctl
    buckets = "bucket=weight:1,watch_port:2,output:2,bucket=weight:1,watch_port:3,output:3," \
        "bucket=weight:2,watch_port:4,output:4"
    for how in ("of", "dp_hash", "hash"):
        if how == "of":
            of("add-group", "br0", "group_id=3,type=select," + buckets)
        else:
            lab.sluice.ctl("mod-group", "br0",
                           "group_id=3,type=select,selection_method=%s,%s" % (how, buckets))
        of("add-flow", "br0", "in_port=1,actions=group:3")
        before = group_stats(lab, 3)
        way = spread(w)
        expect_equal(len(way), FLOWS, "%s: flows in all" % how)
        count = [list(way.values()).count(port) for port in (2, 3, 4)]
        # Three standard deviations of a fair choice.
        for n, share in zip(count, (0.25, 0.25, 0.5)):
            expect(abs(n - FLOWS * share) < 3 * (FLOWS * share * (1 - share)) ** 0.5 + 12,
                   "%s: shares of ports: %s" % (how, count))
        after = group_stats(lab, 3)
        expect_equal([a - b for a, b in zip(after[1], before[1])], count,
                     "%s: counters of buckets" % how)
        # The same flow always goes the same way, whoever chooses.
        if lab.device:
            wait_until("all is in the device", lambda: not lab.device_state()["pending"])
        hits = lab.hits()
        expect_equal(spread(w), way, "%s: ways of flows" % how)
        lab.expect_hits(hits, FLOWS, how)


def test_errors(lab):
    ports(lab, 2)

    def refused(error, *args):
        r = lab.sluice.ofctl(*args, check=False)
        expect_in(error, r.stdout + r.stderr, "ofctl %s" % " ".join(args))
    of = lab.sluice.ofctl
    of("add-group", "br0", "group_id=1,type=all,bucket=output:1")
    of("add-group", "br0", "group_id=2,type=all,bucket=group:1")
    refused("OFPGMFC_GROUP_EXISTS", "add-group", "br0", "group_id=1,type=all,bucket=output:1")
    refused("OFPGMFC_LOOP", "mod-group", "br0", "group_id=1,type=all,bucket=group:2")
    refused("OFPGMFC_CHAINED_GROUP", "del-groups", "br0", "group_id=1")
    refused("OFPBAC_BAD_OUT_GROUP", "add-flow", "br0", "actions=group:7")
    refused("OFPMMFC_UNKNOWN_METER", "add-flow", "br0", "actions=meter:7,output:1")
    refused("OFPMMFC_UNKNOWN_METER", "mod-meter", "br0", "meter=7,kbps,bands=type=drop,rate=1")


# ---- meters ----

def pace(w, sent, seconds, per_s):
    """Sends at a rate kept by the clock: (packets sent, seconds that it took, the longest time that
    nothing was sent)."""
    start, n, gap = time.monotonic(), 0, 0
    last = start
    while True:
        now = time.monotonic()
        gap, last = max(gap, now - last), now
        while n < (now - start) * per_s:
            w.send(sent)
            n += 1
        if now - start >= seconds:
            return n, now - start, gap
        time.sleep(0.001)


def meter_stats(lab, meter):
    stats = lab.sluice.ctl_json("meter-stats", "br0", "meter=%d" % meter)
    expect_equal(len(stats), 1, "meters")
    return stats[0]


def metered(lab, w, meter, sent, seconds, per_s, bucket):
    """(Packets that pass beyond a full bucket, seconds that they were sent in at least, and at most
    until the meter saw the last, how exactly that is known.) A sender that the machine holds up for
    half of a bucket's time measures little: it tries again."""
    def measure(seconds):
        a, hits = meter_stats(lab, meter), lab.hits()
        n, took, gap = pace(w[0], sent, seconds, per_s)
        end = time.monotonic()
        b = wait_until("the meter has seen all", lambda: (
            lambda b: b["n_packets"] - a["n_packets"] == n and b)(meter_stats(lab, meter)), 3)
        lag = time.monotonic() - end
        dropped = b["bands"][0]["n_packets"] - a["bands"][0]["n_packets"]
        return n, lab.hits() - hits, gap, n - dropped, took, took + lag

    wait_until("the path for it is there", lambda: (
        lambda n, hits, *rest: hits == n or not lab.device)(*measure(0.1)))
    for _ in range(3):
        time.sleep(bucket / 1000 + 0.1)  # until it is full
        n, hits, gap, passed, least, most = measure(seconds)
        expect(hits == n or not lab.device, "%d of %d packets were hits" % (hits, n))
        if gap < 0.3:
            break
    return passed - bucket, least, most, 0.02 if gap < 0.3 else 0.1


@both_paths
def test_meter_rates(lab):
    w = ports(lab, 2)
    of = lab.sluice.ofctl
    sent = frame(payload=bytes(958))  # 1000 bytes
    expect_equal(len(sent), 1000, "bytes of a frame")
    for meter, text, bucket in (
            (1, "pktps,burst,bands=type=drop,rate=1000,burst_size=600", 600),
            (2, "kbps,burst,bands=type=drop,rate=8000,burst_size=4800", 600)):
        want = 1000
        of("add-meter", "br0", "meter=%d,%s" % (meter, text))
        of("add-flow", "br0", "in_port=1,actions=meter:%d,output:2" % meter)
        n, least, most, within = metered(lab, w, meter, sent, 1.5, 3000, bucket)
        expect(want * least * (1 - within) < n < want * most * (1 + within),
               "meter %d lets %d packets pass in %.2f to %.2f s" % (meter, n, least, most))
        drops = lab.sluice.ctl_json("drops")
        expect_in("meter", str(drops), "the reason of drops")


def test_meter_bursts(lab):
    w = ports(lab, 2)
    of = lab.sluice.ofctl
    sent = frame()
    of("add-meter", "br0", "meter=1,pktps,burst,bands=type=drop,rate=1,burst_size=30")
    of("add-flow", "br0", "in_port=1,actions=meter:1,output:2")
    w[1].drain()
    for _ in range(100):
        w[0].send(sent)
    time.sleep(0.2)
    n = len([f for f in w[1].receive(0.3) if f == sent])
    expect(30 <= n <= 32, "of a burst of 100 %d pass a bucket of 30" % n)
    stats = meter_stats(lab, 1)
    expect_equal(stats["n_packets"], 100, "packets that came")
    expect_equal(stats["bands"][0]["n_packets"], 100 - n, "packets that the band took")
    of("del-meter", "br0", "meter=1")
    expect_equal(lab.sluice.flows("br0"), [], "flows after del-meter")


@both_paths
def test_meter_super_frames(lab):
    """TCP leaves its host in super-frames; what passes is a matter of their segments."""
    lab.bridge("br0")
    a, b = lab.host("a", "10.0.0.1/24", "br0"), lab.host("b", "10.0.0.2/24", "br0")
    lab.sluice.ofctl("add-meter", "br0", "meter=1,kbps,burst,bands=type=drop,rate=50000,"
                     "burst_size=5000")
    lab.sluice.ofctl("add-flow", "br0", "priority=1,actions=NORMAL")
    lab.sluice.ofctl("add-flow", "br0", "priority=9,tcp,nw_dst=10.0.0.2,actions=meter:1,NORMAL")
    lab.on_device(a.port, b.port)
    a.ping("10.0.0.2")
    hits = lab.hits()
    rate = iperf(a.ns, b.ns, "10.0.0.2", seconds=2) * 1e3
    # TCP finds most of what is left free; and never more than the rate and what the bucket held.
    expect(5 < rate < 51 + 5 / 2, "%.1f Mbit/s through a meter of 50" % rate)
    lab.expect_hits(hits, 50, "metered super-frames")
    stats = meter_stats(lab, 1)
    mean = stats["n_bytes"] / stats["n_packets"]
    expect(mean < 1515, "frames of %d bytes on average: segments are counted" % mean)


@both_paths
def test_meter_remark(lab):
    w = ports(lab, 3)
    of = lab.sluice.ofctl
    of("add-meter", "br0", "meter=1,pktps,burst,bands=type=dscp_remark,rate=1,burst_size=2,"
       "prec_level=1")
    of("add-flow", "br0", "table=0,in_port=1,actions=meter:1,resubmit(,1)")
    of("add-flow", "br0", "table=1,priority=2,ip,nw_tos=40,actions=output:2")   # AF11
    of("add-flow", "br0", "table=1,priority=1,ip,nw_tos=48,actions=output:3")   # AF12
    sent = ether("02:00:00:00:00:02", "02:00:00:00:00:01", 0x0800,
                 ipv4("10.0.0.1", "10.0.0.2", 253, bytes(40), tos=40))
    if lab.device:
        for _ in range(4):
            got(lab, w, sent, by_device=False)
        wait_until("all is in the device", lambda: len(lab.placed("")) >= 3)
        time.sleep(2.1)  # for two tokens
    for x in w:
        x.drain()
    hits = lab.hits()
    for _ in range(10):
        w[0].send(sent)
    out = gather(w, 0.3)
    lab.expect_hits(hits, 10, "packets")
    first, second = out.get(2, []), out.get(3, [])
    # Later tables see the DSCP that the packet has now.
    expect_equal({f[15] for f in first}, {40}, "unmarked")
    expect_equal({f[15] for f in second}, {48}, "remarked")
    expect(2 <= len(first) <= 3 and len(first) + len(second) == 10,
           "%d unmarked, %d remarked" % (len(first), len(second)))


def test_sluicectl(lab):
    ports(lab, 3)
    ctl = lab.sluice.ctl
    text = "group_id=1,type=select,selection_method=hash,fields(ipv4_src,tcp_dst)," \
        "bucket=bucket_id:0,weight:10,actions=output:1,bucket=bucket_id:7,watch_port:2," \
        "actions=set_field:5->tcp_dst,output:2"
    ctl("add-group", "br0", text)
    shown = ctl("dump-groups", "br0").strip()
    expect_in("weight:10", shown, "dump-groups")
    ctl("del-groups", "br0")
    ctl("add-group", "br0", shown)
    expect_equal(ctl("dump-groups", "br0").strip(), shown, "a group read back")
    group = lab.sluice.ctl_json("dump-groups", "br0")[0]
    expect_equal([b["bucket_id"] for b in group["buckets"]], [0, 7], "bucket ids")
    ctl("mod-group", "br0", "group_id=1,type=indirect,bucket=output:3")
    stats = lab.sluice.ctl_json("dump-group-stats", "br0")[0]
    expect_equal((stats["n_packets"], len(stats["buckets"])), (0, 1), "group statistics")
    ctl("add-meter", "br0", "meter=3,kbps,bands=type=drop,rate=100,type=dscp_remark,rate=50,"
        "prec_level=1")
    ctl("mod-meter", "br0", "meter=3,pktps,burst,stats,bands=type=drop,rate=100,burst_size=5")
    expect_in("meter=3 pktps burst stats bands=", ctl("dump-meters", "br0"), "dump-meters")
    expect_in("type=drop rate=100 burst_size=5", ctl("dump-meters", "br0"), "dump-meters")
    expect_equal(meter_stats(lab, 3)["flow_count"], 0, "flows of a meter")
    ctl("del-meters", "br0", "meter=3")
    expect_equal(lab.sluice.ctl_json("dump-meters", "br0"), [], "meters")


if __name__ == "__main__":
    main()
