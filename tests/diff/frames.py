# SPDX-License-Identifier: Apache-2.0
"""Frames for the differential test, made of parts: right lengths and checksums, and an id at the
end by which each is known again wherever it comes out."""
import ipaddress
import struct

ID_LEN = 8


def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def eth(dst, src, eth_type, payload, tags=()):
    head = mac(dst) + mac(src)
    for tpid, tci in tags:
        head += struct.pack("!HH", tpid, tci)
    return head + struct.pack("!H", eth_type) + payload


def mpls(labels, payload):
    """Labels: (label, tc, ttl), outermost first."""
    out = b""
    for i, (label, tc, ttl) in enumerate(labels):
        out += struct.pack("!I", label << 12 | tc << 9 | (i == len(labels) - 1) << 8 | ttl)
    return out + payload


def ipv4(src, dst, proto, payload, ttl=64, tos=0, ident=1, frag=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(payload), ident, frag, ttl, proto, 0,
                       ipaddress.IPv4Address(src).packed, ipaddress.IPv4Address(dst).packed)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ipv6(src, dst, proto, payload, ttl=64, tos=0, label=0):
    return struct.pack("!IHBB16s16s", 6 << 28 | tos << 20 | label, len(payload), proto, ttl,
                       ipaddress.IPv6Address(src).packed,
                       ipaddress.IPv6Address(dst).packed) + payload


def ipv6_fragment(src, dst, proto, piece, at, more, ident):
    """A fragment whose piece begins at `at` bytes of the datagram."""
    return ipv6(src, dst, 44, struct.pack("!BBHI", proto, 0, at | more, ident) + piece)


def pseudo(src, dst, proto, length):
    a, b = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if a.version == 4:
        return a.packed + b.packed + struct.pack("!BBH", 0, proto, length)
    return a.packed + b.packed + struct.pack("!IHBB", length, 0, 0, proto)


def _summed(segment, at, src, dst, proto):
    value = checksum(pseudo(src, dst, proto, len(segment)) + segment)
    if proto == 17 and not value:
        value = 0xffff
    return segment[:at] + struct.pack("!H", value) + segment[at + 2:]


def tcp(src, dst, sport, dport, flags, payload, seq=1, ack=0, window=8192, options=b""):
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff,
                       (20 + len(options)) // 4 << 4, flags, window, 0, 0) + options
    return _summed(head + payload, 16, src, dst, 6)


def udp(src, dst, sport, dport, payload, summed=True):
    head = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0)
    return _summed(head + payload, 6, src, dst, 17) if summed else head + payload


def icmp(src, dst, kind, code, rest, payload):
    """ICMP or ICMPv6, by the addresses."""
    body = struct.pack("!BBHI", kind, code, 0, rest) + payload
    if ipaddress.ip_address(src).version == 6:
        return _summed(body, 2, src, dst, 58)
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def ident(program, seq):
    return struct.pack("!HHI", 0x534c, program, seq)


def ip_frame(src, dst, proto, segment, dst_mac, src_mac, tags=(), labels=None, **kw):
    """An Ethernet frame around a transport segment."""
    v6 = ipaddress.ip_address(src).version == 6
    packet = (ipv6 if v6 else ipv4)(src, dst, proto, segment, **kw)
    eth_type = 0x86dd if v6 else 0x0800
    if labels:
        packet, eth_type = mpls(labels, packet), 0x8847
    return eth(dst_mac, src_mac, eth_type, packet, tags)
