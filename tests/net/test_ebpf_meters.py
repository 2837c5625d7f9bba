#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Meters in the kernel: what super-frames are to them, and what becomes of them over a restart and
by foreign hands. How exact they are tests/diff/test_meters.py says."""
import re
import socket
import time

from bpfmaps import Maps
from nettest import expect, expect_equal, expect_in, frame, in_ns, main, wait_until

UDP_SEGMENT = 103  # linux/udp.h
SIZE, EACH = 1000, 10  # bytes of a datagram, and datagrams in a super-frame
HEADERS = 14 + 20 + 8


def use_kernel(lab):
    lab.sluice.vsctl("set", "Open_vSwitch", ".", "other_config:hw-offload=true",
                     "other_config:sluice-audit-interval=0", "other_config:max-idle=600000")


def in_the_kernel(lab, n=1):
    wait_until("%d flows in the kernel" % n, lambda: len(lab.sluice.in_kernel()) >= n)


def meter_stats(lab, number=1):
    """(packets, bytes, those that the first band dropped)."""
    text = lab.sluice.ofctl("meter-stats", "br0", "meter=%d" % number)
    return tuple(int(n) for n in re.findall(r"(?:packet|byte)(?:_in)?_count:(\d+)", text))


def counted(lab, *want):
    wait_until("the meter's counters are %r" % (want,), lambda: meter_stats(lab) == want)


def metered_wires(lab, meter, ports=2):
    use_kernel(lab)
    lab.bridge("br0", quiet=True)
    wires = lab.wires(ports)
    lab.on_kernel(ports)
    program(lab, meter)
    wires[0].send(frame())
    in_the_kernel(lab)
    wires[1].drain()
    return wires


def program(lab, meter):
    lab.sluice.ofctl("add-meter", "br0", "meter=1," + meter)
    lab.sluice.ofctl("add-flow", "br0", "in_port=1,actions=meter:1,output:2")


class Supers:
    """Super-frames of UDP from one host to another, through meter 1."""

    def __init__(self, lab, meter):
        self.lab = lab
        use_kernel(lab)
        lab.bridge("br0", quiet=True)
        a, b = lab.host("a", "10.0.0.1/24", "br0"), lab.host("b", "10.0.0.2/24", "br0")
        lab.on_kernel(2)
        lab.sluice.ofctl("add-meter", "br0", "meter=1," + meter)
        lab.sluice.ofctl("add-flow", "br0", "udp,in_port=1,actions=meter:1,output:2")
        a.exec("ip", "neigh", "replace", "10.0.0.2", "lladdr", b.mac(), "dev", "eth0")
        self.out = in_ns(a.ns, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.into = in_ns(b.ns, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.into.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
        self.into.bind(("10.0.0.2", 7))
        self.into.settimeout(0.3)
        self.out.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SIZE)
        self.send(0)  # one datagram, that makes the megaflow
        in_the_kernel(lab)
        self.received()

    def send(self, n):
        """`n` super-frames; 0: a packet like any other."""
        for _ in range(n or 1):
            self.out.sendto(bytes(SIZE * EACH if n else SIZE), ("10.0.0.2", 7))

    def received(self):
        n = 0
        try:
            while True:
                self.into.recv(65536)
                n += 1
        except TimeoutError:
            return n

    def close(self):
        self.out.close()
        self.into.close()


def test_a_super_frame_counts_as_its_frames(lab):
    supers = Supers(lab, "pktps,stats,band=type=drop,rate=1000000")
    supers.send(20)
    expect_equal(supers.received(), 20 * EACH, "datagrams")
    n = 1 + 20 * EACH
    counted(lab, n, n * (SIZE + HEADERS), 0, 0)
    flow = next(f for f in lab.sluice.flows("br0") if "udp" in f["match"])
    expect_equal(flow["n_packets"], 21, "packets of the flow, as they came")
    supers.close()


def test_super_frames_are_held_to_the_rate(lab):
    """A burst of five of them passes, and so does what the rate gives afterwards."""
    supers = Supers(lab, "pktps,burst,stats,band=type=drop,rate=10,burst_size=51")
    before = meter_stats(lab)
    start = time.monotonic()
    supers.send(100)
    took = time.monotonic() - start
    got = supers.received()
    expect(5 * EACH <= got <= 5 * EACH + 10 * (took + 1), "%d datagrams passed in %.2f s" % (
        got, took))
    dropped = 100 * EACH - got
    counted(lab, before[0] + 100 * EACH, before[1] + 100 * EACH * (SIZE + HEADERS), dropped,
            dropped * (SIZE + HEADERS))
    supers.close()


def test_super_frames_beyond_the_burst(lab):
    """The bucket never holds a whole one: the rate is kept nevertheless, but for the time from when
    the bucket is full until the next one comes."""
    rate, seconds = 200, 3
    supers = Supers(lab, "pktps,burst,stats,band=type=drop,rate=%d,burst_size=4" % rate)
    start, full_at, n, due = time.monotonic(), 0, 0, 0
    while time.monotonic() - start < seconds:
        now = time.monotonic()
        if now >= full_at:
            full_at = now + EACH / rate
            due += EACH
        supers.send(1)
        n += 1
        time.sleep(0.002)
    took = time.monotonic() - start
    got = supers.received()
    expect(n * EACH > 2 * rate * took, "too few were sent: %d" % n)
    expect(abs(got - due) <= 2 * EACH + 0.02 * due and got <= rate * took + 2 * EACH,
           "%d datagrams passed in %.2f s, of %d, instead of %d" % (got, took, n * EACH, due))
    supers.close()


def test_what_is_not_taken(lab):
    """A band that remarks is refused by name, and works in software."""
    use_kernel(lab)
    lab.bridge("br0", quiet=True)
    wires = lab.wires(2)
    lab.on_kernel(2)
    program(lab, "pktps,burst,band=type=dscp_remark,rate=1,burst_size=1,prec_level=1")
    wires[0].send(frame())
    text = "band 1 of meter 1 remarks the DSCP: a meter here drops what exceeds a band"
    wait_until("the refusal", lambda: any(
        text in r["text"] for m in lab.sluice.offload_flows() for r in m.get("refusals", ())))
    expect_equal(len([f for f in wires[1].receive(0.3) if f == frame()]), 1, "packets")


def test_changed_and_deleted(lab):
    """A meter that is changed keeps its counters; one that goes leaves nothing behind."""
    size = len(frame())
    wires = metered_wires(lab, "pktps,burst,stats,band=type=drop,rate=1,burst_size=3")
    for _ in range(10):
        wires[0].send(frame())
    got = len(wires[1].receive(0.3))
    expect(3 <= got <= 4, "%d packets passed" % got)
    lab.sluice.ofctl("mod-meter", "br0",
                     "meter=1,pktps,burst,stats,band=type=drop,rate=1000,burst_size=1000")
    wait_until("the new rate is in force", lambda: (
        wires[0].send(frame()), wires[1].receive(0.1))[1])
    before = meter_stats(lab)
    for _ in range(20):
        wires[0].send(frame())
    expect_equal(len(wires[1].receive(0.3)), 20, "packets at the new rate")
    wait_until("its counters go on", lambda: meter_stats(lab)[0] >= 11 + 20 + 1)
    expect(meter_stats(lab)[2] >= 10 - got, "what was dropped before: %r" % (before,))
    expect_equal(meter_stats(lab)[1], meter_stats(lab)[0] * size, "bytes")
    maps = Maps(lab.ns, "p-w1")
    expect_equal(len(used(maps)), 1, "meters in the map")
    lab.sluice.ofctl("del-meters", "br0")
    wait_until("no meter in the map", lambda: not used(maps))


def used(maps):
    """Numbers of the meters in the map, with their ids."""
    found = {}
    for key, value in maps.dump("meter_counts"):
        head = bytes(int(b, 16) for b in value[:8])
        if head[0]:
            found[int.from_bytes(bytes(int(b, 16) for b in key), "little")] = int.from_bytes(
                head[4:], "little")
    return found


def test_restart(lab):
    """The meter is in force while no daemon runs; the next one makes its own, whose counters know
    nothing of what came before."""
    meter = "pktps,burst,stats,band=type=drop,rate=1,burst_size=5"
    wires = metered_wires(lab, meter)
    lab.sluice.kill()
    for _ in range(30):
        wires[0].send(frame())
    got = len(wires[1].receive(0.3))
    expect(4 <= got <= 7, "%d packets passed while no daemon ran" % got)
    former = used(Maps(lab.ns, "p-w1"))
    expect_equal(len(former), 1, "meters in the map")
    lab.sluice.start()
    program(lab, meter)
    device = wait_until("the former rule is gone", lambda: next(
        (d for d in lab.sluice.offload_status()["devices"] if d["removed_foreign"]), None), 20)
    expect_equal((device["adopted"], device["removed_foreign"]), (0, 1), "rules adopted, removed")
    wait_until("the former meter is gone", lambda: not set(former) & set(
        used(Maps(lab.ns, "p-w1"))))
    since = meter_stats(lab)
    expect(since[0] <= 1, "packets of a former run: %r" % (since,))
    wires[1].drain()
    for _ in range(30):
        wires[0].send(frame())
    wires[1].receive(0.3)
    in_the_kernel(lab)
    for _ in range(30):
        wires[0].send(frame())
    wait_until("60 packets are counted", lambda: meter_stats(lab)[0] == since[0] + 60)
    expect_equal(len(used(Maps(lab.ns, "p-w1"))), 1, "meters in the map")


def test_restart_without_the_meter(lab):
    """Nobody wants it any more: it goes with its rules."""
    metered_wires(lab, "pktps,burst,stats,band=type=drop,rate=1,burst_size=5")
    lab.sluice.kill()
    lab.sluice.start()
    wait_until("no meter in the map", lambda: not used(Maps(lab.ns, "p-w1")), 20)


def test_foreign_hands(lab):
    """What somebody alters of a meter, or of the rule that names it, is put right."""
    lab.allow("was altered, and is put right|audit")
    wires = metered_wires(lab, "pktps,burst,stats,band=type=drop,rate=1,burst_size=1")
    maps = Maps(lab.ns, "p-w1")
    number, = used(maps)
    key = list(number.to_bytes(4, "little"))

    def passes(n=10):
        for _ in range(n):
            wires[0].send(frame())
        return len(wires[1].receive(0.3))
    expect(passes() <= 2, "the meter is in force")
    was = maps.lookup("meters", key)
    # No band; another rate; a bucket that is never full again; and nobody's.
    altered = (b"\0" * len(was), was[:16] + b"\0\x01" + was[18:],
               was[:-128] + b"\xff" * 8 + was[-120:])
    for value in altered:
        maps.write(("meters", key, value))
        lab.sluice.ctl("offload", "audit")
        now = maps.lookup("meters", key)
        expect_equal(now[4:-128], was[4:-128], "what the meter is")
        expect(now[-128:-120] != b"\xff" * 8, "its bucket")
        time.sleep(1.1)
        expect(1 <= passes() <= 2, "the meter is in force again")
    head = maps.lookup("meter_counts", key)
    maps.write(("meter_counts", key, b"\0" * 8 + head[8:]))
    lab.sluice.ctl("offload", "audit")
    expect_equal(used(maps), {number: 1}, "meters in the map")
    # The rule's step names a meter that there is not.
    entry = [int(b, 16) for b in maps.dump(maps.rules())[0][1]]
    slot = list(maps.lookup("entries", entry)[:4])
    steps = maps.lookup("slots", slot)
    expect_equal(steps[40:44], bytes(key), "the number in the step")
    maps.write(("slots", slot, steps[:40] + b"\x63" + steps[41:]))
    lab.sluice.ctl("offload", "audit")
    audit = wait_until("the rule is repaired", lambda: next(
        (d["audit"] for d in lab.sluice.offload_status()["devices"]
         if d["audit"]["repaired"]), None))
    expect_equal(audit["altered"], 1, "rules altered")
    with open(lab.sluice.log) as f:
        expect_in("meter 1 was altered, and is put right", f.read(), "what is said of it")
    time.sleep(1.1)
    expect(1 <= passes() <= 2, "the meter is in force again")


if __name__ == "__main__":
    main()
