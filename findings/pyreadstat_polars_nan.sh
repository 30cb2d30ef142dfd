#!/usr/bin/env bash
# pyreadstat 1.3.8 with polars 2.1.0, pandas 2.3.3 (seen December 2026).
#
# pyreadstat takes polars frames besides pandas ones. In a transport file (XPT) the NaN of a polars frame is written as the
# largest number that the format has, 7.2e75, and not as a missing value, which a pandas NaN and a polars null become.
# pyreadstat reads it back as infinity, pandas as 7.2e75; SAV and DTA files of the same frame hold a missing value.
#
# Why it matters: XPT is what trial data are handed over in. polars keeps NaN and null apart, and columns that come from
# numpy or through Arrow bring NaN; one absent measurement then makes the mean of its variable infinite or nearly so.
# `fill_nan(None)` before the write mends it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  pyreadstat==1.3.8 polars==2.1.0 pandas==2.3.3
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyreadstat

folder = Path(sys.argv[1])
values = np.array([1.5, np.nan, 3.0])
frames = {
    "pandas, NaN": pd.DataFrame({"AVAL": values}),
    "polars, NaN": pl.DataFrame({"AVAL": values}),
    "polars, null": pl.DataFrame({"AVAL": values}).fill_nan(None),
}


def read_xpt(frame):
    path = str(folder / "x.xpt")
    pyreadstat.write_xport(frame, path, file_format_version=5)
    return pyreadstat.read_xport(path)[0]["AVAL"].tolist(), pd.read_sas(path, format="xport").iloc[:, 0].tolist()


def read_other(frame, kind):
    path = str(folder / f"x.{kind}")
    getattr(pyreadstat, f"write_{kind}")(frame, path)
    return getattr(pyreadstat, f"read_{kind}")(path)[0]["AVAL"].tolist()


print(f"pyreadstat {version('pyreadstat')}, polars {pl.__version__}, pandas {pd.__version__}")
middle = {}
for name, frame in frames.items():
    by_itself, by_pandas = read_xpt(frame)
    others = {kind: read_other(frame, kind) for kind in ("sav", "dta")}
    middle[name] = (by_itself[1], by_pandas[1], *(other[1] for other in others.values()))
    print(f"{name:12} XPT read by pyreadstat {by_itself}, by pandas {by_pandas}; SAV {others['sav']}, DTA {others['dta']}")
own, other, sav, dta = middle["polars, NaN"]
seen = (
    own == np.inf,
    7.2e75 < other < 7.3e75,
    bool(np.isnan(sav) and np.isnan(dta)),
    bool(np.isnan(middle["pandas, NaN"]).all()),
    bool(np.isnan(middle["polars, null"]).all()),
)
print("the behaviour is as stated" if all(seen) else f"the behaviour has changed: {seen}")
sys.exit(0 if all(seen) else 1)
PYTHON
