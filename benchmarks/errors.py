"""How far a solution is from the reference, and speeds compared at equal error.

The error of a subject is the largest of |y - reference| / (|reference| + scale) over output times and states.
The scale of a state is a thousandth of its typical magnitude: the median over subjects of the largest
absolute value in time. So an error is relative where a state is of its usual size, and a state that passes
through zero or that is nearly absent in somebody is judged against a thousandth of what it is in others.
States that are zero in everybody (drugs that nobody takes) have no scale and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SHARE = 1e-3
_ABSENT = 1e-12


@dataclass(frozen=True)
class Error:
    """Median and maximum over subjects, and how many subjects have no finite result."""

    median: float
    maximum: float
    failed: int


def typical(reference: Array) -> Array:
    """Return the typical magnitude of every state; ``reference`` is (subjects, times, states)."""
    return np.asarray(np.median(np.max(np.abs(reference), axis=1), axis=0))


def subject_errors(values: Array, reference: Array) -> Array:
    """Return the error of every subject, shape (subjects,); NaN where a value is not finite."""
    size = typical(reference)
    kept = size > _ABSENT
    scale = SHARE * size[kept]
    wanted = reference[:, :, kept]
    errors = np.abs(values[:, :, kept] - wanted) / (np.abs(wanted) + scale)
    return np.asarray(np.max(errors, axis=(1, 2)))


def error(values: Array, reference: Array) -> Error:
    """Return median, maximum and failures of a solution against the reference."""
    each = subject_errors(values, reference)
    fine = np.isfinite(each)
    if not np.any(fine):
        return Error(float("nan"), float("nan"), len(each))
    return Error(float(np.median(each[fine])), float(np.max(each[fine])), int(np.sum(~fine)))


def speed_at(errors: Sequence[float], speeds: Sequence[float], wanted: float) -> float:
    """Interpolate a work-precision curve: log(speed) against log(error); NaN outside what was measured.

    Of several tolerances that reach the same error or a better one only the fastest counts, so the curve
    rises with the error.
    """
    points = sorted((e, s) for e, s in zip(errors, speeds, strict=True) if np.isfinite(e) and e > 0)
    if not points:
        return float("nan")
    x = np.log([e for e, _ in points])
    y = np.maximum.accumulate(np.log([s for _, s in points]))
    if not x[0] <= np.log(wanted) <= x[-1]:
        return float("nan")
    return float(np.exp(np.interp(np.log(wanted), x, y)))
