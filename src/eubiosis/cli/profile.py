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
from eubiosis.population.stool.options import BLANKS, FORMATS
from eubiosis.population.stool.scale import SCALES
from eubiosis.population.stool.table import StoolTable, check_control, read_stool_table
from eubiosis.population.taxa import GUILDS

if TYPE_CHECKING:
    from eubiosis.model.held import HeldNiches
    from eubiosis.population.stool.checks import Orientation
    from eubiosis.population.stool.options import Blanks, Format
    from eubiosis.population.stool.scale import Scale

_ORIGIN = (
    "Read fractions of a real stool table, summed over guilds on its own sequencing platform: not biomass "
    "fractions, not comparable with another platform, no diagnosis."
)
_UNMAPPED_SHOWN = 5


@click.command()
@click.argument("stool_table", type=click.Path(path_type=Path), required=False)
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
@click.option("--taxonomy", type=click.Path(path_type=Path), help="Second file: the lineage of each feature.")
@click.option("--format", "form", type=click.Choice(FORMATS), help="What the file is (else: seen from it).")
@click.option(
    "--rank", type=click.Choice(("genus", "species", "family")), help="Rank taken of a profile of many."
)
@click.option("--blanks", type=click.Choice(BLANKS), default="refuse", help="What blank cells are.")
@click.option("--ignore", multiple=True, metavar="COLUMN", help="Leave a column out (may be repeated).")
@click.option("--explain", metavar="NAME", help="Say which guild a name is counted in, and why; no table.")
@click.option("--platform", default="", metavar="TEXT", help="How the reads were made; kept with the JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with contrasts and unmapped taxa.")
def profile(
    stool_table: Path | None,
    *,
    metadata: Path | None,
    id_column: str | None,
    group_column: str | None,
    control: str | None,
    orientation: Orientation | None,
    scale: Scale | None,
    taxonomy: Path | None,
    form: Format | None,
    rank: str | None,
    blanks: Blanks,
    ignore: tuple[str, ...],
    explain: str | None,
    platform: str,
    as_json: bool,
) -> None:
    """Sum the taxa of STOOL_TABLE into the guilds of the model, and hold each sample in it.

    STOOL_TABLE is a table of genera, species or lineages, either way round: text (tab, comma, semicolon; .gz,
    .bz2, .xz, .zip), MetaPhlAn, Kraken 2, Bracken, mothur, SingleM, BIOM, QIIME 2 (.qza), .h5ad or .xlsx.
    """
    if explain is not None:
        click.echo(explanation(explain))
        return
    if stool_table is None:
        raise click.UsageError("name a STOOL_TABLE, or a taxon with --explain NAME")
    columns = (id_column, group_column)
    if metadata is None and id_column:
        raise click.UsageError("--id-column needs --metadata FILE")
    if metadata is not None and not all(columns):
        raise click.UsageError("--metadata needs --id-column NAME and --group-column NAME")
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
        taxonomy=taxonomy,
        format=form,
        rank=rank or "",
        blanks=blanks,
        ignore=ignore,
    )
    if table is not None and control is not None and table.groups is None:
        findings.add(
            table.file, "control", f'the table has no groups, so "{control}" names none',
            next_step="add --metadata FILE with --id-column and --group-column, or a column of the table",
        )  # fmt: skip
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
    click.echo(
        f"{table.file}: {table.format}, {scale}, {way}; {len(table.taxon_guilds)} taxa in a guild", err=True
    )
    click.echo(f"reads named by rule: {_rules(table)}", err=True)
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


def _rules(table: StoolTable) -> str:
    shares = {rule: share for rule, share in table.share_by_rule.items() if share > 0}
    told = ", ".join(f"{rule.replace('ncbi_id', 'NCBI id')} {share:.1%}" for rule, share in shares.items())
    return told or "none"


def explanation(name: str) -> str:
    """Say in words which guild a name is counted in, by which rule, and on what basis."""
    from eubiosis.population.taxa import load_taxa

    taxa = load_taxa()
    found = taxa.match(name)
    if found is None:
        close = taxa.nearest_name(name)
        return f'"{name}" is not in the taxa table' + (f'; nearest "{close}"' if close else "")
    row = found.taxon
    where = f"counted in guild {row.guild}" if row.guild else f"in no guild ({row.role})"
    rule = {
        "name": "by its name",
        "rename": "by its newer name",
        "suffix": "after the suffix of its genus was dropped",
        "species": "by its genus word",
        "family": "by the family word of a placeholder",
        "ncbi_id": "by its NCBI id",
    }[found.rule]
    why = row.note or row.source
    return f'"{name}" is {where}: {row.rank} {row.name}, {rule}; {row.basis}, {row.read}; {why}'


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
        "format": table.format,
        "share_by_rule": dict(table.share_by_rule),
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
