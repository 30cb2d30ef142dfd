"""Times to an event: hazard ratios, survival curves, restricted means, log-rank and recurrent events."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.analysis.columns import (
    TABLE,
    Bools,
    DesignMatrix,
    Floats,
    arm_column,
    build_design,
    demand_arm,
    missing_values,
)
from eubiosis.analysis.estimators.cox import CoxFit, Ties, fit_cox, no_fit
from eubiosis.analysis.estimators.histories import Histories
from eubiosis.analysis.estimators.times import SAME, same_times
from eubiosis.analysis.guard import one_arm_each, separate_intervals, spellings, vanishes
from eubiosis.analysis.result import Counts, Estimate, Statistic, chi_squared, no_statistic, wald
from eubiosis.core.findings import FindingCollector
from eubiosis.core.soundness import Soundness, worst


def hazard_ratio(
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
    strata: ArrayLike | None = None,
    ties: Ties = "Efron",
    endpoint: str = "time to event",
    level: float = 0.95,
) -> Estimate:
    """Estimate the hazard ratio of one arm against another by Cox regression.

    ``time`` to the event or to censoring, ``event`` 1 or 0, one entry per participant; every arm in the
    table enters the model; ``strata`` have baseline hazards of their own. Times that differ by rounding
    only are tied, and counted in ``detail``. Times below zero and events other than 0 and 1 raise; missing
    values are counted. An arm without events gives "too_few_events", arms that the events tell apart
    completely "separated".

    >>> arm = ["active", "control"] * 5
    >>> time, event = [9, 3, 8, 5, 12, 2, 4, 6, 10, 7], [1, 1, 0, 1, 0, 1, 1, 1, 1, 1]
    >>> found = hazard_ratio(time, event, arm, treated="active", control="control")
    >>> found.status, round(found.estimate, 3)
    ('ok', 0.112)
    """
    design, histories, tied = _histories(
        time, event, arm, control=control, covariates=covariates, strata=strata
    )
    demand_arm(treated, design.treated_arms)
    fit = fit_cox(histories, np.arange(len(histories.stop)), ties)
    column = design.column(arm_column(treated)) - 1
    return _cox_estimate(
        fit,
        design,
        column,
        treated=treated,
        robust=False,
        scale_events=histories.event,
        method=f"Cox, {ties} ties",
        endpoint=endpoint,
        level=level,
        tied=tied,
    )


def recurrent_rate_ratio(
    participant: ArrayLike,
    start: ArrayLike,
    stop: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
    endpoint: str = "recurrent events",
    level: float = 0.95,
) -> Estimate:
    """Estimate the ratio of recurrent-event rates by the method of Lin, Wei, Yang and Ying (2000).

    One row per interval (start, stop] of a participant, with ``event`` 1 at its end or 0. The standard
    error sums score residuals by participant, so it holds whatever the dependence between a person's
    events; ``detail`` keeps the model-based one. Participants, not rows, are counted. An interval without
    length, overlapping intervals or a participant in two arms make the status "contradictory"; fewer than
    two participants in an arm leave nothing to judge the spread by.

    >>> who, arm = [1, 1, 2, 3, 4, 4, 5, 6], ["a", "a", "c", "a", "c", "c", "a", "c"]
    >>> start, stop = [0, 1, 0, 0, 0, 2, 0, 0], [1, 3, 3, 3, 2, 3, 3, 3]
    >>> event = [1, 0, 1, 0, 1, 1, 1, 0]
    >>> found = recurrent_rate_ratio(who, start, stop, event, arm, treated="a", control="c")
    >>> found.status, round(found.estimate, 3)
    ('ok', 0.606)
    """
    people = np.asarray(participant).astype(str)
    begin = np.asarray(start, dtype=np.float64)
    design = build_design(
        arm, control, required={"start": begin, "stop": stop, "event": event}, covariates=covariates
    )
    demand_arm(treated, design.treated_arms)
    values = design.values
    _check_histories(values["start"], values["stop"], values["event"])
    kept = people[design.kept]
    (start_, stop_), tied = same_times(values["start"], values["stop"])
    design = design.doubted(
        worst(one_arm_each(people, np.asarray(arm)), separate_intervals(kept, start_, stop_))
    )
    _, number = np.unique(kept, return_inverse=True)
    histories = Histories(
        design.matrix[:, 1:], start_, stop_, values["event"] == 1, np.zeros(len(kept), dtype=np.intp)
    )
    if design.soundness.usable:
        fit = fit_cox(histories, number.astype(np.intp))
    else:
        fit = no_fit(histories.matrix.shape[1], int(histories.event.sum()), design.soundness)
    arms = np.asarray(arm).astype(str)
    persons = [len(np.unique(kept[design.arm == name])) for name in (treated, control)]
    everyone = [len(np.unique(people[arms == name])) for name in (treated, control)]
    counts = Counts(persons[0], persons[1], everyone[0] - persons[0], everyone[1] - persons[1])
    if min(persons) < 2:
        few = f"{persons[0]} and {persons[1]} participants: no spread between people"
        design = design.doubted(Soundness("too_few_participants", few))
    return _cox_estimate(
        fit,
        design,
        design.column(arm_column(treated)) - 1,
        treated=treated,
        robust=True,
        scale_events=histories.event,
        method="LWYY",
        endpoint=endpoint,
        level=level,
        counts=counts,
        tied=tied,
    )


@dataclass(frozen=True)
class SurvivalCurve:
    """A Kaplan-Meier curve: at each event time the survival after it, Greenwood's sum and numbers.

    ``times``, ``survival``, ``greenwood`` (the sum d / (n (n - d))), ``at_risk`` and ``events`` are
    (event times,); ``stops`` are all observed times, sorted.
    """

    times: Floats
    survival: Floats
    greenwood: Floats
    at_risk: Floats
    events: Floats
    stops: Floats

    def at(self, times: Sequence[float], level: float = 0.95) -> tuple[Floats, Floats, Floats, Floats]:
        """Return survival, standard error and a log-scale interval at given times, each (times,)."""
        from scipy.stats import norm

        place = np.searchsorted(self.times, np.asarray(times, dtype=np.float64), side="right")
        survival = np.concatenate(([1.0], self.survival))[place]
        spread = np.sqrt(np.concatenate(([0.0], self.greenwood))[place])
        reach = float(norm.isf((1 - level) / 2)) * spread
        high = np.minimum(survival * np.exp(reach), 1.0)
        return survival, survival * spread, survival * np.exp(-reach), high

    def number_at_risk(self, times: Sequence[float]) -> NDArray[np.intp]:
        """Return how many are observed up to each time or longer."""
        return len(self.stops) - np.searchsorted(self.stops, np.asarray(times), side="left")

    @property
    def median(self) -> float:
        """Return the first time at which survival is below one half; infinite if it never is.

        Where the curve runs at exactly one half the median is the middle of that stretch, as in R's
        survfit; a curve that ends there has its median where the stretch begins.
        """
        below = np.flatnonzero(self.survival < 0.5 - SAME)
        level = np.flatnonzero(np.abs(self.survival - 0.5) <= SAME)
        if len(level) and len(below):
            return 0.5 * float(self.times[level[0]] + self.times[below[0]])
        reached = [*level[:1].tolist(), *below[:1].tolist()]
        return float(self.times[reached[0]]) if reached else math.inf

    def restricted_mean(self, limit: float) -> tuple[float, float]:
        """Return the mean time up to ``limit`` and its standard error."""
        inside = self.times < limit
        edges = np.concatenate(([0.0], self.times[inside], [limit]))
        heights = np.concatenate(([1.0], self.survival[inside]))
        areas = heights * np.diff(edges)
        left = np.cumsum(areas[::-1])[::-1][1:]  # area right of each event time
        jumps = np.diff(np.concatenate(([0.0], self.greenwood[inside])))
        certain = ~np.isfinite(jumps)  # the last one dies: nothing is left to its right
        variance = float(np.sum(np.where(certain, 0.0, left**2 * np.where(certain, 0.0, jumps))))
        return float(areas.sum()), math.sqrt(variance)


def kaplan_meier(time: ArrayLike, event: ArrayLike) -> SurvivalCurve:
    """Estimate a survival curve (Kaplan and Meier 1958); times that differ by rounding are tied.

    A missing or infinite time, a missing event or nobody at all raises ``ValueError``.

    >>> kaplan_meier([1.0, 2.0, 3.0, 4.0], [1, 0, 1, 0]).survival.tolist()
    [0.75, 0.375]
    """
    stop, happened = _complete(time, event)
    times, deaths = np.unique(stop[happened == 1], return_counts=True)
    stops = np.sort(stop)
    risk = (len(stops) - np.searchsorted(stops, times, side="left")).astype(np.float64)
    with np.errstate(divide="ignore"):
        greenwood = np.cumsum(deaths / (risk * (risk - deaths)))
    return SurvivalCurve(
        times,
        np.asarray(np.cumprod(1.0 - deaths / risk), dtype=np.float64),
        greenwood,
        risk,
        deaths.astype(np.float64),
        stops,
    )


def restricted_mean_difference(
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    limit: float,
    endpoint: str = "time to event",
    level: float = 0.95,
) -> Estimate:
    """Estimate the difference in mean event-free time up to ``limit``, in the unit of ``time``.

    Where an arm's last observation is censored before ``limit`` its mean is not defined and the status
    is "too_few_participants".

    >>> arm = ["active", "control"] * 5
    >>> time, event = [9, 3, 8, 5, 12, 2, 4, 6, 10, 7], [1, 1, 0, 1, 0, 1, 1, 1, 1, 1]
    >>> arms = {"treated": "active", "control": "control"}
    >>> round(restricted_mean_difference(time, event, arm, limit=8, **arms).estimate, 2)
    2.6
    """
    design = build_design(arm, control, required={"time": time, "event": event})
    demand_arm(treated, design.treated_arms)
    means: list[tuple[float, float]] = []
    soundness = design.soundness
    for name in (treated, control):
        rows = design.arm == name
        if not rows.any():
            means.append((math.nan, math.nan))
            soundness = worst(soundness, Soundness("too_few_participants", f"nobody was observed in {name}"))
            continue
        curve = kaplan_meier(design.values["time"][rows], design.values["event"][rows])
        ended = len(curve.survival) > 0 and curve.survival[-1] <= 0
        if curve.stops[-1] < limit and not ended:
            why = f"nobody in {name} was followed to {limit:g}"
            soundness = worst(soundness, Soundness("too_few_participants", why))
            means.append((math.nan, math.nan))
        else:
            means.append(curve.restricted_mean(limit))
    if soundness.usable and means[0][1] == means[1][1] == 0.0:
        soundness = Soundness("too_few_events", "no event spreads the times before the limit")
    return wald(
        means[0][0] - means[1][0],
        math.hypot(means[0][1], means[1][1]),
        endpoint=endpoint,
        method="restricted mean survival time",
        arms=(treated, control),
        scale="restricted mean difference",
        counts=design.counts(treated),
        level=level,
        soundness=soundness,
        detail={"limit": limit, "mean_treated": means[0][0], "mean_control": means[1][0]},
    )


def log_rank(
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    strata: ArrayLike | None = None,
    rho: float = 0.0,
) -> Statistic:
    """Test equality of survival curves; ``rho`` 1 weighs by survival (Peto-Prentice).

    The G-rho family of Harrington and Fleming (1982, Biometrika 69:553) with the hypergeometric
    variance, summed over strata. A group that never was at risk at an event is left out of the degrees of
    freedom, as in R's survdiff. No events, fewer than two groups at risk or groups that no stratum compares
    leave no statistic. Missing values raise.

    >>> arm = ["active", "control"] * 5
    >>> found = log_rank([9, 3, 8, 5, 12, 2, 4, 6, 10, 7], [1, 1, 0, 1, 0, 1, 1, 1, 1, 1], arm)
    >>> round(found.p_value, 3)
    0.02
    """
    stop, happened = _complete(time, event)
    labels = np.asarray(group).astype(str)
    name = "log-rank" if rho == 0 else f"G-rho, rho {rho:g}"
    soundness = spellings(np.unique(labels).tolist(), "group")
    if soundness.usable and not happened.any():
        soundness = Soundness("too_few_events", "no events")
    if not soundness.usable:
        return no_statistic(name, len(np.unique(labels)) - 1, soundness)
    names = np.unique(labels)
    layer = np.zeros(len(stop)) if strata is None else np.unique(np.asarray(strata), return_inverse=True)[1]
    excess, variance = np.zeros(len(names)), np.zeros((len(names), len(names)))
    exposed = np.zeros(len(names))
    for stratum in np.unique(layer):
        rows = layer == stratum
        more, spread, expected = _observed_minus_expected(
            stop[rows], happened[rows], labels[rows], names, rho
        )
        excess += more
        variance += spread
        exposed += expected
    kept = np.flatnonzero(exposed > 0)[:-1]
    if not len(kept):
        return no_statistic(name, 0, Soundness("no_information", "only one group was at risk at any event"))
    part = variance[np.ix_(kept, kept)]
    if np.linalg.matrix_rank(part, hermitian=True) < len(kept):
        return no_statistic(
            name, len(kept), Soundness("no_information", "no stratum compares the groups at an event")
        )
    return chi_squared(name, float(excess[kept] @ np.linalg.solve(part, excess[kept])), len(kept))


def _observed_minus_expected(
    stop: Floats, event: Floats, labels: NDArray[np.str_], names: NDArray[np.str_], rho: float
) -> tuple[Floats, Floats, Floats]:
    times = np.unique(stop[event == 1])
    risk = np.array([[np.sum((stop >= t) & (labels == g)) for g in names] for t in times], dtype=float)
    deaths = np.array(
        [[np.sum((stop == t) & (event == 1) & (labels == g)) for g in names] for t in times], dtype=float
    )
    risk, deaths = risk.reshape(-1, len(names)), deaths.reshape(-1, len(names))
    n, d = risk.sum(axis=1), deaths.sum(axis=1)
    survival = np.cumprod(1.0 - d / n)
    weight = np.concatenate(([1.0], survival[:-1])) ** rho if len(n) else np.zeros(0)
    excess = weight @ (deaths - risk * (d / n)[:, None])
    factor = np.where(n > 1, d * (n - d) / np.maximum(n - 1, 1), 0.0) * weight**2
    share = risk / n[:, None]
    variance = np.diag(factor @ share) - (share * factor[:, None]).T @ share
    expected = (d / n) @ risk
    return (
        np.asarray(excess, dtype=np.float64),
        np.asarray(variance, dtype=np.float64),
        np.asarray(expected, dtype=np.float64),
    )


def _complete(time: ArrayLike, event: ArrayLike) -> tuple[Floats, Floats]:
    """Return times without near ties and events, all known and finite."""
    stop, happened = np.asarray(time, dtype=np.float64), np.asarray(event, dtype=np.float64)
    if len(stop) == 0 or not np.all(np.isfinite(stop)) or np.any(np.isnan(happened)):
        message = "a time or an event is missing, or nobody is left; leave such rows out and count them"
        raise ValueError(message)
    _check_histories(np.zeros_like(stop), stop, happened)
    return same_times(stop)[0][0], happened


def _histories(
    time: ArrayLike,
    event: ArrayLike,
    arm: ArrayLike,
    *,
    control: str,
    covariates: Mapping[str, ArrayLike] | None,
    strata: ArrayLike | None,
) -> tuple[DesignMatrix, Histories, int]:
    required: dict[str, ArrayLike] = {"time": time, "event": event}
    if strata is not None:
        layers = np.asarray(strata)
        codes = np.unique(layers.astype(str), return_inverse=True)[1].astype(np.float64)
        codes[missing_values(layers)] = np.nan
        required["strata"] = codes
    design = build_design(arm, control, required=required, covariates=covariates)
    stop, happened = design.values["time"], design.values["event"]
    _check_histories(np.zeros_like(stop), stop, happened)
    (stop,), tied = same_times(stop)
    layer = design.values.get("strata", np.zeros_like(stop)).astype(np.intp)
    histories = Histories(design.matrix[:, 1:], np.zeros_like(stop) - 1.0, stop, happened == 1, layer)
    return design, histories, tied


def _check_histories(start: Floats, stop: Floats, event: Floats) -> None:
    findings = FindingCollector()
    if np.any(start < 0) or np.any(stop < start):
        findings.add(
            TABLE, "time", "a time below zero or an end before its start", allowed="0 <= start <= stop"
        )
    if not np.all(np.isin(event, (0.0, 1.0))):
        findings.add(TABLE, "event", "a value other than 0 and 1", allowed="1 event, 0 censored")
    findings.raise_if_any()


def _cox_estimate(
    fit: CoxFit,
    design: DesignMatrix,
    column: int,
    *,
    treated: str,
    robust: bool,
    scale_events: Bools,
    method: str,
    endpoint: str,
    level: float,
    tied: int,
    counts: Counts | None = None,
) -> Estimate:
    events = [int(scale_events[design.arm == name].sum()) for name in (treated, design.control)]
    soundness = worst(design.soundness, _judge(fit, column, events, robust=robust))
    spread = fit.robust if robust else fit.covariance
    error = math.sqrt(fit.covariance[column, column]) if soundness.usable else math.nan
    return wald(
        float(fit.coefficients[column]),
        math.sqrt(spread[column, column]) if soundness.usable else math.nan,
        endpoint=endpoint,
        method=method,
        arms=(treated, design.control),
        scale="rate ratio" if robust else "hazard ratio",
        counts=counts or design.counts(treated),
        level=level,
        soundness=soundness,
        detail={
            "events_treated": events[0],
            "events_control": events[1],
            "log_likelihood": fit.log_likelihood,
            "standard_error_model": error,
            **({"times_tied_as_equal": tied} if tied else {}),
            **fit.blind.note(),
        },
    )


def _judge(fit: CoxFit, column: int, events: list[int], *, robust: bool) -> Soundness:
    """Say whether the ratio of one arm against the control may be read."""
    if min(events) == 0:
        return Soundness("too_few_events", f"{events[0]} and {events[1]} events in the two arms")
    if not fit.soundness.usable:
        return fit.soundness
    soundness = fit.blind.on_column(column)
    model = float(fit.covariance[column, column])
    if soundness.usable and robust and vanishes(float(fit.robust[column, column]), model):
        return Soundness("no_variance", "the score residuals of the participants vanish")
    return soundness
