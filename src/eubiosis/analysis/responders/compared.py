"""One active arm beside the control in one observed trial: outcome, baseline and prespecified moderators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.endpoints import Endpoint
from eubiosis.core.trial_stacks import TrialStack

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
BUTYRATE_PRODUCERS = ("share_FAE", "share_ROS", "share_ANA")


@dataclass(frozen=True)
class Moderator:
    """A baseline quantity by which people are divided, named before any outcome is seen.

    ``low`` and ``high`` name the two groups; a quantity that is not a flag is cut at the median of the trial.
    """

    id: str
    label: str
    low: str
    high: str
    flag: bool = False


MODERATORS = (
    Moderator("female", "Sex", "men", "women", flag=True),
    Moderator("age", "Age", "younger", "older"),
    Moderator("edss", "EDSS at entry", "lower", "higher"),
    Moderator("mfis", "MFIS at entry", "lower", "higher"),
    Moderator("butyrate_producers", "Butyrate producers at entry", "fewer", "more"),
)


def baselines(stack: TrialStack) -> Floats:
    """Return the moderators of everybody in the first trial of a stack, (moderators, people).

    What was not recorded at the first visit is not a number.
    """
    nothing = np.full(len(stack.numbers), np.nan)

    def first(name: str) -> Floats:
        return np.asarray(stack.of_visits[name][0, 0], dtype=float) if name in stack.of_visits else nothing

    return np.stack(
        [
            stack.column("female")[0],
            stack.column("age")[0],
            first("edss"),
            first("mfis"),
            np.sum([first(name) for name in BUTYRATE_PRODUCERS], axis=0),
        ]
    )


def upper_groups(values: Floats) -> Floats:
    """Return 1 for the upper group of each moderator, 0 for the lower, (moderators, people).

    A flag is its own group; another quantity is cut at the median of those who have it, who are in the upper
    group from it on. Not a number where a value is missing.
    """
    found = np.full(values.shape, np.nan)
    for k, (moderator, own) in enumerate(zip(MODERATORS, values, strict=True)):
        known = np.isfinite(own)
        cut = 0.5 if moderator.flag else float(np.median(own[known])) if known.any() else 0.0
        found[k, known] = own[known] >= cut
    return found


@dataclass(frozen=True)
class Moderated:
    """The moderators of everybody in a trial and who is in their upper groups, both (moderators, people)."""

    values: Floats
    upper: Floats

    @classmethod
    def of(cls, stack: TrialStack) -> Moderated:
        """Look at the first visit of the first trial of a stack."""
        values = baselines(stack)
        return cls(values, upper_groups(values))


@dataclass(frozen=True)
class ComparedArms:
    """People of an active arm and the control who have an outcome, a baseline and all moderators.

    ``outcome`` and ``baseline`` (people,) on the scale of the analysis (logarithms for ratios), ``treated``
    (people,), ``moderators`` and ``upper`` (moderators, people), ``place`` (people,) their positions in the
    trial, in the order of entry.
    """

    outcome: Floats
    baseline: Floats
    treated: Bools
    moderators: Floats
    upper: Floats
    place: Ints

    def __len__(self) -> int:
        return len(self.outcome)

    def take(self, rows: Bools) -> ComparedArms:
        """Return some of the people."""
        return ComparedArms(
            self.outcome[rows],
            self.baseline[rows],
            self.treated[rows],
            self.moderators[:, rows],
            self.upper[:, rows],
            self.place[rows],
        )


def on_scale(stack: TrialStack, endpoint: Endpoint, visit: int) -> Floats:
    """Return an endpoint of everybody in the first trial at a visit, on the scale of the analysis, (people,).

    Not a number where the visit was missed, or the value has no logarithm.
    """
    values = np.asarray(stack.of_visits[endpoint.id][visit, 0], dtype=float)
    if endpoint.scale == "ratio":
        values = np.log(np.where(values > 0, values, np.nan))
    return np.where(stack.attended[visit, 0], values, np.nan)


def compared(
    stack: TrialStack, people: Moderated, endpoint: Endpoint, arm: str, control: str
) -> ComparedArms:
    """Lay out the first trial of a stack, as its strategies have it analysed, for one active arm."""
    outcome, baseline = on_scale(stack, endpoint, -1), on_scale(stack, endpoint, 0)
    mine, others = (stack.arm[0] == stack.arms.index(name) for name in (arm, control))
    known = np.isfinite(outcome) & np.isfinite(baseline) & np.all(np.isfinite(people.values), axis=0)
    place = np.arange(len(outcome), dtype=np.int64)
    everybody = ComparedArms(outcome, baseline, np.asarray(mine), people.values, people.upper, place)
    return everybody.take(np.asarray((mine | others) & known))
