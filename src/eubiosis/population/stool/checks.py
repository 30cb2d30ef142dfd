"""What can be wrong with a stool table before a single guild is summed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import display_name
from eubiosis.population.stool.reading import CellGrid, counted, shown
from eubiosis.population.taxa import TaxaTable, label_ranks

Orientation = Literal["samples_in_rows", "samples_in_columns"]
Name = TypeVar("Name", bound=Hashable)


def find_orientation(grid: CellGrid, names: TaxaTable, findings: FindingCollector) -> Orientation | None:
    """Return which way round a table lies, seen from the known names; a tie or none is a finding."""
    across = sum(names.guild_of(label) is not None for label in grid.columns)
    down = sum(names.guild_of(label) is not None for label in grid.row_names)
    if across > down:
        return "samples_in_rows"
    if down > across:
        return "samples_in_columns"
    if across:
        findings.add(
            grid.file,
            "",
            f"as many known taxa in the header as in the first column ({across})",
            next_step="say which way round the table lies: --orientation samples_in_rows or _columns",
        )
        return None
    examples = shown([*grid.columns[:2], *grid.row_names[:1]])
    findings.add(
        grid.file,
        "",
        f"no known genus in the header or the first column (found {examples})",
        allowed="genus names or lineages, as in Bacteroides, g__Blautia, k__Bacteria;...;g__Roseburia",
        next_step="collapse the table to genus level; sequence or OTU numbers carry no name",
    )
    return None


def check_samples(file: str, samples: Sequence[str], findings: FindingCollector) -> None:
    """Report samples without an id and ids that occur twice."""
    if any(not sample for sample in samples):
        findings.add(file, "", "a sample without an id", next_step="name every sample")
    for sample in _doubles(samples):
        findings.add(
            file,
            f"sample {sample}",
            f"the sample id occurs {samples.count(sample)} times",
            next_step="keep one, or give repeated samples their own ids",
        )


def check_reads(file: str, samples: Sequence[str], values: np.ndarray, findings: FindingCollector) -> None:
    """Report samples in which every value is zero; ``values`` has shape (samples, taxa)."""
    for sample, total in zip(samples, values.sum(axis=1), strict=True):
        if total == 0:
            findings.add(
                file,
                f"sample {sample}",
                "no reads: every value is zero",
                allowed="at least one value above zero",
                next_step="remove the sample from the table, or sequence it again",
            )


def check_labels(file: str, labels: Sequence[str], names: TaxaTable, findings: FindingCollector) -> None:
    """Report tables without a known genus, double taxa, and ranks that hold other rows of the table."""
    if not any(names.guild_of(label) is not None for label in labels):
        findings.add(
            file,
            "",
            f"no known genus among the taxa (found {shown(labels)})",
            allowed="genus names or lineages, as in Bacteroides, g__Blautia, k__Bacteria;...;g__Roseburia",
            next_step="turn the orientation round, or collapse the table to genus level",
        )
    keys = [tuple(rank.text for rank in label_ranks(label)) for label in labels]
    for key in _doubles(keys):
        spelled = [label for label, other in zip(labels, keys, strict=True) if other == key]
        findings.add(
            file,
            f"taxon {spelled[0]}",
            f"the taxon occurs {len(spelled)} times",
            next_step="add the columns up",
        )
    whole = set(keys)
    parents = {key[:depth] for key in whole for depth in range(1, len(key))} & whole
    for parent in sorted(parents):
        findings.add(
            file,
            f"taxon {labels[keys.index(parent)]}",
            "a rank above genus stands beside its own genera, so its reads would count twice",
            allowed="one rank in one table",
            next_step="keep the genus level only",
        )


def _doubles(words: Sequence[Name]) -> list[Name]:
    seen: set[Name] = set()
    twice: list[Name] = []
    for word in words:
        if word in seen and word not in twice:
            twice.append(word)
        seen.add(word)
    return twice


def check_groups(
    file: str, metadata: Path, samples: Sequence[str], groups: Mapping[str, str], findings: FindingCollector
) -> None:
    """Report samples that the metadata lack or that have no group there."""
    absent = [sample for sample in samples if sample not in groups]
    if absent:
        example = next(iter(groups), "")
        findings.add(
            file,
            "",
            f"{len(absent)} of {len(samples)} samples are not in {display_name(metadata)} ({shown(absent)})",
            allowed=f'the ids of the metadata, as in "{example}"',
            next_step="make the ids agree, or name another id column",
        )
    empty = [sample for sample in samples if sample in groups and not groups[sample]]
    if empty:
        findings.add(
            display_name(metadata),
            "",
            f"no group for {counted(len(empty), 'sample')} ({shown(empty)})",
            next_step="fill in the group of every sample",
        )
