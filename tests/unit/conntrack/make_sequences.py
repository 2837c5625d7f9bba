#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tcp_sequences.txt: TCP packet sequences and what conntrack says after each packet.

The sequences come from the families below; the expectations come from Open vSwitch's userspace
datapath, which runs privately with dummy ports. Run by hand when a family changes:

    make_sequences.py > tcp_sequences.txt

A line is a direction (> original, < reply), flags, and what is not 0: seq and ack relative to the
initial sequence numbers of their senders, len (payload), win, ws (window scale option); then the
ct_state of the packet and the states of the two directions behind it ("-": no connection).
"""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

ISN = {">": 1000000, "<": 3000000000}
ADDR = {">": (b"\x0a\0\0\1", 40000), "<": (b"\x0a\0\0\2", 80)}
FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32}


def p(direction, flags, seq=0, ack=0, length=0, win=5000, ws=None):
    return dict(d=direction, f=flags, seq=seq, ack=ack, len=length, win=win, ws=ws)


def shake(ws=None, ws2=None, win=5000):
    return [p(">", "S", win=win, ws=ws), p("<", "SA", 0, 1, win=win, ws=ws2 or ws),
            p(">", "A", 1, 1, win=win)]


def families():
    """Yields (name, packets)."""
    s = shake()
    yield "handshake", s
    for n in (0, 1, 100, 1460, 4999, 5000, 5001, 10000, 70000, 100000):
        yield f"handshake, data of {n}", s + [p(">", "PA", 1, 1, min(n, 1460) or 0),
                                              p(">", "PA", 1 + n, 1, 10)]
    # The first packet alone.
    for flags in ("S", "SA", "A", "PA", "FA", "R", "RA", "F", "", "SF", "SR", "P", "U", "UA",
                  "SP", "SFA", "SRA", "FPU", "SU", "RF", "RP"):
        yield f"first {flags or 'none'}", [p(">", flags, 0, 1 if "A" in flags else 0),
                                           p("<", "A", 1, 1)]
    # Retransmissions in the handshake.
    yield "SYN twice", [s[0], s[0], s[1], s[2]]
    yield "SYN three times", [s[0], s[0], s[0]]
    yield "SYN|ACK twice", [s[0], s[1], s[1], s[2]]
    yield "SYN after SYN|ACK", [s[0], s[1], s[0], s[1], s[2]]
    yield "ACK twice", s + [s[2]]
    yield "SYN|ACK after ACK", s + [s[1]]
    yield "SYN after ACK", s + [s[0]]
    yield "SYN with another number", [s[0], p(">", "S", 777), p("<", "SA", 0, 778),
                                      p(">", "A", 778, 1)]
    yield "SYN of the reply side after ACK", s + [p("<", "S", 0)]
    yield "data in SYN", [p(">", "S", length=100), p("<", "SA", 0, 101), p(">", "A", 101, 1)]
    yield "data with the third packet", s[:2] + [p(">", "PA", 1, 1, 100), p("<", "A", 1, 101)]
    yield "data before SYN|ACK", [s[0], p(">", "PA", 1, 0, 10), s[1]]
    yield "ACK without SYN|ACK", [s[0], p(">", "A", 1, 1), p("<", "A", 1, 1)]
    for off in (-70000, -100, -1, 0, 2, 100, 70000, 100000):
        yield f"SYN|ACK that acknowledges {1 + off}", [s[0], p("<", "SA", 0, 1 + off),
                                                       p(">", "A", 1, 1)]
        yield f"third packet acknowledges {1 + off}", s[:2] + [p(">", "A", 1, 1 + off),
                                                               p("<", "PA", 1, 1, 10)]
    # Simultaneous open.
    yield "simultaneous open", [s[0], p("<", "S", 0), p(">", "SA", 0, 1), p("<", "SA", 0, 1),
                                p(">", "A", 1, 1)]
    yield "simultaneous open, one SYN|ACK", [s[0], p("<", "S", 0), p(">", "SA", 0, 1),
                                             p("<", "A", 1, 1), p(">", "PA", 1, 1, 5)]
    yield "simultaneous open, twice", [s[0], p("<", "S", 0), s[0], p("<", "S", 0),
                                       p("<", "SA", 0, 1)]
    # Resets.
    yield "RST instead of SYN|ACK", [s[0], p("<", "RA", 0, 1, win=0), s[0]]
    yield "RST with ACK 0", [s[0], p("<", "RA", 0, 0, win=0)]
    yield "RST by the client after SYN", [s[0], p(">", "R", 1), s[0]]
    yield "RST after SYN|ACK", s[:2] + [p(">", "R", 1), s[0]]
    for side in "><":
        for off in (-70000, -5001, -2, -1, 0, 1, 2, 100, 4999, 5001, 70000):
            yield f"RST {side} at {off}", s + [p(side, "R", 1 + off, 0, win=0),
                                               p(">", "PA", 1, 1, 10), p("<", "PA", 1, 1, 10)]
        yield f"RST|ACK {side}", s + [p(side, "RA", 1, 1, win=0), p(">", "A", 1, 1)]
        yield f"RST {side} with data", s + [p(side, "RA", 1, 1, 20), p(">", "A", 1, 1)]
    # FINs in all orders.
    fin = {"a": p(">", "FA", 1, 1), "b": p("<", "FA", 1, 1), "A": p("<", "A", 1, 2),
           "B": p(">", "A", 2, 2), "c": p("<", "FA", 1, 2), "C": p(">", "FA", 1, 2),
           "D": p(">", "A", 1, 2), "E": p("<", "A", 2, 2), "x": p(">", "PA", 1, 1, 10),
           "y": p("<", "PA", 1, 2, 10), "S": p(">", "S", 500000), "T": p("<", "S", 500000),
           "R": p(">", "R", 2), "r": p("<", "R", 2)}
    for order in ("a", "b", "aA", "bD", "aAc", "ac", "acB", "aAcB", "bDC", "bC", "bCE", "bDCE",
                  "ab", "abB", "abE", "abBE", "aa", "aaAcB", "aAccB", "aAcBB", "aAcBS", "acBS",
                  "bDCES", "abBES", "aAcBT", "aS", "aAS", "aAcS", "bS", "aR", "ar", "aAcBR",
                  "aAcBr", "xa", "ax", "aAy", "aAyc", "aAcBx", "aAcBSS", "bDCET"):
        yield f"closing {order}", s + [fin[o] for o in order]
    yield "FIN with data", s + [p(">", "FPA", 1, 1, 100), p("<", "A", 1, 102),
                                p("<", "FA", 1, 102), p(">", "A", 102, 2)]
    yield "FIN before SYN|ACK", [s[0], p(">", "FA", 1, 0), s[1]]
    yield "FIN with the SYN|ACK acknowledged", s[:2] + [p(">", "FA", 1, 1), p("<", "FA", 1, 2),
                                                        p(">", "A", 2, 2)]
    # A new connection of the same tuple.
    end = s + [p(">", "FA", 1, 1), p("<", "FA", 1, 2), p(">", "A", 2, 2)]
    yield "again after the end", end + [p(">", "S", 9000), p("<", "SA", 9000, 9001),
                                        p(">", "A", 9001, 9001), p(">", "PA", 9001, 9001, 10)]
    yield "again after the end, by the other side", end + [p("<", "S", 9000),
                                                           p(">", "SA", 9000, 9001),
                                                           p("<", "A", 9001, 9001)]
    yield "again after a reset", s + [p(">", "R", 1), p(">", "S", 9000), p("<", "SA", 9000, 9001),
                                      p(">", "A", 9001, 9001)]
    yield "again after a reset, SYN|ACK first", s + [p(">", "R", 1), p("<", "SA", 9000, 9001)]
    yield "data after the end", end + [p(">", "PA", 2, 2, 10), p("<", "PA", 2, 2, 10)]
    # Window edges.
    for n in (-70000, -5100, -5001, -5000, -4999, -100, -1, 0, 1, 3539, 3540, 3541, 4989, 4990,
              4991, 5000, 70000):
        yield f"data at {n}", s + [p(">", "PA", 1 + n, 1, 10), p(">", "PA", 1, 1, 10)]
        yield f"answer at {n}", s + [p("<", "PA", 1 + n, 1, 1460)]
    for n in (-70000, -67035, -66000, -1, 1, 5000, 66000, 67035, 67037, 70000):
        yield f"acknowledgment at {n}", s + [p(">", "A", 1, 1 + n), p("<", "A", 1, 1)]
    yield "zero window", s + [p("<", "A", 1, 1, win=0), p(">", "PA", 1, 1, 1),
                              p(">", "PA", 1, 1, 100)]
    yield "window grows", s + [p("<", "A", 1, 1, win=60000), p(">", "PA", 50001, 1, 1000),
                               p(">", "PA", 59992, 1, 10), p(">", "PA", 60002, 1, 10)]
    yield "out of order", s + [p(">", "PA", 101, 1, 100), p(">", "PA", 1, 1, 100),
                               p("<", "A", 1, 201), p(">", "PA", 1, 1, 100)]
    yield "wraps around", [p(">", "S", 4293967295), p("<", "SA", 0, 4293967296),
                           p(">", "A", 4293967296, 1), p(">", "PA", 4293967296, 1, 100),
                           p("<", "A", 1, 4293967396)]
    # Window scales.
    for a, b in ((0, 0), (7, 7), (14, 14), (15, 3), (2, None), (None, 7), (3, 0), (1, 10)):
        three = [p(">", "S", ws=a), p("<", "SA", 0, 1, ws=b), p(">", "A", 1, 1)]
        for n in (4000, 19000, 639000, 70000000):
            yield f"scale {a}/{b}, data at {n}", three + [p(">", "PA", n, 1, 10),
                                                          p("<", "PA", n, 1, 10)]
    yield "scale, SYN|ACK twice", [p(">", "S", ws=7), p("<", "SA", 0, 1, ws=7),
                                   p("<", "SA", 0, 1, ws=7), p(">", "A", 1, 1)]
    # Picked up in mid-stream.
    for n in (0, 1000, 60000, 70000, 1000000):
        yield f"mid-stream, data at {n}", [p(">", "A", 1, 1), p("<", "PA", 1, 1, 100),
                                           p(">", "PA", 1 + n, 101, 100),
                                           p("<", "A", 101 + n, 101 + n)]
    yield "mid-stream, one way", [p(">", "PA", 1, 1, 100), p(">", "PA", 101, 1, 100),
                                  p(">", "PA", 201, 1, 100)]
    yield "mid-stream from the reply side", [p("<", "PA", 1, 1, 100), p(">", "A", 1, 101),
                                             p("<", "FA", 101, 1), p(">", "FA", 1, 102),
                                             p("<", "A", 102, 2)]
    yield "mid-stream FIN", [p(">", "FA", 1, 1), p("<", "FA", 1, 2), p(">", "A", 2, 2)]
    yield "mid-stream RST", [p(">", "R", 1), p("<", "A", 1, 1), p(">", "S", 5)]
    yield "mid-stream, then SYN", [p(">", "A", 1, 1), p(">", "S", 5), p("<", "SA", 5, 6)]
    # Bad flags within a connection.
    for flags in ("", "F", "P", "U", "SF", "SR", "SFA", "RF", "RU", "FPU", "SFRPU", "FPUA"):
        yield f"flags {flags or 'none'} when established", s + [p(">", flags, 1, 1),
                                                                p("<", "A", 1, 1)]


# ---- frames ----

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(pkt):
    src, dst = ADDR[pkt["d"]], ADDR["<" if pkt["d"] == ">" else ">"]
    seq = (ISN[pkt["d"]] + pkt["seq"]) % 2**32
    ack = (ISN["<" if pkt["d"] == ">" else ">"] + pkt["ack"]) % 2**32 if "A" in pkt["f"] else 0
    if "A" in pkt["f"] and "R" in pkt["f"] and pkt["ack"] == 0:
        ack = 0
    opts = b"" if pkt["ws"] is None else bytes([1, 3, 3, pkt["ws"]])
    flags = sum(FLAGS[f] for f in pkt["f"])
    tcp = struct.pack("!HHIIBBHHH", src[1], dst[1], seq, ack, (5 + len(opts) // 4) << 4, flags,
                      pkt["win"], 0, 0) + opts + b"x" * pkt["len"]
    pseudo = src[0] + dst[0] + struct.pack("!HH", 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0, src[0], dst[0])
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return b"\x02\0\0\0\0\2\x02\0\0\0\0\1\x08\0" + ip + tcp


# ---- Open vSwitch ----

class Oracle:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="sequences")
        self.env = dict(os.environ, OVS_RUNDIR=self.dir, OVS_LOGDIR=self.dir)
        self.procs = []
        db = f"{self.dir}/conf.db"
        self.run("ovsdb-tool", "create", db, "/usr/share/openvswitch/vswitch.ovsschema")
        self.spawn("ovsdb-server", db, f"--remote=punix:{self.dir}/db.sock",
                   f"--unixctl={self.dir}/ovsdb.ctl")
        self.wait(f"{self.dir}/db.sock")
        self.spawn("ovs-vswitchd", f"unix:{self.dir}/db.sock", "--enable-dummy=override",
                   "--disable-system", f"--unixctl={self.dir}/ovs.ctl")
        self.wait(f"{self.dir}/ovs.ctl")
        self.run("ovs-vsctl", "--no-wait", "init")
        self.run("ovs-vsctl", "add-br", "br0", "--", "set", "bridge", "br0",
                 "datapath_type=dummy", "fail-mode=secure", "--", "add-port", "br0", "p1", "--",
                 "set", "interface", "p1", "type=dummy", "ofport_request=1")
        for flow in ("table=0,ip,actions=ct(commit,zone=1,table=1)",
                     "table=1,actions=controller(max_len=14)"):
            self.run("ovs-ofctl", "add-flow", "br0", flow)
        self.log = open(f"{self.dir}/monitor", "w+", encoding="ascii")
        self.procs.append(subprocess.Popen(["ovs-ofctl", "monitor", "br0", "65534", "-P", "nxt_packet_in"],
                                           env=self.env, stdout=self.log, stderr=self.log))
        time.sleep(1)

    def run(self, *args):
        return subprocess.run(args, env=self.env, check=True, capture_output=True,
                              text=True).stdout

    def ctl(self, *args):
        return self.run("ovs-appctl", "-t", f"{self.dir}/ovs.ctl", *args)

    def spawn(self, *args):
        with open(f"{self.dir}/{args[0]}.log", "w", encoding="ascii") as log:
            self.procs.append(subprocess.Popen(args, env=self.env, stdout=log, stderr=log))

    @staticmethod
    def wait(path):
        for _ in range(100):
            if os.path.exists(path):
                return
            time.sleep(0.1)
        raise RuntimeError(f"no {path}")

    def seen(self):
        with open(self.log.name, encoding="ascii") as f:
            return re.findall(r"ct_state=([a-z|]+)", f.read())

    def forget(self):
        self.ctl("dpctl/flush-conntrack")

    def ask(self, pkt):
        n = len(self.seen())
        self.ctl("netdev-dummy/receive", "p1", frame(pkt).hex())
        for _ in range(200):
            got = self.seen()
            if len(got) > n:
                break
            time.sleep(0.005)
        else:
            raise RuntimeError(f"no answer to {pkt}")
        dump = self.ctl("dpctl/dump-conntrack", "-m", "zone=1")
        states = re.search(r"state_orig=(\w+),state_reply=(\w+)", dump)
        return got[-1], "/".join(states.groups()) if states else "-"

    def close(self):
        for proc in reversed(self.procs):
            proc.terminate()
            proc.wait()
        shutil.rmtree(self.dir)


def main():
    oracle = Oracle()
    try:
        for name, packets in families():
            oracle.forget()
            print(name)
            for pkt in packets:
                state, sides = oracle.ask(pkt)
                words = [f"{k}={pkt[k]}" for k in ("seq", "ack", "len", "win", "ws")
                         if pkt[k] not in (0, None) or k == "ws" and pkt[k] == 0]
                print(f"  {pkt['d']} {pkt['f'] or '-'} {' '.join(words)} : {state} {sides}")
                sys.stdout.flush()
    finally:
        oracle.close()


if __name__ == "__main__":
    main()
