"""``eubiosis schema``: what the files and tables of the software are made of."""

from __future__ import annotations

import json

import click

from eubiosis.cli.printing import is_json_option
from eubiosis.core.columns import Column, TableSchema
from eubiosis.core.dictionary import dictionary_markdown, dictionary_tsv
from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.table_schemas import TABLES

_ColumnRecord = dict[str, str | bool | dict[str, str]]


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


@schema.command("workflow")
@is_json_option
def workflow_command() -> None:
    """Print the JSON Schema of workflow.yaml, bounds included."""
    from eubiosis.workflow.files.workflow_yaml import workflow_schema

    click.echo(json.dumps(workflow_schema(), indent=1))


@schema.command("plan")
@is_json_option
def plan_command() -> None:
    """Print the JSON Schema of the plan of eubiosis trial analyse, bounds included."""
    from eubiosis.core.trial_plan import TrialPlan

    click.echo(json.dumps(TrialPlan.json_schema(), indent=1))


@schema.command("profile")
@is_json_option
def profile_command() -> None:
    """Print the JSON Schema of what eubiosis profile --json prints."""
    from eubiosis.core.stool_profile import json_schema

    click.echo(json.dumps(json_schema(), indent=1))


@schema.command("results")
@is_json_option
def results_command() -> None:
    """Print the JSON Schema of results.json, which every run folder holds."""
    from eubiosis.report.trial.results_schema import results_schema

    click.echo(json.dumps(results_schema(), indent=1))


@schema.command("question")
@is_json_option
def question_command() -> None:
    """Print the JSON Schema of the question of a brief, bounds included."""
    from eubiosis.workflow.question import Question

    click.echo(json.dumps(Question.json_schema(), indent=1))


@schema.command("credibility")
@is_json_option
def credibility_command() -> None:
    """Print the JSON Schema of credibility.json, which every run folder holds."""
    from eubiosis.core.credibility import credibility_schema

    click.echo(json.dumps(credibility_schema(), indent=1))


@schema.command("therapy")
@is_json_option
def therapy_command() -> None:
    """Print the JSON Schema of a file in content/therapies, and of a therapy in an arm."""
    from eubiosis.therapy import Product, Therapy

    click.echo(json.dumps({"product": Product.json_schema(), "therapy": Therapy.json_schema()}, indent=1))


def _record(one: TableSchema) -> dict[str, str | bool | list[_ColumnRecord]]:
    return {
        "name": one.name,
        "meaning": one.meaning,
        "row": one.row,
        "latent": one.latent,
        "further": one.further,
        "columns": [_column(column) for column in one.columns],
    }


def _column(column: Column) -> _ColumnRecord:
    return {
        "name": column.name,
        "meaning": column.meaning,
        "kind": column.kind,
        "unit": column.unit,
        "coding": dict(column.coding),
        "cdisc": column.cdisc,
        "optional": column.optional,
    }
