#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is wrong costs at most its own connection, changes nothing, and is said clearly."""
import json
import os
import random
import socket
import struct

import slu
from nettest import expect, expect_equal, expect_in, frame, main


def connect(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(5)
    s.connect(path)
    return s


# ---- OpenFlow ----

def of(version, kind, body=b"", xid=9, length=None):
    return struct.pack(">BBHI", version, kind, 8 + len(body) if length is None else length,
                       xid) + body


def read_message(s):
    head = b""
    while len(head) < 8:
        data = s.recv(8 - len(head))
        if not data:
            return None
        head += data
    version, kind, length, xid = struct.unpack(">BBHI", head)
    body = b""
    while len(body) < length - 8:
        body += s.recv(length - 8 - len(body))
    return version, kind, xid, body


def hello(s, version=4):
    s.sendall(of(version, 0))
    expect_equal(read_message(s)[1], 0, "a hello")


def expect_error(s, kind, code, what):
    while True:
        m = read_message(s)
        expect(m is not None, what + ": an error before the connection ends")
        if m[1] == 1:
            break
    expect_equal(struct.unpack(">HH", m[3][:4]), (kind, code), what)


def expect_alive(s, what):
    s.sendall(of(4, 2, b"are you there", xid=77))
    while True:
        m = read_message(s)
        expect(m is not None, what + ": the connection lives")
        if m[1] == 3:
            expect_equal(m[3], b"are you there", what)
            return


def flow_mod(match=b"\0\1\0\4\0\0\0\0", instructions=b"", table=0, command=0, buffer=0xffffffff):
    return of(4, 14, struct.pack(">QQBBHHHIIIHxx", 0, 0, table, command, 0, 0, 1, buffer,
                                 0xffffffff, 0xffffffff, 0) + match + instructions)


def test_openflow_errors(lab):
    lab.allow("br0")
    lab.bridge("br0")
    s = connect(lab.sluice.mgmt("br0"))
    hello(s)
    cases = [
        ("an unknown type", of(4, 200), 1, 1),
        ("a flow-mod cut short", of(4, 14, b"\0" * 20), 1, 6),
        ("an unknown multipart", of(4, 18, struct.pack(">HHI", 999, 0, 0)), 1, 2),
        ("an unknown experimenter", of(4, 4, struct.pack(">II", 0x12345678, 1)), 1, 3),
        ("a buffer that does not exist", flow_mod(buffer=5), 1, 8),
        ("an unknown flow-mod command", flow_mod(command=9), 5, 6),
        ("table 255 in an add", flow_mod(table=255), 5, 2),
        ("an unknown match type", flow_mod(match=b"\0\7\0\4\0\0\0\0"), 4, 0),
        ("a field that does not exist", flow_mod(
            match=struct.pack(">HHHBB", 1, 9, 0x8000, 126 << 1, 1) + b"\1" + b"\0" * 7), 4, 6),
        ("a field twice", flow_mod(match=struct.pack(">HH", 1, 20) + struct.pack(
            ">HBBI", 0x8000, 0, 4, 1) * 2 + b"\0" * 4), 4, 10),
        ("tcp_dst without TCP", flow_mod(match=struct.pack(">HHHBBH", 1, 10, 0x8000, 14 << 1, 2, 80)
                                         + b"\0" * 6), 4, 9),
        ("an unknown instruction", flow_mod(instructions=struct.pack(">HHI", 77, 8, 0)), 3, 0),
        ("goto a table before", flow_mod(table=3, instructions=struct.pack(">HHBxxx", 1, 8, 2)),
         3, 2),
        ("an unknown action", flow_mod(instructions=struct.pack(
            ">HHIHHI", 4, 16, 0, 500, 8, 0)), 2, 0),
        ("an action with a bad length", flow_mod(instructions=struct.pack(
            ">HHIHHI", 4, 16, 0, 0, 8, 0)), 2, 1),
    ]
    for what, message, kind, code in cases:
        s.sendall(message)
        expect_error(s, kind, code, what)
        expect_alive(s, "after " + what)
    expect_equal(lab.sluice.flows("br0"), [], "flows")


def test_openflow_of_no_version_in_common(lab):
    lab.allow("br0")
    lab.bridge("br0")
    s = connect(lab.sluice.mgmt("br0"))
    s.sendall(of(0x63, 0, struct.pack(">HHI", 1, 8, 1 << 30)))
    expect_error(s, 0, 0, "hello of no common version")


def test_openflow_length_below_the_header(lab):
    lab.allow("br0")
    lab.bridge("br0")
    s, other = connect(lab.sluice.mgmt("br0")), connect(lab.sluice.mgmt("br0"))
    hello(s)
    hello(other)
    s.sendall(of(4, 2, length=4))
    while True:
        try:
            if read_message(s) is None:
                break
        except (ConnectionError, OSError):
            break
    expect_alive(other, "another connection")


def test_openflow_noise(lab):
    """Random bytes, and right messages with random bytes changed."""
    lab.allow("br0")
    lab.bridge("br0")
    lab.sluice.ofctl("add-flow", "br0", "cookie=0x99,priority=1,ip,actions=output:1")
    rng = random.Random(4)
    good = [flow_mod(instructions=struct.pack(">HHIHHIHxxxxxx", 4, 24, 0, 0, 16, 1, 0xffff)),
            of(4, 18, struct.pack(">HHIBBxxIIxxxxQQ", 1, 0, 0, 255, 0, 0xffffffff, 0xffffffff, 0, 0)
               + b"\0\1\0\4\0\0\0\0"),
            of(4, 13, struct.pack(">IIHxxxxxx", 0xffffffff, 0xfffffffd, 16)
               + struct.pack(">HHIHxxxxxx", 0, 16, 0xfffffffb, 0) + frame()),
            of(4, 20), of(4, 5), of(4, 9, b"\0\0\0\x80")]
    for i in range(400):
        s = connect(lab.sluice.mgmt("br0"))
        try:
            hello(s)
            message = bytearray(rng.choice(good))
            for _ in range(rng.randint(1, 6)):
                message[rng.randrange(4, len(message))] = rng.randrange(256)
            if i % 4 == 0:
                message = bytearray(rng.randbytes(rng.randint(1, 300)))
            s.sendall(message)
            if i % 5:
                s.sendall(of(4, 20))
        except OSError:
            pass
        s.close()
    expect(lab.sluice.alive(), "the daemon lives")
    s = connect(lab.sluice.mgmt("br0"))
    hello(s)
    expect_alive(s, "after all that")


# ---- OVSDB ----

def rpc(s, method, params, ident=1):
    s.sendall(json.dumps({"method": method, "params": params, "id": ident}).encode())
    decoder, text = json.JSONDecoder(), ""
    while True:
        data = s.recv(65536)
        expect(data, "a reply to %s" % method)
        text += data.decode()
        try:
            reply = decoder.raw_decode(text)[0]
        except ValueError:
            continue
        if reply.get("method") == "echo":
            text = ""
            continue
        return reply


def test_ovsdb_that_is_no_json(lab):
    lab.allow("json|JSON|db.sock|ovsdb")
    lab.sluice.vsctl("add-br", "br0")
    for bad in (b"}{", b'{"method": "transact", ', b"\xff\xfe\0", b"[1,2,3]", b'"x"',
                b'{"id":1,"method":7,"params":[]}', b"[" * 5000, b'{"a":' * 5000):
        s, other = connect(lab.sluice.rundir + "/db.sock"), connect(lab.sluice.rundir + "/db.sock")
        s.sendall(bad)
        s.shutdown(socket.SHUT_WR)
        try:
            while s.recv(65536):
                pass
        except OSError:
            pass
        expect_equal(rpc(other, "echo", ["x"])["result"], ["x"], "another connection")
        s.close()
        other.close()
    expect_in("br0", lab.sluice.vsctl("list-br"), "the bridge")


def test_impossible_transactions(lab):
    lab.allow("ovsdb|transact")
    lab.sluice.vsctl("add-br", "br0")
    s = connect(lab.sluice.rundir + "/db.sock")
    before = lab.sluice.vsctl("list", "Bridge")
    cases = [
        ("an unknown table", [{"op": "insert", "table": "Nothing", "row": {}}]),
        ("an unknown column", [{"op": "insert", "table": "Bridge", "row": {"nothing": 1}}]),
        ("a wrong type", [{"op": "update", "table": "Bridge", "where": [],
                           "row": {"stp_enable": "perhaps"}}]),
        ("a value out of range", [{"op": "update", "table": "Bridge", "where": [],
                                   "row": {"fail_mode": "sometimes"}}]),
        ("an unknown operation", [{"op": "improve", "table": "Bridge"}]),
        ("a reference to nothing", [{"op": "update", "table": "Bridge", "where": [], "row": {
            "ports": ["set", [["uuid", "11111111-2222-3333-4444-555555555555"]]]}}]),
        ("an unknown name", [{"op": "update", "table": "Bridge", "where": [], "row": {
            "ports": ["named-uuid", "nobody"]}}]),
        ("an abort", [{"op": "update", "table": "Bridge", "where": [], "row": {
            "stp_enable": True}}, {"op": "abort"}]),
        ("a wait that fails", [{"op": "update", "table": "Bridge", "where": [], "row": {
            "stp_enable": True}}, {"op": "wait", "table": "Bridge", "where": [], "timeout": 0,
                                   "columns": ["name"], "until": "==", "rows": []}]),
        ("a duplicate name", [{"op": "insert", "table": "Bridge", "row": {"name": "br0"},
                               "uuid-name": "b"},
                              {"op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": [
                                  ["bridges", "insert", ["named-uuid", "b"]]]}]),
        ("a column that is read only", [{"op": "update", "table": "Bridge", "where": [], "row": {
            "name": "other"}}]),
    ]
    for what, ops in cases:
        reply = rpc(s, "transact", ["Open_vSwitch"] + ops)
        text = json.dumps(reply)
        expect('"error": "' in text, "%s: an OVSDB error, got %s" % (what, text))
        expect_equal(lab.sluice.vsctl("list", "Bridge"), before, "rows after " + what)
    reply = rpc(s, "transact", ["No_such_database", {"op": "abort"}])
    expect(reply["error"], "an unknown database")
    reply = rpc(s, "no_such_method", [])
    expect(reply["error"], "an unknown method")


def test_rpc_socket(lab):
    lab.allow("ctl|rpc")
    path = "%s/sluiced.%d.ctl" % (lab.sluice.rundir, lab.sluice.pid())
    for bad in (b"}{", b"\0" * 100, b'{"id":0,"method":"x"}', b'{"id":0,"method":"version","params":7}'):
        s = connect(path)
        s.sendall(bad)
        s.close()
    try:
        lab.sluice.rpc("no/such/command")
        expect(False, "an unknown command is refused")
    except slu.Failure as e:
        expect_in("no/such/command", str(e), "the error names it")
    expect_in("Sluice", lab.sluice.rpc("version"), "version")


def test_command_lines(lab):
    """Programs say what is wrong and what they expected."""
    for program, args, wanted in (
            ("sluiced", ["--no-such-option"], "no-such-option"),
            ("sluiced", ["--workers=lots"], "lots"),
            ("sluice-simnic", ["--profile=nothing", "--rundir=" + slu.BASE], "nothing"),
            ("sluicectl", ["--rundir", lab.sluice.rundir, "no-such-command"], "no-such-command"),
            ("sluicectl", ["--rundir", lab.sluice.rundir, "add-br"], "add-br"),
            ("sluicectl", ["--rundir", lab.sluice.rundir, "add-flow", "br9", "actions=drop"], "br9"),
            ("sluicectl", ["--rundir", "/nonexistent", "show"], "/nonexistent")):
        p = slu.run(slu.program(program), *args, check=False, timeout=20)
        expect(p.returncode not in (0, -6, -11), "%s %s fails" % (program, args))
        expect_in(wanted, p.stderr + p.stdout, "%s %s" % (program, args))


def test_flow_syntax(lab):
    lab.bridge("br0")
    for flow in ("tcp,tp_dst=99999,actions=drop", "nw_src=10.0.0.300,actions=drop", "actions=fly:1",
                 "priority=70000,actions=drop", "ip,actions=set_field:1->nothing", "in_port=1"):
        p = lab.sluice.ctl("add-flow", "br0", flow, check=False)
        expect(p.returncode != 0, "%s is refused" % flow)
        expect(len(p.stderr.strip()) > 10, "a message for %s: %r" % (flow, p.stderr))
    expect_equal(lab.sluice.flows("br0"), [], "flows")


def test_second_daemon_in_the_same_directory(lab):
    p = slu.run(slu.program("sluiced"), "--rundir", lab.sluice.rundir, "--db-file", lab.sluice.db,
                ns=lab.ns, check=False, timeout=20)
    expect(p.returncode != 0, "it gives up")
    expect(lab.sluice.rundir in p.stderr or lab.sluice.db in p.stderr, "it says why: " + p.stderr)
    lab.sluice.vsctl("add-br", "br0")


def test_damaged_database(lab):
    lab.sluice.vsctl("add-br", "br0")
    lab.sluice.stop()
    with open(lab.sluice.db, "wb") as f:
        f.write(os.urandom(5000))
    p = slu.run(slu.program("sluiced"), "--rundir", lab.sluice.rundir, "--db-file", lab.sluice.db,
                ns=lab.ns, check=False, timeout=20)
    expect(p.returncode not in (0, -6, -11), "it gives up in order")
    expect_in(lab.sluice.db, p.stderr, "it says why")
    os.unlink(lab.sluice.db)
    lab.allow(".")
    lab.sluice.start()


if __name__ == "__main__":
    main()
