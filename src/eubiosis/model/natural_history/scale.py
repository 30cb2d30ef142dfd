"""Scale the two event rates: the only two numbers of the natural history that are set from its level."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eubiosis import engine
from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.streams import CohortDraws
from eubiosis.engine import Array, Compiled
from eubiosis.model.content import Content
from eubiosis.model.join import antimony_to_sbml, joined_antimony
from eubiosis.model.natural_history.course import excess, run_hosts
from eubiosis.model.natural_history.people import HOST_INPUTS, draw_drive, draw_people

SIZE, SEED, DAYS, SETTLING = 1000, 2026, 1825, 365


def scale_event_rates(content: Content, person: Mapping[str, float], joined: Compiled) -> dict[str, float]:
    """Return ``host_lambda0`` and ``host_h0`` (1/d) for the host joined with the gut of a person with MS."""
    text = joined_antimony(content, ("host",), {})
    host = engine.compile(antimony_to_sbml(text))
    inputs = joined_inputs(joined, person)
    draws = CohortDraws(SEED, SIZE)
    people = draw_people(content, host, inputs, person, draws)
    drive = draw_drive(content, people, draws, days=DAYS)
    record, _ = run_hosts(host, people, drive, ["host_C"])
    infiltrate = record["host_C"][SETTLING:]
    epsilon = content.numbers["host_eps_X"].value
    return scales(content, excess(infiltrate, person["host_C_healthy"], epsilon), people.frailty)


def scales(content: Content, over: Array, frailty: Array) -> dict[str, float]:
    """Return the two scales that give the mean Gd+ count of a scan and the mean relapse hazard.

    ``over`` is the excess infiltrate, shape (days, people). Closed form: a scan shows the mean rate of new
    lesions times the mean duration of enhancement.
    """
    number = {name: row.value for name, row in content.numbers.items()}
    lesions = np.mean(over ** number["host_gam_L"])
    hazard = np.mean(over ** number["host_gam_R"] * frailty)
    return {
        "host_lambda0": float(number["host_scale_Gd"] / (lesions * number["host_tau_Gd"])),
        "host_h0": float(number["host_scale_hazard"] / hazard / DAYS_PER_YEAR),
    }


def joined_inputs(joined: Compiled, person: Mapping[str, float]) -> dict[str, float]:
    """Return what the gut of a person at steady state hands to the host (keys ``HOST_INPUTS``)."""
    states = np.array([person[name] for name in joined.system.states])
    parameters = joined.default_parameters.copy()
    for name, value in person.items():
        if name in joined.parameter_index:
            parameters[joined.parameter_index[name]] = value
    assigned = joined.assigned_at(0.0, states[:, None], parameters[:, None])[:, 0]
    return {name: float(assigned[joined.assigned_index[name]]) for name in HOST_INPUTS}
