"""Many trials of one world at once: randomise, let events happen, measure, lose some.

The people and their courses are those of the world; each trial has a randomisation, events, measurements
and losses of its own. Arrays have the axes arms, visits, trials, people, in this order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.trial_draws import TrialDraws
from eubiosis.engine import Array
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.trial.design import Design
from eubiosis.trial.world.clocks import marks_below
from eubiosis.trial.world.courses import WorldCourses
from eubiosis.trial.world.events import without_refractory
from eubiosis.trial.world.measure import measured
from eubiosis.trial.world.visits import Presence, presence

Ints = NDArray[np.int64]
_SEVERITIES = 4  # relapses of a person whose severities are drawn at a time


@dataclass(frozen=True)
class RelapseTimes:
    """Relapses under one arm, those of one trial and person together and in time: positions, days from entry.

    ``which`` numbers the relapses of a person in a trial.
    """

    trial: Ints
    person: Ints
    which: Ints
    days: Array


@dataclass(frozen=True)
class Replicates:
    """R trials of the n people of a world.

    ``arm`` (R, n) is the position of each one's arm; ``edss`` and ``mfis`` (arms, visits, R, n) are true
    scores, ``relapses`` those under each arm. ``presence`` says who was there when, ``subjects`` and
    ``visits`` are what was recorded: (R, n), and (visits, R, n), not a number where nothing was. ``measured``
    are the positions of the visits of ``edss``, ``mfis`` and ``visits``, the last of the design at the end.
    """

    numbers: Ints
    arm: Ints
    relapses: tuple[RelapseTimes, ...]
    edss: Array
    mfis: Array
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
    *,
    ends: bool = False,
    samples: int = 1,
) -> Replicates:
    """Run the trials ``numbers`` of the world ``label`` together; each has the numbers it has alone.

    With ``ends`` only the first and the last visits are measured that anybody came to, which is all that an
    analysis of the change looks at; the numbers of those are what they are without. ``samples`` are taken at
    each visit, and averaged (``averaged``).
    """
    draws = TrialDraws(seed, label, tuple(numbers))
    arm = randomised(design, len(courses), draws)
    relapses = _relapses(courses, laws, draws)
    there = presence(design, len(courses), draws)
    some = ends_of(there.attended) if ends else tuple(range(len(design.visits)))
    edss = _edss(courses, laws, draws, relapses, some)
    mfis = courses.mfis[:, some, None] + laws.number["host_mfis_edss"] * edss
    counts = {
        "relapses": own_arm([_counted(each, there.followed) for each in relapses], arm),
        **_scans(courses, laws, draws, arm, there),
    }
    true = {"edss": own_arm(edss, arm, 1), "mfis": own_arm(mfis, arm, 1)}
    seen = there.attended[list(some)] if ends else there.attended
    visits = averaged(
        [measured(courses, design, laws, draws, arm, true, seen, some, k) for k in range(samples)]
    )
    return Replicates(np.array(numbers), arm, relapses, edss, mfis, there, counts, visits, some)


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


def _relapses(courses: WorldCourses, laws: ClinicalLaws, draws: TrialDraws) -> tuple[RelapseTimes, ...]:
    until = np.max([clock.until for clock in courses.relapses], axis=0)
    marks = marks_below(draws, "relapses", courses.relapses[courses.control].until, until)
    gap = laws.number["host_refractory"]
    found = []
    for clock in courses.relapses:
        own = marks.take(marks.mark < clock.until[marks.person])
        days = clock.days(own.person, own.mark)
        place = own.trial * len(courses) + own.person
        keep = _apart(place, days, gap)
        found.append(RelapseTimes(own.trial[keep], own.person[keep], _rank(place[keep]), days[keep]))
    return tuple(found)


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
        added = laws.relapse_edss(days[:, None] - own.days, first, second)
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


def _scans(
    courses: WorldCourses, laws: ClinicalLaws, draws: TrialDraws, arm: Ints, there: Presence
) -> dict[str, NDArray[np.generic]]:
    """Count Gd+ lesions at entry and at the scans attended, and new T2 lesions up to the last of them.

    The scans are those of the visits after entry; everybody is scanned at entry. A lesion from before entry
    that still enhances counts at a scan, as it would in a clinic.
    """
    shape, number = arm.shape, laws.number
    size = shape[0] * shape[1]
    attended, scan_days = there.attended[1:], courses.days[1:].astype(np.float64)
    last = np.max(np.where(attended, scan_days[:, None, None], 0.0), axis=0)
    until = np.array([clock.until for clock in courses.lesions])
    marks = marks_below(draws, "lesions", until[courses.control], until.max(axis=0))
    own = arm[marks.trial, marks.person]
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
    new = new[onset[new] <= last.ravel()[place[new]]]
    return {
        "gd_lesions_at_entry": np.bincount(place, onset <= 0, size).reshape(shape),
        "gd_lesions": np.bincount(place, enhancing, size).reshape(shape),
        "scans": attended.sum(axis=0).astype(np.float64),
        "t2_lesions": np.bincount(place[new], minlength=size).reshape(shape).astype(np.float64),
        "t2_years": last / DAYS_PER_YEAR,
    }


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
