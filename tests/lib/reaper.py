#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Removes what a test run left: processes, network namespaces, directories.

    reaper.py ID          now
    reaper.py --wait ID   when standard input ends, that is, when whoever holds it is gone
"""
import os
import shutil
import signal
import subprocess
import sys
import time


def marked(run):
    """Processes that inherited SLU_RUN=run, without this one."""
    mark = b"SLU_RUN=" + run.encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if int(pid) in (os.getpid(), os.getppid()):
            continue
        try:
            with open("/proc/%s/environ" % pid, "rb") as f:
                if mark in f.read().split(b"\0"):
                    yield int(pid)
        except OSError:
            pass


def namespaces(run):
    out = subprocess.run(["ip", "netns", "list"], stdout=subprocess.PIPE, text=True).stdout
    return [line.split()[0] for line in out.splitlines() if line.startswith("slu%s-" % run)]


def kill(pids):
    found = False
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
            found = True
        except OSError:
            pass
    return found


def reap(run):
    for _ in range(20):
        inside = []
        for ns in namespaces(run):
            out = subprocess.run(["ip", "netns", "pids", ns], stdout=subprocess.PIPE, text=True)
            inside += map(int, out.stdout.split())
        if not kill(list(marked(run)) + inside):
            break
        time.sleep(0.05)
    for ns in namespaces(run):
        subprocess.run(["ip", "netns", "del", ns])
    shutil.rmtree("/tmp/slu-" + run, ignore_errors=True)


def main():
    args = sys.argv[1:]
    wait = args[0] == "--wait"
    run = args[-1]
    os.environ.pop("SLU_RUN", None)
    if wait:
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sig, signal.SIG_IGN)
        while os.read(0, 4096):
            pass
    reap(run)


main()
