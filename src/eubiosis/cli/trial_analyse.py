"""``eubiosis trial analyse``: a real trial's table by its plan."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.cli.out_paths import NEW_FOLDER


@click.command("analyse")
@click.argument("table", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--plan", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The analysis plan (YAML)."
)
@click.option(
    "--out",
    type=NEW_FOLDER,
    help="Write analysis.html, .json, methods.txt and tables into this new folder.",
)
@click.option("--json", "as_json_asked", is_flag=True, help="Print plan, estimates and methods as JSON.")
def analyse_command(table: Path, plan: Path, out: Path | None, as_json_asked: bool) -> None:
    """Analyse a real trial's TABLE (.csv, .tsv, .parquet, .xpt) by its plan.

    Prints the estimates as CSV, then (on standard error) the methods. Every mismatch between table and plan
    is a finding with its row and column, and nothing is analysed then. See: eubiosis schema plan
    """
    from eubiosis.core.record import as_json
    from eubiosis.report.trial_table.page import analysis_record
    from eubiosis.workflow.analyse import analyse_files, table_csv, write_analysis

    found = analyse_files(table, plan)
    if out is not None:
        for path in write_analysis(found, out):
            click.echo(f"wrote {path}", err=True)
    if as_json_asked:
        click.echo(as_json(analysis_record(found)))
        return
    click.echo(table_csv(found.to_table()), nl=False)
    if out is None:
        click.echo("\n" + "\n\n".join((*found.methods, *found.notes)), err=True)
