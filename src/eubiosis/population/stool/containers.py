"""Tables in containers, through the field's own libraries: BIOM 1.0 and 2.1, QIIME 2 and h5ad."""

from __future__ import annotations

import hashlib
import io
import json
import re
import warnings
import zipfile
import zlib
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
from eubiosis.population.stool.words import plain, shown

if TYPE_CHECKING:
    from eubiosis.population.stool.features import Orientation

# what these libraries raise for a file that is not what it says
BROKEN = (
    ValueError, KeyError, OSError, TypeError, IndexError, AttributeError, RuntimeError, ArithmeticError,
    AssertionError, EOFError, ImportError, MemoryError, NotImplementedError, SyntaxError, SystemError,
    zlib.error, zipfile.BadZipFile,
)  # fmt: skip
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


def damaged(opened: Opened, what: str, error: Exception, findings: FindingCollector) -> None:
    """Report what a library said of a file that is not what it says it is."""
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
            _check_size(file)
    except BROKEN as error:
        damaged(opened, "HDF5 file", error, findings)
        return None
    if {"observation", "sample"} <= keys:
        return "biom"
    if {"obs", "var"} <= keys or "encoding-type" in attributes:
        return "h5ad"
    findings.add(
        opened.name, "", f"an HDF5 file of another kind ({shown(sorted(keys))})", allowed="BIOM 2.1 or h5ad"
    )
    return None


def _check_size(file: Any) -> None:
    """Refuse HDF5 data that unpack to more than the limit, or that lie in other files."""
    import h5py

    held, wrong = [0], list[str]()

    def visit(name: str, item: Any) -> bool | None:  # an error may not leave it: HDF5 calls it
        if isinstance(item, h5py.Dataset):
            held[0] += int(item.size or 0) * item.dtype.itemsize
            if item.external or item.is_virtual:
                wrong.append(f"{name} lies in another file")
            elif held[0] > MOST_BYTES:
                wrong.append(f"more than {MOST_BYTES:,} bytes when unpacked")
        return True if wrong else None

    def visit_link(name: str, link: Any) -> bool | None:
        if isinstance(link, h5py.ExternalLink):
            wrong.append(f"{name} leads to another file")
        return True if wrong else None

    file.visititems_links(visit_link)
    if not wrong:
        file.visititems(visit)
    if wrong:
        raise ValueError(wrong[0])


def biom_hdf5_features(
    opened: Opened, findings: FindingCollector, group_column: str = ""
) -> FeatureTable | None:
    """Return a BIOM 2.x table; the matrix stays sparse. ``group_column`` names sample metadata, if any."""
    if not (needs("h5py", opened, findings) and needs("biom", opened, findings)):
        return None
    import h5py
    from biom import Table as BiomTable
    from biom.exception import BiomException

    try:
        source: Any = io.BytesIO(opened.data) if opened.data else opened.path
        with h5py.File(source, "r") as file:
            _check_size(file)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                table = BiomTable.from_hdf5(file)
    except (*BROKEN, BiomException) as error:
        damaged(opened, "BIOM file", error, findings)
        return None
    return _from_biom(opened, table, group_column, findings)


def biom_json_features(
    opened: Opened, findings: FindingCollector, group_column: str = ""
) -> FeatureTable | None:
    """Return a BIOM 1.0 table, which is JSON; ``group_column`` as in ``biom_hdf5_features``."""
    if not needs("biom", opened, findings):
        return None
    from biom import Table as BiomTable
    from biom.exception import BiomException

    try:
        stated = json.loads(opened.data)
        lines, columns = len(stated["rows"]), len(stated["columns"])
        if stated["shape"] != [lines, columns]:
            message = f"shape {stated['shape']} beside {lines} rows and {columns} columns"
            raise ValueError(message)
        table = BiomTable.from_json(stated)
    except (*BROKEN, BiomException) as error:
        damaged(opened, "BIOM file", error, findings)
        return None
    return _from_biom(opened, table, group_column, findings)


def _from_biom(
    opened: Opened, table: Any, group_column: str, findings: FindingCollector
) -> FeatureTable | None:
    features = tuple(str(word) for word in table.ids("observation"))
    samples = tuple(str(word) for word in table.ids("sample"))
    if not features or not samples:
        findings.add(opened.name, "", "the table is empty", allowed="samples and taxa")
        return None
    metadata = table.metadata(axis="observation")
    labels = features if metadata is None else tuple(map(_biom_label, features, metadata))
    named = sum(label != feature for label, feature in zip(labels, features, strict=True))
    notes = (f"BIOM: {named} of {len(features)} features named by their taxonomy",) if named else ()
    values = sparse.csr_array(table.matrix_data.T, dtype=float)
    groups = _biom_groups(opened, table, group_column, findings) if group_column else None
    return FeatureTable(opened.name, "biom", samples, labels, values, groups=groups, notes=notes)


def _biom_groups(
    opened: Opened, table: Any, column: str, findings: FindingCollector
) -> tuple[str, ...] | None:
    """Return what the sample metadata of a BIOM file hold under a name; an unknown name is a finding."""
    rows = table.metadata(axis="sample") or ()
    known = sorted({str(key) for row in rows for key in (row or {})})
    if column not in known:
        problem = f'no sample metadata "{column}"' if known else "no sample metadata in this BIOM file"
        findings.add(
            opened.name, "groups", problem, allowed=", ".join(known[:20]) or "a metadata table beside it",
            next_step="" if known else "give --groups FILE:COLUMN",
        )  # fmt: skip
        return None
    return tuple(str((row or {}).get(column, "")).strip() for row in rows)


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
    data, said = found
    inner = Opened(opened.path, opened.name, data=data)
    table = biom_hdf5_features(inner, findings)
    return None if table is None else replace(table, format="qiime2", notes=(said, *table.notes))


def qiime2_taxonomy(opened: Opened, findings: FindingCollector) -> Grid | None:
    """Return the taxonomy table of a QIIME 2 artifact (``FeatureData[Taxonomy]``)."""
    found = _artifact(opened, ("FeatureData[Taxonomy]",), "data/taxonomy.tsv", findings)
    if found is None:
        return None
    return read_grid(opened.name, found[0].decode("utf-8", "replace"), findings, all_words=True)


def _artifact(
    opened: Opened, types: tuple[str, ...], member: str, findings: FindingCollector
) -> tuple[bytes, str] | None:
    """Return a member of an artifact, its checksum verified, and what the artifact says of itself."""
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
            version = _version(archive, root)
            algorithm, fits = _checksum(archive, root, member, data)
    except (*BROKEN, StopIteration) as error:
        damaged(opened, "QIIME 2 artifact", error if isinstance(error, Exception) else ValueError(), findings)
        return None
    if not fits:
        findings.add(
            opened.name, member, f"the checksum ({algorithm}) does not fit the data",
            allowed="an artifact as QIIME 2 wrote it", next_step="copy the artifact again",
        )  # fmt: skip
        return None
    checked = f"its {algorithm} checksum fits" if algorithm else "it carries no checksum of the table"
    return data, f"QIIME 2 artifact, {version}; {checked}"


def _version(archive: zipfile.ZipFile, root: str) -> str:
    """Return the versions that an artifact states, as text: a later archive is not a number of ours."""
    if f"{root}/VERSION" not in archive.namelist():
        return "no version stated"
    text = _bounded_read(archive, f"{root}/VERSION", _MOST_METADATA).decode("utf-8", "replace")
    stated = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return ", ".join(
        f"{key} {plain(stated[key].strip(), 20)}" for key in ("archive", "framework") if key in stated
    )


def _bounded_read(archive: zipfile.ZipFile, member: str, most: int) -> bytes:
    with archive.open(member) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        message = f"{member} is larger than {most:,} bytes"
        raise ValueError(message)
    return data


def _checksum(archive: zipfile.ZipFile, root: str, member: str, data: bytes) -> tuple[str, bool]:
    """Return the algorithm of a member's checksum ("" where there is none) and whether it fits."""
    for algorithm in ("md5", "sha256", "sha512"):
        name = f"{root}/checksums.{algorithm}"
        if name not in archive.namelist():
            continue
        for line in _bounded_read(archive, name, _MOST_METADATA).decode("utf-8", "replace").splitlines():
            digest, _, path = line.partition("  ")
            if path.strip() == member:
                own = hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()
                return algorithm, own == digest.strip().lower()
    return "", True


def h5ad_features(opened: Opened, options: ReadOptions, findings: FindingCollector) -> FeatureTable | None:
    """Return samples (obs) by taxa (var) of an AnnData file; X stays sparse where it is."""
    if not needs("anndata", opened, findings):
        return None
    import anndata

    try:
        with warnings.catch_warnings():  # names that occur twice are found below, in words of our own
            warnings.simplefilter("ignore")
            data = anndata.read_h5ad(opened.path)
    except Exception as error:  # noqa: BLE001 - anndata raises classes that it does not export
        damaged(opened, "h5ad file", error, findings)
        return None
    if data.X is None:
        findings.add(opened.name, "", "no matrix X", next_step="write the counts into X")
        return None
    values = sparse.csr_array(data.X, dtype=float) if sparse.issparse(data.X) else data.X.astype(float)
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
