"""Refuse tables of roles that would let a figure be used twice, or for what it is not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from eubiosis.calibration.leakage import members_of, shared_with_holdouts
from eubiosis.calibration.roles_rows import (
    HASH,
    LEAKAGE,
    LICENCES,
    LOG,
    ROLES,
    RoleTables,
    Row,
    anchors_by_id,
    hash_of,
    join,
)
from eubiosis.core.findings import Finding, FindingCollector, unknown_word
from eubiosis.core.tables import check_unique
from eubiosis.evidence.records.companions import CalibrationTarget

_ONCE = ("coupling", "clinical")  # here a cohort is one observation, whatever it measured


def check_roles(tables: RoleTables, *, hashed: bool = True) -> list[Finding]:
    """Return everything that is wrong with the tables; ``hashed=False`` leaves their hash alone."""
    findings = FindingCollector()
    file = tables.content.file(ROLES)
    check_unique([(row.id, row.id) for row in tables.roles], file, "the role of", findings)
    findings.extend(_unknown_rows(tables))
    rows = join(tables)
    for check in (_without_role, _against_source, _fit_rows, _cohorts, _counted_twice, _held_out, _repeats):
        findings.extend(check(tables, rows))
    findings.extend(_logged(tables))
    if hashed:
        findings.extend(_hash(tables, rows))
    return findings.findings


def _unknown_rows(tables: RoleTables) -> Iterator[Finding]:
    known = {row.id for row in tables.content.targets}
    known |= {row.id for row in tables.evidence.table(CalibrationTarget)} | set(
        anchors_by_id(tables.evidence)
    )
    file = tables.content.file(ROLES)
    for row in tables.roles:
        if row.id not in known:
            yield Finding(
                file,
                row.id,
                f"figure {unknown_word(row.id, known)}",
                "a target, a calibration target of the evidence, or anchor:STUDY#K",
                "correct the id, or add the figure first",
            )


def _without_role(tables: RoleTables, rows: tuple[Row, ...]) -> Iterator[Finding]:
    del rows
    named = {row.id for row in tables.roles}
    figures = [row.id for row in tables.content.targets]
    figures += [row.id for row in tables.evidence.table(CalibrationTarget)]
    for figure in figures:
        if figure not in named:
            yield Finding(
                tables.content.file(ROLES),
                figure,
                "no role",
                next_step="give it one, and state the hash anew",
            )


def _against_source(tables: RoleTables, rows: tuple[Row, ...]) -> Iterator[Finding]:
    """Refuse a role that gives away what the table of the figure keeps."""
    sources: dict[str, Any] = {row.id: row.role for row in tables.content.targets}
    sources |= {row.id: row.role for row in tables.evidence.table(CalibrationTarget)}
    logged = {(line.id, line.to_role) for line in tables.log}
    for row in rows:
        own = sources.get(row.id, "check")
        if own == "holdout" and row.role != "holdout":
            yield Finding(
                tables.content.file(ROLES), row.id, f"a {row.role} row that is also a hold-out",
                "holdout", "leave it a hold-out: it is never fitted or tuned to",
            )  # fmt: skip
        elif row.role == "fit" and own != "fit" and not row.fitted and (row.id, "fit") not in logged:
            yield Finding(
                tables.content.file(ROLES), row.id, f"fitted, where its own table says {own}",
                "check, or a line of roles_log.tsv that says when and why it was fitted",
                "write the line; the row leaves the scoreboard for good",
            )  # fmt: skip


def _fit_rows(tables: RoleTables, rows: tuple[Row, ...]) -> Iterator[Finding]:
    file = tables.content.file(ROLES)
    for row in rows:
        if (row.species == "mouse_EAE") != (row.kind == "eae"):
            yield Finding(
                file, row.id, f"a {row.species} row of kind {row.kind}", "mice inform EAE, and EAE only"
            )
        if row.role != "fit":
            continue
        if row.low is None and row.high is None:
            yield Finding(
                file,
                row.id,
                "a fit row without an interval",
                "low, high or both",
                "find it, or make it a check",
            )
        if not row.population:
            yield Finding(file, row.id, "a fit row without a population", next_step="say who was measured")
        if row.read == "recalled":
            yield Finding(
                file, row.id, "a fit row whose source nobody has read", "check", "read it, or make it a check"
            )
        for difference in row.refusals:
            yield Finding(
                file, row.id, f"a fit row whose comparison is refused, {difference}",
                "the same definition, dose, day and contrast",
                "ask the model what was measured, or make it a check",
            )  # fmt: skip


def _cohorts(tables: RoleTables, rows: tuple[Row, ...]) -> Iterator[Finding]:
    """Refuse rows whose cohort nobody describes or nobody licensed."""
    for row in rows:
        for name in sorted(row.cohorts | row.possible):
            if name not in tables.cohorts:
                yield Finding(
                    tables.content.file(ROLES), row.id, f"cohort {unknown_word(name, tables.cohorts)}",
                    next_step=f"correct it, or describe it in {LICENCES}",
                )  # fmt: skip
        if not row.cohorts:
            yield Finding(
                tables.content.file(ROLES), row.id, "no cohort", next_step="name whose figure it is"
            )
    for cohort in tables.cohorts.values():
        if not cohort.licence:
            users = ", ".join(row.id for row in rows if cohort.cohort in row.cohorts) or "no row"
            yield Finding(
                tables.content.file(LICENCES), cohort.cohort, f"no licence (used by {users})",
                next_step="say under which licence its figures are carried over",
            )  # fmt: skip


def _counted_twice(tables: RoleTables, rows: tuple[Row, ...]) -> Iterator[Finding]:
    """Refuse a cohort that is fitted twice for one thing, or twice at all where it is one observation."""
    seen: dict[tuple[object, ...], str] = {}
    for row in rows:
        if row.role != "fit" or row.same_as:
            continue
        thing = row.target_row.observable if row.target_row else row.quantity
        once = row.kind in _ONCE
        for name in sorted(row.cohorts):
            key = (name,) if once else (row.kind, name, thing, row.condition, row.measured.day)
            if key in seen:
                yield Finding(
                    tables.content.file(ROLES), row.id, f'cohort "{name}" counted twice (first: {seen[key]})',
                    "one fit row a cohort and quantity; for couplings and the clinic together one a cohort",
                    "make one of the two a check",
                )  # fmt: skip
            seen.setdefault(key, row.id)


def _held_out(tables: RoleTables, rows: tuple[Row, ...]) -> Iterator[Finding]:
    """Refuse a fit row that a cohort of a hold-out enters, or likely enters."""
    del rows
    members = members_of(tables.roles, tables.leakage, tables.evidence)
    fitted = {row.id for row in tables.roles if row.role == "fit"}
    for pair in shared_with_holdouts(tables.roles, members):
        if pair.first in fitted:
            enters = "enters" if pair.certain else "likely enters"
            yield Finding(
                tables.content.file(LEAKAGE), pair.first,
                f'cohort "{pair.cohort}" {enters} this fit row and the hold-out {pair.second}',
                next_step="pool without it, or give up the hold-out and say so",
            )  # fmt: skip


def _repeats(tables: RoleTables, rows: tuple[Row, ...]) -> Iterator[Finding]:
    known = {row.id: row for row in rows}
    file = tables.content.file(ROLES)
    for row in rows:
        if row.same_as and row.same_as not in known:
            yield Finding(
                file, row.id, f"same_as {unknown_word(row.same_as, known)}", next_step="correct the id"
            )
        elif row.same_as and row.role == "fit":
            yield Finding(
                file, row.id, f"a fit row that repeats {row.same_as}", "check", "fit one of the two"
            )
        elif row.same_as and not row.cohorts & known[row.same_as].cohorts:
            yield Finding(file, row.id, f"repeats {row.same_as}, a figure of another cohort")
    for line in tables.leakage:
        if line.pooled not in known:
            yield Finding(
                tables.content.file(LEAKAGE), line.pooled, f"row {unknown_word(line.pooled, known)}",
                next_step="correct the id",
            )  # fmt: skip


def _logged(tables: RoleTables) -> Iterator[Finding]:
    """Refuse a log whose last word on a row is not the row's role."""
    role_of = {row.id: row.role for row in tables.roles}
    for name in dict.fromkeys(line.id for line in tables.log):
        lines = [line for line in tables.log if line.id == name]
        for before, after in pairwise(lines):
            if before.to_role != after.from_role:
                problem = f"goes from {after.from_role}, where it was {before.to_role}"
                yield Finding(tables.content.file(LOG), name, problem, next_step="write each change once")
        if role_of.get(name) != lines[-1].to_role:
            problem = f"the log ends with {lines[-1].to_role}, the table says {role_of.get(name, 'nothing')}"
            yield Finding(tables.content.file(LOG), name, problem, next_step="write a line for the change")


def _hash(tables: RoleTables, rows: tuple[Row, ...]) -> Iterator[Finding]:
    path = tables.content.folder / HASH
    stated = path.read_text(encoding="utf-8").split()[:1] if path.is_file() else []
    found = hash_of(rows)
    if stated != [found]:
        yield Finding(
            tables.content.file(HASH),
            "",
            f"the rows have the hash {found}, stated is {stated[0] if stated else 'none'}",
            "roles are fixed before anything is fitted",
            "undo the change; or log it in roles_log.tsv, write the new hash and remake the worlds",
        )
