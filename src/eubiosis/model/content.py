"""Load the model's data: parameters, initial values, interface, hand-over, persons, conditions, targets.

A content folder holds ``models/*.ant``, ``parameters/*.tsv`` and the tables beside them. The packaged one
is the default; a copy can be edited and named instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import Basis, Read, SourcedNumber
from eubiosis.core.tables import RowProblem, TableRow, check_unique, display_name, read_table

# parameter tables whose numbers enter the SBML model, and those used outside it
MODEL_TABLES = ("gut", "gut_processes", "host", "handover", "readout")
OUTSIDE_TABLES = ("population", "clinic", "persons", "forms")
MODULES = ("gut", "handover", "host", "readout")
OPTIONAL_MODULES = ("fmt",)
CONDITION = "condition:"  # begins a contrast that names another condition


Statistic = Literal[
    "value",
    "ratio",
    "ratio_to",
    "over_healthy",
    "log10",
    "log10_fall_3d",
    "share_of_acids",
    "absorbed_share",
    "excreted",
    "extra_per_g_itf",
    "bolus",
    "therapy",
    "population",
    "drug",
]


class InterfaceRow(TableRow):
    """What a module takes in (input), gives out (output) or needs of a person (person)."""

    module: Literal["gut", "handover", "host", "readout", "fmt"]
    id: str
    direction: Literal["input", "output", "person"]
    unit: str
    default: str = ""
    meaning: str


class HandoverRow(TableRow):
    """One quantity that crosses from one half to the other."""

    source_variable: str
    target_variable: str
    reference: str
    unit: str
    transform: Literal[
        "ratio", "power", "occupancy", "appearance", "clearance", "compartment", "share", "constant"
    ]
    basis: Basis
    read: Read | None = None
    source: str = ""
    note: str


class PersonRow(TableRow):
    """A setting in which one kind of person differs from the reference."""

    person: str
    target: str
    value: str
    note: str


class FormRow(TableRow):
    """A kind of person or animal: its name, whose settings it starts from, whether its targets were fitted.

    ``calibrated`` is "no" where no target of this form was read and fitted; it is then shown as uncalibrated.
    """

    person: str
    label: str
    species: Literal["human", "mouse"]
    based_on: str = ""
    calibrated: Literal["yes", "no"]
    note: str


class ConditionRow(TableRow):
    """A named experiment: who, and for how many days."""

    condition: str
    person: str
    days: float
    description: str


class ChangeRow(TableRow):
    """One change within a condition: an amount of an input, so often a day, from one day to another.

    ``fixed`` holds a parameter for the whole run, ``start`` sets a state at its beginning, ``event`` is a
    transplant.
    """

    condition: str
    target: str
    amount: str
    unit: str
    times_per_day: float = 1.0
    start_day: float = 0.0
    stop_day: float | None = None
    kind: Literal["input", "fixed", "start", "event"]
    basis: Basis
    source: str = ""
    note: str = ""


class DrugRow(TableRow):
    """A point of attack of one drug: a number of the host, and the factor on it.

    A drug with several rows has the same factor on each. ``comparator`` is "placebo" or another drug.
    """

    drug: str
    drug_class: str
    target: str
    factor: float
    comparator: str = "placebo"
    basis: Basis
    read: Read | None = None
    source: str = ""
    fitted_to: str = ""
    note: str


class TargetRow(TableRow):
    """What the evidence says a quantity should be under a condition.

    ``id`` starts with T for the 141 targets of commit 610d205 and with N for later ones. ``population``
    names the people of the source (entrants are people with a relapse in the year before entry), ``taxon``
    whether a share is that of a guild or of a genus, ``contrast`` what is compared with what; with the
    statistic ratio_to it names the other condition, as in ``condition:healthy_fibre_10g``. ``fitted`` says
    whether a number of the model was set with this row in sight, ``corrects`` what the row said before and
    why that was wrong, ``reason`` in one line why the model misses it.
    """

    id: str
    quantity: str
    condition: str
    population: str
    taxon: Literal["guild", "genus", "-"] = "-"
    contrast: str
    observable: str
    statistic: Statistic
    day: float | None = None
    unit: str
    target: float | None = None
    low: float | None = None
    high: float | None = None
    role: Literal["fit", "check", "holdout", "prediction"]
    fitted: Literal["yes", "no"]
    read: Read | None = None
    source: str = ""
    corrects: str = ""
    reason: str = ""
    note: str = ""

    @property
    def other_condition(self) -> str | None:
        """The condition that a ratio_to is taken to."""
        return self.contrast.removeprefix(CONDITION) if self.statistic == "ratio_to" else None

    @model_validator(mode="after")
    def _says_what_it_is(self) -> TargetRow:
        if self.taxon == "-" and "gut_share_" in self.observable:
            raise RowProblem(
                "a share without taxon", allowed="guild, genus", next_step="say which was measured"
            )
        if (self.statistic == "ratio_to") != self.contrast.startswith(CONDITION):
            raise RowProblem(
                f'statistic {self.statistic} with the contrast "{self.contrast}"',
                allowed=f"ratio_to with {CONDITION}NAME, and that with nothing else",
                next_step="name the condition that this one is compared with",
            )
        if self.role == "holdout" and self.fitted == "yes":
            raise RowProblem("a hold-out that was fitted", next_step="make its role fit, or do not fit it")
        return self


@dataclass(frozen=True)
class Content:
    """Every table of a content folder and the text of its modules."""

    folder: Path
    numbers: Mapping[str, SourcedNumber]
    table_of: Mapping[str, str]
    initial: Mapping[str, SourcedNumber]
    interface: tuple[InterfaceRow, ...]
    handover: tuple[HandoverRow, ...]
    persons: tuple[PersonRow, ...]
    forms: tuple[FormRow, ...]
    conditions: tuple[ConditionRow, ...]
    changes: tuple[ChangeRow, ...]
    targets: tuple[TargetRow, ...]
    drugs: tuple[DrugRow, ...]
    modules: Mapping[str, str]
    values: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def by_name(self) -> Mapping[str, float]:
        """The value of every sourced number."""
        return {name: row.value for name, row in self.numbers.items()}

    def value(self, text: str) -> float:
        """Return a number written as such or as the id of a sourced number."""
        if text in self.numbers:
            return self.numbers[text].value
        return float(text)

    def with_values(self, values: Mapping[str, float]) -> Content:
        """Return this content with other values of some numbers; raises ``KeyError`` for an unknown one."""
        changed = {name: self.numbers[name].model_copy(update={"value": v}) for name, v in values.items()}
        return replace(self, numbers={**self.numbers, **changed})

    def file(self, name: str) -> str:
        """Name a file of this content as findings show it."""
        return display_name(self.folder / name)


def load_content(folder: Path = PACKAGED_CONTENT, findings: FindingCollector | None = None) -> Content:
    """Load a content folder.

    Findings of the tables go to ``findings``; without a collector they are raised as ``FindingsError``.
    """
    own = findings if findings is not None else FindingCollector()
    numbers: dict[str, SourcedNumber] = {}
    table_of: dict[str, str] = {}
    places: list[tuple[str, str]] = []
    for table in (*MODEL_TABLES, *OUTSIDE_TABLES):
        name = f"parameters/{table}.tsv"
        for row in read_table(folder / name, SourcedNumber, own):
            places.append((row.id, display_name(folder / name)))
            numbers.setdefault(row.id, row)
            table_of.setdefault(row.id, name)
    check_unique(places, "parameters", "parameter", own)
    initial = {row.id: row for row in read_table(folder / "parameters/initial.tsv", SourcedNumber, own)}
    content = Content(
        folder=folder,
        numbers=numbers,
        table_of=table_of,
        initial=initial,
        interface=tuple(read_table(folder / "models/interface.tsv", InterfaceRow, own)),
        handover=tuple(read_table(folder / "handover.tsv", HandoverRow, own)),
        persons=tuple(read_table(folder / "persons.tsv", PersonRow, own)),
        forms=tuple(read_table(folder / "forms.tsv", FormRow, own)),
        conditions=tuple(read_table(folder / "conditions/conditions.tsv", ConditionRow, own)),
        changes=tuple(read_table(folder / "conditions/changes.tsv", ChangeRow, own)),
        targets=tuple(read_table(folder / "targets/targets.tsv", TargetRow, own)),
        drugs=tuple(read_table(folder / "drug_classes.tsv", DrugRow, own)),
        modules=_read_modules(folder, own),
    )
    if findings is None:
        own.raise_if_any()
    return content


def _read_modules(folder: Path, findings: FindingCollector) -> dict[str, str]:
    texts: dict[str, str] = {}
    for module in (*MODULES, *OPTIONAL_MODULES):
        path = folder / "models" / f"{module}.ant"
        try:
            texts[module] = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            findings.add(
                display_name(path), "", "the module is missing", next_step="restore it from the package"
            )
        except UnicodeDecodeError as error:
            findings.add(display_name(path), f"byte {error.start}", "not UTF-8 text")
    return texts
