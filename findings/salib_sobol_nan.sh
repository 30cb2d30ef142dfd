#!/usr/bin/env bash
# SALib 1.6.0 (seen December 2026).
#
# If one of the model's outputs is not a number, `sobol.analyze` gives zero for every first-order and every total index of
# every input, with confidence intervals of zero width, and warns of nothing. Expected: an error, or indices that are NaN,
# as `morris.analyze` of the same package gives and as 1.5.2 gave here. The outputs are standardised first, which makes
# all of them NaN; since 1.6.0 the indices are divided only where the variance is above a bound, which NaN is not, and
# hold zero elsewhere.
#
# Why it matters: one simulation in thousands that did not finish turns the table of sensitivities into "no input matters,
# and we are sure". Zero is a finding; NaN is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check SALib==1.6.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import numpy as np
from SALib.analyze import morris as morris_analysis
from SALib.analyze import sobol as sobol_analysis
from SALib.sample import morris as morris_sample
from SALib.sample import sobol as sobol_sample

problem = {"num_vars": 2, "names": ["dose", "age"], "bounds": [[0, 1], [0, 1]]}


def outputs(inputs, failed):
    out = 5 * inputs[:, 0] + inputs[:, 1]
    out[:failed] = np.nan
    return out


def sobol(failed):
    inputs = sobol_sample.sample(problem, 1024, seed=1)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = sobol_analysis.analyze(problem, outputs(inputs, failed), seed=1)
    return found, [str(one.message) for one in said], len(inputs)


def told(found):
    return "; ".join(f"{name} {np.round(found[name], 3).tolist()}" for name in ("S1", "S1_conf", "ST", "ST_conf"))


print(f"SALib {version('SALib')}")
whole, _, rows = sobol(0)
print(f"{rows} outputs, all numbers:  {told(whole)}")
broken, warned, _ = sobol(1)
print(f"{rows} outputs, one is NaN:   {told(broken)}; warnings: {warned}")
inputs = morris_sample.sample(problem, 100, seed=1)
other = morris_analysis.analyze(problem, inputs, outputs(inputs, 1), seed=1)["mu_star"]
print(f"morris with one NaN: mu_star {np.asarray(other, dtype=float).tolist()}")
seen = (
    bool(whole["ST"][0] > 0.9),
    all(not np.any(broken[name]) for name in ("S1", "S1_conf", "ST", "ST_conf")),
    not warned,
    bool(np.isnan(np.asarray(other, dtype=float)).any()),
)
print("the behaviour is as stated" if all(seen) else f"the behaviour has changed: {seen}")
sys.exit(0 if all(seen) else 1)
PYTHON
