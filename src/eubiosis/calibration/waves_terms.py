"""What a row of the target table asks of a set of numbers: on which scale, how far off, how sure.

A ratio is compared as a logarithm. An estimate with both ends of its interval is normal about its value, with
another spread below than above; a row that only bounds, and a change within an arm without a control, is flat
inside its interval. Each spread holds the interval, the tolerance of the matching (no model is exact) and,
without a control, a bias. Rows that nobody read, and a figure that stands for another row's participants,
give nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.core.laws import Z975
from eubiosis.engine import Array
from eubiosis.model.content import TargetRow

TOLERANCE = 0.1  # sd of a log ratio that a model may be off; assumed (that of the earlier matching)
# sd of the log change that an arm without control may have for other reasons: the two guilds of Baxter 2019
# with a control arm moved by x0.89 and x1.10 on control starch
WITHIN_ARM_BIAS = 0.1
UNSOLVED = 10.0  # distance of a set that has no steady state, in spreads
_RATIOS = ("ratio", "ratio_to", "over_healthy")
_WITHIN = ("own habitual state", "own untreated state")
_OTHERS_FIGURE = "figure of "  # a population like "people with MS (figure of healthy adults)"
_OPEN_SHARE = 0.25  # spread beyond an end, as a share of it, of a row that is no ratio


@dataclass(frozen=True)
class Term:
    """One row as the matching sees it; all numbers on its ``logarithmic`` or plain scale.

    ``middle`` is None for a row that is flat between ``low`` and ``high``; ``below`` and ``above`` are the
    spreads on either side.
    """

    row: TargetRow
    logarithmic: bool
    middle: float | None
    low: float
    high: float
    below: float
    above: float

    @property
    def kind(self) -> str:
        """The class of the quantity: guild, acid, other."""
        return kind_of(self.row)

    def off(self, values: Array) -> Array:
        """Return how far values (sets,) are off, in spreads; negative below, 0 inside a flat interval."""
        with np.errstate(all="ignore"):
            y = np.log(values) if self.logarithmic else np.asarray(values, dtype=float)
        if self.middle is not None:
            away = y - self.middle
        else:
            away = np.where(y < self.low, y - self.low, np.where(y > self.high, y - self.high, 0.0))
        off = away / np.where(away < 0, self.below, self.above)
        return np.asarray(np.where(np.isfinite(off), np.clip(off, -UNSOLVED, UNSOLVED), UNSOLVED))


def term(row: TargetRow) -> Term | None:
    """Return what a row asks, or None for a row that gives nothing: not read, no ends, or told twice."""
    if row.read == "recalled" or _OTHERS_FIGURE in row.population or (row.low is None and row.high is None):
        return None
    ratio = row.statistic in _RATIOS
    logarithmic = ratio and (row.high is None or row.high > 0)

    def on_scale(value: float | None, otherwise: float) -> float:
        if value is None:
            return otherwise
        if logarithmic:
            return float(np.log(value)) if value > 0 else -np.inf
        return value

    low, high = on_scale(row.low, -np.inf), on_scale(row.high, np.inf)
    within = row.contrast in _WITHIN
    estimate = row.target is not None and np.isfinite(low) and np.isfinite(high) and not within
    extra = np.hypot(TOLERANCE, WITHIN_ARM_BIAS if within else 0.0) if ratio else 0.0
    if estimate:
        middle = on_scale(row.target, np.nan)
        below, above = (max(side, 1e-3) / Z975 for side in (middle - low, high - middle))
        return Term(
            row, logarithmic, middle, low, high, float(np.hypot(below, extra)), float(np.hypot(above, extra))
        )
    spread = float(extra) if ratio else _beyond(low, high)
    return Term(row, logarithmic, None, low, high, spread, spread)


def terms(rows: Sequence[TargetRow]) -> tuple[Term, ...]:
    """Return the terms of those rows that give one."""
    return tuple(found for row in rows if (found := term(row)) is not None)


def scores(found: Sequence[Term], answers: dict[str, Array]) -> Array:
    """Return how far every set is off in every term, in spreads, shape (terms, sets)."""
    return np.array([each.off(answers[each.row.id]) for each in found])


def kind_of(row: TargetRow) -> str:
    """Return the class of what a row is of: guild, stool_acid, or other."""
    if row.observable.startswith("gut_share_"):
        return "guild"
    acids = ("gut_stool_Ac", "gut_stool_Pr", "gut_stool_Bu", "gut_stool_scfa")
    return "stool_acid" if row.observable in acids else "other"


def study_of(row: TargetRow) -> str:
    """Name the study a row comes from: first author and year, or how its source begins."""
    found = re.match(r"([A-Z][\w-]+)(?: et al\.)?,? ((?:19|20)\d\d)", row.source)
    if found:
        return f"{found[1]} {found[2]}"
    return re.split(r"[,:(]", row.source)[0].strip() or row.id


def _beyond(low: float, high: float) -> float:
    """Return the spread beyond the ends of a flat interval on the plain scale."""
    if np.isfinite(low) and np.isfinite(high):
        return float((high - low) / 2 / Z975)
    return float(_OPEN_SHARE * max(abs(low) if np.isfinite(low) else abs(high), 1e-3))
