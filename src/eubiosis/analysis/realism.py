"""Do simulated trials look like trials? Figures that a trialist knows, taken from the observed control arm.

Each figure is a mean over trials with its spread between them; beside it stands what was published, or that
no value was read. Only observed values are looked at: the same figures could be taken from a real trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.progression import CONFIRMED_AFTER, rise_needed
from eubiosis.core.trial_stacks import TrialStack

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_YEAR = 365.25 / 7.0  # weeks


@dataclass(frozen=True)
class SimulatedControlArm:
    """The people of the control arm of one trial: columns (people,), and scores (visits, people)."""

    weeks: Floats
    subjects: Mapping[str, Floats]
    visits: Mapping[str, Floats]

    @classmethod
    def of(cls, stack: TrialStack, k: int, control: str) -> SimulatedControlArm:
        """Take the control arm of the k-th trial of a stack."""
        rows = stack.arm[k] == stack.arms.index(control)
        numbers = [name for name, values in stack.of_subjects.items() if values.dtype.kind != "U"]
        subjects = {name: stack.column(name)[k][rows] for name in numbers}
        visits = {
            name: np.asarray(values[:, k][:, rows], dtype=np.float64)
            for name, values in stack.of_visits.items()
        }
        return cls(stack.weeks, subjects, visits)

    def at(self, week: float) -> int:
        """Return the visit nearest to a week."""
        return int(np.argmin(np.abs(self.weeks - week)))

    def change(self, name: str, week: float) -> Floats:
        """Return the change of a score from entry to a week, (people,), NaN where it is not known."""
        return np.asarray(self.visits[name][self.at(week)] - self.visits[name][0])


@dataclass(frozen=True)
class Figure:
    """A figure over many trials: mean and standard deviation between trials, and how many gave one."""

    id: str
    mean: float
    spread: float
    trials: int


def figures(stacks: Sequence[TrialStack], control: str) -> tuple[Figure, ...]:
    """Return every figure of ``FIGURES`` over all trials, in its order; NaN where no trial gives one."""
    arms = [SimulatedControlArm.of(stack, k, control) for stack in stacks for k in range(len(stack))]
    found = []
    for name, function in FIGURES.items():
        values = np.array([function(arm) for arm in arms])
        known = values[np.isfinite(values)]
        spread = float(known.std(ddof=1)) if len(known) > 1 else float("nan")
        found.append(Figure(name, float(known.mean()) if len(known) else float("nan"), spread, len(known)))
    return tuple(found)


def rank_correlation(first: Floats, second: Floats) -> float:
    """Return Spearman's correlation of what both have; NaN for fewer than ten people or no variance."""
    from scipy.stats import rankdata

    known = np.isfinite(first) & np.isfinite(second)
    if np.count_nonzero(known) < _FEWEST:
        return float("nan")
    x, y = rankdata(first[known]), rankdata(second[known])
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])


def reliability(values: Floats) -> float:
    """Return the intraclass correlation of visits (visits, people), one way, of people with all visits."""
    whole = values[:, np.all(np.isfinite(values), axis=0)]
    visits, people = whole.shape
    if people < _FEWEST or visits < 2:
        return float("nan")
    between = visits * whole.mean(axis=0).var(ddof=1)
    within = whole.var(axis=0, ddof=1).mean()
    return float((between - within) / (between + (visits - 1) * within))


def confirmed(scores: Floats, weeks: Floats, *, worse: bool) -> Bools:
    """Say who has a change of EDSS that holds at the next visit 12 weeks or more later, shape (people,).

    Worse: by 1.5 from 0, by 1 from 1 to 5, by 0.5 from 5.5; better: by 1 or more from 2, by 0.5 from 6. A
    change that the last visit shows for the first time is not confirmed.
    """
    entry = scores[0]
    if worse:
        beyond = scores - entry >= rise_needed(entry)
    else:
        limit = np.where(entry >= 6, 0.5, np.where(entry >= 2, 1.0, np.inf))
        beyond = entry - scores >= limit
    held = np.zeros(len(entry), dtype=bool)
    for first in range(1, len(weeks)):
        for later in range(first + 1, len(weeks)):
            if weeks[later] - weeks[first] >= CONFIRMED_AFTER:
                between = beyond[first : later + 1] | ~np.isfinite(scores[first : later + 1])
                held |= beyond[first] & beyond[later] & np.all(between, axis=0)
                break
    return held


def _logs(arm: SimulatedControlArm, name: str) -> Floats:
    return np.log(arm.visits[name])


def _between(first: str, second: str) -> Callable[[SimulatedControlArm], float]:
    return lambda arm: rank_correlation(arm.visits[first][0], arm.visits[second][0])


def _icc(name: str, *, logs: bool) -> Callable[[SimulatedControlArm], float]:
    return lambda arm: reliability(_logs(arm, name) if logs else arm.visits[name])


def _year(relapsed: bool, summary: Callable[[Floats], float]) -> Callable[[SimulatedControlArm], float]:
    def figure(arm: SimulatedControlArm) -> float:
        own = (arm.subjects["relapses"] > 0) == relapsed
        change = arm.change("edss", _YEAR)[own]
        change = change[np.isfinite(change)]
        return summary(change) if len(change) >= _FEWEST else float("nan")

    return figure


def _share(condition: Callable[[Floats], Bools]) -> Callable[[Floats], float]:
    return lambda values: float(np.mean(condition(values)))


def _relapse_rate(arm: SimulatedControlArm) -> float:
    return float(arm.subjects["relapses"].sum() / arm.subjects["follow_up_years"].sum())


def _prior_and_later(arm: SimulatedControlArm) -> float:
    return rank_correlation(arm.subjects["relapses_last_year"], arm.subjects["relapses"])


def _progressed(*, worse: bool) -> Callable[[SimulatedControlArm], float]:
    return lambda arm: float(np.mean(confirmed(arm.visits["edss"], arm.weeks, worse=worse)))


def _without_relapse(arm: SimulatedControlArm) -> float:
    held = confirmed(arm.visits["edss"], arm.weeks, worse=True)
    return float(np.mean(arm.subjects["relapses"][held] == 0)) if held.any() else float("nan")


def _parts_above_whole(arm: SimulatedControlArm) -> float:
    visits = arm.visits
    seen = np.isfinite(visits["stool_scfa"])
    return float(np.mean(visits["stool_scfa"][seen] < visits["stool_acetate"][seen]))


def _no_step(arm: SimulatedControlArm) -> float:
    scores = arm.visits["edss"][np.isfinite(arm.visits["edss"])]
    return float(np.mean((scores == 0.5) | ((scores == 0) & np.signbit(scores))))


def _variation(arm: SimulatedControlArm) -> float:
    values = arm.visits["treg"][0]
    return float(values.std(ddof=1) / values.mean())


_FEWEST = 10
FIGURES: Mapping[str, Callable[[SimulatedControlArm], float]] = {
    "age_edss": lambda arm: rank_correlation(arm.subjects["age"], arm.visits["edss"][0]),
    "edss_mfis": _between("edss", "mfis"),
    "stool_acetate_butyrate": _between("stool_acetate", "stool_butyrate"),
    "stool_acetate_propionate": _between("stool_acetate", "stool_propionate"),
    "acetate_stool_plasma": _between("stool_acetate", "plasma_acetate"),
    "butyrate_stool_plasma": _between("stool_butyrate", "plasma_butyrate"),
    "relapses_t2": lambda arm: rank_correlation(arm.subjects["relapses"], arm.subjects["t2_lesions"]),
    "prior_relapses": _prior_and_later,
    "icc_mfis": _icc("mfis", logs=False),
    "icc_edss": _icc("edss", logs=False),
    "icc_stool_butyrate": _icc("stool_butyrate", logs=True),
    "icc_stool_acetate": _icc("stool_acetate", logs=True),
    "icc_plasma_acetate": _icc("plasma_acetate", logs=True),
    "icc_plasma_propionate": _icc("plasma_propionate", logs=True),
    "icc_treg": _icc("treg", logs=True),
    "treg_mean": lambda arm: float(arm.visits["treg"][0].mean()),
    "treg_cv": _variation,
    "treg_largest": lambda arm: float(np.nanmax(arm.visits["treg"])),
    "icc_nfl": _icc("nfl", logs=True),
    "nfl_mean": lambda arm: float(arm.visits["nfl"][0].mean()),
    "nfl_log_sd": lambda arm: float(np.log(arm.visits["nfl"][0]).std(ddof=1)),
    "total_below_acetate": _parts_above_whole,
    "edss_no_step": _no_step,
    "edss_change_calm": _year(relapsed=False, summary=lambda change: float(change.mean())),
    "edss_sd_calm": _year(relapsed=False, summary=lambda change: float(change.std(ddof=1))),
    "edss_better_calm": _year(relapsed=False, summary=_share(lambda change: change <= -1)),
    "edss_same_calm": _year(relapsed=False, summary=_share(lambda change: change == 0)),
    "edss_worse_calm": _year(relapsed=False, summary=_share(lambda change: change >= 1)),
    "edss_change_relapsed": _year(relapsed=True, summary=lambda change: float(change.mean())),
    "edss_worse_relapsed": _year(relapsed=True, summary=_share(lambda change: change >= 1)),
    "arr": _relapse_rate,
    "relapse_free": lambda arm: float(np.mean(arm.subjects["relapses"] == 0)),
    "gd_per_scan": lambda arm: float(arm.subjects["gd_lesions"].sum() / arm.subjects["scans"].sum()),
    "t2_per_year": lambda arm: float(arm.subjects["t2_lesions"].sum() / arm.subjects["t2_years"].sum()),
    "cdp12": _progressed(worse=True),
    "cdp12_without_relapse": _without_relapse,
    "improved12": _progressed(worse=False),
    "left": lambda arm: float(np.mean(arm.subjects["completed"] == 0)),
    "missed": lambda arm: float(
        1 - np.isfinite(arm.visits["edss"][1:][:, arm.subjects["completed"] > 0]).mean()
    ),
}
