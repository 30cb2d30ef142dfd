"""``eubiosis schema``: what the files and tables of the software are made of."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from eubiosis.core.columns import TableSchema
from eubiosis.core.dictionary import dictionary_markdown, dictionary_tsv
from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.table_schemas import TABLES


@click.group()
def schema() -> None:
    """Show what files and tables are made of."""


@schema.command("tables")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", is_flag=True, help="Print the page of the documentation.")
def tables(names: tuple[str, ...], *, as_json: bool, markdown: bool) -> None:
    """Print the data dictionary of all tables, or of the tables named (tab-separated)."""
    if as_json and markdown:
        raise click.UsageError("give one of --json and --markdown")
    wrong = [name for name in names if name not in TABLES]
    if wrong:
        allowed = ", ".join(TABLES)
        raise FindingsError(
            [Finding("schema tables", "", f"table {unknown_word(name, TABLES)}", allowed) for name in wrong]
        )
    chosen = [TABLES[name] for name in names or TABLES]
    if as_json:
        click.echo(json.dumps([_record(one) for one in chosen], indent=1))
    elif markdown:
        click.echo(dictionary_markdown(chosen), nl=False)
    else:
        click.echo(dictionary_tsv(chosen), nl=False)


def _record(one: TableSchema) -> dict[str, str | bool | list[dict[str, str]]]:
    columns = [
        {key: value for key, value in asdict_column.items() if value not in ("", {}, False)}
        for asdict_column in ({**asdict(column), "coding": dict(column.coding)} for column in one.columns)
    ]
    return {
        "name": one.name,
        "meaning": one.meaning,
        "row": one.row,
        "latent": one.latent,
        "further": one.further,
        "columns": columns,
    }
