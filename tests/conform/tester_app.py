# SPDX-License-Identifier: Apache-2.0
"""os-ken's switch tester, whose rates go by the clock and are counted by the kernel.

Where a pattern wants a rate, the tester asks its switch for one packet-out after the other and
falls behind what it promised; and that switch loses packets when it is not scheduled in time. Here
the frames leave straight through the first of the ports of the tester's switch, SLU_TESTER_PORTS,
and sockets with a filter for each flow that is to be counted sit beside it on the others.

A pattern takes half a minute, so that the burst of a meter hardly counts. Here that is let through
first, within BURST, and then the rate is measured for SLU_SECONDS.
"""
import ctypes
import itertools
import os
import random
import socket
import struct
import time
import traceback

from os_ken.controller import handler, ofp_event
from os_ken.lib import hub
from os_ken.lib.packet import sctp
from os_ken.ofproto import ofproto_v1_0
from os_ken.tests.switch import tester

SETTLE, TICK, BURST = 0.2, 0.001, 1.2  # seconds
AT_ONCE = 160  # frames: sockets that receive them have little room
LEAST = 60  # bytes of a frame, without its checksum


def get_tests(patterns, path):
    """Files under their own names: some have the same title."""
    top = tester.CONF["test-switch"]["dir"]
    for folder, _, names in os.walk(path):
        for name in names:
            file = tester.TestFile(os.path.join(folder, name), patterns.logger)
            file.description = os.path.relpath(os.path.join(folder, name), top)
            patterns[file.description] = file


tester.TestPatterns._get_tests = get_tests


def crc32c(_, data):
    """The checksum of SCTP (RFC 9260, appendix A). os-ken's own is that of the text that Python
    prints for the bytes."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return struct.unpack(">I", struct.pack("<I", crc ^ 0xffffffff))[0]


sctp.sctp._checksum = crc32c


SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING, ETH_P_ALL = 263, 6, 23, 3
SO_ATTACH_FILTER = 26
LOAD_HALF, LOAD_BYTE, AND, JUMP_EQUAL, RETURN = 0x28, 0x30, 0x54, 0x15, 0x06


def equal(load, offset, mask, value):
    """Classic BPF: goes on if the bits at the offset are those of the value."""
    return [(load, 0, 0, offset), (AND, 0, 0, mask), (JUMP_EQUAL, 1, 0, value), (RETURN, 0, 0, 0)]


class Counter:
    """Packets that come in by a port and match. The kernel counts those, too, that find no room in
    the socket, which is all but the first: nobody reads."""

    def __init__(self, ports, match):
        fields = dict(match._fields2)
        program = []
        if "eth_type" in fields:
            program += equal(LOAD_HALF, 12, 0xffff, fields["eth_type"])
        if "ip_dscp" in fields and fields["eth_type"] == 0x0800:
            program += equal(LOAD_BYTE, 15, 0xfc, fields["ip_dscp"] << 2)
        elif "ip_dscp" in fields:
            program += equal(LOAD_HALF, 14, 0x0fc0, fields["ip_dscp"] << 6)
        program.append((RETURN, 0, 0, 1))
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *i) for i in program))
        self.packets = 0
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                             struct.pack("HP", len(program), ctypes.addressof(code)))
        self.sock.bind((ports[fields["in_port"] - 1], ETH_P_ALL))

    def read(self):
        self.packets += struct.unpack("II", self.sock.getsockopt(
            SOL_PACKET, PACKET_STATISTICS, 8))[0]
        return self.packets


class Tester(tester.OfTester):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.clean = False  # the tester's switch has the flows that every pattern starts with
        self.begun = self.ended = None
        self.counters = {}
        self.ports = os.environ["SLU_TESTER_PORTS"].split(",")
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.wire.bind((self.ports[0], 0))

    def _test_sequential_execute(self, test_dir):
        try:
            super()._test_sequential_execute(test_dir)
        except Exception:
            traceback.print_exc()
            os._exit(1)

    def _test_execute(self, test, description):
        try:
            return super()._test_execute(test, description)
        except Exception as e:
            self.waiter = None
            self.logger.info("    %s ERROR", test.description)
            self.logger.info("        %r", e)
            return repr(e)

    def _test_initialize_flow(self, datapath):
        """The tester's switch follows its flows a while after its barrier: it is set up as seldom
        as possible. The switch that is tested gets no such time."""
        if datapath is not self.tester_sw:
            super()._test_initialize_flow(datapath)
        elif not self.clean:
            super()._test_initialize_flow(datapath)
            hub.sleep(SETTLE)
            self.clean = True

    def _test_msg_install(self, datapath, message):
        super()._test_msg_install(datapath, message)
        if datapath is self.tester_sw:
            self.clean = False
            self.counters[str(message.match)] = Counter(self.ports, message.match)

    def _compare_flow(self, stats1, stats2):
        """What a flow has is compared as text, so it has to be written in the usual way."""
        if self.target_sw.dp.ofproto.OFP_VERSION > ofproto_v1_0.OFP_VERSION:
            wire = bytearray()
            stats2.match.serialize(wire, 0)
            stats2.match = type(stats2.match).parser(bytes(wire), 0)
        return super()._compare_flow(stats1, stats2)

    @handler.set_ev_cls(ofp_event.EventOFPPacketIn, handler.MAIN_DISPATCHER)
    def packet_in_handler(self, ev):
        """Patterns have frames of the least length that Ethernet has. What became shorter when it
        lost a header gets that length on a wire; but this is none."""
        ev.msg.data = ev.msg.data.ljust(LEAST, b"\0")
        super().packet_in_handler(ev)

    def _frames(self, packets):
        code = compile("/".join(packets["packet_text"]), "pattern", "eval")
        random.seed(1)
        while True:
            frame = packets["packet_binary"]
            if packets["randomize"]:
                made = eval(code, vars(tester))
                made.serialize()
                frame = bytes(made.data)
            yield frame

    def _send(self, frames, rate, seconds):
        start, sent, total = time.monotonic(), 0, int(rate * seconds)
        while sent < total:
            due = min(total, int((time.monotonic() - start) * rate), sent + AT_ONCE)
            for frame in itertools.islice(frames, due - sent):
                self.wire.send(frame)
            sent = due
            hub.sleep(TICK)

    def _counts(self, size):
        """As the tester has them: the time, and of each flow bytes and packets."""
        packets = {match: counter.read() for match, counter in self.counters.items()}
        return time.time(), {match: (n * size, n) for match, n in packets.items()}

    def _continuous_packet_send(self, pkt):
        packets = pkt[tester.KEY_PACKETS]
        frames, rate = self._frames(packets), packets[tester.KEY_PKTPS]
        size = len(packets["packet_binary"])
        self._send(frames, rate, BURST)
        self.begun = self._counts(size)
        self._send(frames, rate, float(os.environ["SLU_SECONDS"]))
        end = time.time()
        hub.sleep(SETTLE)
        self.ended = end, self._counts(size)[1]
        for counter in self.counters.values():
            counter.sock.close()
        self.counters = {}

    def _test_throughput_check(self, throughputs, start, end):
        super()._test_throughput_check(throughputs, self.begun, self.ended)
