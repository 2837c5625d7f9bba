#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy finds nothing in the product. Files that were clean are remembered in the build
directory by their content, their headers' and the checks', so that a second run is quick."""
import concurrent.futures
import functools
import hashlib
import os
import re
import subprocess
import sys

import tree

CACHE = os.path.join(tree.BUILD, "tidy-clean")
COMMANDS = os.path.join(tree.BUILD, "tidy-commands")


@functools.lru_cache(maxsize=None)
def included(path):
    """Files of the tree that this one includes itself."""
    return [name for _, name, quoted in tree.includes(path)
            if quoted and os.path.exists(os.path.join(tree.ROOT, name))]


@functools.lru_cache(maxsize=None)
def content(path):
    return hashlib.sha256(tree.read(path).encode()).digest()


def digest(path, command):
    """Of all that the verdict on a file depends on."""
    files, todo = set(), [path]
    while todo:
        name = todo.pop()
        if name not in files:
            files.add(name)
            todo += included(name)
    h = hashlib.sha256(content(".clang-tidy") + content("tests/layers/test_tidy.py"))
    h.update(command.encode())
    for name in sorted(files):
        h.update(name.encode() + b"\0" + content(name))
    return h.hexdigest()


def write_commands():
    """The build's commands without what only gcc understands."""
    with open(os.path.join(tree.BUILD, "compile_commands.json")) as f:
        text = re.sub(r" -mmem(set|cpy)-strategy=\S+", "", f.read())
    with open(os.path.join(COMMANDS, "compile_commands.json"), "w") as f:
        f.write(text)


def tidy(item):
    path, mark = item
    p = subprocess.run(["clang-tidy", "--quiet", "-p", COMMANDS,
                        "--extra-arg=-Wno-unknown-warning-option", path], cwd=tree.ROOT,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True)
    if p.returncode:
        return p.stdout or p.stderr
    open(mark, "w").close()
    return None


def main():
    os.makedirs(CACHE, exist_ok=True)
    os.makedirs(COMMANDS, exist_ok=True)
    write_commands()
    todo, marks = [], set()
    for path, (_, command) in sorted(tree.compile_commands().items()):
        # A build directory may remember files that are gone, and makes some itself.
        if path.startswith(("tests/", "../")) or not os.path.exists(
                os.path.join(tree.ROOT, path)):
            continue
        mark = digest(path, command)
        marks.add(mark)
        if not os.path.exists(os.path.join(CACHE, mark)):
            todo.append((path, os.path.join(CACHE, mark)))
    if not marks:
        sys.exit("%s compiles no file of the product" % tree.BUILD)
    for old in set(os.listdir(CACHE)) - marks:
        os.unlink(os.path.join(CACHE, old))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        problems = [output for output in pool.map(tidy, todo) if output]
    print("%d files, %d of them checked now" % (len(marks), len(todo)))
    tree.finish(problems, "files with findings")


main()
