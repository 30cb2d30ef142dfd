"""Make the packaged example: 40 virtual people in four formats, from one seed.

Text and MetaPhlAn's merged layout by this package, BIOM 2.1 by biom-format, the workbook by openpyxl (both
come with the extra "formats"). Writes content/example; from the root:

    .venv/bin/python validation/example_table/make.py
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import biom
import h5py
import numpy as np
import openpyxl
from scipy import sparse

from eubiosis.population.example import EXAMPLE_FOLDER, FILES, PEOPLE_FILE, example_people
from eubiosis.population.virtual.made import MadeTable

_MADE = datetime(2026, 1, 1, tzinfo=UTC)  # no date of the day: the same seed gives the same files


def lineage(taxon: str) -> str:
    """Return a name as MetaPhlAn and BIOM state it: a genus, or an order where the name says so."""
    order = re.match(r"unclassified_(\w+ales)$", taxon)
    return f"o__{order.group(1)}" if order else f"g__{taxon}"


def metaphlan(made: MadeTable) -> str:
    """Return the merged profile in percent; reads of an order without a genus are UNCLASSIFIED."""
    percent = 100 * made.counts / made.counts.sum(axis=1, keepdims=True)
    genera = np.array([lineage(taxon).startswith("g__") for taxon in made.taxa])
    lines = {
        "UNCLASSIFIED": percent[:, ~genera].sum(axis=1),
        "k__Bacteria": percent[:, genera].sum(axis=1),
        **{f"k__Bacteria|g__{t}": percent[:, j] for j, t in enumerate(made.taxa) if genera[j]},
    }
    head = ["#mpa_made_by_eubiosis_nobody_is_in_it", "\t".join(("clade_name", *made.samples))]
    return "\n".join(
        [*head, *("\t".join((name, *(f"{v:.5f}" for v in row))) for name, row in lines.items()), ""]
    )


def write_biom(made: MadeTable, path: Path) -> None:
    """Write counts with the lineage of each feature as BIOM 2.1."""
    features = [f"feature{j:02d}" for j in range(len(made.taxa))]
    metadata = [{"taxonomy": ["k__Bacteria", lineage(taxon)]} for taxon in made.taxa]
    counts = sparse.csr_matrix(made.counts.T.astype(float))
    table = biom.Table(counts, features, list(made.samples), observation_metadata=metadata)
    with h5py.File(path, "w") as file:
        table.to_hdf5(file, "eubiosis, made", creation_date=_MADE)


def write_workbook(made: MadeTable, path: Path) -> None:
    """Write counts, taxa by samples, into the one sheet of a workbook."""
    book = openpyxl.Workbook()
    book.properties.created = book.properties.modified = _MADE.replace(tzinfo=None)
    sheet = book.active
    sheet.title = "made"
    sheet.append(["taxon", *made.samples])
    for taxon, row in zip(made.taxa, made.counts.T.tolist(), strict=True):
        sheet.append([taxon, *row])
    book.save(path)


def main() -> None:
    """Write the four files and the metadata."""
    made = example_people()
    EXAMPLE_FOLDER.mkdir(exist_ok=True)
    (EXAMPLE_FOLDER / FILES["text"]).write_text(made.table_text(), encoding="utf-8", newline="\n")
    (EXAMPLE_FOLDER / FILES["metaphlan"]).write_text(metaphlan(made), encoding="utf-8", newline="\n")
    (EXAMPLE_FOLDER / PEOPLE_FILE).write_text(made.metadata_text(), encoding="utf-8", newline="\n")
    (EXAMPLE_FOLDER / "origin.json").write_text(made.origin_text(), encoding="utf-8", newline="\n")
    write_biom(made, EXAMPLE_FOLDER / FILES["biom"])
    write_workbook(made, EXAMPLE_FOLDER / FILES["excel"])
    for path in sorted(EXAMPLE_FOLDER.iterdir()):
        print(f"{path.stat().st_size:7,} bytes  {path.name}")


if __name__ == "__main__":
    main()
