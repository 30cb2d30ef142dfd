#!/usr/bin/env bash
# lifelines 0.30.3 (seen December 2026).
#
# `survival_difference_at_fixed_point_in_time_test` compares two Kaplan-Meier curves at one time. Between two times of the
# data a curve is level, and so is its Greenwood variance; the test takes the level survival but draws the variance along
# a straight line towards the next time of the data. So the p-value drifts between two times although nothing happens
# there, and is right only at a time that stands in the data.
#
# Why it matters: where events are found at visits (relapses told, progression confirmed every 12 weeks) the times are far
# apart: "at one year", 52 weeks, falls between the visits of weeks 48 and 60, and the p-value there uses events of week
# 60. In the data below it passes 0.05 with the same patients and the same curves. Asking for the last time of the
# data that is not later than the wanted one gives the right value.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check lifelines==0.30.3
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version
from math import log

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.statistics import survival_difference_at_fixed_point_in_time_test
from scipy.stats import chi2

# (week, first events at that visit): 40 people an arm, the rest are followed to week 72
ARMS = {"active": {12: 2, 24: 2, 36: 2, 48: 3, 60: 6, 72: 0}, "control": {12: 5, 24: 4, 36: 5, 48: 4, 60: 7, 72: 0}}
PEOPLE = 40


def fitted(events):
    weeks = [week for week, found in events.items() for _ in range(found)]
    rest = PEOPLE - len(weeks)
    return KaplanMeierFitter().fit(weeks + [72] * rest, [1] * len(weeks) + [0] * rest)


def by_hand(week):
    """The survival at a week and the sum of Greenwood of all events until then, for each arm; then the p-value."""
    difference, variance = 0.0, 0.0
    for sign, events in zip((1, -1), ARMS.values(), strict=True):
        at_risk, survival, greenwood = PEOPLE, 1.0, 0.0
        for when, found in events.items():
            if when <= week:
                survival *= 1 - found / at_risk
                greenwood += found / (at_risk * (at_risk - found))
                at_risk -= found
        difference += sign * log(-log(survival))
        variance += greenwood / log(survival) ** 2
    return float(chi2.sf(difference**2 / variance, 1))


active, control = (fitted(events) for events in ARMS.values())
print(f"lifelines {version('lifelines')}")
printed, right = {}, {}
for week in (48, 50, 52, 56, 59.9, 60):
    found = survival_difference_at_fixed_point_in_time_test(week, active, control)
    printed[week], right[week] = float(found.p_value), by_hand(week)
    curves = f"survival {active.predict(week):.4f} and {control.predict(week):.4f}"
    print(f"week {week:4}: {curves}; p printed {printed[week]:.4f}, by hand {right[week]:.4f}")
between = [50, 52, 56, 59.9]
seen = (
    all(np.isclose(printed[week], right[week]) for week in (48, 60)),
    all(right[week] == right[48] for week in between),
    all(printed[week] > right[week] * 1.01 for week in between),
    all(active.predict(week) == active.predict(48) for week in between),
    right[52] < 0.05 < printed[52],
)
print("the behaviour is as stated" if all(seen) else f"the behaviour has changed: {seen}")
sys.exit(0 if all(seen) else 1)
PYTHON
