#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone."""
import concurrent.futures
import os
import subprocess

import tree

PACKAGES = ["libdpdk", "libevent", "jansson", "sqlite3", "libmnl", "libnl-3.0", "openssl"]
flags = subprocess.run(["pkg-config", "--cflags"] + PACKAGES, stdout=subprocess.PIPE, text=True,
                       check=True).stdout.split()
flags = ["-isystem" + f[2:] if f.startswith("-I") else f for f in flags]


# Headers of programs that the kernel runs are for clang's BPF.
BPF = ["clang", "-O2", "-Wall", "-Wextra", "-Werror", "-target", "bpf", "-fsyntax-only",
       "-Wno-unused-function", "-idirafter", "/usr/include/%s-linux-gnu" % os.uname().machine,
       "-I" + tree.ROOT, "-x", "c", "-"]


def compile_alone(path):
    source = '#include "%s"\n' % path
    if path.endswith(".bpf.h"):
        p = subprocess.run(BPF, input=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, cwd=tree.ROOT)
        return path, p.returncode, p.stdout
    p = subprocess.run(
        ["gcc", "-std=c17", "-D_GNU_SOURCE", "-DALLOW_EXPERIMENTAL_API", "-Wall", "-Wextra",
         "-Werror", "-Wno-missing-field-initializers", "-fsyntax-only", "-I" + tree.ROOT,
         "-I" + tree.BUILD, "-I" + os.path.join(tree.ROOT, os.path.dirname(path)), "-x", "c", "-"]
        + flags + ["-march=x86-64-v2"] * (os.uname().machine == "x86_64"),
        input=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tree.ROOT)
    return path, p.returncode, p.stdout


# A kernel module has the kernel's headers.
headers = [h for h in tree.tracked(".h") if not h.startswith("tests/vm/testnic/")]
# Tests include their folder's neighbours by bare names.
flags += ["-I" + os.path.join(tree.ROOT, d) for d in sorted({os.path.dirname(h) for h in headers
                                                             if h.startswith("tests/unit/")})]
problems = []
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    for path, code, output in pool.map(compile_alone, headers):
        if code:
            problems.append("%s does not compile alone:\n%s" % (path, output))
tree.finish(problems, "of %d headers do not compile alone" % len(headers))
