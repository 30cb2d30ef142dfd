"""BIOM 2.x and h5ad, which are HDF5: read in a child process with limits on time and memory.

A single flipped bit can keep HDF5's C code busy for minutes or make it crash; no limit inside this process
reaches it there. The child is ended, and the file is a finding.
"""

from __future__ import annotations

import re
from pathlib import Path

from scipy import sparse

from eubiosis.compute.bounded import ChildEnded, run_bounded
from eubiosis.compute.packing import DamagedPackage, unpack
from eubiosis.core.findings import FindingCollector
from eubiosis.core.machine import physical_memory
from eubiosis.population.stool.features import FeatureTable, Matrix
from eubiosis.population.stool.hdf5_child import HeldTable
from eubiosis.population.stool.lineage import NUMBERED_RANK, RANK_PREFIX, joined_ranks, rank_columns
from eubiosis.population.stool.options import ReadOptions
from eubiosis.population.stool.unpack import MOST_BYTES, Opened
from eubiosis.population.stool.words import damaged, needs, shown

CHILD = Path(__file__).with_name("hdf5_child.py")
LEAST_SECONDS = 60.0  # that a file may take
SECONDS_PER_MB = 2.0  # more for each megabyte; a good file takes a hundredth of it
MOST_MEMORY = 8 * 1024**3  # address space of the child: 1 GiB of cells, their copies, and the libraries
_RANKS = "|".join(rf"{re.escape(word)}$" for word in RANK_PREFIX) + f"|{NUMBERED_RANK.pattern}"


def hdf5_features(opened: Opened, options: ReadOptions, findings: FindingCollector) -> FeatureTable | None:
    """Return samples by features of an HDF5 file; the matrix stays sparse where it is.

    ``opened.data``, where there is any, is the file itself (a member of an archive). A file that HDF5 does
    not finish within its limits is a finding.
    """
    if not needs("h5py", opened.name, findings):
        return None
    held = _held(opened, options.group_column, findings)
    if held is None:
        return None
    if held.part in ("biom", "anndata"):
        needs(held.part, opened.name, findings)
        return None
    if held.kind == "h5ad" and held.part == "X":
        findings.add(opened.name, "", held.problem, next_step="write the counts into X")
        return None
    if held.problem:
        damaged(opened.name, held.part, held.problem, findings)
        return None
    if not held.kind:
        problem = f"an HDF5 file of another kind ({shown(list(held.known))})"
        findings.add(opened.name, "", problem, allowed="BIOM 2.1 or h5ad")
        return None
    if held.kind == "biom":
        return biom_features(opened.name, held, options.group_column, findings)
    return _h5ad_features(opened, held, options, findings)


def _held(opened: Opened, group_column: str, findings: FindingCollector) -> HeldTable | None:
    size = len(opened.data) or opened.path.stat().st_size
    seconds = LEAST_SECONDS + SECONDS_PER_MB * size / 1e6
    memory = min(MOST_MEMORY, physical_memory() or MOST_MEMORY)
    path = "-" if opened.data else str(opened.path.absolute())
    arguments = [path, group_column, _RANKS, str(MOST_BYTES)]
    try:
        answer = run_bounded(CHILD, arguments, given=opened.data, seconds=seconds, memory=memory)
        return unpack(answer, HeldTable)
    except (ChildEnded, DamagedPackage) as error:
        findings.add(
            opened.name, "", f"HDF5 could not read this file: {error}",
            allowed=f"a file of {size:,} bytes may take {seconds:.0f} s and {memory / 1e9:.0f} GB of memory",
            next_step="it is damaged, or too large: copy or write it again, or give the table as text",
        )  # fmt: skip
        return None


def biom_features(
    name: str, held: HeldTable, group_column: str, findings: FindingCollector
) -> FeatureTable | None:
    """Return the table that a BIOM file holds; an empty one, or a group that it lacks, is a finding."""
    if not held.labels or not held.samples:
        findings.add(name, "", "the table is empty", allowed="samples and taxa")
        return None
    notes = (
        (f"BIOM: {held.named} of {len(held.labels)} features named by their taxonomy",) if held.named else ()
    )
    if group_column and held.groups is None:
        known = held.known
        problem = f'no sample metadata "{group_column}"' if known else "no sample metadata in this BIOM file"
        findings.add(
            name, "groups", problem, allowed=", ".join(known[:20]) or "a metadata table beside it",
            next_step="" if known else "give --groups FILE:COLUMN",
        )  # fmt: skip
    return FeatureTable(
        name, "biom", held.samples, held.labels, _cells(held), groups=held.groups, notes=notes
    )


def _h5ad_features(
    opened: Opened, held: HeldTable, options: ReadOptions, findings: FindingCollector
) -> FeatureTable | None:
    """Return samples (obs) by taxa (var) of an AnnData file."""
    labels = held.labels
    notes: tuple[str, ...] = ("h5ad: samples are obs, taxa are var",)
    if ranks := rank_columns(held.columns):
        cells = dict(held.ranks)
        rows = zip(*(cells[j] for j in ranks), strict=True)
        labels = tuple(joined_ranks(tuple(ranks.values()), row) for row in rows)
        notes += ("taxa named by the rank columns of var",)
    if options.group_column and held.groups is None:
        problem = f'no column "{options.group_column}"'
        findings.add(opened.name, "obs", problem, allowed=shown(list(held.known)))
        return None
    return FeatureTable(
        opened.name, "h5ad", held.samples, labels, _cells(held), "samples_in_rows",
        groups=held.groups, notes=notes,
    )  # fmt: skip


def _cells(held: HeldTable) -> Matrix:
    if len(held.arrays) == 1:
        return held.arrays[0]
    return sparse.csr_array(held.arrays, shape=held.shape)
