"""Plans for times to an event: a hazard ratio, and the first relapse of people who differ in rate."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from eubiosis.analysis.columns import Floats
from eubiosis.analysis.planning.bounds import Better, Values, number_from, positive_number
from eubiosis.analysis.planning.laws import gauss_nodes
from eubiosis.analysis.planning.plans import NormalPlan, batches, two_arms
from eubiosis.analysis.planning.rates import NODES, follow_up_nodes, follow_up_times, ratio_distance


class TimePlan(NormalPlan):
    """A time to an event with constant hazards, two arms, Cox model or log-rank test.

    Events as Schoenfeld (1983, Biometrics 39:499). ``margin`` is the hazard ratio under the null.

    >>> from eubiosis.analysis.planning.tables import size
    >>> size(TimePlan(hazard_ratio=0.7, control_hazard=5, years=20)).n_total
    248
    """

    endpoint: ClassVar[str] = "hazard ratio"

    hazard_ratio: float = positive_number("Hazard ratio, treated over control", "-")
    control_hazard: float = positive_number("Events per year of those still at risk", "1/year")
    years: float = positive_number("Follow-up after the last participant entered", "years")
    accrual_years: float = number_from("Time of recruitment", "years", 0.0, 0.0)
    dropout_per_year: float = number_from("Drop-out hazard", "1/year", 0.0, 0.0)
    allocation: float = positive_number("Treated per control participant", "-", 1.0)
    margin: float = positive_number("Hazard ratio under the null hypothesis", "-", 1.0)
    better: Better = "lower"

    @property
    def method(self) -> str:
        """Name the analysis."""
        return "Schoenfeld"

    def constants(self, at: Values) -> Values:
        """Return distance and variance of the log hazard ratio for one control participant."""
        w = at["allocation"]
        follow = (at["years"], at["accrual_years"], at["dropout_per_year"])
        chance = event_chance(at["control_hazard"], *follow)
        treated = event_chance(at["control_hazard"] * at["hazard_ratio"], *follow)
        spread = (1 + w) ** 2 / np.maximum(w * (chance + w * treated), 1e-300)
        distance = ratio_distance(at["hazard_ratio"], at["margin"], self.better)
        return {"distance": distance, "null": spread, "spread": spread, "alpha": at["alpha"]}

    def simulate(self, size: int, trials: int, draw: np.random.Generator) -> Floats:
        """Simulate exponential times and test by the score (log-rank) test at the margin."""
        arm = two_arms(size, self.allocation)
        statistic = np.empty(trials)
        for rows in batches(trials, 4 * len(arm)):
            shape = (len(rows), len(arm))
            hazard = self.control_hazard * np.where(arm > 0, self.hazard_ratio, 1.0)
            times = draw.standard_exponential(shape) / hazard
            until = follow_up_times(self.years, self.accrual_years, self.dropout_per_year, shape, draw)
            statistic[rows] = log_rank_statistics(times, until, arm, self.margin)
        flip = self.hazard_ratio > 1 if self.margin == 1 else self.better == "higher"
        return np.where(np.isinf(statistic), statistic, -statistic) if flip else statistic


class FirstRelapsePlan(NormalPlan):
    """The time to the first relapse, from rates: people differ in theirs, so hazards are not constant.

    Personal rates are gamma-distributed with ``dispersion`` k, as in a negative binomial count: the share
    without a relapse at t is (1 + k r t)^(-1/k) and the hazard r / (1 + k r t). The hazard ratio drifts
    towards 1 as the frail relapse first; the log-rank test's drift and variance are integrated over time,
    so no constant hazard ratio is assumed.

    >>> from eubiosis.analysis.planning.tables import size
    >>> plan = FirstRelapsePlan(control_rate=0.35, ratio=0.7, dispersion=0.8, years=2)
    >>> size(plan).n_control
    458
    """

    endpoint: ClassVar[str] = "time to first relapse"

    control_rate: float = positive_number("Relapses per year in the control arm", "1/year")
    ratio: float = positive_number("Rate ratio, treated over control", "-")
    dispersion: float = number_from("k in variance = mean + k mean^2", "-", 0.0)
    years: float = positive_number("Follow-up after the last participant entered", "years")
    accrual_years: float = number_from("Time of recruitment", "years", 0.0, 0.0)
    dropout_per_year: float = number_from("Drop-out hazard", "1/year", 0.0, 0.0)
    allocation: float = positive_number("Treated per control participant", "-", 1.0)

    @property
    def method(self) -> str:
        """Name the analysis."""
        return "log-rank test of the first relapse, gamma-distributed rates"

    def constants(self, at: Values) -> Values:
        """Return drift and variance of the log-rank score for one control participant."""
        drift, variance, events = self._score(at)
        return {"distance": np.abs(drift), "null": variance, "spread": variance, "alpha": at["alpha"],
                "events": events}  # fmt: skip

    def relapse_free(self, at: Values, years: float) -> tuple[Floats, Floats]:
        """Return the share without a relapse after so many years, control and treated."""
        rates = (at["control_rate"], at["control_rate"] * at["ratio"])
        first, second = (_still_free(rate, at["dispersion"], np.asarray(years)) for rate in rates)
        return first, second

    def simulate(self, size: int, trials: int, draw: np.random.Generator) -> Floats:
        """Simulate personal rates and first relapses and test by the log-rank test."""
        arm = two_arms(size, self.allocation)
        statistic = np.empty(trials)
        for rows in batches(trials, 4 * len(arm)):
            shape = (len(rows), len(arm))
            rate = np.broadcast_to(self.control_rate * np.where(arm > 0, self.ratio, 1.0), shape)
            if self.dispersion > 0:
                rate = rate * np.maximum(draw.gamma(1 / self.dispersion, self.dispersion, shape), 1e-300)
            times = draw.standard_exponential(shape) / rate
            until = follow_up_times(self.years, self.accrual_years, self.dropout_per_year, shape, draw)
            statistic[rows] = log_rank_statistics(times, until, arm, 1.0)
        return np.where(np.isinf(statistic), statistic, -statistic) if self.ratio > 1 else statistic

    def _score(self, at: Values) -> tuple[Floats, Floats, Floats]:
        nodes, weights = gauss_nodes(NODES)
        names = (
            "control_rate",
            "ratio",
            "dispersion",
            "years",
            "accrual_years",
            "dropout_per_year",
            "allocation",
        )
        arrays = np.broadcast_arrays(*(at[name] for name in names))
        shape = arrays[0].shape
        r, ratio, k, t, a, h, w = (np.asarray(x, dtype=np.float64).reshape(-1, 1) for x in arrays)
        drift, variance, events = np.zeros(len(r)), np.zeros(len(r)), np.zeros(len(r))
        for time, left, step in follow_up_nodes(t, a, h, k * np.maximum(r, r * ratio), nodes, weights):
            observed = left * np.exp(-h * time)
            at_risk = [_still_free(rate, k, time) * observed for rate in (r, r * ratio)]
            hazard = [rate / (1 + k * rate * time) for rate in (r, r * ratio)]
            everybody = at_risk[0] + w * at_risk[1]
            treated = np.divide(w * at_risk[1], everybody, out=np.zeros_like(everybody), where=everybody > 0)
            all_events = at_risk[0] * hazard[0] + w * at_risk[1] * hazard[1]
            drift += (treated * at_risk[0] * (hazard[1] - hazard[0]) * step).sum(axis=1)
            variance += (treated * (1 - treated) * all_events * step).sum(axis=1)
            events += (all_events * step).sum(axis=1)
        variance = np.maximum(variance, 1e-300)
        return drift.reshape(shape), variance.reshape(shape), events.reshape(shape)


def event_chance(hazard: Floats, years: Floats, accrual_years: Floats, dropout_per_year: Floats) -> Floats:
    """Return the chance that an event is seen before drop-out and before the trial ends; broadcasts."""
    total = hazard + dropout_per_year
    span = np.where(accrual_years > 0, total * accrual_years, 1.0)
    average = np.where(accrual_years > 0, -np.expm1(-span) / span, 1.0)
    return np.asarray(hazard / total * (1 - np.exp(-total * years) * average), dtype=np.float64)


def log_rank_statistics(times: Floats, until: Floats, arm: Floats, margin: float) -> Floats:
    """Return the log-rank statistic of each trial (trials,), positive when the treated arm has fewer events.

    ``times`` to the event and ``until`` the end of follow-up are (trials, participants), without ties.
    ``margin`` is the hazard ratio under the null. A trial without an event gets minus infinity.
    """
    seen = times <= until
    order = np.argsort(np.minimum(times, until), axis=1)
    event = np.take_along_axis(seen, order, axis=1)
    treated = arm[order]
    left = np.cumsum(treated[:, ::-1], axis=1)[:, ::-1] * margin
    others = np.cumsum(1 - treated[:, ::-1], axis=1)[:, ::-1]
    expected = left / (left + others)
    score = ((treated - expected) * event).sum(axis=1)
    variance = (expected * (1 - expected) * event).sum(axis=1)
    root = np.sqrt(np.where(variance > 0, variance, 1.0))
    return np.asarray(np.where(variance > 0, -score / root, -np.inf), dtype=np.float64)


def _still_free(rate: Floats, dispersion: Floats, time: Floats) -> Floats:
    k = np.maximum(dispersion, 1e-12)
    return np.asarray(np.exp(-np.log1p(k * rate * time) / k), dtype=np.float64)
