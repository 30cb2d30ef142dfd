"""Tables in containers, through the field's own libraries: BIOM 1.0 and 2.1, QIIME 2, h5ad and Excel."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from scipy import sparse

from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool.delimited import Grid, read_grid
from eubiosis.population.stool.features import FeatureTable
from eubiosis.population.stool.lineage import joined_ranks, rank_columns
from eubiosis.population.stool.options import ReadOptions
from eubiosis.population.stool.unpack import MOST_BYTES, Opened
from eubiosis.population.stool.words import shown

if TYPE_CHECKING:
    from eubiosis.population.stool.features import Orientation

# what these libraries raise for a file that is not what it says
_BROKEN = (ValueError, KeyError, OSError, TypeError, IndexError, AttributeError, RuntimeError)
_NEEDS = {"biom": "biom-format", "h5py": "h5py", "anndata": "anndata", "openpyxl": "openpyxl"}
_MOST_METADATA = 1 << 20
_TYPE = re.compile(r"^type:\s*[\"']?([^\"'\r\n]+?)[\"']?\s*$", re.MULTILINE)  # the one line that is needed


def needs(library: str, opened: Opened, findings: FindingCollector) -> bool:
    """Say whether an optional library is there; a missing one is a finding with the line that installs it."""
    if find_spec(library) is not None:
        return True
    findings.add(
        opened.name,
        "",
        f"this format is read by {_NEEDS[library]}, which is not installed",
        allowed="text tables need nothing",
        next_step='pip install "eubiosis[formats]"',
    )
    return False


def _damaged(opened: Opened, what: str, error: Exception, findings: FindingCollector) -> None:
    said = (str(error) or type(error).__name__).splitlines()[0][:120]
    findings.add(opened.name, "", f"damaged {what} ({said})", next_step="write the file again")


def hdf5_kind(opened: Opened, findings: FindingCollector) -> str | None:
    """Return "biom" or "h5ad" for an HDF5 file; others are a finding."""
    if not needs("h5py", opened, findings):
        return None
    import h5py

    try:
        with h5py.File(opened.path, "r") as file:
            keys, attributes = set(file.keys()), set(file.attrs)
    except _BROKEN as error:
        _damaged(opened, "HDF5 file", error, findings)
        return None
    if {"observation", "sample"} <= keys:
        return "biom"
    if {"obs", "var"} <= keys or "encoding-type" in attributes:
        return "h5ad"
    findings.add(
        opened.name, "", f"an HDF5 file of another kind ({shown(sorted(keys))})", allowed="BIOM 2.1 or h5ad"
    )
    return None


def biom_hdf5_features(opened: Opened, findings: FindingCollector) -> FeatureTable | None:
    """Return a BIOM 2.x table; the matrix stays sparse."""
    if not (needs("h5py", opened, findings) and needs("biom", opened, findings)):
        return None
    import h5py
    from biom import Table as BiomTable

    try:
        source: Any = io.BytesIO(opened.data) if opened.data else opened.path
        with h5py.File(source, "r") as file:
            table = BiomTable.from_hdf5(file)
    except _BROKEN as error:
        _damaged(opened, "BIOM file", error, findings)
        return None
    return _from_biom(opened, table, findings)


def biom_json_features(opened: Opened, findings: FindingCollector) -> FeatureTable | None:
    """Return a BIOM 1.0 table, which is JSON."""
    if not needs("biom", opened, findings):
        return None
    from biom import Table as BiomTable

    try:
        table = BiomTable.from_json(json.loads(opened.data))
    except (*_BROKEN, RecursionError) as error:
        _damaged(opened, "BIOM file", error, findings)
        return None
    return _from_biom(opened, table, findings)


def _from_biom(opened: Opened, table: Any, findings: FindingCollector) -> FeatureTable | None:
    features = tuple(str(word) for word in table.ids("observation"))
    samples = tuple(str(word) for word in table.ids("sample"))
    if not features or not samples:
        findings.add(opened.name, "", "the table is empty", allowed="samples and taxa")
        return None
    metadata = table.metadata(axis="observation")
    labels = features if metadata is None else tuple(map(_biom_label, features, metadata))
    named = sum(label != feature for label, feature in zip(labels, features, strict=True))
    notes = (f"BIOM: {named} of {len(features)} features named by their taxonomy",) if named else ()
    values = sparse.csr_array(table.matrix_data.T)
    return FeatureTable(opened.name, "biom", samples, labels, values, notes=notes)


def _biom_label(feature: str, metadata: Mapping[str, object] | None) -> str:
    """Return the lineage that the metadata of a feature states; its ranks are told by prefix, never by place.

    HDF5 BIOM drops blank ranks in the middle, so the fifth word need not be the family.
    """
    for key in ("taxonomy", "Taxonomy", "taxon", "Taxon"):
        value = (metadata or {}).get(key)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, Sequence) and not isinstance(value, str) and any(str(v).strip() for v in value):
            return ";".join(str(part) for part in value)
    return feature


def qiime2_features(opened: Opened, findings: FindingCollector) -> FeatureTable | None:
    """Return the feature table of a QIIME 2 artifact (``.qza``), its checksum verified."""
    found = _artifact(opened, ("FeatureTable[",), "data/feature-table.biom", findings)
    if found is None:
        return None
    inner = Opened(opened.path, opened.name, data=found)
    table = biom_hdf5_features(inner, findings)
    if table is None:
        return None
    return replace(table, format="qiime2", notes=("QIIME 2 artifact", *table.notes))


def qiime2_taxonomy(opened: Opened, findings: FindingCollector) -> Grid | None:
    """Return the taxonomy table of a QIIME 2 artifact (``FeatureData[Taxonomy]``)."""
    found = _artifact(opened, ("FeatureData[Taxonomy]",), "data/taxonomy.tsv", findings)
    return (
        None
        if found is None
        else read_grid(opened.name, found.decode("utf-8", "replace"), findings, all_words=True)
    )


def _artifact(
    opened: Opened, types: tuple[str, ...], member: str, findings: FindingCollector
) -> bytes | None:
    try:
        with zipfile.ZipFile(opened.path) as archive:
            names = archive.namelist()
            root = next(n for n in names if n.count("/") == 1 and n.endswith("/metadata.yaml")).split("/")[0]
            about = _bounded_read(archive, f"{root}/metadata.yaml", _MOST_METADATA).decode("utf-8", "replace")
            said = _TYPE.search(about)
            kind = said.group(1) if said else ""
            if not kind.startswith(types):
                findings.add(
                    opened.name, "", f"an artifact of type {kind or 'unknown'}",
                    allowed=" or ".join(types) + "...",
                    next_step="export the artifact that holds the table",
                )  # fmt: skip
                return None
            data = _bounded_read(archive, f"{root}/{member}", MOST_BYTES)
            wrong = _checksum_differs(archive, root, member, data)
    except (*_BROKEN, StopIteration, zipfile.BadZipFile, NotImplementedError) as error:
        _damaged(
            opened, "QIIME 2 artifact", error if isinstance(error, Exception) else ValueError(), findings
        )
        return None
    if wrong:
        findings.add(
            opened.name, member, f"the checksum ({wrong}) does not fit the data",
            allowed="an artifact as QIIME 2 wrote it", next_step="copy the artifact again",
        )  # fmt: skip
        return None
    return data


def _bounded_read(archive: zipfile.ZipFile, member: str, most: int) -> bytes:
    with archive.open(member) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        message = f"{member} is larger than {most:,} bytes"
        raise ValueError(message)
    return data


def _checksum_differs(archive: zipfile.ZipFile, root: str, member: str, data: bytes) -> str:
    """Return the algorithm whose checksum differs, or nothing; older archives carry none."""
    for algorithm in ("md5", "sha256", "sha512"):
        name = f"{root}/checksums.{algorithm}"
        if name not in archive.namelist():
            continue
        for line in _bounded_read(archive, name, _MOST_METADATA).decode("utf-8", "replace").splitlines():
            digest, _, path = line.partition("  ")
            if path.strip() == member:
                own = hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()
                return algorithm if own != digest.strip() else ""
    return ""


def h5ad_features(opened: Opened, options: ReadOptions, findings: FindingCollector) -> FeatureTable | None:
    """Return samples (obs) by taxa (var) of an AnnData file; X stays sparse where it is."""
    if not needs("anndata", opened, findings):
        return None
    import anndata

    try:
        data = anndata.read_h5ad(opened.path)
    except _BROKEN as error:
        _damaged(opened, "h5ad file", error, findings)
        return None
    if data.X is None:
        findings.add(opened.name, "", "no matrix X", next_step="write the counts into X")
        return None
    values = sparse.csr_array(data.X) if sparse.issparse(data.X) else data.X.astype(float)
    samples, labels = tuple(map(str, data.obs_names)), tuple(map(str, data.var_names))
    ranks = rank_columns([str(c) for c in data.var.columns])
    notes: tuple[str, ...] = ("h5ad: samples are obs, taxa are var",)
    if ranks:
        cells = [data.var.iloc[:, j].astype(str).tolist() for j in ranks]
        labels = tuple(joined_ranks(tuple(ranks.values()), row) for row in zip(*cells, strict=True))
        notes += ("taxa named by the rank columns of var",)
    groups = None
    if options.group_column:
        if options.group_column not in data.obs.columns:
            findings.add(
                opened.name,
                "obs",
                f'no column "{options.group_column}"',
                allowed=shown(list(map(str, data.obs.columns))),
            )
            return None
        groups = tuple(data.obs[options.group_column].astype(str))
    way: Orientation = "samples_in_rows"
    return FeatureTable(opened.name, "h5ad", samples, labels, values, way, groups=groups, notes=notes)


def excel_grid(opened: Opened, findings: FindingCollector) -> Grid | None:
    """Return the one sheet of a workbook as a grid; formulas and dates are findings."""
    if not needs("openpyxl", opened, findings):
        return None
    import openpyxl

    try:
        with zipfile.ZipFile(opened.path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > MOST_BYTES:
            message = f"{size:,} bytes when unpacked; at most {MOST_BYTES:,}"
            raise ValueError(message)
        book = openpyxl.load_workbook(opened.path, read_only=True, data_only=False)
        sheets = {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets}
        book.close()
    except (*_BROKEN, zipfile.BadZipFile) as error:
        _damaged(opened, "workbook", error, findings)
        return None
    filled = {
        title: rows for title, rows in sheets.items() if any(any(c is not None for c in r) for r in rows)
    }
    if len(filled) != 1:
        findings.add(
            opened.name, "", f"{len(filled)} sheets with cells ({shown(list(filled))})", allowed="one sheet",
            next_step="save the sheet of the table as a file of its own",
        )  # fmt: skip
        return None
    return _sheet_grid(opened, next(iter(filled.values())), findings)


def _sheet_grid(opened: Opened, rows: Sequence[Sequence[object]], findings: FindingCollector) -> Grid | None:
    lines, odd = [], []
    for i, row in enumerate(rows, start=1):
        cells = []
        for j, cell in enumerate(row):
            if isinstance(cell, str) and cell.startswith("="):
                odd.append((i, j, "a formula"))
            elif cell is not None and not isinstance(cell, (str, int, float)):
                odd.append((i, j, "a date"))
            text = "" if cell is None else repr(cell) if isinstance(cell, float) else str(cell)
            cells.append(" ".join(text.split()).replace('"', ""))
        lines.append("\t".join(cells))
    if odd:
        i, j, what = odd[0]
        findings.add(
            opened.name, f"row {i}, column {j + 1}",
            f"{what} where a name or a number belongs ({len(odd)} cells)",
            allowed="values", next_step="paste the values, and set the columns of names to text",
        )  # fmt: skip
        return None
    return read_grid(opened.name, "\n".join(lines) + "\n", findings)
