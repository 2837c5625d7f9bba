#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every C file is laid out as .clang-format says."""
import subprocess

import tree

files = tree.tracked(".c", ".h")
problems = []
for i in range(0, len(files), 40):
    p = subprocess.run(["clang-format", "--dry-run"] + files[i:i + 40], cwd=tree.ROOT,
                       stderr=subprocess.PIPE, text=True)
    problems += sorted({line.split(":")[0] for line in p.stderr.splitlines() if "warning" in line})
tree.finish(problems, "of %d files are not formatted (clang-format -i FILE)" % len(files))
