"""What the prior of a clinical effect takes from the model: exposures, gains of biomarkers, class totals.

All three are measured with the model and stored beside a hash of the tables they come from, as sensitivities
are; ``eubiosis model derive`` measures them anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from eubiosis.core.class_priors import ALL
from eubiosis.core.clinical_prior import EXPOSURES, TOTALS, ExposureRow, TotalRow
from eubiosis.core.model_forms import TAXON
from eubiosis.core.tables import write_table
from eubiosis.engine import Array
from eubiosis.model.clinical_key import write_clinical_key
from eubiosis.model.content import Content
from eubiosis.model.coupling_data import (
    GAINS,
    CouplingData,
    CouplingDataRow,
    GainRow,
    read_coupling_rows,
)
from eubiosis.model.coupling_draws import draw_couplings
from eubiosis.model.couplings import CouplingTables
from eubiosis.model.model import Model
from eubiosis.model.natural_history.people import HOST_INPUTS
from eubiosis.model.natural_history.scale import joined_inputs
from eubiosis.model.tolerances import STRICT

GUT_DAY, SETTLED, SMALL = 84, 120, 1e-3
DRAWS, SEED = 12_000, 2028


@dataclass(frozen=True)
class ClinicalDerived:
    """What is measured: rows of the three tables."""

    exposures: tuple[ExposureRow, ...]
    gains: tuple[GainRow, ...]
    totals: tuple[TotalRow, ...]


def bounded_doublings(ratio: Array) -> Array:
    """Return a ratio in doublings as the host counts them, 3 (x - 1) / (x + 1): 1 for a doubling, below 3.

    The host takes ratios as 2 (x - 1) / (x + 1), which is ln x near 1 and bounded.

    >>> bounded_doublings(np.array([1.0, 2.0, 0.5])).tolist()
    [0.0, 1.0, -1.0]
    """
    return np.asarray(3.0 * (ratio - 1.0) / (ratio + 1.0))


def unknown_share(doublings: Array) -> float:
    """Return the root mean square of a weighted mean of inputs when their weights are uniform on the simplex.

    For Dirichlet(1, ..., 1) weights over n inputs: (sum of squares + square of the sum) / (n (n + 1)).

    >>> unknown_share(np.array([1.0, 1.0, 1.0]))
    1.0
    """
    n = len(doublings)
    return float(np.sqrt((np.sum(doublings**2) + np.sum(doublings) ** 2) / (n * (n + 1))))


def measure_clinical(model: Model, conditions: Mapping[str, str], *, draws: int = DRAWS) -> ClinicalDerived:
    """Measure exposures of therapies (id -> named condition), gains of biomarkers, and totals given them."""
    gains = measure_gains(model)
    return ClinicalDerived(
        tuple(row for name, at in conditions.items() for row in _exposures(model, name, at)),
        gains,
        measure_totals(model, gains, draws),
    )


def save_clinical(content: Content, found: ClinicalDerived) -> None:
    """Write the three tables and the hash of what they came from into the content folder."""
    write_table(content.folder / EXPOSURES, found.exposures, tuple(ExposureRow.model_fields))
    write_table(content.folder / GAINS, found.gains, tuple(GainRow.model_fields))
    write_table(content.folder / TOTALS, found.totals, tuple(TotalRow.model_fields))
    write_clinical_key(content)


def _exposures(model: Model, therapy: str, condition: str) -> list[ExposureRow]:
    """Return the exposure of a therapy to every class and to the guilds that forms name, on day 84."""
    shares = {f"{TAXON}{guild}": f"gut_share_{guild}" for guild in model.forms.taxa}
    names = (*HOST_INPUTS, *shares.values())
    course = model.simulate(condition, [0.0, float(GUT_DAY)], names)
    if course.status[0] != "ok":
        message = f"condition {condition} failed: {course.status[0]}"
        raise ArithmeticError(message)
    ratio = {name: course[name][0, -1] / course[name][0, 0] for name in names}
    inputs = {n: model.couplings.inputs(n) for n in model.couplings.priors if n != ALL}
    inputs |= {name: (share,) for name, share in shares.items()}
    rows = []
    for name, own in inputs.items():
        doublings = bounded_doublings(np.array([ratio[each] for each in own]))
        rows.append(
            ExposureRow(
                therapy=therapy, condition=condition, metabolite_class=name,
                mean=round(float(doublings.mean()), 5), size=round(unknown_share(doublings), 5),
                unit="doublings", basis="derived", source=f"day {GUT_DAY} of the condition over its start",
            )
        )  # fmt: skip
    return rows


def measure_gains(model: Model) -> tuple[GainRow, ...]:
    """Measure what a unit of each coupling adds to the log ratio of every fit row."""
    rows = [row for row in read_coupling_rows(model.content.folder) if row.role == "fit"]
    return tuple(
        GainRow(row=row.id, path=path, gain=gain, unit="log ratio", basis="derived",
                source="slope at zero in a typical person, inputs held as in the row's condition")
        for row in rows
        for path, gain in _gains(model, row).items()
        if abs(gain) > 1e-6
    )  # fmt: skip


def _gains(model: Model, row: CouplingDataRow) -> dict[str, float]:
    kernel, paths = model.host_kernel, [path.id for path in model.couplings.drawn]
    person = model.condition(row.condition).person
    given: dict[str, float | Array] = {
        name: value for name, value in model.derived.of(person).items() if name in kernel.parameter_index
    }
    given |= joined_inputs(model.upstream_kernel, model.derived.of(person))
    given |= dict.fromkeys(model.couplings.names, 0.0)
    assert row.day is not None
    course = model.simulate(row.condition, [0.0, row.day], (*HOST_INPUTS, "host_si_pro"))
    treated = {n: given[n] * float(course[n][0, -1] / course[n][0, 0]) for n in HOST_INPUTS}
    treated["host_si_pro"] = float(course["host_si_pro"][0, -1]) + row.pulse
    columns = {name: np.full((len(paths), 4), float(np.asarray(value))) for name, value in given.items()}
    columns.setdefault("host_si_pro", np.zeros((len(paths), 4)))
    for k, path in enumerate(paths):  # up and down, each before and under the therapy
        columns[path][k] = [SMALL, SMALL, -SMALL, -SMALL]
        for name, value in treated.items():
            columns[name][k, [1, 3]] = float(np.asarray(value))
    solution = kernel.march(
        np.arange(SETTLED + 1.0), (),
        parameters={name: column.ravel() for name, column in columns.items()},
        initial=model.states(person, kernel)[None],
        record=(), steps=2, tolerances=STRICT,
    )  # fmt: skip
    if row.observable == "treg":
        end = np.log(solution.states[:, kernel.state_index["host_R"]])
    else:
        tight = np.log(solution.states[:, kernel.state_index["host_TJ"]])
        end = -model.content.value("host_w_TJ") * tight
    log = end.reshape(len(paths), 4)
    slopes = (log[:, 1] - log[:, 0] - log[:, 3] + log[:, 2]) / (2 * SMALL)
    return dict(zip(paths, slopes.tolist(), strict=True))


def measure_totals(model: Model, gains: Iterable[GainRow], draws: int) -> tuple[TotalRow, ...]:
    """Return each class's total given the biomarkers: the prior's draws, weighed by their likelihood."""
    by_row: dict[str, dict[str, float]] = {}
    for gain in gains:
        by_row.setdefault(gain.row, {})[gain.path] = gain.gain
    fitted = tuple(row for row in read_coupling_rows(model.content.folder) if row.role == "fit")
    data = CouplingData(fitted, {row.id: by_row.get(row.id, {}) for row in fitted})
    ones = {path.id: 1.0 for path in model.couplings.drawn}
    drawn: dict[str, list[tuple[float, float]]] = {}
    for number in range(draws):
        form = model.forms.of_world(number)
        totals, couplings = draw_couplings(model, number, SEED, form, ones)
        weight = float(np.exp(data.log_weight(couplings)))
        for name in _classes(model.couplings, form.paths):
            drawn.setdefault(name, []).append((totals[name], weight))
    cohorts = " ".join(row.cohort for row in fitted)
    return tuple(_total(name, np.array(pairs), model.couplings, cohorts) for name, pairs in drawn.items())


def _classes(couplings: CouplingTables, paths: Iterable[str]) -> set[str]:
    own = set(paths)
    return {path.metabolite_class for path in couplings.drawn if path.id in own}


def _total(name: str, pairs: Array, couplings: CouplingTables, cohorts: str) -> TotalRow:
    """Move the prior's spike and slab by what weighing does to the same draws, which cancels their noise."""
    totals, weights = pairs[:, 0], pairs[:, 1] / pairs[:, 1].sum()
    prior, zero = couplings.priors[name], totals == 0
    odds = weights[zero].sum() / weights[~zero].sum() * (~zero).sum() / zero.sum()
    spike = prior.spike * odds / (prior.spike * odds + 1 - prior.spike)
    narrower = weights @ totals**2 / weights[~zero].sum() / np.mean(totals[~zero] ** 2)
    return TotalRow(
        metabolite_class=name, spike=round(float(spike), 4),
        slab_sd=round(prior.slab_sd * float(np.sqrt(narrower)), 4), draws=len(totals),
        effective=round(float(1 / np.sum(weights**2)), 1), cohorts=cohorts, basis="derived",
        source="prior draws in the forms that hold the class, weighed by the rows of coupling_rows.tsv",
        note="no row touches it: the prior" if np.ptp(pairs[:, 1]) < 1e-12 else "",
    )  # fmt: skip
