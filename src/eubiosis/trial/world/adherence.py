"""Adherence: what each subject takes on each day, and how inputs of the gut follow it.

A subject's propensity is drawn once from a beta law; the days follow a chain of two states, taken and missed,
whose chance of "taken" on each day is the propensity, falling slowly; some go over to a lower dose for
good. All draws are the subject's own and the same in every arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.streams import SubjectDraws
from eubiosis.engine import Array
from eubiosis.therapy import Adherence, Component, Therapy

WEEK = 7  # days whose mean the gut is given
_BEFORE_VISIT = 2  # days before a visit that are given one by one
_ROUNDED = 1e-5  # days: less than a second beside a whole day is a week that was rounded
_WEEKS_BEFORE_VISIT = 4  # before these the gut is given the mean of as many weeks at once


def propensity(adherence: Adherence, draws: SubjectDraws) -> Array:
    """Draw the chance that each subject takes a day's dose, shape (subjects,): a beta law.

    A subject's place in the law is the same in every arm.
    """
    from scipy.special import betaincinv

    mean, sd = adherence.mean, adherence.sd
    uniform = draws.uniforms("trial/adherence", 1)[:, 0]
    if sd == 0 or mean in (0.0, 1.0):
        return np.full(len(uniform), mean)
    total = mean * (1 - mean) / sd**2 - 1
    return np.asarray(betaincinv(mean * total, (1 - mean) * total, uniform))


def taken(adherence: Adherence, draws: SubjectDraws, days: int) -> Array:
    """Return the share of the planned dose that each subject takes on each day, shape (subjects, days).

    The expected share on a day is the propensity of that day times the share of the dose that is kept to.
    """
    chance = propensity(adherence, draws)
    year = np.arange(days) / DAYS_PER_YEAR
    by_day = chance[:, None] * np.exp(np.log1p(-min(adherence.fall_per_year, 1 - 1e-12)) * year)
    share = _runs(by_day, adherence.missed_run, draws) if adherence.missed_run else by_day.copy()
    if adherence.reduced_per_year:
        from_day = draws.exponentials("trial/adherence/reduced", 1)[:, 0] * (
            DAYS_PER_YEAR / adherence.reduced_per_year
        )
        share[np.arange(days) >= from_day[:, None]] *= adherence.reduced_to
    return share


def _runs(chance: Array, missed_run: float, draws: SubjectDraws) -> Array:
    """Draw taken (1) and missed (0) days with the given chance of each day, (subjects, days).

    A run of missed days lasts ``missed_run`` days in the mean, longer where so many are missed that runs
    must. The chance to leave off makes up for the days that begin again, so that every day has its chance.
    """
    uniforms = np.ascontiguousarray(draws.uniforms("trial/adherence/days", chance.shape[1]).T)
    chance = np.ascontiguousarray(chance.T)
    odds = np.divide(1 - chance, chance, out=np.full(chance.shape, np.inf), where=chance > 0)
    again = 1 / np.maximum(missed_run, odds)
    left = chance[1:] - (1 - chance[:-1]) * again[1:]
    stay = np.divide(left, chance[:-1], out=np.zeros(left.shape), where=chance[:-1] > 0)
    goes_on, begins = uniforms[1:] < stay, uniforms[1:] < again[1:]
    days = np.zeros(chance.shape)
    now = days[0] = uniforms[0] < chance[0]
    for day in range(1, len(days)):
        now = np.where(now > 0, goes_on[day - 1], begins[day - 1])
        days[day] = now
    return np.ascontiguousarray(days.T)


def day_of(week: float) -> float:
    """Return the day that a week begins with; seconds beside a whole day are that day.

    "day 3" is written as week 0.428571.

    >>> day_of(0.428571), day_of(1.5)
    (3.0, 10.5)
    """
    day = WEEK * week
    return float(round(day)) if abs(day - round(day)) < _ROUNDED else day


def span(given: Component | Therapy) -> tuple[float, float]:
    """Return the days between which something is given; the second is infinite where it does not stop."""
    return day_of(given.start), np.inf if given.stop is None else day_of(given.stop)


def share_of_days(days: Array, begin: float, end: float) -> Array:
    """Return which share of each day lies between two moments (days), (days,).

    >>> share_of_days(np.arange(4.0), 0.5, 2.25)
    array([0.5 , 1.  , 0.25, 0.  ])
    """
    return np.asarray(np.clip(np.minimum(days + 1, end) - np.maximum(days, begin), 0.0, 1.0))


def planned(component: Component, days: int) -> Array:
    """Return the share of the full dose that is planned for each day, shape (days,): ramp and weeks.

    A day on which the component is given for a part of the time has that part of the dose.
    """
    day = np.arange(float(days))
    length, share = _given(component, day, day + 1)
    return length * share


def _given(component: Component, begins: Array, ends: Array) -> tuple[Array, Array]:
    """Return for pieces of a day, (pieces,), how long the component is given, and its mean share then.

    Lengths are days; the share is that of the full dose in the time in which it is given.
    """
    first, last = span(component)
    begins, ends = np.maximum(begins, first), np.minimum(ends, last)
    length = np.maximum(ends - begins, 0.0)
    if component.record.transplant is not None and component.transplant is not None:
        occasions = {int(first + each) for each in component.transplant.days}
        once = np.array([float(int(each) in occasions) for each in begins])
        return (length > 0).astype(float), once
    if not component.ramp_weeks:
        return length, np.ones(len(length))
    step = np.floor(np.maximum(begins - first, 0.0) / WEEK) + 1
    low, high = (np.minimum(each / component.ramp_weeks, 1.0) for each in (step, step + 1))
    after = np.clip(ends - (first + WEEK * step), 0.0, length)  # a piece of a day holds one step at most
    return length, low + (high - low) * after / np.maximum(length, 1e-300)


def blocks(
    components: Sequence[Component], days: int, visits: Sequence[float] = (), *, weekly: bool = False
) -> list[tuple[float, float]]:
    """Return the stretches over whose mean a dose is given, as days.

    They are single days just before ``visits`` (days), weeks in the four weeks before these, from the begin
    of a therapy to four weeks after its ramp and in four after its end, and four weeks elsewhere; ``weekly``:
    weeks everywhere. They are cut where a therapy begins or ends, and where the preparation of a transplant
    ends.
    """
    fine = [(visit - WEEK * _WEEKS_BEFORE_VISIT, visit) for visit in visits]
    marks = {visit - back for visit in visits for back in range(_BEFORE_VISIT + 1)} | {0.0, float(days)}
    for each in components:
        begin, end = span(each)
        marks |= {begin, end}
        fine.append((begin, begin + WEEK * (_WEEKS_BEFORE_VISIT + (each.ramp_weeks or 0))))
        if each.stop is not None:
            fine.append((end, end + WEEK * _WEEKS_BEFORE_VISIT))
        if each.transplant is not None:
            marks.add(begin + each.transplant.days[0])
    for week in range(0, days, WEEK):
        inside = weekly or any(begin - WEEK < week < end for begin, end in fine)
        if inside or week % (WEEK * _WEEKS_BEFORE_VISIT) == 0:
            marks.add(float(week))
    bounds = sorted(mark for mark in marks if 0 <= mark <= days)
    return list(pairwise(bounds))


def block_means(by_day: Array, stretches: Sequence[tuple[float, float]]) -> Array:
    """Return the mean over time of each stretch, (subjects, stretches), of values by day (subjects, days).

    The mean of equal values is that value to the last bit.
    """
    means = []
    for stretch in stretches:
        days, begins, ends = _pieces(*stretch)
        means.append(_mean(by_day[:, days], ends - begins))
    return np.stack(means, axis=1)


def dose_means(component: Component, share: Array, stretches: Sequence[tuple[float, float]]) -> Array:
    """Return the mean dose over time of each stretch, (subjects, stretches), in full doses a day.

    ``share`` (subjects, days) is what each takes of a day's planned dose. The doses of all stretches together
    are those of all days, also where the component begins or stops within a day.
    """
    means = []
    for begin, end in stretches:
        days, begins, ends = _pieces(begin, end)
        length, plan = _given(component, begins, ends)
        inside = length.sum() / (ends - begins).sum()
        means.append(inside * _mean(share[:, days] * plan, length))
    return np.stack(means, axis=1)


def _pieces(begin: float, end: float) -> tuple[slice, Array, Array]:
    """Return the days that a stretch touches, and where its part of each begins and ends."""
    first, last = int(begin), max(int(np.ceil(end)), int(begin) + 1)
    day = np.arange(float(first), float(last))
    return slice(first, last), np.maximum(day, begin), np.minimum(day + 1, end)


def _mean(values: Array, weights: Array) -> Array:
    """Return the weighted mean of each row, (rows,); 0 where nothing weighs."""
    if not weights.any():
        return np.zeros(len(values))
    first = values[:, 0]
    differences = values - first[:, None]
    if (weights == weights[0]).all():
        return np.asarray(first + differences.mean(axis=1))
    return np.asarray(first + differences @ weights / weights.sum())
