"""``eubiosis therapy``: what can be given, from the files in ``content/therapies``."""

from __future__ import annotations

import json

import click

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def therapy() -> None:
    """What can be given: one file each in the content. Nothing here says that a therapy works."""


@therapy.command("list")
@_JSON
def list_command(as_json: bool) -> None:
    """List the products with their group and dose."""
    from eubiosis.therapy import products

    if as_json:
        click.echo(json.dumps([each.model_dump() for each in products().values()], indent=1))
        return
    for each in products().values():
        dose = "" if each.dose is None else f"; dose: {each.dose.of} a day"
        trials = "" if each.not_in_trials is None else "; not in trials yet"
        click.echo(f"{each.id:20} {each.group:11} {each.label}{dose}{trials}")


@therapy.command("show")
@click.argument("name")
@_JSON
def show_command(name: str, as_json: bool) -> None:
    """Show one product as its file says it."""
    from eubiosis.therapy import product

    found = product(name)
    if as_json:
        click.echo(json.dumps(found.model_dump(), indent=1))
        return
    click.echo(f"{found.label} ({found.group}): {found.description}")
    if found.dose is not None:
        click.echo(f"dose: {found.dose.of} a day, input {found.dose.input} in {found.dose.unit}")
    if found.diet is not None:
        click.echo(f"levels: those of condition {found.diet.condition}; adherence scales {found.diet.share}")
    if found.not_in_trials is not None:
        click.echo(f"not in trials yet: {found.not_in_trials}")
    if found.compared is not None:
        click.echo(f"compared as {found.compared.label}: eubiosis model show {found.compared.condition}")


@therapy.command("page", hidden=True)
def page_command() -> None:
    """Print the page of the documentation: docs/reference/therapies.md."""
    from eubiosis.therapy import products

    click.echo("# Therapies\n")
    click.echo("Made by `eubiosis therapy page` from the files in `content/therapies`.")
    click.echo("Nothing here says that a therapy works.\n")
    click.echo("| id | group | what it is | dose | acts through | in trials |")
    click.echo("|---|---|---|---|---|---|")
    for each in products().values():
        dose = "-" if each.dose is None else f"{each.dose.of}, a day"
        through = "nothing that the model knows"
        if each.dose is not None:
            through = f"input `{each.dose.input}` ({each.dose.unit})"
        if each.diet is not None:
            through = f"levels of condition `{each.diet.condition}`, scaled by `{each.diet.share}`"
        if each.not_in_trials is not None and each.compared is not None:
            through = f"condition `{each.compared.condition}`"
        trials = "yes" if each.not_in_trials is None else f"not yet: {each.not_in_trials}"
        cells = (f"`{each.id}`", each.group, f"{each.label}: {each.description}", dose, through, trials)
        click.echo(f"| {' | '.join(cells)} |")
