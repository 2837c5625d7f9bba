#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Includes point one way: tools -> ofctl -> {offload, swpath} -> hal <- drivers. Drivers do not know
each other, but what kernel network devices are to several of them (drivers/netdev)."""
import os

import tree

MAY = {
    "hal": {"hal"},
    "drivers": {"drivers", "hal"},
    "offload": {"offload", "hal"},
    "swpath": {"swpath", "hal"},
    "ofctl": {"ofctl", "offload", "swpath", "hal"},
    "tools": {"tools", "ofctl", "offload", "swpath", "hal"},
}
# The model eSwitch speaks its driver's protocol; that header alone is theirs in common.
ALSO = {("tools/simnic/", "drivers/sim/")}

problems = []
for path in tree.tracked(".c", ".h", ".def"):
    layer = path.split("/")[0]
    if layer not in MAY:
        continue
    for line, name, quoted in tree.includes(path):
        where = "%s:%d" % (path, line)
        if not quoted:
            continue
        if not os.path.exists(os.path.join(tree.ROOT, name)):
            generated = os.path.exists(os.path.join(tree.BUILD, name))
            if not generated and "/" not in name and name.endswith(".skel.h"):
                generated = True
            if not generated:
                problems.append('%s: "%s" is not a path from the root of the tree' % (where, name))
            continue
        to = name.split("/")[0]
        if to not in MAY[layer] and not any(
                path.startswith(a) and name.startswith(b) for a, b in ALSO):
            problems.append("%s: %s may not include %s (%s)" % (where, layer, to, name))
        if layer == "drivers" and to == "drivers" and path.count("/") > 1:
            mine, other = path.split("/")[1], name.split("/")[1]
            if "/" in name[8:] and other not in (mine, "netdev"):
                problems.append("%s: driver %s includes driver %s" % (where, mine, other))
tree.finish(problems, "includes point the wrong way")
