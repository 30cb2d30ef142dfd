"""Genera of a stool table by name, whatever guild they are in: what studies of a disease report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from eubiosis.population.stool.features import product
from eubiosis.population.stool.table import StoolTable
from eubiosis.population.taxa import TaxaTable, informative_ranks, load_taxa, normalise


def genus_of(label: str, taxa: TaxaTable | None = None) -> str:
    """Return the genus that a label of a stool table names, normalised, or "" where it names none.

    A synonym gives the name of its row in the taxa table, and a genus suffix (Blautia_A) is dropped as there.
    A label of a family or of a higher rank names no genus.

    >>> genus_of("k__Bacteria;f__Ruminococcaceae;g__Faecalibacterium;s__prausnitzii"), genus_of("Blautia_A")
    ('faecalibacterium', 'blautia')
    >>> genus_of("f__Lachnospiraceae")
    ''
    """
    names = load_taxa() if taxa is None else taxa
    found = names.match(label)
    if found is not None and found.taxon.rank in ("genus", "species", "subspecies"):
        name = normalise(found.taxon.name.split(";")[-1])
        return name if found.taxon.rank == "genus" else name.split(" ")[0]
    if found is not None:
        return ""
    ranks = informative_ranks(label)
    if not ranks:
        return ""
    genera = [rank for rank in ranks if rank.letter == "g"]
    if genera:
        return genera[-1].text
    last = ranks[-1]
    if last.letter in ("s", "t"):
        return last.text.split(" ")[0] if " " in last.text else ""
    single = not last.letter and not last.text.endswith(("aceae", "ales"))
    return last.text.split(" ")[0] if single else ""


def genus_sums(table: StoolTable, genera: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return each genus's sum in every sample, (n, genera), and whether any label names it, (genera,).

    ``genera`` are normalised names; sums are in the scale of the table. Raises ``ValueError`` for a table
    that was made without its features.
    """
    if table.features is None:
        message = f"{table.file} was made without its features; read it with read_stool_table"
        raise ValueError(message)
    place = {name: k for k, name in enumerate(genera)}
    members = [
        (j, place[genus])
        for j, genus in enumerate(map(genus_of, table.features.labels))
        if genus in place
    ]  # fmt: skip
    weights = sparse.csr_array(
        (np.ones(len(members)), ([j for j, _ in members], [k for _, k in members])),
        shape=(len(table.features.labels), len(genera)),
    )
    sums = np.asarray(product(table.features.values, weights))
    return sums, np.isin(np.arange(len(genera)), [k for _, k in members])
