"""Read a stool table (samples by taxa, either way round) and count its reads in the model's guilds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.frame import Table
from eubiosis.core.table_schemas import STOOL_PROFILES
from eubiosis.population.stool.checks import (
    Orientation,
    check_groups,
    check_labels,
    check_reads,
    check_samples,
    find_orientation,
)
from eubiosis.population.stool.reading import counted, parse_numbers, read_grid, read_groups
from eubiosis.population.stool.scale import Scale, check_scale, detect_scale
from eubiosis.population.taxa import GUILDS, TaxaTable, load_taxa

Status = Literal["ok", "mapped_below_half", "no_known_taxon", "empty"]
USABLE: tuple[str, ...] = ("ok", "mapped_below_half")
LOW_SHARE = 0.5
# a nearest known name is looked for only where it could matter: the search is slow
_NEAREST_FROM = 1e-4


@dataclass(frozen=True)
class UnmappedTaxon:
    """A taxon that is in no guild: its share of all reads of the table (0-1), and why it is in none."""

    name: str
    share: float
    reason: str


@dataclass(frozen=True, repr=False)
class StoolTable:
    """Guild sums of real samples, in the scale of the table that they were read from.

    Arrays have n samples first: ``guild_sums`` (n, 14) in reads, fractions or percent as ``scale`` says,
    columns in the order of ``GUILDS``; ``depth`` (n,) the sum over all taxa of a sample, mapped or not, in
    the same scale; ``detection_limit`` (n,) one read, or the smallest value above zero of the sample where
    the table holds no counts; ``mapped_share`` (n,) between 0 and 1, NaN for an empty sample. A sample that
    cannot be used stays, with a ``status`` other than "ok" or "mapped_below_half" (usable, with caution).
    ``platform`` says in words how the reads came about; numbers of two platforms are not comparable.
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
    group_column: str = "group",
    orientation: Orientation | None = None,
    scale: Scale | None = None,
    platform: str = "",
    taxa: TaxaTable | None = None,
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
    group_column: str = "group",
    orientation: Orientation | None = None,
    scale: Scale | None = None,
    platform: str = "",
    taxa: TaxaTable | None = None,
) -> StoolTable | None:
    """Read a genus table (TSV or CSV, also .gz) and report all that is wrong with it to ``findings``.

    The table has one header line and one column of names; cells are counts, fractions or percent. Which
    way round it lies is seen from the names that are known, and what the cells are from their sums, unless
    ``orientation`` and ``scale`` say so. The metadata table gives each sample its group. Returns None where
    no table can be made. A table is returned together with findings where single samples are at fault.

    >>> findings = FindingCollector()
    >>> read_stool_table(Path("lost.tsv"), findings) is None
    True
    >>> findings.findings[0].problem
    'the file is missing'
    """
    names = load_taxa() if taxa is None else taxa
    groups = None
    if metadata is not None:
        groups = read_groups(metadata, id_column, group_column, findings)
    grid = read_grid(path, findings)
    if grid is None:
        return None
    values = parse_numbers(grid, findings)
    direction = orientation or find_orientation(grid, names, findings)
    if direction is None:
        return None
    samples, labels = grid.row_names, grid.columns
    if direction == "samples_in_columns":
        samples, labels, values = labels, samples, values.T
    check_samples(grid.file, samples, findings)
    check_labels(grid.file, labels, names, findings)
    if metadata is not None and groups is not None:
        check_groups(grid.file, metadata, samples, groups, findings)
    found = _checked_scale(grid.file, samples, values, scale, findings)
    if found is None or np.isnan(values).any():
        return None
    ordered = None if groups is None else tuple(groups.get(sample, "") for sample in samples)
    notes = _metadata_notes(samples, groups)
    return _assemble(
        samples,
        labels,
        values,
        names,
        file=grid.file,
        groups=ordered,
        scale=found,
        orientation=direction,
        notes=notes,
        platform=platform,
    )


def _checked_scale(
    file: str, samples: Sequence[str], values: np.ndarray, scale: Scale | None, findings: FindingCollector
) -> Scale | None:
    # judge what is left when columns without any number, and then samples with a gap, are set aside
    numeric = values[:, ~np.isnan(values).all(axis=0)]
    whole = ~np.isnan(numeric).any(axis=1)
    kept = [sample for sample, good in zip(samples, whole, strict=True) if good]
    check_reads(file, kept, numeric[whole], findings)
    if scale is None:
        return detect_scale(file, kept, numeric[whole], findings)
    check_scale(file, kept, numeric[whole], scale, findings)
    return scale


def _assemble(
    samples: Sequence[str],
    labels: Sequence[str],
    values: np.ndarray,
    names: TaxaTable,
    *,
    file: str,
    groups: tuple[str, ...] | None,
    scale: Scale,
    orientation: Orientation,
    notes: tuple[str, ...],
    platform: str,
) -> StoolTable:
    guilds = [names.guild_of(label) for label in labels]
    sums = np.zeros((len(samples), len(GUILDS)))
    for g, guild in enumerate(GUILDS):
        members = [j for j, owner in enumerate(guilds) if owner == guild]
        sums[:, g] = values[:, members].sum(axis=1)
    depth = values.sum(axis=1)
    mapped = sums.sum(axis=1)
    share = np.full(len(samples), np.nan)
    np.divide(mapped, depth, out=share, where=depth > 0)
    limit = np.ones(len(samples))
    if scale != "counts" or not np.array_equal(values, np.round(values)):
        limit = np.min(np.where(values > 0, values, np.inf), axis=1)
    return StoolTable(
        file=file,
        sample_ids=tuple(samples),
        groups=groups,
        guild_sums=sums,
        depth=depth,
        detection_limit=limit,
        mapped_share=share,
        status=tuple(_status(d, s) for d, s in zip(depth, share, strict=True)),
        scale=scale,
        orientation=orientation,
        taxon_guilds=MappingProxyType(
            {label: guild for label, guild in zip(labels, guilds, strict=True) if guild is not None}
        ),
        unmapped=_unmapped(labels, values, guilds, names),
        notes=(*notes, *_share_notes(mapped, depth), *_closure_notes(depth, scale)),
        platform=platform,
    )


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


def _unmapped(
    labels: Sequence[str], values: np.ndarray, guilds: Sequence[str | None], names: TaxaTable
) -> tuple[UnmappedTaxon, ...]:
    total = float(values.sum())
    rows = []
    for j, label in enumerate(labels):
        if guilds[j] is not None:
            continue
        share = float(values[:, j].sum()) / total if total else 0.0
        row = names.find(label)
        if row is None:
            close = names.nearest_name(label) if share >= _NEAREST_FROM else ""
            reason = "not in the taxa table" + (f'; nearest "{close}"' if close else "")
        elif row.role in ("product", "readout"):
            reason = f"{row.role}: {row.note}"
        else:
            reason = row.note
        rows.append(UnmappedTaxon(label, share, reason))
    return tuple(sorted(rows, key=lambda row: (-row.share, row.name)))


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
