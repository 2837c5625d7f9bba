# SPDX-License-Identifier: Apache-2.0
"""A controller of os-ken's codec for of-mirror: connections, the numbers that both of them know, and
which kinds of messages went between them."""
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time

from os_ken.ofproto import ofproto_parser, ofproto_protocol

NAMES = {1: "1.0", 4: "1.3", 5: "1.4", 6: "1.5"}
NICIRA, ONF = 0x2320, 0x4f4e4600
M64 = 2 ** 64 - 1
# enum fake_what of fake_pipeline.h
PACKETS, BYTES, DURATION, COUNT, OTHER, DPID, PORT, EVENT, DATA = range(1, 10)


# What os-ken does not know, or not with masks: it is read here.
UNKNOWN = {(1, "experimenter", NICIRA, 30), (1, "experimenter", NICIRA, 14),
           (1, "multipart reply", NICIRA, 0)}


class Failed(Exception):
    pass


def expect(got, want, what):
    if got != want:
        raise Failed("%s: expected %r, got %r" % (what, want, got))


def multipart_types(version):
    """Message types of a multipart request and its reply."""
    return (16, 17) if version == 1 else (18, 19)


def barrier_type(version):
    return 18 if version == 1 else 20


def kind(buf):
    """What a message is: version, then its type, with what tells more of it."""
    version, what = buf[0], buf[1]
    if what == 4:
        return (version, "experimenter") + struct.unpack_from("!II", buf, 8)
    if what in multipart_types(version):
        direction = "request" if what == multipart_types(version)[0] else "reply"
        mp, = struct.unpack_from("!H", buf, 8)
        if mp == 0xffff:
            return (version, "multipart " + direction) + struct.unpack_from(
                "!II", buf, 12 if version == 1 else 16)
        return version, "multipart " + direction, mp
    return version, "message", what


class Raw:
    """A message that os-ken has no class for."""

    def __init__(self, peer, what, body):
        self.version, self.msg_type, self.body, self.xid = peer.version, what, body, None
        self.buf = b""

    def set_xid(self, xid):
        self.xid = xid

    def serialize(self):
        self.buf = struct.pack("!BBHI", self.version, self.msg_type, 8 + len(self.body),
                               self.xid) + self.body


def nicira(peer, subtype, body=b""):
    return Raw(peer, 4, struct.pack("!II", NICIRA, subtype) + body)


class Mirror:
    """The switch side, a process, and what it says of itself."""

    def __init__(self, program, seed):
        self.seed, self.seen, self.xid = seed, set(), 0
        self.dir = tempfile.mkdtemp(prefix="slu-mirror-")
        self.path = os.path.join(self.dir, "of")
        self.proc = subprocess.Popen([program, "punix:" + self.path, str(seed)], text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        until = time.monotonic() + 20
        while not self.listens():
            if self.proc.poll() is not None or time.monotonic() > until:
                raise Failed("of-mirror does not listen")
            time.sleep(0.01)

    def listens(self):
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(self.path) == 0

    def number(self, what, of):
        z = (self.seed + what * 0x9e3779b97f4a7c15 + of * 0xd1342543de82ef95) & M64
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & M64
        z = (z ^ z >> 27) * 0x94d049bb133111eb & M64
        return z ^ z >> 31

    def duration(self, of):
        """Seconds and nanoseconds."""
        ms = self.number(DURATION, of) & 0xffffffff
        return ms // 1000, ms % 1000 * 1000000

    def event(self, line):
        self.proc.stdin.write(line + "\n")
        self.proc.stdin.flush()

    def report(self):
        """What it was asked, in words; bytes as bytes."""
        words = self.proc.stdout.readline().split()
        return [bytes.fromhex(w[1:]) if w[0] == "x" else int(w) if w.isdigit() else w
                for w in words]

    def close(self):
        self.proc.stdin.close()
        code = self.proc.wait(20)
        shutil.rmtree(self.dir)
        expect(code, 0, "of-mirror's end")


class Peer:
    """A connection of one version."""

    def __init__(self, mirror, version):
        self.mirror, self.version = mirror, version
        self.dp = ofproto_protocol.ProtocolDesc(version=version)
        self.ofp, self.p = self.dp.ofproto, self.dp.ofproto_parser
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(mirror.path)
        self.raw(0)
        expect(self.read_raw()[1], 0, "hello")
        # It wants to hear of everything.
        self.raw(4, struct.pack("!8I", NICIRA, 19, 0x3f, 0x3f, 7, 7, 0x3f, 0x3f))

    def close(self):
        self.sock.close()

    def raw(self, what, body=b"", xid=0):
        self.sock.sendall(struct.pack("!BBHI", self.version, what, 8 + len(body), xid) + body)

    def send(self, msg):
        self.mirror.xid += 1
        if msg.xid is None:
            msg.set_xid(self.mirror.xid)
        msg.serialize()
        self.mirror.seen.add(kind(msg.buf))
        self.sock.sendall(msg.buf)

    def exactly(self, n):
        data = b""
        while len(data) < n:
            part = self.sock.recv(n - len(data))
            if not part:
                raise Failed("the switch closed the connection")
            data += part
        return data

    def read_raw(self):
        head = self.exactly(8)
        return head + self.exactly(struct.unpack_from("!H", head, 2)[0] - 8)

    def parse(self, buf):
        version, what, length, xid = ofproto_parser.header(buf)
        expect(version, self.version, "version of an answer")
        self.mirror.seen.add(kind(buf))
        if kind(buf) in UNKNOWN:
            msg = Raw(self, what, buf[8:])
        else:
            msg = ofproto_parser.msg(self.dp, version, what, length, xid, buf)
        if msg is None:
            raise Failed("os-ken does not parse %r" % (kind(buf),))
        msg.raw = buf
        return msg

    def until_barrier(self):
        """What comes before the answer to a barrier."""
        self.raw(barrier_type(self.version), xid=0xba55)
        found = []
        while True:
            buf = self.read_raw()
            if buf[1] == barrier_type(self.version) + 1 and buf[4:8] == b"\0\0\xba\x55":
                return found
            found.append(buf)

    def raw_answers(self, msg):
        """What os-ken has no classes for."""
        self.send(msg)
        answers = self.until_barrier()
        self.mirror.seen.update(map(kind, answers))
        return answers

    def ask(self, msg):
        """All answers; an error is none."""
        self.send(msg)
        answers = [self.parse(buf) for buf in self.until_barrier()]
        for a in answers:
            if a.msg_type == self.ofp.OFPT_ERROR:
                raise Failed("error %d/%d to %s" % (a.type, a.code, msg))
        return answers

    def one(self, msg):
        answers = self.ask(msg)
        expect(len(answers), 1, "answers to %s" % msg.__class__.__name__)
        return answers[0]

    def none(self, msg):
        expect(self.ask(msg), [], "answers to %s" % msg.__class__.__name__)

    def stats(self, msg):
        """The bodies of a multipart's answer, of however many messages."""
        answers, body = self.ask(msg), []
        for a in answers:
            body += a.body if isinstance(a.body, list) else [a.body]
        return body

    def event(self, line):
        """The message that an event makes; the switch reads its standard input in time."""
        self.mirror.event(line)
        return self.parse(self.read_raw())

    # ---- what is served ----

    def error(self, what, body=b""):
        """Type and code of the error that a message gets, or None."""
        self.raw(what, body, 1)
        for buf in self.until_barrier():
            if buf[1] == 1:
                return struct.unpack_from("!HH", buf, 8)
        return None

    def served(self):
        """Every kind of request that is not answered with that it is unknown."""
        v, mp = self.version, multipart_types(self.version)[0]
        pad = b"" if v == 1 else bytes(4)
        for t in range(256):
            if t not in (0, 4, mp) and self.error(t) != (1, 1):
                yield v, "message", t
        for t in range(64):
            if self.error(mp, struct.pack("!HH", t, 0) + pad) != (1, 2):
                yield v, "multipart request", t
        for t in range(64):
            body = struct.pack("!HH", 0xffff, 0) + pad + struct.pack("!II4x", NICIRA, t)
            if self.error(mp, body) != (1, 4):
                yield v, "multipart request", NICIRA, t
        for experimenter, types in ((NICIRA, range(64)), (ONF, range(2290, 2310))):
            for t in types:
                if self.error(4, struct.pack("!II", experimenter, t)) not in ((1, 3), (1, 4)):
                    yield v, "experimenter", experimenter, t
