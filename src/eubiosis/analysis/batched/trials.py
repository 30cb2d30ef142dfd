"""All endpoints of all observed trials, analysed together; what is irregular is left to single analyses."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.batched import counts as many_counts
from eubiosis.analysis.batched.linear import Contrasts, contrasts
from eubiosis.analysis.batched.relabel import Test, randomisation_tests
from eubiosis.analysis.result import VAGUEST_LOG, Estimate, Scale
from eubiosis.core.endpoints import Endpoint
from eubiosis.core.trial_stacks import TrialStack
from eubiosis.core.trial_tables import Columns, OneTrial, TrialKey

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Found = dict[tuple[int, str, str], Estimate]  # number of the trial, endpoint, treated arm
TOGETHER = 64  # trials in one batch: bounds the memory, changes no number
BLOCK = 256  # replicates, in every host world of a gut world, that share their re-labellings
NEGATIVE_BINOMIAL, RANDOMISED = "negative binomial", "p and interval by randomisation test"
ANCOVA, LOG_ANCOVA = "ANCOVA", "ANCOVA of the logarithm"


class _Batch(ABC):
    """Trials with the same arms, as many participants and the same planned weeks.

    ``numbers`` are the places of the trials among all, ``arms`` begin with the control, ``weeks`` are the
    first and the last, and ``arm`` (trials, participants) is the number of each one's arm.
    """

    def __init__(
        self, numbers: tuple[int, ...], arms: tuple[str, ...], weeks: tuple[float, float], arm: Ints
    ) -> None:
        self.numbers, self.arms, self.weeks, self.arm = numbers, arms, weeks, arm
        self.inside = np.stack([arm == k for k in range(len(arms))])  # (arms, trials, participants)

    @abstractmethod
    def column(self, name: str) -> Floats:
        """Return a column of the subjects, shape (trials, participants)."""

    @abstractmethod
    def at_week(self, names: Sequence[str], week: float) -> Floats:
        """Return columns at one visit, (trials, names, participants); not a number where it was missed."""

    @abstractmethod
    def key(self, k: int) -> TrialKey:
        """Return which trial the k-th of the batch is."""


class _OfTables(_Batch):
    """Trials read from tables."""

    def __init__(
        self,
        numbers: tuple[int, ...],
        trials: tuple[OneTrial, ...],
        arms: tuple[str, ...],
        weeks: tuple[float, float],
    ) -> None:
        order = np.argsort(arms)
        names = np.array(arms)[order]
        arm = np.stack([order[np.searchsorted(names, one.subjects["arm"])] for one in trials])
        super().__init__(numbers, arms, weeks, arm)
        self.trials = trials
        self._places = [place_of_visits(one.subjects, one.visits) for one in trials]

    def column(self, name: str) -> Floats:
        return np.stack([np.asarray(one.subjects[name], dtype=np.float64) for one in self.trials])

    def at_week(self, names: Sequence[str], week: float) -> Floats:
        values = np.full((len(self.trials), len(names), self.arm.shape[1]), np.nan)
        for own, trial, place in zip(values, self.trials, self._places, strict=True):
            there = np.flatnonzero(np.asarray(trial.visits["week"]) == week)
            for row, name in zip(own, names, strict=True):
                row[place[there]] = np.asarray(trial.visits[name], dtype=np.float64)[there]
        return values

    def key(self, k: int) -> TrialKey:
        return self.trials[k].key


class _OfStack(_Batch):
    """Some trials of a stack."""

    def __init__(
        self, numbers: Sequence[int], stack: TrialStack, arms: tuple[str, ...], weeks: tuple[float, float]
    ) -> None:
        self.stack, self.rows = stack, np.array(numbers)
        place = np.array([arms.index(name) if name in arms else -1 for name in stack.arms])
        super().__init__(tuple(numbers), arms, weeks, place[stack.arm[self.rows]])

    def column(self, name: str) -> Floats:
        return np.asarray(self.stack.column(name)[self.rows])

    def at_week(self, names: Sequence[str], week: float) -> Floats:
        (visit,) = np.flatnonzero(self.stack.weeks == week)
        values = np.empty((len(self.rows), len(names), self.arm.shape[1]))
        for k, name in enumerate(names):
            values[:, k] = self.stack.of_visits[name][visit][self.rows]
        return values

    def key(self, k: int) -> TrialKey:
        return self.stack.key(self.numbers[k])


def place_of_visits(subjects: Columns, visits: Columns) -> NDArray[np.int64]:
    """Return the row of the participant of each visit; ``KeyError`` for a visit of nobody in the trial."""
    names = np.asarray(subjects["subject"])
    order = np.argsort(names, kind="stable")
    asked = np.asarray(visits["subject"])
    found = np.minimum(np.searchsorted(names, asked, sorter=order), len(names) - 1)
    place = np.asarray(order[found], dtype=np.int64)
    strange = np.flatnonzero(names[place] != asked)
    if len(strange):
        raise KeyError(asked[strange[0]].item())
    return place


def analyse_together(
    trials: Sequence[OneTrial], control: str, endpoints: Sequence[Endpoint], seed: int
) -> Found:
    """Return the estimates of all regular contrasts by trial, endpoint and treated arm.

    A contrast is missing from the answer where a guard of the single analyses might speak: an arm without
    events or with fewer than two participants, an outcome without variance, an infinite value, a value
    without logarithm, a regression that has not converged. Linear models and counts agree with the single
    analyses to rounding; p-values of counts within their Monte Carlo error.
    """
    return _all_found(_batches(trials, control), endpoints, seed)


def analyse_stack(stack: TrialStack, control: str, endpoints: Sequence[Endpoint], seed: int) -> Found:
    """Return the same for trials that are kept in a stack; trials are numbered in its order."""
    return _all_found(_batches_of_stack(stack, control), endpoints, seed)


def _all_found(batches: Iterator[_Batch], endpoints: Sequence[Endpoint], seed: int) -> Found:
    found: Found = {}
    for batch in batches:
        counted = [each for each in endpoints if each.counted]
        found |= _counted(batch, counted, seed)
        for logarithm in (False, True):
            some = [each for each in endpoints if not each.counted and each.score is not logarithm]
            found |= _measured(batch, some, logarithm=logarithm)
    return found


def _batches_of_stack(stack: TrialStack, control: str) -> Iterator[_Batch]:
    entered = np.stack([(stack.arm == k).any(axis=1) for k in range(len(stack.arms))], axis=1)
    seen = np.any(stack.attended, axis=2).reshape(len(stack.weeks), len(stack))  # visits, trials
    alike: dict[tuple[tuple[str, ...], float, float], list[int]] = {}
    for k in range(len(stack)):
        arms = tuple(sorted(name for name, there in zip(stack.arms, entered[k], strict=True) if there))
        weeks = stack.weeks[seen[:, k]]
        if control not in arms or len(arms) < 2 or not len(weeks):
            continue  # the single analysis says what is wrong
        alike.setdefault((arms, float(weeks[0]), float(weeks[-1])), []).append(k)
    for (arms, first, last), numbers in alike.items():
        own = (control, *(arm for arm in arms if arm != control))
        for begin in range(0, len(numbers), TOGETHER):
            yield _OfStack(numbers[begin : begin + TOGETHER], stack, own, (first, last))


def _batches(trials: Sequence[OneTrial], control: str) -> Iterator[_Batch]:
    alike: dict[tuple[tuple[str, ...], int, float, float], list[int]] = {}
    for number, trial in enumerate(trials):
        arms = tuple(sorted(set(np.asarray(trial.subjects["arm"]).tolist())))
        weeks = np.asarray(trial.visits["week"], dtype=np.float64)
        if control not in arms or len(arms) < 2 or not len(weeks):
            continue  # the single analysis says what is wrong
        key = (arms, len(trial.subjects["arm"]), float(weeks.min()), float(weeks.max()))
        alike.setdefault(key, []).append(number)
    for (arms, _, first, last), numbers in alike.items():
        own = (control, *(arm for arm in arms if arm != control))
        for begin in range(0, len(numbers), TOGETHER):
            some = tuple(numbers[begin : begin + TOGETHER])
            yield _OfTables(some, tuple(trials[k] for k in some), own, (first, last))


def _measured(batch: _Batch, endpoints: Sequence[Endpoint], *, logarithm: bool) -> Found:
    """Analyse scores, or biomarkers on the logarithm, adjusted for the first visit."""
    if not endpoints or batch.weeks[0] == batch.weeks[1]:
        return {}
    names = [each.id for each in endpoints]
    before, after = (batch.at_week(names, week) for week in batch.weeks)
    proper = np.ones(before.shape[:2], dtype=bool)
    if logarithm:
        proper = ~np.any((before <= 0) | (after <= 0), axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            before, after = np.log(before), np.log(after)
    size, people = len(batch.numbers), batch.arm.shape[1]
    inside = np.repeat(batch.inside, len(names), axis=1)
    result = contrasts(after.reshape(-1, people), before.reshape(-1, people), inside)
    regular = result.regular & proper.ravel()
    method, scale = (LOG_ANCOVA, "ratio of geometric means") if logarithm else (ANCOVA, "mean difference")
    rows = [(number, each.id) for number in batch.numbers for each in endpoints]
    assert len(rows) == size * len(names)
    return dict(linear_estimates(rows, batch.arms, result, regular, method, scale))


def linear_estimates(
    rows: Sequence[tuple[int, str]],
    arms: tuple[str, ...],
    result: Contrasts,
    regular: NDArray[np.bool_],
    method: str,
    scale: str,
) -> Iterator[tuple[tuple[int, str, str], Estimate]]:
    """Yield the contrasts that can be read, by trial, endpoint and treated arm; ``rows`` name two."""
    from scipy.special import stdtr, stdtrit

    ratio = scale == "ratio of geometric means"
    with np.errstate(invalid="ignore", over="ignore"):
        freedom = np.where(regular, result.freedom, 1.0)[:, None]
        reach = -stdtrit(freedom, 0.025) * result.error
        points = np.stack([result.difference, result.difference - reach, result.difference + reach])
        p_values = 2 * stdtr(freedom, -np.abs(result.difference) / result.error)
        points = np.exp(points) if ratio else points
        readable = regular[:, None] & np.isfinite(result.difference) & (result.error > 0)
        readable &= (result.error <= VAGUEST_LOG) | (not ratio)
    words: Scale = "ratio of geometric means" if ratio else "mean difference"
    shown = [points.tolist(), result.error.tolist(), p_values.tolist(), result.pooled_sd.tolist()]
    (value, low, high), error, p, pooled = (*shown,)
    crude, residual, r_squared = result.crude.tolist(), result.residual_sd.tolist(), result.r_squared.tolist()
    analysed, missing, degrees = result.analysed.tolist(), result.missing.tolist(), result.freedom.tolist()
    for i, k in zip(*np.nonzero(readable), strict=True):
        trial, endpoint = rows[i]
        yield (
            (trial, endpoint, arms[k + 1]),
            Estimate(
                endpoint, method, arms[k + 1], arms[0], words, value[i][k], error[i][k], low[i][k],
                high[i][k], p[i][k], analysed[i][k + 1], analysed[i][0], missing[i][k + 1], missing[i][0],
                degrees_of_freedom=degrees[i],
                detail={
                    "residual_sd": residual[i], "r_squared": r_squared[i], "pooled_sd": pooled[i][k],
                    "crude_difference": crude[i][k],
                },
            ),
        )  # fmt: skip


def _counted(batch: _Batch, endpoints: Sequence[Endpoint], seed: int) -> Found:
    """Analyse counts of events, all endpoints of all trials of a batch in one regression."""
    if not endpoints:
        return {}
    events = np.concatenate([batch.column(each.events) for each in endpoints])
    years = np.concatenate([batch.column(each.exposure) for each in endpoints])
    arm, inside = np.tile(batch.arm, (len(endpoints), 1)), np.tile(batch.inside, (1, len(endpoints), 1))
    rows = [(k, each.id) for each in endpoints for k in range(len(batch.numbers))]
    proper = _proper_counts(events, years)
    some = np.flatnonzero(proper)
    if not len(some):
        return {}
    data = many_counts.Events.of(events[some], years[some], arm[some], inside[:, some])
    fits = many_counts.rate_ratios(data)
    readable = fits.regular[:, None] & (fits.error > 0) & (fits.error <= VAGUEST_LOG)
    chosen = [(i, k) for i, k in zip(*(axis.tolist() for axis in np.nonzero(readable)), strict=True)]
    clean = _nothing_to_count(events[some], years[some])
    tests = [_test(batch, rows[some[i]], clean, i, k + 1) for i, k in chosen]
    results = randomisation_tests(tests, seed).tolist()
    everybody = np.count_nonzero(inside[:, some], axis=-1).T
    return dict(
        _count_estimate(batch, rows[some[i]], fits, everybody, (i, k), test)
        for (i, k), test in zip(chosen, results, strict=True)
    )


def _proper_counts(events: Floats, years: Floats) -> NDArray[np.bool_]:
    """Say which rows hold whole counts, none of them in no time; what is not is judged one at a time."""
    odd = np.isinf(events) | np.isinf(years) | (events < 0) | (years < 0) | ((years == 0) & (events > 0))
    with np.errstate(invalid="ignore"):
        odd |= (events != np.rint(events)) & ~np.isnan(events)
        odd |= events > many_counts.MOST_IN_ONE_ROW
    return np.asarray(~odd.any(axis=-1))


def _nothing_to_count(events: Floats, years: Floats) -> tuple[Floats, Floats]:
    """Return events and exposure with zeros for whoever lacks either."""
    kept = (years > 0) & np.isfinite(events)
    return np.where(kept, events, 0.0), np.where(kept, years, 0.0)


def _test(batch: _Batch, row: tuple[int, str], data: tuple[Floats, Floats], i: int, arm: int) -> Test:
    key, treated = batch.key(row[0]), batch.inside[arm, row[0]]
    pair = batch.inside[0, row[0]] | treated
    return Test(
        data[0][i, pair],
        data[1][i, pair],
        treated[pair],
        (key.gut_world, key.replicate // BLOCK),
    )


def _count_estimate(
    batch: _Batch,
    row: tuple[int, str],
    fits: many_counts.RateRatios,
    everybody: NDArray[np.int64],
    at: tuple[int, int],
    test: Sequence[float],
) -> tuple[tuple[int, str, str], Estimate]:
    i, k = at
    value, error = float(fits.log_ratio[i, k]), float(fits.error[i, k])
    with np.errstate(over="ignore"):
        points = np.exp([value, test[1] - test[2], test[1] + test[2]]).tolist()
    seen, missing = fits.analysed[i], everybody[i] - fits.analysed[i]
    treated, control = batch.arms[k + 1], batch.arms[0]
    found = Estimate(
        row[1], f"{NEGATIVE_BINOMIAL}; {RANDOMISED}", treated, control, "rate ratio", points[0], error,
        points[1], points[2], test[0], int(seen[k + 1]), int(seen[0]), int(missing[k + 1]), int(missing[0]),
        "boundary" if fits.boundary[i] else "ok",
        detail={
            "dispersion": float(fits.dispersion[i]),
            "dispersion_se": math.nan if fits.boundary[i] else float(fits.dispersion_error[i]),
            "log_likelihood": float(fits.log_likelihood[i]),
            "iterations": int(fits.iterations[i]),
            "events_treated": int(fits.events[i, k + 1]),
            "events_control": int(fits.events[i, 0]),
            "years_treated": float(fits.years[i, k + 1]),
            "years_control": float(fits.years[i, 0]),
        },
    )  # fmt: skip
    return (batch.numbers[row[0]], row[1], treated), found
