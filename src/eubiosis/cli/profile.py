"""``eubiosis profile``: a stool table in; groups, contrasts and predicted acids out, as text, JSON, page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from eubiosis.cli.out_paths import OUT_FOLDER
from eubiosis.cli.stool_options import progress_of
from eubiosis.core.findings import FindingCollector, spelled_out
from eubiosis.core.record import as_json
from eubiosis.population.stool.options import BLANKS, FORMATS
from eubiosis.population.stool.scale import SCALES
from eubiosis.population.stool.table import StoolTable, check_control, read_stool_table

if TYPE_CHECKING:
    from eubiosis.core.stool_profile import StoolProfile
    from eubiosis.population.stool.checks import Orientation
    from eubiosis.population.stool.options import Blanks, Format
    from eubiosis.population.stool.scale import Scale

_UNMAPPED_SHOWN = 5
_WORLDS = 16


@click.command()
@click.argument("stool_table", type=click.Path(path_type=Path), required=False)
@click.option("--groups", metavar="FILE:COLUMN", help="Group of each sample: a column of a metadata table "
              "(ids in its first column, else --id-column), or just COLUMN of the stool table.")  # fmt: skip
@click.option("--metadata", type=click.Path(path_type=Path), help="Table with an id and a group column.")
@click.option("--id-column", metavar="NAME", help="Column of the metadata that holds the sample ids.")
@click.option("--group-column", metavar="NAME", help="Column of the metadata that holds the group.")
@click.option("--control", metavar="NAME", help="Group that contrasts are taken to (else: the median).")
@click.option("--under", metavar="THERAPY",
              help='Forecast the group, controls left out: "inulin 12 g/day for 3 weeks".')  # fmt: skip
@click.option("--against", type=click.Path(path_type=Path), metavar="FOLLOW_UP",
              help="Score a finished study instead: the same people's table after the therapy.")  # fmt: skip
@click.option("--out", type=OUT_FOLDER, metavar="FOLDER",
              help="Write the page, its JSON and tables into a new folder.")  # fmt: skip
@click.option("--include-persons", is_flag=True, help="Put single samples into what is printed and written.")
@click.option("--worlds", type=click.IntRange(0, 200), default=_WORLDS, show_default=True,
              help="Gut worlds behind the predicted acids; 0 makes no predictions.")  # fmt: skip
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
@click.option(
    "--platform", default="", metavar="TEXT", help="How the reads were made; kept with the results."
)
@click.option("--json", "as_json_", is_flag=True, help="Print JSON (schema: eubiosis schema profile).")
def profile(
    stool_table: Path | None,
    *,
    groups: str | None,
    metadata: Path | None,
    id_column: str | None,
    group_column: str | None,
    control: str | None,
    under: str | None,
    against: Path | None,
    out: Path | None,
    include_persons: bool,
    worlds: int,
    orientation: Orientation | None,
    scale: Scale | None,
    taxonomy: Path | None,
    form: Format | None,
    rank: str | None,
    blanks: Blanks,
    ignore: tuple[str, ...],
    explain: str | None,
    platform: str,
    as_json_: bool,
) -> None:
    """Profile STOOL_TABLE: depth, what is mapped, guilds, reported genera, diversity, contrasts, acids.

    STOOL_TABLE is a table of genera, species or lineages, either way round: text (tab, comma, semicolon; .gz,
    .bz2, .xz, .zip), MetaPhlAn, Kraken 2, Bracken, mothur, SingleM, BIOM, QIIME 2 (.qza), .h5ad or .xlsx.
    Groups are summarised; single samples are shown only with --include-persons.
    """
    if explain is not None:
        click.echo(spelled_out(explanation(explain)))
        return
    if stool_table is None:
        raise click.UsageError("name a STOOL_TABLE, or a taxon with --explain NAME")
    metadata, id_column, group_column = _where_groups_are(groups, metadata, id_column, group_column)
    if against is not None and under is None:
        raise click.UsageError('--against needs --under "THERAPY"')
    if out is not None:
        from eubiosis.core.output import check_free

        check_free(out)
    if under is not None:
        from eubiosis.cli.forecast import check_phrase

        check_phrase(under)
    findings = FindingCollector()

    def read(file: Path, grouped: bool) -> StoolTable | None:
        return read_stool_table(
            file,
            findings,
            metadata=metadata if grouped else None,
            id_column=id_column or "",
            group_column=(group_column or "") if grouped else "",
            orientation=orientation,
            scale=scale,
            platform=platform,
            taxonomy=taxonomy,
            format=form,
            rank=rank or "",
            blanks=blanks,
            ignore=ignore,
            progress=progress_of(file),
        )

    table = read(stool_table, grouped=True)
    follow_up = None if against is None else read(against, grouped=False)
    if table is not None and control is not None and table.groups is None:
        findings.add(
            table.file, "control", f'the table has no groups, so "{control}" names none',
            next_step="add --groups FILE:COLUMN, or a column of the table",
        )  # fmt: skip
    if table is not None and table.groups is not None and control is not None:
        check_control(table, control, findings)
    findings.raise_if_any()
    assert table is not None
    _log(table)
    from eubiosis.workflow.profile import ProfileAsk, profile_table

    made = profile_table(table, ProfileAsk(control=control, persons=include_persons, worlds=worlds))
    if under is not None:
        from eubiosis.cli.forecast import forecast_sections

        made = made.with_sections(
            forecast_sections(table, made.contrast, under, control=control, against=follow_up)
        )
    _hand_over(made.profile, out, as_json_=as_json_)


def _where_groups_are(
    groups: str | None, metadata: Path | None, id_column: str | None, group_column: str | None
) -> tuple[Path | None, str | None, str | None]:
    """Return the metadata file, its id column ("" for the first) and the group column."""
    if groups is not None:
        if metadata is not None or group_column is not None:
            raise click.UsageError("give --groups, or --metadata with --id-column and --group-column")
        file, colon, column = groups.rpartition(":")
        if not colon:
            return None, None, groups
        if not file or not column:
            raise click.UsageError("--groups needs FILE:COLUMN, or the name of a column of the table")
        return Path(file), id_column or "", column
    if metadata is None and id_column:
        raise click.UsageError("--id-column needs --metadata FILE")
    if metadata is not None and not (id_column and group_column):
        raise click.UsageError("--metadata needs --id-column NAME and --group-column NAME")
    return metadata, id_column, group_column


def _hand_over(made: StoolProfile, out: Path | None, *, as_json_: bool) -> None:
    """Write the folder where one was asked for, then print JSON or text."""
    from eubiosis.report.profile_page.text import profile_lines
    from eubiosis.workflow.profile import write_profile

    if out is not None:
        files = write_profile(made, out)
        click.echo(f"wrote {', '.join(str(path) for path in files)}", err=True)
    for text in made.warnings:
        click.echo(f"note: {text}", err=True)
    if as_json_:
        click.echo(as_json(made))
    else:
        for line in profile_lines(made):
            click.echo(line)


def _log(table: StoolTable) -> None:
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
    if len(table.sample_ids) == 1:
        click.echo("note: one sample and no control: its contrast is zero by construction", err=True)
    if np.isnan(table.overall_mapped_share):
        click.echo("note: no reads at all", err=True)


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
