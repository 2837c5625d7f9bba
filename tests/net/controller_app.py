# SPDX-License-Identifier: Apache-2.0
"""An os-ken application that writes what it hears to a file, one JSON object a line, and answers
packet-ins of UDP to port 7777 by a packet-out to where they came from."""
import json
import os

from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import (CONFIG_DISPATCHER, DEAD_DISPATCHER, MAIN_DISPATCHER,
                                       set_ev_cls)
from os_ken.ofproto import ofproto_v1_0, ofproto_v1_3

OUT = open(os.environ["SLU_APP_LOG"], "a", buffering=1)


class Recorder(app_manager.OSKenApp):
    OFP_VERSIONS = [{"1.0": ofproto_v1_0, "1.3": ofproto_v1_3}[
        os.environ.get("SLU_APP_VERSION", "1.3")].OFP_VERSION]

    def say(self, event, **values):
        OUT.write(json.dumps(dict(values, event=event)) + "\n")

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def features(self, ev):
        self.say("features", dpid=ev.msg.datapath_id, tables=ev.msg.n_tables,
                 buffers=ev.msg.n_buffers, version=ev.msg.version)

    @set_ev_cls(ofp_event.EventOFPStateChange, DEAD_DISPATCHER)
    def dead(self, ev):
        self.say("dead", dpid=ev.datapath.id)

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet_in(self, ev):
        msg, dp = ev.msg, ev.msg.datapath
        v13 = msg.version == ofproto_v1_3.OFP_VERSION
        port = msg.match["in_port"] if v13 else msg.in_port
        self.say("packet-in", port=port, reason=msg.reason, length=msg.total_len,
                 data=msg.data.hex(), table=getattr(msg, "table_id", 0),
                 cookie=getattr(msg, "cookie", 0))
        if msg.data[12:14] == b"\x08\x00" and msg.data[36:38] == b"\x1e\x61":
            ofp, parser = dp.ofproto, dp.ofproto_parser
            out = parser.OFPPacketOut(
                datapath=dp, buffer_id=ofp.OFP_NO_BUFFER, in_port=ofp.OFPP_CONTROLLER if v13
                else ofp.OFPP_NONE, actions=[parser.OFPActionOutput(port)], data=msg.data)
            dp.send_msg(out)

    @set_ev_cls(ofp_event.EventOFPFlowRemoved, MAIN_DISPATCHER)
    def flow_removed(self, ev):
        msg = ev.msg
        self.say("flow-removed", cookie=msg.cookie, reason=msg.reason, packets=msg.packet_count,
                 bytes=msg.byte_count, priority=msg.priority)

    @set_ev_cls(ofp_event.EventOFPPortStatus, MAIN_DISPATCHER)
    def port_status(self, ev):
        self.say("port-status", reason=ev.msg.reason, port=ev.msg.desc.port_no,
                 name=ev.msg.desc.name.decode(), config=ev.msg.desc.config,
                 state=ev.msg.desc.state)

    @set_ev_cls(ofp_event.EventOFPErrorMsg, [CONFIG_DISPATCHER, MAIN_DISPATCHER])
    def error(self, ev):
        self.say("error", type=ev.msg.type, code=ev.msg.code)
