#!/usr/bin/env bash
# pandas 3.1.1 (seen November 2026).
#
# `pandas.read_sas` of a SAS transport file (XPT, the format in which trials are handed in) reads the number 0 as
# 5.397605346934028e-79, the smallest number of IBM's floating point: `== 0`, counts of zeros, event flags and `value > 0`
# are wrong, printed with a few digits it looks like 0, and the logarithm is -180 instead of an error. Nothing warns.
#
# Why it matters: CNSR, event flags, relapse and lesion counts of trials are mostly zeros; what is exported to CSV or
# Parquet after such a reading carries the number on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pandas==3.1.1
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import struct
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd


def header(name, tail="0" * 30):
    return f"HEADER RECORD*******{name:8}HEADER RECORD!!!!!!!{tail:32}".encode()


stamp = b"SAS     SAS     SASLIB  9.4     Linux   ".ljust(64) + b"01JAN26:00:00:00"
member = b"SAS     A       SASDATA 9.4     Linux   ".ljust(64) + b"01JAN26:00:00:00"
date = b"01JAN26:00:00:00".ljust(80)
variable = struct.pack(">hhhh", 1, 0, 8, 1) + b"N".ljust(8) + b" " * 40 + b" " * 8
variable += struct.pack(">hhh", 0, 0, 0) + b"  " + b" " * 8 + struct.pack(">hhl", 0, 0, 0) + b"\0" * 52
rows = [bytes(8), bytes.fromhex("4110000000000000"), bytes.fromhex("2E00000000000000")]  # 0, 1 and missing
content = header("LIBRARY") + stamp + date + header("MEMBER", "0" * 17 + "1600000000140") + header("DSCRPTR")
content += member + date + header("NAMESTR", "0000000001" + "0" * 20)
content += variable.ljust(160) + header("OBS") + b"".join(rows).ljust(80)
path = Path(sys.argv[1]) / "a.xpt"
path.write_bytes(content)
found = pd.read_sas(path, format="xport", encoding="ascii")["N"].tolist()
print(f"pandas {version('pandas')}: 0, 1 and missing are read as {found}")
sys.exit(0 if found[0] == 5.397605346934028e-79 and found[1] == 1 and found[2] != found[2] else 1)
PYTHON
