"""``eubiosis trial single-arm``: what a before-after design would show without any drug."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, cast

import click

from eubiosis.cli.numbers import Option, Options, as_option, number_of, usage_error
from eubiosis.core.findings import FindingsError

if TYPE_CHECKING:
    from eubiosis.analysis.planning.scale_facts import ScaleFact
    from eubiosis.analysis.planning.single_arm import (
        RelapseBeforeAfter,
        ScoreBeforeAfter,
        SingleArmComparison,
    )

SCORE = ("change", "change_sd", "cutoff", "baseline_mean", "population_mean", "population_sd", "reliability",
         "placebo_change", "placebo_low", "placebo_high")  # fmt: skip
LEVELS = ("cutoff", "baseline_mean", "population_mean")
CHANGES = ("change", "placebo_change", "placebo_low", "placebo_high")
RELAPSES = ("rate_after", "rate_before", "mean_rate", "dispersion", "dispersion_low", "dispersion_high",
            "relapses_at_entry", "years_before", "years_after", "placebo_ratio")  # fmt: skip
_LEAST_TAIL = 0.001  # a smaller probability is not told from 20,000 draws
LIMITS = (
    "regression is that of a baseline which is itself the measurement of entry; where entry was decided at "
    "an earlier visit, most of it is over by the baseline",
    "compatible does not mean due to: other causes without a drug, and a drug, are compatible as well",
    "a control arm of another trial had its own entry rule, length and attention",
)


@click.command("single-arm")
@click.option(
    "--scale", help="MFIS, FSS, T25FW, SDMT: fills in what is known of it. RELAPSES for relapse rates."
)
@click.option("--people", type=float, required=True, help="Participants with both measurements.")
@click.option("--change", type=float, help="Published mean change, after minus before.")
@click.option("--change-sd", type=float, help="Published SD of the change.")
@click.option("--cutoff", type=float, help="Cut-off at entry, on the baseline measurement.")
@click.option("--selected", type=click.Choice(("above", "below")), help="Side of the cut-off.")
@click.option("--baseline-mean", type=float, help="Published mean at baseline.")
@click.option("--population-mean", type=float, help="Mean of people not chosen.")
@click.option("--population-sd", type=float, help="SD between people not chosen.")
@click.option("--reliability", type=float, help="Correlation of two measurements of stable people.")
@click.option("--reliability-people", type=float, help="People behind it.  [default: taken as known]")
@click.option("--placebo-change", type=float, help="Mean change in control arms.")
@click.option("--placebo-low", type=float, help="Its lower 95 % point.")
@click.option("--placebo-high", type=float, help="Its upper 95 % point.")
@click.option("--placebo-beyond-regression", is_flag=True, help="It comes on top of regression to the mean.")
@click.option("--rate-after", type=float, help="Published relapses per year after entry.")
@click.option("--rate-before", type=float, help="Published relapses per year before entry.")
@click.option("--mean-rate", type=float, help="Relapses per year of people not chosen.")
@click.option("--dispersion", type=float, help="k: how people differ in rate.")
@click.option("--dispersion-low", type=float, help="Lower 95 % point of k.")
@click.option("--dispersion-high", type=float, help="Upper 95 % point of k.")
@click.option("--relapses-at-entry", type=float, help="Least relapses asked for at entry.")
@click.option("--years-before", type=float, help="Years over which those were counted.  [default: 1]")
@click.option("--years-after", type=float, help="Years of follow-up.  [default: 1]")
@click.option(
    "--placebo-ratio", type=float, help="Rate ratio of control arms beyond regression.  [default: 1]"
)
@click.option("--seed", type=int, default=2026, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def single_arm(scale: str | None, as_json: bool, seed: int, **options: Option) -> None:
    """Print what regression to the mean and control arms alone would show in a before-after design.

    A published change is compatible with that or not; what it is due to cannot be learned without a
    control arm.
    """
    from eubiosis.analysis.planning.single_arm import compare_relapses, compare_score

    given = {name: number_of(options, name) for name in options}
    numbers = {name: value for name, value in given.items() if value is not None}
    relapses = scale == "RELAPSES" or (scale is None and "rate_after" in numbers)
    other = SCORE if relapses else RELAPSES
    wrong = [name for name in (*other, *(("reliability_people",) if relapses else ())) if name in numbers]
    flags = [name for name in ("selected", "placebo_beyond_regression") if relapses and options[name]]
    if wrong or flags:
        names = ", ".join("--" + name.replace("_", "-") for name in (*wrong, *flags))
        raise usage_error(
            "trial single-arm", [f"{'relapses do' if relapses else 'a score does'} not use {names}"]
        )
    try:
        if relapses:
            study = _relapse_study(numbers)
            _print(compare_relapses(study, seed=seed), (), _own(study), as_json=as_json)
        else:
            facts = _facts(scale)
            _demand_on_scale(scale, numbers)
            score = _score_study(numbers, options, facts)
            found = (*compare_score(score, seed=seed), *_against_control_arms(score, facts, seed))
            _print(found, facts, _own(score), as_json=as_json)
    except FindingsError as error:
        names_of = {name: "--" + name.replace("_", "-") for name in (*SCORE, *RELAPSES, "people", "selected",
                                                                      "reliability_people")}  # fmt: skip
        lines = [as_option(one, names_of) for one in error.findings]
        if error.findings[0].file == "scale":
            lines = [f"--scale: {lines[0]}"]
        raise usage_error("trial single-arm", lines) from error


def _facts(scale: str | None) -> tuple[ScaleFact, ...]:
    from eubiosis.analysis.planning.scale_facts import scale_facts

    return () if scale is None else scale_facts(scale)


def _against_control_arms(
    study: ScoreBeforeAfter, facts: tuple[ScaleFact, ...], seed: int
) -> tuple[SingleArmComparison, ...]:
    """Return the comparison with each control arm of the table that has an interval, if none was given."""
    from eubiosis.analysis.planning.single_arm import compare_score

    if study.placebo_change is not None:
        return ()
    found = []
    for fact in facts:
        if fact.quantity == "control_change" and fact.low is not None and fact.high is not None:
            arm = {"placebo_change": fact.value, "placebo_low": fact.low, "placebo_high": fact.high}
            one = compare_score(study.with_numbers(arm), seed=seed)[-1]
            name = f"a control arm ({fact.description}; {fact.entry}; {fact.source})"
            found.append(dataclasses.replace(one, name=name))
    return tuple(found)


def _demand_on_scale(scale: str | None, numbers: Mapping[str, float]) -> None:
    """Raise where a number cannot be one of the scale: levels lie on it, no change is longer than it."""
    from eubiosis.analysis.planning.scale_facts import scale_bounds

    bounds = scale_bounds(scale)
    if bounds is None:
        return
    low, high = bounds
    length = high - low
    allowed = dict.fromkeys(LEVELS, (low, high))
    allowed |= dict.fromkeys(CHANGES, (-length, length))
    allowed |= {"population_sd": (0.0, length / 2), "change_sd": (0.0, length)}
    problems = [
        f"--{name.replace('_', '-')}: {numbers[name]:g}; allowed: {least:g} to {most:g} points of {scale}"
        for name, (least, most) in allowed.items()
        if name in numbers and not least <= numbers[name] <= most
    ]
    if problems:
        raise usage_error("trial single-arm", problems)


def _relapse_study(numbers: Mapping[str, float]) -> RelapseBeforeAfter:
    from eubiosis.analysis.planning.single_arm import RelapseBeforeAfter

    _demand(numbers, ("rate_after", "dispersion", "relapses_at_entry"))
    return RelapseBeforeAfter(**numbers)


def _score_study(
    numbers: Mapping[str, float], options: Options, facts: tuple[ScaleFact, ...]
) -> ScoreBeforeAfter:
    from eubiosis.analysis.planning.single_arm import ScoreBeforeAfter

    filled = dict(numbers)
    for fact in facts:
        if fact.quantity == "control_change":
            continue
        if (
            fact.quantity == "population_mean"
            and {"population_mean", "baseline_mean"} & set(numbers)
            and ("population_mean" in numbers)
        ):
            continue
        if fact.quantity not in numbers:
            filled[fact.quantity] = fact.value
            if fact.quantity == "reliability" and "reliability_people" not in numbers:
                filled["reliability_people"] = float(fact.people)
    _demand(filled, ("change", "population_sd", "reliability"))
    beyond = bool(options["placebo_beyond_regression"])
    side = cast("Literal['above', 'below', 'no cut-off']", options["selected"] or "no cut-off")
    return ScoreBeforeAfter(
        **filled, selected=side, placebo_counts="beyond regression" if beyond else "whole control arm"
    )


def _demand(numbers: Mapping[str, float], names: tuple[str, ...]) -> None:
    absent = [name for name in names if name not in numbers]
    if absent:
        listed = ", ".join("--" + name.replace("_", "-") for name in absent)
        raise usage_error("trial single-arm", [f"needs {listed}"])


def _own(study: ScoreBeforeAfter | RelapseBeforeAfter) -> dict[str, float | str]:
    values = {name: getattr(study, name) for name in study.bounds()}
    return {name: value for name, value in values.items() if value is not None}


def _interval(one: SingleArmComparison) -> str:
    """Return the 95 % interval of what is expected, or why there is none."""
    if one.low < one.high:
        return f"95 % {one.low:.3g} to {one.high:.3g}"
    exact = "the rate and k are" if one.quantity == "rate" else "what is known of the score is"
    return f"no interval: {exact} taken as exact"


def _unit(facts: tuple[ScaleFact, ...]) -> str:
    """Return the unit of the score with a space before it; empty where the scale is not known."""
    return next((f" {fact.unit}" for fact in facts if fact.unit not in ("", "1")), "")


def _print(
    found: tuple[SingleArmComparison, ...],
    facts: tuple[ScaleFact, ...],
    assumed: Mapping[str, float | str],
    *,
    as_json: bool,
) -> None:
    rows = [
        {
            "without_a_drug": one.name, "expected": one.expected, "expected_low": one.low,
            "expected_high": one.high,
            "seen_low": one.seen_low, "seen_high": one.seen_high, "published": one.observed,
            "two_sided_tail": one.tail, "verdict": one.verdict,
        }
        for one in found
    ]  # fmt: skip
    read = [
        {"what": f.description, "value": f.value, "low": f.low, "high": f.high, "people": f.people,
         "entry": f.entry, "source": f.source, "read": f.read, "note": f.note}
        for f in facts
    ]  # fmt: skip
    if as_json:
        whole = {"comparisons": rows, "assumed": dict(assumed), "facts": read, "limits": list(LIMITS)}
        click.echo(json.dumps(whole, indent=2))
        return
    for one in found:
        unit = " relapses a year" if one.quantity == "rate" else _unit(facts)
        tail = f"{one.tail:.2g}" if one.tail >= _LEAST_TAIL else f"under {_LEAST_TAIL:g}"
        click.echo(f"{one.name}")
        click.echo(f"  expected {one.expected:.3g}{unit} ({_interval(one)})")
        click.echo(f"  a study of this size would see {one.seen_low:.3g} to {one.seen_high:.3g}{unit}")
        click.echo(f"  published {one.observed:.3g}{unit}: {one.verdict} (two-sided probability {tail})")
    for fact in read:
        ends = "" if fact["low"] is None else f" ({fact['low']:g} to {fact['high']:g})"
        entry = f"; {fact['entry']}" if fact["entry"] else ""
        click.echo(
            f"read: {fact['what']}: {fact['value']:g}{ends}, {fact['people']} people{entry}; {fact['source']}"
        )
    for line in LIMITS:
        click.echo(f"limit: {line}")
