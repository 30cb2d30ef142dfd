"""Tables in containers without HDF5 of their own: BIOM 1.0, which is JSON, and the archives of QIIME 2."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from dataclasses import replace

import numpy as np
from scipy import sparse

from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool.delimited import Grid, read_grid
from eubiosis.population.stool.features import FeatureTable, Matrix
from eubiosis.population.stool.hdf5_child import biom_held
from eubiosis.population.stool.hdf5_files import biom_features, hdf5_features
from eubiosis.population.stool.options import ReadOptions
from eubiosis.population.stool.unpack import MOST_BYTES, Opened
from eubiosis.population.stool.words import damaged, needs, plain, said_by

# what these libraries raise for a file that is not what it says
BROKEN = (
    ValueError, KeyError, OSError, TypeError, IndexError, AttributeError, RuntimeError, ArithmeticError,
    AssertionError, EOFError, ImportError, MemoryError, NotImplementedError, SyntaxError, SystemError,
    zlib.error, zipfile.BadZipFile,
)  # fmt: skip
_MOST_METADATA = 1 << 20
_TYPE = re.compile(r"^type:\s*[\"']?([^\"'\r\n]+?)[\"']?\s*$", re.MULTILINE)  # the one line that is needed


_SIX_DECIMALS = (
    "BIOM 1.0: no value has more than six decimals, which are what biom-format writes into JSON: rarer taxa "
    "may have become zero; HDF5 keeps all digits"
)


def biom_json_features(
    opened: Opened, findings: FindingCollector, group_column: str = ""
) -> FeatureTable | None:
    """Return a BIOM 1.0 table, which is JSON; ``group_column`` names sample metadata, if any."""
    if not needs("biom", opened.name, findings):
        return None
    from biom import Table as BiomTable
    from biom.exception import BiomException

    try:
        stated = json.loads(opened.data)
        lines, columns = len(stated["rows"]), len(stated["columns"])
        if stated["shape"] != [lines, columns]:
            message = f"shape {stated['shape']} beside {lines} rows and {columns} columns"
            raise ValueError(message)
        held = biom_held(BiomTable.from_json(stated), group_column)
    except (*BROKEN, BiomException) as error:
        damaged(opened.name, "BIOM file", said_by(error), findings)
        return None
    table = biom_features(opened.name, held, group_column, findings)
    return table.noted(_SIX_DECIMALS) if table is not None and _six_decimals(table.values) else table


def _six_decimals(values: Matrix) -> bool:
    """Whether a table that holds no counts has been written with six decimals, as biom-format does."""
    cells = np.asarray(values.data if sparse.issparse(values) else values, dtype=float)
    counts = bool((cells == np.rint(cells)).all())
    return not counts and bool((cells == np.rint(1e6 * cells) / 1e6).all())


def qiime2_features(opened: Opened, findings: FindingCollector) -> FeatureTable | None:
    """Return the feature table of a QIIME 2 artifact (``.qza``), its checksum verified."""
    found = _artifact(opened, ("FeatureTable[",), "data/feature-table.biom", findings)
    if found is None:
        return None
    data, said = found
    inner = Opened(opened.path, opened.name, data=data)
    table = hdf5_features(inner, ReadOptions(), findings)
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
        damaged(opened.name, "QIIME 2 artifact", said_by(error), findings)
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
