"""``eubiosis therapy``: what can be given, from the files in ``content/therapies``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eubiosis.cli.out_paths import OUT_FILE
from eubiosis.cli.printing import print_json, print_written

if TYPE_CHECKING:
    from eubiosis.therapy import Product, Therapy

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_WORLDS = 8  # of the shares, where no other number is asked for
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


@therapy.command("example")
@click.argument("name", required=False)
@click.option("--out", type=OUT_FILE, help="A new file; without it, standard output.")
@click.option("--all", "every", is_flag=True, help="Run the examples of all products, one after the other.")
@_JSON
def example_command(name: str | None, out: Path | None, every: bool, as_json: bool) -> None:
    """Write a small workflow in which the product is given at its usual dose, or run those of all."""
    from eubiosis.workflow.examples import example_workflow, write_example

    if every == (name is not None):
        message = "give the name of a product, or --all"
        raise click.UsageError(message)
    if name is None:
        _run_all(as_json=as_json)
    elif out is not None:
        print_written([write_example(name, out)], as_json=as_json)
    elif as_json:
        print_json({"therapy": name, "workflow": example_workflow(name)})
    else:
        click.echo(example_workflow(name), nl=False)


def _run_all(*, as_json: bool) -> None:
    """Run every example; the exit status is 3 where one did not run to its end."""
    from eubiosis.workflow.example_runs import ExampleRun, run_examples

    if not as_json:
        click.echo("therapy\trepresentable\ttrials\tendpoints\treport_bytes\tcpu_seconds\tproblem")

    def say(run: ExampleRun) -> None:
        if as_json:
            return
        cells = (run.therapy, run.representable, run.trials, run.endpoints, run.report_bytes)
        click.echo("\t".join([*map(str, cells), f"{run.seconds:.1f}", run.problem]))

    runs = run_examples(say=say)
    if as_json:
        print_json([asdict(run) for run in runs])
    click.echo(f"{sum(run.ran for run in runs)} of {len(runs)} examples ran to their report", err=True)
    if not all(run.ran for run in runs):
        raise click.exceptions.Exit(3)


@therapy.command("replays")
@_JSON
def replays_command(as_json: bool) -> None:
    """List published results that may be fitted or checked: their workflow, or why there is none."""
    from eubiosis.workflow.examples import replays

    if as_json:
        click.echo(json.dumps([row.model_dump() for row in replays()], indent=1))
        return
    for row in replays():
        what = f"{row.path}: {row.endpoint}, week {row.week:g}; {row.compared}" if row.path else row.reason
        click.echo(f"{row.id:4} {row.role:6} {what}")


@therapy.command("harms")
@click.argument("name")
@click.option("--exclude", type=float, help="A risk: how many people exclude it?")
@click.option("--expected", type=float, default=0.0, help="Risk that is true all the same.")
@click.option("--people", type=int, help="People treated: what does no event among them exclude?")
@_JSON
def harms_command(
    name: str, exclude: float | None, expected: float, people: int | None, as_json: bool
) -> None:
    """Show what was counted of a product's harms, and sizes that exclude one."""
    from eubiosis.analysis.planning.harms import excluded_risk, size_to_exclude
    from eubiosis.therapy import product
    from eubiosis.therapy.harms import asked_of, counts_of, harm_terms, uncounted

    found = product(name)
    counts = counts_of(found)
    if as_json:
        print_json(
            {
                "therapy": name,
                "harms": [
                    {
                        "harm": harm,
                        "label": harm_terms()[harm].label,
                        "counts": [r for r in counts if r.harm == harm],
                    }
                    for harm in asked_of(found)
                ],
                "people_to_exclude": None if exclude is None else size_to_exclude(exclude, expected=expected),
                "risk_excluded": None if people is None else excluded_risk(people),
                "note": _NO_CLAIM,
            }
        )
        return
    for harm in asked_of(found):
        rows = [row for row in counts if row.harm == harm]
        label = harm_terms()[harm].label
        if not rows:
            click.echo(f"{label}: {uncounted(found)}")
        for row in rows:
            shown = "" if row.simulated == "yes" else "; shown, not simulated"
            click.echo(f"{label}, {row.arm}: {row.text}; {row.population}; {row.source} ({row.read}){shown}")
    if not asked_of(found):
        click.echo(f"any harm: {uncounted(found)}")
    if exclude is not None:
        size = size_to_exclude(exclude, expected=expected)
        click.echo(f"{size} people exclude a risk of {exclude:g} or more (true risk {expected:g})")
    if people is not None:
        click.echo(f"no event among {people} excludes a risk above {excluded_risk(people):.3g}")
    click.echo(_NO_CLAIM)


@therapy.command("shares")
@click.argument("name")
@click.option("--dose", help='The daily dose, such as "12 g/day"; without it, the usual one.')
@click.option("--with", "added", multiple=True, metavar="NAME[=DOSE]", help="A further product (repeatable).")
@click.option(
    "--worlds",
    type=click.IntRange(min=2),
    default=_WORLDS,
    show_default=True,
    help="Host worlds, each with its mirror.",
)
@_JSON
def shares_command(name: str, dose: str | None, added: tuple[str, ...], worlds: int, as_json: bool) -> None:
    """Show through what the predicted effect on each endpoint goes: ecology, metabolites, a direct term.

    One is switched off at a time. What the model lacks has no share, and evidence alone answers for it.
    """
    from eubiosis.model import load
    from eubiosis.therapy import give, product
    from eubiosis.workflow.therapy_shares import PARTS, therapy_shares

    def given(one: str, amount: str | None) -> Therapy:
        dosed = product(one).dose
        usual = None if dosed is None or dosed.usual is None else dosed.usual.text
        return give(one, dose=amount or usual)

    whole = given(name, dose)
    for each in added:
        other, _, amount = each.partition("=")
        whole = whole + given(other, amount or None)
    rows = therapy_shares(load(), whole, worlds=worlds)
    if as_json:
        print_json(rows)
        return
    click.echo(f"{whole.describe()}; after twelve weeks, fully taken; simulated, prior only;")
    few = f" (few: {_WORLDS} or more tell shares apart)" if worlds < _WORLDS else ""
    click.echo("gut and plasma at the reference numbers, host endpoints with their interval")
    click.echo(f"over {worlds} host worlds{few}")
    click.echo(
        f"{'endpoint':18} {'log ratio (2.5 to 97.5 %)':28} " + " ".join(f"{part:>12}" for part in PARTS)
    )
    for row in rows:
        if row.nothing:
            click.echo(f"{row.endpoint:18} no effect in the model")
            continue
        effect = f"{row.effect:+.3f}"
        if row.high > row.low:
            effect += f" ({row.low:+.3f} to {row.high:+.3f})"
        parts = " ".join(f"{row.shares[part]:>11.0%} " for part in PARTS)
        click.echo(f"{row.endpoint:18} {effect:28} {parts}")
    for part in whole.components:
        if part.record.representable != "yes" or "outside" in part.record.mechanism:
            lacks = part.record.why or part.record.known
            click.echo(f"outside the model, {part.record.label}: {part.record.representable}; {lacks}")
    click.echo(_NO_CLAIM)


@therapy.command("coverage")
@click.argument("stool_table", type=click.Path(path_type=Path))
@click.option("--fibre", required=True, metavar="NAME", help="A fibre of the catalogue, such as inulin.")
@click.option("--level", type=float, default=0.001, show_default=True, help="Share that counts as carrying.")
@click.option("--reads", type=int, default=1, show_default=True, help="Least reads that count as seen.")
@click.option("--depth", type=int, help="Reads a sample, for a table without counts.")
@_JSON
def coverage_command(
    stool_table: Path, fibre: str, level: float, reads: int, depth: int | None, as_json: bool
) -> None:
    """Count how many people of STOOL_TABLE carry the fermenters of a fibre; nobody is named.

    A factor to stratify by, with its error rates; never a criterion of exclusion.
    """
    from eubiosis.core.findings import FindingCollector
    from eubiosis.core.record import as_json as to_json
    from eubiosis.model import load
    from eubiosis.population.stool.table import read_stool_table
    from eubiosis.workflow.fermenters import NO_HARM_KNOWN, fermenter_coverage

    findings = FindingCollector()
    table = read_stool_table(stool_table, findings)
    findings.raise_if_any()
    assert table is not None  # a reader that returns nothing has said why
    found = fermenter_coverage(load(), table, fibre, level=level, reads=reads, depth=depth)
    if as_json:
        click.echo(to_json(found))
        return
    click.echo(f"{found.samples} usable samples, median depth {found.median_depth:,.0f} reads in guilds")
    for row in found.rows:
        click.echo(
            f"{row.name}: seen in {row.seen}, at least {level:.3g} of the reads in {row.carriers} "
            f"(at just that level {row.missed:.2%} would be missed)"
        )
    click.echo(
        f"any fermenter of {fibre}: {found.rows[-1].carriers / found.samples:.1%} "
        f"({found.low:.1%} to {found.high:.1%}, exact)"
    )
    click.echo(
        f"as a stratification factor: one sample puts a person with twice the level on the right side in "
        f"{found.above:.0%}, with half of it in {found.below:.0%}; of those seen, {found.changes:.1%} would "
        "change sides in a second sample"
    )
    click.echo(NO_HARM_KNOWN)


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
        from eubiosis.therapy.transplant_facts import transplant_facts

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
@_JSON
def page_command(as_json: bool) -> None:
    """Print the page of the documentation: docs/reference/therapies.md."""
    from eubiosis.therapy import products

    lines = [
        "# Therapies\n",
        "Made by `eubiosis therapy page` from the files in `content/therapies`; `eubiosis therapy show NAME`",
        f"prints everything, with sources. {_NO_CLAIM}\n",
        "| id | group | what it is | in the model | acts through | usual dose | ceiling |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in products().values():
        usual = ceiling = "-"
        if each.dose is not None:
            usual = "-" if each.dose.usual is None else each.dose.usual.text
            limit = each.dose.ceiling
            ceiling = "-" if limit is None else f"{limit.dose.text} ({limit.kind})"
        model = each.representable + ("" if each.why is None else f": {each.why}")
        what = f"{each.label}: {each.description}"
        cells = (f"`{each.id}`", each.group, what, model, _through(each), usual, ceiling)
        lines.append(f"| {' | '.join(cells)} |")
    text = "\n".join(lines)
    if as_json:
        print_json({"markdown": text})
    else:
        click.echo(text)


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
