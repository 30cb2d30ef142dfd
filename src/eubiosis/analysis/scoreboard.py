"""Sealed forecasts against read-outs: scores of quantities, studies and groups; skill only where it is shown.

The unit is the study. A quantity's CRPS is divided by the spread of the reference, known before the
comparison, so that quantities of unlike units can be averaged; a study is the mean over its quantities, and
beside it each arm is one vector with one energy score. Groups are means over studies, their intervals
resample studies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.forecast_scores import crps_normal
from eubiosis.analysis.sample_scores import (
    FEWEST_STUDIES,
    counted_share,
    crps_mixture,
    energy_score,
    mixture_place,
    mixture_quantile,
    score_ratio,
)
from eubiosis.core.findings import FindingCollector
from eubiosis.core.laws import Z975
from eubiosis.core.scoreboard import (
    RULE,
    STATUS_WORDS,
    BoardGroup,
    CoverageSeen,
    NormalLaw,
    RatioSeen,
    ReadOut,
    Scoreboard,
    ScoredQuantity,
    SealedForecast,
    SealedQuantity,
    StudyUnit,
)
from eubiosis.core.streams import stream

Array = NDArray[np.float64]
_Z90 = 1.6448536269514722
_NOISE = 256  # draws that an energy score is taken from
_RESAMPLES = 2_000
SKILL, LOST, NONE_SHOWN = "skill", "worse than the reference", "no skill shown"
TOO_FEW = f"no claim: fewer than {FEWEST_STUDIES} studies"
_Parts = dict[tuple[str, str], list[ScoredQuantity]]


def score_forecasts(
    forecasts: Sequence[SealedForecast],
    read_outs: Sequence[ReadOut],
    *,
    title: str,
    seed: int = 0,
) -> Scoreboard:
    """Return the scoreboard of forecasts and what was found.

    Raises ``FindingsError`` with every read-out that has no forecast, no finite estimate or no interval (a
    standard error above 0), and every forecast that has no read-out.
    """
    pairs = _paired(forecasts, read_outs)
    quantities, energies = [], []
    for forecast, own in pairs:
        spreads = _spreads(own)
        scored = [_scored(forecast, q, found, spreads.get(q.kind, 0.0)) for q, found in own]
        quantities += scored
        energies += _energies(forecast, own, seed)
    units = _units(quantities, energies)
    return Scoreboard(title, RULE, _groups(quantities, energies, seed), units, tuple(quantities))


def _paired(
    forecasts: Sequence[SealedForecast], read_outs: Sequence[ReadOut]
) -> list[tuple[SealedForecast, list[tuple[SealedQuantity, ReadOut]]]]:
    findings = FindingCollector()
    found = {(r.study, r.arm, r.quantity): r for r in read_outs}
    if len(found) < len(read_outs):
        findings.add("read-outs", "", "a quantity is read out twice", next_step="keep one")
    asked = {(f.study, f.arm, q.quantity) for f in forecasts for q in f.quantities}
    for read_out in read_outs:
        where = f"{read_out.study}, {read_out.arm}: {read_out.quantity}"
        if (read_out.study, read_out.arm, read_out.quantity) not in asked:
            findings.add("read-outs", where, "no forecast of it", next_step="predict it before")
        if not math.isfinite(read_out.estimate):
            findings.add("read-outs", where, "no estimate", allowed="a finite number")
        if not (math.isfinite(read_out.se) and read_out.se > 0):
            findings.add(
                "read-outs", where, "no interval", allowed="a standard error above 0, or both limits",
                next_step="a read-out without an interval cannot be scored; leave it out and say so",
            )  # fmt: skip
    for study, arm, quantity in sorted(asked - set(found)):
        findings.add("read-outs", f"{study}, {arm}: {quantity}", "was forecast and is not read out",
                     next_step="read it out: leaving out what went wrong is no score")  # fmt: skip
    findings.raise_if_any()
    return [(f, [(q, found[f.study, f.arm, q.quantity]) for q in f.quantities]) for f in forecasts]


def _spreads(pairs: Sequence[tuple[SealedQuantity, ReadOut]]) -> dict[str, float]:
    """Return the arm's own mean square beyond sampling error, by kind: what a yardstick may know of it."""
    parts: dict[str, list[float]] = {}
    for quantity, found in pairs:
        parts.setdefault(quantity.kind, []).append(found.estimate**2 - found.se**2)
    return {kind: float(np.mean(squares)) for kind, squares in parts.items()}


def _scored(
    forecast: SealedForecast, quantity: SealedQuantity, found: ReadOut, own_square: float = 0.0
) -> ScoredQuantity:
    draws, y, se = np.asarray(quantity.draws), found.estimate, found.se
    scale = None if quantity.reference is None else math.hypot(quantity.reference.sd, se)
    by = scale or 1.0

    def of_normal(law: NormalLaw | None) -> float | None:
        return None if law is None else float(crps_normal(y, law.mean, math.hypot(law.sd, se))) / by

    yardstick = None
    if quantity.reference is not None:
        others = max(quantity.others, 1)
        square = (others * quantity.reference.sd**2 + own_square) / (others + 1)
        yardstick = NormalLaw(0.0, math.sqrt(max(square, 0.0)))
    low, middle, high = (mixture_quantile(p, draws, se) for p in (0.05, 0.5, 0.95))
    return ScoredQuantity(
        forecast.study, forecast.arm, quantity.quantity, quantity.label, quantity.kind, forecast.population,
        quantity.unit, quantity.status, found.null, y, se, middle, low, high, mixture_place(y, draws, se),
        crps_mixture(y, draws, se) / by, of_normal(quantity.reference), of_normal(quantity.minus_baseline),
        of_normal(quantity.regression), of_normal(yardstick), scale,
        None if scale is None else (high - low) / (2 * _Z90 * scale),
    )  # fmt: skip


class _Energy:
    """The energy scores of some quantities of one arm: of the model and of the reference."""

    def __init__(self, first: ScoredQuantity, model: float, reference: float) -> None:
        self.of, self.model, self.reference = first, model, reference


def _energies(
    forecast: SealedForecast, pairs: Sequence[tuple[SealedQuantity, ReadOut]], seed: int
) -> list[_Energy]:
    """Return energy scores of one arm, one for each kind and status, over the quantities with a reference."""
    parts: dict[tuple[str, str], list[tuple[SealedQuantity, ReadOut]]] = {}
    for quantity, found in pairs:
        if quantity.reference is not None:
            parts.setdefault((quantity.kind, quantity.status), []).append((quantity, found))
    made = []
    for (kind, _), own in parts.items():
        scales = np.array([math.hypot(q.reference.sd, r.se) for q, r in own if q.reference is not None])
        errors = np.array([r.se for _, r in own])
        y = np.array([r.estimate for _, r in own]) / scales
        draws = np.array([q.draws for q, _ in own]).T
        draw = stream(seed, f"scoreboard/{forecast.name}/{kind}")
        rows = np.arange(_NOISE) % len(draws)
        noise = draw.standard_normal((2, _NOISE, len(own)))
        model = (draws[rows] + errors * noise[0]) / scales
        first = _scored(forecast, *own[0])
        made.append(
            _Energy(
                first,
                energy_score(y, model) / math.sqrt(len(own)),
                energy_score(y, noise[1]) / math.sqrt(len(own)),
            )
        )
    return made


def _units(scored: Sequence[ScoredQuantity], energies: Sequence[_Energy]) -> tuple[StudyUnit, ...]:
    parts: _Parts = {}
    for each in scored:
        if each.crps_reference is not None:
            parts.setdefault((each.study, each.status), []).append(each)
    units = []
    for (study, status), own in parts.items():
        vectors = [e for e in energies if (e.of.study, e.of.status) == (study, status)]
        model, reference = _mean(own, _model), _mean(own, _reference)
        energy = float(np.mean([e.model for e in vectors]))
        other = float(np.mean([e.reference for e in vectors]))
        units.append(
            StudyUnit(
                study, own[0].status, own[0].population, tuple(dict.fromkeys(e.kind for e in own)), len(own),
                model, reference, model / reference, energy, other, energy / other,
                sum(e.in_50 for e in own), sum(e.in_90 for e in own),
            )
        )  # fmt: skip
    return tuple(units)


def _groups(
    scored: Sequence[ScoredQuantity], energies: Sequence[_Energy], seed: int
) -> tuple[BoardGroup, ...]:
    """Return every group that has a member: all, by status, population, kind of endpoint, nulls apart."""
    wanted: list[tuple[str, str, Callable[[ScoredQuantity], bool]]] = [
        ("not fitted", "every quantity that no number of the model was set with", _not_fitted)
    ]
    wanted += [(s, STATUS_WORDS[s], partial(_has_status, s)) for s in dict.fromkeys(q.status for q in scored)]
    for name in sorted({q.population for q in scored}):
        wanted.append((f"not fitted, {name}", f"measured in {name}", partial(_measured_in, name)))
    for name in sorted({q.kind for q in scored}):
        wanted.append((f"not fitted, {name}", f"kind of endpoint: {name}", partial(_of_kind, name)))
    for null, words in ((True, "nulls"), (False, "not nulls")):
        said = f"read-outs whose own 95 % interval {'holds' if null else 'excludes'} no change"
        wanted.append((f"not fitted, {words}", said, partial(_is_null, null)))
    wanted.append(("all", "fitted ones too", _everything))
    found = []
    for name, what, belongs in wanted:
        own = [q for q in scored if belongs(q)]
        if own:
            nulls = "nulls" in name
            found.append(
                _group(name, what, own, [] if nulls else [e for e in energies if belongs(e.of)], seed)
            )
    return tuple(found)


def _everything(_: ScoredQuantity) -> bool:
    return True


def _not_fitted(q: ScoredQuantity) -> bool:
    return q.status != "fitted"


def _has_status(status: str, q: ScoredQuantity) -> bool:
    return q.status == status


def _measured_in(population: str, q: ScoredQuantity) -> bool:
    return _not_fitted(q) and q.population == population


def _of_kind(kind: str, q: ScoredQuantity) -> bool:
    return _not_fitted(q) and q.kind == kind


def _is_null(null: bool, q: ScoredQuantity) -> bool:
    return _not_fitted(q) and q.null == null


def _group(
    name: str, what: str, own: Sequence[ScoredQuantity], energies: Sequence[_Energy], seed: int
) -> BoardGroup:
    compared = [q for q in own if q.crps_reference is not None]
    width, low, high = _width(compared, seed)
    pairs = {
        study: (
            float(np.mean([e.model for e in energies if e.of.study == study])),
            float(np.mean([e.reference for e in energies if e.of.study == study])),
        )
        for study in dict.fromkeys(e.of.study for e in energies)
    }
    crps, yardstick = _ratio(compared, _model, seed), _ratio(compared, _model, seed, _yardstick)
    if crps is not None and yardstick is not None and crps.verdict == SKILL != yardstick.verdict:
        crps = replace(crps, verdict=NONE_SHOWN)
    return BoardGroup(
        name, what, len({q.study for q in own}), len(own), crps,
        _seen(list(pairs.values()), seed),
        _ratio([q for q in compared if q.crps_minus_baseline is not None], _minus, seed),
        _ratio([q for q in compared if q.crps_regression is not None], _regression, seed),
        yardstick, _coverage(own, 0.5, seed), _coverage(own, 0.9, seed), width, low, high,
    )  # fmt: skip


def _ratio(
    own: Sequence[ScoredQuantity],
    of: Callable[[ScoredQuantity], float],
    seed: int,
    over: Callable[[ScoredQuantity], float] | None = None,
) -> RatioSeen | None:
    """Return the ratio of some forecast to another (None: the reference), study by study."""
    studies = _by_study(own)
    return _seen([(_mean(part, of), _mean(part, over or _reference)) for part in studies.values()], seed)


def _seen(pairs: Sequence[tuple[float, float]], seed: int) -> RatioSeen | None:
    if not pairs:
        return None
    found = score_ratio([a for a, _ in pairs], [b for _, b in pairs], seed=seed)
    if math.isnan(found.low):
        return RatioSeen(found.ratio, None, None, found.studies, TOO_FEW)
    verdict = SKILL if found.skill else LOST if found.lost else NONE_SHOWN
    return RatioSeen(found.ratio, found.low, found.high, found.studies, verdict)


def _coverage(own: Sequence[ScoredQuantity], nominal: float, seed: int) -> CoverageSeen:
    def hit(q: ScoredQuantity) -> bool:
        return q.in_50 if nominal == 0.5 else q.in_90

    share = counted_share(sum(hit(q) for q in own), len(own))
    studies = list(_by_study(own).values())
    low = high = None
    if len(studies) >= FEWEST_STUDIES:
        hits = np.array([sum(hit(q) for q in part) for part in studies], dtype=float)
        sizes = np.array([len(part) for part in studies], dtype=float)
        picks = stream(seed, "scoreboard/coverage").integers(0, len(studies), (_RESAMPLES, len(studies)))
        ends = np.quantile(hits[picks].sum(axis=1) / sizes[picks].sum(axis=1), [0.025, 0.975])
        low, high = (float(end) for end in ends)
    return CoverageSeen(nominal, share.hits, share.of, share.share, share.low, share.high, low, high)


def _width(own: Sequence[ScoredQuantity], seed: int) -> tuple[float | None, float | None, float | None]:
    """Return the geometric mean over studies of the model's 90 % width over the reference's, and its ends."""
    studies = [
        float(np.mean([math.log(q.width) for q in part if q.width is not None]))
        for part in _by_study(own).values()
    ]
    if not studies:
        return None, None, None
    logs = np.array(studies)
    if len(logs) < FEWEST_STUDIES:
        return math.exp(logs.mean()), None, None
    picks = stream(seed, "scoreboard/width").integers(0, len(logs), (_RESAMPLES, len(logs)))
    low, high = np.exp(np.quantile(logs[picks].mean(axis=1), [0.025, 0.975]))
    return math.exp(logs.mean()), float(low), float(high)


def interval_error(estimate: float, low: float, high: float) -> float:
    """Return the standard error that a printed 95 % interval has; raises ``ValueError`` where it has none.

    >>> round(interval_error(0.0, -1.96, 1.96), 3)
    1.0
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high and low <= estimate <= high):
        message = f"no interval about {estimate:g}: {low:g} to {high:g}"
        raise ValueError(message)
    return (high - low) / (2 * Z975)


def _by_study(own: Iterable[ScoredQuantity]) -> Mapping[str, list[ScoredQuantity]]:
    parts: dict[str, list[ScoredQuantity]] = {}
    for each in own:
        parts.setdefault(each.study, []).append(each)
    return parts


def _mean(own: Sequence[ScoredQuantity], of: Callable[[ScoredQuantity], float]) -> float:
    return float(np.mean([of(q) for q in own]))


def _model(q: ScoredQuantity) -> float:
    return q.crps


def _reference(q: ScoredQuantity) -> float:
    assert q.crps_reference is not None
    return q.crps_reference


def _yardstick(q: ScoredQuantity) -> float:
    assert q.crps_yardstick is not None
    return q.crps_yardstick


def _minus(q: ScoredQuantity) -> float:
    assert q.crps_minus_baseline is not None
    return q.crps_minus_baseline


def _regression(q: ScoredQuantity) -> float:
    assert q.crps_regression is not None
    return q.crps_regression
