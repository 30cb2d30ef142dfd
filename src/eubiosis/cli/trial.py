"""``eubiosis trial``: plan a trial from the shell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

import click

from eubiosis.core.findings import unknown_word

if TYPE_CHECKING:
    from eubiosis.analysis.planning.sizes import SampleSize

COUNTS = ("ARR", "NEWT2", "GD", "CUA")
SCORES = ("MFIS", "FSS", "SDMT", "MSIS29", "EQ5D", "BDI", "HADS", "NFL", "BVL", "SCFA")
TIMES = ("TTFR", "CDP12", "CDP24")
NEEDS = {
    "count": ("--control-rate", "--ratio", "--dispersion", "--years"),
    "score": ("--effect-size",),
    "time": ("--hazard-ratio", "--control-hazard", "--years"),
}
Options = Mapping[str, float | None]
Answer = dict[str, float | int | str]
DEFAULTS = {"--accrual-years": 0.0, "--dropout-per-year": 0.0, "--allocation": 1.0}


@click.group()
def trial() -> None:
    """Plan trials: how many participants for which endpoint, and what the control arm will show."""


@trial.command()
@click.option("--endpoint", required=True, help=f"One of {', '.join((*COUNTS, *SCORES, *TIMES))}.")
@click.option("--control-rate", type=float, help="Events per year in the control arm (counts).")
@click.option("--ratio", type=float, help="Rate ratio, treated over control (counts).")
@click.option("--dispersion", type=float, help="k in variance = mean + k mean^2 (counts).")
@click.option(
    "--method",
    type=click.IntRange(1, 3),
    default=2,
    show_default=True,
    help="Null variance of Zhu and Lakkis: 1 control rate, 2 as alternative, 3 pooled.",
)
@click.option("--effect-size", type=float, help="Standardised mean difference (scores).")
@click.option("--baseline-correlation", type=float, help="Correlation of baseline and outcome (scores).")
@click.option("--hazard-ratio", type=float, help="Hazard ratio, treated over control (times).")
@click.option("--control-hazard", type=float, help="Events per year of those still at risk (times).")
@click.option("--years", type=float, help="Follow-up after the last participant entered.")
@click.option("--accrual-years", type=float, default=0.0, show_default=True, help="Time of recruitment.")
@click.option("--dropout-per-year", type=float, default=0.0, show_default=True, help="Drop-out hazard.")
@click.option("--allocation", type=float, default=1.0, show_default=True, help="Treated per control.")
@click.option("--power", type=float, default=0.8, show_default=True)
@click.option("--alpha", type=float, default=0.05, show_default=True, help="Two-sided.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def power(endpoint: str, as_json: bool, **options: float | None) -> None:
    """Print how many participants per arm an endpoint needs.

    Effects, rates and dispersion are assumptions of the caller; nothing here says that they are true.
    """
    kind = _kind(endpoint)
    absent = [name for name in NEEDS[kind] if options[_key(name)] is None]
    if absent:
        message = f"endpoint {endpoint} needs {', '.join(absent)}"
        raise click.UsageError(message)
    _refuse_unused(endpoint, kind, options)
    try:
        answer = {"count": _count, "score": _score, "time": _time}[kind](endpoint, options)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(answer, indent=2))
        return
    width = max(len(name) for name in answer)
    for name, value in answer.items():
        click.echo(f"{name:{width}}  {value:.6g}" if isinstance(value, float) else f"{name:{width}}  {value}")


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


def _kind(endpoint: str) -> Literal["count", "score", "time"]:
    for kind, names in (("count", COUNTS), ("score", SCORES), ("time", TIMES)):
        if endpoint in names:
            return cast("Literal['count', 'score', 'time']", kind)
    known = (*COUNTS, *SCORES, *TIMES)
    message = f"endpoint {unknown_word(endpoint, known)}; allowed: {', '.join(known)}"
    raise click.UsageError(message)


def _refuse_unused(endpoint: str, kind: str, options: Options) -> None:
    optional = {"score": {"--baseline-correlation"}}.get(kind, set())
    specific = {name for names in NEEDS.values() for name in names} | {"--baseline-correlation"}
    unused = specific - set(NEEDS[kind]) - optional
    given = sorted(name for name in unused if options[_key(name)] is not None)
    if kind == "score":
        given += [name for name, default in DEFAULTS.items() if options[_key(name)] != default]
    if kind != "count" and options["method"] != 2:
        given.append("--method")
    if given:
        message = f"endpoint {endpoint} does not use {', '.join(given)}"
        raise click.UsageError(message)


def _given(options: Options, name: str) -> float:
    """Return an option that was given or has a default; that it is there has been checked."""
    value = options[name]
    assert value is not None
    return value


def _method(options: Options) -> Literal[1, 2, 3]:
    methods: dict[float, Literal[1, 2, 3]] = {1: 1, 2: 2, 3: 3}
    return methods[_given(options, "method")]


def _key(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


def _count(endpoint: str, options: Options) -> Answer:
    from eubiosis.analysis.planning.counts import FollowUp, negative_binomial_size

    follow_up = FollowUp(
        _given(options, "years"), _given(options, "accrual_years"), _given(options, "dropout_per_year")
    )
    size = negative_binomial_size(
        _given(options, "control_rate"),
        _given(options, "ratio"),
        _given(options, "dispersion"),
        follow_up,
        power=_given(options, "power"),
        alpha=_given(options, "alpha"),
        allocation=_given(options, "allocation"),
        method=_method(options),
    )
    return _answer(endpoint, size)


def _score(endpoint: str, options: Options) -> Answer:
    from eubiosis.analysis.planning.classic import ancova_size, t_test_size

    effect, correlation = _given(options, "effect_size"), options["baseline_correlation"]
    power, alpha = _given(options, "power"), _given(options, "alpha")
    if correlation is None:
        return _answer(endpoint, t_test_size(effect, power=power, alpha=alpha))
    plain = partial(ancova_size, effect, correlation, power=power, alpha=alpha)
    answer = _answer(endpoint, plain())
    answer["n_per_arm_borm"] = plain(method="Borm").n_per_arm
    answer["n_per_arm_exact"] = plain(method="exact").n_per_arm
    return answer


def _time(endpoint: str, options: Options) -> Answer:
    from eubiosis.analysis.planning.classic import hazard_ratio_size

    size = hazard_ratio_size(
        _given(options, "hazard_ratio"),
        _given(options, "control_hazard"),
        follow_up_years=_given(options, "years"),
        accrual_years=_given(options, "accrual_years"),
        dropout_per_year=_given(options, "dropout_per_year"),
        power=_given(options, "power"),
        alpha=_given(options, "alpha"),
        allocation=_given(options, "allocation"),
    )
    return _answer(endpoint, size)


def _answer(endpoint: str, size: SampleSize) -> Answer:
    return {
        "endpoint": endpoint,
        "method": size.method,
        "n_per_arm": size.n_per_arm,
        "n_control": size.n_control,
        "n_treated": size.n_treated,
        "n_total": size.n_total,
        "n_control_exact": size.n_control_exact,
        "power": size.power,
        "power_asked": size.target,
        "alpha": size.alpha,
        **size.detail,
    }
