#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy finds nothing. Within a minute: changed files first, then files that were not clean
before, then the others; what was clean is remembered by content in the build directory, so that
runs on an unchanged tree complete each other. TIDY_SECONDS=0 lifts the limit."""
import concurrent.futures
import hashlib
import os
import subprocess
import sys
import time

import tree

LIMIT = float(os.environ.get("TIDY_SECONDS", "60"))
CACHE = os.path.join(tree.BUILD, "tidy-clean")
FLAGS = ("-Wno-unknown-warning-option",)


def digest(path, headers):
    h = hashlib.sha256(headers)
    h.update(tree.read(path).encode())
    return h.hexdigest()


def tidy(path):
    p = subprocess.run(["clang-tidy", "--quiet", "-p", tree.BUILD, path]
                       + ["--extra-arg=" + f for f in FLAGS], cwd=tree.ROOT,
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return p.returncode == 0 and "warning:" not in p.stdout, p.stdout


def main():
    os.makedirs(CACHE, exist_ok=True)
    # A header can make any file unclean; so can the configuration.
    common = hashlib.sha256()
    for path in tree.tracked(".h", ".def", ".clang-tidy"):
        common.update(tree.read(path).encode())
    known = tree.compile_commands()
    changed = tree.changed()
    todo = []
    clean = 0
    for path in tree.tracked(".c"):
        if path not in known:
            continue
        mark = os.path.join(CACHE, digest(path, common.digest()))
        if os.path.exists(mark):
            clean += 1
        else:
            todo.append((path not in changed, hashlib.sha256(path.encode()).digest(), path, mark))
    todo.sort()
    end = time.monotonic() + LIMIT if LIMIT else float("inf")
    problems, left = [], 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        def check(item):
            if time.monotonic() > end:
                return item, None, ""
            return (item,) + tidy(item[2])
        for item, ok, output in pool.map(check, todo):
            if ok is None:
                left += 1
            elif ok:
                clean += 1
                open(item[3], "w").close()
            else:
                problems.append(output)
    print("%d files clean, %d not reached in %g s" % (clean, left, LIMIT))
    if not clean and not problems:
        sys.exit("clang-tidy checked nothing")
    tree.finish(problems, "files with findings")


main()
