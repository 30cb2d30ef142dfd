"""What happens to the subjects of one trial: relapses, EDSS and fatigue at the visits, lesions on scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.streams import SubjectDraws, streams
from eubiosis.engine import Array
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.population.subjects import VirtualSubjects
from eubiosis.trial.world.events import by_subject, clock_marks, cumulated, passages, without_refractory
from eubiosis.trial.world.host import HostCourses

TONE_DAYS = 28
_ENHANCED_BEFORE = 10  # mean durations of enhancement to look back for lesions that a scan still shows


def relapse_days(
    host: HostCourses, laws: ClinicalLaws, arms: Sequence[str], subjects: Sequence[int], seed: int, label: str
) -> dict[str, Array]:
    """Return the days of relapse under each arm, one row a subject, padded with infinity.

    ``label`` names the replicate; a subject has the same luck in every arm.
    """
    clocks = {arm: cumulated(host.relapses[arm]) for arm in arms}
    until = np.max([clock[-1] for clock in clocks.values()], axis=0)
    marks = clock_marks(until, seed, f"trial/{label}/relapses", subjects)
    gap = laws.number["host_refractory"]
    return {
        arm: without_refractory(by_subject(*passages(clock, marks), len(subjects)), gap)
        for arm, clock in clocks.items()
    }


def visit_edss(
    host: HostCourses,
    laws: ClinicalLaws,
    arm: str,
    subjects: VirtualSubjects,
    relapses: Array,
    days: NDArray[np.int64],
    draws: tuple[int, str],
) -> Array:
    """Return the true EDSS at visits on ``days``, shape (subjects, visits); on day 0 that of entry.

    ``relapses`` as ``relapse_days`` gives them, ``draws`` (seed, decision) of their severity.
    """
    uniforms = np.zeros((*relapses.shape, 2))
    struck = np.flatnonzero(np.isfinite(relapses[:, 0]))
    luck = SubjectDraws(draws[0], tuple(subjects.numbers[i] for i in struck.tolist()))
    uniforms[struck] = luck.uniforms(draws[1], uniforms[0].size).reshape(uniforms[struck].shape)
    microglia = host.after[arm]["host_MG"] / laws.healthy_microglia
    edss = laws.edss_on(np.maximum(days - 1, 0), subjects.edss, relapses, microglia, subjects.age, uniforms)
    edss[:, days == 0] = subjects.edss[:, None]
    return edss


def on_days(host: HostCourses, arm: str, name: str, days: NDArray[np.int64]) -> Array:
    """Return a state at the end of ``days`` (any shape) of an arm, subjects last; day 0 lies before it."""
    values = host.after[arm][name][np.maximum(days - 1, 0)]
    early = days <= 0
    values[early] = host.before[name][days[early] - 1]
    return np.asarray(values)


def recent_tone(host: HostCourses, laws: ClinicalLaws, arm: str, days: NDArray[np.int64]) -> Array:
    """Return the mean inflammatory tone of the four weeks up to ``days``, shape (subjects, visits)."""
    window = days[:, None] - np.arange(TONE_DAYS)[::-1]
    states = {name: on_days(host, arm, name, window) for name in ("host_D", "host_T1", "host_T17")}
    subjects_first = np.ascontiguousarray(laws.tone(states).transpose(2, 0, 1))
    return np.asarray(subjects_first.mean(axis=2))


def lesion_counts(
    host: HostCourses,
    laws: ClinicalLaws,
    arms: np.ndarray,
    subjects: Sequence[int],
    attended: NDArray[np.bool_],
    scan_days: Array,
    seed: int,
    label: str,
) -> dict[str, Array]:
    """Count Gd+ lesions at the scans attended and new T2 lesions at the last of them, shape (subjects,) each.

    ``arms`` (subjects,), ``attended`` (subjects, scans). A lesion from before entry that still enhances
    counts at a scan, as it would in a clinic. ``label`` names the replicate.
    """
    size = len(subjects)
    scanned = np.flatnonzero(attended.any(axis=1))
    numbers = [subjects[i] for i in scanned.tolist()]
    earlier = host.lesions[""][-round(_ENHANCED_BEFORE * laws.number["host_tau_Gd"]) :]
    clock = np.empty((len(earlier) + len(host.lesions[arms[0]]) + 1, len(scanned)))
    for arm in np.unique(arms[scanned]):
        own = arms[scanned] == arm
        rates = (earlier[:, scanned[own]], host.lesions[arm][:, scanned[own]])
        clock[:, own] = cumulated(np.concatenate(rates))
    who, days = passages(clock, clock_marks(clock[-1], seed, f"trial/{label}/lesions", numbers))
    onset = days - len(earlier)
    duration, uniform = _fates(who, numbers, (seed, f"trial/{label}/lesion fate"))
    ends = onset + laws.number["host_tau_Gd"] * duration
    visible = uniform < laws.number["host_p_T2"]
    last = np.max(np.where(attended, scan_days, 0.0), axis=1)
    mine = scanned[who]
    enhancing = (onset[:, None] <= scan_days) & (ends[:, None] > scan_days) & attended[mine]
    new = visible & (onset >= 0) & (onset <= last[mine])
    return {
        "gd_lesions": np.bincount(mine, enhancing.sum(axis=1), size),
        "scans": attended.sum(axis=1).astype(float),
        "t2_lesions": np.bincount(mine, new, size),
        "t2_years": last / DAYS_PER_YEAR,
    }


def _fates(who: NDArray[np.intp], numbers: Sequence[int], draws: tuple[int, str]) -> tuple[Array, Array]:
    """Draw how long each lesion enhances (mean 1) and a uniform for whether T2 shows it, shape (lesions,)."""
    duration, uniform = np.empty(len(who)), np.empty(len(who))
    counts = np.bincount(who, minlength=len(numbers))
    ends = np.cumsum(counts)
    for end, count, luck in zip(ends, counts, streams(*draws, numbers), strict=True):
        luck.standard_exponential(out=duration[end - count : end])
        luck.random(out=uniform[end - count : end])
    return duration, uniform


def mfis_at(
    host: HostCourses, laws: ClinicalLaws, arm: str, level: Array, edss: Array, days: NDArray[np.int64]
) -> Array:
    """Return the true MFIS at visits on ``days``, shape (subjects, visits), around each personal level."""
    microglia = np.ascontiguousarray(on_days(host, arm, "host_MG", days).T) / laws.healthy_microglia
    return level[:, None] + laws.mfis_change(recent_tone(host, laws, arm, days), microglia, edss)


def of_own_arm(by_arm: Mapping[str, Array], arms: np.ndarray) -> Array:
    """Return each subject's row of the arm it is in."""
    out = np.empty_like(next(iter(by_arm.values())))
    for arm, values in by_arm.items():
        rows = arms == arm
        out[rows] = values[rows]
    return out
