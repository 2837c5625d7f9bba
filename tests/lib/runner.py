#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds Sluice and runs its test suites; tests/run calls it."""
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("SLU_BUILD", os.path.join(ROOT, "build"))
BUILD_CLANG = BUILD + "-clang"
BUILD_FUZZ = BUILD + "-fuzz"
SUITES = ("layers", "unit", "net", "diff", "vm", "conform", "fuzz", "bench")
NET_ALONE = ("faults",)  # what looks at the clock
NET_LONG = ("tunnels", "ofctl", "restart", "forwarding", "offload", "conntrack", "groups")
VM_ALONE = ("policers",)
VM_ON_REQUEST = ("test_tunnels",)  # what is tried without a guest, too
VM_LONG = ("test_agree", "test_audit", "test_diff", "test_families", "test_restart")
FUZZ_SECONDS = 12  # for each target, unless it is said
FUZZ_SLOWEST = 500  # inputs a second, on a busy machine
FUZZ_TARGETS = tuple("tests/fuzz/fuzz-" + name for name in ("flowtext", "openflow", "packet", "tc"))
REAPER = os.path.join(ROOT, "tests/lib/reaper.py")


def log(*words):
    print(*words, flush=True)


class Results:
    def __init__(self):
        self.passed, self.failed = 0, []

    def add(self, name, ok, seconds, output=""):
        log("%s %s (%.1f s)" % ("ok    " if ok else "FAILED", name, seconds))
        if ok:
            self.passed += 1
        else:
            self.failed.append(name)
            for line in output.rstrip().splitlines()[-400:]:
                log("    " + line)


class Reaper:
    """A process that removes what tests leave once this one is gone, however it went. What is of
    a lane of tests that run beside others is known by its letter."""

    def __init__(self, lane=""):
        self.run = "%x%s" % (os.getpid(), lane)
        self.read, self.write = os.pipe()
        self.proc = subprocess.Popen(["/usr/bin/python3", REAPER, "--wait", self.run],
                                     stdin=self.read, start_new_session=True)
        os.close(self.read)

    def sweep(self):
        """Removes it now: between tests."""
        subprocess.run(["/usr/bin/python3", REAPER, self.run], stdin=subprocess.DEVNULL)

    def close(self):
        os.close(self.write)
        self.proc.wait()


def build_one(where, options, compiler, targets=()):
    """Configures and compiles (the targets); returns its output when that fails, else None. A warning is an
    error: the project says so itself."""
    steps, env = [], dict(os.environ)
    if compiler != "gcc":  # which is the default, and then meson finds ccache by itself
        env["CC"] = ("ccache " if shutil.which("ccache") else "") + compiler
    if not os.path.exists(os.path.join(where, "build.ninja")):
        steps.append(["meson", "setup", where, ROOT] + list(options))
    elif options:
        steps.append(["meson", "configure", where] + list(options))
    steps.append(["ninja", "-C", where] + list(targets))
    for step in steps:
        p = subprocess.run(step, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, env=env)
        if p.returncode:
            return "$ %s\n%s" % (" ".join(step), p.stdout)
    return None


def build(suites, results):
    """The build that tests run, by gcc; and one by clang, with sanitizers, for the unit tests."""
    wanted = [(BUILD, "gcc", ("-Dbuildtype=debugoptimized", "-Dtests=enabled"), ())]
    if "unit" in suites:
        wanted.append((BUILD_CLANG, "clang", (
            "-Dbuildtype=debug", "-Doptimization=1", "-Dtests=enabled",
            "-Db_sanitize=address,undefined", "-Db_lundef=false"), ()))
    if "fuzz" in suites:
        wanted.append((BUILD_FUZZ, "clang", (
            "-Dbuildtype=debugoptimized", "-Dfuzz=true", "-Dtests=enabled",
            "-Db_sanitize=address,undefined", "-Db_lundef=false"), FUZZ_TARGETS))
    for where, compiler, options, targets in wanted:
        start = time.monotonic()
        output = build_one(where, options, compiler, targets)
        if output:
            results.add("build %s with %s" % (where, compiler), False, time.monotonic() - start,
                        output)
            return False
        log("built %s with %s in %.0f s" % (where, compiler, time.monotonic() - start))
    return True


class Test:
    """One test program in a process group of its own, which has begun."""

    def __init__(self, path, args, reaper, timeout, live=False):
        self.name, self.reaper = os.path.relpath(path, os.path.join(ROOT, "tests")), reaper
        self.began, self.timeout = time.monotonic(), timeout
        self.out = tempfile.TemporaryFile()
        command = (["/usr/bin/python3"] if path.endswith(".py") else []) + [path] + list(args)
        env = dict(os.environ, SLU_RUN=reaper.run, SLU_BUILD=BUILD,
                   PYTHONPATH=os.path.join(ROOT, "tests/lib"), PYTHONDONTWRITEBYTECODE="1")
        self.proc = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=None if live else self.out,
            stderr=subprocess.STDOUT, start_new_session=True, env=env, cwd=ROOT)

    def wait(self, seconds):
        """True once it has ended, within so long; also when its time is up."""
        try:
            self.proc.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return time.monotonic() - self.began > self.timeout

    def end(self, results):
        code = self.proc.poll()
        note = "" if code is not None else "\nno end after %g s" % self.timeout
        kill_group(self.proc)
        self.out.seek(0)
        output = self.out.read().decode(errors="replace") + note
        self.reaper.sweep()
        results.add(self.name, code == 0, time.monotonic() - self.began, output)
        return output


def run_test(path, args, results, reaper, timeout, live=False):
    test = Test(path, args, reaper, timeout, live)
    try:
        while not test.wait(1):
            pass
    except BaseException:
        kill_group(test.proc)
        raise
    return test.end(results)


def run_lanes(tests, results):
    """Two of (path, args, timeout) at a time, in this order: a lane that is free takes the next."""
    lanes, running = [Reaper(letter) for letter in "ab"], {}
    try:
        while tests or running:
            for reaper in lanes:
                if reaper not in running and tests:
                    path, args, timeout = tests.pop(0)
                    running[reaper] = Test(path, args, reaper, timeout)
            for reaper, test in list(running.items()):
                if test.wait(0.1):
                    del running[reaper]
                    test.end(results)
    finally:
        for test in running.values():
            kill_group(test.proc)
        for reaper in lanes:
            reaper.close()


def kill_group(p):
    try:
        os.killpg(p.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    p.wait()


def suite_scripts(suite, args, results, reaper, timeout):
    """Every test_*.py and test_*.sh of the suite's folder."""
    only = [a for a in args if not a.startswith("-")]
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", suite, "test_*"))):
        if only and not any(o in path for o in only):
            continue
        run_test(path, [], results, reaper, timeout)


def suite_layers(args, results, reaper):
    suite_scripts("layers", args, results, reaper, 300)


def suite_side_by_side(paths, first, alone, results, reaper, timeout):
    """Two at a time. The longest ones come first, so that both lanes end at about the same time; what
    looks at the clock runs alone."""
    def among(path, names):
        return any(name in path for name in names)
    run_lanes([(path, [], timeout) for path in sorted(paths, key=lambda p: not among(p, first))
               if not among(path, alone)], results)
    for path in paths:
        if among(path, alone):
            run_test(path, [], results, reaper, timeout)


def suite_net(args, results, reaper):
    """Scripts by name: mostly they wait."""
    paths = [path for path in sorted(glob.glob(os.path.join(ROOT, "tests/net/test_*.py")))
             if not args or any(a in path for a in args)]
    suite_side_by_side(paths, NET_LONG, NET_ALONE, results, reaper, 300)


def suite_diff(args, results, reaper):
    """diff.py with its options, and the tests beside it unless the options are diff.py's alone.
    Mostly they wait for what switches do on their own time, so the long ones run side by side;
    meters, which look at the clock, run alone."""
    names = [a for a in args if a.startswith("test_")]
    options = [a for a in args if a not in names]
    seed = options if len(options) == 2 and options[0] == "--seed" else []
    paths = sorted(glob.glob(os.path.join(ROOT, "tests/diff/test_*.py")))
    if names:
        for path in paths:
            if any(n in path for n in names):
                run_test(path, options, results, reaper, 1200)
        return
    diff = os.path.join(ROOT, "tests/diff/diff.py")
    if options and not seed:
        run_test(diff, options, results, reaper, 7200, live=True)
        return
    alone = [path for path in paths if "meters" in path]
    tests = [(diff, options, 1200)] + [(path, seed, 1200) for path in sorted(
        paths, key=lambda p: "model" not in p) if path not in alone]
    run_lanes(tests, results)
    for path in alone:
        run_test(path, seed, results, reaper, 1200)


def suite_vm(args, results, reaper):
    """Scripts by name (test_diff), and options for them: a guest is slow, so two of them run side
    by side, but for what is measured."""
    names = [a for a in args if a.startswith("test_")]
    options = [a for a in args if a not in names]
    paths = [path for path in sorted(glob.glob(os.path.join(ROOT, "tests/vm/test_*.py")))
             if (any(n in path for n in names) if names
                 else not any(n in path for n in VM_ON_REQUEST))]
    if options:
        for path in paths:
            run_test(path, options, results, reaper, 7200, live=True)
        return
    suite_side_by_side(paths, VM_LONG, VM_ALONE, results, reaper, 600)


def suite_conform(args, results, reaper):
    """os-ken's patterns, side by side; with names of its tests, only those."""
    run_test(os.path.join(ROOT, "tests/conform/test_patterns.py"), args, results, reaper, 600,
             live=True)


def suite_fuzz(args, results, reaper):
    """Each target (or those that are named) from its corpus on, for a while: --seconds N, or --runs N
    inputs. --keep takes what was found into the corpus."""
    values = {a: int(n) for a, n in zip(args, args[1:]) if a in ("--seconds", "--runs")}
    seconds = values.get("--seconds", 0 if "--runs" in values else FUZZ_SECONDS)
    runs = values.get("--runs", -1)
    named = [a for a in args if not a.startswith("--") and not a.isdigit()]
    for target in FUZZ_TARGETS:
        name = os.path.basename(target)
        if named and not any(n in name for n in named):
            continue
        found = tempfile.mkdtemp(prefix="slufuzz-")
        corpus = os.path.join(ROOT, "tests/fuzz/corpus", name[len("fuzz-"):])
        # Weighing the inputs by how rare their features are would take half of the time.
        output = run_test(os.path.join(BUILD_FUZZ, target),
                          ["-max_total_time=%d" % seconds, "-runs=%d" % runs, "-entropic=0",
                           "-artifact_prefix=%s/" % BUILD_FUZZ, "-print_final_stats=1", found,
                           corpus],
                          results, reaper, seconds + max(runs, 0) / FUZZ_SLOWEST + 60)
        stats = dict(re.findall(r"stat::(\w+): +(\d+)", output))
        log("      %s: %s inputs, %s a second" % (name, stats.get("number_of_executed_units", "?"),
                                                 stats.get("average_exec_per_sec", "?")))
        if "--keep" in args:
            subprocess.run([os.path.join(BUILD_FUZZ, target), "-merge=1", corpus, found],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(found)


def suite_bench(args, results, reaper):
    """A short run within three minutes; with options, what tests/bench/run does with them."""
    script = "tests/bench/bench.py" if args else "tests/bench/smoke.py"
    run_test(os.path.join(ROOT, script), args, results, reaper, 3600 if args else 180, live=True)


def suite_unit(args, results, reaper):
    """Every meson test, in both builds side by side: most of the time they wait for a clock."""
    env = dict(os.environ, SLU_RUN=reaper.run, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0",
               UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")
    running = []
    for where, label, side_by_side in ((BUILD, "", 1), (BUILD_CLANG, " with sanitizers", 2)):
        out = tempfile.TemporaryFile()
        command = ["meson", "test", "-C", where, "--no-rebuild", "--print-errorlogs",
                   "--num-processes=%d" % side_by_side, "--timeout-multiplier=4"] + args
        running.append((label, out, subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env)))
    for label, out, p in running:
        p.wait()
        out.seek(0)
        text = out.read().decode(errors="replace")
        tests = re.findall(r"^ *\d+/\d+ +(.*?) +(OK|FAIL|TIMEOUT|ERROR|SKIP|EXPECTEDFAIL)"
                           r" +([0-9.]+)s", text.split("Summary of Failures:")[0], re.M)
        for name, verdict, seconds in tests:
            if verdict != "SKIP":
                results.add("unit: %s%s" % (name, label), verdict == "OK", float(seconds))
        if p.returncode or not tests:
            log(text)
            if not any(verdict not in ("OK", "SKIP") for _, verdict, _ in tests):
                results.add("unit: meson test" + label, False, 0, "exit %d" % p.returncode)
    reaper.sweep()


def parse(argv):
    """Suites, and the options behind each of them."""
    chosen = {}
    current = None
    for arg in argv:
        if arg in ("-h", "--help"):
            log("usage: tests/run [SUITE [OPTION...]]...\nsuites: " + " ".join(SUITES))
            sys.exit(0)
        if arg in SUITES:
            current = arg
            chosen.setdefault(arg, [])
        elif current is None:
            log("tests/run: no suite called %s; there are: %s" % (arg, " ".join(SUITES)))
            sys.exit(2)
        else:
            chosen[current].append(arg)
    return chosen or {suite: [] for suite in SUITES}


def main():
    chosen = parse(sys.argv[1:])
    results = Results()
    for sig in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, lambda *_: sys.exit(130))
    reaper = Reaper()
    start = time.monotonic()
    try:
        if not build(chosen, results):
            chosen = {}
        for suite, args in chosen.items():
            began = time.monotonic()
            log("== %s" % suite)
            globals()["suite_" + suite](args, results, reaper)
            log("== %s took %.0f s" % (suite, time.monotonic() - began))
    finally:
        reaper.close()
    log("all of it took %.0f s" % (time.monotonic() - start))
    for name in results.failed:
        log("failed: " + name)
    log("%d passed, %d failed" % (results.passed, len(results.failed)))
    return 1 if results.failed or not results.passed else 0


if __name__ == "__main__":
    sys.exit(main())
