#!/usr/bin/env bash
# pint 0.25.3 (seen November 2026), dask 2026.8.0, babel 2.19.0.
#
# `import pint` imports dask and babel wherever they are installed, for quantities over dask arrays and for localised
# unit names, whether or not the program has any. Only their absence keeps them out: no option or variable does. A
# program that converts "mg/day" to "g/day" loads the task scheduler's base with its cloudpickle, toolz and yaml,
# and babel's localisation; its import has half as many modules again as alone (seen: 245 -> 379).
#
# Why it matters: an optional extra that a user installs for a cluster makes every process of every command start
# later and larger, those that never see the cluster too. Who needs units at the start of many workers keeps what
# pint says of them, or imports it late.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
look() {
    "$folder/venv/bin/python" - <<'PYTHON'
import sys

import pint

names = {name.partition(".")[0] for name in sys.modules}
print(len(sys.modules), *sorted(names & {"dask", "babel", "cloudpickle", "toolz"}))
PYTHON
}
pip pint==0.25.3
read -r few alone < <(look)
pip dask==2026.8.0 babel==2.19.0
read -r many beside < <(look)
echo "pint alone: $few modules, of these: ${alone:-none}"
echo "pint beside dask and babel, of which the program uses neither: $many modules, of these: $beside"
[ -z "${alone:-}" ] && [ "$beside" = "babel cloudpickle dask toolz" ] && [ "$many" -gt $((few * 3 / 2)) ]
