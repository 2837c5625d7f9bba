# SPDX-License-Identifier: Apache-2.0
"""Tuple space explosion: crafted packets that make a megaflow of another mask each, slowly, beside
traffic that did nothing wrong."""
import socket
import threading
import time

import measure
import peers
import traffic
from nettest import in_ns
from traffic import ip

VICTIM, DST, ATTACKER = 1, 2, 3
ALLOWED_SRC, ALLOWED_SPORT, ALLOWED_DPORT = ip("192.0.2.10"), 12345, 53
ACL = """priority=100,ip,nw_src=192.0.2.10,actions=output:2
priority=90,udp,tp_src=12345,actions=output:2
priority=80,udp,tp_dst=53,actions=output:2
priority=0,actions=drop
"""
PACE = 5000  # crafted packets in a second: 2.6 Mb/s


def crafted():
    """Each is wrong at another bit of each field: 32 * 16 * 16 megaflows that drop."""
    return [traffic.udp(src=ALLOWED_SRC ^ 1 << a, sport=ALLOWED_SPORT ^ 1 << b,
                        dport=ALLOWED_DPORT ^ 1 << c)
            for a in range(32) for b in range(16) for c in range(16)]


class Attacker(threading.Thread):
    def __init__(self, ns, interface):
        super().__init__(daemon=True)
        self.frames, self.ended, self.sent = crafted(), threading.Event(), 0
        self.sock = in_ns(ns, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        self.sock.bind((interface, 0))

    def run(self):
        start = time.monotonic()
        while not self.ended.is_set():
            due = int((time.monotonic() - start) * PACE)
            while self.sent < due:
                try:
                    self.sock.send(self.frames[self.sent % len(self.frames)])
                except OSError:
                    pass  # the queue is full: that one is lost
                self.sent += 1
            time.sleep(0.002)

    def stop(self):
        self.ended.set()
        self.join()
        self.sock.close()


class Tse(measure.Scenario):
    name, unit = "tse", "%"
    what = "of its rate that remains to traffic beside tuple space explosion"
    goal = 80.0

    def variants(self):
        return (10000,)

    def measure(self, ctx, label, size):
        file = traffic.microflows(size, dport=ALLOWED_DPORT)
        file.path
        with ctx.switch(label) as sw, ctx.namespace("att") as ns:
            sw.add_bridge("br0")
            sw.load("br0", ACL)
            sw.ns.veth("att", "eth0", ns)
            sw.dpdk_port("br0", "dst", peers.sink(), DST)
            sw.vsctl("add-port", "br0", "att", "--", "set", "Interface", "att",
                     "ofport_request=%d" % ATTACKER)
            sw.dpdk_port("br0", "src", peers.source(file), VICTIM)
            measure.forwarded(sw, "br0", DST)
            time.sleep(1)
            alone = sw.rate("br0", DST, ctx.seconds) / 1e6
            attacker = Attacker(ns, "eth0")
            attacker.start()
            try:
                time.sleep(len(attacker.frames) / PACE + 0.5)  # once each
                beside = sw.rate("br0", DST, ctx.seconds) / 1e6
            finally:
                attacker.stop()
            return {"figure": 100 * beside / alone, "Mpps alone": alone, "Mpps beside": beside,
                    "megaflows": sw.megaflows()}


SCENARIOS = [Tse()]
