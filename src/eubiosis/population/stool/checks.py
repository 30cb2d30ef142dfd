"""What can be wrong with a stool table before a single guild is summed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import display_name
from eubiosis.population.stool.features import (
    LARGEST,
    FeatureTable,
    Orientation,
    column_sums,
    row_sums,
    stored,
)
from eubiosis.population.stool.lineage import nameless
from eubiosis.population.stool.text_table import TOTAL_WORDS
from eubiosis.population.stool.words import counted, printable, shown
from eubiosis.population.taxa import TaxaTable, label_ranks

__all__ = [
    "Orientation",
    "check_groups",
    "check_labels",
    "check_reads",
    "check_samples",
    "whole_features",
    "within_bounds",
]
Name = TypeVar("Name", bound=Hashable)
_ROUNDING = 1e-6  # of a sum, or the half unit of a count, within which two numbers are one


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


def check_printable(
    table: FeatureTable, groups: Sequence[str], platform: str, findings: FindingCollector
) -> None:
    """Report names that hold control characters: they can move a terminal and match no metadata."""
    named = (("sample", table.samples), ("taxon", table.labels), ("group", tuple(dict.fromkeys(groups))))
    for what, words in (*named, ("platform", (platform,))):
        bad = [word for word in words if not printable(word)]
        if bad:
            findings.add(
                table.file, what, f"control characters in {counted(len(bad), 'name')} ({shown(bad)})",
                allowed="printable text", next_step="rename them",
            )  # fmt: skip


def within_bounds(table: FeatureTable, findings: FindingCollector) -> FeatureTable:
    """Report cells above ``LARGEST`` where no reader has, and return the table with those cut to it.

    Cut, they overflow no sum, so that all else that is wrong is found too.
    """
    above = stored(table.values) > LARGEST
    if not above.any():
        return table
    problem = f"above {LARGEST:g}"
    if not any(problem in finding.problem for finding in findings.findings):
        rows = above.nonzero()[0]
        owners = rows // table.values.shape[1]
        if not isinstance(table.values, np.ndarray):
            owners = np.searchsorted(table.values.indptr, rows, side="right") - 1
        samples = [table.samples[i] for i in dict.fromkeys(owners.tolist())]
        findings.add(
            table.file, "", f"{counted(len(rows), 'cell')} {problem} in {counted(len(samples), 'sample')} "
            f"({shown(samples)})",
            allowed=f"numbers up to {LARGEST:g}", next_step="correct the cells",
        )  # fmt: skip
    if isinstance(table.values, np.ndarray):
        return replace(table, values=np.minimum(table.values, LARGEST))
    cut = table.values.copy()
    cut.data = np.minimum(cut.data, LARGEST)
    return replace(table, values=cut)


def check_reads(file: str, samples: Sequence[str], sums: np.ndarray, findings: FindingCollector) -> None:
    """Report samples in which every value is zero; ``sums`` has shape (samples,)."""
    for sample, total in zip(samples, sums, strict=True):
        if total == 0:
            findings.add(
                file,
                f"sample {sample}",
                "no reads: every value is zero",
                allowed="at least one value above zero",
                next_step="remove the sample from the table, or sequence it again",
            )


def whole_features(table: FeatureTable, findings: FindingCollector) -> FeatureTable:
    """Return the table with each taxon once and no read counted twice.

    A taxon on several lines is added up. A rank above others is exclusive (reads that were not assigned
    lower) unless it equals the sum of what lies directly below it in every sample: then it repeats those
    reads and is left out, and the notes say so. Totals are findings.
    """
    _check_totals(table, findings)
    if table.one_rank:
        return table
    merged = table.merged([_ranks(label) for label in table.labels])
    added = len(table.labels) - len(merged.labels)
    if added:
        merged = merged.noted(f"{counted(added, 'line')} of a taxon that stands on another line too added up")
    repeated = _cumulative(merged, [_trimmed(_ranks(label)) for label in merged.labels])
    if repeated:
        kept = [j for j in range(len(merged.labels)) if j not in repeated]
        names = shown([merged.labels[j] for j in sorted(repeated)])
        merged = merged.take(kept).noted(
            f"{counted(len(repeated), 'higher rank')} left out that repeat the reads below them ({names})"
        )
    return merged


def _ranks(label: str) -> tuple[str, ...]:
    return tuple(rank.text for rank in label_ranks(label))


def _trimmed(key: tuple[str, ...]) -> tuple[str, ...]:
    while key and not key[-1]:
        key = key[:-1]
    return key


def _cumulative(table: FeatureTable, keys: Sequence[tuple[str, ...]]) -> set[int]:
    """Return the features that equal the sum of what lies directly below them in every sample."""
    place = {key: j for j, key in enumerate(keys)}
    children: dict[int, list[int]] = {}
    for j, key in enumerate(keys):
        for depth in range(len(key) - 1, 0, -1):
            parent = place.get(key[:depth])
            if parent is not None and parent != j:
                children.setdefault(parent, []).append(j)
                break
    found = set()
    for parent, below in children.items():
        own = _dense(table, [parent])[:, 0]
        sums = _dense(table, below).sum(axis=1)
        if own.any() and np.all(np.abs(own - sums) <= np.maximum(_ROUNDING * np.abs(sums), 1e-9)):
            found.add(parent)
    return found


def _dense(table: FeatureTable, columns: list[int]) -> np.ndarray:
    part = table.values[:, columns]
    return part if isinstance(part, np.ndarray) else part.toarray()


def _check_totals(table: FeatureTable, findings: FindingCollector) -> None:
    """Report a sample or a taxon that is called a total and is one."""
    for j, label in enumerate(table.labels):
        if label.strip().lower() in TOTAL_WORDS:
            own = _dense(table, [j])[:, 0]
            rest = row_sums(table.values) - own
            if np.allclose(own, rest, rtol=1e-6):
                findings.add(
                    table.file, f"taxon {label}", "a total among the taxa, so every read would count twice",
                    next_step="remove the line, or leave the column out with --ignore",
                )  # fmt: skip
    sums = None
    for i, sample in enumerate(table.samples):
        if sample.strip().lower() in TOTAL_WORDS and len(table.samples) > 1:
            if sums is None:
                sums = column_sums(table.values)
            row = np.asarray(table.values[[i], :].sum(axis=0)).ravel()
            if np.allclose(row, sums - row, rtol=1e-6):
                findings.add(
                    table.file, f"sample {sample}", "the sum of the other samples, not a sample",
                    next_step="remove it, or leave the column out with --ignore",
                )  # fmt: skip


def check_labels(file: str, labels: Sequence[str], names: TaxaTable, findings: FindingCollector) -> None:
    """Report tables whose taxa carry no known name."""
    if any(names.guild_of(label) is not None for label in labels):
        return
    step = "turn the orientation round, or collapse the table to genus level"
    if nameless(labels):
        step = "add --taxonomy FILE (QIIME 2, mothur, phyloseq or DADA2), or collapse to genus level"
    findings.add(
        file,
        "",
        f"no known genus among the taxa (found {shown(labels)})",
        allowed="genus names or lineages, as in Bacteroides, g__Blautia, k__Bacteria;...;g__Roseburia",
        next_step=step,
    )


def _doubles(words: Sequence[Name]) -> list[Name]:
    seen: set[Name] = set()
    twice: dict[Name, None] = {}
    for word in words:
        if word in seen:
            twice.setdefault(word)
        seen.add(word)
    return list(twice)


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
