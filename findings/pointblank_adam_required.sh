#!/usr/bin/env bash
# pointblank 1.1.1 with pandas 2.3.3 (seen December 2026, Linux).
#
# `validate_adam` says that it checks that required variables are present and not null. One that is absent gets no check at
# all: a table of ages alone passes as an ADSL, `all_passed()` being true with no check made, and so does an ADSL without
# USUBJID and STUDYID. `validate_adam_structure` does name what is missing.
#
# Why it matters: whoever gates an export on `validate_adam(...).interrogate().all_passed()` ships tables without keys. Our
# ADSL lacked SITEID and our ADAE lacked AESEQ and AETERM, and both passed; validation/adam asks both functions.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check pointblank==1.1.1 pandas==2.3.3
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import pandas
import pointblank

bare = pandas.DataFrame({"AGE": [40.0, 50.0]})
keyless = pandas.DataFrame({"SUBJID": ["1", "2"], "TRT01P": ["a", "b"], "ITTFL": ["Y", "Y"]})
passed = []
for name, table in (("AGE alone", bare), ("no USUBJID, no STUDYID", keyless)):
    done = pointblank.validate_adam(table, "ADSL").interrogate()
    missing = pointblank.validate_adam_structure(table, "ADSL")["missing_required"]
    passed.append(done.all_passed() and "USUBJID" in missing)
    print(f"{name}: {len(done.validation_info)} checks, all passed: {done.all_passed()}; missing by structure: {missing}")
print("pointblank", pointblank.__version__)
sys.exit(0 if passed == [True, True] else 1)
PYTHON
