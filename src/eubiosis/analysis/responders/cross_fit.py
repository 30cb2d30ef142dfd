"""Learn in one half of an observed trial who gains most, and look in the other half whether it is so."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.responders.compared import Bools, ComparedArms, Floats
from eubiosis.analysis.responders.targeting import Area, area_under, gain_curve

SHARES = np.arange(1, 11) / 10
_PER_COLUMN = 2  # people of a half for each coefficient that is learned in it


@dataclass(frozen=True)
class CrossFitted:
    """Both halves of one trial, each judged by what was learned in the other; all (people,).

    ``predicted`` is the effect that baseline predicts, ``effect`` an unbiased and very noisy one of each
    person (doubly robust, with the known share of each arm), both on the scale of the analysis; ``second``
    says who is in the second half.
    """

    predicted: Floats
    effect: Floats
    second: Bools

    def halves(self) -> tuple[Bools, Bools]:
        """Return who is in the first and who in the second half."""
        return ~self.second, self.second

    def curve(self, sign: float) -> Floats:
        """Return the mean of the two halves' curves at ``SHARES``; ``sign`` turns effects into benefits."""
        own = [
            gain_curve(sign * self.effect[half], sign * self.predicted[half], SHARES)
            for half in self.halves()
        ]
        return np.asarray(np.mean(own, axis=0))

    def area(self, sign: float, area: Area) -> tuple[float, float]:
        """Return the mean of the two halves' areas, and its standard error."""
        own = [
            area_under(sign * self.effect[half], sign * self.predicted[half], area) for half in self.halves()
        ]
        return float(np.mean([value for value, _ in own])), math.hypot(*(error for _, error in own)) / 2


def every_other(treated: Bools) -> Bools:
    """Return the second half: every other person of each arm, in the order of entry, (people,)."""
    found = np.zeros(len(treated), dtype=bool)
    for arm in (False, True):
        found[np.flatnonzero(treated == arm)[1::2]] = True
    return found


def cross_fitted(data: ComparedArms) -> CrossFitted | None:
    """Learn a linear model with arm x moderator in each half, and judge the other by it.

    Columns: baseline, arm, moderators, arm x moderators. None where a half has fewer than two people for each
    coefficient.
    """
    second = every_other(data.treated)
    predicted, effect = np.empty(len(data)), np.empty(len(data))
    for judged in (second, ~second):
        learned = _predict(data.take(~judged), data.take(judged))
        if learned is None:
            return None
        predicted[judged], effect[judged] = learned
    return CrossFitted(predicted, effect, second)


def _predict(learn: ComparedArms, judge: ComparedArms) -> tuple[Floats, Floats] | None:
    if len(learn) < _PER_COLUMN or not len(judge):
        return None
    centre = learn.moderators.mean(axis=1, keepdims=True)
    spread = learn.moderators.std(axis=1, keepdims=True)
    spread = np.where(spread > 0, spread, 1.0)
    matrix = _matrix(learn, learn.treated, centre, spread)
    share = float(judge.treated.mean())
    if len(learn) < _PER_COLUMN * matrix.shape[1] or not 0 < share < 1:
        return None
    # the baseline may be a moderator too: the solution of least length predicts as any other does
    coefficients = np.linalg.lstsq(matrix, learn.outcome, rcond=None)[0]
    everybody = np.ones(len(judge), dtype=bool)
    treated, other = (_matrix(judge, arm, centre, spread) @ coefficients for arm in (everybody, ~everybody))
    left = judge.outcome - np.where(judge.treated, treated, other)
    weight = np.where(judge.treated, 1 / share, -1 / (1 - share))
    return treated - other, treated - other + weight * left


def _matrix(data: ComparedArms, treated: Bools, centre: Floats, spread: Floats) -> Floats:
    own = ((data.moderators - centre) / spread).T
    arm = treated.astype(float)[:, None]
    return np.column_stack([np.ones(len(data)), data.baseline, arm, own, arm * own])
