"""A figure with its role, joined from the tables that hold its parts; nothing is held twice."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from eubiosis.calibration.leakage import Members, members_of
from eubiosis.calibration.roles_compare import HEALTHY, NONE, Comparand, asked_of, differences
from eubiosis.calibration.roles_tables import (
    ANCHOR,
    FOLDER,
    NO_TRIAL,
    AllowanceRow,
    CohortRow,
    Kind,
    LeakageRow,
    LogRow,
    People,
    Role,
    RoleRow,
)
from eubiosis.core.findings import FindingCollector
from eubiosis.core.laws import Z975
from eubiosis.core.tables import check_unique, read_table
from eubiosis.core.world_intervals import widened
from eubiosis.evidence import load as load_evidence
from eubiosis.evidence.records.companions import Anchor, CalibrationTarget
from eubiosis.evidence.records.store import Evidence
from eubiosis.model.content import Content, TargetRow, load_content
from eubiosis.model.discrepancy import TransportRow, read_transport

ROLES = f"{FOLDER}/roles.tsv"
LICENCES = f"{FOLDER}/licences.tsv"
LEAKAGE = f"{FOLDER}/leakage.tsv"
ALLOWANCES = f"{FOLDER}/allowances.tsv"
LOG = f"{FOLDER}/roles_log.tsv"
HASH = f"{FOLDER}/roles.sha256"
_RATIOS = ("ratio", "ratio_to", "over_healthy", "therapy", "drug")
_UNIT_OF = {"ratio": "log ratio", "SD": "SD"}  # scale of a figure -> unit of the allowances that fit it
Scale = Literal["ratio", "SD", "own unit"]


class RowBounds(NamedTuple):
    """An interval to be met; ``is_bound`` says that it was widened or opened for the way it was measured."""

    low: float
    high: float
    is_bound: bool


@dataclass(frozen=True)
class Row:
    """One figure with its role, joined from the tables that hold its parts.

    ``low`` and ``high`` are its published interval, ``target`` its value; ``scale`` says where its error
    lives: on the log of a ratio, in standard deviations, or in its own unit. ``cohorts`` are those that
    surely enter it, ``possible`` those that likely do. ``asked`` is what the model is asked (None for a row
    that no target asks), ``measured`` what the study measured, ``refusals`` in what the two differ.
    ``bias_sd`` (log ratio or SD) is the allowance for a missing control, ``transport_sd`` the standard
    deviation, as a share of the response, of the factor that carries it to people with MS.
    """

    id: str
    role: Role
    kind: Kind
    quantity: str
    condition: str
    population: str
    target: float | None
    low: float | None
    high: float | None
    unit: str
    scale: Scale
    read: str
    source: str
    fitted: bool
    control: str
    blinding: str
    people: tuple[People, ...]
    cohorts: frozenset[str]
    possible: frozenset[str]
    licences: Mapping[str, str]
    measured: Comparand
    asked: Comparand | None
    same_as: str
    reason: str
    bias_sd: float = 0.0
    opens_to_null: bool = False
    transport_sd: float = 0.0
    target_row: TargetRow | None = None

    @property
    def species(self) -> str:
        """Whose body it was measured in."""
        return "mouse_EAE" if "mouse" in self.people else "human"

    @property
    def in_ms(self) -> bool:
        """Whether every cohort behind it is of people with MS."""
        return set(self.people) == {"ms"}

    @property
    def refusals(self) -> tuple[str, ...]:
        """In what the figure differs from what the model is asked; empty where it may be compared."""
        return differences(self.asked, self.measured) if self.asked else ()

    @property
    def is_bound(self) -> bool:
        """Whether it enters as a bound: uncontrolled, within one arm, or open where that matters."""
        return self.bias_sd > 0 or self.opens_to_null

    def bounds(self) -> RowBounds:
        """Return the interval to be met: widened by the bias of its control, or opened to no effect.

        An open end is infinite. The bias and the published half-width add up as squares. The transport to
        people with MS is no part of it: it is drawn where a response is carried over (``transport_sd``).
        """
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        ratio = self.scale == "ratio"
        if math.isfinite(low) and math.isfinite(high):
            middle = math.sqrt(low * high) if ratio else (low + high) / 2
            low, _, high = widened((low, middle, high), self.bias_sd, ratio=ratio)
        else:
            beyond = Z975 * self.bias_sd
            low, high = (
                (low * math.exp(-beyond), high * math.exp(beyond)) if ratio else (low - beyond, high + beyond)
            )
        null = 1.0 if ratio else 0.0
        if self.opens_to_null:
            low, high = min(low, null), max(high, null)
        return RowBounds(low, high, self.is_bound)


@dataclass(frozen=True)
class RoleTables:
    """Every table of roles, as read, with the tables that they are joined with."""

    content: Content
    evidence: Evidence
    roles: tuple[RoleRow, ...]
    cohorts: Mapping[str, CohortRow]
    leakage: tuple[LeakageRow, ...]
    allowances: tuple[AllowanceRow, ...]
    log: tuple[LogRow, ...]
    transport: tuple[TransportRow, ...]


def read_tables(
    content: Content | None = None, evidence: Evidence | None = None, findings: FindingCollector | None = None
) -> RoleTables:
    """Read the tables; findings go to ``findings``, or are raised where there is no collector."""
    own = findings if findings is not None else FindingCollector()
    content = content or load_content()
    folder = content.folder
    cohorts = read_table(folder / LICENCES, CohortRow, own)
    leakage = read_table(folder / LEAKAGE, LeakageRow, own)
    allowances = read_table(folder / ALLOWANCES, AllowanceRow, own)
    check_unique([(row.cohort, row.cohort) for row in cohorts], content.file(LICENCES), "cohort", own)
    pairs = [(f"{row.pooled}, {row.cohort}", row.pooled) for row in leakage]
    check_unique(pairs, content.file(LEAKAGE), "the cohort in a pooled row", own)
    check_unique([(row.id, row.id) for row in allowances], content.file(ALLOWANCES), "allowance", own)
    what = [(f"{row.kind}, {row.applies_to}, {row.unit}", row.id) for row in allowances]
    check_unique(what, content.file(ALLOWANCES), "the allowance for", own)
    tables = RoleTables(
        content,
        evidence or load_evidence(),
        tuple(read_table(folder / ROLES, RoleRow, own)),
        {row.cohort: row for row in cohorts},
        tuple(leakage),
        tuple(allowances),
        tuple(read_table(folder / LOG, LogRow, own)),
        read_transport(content),
    )
    if findings is None:
        own.raise_if_any()
    return tables


def join(tables: RoleTables) -> tuple[Row, ...]:
    """Join every role with its figure; a role of an unknown figure is left to ``roles_checks``."""
    targets = {row.id: row for row in tables.content.targets}
    evidence = {row.id: row for row in tables.evidence.table(CalibrationTarget)}
    anchors = anchors_by_id(tables.evidence)
    members = members_of(tables.roles, tables.leakage, tables.evidence)
    joined = []
    for role in tables.roles:
        inside = members[role.id]
        if role.id in targets:
            joined.append(_of_target(role, targets[role.id], inside, tables))
        elif role.id in evidence:
            joined.append(_of_evidence(role, evidence[role.id], inside, tables))
        elif role.id in anchors:
            joined.append(_of_anchor(role, anchors[role.id], inside, tables))
    return tuple(joined)


def hash_of(rows: Sequence[Row]) -> str:
    """Return the hash of what rows say: ids, roles, cohorts, controls, comparisons, values, intervals."""
    lines = [json.dumps(facts(row), sort_keys=True) for row in rows]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def facts(row: Row) -> dict[str, object]:
    """Return what is hashed of a row, as plain values."""
    measured = row.measured
    return {
        "id": row.id,
        "role": row.role,
        "kind": row.kind,
        "cohorts": sorted(row.cohorts),
        "population": row.population,
        "control": row.control,
        "blinding": row.blinding,
        "species": row.species,
        "taxon": measured.taxon,
        "specimen": measured.specimen,
        "dose": measured.dose,
        "day": measured.day,
        "contrast": measured.contrast,
        "value": row.target,
        "low": row.low,
        "high": row.high,
        "same_as": row.same_as,
    }


def anchors_by_id(evidence: Evidence) -> dict[str, Anchor]:
    """Return the anchors by "anchor:STUDY#K", the K-th row of a study."""
    seen: dict[str, int] = {}
    found = {}
    for anchor in evidence.table(Anchor):
        seen[anchor.study] = seen.get(anchor.study, 0) + 1
        found[f"{ANCHOR}{anchor.study}#{seen[anchor.study]}"] = anchor
    return found


def _of_target(role: RoleRow, target: TargetRow, inside: Members, tables: RoleTables) -> Row:
    return _row(
        role,
        inside,
        tables,
        quantity=target.quantity,
        condition=target.condition,
        population=target.population,
        values=(target.target, target.low, target.high),
        unit=target.unit,
        scale="ratio" if target.statistic in _RATIOS else "own unit",
        read=target.read or "",
        source=target.source,
        fitted=target.fitted == "yes",
        asked=None if role.dose == NO_TRIAL else asked_of(target, tables.content.changes),
        target_row=target,
    )


def _of_evidence(role: RoleRow, row: CalibrationTarget, inside: Members, tables: RoleTables) -> Row:
    people = " and ".join(sorted({tables.cohorts[c].people for c in inside.sure if c in tables.cohorts}))
    return _row(
        role,
        inside,
        tables,
        quantity=f"{row.quantity} ({row.intervention})",
        condition="",
        population={"ms": "people with MS", "mouse": "mice with EAE"}.get(people, people),
        values=(_number(row.value), row.ci_low, row.ci_high),
        unit="",
        scale="ratio" if row.quantity.startswith("HR") else "SD" if "SMD" in row.quantity else "own unit",
        read=row.source_confidence,
        source=row.study_ids,
        fitted=False,
        asked=None,
        target_row=None,
    )


def _of_anchor(role: RoleRow, anchor: Anchor, inside: Members, tables: RoleTables) -> Row:
    return _row(
        role,
        inside,
        tables,
        quantity=anchor.quantity,
        condition="",
        population=anchor.population_or_system,
        values=(_number(anchor.value), None, None),
        unit=anchor.unit,
        scale="own unit",
        read=anchor.read,
        source=anchor.doi_or_pmid,
        fitted=False,
        asked=None,
        target_row=None,
    )


def _row(
    role: RoleRow,
    inside: Members,
    tables: RoleTables,
    *,
    quantity: str,
    condition: str,
    population: str,
    values: tuple[float | None, float | None, float | None],
    unit: str,
    scale: Scale,
    read: str,
    source: str,
    fitted: bool,
    asked: Comparand | None,
    target_row: TargetRow | None,
) -> Row:
    known = [tables.cohorts[name] for name in sorted(inside.sure) if name in tables.cohorts]
    people = tuple(dict.fromkeys(row.people for row in known))
    biases = [
        row
        for row in tables.allowances
        if row.kind == role.kind and row.applies_to in (role.control, role.blinding)
    ]
    return Row(
        id=role.id,
        role=role.role,
        kind=role.kind,
        quantity=quantity,
        condition=condition,
        population=population,
        target=values[0],
        low=values[1],
        high=values[2],
        unit=unit,
        scale=scale,
        read=read,
        source=source,
        fitted=fitted,
        control=role.control,
        blinding=role.blinding,
        people=people,
        cohorts=inside.sure,
        possible=inside.likely,
        licences={row.cohort: row.licence for row in known},
        measured=Comparand(role.taxon, role.specimen, role.dose, role.day, role.contrast),
        asked=asked,
        same_as=role.same_as,
        reason=role.reason,
        bias_sd=math.hypot(*(row.sd for row in biases if row.unit == _UNIT_OF.get(scale))),
        opens_to_null=any(row.opens == "yes" for row in biases),
        transport_sd=_transport(target_row, people, role, tables),
        target_row=target_row,
    )


def _transport(
    target: TargetRow | None, people: tuple[People, ...], role: RoleRow, tables: RoleTables
) -> float:
    """Return the sd of the factor that carries a response to people with MS; 0 for one measured in them."""
    sizes = {row.quantity: row.sd for row in tables.transport}
    if role.contrast in (NONE, HEALTHY) or set(people) <= {"ms", "none"} or not sizes:
        return 0.0
    guild = target is not None and target.taxon != "-"
    return sizes.get("guild" if guild else "stool_acid", max(sizes.values()))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
