#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""other_config of Open_vSwitch: which CPUs the daemon's threads use, DPDK's memory, idle time."""
import os
import re

from nettest import expect, expect_equal, expect_in, main, wait_until


def threads(lab):
    """Name and CPUs of each thread."""
    found = []
    for tid in os.listdir("/proc/%d/task" % lab.sluice.pid()):
        with open("/proc/%d/task/%s/comm" % (lab.sluice.pid(), tid)) as f:
            found.append((f.read().strip(), os.sched_getaffinity(int(tid))))
    return found


def log(lab):
    with open(lab.sluice.log, errors="replace") as f:
        return f.read()


def configure(lab, *settings):
    lab.sluice.vsctl("set", "Open_vSwitch", ".", *("other_config:" + s for s in settings))


def restart(lab):
    lab.sluice.stop()
    lab.sluice.start()


def test_workers_and_their_cpus(lab):
    cpus = sorted(os.sched_getaffinity(0))[:2]
    mask = sum(1 << cpu for cpu in cpus)
    lab.allow("was changed: a restart")
    configure(lab, "pmd-cpu-mask=%x" % mask, "dpdk-lcore-mask=0x%x" % (1 << cpus[0]))
    wait_until("the advice to restart",
               lambda: "other_config:pmd-cpu-mask was changed: a restart" in log(lab))
    expect_equal([n for n, _ in threads(lab) if n.startswith("worker")], ["worker0"], "as before")
    restart(lab)
    got = dict(threads(lab))
    workers = {"worker%d" % i: {cpu} for i, cpu in enumerate(cpus)}
    expect_equal({n: c for n, c in got.items() if n.startswith("worker")}, workers, "workers")
    for name, where in threads(lab):
        expect(name.startswith("worker") or where == {cpus[0]}, "%s is on %s" % (name, where))


def test_other_threads_keep_off_the_workers(lab):
    cpus = sorted(os.sched_getaffinity(0))
    lab.allow("was changed: a restart")
    configure(lab, "pmd-cpu-mask=0x%x" % (1 << cpus[-1]))
    restart(lab)
    for name, where in threads(lab):
        if name.startswith("worker"):
            expect_equal(where, {cpus[-1]}, name)
        elif len(cpus) > 1:
            expect_equal(where, set(cpus[:-1]), name)


def test_memory(lab):
    lab.allow("was changed: a restart")
    configure(lab, "dpdk-socket-mem=96,0", "dpdk-init=true", "pmd-sleep-max=100")
    restart(lab)
    few = int(re.findall(r"(\d+) packet buffers", log(lab))[-1])
    configure(lab, "dpdk-extra=--no-huge --no-shconf -m 256")
    restart(lab)
    many = int(re.findall(r"(\d+) packet buffers", log(lab))[-1])
    expect(2 * few < many, "%d buffers in 96 MB, %d in 256 MB" % (few, many))


def test_idle_megaflows_go_as_soon_as_told(lab):
    configure(lab, "max-idle=600")
    lab.sluice.vsctl("add-br", "br0", "--", "set", "Bridge", "br0", "fail_mode=secure")
    h1, _ = lab.host("h1", "10.0.0.1/24", bridge="br0"), lab.host("h2", "10.0.0.2/24", bridge="br0")
    lab.sluice.ofctl("add-flow", "br0", "actions=NORMAL")
    h1.ping("10.0.0.2", 1)
    expect(lab.sluice.rpc_json("coverage/show")["megaflows"] > 0, "it has megaflows")
    wait_until("they went before the default's 10 s",
               lambda: lab.sluice.rpc_json("coverage/show")["megaflows"] == 0, 6)


def test_nonsense_is_ignored(lab):
    configure(lab, "pmd-cpu-mask=all", "dpdk-socket-mem=much", "dpdk-lcore-mask=-1")
    restart(lab)
    lab.allow("other_config:.*it is ignored")
    for key in ("pmd-cpu-mask=all", "dpdk-socket-mem=much", "dpdk-lcore-mask=-1"):
        expect_in("other_config:%s: expected" % key, log(lab), "it is named")
    lab.sluice.vsctl("add-br", "br0")


if __name__ == "__main__":
    main()
