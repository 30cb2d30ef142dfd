"""Read one HDF5 file (BIOM 2.x or h5ad) and hand over plain values; runs as a script in a child process.

``hdf5_files`` starts it with limits on time and memory. It imports the formats' own libraries and, of this
package, only what turns values into bytes: a child is begun for every file.
"""

from __future__ import annotations

import io
import re
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Arrays = tuple[NDArray[np.generic], ...]


@dataclass(frozen=True)
class HeldTable:
    """What an HDF5 file holds: names, and cells as samples by features.

    ``kind`` is "biom", "h5ad" or "" for another one; ``problem`` says what is wrong with the ``part`` that it
    was met in. ``known`` are the names of what can group the samples (of another kind: what the file holds).
    ``arrays`` are the cells, dense, or data, indices and row starts of a sparse matrix. ``named`` counts
    BIOM features with a taxonomy; ``columns`` and ``ranks`` are the columns of var and the cells of those
    that name ranks, by position.
    """

    kind: str
    problem: str = ""
    part: str = ""
    known: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    named: int = 0
    groups: tuple[str, ...] | None = None
    columns: tuple[str, ...] = ()
    ranks: tuple[tuple[int, tuple[str, ...]], ...] = ()
    shape: tuple[int, ...] = ()
    arrays: Arrays = ()


def read_held(source: str | BinaryIO, *, group_column: str, rank_pattern: str, most: int) -> HeldTable:
    """Return what an HDF5 file (a path or a stream of bytes) holds; what is wrong is said, never raised."""
    import h5py

    try:
        with h5py.File(source, "r") as file:
            keys, attributes = set(file.keys()), set(file.attrs)
            check_size(file, most)
    except Exception as error:  # noqa: BLE001 - whatever the library raises for a damaged file
        return HeldTable("", _said(error), "HDF5 file")
    if {"observation", "sample"} <= keys:
        kind, part, library, read = "biom", "BIOM file", "biom", _biom
    elif {"obs", "var"} <= keys or "encoding-type" in attributes:
        kind, part, library, read = "h5ad", "h5ad file", "anndata", _h5ad
    else:
        return HeldTable("", known=tuple(sorted(map(str, keys))))
    if find_spec(library) is None:
        return HeldTable(kind, part=library)
    try:
        with warnings.catch_warnings():  # names that occur twice are found later, in words of our own
            warnings.simplefilter("ignore")
            return read(source, group_column, rank_pattern)
    except Exception as error:  # noqa: BLE001 - both libraries raise classes that they do not export
        return HeldTable(kind, _said(error), part)


def check_size(file: Any, most: int) -> None:
    """Refuse HDF5 data that unpack to more than ``most`` bytes, or that lie in other files."""
    import h5py

    held, wrong = [0], list[str]()

    def visit(name: str, item: Any) -> bool | None:  # an error may not leave it: HDF5 calls it
        if isinstance(item, h5py.Dataset):
            held[0] += int(item.size or 0) * item.dtype.itemsize
            if item.external or item.is_virtual:
                wrong.append(f"{name} lies in another file")
            elif held[0] > most:
                wrong.append(f"more than {most:,} bytes when unpacked")
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


def _biom(source: str | BinaryIO, group_column: str, rank_pattern: str) -> HeldTable:
    import h5py
    from biom import Table as BiomTable

    del rank_pattern
    with h5py.File(source, "r") as file:
        table = BiomTable.from_hdf5(file)
    return biom_held(table, group_column)


def biom_held(table: Any, group_column: str) -> HeldTable:
    """Return the plain values of biom-format's table."""
    features = _words(table.ids("observation"))
    metadata = table.metadata(axis="observation")
    labels = features if metadata is None else tuple(map(_biom_label, features, metadata))
    rows = (table.metadata(axis="sample") or ()) if group_column else ()
    known = tuple(sorted({str(key) for row in rows for key in (row or {})}))
    groups = None
    if group_column in known:
        groups = tuple(str((row or {}).get(group_column, "")).strip() for row in rows)
    held = HeldTable(
        "biom",
        known=known,
        samples=_words(table.ids("sample")),
        labels=labels,
        named=sum(label != feature for label, feature in zip(labels, features, strict=True)),
        groups=groups,
    )
    return _with_cells(held, table.matrix_data.T)


def _h5ad(source: str | BinaryIO, group_column: str, rank_pattern: str) -> HeldTable:
    import anndata

    data = anndata.read_h5ad(source)
    if data.X is None:
        return HeldTable("h5ad", "no matrix X", "X")
    columns = _words(data.var.columns)
    wanted = [j for j, word in enumerate(columns) if re.match(rank_pattern, word.strip().lower())]
    known = _words(data.obs.columns)
    held = HeldTable(
        "h5ad",
        known=known,
        samples=_words(data.obs_names),
        labels=_words(data.var_names),
        groups=_words(data.obs[group_column].astype(str)) if group_column in known else None,
        columns=columns,
        ranks=tuple((j, _words(data.var.iloc[:, j].astype(str))) for j in wanted),
    )
    return _with_cells(held, data.X)


def _with_cells(held: HeldTable, cells: Any) -> HeldTable:
    from scipy import sparse

    if not sparse.issparse(cells):
        return replace(held, shape=cells.shape, arrays=(cells.astype(float),))
    rows = sparse.csr_array(cells, dtype=float)
    return replace(held, shape=rows.shape, arrays=(rows.data, rows.indices, rows.indptr))


def _words(names: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(name) for name in names)


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


def _said(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]


def main() -> None:
    """Answer on standard output: ROOT SECONDS MEMORY PATH-or-"-" GROUP_COLUMN RANK_PATTERN MOST_BYTES."""
    root, seconds, memory, path, group_column, rank_pattern, most = sys.argv[1:]
    sys.path.append(root)
    from eubiosis.compute.bounded import limit_this_process
    from eubiosis.compute.packing import pack

    limit_this_process(float(seconds), int(memory))
    answer, sys.stdout = sys.stdout.buffer, sys.stderr  # what a library prints is no answer
    source = io.BytesIO(sys.stdin.buffer.read()) if path == "-" else path
    held = read_held(source, group_column=group_column, rank_pattern=rank_pattern, most=int(most))
    answer.write(pack(held))
    answer.flush()


if __name__ == "__main__":
    main()
