"""What a therapy does to the inputs and states of the gut, for people who each take their own share of it.

A gut is given the doses of the two days before a visit one by one, the mean of each week in the four weeks
before these and after a therapy begins, and the mean of four weeks elsewhere (weeks everywhere in courses
with antibiotics as intercurrent events). Against a daily dose with the same missed days the effect on an
arm's mean of stool acids and bifidobacteria differs by less than one part in fifty
(``tests/flow/trial/test_trial_adherence.py``); what the gut hands over adds up to within 4 %, but for
propionate, whose small effect (4 % of what there is) comes out 15 % larger, and 13 % with weeks everywhere
(inulin, 128 people, 48 weeks, one gut world). Products that drive one input add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Add, Array, AtLeast, Input, Scale, Set
from eubiosis.model.held import HELD
from eubiosis.model.model import Model
from eubiosis.model.worlds import GutWorld, hold_people, reference_shares
from eubiosis.therapy import Component, Therapy
from eubiosis.trial.world.adherence import block_means, blocks, day_of, dose_means, planned, span

_ENGRAFTMENT = "gut_fmt_E"
_VANCOMYCIN, _VANCOMYCIN_DOSE = "gut_dose_vancomycin", 2000.0  # mg/d of a preparation


@dataclass(frozen=True)
class Donor:
    """Whose stool is given: niche ``factors`` and ``states`` at rest, (1 or people, guilds or states).

    ``engraftment`` is the world's own share of guilds that engrafts, where the therapy states none.
    """

    factors: Array
    states: Array
    engraftment: float

    def take(self, rows: NDArray[np.intp]) -> Donor:
        """Return the donors of some of the people."""
        if len(self.factors) == 1:
            return self
        return replace(self, factors=self.factors[rows], states=self.states[rows])


@dataclass(frozen=True)
class GutInputs:
    """Changes from outside for some people, and parameters that they need for them.

    ``acting`` (people,) says for whom anything changes at all.
    """

    inputs: tuple[Input, ...]
    parameters: Mapping[str, Array]
    acting: NDArray[np.bool_]

    def take(self, rows: NDArray[np.intp]) -> GutInputs:
        """Return the changes of some of the people."""

        def own(value: Array) -> Array:
            return value[rows] if np.ndim(value) and len(value) == len(self.acting) else value

        return GutInputs(
            tuple(replace(each, value=own(np.asarray(each.value))) for each in self.inputs),
            {name: own(value) for name, value in self.parameters.items()},
            self.acting[rows],
        )


def engraftment_in(model: Model, world: GutWorld) -> float:
    """Return the share of guilds that engrafts in a gut world."""
    return float(world.values.get(_ENGRAFTMENT, model.content.value(_ENGRAFTMENT)))


def donors_of(model: Model, world: GutWorld, therapy: Therapy, own: Donor) -> list[Donor | None]:
    """Return the donor of each component in a gut world, None where it is no transplant.

    A donor is healthy: the composition asked for is held in the world as that of a healthy person. Raises
    ``ArithmeticError`` where the gut holds no such composition.
    """
    kernel, joined = model.gut_kernel, model.upstream_kernel
    found: list[Donor | None] = []
    for each in therapy.components:
        if each.transplant is None:
            found.append(None)
            continue
        donor = each.transplant.donor
        if donor == "own":
            found.append(own)
            continue
        shares = reference_shares(model, world.values)
        if isinstance(donor, Mapping):
            given = np.array([donor.get(guild, np.nan) for guild in GUILDS])
            rest = np.where(np.isnan(given), shares, 0.0)
            left = 1 - np.nansum(given)
            shares = np.where(np.isnan(given), rest * (left / max(rest.sum(), 1e-12)), given)
            shares = np.maximum(shares, 1e-6) / np.maximum(shares, 1e-6).sum()
        niches = hold_people(model, world, shares[None], "healthy")
        if niches.status[0] not in HELD:
            message = f"the donor's composition is held by no gut: {niches.status[0]}"
            raise ArithmeticError(message)
        states = np.zeros((1, len(joined.state_index)))
        states[:, [joined.state_index[name] for name in kernel.system.states]] = niches.states
        found.append(Donor(niches.factors, states, engraftment_in(model, world)))
    return found


def gut_inputs(
    model: Model,
    therapy: Therapy,
    shares: Sequence[Array],
    donors: Sequence[Donor | None],
    days: int,
    visits: Sequence[float] = (),
    killing: Array | None = None,
    *,
    weekly: bool = False,
) -> GutInputs:
    """Return what changes in the gut over ``days``, with ``visits`` on some of them.

    ``shares`` are what people take of each component, (people, days) each; ``killing`` (people, days) is the
    antibiotic of courses that are no part of the therapy, mg/d. Doses are means of weeks, or where not
    ``weekly`` of four weeks far from a visit (``blocks``).
    """
    components = therapy.components
    size = len(shares[0])
    stretches = blocks(components, days, visits, weekly=weekly)
    levels: dict[str, Array] = {}
    moves: dict[str, NDArray[np.bool_]] = {}
    inputs: list[Input] = []
    parameters: dict[str, Array] = {}
    acting = np.zeros(size, dtype=bool)
    for component, share, donor in zip(components, shares, donors, strict=True):
        for name, amount in _amounts(model, component, inputs).items():
            levels[name] = levels.get(name, 0.0) + amount * dose_means(component, share, stretches)
            moves[name] = moves.get(name, np.array([False])) | _moves(component, days, stretches)
        if component.transplant is not None and donor is not None:
            made, acts = _transplants(model, component, donor, share * planned(component, days))
            inputs += made
            acting |= acts
            parameters |= {
                f"gut_w_don_{guild}": _for_all(donor.factors[:, k], size) for k, guild in enumerate(GUILDS)
            }
            if component.transplant.preparation == "vancomycin":
                begin = day_of(component.start)
                until = begin + component.transplant.days[0]
                inside = [max(min(b, until) - max(a, begin), 0.0) / (b - a) for a, b in stretches]
                level = np.tile(_VANCOMYCIN_DOSE * np.array(inside), (size, 1))
                levels[_VANCOMYCIN] = levels.get(_VANCOMYCIN, 0.0) + level
                moves[_VANCOMYCIN] = moves.get(_VANCOMYCIN, np.array([False])) | _differ(np.array(inside))
    if killing is not None:
        levels[_VANCOMYCIN] = levels.get(_VANCOMYCIN, 0.0) + block_means(killing, stretches)
        moves[_VANCOMYCIN] = np.ones(len(stretches), dtype=bool)
    for name, level in levels.items():
        inputs += [Set(stretches[k][0], name, level[:, k]) for k in np.flatnonzero(moves[name])]
        acting |= (level != 0).any(axis=1)
    return GutInputs(tuple(inputs), parameters, acting)


def _amounts(model: Model, component: Component, inputs: list[Input]) -> dict[str, float]:
    """Return what each input gets of a fully adherent person, in its unit; a diet sets its levels as well."""
    record = component.record
    if record.dose is not None:
        return {name: component.amount * share for name, share in record.dose.driven.items()}
    diet = record.diet
    if diet is None:
        return {}
    begin = day_of(component.start)
    if diet.levels is not None:
        levels = dict(diet.levels)
    else:
        assert diet.condition is not None
        levels = {pulse.target: pulse.level for pulse in model.condition(diet.condition).pulses}
    inputs += [Set(begin, name, level) for name, level in levels.items() if name != diet.share]
    return {diet.share: levels.get(diet.share, 1.0) * diet.days_a_week / 7}


def _moves(component: Component, days: int, stretches: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """Tell at the begin of which stretches what a person takes can change, (stretches,).

    It depends on the therapy only and not on the people, so that nobody's run depends on the company.
    """
    plan = dose_means(component, np.ones((1, days)), stretches)[0]
    differs = _differ(plan)
    return differs if component.adherence.steady else differs | (plan > 0)


def _differ(plan: Array) -> NDArray[np.bool_]:
    return np.asarray(np.diff(plan, prepend=0.0) != 0)


def _transplants(
    model: Model,
    component: Component,
    donor: Donor,
    doses: Array,
) -> tuple[list[Input], NDArray[np.bool_]]:
    """Return the transplants of one component, and who has any.

    At each the engrafting share of every guild's biomass becomes the donor's, and the memory of engraftment
    rises to that share if it was lower (module ``fmt``).
    """
    asked = component.transplant
    assert asked is not None
    size, days = doses.shape
    index = model.upstream_kernel.state_index
    share = donor.engraftment if asked.engraftment is None else asked.engraftment
    begin, end = span(component)
    inputs: list[Input] = []
    acts = np.zeros(size, dtype=bool)
    if asked.donor == "own" and asked.preparation == "none":
        return inputs, acts  # what is given back is what is there
    for offset in asked.days:
        day = begin + offset
        if day >= min(days, end):
            continue
        part = share * (doses[:, int(day)] > 0)
        acts |= part > 0
        inputs += [Scale(day, f"gut_B_{guild}", 1 - part) for guild in GUILDS]
        inputs += [
            Add(day, f"gut_B_{guild}", part * donor.states[:, index[f"gut_B_{guild}"]]) for guild in GUILDS
        ]
        inputs.append(AtLeast(day, "gut_Efmt", part))
    return inputs, acts


def _for_all(values: Array, size: int) -> Array:
    return np.full(size, values[0]) if len(values) == 1 else values
