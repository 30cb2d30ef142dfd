"""The one result type of every analysis: an effect with its interval, its status and what it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from eubiosis.core.soundness import OK, USABLE, Soundness, Status, worst

Scale = Literal[
    "rate ratio",
    "rate difference",
    "rate",
    "mean",
    "mean difference",
    "ratio of geometric means",
    "standardised mean difference",
    "hazard ratio",
    "risk difference",
    "risk ratio",
    "odds ratio",
    "restricted mean difference",
]

RATIO_SCALES: frozenset[str] = frozenset(
    (
        "rate ratio",
        "rate",
        "ratio of geometric means",
        "hazard ratio",
        "risk ratio",
        "odds ratio",
    )
)
# a standard error of a logarithm beyond this is no information: the interval spans more than 1e17-fold
VAGUEST_LOG = 20.0


@dataclass(frozen=True)
class Estimate:
    """One contrast of one endpoint, as one method estimates it.

    ``estimate``, ``ci_low`` and ``ci_high`` are on the scale that ``scale`` names (a rate ratio of 0.85
    is 0.85, in years where a rate is meant); ``standard_error`` is on the analysis scale, which is the
    natural logarithm for every ratio and for a rate and the scale itself otherwise. ``degrees_of_freedom``
    is infinite for a normal reference distribution. ``n_*`` count the participants analysed, ``missing_*``
    those whom a missing value kept out.

    ``status`` is "ok"; "boundary" (a parameter lies at the edge of its range, so the smaller model was
    used: the numbers are valid); or says why there are no numbers, which are then NaN
    (``eubiosis.core.soundness.MEANING`` explains each). ``detail["reason"]`` has the particulars. A result
    without numbers counts as not significant, stays in its table and is counted.
    """

    endpoint: str
    method: str
    treated: str
    control: str
    scale: Scale
    estimate: float
    standard_error: float
    ci_low: float
    ci_high: float
    p_value: float
    n_treated: int
    n_control: int
    missing_treated: int = 0
    missing_control: int = 0
    status: Status = "ok"
    level: float = 0.95
    degrees_of_freedom: float = math.inf
    detail: Mapping[str, float | int | str] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Say whether the numbers may be read: status "ok" or "boundary"."""
        return self.status in USABLE

    def significant(self, alpha: float = 0.05) -> bool:
        """Say whether the two-sided p-value is below ``alpha``; never for a result without numbers."""
        return self.usable and self.p_value < alpha

    def as_row(self) -> dict[str, float | int | str]:
        """Return one flat table row; the entries of ``detail`` get the prefix ``detail_``."""
        row = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "detail"}
        row.update({f"detail_{name}": value for name, value in self.detail.items()})
        return row


def made_of(values: Mapping[str, object]) -> Estimate:
    """Return an estimate from a value for every one of its fields, in less time than its constructor takes.

    Assigning nineteen fields of a frozen object costs more than the analysis behind one of many thousands.

    >>> one = Estimate("mfis", "t", "a", "b", "mean difference", 1.0, 1.0, -1.0, 3.0, 0.3, 5, 5)
    >>> made_of(vars(one)) == one
    True
    """
    made = object.__new__(Estimate)
    made.__dict__.update(values)
    return made


@dataclass(frozen=True)
class Counts:
    """How many participants of the two arms were analysed and how many a missing value kept out."""

    n_treated: int
    n_control: int
    missing_treated: int = 0
    missing_control: int = 0


def wald(
    value: float,
    standard_error: float,
    *,
    endpoint: str,
    method: str,
    arms: tuple[str, str],
    scale: Scale,
    counts: Counts,
    level: float = 0.95,
    degrees_of_freedom: float = math.inf,
    soundness: Soundness = OK,
    detail: Mapping[str, float | int | str] | None = None,
) -> Estimate:
    """Build an estimate from a value and its standard error, both on the analysis scale.

    ``arms`` is (treated, control). The reference distribution is Student's t with the degrees of freedom
    given, the normal one when they are infinite; ratios are exponentiated at the end. The last guard of
    every analysis: numbers that cannot be read, for whatever reason, leave it with a status that says so.
    """
    soundness = worst(
        soundness, _readable(value, standard_error, degrees_of_freedom, ratio=scale in RATIO_SCALES)
    )
    if not soundness.usable:
        return failed(
            soundness,
            endpoint=endpoint,
            method=method,
            arms=arms,
            scale=scale,
            counts=counts,
            level=level,
            detail=detail,
        )
    reach = _upper_point((1 - level) / 2, degrees_of_freedom) * standard_error
    points = np.array([value, value - reach, value + reach])
    if scale in RATIO_SCALES:
        with np.errstate(over="ignore"):  # an interval may reach to infinity
            points = np.exp(points)
    return Estimate(
        endpoint,
        method,
        *arms,
        scale,
        float(points[0]),
        standard_error,
        float(points[1]),
        float(points[2]),
        2 * _upper_tail(abs(value) / standard_error, degrees_of_freedom),
        counts.n_treated,
        counts.n_control,
        counts.missing_treated,
        counts.missing_control,
        soundness.status,
        level,
        degrees_of_freedom,
        _with_reason(detail, soundness),
    )


def _readable(value: float, standard_error: float, degrees_of_freedom: float, *, ratio: bool) -> Soundness:
    """Judge the numbers themselves, whatever made them."""
    if not (math.isfinite(value) and math.isfinite(standard_error) and standard_error >= 0):
        return Soundness("not_converged", "the estimate or its standard error is not a finite number")
    if standard_error == 0:
        return Soundness("no_variance", "the standard error is zero")
    if not degrees_of_freedom > 0:
        return Soundness("too_few_participants", "no degrees of freedom are left")
    if ratio and standard_error > VAGUEST_LOG:
        return Soundness("no_information", f"the logarithm has a standard error of {standard_error:.3g}")
    return OK


def _with_reason(
    detail: Mapping[str, float | int | str] | None, soundness: Soundness
) -> dict[str, float | int | str]:
    return {**(detail or {}), **({"reason": soundness.reason} if soundness.reason else {})}


def _upper_point(probability: float, freedom: float) -> float:
    """Return the point that Student's t (the normal law for infinite freedom) exceeds with a probability."""
    from scipy.special import ndtri, stdtrit

    return -float(ndtri(probability) if math.isinf(freedom) else stdtrit(freedom, probability))


def _upper_tail(point: float, freedom: float) -> float:
    """Return the probability that Student's t, or the normal law, exceeds a point."""
    from scipy.special import ndtr, stdtr

    return float(ndtr(-point) if math.isinf(freedom) else stdtr(freedom, -point))


def failed(
    soundness: Soundness,
    *,
    endpoint: str,
    method: str,
    arms: tuple[str, str],
    scale: Scale,
    counts: Counts,
    level: float = 0.95,
    detail: Mapping[str, float | int | str] | None = None,
) -> Estimate:
    """Build the row of an analysis that gave no numbers, so that it stays in the table."""
    nan = math.nan
    return Estimate(
        endpoint,
        method,
        *arms,
        scale,
        nan,
        nan,
        nan,
        nan,
        nan,
        counts.n_treated,
        counts.n_control,
        counts.missing_treated,
        counts.missing_control,
        soundness.status,
        level,
        nan,
        _with_reason(detail, soundness),
    )


def count_by_status(estimates: Iterable[Estimate]) -> dict[str, int]:
    """Count the estimates of each status.

    >>> count_by_status([])
    {}
    """
    totals: dict[str, int] = {}
    for one in estimates:
        totals[one.status] = totals.get(one.status, 0) + 1
    return totals


@dataclass(frozen=True)
class Statistic:
    """A test without an effect: its statistic, degrees of freedom and p-value.

    Where ``status`` forbids the numbers they are NaN and ``reason`` says why.
    """

    name: str
    value: float
    degrees_of_freedom: float
    p_value: float
    status: Status = "ok"
    reason: str = ""

    @property
    def usable(self) -> bool:
        """Say whether the numbers may be read."""
        return self.status in USABLE


def no_statistic(name: str, degrees_of_freedom: float, soundness: Soundness) -> Statistic:
    """Build a test without numbers."""
    return Statistic(name, math.nan, degrees_of_freedom, math.nan, soundness.status, soundness.reason)


def chi_squared(name: str, value: float, degrees_of_freedom: float) -> Statistic:
    """Build a chi-squared test from its statistic.

    >>> round(chi_squared("example", 3.841459, 1).p_value, 4)
    0.05
    """
    from scipy.stats import chi2

    return Statistic(name, value, degrees_of_freedom, float(chi2.sf(value, degrees_of_freedom)))
