"""Many trials of one world at once: randomise, let events happen, measure, lose some.

The people and their courses are those of the world; each trial has a randomisation, events, measurements
and losses of its own. Arrays have the axes arms, visits, trials, people, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.streams import SubjectDraws
from eubiosis.core.trial_draws import TrialDraws
from eubiosis.engine import Array
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.trial.design import Design
from eubiosis.trial.world.clocks import Clocks, Marks, marks_below
from eubiosis.trial.world.courses import WorldCourses
from eubiosis.trial.world.events import without_refractory
from eubiosis.trial.world.interruptions import OwnEvents, kinds_of
from eubiosis.trial.world.measure import measured, placebo_ramp
from eubiosis.trial.world.rescue import Rescue, hidden_share, moved_treg, recovered, slowed
from eubiosis.trial.world.scales import mfis_on_scale
from eubiosis.trial.world.visits import Presence, presence

Ints = NDArray[np.int64]
_LONG_AFTER = 1e6  # days after a relapse when all that recovers has recovered
_SEVERITIES = 4  # relapses of a person whose severities are drawn at a time


@dataclass(frozen=True)
class RelapseTimes:
    """Relapses under one arm, those of one trial and person together and in time: positions, days from entry.

    ``which`` numbers the relapses of a person in a trial; ``steroids`` is the day on which steroids for it
    begin, infinity for none.
    """

    trial: Ints
    person: Ints
    which: Ints
    days: Array
    steroids: Array

    @property
    def rows(self) -> tuple[Ints, Ints, Ints, Array]:
        """Trial, person, number within the person, and day."""
        return self.trial, self.person, self.which, self.days


@dataclass(frozen=True)
class Happened:
    """What happens to everybody of R trials under every arm.

    ``relapses`` by arm, ``switch`` (arms, R, n) the day of a switch of the drug (infinity for none), ``edss``
    and ``mfis`` (arms, visits, R, n) true scores, MFIS not yet held within its scale, ``ln_treg``
    (arms, visits, R, n) what steroids do to the logarithm of Treg, None where there are none.
    """

    relapses: tuple[RelapseTimes, ...]
    switch: Array
    edss: Array
    mfis: Array
    ln_treg: Array | None


_NO_COUNTS: Mapping[str, NDArray[np.generic]] = {}


@dataclass(frozen=True)
class Replicates:
    """R trials of the n people of a world.

    ``arm`` (R, n) is the position of each one's arm; ``edss`` and ``mfis`` (arms, visits, R, n) are true
    scores within their scales, MFIS with the placebo response, ``relapses`` those under each arm, ``switch``
    (arms, R, n) days of a switch.
    ``presence`` says who was there when, ``subjects`` and ``visits`` are what was recorded: (R, n), and
    (visits, R, n), not a number where nothing was. ``measured`` are the positions of the visits of ``edss``,
    ``mfis`` and ``visits``, the last of the design at the end.
    """

    numbers: Ints
    arm: Ints
    relapses: tuple[RelapseTimes, ...]
    edss: Array
    mfis: Array
    switch: Array
    presence: Presence
    subjects: dict[str, NDArray[np.generic]]
    visits: dict[str, NDArray[np.generic]]
    measured: tuple[int, ...]


def replicates(
    courses: WorldCourses,
    design: Design,
    laws: ClinicalLaws,
    seed: int,
    label: str,
    numbers: Sequence[int],
    lesion_slope: float = 1.0,
    *,
    ends: bool = False,
    samples: int = 1,
    markers: bool = True,
    scans: bool = True,
) -> Replicates:
    """Run the trials ``numbers`` of the world ``label`` together; each has the numbers it has alone.

    ``lesion_slope`` is that of ``Beyond``. With ``ends`` only the first and the last visits are measured that
    anybody came to, which is all that an analysis of the change looks at where no intercurrent event cuts in;
    the numbers of those are what they are without. ``samples`` are taken at each visit, and averaged
    (``averaged``); without ``markers`` none is of stool or plasma, without ``scans`` nobody's lesions are
    counted.
    """
    draws = TrialDraws(seed, label, tuple(numbers))
    rescue = Rescue.of(design, draws, len(courses), lesion_slope, kinds_of(design))
    arm = randomised(design, len(courses), draws)
    there = presence(design, len(courses), draws)
    some = ends_of(there.attended) if ends else tuple(range(len(design.visits)))
    made = happened(courses, laws, draws, rescue, some)
    scanned, by_scan = (
        _scans(courses, laws, draws, arm, there, rescue, made) if scans else (_NO_COUNTS, _NO_COUNTS)
    )
    counts = {
        "relapses": own_arm([_counted(each, there.followed) for each in made.relapses], arm),
        **scanned,
    }
    true = {"edss": own_arm(made.edss, arm, 1), "mfis": own_arm(made.mfis, arm, 1)}
    if made.ln_treg is not None:
        true["ln_treg"] = own_arm(made.ln_treg, arm, 1)
    seen = there.attended[list(some)] if ends else there.attended
    visits = averaged(
        [measured(courses, design, laws, draws, arm, true, seen, some, k, markers) for k in range(samples)]
    )
    return Replicates(
        np.array(numbers),
        arm,
        made.relapses,
        made.edss,
        mfis_on_scale(made.mfis + placebo_ramp(design)[list(some), None, None]),
        made.switch,
        there,
        counts,
        {**visits, **by_scan},
        some,
    )


def happened(
    courses: WorldCourses,
    laws: ClinicalLaws,
    draws: TrialDraws,
    rescue: Rescue,
    some: tuple[int, ...] | None = None,
) -> Happened:
    """Let relapses happen under every arm, and whatever follows them at some visits (None: all)."""
    some = tuple(range(len(courses.days))) if some is None else some
    relapses, switch = _relapses(courses, laws, draws, rescue)
    edss = _edss(courses, laws, draws, relapses, some)
    mfis = courses.mfis[:, some, None] + laws.number["host_mfis_edss"] * edss
    moved = _moved_treg(courses.days[list(some)], relapses, edss.shape, rescue)
    return Happened(relapses, switch, edss, mfis, moved)


def ends_of(attended: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the positions of visits that are the first or last of some trial, and the last of the design.

    ``attended`` (visits, trials, people). An analysis of a change looks at the first and the last visit to
    which anybody came.
    """
    came = np.asarray(np.any(attended, axis=2))
    last = len(came) - 1
    ends = {*np.argmax(came, axis=0).tolist(), *(last - np.argmax(came[::-1], axis=0)).tolist(), last}
    return tuple(sorted(ends))


def averaged(samples: Sequence[dict[str, NDArray[np.generic]]]) -> dict[str, NDArray[np.generic]]:
    """Return the mean of the samples of each visit: geometric for levels in blood and stool, else arithmetic.

    Flags and batches are those of the first. A single sample is left as it is.
    """
    if len(samples) == 1:
        return samples[0]
    found = dict(samples[0])
    for name in found.keys() & ENDPOINTS.keys():
        values = np.stack([np.asarray(each[name], dtype=np.float64) for each in samples])
        found[name] = values.mean(axis=0) if ENDPOINTS[name].score else np.exp(np.log(values).mean(axis=0))
    return found


def randomised(design: Design, size: int, draws: TrialDraws) -> Ints:
    """Return the position of each subject's arm by permuted blocks in the order of entry, (trials, size).

    Blocks are dealt out by the names of the arms, so that the order of the arms in a design moves nobody.
    """
    order = sorted(range(len(design.arms)), key=lambda k: design.arms[k].name)
    unit = [k for k in order for _ in range(design.allocation[k])]
    block = np.array(unit * design.block)
    blocks = -(-size // len(block))
    luck = draws.uniforms("randomisation", blocks, len(block))
    return np.asarray(block[np.argsort(luck, axis=-1, kind="stable")].reshape(len(draws), -1)[:, :size])


def own_arm(by_arm: Sequence[Array] | Array, arm: Ints, visits: int = 0) -> Array:
    """Return what belongs to each one's own arm; ``by_arm`` ends with the axes trials, people.

    ``visits`` is 1 where an axis of visits comes first.
    """
    found = np.array(by_arm[0])
    for k in range(1, len(by_arm)):
        own = arm == k
        np.copyto(found, by_arm[k], where=own[None] if visits else own)
    return found


def _relapses(
    courses: WorldCourses, laws: ClinicalLaws, draws: TrialDraws, rescue: Rescue
) -> tuple[tuple[RelapseTimes, ...], Array]:
    """Return the relapses under each arm, and the day of a switch of the drug (arms, trials, people)."""
    until = np.max([clock.until for clock in courses.relapses], axis=0)
    marks = marks_below(draws, "relapses", courses.relapses[courses.control].until, until)
    gap, found = laws.number["host_refractory"], []
    switch = np.full((len(courses.arms), len(draws), len(courses)), np.inf)
    for k, (arm, clock) in enumerate(zip(courses.arms, courses.relapses, strict=True)):
        own = _passed(clock, marks, gap, len(courses))
        if rescue.switch is not None:
            switch[k] = rescue.switch_days(arm, own.rows)
            later = replace(marks, mark=slowed(clock, marks, switch[k], rescue.relapse_ratio))
            own = _passed(clock, later, gap, len(courses))
        found.append(replace(own, steroids=rescue.steroid_days(arm, own.rows)))
    return tuple(found), switch


def _passed(clock: Clocks, marks: Marks, gap: float, people: int) -> RelapseTimes:
    """Return the relapses that a clock gives, none within ``gap`` days of another of the same person."""
    own = marks.take(marks.mark < clock.until[marks.person])
    days = clock.days(own.person, own.mark)
    place = own.trial * people + own.person
    keep = _apart(place, days, gap)
    none = np.full(np.count_nonzero(keep), np.inf)
    return RelapseTimes(own.trial[keep], own.person[keep], _rank(place[keep]), days[keep], none)


def _apart(place: Ints, days: Array, gap: float) -> NDArray[np.bool_]:
    """Say which events are counted: none within ``gap`` days of the last one counted of the same person."""
    keep = np.ones(len(days), dtype=bool)
    near = np.flatnonzero((np.diff(place) == 0) & (np.diff(days) < gap))
    rows = np.flatnonzero(np.isin(place, place[near]))  # few have two relapses so close together
    if len(rows):
        _, who = np.unique(place[rows], return_inverse=True)
        column = _rank(place[rows])
        padded = np.full((int(who.max()) + 1, int(column.max()) + 1), np.inf)
        padded[who, column] = days[rows]
        kept = without_refractory(padded, gap)
        keep[rows] = np.any(kept[who] == days[rows, None], axis=1)
    return keep


def relapse_rows(relapses: Sequence[RelapseTimes], arm: Ints, followed: Array) -> tuple[Ints, Ints, Ints]:
    """Return trial and person (positions) and day of the relapses that are counted, by trial and person.

    ``relapses`` are those under each arm, ``arm`` and ``followed`` (trials, people). Day 1 is the first.
    """
    parts = []
    for k, each in enumerate(relapses):
        own = arm[each.trial, each.person] == k
        own &= each.days < followed[each.trial, each.person]
        parts.append((each.trial[own], each.person[own], np.floor(each.days[own]).astype(np.int64) + 1))
    trial, person, day = (np.concatenate(values) for values in zip(*parts, strict=True))
    order = np.lexsort((day, person, trial))
    return trial[order], person[order], day[order]


def event_rows(
    design: Design, made: Replicates, numbers: Ints, seed: int
) -> tuple[Ints, Ints, NDArray[np.str_], Array]:
    """Return trial and person (positions), kind and day of the intercurrent events, by trial, person and day.

    They are those of each one's own arm while followed; day 1 is the first.
    """
    own = OwnEvents.of(design, SubjectDraws(seed, tuple(numbers.tolist())))
    parts: list[tuple[Ints, Ints, NDArray[np.str_], Array]] = []
    for k, arm in enumerate(design.arms):
        inside = made.arm == k
        relapses = made.relapses[k]
        found = [("drug_switch", *np.nonzero(inside), made.switch[k][inside])]
        rows = inside[relapses.trial, relapses.person]
        found.append(
            ("rescue_steroids", relapses.trial[rows], relapses.person[rows], relapses.steroids[rows])
        )
        for kind, days in own.of_arm(arm, kinds_of(design)).items():
            trial, person = np.nonzero(inside)
            found += [(kind, trial, person, column[person]) for column in days.T]
        for kind, trial, person, day in found:
            seen = day < made.presence.followed[trial, person]
            words = np.full(np.count_nonzero(seen), kind)
            parts.append((trial[seen], person[seen], words, np.floor(day[seen]) + 1.0))
    trials, people, kinds, starts = (np.concatenate(values) for values in zip(*parts, strict=True))
    order = np.lexsort((kinds, starts, people, trials))
    return trials[order], people[order], kinds[order], starts[order]


def _counted(relapses: RelapseTimes, followed: Array) -> Array:
    """Count the relapses before the end of follow-up, shape (trials, people)."""
    seen = relapses.days < followed[relapses.trial, relapses.person]
    place = relapses.trial * followed.shape[1] + relapses.person
    counts = np.bincount(place[seen], minlength=followed.size).astype(np.float64)
    return counts.reshape(followed.shape)


def _edss(
    courses: WorldCourses,
    laws: ClinicalLaws,
    draws: TrialDraws,
    relapses: tuple[RelapseTimes, ...],
    some: tuple[int, ...],
) -> Array:
    """Return the true EDSS at some visits, shape (arms, visits, trials, people); on day 0 that of entry.

    The k-th relapse of a person has the same severity in every arm.
    """
    shape = (len(draws), len(courses))
    visits = courses.days[list(some)]
    days = np.maximum(visits - 1, 0)
    found = np.repeat(courses.edss[:, some, None], len(draws), axis=2)
    uniforms = _severities(draws, len(courses), max(int(own.which.max(initial=0)) for own in relapses))
    for k, own in enumerate(relapses):
        place = own.trial * shape[1] + own.person
        first, second = np.moveaxis(uniforms[own.trial, own.person, own.which], -1, 0)
        since = days[:, None] - own.days
        added = laws.relapse_edss(since, first, second)
        if np.isfinite(own.steroids).any():
            left = laws.relapse_edss(np.where(since >= 0, _LONG_AFTER, -1.0), first, second)
            added = recovered(added, left, since, own.steroids - own.days)
        for v in np.flatnonzero(visits > 0):
            found[k, v] += np.bincount(place, added[v], minlength=shape[0] * shape[1]).reshape(shape)
    return np.clip(found, 0.0, 10.0, out=found)


def _severities(draws: TrialDraws, people: int, last: int) -> Array:
    """Return two uniforms for each of the first relapses, (trials, people, relapses up to ``last``, 2)."""
    chunks = [
        draws.uniforms(f"edss/{chunk}", people, 2 * _SEVERITIES).reshape(len(draws), people, _SEVERITIES, 2)
        for chunk in range(last // _SEVERITIES + 1)
    ]
    return np.concatenate(chunks, axis=2) if len(chunks) > 1 else chunks[0]


def _rank(place: Ints) -> Ints:
    """Return the number of each entry within its run of equal ones."""
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    return np.asarray(np.arange(len(place)) - np.repeat(starts, np.diff(starts, append=len(place))))


def _moved_treg(
    days: Ints, relapses: tuple[RelapseTimes, ...], shape: tuple[int, ...], rescue: Rescue
) -> Array | None:
    """Return what steroids do to the logarithm of Treg at the visits, (arms, visits, trials, people)."""
    if rescue.steroids is None:
        return None
    found = np.zeros(shape)
    for k, own in enumerate(relapses):
        for v, day in enumerate(days):
            moved = moved_treg(np.array(float(day)), own.steroids)
            rows = np.flatnonzero(moved)
            found[k, v, own.trial[rows], own.person[rows]] = moved[rows]
    return found


def hidden_on(days: Array, relapses: RelapseTimes, shape: tuple[int, int]) -> Array:
    """Return the share of enhancing lesions that steroids hide on days of scans, (scans, trials, people)."""
    found = np.zeros((len(days), *shape))
    for own, day in zip(found, days, strict=True):
        np.maximum.at(own, (relapses.trial, relapses.person), hidden_share(day, relapses.steroids))
    return found


def _scans(
    courses: WorldCourses,
    laws: ClinicalLaws,
    draws: TrialDraws,
    arm: Ints,
    there: Presence,
    rescue: Rescue,
    made: Happened,
) -> tuple[dict[str, NDArray[np.generic]], dict[str, NDArray[np.generic]]]:
    """Count Gd+ lesions at entry and at the scans attended, and new T2 lesions up to the last of them.

    The scans are those of the visits after entry; everybody is scanned at entry. A lesion from before entry
    that still enhances counts at a scan, as it would in a clinic. With intercurrent events the counts of
    every scan are returned as well, by visit.
    """
    shape, number = arm.shape, laws.number
    size = shape[0] * shape[1]
    attended, scan_days = there.attended[1:], courses.days[1:].astype(np.float64)
    last = np.max(np.where(attended, scan_days[:, None, None], 0.0), axis=0)
    until = np.array([clock.until for clock in courses.lesions])
    marks = marks_below(draws, "lesions", until[courses.control], until.max(axis=0))
    own = arm[marks.trial, marks.person]
    if rescue.switch is not None:
        mark = marks.mark.copy()
        for k, clock in enumerate(courses.lesions):
            rows = own == k
            mark[rows] = slowed(clock, marks.take(rows), made.switch[k], rescue.lesion_ratio)
        marks = replace(marks, mark=mark)
    in_time = marks.mark < until[own, marks.person]
    marks, own = marks.take(in_time), own[in_time]
    onset = np.empty(len(own))
    for k, clock in enumerate(courses.lesions):
        rows = own == k
        onset[rows] = clock.days(marks.person[rows], marks.mark[rows])
    visible, lasts = _looks(marks.fate, number["host_p_T2"])
    ends = np.maximum(onset, 0.0) + number["host_tau_Gd"] * lasts
    place = marks.trial * shape[1] + marks.person
    enhancing = np.zeros(len(onset))
    for day, seen in zip(scan_days, attended.reshape(len(attended), -1), strict=True):
        rows = np.flatnonzero((onset <= day) & (ends > day))
        enhancing[rows] += seen[place[rows]]
    new = np.flatnonzero(visible & (onset >= 0))
    by_scan: dict[str, NDArray[np.generic]] = {}
    if rescue.design.intercurrent:
        by_scan = _by_scan(courses, draws, arm, there, made, (onset, ends, place, new))
    new = new[onset[new] <= last.ravel()[place[new]]]
    found = {
        "gd_lesions_at_entry": np.bincount(place, onset <= 0, size).reshape(shape),
        "gd_lesions": np.nansum(by_scan["gd_lesions_on_scan"], axis=0, dtype=np.float64)
        if by_scan
        else np.bincount(place, enhancing, size).reshape(shape),
        "scans": attended.sum(axis=0).astype(np.float64),
        "t2_lesions": np.bincount(place[new], minlength=size).reshape(shape).astype(np.float64),
        "t2_years": last / DAYS_PER_YEAR,
    }
    return found, by_scan


def _by_scan(
    courses: WorldCourses,
    draws: TrialDraws,
    arm: Ints,
    there: Presence,
    made: Happened,
    lesions: tuple[Array, Array, Ints, Ints],
) -> dict[str, NDArray[np.generic]]:
    """Count the lesions of every scan attended after entry, (visits, trials, people), NaN elsewhere.

    ``lesions`` are onset, end and place of all, and which of them are new on T2. A person's luck in what
    steroids hide at a scan is keyed by the week of the scan.
    """
    from scipy.stats import binom

    onset, ends, place, new = lesions
    shape = there.attended.shape
    enhancing, total = np.full(shape, np.nan), np.full(shape, np.nan)
    days = courses.days.astype(np.float64)
    hidden = own_arm([hidden_on(days, each, arm.shape) for each in made.relapses], arm, 1)
    for v in range(1, len(days)):
        rows = (onset <= days[v]) & (ends > days[v])
        seen = np.bincount(place[rows], minlength=arm.size).reshape(arm.shape).astype(np.float64)
        some = np.nonzero((hidden[v] > 0) & (seen > 0))
        if len(some[0]):
            luck = draws.uniforms(f"intercurrent/hidden/week {days[v] / 7:g}", arm.shape[1])[..., 0]
            seen[some] = binom.ppf(luck[some], seen[some], 1.0 - hidden[v][some])
        enhancing[v] = seen
        so_far = place[new[onset[new] <= days[v]]]
        total[v] = np.bincount(so_far, minlength=arm.size).reshape(arm.shape)
    enhancing[~there.attended], total[~there.attended] = np.nan, np.nan
    return {"gd_lesions_on_scan": enhancing, "t2_lesions_so_far": total}


def _looks(fate: Array, visible_share: float) -> tuple[NDArray[np.bool_], Array]:
    """Return whether T2 shows a lesion, and how long it enhances in units of the mean, from its exponential.

    The largest fates are visible, and what exceeds the limit is exponential again; the others are spread out
    to the same law.
    """
    if visible_share >= 1.0:
        return np.ones(len(fate), dtype=bool), fate
    limit = -np.log(visible_share) if visible_share > 0 else np.inf
    visible = fate >= limit
    lasts = fate - limit
    hidden = np.flatnonzero(~visible)
    lasts[hidden] = -np.log1p(np.expm1(-fate[hidden]) / (1.0 - visible_share))
    return visible, lasts
