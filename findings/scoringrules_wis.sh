#!/usr/bin/env bash
# scoringrules 0.10.0 (seen November 2026).
#
# `weighted_interval_score` adds w_0 times the median itself, where its own documentation (and the definition of the score)
# has w_0 times the distance of the measured value from the median. So a forecast whose median is 0 pays nothing for missing
# the measured value, moving forecast and measurement together changes the score, and a negative median can make it
# negative. Nothing warns. That is the numpy backend, the one without numba.
#
# Why it matters: the score is what forecasts are ranked by.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check scoringrules==0.10.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import numpy as np
import scoringrules as sr


def score(y, shift=0.0):
    lower, upper = np.array([-2.0, -0.8]) + shift, np.array([2.6, 0.9]) + shift
    return float(
        sr.weighted_interval_score(
            y + shift, 0.1 + shift, lower, upper, np.array([0.1, 0.5]), backend="numpy"
        )
    )


# (|y - m| / 2 + .05 (4.6) + .25 (1.7)) / 2.5 with y = 0.5, m = 0.1
by_hand = (0.5 * 0.4 + 0.05 * 4.6 + 0.25 * 1.7) / 2.5
seen, moved = score(0.5), score(0.5, -100.0)
print("scoringrules", sr.__version__)
print(f"by hand {by_hand:.4f}, printed {seen:.4f}; the same forecast and value 100 lower: {moved:.4f}")
as_described = abs(seen - by_hand) > 1e-6 and moved < 0
sys.exit(0 if as_described else 1)
PYTHON
