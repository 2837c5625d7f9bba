# SPDX-License-Identifier: Apache-2.0
"""Scripts of connections between two hosts, step by step: most of them orderly, some not."""
import struct

import frames as fr

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Connection:
    """Two ends, and what each has sent."""

    def __init__(self, family, index):
        f, r = family, family.rng
        self.f = f
        self.v6 = r.random() < 0.3
        pool = f.v6 if self.v6 else f.v4
        self.client, self.server = (0, 1) if r.random() < 0.6 else r.sample(range(6), 2)
        self.src, self.dst = pool[self.client], pool[self.server]
        self.sport, self.dport = 20000 + index, r.choice(f.ports[1:4])
        self.port, self.back = r.choice((1, 1, 2, 2, 3)), r.choice((3, 4, 5))
        self.seq = {0: r.randrange(1 << 32), 1: r.randrange(1 << 32)}
        self.translated = f.NAT and self.port in (1, 2)
        # In an ICMPv6 error the reference translates the wrong bytes of what is quoted.
        self.quotable = not (self.translated and self.v6)
        self.scale = 0
        self.lives, self.more = True, lambda reply: self.tcp(reply, PSH | ACK, 250)

    def ends(self, reply):
        """(source, destination, source port, destination port) as they are on the wire."""
        src, dst, sport, dport = self.src, self.dst, self.sport, self.dport
        if reply and self.translated:
            nat = self.f.nat_address(self.v6)
            if self.f.dnat:
                dst = nat
                if self.f.number % 2:
                    dport = 8080
            else:
                src = nat
        return (dst, src, dport, sport) if reply else (src, dst, sport, dport)

    def frame(self, reply, proto, segment, src, dst):
        a, b = (self.server, self.client) if reply else (self.client, self.server)
        return (self.back if reply else self.port), fr.ip_frame(
            src, dst, proto, segment, self.f.macs[b], self.f.macs[a])

    def tcp(self, reply, flags, length=0, seq=None, options=b""):
        # As many bytes, whether windows are scaled or not.
        window = 8192 >> self.scale if not flags & SYN else 8192
        src, dst, sport, dport = self.ends(reply)
        data = bytes(length) + self.f.ident()
        mine, other = (1, 0) if reply else (0, 1)
        at = self.seq[mine] if seq is None else seq
        segment = fr.tcp(src, dst, sport, dport, flags, data, at,
                         self.seq[other] if flags & ACK else 0, window, options)
        if seq is None:
            self.seq[mine] = (at + len(data) + (1 if flags & (SYN | FIN) else 0)) & 0xffffffff
        return self.frame(reply, 6, segment, src, dst)

    def udp(self, reply):
        src, dst, sport, dport = self.ends(reply)
        segment = fr.udp(src, dst, sport, dport, self.f.payload() + self.f.ident())
        return self.frame(reply, 17, segment, src, dst)

    def echo(self, reply):
        src, dst, _, _ = self.ends(reply)
        kind = (129 if reply else 128) if self.v6 else (0 if reply else 8)
        segment = fr.icmp(src, dst, kind, 0, self.sport << 16 | 1,
                          self.f.payload() + self.f.ident())
        return self.frame(reply, 58 if self.v6 else 1, segment, src, dst)

    def error(self, proto):
        """What a router says of the client's last packet."""
        src, dst, sport, dport = self.ends(True)
        # The packet as it was when it came to the server's side.
        head = struct.pack("!HH", dport, sport)
        inner_segment = head + struct.pack("!HH", 8 + 8, 0)
        if proto == 6:
            inner_segment = head + struct.pack("!IIHHHH", 1, 0, 0x5010, 8192, 0, 0)
        inner = (fr.ipv6 if self.v6 else fr.ipv4)(dst, src, proto, inner_segment)
        segment = fr.icmp(src, dst, 1 if self.v6 else 3, 4 if self.v6 else 3, 0,
                          inner + self.f.ident())
        return self.frame(True, 58 if self.v6 else 1, segment, src, dst)


def tcp_script(c, rng):
    mss = b"\x02\x04\x05\xb4\x01\x03\x03\x07"
    options = mss if rng.random() < 0.5 else b""
    c.scale = 7 if options else 0
    steps = [lambda: c.tcp(False, SYN, options=options), lambda: c.tcp(True, SYN | ACK, options=options),
             lambda: c.tcp(False, ACK)]
    for _ in range(rng.randrange(1, 6)):
        reply = rng.random() < 0.5
        length = rng.randrange(0, 200)
        steps.append(lambda reply=reply, length=length: c.tcp(reply, PSH | ACK, length))
    end = rng.randrange(5)
    if end < 2:
        first = end == 0
        steps += [lambda: c.tcp(first, FIN | ACK), lambda: c.tcp(not first, ACK),
                  lambda: c.tcp(not first, FIN | ACK), lambda: c.tcp(first, ACK)]
    elif end == 2:
        steps.append(lambda: c.tcp(rng.random() < 0.5, RST | ACK))
    trouble = rng.randrange(8)
    at = rng.randrange(1, len(steps))
    if trouble == 0:
        steps.pop(at)
    elif trouble == 1:
        steps.insert(at, steps[at - 1])
    elif trouble == 2:
        wild = rng.randrange(1 << 32)
        steps.insert(at, lambda: c.tcp(rng.random() < 0.5, ACK, 10, seq=wild))
    elif trouble == 3:
        steps = steps[3:]
    elif trouble == 4 and not c.translated:  # the port of a second life is anybody's choice
        steps.append(lambda: c.tcp(False, SYN))
    elif trouble == 5 and c.quotable:
        steps.insert(at, lambda: c.error(6))
    c.lives = end > 2
    return steps


def connections(family, n):
    """Batches of (port, frame): step i of every connection is in batch i. And the connections that
    live on after their scripts."""
    rng = family.rng
    scripts, all_of_them = [], []
    for i in range(n):
        c = Connection(family, i)
        how = rng.random()
        if how < 0.55:
            scripts.append(tcp_script(c, rng))
        elif how < 0.85:
            steps = [lambda c=c, r=r: c.udp(r) for r in
                     [False] + [rng.random() < 0.5 for _ in range(rng.randrange(1, 6))]]
            if rng.random() < (0.6 if c.translated else 0.3) and c.quotable:
                steps.append(lambda c=c: c.error(17))
            scripts.append(steps)
            c.more = c.udp
        else:
            scripts.append([lambda c=c, r=r: c.echo(r) for r in
                            [False, True] + [rng.random() < 0.5 for _ in range(2)]])
            c.more = c.echo
        all_of_them.append(c)
    batches = []
    for i in range(max(map(len, scripts))):
        batches.append([s[i]() for s in scripts if i < len(s)])
    return batches, [c for c in all_of_them if c.lives and c.port in (1, 2)]


def data(living, batches=4, packets=24):
    """What established connections carry then: in a batch each goes one way. First a packet each
    way alone: who had to begin anew does it with one."""
    out = [[c.more(reply) for c in living] for reply in (False, True)]
    for i in range(batches):
        batch = []
        for j, c in enumerate(living):
            batch += [c.more((i + j) % 2 == 1) for _ in range(packets)]
        out.append(batch)
    return out
