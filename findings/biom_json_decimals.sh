#!/usr/bin/env bash
# biom-format 2.1.18 (seen December 2026).
#
# A table of fractions that is written as BIOM 1.0, which is JSON (`Table.to_json`, `biom convert --to-json`), keeps six
# digits after the point: 0.00012345 becomes 0.000123, and what is below 0.0000005 becomes 0. HDF5 and tab-separated
# text of the same table keep every digit, so one expects the same of JSON, where a number may have as many as it takes.
#
# Why it matters: JSON is what R packages and web tools are fed with. Rare taxa of relative abundances disappear, log
# ratios and richness change, and nothing says that the table was rounded. Counts, being whole, are not touched; write
# fractions as HDF5, or multiply them first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check biom-format==2.1.18
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import biom
import h5py
import numpy as np

folder = Path(sys.argv[1])
shares = np.array([0.8998761, 0.1, 0.00012345, 0.0000004, 0.00000005])
names = ["Bacteroides", "Faecalibacterium", "Akkermansia", "Oxalobacter", "Bilophila"]
table = biom.Table(shares[:, None], names, ["one"])


def column(of):
    return [float(of.get_value_by_ids(name, "one")) for name in names]


with h5py.File(folder / "shares.hdf5", "w") as opened:
    table.to_hdf5(opened, "finding")
(folder / "shares.json").write_text(table.to_json("finding"))
command = [Path(sys.executable).with_name("biom"), "convert", "-i", folder / "shares.hdf5", "-o", folder / "converted.json"]
subprocess.run([*command, "--to-json", "--table-type", "OTU table"], check=True)

from_hdf5 = column(biom.load_table(str(folder / "shares.hdf5")))
from_text = [float(line.split("\t")[1]) for line in table.to_tsv().splitlines()[2:]]
from_json = column(biom.Table.from_json(json.loads((folder / "shares.json").read_text())))
converted = column(biom.load_table(str(folder / "converted.json")))
print(f"biom-format {version('biom-format')}")
for what, values in (
    ("made", shares.tolist()), ("HDF5", from_hdf5), ("text", from_text), ("to_json", from_json), ("convert", converted)
):  # fmt: skip
    print(f"{what:8}", values, "above zero:", sum(value > 0 for value in values))
rounded = [0.899876, 0.1, 0.000123, 0.0, 0.0]
seen = (from_hdf5 == shares.tolist(), from_text == shares.tolist(), from_json == rounded, converted == rounded)
print("the behaviour is as stated" if all(seen) else f"the behaviour has changed: {seen}")
sys.exit(0 if all(seen) else 1)
PYTHON
