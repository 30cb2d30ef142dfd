#!/usr/bin/env bash
# pyarrow 26.0.1 (seen November 2026).
#
# The metadata of a field, where a table keeps the unit of a column, takes no part in what makes two tables alike.
# `concat_tables` and reading a folder of parquet files put millimolar and micromolar values into one column that says
# "mM": the metadata of the first wins. `Table.equals` and `==` of the schemas say that they are equal. `set_column` with
# a name, `cast` to a schema and `join` drop the unit of columns that had one, while filter, sort, take and rename keep it.
# Nothing warns.
#
# Why it matters: tables of two sites, or of two versions, are exactly what one puts together.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pyarrow==26.0.1
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def table(unit, value):
    schema = pa.schema([pa.field("butyrate", pa.float64(), metadata={"unit": unit})])
    return pa.table({"butyrate": [value]}, schema=schema)


def unit(of, column="butyrate"):
    return ((of.schema.field(column).metadata or {}).get(b"unit", b"") or b"").decode()


milli, micro = table("mM", 1.0), table("uM", 1000.0)
both = pa.concat_tables([milli, micro])
files = Path(sys.argv[1]) / "files"
files.mkdir()
pq.write_table(milli, files / "site_1.parquet")
pq.write_table(micro, files / "site_2.parquet")
read = pq.read_table(files)
same = milli.equals(table("uM", 1.0))
joined = milli.append_column("id", pa.array([1])).join(pa.table({"id": [1]}), "id")

print(f"pyarrow {pa.__version__}")
print(f"concat_tables of mM and uM: {both['butyrate'].to_pylist()} {unit(both)}")
print(f"a folder of two files, mM and uM: {read['butyrate'].to_pylist()} {unit(read)}")
print(f"1 mM equals 1 uM: {same}; the schemas are equal: {milli.schema == micro.schema}")
print(f"unit after filter: {unit(milli.filter(pa.array([True])))!r}, after sort: {unit(milli.sort_by('butyrate'))!r}")
print(f"unit after set_column: {unit(milli.set_column(0, 'butyrate', milli['butyrate']))!r}, after join: {unit(joined)!r}")
seen = (
    both["butyrate"].to_pylist() == [1.0, 1000.0] and unit(both) == "mM",
    read["butyrate"].to_pylist() == [1.0, 1000.0] and unit(read) == "mM",
    same and milli.schema == micro.schema,
    unit(milli.sort_by("butyrate")) == "mM",
    unit(milli.set_column(0, "butyrate", milli["butyrate"])) == "" and unit(joined) == "",
)
print("the behaviour is as stated" if all(seen) else f"the behaviour has changed: {seen}")
sys.exit(0 if all(seen) else 1)
PYTHON
