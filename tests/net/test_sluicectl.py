#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sluicectl: the same words and answers as stock tools, one transaction a call, helpful errors."""
import json
import os
import re
import signal
import subprocess

import slu
from nettest import expect, expect_equal, expect_in, frame, main, wait_until

INTERNAL = "type=internal"


def fails(lab, status, *args):
    """Runs it; returns the message of a call that must end with this status."""
    p = lab.sluice.ctl(*args, check=False)
    expect_equal(p.returncode, status, "status of %s (%s)" % (" ".join(args), p.stderr.strip()))
    return p.stderr


def some_bridge(lab):
    lab.sluice.ctl("add-br", "br0", "--", "add-port", "br0", "v1", "tag=3", "--",
                   "set", "Interface", "v1", INTERNAL, "options:note=a b", "--",
                   "add-port", "br0", "v2", "trunks=1,2", "--", "set", "Interface", "v2", INTERNAL)


# ---- the database ----

def test_prints_what_stock_tools_print(lab):
    some_bridge(lab)
    lab.sluice.ctl("set-controller", "br0", "ptcp:16653:127.0.0.1")
    lab.sluice.ctl("set-fail-mode", "br0", "secure")
    for command in ("list-br", "list-ports br0", "list-ifaces br0", "port-to-br v1",
                    "iface-to-br v2", "get-controller br0", "get-fail-mode br0", "list Bridge br0",
                    "list Port v1", "list port v2", "get Interface v1 options name ofport type",
                    "get Interface v1 options:note", "get Port v2 trunks tag interfaces",
                    "--columns=name,tag find Port tag=3", "--columns=name find Port tag!=3 name=v2",
                    "get Bridge br0 _uuid", "get Open_vSwitch . ovs_version iface_types",
                    "--if-exists get Bridge br0 other_config:nothing", "get bridge br0 fail-mode"):
        words = command.split()
        expect_equal(lab.sluice.ctl(*words), lab.sluice.vsctl(*words), command)
    # The order of ports is nobody's promise.
    expect_equal(sorted(lab.sluice.ctl("show").splitlines()),
                 sorted(lab.sluice.vsctl("show").splitlines()), "lines of show")
    lab.sluice.ctl("del-controller", "br0")
    lab.sluice.ctl("del-fail-mode", "br0")
    expect_equal(lab.sluice.vsctl("get-controller", "br0"), "", "controller")
    expect_equal(lab.sluice.vsctl("get", "Bridge", "br0", "fail_mode"), "[]\n", "fail mode")


def test_values_of_every_type(lab):
    some_bridge(lab)

    def becomes(command, column, want):
        lab.sluice.ctl(*command)
        table, row = command[1:3]
        expect_equal(lab.sluice.vsctl("get", table, row, column).strip(), want, " ".join(command))
    becomes(["set", "Port", "v2", "trunks=[7, 5-6]"], "trunks", "[5, 6, 7]")
    becomes(["add", "Port", "v2", "trunks", "9", "8"], "trunks", "[5, 6, 7, 8, 9]")
    becomes(["remove", "Port", "v2", "trunks", "6", "8-9"], "trunks", "[5, 7]")
    becomes(["clear", "Port", "v2", "trunks"], "trunks", "[]")
    becomes(["set", "Port", "v2", "tag=12"], "tag", "12")
    becomes(["remove", "Port", "v2", "tag", "12"], "tag", "[]")
    becomes(["set", "Bridge", "br0", "other-config={a=1,b=\"x, y\"}"], "other_config",
            '{a="1", b="x, y"}')
    becomes(["set", "Bridge", "br0", "other_config:a=2"], "other_config", '{a="2", b="x, y"}')
    becomes(["add", "Bridge", "br0", "other_config", "a=3", "c=4"], "other_config",
            '{a="2", b="x, y", c="4"}')
    becomes(["remove", "Bridge", "br0", "other_config", "a", "c=5"], "other_config",
            '{b="x, y", c="4"}')
    becomes(["set", "bridge", "br0", "other_config:hwaddr=02:00:00:00:00:77"],
            "other_config:hwaddr", '"02:00:00:00:00:77"')
    becomes(["set", "Bridge", "br0", "protocols=OpenFlow10,OpenFlow13"], "protocols",
            "[OpenFlow10, OpenFlow13]")
    becomes(["set", "Bridge", "br0", "stp_enable=true", "stp-enable=no"], "stp_enable", "false")
    becomes(["set", "Interface", "v1", "external_ids:x=\"true\""], "external_ids:x", '"true"')


def test_one_transaction(lab):
    some_bridge(lab)
    # A command that fails undoes those before it.
    fails(lab, 1, "add-br", "br1", "--", "add-port", "br1", "v1")
    expect_equal(lab.sluice.vsctl("list-br"), "br0\n", "bridges")
    # A name that one command frees is free for the next.
    lab.sluice.ctl("add-br", "br1", "--", "del-port", "v1", "--", "add-port", "br1", "v1", "--",
                   "set", "Interface", "v1", INTERNAL)
    expect_equal(lab.sluice.vsctl("port-to-br", "v1"), "br1\n", "bridge of v1")
    # New rows have names, also before they are made; what is printed is what they became.
    uuid = lab.sluice.ctl("--", "add", "Bridge", "br0", "mirrors", "@m", "--", "--id=@p", "get",
                          "Port", "v2", "--", "--id=@m", "create", "Mirror", "name=mirror",
                          "output_port=@p").strip()
    expect_equal(lab.sluice.vsctl("get", "Bridge", "br0", "mirrors"), "[%s]\n" % uuid, "mirrors")
    expect_equal(lab.sluice.vsctl("get", "Mirror", uuid, "output_port"),
                 lab.sluice.vsctl("get", "Port", "v2", "_uuid"), "output_port")
    expect_in("@n", fails(lab, 1, "add", "Bridge", "br0", "mirrors", "@n"), "unmade row")
    expect_in("refer", fails(lab, 1, "destroy", "Mirror", "mirror"), "row in use")
    lab.sluice.ctl("remove", "Bridge", "br0", "mirrors", "mirror")
    expect_equal(lab.sluice.vsctl("list", "Mirror"), "", "mirrors")
    # What is there already is no error where that is asked for, and is no change.
    before = lab.sluice.vsctl("get", "Open_vSwitch", ".", "next_cfg")
    lab.sluice.ctl("--may-exist", "add-br", "br0", "--", "--may-exist", "add-port", "br0", "v2",
                   "--", "--if-exists", "del-port", "nothing", "--", "--if-exists", "del-br", "no")
    expect_equal(lab.sluice.vsctl("get", "Open_vSwitch", ".", "next_cfg"), before, "next_cfg")
    lab.sluice.ctl("del-br", "br1")
    expect_equal(lab.sluice.vsctl("--columns=name", "find", "Interface", "name=v1"), "", "v1")


def test_waits_until_applied(lab):
    lab.sluice.ctl("add-br", "br0")
    lab.sluice.ctl("add-port", "br0", "v1", "--", "set", "Interface", "v1", INTERNAL)
    expect(slu.run("ip", "link", "show", "v1", ns=lab.ns), "v1 is there when the command ends")
    expect_equal(lab.sluice.ctl("get", "Interface", "v1", "ofport"), "1\n", "ofport at once")
    lab.allow(r"nothere")
    p = lab.sluice.ctl("add-port", "br0", "nothere", check=False)
    expect_equal(p.returncode, 0, "status: the port is configured")
    expect(re.search(r"Error detected while setting up 'nothere': .*No such device", p.stderr),
           "the error is printed: " + p.stderr)
    expect_in('error: "', lab.sluice.ctl("show"), "show")
    lab.sluice.proc.send_signal(signal.SIGSTOP)
    try:
        expect_in("--timeout", fails(lab, 1, "--timeout=0.5", "list-br"), "a stalled daemon")
        expect_in("--timeout", fails(lab, 1, "-t", "0.5", "drops"), "a stalled daemon")
    finally:
        lab.sluice.proc.send_signal(signal.SIGCONT)
    next_cfg = lab.sluice.ctl("get", "Open_vSwitch", ".", "next_cfg")
    lab.sluice.ctl("--no-wait", "add-port", "br0", "v2", "--", "set", "Interface", "v2", INTERNAL)
    expect_equal(lab.sluice.ctl("get", "Open_vSwitch", ".", "next_cfg"), next_cfg, "next_cfg")
    wait_until("v2", lambda: lab.sluice.ctl("get", "Interface", "v2", "ofport") == "2\n")


def test_many_at_once(lab):
    """Each call relies on what it read, and starts again when another was faster."""
    lab.sluice.ctl("add-br", "br0")
    ctl = [slu.program("sluicectl"), "--rundir", lab.sluice.rundir]

    def everybody(*words):
        jobs = [subprocess.Popen(ctl + [w.replace("@", "c%d" % i) for w in words],
                                 stderr=subprocess.PIPE, text=True) for i in range(12)]
        for p in jobs:
            expect_equal((p.communicate(timeout=60)[1], p.returncode), ("", 0), " ".join(words))
    everybody("add-port", "br0", "@", "--", "set", "Interface", "@", INTERNAL)
    expect_equal(len(lab.sluice.ctl("list-ports", "br0").split()), 12, "ports")
    everybody("set", "Bridge", "br0", "external_ids:@=1")
    expect_equal(len(lab.sluice.ctl_json("get", "Bridge", "br0", "external_ids")), 12, "keys")
    everybody("--may-exist", "add-br", "brx")
    everybody("del-port", "br0", "@")
    expect_equal(lab.sluice.ctl("list-ports", "br0"), "", "ports")


# ---- mistakes ----

def test_mistakes_are_explained(lab):
    some_bridge(lab)
    before = lab.sluice.vsctl("list", "Bridge") + lab.sluice.vsctl("list", "Port")
    for status, command, said in (
            (2, "", "--help"),
            (2, "lst-br", 'did you mean "list-br"'),
            (2, "--may-exists add-br x", "did you mean --may-exist"),
            (2, "--strict add-br x", "does not take --strict"),
            (2, "add-br", "usage: sluicectl add-br BRIDGE"),
            (2, "add-br a b", "too many"),
            (2, "--timeout=soon show", "--timeout=soon"),
            (2, "add-br a -- dump-flows br0", "stands alone"),
            (2, "br-exists br9", ""),
            (1, "add-br br0", "already"),
            (1, "add-br v1", "already"),
            (1, "add-br a/b", "a/b"),
            (1, "del-br br1", 'did you mean "br0"'),
            (1, "add-port br1 x", 'did you mean "br0"'),
            (1, "add-port br0 v1", "a port of br0"),
            (1, "add-port br0 x tag=4096", "from 0 to 4095"),
            (1, "add-port br0 x tga=1", 'did you mean "tag"'),
            (1, "del-port v3", "no such port"),
            (1, "del-port br0", "del-br br0"),
            (1, "list Brigde", 'did you mean "Bridge"'),
            (1, "get Interface v9 ofport", 'did you mean "v1"'),
            (1, "get Interface v1 options:no", "no such key"),
            (1, "get Interface v1 name:no", "no map"),
            (1, "set Interface v1 ofport_request=x", "expected an integer"),
            (1, "set Bridge br0 fail_mode=secured", 'did you mean "secure"'),
            (1, "set Bridge br0 stp_enable=maybe", "true or false"),
            (1, "set Bridge br0 other_config:a=", "remove"),
            (1, "set Bridge br0 other_config={a", "="),
            (1, "set Bridge br0 name=br1", "name"),
            (1, "set Bridge br0 ports=nothing", "expected a row of Port"),
            (1, "set Bridge br0 _uuid=1", "_uuid"),
            (1, "remove Port v1 interfaces v1", "at least"),
            (1, "clear Bridge br0 name", "cannot be empty"),
            (1, "set-controller br0 192.0.2.1", "tcp:192.0.2.1:6653"),
            (1, "set-fail-mode br0 open", "standalone"),
            (1, "dump-flows br9", "br9"),
            (1, "add-flow br0 nw_dts=1,actions=drop", "nw_dts"),
            (1, "add-flows br0 /nonexistent", "No such file"),
            (2, "--strict del-flows br0", "which flow"),
            (1, "offload stauts", "offload/status"),
            (2, "offload explain", "explain what"),
            (1, "offload log 0", "\"0\" is neither a number of decisions from 1 to 10000 nor"),
            (1, "offload log x", "\"x\" is neither a number of decisions from 1 to 10000 nor"),
            (1, "log rpc:loud", "rpc:loud"),
            (1, "call no/such", "list-commands")):
        expect_in(said, fails(lab, status, *command.split()), command)
    expect_equal(lab.sluice.vsctl("list", "Bridge") + lab.sluice.vsctl("list", "Port"), before,
                 "rows after all these mistakes")


def test_without_a_daemon(lab):
    lab.sluice.ctl("add-br", "br0")
    expect_equal(lab.sluice.ctl("br-exists", "br0"), "", "br-exists")
    lab.sluice.kill()
    for command in ("show", "dump-flows br0"):
        said = fails(lab, 1, *command.split())
        expect_in("sluiced --rundir " + lab.sluice.rundir, said, "how to start one")
    said = slu.run(slu.program("sluicectl"), "--rundir", "/nonexistent", "show", check=False).stderr
    expect_in("--rundir DIR", said, "how to name another directory")
    slu.run(slu.program("sluicectl"), "--help")
    slu.run(slu.program("sluicectl"), "--version")
    lab.sluice.start()
    env = {"OVS_RUNDIR": lab.sluice.rundir}
    expect_equal(slu.run(slu.program("sluicectl"), "list-br", env=env), "br0\n", "OVS_RUNDIR")


def test_help(lab):
    text = lab.sluice.ctl("--help")
    listed = set(re.findall(r"^  ([a-z][a-z-]+) ", text, re.M)) - {"sluicectl"}
    expect(len(listed) > 30, "commands in --help: %r" % listed)
    with open(os.path.join(slu.ROOT, "tools/man/sluicectl.8")) as f:
        page = re.sub(r"\\f.", " ", f.read().replace("\\-", "-"))
    with open(os.path.join(slu.ROOT, "tools/completion/sluicectl")) as f:
        completed = set(re.search('commands="([^"]*)"', f.read()).group(1).split())
    expect_equal(sorted(completed ^ listed), [], "commands of the completion")
    for command in listed:
        expect(re.search(r"(^| |\.B )%s( |$)" % command, page, re.M), command + " in the manual page")
        text = lab.sluice.ctl(command, "--help")
        expect_equal(lab.sluice.ctl("help", command), text, "both ways to ask for help")
        expect(re.search(r"Examples:\n  .*sluicectl ", text), "examples of " + command)


# ---- flows, offload, the daemon ----

def test_flows(lab):
    lab.bridge("br0")
    lab.wires(3)
    ctl = lab.sluice.ctl

    def stock():
        return sorted(re.sub(r"(duration|idle_age)=\S+ ", "", line)
                      for line in lab.sluice.ofctl("dump-flows", "br0").splitlines()[1:])

    def ours(*match):
        return sorted(re.sub(r"(duration|idle_age)=\S+ ", "", line)
                      for line in ctl("dump-flows", "br0", *match).splitlines())
    ctl("add-flow", "br0", "cookie=0x5,priority=10,in_port=1,actions=output:2")
    ctl("add-flow", "br0", "table=1,priority=7,tcp,tp_dst=80,actions=drop")
    lines = ["# flows", "", "udp,actions=3", "add priority=3,arp,actions=FLOOD",
             "modify_strict cookie=6,priority=10,in_port=1,actions=3", "delete table=1",
             "  ip,nw_dst=10.0.0.0/8,actions=NORMAL  # the rest"]
    path = os.path.join(slu.BASE, "flows.txt")
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")
    ctl("add-flows", "br0", path)
    expect_equal(ours(), stock(), "dump-flows")
    expect_equal(len(ours()), 4, "flows")
    expect_in("actions=output:3", ours("cookie=0x6/-1")[0], "the modified flow")
    expect_equal(len(ours("ip")), 2, "flows of IP packets")
    p = slu.run(slu.program("sluicectl"), "--rundir", lab.sluice.rundir, "add-flows", "br0", "-",
                input="sctp,actions=1\nnonsense,actions=1\n", check=False)
    expect_equal(p.returncode, 1, "status with a bad line")
    expect_in("-:2: ", p.stderr, "its number")
    expect_equal(len(ours("sctp")), 1, "the good line is in force")
    ctl("mod-flows", "br0", "ip,actions=drop")
    expect_equal(len([f for f in ours() if "actions=drop" in f]), 3, "modified flows")
    ctl("--strict", "del-flows", "br0", "priority=11,in_port=1")
    ctl("--strict", "del-flows", "br0", "priority=3,arp")
    expect_equal(len(ours()), 4, "flows after a strict delete")
    ctl("del-flows", "br0", "ip")
    expect_equal(len(ours()), 1, "flows after a delete")
    ctl("del-flows", "br0")
    expect_equal(ours(), [], "flows after deleting all")


def test_json(lab):
    some_bridge(lab)
    ctl = lab.sluice.ctl_json
    expect_equal(ctl("list-br"), ["br0"], "list-br")
    expect_equal(ctl("list-ports", "br0"), ["v1", "v2"], "list-ports")
    expect_equal(ctl("get", "Interface", "v1", "options"), {"note": "a b"}, "a map")
    expect_equal(ctl("get", "Port", "v2", "trunks", "tag", "name"), [[1, 2], None, "v2"], "get")
    expect_equal([r["name"] for r in ctl("find", "Port", "tag=3")], ["v1"], "find")
    shown = ctl("show")["bridges"][0]
    expect_equal([p["name"] for p in shown["ports"]], ["br0", "v1", "v2"], "show")
    expect_equal(shown["ports"][1]["interfaces"][0]["type"], "internal", "show")
    lab.sluice.ctl("add-flow", "br0", "cookie=7,ip,actions=drop")
    expect_in(("ip", 7), [(f["match"], f["cookie"]) for f in ctl("dump-flows", "br0")], "flows")
    for command in ("list Interface", "offload status", "offload flows", "offload explain ip",
                    "drops", "fdb br0", "trace br0 in_port=1,ip", "version", "log",
                    "port-to-br v1", "get-controller br0", "get-fail-mode br0",
                    "call coverage/show"):
        ctl(*command.split())


def test_offload_is_explained(lab):
    lab.bridge("br0")
    lab.sluice.offload("sim:asic-small")
    wires = lab.wires(2)
    lab.sluice.bind("p-w1", "p-w2")
    lab.sluice.ctl("add-flow", "br0", "cookie=0x11,udp,tp_dst=2000,actions=output:2")
    lab.sluice.ctl("add-flow", "br0", "cookie=0x12,udp,tp_dst=2001,actions=mod_nw_tos:32,output:2")

    def explained(cookie):
        for dport in (2000, 2001):
            wires[0].send(frame(dport=dport))
        found = lab.sluice.ctl_json("offload", "explain", "cookie=" + cookie)["megaflows"]
        return found[0]["devices"][0] if found else {}
    wait_until("the plain flow is placed", lambda: explained("0x11").get("placed"))
    expect_in("placed", lab.sluice.ctl("offload", "explain", "cookie=0x11"), "the verdict")
    wait_until("the other is refused", lambda: explained("0x12").get("code"))
    refused = explained("0x12")
    expect_equal(refused["placed"], False, "placed")
    text = lab.sluice.ctl("offload", "explain", "br0", "udp,tp_dst=2001")
    expect_in(refused["verdict"], text, "the reason in words")
    expect_in("asic-small", lab.sluice.ctl("offload", "status"), "the device")
    ufids = [f["ufid"] for f in lab.sluice.ctl_json("offload", "flows")]
    expect(ufids, "megaflows")
    expect_in(ufids[0], lab.sluice.ctl("offload", "flows"), "the ufid")
    expect_equal(len(lab.sluice.ctl_json("offload", "explain", ufids[0])["megaflows"]), 1, "by ufid")


def test_offload_is_audited_and_logged(lab):
    lab.bridge("br0")
    expect_in("no device is open", lab.sluice.ctl("offload", "audit"), "without a device")
    lab.sluice.offload("sim:asic-small")
    wires = lab.wires(2)
    lab.sluice.bind("p-w1", "p-w2")
    lab.sluice.ctl("add-flow", "br0", "udp,tp_dst=2000,actions=output:2")
    lab.sluice.ctl("add-flow", "br0", "udp,tp_dst=2001,actions=mod_nw_tos:32,output:2")

    def decisions(what):
        for dport in (2000, 2001):
            wires[0].send(frame(dport=dport))
        return [d for d in lab.sluice.ctl_json("offload", "log") if d["decision"] == what]
    wait_until("one is placed", lambda: decisions("placed"))
    wait_until("one is refused", lambda: [d for d in decisions("refused")
                                          if "tp_dst=2001" in d["match"]])
    placed = decisions("placed")[0]
    expect_in("tp_dst=2000", placed["match"], "the match")
    refused = [d for d in decisions("refused") if "tp_dst=2001" in d["match"]][0]
    expect_equal(refused["refusal"]["field"], "ip_dscp", "what is refused")
    expect_equal([d["number"] for d in lab.sluice.ctl_json("offload", "log", placed["ufid"])],
                 [placed["number"]], "of one rule")
    expect_equal(len(lab.sluice.ctl_json("offload", "log", "1")), 1, "the last one")
    expect_in("sim:asic-small: ufid:%s" % placed["ufid"], lab.sluice.ctl("offload", "log"), "text")
    audit = lab.sluice.ctl_json("offload", "audit")[0]
    expect_equal({k: audit[k] for k in ("done", "rules", "lost", "altered", "unwanted", "repaired")},
                 {"done": True, "rules": 1, "lost": 0, "altered": 0, "unwanted": 0, "repaired": 0},
                 "the audit")
    expect_in("sim:asic-small: 1 rules compared", lab.sluice.ctl("offload", "audit"), "text")
    flow = [f for f in lab.sluice.ctl_json("offload", "flows") if f["ufid"] == placed["ufid"]][0]
    expect(flow["verified"], "read back")
    expect_in("audits: 2, the last at", lab.sluice.ctl("offload", "status"), "status")


def test_capabilities(lab):
    expect_in("no device is open", lab.sluice.ctl("offload", "capabilities"), "without a device")
    lab.sluice.offload("sim:asic-small")
    wait_until("the device", lambda: lab.sluice.ctl_json("offload", "capabilities"))
    told = lab.sluice.ctl_json("offload", "capabilities")[0]
    model = {p["name"]: p for p in json.loads(
        slu.run(slu.program("sluice-simnic"), "--list-profiles", "--json"))}["asic-small"]
    for key in set(model) - {"name", "summary"}:
        expect_equal(told[key], model[key], "%s of %s" % (key, told["name"]))
    text = lab.sluice.ctl("offload", "capabilities")
    for words in ("device sim:asic-small: 512 rules, 1 VLAN tags", "ipv4_dst(prefix)",
                  "does: output push_vlan pop_vlan", "objects: none"):
        expect_in(words, text, "text")


def test_daemon(lab):
    lab.bridge("br0")
    expect(re.search(r"sluiced \(Sluice\) \d", lab.sluice.ctl("version")), "version")
    lab.sluice.ctl("log", "rpc:err")
    expect(re.search(r"^rpc +ERR", lab.sluice.ctl("log"), re.M | re.I), "the level is set")
    expect_in("offload/status", lab.sluice.ctl("call", "list-commands"), "list-commands")
    expect_in("no_port", lab.sluice.ctl("drops"), "drops")
    lab.sluice.ctl("add-flow", "br0", "priority=77,ip,actions=LOCAL")
    lab.host("h", bridge="br0")
    lab.sluice.offload("sim:nic")
    lab.sluice.bind("p-h")
    wait_until("the device has its port", lambda: lab.device_state()["ports"] == 1)
    lab.sluice.ctl("add-flow", "br0", "priority=78,ipv6,actions=set_field:5->ipv6_label,in_port")
    text = lab.sluice.ctl("trace", "br0", "in_port=1,ipv6")
    for words in ("priority 78", "    set_field:0x5->ipv6_label", "Megaflow: in_port(p-h),ipv6",
                  "Device sim:nic: cannot set ipv6_flabel"):
        expect_in(words, text, "trace")
    traced = json.loads(lab.sluice.ctl("--json", "trace", "br0", "in_port=1,ipv6"))
    expect_equal(traced["trace"].strip(), text.strip(), "the same in JSON")
    expect_equal([(m["match"], [(d["device"], d["code"]) for d in m["devices"]])
                  for m in traced["megaflows"]],
                 [("in_port(p-h),ipv6", [("sim:nic", "unsupported action")])], "its megaflows")
    expect_equal(json.loads(lab.sluice.ctl("call", "fdb/show", "br0", "--json")), [], "fdb")


def test_links_no_layer(lab):
    libraries = slu.run("ldd", slu.program("sluicectl"))
    strange = [line.split()[0] for line in libraries.splitlines()
               if not re.search(r"linux-vdso|ld-linux|libc\.so|libjansson", line)]
    expect_equal(strange, [], "libraries beyond libc and jansson")


if __name__ == "__main__":
    main()
