"""A plan for counts: relapses and lesions, negative binomial."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np

from eubiosis.analysis.columns import Floats
from eubiosis.analysis.planning.bounds import Better, Values, number_from, positive_number
from eubiosis.analysis.planning.laws import gauss_nodes
from eubiosis.analysis.planning.plans import NormalPlan, batches, two_arms
from eubiosis.core.findings import FindingCollector

NODES = 32
NullVariance = Literal["control rate", "alternative", "pooled rate"]


def ratio_distance(ratio: Floats, margin: Floats, better: Better) -> Floats:
    """Return the log distance of a ratio from the null, positive towards benefit.

    Without a margin (a null ratio of 1) the direction does not matter.
    """
    log = np.log(margin) - np.log(ratio)
    towards = log if better == "lower" else -log
    return np.asarray(np.where(margin == 1, np.abs(log), towards), dtype=np.float64)


class RatePlan(NormalPlan):
    """Relapses or lesions: negative binomial counts, two arms, rate ratio.

    Zhu and Lakkis (2014, Statistics in Medicine 33:376); the information of late entry and drop-out as
    Muetze (2018, Statistical Methods in Medical Research 28:2326). ``dispersion`` is k in variance = mu +
    k mu^2. ``margin`` is the rate ratio under the null: above 1 non-inferiority where fewer events are
    ``better``. ``null_variance`` other than "alternative" needs one fixed follow-up and no margin.

    >>> from eubiosis.analysis.planning.tables import size
    >>> size(RatePlan(control_rate=0.35, ratio=0.85, dispersion=0.8, years=2)).n_control
    1400
    """

    endpoint: ClassVar[str] = "rate ratio"

    control_rate: float = positive_number("Events per year in the control arm", "1/year")
    ratio: float = positive_number("Rate ratio, treated over control", "-")
    dispersion: float = number_from("k in variance = mean + k mean^2", "-", 0.0)
    years: float = positive_number("Follow-up after the last participant entered", "years")
    accrual_years: float = number_from("Time of recruitment", "years", 0.0, 0.0)
    dropout_per_year: float = number_from("Drop-out hazard", "1/year", 0.0, 0.0)
    allocation: float = positive_number("Treated per control participant", "-", 1.0)
    margin: float = positive_number("Rate ratio under the null hypothesis", "-", 1.0)
    better: Better = "lower"
    null_variance: NullVariance = "alternative"

    @property
    def method(self) -> str:
        """Name the analysis."""
        number = {"control rate": 1, "alternative": 2, "pooled rate": 3}[self.null_variance]
        return f"negative binomial, Zhu and Lakkis approach {number}"

    def check_together(self, at: Values, findings: FindingCollector) -> None:
        """Report a null variance that the follow-up or the margin does not go with."""
        if self.null_variance == "alternative":
            return
        for name, plain in (("accrual_years", 0.0), ("dropout_per_year", 0.0), ("margin", 1.0)):
            if np.any(at[name] != plain):
                findings.add(
                    "RatePlan", name,
                    f'null_variance "{self.null_variance}" is defined for one fixed follow-up and a null '
                    "ratio of 1",
                    allowed=f"{name} {plain:g}", next_step='use null_variance "alternative"',
                )  # fmt: skip

    def constants(self, at: Values) -> Values:
        """Return distance and variances of the log rate ratio for one control participant."""
        w, k = at["allocation"], at["dispersion"]
        follow = (at["years"], at["accrual_years"], at["dropout_per_year"])
        control = np.maximum(information_per_person(at["control_rate"], k, *follow), 1e-300)
        treated = np.maximum(information_per_person(at["control_rate"] * at["ratio"], k, *follow), 1e-300)
        spread = 1 / control + 1 / (w * treated)
        null = spread
        if self.null_variance == "control rate":
            null = (1 + w) / (w * at["years"] * at["control_rate"]) + (1 + w) * k / w
        elif self.null_variance == "pooled rate":
            pooled = w * at["years"] * at["control_rate"] * (1 + w * at["ratio"])
            null = (1 + w) ** 2 / pooled + (1 + w) * k / w
        distance = ratio_distance(at["ratio"], at["margin"], self.better)
        return {"distance": distance, "null": null, "spread": spread, "alpha": at["alpha"]}

    def simulate(self, size: int, trials: int, draw: np.random.Generator) -> Floats:
        """Simulate counts with gamma-distributed personal rates and fit the negative binomial law."""
        from eubiosis.analysis.planning.count_fits import rate_ratio_fits

        arm = two_arms(size, self.allocation)
        statistic = np.empty(trials)
        for rows in batches(trials, 10 * len(arm)):
            shape = (len(rows), len(arm))
            years = follow_up_times(self.years, self.accrual_years, self.dropout_per_year, shape, draw)
            rate = self.control_rate * np.where(arm > 0, self.ratio, 1.0)
            if self.dispersion > 0:
                rate = rate * draw.gamma(1 / self.dispersion, self.dispersion, shape)
            counts = draw.poisson(rate * years).astype(np.float64)
            log_ratio, error = rate_ratio_fits(counts, years, arm)
            away = (np.log(self.margin) - log_ratio) / error
            statistic[rows] = np.where(np.isfinite(away), away, -np.inf)
        flip = self.ratio > 1 if self.margin == 1 else self.better == "higher"
        return np.where(np.isinf(statistic), statistic, -statistic) if flip else statistic


def information_per_person(
    rate: Floats, dispersion: Floats, years: Floats, accrual_years: Floats, dropout_per_year: Floats
) -> Floats:
    """Return a participant's expected information on the log rate, the mean of mu / (1 + k mu).

    The mean over the time t of follow-up is the integral of the derivative r / (1 + k r t)^2 times the
    chance of being followed longer than t, one up to ``years`` but for drop-out and falling linearly to
    zero over the accrual. Arguments broadcast.

    >>> round(float(information_per_person(*map(np.asarray, (0.5, 0.0, 2.0, 0.0, 0.0)))), 12)
    1.0
    """
    if not np.any(accrual_years) and not np.any(dropout_per_year):
        mean = rate * years
        return np.asarray(mean / (1 + dispersion * mean), dtype=np.float64)
    nodes, weights = gauss_nodes(NODES)
    arrays = np.broadcast_arrays(rate, dispersion, years, accrual_years, dropout_per_year)
    shape = arrays[0].shape
    r, k, t, a, h = (np.asarray(one, dtype=np.float64).reshape(-1, 1) for one in arrays)
    total = np.zeros(len(r))
    for time, left, step in follow_up_nodes(t, a, h, k * r, nodes, weights):
        total += (r * left * np.exp(-h * time) / (1 + k * r * time) ** 2 * step).sum(axis=1)
    return np.asarray(total.reshape(shape), dtype=np.float64)


def follow_up_nodes(
    years: Floats, accrual_years: Floats, dropout: Floats, steep: Floats, nodes: Floats, weights: Floats
) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Yield times, the share planned to be followed longer and steps of integration, twice (cells, nodes).

    First up to ``years``, then over the accrual. Nodes crowd at the beginning where ``steep``, the scale of
    a hazard that falls as 1 / (1 + steep t), is great; where drop-out leaves nobody they end.
    """
    horizon = 60.0 / np.maximum(dropout, 1e-12)
    first = np.minimum(years, horizon)
    bend = np.maximum(np.log1p(np.minimum(steep * first, 1e30)), 1e-9)
    grown, whole = np.expm1(nodes * bend), np.expm1(bend)
    time = first * (grown / whole)
    yield time, np.ones_like(time), (first * bend / whole) * (grown + 1.0) * weights
    if not np.any(accrual_years):
        return
    second = np.minimum(accrual_years, np.clip(horizon - years, 0.0, None))
    later = second * nodes
    share = np.divide(later, accrual_years, out=np.zeros_like(later), where=accrual_years > 0)
    yield years + later, 1 - share, second * weights


def follow_up_times(
    years: float,
    accrual_years: float,
    dropout_per_year: float,
    shape: tuple[int, int],
    draw: np.random.Generator,
) -> Floats:
    """Draw the follow-up of participants who enter uniformly and drop out at a constant hazard."""
    planned = years + accrual_years * draw.random(shape)
    if dropout_per_year == 0:
        return np.asarray(planned, dtype=np.float64)
    return np.asarray(np.minimum(planned, draw.exponential(1 / dropout_per_year, shape)), dtype=np.float64)
