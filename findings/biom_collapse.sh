#!/usr/bin/env bash
# biom-format 2.1.18 (seen November 2026).
#
# `Table.collapse` of counts to a higher rank gives, by default, the mean over the members of each group, not their sum:
# a genus of ten OTUs is divided by ten, one of a single OTU is not. The documentation of the argument that does this,
# `norm=True`, says that the resulting table is normalised; it is neither counts nor fractions. `norm=False` gives sums,
# as the commands of the same name in QIIME 2 do.
#
# Why it matters: guild shares made from such a table are wrong by the number of OTUs in each genus, in either direction.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check biom-format==2.1.18
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

import biom
import numpy as np

reads = np.array([[10, 0], [20, 5], [30, 1], [7, 1]])
genus = [{"genus": "Roseburia"}] * 3 + [{"genus": "Blautia"}]
table = biom.Table(reads, ["otu1", "otu2", "otu3", "otu4"], ["one", "two"], genus)


def by_genus(identifier, metadata):
    return metadata["genus"]


def column(of, sample):
    return {name: float(of.get_value_by_ids(name, sample)) for name in map(str, of.ids("observation"))}


default = column(table.collapse(by_genus, axis="observation"), "one")
summed = column(table.collapse(by_genus, axis="observation", norm=False), "one")
print(f"biom-format {version('biom-format')}")
print(f"reads of sample one: Roseburia 10 + 20 + 30, Blautia 7, in all {int(reads[:, 0].sum())}")
print(f"collapse to genus:             {default}, in all {sum(default.values())}")
print(f"collapse with norm=False:      {summed}, in all {sum(summed.values())}")
seen = (default == {"Blautia": 7.0, "Roseburia": 20.0}, summed == {"Blautia": 7.0, "Roseburia": 60.0})
print("the behaviour is as stated" if all(seen) else f"the behaviour has changed: {seen}")
sys.exit(0 if all(seen) else 1)
PYTHON
