#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes what the kernel answers to requests about traffic control into a folder, one file for each
datagram: capture.py FOLDER NETDEV. Run where there are filters of many kinds."""
import os
import socket
import struct
import sys

CLSACT_INGRESS = 0xfffffff2
NETLINK_EXT_ACK, NETLINK_CAP_ACK, SOL_NETLINK = 11, 10, 270
F_REQUEST, F_ACK, F_DUMP = 1, 4, 0x300


def ask(folder, name, kind, body, flags):
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
    s.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
    s.settimeout(1)
    s.send(struct.pack("=IHHII", 16 + len(body), kind, F_REQUEST | flags, 1, 0) + body)
    n, done = 0, False
    while not done:
        data = s.recv(65536)
        with open(os.path.join(folder, "%s.%d" % (name, n)), "wb") as f:
            f.write(data)
        n, at = n + 1, 0
        while at + 16 <= len(data):
            length, what = struct.unpack_from("=IH", data, at)
            done |= what in (2, 3)
            at += (length + 3) & ~3


def main():
    folder, netdev = sys.argv[1:]
    index = socket.if_nametoindex(netdev)
    tcmsg = struct.pack("=BxxxiIII", 0, index, 0, CLSACT_INGRESS, 0)
    link = struct.pack("=BxHiII", 0, 0, index, 0, 0)
    ask(folder, "filters", 46, tcmsg, F_DUMP)
    ask(folder, "qdiscs", 38, bytes(20), F_DUMP)
    ask(folder, "link", 18, link, F_ACK)
    ask(folder, "refused", 44, tcmsg, F_ACK | 0x400)


if __name__ == "__main__":
    main()
