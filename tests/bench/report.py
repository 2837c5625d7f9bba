# SPDX-License-Identifier: Apache-2.0
"""Writes the results into docs/performance.md, between its marks, and the plots beside it."""
import os

import plot
import scenarios
from bench import NAMES, figure, label

BEGIN, END = "<!-- figures: tests/bench/run --report docs -->", "<!-- end of figures -->"
PLOTS = (
    ("rate-flows.svg", "port", "Packets by number of flows in the traffic", "microflows"),
    ("rate-acl.svg", "acl1", "Packets by number of flows, one flow with a prefix", "microflows"),
    ("rate-masks.svg", "masks", "Packets by number of masks", "masks, hit alike"),
    ("rate-masks-ebpf.svg", "masks-ebpf", "Packets between netdevs by number of masks, in the kernel",
     "masks, hit alike"),
)


def wanted(row):
    """The target as words, and whether it is met; None where the figures are missing."""
    ratio, value = row["ratio"].get("ovs"), row["median"].get("sluice")
    if row["goal"] is not None:
        met = None if value is None else (
            value <= row["goal"] if row["better"] == "less" else value >= row["goal"])
        word = "at most" if row["better"] == "less" else "at least"
        return "%s %g %s" % (word, row["goal"], row["unit"]), met
    if row.get("least_share"):
        share, bridge = row.get("share", {}).get("sluice"), row["ratio"].get("bridge")
        text, met = "%.0f%% of the limit" % (100 * row["least_share"]), \
            share and share >= row["least_share"]
        if not row.get("least_of_bridge"):
            return text, met
        return "%s or %gx the bridge" % (text, row["least_of_bridge"]), \
            met or bridge and bridge["median"] >= row["least_of_bridge"]
    if row["target"] is not None:
        return "%gx" % row["target"], ratio and ratio["median"] >= row["target"]
    return "", None


def table(rows):
    yield "| scenario | Sluice | Open vSwitch | ratio | target | Linux bridge | limit | share |"
    yield "| --- | ---: | ---: | --- | --- | ---: | ---: | ---: |"
    for row in rows:
        m, ratio = row["median"], row["ratio"].get("ovs")
        text, met = wanted(row)
        share = row.get("share", {}).get("sluice")
        yield "| `%s` | %s %s | %s | %s | %s%s | %s | %s | %s |" % (
            label(row), figure(m.get("sluice")), row["unit"], figure(m.get("ovs")),
            "%.2f (%.2f-%.2f)" % (ratio["median"], ratio["min"], ratio["max"]) if ratio else "",
            text, "" if met is None else ", met" if met else ", not met",
            figure(m["bridge"]) if "bridge" in m else "",
            figure(m["limit"]) if "limit" in m else "",
            "%.0f%%" % (100 * share) if share else "")


def seen(rows):
    """What the table has no column for."""
    yield "| scenario | | " + "seen beside the figure |"
    yield "| --- | --- | --- |"
    for row in rows:
        for peer, rounds in row["details"].items():
            words = ", ".join("%s %s" % (k, figure(v)) for k, v in rounds[-1].items()
                              if v is not None and k != "megaflows")
            if words:
                yield "| `%s` | %s | %s |" % (label(row), NAMES[peer], words)


def series(rows, name):
    for peer in ("limit", "ovs", "sluice"):
        points = [(r["size"], r["median"][peer], min(r["figures"][peer]), max(r["figures"][peer]))
                  for r in rows if r["scenario"] == name and peer in r["median"]]
        if points:
            yield peer, NAMES[peer], points


def body(results, where):
    order = [s.name for s in scenarios.ALL]
    rows = sorted((r for r in results["rows"] if r["scenario"] in order),
                  key=lambda r: order.index(r["scenario"]))
    machine = results["machine"]
    yield "%s, %d CPUs, Linux %s, %s huge pages; up to %d rounds of %g s each." % (
        machine["cpu"], machine["cpus"], machine["kernel"],
        "with" if results["hugepages"] else "without",
        max(len(f) for r in rows for f in r["figures"].values()), results["seconds"])
    yield ""
    yield from table(rows)
    yield ""
    for file, name, title, x_label in PLOTS:
        if plot.lines(title, x_label, "Mpps", list(series(rows, name)),
                      os.path.join(where, file)):
            yield "![%s](%s)" % (title, file)
            yield ""
    yield from seen(rows)


def write(results, where):
    os.makedirs(where, exist_ok=True)
    path = os.path.join(where, "performance.md")
    text = "# Performance\n\n%s\n%s\n" % (BEGIN, END)
    if os.path.exists(path):
        with open(path) as f:
            text = f.read()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    with open(path, "w") as f:
        f.write(before + BEGIN + "\n\n" + "\n".join(body(results, where)) + "\n\n" + END + after)
