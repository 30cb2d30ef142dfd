"""Drug classes as positive controls: each acts on its published point of attack, and on nothing else.

One factor a drug, fitted to its published ratio of lesions; the ratio of relapses is then a prediction of the
model, and is compared with the published one (condition ``drug_*`` of the target table).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from eubiosis.engine import Array
from eubiosis.model.content import DrugRow
from eubiosis.model.model import Model
from eubiosis.model.natural_history.answers import JOINED, Answer, references, setting
from eubiosis.model.natural_history.cohort import NaturalCohort, simulate_cohort, summed_up
from eubiosis.model.natural_history.course import run_hosts
from eubiosis.model.natural_history.rates import YEAR, entry_chance, relative_rates
from eubiosis.model.natural_history.scale import ENTRY

CONDITION = "drug_"
SIZE, SEEDS = 500, (7, 8, 9, 10)
SLOPE = "slope of log relapse on log lesion ratio, drugs against placebo"


def drug_answers(
    model: Model, *, size: int = SIZE, seeds: Sequence[int] = SEEDS
) -> dict[str, dict[str, Answer]]:
    """Return condition -> "relapses" and "lesions" -> (ratio to the comparator, its Monte Carlo error).

    Ratios are of events expected by entrants over two years under the same random drive. The condition
    ``drug_classes`` holds the slope through the origin over all drugs against placebo.
    """
    drugs = drugs_of(model.content.drugs)
    where = setting(model, JOINED)
    found: list[dict[str, float]] = []
    for seed in seeds:
        cohort = simulate_cohort(
            model.content, model.host_kernel, where.inputs, references(model), size=size, seed=seed
        )
        found.append(ratios(cohort, drugs, where.scale["host_h0"]))
    answers: dict[str, dict[str, Answer]] = {}
    for key, answer in summed_up(found).items():
        condition, observable = key.split(" ", 1)
        answers.setdefault(condition, {})[observable] = answer
    return answers


def drugs_of(rows: Sequence[DrugRow]) -> dict[str, tuple[DrugRow, ...]]:
    """Return the rows of each drug, in the order of the table."""
    return {drug: tuple(r for r in rows if r.drug == drug) for drug in dict.fromkeys(r.drug for r in rows)}


def ratios(cohort: NaturalCohort, drugs: Mapping[str, Sequence[DrugRow]], h0: float) -> dict[str, float]:
    """Return "drug_NAME relapses" and "drug_NAME lesions" of every drug, and the slope over drugs."""
    return compared(cohort, drugs, {name: treated(cohort, rows) for name, rows in drugs.items()}, h0)


def treated(cohort: NaturalCohort, rows: Sequence[DrugRow]) -> Array:
    """Return the infiltrate from entry on under a drug, (days, people)."""
    days = len(cohort.course["host_C"])
    factors = {row.target: np.full(days, row.factor) for row in rows}
    course, _ = run_hosts(
        cohort.kernel,
        cohort.people,
        cohort.drive,
        ("host_C",),
        start=cohort.state,
        factors=factors,
        day0=ENTRY,
    )
    return course["host_C"]


def compared(
    cohort: NaturalCohort,
    drugs: Mapping[str, Sequence[DrugRow]],
    infiltrates: Mapping[str, Array],
    h0: float,
) -> dict[str, float]:
    """Return the ratios and the slope of ``ratios`` from the infiltrate under each drug, (days, people)."""
    rates = cohort.relative()
    chance = entry_chance(h0 * rates.relapses[ENTRY - YEAR : ENTRY].sum(axis=0))
    hazard = cohort.drive.hazard[ENTRY : ENTRY + 2 * YEAR]

    def events(infiltrate: Array) -> Array:
        after = relative_rates(cohort.number, infiltrate[: 2 * YEAR], cohort.people.frailty, hazard)
        return np.array([after.relapses.sum(axis=0) @ chance, after.lesions.sum(axis=0) @ chance])

    placebo = events(cohort.course["host_C"])
    under = {name: events(infiltrates[name]) for name in drugs}
    found: dict[str, float] = {}
    logs = []
    for name, rows in drugs.items():
        other = rows[0].comparator
        ratio = under[name] / (placebo if other == "placebo" else under[other])
        found[f"{CONDITION}{name} relapses"], found[f"{CONDITION}{name} lesions"] = map(float, ratio)
        if other == "placebo":
            logs.append(np.log(ratio))
    relapses, lesions = np.array(logs).reshape(-1, 2).T
    if lesions.any():
        found[f"{CONDITION}classes {SLOPE}"] = float(relapses @ lesions / (lesions @ lesions))
    return found
