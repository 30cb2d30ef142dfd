"""One endpoint of trials of one size, length and number of samples in a pair of worlds, in a few numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.estimates import TrialEstimate
from eubiosis.analysis.result import RATIO_SCALES, Estimate
from eubiosis.analysis.truth import TrueEffect
from eubiosis.core.endpoints import ENDPOINTS

ALPHA = 0.05


@dataclass(frozen=True)
class SurfaceCell:
    """What the trials of one cell did.

    ``value`` is the true effect on the analysis scale (log for ratios); ``successes`` are trials with
    p < 0.05, ``towards`` those of them towards benefit, ``wrong`` those on the other side of no effect than
    the truth. ``effect`` and ``square`` are the mean estimate and mean squared distance from it, ``variance``
    the mean of what an analysis says its variance is, on the analysis scale. ``analysed`` and ``control`` are
    people of the active and the control arm in an analysis, on average; ``spread`` the mean residual variance
    of a linear model or the mean dispersion of a count; ``rate`` and ``exposure`` those of the control arm, a
    person, and ``randomised`` its people: 0 where the endpoint is no count.
    """

    gut_world: int
    host_world: int
    endpoint: str
    arm: str
    control_arm: str
    week: float
    participants: int
    samples: int
    trials: int
    no_numbers: int
    successes: int
    towards: int
    wrong: int
    value: float
    effect: float
    square: float
    variance: float
    analysed: float
    control: float
    spread: float
    rate: float
    exposure: float


def surface_cells(
    rows: Iterable[TrialEstimate],
    truths: Sequence[TrueEffect],
    *,
    week: float,
    participants: int,
    samples: int,
) -> list[SurfaceCell]:
    """Reduce the estimates of the trials of one kind in one pair of worlds; one cell an endpoint and arm.

    ``truths`` are those of the same pair of worlds and last visit. Raises ``KeyError`` for an estimate
    without a truth.
    """
    true = {(one.endpoint, one.arm): one for one in truths}
    grouped: dict[tuple[str, str], list[Estimate]] = {}
    for row in rows:
        grouped.setdefault((row.estimate.endpoint, row.estimate.treated), []).append(row.estimate)
    return [
        _cell(true[key], estimates, week=week, participants=participants, samples=samples)
        for key, estimates in grouped.items()
    ]


def _cell(
    truth: TrueEffect, estimates: Sequence[Estimate], *, week: float, participants: int, samples: int
) -> SurfaceCell:
    endpoint, first = ENDPOINTS[truth.endpoint], estimates[0]
    ratio = first.scale in RATIO_SCALES
    usable = [one for one in estimates if one.usable]
    hits = [one for one in usable if one.p_value < ALPHA]
    effects = np.array([math.log(one.estimate) if ratio else one.estimate for one in usable])
    signs = np.array([math.log(one.estimate) if ratio else one.estimate for one in hits])
    better = {"lower": -1.0, "higher": 1.0, "neither": 0.0}[endpoint.better]
    mean = float(effects.mean()) if len(effects) else math.nan

    def average(values: Sequence[float]) -> float:
        return float(np.mean(values)) if values else math.nan

    def detail(name: str) -> list[float]:
        return [float(one.detail[name]) for one in usable]

    counted = endpoint.counted
    spread = detail("dispersion") if counted else [each**2 for each in detail("residual_sd")]
    years = sum(detail("years_control")) if counted else 0.0
    people = sum(one.n_control for one in usable)
    return SurfaceCell(
        truth.gut_world,
        truth.host_world,
        truth.endpoint,
        truth.arm,
        first.control,
        week,
        participants,
        samples,
        len(estimates),
        len(estimates) - len(usable),
        len(hits),
        int((signs * better > 0).sum()),
        int((signs * truth.value < 0).sum()),
        truth.value,
        mean,
        float(np.mean((effects - mean) ** 2)) if len(effects) else math.nan,
        average([one.standard_error**2 for one in usable]),
        average([float(one.n_treated) for one in usable]),
        average([float(one.n_control) for one in usable]),
        average(spread),
        sum(detail("events_control")) / years if years else 0.0,
        years / people if counted and people else 0.0,
    )
