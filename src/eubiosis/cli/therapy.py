"""``eubiosis therapy``: what can be given, from the files in ``content/therapies``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from eubiosis.therapy import Product

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_NO_CLAIM = "Nothing here says that a therapy works."


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
        known = "" if each.representable == "yes" else f"; {each.representable}"
        trials = "" if each.not_in_trials is None else "; not in trials yet"
        click.echo(f"{each.id:32} {each.group:11} {each.label}{dose}{known}{trials}")


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
    for line in _lines(found):
        click.echo(line)


def _lines(one: Product) -> list[str]:
    """Return what a product's file says, in lines of words."""
    from eubiosis.therapy.product import PRIM_TOPICS

    lines = [f"{one.label} ({one.group}): {one.description}", *_acts(one)]
    lines.append(f"in the model: {one.representable}" + ("" if one.why is None else f"; {one.why}"))
    if one.mechanism:
        lines.append(f"acts on: {', '.join(one.mechanism)}")
    if one.representable != "yes" and one.evidence is not None:
        lines.append(f"evidence answers: eubiosis evidence prior --intervention {one.evidence} --outcome ...")
    if one.known is not None:
        lines.append(f"known: {one.known}")
    if one.schedule is not None:
        away = "not known" if one.schedule.washout_weeks is None else f"{one.schedule.washout_weeks:g} weeks"
        lines.append(
            f"schedule: {one.schedule.times_per_day:g} times a day, ramp {one.schedule.ramp_weeks:g} weeks, "
            f"wash-out {away} ({one.schedule.basis}: {one.schedule.source or one.schedule.note})"
        )
    if one.adherence is not None:
        lines.append(
            f"adherence: mean {one.adherence.mean:g}, sd {one.adherence.sd:g} ({one.adherence.basis}: "
            f"{one.adherence.note or one.adherence.source})"
        )
    lines += [f"PRIM 2024, {topic.replace('_', ' ')}: {text}" for topic, text in one.prim.items()]
    missing = [topic.replace("_", " ") for topic in PRIM_TOPICS if topic not in one.prim]
    lines.append(f"PRIM 2024, not filled from what was read: {', '.join(missing)}")
    lines += [f"source ({each.read}): {each.source}: {each.says}" for each in one.sources]
    if one.compared is not None:
        lines.append(f"compared as {one.compared.label}: eubiosis model show {one.compared.condition}")
    if one.transplant is not None:
        from eubiosis.therapy.transplants import transplant_facts

        lines += [f"{row.topic} ({row.read or 'not read'}): {row.statement}" for row in transplant_facts()]
    return [*lines, _NO_CLAIM]


def _acts(one: Product) -> list[str]:
    """Return in words what a product drives in the model, and at which doses."""
    lines = []
    if one.dose is not None:
        driven = ", ".join(
            f"input {name}" + ("" if share == 1 else f" (share {share:g})")
            for name, share in one.dose.driven.items()
        )
        lines.append(f"dose: {one.dose.of} a day, {driven or 'no input of the model'} in {one.dose.unit}")
        if one.dose.usual is not None:
            lines.append(f"usual: {one.dose.usual.text} ({one.dose.usual_source})")
        if one.dose.ceiling is not None:
            limit = one.dose.ceiling
            where = limit.source or limit.note
            lines.append(
                f"ceiling: {limit.dose.text} ({limit.kind}; {where}; {limit.read or 'no source read'})"
            )
    if one.diet is not None:
        what = f"those of condition {one.diet.condition}"
        if one.diet.levels is not None:
            what = ", ".join(f"{name} {level:g}" for name, level in one.diet.levels.items())
        days = "" if one.diet.days_a_week == 7 else f", on {one.diet.days_a_week:g} days a week"
        lines.append(f"levels: {what}; adherence scales {one.diet.share}{days}")
    for term in one.direct:
        what = (
            f"drug {term.drug}" if term.drug else f"{term.target}, log factor about zero with sd {term.sd:g}"
        )
        lines.append(f"direct term: {what} ({term.basis}: {term.source or term.note})")
    for part in one.together:
        dose = "" if part.dose is None else f" {part.dose.text}"
        lines.append(f"together with: {part.product}{dose}")
    if one.transplant is not None:
        lines.append(f"transplant: donor {one.transplant.donor}; {one.transplant.note}")
    if one.not_in_trials is not None:
        lines.append(f"not in trials yet: {one.not_in_trials}")
    return lines


@therapy.command("page", hidden=True)
def page_command() -> None:
    """Print the page of the documentation: docs/reference/therapies.md."""
    from eubiosis.therapy import products

    click.echo("# Therapies\n")
    click.echo(
        "Made by `eubiosis therapy page` from the files in `content/therapies`; `eubiosis therapy show NAME`"
    )
    click.echo(f"prints everything, with sources. {_NO_CLAIM}\n")
    click.echo("| id | group | what it is | in the model | acts through | usual dose | ceiling |")
    click.echo("|---|---|---|---|---|---|---|")
    for each in products().values():
        usual = ceiling = "-"
        if each.dose is not None:
            usual = "-" if each.dose.usual is None else each.dose.usual.text
            limit = each.dose.ceiling
            ceiling = "-" if limit is None else f"{limit.dose.text} ({limit.kind})"
        model = each.representable + ("" if each.why is None else f": {each.why}")
        what = f"{each.label}: {each.description}"
        cells = (f"`{each.id}`", each.group, what, model, _through(each), usual, ceiling)
        click.echo(f"| {' | '.join(cells)} |")


def _through(one: Product) -> str:
    """Return in a cell of a table what a product acts through."""
    parts = [] if one.dose is None else [f"input `{name}`" for name in one.dose.driven]
    if one.diet is not None:
        levels = "its own levels" if one.diet.condition is None else f"levels of `{one.diet.condition}`"
        parts.append(f"{levels}, scaled by `{one.diet.share}`")
    if one.transplant is not None:
        parts.append("engraftment of a donor's guilds")
    parts += [f"`{term.target or 'drug_classes.tsv'}`" for term in one.direct]
    parts += [f"`{part.product}`" for part in one.together]
    return ", ".join(parts) or "nothing that the model knows"
