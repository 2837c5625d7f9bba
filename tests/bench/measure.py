# SPDX-License-Identifier: Apache-2.0
"""A measurement: a switch of its own, set up, warmed up, watched for a while, and taken down."""
import contextlib
import time

import peers
import slu
from slu import Failure


class Scenario:
    """What a scenario says of itself, and what it need not have."""
    name = what = unit = ""
    better = "more"
    switches = ("sluice", "ovs")
    extra = False  # measured only when asked for
    target = None  # ratio to Open vSwitch, or that by size
    goal = None    # of the figure itself, or that by size
    least_share = None  # of the limit, that the figure should reach
    least_of_bridge = None  # of the Linux bridge, which does instead of that
    rounds = None  # at most so many

    def variants(self):
        return (None,)

    def measure(self, ctx, label, size):
        """{"figure": ..., and what else is worth showing}"""
        raise NotImplementedError

    def limit(self, ctx, size):
        return None

    def round_done(self, ctx, size):
        """Every peer had its turn."""


class Context:
    """What measurements of a run share."""

    def __init__(self, seconds, huge):
        self.seconds, self.huge = seconds, huge

    @contextlib.contextmanager
    def namespace(self, name="sw"):
        ns = slu.Netns(name)
        try:
            yield ns
        finally:
            ns.delete()

    def _memory(self):
        if self.huge.available and not self.huge.ensure():
            raise Failure("somebody took the huge pages")

    @contextlib.contextmanager
    def switch(self, label, **kw):
        """A fresh switch in a fresh namespace."""
        self._memory()
        with self.namespace() as ns:
            sw = None
            try:
                sw = peers.SWITCHES[label](ns, self.huge, **kw)
                yield sw
                if not sw.alive():
                    raise Failure("%s ended by itself" % label)
            finally:
                if sw:
                    with contextlib.suppress(Failure):
                        sw.stop()

    def limit(self, files, cpus=peers.ONE_WORKER):
        """What dpdk-testpmd moves of this traffic, in packets per second."""
        self._memory()
        with self.namespace("limit") as ns:
            pmd = None
            try:
                pmd = peers.Testpmd(ns, self.huge, files, cpus)
                time.sleep(0.5)
                return pmd.rate(self.seconds)
            finally:
                if pmd:
                    pmd.stop()


def forwarded(sw, bridge, port, since=0):
    """Waits until packets leave by the port."""
    slu.wait_until("%s forwards" % sw.label,
                   lambda: sw.port_counters(bridge, port)[1] > since, 20, 0.1)
