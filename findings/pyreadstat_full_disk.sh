#!/usr/bin/env bash
# pyreadstat 1.3.7 with pandas 2.3.3 (seen November 2026, Linux).
#
# `write_xport` to a device without room returns as if all were written: no exception, no warning, for ten rows as for 100,000.
# (/dev/full answers every write with "no space left"; Python's own file raises OSError on it at the latest when closed.) So a
# transport file for a regulator can be short or empty and the program that wrote it does not know.
#
# Why it matters: whoever exports on a full disk has to look at the file itself; here its size is checked after the writing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pyreadstat==1.3.7 pandas==2.3.3
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import pandas
import pyreadstat

try:
    with open("/dev/full", "w") as file:
        file.write("x")
    plain = "no error"
except OSError as error:
    plain = type(error).__name__
silent = []
for rows in (10, 100_000):
    try:
        pyreadstat.write_xport(pandas.DataFrame({"X": [1.0] * rows}), "/dev/full", file_format_version=5)
        silent.append(rows)
    except Exception as error:  # what it would have to raise
        print(f"{rows} rows: {type(error).__name__}: {error}")
print("pyreadstat", pyreadstat.__version__, "without a word for rows:", silent, "; a plain file:", plain)
sys.exit(0 if silent == [10, 100_000] and plain == "OSError" else 1)
PYTHON
