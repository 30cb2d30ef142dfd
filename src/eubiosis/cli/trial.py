"""``eubiosis trial``: plan a trial from the shell."""

from __future__ import annotations

import json

import click

from eubiosis.cli.trial_analyse import analyse_command
from eubiosis.cli.trial_pilot import pilot
from eubiosis.cli.trial_power import power
from eubiosis.cli.trial_single_arm import single_arm
from eubiosis.cli.trial_surface import surface_command


@click.group()
def trial() -> None:
    """Plan trials: how many participants for which endpoint, and what the control arm will show."""


@trial.command("control-arm")
@click.option("--year", type=click.IntRange(1980, 2100), required=True, help="Year of publication.")
@click.option("--background", default="platform", show_default=True, help="Drug of the control arm, or none.")
@click.option("--breakthrough", is_flag=True, help="A relapse on that drug is asked for at entry.")
@click.option("--phenotype", default="RRMS", show_default=True)
@click.option(
    "--relapses-last-year", type=click.IntRange(0, 5), default=1, show_default=True, help="Least at entry."
)
@click.option("--mfis-from", type=click.FloatRange(0, 84), help="Lowest MFIS at entry.")
@click.option("--people", type=click.IntRange(1), default=100, show_default=True, help="Size of the arm.")
@click.option("--years", type=click.FloatRange(0.05, 10), default=1.0, show_default=True, help="Follow-up.")
@click.option("--json", "as_json_asked", is_flag=True, help="Print one JSON object.")
def control_arm(
    year: int, background: str, breakthrough: bool, phenotype: str, relapses_last_year: int,
    mfis_from: float | None, people: int, years: float, as_json_asked: bool,
) -> None:  # fmt: skip
    """Forecast what a control arm will show, from published control arms alone.

    The regression on all arms and that on the arms read at first hand, which decides; what so many people
    will observe; the other endpoints; regression to the mean.
    """
    from eubiosis.core.control_arm import ControlQuestion
    from eubiosis.core.record import as_json
    from eubiosis.evidence.forecast.control_forecast import control_arm as forecast
    from eubiosis.evidence.forecast.control_forecast import control_arm_text

    content = {
        "year": year, "background": background, "breakthrough": breakthrough, "phenotype": phenotype,
        "relapses_last_year": relapses_last_year, "mfis_from": mfis_from, "people": people, "years": years,
    }  # fmt: skip
    wrong = ControlQuestion.problems(content)
    if wrong:
        options = (f"--{str(each.place[0]).replace('_', '-')} {each.problem}" for each in wrong)
        allowed = (f"; allowed: {each.allowed}" for each in wrong)
        raise click.UsageError("; ".join(f"{o}{a}" for o, a in zip(options, allowed, strict=True)))
    found = forecast(ControlQuestion.model_validate(content))
    click.echo(as_json(found) if as_json_asked else control_arm_text(found))


@trial.command()
@click.option("--trials", type=click.IntRange(2), default=2000, show_default=True, help="Per scenario.")
@click.option("--seed", type=int, default=2026, show_default=True)
@click.option("--only", default="", help="Only scenarios whose name or analysis contains this text.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list instead of a Markdown table.")
def validate(trials: int, seed: int, only: str, as_json: bool) -> None:
    """Simulate trials with a known truth and print how the analyses do.

    Type I error, power against the closed form, coverage and bias, each with its Monte Carlo standard
    error. A trial whose analysis gives no numbers counts as not significant and is counted.
    """
    from eubiosis.analysis.truth.operating import as_markdown, as_records, run_scenario
    from eubiosis.analysis.truth.scenarios import scenarios

    chosen = [one for one in scenarios() if only.lower() in f"{one.name} {one.method}".lower()]
    if not chosen:
        message = f'no scenario contains "{only}"; see: eubiosis trial validate --trials 2'
        raise click.UsageError(message)
    rows = []
    for one in chosen:
        click.echo(f"{one.name} | {one.method}", err=True)
        rows.append(run_scenario(one, trials, seed))
    click.echo(json.dumps(as_records(rows), indent=2) if as_json else as_markdown(rows), nl=as_json)


trial.add_command(power)
trial.add_command(single_arm)
trial.add_command(pilot)
trial.add_command(analyse_command)
trial.add_command(surface_command)


@trial.command()
@click.option("--participants", type=click.IntRange(20, 2000), default=240, show_default=True)
@click.option("--gut-worlds", type=click.IntRange(1, 100), default=6, show_default=True)
@click.option("--replicates", type=click.IntRange(1, 1000), default=4, show_default=True)
@click.option("--processes", type=click.IntRange(1, 256), default=1, show_default=True)
@click.option("--seed", type=int, default=2026, show_default=True)
@click.option("--json", "as_json_asked", is_flag=True, help="Print a JSON list instead of a Markdown table.")
def realism(
    participants: int, gut_worlds: int, replicates: int, processes: int, seed: int, as_json_asked: bool
) -> None:
    """Print figures of simulated control arms beside published ones, or "no value read".

    Placebo arms of 96 weeks whose people had a relapse in the year before entry; each figure is a mean over
    trials, with its standard deviation between trials in brackets.
    """
    from dataclasses import asdict

    from eubiosis.workflow.realism import realism as compared
    from eubiosis.workflow.realism import realism_markdown

    rows = compared(
        participants=participants, gut_worlds=gut_worlds, replicates=replicates, seed=seed,
        processes=processes,
    )  # fmt: skip
    if as_json_asked:
        records = [{**asdict(row.figure), "published": row.published.model_dump()} for row in rows]
        click.echo(json.dumps(records, indent=2))
    else:
        click.echo(realism_markdown(rows), nl=False)
