"""The base of every plan: from numbers to power and size, on whole arrays."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from eubiosis.analysis.columns import Floats
from eubiosis.analysis.planning.bounds import Checked, Values, share
from eubiosis.analysis.planning.laws import round_sizes, smallest_size
from eubiosis.analysis.planning.sizes import round_up
from eubiosis.core.laws import normal_cdf, normal_point


class Plan(Checked):
    """What a trial measures and assumes, apart from its size.

    ``alpha`` is two-sided; rejections in the wrong direction are not counted, so that a margin is tested
    at ``alpha`` / 2. A size is a number of ``counted``, and ``per_size`` says how many people one of them
    brings into the trial.
    """

    endpoint: ClassVar[str]
    counted: ClassVar[str] = "control participants"
    least: ClassVar[float] = 3.0

    alpha: float = share("Two-sided type I error", 0.05)

    @property
    @abstractmethod
    def method(self) -> str:
        """Name the analysis that the trial is sized for."""

    @abstractmethod
    def constants(self, at: Values) -> Values:
        """Return what the power needs beside the size, from the plan's numbers (any shape)."""

    @abstractmethod
    def power_from(self, size: Floats, constants: Values) -> Floats:
        """Return the power at each size, given what ``constants`` returned."""

    def people(self, size: Floats, at: Values) -> Floats:
        """Return the participants of the whole trial at each size: here of two arms by their allocation."""
        return np.asarray(size + round_sizes(at["allocation"] * size), dtype=np.float64)

    @abstractmethod
    def simulate(self, size: int, trials: int, draw: np.random.Generator) -> Floats:
        """Simulate trials and return one statistic each (trials,), standard normal under the null.

        Positive is towards benefit; a trial whose analysis gives no numbers gets minus infinity.
        """

    def guess(self, target: Floats, constants: Values) -> Floats:
        """Return a size to begin the search at."""
        del constants
        return np.full(target.shape, 50.0)

    def size_from(self, target: Floats, constants: Values) -> Floats:
        """Return the unrounded sizes that reach the powers ``target``; infinity where none does."""
        return smallest_size(self.power_from, constants, target, self.least, self.guess(target, constants))


class NormalPlan(Plan):
    """A plan whose power is a normal probability: ``constants`` gives three arrays.

    ``distance`` between alternative and null, positive towards benefit, and ``null`` and ``spread``: the
    size times the variance of the estimate under the null and under the alternative.
    """

    def power_from(self, size: Floats, constants: Values) -> Floats:
        """Return the power at each size."""
        reach = normal_point(constants["alpha"] / 2) * np.sqrt(constants["null"])
        return normal_cdf((np.sqrt(size) * constants["distance"] - reach) / np.sqrt(constants["spread"]))

    def size_from(self, target: Floats, constants: Values) -> Floats:
        """Return the unrounded sizes in closed form."""
        distance = constants["distance"]
        needed = normal_point(constants["alpha"] / 2) * np.sqrt(constants["null"])
        needed = needed - normal_point(target) * np.sqrt(constants["spread"])
        root = np.divide(needed, distance, out=np.full(np.shape(needed), np.inf), where=distance > 0)
        size = np.clip(root, 0.0, 1e6) ** 2
        # the power of small trials in the wrong direction is not zero: nothing below the least size
        return np.asarray(np.where(size > 1e7, np.inf, np.maximum(size, 1.0)), dtype=np.float64)


def two_arms(size: int, allocation: float) -> Floats:
    """Return each participant's arm, control 0 before treated 1: ``size`` and ``allocation`` times as many.

    >>> two_arms(2, 1.5).tolist()
    [0.0, 0.0, 1.0, 1.0, 1.0]
    """
    return np.repeat([0.0, 1.0], [size, round_up(allocation * size)])


def batches(trials: int, people: int) -> list[np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Cut trials into groups that need at most some four million cells at once."""
    rows = max(1, 4_000_000 // max(people, 1))
    return [np.arange(start, min(start + rows, trials)) for start in range(0, trials, rows)]
