"""Blinded re-estimation of the size: the nuisance is estimated half-way without the arms being known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eubiosis.analysis.columns import Floats
from eubiosis.analysis.planning.bounds import Checked, number_from, share
from eubiosis.analysis.planning.count_fits import rate_ratio_fits
from eubiosis.analysis.planning.laws import round_sizes, tail_statistic
from eubiosis.analysis.planning.plans import Plan, batches, two_arms
from eubiosis.analysis.planning.rates import RatePlan
from eubiosis.analysis.planning.scores import ScorePlan
from eubiosis.analysis.planning.shares import RiskDifferencePlan, RiskRatioPlan
from eubiosis.analysis.planning.sizes import round_up
from eubiosis.analysis.planning.tables import Simulated, power, size
from eubiosis.core.findings import FindingCollector
from eubiosis.core.laws import normal_point
from eubiosis.core.streams import stream

Blinded = ScorePlan | RatePlan | RiskDifferencePlan | RiskRatioPlan
EFFECTS = {ScorePlan: "effect", RatePlan: "ratio", RiskDifferencePlan: "difference", RiskRatioPlan: "ratio"}
NUISANCE: dict[type, tuple[str, ...]] = {
    ScorePlan: ("sd",), RatePlan: ("control_rate", "dispersion"), RiskDifferencePlan: ("control_share",),
    RiskRatioPlan: ("control_share",),
}  # fmt: skip


class Reestimation(Checked):
    """When the nuisance is estimated and how far the size may go.

    At the share ``at`` of the planned size, all of whom have finished, the size is computed anew and kept
    between ``floor`` ("planned": never smaller than planned; "interim": as small as those already in) and
    ``most`` times the planned one.

    >>> Reestimation(most=3.0).floor
    'planned'
    """

    at: float = share("Share of the planned size at which the nuisance is estimated", 0.5)
    most: float = number_from("Largest final size over the planned one", "-", 1.0, 2.0)
    floor: Literal["planned", "interim"] = "planned"


@dataclass(frozen=True)
class Reestimated:
    """What re-estimation does when the nuisance is other than planned.

    Sizes count control participants: as planned, as needed had the truth been known, and the final one's
    mean and 5, 50 and 95 % points. ``power_fixed`` is that of the planned size under the truth in closed
    form; ``power`` and ``type_one_error`` of the re-estimated trial are simulated, one-sided.
    """

    planned: float
    needed: float
    mean: float
    points: tuple[float, float, float]
    at_most: float
    power_fixed: float
    power: Simulated
    type_one_error: Simulated
    level: float


def reestimate(
    plan: Blinded,
    truth: Blinded,
    rule: Reestimation,
    *,
    target: float = 0.8,
    trials: int = 2000,
    seed: int = 2026,
) -> Reestimated:
    """Simulate trials of a plan whose nuisance is really that of ``truth``, re-estimated blinded.

    ``truth`` is the same kind of plan and may differ in the nuisance (SD; control rate and dispersion;
    control share); everything else must be as planned. The type I error is simulated at the null value
    with the true nuisance. ``FindingsError`` where the plans do not match or the planned size is not
    reachable.

    >>> found = reestimate(
    ...     ScorePlan(effect=0.5), ScorePlan(effect=0.5, sd=1.3), Reestimation(), trials=400
    ... )
    >>> found.planned, found.needed, found.power_fixed < found.power.power
    (64, 108, True)
    """
    _check(plan, truth)
    first, real = size(plan, target), size(truth, target)
    findings = FindingCollector()
    if not first.reachable:
        findings.add(
            type(plan).__name__, "power", f"power {target:g} is not reachable", next_step="a larger effect"
        )
    findings.raise_if_any()
    planned = first.n_control
    bounds = (planned if rule.floor == "planned" else 0.0, math.floor(rule.most * planned))
    interim = max(math.ceil(rule.at * planned), 3)
    null = truth.with_numbers({EFFECTS[type(truth)]: truth.margin})
    draws = {name: stream(seed, f"re-estimation, {name}") for name in ("alternative", "null")}
    sizes, statistic = _trials(plan, truth, interim, bounds, target, trials, draws["alternative"])
    _, at_null = _trials(plan, null, interim, bounds, target, trials, draws["null"])
    low, middle, high = np.quantile(sizes, [0.05, 0.5, 0.95]).tolist()
    return Reestimated(
        planned, real.n_control, float(sizes.mean()), (low, middle, high),
        float(np.mean(sizes >= bounds[1])), power(truth, planned),
        _share(statistic, plan.alpha), _share(at_null, plan.alpha), plan.alpha / 2,
    )  # fmt: skip


def _check(plan: Blinded, truth: Blinded) -> None:
    findings = FindingCollector()
    if type(plan) is not type(truth):
        findings.add(
            "truth", "", f"a {type(truth).__name__} for a {type(plan).__name__}", allowed="the same kind"
        )
    else:
        free = NUISANCE[type(plan)]
        for name, mine in plan:
            other = getattr(truth, name)
            if name not in free and mine != other:
                findings.add("truth", name, f"{other} where {mine} was planned", allowed=", ".join(free))
        if plan.numbers().get("lost", np.zeros(())) > 0:
            findings.add(type(plan).__name__, "lost", "lost participants", allowed="0",
                         next_step="inflate the size by 1 / (1 - lost)")  # fmt: skip
    findings.raise_if_any()


def _trials(
    plan: Blinded, truth: Blinded, interim: int, bounds: tuple[float, float], target: float, trials: int,
    draw: np.random.Generator,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Return the final control sizes and the statistics of trials, (trials,) each."""
    if isinstance(plan, ScorePlan) and isinstance(truth, ScorePlan):
        return _score_trials(plan, truth, interim, bounds, target, trials, draw)
    if isinstance(plan, RatePlan) and isinstance(truth, RatePlan):
        return _rate_trials(plan, truth, interim, bounds, target, trials, draw)
    assert isinstance(plan, (RiskDifferencePlan, RiskRatioPlan))
    assert isinstance(truth, (RiskDifferencePlan, RiskRatioPlan))
    return _share_trials(plan, truth, interim, bounds, target, trials, draw)


def _new_sizes(
    plan: Plan, at: dict[str, Floats], target: float, interim: int, bounds: tuple[float, float]
) -> Floats:
    count = max(values.size for values in at.values())
    wanted = plan.size_from(np.full(count, target), plan.constants({**plan.numbers(), **at}))
    return np.asarray(np.maximum(np.clip(round_sizes(wanted), *bounds), interim), dtype=np.float64)


def _score_trials(
    plan: ScorePlan, truth: ScorePlan, interim: int, bounds: tuple[float, float], target: float, trials: int,
    draw: np.random.Generator,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Simulate by sufficient statistics: means and sums of squares of both arms at both stages.

    What the baseline explains is taken away beforehand, so that the SD is the residual one. The blinded
    variance is that of all together less what the planned effect would add.
    """
    w = plan.allocation
    residual = truth.sd * math.sqrt(1 - truth.baseline_correlation**2)

    def arm(effect: float, people: Floats) -> tuple[Floats, Floats]:
        safe = np.maximum(people, 1.0)
        mean = effect + residual * draw.standard_normal(trials) / np.sqrt(safe)
        spread = residual**2 * np.where(people > 1, draw.chisquare(np.maximum(people - 1, 1e-9)), 0.0)
        return mean, spread

    first = [np.full(trials, float(interim)), np.full(trials, round_up(w * interim))]
    stage = [arm(effect, n) for effect, n in zip((0.0, truth.effect), first, strict=True)]
    total = first[0] + first[1]
    gap = stage[1][0] - stage[0][0]
    lumped = (stage[0][1] + stage[1][1] + first[0] * first[1] / total * gap**2) / (total - 1)
    lumped = np.maximum(lumped - w / (1 + w) ** 2 * plan.effect**2 * total / (total - 1), 0.05 * lumped)
    seen = np.sqrt(lumped / (1 - plan.baseline_correlation**2))
    sizes = _new_sizes(plan, {"sd": seen}, target, interim, bounds)
    means, squares, people = [], np.zeros(trials), []
    for k, final in enumerate((sizes, round_sizes(w * sizes))):
        more = final - first[k]
        later, spread = arm(0.0 if k == 0 else truth.effect, more)
        means.append((first[k] * stage[k][0] + more * later) / final)
        squares += stage[k][1] + spread + first[k] * more / final * (stage[k][0] - later) ** 2
        people.append(final)
    freedom = people[0] + people[1] - 2
    error = np.sqrt(squares / freedom * (1 / people[0] + 1 / people[1]))
    t = (means[1] - means[0] - plan.margin) / error
    if plan.margin == 0 and plan.effect < 0:
        t = -t
    return sizes, tail_statistic(t, freedom)


def _rate_trials(
    plan: RatePlan, truth: RatePlan, interim: int, bounds: tuple[float, float], target: float, trials: int,
    draw: np.random.Generator,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Simulate counts; the blinded rate and dispersion are those of all together (Friede and Schmidli 2010).

    The dispersion by moments; the control rate is the pooled one over the planned ratio's average.
    """
    most = int(bounds[1])
    w = plan.allocation
    arm = two_arms(most, w)
    number = np.concatenate([np.arange(most), np.arange(len(arm) - most)])
    limit = np.where(arm > 0, round_up(w * interim), interim)
    sizes, statistic = np.empty(trials), np.empty(trials)
    for rows in batches(trials, 10 * len(arm)):
        shape = (len(rows), len(arm))
        rate = truth.control_rate * np.where(arm > 0, truth.ratio, 1.0) + np.zeros(shape)
        if truth.dispersion > 0:
            rate = rate * draw.gamma(1 / truth.dispersion, truth.dispersion, shape)
        counts = draw.poisson(rate * plan.years).astype(np.float64)
        early = counts[:, number < limit]
        mean = np.maximum(early.mean(axis=1), 0.5 / early.shape[1])
        spread = np.maximum(early.var(axis=1, ddof=1) - mean, 0.0) / mean**2
        control = mean / plan.years * (1 + w) / (1 + w * plan.ratio)
        own = _new_sizes(plan, {"control_rate": control, "dispersion": spread}, target, interim, bounds)
        until = np.where(arm > 0, round_sizes(w * own)[:, None], own[:, None])
        inside = number[None, :] < until
        log_ratio, error = rate_ratio_fits(counts * inside, plan.years * inside.astype(np.float64), arm)
        away = (math.log(plan.margin) - log_ratio) / error
        flip = plan.ratio > 1 if plan.margin == 1 else plan.better == "higher"
        statistic[rows] = np.where(np.isfinite(away), -away if flip else away, -np.inf)
        sizes[rows] = own
    return sizes, statistic


def _share_trials(
    plan: RiskDifferencePlan | RiskRatioPlan, truth: RiskDifferencePlan | RiskRatioPlan, interim: int,
    bounds: tuple[float, float], target: float, trials: int, draw: np.random.Generator,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Simulate responders; the blinded share of all gives the control share at the planned effect."""
    from eubiosis.analysis.planning.shares import share_statistics

    w = plan.allocation
    shares = (truth.control_share, float(truth.treated_share(truth.numbers())))
    first = (interim, round_up(w * interim))
    found = [draw.binomial(n, p, trials) for n, p in zip(first, shares, strict=True)]
    pooled = (found[0] + found[1]) / sum(first)
    if isinstance(plan, RiskDifferencePlan):
        control = pooled - w / (1 + w) * plan.difference
        ends = (max(0.0, -plan.difference), min(1.0, 1 - plan.difference))
    else:
        control = pooled * (1 + w) / (1 + w * plan.ratio)
        ends = (0.0, min(1.0, 1 / plan.ratio))
    control = np.clip(control, ends[0] + 0.005, ends[1] - 0.005)
    sizes = _new_sizes(plan, {"control_share": control}, target, interim, bounds)
    final = (sizes, round_sizes(w * sizes))
    events = [
        np.asarray(one + draw.binomial((n - start).astype(np.int64), p), dtype=np.float64)
        for one, n, start, p in zip(found, final, first, shares, strict=True)
    ]
    return sizes, share_statistics(plan, events, final)


def _share(statistic: Floats, alpha: float) -> Simulated:
    hits = float(np.mean(statistic > float(normal_point(alpha / 2))))
    error = math.sqrt(hits * (1 - hits) / len(statistic))
    return Simulated(hits, error, len(statistic), int(np.sum(np.isneginf(statistic))))
