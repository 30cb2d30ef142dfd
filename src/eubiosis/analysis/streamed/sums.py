"""What an analysis needs of a block of participants: moments of measured endpoints, groups of counted ones.

Moments are kept about each arm's own mean and moved to the common mean when blocks are put together, so that
a million participants lose no digits. Counts are kept as groups of
participants alike in arm, exposure and count. Sums of the same blocks in the same order are the same to the
last bit, however the blocks were dealt to processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.trial_stacks import TrialStack

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Small = NDArray[np.signedinteger]
Bools = NDArray[np.bool_]
COUNTED = tuple(each for each in ENDPOINTS.values() if each.counted)
MEASURED = tuple(each for each in ENDPOINTS.values() if not each.counted)


@dataclass(frozen=True)
class Moments:
    """Moments of outcome y and baseline x by arm, arrays of one shape that ends with the arms.

    ``analysed`` and ``missing`` count people; ``x`` and ``y`` are means, ``xx``, ``xy`` and ``yy`` sums of
    squares and products about them; ``largest`` is the largest size of y. ``proper`` is 1 where every value
    could be analysed: finite, and above zero where its logarithm is.
    """

    analysed: Floats
    missing: Floats
    x: Floats
    y: Floats
    xx: Floats
    xy: Floats
    yy: Floats
    largest: Floats
    proper: Floats

    @classmethod
    def of(cls, outcome: Floats, baseline: Floats, inside: Bools) -> Moments:
        """Return moments of outcome and baseline, (batch, people); ``inside`` is (arms, batch, people)."""
        kept = np.isfinite(outcome) & np.isfinite(baseline)
        finite = ~np.any(np.isinf(outcome) | np.isinf(baseline), axis=-1)
        y, x = np.where(kept, outcome, 0.0), np.where(kept, baseline, 0.0)
        columns: list[list[Floats]] = []
        for group in inside:
            own = group & kept
            count = own.sum(axis=-1).astype(np.float64)
            some = np.maximum(count, 1.0)
            x_mean, y_mean = (own * x).sum(axis=-1) / some, (own * y).sum(axis=-1) / some
            dx, dy = own * (x - x_mean[:, None]), own * (y - y_mean[:, None])
            columns.append(
                [
                    count,
                    (group & ~kept).sum(axis=-1).astype(np.float64),
                    x_mean,
                    y_mean,
                    (dx * dx).sum(axis=-1),
                    (dx * dy).sum(axis=-1),
                    (dy * dy).sum(axis=-1),
                    np.abs(own * y).max(axis=-1, initial=0.0),
                    finite.astype(np.float64),
                ]
            )
        return cls(*(np.stack(values, axis=-1) for values in zip(*columns, strict=True)))

    def plus(self, more: Moments) -> Moments:
        """Return the moments of both groups of people together."""
        count = self.analysed + more.analysed
        share = more.analysed / np.maximum(count, 1.0)
        weight = self.analysed * share
        dx, dy = more.x - self.x, more.y - self.y
        return Moments(
            count,
            self.missing + more.missing,
            self.x + dx * share,
            self.y + dy * share,
            self.xx + more.xx + dx * dx * weight,
            self.xy + more.xy + dx * dy * weight,
            self.yy + more.yy + dy * dy * weight,
            np.maximum(self.largest, more.largest),
            np.minimum(self.proper, more.proper),
        )

    @classmethod
    def concat(cls, parts: Sequence[Moments]) -> Moments:
        """Put the rows of several moments one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))

    def where(self, proper: Bools) -> Moments:
        """Return the moments with rows (batch,) marked that hold an improper value."""
        marked = np.where(proper[:, None], self.proper, 0.0)
        return Moments(**{**vars(self), "proper": marked})


@dataclass(frozen=True)
class Groups:
    """People alike in arm, exposure and count, one entry a group, of many outcomes.

    ``outcome``, ``arm`` and ``count`` are whole numbers, ``years`` the exposure, ``people`` how many are
    alike; whoever leaves has a time of its own, so that groups grow with the trial and are held small.
    ``everybody`` (outcomes, arms) counts all, those with nothing to count among them; ``proper`` (outcomes,)
    is 1 where every count is whole and in some exposure.
    """

    outcome: Small
    arm: Small
    years: Floats
    count: Small
    people: Small
    everybody: Ints
    proper: Floats

    @classmethod
    def of(cls, events: Floats, years: Floats, arm: Ints, arms: int) -> Groups:
        """Group the people of a batch of outcomes; all arguments (batch, people)."""
        with np.errstate(invalid="ignore"):
            odd = np.isinf(events) | np.isinf(years) | (events < 0) | (years < 0)
            odd |= ((years == 0) & (events > 0)) | ((events != np.rint(events)) & ~np.isnan(events))
        kept = (years > 0) & np.isfinite(events) & np.isfinite(years)
        outcome, person = np.nonzero(kept)
        everybody = np.stack([(arm == k).sum(axis=-1) for k in range(arms)], axis=-1)
        found = cls(
            outcome.astype(np.int32),
            arm[outcome, person].astype(np.int8),
            years[outcome, person],
            events[outcome, person].astype(np.int32),
            np.ones(len(outcome), dtype=np.int32),
            everybody,
            np.where(odd.any(axis=-1), 0.0, 1.0),
        )
        return found.together()

    @classmethod
    def concat(cls, parts: Sequence[Groups]) -> Groups:
        """Put the groups of several blocks of people together."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.outcome for part in parts]),
            np.concatenate([part.arm for part in parts]),
            np.concatenate([part.years for part in parts]),
            np.concatenate([part.count for part in parts]),
            np.concatenate([part.people for part in parts]),
            np.sum([part.everybody for part in parts], axis=0),
            np.min([part.proper for part in parts], axis=0),
        ).together()

    def together(self) -> Groups:
        """Return groups of which no two are alike, in their order."""
        order = np.lexsort((self.count, self.years, self.arm, self.outcome))
        if not len(order):
            return self
        outcome, arm, count = self.outcome[order], self.arm[order], self.count[order]
        years = self.years[order]
        new = np.ones(len(order), dtype=bool)
        new[1:] = (outcome[1:] != outcome[:-1]) | (arm[1:] != arm[:-1])
        new[1:] |= (years[1:] != years[:-1]) | (count[1:] != count[:-1])
        first = np.flatnonzero(new)
        people = np.add.reduceat(self.people[order], first, dtype=self.people.dtype)
        return Groups(
            outcome[first], arm[first], years[first], count[first], people, self.everybody, self.proper
        )


@dataclass(frozen=True)
class TrialSums:
    """Sums over the people of some trials of one pair of worlds, all with the same arms, the control first.

    ``scores`` are moments of scores, ``logs`` those of logarithms, of the endpoints of ``MEASURED`` in this
    order, trial by trial; ``counts`` the groups of ``COUNTED``: outcome = endpoint x trials + trial.
    """

    gut_world: int
    host_world: int
    replicates: Ints
    arms: tuple[str, ...]
    scores: Moments
    logs: Moments
    counts: Groups

    @classmethod
    def of(cls, stack: TrialStack, control: str) -> TrialSums:
        """Sum over the people of a stack of trials."""
        arms = (control, *(arm for arm in stack.arms if arm != control))
        place = np.array([arms.index(name) for name in stack.arms])
        arm = place[stack.arm]
        inside = np.stack([arm == k for k in range(len(arms))])
        return cls(
            stack.gut_world,
            stack.host_world,
            stack.replicates,
            arms,
            _moments(stack, inside, [each for each in MEASURED if each.score], logarithm=False),
            _moments(stack, inside, [each for each in MEASURED if not each.score], logarithm=True),
            Groups.of(
                np.concatenate([stack.column(each.events) for each in COUNTED]),
                np.concatenate([stack.column(each.exposure) for each in COUNTED]),
                np.tile(arm, (len(COUNTED), 1)),
                len(arms),
            ),
        )

    @classmethod
    def over_trials(cls, parts: Sequence[TrialSums]) -> TrialSums:
        """Put several trials of the same people together, in their order."""
        first = parts[0]
        if len(parts) == 1:
            return first
        trials = sum(len(part.replicates) for part in parts)
        renumbered, before = [], 0
        for part in parts:
            groups, size = part.counts, len(part.replicates)
            endpoint, trial = np.divmod(groups.outcome, size)
            renumbered.append((endpoint * trials + trial + before, groups))
            before += size
        order = np.argsort(
            np.concatenate(
                [
                    np.arange(len(COUNTED)).repeat(len(part.replicates)) * trials
                    + np.tile(np.arange(len(part.replicates)), len(COUNTED))
                    + sum(len(each.replicates) for each in parts[:k])
                    for k, part in enumerate(parts)
                ]
            )
        )
        counts = Groups(
            np.concatenate([outcome for outcome, _ in renumbered]),
            np.concatenate([groups.arm for _, groups in renumbered]),
            np.concatenate([groups.years for _, groups in renumbered]),
            np.concatenate([groups.count for _, groups in renumbered]),
            np.concatenate([groups.people for _, groups in renumbered]),
            np.concatenate([groups.everybody for _, groups in renumbered])[order],
            np.concatenate([groups.proper for _, groups in renumbered])[order],
        )
        return cls(
            first.gut_world, first.host_world, np.concatenate([part.replicates for part in parts]),
            first.arms, Moments.concat([part.scores for part in parts]),
            Moments.concat([part.logs for part in parts]), counts.together(),
        )  # fmt: skip

    @classmethod
    def over_blocks(cls, parts: Sequence[TrialSums]) -> TrialSums:
        """Put the same trials of several blocks of people together, in the order of the blocks."""
        first = parts[0]
        scores, logs = first.scores, first.logs
        for more in parts[1:]:
            scores, logs = scores.plus(more.scores), logs.plus(more.logs)
        return cls(
            first.gut_world, first.host_world, first.replicates, first.arms, scores, logs,
            Groups.concat([part.counts for part in parts]),
        )  # fmt: skip


def _moments(stack: TrialStack, inside: Bools, endpoints: Sequence[Endpoint], *, logarithm: bool) -> Moments:
    """Return moments of the last visit on the first, rows trial by trial and endpoint by endpoint within."""
    people = stack.arm.shape[1]
    shape = (len(stack), len(endpoints), people)
    before, after = np.empty(shape), np.empty(shape)
    for k, each in enumerate(endpoints):
        values = stack.of_visits[each.id]
        before[:, k], after[:, k] = values[0], values[-1]
    proper = np.ones(shape[:2], dtype=bool)
    if logarithm:
        proper = ~np.any((before <= 0) | (after <= 0), axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            before, after = np.log(before), np.log(after)
    every = np.repeat(inside, len(endpoints), axis=1)
    found = Moments.of(after.reshape(-1, people), before.reshape(-1, people), every)
    return found.where(proper.ravel())
