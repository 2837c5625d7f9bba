# SPDX-License-Identifier: Apache-2.0
"""Packets for the bench, as pcap files. A file is a cycle: sources send it again and again."""
import os
import struct

import slu

SRC_MAC, DST_MAC = 0x020000000001, 0x020000000002
SHORTEST_CYCLE = 4096  # packets of a file that holds few flows


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip(text):
    a, b, c, d = map(int, text.split("."))
    return a << 24 | b << 16 | c << 8 | d


def mac(number):
    return struct.pack("!Q", number)[2:]


def ipv4(src, dst, protocol, payload):
    head = struct.pack("!BBHHHBBHII", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, src, dst)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(src=ip("10.1.0.1"), dst=ip("10.2.0.1"), sport=1000, dport=2000, size=64, src_mac=SRC_MAC,
        dst_mac=DST_MAC):
    """An Ethernet frame of `size` bytes, without FCS."""
    payload = struct.pack("!HHHH", sport, dport, size - 34, 0) + bytes(size - 42)
    return mac(dst_mac) + mac(src_mac) + b"\x08\x00" + ipv4(src, dst, 17, payload)


def vxlan(inner, src, dst, vni, sport, dst_mac):
    payload = struct.pack("!II", 0x08000000, vni << 8) + inner
    head = struct.pack("!HHHH", sport, 4789, 8 + len(payload), 0)
    return mac(dst_mac) + mac(SRC_MAC) + b"\x08\x00" + ipv4(src, dst, 17, head + payload)


class File:
    """A pcap file of the run: `make` yields its packets, which are written on first use."""

    def __init__(self, name, make, cycle=SHORTEST_CYCLE):
        self.name, self.make, self.cycle = name, make, cycle
        self.packets = None

    @property
    def path(self):
        path = os.path.join(slu.tmpdir("traffic"), self.name + ".pcap")
        if not os.path.exists(path):
            self._write(path)
        return path

    def _write(self, path):
        parts = []
        for frame in self.make():
            parts.append(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
        distinct = len(parts)
        while len(parts) < self.cycle:
            parts += parts[:distinct]
        self.packets = len(parts)
        with open(path + ".part", "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
            f.write(b"".join(parts))
        os.rename(path + ".part", path)


def microflows(n, **fixed):
    """n UDP flows of different source address and port."""
    return File("udp-%d-%s" % (n, "-".join("%s%x" % kv for kv in sorted(fixed.items()))),
                lambda: (udp(src=ip("10.1.0.0") + i // 50, sport=1024 + i % 50 * 997, **fixed)
                         for i in range(n)))
