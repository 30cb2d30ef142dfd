"""Roles before anything: every figure that calibration may use, what it is for and how it was measured.

``rows_for("gut")`` gives the rows to fit, ``rows_for("gut", "check")`` those never fitted, and
``leave_out`` removes cohorts wherever they enter. A comparison that differs from what the model is asked in
definition, dose, day or contrast is not among them (``refused``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache

from eubiosis.calibration.roles_checks import check_roles
from eubiosis.calibration.roles_compare import HEALTHY, NONE, Comparand, differences
from eubiosis.calibration.roles_rows import (
    LICENCES,
    ROLES,
    Row,
    RowBounds,
    facts,
    hash_of,
    join,
    read_tables,
)
from eubiosis.calibration.roles_tables import Kind, LogRow, Role
from eubiosis.core.findings import Finding, FindingCollector, FindingsError, unknown_word

__all__ = [
    "Row",
    "RowBounds",
    "calibrated_in",
    "check_claims",
    "compare",
    "ever_fitted",
    "facts",
    "join",
    "read_tables",
    "refused",
    "responses",
    "roles",
    "roles_hash",
    "rows_for",
    "scoreboard",
]

_SENTENCE = re.compile(r"[^.;\n]+[.;]?")
_CLAIM = re.compile(r"calibrated in (people with )?(MS|multiple sclerosis)", re.IGNORECASE)
_DENIED = re.compile(r"\b(not|no|nothing|never|without)\b", re.IGNORECASE)


@cache
def roles() -> tuple[Row, ...]:
    """Return every row of the packaged tables; raises ``FindingsError`` with everything wrong in them."""
    findings = FindingCollector()
    tables = read_tables(findings=findings)
    findings.raise_if_any()
    findings.extend(check_roles(tables))
    findings.raise_if_any()
    return join(tables)


def rows_for(
    stage: Kind,
    role: Role = "fit",
    leave_out: Collection[str] = (),
    *,
    rows: Sequence[Row] | None = None,
) -> tuple[Row, ...]:
    """Return the rows of a stage that may be compared with the model, in table order.

    Without rows that repeat another one's figure, without refused comparisons, and without every row that a
    cohort of ``leave_out`` enters, or likely enters. Raises ``FindingsError`` for an unknown cohort.
    """
    every = roles() if rows is None else tuple(rows)
    known = {name for row in every for name in row.cohorts | row.possible}
    unknown = [name for name in leave_out if name not in known]
    if unknown:
        raise FindingsError(
            [
                Finding(
                    LICENCES, "leave_out", f"cohort {unknown_word(name, known)}", next_step="name a cohort"
                )
                for name in unknown
            ]
        )
    out = frozenset(leave_out)
    return tuple(
        row
        for row in every
        if row.kind == stage
        and row.role == role
        and not row.same_as
        and not row.refusals
        and not out & (row.cohorts | row.possible)
    )


def refused(rows: Sequence[Row] | None = None) -> tuple[Row, ...]:
    """Return the rows whose comparison is refused; ``Row.refusals`` says why."""
    return tuple(row for row in (roles() if rows is None else rows) if row.refusals)


def compare(asked: Comparand, row: Row) -> None:
    """Raise ``FindingsError`` naming each difference where a row does not answer what the model is asked."""
    found = differences(asked, row.measured)
    if found:
        raise FindingsError(
            [
                Finding(
                    ROLES,
                    row.id,
                    f"refused, {difference}",
                    allowed="the same definition, dose, day and contrast",
                    next_step="ask the model what was measured, or leave the row out",
                )
                for difference in found
            ]
        )


def ever_fitted(row: Row, log: Sequence[LogRow] = ()) -> bool:
    """Say whether a number of the model was ever set with this row, or the figure it repeats, in sight."""
    return row.fitted or row.role == "fit" or any(line.id == row.id and line.to_role == "fit" for line in log)


def scoreboard(rows: Sequence[Row] | None = None, log: Sequence[LogRow] | None = None) -> tuple[Row, ...]:
    """Return the rows on which the model may be scored: never fitted, compared like for like, each once."""
    every = roles() if rows is None else tuple(rows)
    lines = read_tables().log if log is None and rows is None else (log or ())
    fitted = {row.id for row in every if ever_fitted(row, lines)}
    return tuple(
        row
        for row in every
        if row.role in ("check", "holdout")
        and row.id not in fitted
        and not row.same_as
        and "none" not in row.people
        and not row.refusals
        and (row.low is not None or row.high is not None)
    )


def calibrated_in(rows: Sequence[Row]) -> str:
    """Say in which people the fitted rows were measured: the only words for it that may be shown.

    >>> calibrated_in(())
    'not calibrated'
    """
    fitted = [row for row in rows if row.role == "fit"]
    if not fitted:
        return "not calibrated"
    words = {"ms": "people with MS", "healthy": "healthy people", "other": "people with other conditions"}
    words["mouse"] = "mice with EAE"
    whom = [words[people] for people in words if any(people in row.people for row in fitted)]
    return f"calibrated in {' and '.join(whom)}"


def responses(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the rows that say how people answer a therapy; what a claim about a response may rest on."""
    return tuple(row for row in rows if row.measured.contrast not in (NONE, HEALTHY))


def check_claims(texts: Mapping[str, str], rows: Sequence[Row]) -> list[Finding]:
    """Return every place whose text says "calibrated in MS" where no fitted row is of people with MS alone.

    >>> [str(f) for f in check_claims({"page": "Calibrated in MS."}, ())]  # doctest: +ELLIPSIS
    ['"Calibrated in MS." without a cohort of people with MS...']
    """
    if any(row.role == "fit" and row.in_ms for row in rows):
        return []
    return [
        Finding(
            place,
            "",
            f'"{sentence.strip()}" without a cohort of people with MS',
            calibrated_in(rows),
            "say in whom the figures were measured",
        )
        for place, text in texts.items()
        for sentence in _SENTENCE.findall(text)
        if _CLAIM.search(sentence) and not _DENIED.search(sentence)
    ]


def roles_hash(rows: Sequence[Row] | None = None) -> str:
    """Return the hash of what the rows say: ids, roles, cohorts, controls, comparisons, values, intervals."""
    return hash_of(roles() if rows is None else rows)
