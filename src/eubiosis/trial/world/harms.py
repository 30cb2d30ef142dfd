"""Adverse events of one trial: background and what a therapy adds, at rates that no one knows exactly.

A risk is drawn in every world from a beta law of the published count (Jeffreys' prior), so a rare harm that
nobody saw is not taken for absent. A subject's luck is the same in every arm: unit exponentials meet the
arm's own cumulated rate. Only the first event of each harm is kept. An event of a harm is one of every harm
that takes it in: whoever has a serious infection has an infection, a serious event and an event, on that day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.streams import stream
from eubiosis.core.trial_draws import TrialDraws
from eubiosis.engine import Array
from eubiosis.therapy import Therapy
from eubiosis.therapy.harms import BACKGROUND, LEFT, HarmRow, counts_of, harm_rows, harm_terms, taken_in
from eubiosis.trial.design import Design

Columns = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class HarmRates:
    """What one arm risks of one harm.

    ``background`` is a rate a year in every arm, ``excess`` what the therapy adds to it while it is given,
    each with its weeks (rate a year, start, stop); ``occasions`` are risks of single days (day, risk).
    """

    background: float
    excess: tuple[tuple[float, float, float], ...]
    occasions: tuple[tuple[float, float], ...]

    def cumulated(self, days: int) -> Array:
        """Return the expected events up to the end of each day, from 0 on, shape (days + 1,)."""
        day = np.arange(days + 1.0)
        total = self.background * day
        for rate, start, stop in self.excess:
            total += rate * np.clip(day - 7 * start, 0, 7 * (stop - start))
        total /= DAYS_PER_YEAR
        for when, risk in self.occasions:
            total += -np.log1p(-min(risk, 1 - 1e-12)) * (day > when)
        return np.asarray(np.maximum.accumulate(np.maximum(total, 0.0)))


def harm_rates(design: Design, seed: int, world: str) -> dict[str, dict[str, HarmRates]]:
    """Return what each arm risks of each harm in a world: arm -> harm -> rates."""
    drawn = {row.id: _risk(row, seed, world) for row in harm_rows() if row.simulated == "yes"}
    rows = {row.id: row for row in harm_rows() if row.id in drawn}
    background = {
        row.harm: _rate(drawn[row.id], row.years) for row in rows.values() if row.therapy_class == BACKGROUND
    }
    return {arm.name: _of_arm(arm.therapy, rows, drawn, background) for arm in design.arms}


def events_of_trials(
    design: Design,
    rates: Mapping[str, Mapping[str, HarmRates]],
    arms: NDArray[np.str_],
    numbers: tuple[int, ...],
    followed: Array,
    draws: TrialDraws,
) -> tuple[NDArray[np.intp], Columns]:
    """Return the first event of each harm of each subject within follow-up, one row an event, by trial.

    ``arms`` and ``followed`` (days) are (trials, subjects). The rows come with the position of their trial.
    """
    terms = {harm: term for harm, term in harm_terms().items() if harm != LEFT}
    luck = draws.exponentials("harms", len(numbers), len(terms))
    marks = {harm: luck[..., k] for k, harm in enumerate(terms)}
    last = np.maximum(followed, 0)
    days = {harm: np.full(arms.shape, np.inf) for harm in terms}
    for arm in design.arms:
        inside = arms == arm.name
        clocks = _own_clocks(rates[arm.name], design.days)
        alone = {harm: _first_days(clock, marks[harm][inside]) for harm, clock in clocks.items()}
        for harm in clocks:
            parts = [alone[each] for each in clocks if each == harm or each in taken_in(harm)]
            days[harm][inside] = np.min(parts, axis=0)
    trials: list[NDArray[np.intp]] = []
    rows: list[Columns] = []
    for harm, term in terms.items():
        trial, hit = np.nonzero(days[harm] <= last)
        trials.append(trial)
        rows.append(
            {
                "subject": np.array(numbers)[hit],
                "arm": arms[trial, hit],
                "event": np.full(len(hit), harm),
                "day": days[harm][trial, hit],
                "serious": np.full(len(hit), term.serious == "yes"),
            }
        )
    place = np.concatenate(trials)
    order = np.argsort(place, kind="stable")
    return place[order], {name: np.concatenate([row[name] for row in rows])[order] for name in rows[0]}


def _own_clocks(rates: Mapping[str, HarmRates], days: int) -> dict[str, Array]:
    """Return the expected events of each harm that no other harm of the arm counts, (days + 1,) each.

    A harm is left what its rate exceeds the events of those that it takes in by, so that its own rate holds;
    where these are more, it is as frequent as they are together.
    """
    found: dict[str, Array] = {}
    for harm in sorted(rates.keys() - {LEFT}, key=lambda each: (len(taken_in(each)), each)):
        inside = sum((found[each] for each in found if each in taken_in(harm)), np.zeros(days + 1))
        found[harm] = np.maximum.accumulate(np.maximum(rates[harm].cumulated(days) - inside, 0.0))
    return found


def _first_days(clock: Array, marks: Array) -> Array:
    """Return the day on which a clock passes each mark, infinity where it does not."""
    return np.where(marks < clock[-1], np.searchsorted(clock, marks, side="right"), np.inf)


def _of_arm(
    therapy: Therapy, rows: Mapping[str, HarmRow], drawn: Mapping[str, float], background: Mapping[str, float]
) -> dict[str, HarmRates]:
    excess: dict[str, list[tuple[float, float, float]]] = {}
    occasions: dict[str, list[tuple[float, float]]] = {}
    for part in therapy.given:
        stop = np.inf if part.stop is None else part.stop
        for row in counts_of(part.record):
            if row.id not in drawn or row.arm == "control" or row.therapy_class == BACKGROUND:
                continue
            if row.occasion == "course" and part.transplant is not None:
                days = tuple(7 * part.start + each for each in part.transplant.days)
                occasions.setdefault(row.harm, []).extend((day, drawn[row.id]) for day in days)
            elif row.occasion != "time":
                occasions.setdefault(row.harm, []).append((7 * part.start, drawn[row.id]))
            else:
                rate = _rate(drawn[row.id], row.years)
                control = [r for r in rows.values() if r.pair and r.pair == row.pair and r.arm == "control"]
                if control:
                    rate -= _rate(drawn[control[0].id], control[0].years)
                excess.setdefault(row.harm, []).append((rate, part.start, float(stop)))
    harms = {*background, *excess, *occasions}
    return {
        harm: HarmRates(
            background.get(harm, 0.0), tuple(excess.get(harm, ())), tuple(occasions.get(harm, ()))
        )
        for harm in harms
    }


def _risk(row: HarmRow, seed: int, world: str) -> float:
    """Draw the risk behind a count in a world: a beta law with Jeffreys' prior."""
    from scipy.special import betaincinv

    place = float(stream(seed, f"harm/{world}/{row.id}").random())
    return float(betaincinv(row.events + 0.5, row.people - row.events + 0.5, place))


def _rate(risk: float, years: float) -> float:
    return float(-np.log1p(-min(risk, 1 - 1e-12)) / years)
