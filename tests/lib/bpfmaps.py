# SPDX-License-Identifier: Apache-2.0
"""What lies in the maps of the eBPF driver's program at a netdev, read and written as an operator
would: by bpftool."""
import json
import os

import slu

PRIORITY = "65505"  # of our filter
RULES = ("rules4", "rules8", "rules20")


def bpftool(*args):
    return json.loads(slu.run("bpftool", "-j", *args))


def programs():
    """Those of ours at netdevs anywhere: their maps."""
    return {p["id"]: p["map_ids"] for p in bpftool("prog", "show") if p.get("name") == "sluice"}


def program_at(ns, netdev):
    """The id of ours there, or None."""
    words = slu.run("tc", "filter", "show", "dev", netdev, "ingress", "pref", PRIORITY,
                    ns=ns, check=False).stdout.split()
    return int(words[words.index("id") + 1]) if "id" in words else None


class Maps:
    """The maps of the program at a netdev."""

    def __init__(self, ns, netdev):
        ids = programs()[program_at(ns, netdev)]
        self.ids = {bpftool("map", "show", "id", str(i))["name"]: str(i) for i in ids}

    def dump(self, name):
        """[(key, value)], as lists of bytes in hexadecimal."""
        return [(e["key"], e["value"]) for e in bpftool("map", "dump", "id", self.ids[name])]

    def rules(self):
        """The map that has the rules, if there is one only."""
        having = [name for name in RULES if self.dump(name)]
        slu.expect(len(having) == 1, "rules are in the maps %r" % having)
        return having[0]

    def lookup(self, name, key):
        """The value, as bytes."""
        words = [str(b) for b in key]
        value = bpftool("map", "lookup", "id", self.ids[name], "key", *words)["value"]
        return bytes(int(b, 16) for b in value)

    def write(self, *changes):
        """Each is (map, key, value) or, to delete it, (map, key, None); keys and values are
        numbers or words for bytes."""
        path = os.path.join(slu.BASE, "bpftool")
        with open(path, "w") as f:
            for name, key, value in changes:
                what = "delete" if value is None else "update"
                f.write("map %s id %s key %s" % (what, self.ids[name], " ".join(map(str, key))))
                f.write("\n" if value is None else " value %s\n" % " ".join(map(str, value)))
        slu.run("bpftool", "batch", "file", path)
