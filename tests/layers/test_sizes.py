#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Files stay small: the median .c file has at most 300 lines, none more than 1,000."""
import statistics

import tree

sizes = {path: tree.read(path).count("\n") for path in tree.tracked(".c")}
problems = ["%s has %d lines" % (p, n) for p, n in sizes.items() if n > 1000]
median = statistics.median(sizes.values())
if median > 300:
    problems.append("the median .c file has %g lines" % median)
print("%d .c files, median %g lines, largest %d" % (len(sizes), median, max(sizes.values())))
tree.finish(problems, "sizes are out of bounds")
