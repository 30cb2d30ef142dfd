"""``eubiosis model``: list, show, simulate, check, page, wiring, signs, therapies, derive, export and use."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eubiosis.cli.model_exchange import export_command, use_command
from eubiosis.cli.model_loading import CONTENT, JSON, demand_no_findings, load_model
from eubiosis.cli.out_paths import OutPath
from eubiosis.cli.printing import print_json, print_written
from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.output import Page

if TYPE_CHECKING:
    from eubiosis.core.json_data import JsonRecord
    from eubiosis.model.check import Verdict
    from eubiosis.model.model import Model


@click.group()
def model() -> None:
    """The mechanistic model: gut, hand-over and host.

    Simulated; nothing here is evidence of efficacy or medical advice.
    """


model.add_command(export_command)
model.add_command(use_command)


@model.command("list")
@CONTENT
@JSON
def list_command(content: Path | None, as_json: bool) -> None:
    """List modules, persons, conditions and how many entities of the field are what in this model."""
    from eubiosis.model.entities import counts, read_entities, sentence
    from eubiosis.model.forms import caption

    loaded = load_model(content)
    entities = read_entities(loaded.content.folder)
    conditions = [
        {"condition": c.name, "person": c.person, "days": c.days, "description": c.description}
        for c in loaded.conditions.values()
    ]
    system = loaded.system
    summary = {
        "states": len(system.states),
        "assigned": len(system.assigned),
        "parameters": len(system.parameters),
        "persons": list(loaded.derived.persons),
        "forms": {form.person: caption(form) for form in loaded.content.forms},
        "entities": counts(entities),
        "conditions": conditions,
    }
    if as_json:
        click.echo(json.dumps(summary, indent=1))
        return
    click.echo(
        f"{len(system.states)} states, {len(system.assigned)} assigned quantities, "
        f"{len(system.parameters)} parameters and inputs"
    )
    click.echo(sentence(entities))
    click.echo("persons:")
    for form in loaded.content.forms:
        click.echo(f"  {form.person:<30}{caption(form)}")
    click.echo("conditions:")
    for row in conditions:
        click.echo(f"  {row['condition']:<30}{row['days']:>5g} d  {row['description']}")


@model.command("entities")
@click.option("--status", help="Only those of one status: state, rule, observable, prior-only edge, name.")
@CONTENT
@JSON
def entities_command(status: str | None, content: Path | None, as_json: bool) -> None:
    """List every entity of the field's picture: what it is in this model, and where it lives."""
    from eubiosis.core.content import PACKAGED_CONTENT
    from eubiosis.model.entities import STATUSES, read_entities, sentence

    if status is not None and status not in STATUSES:
        raise FindingsError(
            [Finding("--status", "", unknown_word(status, STATUSES), allowed=", ".join(STATUSES))]
        )
    rows = read_entities(content or PACKAGED_CONTENT)
    shown = [row for row in rows if status in (None, row.status)]
    if as_json:
        click.echo(json.dumps([row.model_dump() for row in shown], indent=1))
        return
    for row in shown:
        click.echo(f"{row.status:<17}{row.name:<46}{row.quantity:<22}{row.file}")
    click.echo(sentence(rows))


@model.command("show")
@click.argument("name")
@CONTENT
@JSON
def show_command(name: str, content: Path | None, as_json: bool) -> None:
    """Show one quantity: value, unit, range, basis and source, or its equation."""
    loaded = load_model(content)
    record = _describe(loaded, name)
    if as_json:
        click.echo(json.dumps(record, indent=1))
        return
    for key, value in record.items():
        if value not in (None, "", []):
            click.echo(f"{key:<14}{value if not isinstance(value, list) else ', '.join(map(str, value))}")


@model.command("simulate")
@click.argument("condition")
@click.option("--observable", "-y", multiple=True, help="A quantity to print; repeat for more.")
@click.option(
    "--every",
    default=7.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Days between outputs.",
)
@click.option("--days", type=click.FloatRange(min=0, min_open=True), help="Days to run.")
@CONTENT
@JSON
def simulate_command(
    condition: str,
    observable: Sequence[str],
    every: float,
    days: float | None,
    content: Path | None,
    as_json: bool,
) -> None:
    """Run one condition and print a table of time courses (tab-separated, time in days)."""
    import numpy as np

    loaded = load_model(content)
    setting = loaded.condition(condition)
    end = days if days is not None else setting.days
    grid = np.append(np.arange(0.0, end, every), end)
    names = tuple(observable) or ("gut_scfa", "gut_C_Bu", "gut_pH", "gut_LPS", "host_R", "host_T17", "host_C")
    system = loaded.system
    known = (*system.states, *system.assigned, *system.parameters)
    wrong = [name for name in names if name not in known]
    if wrong:
        raise FindingsError(
            [
                Finding(
                    "--observable",
                    name,
                    f"quantity {unknown_word(name, known)}",
                    next_step="see: eubiosis model show NAME",
                )
                for name in wrong
            ]
        )
    solution = loaded.simulate(condition, grid, names)
    if as_json:
        courses = {name: solution[name][0].tolist() for name in names}
        click.echo(
            json.dumps(
                {
                    "condition": condition,
                    "simulated": True,
                    "status": solution.status[0],
                    "time_days": grid.tolist(),
                    **courses,
                }
            )
        )
    else:
        click.echo("\t".join(("time", *names)))
        for time, row in zip(grid, solution.values[0], strict=True):
            click.echo("\t".join(f"{value:.6g}" for value in (time, *row)))
    if solution.status[0] != "ok":
        click.echo(f"status: {solution.status[0]}", err=True)
        sys.exit(3)


@model.command("check")
@click.option("--quick", is_flag=True, help="Leave out the targets that need a simulated population.")
@CONTENT
@JSON
def check_command(quick: bool, content: Path | None, as_json: bool) -> None:
    """Check tables, modules, units and SBML, then compare the model with every target."""
    from eubiosis.core.content import PACKAGED_CONTENT
    from eubiosis.model import load
    from eubiosis.model.check import basis_shares, check_targets, number_lines, shares_missed, summary

    folder = content or PACKAGED_CONTENT
    demand_no_findings(folder)
    loaded = load(folder)
    click.echo("tables, modules, units and hand-over: no findings; libSBML: no errors, no warnings", err=True)
    verdicts = check_targets(loaded, population=not quick)
    if as_json:
        click.echo(json.dumps([v.as_record() for v in verdicts], indent=1))
    else:
        click.echo(format_verdicts(verdicts))
    counts = summary(verdicts)
    click.echo(", ".join(f"{number} {word}" for word, number in counts.items()), err=as_json)
    click.echo("; ".join(map(str, shares_missed(verdicts))), err=as_json)
    shares = basis_shares(loaded)
    text = ", ".join(f"{basis} {share:.0%}" for basis, share in shares.items())
    click.echo(f"numbers by basis: {text}", err=as_json)
    for line in number_lines(loaded):
        click.echo(line, err=as_json)


@model.command("page")
@click.option(
    "--out",
    type=OutPath(folder=False, page=Page.AXIS),
    default=Path("axis.html"),
    show_default=True,
    help="The page to write; an earlier one of this kind is replaced.",
)
@CONTENT
@JSON
def page_command(out: Path, content: Path | None, as_json: bool) -> None:
    """Simulate a healthy person, one with MS and one with MS on inulin, and write one page."""
    from eubiosis.workflow.axis import write_axis_page

    def say(message: str) -> None:
        click.echo(message, err=True)

    say("loading the model")
    print_written([write_axis_page(load_model(content), out, say=say)], as_json=as_json)


@model.command("wiring")
@click.option(
    "--out",
    type=OutPath(folder=False, page=Page.MODEL),
    default=Path("model.html"),
    show_default=True,
    help="The page to write; an earlier one of this kind is replaced.",
)
@CONTENT
@JSON
def wiring_command(out: Path, content: Path | None, as_json: bool) -> None:
    """Write the model on one page: wiring diagram, equations, numbers with sources, signs."""
    from eubiosis.workflow.model_page import write_model_page

    written = write_model_page(load_model(content), out, say=lambda text: click.echo(text, err=True))
    print_written([written], as_json=as_json)


@model.command("signs")
@click.option(
    "--draws",
    default=16,
    show_default=True,
    type=click.IntRange(min=2),
    help="Draws of the couplings, each with its mirror.",
)
@click.option("--seed", default=2026, show_default=True)
@CONTENT
@JSON
def signs_command(draws: int, seed: int, content: Path | None, as_json: bool) -> None:
    """Compare the sign of the model's responses with the mechanisms of the evidence, and with chance."""
    from eubiosis.core.record import as_json as to_json
    from eubiosis.report.sign_table import format_signs
    from eubiosis.workflow.signs import sign_table

    table = sign_table(load_model(content), draws=draws, seed=seed)
    click.echo(to_json(table) if as_json else format_signs(table))


@model.command("therapies")
@click.option("--size", default=400, show_default=True, type=click.IntRange(min=10), help="People.")
@click.option(
    "--worlds",
    default=200,
    show_default=True,
    type=click.IntRange(min=0),
    help="Draws of the host's world, totals symmetric about zero; 0 leaves them out.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="PATH",
    help="A gut-to-host path to take out: its id, its metabolite class or its target; repeat for more.",
)
@click.option("--seed", default=11, show_default=True)
@CONTENT
@JSON
def therapies_command(
    size: int, worlds: int, without: Sequence[str], seed: int, content: Path | None, as_json: bool
) -> None:
    """Compare therapies in MS: what reaches the host, and what the uncalibrated host makes of it."""
    from eubiosis.model.check import check_targets
    from eubiosis.model.discrepancy import read_discrepancies
    from eubiosis.model.therapies import compare_therapies, gut_discrepancies
    from eubiosis.report.therapy_table import format_therapies, therapy_records
    from eubiosis.therapy import products

    loaded = load_model(content)
    compared = {each.compared.label: each.compared.condition for each in products().values() if each.compared}
    fitted = compare_therapies(loaded, compared, size=size, without=without, seed=seed)
    few = max(size // 10, 10)  # in each of the worlds
    sampled = (
        compare_therapies(loaded, compared, size=few, worlds=worlds, without=without, seed=seed)
        if worlds
        else []
    )
    known = read_discrepancies(loaded.content)
    unsure = {row.condition: gut_discrepancies(known, row.condition, row.gut) for row in fitted}
    if as_json:
        click.echo(json.dumps(therapy_records(fitted, sampled, unsure), indent=1))
        return
    conditions = {row.condition for row in fitted}
    misfits = [v for v in check_targets(loaded) if v.condition in conditions and v.verdict == "miss"]
    click.echo(format_therapies(fitted, sampled, unsure))
    click.echo("\nmisfits with the evidence (printed, not tuned away):")
    for verdict in misfits:
        click.echo(
            f"  {verdict.quantity}: model {verdict.model:.3g}, evidence {_range(verdict)} ({verdict.role})"
        )


@model.command("derive")
@CONTENT
@JSON
def derive_command(content: Path | None, as_json: bool) -> None:
    """Derive niche factors, reference states, rates and answers to doubling anew, and store them."""
    from eubiosis.calibration.clinical_rows import demand_clinical_rows
    from eubiosis.core.content import PACKAGED_CONTENT
    from eubiosis.core.output import check_place
    from eubiosis.model import load
    from eubiosis.model.clinical_tables import measure_clinical, save_clinical
    from eubiosis.model.content import load_content
    from eubiosis.model.derived import derive, save_derived
    from eubiosis.model.doubling import measure
    from eubiosis.model.sensitivity import save_sensitivities
    from eubiosis.therapy.catalogue import compared_conditions

    check_place(content or PACKAGED_CONTENT, folder=True)
    if content is not None:
        demand_no_findings(content)
    demand_clinical_rows(content or PACKAGED_CONTENT)
    loaded = load_content(content or PACKAGED_CONTENT)
    derived = derive(loaded)
    save_derived(loaded, derived)
    click.echo(f"{len(derived.rows)} derived numbers for {', '.join(derived.persons)}", err=True)
    ready = load(loaded.folder)
    rows = measure(ready, ready.couplings)
    save_sensitivities(loaded, rows)
    click.echo(f"{len(rows)} answers of {len({r.id for r in rows})} gut-to-host paths", err=True)
    measured = measure_clinical(load(loaded.folder), compared_conditions())
    save_clinical(loaded, measured)
    effective = ", ".join(f"{r.metabolite_class} {r.effective:g} of {r.draws}" for r in measured.totals)
    click.echo(f"{len(measured.exposures)} exposures; effective draws of totals: {effective}", err=True)
    if as_json:
        print_json(
            {
                "derived": len(derived.rows),
                "persons": derived.persons,
                "answers": len(rows),
                "paths": len({r.id for r in rows}),
                "exposures": len(measured.exposures),
            }
        )


def _describe(loaded: Model, name: str) -> JsonRecord:
    from eubiosis.model.join import parsed_modules, unit_texts

    content = loaded.content
    if name in loaded.conditions:
        setting = loaded.conditions[name]
        return {
            "condition": name,
            "person": setting.person,
            "days": setting.days,
            "description": setting.description,
            "inputs": [
                f"{p.target} = {p.level:g} from day {p.start:g} to {p.stop:g}" for p in setting.pulses
            ],
            "fixed": [f"{k} = {v:g}" for k, v in setting.fixed.items()],
        }
    if name in content.numbers:
        return content.numbers[name].model_dump()
    modules = parsed_modules(content, content.modules)
    for module in modules.values():
        if name in module.defines:
            equation = module.defines[name]
            persons = {
                p: f"{loaded.derived.of(p)[name]:.6g}"
                for p in loaded.derived.persons
                if name in loaded.derived.of(p)
            }
            return {
                "id": name,
                "module": module.name,
                "line": equation.line,
                "kind": equation.kind,
                "equation": equation.expression,
                "uses": list(equation.mentions),
                "unit": content.initial[name].unit
                if name in content.initial
                else unit_texts(content, loaded.system).get(name, ""),
                "reference state": [f"{p} {v}" for p, v in persons.items()],
                "start": content.initial[name].model_dump() if name in content.initial else None,
            }
    for row in content.interface:
        if row.id == name:
            return row.model_dump()
    known = {*loaded.conditions, *content.numbers, *content.initial, *(r.id for r in content.interface)}
    known |= {target for module in modules.values() for target in module.defines}
    raise FindingsError(
        [Finding("model", "", unknown_word(name, known), next_step="see: eubiosis model list")]
    )


def format_verdicts(verdicts: Sequence[Verdict]) -> str:
    """Lay verdicts out as a table for the terminal; the reason of a miss stands below it."""
    lines = [
        f"{'id':<6}{'quantity':<58}{'condition':<28}{'model':>11}{'MC error':>10}  "
        f"{'target':<24}{'role':<12}{'fitted':<8}verdict"
    ]
    for v in verdicts:
        error = "" if v.error is None else f"{v.error:.2g}"
        lines.append(
            f"{v.row.id:<6}{v.quantity:<58}{v.condition:<28}{v.model:>11.4g}{error:>10}  "
            f"{_range(v):<24}{v.role:<12}{v.row.fitted:<8}{v.verdict}"
        )
        if v.verdict == "miss":
            lines.append(f"{'':<6}  why: {v.row.reason or 'no reason stated'}")
    return "\n".join(lines)


def _range(verdict: Verdict) -> str:
    low = "" if verdict.low is None else f"{verdict.low:g}"
    high = "" if verdict.high is None else f"{verdict.high:g}"
    if not low and not high:
        return "none"
    target = "" if verdict.target is None else f"{verdict.target:g} "
    return f"{target}[{low or '-inf'}, {high or 'inf'}]"
