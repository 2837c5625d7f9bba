# SPDX-License-Identifier: Apache-2.0
"""Rules into a card: by the TC driver, and by the kernel's own tool, both in one guest."""
import os
import sys

import kernel
import measure

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../vm"))


class InsertTc(measure.Scenario):
    name, unit, least_share = "insert-tc", "k/s", 0.9
    what = "rules into a card through the TC driver, in a guest; the limit is tc -batch"
    switches = ("sluice",)
    kept = None  # of a round, whose two figures come from one guest

    def measure(self, ctx, label, size):
        insert, delete = self.round()["driver"]
        return {"figure": insert / 1000, "deletions k/s": delete / 1000}

    def limit(self, ctx, size):
        self.kept = None
        return self.round()["tc"][0] / 1000

    def round_done(self, ctx, size):
        self.kept = None

    def round(self):
        import insertion  # what makes guests is needed by nobody else
        if not self.kept:
            with kernel.unpinned():
                self.kept = insertion.rates(1)[0]
        return self.kept


SCENARIOS = [InsertTc()]
