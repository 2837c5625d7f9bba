#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What belongs in one place stays there: driver libraries in drivers/, OpenFlow's wire formats and
codes in ofctl/openflow, and none of ours in sluicectl."""
import os
import re

import tree

# Libraries that only drivers may use.
DRIVER_HEADERS = re.compile(r"netlink/|rte_flow|mlx5dv|infiniband/|bpf/libbpf|bpf/bpf\.h|libbpf")
# Names of OpenFlow's and Nicira's wire formats and codes.
WIRE = re.compile(r"\b(?:OFPT|OFPET|OFPBRC|OFPBAC|OFPBIC|OFPBMC|OFPFMFC|OFPAT|OFPIT|OFPXMT|OFPMP|"
                  r"OFPST|OFPHFC|OFPPMFC|NXAST|NXT|NXST)_[A-Z0-9_]+\b|\bstruct (?:ofp|nx)_?[0-9a-z_]*\b")
WIRE_MAY = ("ofctl/openflow/", "tools/sluicectl/", "tests/")

problems = []
for path in tree.tracked(".c", ".h", ".def"):
    text = tree.read(path)
    if not path.startswith(("drivers/", "tests/")):
        for line, name, _ in tree.includes(path):
            if DRIVER_HEADERS.search(name):
                problems.append("%s:%d: %s is for drivers only" % (path, line, name))
    if not path.startswith(WIRE_MAY):
        for i, line in enumerate(tree.code_only(text).splitlines(), 1):
            m = WIRE.search(line)
            if m:
                problems.append("%s:%d: %s: OpenFlow's wire formats are known in ofctl/openflow "
                                "only" % (path, i, m.group(0)))
    if path.startswith("tools/sluicectl/"):
        for line, name, quoted in tree.includes(path):
            if quoted and not name.startswith("tools/sluicectl/"):
                problems.append("%s:%d: sluicectl is a client like any other, it may not include "
                                "%s" % (path, line, name))

# What the build links into sluicectl.
rules = os.path.join(tree.BUILD, "build.ninja")
with open(rules) as f:
    text = f.read().replace("$\n", "")
found = False
for m in re.finditer(r"^build (\S*sluicectl): c_LINKER (.*)$", text, re.M):
    found = True
    inputs = m.group(2).replace("|", " ").split()
    for name in inputs:
        if name.startswith("/") or "/" not in name:
            continue
        if "sluicectl" not in name:
            problems.append("sluicectl links %s" % name)
if not found:
    problems.append("%s has no rule that links sluicectl" % rules)
tree.finish(problems, "things are where they do not belong")
