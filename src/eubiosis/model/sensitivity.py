"""The stored answers of relapses to each path from the gut, beside a hash of the tables they come from.

One scale for all: the log ratio of expected relapses in a person with MS when the inputs of the path's class
double for good, the other couplings being zero. It is the scale on which trials of relapses report; lesions
would answer a little more. Stored at several sizes of the coupling, because the answer bends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from eubiosis.core.class_priors import PRIORS
from eubiosis.core.findings import Finding, FindingCollector, FindingsError
from eubiosis.core.output import write_whole
from eubiosis.core.provenance import Basis
from eubiosis.core.tables import TableRow, read_table, write_table
from eubiosis.model.class_totals import PathAnswer
from eubiosis.model.content import Content
from eubiosis.model.couplings import TABLE as COUPLINGS
from eubiosis.model.derived import content_key

TABLE = "parameters/sensitivities.tsv"
KEY_FILE = "parameters/sensitivities.sha256"


class SensitivityRow(TableRow):
    """The answer at one size of one coupling, with its Monte Carlo error."""

    id: str
    coupling: float
    log_ratio: float
    error: float
    unit: str
    basis: Basis
    source: str


def answers(rows: Iterable[SensitivityRow]) -> dict[str, PathAnswer]:
    """Return the answer of each path; at zero coupling the inputs do nothing."""
    points: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        points.setdefault(row.id, [(0.0, 0.0)]).append((row.coupling, row.log_ratio))
    return {
        name: PathAnswer(*(np.array(column) for column in zip(*sorted(pairs), strict=True)))
        for name, pairs in points.items()
    }


def sensitivity_key(content: Content) -> str:
    """Hash the tables and modules on which sensitivities depend."""
    digest = hashlib.sha256(content_key(content).encode())
    for name in (COUPLINGS, PRIORS):
        digest.update(name.encode() + b"\0" + (content.folder / name).read_bytes() + b"\0")
    return digest.hexdigest()


def load_sensitivities(content: Content) -> dict[str, PathAnswer]:
    """Read the stored answers; raises ``FindingsError`` where the tables have changed since."""
    key_file = content.folder / KEY_FILE
    if not key_file.is_file() or key_file.read_text(encoding="utf-8").strip() != sensitivity_key(content):
        raise FindingsError(
            [
                Finding(
                    content.file(TABLE),
                    "",
                    "the sensitivities are older than the tables they were measured with",
                    next_step="measure them again (minutes): eubiosis model derive, with --content for "
                    "a folder of your own",
                )
            ]
        )
    findings = FindingCollector()
    rows = read_table(content.folder / TABLE, SensitivityRow, findings)
    findings.raise_if_any()
    return answers(rows)


def save_sensitivities(content: Content, rows: Iterable[SensitivityRow]) -> None:
    """Write measured answers and the hash of what they came from into the content folder."""
    write_table(content.folder / TABLE, tuple(rows), tuple(SensitivityRow.model_fields))
    key = sensitivity_key(content) + "\n"
    write_whole(content.folder / KEY_FILE, key)
