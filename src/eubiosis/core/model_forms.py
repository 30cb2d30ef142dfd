"""Model forms: four ways in which gut and disease may hang together, and what each lets through.

A form holds some paths from the gut to the host and may hold a direct term of named taxa. Every world has
one form. What differs between the forms is only this: they share the gut, the natural history and the term
outside the mechanism.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.guilds import GUILDS
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.tables import TableRow, check_unique, display_name, read_table

FORMS, TAXA = "calibration/forms.tsv", "calibration/form_taxa.tsv"
TAXON = "taxon_"  # begins the name of an exposure to a guild
SURVIVES = "holds in these four, which share gut, history and the term outside"
_GOLDEN = (math.sqrt(5) - 1) / 2


class ModelFormRow(TableRow):
    """One form: its weight, the paths it holds and the guilds whose shares act directly."""

    form: str
    label: str
    weight: float
    paths: str = ""
    taxa: str = ""
    basis: Basis
    read: Read | None = None
    source: str = ""
    note: str


class TaxonRow(TableRow):
    """The prior of a guild's direct term: the log ratio of relapses and lesions where its share doubles."""

    guild: str
    spike: float
    slab_sd: float
    basis: Basis
    read: Read | None = None
    source: str = ""
    note: str


@dataclass(frozen=True)
class ModelForm:
    """A form as worlds use it."""

    id: str
    label: str
    weight: float
    paths: frozenset[str]
    taxa: tuple[str, ...]


@dataclass(frozen=True)
class Forms:
    """Every form of a content folder, and the priors of the direct terms of guilds."""

    rows: tuple[ModelForm, ...]
    taxa: Mapping[str, TaxonRow]

    def of_world(self, number: int) -> ModelForm:
        """Return the form of host world ``number``: a mirrored pair shares it, and forms come in turn.

        With equal weights the pairs run through the forms one by one, from the second on; with others their
        shares are those of the weights in every long row of worlds (multiples of the golden section).
        """
        pair = number // 2
        if len({form.weight for form in self.rows}) == 1:
            return self.rows[(pair + 1) % len(self.rows)]
        place, passed = (0.5 + pair * _GOLDEN) % 1.0, 0.0
        for form in self.rows:
            passed += form.weight
            if place < passed:
                return form
        return self.rows[-1]


def read_forms(folder: Path) -> Forms:
    """Read the forms of a content folder; raises ``FindingsError`` with everything that is wrong."""
    findings = FindingCollector()
    rows = read_table(folder / FORMS, ModelFormRow, findings)
    taxon_rows = read_table(folder / TAXA, TaxonRow, findings)
    taxa = {row.guild: row for row in taxon_rows}
    file, own = display_name(folder / FORMS), display_name(folder / TAXA)
    check_unique([(row.guild, row.guild) for row in taxon_rows], own, "guild", findings)
    check_unique([(row.form, row.form) for row in rows], file, "form", findings)
    for taxon in taxa.values():
        if taxon.guild not in GUILDS:
            findings.add(own, taxon.guild, f"guild {unknown_word(taxon.guild, GUILDS)}")
        if taxon.slab_sd == math.inf:
            findings.add(own, taxon.guild, "slab_sd inf", allowed="a finite number")
        if not 0 < taxon.spike <= 1 or not taxon.slab_sd > 0:
            findings.add(own, taxon.guild, "a prior without support at zero",
                         allowed="a spike above 0 and at most 1, a slab_sd above 0")  # fmt: skip
    for row in rows:
        for guild in row.taxa.split():
            if guild not in taxa:
                findings.add(file, row.form, f"taxon {unknown_word(guild, taxa)}",
                             next_step=f"add its prior to {TAXA}")  # fmt: skip
        if not row.weight > 0:
            findings.add(file, row.form, f"weight {row.weight:g}", allowed="a number above 0")
    if rows and not math.isclose(sum(row.weight for row in rows), 1.0, abs_tol=1e-9):
        findings.add(file, "weight", f"the weights sum to {sum(row.weight for row in rows):g}", allowed="1")
    findings.raise_if_any()
    return Forms(
        tuple(
            ModelForm(r.form, r.label, r.weight, frozenset(r.paths.split()), tuple(r.taxa.split()))
            for r in rows
        ),
        taxa,
    )
