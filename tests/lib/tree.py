# SPDX-License-Identifier: Apache-2.0
"""The files of the source tree, and the build's compile flags."""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("SLU_BUILD", os.path.join(ROOT, "build"))


def tracked(*suffixes):
    """Tracked files, and new ones that git does not ignore; relative paths."""
    out = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-co", "--exclude-standard"],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    return sorted(f for f in out.splitlines()
                  if f.endswith(suffixes or "") and os.path.exists(os.path.join(ROOT, f)))


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as f:
        return f.read()


def code_only(text):
    """C source without comments and string contents, line by line as before."""
    def blank(m):
        s = m.group(0)
        if s.startswith('"'):
            return '""'
        return "\n" * s.count("\n")
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def includes(path):
    """(line number, included name, quoted?) of every #include."""
    for i, line in enumerate(read(path).splitlines(), 1):
        m = re.match(r'\s*#\s*include\s+(["<])([^">]+)', line)
        if m:
            yield i, m.group(2), m.group(1) == '"'


def compile_commands():
    """Source file (relative) to its compiler command in the build."""
    with open(os.path.join(BUILD, "compile_commands.json")) as f:
        entries = json.load(f)
    out = {}
    for e in entries:
        path = os.path.relpath(os.path.join(e["directory"], e["file"]), ROOT)
        out[path] = (e["directory"], e["command"])
    return out


def finish(problems, what):
    for p in problems:
        print(p)
    print("%d %s" % (len(problems), what))
    sys.exit(1 if problems else 0)
