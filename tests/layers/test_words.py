#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""No notes to oneself in the tree, one number for one seeded fault (which may need several places of
a file), no names of foreign places."""
import re

import tree

WORDS = re.compile("|".join([
    r"\bTO" r"DO\b", r"\bFIX" r"ME\b", r"\bXX" r"X\b", r"\bHA" r"CK\b", r"(?i:\bfor " r"now\b)",
    r"(?i:\bnot (?:yet )?" r"implemented\b)", r"(?i:\bstub" r"s?\b)", r"/" r"work/",
    r"(?i:\bthis " r"machine\b)"]))
SUFFIXES = (".c", ".h", ".def", ".py", ".sh", ".build", ".md", ".txt", ".in", ".1", ".8")

problems = []
mutations = {}
for path in tree.tracked():
    if not path.endswith(SUFFIXES) and path not in ("tests/run", "tools/demo", ".ci/run"):
        continue
    for i, line in enumerate(tree.read(path).splitlines(), 1):
        m = WORDS.search(line)
        if m:
            problems.append("%s:%d: %s" % (path, i, m.group(0)))
    if path.endswith((".c", ".h")) and path not in (
            "hal/mutation.h", "drivers/ebpf/mutation.bpf.h"):
        text = tree.code_only(tree.read(path))
        for m in re.finditer(r"\bMUTATE\(\s*(\w+)", text):
            where = "%s:%d" % (path, text.count("\n", 0, m.start()) + 1)
            if not m.group(1).isdigit():
                problems.append("%s: MUTATE(%s): the number is no literal" % (where, m.group(1)))
            elif mutations.get(m.group(1), where).split(":")[0] != path:
                problems.append("%s: mutation %s is also in %s" % (
                    where, m.group(1), mutations[m.group(1)]))
            mutations[m.group(1)] = where
print("%d seeded faults" % len(mutations))
tree.finish(problems, "words or numbers are wrong")
