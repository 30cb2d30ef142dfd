"""How well one trial tells two forms of a model apart by one marker: normal effects, normal errors.

Under a form the true effect is normal over its worlds; a trial adds its error. The chance of naming the
right one of two forms, equally probable beforehand, is a half plus a half of their total variation distance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from eubiosis.core import laws

_POINTS = 4001
_WIDTH = 9.0
LARGEST = 100_000


@dataclass(frozen=True)
class FormLaw:
    """The true effect under one form: its mean and standard deviation over worlds."""

    mean: float
    sd: float


def chance_of_right(first: FormLaw, second: FormLaw, error: float) -> float:
    """Return the chance of naming the right form from an estimate with this standard error.

    Between a half, where the forms predict the same, and one. Without error a form whose effect is a point
    is told from every other.

    >>> round(chance_of_right(FormLaw(0.0, 0.0), FormLaw(2.0, 0.0), 1.0), 4)  # Phi(1)
    0.8413
    >>> chance_of_right(FormLaw(0.0, 1.0), FormLaw(0.0, 1.0), 0.5)
    0.5
    """
    one, two = math.hypot(first.sd, error), math.hypot(second.sd, error)
    if (first.mean, one) == (second.mean, two):
        return 0.5
    if min(one, two) == 0:
        return 1.0
    ends = [law.mean + side * _WIDTH * sd for law, sd in ((first, one), (second, two)) for side in (-1, 1)]
    # fine about the narrower one, wide enough for the wider one
    narrow = min(one, two)
    centre = first.mean if one <= two else second.mean
    points = np.unique(
        np.concatenate(
            (
                np.linspace(min(ends), max(ends), _POINTS),
                centre + narrow * np.linspace(-_WIDTH, _WIDTH, _POINTS),
            )
        )
    )
    apart = np.abs(
        laws.normal_pdf((points - first.mean) / one) / one
        - laws.normal_pdf((points - second.mean) / two) / two
    )
    return min(1.0, 0.5 + 0.25 * float(np.trapezoid(apart, points)))


def participants_for_chance(
    first: FormLaw, second: FormLaw, unit_error: float, target: float = 0.8
) -> int | None:
    """Return the participants of the whole trial whose chance reaches ``target``; None beyond 100,000.

    ``unit_error`` is the standard error for one participant; it falls with the root of their number.
    """
    if chance_of_right(first, second, unit_error / math.sqrt(LARGEST)) < target:
        return None
    low, high = 2.0, float(LARGEST)
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        reached = chance_of_right(first, second, unit_error / math.sqrt(middle)) >= target
        low, high = (low, middle) if reached else (middle, high)
    return math.ceil(high)
