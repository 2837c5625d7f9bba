#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every C file is laid out as .clang-format says."""
import concurrent.futures
import os
import subprocess

import tree


def unformatted(files):
    p = subprocess.run(["clang-format", "--dry-run"] + files, cwd=tree.ROOT,
                       stderr=subprocess.PIPE, text=True)
    if p.returncode:
        return p.stderr.splitlines()
    return sorted({line.split(":")[0] for line in p.stderr.splitlines() if "warning" in line})


files = tree.tracked(".c", ".h")
problems = []
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for found in pool.map(unformatted, [files[i:i + 20] for i in range(0, len(files), 20)]):
        problems += found
tree.finish(problems, "of %d files are not formatted (clang-format -i FILE)" % len(files))
