"""Assurance and power over size and length: the heatmap of a report, from the spread of its estimates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from eubiosis.analysis.planning.counts import FollowUp
from eubiosis.analysis.planning.prior_assurance import MixturePrior
from eubiosis.analysis.planning.reach import SpreadLaw, curve_under, power_at
from eubiosis.core.assurance_grid import AssuranceGrid
from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.report_input import EffectRow
from eubiosis.trial.design import Design

_LENGTHS = 9  # from half the planned length to twice


class GridComparison(Protocol):
    """A comparison as far as its grid needs it: its row, spread, level, what matters, and the priors."""

    @property
    def row(self) -> EffectRow: ...
    @property
    def relevant(self) -> float | None: ...
    @property
    def law(self) -> SpreadLaw: ...
    @property
    def alpha(self) -> float: ...
    @property
    def worlds(self) -> MixturePrior | None: ...
    @property
    def common(self) -> MixturePrior | None: ...
    @property
    def sceptical(self) -> MixturePrior | None: ...


def assurance_grids(
    comparisons: Sequence[GridComparison], design: Design, sizes: Sequence[int]
) -> Iterator[AssuranceGrid]:
    """Yield the grid of each comparison whose estimates have a spread; ``sizes`` ascend."""
    weeks = grid_weeks(design)
    visits = tuple(round(planned_visits(design, one), 2) for one in weeks)
    for one in comparisons:
        if not (math.isfinite(one.law.error) and one.law.error > 0):
            continue
        laws = [law_of_length(one.law, design, length) for length in weeks]
        expected = one.common or one.worlds
        power: tuple[tuple[float, ...], ...] = ()
        if one.relevant is not None:
            table = [[power_at(law, one.relevant, n, one.alpha)[2] for n in sizes] for law in laws]
            power = tuple(rounded(np.array(row)) for row in table)
        yield AssuranceGrid(
            endpoint=one.row.endpoint,
            label=one.row.label,
            primary=one.row.primary,
            arm=one.row.arm,
            prior="the common prior" if one.common is not None else "the simulated worlds",
            participants=tuple(sizes),
            weeks=weeks,
            visits=visits,
            common=_over(expected, laws, one.alpha, sizes),
            sceptical=_over(one.sceptical, laws, one.alpha, sizes),
            power=power,
        )


def _over(
    prior_of: MixturePrior | None, laws: Sequence[SpreadLaw], alpha: float, sizes: Sequence[int]
) -> tuple[tuple[float, ...], ...]:
    return () if prior_of is None else tuple(assured(prior_of, law, alpha, sizes) for law in laws)


def grid_weeks(design: Design) -> tuple[float, ...]:
    """Return lengths of treatment from half the planned one to twice, 4 to 208 weeks, the planned among them.

    >>> from eubiosis import therapy
    >>> arms = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
    >>> grid_weeks(Design(arms=arms, participants=12, visits=[0, 16], primary="mfis"))
    (8.0, 10.0, 12.0, 14.0, 16.0, 20.0, 24.0, 28.0, 32.0)
    """
    planned = design.visits[-1]
    half = (_LENGTHS - 1) // 2
    shorter = [planned * (1 + k / half) / 2 for k in range(half)]
    longer = [planned * (1 + k / half) for k in range(half + 1)]
    return tuple(w for w in (*shorter, *longer) if 4 <= w <= 208 or w == planned)


def planned_visits(design: Design, weeks: float) -> float:
    """Return how many visits one participant is asked to in so many weeks, as often as in the design."""
    return 1 + (len(design.visits) - 1) * weeks / design.visits[-1]


def law_of_length(law: SpreadLaw, design: Design, weeks: float) -> SpreadLaw:
    """Return the law of another length of treatment: longer counts, and fewer who stay."""
    years, own = 7 * weeks / DAYS_PER_YEAR, 7 * design.visits[-1] / DAYS_PER_YEAR
    if law.counts is None:
        return replace(law, kept=math.exp(-design.dropout_per_year * (years - own)))
    follow_up = FollowUp(years, dropout_per_year=design.dropout_per_year)
    return replace(law, counts=replace(law.counts, follow_up=follow_up))


def assured(
    prior_of: MixturePrior | None, law: SpreadLaw, alpha: float, sizes: Sequence[int]
) -> tuple[float, ...]:
    """Return the assurance of trials of these sizes; empty without a prior."""
    if prior_of is None:
        return ()
    curve = curve_under(prior_of, law, alpha)
    return rounded(np.array([curve.success(size) for size in sizes]))


def rounded(values: np.ndarray) -> tuple[float, ...]:
    """Return shares (m,) to four decimals."""
    return tuple(round(float(value), 4) for value in values)
