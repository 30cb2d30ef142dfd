"""Read a stool table (samples by taxa, either way round) and count its reads in the model's guilds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.frame import Table
from eubiosis.core.table_schemas import STOOL_PROFILES
from eubiosis.population.stool.checks import (
    Orientation,
    check_groups,
    check_labels,
    check_printable,
    check_reads,
    check_samples,
    whole_features,
    within_bounds,
)
from eubiosis.population.stool.features import FeatureTable, column_sums, product, row_sums, stored
from eubiosis.population.stool.formats import read_features, read_taxonomy
from eubiosis.population.stool.groups import read_groups
from eubiosis.population.stool.lineage import apply_lineages
from eubiosis.population.stool.options import Blanks, Format, Progress, ReadOptions
from eubiosis.population.stool.scale import Scale, check_scale, detect_scale
from eubiosis.population.stool.unmapped import UnmappedTaxon, unmapped_taxa
from eubiosis.population.stool.words import counted
from eubiosis.population.taxa import GUILDS, RULES, TaxaTable, load_taxa

Status = Literal["ok", "mapped_below_half", "no_known_taxon", "empty"]
USABLE: tuple[str, ...] = ("ok", "mapped_below_half")
LOW_SHARE = 0.5


@dataclass(frozen=True, repr=False)
class StoolTable:
    """Guild sums of real samples, in the scale of the table that they were read from.

    Arrays have n samples first: ``guild_sums`` (n, 14) in reads, fractions or percent as ``scale`` says,
    columns in the order of ``GUILDS``; ``depth`` (n,) the sum over all taxa of a sample, mapped or not, in
    the same scale; ``detection_limit`` (n,) one read, or the smallest value above zero of the sample where
    the table holds no counts; ``mapped_share`` (n,) between 0 and 1, NaN for an empty sample. A sample that
    cannot be used stays, with a ``status`` other than "ok" or "mapped_below_half" (usable, with caution).
    ``platform`` says in words how the reads came about; numbers of two platforms are not comparable.
    ``format`` is what the file was taken for, ``share_by_rule`` the share of all reads that each rule of
    naming assigned or left out on purpose (0-1; the keys are ``RULES``). ``features`` is the table of taxa
    that the sums were made from (None for a table that was put together in Python).
    """

    file: str
    sample_ids: tuple[str, ...]
    groups: tuple[str, ...] | None
    guild_sums: np.ndarray
    depth: np.ndarray
    detection_limit: np.ndarray
    mapped_share: np.ndarray
    status: tuple[Status, ...]
    scale: Scale
    orientation: Orientation
    taxon_guilds: Mapping[str, str]
    unmapped: tuple[UnmappedTaxon, ...]
    notes: tuple[str, ...]
    platform: str = ""
    format: str = "text table"
    share_by_rule: Mapping[str, float] = field(default_factory=dict)
    features: FeatureTable | None = field(default=None, compare=False)

    @property
    def usable(self) -> np.ndarray:
        """Return which samples can be used, shape (n,), boolean."""
        return np.array([status in USABLE for status in self.status], dtype=bool)

    @property
    def fractions(self) -> np.ndarray:
        """Return guild fractions of the mapped reads, shape (n, 14), rows summing to 1.

        Fractions of reads on this platform, zeros as seen; not biomass fractions. Rows of samples that
        cannot be used are NaN.
        """
        fractions = np.full(self.guild_sums.shape, np.nan)
        keep = self.usable
        fractions[keep] = self.guild_sums[keep] / self.guild_sums[keep].sum(axis=1, keepdims=True)
        return fractions

    def to_table(self) -> Table:
        """Return one row a sample: status, depth, mapped share and guild shares of the mapped reads.

        >>> from tempfile import TemporaryDirectory
        >>> from eubiosis.population import write_example_table
        >>> with TemporaryDirectory() as folder:
        ...     stool = read_profiles(write_example_table(f"{folder}/stool.tsv", people=4))
        >>> len(stool.to_table())
        4
        """
        fractions = self.fractions
        columns: dict[str, ArrayLike] = {"sample": self.sample_ids}
        if self.groups is not None:
            columns["group"] = self.groups
        columns |= {"status": self.status, "depth": self.depth, "mapped_share": self.mapped_share}
        columns |= {f"read_share_{guild}": fractions[:, k] for k, guild in enumerate(GUILDS)}
        return Table(columns, schema=STOOL_PROFILES)

    def __repr__(self) -> str:
        return (
            f"StoolTable {self.file}: {len(self.sample_ids)} samples, {int(self.usable.sum())} usable, "
            f"{self.scale}; {self.overall_mapped_share:.1%} of the reads in a guild"
        )

    def _repr_html_(self) -> str:
        return self.to_table()._repr_html_()

    def by_id(self) -> StoolTable:
        """Return the samples in the order of their ids, so that the order of a table's rows says nothing."""
        order = np.array(
            sorted(range(len(self.sample_ids)), key=lambda k: self.sample_ids[k]), dtype=np.int64
        )
        rows = order.tolist()
        return replace(
            self,
            sample_ids=tuple(self.sample_ids[k] for k in rows),
            groups=None if self.groups is None else tuple(self.groups[k] for k in rows),
            guild_sums=self.guild_sums[order],
            depth=self.depth[order],
            detection_limit=self.detection_limit[order],
            mapped_share=self.mapped_share[order],
            status=tuple(self.status[k] for k in rows),
        )

    @property
    def overall_mapped_share(self) -> float:
        """Return the share of all reads of the table (for fractions: the mean share) that is in a guild."""
        total = float(self.depth.sum())
        return float(self.guild_sums.sum()) / total if total else float("nan")


def read_profiles(
    path: Path | str,
    *,
    metadata: Path | str | None = None,
    id_column: str = "sample_id",
    group_column: str = "",
    orientation: Orientation | None = None,
    scale: Scale | None = None,
    platform: str = "",
    taxa: TaxaTable | None = None,
    taxonomy: Path | str | None = None,
    format: Format | None = None,
    blanks: Blanks = "refuse",
    ignore: Sequence[str] = (),
    rank: str = "",
    progress: Progress | None = None,
) -> StoolTable:
    """Read a stool table; raises ``FindingsError`` with everything that is wrong with it.

    Arguments as in ``read_stool_table``.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "stool.csv"
    ...     _ = path.write_text("id,Blautia,Roseburia,Sutterella\\nperson,60,20,20\\n")
    ...     read_profiles(path).mapped_share.tolist()
    [0.8]
    """
    findings = FindingCollector()
    table = read_stool_table(
        Path(path),
        findings,
        metadata=None if metadata is None else Path(metadata),
        id_column=id_column,
        group_column=group_column,
        orientation=orientation,
        scale=scale,
        platform=platform,
        taxa=taxa,
        taxonomy=None if taxonomy is None else Path(taxonomy),
        format=format,
        blanks=blanks,
        ignore=ignore,
        rank=rank,
        progress=progress,
    )
    findings.raise_if_any()
    if table is None:  # a reader that returns nothing has said why
        raise AssertionError("no table and no finding")
    return table


def read_stool_table(
    path: Path,
    findings: FindingCollector,
    *,
    metadata: Path | None = None,
    id_column: str = "sample_id",
    group_column: str = "",
    orientation: Orientation | None = None,
    scale: Scale | None = None,
    platform: str = "",
    taxa: TaxaTable | None = None,
    taxonomy: Path | None = None,
    format: Format | None = None,
    blanks: Blanks = "refuse",
    ignore: Sequence[str] = (),
    rank: str = "",
    progress: Progress | None = None,
) -> StoolTable | None:
    """Read a stool table in any format that ``formats`` knows and report all that is wrong with it.

    Text tables have one header line and one column of names; cells are counts, fractions or percent. What
    the file is, which way round it lies (from the names that are known) and what the cells are (from their
    sums) is seen, unless ``format``, ``orientation`` and ``scale`` say so. ``taxonomy`` is a second file with
    the lineage of each feature, ``metadata`` gives each sample its group; without it ``group_column`` is a
    column of the table. ``blanks`` says whether blank cells are zero, ``ignore`` names columns to leave out,
    ``rank`` the rank taken of a profile that holds several; ``progress`` is told what is done and how much of
    it (0-1). Returns None where no table can be made. A table
    is returned together with findings where single samples are at fault.

    >>> findings = FindingCollector()
    >>> read_stool_table(Path("lost.tsv"), findings) is None
    True
    >>> findings.findings[0].problem
    'the file is missing'
    """
    names = load_taxa() if taxa is None else taxa
    groups = None if metadata is None else read_groups(metadata, id_column, group_column or "group", findings)
    lineages = None if taxonomy is None else read_taxonomy(taxonomy, findings)
    options = ReadOptions(
        format,
        orientation,
        blanks,
        tuple(ignore),
        "" if metadata else group_column,
        rank,
        lineages or {},
        progress,
    )
    told = len(findings.findings)
    table = read_features(path, names, options, findings)
    if table is None:
        return None
    if options.group_column and table.groups is None and len(findings.findings) == told:
        findings.add(
            table.file, "groups", f'a file of this format ({table.format}) has no column "{group_column}"',
            allowed="a metadata table beside it", next_step="give --groups FILE:COLUMN",
        )  # fmt: skip
    if lineages:
        labels = apply_lineages(table.file, table.labels, lineages, findings)
        if labels is None:
            return None
        table = table.with_labels(labels, f"taxa named by {taxonomy.name if taxonomy else ''}")
    check_samples(table.file, table.samples, findings)
    ordered = table.groups if groups is None else tuple(groups.get(sample, "") for sample in table.samples)
    check_printable(table, ordered or (), platform, findings)
    table = whole_features(within_bounds(table, findings), findings)
    check_labels(table.file, table.labels, names, findings)
    if metadata is not None and groups is not None:
        check_groups(table.file, metadata, table.samples, groups, findings)
    found = _checked_scale(table, scale, findings)
    if found is None or np.isnan(stored(table.values)).any() or (stored(table.values) < 0).any():
        return None
    table = table.noted(*_metadata_notes(table.samples, groups))
    return _assemble(table, names, groups=ordered, scale=found, platform=platform)


def _checked_scale(table: FeatureTable, scale: Scale | None, findings: FindingCollector) -> Scale | None:
    # judge the samples that are left when those with a gap or a negative value are set aside
    values, samples = table.values, table.samples
    if not all(values.shape):
        what = "no taxa" if values.shape[0] else "no samples"
        findings.add(
            table.file, "", f"the table has {what}", allowed="at least one sample and one taxon of numbers",
            next_step="write numbers where the reads belong, and name the taxa",
        )  # fmt: skip
        return None
    if isinstance(values, np.ndarray):
        values = values[:, ~np.isnan(values).all(axis=0)]
        with np.errstate(invalid="ignore"):
            good = np.asarray(~np.isnan(values).any(axis=1) & ~(values < 0).any(axis=1))
        samples = tuple(sample for sample, fine in zip(samples, good, strict=True) if fine)
        values = values[good]
    elif (stored(values) < 0).any() or not np.isfinite(stored(values)).all():
        findings.add(table.file, "", "cells that are negative or not finite", allowed="0 or more")
        return None
    check_reads(table.file, samples, row_sums(values), findings)
    if scale is None:
        return detect_scale(table.file, samples, values, findings)
    check_scale(table.file, samples, values, scale, findings)
    return scale


def _assemble(
    table: FeatureTable, names: TaxaTable, *, groups: tuple[str, ...] | None, scale: Scale, platform: str
) -> StoolTable:
    labels, values = table.labels, table.values
    matches = [names.match(label, table.ids[j] if table.ids else 0) for j, label in enumerate(labels)]
    guilds = [None if m is None or m.taxon.guild is None else m.taxon.guild for m in matches]
    members = [(j, GUILDS.index(g)) for j, g in enumerate(guilds) if g is not None]
    weights = sparse.csr_array(
        (np.ones(len(members)), ([j for j, _ in members], [g for _, g in members])),
        shape=(len(labels), len(GUILDS)),
    )
    sums = np.asarray(product(values, weights))
    depth = row_sums(values)
    mapped = sums.sum(axis=1)
    share = np.full(len(depth), np.nan)
    np.divide(mapped, depth, out=share, where=depth > 0)
    totals = column_sums(values)
    whole = float(totals.sum())
    by_rule: dict[str, float] = dict.fromkeys(RULES, 0.0)
    for match, total in zip(matches, totals, strict=True):
        if match is not None and whole:
            by_rule[match.rule] += float(total) / whole
    return StoolTable(
        file=table.file,
        sample_ids=table.samples,
        groups=groups,
        guild_sums=sums,
        depth=depth,
        detection_limit=_limits(table, scale),
        mapped_share=share,
        status=tuple(_status(d, s) for d, s in zip(depth, share, strict=True)),
        scale=scale,
        orientation=table.orientation,
        taxon_guilds=MappingProxyType(
            {label: guild for label, guild in zip(labels, guilds, strict=True) if guild is not None}
        ),
        unmapped=unmapped_taxa(labels, totals, guilds, names),
        notes=(*table.notes, *_share_notes(mapped, depth), *_closure_notes(depth, scale)),
        platform=platform,
        format=table.format,
        share_by_rule=MappingProxyType(by_rule),
        features=table,
    )


def _limits(table: FeatureTable, scale: Scale) -> np.ndarray:
    """Return one read, or the smallest value above zero of each sample where the table holds no counts."""
    held = stored(table.values)
    if scale == "counts" and np.array_equal(held, np.round(held)):
        return np.ones(len(table.samples))
    if isinstance(table.values, np.ndarray):
        return np.asarray(np.min(np.where(table.values > 0, table.values, np.inf), axis=1))
    rows = [
        table.values.data[a:b] for a, b in zip(table.values.indptr[:-1], table.values.indptr[1:], strict=True)
    ]
    return np.array([float(row[row > 0].min(initial=np.inf)) for row in rows])


def _share_notes(mapped: np.ndarray, depth: np.ndarray) -> tuple[str, ...]:
    total = float(depth.sum())
    share = float(mapped.sum()) / total if total else 0.0
    if share >= LOW_SHARE:
        return ()
    return (f"only {share:.0%} of all reads are in a guild: the names of this table are hardly known",)


def _closure_notes(depth: np.ndarray, scale: Scale) -> tuple[str, ...]:
    whole = {"counts": 0.0, "fractions": 1.0, "percent": 100.0}[scale]
    median = float(np.median(depth))
    if median >= 0.98 * whole:
        return ()
    return (
        f"samples add up to {median:g} of {whole:g} (median): the mapped share is of what the table holds",
    )


def _status(depth: float, share: float) -> Status:
    if depth == 0:
        return "empty"
    if share == 0:
        return "no_known_taxon"
    return "ok" if share >= LOW_SHARE else "mapped_below_half"


def _metadata_notes(samples: Sequence[str], groups: Mapping[str, str] | None) -> tuple[str, ...]:
    if groups is None:
        return ()
    extra = len(set(groups) - set(samples))
    return (f"metadata without a sample in the table: {counted(extra, 'line')}",) if extra else ()


def check_control(table: StoolTable, control: str, findings: FindingCollector) -> None:
    """Report a control group that the table does not have, or that has no usable sample."""
    known = sorted(set(table.groups or ()) - {""})
    if control not in known:
        findings.add(
            table.file,
            "control",
            f"group {unknown_word(control, known)}",
            allowed=", ".join(known) or "a table with groups",
            next_step="" if known else "give a metadata table with a group column",
        )
        return
    members = np.array([group == control for group in table.groups or ()])
    if not (members & table.usable).any():
        findings.add(table.file, "control", f'group "{control}" has no usable sample')
