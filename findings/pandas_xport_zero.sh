#!/usr/bin/env bash
# pandas 2.3.3 and 3.1.1, files by pyreadstat 1.3.7 (seen December 2026, Linux).
#
# `pandas.read_sas(..., format="xport")` gives 5.397605e-79 for every zero of a transport file of version 5. In the file a zero
# is eight bytes of nothing, as the format says, and pyreadstat (ReadStat, as R's haven uses) reads 0.0 from it. Known upstream
# as pandas issue 50670, open since 2023; no warning is given.
#
# Why it matters: in time-to-event tables an event is CNSR = 0. `table[table.CNSR == 0]` is empty, so that a trial with events
# looks like one without; counts of zero lesions or relapses vanish in the same way. Sums and means hardly change, so it hides.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/look.py" <<'PYTHON'
import sys

import pandas
import pyreadstat

path = sys.argv[1]
pyreadstat.write_xport(pandas.DataFrame({"CNSR": [0.0, 1.0, 0.0]}), path, file_format_version=5)
with open(path, "rb") as file:
    record = file.read()[-80:]  # three numbers of eight bytes, then blanks to 80
plain = record[:8] == bytes(8) and record[16:24] == bytes(8)
right = pyreadstat.read_xport(path)[0]["CNSR"].tolist()
read = pandas.read_sas(path, format="xport")["CNSR"]
print("pandas", pandas.__version__, read.tolist(), "events:", int((read == 0).sum()), "; pyreadstat", right, "; zero bytes:", plain)
sys.exit(0 if plain and right == [0.0, 1.0, 0.0] and 0 < read[0] < 1e-78 and not (read == 0).any() else 1)
PYTHON
python3 -m venv "$folder/venv"
for version in 2.3.3 3.1.1; do
    if [ "$version" = 3.1.1 ] && ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then
        echo "pandas 3.1.1 needs Python 3.12 or newer: not looked at"
        continue
    fi
    "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pyreadstat==1.3.7 "pandas==$version"
    "$folder/venv/bin/python" "$folder/look.py" "$folder/zero.xpt"
done
