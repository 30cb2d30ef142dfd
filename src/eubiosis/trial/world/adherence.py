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
from eubiosis.therapy import Adherence, Component

WEEK = 7  # days whose mean the gut is given
_BEFORE_VISIT = 2  # days before a visit that are given one by one
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


def planned(component: Component, days: int) -> Array:
    """Return the share of the full dose that is planned for each day, shape (days,): ramp and weeks."""
    begin, end = 7 * component.start, 7 * (np.inf if component.stop is None else component.stop)
    day = np.arange(days)
    on = (day + 1 > begin) & (day < end)
    if component.record.transplant is not None and component.transplant is not None:
        occasions = {int(begin + each) for each in component.transplant.days}
        return np.array([float(int(each) in occasions) for each in day]) * on
    share = np.ones(days)
    if component.ramp_weeks:
        steps = np.floor(np.maximum(day - begin, 0) / WEEK) + 1
        share = np.minimum(steps / component.ramp_weeks, 1.0)
    return np.where(on, share, 0.0)


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
        begin = WEEK * each.start
        marks |= {7 * week for week in (each.start, each.stop) if week is not None}
        fine.append((begin, begin + WEEK * (_WEEKS_BEFORE_VISIT + (each.ramp_weeks or 0))))
        if each.stop is not None:
            fine.append((WEEK * each.stop, WEEK * (each.stop + _WEEKS_BEFORE_VISIT)))
        if each.transplant is not None:
            marks.add(begin + each.transplant.days[0])
    for week in range(0, days, WEEK):
        inside = weekly or any(begin - WEEK < week < end for begin, end in fine)
        if inside or week % (WEEK * _WEEKS_BEFORE_VISIT) == 0:
            marks.add(float(week))
    bounds = sorted(mark for mark in marks if 0 <= mark <= days)
    return list(pairwise(bounds))


def block_means(by_day: Array, stretches: Sequence[tuple[float, float]]) -> Array:
    """Return the mean of each stretch, (subjects, stretches), of values by day (subjects, days).

    The mean of equal values is that value to the last bit.
    """
    means = []
    for begin, end in stretches:
        values = by_day[:, int(begin) : max(int(np.ceil(end)), int(begin) + 1)]
        first = values[:, 0]
        means.append(first + (values - first[:, None]).mean(axis=1))
    return np.stack(means, axis=1)
