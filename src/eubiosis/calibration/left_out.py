"""Worlds without one study: importance weights where they suffice, else worlds that are moved on.

The weight of a world is divided by what the study's rows said to it. The largest of these ratios are
replaced by quantiles of a generalised Pareto law fitted to their tail (Vehtari and others 2024, J Mach Learn
Res 25(72), cited as the origin); its shape says whether the weights can be trusted. Where it is above 0.7 or
few worlds carry the weight, worlds are moved on under the likelihood without the study.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.calibration.sampling import effective_size, moved, systematic
from eubiosis.calibration.waves import GutProblem
from eubiosis.calibration.waves_terms import scores, study_of
from eubiosis.calibration.worlds_history import HistoryProblem
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.streams import stream
from eubiosis.engine import Array
from eubiosis.model.draws import dirichlet_weight, free_names, groups, quantile_of, read_correlations
from eubiosis.model.model import Model
from eubiosis.model.shipped import ShippedWorlds, unsolved_worlds
from eubiosis.model.worlds import gut_numbers, with_reference

TRUSTED_SHAPE, FEWEST_EFFECTIVE = 0.7, 100.0
WALKERS, GENERATIONS = 320, 30
_EDGE = 8.0  # normal scores beyond which no number lies


@dataclass(frozen=True)
class LeftOutWorlds:
    """Worlds of the gut without a study: ``values`` id -> (worlds,), ``weights`` (worlds,) summing to one.

    ``shape`` is that of the tail of the weights, NaN where no row of the study was used; ``how`` is "all",
    "reweighted" or "refitted"; ``answers`` target id -> (worlds,).
    """

    without: str
    how: str
    values: dict[str, Array]
    weights: Array
    answers: dict[str, Array]
    rows: int
    shape: float

    @property
    def effective(self) -> float:
        """The effective sample size of the weights (Kish)."""
        return effective_size(self.weights)

    @property
    def suffices(self) -> bool:
        """Whether weights of this shape and size may be used as they are."""
        return self.effective >= FEWEST_EFFECTIVE and not self.shape > TRUSTED_SHAPE


@dataclass(frozen=True)
class GutWorldsAtHand:
    """The shipped worlds of the gut with what they answer, each at the reference biomass that it implies."""

    model: Model
    problem: GutProblem
    values: dict[str, Array]
    weights: Array
    answers: dict[str, Array]

    @classmethod
    def of(cls, model: Model, worlds: ShippedWorlds, threads: int | None = 1) -> GutWorldsAtHand:
        """Solve every shipped world once; raises ``FindingsError`` naming those without a steady state."""
        problem = GutProblem.of(model, threads=threads)
        values = {name: worlds.values[:, k] for k, name in enumerate(worlds.names)}
        answers = problem.laboratory.answers(with_reference(model, values))
        solved = np.all([np.isfinite(answers[each.row.id]) for each in problem.fitted], axis=0)
        if not solved.all():
            raise unsolved_worlds(model, np.flatnonzero(~solved).tolist())
        return cls(model, problem, values, worlds.weights, answers)

    def without(self, study: str, *, refit: bool | None = None, seed: int = 2026) -> LeftOutWorlds:
        """Return the worlds without a study; ``refit`` None: moved on where weights do not suffice."""
        found = self.reweighted(study)
        if not found.rows or refit is False or (refit is None and found.suffices):
            return found
        return self.refitted(study, found.weights, seed)

    def reweighted(self, study: str) -> LeftOutWorlds:
        """Return the worlds with the likelihood of a study taken from their weights."""
        return _reweighted(self, study)

    def refitted(
        self, study: str, weights: Array, seed: int, *, walkers: int = WALKERS, generations: int = GENERATIONS
    ) -> LeftOutWorlds:
        """Return worlds moved on without a study from a start that ``weights`` choose; equal weights."""
        problem = GutProblem.of(self.model, without=study, threads=self.problem.threads)
        rows = systematic(weights, walkers, stream(seed, f"scoreboard/{study}").random())
        start = points_of(self.model, {name: own[rows] for name, own in self.values.items()})
        # copies of one world would never part by differences of their own
        start = start + 0.01 * stream(seed, f"scoreboard/{study}/apart").standard_normal(start.shape)
        start = start[np.isfinite(problem.log_likelihood(start))]
        ends, likelihood, _ = moved(problem.log_likelihood, start, 1.0, generations, seed, 2000)
        ends = ends[np.isfinite(likelihood)]
        values = problem.sets(ends)
        answers = self.problem.laboratory.answers(values)
        fine = np.all([np.isfinite(answers[each.row.id]) for each in problem.fitted], axis=0)
        kept = {name: own[fine] for name, own in answers.items()}
        return LeftOutWorlds(
            study, "refitted", {name: values[name][fine] for name in self.values},
            np.full(int(fine.sum()), 1 / fine.sum()), kept, 0, math.nan,
        )  # fmt: skip


def smoothed_weights(logs: Array, kept: NDArray[np.bool_]) -> tuple[Array, float]:
    """Return weights (n,) summing to one from ``logs`` (n,) of raw ones, their tail smoothed, and its shape.

    Only ``kept`` worlds (boolean) count. With fewer than 25 of them nothing is smoothed and the shape is NaN.

    >>> weights, _ = smoothed_weights(np.zeros(4), np.ones(4, dtype=bool))
    >>> weights.tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    raw = np.where(kept, np.exp(logs - logs[kept].max()), 0.0)
    count = int(kept.sum())
    tail = min(count // 5, math.ceil(3 * math.sqrt(count)))
    shape = math.nan
    if count >= 25:
        order = np.argsort(raw, kind="stable")
        largest, cut = order[-tail:], raw[order[-tail - 1]]
        above = raw[largest] - cut
        if above[0] <= 0 < above[-1]:  # fewer large weights than a tail: nothing to fit, nothing to trust
            shape = math.inf
        elif above[-1] > 1e-12 * raw.max():
            shape, scale = pareto_tail(above)
            places = (np.arange(tail) + 0.5) / tail
            smooth = scale / shape * ((1 - places) ** -shape - 1) if abs(shape) > 1e-9 else (
                -scale * np.log1p(-places)
            )  # fmt: skip
            raw[largest] = np.minimum(cut + smooth, raw.max())
    return raw / raw.sum(), shape


def pareto_tail(above: Array) -> tuple[float, float]:
    """Return shape and scale of a generalised Pareto law fitted to excesses (n,) in rising order.

    The estimate of Zhang and Stephens 2009 (Technometrics 51:316), cited as the origin, with the weak prior
    towards 0.5 that goes with it where few weights are many draws.
    """
    x = np.maximum(above, 1e-300)
    n = len(x)
    guesses = 30 + int(math.sqrt(n))
    quarter = x[max(int(n / 4 + 0.5) - 1, 0)]
    steps = np.arange(1, guesses + 1) - 0.5
    theta = 1 / x[-1] + (1 - np.sqrt(guesses / steps)) / (3 * quarter)
    shapes = np.log1p(-theta[:, None] * x).mean(axis=1)
    likelihood = n * (np.log(-theta / shapes) - shapes - 1)
    weights = np.exp(likelihood - likelihood.max())
    best = float(theta @ weights / weights.sum())
    shape = float(np.log1p(-best * x).mean())
    scale = -shape / best
    return (n * shape + 10 * 0.5) / (n + 10), float(scale)


def points_of(model: Model, values: dict[str, Array]) -> Array:
    """Return normal scores (n, free) at which the gut's numbers have ``values``, id -> (n,).

    The inverse of ``GutProblem.sets``. Where several scores give the same numbers (shares of a whole, ends at
    which a law is cut off) it is one of them.
    """
    numbers, names = model.content.numbers, gut_numbers(model)
    free = free_names(numbers, names)
    found: dict[str, Array] = {}
    for group, members in groups(numbers, names).items():
        rows = [numbers[name] for name in members]
        if group.startswith("line:"):
            found[members[0]] = _score(rows[0], values[members[0]])
        elif group.startswith("whole:"):
            found |= _whole_scores(rows, values)
        else:
            found |= _rank_scores(model, rows, values)
    for name in free:
        if name not in found:
            found[name] = _score(numbers[name], values[name])
    return np.column_stack([found[name] for name in free])


def _score(row: SourcedNumber, values: Array) -> Array:
    """Return the normal scores of values under a number's own law, by halving."""
    from scipy.special import ndtr

    low, high = np.full(len(values), -_EDGE), np.full(len(values), _EDGE)
    for _ in range(60):
        middle = (low + high) / 2
        below = quantile_of(row, ndtr(middle)) < values
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2)


def _whole_scores(rows: Sequence[SourcedNumber], values: dict[str, Array]) -> dict[str, Array]:
    from scipy.special import gammainc, ndtri

    total = sum(row.value for row in rows)
    if rows[0].uncertainty != "dirichlet":
        return {row.id: _score(row, values[row.id]) for row in rows}
    weight = dirichlet_weight(rows)
    return {
        row.id: np.clip(
            ndtri(gammainc(weight * row.value / total, weight * values[row.id] / total)), -_EDGE, _EDGE
        )
        for row in rows
    }


def _rank_scores(model: Model, rows: Sequence[SourcedNumber], values: dict[str, Array]) -> dict[str, Array]:
    place = {row.id: i for i, row in enumerate(rows)}
    matrix = np.eye(len(rows))
    for pair in read_correlations(model.content.folder):
        if pair.group == rows[0].together:
            i, j = place[pair.first], place[pair.second]
            matrix[i, j] = matrix[j, i] = 2 * np.sin(np.pi / 6 * pair.correlation)
    normal = np.stack([_score(row, values[row.id]) for row in rows])
    scores_of = np.linalg.solve(np.linalg.cholesky(matrix), normal)
    return {row.id: scores_of[k] for k, row in enumerate(rows)}


@dataclass(frozen=True)
class HistoryWorldsAtHand:
    """The shipped worlds of the natural history with what they answer; ``values`` id -> (worlds,)."""

    problem: HistoryProblem
    values: dict[str, Array]
    weights: Array
    answers: dict[str, Array]

    @classmethod
    def of(cls, model: Model, worlds: ShippedWorlds) -> HistoryWorldsAtHand:
        """Let every shipped world answer once."""
        problem = HistoryProblem(model)
        values = {name: worlds.values[:, k] for k, name in enumerate(worlds.names)}
        return cls(problem, values, worlds.weights, problem.answers_of(values))

    def without(self, study: str) -> LeftOutWorlds:
        """Return the worlds reweighted without a study's rows; none is moved on."""
        return _reweighted(self, study)


def _reweighted(worlds: GutWorldsAtHand | HistoryWorldsAtHand, study: str) -> LeftOutWorlds:
    """Return worlds with the likelihood of a study taken from their weights."""
    own = [each for each in worlds.problem.fitted if study_of(each.row) == study]
    if not own:
        return LeftOutWorlds(study, "all", worlds.values, worlds.weights, worlds.answers, 0, math.nan)
    ratio = (scores(own, worlds.answers) ** 2).sum(axis=0) / 2
    logs = np.log(np.maximum(worlds.weights, 1e-300)) + ratio
    weights, shape = smoothed_weights(logs, worlds.weights > 0)
    return LeftOutWorlds(study, "reweighted", worlds.values, weights, worlds.answers, len(own), shape)
