"""The fit problem of the gut as PEtab 2: what other tools need to fit the same rows to the same model.

The folder holds the model (gut and hand-over, SBML), its conditions, experiments, observables, measurements
and parameters with their priors, and a README that names everything PEtab cannot say and how it was said
instead. A ratio to an earlier state is written with a helper parameter that takes the earlier value at the
beginning of a period. (Schmiester 2021, 10.1371/journal.pcbi.1008646; version 2 of the format.)
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eubiosis.calibration.petab_parameters import Estimated, composition, estimated, given_in_ms
from eubiosis.calibration.petab_rows import REST, Experiment, Said, say
from eubiosis.calibration.roles import Row, roles_hash, rows_for
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.guilds import GUILDS
from eubiosis.core.output import staged, write_whole
from eubiosis.model.derived import GUT_REFERENCES
from eubiosis.model.join import antimony_to_sbml, joined_antimony
from eubiosis.model.model import Model

MODEL_ID = "eubiosis_upstream"
_END = "</listOfParameters>"
Table = tuple[Sequence[str], list[Sequence[object]]]


@dataclass(frozen=True)
class Export:
    """Every file of a PEtab problem as text, by name, and what could not be said in it."""

    files: Mapping[str, str]
    said: tuple[str, ...]
    unsaid: tuple[tuple[str, str], ...]


def export(model: Model, rows: Sequence[Row] | None = None) -> Export:
    """Write the gut's fit rows as a PEtab 2 problem; ``rows`` are those of ``rows_for("gut")`` by default."""
    rows = rows_for("gut") if rows is None else tuple(rows)
    told, unsaid = [], []
    for row in rows:
        found = say(model, row)
        if isinstance(found, Said):
            told.append(found)
        else:
            unsaid.append((row.id, found))
    told += composition(model)
    numbers, notes = estimated(model)
    helpers = [name for each in told for name in each.helpers]
    files = {
        "model.xml": _model(model, helpers),
        "conditions.tsv": _text(_conditions(model, told, {each.name for each in numbers})),
        "experiments.tsv": _text(_experiments(told)),
        "observables.tsv": _text(_observables(told)),
        "measurements.tsv": _text(_measurements(told)),
        "parameters.tsv": _text(_parameters(numbers)),
        "problem.yaml": _PROBLEM,
    }
    approximate = [(each.name, each.remark) for each in told if each.remark]
    files["README.md"] = _readme(rows, told, [*unsaid, *_outside()], [*approximate, *notes])
    return Export(files, tuple(each.name for each in told), tuple(unsaid))


def write_petab(model: Model, folder: Path, rows: Sequence[Row] | None = None) -> Export:
    """Write the problem into a new folder; raises ``FindingsError`` where the folder exists already."""
    if folder.exists():
        raise FindingsError(
            [Finding(str(folder), "", "exists already", next_step="name a folder that does not exist")]
        )
    written = export(model, rows)
    with staged(folder, new=True) as aside:
        for name, text in written.files.items():
            write_whole(aside / name, text)
    return written


def _model(model: Model, helpers: Sequence[str]) -> str:
    values = dict(model.derived.of("healthy"))
    text = antimony_to_sbml(
        joined_antimony(model.content, ("gut", "handover"), values, name=MODEL_ID), MODEL_ID
    )
    if text.count(_END) != 1:
        message = f"the model has {text.count(_END)} lists of parameters, one was expected"
        raise ValueError(message)
    lines = "".join(f'  <parameter id="{name}" value="1" constant="false"/>\n    ' for name in helpers)
    return text.replace(_END, lines + _END)


def _conditions(model: Model, told: Sequence[Said], free: Collection[str]) -> Table:
    """Return what each condition changes; an input at rest follows a number only where that is estimated."""
    inputs = model.upstream_kernel.parameter_index  # an input that the hand-over computes is none here
    rows: list[Sequence[object]] = [
        (REST, row.id, row.default if row.default in free else f"{model.content.value(row.default)!r}")
        for row in model.content.interface
        if row.direction == "input" and row.id in inputs
    ]
    rows += [(REST, f"gut_w_{guild}", f"gut_w_rest_{guild}") for guild in GUILDS]
    rows += [("references", name, variable) for name, variable in GUT_REFERENCES.items()]
    rows += [("ms", name, value) for name, value in given_in_ms(model).items()]
    seen: dict[str, Mapping[str, str]] = {}
    for each in told:
        for name, changes in each.conditions.items():
            if name not in seen:
                seen[name] = changes
                rows += [(name, target, value) for target, value in changes.items()]
    used = {name for each in told for period in each.experiment.periods for name in period.conditions}
    return ("conditionId", "targetId", "targetValue"), [row for row in rows if row[0] in used]


def _experiments(told: Sequence[Said]) -> Table:
    rows: list[Sequence[object]] = []
    known: dict[str, Experiment] = {}
    for each in told:
        if known.setdefault(each.experiment.name, each.experiment) != each.experiment:
            message = f"two experiments are called {each.experiment.name}"
            raise ValueError(message)
    for experiment in known.values():
        rows += [
            (experiment.name, period.time, condition)
            for period in experiment.periods
            for condition in period.conditions
        ]
    return ("experimentId", "time", "conditionId"), rows


def _observables(told: Sequence[Said]) -> Table:
    columns = ("observableId", "observableName", "observableFormula", "noiseFormula", "noiseDistribution")
    return columns, [
        (f"obs_{each.name}", each.label, each.formula, f"{each.noise:.6g}", each.distribution)
        for each in told
    ]


def _measurements(told: Sequence[Said]) -> Table:
    columns = ("observableId", "experimentId", "time", "measurement")
    return columns, [
        (f"obs_{each.name}", each.experiment.name, each.time, f"{each.measurement:.8g}") for each in told
    ]


def _parameters(numbers: Sequence[Estimated]) -> Table:
    columns = ("parameterId", "parameterName", "lowerBound", "upperBound", "nominalValue", "estimate",
               "priorDistribution", "priorParameters")  # fmt: skip
    return columns, [
        (
            each.name,
            each.label,
            f"{each.low:.8g}",
            f"{each.high:.8g}",
            f"{each.nominal:.8g}",
            "true",
            each.prior,
            ";".join(f"{value:.8g}" for value in each.prior_parameters),
        )
        for each in numbers
    ]


def _text(table: Table) -> str:
    columns, rows = table
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue()


def _outside() -> list[tuple[str, str]]:
    """Return the fit rows of other stages: PEtab knows no simulated people."""
    reasons = {
        "natural_history": "a figure of simulated people with random relapses, no state of the model",
        "drug_class": "a ratio between two arms of simulated people, no state of the model",
        "coupling": "an effect of an exposure on the host, whose prior is no part of this problem",
        "clinical": "an effect on a symptom, which the model has no state for",
    }
    return [(row.id, why) for kind, why in reasons.items() for row in rows_for(kind)]  # type: ignore[arg-type]


def _readme(
    rows: Sequence[Row],
    told: Sequence[Said],
    unsaid: Sequence[tuple[str, str]],
    approximate: Sequence[tuple[str, str]],
) -> str:
    licences = dict(sorted({(name, text) for row in rows for name, text in row.licences.items()}))

    def listed(pairs: Sequence[tuple[str, str]]) -> list[str]:
        reasons = dict.fromkeys(why for _, why in pairs)
        return [f"- {', '.join(name for name, own in pairs if own == why)}: {why}" for why in reasons]

    lines = [
        "# The fit problem of the gut, PEtab 2",
        "",
        "Simulated; nothing here is evidence of efficacy. Group figures from publications only.",
        f"{len(told)} figures are said; roles and figures have the hash `{roles_hash()}`.",
        "",
        "## Not said, and why",
        "",
        *listed(unsaid),
        "",
        "## Said otherwise than it is meant",
        "",
        *listed(approximate),
        "",
        "## Licences of the figures",
        "",
        *(f"- {name}: {text}" for name, text in licences.items()),
        "",
    ]
    return "\n".join(lines)


_PROBLEM = f"""format_version: 2.0.0
model_files:
  {MODEL_ID}:
    location: model.xml
    language: sbml
parameter_files:
  - parameters.tsv
condition_files:
  - conditions.tsv
experiment_files:
  - experiments.tsv
observable_files:
  - observables.tsv
measurement_files:
  - measurements.tsv
"""
