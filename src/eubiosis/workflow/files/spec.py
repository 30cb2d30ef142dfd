"""workflow.yaml: its closed schema, how it is read, and what it becomes.

Every key, its default and what it may hold stand here and nowhere else; ``docs/reference/workflow_yaml.md``
describes them and a test compares the two.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PrivateAttr,
    ValidationError,
    field_serializer,
)

from eubiosis.core import kinds as fields
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.findings import Finding, FindingCollector
from eubiosis.core.kinds import number, one_of, optional, plain, span, text, week
from eubiosis.population.stool.checks import Orientation
from eubiosis.population.stool.scale import Scale
from eubiosis.therapy.therapy import KINDS, Therapy, parse_dose
from eubiosis.trial import design as trial

Source = Literal["reference", "stool"]
Couplings = Literal["symmetric", "zero", "hand_fit"]

_ELIGIBILITY = trial.Eligibility()
_BACKGROUND = trial.Background()
_PLACEBO = Therapy("placebo", 0.0)

Text = Annotated[str, BeforeValidator(text)]
OptionalText = Annotated[str | None, BeforeValidator(optional(text))]
Week = Annotated[float, BeforeValidator(week)]


class Section(BaseModel):
    """Base of the schema: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PopulationSpec(Section):
    """Who the subjects are made from: the embedded reference population or a stool table.

    With ``source: stool`` the paths are relative to the workflow file. Without ``metadata`` every sample is
    a participant; without ``control`` the contrast is to the median of the table.
    """

    source: Annotated[Source, BeforeValidator(one_of(get_args(Source)))] = "reference"
    group: Text = "MS"
    table: OptionalText = None
    metadata: OptionalText = None
    id_column: OptionalText = None
    group_column: OptionalText = None
    control: OptionalText = None
    orientation: Annotated[Orientation | None, BeforeValidator(optional(one_of(get_args(Orientation))))] = (
        None
    )
    scale: Annotated[Scale | None, BeforeValidator(optional(one_of(get_args(Scale))))] = None


class EligibilitySpec(Section):
    """Who may enter; null switches a criterion off."""

    age: Annotated[tuple[float, float] | None, BeforeValidator(optional(span(0, 120)))] = _ELIGIBILITY.age
    edss: Annotated[tuple[float, float] | None, BeforeValidator(optional(span(0, 10)))] = _ELIGIBILITY.edss
    relapses_last_year: Annotated[int | None, BeforeValidator(optional(number(0, 20, whole=True)))] = (
        _ELIGIBILITY.relapses_last_year
    )
    mfis_from: Annotated[float | None, BeforeValidator(optional(number(0, 84)))] = _ELIGIBILITY.mfis_from


class BackgroundSpec(Section):
    """The level of the control arm, which the design states and the model does not predict."""

    relapses_per_year: Annotated[float, BeforeValidator(number(0, 10))] = _BACKGROUND.relapses_per_year
    gd_lesions_per_scan: Annotated[float, BeforeValidator(number(0, 100))] = _BACKGROUND.gd_lesions_per_scan


class AdherenceSpec(Section):
    """The share of the dose that subjects take: mean and standard deviation of a beta law."""

    mean: Annotated[float, BeforeValidator(number(0, 1))] = _PLACEBO.adherence_mean
    sd: Annotated[float, BeforeValidator(number(0, 0.5))] = _PLACEBO.adherence_sd


class ArmSpec(Section):
    """One parallel arm; ``stop`` is by default the last visit, ``control`` the placebo arm."""

    name: Text
    therapy: Annotated[str, BeforeValidator(one_of(KINDS))]
    dose: OptionalText = None
    start: Week = 0.0
    stop: Week
    adherence: AdherenceSpec = AdherenceSpec()
    control: Annotated[bool, BeforeValidator(fields.flag)] = False

    @field_serializer("start", "stop")
    def _as_text(self, weeks: float) -> str:
        return f"week {plain(weeks)}"


class DesignSpec(Section):
    """How many, when and how; ``allocation`` is by default equal."""

    participants: Annotated[int, BeforeValidator(number(2, 20_000, whole=True))]
    visits: Annotated[tuple[float, ...], BeforeValidator(fields.visit_weeks)] = trial.Design.visits
    allocation: Annotated[tuple[int, ...], BeforeValidator(fields.allocation)]
    block: Annotated[int, BeforeValidator(number(1, 100, whole=True))] = trial.Design.block
    dropout_per_year: Annotated[float, BeforeValidator(number(0, 5))] = trial.Design.dropout_per_year
    placebo_response_mfis: Annotated[float, BeforeValidator(number(-84, 84))] = (
        trial.Design.placebo_response_mfis
    )


class SimulationSpec(Section):
    """How often the trial is repeated: in how many worlds of gut and host, how often in each."""

    gut_worlds: Annotated[int, BeforeValidator(number(1, 1000, whole=True))] = 6
    host_worlds: Annotated[int, BeforeValidator(number(1, 1000, whole=True))] = 6
    replicates: Annotated[int, BeforeValidator(number(1, 10_000, whole=True))] = 8
    couplings: Annotated[Couplings, BeforeValidator(one_of(get_args(Couplings)))] = "symmetric"


class WorkflowSpec(Section):
    """A whole workflow: what is asked, of whom, how, and how often it is simulated."""

    title: Text
    question: Text
    context_of_use: Text
    decision: Text
    seed: Annotated[int, BeforeValidator(number(0, 2**53, whole=True))] = 2026
    population: PopulationSpec = PopulationSpec()
    eligibility: EligibilitySpec = EligibilitySpec()
    background: BackgroundSpec = BackgroundSpec()
    arms: tuple[ArmSpec, ...]
    design: DesignSpec
    primary: Annotated[str, BeforeValidator(one_of(ENDPOINTS))]
    simulation: SimulationSpec = SimulationSpec()
    _folder: Path = PrivateAttr(default=Path())

    @property
    def table_path(self) -> Path | None:
        """Where the stool table lies, or None."""
        return None if self.population.table is None else self._folder / self.population.table

    @property
    def metadata_path(self) -> Path | None:
        """Where the metadata table lies, or None."""
        return None if self.population.metadata is None else self._folder / self.population.metadata

    def in_folder(self, folder: Path) -> WorkflowSpec:
        """Return the same workflow, its paths being relative to ``folder``."""
        copy = self.model_copy()
        copy._folder = folder
        return copy


def read_workflow(path: Path | str) -> WorkflowSpec:
    """Read a workflow file; raises ``FindingsError`` with everything that is wrong with it.

    Whether the tables it names hold what they should is ``workflow.tables.check_tables``'s to say; here
    they only have to exist.
    """
    findings = FindingCollector()
    spec = check_workflow(Path(path), findings)
    findings.raise_if_any()
    if spec is None:  # a reader that returns nothing has said why
        raise AssertionError("no workflow and no finding")
    return spec


def check_workflow(path: Path, findings: FindingCollector) -> WorkflowSpec | None:
    """Read a workflow file and report all that is wrong to ``findings``; None where anything is."""
    from eubiosis.core.yaml_lines import read_yaml
    from eubiosis.workflow.files.checks import check_content

    own = FindingCollector()
    document = read_yaml(path, own)
    content = None if document is None else check_content(document, path.parent, WorkflowSpec, own)
    findings.extend(sorted(own.findings, key=_line))
    if own.findings or content is None:
        return None
    return WorkflowSpec.model_validate(content).in_folder(path.parent)


def population_section(path: Path) -> PopulationSpec | None:
    """Return the population of a workflow whose other sections may be wrong; None where it is wrong itself.

    A table or metadata file that is missing makes it None too: ``check_workflow`` has said so.
    """
    from eubiosis.core.yaml_lines import read_yaml

    document = read_yaml(path, FindingCollector())
    if document is None or not isinstance(document.content, dict):
        return None
    try:
        population = PopulationSpec.model_validate(document.content.get("population") or {})
    except ValidationError:
        return None
    named = [name for name in (population.table, population.metadata) if name is not None]
    return population if all((path.parent / name).is_file() for name in named) else None


def to_design(spec: WorkflowSpec) -> trial.Design:
    """Return the design of the trial that a workflow asks for."""
    return trial.Design(
        arms=tuple(trial.Arm(arm.name, _therapy(arm), arm.control) for arm in spec.arms),
        participants=spec.design.participants,
        visits=spec.design.visits,
        allocation=spec.design.allocation,
        block=spec.design.block,
        dropout_per_year=spec.design.dropout_per_year,
        placebo_response_mfis=spec.design.placebo_response_mfis,
        eligibility=trial.Eligibility(**dict(spec.eligibility)),
        background=trial.Background(**dict(spec.background)),
        primary=spec.primary,
    )


def resolved_yaml(spec: WorkflowSpec) -> str:
    """Return the workflow with every default written out; reading it gives the same workflow again."""
    header = (
        "# Resolved: every default written out. Paths are relative to the folder of the original workflow.\n"
    )
    body: str = yaml.safe_dump(
        _lists(spec.model_dump()), sort_keys=False, allow_unicode=True, width=100, default_flow_style=False
    )
    return header + body


def _line(finding: Finding) -> int:
    found = re.match(r"line ([0-9]+)", finding.place)
    return int(found[1]) if found else 0


def _therapy(arm: ArmSpec) -> Therapy:
    dose = 0.0 if arm.dose is None else parse_dose(arm.therapy, arm.dose)
    return Therapy(arm.therapy, dose, arm.start, arm.stop, arm.adherence.mean, arm.adherence.sd)


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, tuple | list) else value
