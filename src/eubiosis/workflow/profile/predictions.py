"""What the model predicts at rest for the people of a table: acids and indoles, over gut worlds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Array
from eubiosis.model.held import HELD, HeldNiches
from eubiosis.model.model import Model
from eubiosis.model.shipped import gut_worlds
from eubiosis.model.worlds import GutWorld, as_person, hold_people

WORLDS = 16
_HEALTHY = "healthy"


@dataclass(frozen=True)
class PredictedQuantity:
    """A quantity that is predicted: its name in the model, in words, where it is, and its printed unit.

    ``follows`` names another to which it is proportional in every world, so that it says nothing more of
    how people differ.
    """

    source: str
    name: str
    place: str
    unit: str
    factor: float = 1.0
    follows: str = ""


QUANTITIES = (
    *(
        PredictedQuantity(
            source.format(acid), name, place, unit, factor,
            follows=f"gut_C_{acid}" if place == "stool" else "",
        )
        for place, source, unit, factor in (
            ("lumen", "gut_C_{}", "mM", 1.0),
            ("stool", "gut_stool_{}", "mM", 1.0),
            ("plasma", "handover_plasma_{}", "µM", 1e3),
        )
        for acid, name in (("Ac", "acetate"), ("Pr", "propionate"), ("Bu", "butyrate"))
    ),
    PredictedQuantity("gut_Ind", "indole", "lumen", "mM"),
    PredictedQuantity("handover_plasma_IS", "indoxyl sulfate", "plasma", "µM", 1e3, follows="gut_Ind"),
    PredictedQuantity("handover_plasma_IPA", "indole-3-propionate", "plasma", "µM", 1e3),
    PredictedQuantity("handover_plasma_ILA", "indole-3-lactate", "plasma", "µM", 1e3),
    PredictedQuantity("handover_plasma_IAA", "indole-3-acetate", "plasma", "µM", 1e3),
)  # fmt: skip


@dataclass(frozen=True)
class Predictions:
    """Predicted quantities: ``values`` (worlds, people, quantities), NaN for who could not be held.

    ``reference`` (worlds, quantities) is the healthy reference of each world.
    """

    values: Array
    reference: Array

    @property
    def over_reference(self) -> Array:
        """Return every value over that of the healthy reference of its world."""
        return np.asarray(self.values / self.reference[:, None, :])


def predict(model: Model, asked: Array, *, worlds: int = WORLDS, person: str = _HEALTHY) -> Predictions:
    """Predict what people with these guild shares of reads, (people, guilds), have at rest in gut worlds.

    The worlds are those of ``shipped.gut_worlds``. Nothing but the composition differs between people: diet,
    transit and host are those of the model's healthy person. Rows of NaN stay so.
    """
    usable = np.flatnonzero(~np.isnan(asked).any(axis=1))
    values = np.full((worlds, len(asked), len(QUANTITIES)), np.nan)
    reference = np.empty((worlds, len(QUANTITIES)))
    for k, world in enumerate(gut_worlds(model, worlds)):
        held = hold_people(model, world, asked[usable], person)
        values[k, usable] = at_rest(model, world, held, person)
        reference[k] = _of(model, world, world.healthy[None], world.factors[None], _HEALTHY)[0]
    return Predictions(values, reference)


def at_rest(model: Model, world: GutWorld, held: HeldNiches, person: str = _HEALTHY) -> Array:
    """Return the quantities of people who are held in a world, (people, quantities); NaN for who is not."""
    found = np.full((len(held.status), len(QUANTITIES)), np.nan)
    rows = np.flatnonzero([word in HELD for word in held.status])
    if len(rows):
        found[rows] = _of(model, world, held.states[rows], held.factors[rows], person)
    return found


def _of(model: Model, world: GutWorld, states: Array, factors: Array, person: str) -> Array:
    """Return the quantities of guts at rest: ``states`` (people, states), ``factors`` (people, guilds)."""
    gut, joined = model.gut_kernel, model.upstream_kernel
    own, _ = as_person(model, world, np.ones((1, len(GUILDS))), person)
    shared: Mapping[str, float] = {**model.derived.of(_HEALTHY), **own}
    columns = np.repeat(joined.default_parameters[:, None], len(states), axis=1)
    for name, value in shared.items():
        if name in joined.parameter_index:
            columns[joined.parameter_index[name]] = value
    for k, guild in enumerate(GUILDS):
        columns[joined.parameter_index[f"gut_w_{guild}"]] = factors[:, k]
    start = np.repeat(model.states(_HEALTHY, joined)[None], len(states), axis=0)
    start[:, [joined.state_index[name] for name in gut.system.states]] = states
    rows = np.ascontiguousarray(start.T)
    assigned = joined.assigned_at(0.0, rows, columns)
    return np.column_stack([
        one.factor * (rows[joined.state_index[one.source]] if one.source in joined.state_index
                      else assigned[joined.assigned_index[one.source]])
        for one in QUANTITIES
    ])  # fmt: skip
