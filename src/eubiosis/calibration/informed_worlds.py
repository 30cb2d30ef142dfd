"""What the data informed, for the shipped worlds: their numbers, what they predict, and profiles.

Numbers are compared with draws of their laws before any data. Predictions (answers to the rows of the target
table, and therapies in a person with MS that no trial measured) are run anew for some of the worlds and for
as many draws of the prior.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from eubiosis.calibration.informed import Described, measures, profile
from eubiosis.calibration.roles import calibrated_in, join, read_tables, responses, roles_hash, rows_for
from eubiosis.calibration.sampling import effective_size, systematic
from eubiosis.calibration.waves import GutProblem, implausibility, looked_at
from eubiosis.calibration.worlds_history import DRUG, HistoryProblem
from eubiosis.core.guilds import GUILD_NAMES
from eubiosis.core.informed import Informed, Measure, Profile
from eubiosis.core.streams import stream
from eubiosis.core.world_intervals import ENOUGH_WORLDS
from eubiosis.engine import Array
from eubiosis.model.content import TargetRow
from eubiosis.model.laboratory import Laboratory
from eubiosis.model.model import Model
from eubiosis.model.shipped import ShippedWorlds

Half = Literal["gut", "history"]
PRIOR_DRAWS, SETS, PROFILES = 4000, 200, 10
_TOGETHER = 100  # sets solved in one go
_DAY = 84.0
_THERAPIES = {
    "ms_inulin_20g": "inulin 20 g",
    "ms_fibre_40g": "fibre 40 g",
    "ms_mediterranean": "Mediterranean diet",
    "ms_ketogenic": "ketogenic diet",
    "ms_fmt": "fecal transplant",
}
_ACIDS = {
    "gut_stool_Ac": "stool acetate",
    "gut_stool_Pr": "stool propionate",
    "gut_stool_Bu": "stool butyrate",
}
_SHOWN = ("BIF", "ROS", "FAE", "ANA", "BAC", "AKK")


def informed(
    model: Model,
    worlds: ShippedWorlds,
    half: Half,
    *,
    origin: str,
    sets: int = SETS,
    seed: int = 2026,
    say: Callable[[str], None] = lambda _: None,
) -> Informed:
    """Return what data did to the worlds of one half; ``sets`` of them are run for the gut's predictions.

    With ``sets`` 0 no prediction is run and profiles have no implausibility. Raises ``FindingsError`` where
    the worlds hold a number whose prior is unknown.
    """
    before = _prior(model, half, seed)
    own = {name: worlds.values[:, k] for k, name in enumerate(worlds.names)}
    numbers = measures(before, own, worlds.weights, _described(model, worlds.names))
    ranked = sorted(numbers, key=lambda one: one.distance, reverse=True)[:PROFILES]
    say(f"{half}: {sum(one.informed for one in numbers)} of {len(numbers)} numbers were informed")
    predictions: tuple[Measure, ...] = ()
    seen: tuple[Mapping[str, Array], Array] | None = None
    if half == "gut" and sets:
        predictions, seen = _predictions(model, worlds, before, min(sets, PRIOR_DRAWS), seed, say)
    rows = join(read_tables(model.content))
    fitted = [
        row for kind in (("gut",) if half == "gut" else ("natural_history", "drug_class"))
        for row in rows_for(kind, rows=rows)  # type: ignore[arg-type]
    ]  # fmt: skip
    effective = effective_size(worlds.weights)
    return Informed(
        origin=origin,
        worlds=len(worlds.weights),
        effective=effective,
        prior_draws=PRIOR_DRAWS,
        rows=len(fitted),
        roles_hash=roles_hash(rows),
        calibrated=calibrated_in(responses(fitted)),
        numbers=numbers,
        predictions=predictions,
        profiles=tuple(_profile(one, before, own, worlds.weights, seen) for one in ranked),
        warnings=_warnings(effective, sets if half == "gut" else 0),
    )


def _warnings(effective: float, sets: int) -> tuple[str, ...]:
    found = []
    if effective < ENOUGH_WORLDS:
        found.append(f"the worlds are worth {effective:.0f} equal ones; {ENOUGH_WORLDS} are asked for")
    if 0 < sets < ENOUGH_WORLDS:
        found.append(f"predictions rest on {sets} worlds; {ENOUGH_WORLDS} are asked for")
    return tuple(found)


def _prior(model: Model, half: Half, seed: int) -> dict[str, Array]:
    """Return draws of every number's law before any data, id -> (draws,)."""
    problem = GutProblem.of(model) if half == "gut" else HistoryProblem(model)
    points = stream(seed, "calibration/informed prior").standard_normal((PRIOR_DRAWS, len(problem.free)))
    return problem.sets(points) if isinstance(problem, GutProblem) else problem.before_data(points)


def _described(model: Model, names: Sequence[str]) -> dict[str, Described]:
    numbers = model.content.numbers
    found = {
        name: Described(numbers[name].description, numbers[name].unit) for name in names if name in numbers
    }
    drugs = [name for name in names if name.startswith(DRUG)]
    return found | {name: Described(f"factor of {name.removeprefix(DRUG)}", "-") for name in drugs}


def _predictions(
    model: Model,
    worlds: ShippedWorlds,
    before: Mapping[str, Array],
    sets: int,
    seed: int,
    say: Callable[[str], None],
) -> tuple[tuple[Measure, ...], tuple[Mapping[str, Array], Array]]:
    """Return the measures of predictions, and the sets that were run with their implausibility."""
    problem = GutProblem.of(model)
    asked = therapy_rows()
    laboratory = Laboratory.of(model, (*looked_at(model), *asked))
    place = stream(seed, "calibration/informed worlds").random()
    rows = systematic(worlds.weights, sets, place)
    own = {name: worlds.values[rows, k] for k, name in enumerate(worlds.names)}
    drawn = {name: values[:sets] for name, values in before.items()}
    say(f"gut: running {sets} worlds and {sets} draws of the prior for {len(laboratory.rows)} predictions")
    after, first = (_answers(problem, laboratory, some) for some in (own, drawn))
    described = {row.id: Described(_label(row), row.unit) for row in laboratory.rows}
    found = measures(first, after, np.ones(sets), described)
    both = {name: np.concatenate([own[name], drawn[name]]) for name in worlds.names}
    off = [implausibility(problem.fitted, some) for some in (after, first)]
    return found, (both, np.concatenate(off))


def _answers(problem: GutProblem, laboratory: Laboratory, sets: Mapping[str, Array]) -> dict[str, Array]:
    from eubiosis.model.worlds import with_reference

    size = len(next(iter(sets.values())))
    parts = []
    for begin in range(0, size, _TOGETHER):
        some = {name: values[begin : begin + _TOGETHER] for name, values in sets.items()}
        own = {name: some[name] for name in problem.names}
        parts.append(laboratory.answers(with_reference(problem.model, own)))
    return {row.id: np.concatenate([part[row.id] for part in parts]) for row in laboratory.rows}


def _label(row: TargetRow) -> str:
    """Name a prediction; a row of the target table keeps its own words, with its condition."""
    return row.quantity if row.role == "prediction" else f"{row.quantity} ({row.condition.replace('_', ' ')})"


def therapy_rows() -> tuple[TargetRow, ...]:
    """Return questions that no trial answered: guilds and stool acids of a person with MS under a therapy."""
    observables = {f"gut_share_{guild}": GUILD_NAMES[guild] for guild in _SHOWN} | _ACIDS
    return tuple(
        TargetRow(
            id=f"{condition}: {observable}",
            quantity=f"{word}, {therapy}",
            condition=condition,
            population="people with MS",
            taxon="guild" if observable.startswith("gut_share_") else "-",
            contrast="own untreated state",
            observable=observable,
            statistic="ratio",
            day=_DAY,
            unit="-",
            role="prediction",
            fitted="no",
        )
        for condition, therapy in _THERAPIES.items()
        for observable, word in observables.items()
    )


def _profile(
    one: Measure,
    before: Mapping[str, Array],
    own: Mapping[str, Array],
    weights: Array,
    seen: tuple[Mapping[str, Array], Array] | None,
) -> Profile:
    looked = None if seen is None else (seen[0][one.name], seen[1])
    described = Described(one.label, one.unit)
    return profile(one.name, before[one.name], own[one.name], weights, described=described, seen=looked)
