# SPDX-License-Identifier: Apache-2.0
"""A controller that sends flow-mods as fast as they are taken: OpenFlow 1.3 on a unix socket."""
import socket
import struct

from slu import Failure

VERSION = 4
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, FLOW_MOD = 0, 1, 2, 3, 14
MULTIPART_REQUEST, MULTIPART_REPLY, BARRIER_REQUEST, BARRIER_REPLY = 18, 19, 20, 21
MULTIPART_PORT_STATS = 4
ADD, DELETE_STRICT = 0, 4
OXM_ETH_TYPE, OXM_IPV4_SRC_MASKED = 0x80000a02, 0x80001708
ANY = 0xffffffff


def message(kind, body=b"", xid=0):
    return struct.pack("!BBHI", VERSION, kind, 8 + len(body), xid) + body


def flow_mod(command, priority, src, src_mask, out_port=None):
    """ip,nw_src=.../...: to out_port, or dropped."""
    match = struct.pack("!IHIII", OXM_ETH_TYPE, 0x0800, OXM_IPV4_SRC_MASKED, src, src_mask)
    match = struct.pack("!HH", 1, 4 + len(match)) + match
    match += bytes(-len(match) % 8)
    body = struct.pack("!QQBBHHHIIIHH", 0, 0, 0, command, 0, 0, priority, ANY, ANY, ANY, 0, 0)
    body += match
    if out_port is not None:
        action = struct.pack("!HHIH6x", 0, 16, out_port, 0)
        body += struct.pack("!HH4x", 4, 8 + len(action)) + action
    return message(FLOW_MOD, body)


class Controller:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(path)
        self.data = b""
        self.xid = 0
        self.sock.sendall(message(HELLO))
        self._until(HELLO)

    def close(self):
        self.sock.close()

    def _receive(self):
        while True:
            if len(self.data) >= 8:
                _, kind, length, xid = struct.unpack("!BBHI", self.data[:8])
                if len(self.data) >= length:
                    body, self.data = self.data[8:length], self.data[length:]
                    return kind, xid, body
            more = self.sock.recv(65536)
            if not more:
                raise Failure("the switch closed its OpenFlow connection")
            self.data += more

    def _until(self, wanted, wanted_xid=None):
        while True:
            kind, xid, body = self._receive()
            if kind == ECHO_REQUEST:
                self.sock.sendall(message(ECHO_REPLY, body, xid))
            elif kind == ERROR:
                raise Failure("OpenFlow error %s" % (struct.unpack("!HH", body[:4]),))
            elif kind == wanted and wanted_xid in (None, xid):
                return body

    def send(self, data):
        """Messages, and returns when the barrier behind them is answered."""
        self.xid += 1
        self.sock.sendall(data + message(BARRIER_REQUEST, xid=self.xid))
        self._until(BARRIER_REPLY, self.xid)

    def sent_by(self, port):
        """Packets that left by the port."""
        self.xid += 1
        self.sock.sendall(message(MULTIPART_REQUEST, struct.pack(
            "!HH4xI4x", MULTIPART_PORT_STATS, 0, port), self.xid))
        body = self._until(MULTIPART_REPLY, self.xid)
        return struct.unpack("!I4xQQ", body[8:32])[2]
