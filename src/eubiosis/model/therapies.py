"""Therapies side by side: what each does to the gut, and what the uncalibrated host half makes of it.

With the specification's gains, a one-signed hand fit, the host's answers are not predictions. With the total
of each metabolite class drawn symmetric about zero they are, and their width is the honest result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eubiosis.core.streams import CohortDraws
from eubiosis.engine import Array
from eubiosis.model.discrepancy import DiscrepancyRow, discrepancy_sd, disturbance
from eubiosis.model.model import Model
from eubiosis.model.natural_history.course import run_hosts
from eubiosis.model.natural_history.people import HOST_INPUTS, People, draw_drive, draw_people
from eubiosis.model.natural_history.rates import relative_rates
from eubiosis.model.natural_history.scale import joined_inputs
from eubiosis.model.worlds import draw_host_world

BURN_IN, DAYS, GUT_DAY = 730, 365, 84
_GUT_COLUMNS = {
    "acids": "gut_scfa",
    "butyrate": "gut_C_Bu",
    "propionate": "gut_C_Pr",
    "lps": "gut_LPS",
    "indole": "gut_Ind",
    "ipa": "gut_IPA",
    "ahr": "host_ahr",
}


@dataclass(frozen=True)
class TherapyRow:
    """One therapy in a person with MS.

    ``gut`` holds ratios to the own untreated state on day 84; Treg ratios are medians over people on days
    14 and 84; relapses and lesions are ratios of expected events over the first year under the same random
    drive; ``share_worse`` is the share of people whose expected relapses rise. Every host figure is an array
    over worlds, shape (worlds,); the specification's gains are one world.
    """

    therapy: str
    condition: str
    gut: Mapping[str, float]
    treg_14d: Array
    treg_84d: Array
    relapses: Array
    lesions: Array
    share_worse: Array


def compare_therapies(
    model: Model,
    therapies: Mapping[str, str],
    *,
    size: int = 800,
    worlds: int | None = None,
    couplings: Mapping[str, float] | None = None,
    without: Sequence[str] = (),
    seed: int = 11,
) -> list[TherapyRow]:
    """Run every therapy in a population with MS against no therapy, under common random numbers.

    ``therapies`` maps labels to named conditions; each is compared by itself, whatever else is in the list.
    Without ``worlds`` the specification's gains are used; with it, that many host worlds (see
    ``draw_host_world``), each with the same ``size`` people. ``couplings`` sets couplings by name instead,
    ``without`` takes paths out.
    """
    kernel, content = model.host_kernel, model.content
    inputs = joined_inputs(model.kernel, model.derived.of("ms"))
    healthy = model.derived.of("healthy")
    values = {name: healthy[name] for name in ("host_C_healthy", "host_MG_healthy", "host_NfL_healthy")}
    draws = CohortDraws(seed, size)
    values |= couplings or {}
    values |= dict.fromkeys(model.couplings.without(without), 0.0)
    people = draw_people(content, kernel, inputs, values, draws)
    drive = draw_drive(content, people, draws, days=BURN_IN + DAYS)
    count = worlds or 1
    if worlds:
        people = _in_worlds(model, people, worlds, seed, without)
        drive = drive.repeated(worlds)
    record = ("host_C", "host_R")
    _, entry = run_hosts(kernel, people, drive.first(BURN_IN), ())
    untreated, _ = run_hosts(kernel, people, drive, record, start=entry, day0=BURN_IN)
    rows = []
    for therapy, condition in therapies.items():
        gut, factors, levels = gut_course(model, condition)
        treated, _ = run_hosts(
            kernel, people, drive, record, start=entry, factors=factors, levels=levels, day0=BURN_IN
        )
        rows.append(
            _row(model, therapy, condition, gut, treated, untreated, people, drive.hazard[BURN_IN:], count)
        )
    return rows


def gut_discrepancies(
    rows: Sequence[DiscrepancyRow], condition: str, gut: Mapping[str, float]
) -> dict[str, float]:
    """Return the discrepancy of each ratio of ``gut`` (column -> ratio) that has one: its acids."""
    stool = {"acids": "stool_scfa", "butyrate": "stool_butyrate", "propionate": "stool_propionate"}
    ratios = {endpoint: gut[column] for column, endpoint in stool.items()}
    found = {
        column: discrepancy_sd(rows, endpoint, condition, disturbance(ratios, endpoint))
        for column, endpoint in stool.items()
    }
    return {column: sd for column, sd in found.items() if sd}


def gut_course(model: Model, condition: str) -> tuple[dict[str, float], dict[str, Array], dict[str, Array]]:
    """Return the gut's ratios on day 84, and what it hands over at the days' bounds: factors and levels."""
    names = (*_GUT_COLUMNS.values(), *HOST_INPUTS, "host_si_pro")
    baseline = model.simulate("ms", [0.0], names).values[0, 0]
    solution = model.simulate(condition, np.arange(DAYS + 1.0), names)
    if solution.status[0] != "ok":
        message = f"condition {condition} failed: {solution.status[0]}"
        raise ArithmeticError(message)
    start = dict(zip(names, baseline, strict=True))
    gut = {column: float(solution[name][0, GUT_DAY] / start[name]) for column, name in _GUT_COLUMNS.items()}
    factors = {name: solution[name][0] / start[name] for name in HOST_INPUTS}
    return gut, factors, {"host_si_pro": solution["host_si_pro"][0]}


def _in_worlds(model: Model, people: People, worlds: int, seed: int, without: Sequence[str]) -> People:
    """Repeat the same people in every world; worlds differ in couplings and other numbers of the host."""
    index = model.host_kernel.parameter_index
    drawn = [draw_host_world(model, k, seed, "symmetric", without=without) for k in range(worlds)]
    parameters = np.tile(people.parameters, (1, worlds))
    for name in drawn[0]:
        parameters[index[name]] = np.repeat([world[name] for world in drawn], len(people))
    return replace(
        people,
        parameters=parameters,
        frailty=np.tile(people.frailty, worlds),
        triggers=np.tile(people.triggers, worlds),
        age=np.tile(people.age, worlds),
    )


def _row(
    model: Model,
    therapy: str,
    condition: str,
    gut: Mapping[str, float],
    treated: Mapping[str, Array],
    untreated: Mapping[str, Array],
    people: People,
    hazard: Array,
    worlds: int,
) -> TherapyRow:
    number = model.content.by_name

    def by_world(values: Array) -> Array:
        return values.reshape(worlds, -1)

    for name in ("host_C", "host_R"):
        if not (np.all(np.isfinite(treated[name])) and np.all(np.isfinite(untreated[name]))):
            message = f"{therapy}: {name} left the finite range in some person"
            raise ArithmeticError(message)
    rates = [relative_rates(number, c["host_C"], people.frailty, hazard) for c in (treated, untreated)]
    relapses = [by_world(rate.relapses.sum(axis=0)) for rate in rates]
    lesions = [by_world(rate.lesions.sum(axis=0)) for rate in rates]
    treg = [by_world(treated["host_R"][d - 1] / untreated["host_R"][d - 1]) for d in (14, GUT_DAY)]
    return TherapyRow(
        therapy,
        condition,
        gut,
        np.median(treg[0], axis=1),
        np.median(treg[1], axis=1),
        relapses[0].sum(axis=1) / relapses[1].sum(axis=1),
        lesions[0].sum(axis=1) / lesions[1].sum(axis=1),
        np.mean(relapses[0] > relapses[1], axis=1),
    )
