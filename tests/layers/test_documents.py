#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Help texts, manual pages, completions, README and what is installed agree with each other."""
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time

import tree

PROGRAMS = {"sluiced": "tools/sluiced", "sluicectl": "tools/sluicectl",
            "sluice-simnic": "tools/simnic"}
problems = []


def check_equal(what, got, want):
    for word in sorted(set(got) - set(want)):
        problems.append("%s: %s is of no use there" % (what, word))
    for word in sorted(set(want) - set(got)):
        problems.append("%s: %s is missing" % (what, word))


def run(*cmd, **kw):
    return subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          check=True, **kw).stdout


def program(name):
    return os.path.join(tree.BUILD, PROGRAMS[name], name)


# ---- what programs say of themselves ----

def help_options(text):
    """Options that a help text lists, short and long."""
    found = set()
    for line in text.splitlines():
        m = re.match(r"\s{2,6}((?:-[\w?], |    )?--[\w-]+|-[\w?](?=  ))", line)
        if m:
            found.update(m.group(1).replace(",", " ").split())
    return found


def help_commands(text):
    """Commands that sluicectl's help lists, behind the options."""
    return set(re.findall(r"^  ([a-z][\w-]*)(?= )", text.split("\nOptions:")[1], re.M))


def command_options(commands):
    """Options that belong to single commands of sluicectl."""
    found = set()
    for command in commands:
        usage = run(program("sluicectl"), command, "--help").splitlines()[0]
        found.update(re.findall(r"\[(--[\w-]+)", usage))
    return found


# ---- manual pages ----

def man_titles(name):
    """(section, title without fonts, its bold words) of every paragraph with a title."""
    section, lines = "", tree.read("tools/man/%s.8" % name).splitlines()
    for i, line in enumerate(lines):
        line = line.replace("\\-", "-")
        if line.startswith(".SH"):
            section = line[4:]
        elif line == ".TP":
            title = lines[i + 1].replace("\\-", "-")
            if title.startswith((".B ", ".BI ")):
                bold = title.split(None, 1)[1].split(" ", 1)[0] if title.startswith(".BI") else title[3:]
                title = title.split(None, 1)[1].replace(" \\fR,\\ \\fB", ", ")
            else:
                bold = " ".join(re.findall(r"\\fB(.*?)(?=\\f|$)", title))
            yield section, re.sub(r"\\f[BIR]", "", title), bold


def man_options(name):
    found = set()
    for _, title, _ in man_titles(name):
        found.update(re.findall(r"(?<![\w-])(--?[A-Za-z?][\w-]*)", title))
    return found


def man_commands():
    found = set()
    for section, title, bold in man_titles("sluicectl"):
        if section in ("OPTIONS", "FILES"):
            continue
        words = [w for w in bold.split() if re.fullmatch(r"[a-z][a-z-]*", w)]
        pieces = [re.sub(r"\[[^]]*\] ?", "", p).split() for p in title.split(", ")]
        found.update(next((w for w in p if w in words), "") for p in pieces)
    return found - {""}


# ---- completions ----

def completed(name, *words):
    """What bash offers for the last of the words."""
    script = '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _%s; ' \
             'printf "%%s\\n" "${COMPREPLY[@]}"' % name.replace("-", "_")
    out = run("bash", "-c", script, "bash", os.path.join(tree.ROOT, "tools/completion", name),
              name, *words)
    return {re.sub(r"=.*", "", word) for word in out.split()}


def check_programs():
    for name in PROGRAMS:
        text = run(program(name), "--help")
        options = help_options(text)
        if name == "sluicectl":
            commands = help_commands(text)
            options |= command_options(commands)
            check_equal("tools/man/sluicectl.8", man_commands(), commands)
            check_equal("tools/completion/sluicectl", completed(name, ""), commands)
        check_equal("tools/man/%s.8" % name, man_options(name), options)
        check_equal("tools/completion/" + name, completed(name, "--"),
                    {o for o in options if o.startswith("--")})


# ---- README ----

def readme_commands():
    """Lines of README that are typed, as words."""
    for kind, block in re.findall(r"^```(sh)?\n(.*?)^```", tree.read("README.md"), re.M | re.S):
        for line in block.splitlines():
            if not kind and not line.startswith("$ "):
                continue
            for part in re.sub(r"^\$ | # .*", "", line).split("&&"):
                words = shlex.split(part)
                while words and (words[0] == "sudo" or "=" in words[0]):
                    words.pop(0)
                if words:
                    yield words


def check_sluicectl(words, commands):
    """The words after sluicectl: options that it has, and a command."""
    known = help_options(run(program("sluicectl"), "--help")) | command_options(commands)
    rest = iter(words)
    for word in rest:
        if word.startswith("-"):
            if word.split("=")[0] not in known:
                problems.append("README.md: sluicectl has no option " + word)
            elif word in ("--rundir", "--timeout"):
                next(rest, None)
        else:
            if word not in commands and not word.isupper():
                problems.append("README.md: sluicectl has no command " + word)
            return


def check_readme():
    commands = help_commands(run(program("sluicectl"), "--help"))
    suites = run(os.path.join(tree.ROOT, "tests/lib/runner.py"), "--help").split("suites:")[1].split()
    seen = set()
    for words in readme_commands():
        name = words[0]
        seen.add(name)
        path = os.path.join(tree.ROOT, name)
        if name.startswith("build/"):
            path = os.path.join(tree.BUILD, name[6:])
        if "/" in name and not os.access(path, os.X_OK):
            problems.append("README.md: there is no program %s" % name)
        elif "/" not in name and name not in PROGRAMS and name not in (
                "export", "systemctl") and not shutil.which(name):
            problems.append("README.md: there is no command %s" % name)
        if os.path.basename(name) == "sluicectl":
            check_sluicectl(words[1:], commands)
        elif os.path.basename(name) == "sluiced":
            used = {w.split("=")[0] for w in words if w.startswith("--")}
            for option in used - help_options(run(program("sluiced"), "--help")):
                problems.append("README.md: sluiced has no option " + option)
    for line in re.findall(r"`sudo tests/run ([^`]*)`", tree.read("README.md")):
        if line.split()[0] not in suites and not line.startswith("["):
            problems.append("README.md: tests/run has no suite " + line)
    if not {"tools/demo", "tests/run", "sluicectl", "ovs-vsctl"} <= seen:
        problems.append("README.md: its commands were not found: %s" % sorted(seen))
    for path in re.findall(r"^\| `([\w./]+)` \|", tree.read("README.md"), re.M):
        if not os.path.exists(os.path.join(tree.ROOT, path)):
            problems.append("README.md: there is no " + path)


def capabilities(device, rundir):
    """What a daemon says of a device that it has opened, as JSON."""
    ctl = [program("sluicectl"), "--rundir", rundir]
    with open(rundir + "/log", "w") as log, subprocess.Popen(
            [program("sluiced"), "--rundir", rundir], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log) as daemon:
        try:
            for _ in range(100):
                if os.path.exists(rundir + "/db.sock"):
                    break
                time.sleep(0.1)
            run(*ctl, "set", "Open_vSwitch", ".", "other_config:hw-offload=true",
                "other_config:sluice-device=" + device)
            return run(*ctl, "offload", "capabilities", "--json")
        finally:
            daemon.terminate()


def check_table():
    script = os.path.join(tree.ROOT, "tools/docs/offload_table.py")
    profiles = run(program("sluice-simnic"), "--list-profiles", "--json")
    with tempfile.TemporaryDirectory() as where:
        for name, text in (("profiles", profiles), ("tc", capabilities("tc", where)),
                           ("ebpf", capabilities("ebpf", where))):
            with open("%s/%s.json" % (where, name), "w") as f:
                f.write(text)
        table = run(script, *["%s/%s.json" % (where, n) for n in ("profiles", "tc", "ebpf")])
    by_name = {p["name"]: p for p in json.loads(profiles)}
    if not by_name["nic"]["match"] or table not in tree.read("README.md"):
        problems.append("README.md: the offload table is not what %s prints" % script)


# ---- installation ----

def check_installed():
    with tempfile.TemporaryDirectory() as where:
        run("meson", "install", "-C", tree.BUILD, "--no-rebuild", "--destdir", where)
        files = {os.path.relpath(f, where): f
                 for f in glob.glob(where + "/**", recursive=True) if not os.path.isdir(f)}
        wanted = ["bin/sluicectl", "sbin/sluiced", "libexec/sluice/sluice-simnic",
                  "lib/systemd/system/sluiced.service"]
        for name in PROGRAMS:
            wanted += ["share/man/man8/%s.8" % name, "share/bash-completion/completions/" + name]
        for end in wanted:
            if not any(f.endswith("/" + end) for f in files):
                problems.append("meson install: no " + end)
        for path, full in files.items():
            if path.endswith("/sluiced.service"):
                with open(full) as f:
                    check_unit(f.read(), files)


def check_unit(unit, files):
    if re.search(r"@\w+@", unit):
        problems.append("sluiced.service: something is not filled in")
    words = re.search(r"^ExecStart=(.*)", unit, re.M).group(1).split()
    if words[0].lstrip("/") not in files:
        problems.append("sluiced.service: %s is not installed" % words[0])
    for word in words[1:]:
        if word.split("=")[0] not in help_options(run(program("sluiced"), "--help")):
            problems.append("sluiced.service: sluiced has no option " + word)


check_programs()
check_readme()
check_table()
check_installed()
tree.finish(problems, "documents disagree")
