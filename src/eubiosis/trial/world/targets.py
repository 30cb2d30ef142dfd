"""The truth that each estimand asks for: its variable of every person under every arm, under its strategies.

A hypothetical event does not happen at all: the course, the relapses and what follows them are those of a
world without it. Under a composite strategy the event is a failure, while on treatment only what came before
it counts, and a principal stratum holds the people to whom it happens in no arm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.intercurrent import StrategyRule, rules_of
from eubiosis.core.streams import SubjectDraws
from eubiosis.core.trial_draws import TrialDraws
from eubiosis.engine import Array
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.trial.design import Design
from eubiosis.trial.intercurrent import strategy_rules
from eubiosis.trial.world.clocks import Clocks
from eubiosis.trial.world.courses import WorldCourses
from eubiosis.trial.world.gut import MARKERS
from eubiosis.trial.world.interruptions import NOTHING, Kept, OwnEvents, all_in_courses, kept_by
from eubiosis.trial.world.layer import trial_numbers
from eubiosis.trial.world.measure import placebo_ramp
from eubiosis.trial.world.replicates import Happened, happened, hidden_on
from eubiosis.trial.world.rescue import Rescue, expected_until, value_on
from eubiosis.trial.world.scales import mfis_on_scale, treg_percent


@dataclass(frozen=True)
class _Truth:
    """What happens to everybody where the events ``kept`` happen.

    ``first`` kind -> the first day of that event under each arm, (arms, trials, people), infinity for none.
    """

    design: Design
    laws: ClinicalLaws
    courses: WorldCourses
    rescue: Rescue
    made: Happened
    first: Mapping[str, Array]

    def of_endpoint(self, endpoint: str, rules: tuple[StrategyRule, ...]) -> Array:
        """Return value and weight of an endpoint's variable, (2, arms, trials, people).

        Of a count these are events and time, of a score its value and 1, of a marker its logarithm and 1;
        both are 0 outside the principal stratum.
        """
        never = np.full(self.made.switch.shape, np.inf)

        def first(strategy: str) -> Array:
            days = [self.first[r.event] for r in rules if r.strategy == strategy and r.event in self.first]
            return np.asarray(np.min([never, *days], axis=0))

        cut, failed = first("while on treatment"), first("composite")
        fails = (failed < cut) & np.isfinite(failed)
        outside = np.isfinite(first("principal stratum")).any(axis=0)
        if ENDPOINTS[endpoint].counted:
            found = self._counted(endpoint, cut, scaled=bool(fails.any()) or bool(np.isfinite(cut).any()))
            found[0] += fails
        else:
            value = self._measured(endpoint, cut)
            failure = {rule.failure for rule in rules if rule.strategy == "composite"}
            if fails.any():
                (worst,) = failure if len(failure) == 1 else (None,)
                assert worst is not None  # a design gives one value an endpoint
                value = np.where(fails, worst if ENDPOINTS[endpoint].score else np.log(worst), value)
            found = np.stack([value, np.ones_like(value)])
        found[:, :, outside] = 0.0
        return found

    def _counted(self, endpoint: str, cut: Array, *, scaled: bool) -> Array:
        """Return expected events until ``cut`` and the time of it, both (arms, trials, people)."""
        days = float(self.design.days)
        until = np.minimum(cut, days)
        if endpoint == "gd_lesions" and scaled:
            return self._enhancing(cut)
        relapses = endpoint == "relapses"
        clocks = self.courses.relapses if relapses else self.courses.lesions
        ratio = 1.0
        if self.rescue.switch is not None:
            ratio = self.rescue.relapse_ratio if relapses else self.rescue.lesion_ratio
        events = np.stack(
            [expected_until(clock, until[k], self.made.switch[k], ratio) for k, clock in enumerate(clocks)]
        )
        if endpoint == "t2_lesions":
            events *= self.laws.number["host_p_T2"]
        if endpoint == "gd_lesions" and self.rescue.steroids is not None:
            # as everywhere new lesions stand for those on scans, of which steroids leave a share to be seen
            seen, whole = self._enhancing(cut)[0], self._enhancing(cut, hiding=False)[0]
            events *= np.divide(seen, whole, out=np.ones_like(seen), where=whole > 0)
        return np.stack([events, until / DAYS_PER_YEAR])

    def _enhancing(self, cut: Array, *, hiding: bool = True) -> Array:
        """Return expected Gd+ lesions on the scans before ``cut``, and how many scans those are.

        ``hiding`` says whether steroids hide some.
        """
        tau = self.laws.number["host_tau_Gd"]
        ratio = 1.0 if self.rescue.switch is None else self.rescue.lesion_ratio
        scans = self.courses.days[1:].astype(np.float64)
        people = np.broadcast_to(np.arange(len(self.courses)), cut.shape[1:])
        found = np.zeros((2, *cut.shape))
        for k, clock in enumerate(self.courses.lesions):
            courses = clock.whole[:, clock.before :]
            rates = np.diff(courses, axis=1)
            middle = np.arange(rates.shape[1]) + 0.5
            grown = np.concatenate(
                (np.zeros((len(rates), 1)), np.cumsum(rates * np.exp(middle / tau), axis=1)), axis=1
            )
            growing = Clocks(grown, 0)
            early = courses[:, 0]
            hidden = hiding * hidden_on(scans, self.made.relapses[k], cut.shape[1:])
            for v, day in enumerate(scans):
                when = np.full(cut.shape[1:], day)
                before = value_on(growing, people, np.minimum(when, self.made.switch[k]))
                whole = value_on(growing, people, when)
                seen = np.exp(-day / tau) * (early + before + ratio * (whole - before)) * (1.0 - hidden[v])
                inside = day < cut[k]
                found[0, k] += np.where(inside, seen, 0.0)
                found[1, k] += inside
        return found

    def _measured(self, endpoint: str, cut: Array) -> Array:
        """Return a score, or the logarithm of a marker, at the last visit before ``cut``."""
        shape = (len(self.courses.arms), len(self.courses.days), *cut.shape[1:])
        if endpoint == "edss":
            values = self.made.edss
        elif endpoint == "mfis":
            values = mfis_on_scale(self.made.mfis + placebo_ramp(self.design)[:, None, None])
        elif endpoint == "treg":
            level = np.broadcast_to(self.courses.treg[:, :, None], shape)
            if self.made.ln_treg is not None:
                level = level * np.exp(self.made.ln_treg)
            most = trial_numbers()["trial_treg_most"].value
            values = np.log(treg_percent(level, self.laws.number["host_treg_percent"], most))
        else:
            seen = self.courses
            own = seen.nfl if endpoint == "nfl" else seen.markers[..., MARKERS.index(endpoint)]
            with np.errstate(divide="ignore"):
                values = np.broadcast_to(np.log(own)[:, :, None], shape)
        last = (self.courses.days[:, None, None, None] < cut).sum(axis=0) - 1
        return np.asarray(np.take_along_axis(values, np.maximum(last, 0)[:, None], axis=1)[:, 0])


def targets(
    design: Design,
    laws: ClinicalLaws,
    courses: Mapping[Kept, WorldCourses],
    seed: int,
    label: str,
    numbers: NDArray[np.int64],
    lesion_slope: float,
) -> dict[str, Array]:
    """Return the variable of every endpoint's estimand, (2, arms, trials, people): see ``_Truth``.

    ``courses`` are those with the events that belong to courses, by the kinds that are kept; nothing is
    returned for a design without intercurrent events.
    """
    if not design.intercurrent:
        return {}
    rules = strategy_rules(design.intercurrent)
    inside = all_in_courses(design)
    draws = TrialDraws(seed, label, tuple(numbers.tolist()))
    people = courses[NOTHING].numbers
    own = OwnEvents.of(design, SubjectDraws(seed, tuple(people.tolist())))
    found: dict[str, Array] = {}
    truths: dict[Kept, _Truth] = {}
    for endpoint, kept in kept_by(design).items():
        if kept not in truths:
            truths[kept] = _truth(design, laws, courses[kept & inside], own, draws, lesion_slope, kept)
        found[endpoint] = truths[kept].of_endpoint(endpoint, rules_of(rules, endpoint))
    return found


def _truth(
    design: Design,
    laws: ClinicalLaws,
    courses: WorldCourses,
    own: OwnEvents,
    draws: TrialDraws,
    lesion_slope: float,
    kept: Kept,
) -> _Truth:
    rescue = Rescue.of(design, draws, len(courses), lesion_slope, kept)
    made = happened(courses, laws, draws, rescue)
    shape = (len(draws), len(courses))
    first: dict[str, Array] = {}
    for kind in sorted(kept):
        days = np.full((len(design.arms), *shape), np.inf)
        for k, arm in enumerate(design.arms):
            if kind == "drug_switch":
                days[k] = made.switch[k]
            elif kind == "rescue_steroids":
                each = made.relapses[k]
                np.minimum.at(days[k], (each.trial, each.person), each.steroids)
            else:
                mine = own.of_arm(arm, kept).get(kind)
                if mine is not None:
                    days[k] = mine.min(axis=1)
        first[kind] = days
    return _Truth(design, laws, courses, rescue, made, first)
