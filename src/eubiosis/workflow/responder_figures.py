"""Figures of who responds, over the first trials of all gut worlds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.planning.important_differences import ImportantDifference, important_difference
from eubiosis.analysis.responders.compared import MODERATORS
from eubiosis.analysis.responders.cross_fit import SHARES
from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.responders import (
    CalibrationFifth,
    ModeratorLine,
    PhenotypeLine,
    ResponderFigures,
    Scale,
    Sign,
    TargetingCurve,
    Triple,
    Waterfall,
    WaterfallPanel,
)
from eubiosis.core.world_intervals import interval
from eubiosis.therapy.harms import exact_interval
from eubiosis.trial.design import Design
from eubiosis.workflow.responder_chunk import (
    ARRAYS,
    MOST_PAIRS,
    OF_AREAS,
    OF_GROUPS,
    OF_PEOPLE,
    WorldResponders,
    benefit_sign,
)
from eubiosis.workflow.trial_chunk import Chunk

Floats = NDArray[np.float64]
_PLACES = ((0.1, "a low world: one in ten has a smaller mean {}"), (0.5, "the middle world"),
           (0.9, "a high world: one in ten has a larger mean {}"))  # fmt: skip
_ENOUGH = 10  # worlds, to speak of one in ten
_ALPHA = 0.05
_CLAIM = 1.959963984540054
_EXACT = 1e-9  # an effect closer to none is rounding


class _About(TypedDict):
    endpoint: str
    label: str
    unit: str
    scale: Scale
    arm: str


@dataclass(frozen=True)
class _Comparison:
    """One endpoint in one active arm over all pairs of worlds, arrays as in ``WorldResponders``."""

    endpoint: Endpoint
    arm: str
    pairs: tuple[tuple[int, int], ...]
    forms: tuple[str, ...]
    bars: Floats
    people: Floats
    groups: Floats
    fifths: Floats
    curves: Floats
    areas: Floats

    @property
    def about(self) -> _About:
        """What every figure and row says of itself."""
        each = self.endpoint
        return {
            "endpoint": each.id,
            "label": each.label,
            "unit": each.unit,
            "scale": each.scale,
            "arm": self.arm,
        }

    def of_people(self, name: str) -> Floats:
        """Return one number of every pair, (pairs,)."""
        return self.people[:, OF_PEOPLE.index(name)]

    def of_groups(self, name: str, moderator: int) -> Floats:
        """Return one number of a moderator in every pair, (pairs,)."""
        return self.groups[:, moderator, OF_GROUPS.index(name)]

    def of_areas(self, name: str) -> Floats:
        """Return one area of every pair, (pairs,)."""
        return self.areas[:, OF_AREAS.index(name)]

    def shown(self, value: float) -> float:
        """Return an effect as it is printed: a ratio for endpoints that are compared by one."""
        return float(np.exp(value)) if self.endpoint.scale == "ratio" else float(value)

    def triple(self, values: Floats) -> Triple:
        """Return 2.5, 50 and 97.5 % of effects, as printed."""
        low, middle, high = _triple(values)
        return self.shown(low), self.shown(middle), self.shown(high)


def responder_figures(design: Design, chunks: Sequence[Chunk]) -> ResponderFigures | None:
    """Return the figures of the primary endpoint and MFIS; None where no trial was kept for them."""
    found = [row for chunk in chunks for row in chunk.responders]
    if not found:
        return None
    forms = {(row.gut_world, row.host_world): row.form for chunk in chunks for row in chunk.worlds}
    rows = [_comparison(k, found, forms) for k in range(len(found[0].comparisons))]
    blocks = max(chunk.blocks for chunk in chunks)
    return ResponderFigures(
        pairs=len(rows[0].pairs),
        people=_middle(np.concatenate([row.of_groups("people", 0) for row in rows])),
        waterfalls=tuple(_waterfall(row) for row in rows),
        subgroups=tuple(line for row in rows for line in _subgroups(row)),
        calibration=tuple(line for row in rows for line in _calibration(row)),
        curves=tuple(line for row in rows for line in _curves(row)),
        phenotypes=tuple(line for row in rows for line in _phenotypes(row)),
        notes=tuple(_notes(design, rows, blocks, len(forms))),
    )


def _comparison(k: int, found: Sequence[WorldResponders], forms: dict[tuple[int, int], str]) -> _Comparison:
    endpoint, arm = found[0].comparisons[k]
    pairs = tuple((row.gut_world, host) for row in found for host in row.host_worlds.tolist())
    arrays = [
        np.concatenate([np.asarray(getattr(row, name)[:, k], dtype=np.float64) for row in found])
        for name in ARRAYS
    ]
    return _Comparison(ENDPOINTS[endpoint], arm, pairs, tuple(forms.get(pair, "") for pair in pairs), *arrays)


def _triple(values: Floats) -> Triple:
    return interval(values[np.isfinite(values)])


def _middle(counts: Floats) -> int:
    """Return the median of counts; 0 where there are none."""
    known = counts[np.isfinite(counts)]
    return int(np.median(known)) if len(known) else 0


def _exact(events: int, trials: int) -> Triple:
    if not trials:
        return (float("nan"),) * 3
    low, high = exact_interval(events, trials)
    return low, events / trials, high


def _waterfall(row: _Comparison) -> Waterfall:
    matters = important_difference(row.endpoint.id)
    beyond = important_difference(row.endpoint.id, "detectable")
    return Waterfall(
        **row.about,
        better=row.endpoint.better,
        important=None if matters is None else matters.value,
        important_source=_source(matters),
        detectable=None if beyond is None else beyond.value,
        detectable_source=_source(beyond),
        changed=_triple(row.of_people("changed")),
        changed_on_control=_triple(row.of_people("changed_on_control")),
        trials=len(row.pairs),
        panels=tuple(_panels(row)),
    )


def _source(fact: ImportantDifference | None) -> str:
    if fact is None:
        return ""
    return f"{fact.source}; {fact.people} people, read: {fact.read}" + (f"; {fact.note}" if fact.note else "")


def _panels(row: _Comparison) -> Iterator[WaterfallPanel]:
    """Yield three worlds by the rank of their mean benefit; the same world only once."""
    benefit = benefit_sign(row.endpoint) * row.of_people("mean")
    order = np.argsort(np.where(np.isfinite(benefit), benefit, -np.inf), kind="stable")
    order = order[len(order) - int(np.isfinite(benefit).sum()) :]
    seen: set[int] = set()
    ranked_by = "effect" if row.endpoint.better == "neither" else "benefit"  # more is not better there
    for place, words in _PLACES:
        if not len(order):
            return
        rank = round(place * (len(order) - 1))
        at = int(order[rank])
        ranked = f"world {rank + 1} of {len(order)} by mean {ranked_by}, the least first"
        if at in seen:
            continue
        seen.add(at)
        effects, changes = row.bars[at]
        known = np.isfinite(effects)
        yield WaterfallPanel(
            place=words.format(ranked_by) if len(order) >= _ENOUGH else ranked,
            gut_world=row.pairs[at][0],
            host_world=row.pairs[at][1],
            form=row.forms[at],
            people=int(row.of_people("people")[at]),
            effects=tuple(row.shown(value) for value in effects[known]),
            changes=tuple(row.shown(value) for value in changes[known]),
            mean=row.shown(row.of_people("mean")[at]),
            reached=float(row.of_people("reached")[at]),
        )


def _subgroups(row: _Comparison) -> Iterator[ModeratorLine]:
    for k, moderator in enumerate(MODERATORS):
        p_values = row.of_groups("p_value", k)
        known = np.isfinite(p_values)
        significant, trials = int(np.sum(p_values[known] < _ALPHA)), int(known.sum())
        yield ModeratorLine(
            **row.about,
            moderator=moderator.label,
            low_label=moderator.low,
            high_label=moderator.high,
            people=_middle(row.of_groups("analysed", k)),
            low=row.triple(row.of_groups("low", k)),
            high=row.triple(row.of_groups("high", k)),
            interaction=row.triple(row.of_groups("difference", k)),
            significant=significant,
            trials=trials,
            share=_exact(significant, trials),
        )


def _calibration(row: _Comparison) -> Iterator[CalibrationFifth]:
    known = np.all(np.isfinite(row.fifths), axis=(1, 2))
    if not known.any():
        return
    for k in range(row.fifths.shape[2]):
        yield CalibrationFifth(
            **row.about,
            fifth=k + 1,
            predicted=row.triple(row.fifths[known, 0, k]),
            true=row.triple(row.fifths[known, 1, k]),
            trials=int(known.sum()),
        )


def _curves(row: _Comparison) -> Iterator[TargetingCurve]:
    area, error = row.of_areas("autoc"), row.of_areas("autoc_error")
    known = np.isfinite(area) & np.isfinite(error)
    if not known.any():
        return
    claiming = int(np.sum(area[known] > _CLAIM * error[known]))
    autoc = _triple(area[known])
    bands = [tuple(_triple(row.curves[known, k, j]) for j in range(len(SHARES))) for k in range(3)]
    yield TargetingCurve(
        **row.about,
        better=row.endpoint.better,
        people=_middle(row.of_groups("analysed", 0)),
        shares=tuple(SHARES.tolist()),
        observed=bands[0],
        by_twins=bands[1],
        perfect=bands[2],
        autoc=autoc,
        qini=_triple(row.of_areas("qini")[known]),
        claiming=claiming,
        claiming_share=_exact(claiming, int(known.sum())),
        trials=int(known.sum()),
        found=autoc[0] > 0,
    )


def _phenotypes(row: _Comparison) -> Iterator[PhenotypeLine]:
    for k, moderator in enumerate(MODERATORS):
        upper = row.of_groups("share_high", k)
        for side, words in (("low", moderator.low), ("high", moderator.high)):
            effect = row.of_groups(f"true_{side}", k)
            known = np.isfinite(effect)
            if not known.any():
                continue
            prevalence = _triple(upper if side == "high" else 1 - upper)
            reached = row.of_groups(f"reached_{side}", k)[known]
            responders = float(reached.mean()) if np.isfinite(reached).all() else float("nan")
            sign, stability = commonest_sign(benefit_sign(row.endpoint) * effect[known])
            yield PhenotypeLine(
                **row.about,
                phenotype=words if moderator.flag else f"{moderator.label}: {words}",
                prevalence=prevalence,
                effect=row.triple(effect[known]),
                sign=sign,
                stability=stability,
                worlds=int(known.sum()),
                responders=responders,
                screened_for_one=_one_in(prevalence[1]),
                screened_for_responder=_one_in(prevalence[1] * responders),
            )


def commonest_sign(benefits: Floats) -> tuple[Sign, float]:
    """Return the commonest direction of effects over worlds and the share of worlds that have it.

    "mixed" where two are as common.

    >>> commonest_sign(np.array([0.2, 0.1, -0.3, 0.0]))
    ('benefit', 0.5)
    >>> commonest_sign(np.array([0.2, -0.2]))
    ('mixed', 0.5)
    """
    counts: dict[Sign, int] = {
        "benefit": int(np.sum(benefits > _EXACT)),
        "harm": int(np.sum(benefits < -_EXACT)),
        "none": int(np.sum(np.abs(benefits) <= _EXACT)),
    }
    most = max(counts.values())
    signs = [sign for sign, count in counts.items() if count == most]
    return signs[0] if len(signs) == 1 else "mixed", most / len(benefits)


def _one_in(share: float) -> float | None:
    return 1 / share if share > 0 else None


def _notes(design: Design, rows: Sequence[_Comparison], blocks: int, worlds: int) -> Iterator[str]:
    primary = ENDPOINTS[design.primary]
    if primary.counted:
        yield (
            f"{primary.label}, the primary endpoint, is a count: one person's count is mostly luck, so no "
            "effect of one person can be drawn and no score is learned. Fatigue stands in its place."
        )
    for endpoint in dict.fromkeys(row.endpoint for row in rows):
        if endpoint.better == "neither":
            yield (
                f"{endpoint.label}: neither direction is better. Where this part has to rank people, more of "
                "it stands first."
            )
    if blocks > 1:
        yield (
            f"The trial was run in {blocks} blocks of people; these figures are of block 0 of each gut "
            "world, so a whole trial scatters less."
        )
    if any(not np.isfinite(row.areas).any() for row in rows):
        yield (
            "Too few people have an outcome for a score to be learned in one half of a trial: two for each "
            "of its coefficients are needed. No curve and no calibration are given."
        )
    if len(rows[0].pairs) < worlds:
        yield (
            f"The first {MOST_PAIRS} host worlds of each gut world are looked at here, of {worlds:,} worlds."
        )
    if design.intercurrent:
        yield "Outcomes and true effects are those that the strategies for intercurrent events ask for."
