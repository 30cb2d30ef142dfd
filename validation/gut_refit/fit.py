"""Refit the gut's numbers to its targets: a bounded Gauss-Newton search, weakly pulled to the former values.

    python validation/gut_refit/fit.py [--rounds 12] [--pull 0.015] [--most 80] [--from FILE] [--write FILE]

Minimises E = sum over fitted targets of (distance outside the interval / half-width)^2
            + pull * sum over numbers of ((number - centre) / (half its allowed range))^2
            + ((sugar kept + protein assimilated) / cells made - 1)^2 / 0.1^2, by mass
where the centre is the former value (of the new share of ammonia the median of the history matching);
numbers with a logarithmic range are compared by their logarithm. Targets whose ``fitted`` is not yes are
never looked at. Every round takes a forward-difference Jacobian and tries several damped steps at once.
Nothing is drawn at random, so there is no seed.

With --most N only the N numbers whose return to the former value would move the fitted targets most (in
half-widths, root of the sum of squares) are free; all others are set back to the former value first.
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eubiosis.engine import Array
from eubiosis.model import load
from eubiosis.model.laboratory import Laboratory, distances

HERE = Path(__file__).parent
MARGIN = 0.08  # of the half-width: what the search keeps clear of an end of an interval
BATCH = 64
MASS_WITHIN = 0.1
STEP = 0.03  # of the range: the finite difference


@dataclass(frozen=True)
class Space:
    """The numbers that may move: unit coordinates 0 to 1 between low and high."""

    ids: tuple[str, ...]
    low: Array
    high: Array
    log: np.ndarray
    former: Array
    centre: Array
    start: Array

    def numbers(self, unit: Array) -> dict[str, Array]:
        """Return the numbers of unit coordinates, shape (sets, numbers)."""
        values = np.where(
            self.log,
            np.exp(np.log(self.low_safe) + unit * np.log(self.high / self.low_safe)),
            self.low + unit * (self.high - self.low),
        )
        return {name: np.ascontiguousarray(values[:, k]) for k, name in enumerate(self.ids)}

    @property
    def low_safe(self) -> Array:
        """The lower ends, 1 where the range is linear."""
        return np.where(self.log, self.low, np.minimum(1.0, self.high))

    def unit(self, values: Array) -> Array:
        """Return the unit coordinates of numbers, clipped into the range."""
        with np.errstate(all="ignore"):
            logs = np.log(values / self.low_safe) / np.log(self.high / self.low_safe)
        linear = (values - self.low) / (self.high - self.low)
        return np.clip(np.where(self.log, logs, linear), 0, 1)


def read_space(path: Path = HERE / "numbers.tsv") -> Space:
    """Read the allowed ranges, the former values and the start."""
    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))

    def column(name: str) -> Array:
        return np.array([float(row[name]) for row in rows])

    log = np.array([row["scale"] == "log" for row in rows])
    ids = tuple(row["id"] for row in rows)
    return Space(ids, column("low"), column("high"), log, column("former"), column("centre"), column("start"))


def read_numbers(space: Space, path: Path) -> Array:
    """Read numbers by id; what the file lacks keeps the start."""
    with path.open(encoding="utf-8") as stream:
        given = {row["id"]: float(row["value"]) for row in csv.DictReader(stream, delimiter="\t")}
    return np.array([given.get(name, start) for name, start in zip(space.ids, space.start, strict=True)])


class Objective:
    """Residuals of the fitted targets and of the pull, shape (sets, residuals)."""

    def __init__(self, laboratory: Laboratory, space: Space, pull: float) -> None:
        self.laboratory, self.space, self.pull = laboratory, space, pull
        self.rows = tuple(r for r in laboratory.rows if r.fitted == "yes" and r.role != "holdout")
        self.centre = space.unit(space.centre)
        self.former = space.unit(space.former)

    def answers(self, unit: Array) -> dict[str, Array]:
        """Return what every set gives, by target."""
        return self.laboratory.answers(self.space.numbers(unit))

    def weight_of_each(self, unit: Array, batch: int) -> Array:
        """Return how far the targets move when one number alone returns to its former value, (numbers,)."""
        sets = np.vstack([unit, np.where(np.eye(len(unit), dtype=bool), self.former, unit)])
        parts = [self.answers(sets[k : k + batch]) for k in range(0, len(sets), batch)]
        total = np.zeros(len(unit))
        for row in self.rows:
            low, high = row.low, row.high
            if low is not None and high is not None:
                values = np.concatenate([part[row.id] for part in parts])
                moved = (values[1:] - values[0]) / ((high - low) / 2)
                total += np.where(np.isfinite(moved), np.minimum(np.abs(moved), 10.0), 10.0) ** 2
        return np.sqrt(total)

    def residuals(self, unit: Array) -> Array:
        """Return the residuals of unit coordinates (sets, numbers)."""
        kept = [r.model_copy(update=inner(r.low, r.high)) for r in self.rows]
        targets = distances(tuple(kept), self.answers(unit)).T
        return np.hstack([targets, self.mass_gap(unit), np.sqrt(self.pull) * 2 * (unit - self.centre)])

    def mass_gap(self, unit: Array) -> Array:
        """Return by how much cells outweigh sugar kept and protein assimilated, in tenths, (sets, 1)."""
        numbers, held = self.space.numbers(unit), self.laboratory.model.content.numbers
        growth, kept, protein = (
            numbers.get(name, np.full(len(unit), held[name].value))
            for name in ("gut_Y_carb", "gut_ferm_frac", "gut_alpha_PR")
        )
        gap = ((1 - kept) / growth + protein - 1)[:, None]
        return np.asarray(gap / MASS_WITHIN)


def inner(low: float | None, high: float | None) -> dict[str, float | None]:
    """Return an interval drawn in by the margin."""
    if low is not None and high is not None:
        inset = MARGIN * (high - low) / 2
        return {"low": low + inset, "high": high - inset}
    return {
        "low": None if low is None else low + 0.02 * abs(low),
        "high": None if high is None else high - 0.02 * abs(high),
    }


def search(objective: Objective, unit: Array, free: np.ndarray, rounds: int) -> Array:
    """Return the unit coordinates after so many rounds; only the numbers ``free`` (indices) move."""
    damping = 0.1
    current = objective.residuals(unit[None])[0]
    for number in range(rounds):
        signs = np.where(unit + STEP <= 1, STEP, -STEP)
        moved = (unit + np.diag(signs))[free]
        parts = [objective.residuals(moved[k : k + BATCH]) for k in range(0, len(free), BATCH)]
        jacobian = (np.vstack(parts) - current).T / signs[free]
        jacobian[~np.isfinite(jacobian)] = 0.0
        dampings = damping * 10.0 ** np.linspace(-2, 2, 9)
        tries = []
        for lam in dampings:
            new = unit.copy()
            new[free] += _bounded_step(jacobian, current, unit[free], lam)
            tries.append(new)
        tried = objective.residuals(np.array(tries))
        costs = (tried**2).sum(axis=1)
        best = int(np.argmin(costs))
        before = float((current**2).sum())
        targets = len(objective.rows)
        print(
            f"round {number + 1}: E {before:.3f} -> {costs[best]:.3f}, "
            f"targets alone {float((tried[best, :targets] ** 2).sum()):.3f}, damping {dampings[best]:.2g}",
            file=sys.stderr,
            flush=True,
        )
        if costs[best] >= before * (1 - 1e-3):
            if damping > 50:
                break
            damping *= 10
            continue
        unit, current, damping = np.array(tries[best]), tried[best], float(dampings[best])
    return unit


def _bounded_step(jacobian: Array, residuals: Array, unit: Array, damping: float) -> Array:
    """Solve the damped normal equations within 0 to 1."""
    from scipy.optimize import lsq_linear

    size = len(unit)
    stacked = np.vstack([jacobian, np.sqrt(damping) * np.eye(size)])
    right = np.concatenate([-residuals, np.zeros(size)])
    reach = 0.25  # no number moves further than this in a round
    low, high = np.maximum(-unit, -reach) - 1e-12, np.minimum(1 - unit, reach) + 1e-12
    step = np.asarray(lsq_linear(stacked, right, bounds=(low, high), max_iter=60).x)
    return np.asarray(np.clip(unit + step, 0, 1) - unit)


def main() -> int:
    """Search and print; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--pull", type=float, default=0.015)
    parser.add_argument(
        "--from", dest="begin", type=Path, help="numbers to begin with, as --write gives them"
    )
    parser.add_argument("--most", type=int)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    space = read_space()
    objective = Objective(Laboratory.of(load()), space, options.pull)
    unit = space.unit(space.start if options.begin is None else read_numbers(space, options.begin))
    free = np.arange(len(unit))
    if options.most is not None:
        free = np.argsort(-objective.weight_of_each(unit, BATCH))[: options.most]
        kept = np.isin(np.arange(len(unit)), free)
        unit = np.where(kept, unit, objective.former)
    unit = search(objective, unit, free, options.rounds)
    answers = objective.answers(unit[None])
    for row in objective.laboratory.rows:
        value = float(answers[row.id][0])
        outside = distances((row,), answers)
        missed = outside.size > 0 and outside[0, 0] > 0
        verdict = "MISS" if missed else ""
        print(row.id, row.quantity, f"{value:.4g}", row.low, row.high, row.fitted, verdict, sep="\t")
    if options.write:
        found = space.numbers(unit[None])
        with options.write.open("w", encoding="utf-8") as stream:
            stream.write("id\tvalue\n")
            stream.writelines(f"{name}\t{float(found[name][0]):.6g}\n" for name in space.ids)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
