"""DiscrepancyEstimate the model's discrepancy: how far it is off in a study that it was not matched to.

For each study the worlds are moved on without its rows, and their median is held against what it measured,
on the log scale. A distance is normal with the variance of the study's own error, of the bias of an arm
without a control, of the spread of the worlds, and of the model's discrepancy, one for each kind of quantity.
With a flat prior of its sd from 0 to 1, the estimate is the root of the posterior mean of its square: that is
what a printed interval needs, and it is not zero because few studies could not tell. Figures of one study are
taken as independent, which they hardly are. A study that is to be scored is left out of its own estimate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eubiosis.calibration.sampling import moved, systematic
from eubiosis.calibration.waves import GutProblem, compared_rows
from eubiosis.calibration.waves_terms import WITHIN_ARM_BIAS, kind_of, study_of, term
from eubiosis.core.laws import Z975
from eubiosis.core.streams import stream
from eubiosis.engine import Array
from eubiosis.model.content import TargetRow
from eubiosis.model.model import Model

KINDS = ("guild", "stool_acid")
_WALKERS = 320
_MOST, _GRID = 1.0, 1000  # of the prior of a discrepancy: its end, and points on it
Say = Callable[[str], None]


@dataclass(frozen=True)
class Residual:
    """One row against worlds that were not matched to its study, as logarithms.

    ``off`` is measured over predicted, ``variance`` what the row's own error, a missing control and the
    spread of the worlds explain of its square; ``moved`` the predicted log ratio.
    """

    row: TargetRow
    study: str
    kind: str
    off: float
    variance: float
    moved: float

    @property
    def left(self) -> float:
        """What is left for the model; negative where the row is closer than its own error."""
        return self.off**2 - self.variance


@dataclass(frozen=True)
class DiscrepancyEstimate:
    """The discrepancy of a kind of quantity without one study ("" for none left out).

    ``full_at`` is the smallest root mean square log ratio that a study behind it predicts for its rows.
    """

    kind: str
    without: str
    sd: float
    rows: int
    studies: int
    full_at: float


def comparable(rows: Iterable[TargetRow]) -> tuple[TargetRow, ...]:
    """Return the rows with an estimate of a log ratio of a guild or a stool acid, each figure once."""
    found: dict[tuple[str, str, float | None], TargetRow] = {}
    for row in rows:
        asked = term(row)
        complete = row.target is not None and row.low is not None and row.high is not None
        if asked is None or not asked.logarithmic or not complete or kind_of(row) not in KINDS or not row.low:
            continue
        if row.statistic not in ("ratio", "ratio_to", "over_healthy"):
            continue
        key = row.condition, row.observable, row.day
        if key not in found or asked.middle is not None:  # with a control rather than without
            found[key] = row
    return tuple(found.values())


def residuals(
    model: Model, points: Array, weights: Array, *, seed: int, generations: int, say: Say, threads: int | None
) -> tuple[Residual, ...]:
    """Return the residuals of every comparable row under worlds moved on without its study.

    ``points`` and ``weights`` are the matched worlds of ``GutProblem``.
    """
    by_study: dict[str, list[TargetRow]] = defaultdict(list)
    whole = GutProblem.of(model, threads=threads)
    known = {row.id for row in whole.laboratory.rows}
    for row in comparable(compared_rows(model)):
        if row.id in known:
            by_study[study_of(row)].append(row)
    found: list[Residual] = []
    for number, (study, rows) in enumerate(sorted(by_study.items())):
        problem = GutProblem.of(model, without=study, threads=threads)
        size = min(_WALKERS, len(points))
        start = points[systematic(weights, size, stream(seed, f"left out/{study}").random())]
        ends, _, accepted = moved(problem.log_likelihood, start, 1.0, generations, seed, 1000 + number)
        answers = whole.answers(ends)
        found += [_residual(row, study, answers[row.id]) for row in rows]
        own: Array = np.array([each.off for each in found if each.study == study])
        say(f"without {study}: {len(own)} rows, off by {float((own**2).mean()) ** 0.5:.2f} "
            f"(root mean square log), accepted {accepted:.2f}")  # fmt: skip
    return tuple(found)


def estimate(found: Sequence[Residual], kind: str, without: str = "") -> DiscrepancyEstimate | None:
    """Return the discrepancy of a kind's responses from all studies but one; None with fewer than two."""
    rows = [each for each in responses(found, kind) if each.study != without]
    by_study: Mapping[str, list[Residual]] = {
        study: [each for each in rows if each.study == study] for study in {each.study for each in rows}
    }
    if len(by_study) < 2:
        return None
    moves = [float(np.sqrt(np.mean([each.moved**2 for each in own]))) for own in by_study.values()]
    sd = _size(np.array([each.off for each in rows]), np.array([each.variance for each in rows]))
    return DiscrepancyEstimate(kind, without, sd, len(rows), len(by_study), min(moves))


def responses(found: Iterable[Residual], kind: str) -> list[Residual]:
    """Return the residuals of a kind's responses; what people with MS differ in from others is none."""
    return [each for each in found if each.kind == kind and each.row.statistic != "over_healthy"]


def estimates(found: Sequence[Residual]) -> tuple[DiscrepancyEstimate, ...]:
    """Return the estimate of each kind from all studies, and that without each study in turn."""
    studies = ("", *sorted({each.study for each in found}))
    made = (estimate(found, kind, study) for kind in KINDS for study in studies)
    return tuple(each for each in made if each is not None)


def _size(off: Array, variance: Array) -> float:
    """Return the root of the posterior mean of the squared discrepancy; shapes (rows,)."""
    sizes = np.linspace(0.0, _MOST, _GRID + 1)[1:] - _MOST / _GRID / 2
    whole = variance + sizes[:, None] ** 2
    logs = -(np.log(whole) + off**2 / whole).sum(axis=1) / 2
    weights = np.exp(logs - logs.max())
    return float(np.sqrt(weights @ sizes**2 / weights.sum()))


def _residual(row: TargetRow, study: str, values: Array) -> Residual:
    asked = term(row)
    assert asked is not None
    assert row.target is not None
    assert row.low is not None
    assert row.high is not None
    logs = np.log(values[np.isfinite(values) & (values > 0)])
    middle, target = float(np.median(logs)), float(np.log(row.target))
    error = (target - np.log(row.low) if middle < target else np.log(row.high) - target) / Z975
    bias = WITHIN_ARM_BIAS if asked.middle is None else 0.0
    variance = float(error**2 + bias**2 + np.var(logs))
    return Residual(row, study, kind_of(row), target - middle, variance, middle)
