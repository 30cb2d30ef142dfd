"""Variance components from repeated samples, for numbers and for distances alike.

Everything is done on Gower's matrix of inner products G (samples, samples), which for one number is its outer
product with itself: the trace of a covariance is then the expected half squared distance.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

RESAMPLES = 2000


@dataclass(frozen=True)
class Component:
    """A variance (or dimension) with the 2.5 and 97.5 % points of resampled people.

    ``draws`` holds the estimate on everybody and on each resample, none below zero, where it is a variance.
    """

    value: float
    low: float
    high: float
    draws: np.ndarray = field(default_factory=lambda: np.empty(0), compare=False, repr=False)


def gower(squared: np.ndarray) -> np.ndarray:
    """Return inner products from squared distances, centred."""
    rows = squared.mean(axis=0)
    return -0.5 * (squared - rows[None, :] - rows[:, None] + rows.mean())


def of_numbers(values: np.ndarray) -> np.ndarray:
    """Return inner products of one number per sample, centred."""
    away = values - values.mean()
    return np.outer(away, away)


class Repeated:
    """Samples of people in one or two periods: who gave which, and what resampling people says."""

    def __init__(self, people: list[str], periods: list[str], seed: int = 2026) -> None:
        self.names = sorted(set(people))
        self.periods = sorted(set(periods))
        place = {(p, t): [] for p in self.names for t in self.periods}
        for k, key in enumerate(zip(people, periods, strict=True)):
            place[key].append(k)
        self.names = [p for p in self.names if all(place[p, t] for t in self.periods)]
        self.cells = [[np.array(place[p, t]) for t in self.periods] for p in self.names]
        self.counts = np.array([[len(c) for c in cells] for cells in self.cells], dtype=float)
        self.samples = int(self.counts.sum())
        draw = np.random.default_rng(seed)
        whole = np.arange(len(self.names))
        self.picks = [whole, *draw.integers(0, len(whole), (RESAMPLES, len(whole)))]

    def weights(self, mix: tuple[float, ...]) -> np.ndarray:
        """Return (people, samples of the table): the mean of each period times its part of ``mix``."""
        size = 1 + max(int(c.max()) for cells in self.cells for c in cells)
        table = np.zeros((len(self.names), size))
        for row, cells in zip(table, self.cells, strict=True):
            for part, cell in zip(mix, cells, strict=True):
                row[cell] += part / len(cell)
        return table

    def spread(self, inner: np.ndarray, mix: tuple[float, ...]) -> list[float]:
        """Return the trace of the covariance over people of a mix of period means, once per resample."""
        weight = self.weights(mix)
        size = weight.shape[1]
        product = weight @ inner[:size, :size] @ weight.T
        own = np.diag(product)
        found = []
        for pick in self.picks:
            n = len(pick)
            count = np.bincount(pick, minlength=len(own)).astype(float)
            found.append((float(count @ own) - float(count @ product @ count) / n) / (n - 1))
        return found

    def within(self, inner: np.ndarray) -> list[float]:
        """Return the pooled trace within people and periods, once per resample."""
        square, freedom = np.zeros(len(self.names)), np.zeros(len(self.names))
        for i, cells in enumerate(self.cells):
            for cell in cells:
                block = inner[np.ix_(cell, cell)]
                square[i] += np.trace(block) - block.sum() / len(cell)
                freedom[i] += len(cell) - 1
        return [float(square[pick].sum() / freedom[pick].sum()) for pick in self.picks]

    def reciprocal(self) -> list[np.ndarray]:
        """Return the mean of one over the samples of each period, once per resample."""
        return [(1 / self.counts[pick]).mean(axis=0) for pick in self.picks]

    def two_periods(self, inner: np.ndarray, *, repeated: bool) -> dict[str, Component]:
        """Estimate between, period and sample variances; or between and visit with one sample a period."""
        change = self.spread(inner, (-1.0, 1.0))
        average = self.spread(inner, (0.5, 0.5))
        if not repeated:
            visit = [c / 2 for c in change]
            between = [a - v / 2 for a, v in zip(average, visit, strict=True)]
            return {"between": _component(between), "visit": _component(visit)}
        sample = self.within(inner)
        ones = [float(r.sum()) for r in self.reciprocal()]
        period = [(c - s * r) / 2 for c, s, r in zip(change, sample, ones, strict=True)]
        between = [a - p / 2 - s * r / 4 for a, p, s, r in zip(average, period, sample, ones, strict=True)]
        return {
            "between": _component(between), "period": _component(period), "sample": _component(sample)
        }  # fmt: skip

    def one_period(self, inner: np.ndarray) -> dict[str, Component]:
        """Estimate between and visit variances from several visits of one period."""
        visit = self.within(inner)
        ones = [float(r[0]) for r in self.reciprocal()]
        between = [m - v * r for m, v, r in zip(self.spread(inner, (1.0,)), visit, ones, strict=True)]
        return {"between": _component(between), "visit": _component(visit)}

    def dimension(self, inner: np.ndarray, *, change: bool) -> Component:
        """Return the effective number of axes, tr(S)^2 / tr(S^2), of one sample a person or of a change.

        tr(S^2) of a sample covariance is too large; corrected as for normal vectors. One sample of each
        person is taken at a time; twenty such choices are averaged. The range is that of the jackknife.
        """
        draw = np.random.default_rng(7)
        found: list[list[float]] = []
        for _ in range(1 if change else 20):
            if change:
                weight = self.weights((-1.0, 1.0))
            else:
                weight = np.zeros_like(self.weights(tuple(1.0 for _ in self.periods)))
                for row, cells in zip(weight, self.cells, strict=True):
                    row[draw.choice(cells[0])] = 1.0
            size = weight.shape[1]
            product = weight @ inner[:size, :size] @ weight.T
            found.append(_with_each_left_out(product))
        values = np.mean(found, axis=0)
        n = len(values) - 1
        error = float(np.sqrt((n - 1) / n * ((values[1:] - values[1:].mean()) ** 2).sum()))
        return Component(
            float(values[0]), max(float(values[0]) - 1.96 * error, 1.0), float(values[0]) + 1.96 * error
        )


def _with_each_left_out(product: np.ndarray) -> list[float]:
    """Return the dimension of everybody and with one person left out at a time (jackknife)."""
    everybody = np.arange(len(product))
    return [_dimension(product, pick) for pick in (everybody, *(np.delete(everybody, k) for k in everybody))]


def _dimension(product: np.ndarray, pick: np.ndarray) -> float:
    n = len(pick)
    part = product[np.ix_(pick, pick)]
    part = part - part.mean(axis=0) - part.mean(axis=1)[:, None] + part.mean()
    first, second = np.trace(part) / (n - 1), float((part**2).sum()) / (n - 1) ** 2
    square = (n - 1) ** 2 / ((n - 2) * (n + 1)) * (second - first**2 / (n - 1))
    return float(first**2 / square)


def _component(values: list[float]) -> Component:
    """Return the estimate on everybody and the points of the resamples; a negative variance is none."""
    clipped = np.maximum(values, 0.0)
    low, high = np.quantile(clipped[1:], [0.025, 0.975])
    return Component(float(clipped[0]), float(min(low, clipped[0])), float(max(high, clipped[0])), clipped)


@dataclass(frozen=True)
class OneVisit:
    """What one sample at one visit shows of a number in one cohort: variances, each with its resamples.

    ``within`` a person is the variance between visits, with that between samples of a visit in it.
    """

    between: np.ndarray
    within: np.ndarray
    people: int
    samples: int

    @classmethod
    def of(cls, found: dict[str, Component], people: int, samples: int) -> OneVisit:
        """Add up what lies within a person; ``found`` as from ``Repeated.two_periods``."""
        parts = [found[name].draws for name in ("period", "sample", "visit") if name in found]
        return cls(found["between"].draws, np.sum(parts, axis=0), people, samples)

    def reliability(self) -> Component:
        """Return the share of the variance that lies between people: an intraclass correlation."""
        return points(share_between(self.between, self.within))


def pooled(cohorts: list[OneVisit]) -> OneVisit:
    """Return the mean variances of several cohorts by their people, who are resampled in each."""
    people = np.array([one.people for one in cohorts], dtype=float)
    weight = people / people.sum()
    between, within = (
        np.sum([w * getattr(one, name) for w, one in zip(weight, cohorts, strict=True)], axis=0)
        for name in ("between", "within")
    )
    return OneVisit(between, within, int(people.sum()), sum(one.samples for one in cohorts))


def share_between(between: np.ndarray, within: np.ndarray) -> np.ndarray:
    """Return between / (between + within); zero where neither varies."""
    total = between + within
    return np.divide(between, total, out=np.zeros_like(total), where=total > 0)


def points(draws: np.ndarray) -> Component:
    """Return the first number, which is everybody's, and the 2.5 and 97.5 % points of the others."""
    low, high = np.quantile(draws[1:], [0.025, 0.975])
    return Component(float(draws[0]), float(min(low, draws[0])), float(max(high, draws[0])), draws)
