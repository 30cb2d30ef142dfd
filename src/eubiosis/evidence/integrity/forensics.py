"""Checks of printed numbers against themselves: rounding, granularity, p values, baseline balance.

A failed check says that a printed number does not fit its neighbours. It does not say why.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from eubiosis.core import laws
from eubiosis.evidence.records.rows import PValue

SLACK = 3.0  # a printed p may differ by this factor, as another test or an adjusted model would make it


class PrintedArm(NamedTuple):
    """Mean, SD and size of a group, with half the last printed digit of mean and SD."""

    mean: float
    sd: float
    n: int
    mean_half: float
    sd_half: float


def last_digit_half(value: float) -> float:
    """Return half a unit of the last printed decimal; a printed trailing zero is lost and widens it.

    >>> last_digit_half(-0.38)
    0.005
    """
    text = f"{value!r}"
    decimals = len(text.partition(".")[2]) if "e" not in text else 6
    return float(f"5e-{decimals + 1}")


def grim(mean: float, n: int, *, half: float, step: float = 1.0) -> bool | None:
    """Say whether a mean of ``n`` values on a grid of ``step`` can round to the printed one.

    Brown & Heathers 2017. None when every mean is possible because the grid of means is finer than the
    rounding, so the check says nothing.
    """
    grid = step / n
    if grid <= 2 * half:
        return None
    nearest = round(mean / grid) * grid
    return abs(nearest - mean) <= half + 1e-9


def welch_p(m1: float, sd1: float, n1: int, m2: float, sd2: float, n2: int) -> float:
    """Return the two-sided p of Welch's t test from means, SDs and sizes."""
    a, b = sd1**2 / n1, sd2**2 / n2
    if a + b == 0:
        return 0.0 if m1 != m2 else 1.0
    df = (a + b) ** 2 / (a**2 / (n1 - 1) + b**2 / (n2 - 1))
    return 2 * float(laws.t_sf(abs(m1 - m2) / math.sqrt(a + b), df))


def p_range(treated: PrintedArm, control: PrintedArm) -> tuple[float, float]:
    """Return the smallest and largest p that unrounded means and SDs behind the printed ones could give."""
    found = []
    for signs in product((-1, 1), repeat=4):
        m1, s1 = treated.mean + signs[0] * treated.mean_half, treated.sd + signs[1] * treated.sd_half
        m2, s2 = control.mean + signs[2] * control.mean_half, control.sd + signs[3] * control.sd_half
        found.append(welch_p(m1, max(s1, 0.0), treated.n, m2, max(s2, 0.0), control.n))
    low, high = min(found), max(found)
    touching = abs(treated.mean - control.mean) <= treated.mean_half + control.mean_half
    return low, 1.0 if touching else high


def p_from_interval(estimate: float, low: float, high: float, *, ratio: bool) -> float:
    """Return the two-sided normal p that a 95 % interval implies, on the log scale for a ratio."""
    if ratio:
        estimate, low, high = math.log(estimate), math.log(low), math.log(high)
    return 2 * float(laws.normal_sf(abs(estimate) / ((high - low) / 3.919928)))


def p_fits(printed: PValue, low: float, high: float) -> bool:
    """Say whether a printed p can stand for one between ``low`` and ``high``, give or take ``SLACK``."""
    if printed.relation == "<":
        return low <= printed.value * SLACK
    if printed.relation == ">":
        return high >= printed.value / SLACK
    return low / SLACK <= printed.value <= high * SLACK


def sd_is_possible(mean: float, sd: float, n: int, low: float, high: float) -> bool:
    """Say whether values between ``low`` and ``high`` with this mean can have this SD (n - 1 below).

    The largest SD puts everybody at one of the two ends: (mean - low)(high - mean) n/(n - 1).
    """
    if not low <= mean <= high:
        return False
    return sd**2 <= (mean - low) * (high - mean) * n / (n - 1) + 1e-9


def baseline_balance(rows: Sequence[tuple[PrintedArm, PrintedArm]]) -> float:
    """Combine the baseline comparisons of one trial (Stouffer) and return how surprisingly alike they are.

    A value near 0 says that the arms differ more than chance, near 1 that they are more alike than chance
    (Carlisle 2017). Correlated variables make it approximate; a single trial proves nothing.
    """
    if not rows:
        message = "no baseline variable to compare"
        raise ValueError(message)
    z = [
        float(laws.normal_quantile(min(max(welch_p(a.mean, a.sd, a.n, b.mean, b.sd, b.n), 1e-12), 1 - 1e-12)))
        for a, b in rows
    ]
    return float(laws.normal_cdf(sum(z) / math.sqrt(len(z))))
