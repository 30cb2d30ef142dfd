"""``eubiosis profile``: a stool table in, guild fractions and mapped shares out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import numpy as np

from eubiosis.core.findings import FindingCollector
from eubiosis.core.json_data import JsonRecord
from eubiosis.core.version import __version__
from eubiosis.population.contrast import GuildContrast, guild_contrast
from eubiosis.population.stool.scale import SCALES
from eubiosis.population.stool.table import StoolTable, check_control, read_stool_table
from eubiosis.population.taxa import GUILDS

if TYPE_CHECKING:
    from eubiosis.model.held import HeldNiches
    from eubiosis.population.stool.checks import Orientation
    from eubiosis.population.stool.scale import Scale

_ORIGIN = (
    "Read fractions of a real stool table, summed over guilds on its own sequencing platform: not biomass "
    "fractions, not comparable with another platform, no diagnosis."
)
_UNMAPPED_SHOWN = 5


@click.command()
@click.argument("stool_table", type=click.Path(path_type=Path))
@click.option("--metadata", type=click.Path(path_type=Path), help="Table with an id and a group column.")
@click.option("--id-column", metavar="NAME", help="Column of the metadata that holds the sample ids.")
@click.option("--group-column", metavar="NAME", help="Column of the metadata that holds the group.")
@click.option("--control", metavar="NAME", help="Group that contrasts are taken to (else: the median).")
@click.option(
    "--orientation",
    type=click.Choice(["samples_in_rows", "samples_in_columns"]),
    help="Which way round the table lies (else: seen from the names).",
)
@click.option("--scale", type=click.Choice(SCALES), help="What the cells are (else: seen from the sums).")
@click.option("--platform", default="", metavar="TEXT", help="How the reads were made; kept with the JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with contrasts and unmapped taxa.")
def profile(
    stool_table: Path,
    *,
    metadata: Path | None,
    id_column: str | None,
    group_column: str | None,
    control: str | None,
    orientation: Orientation | None,
    scale: Scale | None,
    platform: str,
    as_json: bool,
) -> None:
    """Sum the taxa of STOOL_TABLE into the guilds of the model, and hold each sample in it.

    STOOL_TABLE is a genus table: TSV or CSV (also .gz), counts, fractions or percent, either way round.
    """
    columns = (id_column, group_column)
    if metadata is None and any(columns):
        raise click.UsageError("--id-column and --group-column need --metadata FILE")
    if metadata is not None and not all(columns):
        raise click.UsageError("--metadata needs --id-column NAME and --group-column NAME")
    if control is not None and metadata is None:
        raise click.UsageError("--control needs --metadata FILE with --id-column and --group-column")
    findings = FindingCollector()
    table = read_stool_table(
        stool_table,
        findings,
        metadata=metadata,
        id_column=id_column or "",
        group_column=group_column or "",
        orientation=orientation,
        scale=scale,
        platform=platform,
    )
    if table is not None and table.groups is not None and control is not None:
        check_control(table, control, findings)
    findings.raise_if_any()
    assert table is not None
    from eubiosis.workflow.held_profiles import held_profiles

    contrast = guild_contrast(table, control)
    _log(table, contrast)
    held = held_profiles(contrast, table.groups)
    if as_json:
        click.echo(json.dumps(_record(table, contrast, held), indent=1, allow_nan=False))
    else:
        for line in _lines(table, contrast, held):
            click.echo(line)


def _log(table: StoolTable, contrast: GuildContrast) -> None:
    scale, way = table.scale, table.orientation.replace("_", " ")
    click.echo(f"{table.file}: {scale}, {way}; {len(table.taxon_guilds)} taxa in a guild", err=True)
    for note in table.notes:
        click.echo(f"note: {note}", err=True)
    if table.unmapped:
        click.echo(f"{len(table.unmapped)} taxa in no guild; the largest:", err=True)
    for taxon in table.unmapped[:_UNMAPPED_SHOWN]:
        click.echo(f"  {taxon.share:7.2%}  {taxon.name}: {taxon.reason}", err=True)
    missing = contrast.not_observed()
    if missing:
        click.echo(f"not observed (keep the reference composition): {', '.join(missing)}", err=True)
    if contrast.centre == "median" and len(table.sample_ids) == 1:
        click.echo("note: one sample and no control: its contrast is zero by construction", err=True)


def _lines(table: StoolTable, contrast: GuildContrast, held: HeldNiches) -> list[str]:
    header = ["sample", "group", "status", "depth", "mapped", *GUILDS, "niche", "off", "factor"]
    rows = [header]
    for k, sample in enumerate(table.sample_ids):
        fractions = ["-" if np.isnan(f) else f"{f:.4f}" if f else "0" for f in table.fractions[k]]
        group = table.groups[k] if table.groups else "-"
        share = f"{table.mapped_share[k]:.3f}"
        niche = [held.status[k], f"{held.residual[k]:.2f}", f"{held.largest_factor[k]:.1f}"]
        rows.append([sample, group, contrast.status[k], f"{table.depth[k]:g}", share, *fractions, *niche])
    widths = [max(len(row[j]) for row in rows) for j in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return [
        *(line.rstrip() for line in lines),
        f"# {_summary_line(table, contrast)}",
        f"# {_niche_line(held)}",
    ]


def _niche_line(held: HeldNiches) -> str:
    counts = ", ".join(f"{held.status.count(word)} {word}" for word in sorted(set(held.status)))
    if not np.isfinite(held.residual).any():
        return f"held in the model: {counts}"
    return (
        f"held in the model: {counts}; largest difference of a log share {np.nanmax(held.residual):.2f} "
        f"(column off), largest niche factor over the reference's or under it "
        f"{np.nanmax(held.largest_factor):.1f} (column factor)"
    )


def _summary_line(table: StoolTable, contrast: GuildContrast) -> str:
    summary = _summary(table, contrast)
    counts = ", ".join(f"{count} {status}" for status, count in summary.status.items())
    return (
        f"{summary.samples} samples ({counts}); mapped share of all reads "
        f"{summary.mapped_share_overall:.1%}, median {summary.mapped_share_median:.1%}, "
        f"lowest {summary.mapped_share_lowest:.1%}"
    )


class Summary(NamedTuple):
    """A table of samples in five figures; shares between 0 and 1."""

    samples: int
    status: dict[str, int]
    mapped_share_overall: float
    mapped_share_median: float
    mapped_share_lowest: float


def _summary(table: StoolTable, contrast: GuildContrast) -> Summary:
    return Summary(
        samples=len(table.sample_ids),
        status={status: contrast.status.count(status) for status in sorted(set(contrast.status))},
        mapped_share_overall=table.overall_mapped_share,
        mapped_share_median=float(np.median(table.mapped_share)),
        mapped_share_lowest=float(np.min(table.mapped_share)),
    )


def _record(table: StoolTable, contrast: GuildContrast, held: HeldNiches) -> JsonRecord:
    return {
        "origin": _ORIGIN,
        "eubiosis": __version__,
        "file": table.file,
        "platform": table.platform,
        "scale": table.scale,
        "orientation": table.orientation,
        "centre": contrast.centre,
        "not_observed": contrast.not_observed(),
        "notes": table.notes,
        "summary": _summary(table, contrast)._asdict(),
        "held": {
            "status": {word: held.status.count(word) for word in sorted(set(held.status))},
            "largest_residual": _largest(held.residual),
            "largest_factor": _largest(held.largest_factor),
        },
        "samples": [
            {
                "sample": sample,
                "group": table.groups[k] if table.groups else None,
                "status": contrast.status[k],
                "depth": float(table.depth[k]),
                "mapped_share": float(table.mapped_share[k]),
                "fractions": _by_guild(table.fractions[k]),
                "log_ratio_to_centre": _by_guild(contrast.log_ratios[k]),
                "niche": held.status[k],
                "niche_residual": _number(held.residual[k]),
                "niche_residual_rms": _number(held.residual_rms[k]),
                "niche_largest_factor": _number(held.largest_factor[k]),
                "held_shares": _by_guild(held.shares[k]),
            }
            for k, sample in enumerate(table.sample_ids)
        ],
        "unmapped": [{"taxon": t.name, "share": t.share, "reason": t.reason} for t in table.unmapped],
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _largest(values: np.ndarray) -> float | None:
    return float(np.nanmax(values)) if np.isfinite(values).any() else None


def _by_guild(row: np.ndarray) -> dict[str, float | None]:
    return {
        guild: None if np.isnan(value) else float(value) for guild, value in zip(GUILDS, row, strict=True)
    }
