"""Estimates from sums over blocks: the same models as of smaller trials, the tests of counts in their limit.

Analysis of covariance and negative binomial regression need nothing but the sums. The randomisation test of
counts, which smaller trials carry out with re-labellings, is taken in its normal limit: over re-labellings
the difference of two arms' means has the variance of a draw without replacement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.batched import counts as many_counts
from eubiosis.analysis.batched.linear import CLEAR, Contrasts
from eubiosis.analysis.batched.trials import ANCOVA, LOG_ANCOVA, NEGATIVE_BINOMIAL, linear_estimates
from eubiosis.analysis.estimates import TrialEstimate
from eubiosis.analysis.guard import DEPENDENT, NEGLIGIBLE
from eubiosis.analysis.result import VAGUEST_LOG, Counts, Estimate, failed
from eubiosis.analysis.streamed.sums import COUNTED, MEASURED, Groups, Moments, TrialSums
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.soundness import Soundness
from eubiosis.core.trial_tables import TrialKey

Floats = NDArray[np.float64]
_MOST_ROWS = 100_000  # groups of people of the outcomes that are fitted together; each takes some 200 bytes
LIMIT = "p and interval by the normal limit of the randomisation test"


def estimates_of_sums(sums: TrialSums) -> list[TrialEstimate]:
    """Analyse every endpoint of every trial of the sums; order: trials, endpoints, active arms.

    An analysis that gives no numbers keeps its row and its reason.
    """
    found: dict[tuple[int, str, str], Estimate] = {}
    for moments, logarithm in ((sums.scores, False), (sums.logs, True)):
        names = [each.id for each in MEASURED if each.score is not logarithm]
        rows = [(trial, name) for trial in range(len(sums.replicates)) for name in names]
        result = contrasts_of(moments)
        method, scale = (LOG_ANCOVA, "ratio of geometric means") if logarithm else (ANCOVA, "mean difference")
        found |= dict(linear_estimates(rows, sums.arms, result, result.regular, method, scale))
        empty = _without_numbers(rows, sums.arms, moments, result, method, logarithm=logarithm)
        found = {**dict(empty), **found}
    found |= dict(_counted(sums))
    return [
        TrialEstimate(TrialKey(sums.gut_world, sums.host_world, int(replicate)), found[trial, endpoint, arm])
        for trial, replicate in enumerate(sums.replicates.tolist())
        for endpoint in ENDPOINTS
        for arm in sums.arms[1:]
    ]


def contrasts_of(moments: Moments) -> Contrasts:
    """Return the contrasts of every arm against the first; see ``batched.linear.contrasts``.

    Every arm takes part in the slope and the residual variance with what it has. A contrast in which either
    arm has fewer than two values has no error: not a number.
    """
    analysed = moments.analysed
    with np.errstate(divide="ignore", invalid="ignore"):
        sxx = moments.xx.sum(axis=-1)
        slope = moments.xy.sum(axis=-1) / sxx
        rows = analysed.sum(axis=-1)
        freedom = rows - np.count_nonzero(analysed, axis=-1) - 1.0
        left = moments.yy.sum(axis=-1) - slope * moments.xy.sum(axis=-1)
        variance = np.maximum(left, 0.0) / freedom
        apart = moments.x[:, 1:] - moments.x[:, :1]
        bread = 1.0 / analysed[:, 1:] + 1.0 / analysed[:, :1] + apart**2 / sxx[:, None]
        crude = moments.y[:, 1:] - moments.y[:, :1]
        grand = (analysed * moments.y).sum(axis=-1) / rows
        total = (moments.yy + analysed * (moments.y - grand[:, None]) ** 2).sum(axis=-1)
        length = (moments.xx + analysed * moments.x**2).sum(axis=-1)
        pooled = np.sqrt((moments.yy[:, 1:] + moments.yy[:, :1]) / (analysed[:, 1:] + analysed[:, :1] - 2))
        size = moments.largest.max(axis=-1)
        flat = variance <= CLEAR * NEGLIGIBLE**2 * size**2
        dependent = ~(sxx > (CLEAR * DEPENDENT) ** 2 * length)
        regular = ~flat & ~dependent & (freedom > 0) & (total > 0)
        regular &= np.all(moments.proper > 0, axis=-1)
        enough = (analysed[:, 1:] > 1) & (analysed[:, :1] > 1)
        return Contrasts(
            crude - slope[:, None] * apart,
            np.where(enough, np.sqrt(variance[:, None] * bread), np.nan),
            pooled,
            crude,
            np.rint(analysed).astype(np.int64),
            np.rint(moments.missing).astype(np.int64),
            freedom,
            np.sqrt(variance),
            1.0 - variance * freedom / total,
            regular,
        )


def _without_numbers(
    rows: Sequence[tuple[int, str]],
    arms: tuple[str, ...],
    moments: Moments,
    result: Contrasts,
    method: str,
    *,
    logarithm: bool,
) -> Iterator[tuple[tuple[int, str, str], Estimate]]:
    """Yield rows without numbers for every contrast; those that have numbers replace them."""
    for i, (trial, endpoint) in enumerate(rows):
        seen, missing = moments.analysed[i].astype(int).tolist(), moments.missing[i].astype(int).tolist()
        for k, arm in enumerate(arms[1:], start=1):
            if not np.all(moments.proper[i] > 0):
                why = Soundness("not_finite", "a value is infinite, or has no logarithm")
            elif min(seen[k], seen[0]) < 2:
                words = f"{seen[k]} and {seen[0]} participants in the two arms"
                why = Soundness("too_few_participants", words)
            elif result.regular[i]:
                why = _vague(float(result.error[i, k - 1]))
            else:
                why = Soundness("no_variance", "the values, or their baseline, hardly vary")
            yield (
                (trial, endpoint, arm),
                failed(
                    why,
                    endpoint=endpoint,
                    method=method,
                    arms=(arm, arms[0]),
                    scale="ratio of geometric means" if logarithm else "mean difference",
                    counts=Counts(seen[k], seen[0], missing[k], missing[0]),
                ),
            )


def _vague(error: float) -> Soundness:
    return Soundness("no_information", f"the logarithm has a standard error of {error:.3g}")


def _counted(sums: TrialSums) -> Iterator[tuple[tuple[int, str, str], Estimate]]:
    groups, trials = sums.counts, len(sums.replicates)
    fits = rate_ratios_of(groups, len(sums.arms))
    fits = _without_empty_arms(groups, fits)
    everybody = groups.everybody
    proper = groups.proper > 0
    for i, (endpoint, trial) in enumerate((each.id, trial) for each in COUNTED for trial in range(trials)):
        own = groups.outcome == i
        for k, arm in enumerate(sums.arms[1:], start=1):
            seen = fits.analysed[i].tolist()
            lost = (everybody[i] - fits.analysed[i]).tolist()
            counts = Counts(seen[k], seen[0], lost[k], lost[0])
            error = float(fits.error[i, k - 1])
            if not (proper[i] and fits.regular[i] and 0 < error <= VAGUEST_LOG):
                why = _no_ratio(fits, i, k, sums.arms, everybody[i], proper=bool(proper[i]))
                yield (
                    (trial, endpoint, arm),
                    failed(
                        why, endpoint=endpoint, method=NEGATIVE_BINOMIAL, arms=(arm, sums.arms[0]),
                        scale="rate ratio", counts=counts,
                    ),
                )  # fmt: skip
                continue
            test = limit_test(groups, own, k, everybody[i])
            low, high = np.exp([test[1] - test[2], test[1] + test[2]]).tolist()
            boundary = bool(fits.boundary[i])
            yield (
                (trial, endpoint, arm),
                Estimate(
                    endpoint, f"{NEGATIVE_BINOMIAL}; {LIMIT}", arm, sums.arms[0], "rate ratio",
                    float(np.exp(fits.log_ratio[i, k - 1])), error, low, high, test[0],
                    counts.n_treated, counts.n_control, counts.missing_treated, counts.missing_control,
                    "boundary" if boundary else "ok",
                    detail={
                        "dispersion": float(fits.dispersion[i]),
                        "events_treated": int(fits.events[i, k]),
                        "events_control": int(fits.events[i, 0]),
                        "years_treated": float(fits.years[i, k]),
                        "years_control": float(fits.years[i, 0]),
                    },
                ),
            )  # fmt: skip


def _no_ratio(
    fits: many_counts.RateRatios,
    i: int,
    arm: int,
    arms: tuple[str, ...],
    everybody: NDArray[np.int64],
    *,
    proper: bool,
) -> Soundness:
    """Say why an arm of outcome ``i`` has no rate ratio against the control; ``everybody`` (arms,)."""
    irregular = Soundness("not_converged", "the regression has not converged, or a count is odd")
    if not proper:
        return irregular
    for k in (arm, 0):
        if not fits.analysed[i, k]:
            return Soundness("too_few_participants", f"nobody was observed in {arms[k]}")
        if fits.events[i, k] <= 0:
            return Soundness("too_few_events", f"no event in {arms[k]}")
    seen, columns = int(fits.analysed[i].sum()), int(np.count_nonzero(everybody))
    if seen <= columns:
        return Soundness("too_few_participants", f"{seen} complete rows for {columns} columns")
    error = float(fits.error[i, arm - 1])
    return _vague(error) if fits.regular[i] and error > VAGUEST_LOG else irregular


def _without_empty_arms(groups: Groups, fits: many_counts.RateRatios) -> many_counts.RateRatios:
    """Fit outcomes again of which an arm has no events, by the arms that have some.

    The rate of an arm without events has no finite maximum, and those of the others do not depend on it. Its
    ratio stays without numbers, as does every ratio where the control has no event.
    """
    with_events = fits.events > 0
    enough = fits.analysed.sum(axis=-1) > np.count_nonzero(groups.everybody, axis=-1)
    again = enough & with_events[:, 0] & with_events[:, 1:].any(axis=-1) & ~with_events.all(axis=-1)
    found = {each.name: getattr(fits, each.name).copy() for each in fields(fits)}
    for pattern in np.unique(with_events[again], axis=0):
        rows = np.flatnonzero(again & (with_events == pattern).all(axis=-1))
        arms = np.flatnonzero(pattern)
        part = rate_ratios_of(_part(groups, rows, arms), len(arms))
        for name in ("log_ratio", "error"):
            found[name][np.ix_(rows, arms[1:] - 1)] = getattr(part, name)
        for name in (
            "dispersion", "dispersion_error", "log_likelihood", "iterations", "boundary", "regular",
        ):  # fmt: skip
            found[name][rows] = getattr(part, name)
    return replace(fits, **found)


def _part(groups: Groups, outcomes: NDArray[np.intp], arms: NDArray[np.intp]) -> Groups:
    """Return the groups of some outcomes and arms, both numbered anew; arguments in order."""
    kept = np.isin(groups.outcome, outcomes) & np.isin(groups.arm, arms)
    return Groups(
        np.searchsorted(outcomes, groups.outcome[kept]),
        np.searchsorted(arms, groups.arm[kept]),
        groups.years[kept],
        groups.count[kept],
        groups.people[kept],
        groups.everybody[np.ix_(outcomes, arms)],
        groups.proper[outcomes],
    )


def rate_ratios_of(groups: Groups, arms: int) -> many_counts.RateRatios:
    """Fit the outcomes, so many at a time that their rows do not fill the memory; no bit depends on that."""
    size = len(groups.proper)
    widest = int(np.bincount(groups.outcome, minlength=1).max(initial=1))
    together = max(1, _MOST_ROWS // max(widest, 1))
    parts = [
        many_counts.rate_ratios(events_of(groups, arms, begin, min(begin + together, size)))
        for begin in range(0, size, together)
    ]
    return many_counts.RateRatios(
        *(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(parts[0]))
    )


def events_of(groups: Groups, arms: int, first: int, end: int) -> many_counts.Events:
    """Return the groups of the outcomes from ``first`` to before ``end`` as their regression takes them."""
    from scipy.special import gammaln

    size = end - first
    width = int(groups.count.max(initial=0)) + 1
    own = slice(*np.searchsorted(groups.outcome, (first, end)))
    outcome, count, people = groups.outcome[own] - first, groups.count[own], groups.people[own]
    tally = np.bincount(outcome * width + count, people, minlength=size * width).reshape(size, width)
    above = tally.sum(axis=-1, keepdims=True) - np.cumsum(tally, axis=-1)
    columns = (count, groups.years[own], groups.arm[own], people)
    factorials = (tally * gammaln(np.arange(width) + 1.0)).sum(axis=-1)
    return many_counts.Events.laid_out(outcome, columns, arms, above, factorials)


def limit_test(
    groups: Groups, own: NDArray[np.bool_], arm: int, everybody: NDArray[np.int64]
) -> tuple[float, float, float]:
    """Return p-value, centre and reach of the test of ``arm`` against the control, in the normal limit.

    ``own`` (groups,) picks the outcome, ``everybody`` (arms,) counts all who were randomised. Each person
    gives events / mean events - time / mean time; the log rate ratio is the difference of the arms' means
    of that, to first order.
    """
    from scipy.special import ndtr, ndtri

    pair = own & ((groups.arm == arm) | (groups.arm == 0))
    people, treated = groups.people[pair].astype(np.float64), groups.arm[pair] == arm
    events, time = groups.count[pair].astype(np.float64), groups.years[pair]
    size, given = float(everybody[0] + everybody[arm]), float(everybody[arm])
    all_events, all_time = (people * events).sum(), (people * time).sum()
    mine, mine_time = (people * events)[treated].sum(), (people * time)[treated].sum()
    ratio = (mine + 0.5) * (all_time - mine_time) / ((all_events - mine + 0.5) * mine_time)
    centre = float(np.log(ratio))
    part = size * (events / (all_events + 1.0) - time / all_time)
    mean = (people * part).sum() / size
    square = (people * part**2).sum() - size * mean**2  # who has nothing to count gives 0
    spread = np.sqrt(square / (size - 1) * (1 / given + 1 / (size - given)))
    return float(2 * ndtr(-abs(centre) / spread)), centre, float(ndtri(0.975) * spread)
