"""Scale the two event rates: the only two numbers of the natural history that are set from its level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eubiosis import engine
from eubiosis.core.streams import CohortDraws
from eubiosis.engine import Compiled
from eubiosis.model.content import Content
from eubiosis.model.join import joined_system
from eubiosis.model.natural_history.course import run_hosts
from eubiosis.model.natural_history.people import HOST_INPUTS, draw_drive, draw_hazard, draw_people
from eubiosis.model.natural_history.rates import (
    YEAR,
    Rates,
    entry_chance,
    hazard_scale,
    lesion_scale,
    relative_rates,
)

SIZE, SEED, COPIES = 1500, 2026, 32
BLOCK = 5  # days over which the hazard is held where only its level is wanted
ENTRY = 2 * YEAR  # burn-in before the two observed years
DAYS = ENTRY + 2 * YEAR + 1


def scale_event_rates(content: Content, person: Mapping[str, float], joined: Compiled) -> dict[str, float]:
    """Return ``host_lambda0`` and ``host_h0`` (1/d) for the host joined with the gut of a person with MS."""
    host = engine.compile(joined_system(content, ("host",)))
    return scales_for(content, host, joined_inputs(joined, person), person)


def scales_for(
    content: Content, host: Compiled, inputs: Mapping[str, float], values: Mapping[str, float]
) -> dict[str, float]:
    """Return the two scales for people around the median gut ``inputs``; see ``draw_people`` for ``values``.

    Each person's infiltrate meets several draws of what multiplies the hazard, which decides most about who
    enters.
    """
    draws = CohortDraws(SEED, SIZE)
    people = draw_people(content, host, inputs, values, draws)
    drive = draw_drive(content, people, draws, days=DAYS)
    record, _ = run_hosts(host, people, drive, ["host_C"])
    number = content.by_name
    one = np.ones_like(people.frailty)
    path = relative_rates(number, record["host_C"][: DAYS - 1], one, one)
    blocks = Rates(*(rate.reshape(-1, BLOCK, SIZE).mean(axis=1) for rate in (path.lesions, path.relapses)))
    rates = []
    for copy in range(COPIES):
        own = CohortDraws(SEED + copy, SIZE)
        frailty = draw_people(content, host, inputs, values, own).frailty
        hazard = draw_hazard(content, own, days=DAYS - 1, step=BLOCK)
        rates.append(Rates(blocks.lesions, blocks.relapses * frailty * hazard))
    return scales(content, rates, block=BLOCK)


def scales(content: Content, cohorts: Sequence[Rates], *, block: int = 1) -> dict[str, float]:
    """Return the two scales that give entrants their relapses in the first year and their lesions a scan.

    ``cohorts`` are rates at scales of 1, a mean for each ``block`` of days, (blocks, people), with entry
    on day ``ENTRY``.
    """
    number = content.by_name
    entry, year = ENTRY // block, YEAR // block
    before = block * np.concatenate([c.relapses[entry - year : entry].sum(axis=0) for c in cohorts])
    first = np.concatenate([c.relapses[entry : entry + year] for c in cohorts], axis=1)
    h0 = hazard_scale(before, first, number["host_scale_ARR"], number["host_refractory"])
    lesions = np.concatenate([c.lesions[entry : entry + 2 * year].mean(axis=0) for c in cohorts])
    chance = entry_chance(h0 * before)
    lambda0 = lesion_scale(lesions[None], chance, number["host_scale_Gd"], number["host_tau_Gd"])
    return {"host_lambda0": lambda0, "host_h0": h0}


def joined_inputs(joined: Compiled, person: Mapping[str, float]) -> dict[str, float]:
    """Return what the gut of a person at steady state hands to the host (keys ``HOST_INPUTS``)."""
    states = np.array([person[name] for name in joined.system.states])
    parameters = joined.default_parameters.copy()
    for name, value in person.items():
        if name in joined.parameter_index:
            parameters[joined.parameter_index[name]] = value
    assigned = joined.assigned_at(0.0, states[:, None], parameters[:, None])[:, 0]
    return {name: float(assigned[joined.assigned_index[name]]) for name in HOST_INPUTS}
