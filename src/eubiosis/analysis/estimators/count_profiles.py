"""Profile likelihood interval of a rate ratio: what the likelihood itself does not rule out."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from eubiosis.analysis.columns import DesignMatrix, arm_column
from eubiosis.analysis.estimators.negbin import CountFit, fit_fixed_dispersion, fit_negative_binomial
from eubiosis.core import laws

_FURTHEST = 30.0  # of a log ratio: beyond, the interval is without an end
_DOUBLINGS = 12


def profile_interval(
    design: DesignMatrix, fit: CountFit, treated: str, *, level: float = 0.95, held: bool = False
) -> tuple[float, float]:
    """Return the ends of the profile likelihood interval of an arm's log rate ratio.

    At each log ratio everything else is fitted anew, the dispersion too unless it is ``held`` at that of
    ``fit``, as MASS in R does. An end further than 30 log units away is infinite; where a fit has no numbers
    the end is not a number. ``design`` and ``fit`` are those of ``fit_counts``.

    >>> from eubiosis.analysis.estimators.counts import fit_counts
    >>> design, fit = fit_counts([6, 5, 4, 9, 2, 1, 3, 2], [1.0] * 8, ["p"] * 4 + ["a"] * 4, control="p")
    >>> [round(end, 3) for end in profile_interval(design, fit, "a")]
    [-1.965, -0.341]
    """
    column = design.column(arm_column(treated))
    rest = np.delete(design.matrix, column, axis=1)
    own, outcome = design.matrix[:, column], design.values["counts"]
    offset = np.log(design.values["years"])
    best, error = float(fit.coefficients[column]), fit.standard_error(column)
    if not (math.isfinite(best) and error > 0):
        return math.nan, math.nan
    point = float(laws.normal_point((1 - level) / 2))

    def fall(ratio: float) -> float:
        """Return by how much the signed root of the likelihood ratio exceeds the point."""
        shifted = offset + ratio * own
        other = (
            fit_fixed_dispersion(outcome, rest, shifted, fit.dispersion)
            if held
            else fit_negative_binomial(outcome, rest, shifted)
        )
        if not other.soundness.usable:
            return math.nan
        return math.sqrt(max(2 * (fit.log_likelihood - other.log_likelihood), 0.0)) - point

    return _end(fall, best, -point * error), _end(fall, best, point * error)


def _end(fall: Callable[[float], float], best: float, step: float) -> float:
    """Return where ``fall`` is zero on one side of ``best``; infinite where it stays below."""
    for _ in range(_DOUBLINGS):
        if abs(step) > _FURTHEST:
            return math.copysign(math.inf, step)
        value = fall(best + step)
        if math.isnan(value):
            return math.nan
        if value > 0:
            return float(laws.root(fall, min(best, best + step), max(best, best + step)))
        step *= 2
    return math.copysign(math.inf, step)
