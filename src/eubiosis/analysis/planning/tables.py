"""Power, size, and tables of either over any numbers of a plan; every closed form beside a simulation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.columns import Floats
from eubiosis.analysis.planning.bounds import check_axis
from eubiosis.analysis.planning.laws import LARGEST, round_sizes
from eubiosis.analysis.planning.plans import Plan
from eubiosis.core.findings import FindingCollector
from eubiosis.core.laws import normal_point
from eubiosis.core.streams import stream

SIZE = "n"
MOST_CELLS = 1_000_000


@dataclass(frozen=True)
class PlannedSize:
    """How many a plan needs for a power.

    ``n_control`` counts what the plan counts (``counted``: control participants, participants of a
    crossover, clusters per arm), rounded up; infinite where ten million do not reach the power.
    ``n_total`` is people of the whole trial, ``exact`` the unrounded solution and ``power`` that of the
    rounded size.
    """

    counted: str
    n_control: float
    n_total: float
    exact: float
    power: float
    target: float
    method: str

    @property
    def reachable(self) -> bool:
        """Say whether any size reaches the power."""
        return math.isfinite(self.n_control)


@dataclass(frozen=True)
class Simulated:
    """A power by simulation with its Monte Carlo standard error; ``failed`` trials gave no numbers."""

    power: float
    error: float
    trials: int
    failed: int


@dataclass(frozen=True)
class PlanTable:
    """Power (or size) over a grid: one row per cell, the last axis fastest.

    ``axes`` are the numbers varied; ``columns`` hold each of them and ``n``, ``n_total``, ``power`` and
    ``exact``, one entry per cell, ``shape`` the lengths of the axes. ``kind`` says which is the answer;
    ``held`` are the other numbers of the plan that are not at their default, and alpha.
    """

    kind: str
    counted: str
    method: str
    axes: Mapping[str, tuple[float, ...]]
    columns: Mapping[str, Floats]
    held: Mapping[str, float]

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the lengths of the axes."""
        return tuple(len(values) for values in self.axes.values())

    def grid(self, column: str) -> Floats:
        """Return a column in the shape of the axes."""
        return np.asarray(self.columns[column].reshape(self.shape), dtype=np.float64)

    def records(self) -> list[dict[str, float | None]]:
        """Return one flat row per cell; a size that is not reachable is None."""
        names = list(self.columns)
        rows = zip(*(self.columns[name].tolist() for name in names), strict=True)
        return [
            {name: value if math.isfinite(value) else None for name, value in zip(names, row, strict=True)}
            for row in rows
        ]


def power(plan: Plan, n: float) -> float:
    """Return the power of a plan with ``n`` control participants (or what the plan counts).

    A size below what the analysis can be computed with raises ``FindingsError``.

    >>> from eubiosis.analysis.planning.scores import ScorePlan
    >>> round(power(ScorePlan(effect=0.3), 20), 4)
    0.1503
    """
    return float(power_table(plan, {SIZE: [n]}).columns["power"][0])


def size(plan: Plan, target: float = 0.8) -> PlannedSize:
    """Return the smallest size of a plan that has the power ``target``.

    A size that ten million do not reach is infinite, not an error. A target outside ``alpha`` / 2 to 1
    raises ``FindingsError``.

    >>> from eubiosis.analysis.planning.scores import ScorePlan
    >>> size(ScorePlan(effect=0.3, baseline_correlation=0.5)).n_control
    133
    >>> size(ScorePlan(effect=-0.1, margin=0.1)).reachable
    False
    """
    columns = size_table(plan, {}, target).columns
    one = {name: float(values[0]) for name, values in columns.items()}
    return PlannedSize(
        plan.counted,
        whole_if_finite(one[SIZE]),
        whole_if_finite(one["n_total"]),
        one["exact"],
        one["power"],
        target,
        plan.method,
    )


def whole_if_finite(size: float) -> float:
    """Return a rounded size as a whole number; infinity stays a float."""
    return int(size) if math.isfinite(size) else size


def power_table(plan: Plan, over: Mapping[str, Sequence[float]]) -> PlanTable:
    """Return the power at every combination of sizes ``n`` and of any numbers of the plan.

    ``over`` maps "n" and names of the plan's numbers to values. Findings of every axis come at once.

    >>> from eubiosis.analysis.planning.scores import ScorePlan
    >>> found = power_table(ScorePlan(effect=0.3), {"n": [20, 200], "effect": [0.3, 0.5]})
    >>> found.grid("power").round(3).tolist()
    [[0.15, 0.338], [0.849, 0.999]]
    """
    axes = _checked_axes(plan, over, sizes=True)
    cells = _cells(axes)
    at = {**plan.numbers(), **{name: values for name, values in cells.items() if name != SIZE}}
    reached = plan.power_from(cells[SIZE], plan.constants(at))
    count = len(cells[SIZE])
    columns = {
        **cells,
        "n_total": np.broadcast_to(plan.people(cells[SIZE], at), count),
        "power": np.broadcast_to(reached, count),
    }
    return PlanTable("power", plan.counted, plan.method, axes, columns, _held(plan, axes))


def size_table(plan: Plan, over: Mapping[str, Sequence[float]], target: float = 0.8) -> PlanTable:
    """Return the size for a power at every combination of numbers of the plan (and of "power").

    ``over`` may hold "power" with several targets in place of ``target``.

    >>> from eubiosis.analysis.planning.scores import ScorePlan
    >>> size_table(ScorePlan(effect=0.3), {"effect": [0.3, 0.5], "power": [0.8, 0.9]}).grid("n").tolist()
    [[176.0, 235.0], [64.0, 86.0]]
    """
    wanted = {**over} if "power" in over else {**over, "power": [target]}
    axes = _checked_axes(plan, wanted, sizes=False)
    cells = _cells(axes)
    at = {**plan.numbers(), **{name: values for name, values in cells.items() if name != "power"}}
    constants = plan.constants(at)
    targets = cells["power"]
    exact = np.maximum(np.broadcast_to(plan.size_from(targets, constants), targets.shape), plan.least)
    whole = round_sizes(exact)
    finite = np.where(np.isfinite(whole), whole, LARGEST)
    reached = np.where(np.isfinite(whole), plan.power_from(finite, constants), np.nan)
    people = np.where(np.isfinite(whole), plan.people(finite, at), np.inf)
    if "power" not in over:
        axes = {name: values for name, values in axes.items() if name != "power"}
    columns = {
        **{name: values for name, values in cells.items() if name != "power"},
        "power_asked": targets, SIZE: whole, "n_total": people, "exact": exact, "power": reached,
    }  # fmt: skip
    return PlanTable("size", plan.counted, plan.method, axes, columns, _held(plan, axes))


def simulate_power(plan: Plan, n: int, *, trials: int = 2000, seed: int = 2026) -> Simulated:
    """Simulate trials of a plan, analyse each, and return the share that succeeds.

    The same seed gives the same trials. A trial whose analysis gives no numbers is no success.

    >>> from eubiosis.analysis.planning.scores import ScorePlan
    >>> found = simulate_power(ScorePlan(effect=0.5), 64, trials=200, seed=1)
    >>> 0.6 < found.power < 1
    True
    """
    findings = FindingCollector()
    if n < plan.least or int(n) != n:
        findings.add(
            type(plan).__name__, "n", f"n {n}", allowed=f"whole numbers from {plan.least:g} ({plan.counted})"
        )
    if trials < 2:
        findings.add(type(plan).__name__, "trials", f"trials {trials}", allowed="2 or more")
    findings.raise_if_any()
    statistic = plan.simulate(int(n), trials, stream(seed, f"power of {type(plan).__name__}"))
    level = float(plan.constants(plan.numbers())["alpha"])
    critical = float(normal_point(level / 2))
    hits = float(np.mean(statistic > critical))
    failed = int(np.sum(np.isneginf(statistic)))
    return Simulated(hits, math.sqrt(hits * (1 - hits) / trials), trials, failed)


def _checked_axes(
    plan: Plan, over: Mapping[str, Sequence[float]], *, sizes: bool
) -> dict[str, tuple[float, ...]]:
    findings = FindingCollector()
    place = type(plan).__name__
    for name, values in over.items():
        if name == SIZE and sizes:
            for value in [v for v in values if not plan.least <= v <= LARGEST]:
                findings.add(
                    place, "n", f"n {value:g}", allowed=f"from {plan.least:g} to {LARGEST:g} {plan.counted}"
                )
            if len(values) == 0:
                findings.add(place, "n", "no values", allowed="one value or more")
        elif name == "power" and not sizes:
            for value in [v for v in values if not plan.alpha / 2 < v < 1]:
                findings.add(
                    place, "power", f"power {value:g}",
                    allowed=f"between {plan.alpha / 2:g} (alpha / 2) and 1, ends excluded",
                )  # fmt: skip
        else:
            check_axis(plan, name, values, findings)
    if sizes and SIZE not in over:
        findings.add(place, "n", "no size", next_step="name the sizes to tabulate")
    cells = math.prod(len(values) for values in over.values())
    if cells > MOST_CELLS:
        findings.add(place, "", f"{cells} cells", allowed=f"up to {MOST_CELLS}", next_step="fewer values")
    findings.raise_if_any()
    axes = {name: tuple(float(value) for value in values) for name, values in over.items()}
    at = {**plan.numbers(), **_cells(axes)}
    plan.check_together(at, findings)
    findings.raise_if_any()
    return axes


def _held(plan: Plan, axes: Mapping[str, tuple[float, ...]]) -> dict[str, float]:
    usual = plan.defaults()
    own = {name: getattr(plan, name) for name in plan.bounds() if name not in axes}
    return {name: float(x) for name, x in own.items() if name == "alpha" or x != usual.get(name)}


def _cells(axes: Mapping[str, tuple[float, ...]]) -> dict[str, Floats]:
    """Return one array per axis, all of the length of the grid."""
    grids = np.meshgrid(*(np.asarray(values) for values in axes.values()), indexing="ij")
    return {name: grid.ravel() for name, grid in zip(axes, grids, strict=True)}
