#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures Sluice and its peers in turn, on the same cores; tests/bench/run calls it."""
import argparse
import json
import os
import signal
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../lib"), HERE]
sys.dont_write_bytecode = True

from runner import Reaper  # noqa: E402

PEERS = ("sluice", "ovs", "bridge")
NAMES = {"sluice": "Sluice", "ovs": "Open vSwitch", "bridge": "Linux bridge", "limit": "limit"}


def arguments():
    p = argparse.ArgumentParser(
        prog="tests/bench/run", description="Measures Sluice and its peers in turn.",
        epilog="SLU_BUILD is the build directory whose sluiced is measured (default: build).")
    p.add_argument("scenario", nargs="*", help="NAME, or NAME:SIZE (default: all)")
    p.add_argument("--seconds", type=float, default=1.5, metavar="S",
                   help="how long each figure is measured (default 1.5)")
    p.add_argument("--rounds", type=int, default=3, metavar="N",
                   help="how often each is measured, in turn (default 3)")
    p.add_argument("--only", default="", metavar="PEER,...",
                   help="measure only these of sluice, ovs, bridge, limit")
    p.add_argument("--json", action="store_true", help="print the results as JSON")
    p.add_argument("--list", action="store_true", help="list the scenarios and end")
    p.add_argument("--keep", metavar="FILE",
                   help="write the results there too, as JSON, beside what it holds of others")
    p.add_argument("--report", metavar="DIR", help="write performance.md and its plots there")
    p.add_argument("--from", dest="saved", metavar="FILE",
                   help="take the results from a file that --keep wrote")
    p.add_argument("--no-hugepages", action="store_true", help="for all of them")
    return p.parse_args()


class Row:
    """What was measured of a scenario in one size."""

    def __init__(self, scenario, size):
        self.scenario, self.size = scenario, size
        self.figures = {}  # by peer: a list with a figure for each round
        self.details = {}  # by peer: what else was seen in each round
        self.errors = []

    def add(self, peer, result):
        self.figures.setdefault(peer, []).append(result["figure"])
        rest = {k: v for k, v in result.items() if k != "figure"}
        if rest:
            self.details.setdefault(peer, []).append(rest)

    def data(self):
        s = self.scenario
        row = {"scenario": s.name, "size": self.size, "what": s.what, "unit": s.unit,
               "better": s.better, "target": of_size(s.target, self.size),
               "goal": of_size(s.goal, self.size), "least_share": s.least_share,
               "least_of_bridge": s.least_of_bridge, "figures": self.figures,
               "details": self.details, "errors": self.errors}
        return complete(row)


def of_size(value, size):
    return value.get(size) if isinstance(value, dict) else value


def complete(row):
    """Adds what follows from the figures: medians, ratios, shares."""
    figures = row["figures"]
    row["median"] = {peer: statistics.median(f) for peer, f in figures.items() if f}
    row["ratio"] = {}
    for peer in ("ovs", "bridge"):
        pairs = list(zip(figures.get("sluice", []), figures.get(peer, [])))
        if row["better"] == "less":
            pairs = [(b, a) for a, b in pairs]
        ratios = [a / b for a, b in pairs if b]
        if ratios:
            row["ratio"][peer] = {"median": statistics.median(ratios), "min": min(ratios),
                                  "max": max(ratios)}
    if row["median"].get("limit"):
        row["share"] = {peer: m / row["median"]["limit"] for peer, m in row["median"].items()
                        if peer != "limit"}
    return row


def label(row):
    return row["scenario"] + (":%s" % row["size"] if row["size"] is not None else "")


def figure(value):
    return "-" if value is None else "%.0f" % value if value >= 1000 else "%.3g" % value


HEADER = "%-18s %-7s %9s %9s %9s  %-22s %9s %6s" % (
    "scenario", "unit", "Sluice", "OVS", "bridge", "ratio to OVS (min-max)", "limit", "share")


def line(row):
    m, ratio = row["median"], row["ratio"].get("ovs")
    cells = [figure(m.get(peer)) for peer in PEERS]
    text = "%.2f (%.2f-%.2f)" % (ratio["median"], ratio["min"], ratio["max"]) if ratio else "-"
    if ratio and row["target"]:
        text += " of %g" % row["target"]
    share = row.get("share", {}).get("sluice")
    return "%-18s %-7s %9s %9s %9s  %-22s %9s %6s" % (
        label(row), row["unit"], *cells, text, figure(m.get("limit")),
        "%.0f%%" % (100 * share) if share else "-")


def details(row):
    """A line for each peer of what was seen beside the figure, in the last round."""
    for peer, rounds in row["details"].items():
        seen = ", ".join("%s %s" % (k, figure(v) if isinstance(v, (int, float)) else v)
                         for k, v in rounds[-1].items() if v is not None)
        if seen:
            yield "    %s: %s" % (NAMES[peer], seen)
    for error in row["errors"]:
        yield "    FAILED " + error.replace("\n", "\n    ")


def chosen(scenarios, words):
    """(scenario, size) in the order of the table."""
    wanted = [w.split(":") for w in words]
    names = {s.name for s in scenarios}
    for w in wanted:
        if w[0] not in names:
            sys.exit("tests/bench/run: no scenario is called %s; --list shows them" % w[0])
    for s in scenarios:
        for size in s.variants():
            if not wanted and not s.extra or any(
                    w[0] == s.name and (len(w) == 1 or w[1] == str(size)) for w in wanted):
                yield s, size


def measure_row(ctx, row, args, out):
    """All peers in turn, and again."""
    s, only = row.scenario, [p for p in args.only.split(",") if p]
    peers = [p for p in ("limit",) + tuple(s.switches) if not only or p in only]
    failed = set()
    for _ in range(min(args.rounds, s.rounds or args.rounds)):
        for peer in peers:
            if peer in failed:
                continue
            try:
                if peer != "limit":
                    row.add(peer, s.measure(ctx, peer, row.size))
                else:
                    value = s.limit(ctx, row.size)
                    if value is not None:
                        row.add(peer, value if isinstance(value, dict) else {"figure": value})
            except Exception as e:  # one that fails is not asked again, the others are
                row.errors.append("%s: %s: %s" % (NAMES[peer], type(e).__name__, str(e)[-3000:]))
                failed.add(peer)
        s.round_done(ctx, row.size)


def measure_all(args, scenarios):
    import measure
    import peers
    rows, start = [], time.monotonic()
    os.sched_setaffinity(0, {peers.MAIN_CPU})
    out = sys.stderr if args.json else sys.stdout
    print(HEADER, file=out, flush=True)
    with peers.HugePages(not args.no_hugepages) as huge:
        ctx = measure.Context(args.seconds, huge)
        for scenario, size in chosen(scenarios, args.scenario):
            row = Row(scenario, size)
            measure_row(ctx, row, args, out)
            rows.append(row.data())
            print("\n".join([line(rows[-1]), *details(rows[-1])]), file=out, flush=True)
            results = {"seconds": args.seconds, "rounds": args.rounds,
                       "hugepages": huge.available, "machine": peers.machine(),
                       "took": time.monotonic() - start, "rows": rows}
            if args.keep:  # at once: whoever interrupts a run keeps what it measured
                keep(results, args.keep)
    return results


def keep(results, path):
    """Rows that the file has and that were not measured now stay."""
    merged = dict(results)
    if os.path.exists(path):
        with open(path) as f:
            merged["rows"] = json.load(f)["rows"]
        for row in results["rows"]:
            same = [i for i, r in enumerate(merged["rows"]) if label(r) == label(row)]
            if same:
                merged["rows"][same[0]] = row
            else:
                merged["rows"].append(row)
    with open(path, "w") as f:
        json.dump(merged, f, indent=1)


def main():
    args = arguments()
    for sig in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, lambda *_: sys.exit(130))
    reaper = None
    try:
        if not args.saved and not args.list:
            reaper = Reaper()  # before anything is made
        import scenarios
        if args.list:
            for s in scenarios.ALL:
                print("%-14s %s%s" % (s.name, s.what, ": " + ", ".join(map(str, s.variants()))
                                      if s.variants() != (None,) else ""))
            return 0
        if args.saved:
            with open(args.saved) as f:
                results = json.load(f)
        else:
            results = measure_all(args, scenarios.ALL)
        if args.json:
            print(json.dumps(results, indent=1))
        if args.report:
            import report
            report.write(results, args.report)
        return 1 if any(r["errors"] for r in results["rows"]) else 0
    finally:
        if reaper:
            reaper.close()


if __name__ == "__main__":
    sys.exit(main())
