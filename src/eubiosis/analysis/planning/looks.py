"""Group-sequential plans: interim looks on top of any plan, what they cost and what they save."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import get_args

import numpy as np

from eubiosis.analysis.columns import Floats
from eubiosis.analysis.planning.laws import round_sizes
from eubiosis.analysis.planning.plans import Plan
from eubiosis.analysis.planning.tables import PlannedSize, power, size, whole_if_finite
from eubiosis.analysis.sequential.boundaries import Boundaries, Rule, Spending, boundaries, stopping
from eubiosis.core.findings import FindingCollector
from eubiosis.core.laws import normal_point
from eubiosis.core.spec import Problem, Spec
from eubiosis.core.spec import rule as rules_of
from eubiosis.core.streams import stream

_NEED = {"HSD": "gamma, e.g. -4", "KD": "rho, e.g. 2", "WT": "delta, e.g. 0.25"}


class Looks(Spec):
    """When a trial is looked at and by which rule it stops.

    ``information`` are the fractions of the maximum at each look, the last one 1. ``rule`` and ``futility``
    as in ``sequential.boundaries``; futility spends the type II error and is not binding unless said.
    ``FindingsError`` carries all findings at once.

    >>> Looks(information=(0.5, 1.0)).rule
    'LD-OBF'
    """

    information: tuple[float, ...]
    rule: Rule = "LD-OBF"
    parameter: float | None = None
    futility: Spending | None = None
    futility_parameter: float | None = None
    binding: bool = False

    @staticmethod
    @rules_of("information")
    def _times_rise(information: tuple[float, ...]) -> Iterator[Problem]:
        rising = all(b > a for a, b in pairwise(information))
        if not information or not rising or not information[0] > 0 or information[-1] != 1:
            shown = ", ".join(f"{t:g}" for t in information)
            yield Problem(("information",), shown or "no look", "rising fractions, the last one 1")

    @staticmethod
    @rules_of("rule", "parameter")
    def _rule_has_its_parameter(rule: str, parameter: float | None) -> Iterator[Problem]:
        yield from _check_parameter("parameter", rule, parameter)

    @staticmethod
    @rules_of("rule", "futility", "futility_parameter", "binding")
    def _futility_is_whole(
        rule: str, futility: str | None, parameter: float | None, binding: bool
    ) -> Iterator[Problem]:
        if futility is None:
            if binding:
                yield Problem(("binding",), "binding without futility", "", "name a futility rule")
            if parameter is not None:
                yield Problem(
                    ("futility_parameter",), "a parameter without futility", "", "name a futility rule"
                )
            return
        yield from _check_parameter("futility_parameter", futility, parameter)
        if rule not in get_args(Spending):
            allowed = f"only with {', '.join(get_args(Spending))}"
            yield Problem(("futility",), f'futility with rule "{rule}"', allowed)

    def design(self, alpha: float, target: float) -> Boundaries:
        """Return the boundaries for a one-sided ``alpha`` and a power."""
        return boundaries(
            self.information, rule=self.rule, parameter=self.parameter, alpha=alpha, power=target,
            futility=self.futility, futility_parameter=self.futility_parameter, binding=self.binding,
        )  # fmt: skip


@dataclass(frozen=True)
class SequentialSize:
    """A group-sequential trial.

    ``fixed`` is the trial without interim looks, ``n_control`` and ``n_total`` the largest size.
    ``expected_*`` are mean numbers of people of the whole trial when there is no effect, half the planned
    one and the planned one; a trial counts the people whose information is in at the look. ``stop_*`` are
    probabilities per look.
    """

    fixed: PlannedSize
    looks: Boundaries
    n_control: float
    n_total: float
    power: float
    expected_null: float
    expected_half: float
    expected_planned: float
    stop_efficacy_null: tuple[float, ...]
    stop_efficacy_planned: tuple[float, ...]
    stop_futility_null: tuple[float, ...]
    stop_futility_planned: tuple[float, ...]


@dataclass(frozen=True)
class SimulatedLooks:
    """Stopping by simulation: efficacy and futility per look, power, each with its Monte Carlo error."""

    efficacy: tuple[float, ...]
    futility: tuple[float, ...]
    power: float
    error: float
    expected_total: float
    trials: int


def sequential_size(plan: Plan, looks: Looks, target: float = 0.8) -> SequentialSize:
    """Size a group-sequential trial: the fixed size times the inflation of the boundaries.

    A power that is not reachable without looks stays so: sizes are infinite.

    >>> from eubiosis.analysis.planning.scores import ScorePlan
    >>> found = sequential_size(ScorePlan(effect=0.5), Looks(information=(0.5, 1.0)), 0.9)
    >>> found.n_control, found.expected_planned < found.fixed.n_total
    (86, True)
    """
    fixed = size(plan, target)
    design = looks.design(plan.alpha / 2, target)
    whole = float(round_sizes(np.asarray(fixed.exact * design.inflation)))
    largest = float(plan.people(np.asarray(whole), plan.numbers())) if math.isfinite(whole) else math.inf
    null, half, full = (stopping(design, share * design.drift) for share in (0.0, 0.5, 1.0))
    reached = sequential_power(plan, looks, whole, target) if math.isfinite(whole) else math.nan
    return SequentialSize(
        fixed,
        design,
        whole_if_finite(whole),
        whole_if_finite(largest),
        reached,
        null.expected_information * largest,
        half.expected_information * largest,
        full.expected_information * largest,
        null.efficacy,
        full.efficacy,
        null.futility,
        full.futility,
    )


def sequential_power(plan: Plan, looks: Looks, n: float, target: float = 0.8) -> float:
    """Return the power of a group-sequential trial whose largest size is ``n``.

    The drift is that of the fixed trial of the same size; ``target`` shapes the futility boundary only.

    >>> from eubiosis.analysis.planning.scores import ScorePlan
    >>> 0.7 < sequential_power(ScorePlan(effect=0.3), Looks(information=(0.5, 1.0)), 176) < 0.81
    True
    """
    fixed = min(max(power(plan, n), 1e-12), 1 - 1e-12)
    drift = float(normal_point(plan.alpha / 2) - normal_point(fixed))
    return stopping(looks.design(plan.alpha / 2, target), drift).power


def simulate_looks(
    plan: Plan, looks: Looks, n: int, *, target: float = 0.8, trials: int = 2000, seed: int = 2026
) -> SimulatedLooks:
    """Simulate the people of each stage, combine the stages by their information, and stop by the rule.

    Stage statistics are combined with weights in proportion to the roots of their sizes.

    >>> from eubiosis.analysis.planning.scores import ScorePlan
    >>> found = simulate_looks(ScorePlan(effect=0.3), Looks(information=(0.5, 1.0)), 100, trials=200, seed=1)
    >>> type(found).__name__
    'SimulatedLooks'
    """
    draw = stream(seed, f"looks of {type(plan).__name__}")
    design = looks.design(plan.alpha / 2, target)
    ends = np.round(np.asarray(design.information) * n).astype(int)
    stages = np.diff(ends, prepend=0)
    findings = FindingCollector()
    if stages.min() < plan.least:
        findings.add(
            "Looks",
            "information",
            f"a stage of {stages.min()} {plan.counted}",
            allowed=f"{plan.least:g} or more",
        )
    findings.raise_if_any()
    sums = np.zeros(trials)
    running = np.ones(trials, dtype=bool)
    efficacy, futility, used = [], [], np.zeros(trials)
    for k, stage in enumerate(stages.tolist()):
        sums = sums + np.sqrt(stage) * np.maximum(plan.simulate(stage, trials, draw), -40.0)
        z = sums / np.sqrt(ends[k])
        won = running & (z > design.efficacy[k])
        lost = running & ~won & ((z <= design.futility[k]) | (k == len(stages) - 1))
        used[won | lost] = ends[k]
        efficacy.append(float(won.mean()))
        futility.append(float(lost.mean()))
        running &= ~(won | lost)
    total = float(sum(efficacy))
    people: Floats = plan.people(used, plan.numbers())
    return SimulatedLooks(
        tuple(efficacy),
        tuple(futility),
        total,
        math.sqrt(total * (1 - total) / trials),
        float(people.mean()),
        trials,
    )


def _check_parameter(place: str, word: str, parameter: float | None) -> Iterator[Problem]:
    if word in _NEED and parameter is None:
        yield Problem((place,), f'"{word}" without its parameter', "", f"give {_NEED[word]}")
    if word not in _NEED and parameter is not None:
        yield Problem((place,), f'"{word}" has no parameter', "", "leave the parameter out")
