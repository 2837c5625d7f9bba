#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""README's commands for a running switch do what README says, as they stand there."""
import os
import re

import slu
from nettest import expect, expect_equal, expect_in, main


def blocks():
    """The shell examples that stock tools or sluicectl are part of."""
    with open(os.path.join(slu.ROOT, "README.md")) as f:
        found = re.findall(r"^```sh\n(.*?)^```", f.read(), re.M | re.S)
    return [b for b in found if re.search(r"^(ovs-|sluicectl)", b, re.M)]


def type_in(lab, block):
    """Runs it line by line as a user would, with the sockets where the lab has them."""
    out = ""
    for line in block.splitlines():
        if line.startswith("export OVS_RUNDIR="):
            continue
        path = os.path.dirname(slu.program("sluicectl")) + ":" + os.environ["PATH"]
        out += slu.run("bash", "-c", line, ns=lab.ns,
                       env={"OVS_RUNDIR": lab.sluice.rundir, "PATH": path})
    return out


def test_examples(lab):
    use, cpus, offload, connections = blocks()
    lab.ns.veth("eth1", "far1")
    lab.ns.veth("eth2", "far2")
    out = type_in(lab, use)
    expect_in("Interface eth1", out, "show")
    expect(re.search(r"\bip,in_port=\w+ actions=LOCAL$", out, re.M),
           "dump-flows shows the flow:\n" + out)
    lab.allow("a restart of sluiced applies it")
    expect_equal(type_in(lab, cpus), "", "taken, for the next start")
    out = type_in(lab, offload)
    expect_in("sim:nic: alive", out, "offload status")
    expect_equal(lab.sluice.ctl("get", "Interface", "eth2", "error").strip(), "[]",
                 "eth2 is up on the device")
    out = type_in(lab, connections)
    expect_equal(out.strip(), "disabling TCP sequence checking successful",
                 "that, and no connections yet")


if __name__ == "__main__":
    main()
