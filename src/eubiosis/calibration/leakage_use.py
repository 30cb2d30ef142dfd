"""Whether what was fitted elsewhere kept to the roles: the shipped worlds, the priors of the clinic.

The tables belong to others and are read here for two columns alone: which figure or cohort, and whether it
was fitted. A table that is not there was not fitted to anything.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from eubiosis.calibration.leakage import members_of
from eubiosis.calibration.roles_rows import RoleTables, join
from eubiosis.calibration.roles_tables import FOLDER
from eubiosis.core.findings import Finding

WORLDS = f"{FOLDER}/worlds_targets.tsv"
BY_COHORT = (f"{FOLDER}/delta_trials.tsv", f"{FOLDER}/coupling_rows.tsv")


def check_use(tables: RoleTables) -> list[Finding]:
    """Return every figure that the worlds were matched to against its role, and every fitted hold-out."""
    return [*_worlds(tables), *_cohorts(tables)]


def _worlds(tables: RoleTables) -> Iterator[Finding]:
    roles = {row.id: row for row in join(tables)}
    for line in _lines(tables.content.folder / WORLDS):
        row = roles.get(line.get("id", ""))
        if line.get("used") != "yes" or (row and row.role == "fit" and not row.same_as and not row.refusals):
            continue
        problem = f"the worlds were matched to it, and its role is {row.role if row else 'not stated'}"
        yield Finding(
            tables.content.file(WORLDS), line.get("id", ""), problem, "rows of role fit, like for like",
            "remake the worlds: eubiosis calibration worlds",
        )  # fmt: skip


def _cohorts(tables: RoleTables) -> Iterator[Finding]:
    members = members_of(tables.roles, tables.leakage, tables.evidence)
    held = {name: row.id for row in tables.roles if row.role == "holdout" for name in members[row.id].sure}
    for table in BY_COHORT:
        for line in _lines(tables.content.folder / table):
            cohort = line.get("cohort", "")
            if line.get("role") == "fit" and cohort in held:
                problem = f"fitted, and the cohort of the hold-out {held[cohort]}"
                yield Finding(
                    tables.content.file(table), cohort, problem,
                    "holdout, check", "leave it out; it is predicted and scored",
                )  # fmt: skip


def _lines(path: Path) -> list[Mapping[str, str]]:
    if not path.is_file():
        return []
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t"))
