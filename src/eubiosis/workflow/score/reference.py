"""The forecasts that the model has to beat, made without the scored study.

The reference says no change, with the spread of the other studies: the root mean square of what they found
beyond their own sampling error, every study counting once. Beside it stand minus-baseline (the whole
deviation of the baseline from that of the other studies goes back) and a regression over the other studies'
figures on that deviation, or, where there is none, their mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.core.scoreboard import NormalLaw
from eubiosis.workflow.score.readouts import AskedQuantity, other_effects

FEWEST_OTHERS = 2
_ADJUNCT = "adjunct"


@dataclass(frozen=True)
class OtherFigure:
    """What another study found of a quantity: estimate, standard error, and the covariate if any."""

    study: str
    estimate: float
    se: float
    covariate: float | None = None


@dataclass(frozen=True)
class Competitors3:
    """The reference and the two that stand beside it; None where they do not exist."""

    reference: NormalLaw | None
    minus_baseline: NormalLaw | None
    regression: NormalLaw | None
    others: int = 0


def competitors(asked: AskedQuantity, everything: Sequence[AskedQuantity], cohort: str = "") -> Competitors3:
    """Return the simple forecasts of a read-out from all others but its own study's and the hold-outs'.

    ``cohort`` names it in the evidence, whose trials are the others of an adjunct's clinical endpoint.
    """
    if not asked.change:
        return Competitors3(None, None, None)
    if asked.family == _ADJUNCT:
        found = other_effects(asked.kind, (cohort,))
        others = [OtherFigure(name, *pair) for name, pair in found.items()]
        return Competitors3(spread_about_none(others), None, mean_of(others), len(others))
    kin = [
        each for each in everything
        if each.change and not each.holdout and each.kind == asked.kind
        and each.read_out.study != asked.read_out.study and each.family != _ADJUNCT
    ]  # fmt: skip
    same = [each for each in kin if each.family == asked.family]
    kin = same if len({each.read_out.study for each in same}) >= FEWEST_OTHERS else kin
    others = [
        OtherFigure(e.read_out.study, e.read_out.estimate, e.read_out.se, deviation(e, everything))
        for e in kin
    ]
    own, count = deviation(asked, everything), len({each.study for each in others})
    if own is None:
        return Competitors3(spread_about_none(others), None, mean_of(others), count)
    known = [each for each in others if each.covariate is not None]
    return Competitors3(
        spread_about_none(others),
        through_origin(own, known, slope=-1.0) if asked.baseline is not None else None,
        through_origin(own, known) or mean_of(others),
        count,
    )


def deviation(asked: AskedQuantity, everything: Sequence[AskedQuantity]) -> float | None:
    """Return what a regression starts from: the covariate, or the baseline less that of the other studies."""
    if asked.covariate is not None or asked.baseline is None:
        return asked.covariate
    rest = [
        each.baseline for each in everything
        if each.baseline is not None and each.read_out.quantity == asked.read_out.quantity
        and each.read_out.study != asked.read_out.study and each.family == asked.family
    ]  # fmt: skip
    return asked.baseline - float(np.mean(rest)) if rest else None


def spread_about_none(others: Sequence[OtherFigure]) -> NormalLaw | None:
    """Return the forecast of no change with the others' spread; None with fewer than two other studies.

    >>> spread_about_none([OtherFigure("a", 0.3, 0.0), OtherFigure("b", -0.3, 0.0)])
    NormalLaw(mean=0.0, sd=0.3)
    """
    parts = _by_study(others, [each.estimate**2 - each.se**2 for each in others])
    if len(parts) < FEWEST_OTHERS:
        return None
    return NormalLaw(0.0, math.sqrt(max(float(np.mean(parts)), 0.0)))


def mean_of(others: Sequence[OtherFigure]) -> NormalLaw | None:
    """Return the mean of the other studies and the spread of a new one about it, beyond sampling error."""
    means = _by_study(others, [each.estimate for each in others])
    if len(means) < FEWEST_OTHERS:
        return None
    centre = float(np.mean(means))
    left = _by_study(others, [(each.estimate - centre) ** 2 - each.se**2 for each in others])
    of_mean = float(np.var(means, ddof=1)) / len(means)
    return NormalLaw(centre, math.sqrt(max(float(np.mean(left)), 0.0) + of_mean))


def through_origin(
    own: float, others: Sequence[OtherFigure], *, slope: float | None = None
) -> NormalLaw | None:
    """Return the forecast ``slope`` times the covariate (None: the least-squares slope of the others).

    >>> rows = [OtherFigure("a", 1.0, 0.0, 1.0), OtherFigure("b", 2.0, 0.0, 2.0)]
    >>> through_origin(3.0, rows)
    NormalLaw(mean=3.0, sd=0.0)
    """
    pairs = [(e, e.covariate) for e in others if e.covariate is not None]
    if len({each.study for each, _ in pairs}) < FEWEST_OTHERS:
        return None
    rows = [each for each, _ in pairs]
    x = np.array([value for _, value in pairs])
    y = np.array([each.estimate for each in rows])
    b = float(x @ y / (x @ x)) if slope is None else slope
    off = y - b * x
    left = _by_study(rows, [float(d) ** 2 - e.se**2 for d, e in zip(off, rows, strict=True)])
    error = 0.0 if slope is not None else own**2 * float(off @ off) / max(len(x) - 1, 1) / float(x @ x)
    return NormalLaw(b * own, math.sqrt(max(float(np.mean(left)), 0.0) + error))


def _by_study(others: Sequence[OtherFigure], values: Iterable[float]) -> list[float]:
    parts: dict[str, list[float]] = {}
    for each, value in zip(others, values, strict=True):
        parts.setdefault(each.study, []).append(value)
    return [float(np.mean(own)) for own in parts.values()]
