"""Paths from the gut to the host: which there are, their metabolite class, and the prior of its total.

The total of a class is the log ratio of relapses where its inputs double: zero with the probability of the
spike, else normal about zero. It belongs to the class, not to its paths, so more paths make an effect neither
wider nor surer. ``coupling_priors.tsv`` holds one row for each class and one, "all", for the budget: the
variance under an exposure of one doubling, which no class may exceed. Where exposures x (in doublings) have a
sum of squares of one, the variance of the log ratio is then at most that, however many classes share them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eubiosis.core.class_priors import ALL, PRIORS, PriorRow, read_class_priors
from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.provenance import Read
from eubiosis.core.tables import TableRow, check_unique, display_name, read_table
from eubiosis.model.content import Content

TABLE = "couplings.tsv"
_COUPLING = re.compile(r"^host_c_[a-z0-9]+_[a-z0-9]+$")


class CouplingRow(TableRow):
    """One path from the gut to the host: a coupling of the host half.

    ``target`` says in words where it acts. A ``prior_only`` path has an equation and a parameter, but nobody
    has read how large it is: it stays at zero in every draw and acts only when somebody sets it by hand.
    """

    id: str
    metabolite_class: str
    target: str
    prior_only: Literal["yes", "no"]
    read: Read | None = None
    source: str = ""
    note: str


@dataclass(frozen=True)
class CouplingTables:
    """Every path and every class prior of a content folder."""

    rows: tuple[CouplingRow, ...]
    priors: Mapping[str, PriorRow]

    @property
    def names(self) -> tuple[str, ...]:
        """Every coupling, those that stay at zero included."""
        return tuple(row.id for row in self.rows)

    @property
    def prior_only(self) -> frozenset[str]:
        """The paths that stay at zero in every draw: no size of theirs was read."""
        return frozenset(row.id for row in self.rows if row.prior_only == "yes")

    @property
    def drawn(self) -> tuple[CouplingRow, ...]:
        """The paths that are drawn: all but the prior-only ones."""
        return tuple(row for row in self.rows if row.prior_only == "no")

    def inputs(self, name: str) -> tuple[str, ...]:
        """Return the host inputs of a class."""
        return tuple(self.priors[name].inputs.split())

    def without(self, words: Iterable[str]) -> frozenset[str]:
        """Return the paths that words name: a coupling, a class or a target.

        Raises ``FindingsError`` with every word that names nothing.
        """
        findings, found = FindingCollector(), set()
        known = {w for row in self.rows for w in (row.id, row.metabolite_class, row.target)}
        for word in words:
            if word not in known:
                findings.add(
                    TABLE,
                    "",
                    f"path {unknown_word(word, known)}",
                    allowed="the id, the metabolite_class or the target of a row",
                )
            found |= {r.id for r in self.rows if word in (r.id, r.metabolite_class, r.target)}
        findings.raise_if_any()
        return frozenset(found)


def read_paths(folder: Path, findings: FindingCollector | None = None) -> list[CouplingRow]:
    """Read the paths of a content folder; raises ``FindingsError`` when no collector is given."""
    own = findings if findings is not None else FindingCollector()
    rows = read_table(folder / TABLE, CouplingRow, own)
    check_unique([(row.id, row.id) for row in rows], display_name(folder / TABLE), "path", own)
    if findings is None:
        own.raise_if_any()
    return rows


def read_couplings(content: Content, findings: FindingCollector | None = None) -> CouplingTables:
    """Read both tables; findings go to ``findings``, or are raised where there is no collector."""
    own = findings if findings is not None else FindingCollector()
    rows = read_paths(content.folder, own)
    by_class = read_class_priors(content.folder, own)
    for row in rows:
        _check_path(content, row, by_class, own)
    _check_inputs(content, {row.metabolite_class for row in rows if row.prior_only == "no"}, by_class, own)
    if findings is None:
        own.raise_if_any()
    return CouplingTables(tuple(rows), by_class)


def check_paths(content: Content, rows: Sequence[CouplingRow], findings: FindingCollector) -> None:
    """Report couplings without a row, and paths that are on without a size."""
    file = content.file(TABLE)
    numbers = {name for name in content.numbers if _COUPLING.match(name)}
    for name in sorted(numbers - {row.id for row in rows}):
        findings.add(file, "", f"no row for the coupling {name}", next_step="add its class and target")
    for row in rows:
        if row.id in content.numbers and row.prior_only == "yes" and content.numbers[row.id].value != 0:
            findings.add(
                content.file(content.table_of[row.id]),
                row.id,
                f"a path known by its prior only has the value {content.numbers[row.id].value:g}",
                allowed="0",
                next_step="set it to 0, or give the size that was read and prior_only no",
            )


def _check_path(
    content: Content, row: CouplingRow, priors: Mapping[str, PriorRow], findings: FindingCollector
) -> None:
    file = content.file(TABLE)
    if row.id not in content.numbers:
        findings.add(file, row.id, f"coupling {unknown_word(row.id, content.numbers)}")
    if row.prior_only == "yes":
        return  # never drawn, so its class needs no prior
    prior = priors.get(row.metabolite_class)
    if prior is None or row.metabolite_class == ALL:
        known = [name for name in priors if name != ALL]
        findings.add(
            file,
            row.id,
            f"metabolite_class {unknown_word(row.metabolite_class, known)}",
            allowed=", ".join(known),
            next_step=f"correct the class, or give it a prior in {PRIORS}",
        )


def _check_inputs(
    content: Content, carried: set[str], priors: Mapping[str, PriorRow], findings: FindingCollector
) -> None:
    """Check the inputs of the classes that have a path; a class may wait for its first one."""
    known = {row.id for row in content.interface if row.module == "host" and row.direction == "input"}
    for name in sorted(carried & set(priors)):
        for given in priors[name].inputs.split():
            if given not in known:
                findings.add(content.file(PRIORS), name, f"input {unknown_word(given, known)}")
