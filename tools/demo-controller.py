#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A learning switch as an OpenFlow 1.3 controller, on Debian's python3-os-ken.

    demo-controller.py [--ofp-listen-host ADDRESS] [--ofp-tcp-listen-port PORT]

A packet that no flow matches comes here. The controller learns behind which port its sender is;
once it knows the receiver's port too, it adds a flow, and packets of that kind stay in the switch.
Every flow that it adds carries the cookie below.
"""
import os
import sys

from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import (CONFIG_DISPATCHER, DEAD_DISPATCHER, MAIN_DISPATCHER,
                                       set_ev_cls)
from os_ken.lib.packet import ethernet, packet
from os_ken.ofproto import ofproto_v1_3

COOKIE = 0x1ea2
IDLE_TIMEOUT = 60  # seconds
LLDP = 0x88cc


def say(text, *values):
    print(text % values, flush=True)


class LearningSwitch(app_manager.OSKenApp):
    OFP_VERSIONS = [ofproto_v1_3.OFP_VERSION]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.ports = {}  # by datapath id: MAC address to port number

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def connected(self, ev):
        dp = ev.msg.datapath
        say("switch %016x connected, OpenFlow 1.3, %d tables", dp.id, ev.msg.n_tables)
        self.ports[dp.id] = {}
        everything = dp.ofproto_parser.OFPMatch()
        to_us = dp.ofproto_parser.OFPActionOutput(dp.ofproto.OFPP_CONTROLLER,
                                                  dp.ofproto.OFPCML_NO_BUFFER)
        self.add_flow(dp, 0, everything, [to_us], 0)

    @set_ev_cls(ofp_event.EventOFPStateChange, DEAD_DISPATCHER)
    def disconnected(self, ev):
        if ev.datapath.id is not None:
            say("switch %016x disconnected", ev.datapath.id)
            self.ports.pop(ev.datapath.id, None)

    @set_ev_cls(ofp_event.EventOFPErrorMsg, [CONFIG_DISPATCHER, MAIN_DISPATCHER])
    def refused(self, ev):
        say("the switch refused a message: type %d, code %d", ev.msg.type, ev.msg.code)

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, ev):
        msg, dp = ev.msg, ev.msg.datapath
        port = msg.match["in_port"]
        eth = packet.Packet(msg.data).get_protocol(ethernet.ethernet)
        if eth is None or eth.ethertype == LLDP:
            return
        ports = self.ports[dp.id]
        if ports.get(eth.src) != port:
            say("learned: %s is behind port %d", eth.src, port)
            ports[eth.src] = port
        to = ports.get(eth.dst, dp.ofproto.OFPP_FLOOD)
        actions = [dp.ofproto_parser.OFPActionOutput(to)]
        if to != dp.ofproto.OFPP_FLOOD:
            match = dp.ofproto_parser.OFPMatch(in_port=port, eth_src=eth.src, eth_dst=eth.dst)
            self.add_flow(dp, 10, match, actions, IDLE_TIMEOUT)
            say("flow: from port %d, %s to %s: to port %d", port, eth.src, eth.dst, to)
        dp.send_msg(dp.ofproto_parser.OFPPacketOut(
            datapath=dp, buffer_id=dp.ofproto.OFP_NO_BUFFER, in_port=port, actions=actions,
            data=msg.data))

    def add_flow(self, dp, priority, match, actions, idle_timeout):
        apply = dp.ofproto_parser.OFPInstructionActions(dp.ofproto.OFPIT_APPLY_ACTIONS, actions)
        dp.send_msg(dp.ofproto_parser.OFPFlowMod(
            datapath=dp, cookie=COOKIE, priority=priority, match=match, instructions=[apply],
            idle_timeout=idle_timeout))


if __name__ == "__main__":
    from os_ken.cmd import manager

    sys.argv.append(os.path.abspath(__file__))
    sys.exit(manager.main())
