# SPDX-License-Identifier: Apache-2.0
"""A million megaflows, more keys than a cycle of packets in memory can hold: dpdk-testpmd makes
them, and memif carries them. It shares the main CPU with whatever of the switch is no worker."""
import contextlib
import os
import time

import control
import measure
import peers
import slu

SRC, DST = control.SRC, control.DST
EACH_DESTINATION = control.EACH_SOURCE.replace("IP_SRC", "IP_DST")


class Generator:
    """UDP packets to one destination after the other, in a circle."""

    def __init__(self, ns, keys, socket_path):
        cpu = peers.MAIN_CPU
        self.proc = slu.spawn(
            "dpdk-testpmd", "--lcores", "0@%d,1@%d" % (cpu, cpu), "--no-huge", "--no-shconf",
            "--no-pci", "--iova-mode=va", "-m", "256", "--file-prefix=generator",
            "--vdev=net_memif0,role=client,socket-abstract=no,socket=" + socket_path, "--",
            "--total-num-mbufs=16384", "--forward-mode=flowgen", "--flowgen-flows=%d" % keys,
            "--nb-cores=1", "--no-mlockall", "--stats-period=3600",
            ns=ns, log=os.path.join(slu.tmpdir("generator"), "testpmd.log"))

    def stop(self):
        with contextlib.suppress(slu.Failure):
            slu.stop(self.proc, slu.signal.SIGINT)


class Million(measure.Scenario):
    name, unit, target = "mega1m", "Mpps", 6
    what = "keys cycled, each with a megaflow of its own"
    rounds = 1
    patience = 30.0

    def variants(self):
        return (1000000,)

    def measure(self, ctx, label, size):
        socket_path = os.path.join(slu.tmpdir("memif"), label + ".sock")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(socket_path)
        with ctx.switch(label) as sw:
            sw.add_bridge("br0")
            sw.load("br0", EACH_DESTINATION)
            sw.dpdk_port("br0", "dst", peers.sink(), DST)
            sw.dpdk_port("br0", "src", "net_memif0,role=server,socket-abstract=no,socket=" +
                         socket_path, SRC)
            memory, start = control.resident(sw), time.monotonic()
            generator = Generator(sw.ns, size, socket_path)
            try:
                while sw.megaflows() < size and time.monotonic() - start < self.patience:
                    time.sleep(0.2)
                took, installed = time.monotonic() - start, sw.megaflows()
                memory = (control.resident(sw) - memory) * 1024
                return {"figure": sw.rate("br0", DST, ctx.seconds) / 1e6, "installed": installed,
                        "seconds": took,
                        "bytes per megaflow": memory / installed if installed else None}
            finally:
                generator.stop()


SCENARIOS = [Million()]
