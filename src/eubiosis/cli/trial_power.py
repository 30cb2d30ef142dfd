"""``eubiosis trial power``: power at a size, size for a power, tables, curves, looks, re-estimation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from eubiosis.cli.numbers import Numbers, Option, Options, as_option, usage_error, word_of
from eubiosis.cli.out_paths import OUT_FILE
from eubiosis.core.findings import FindingsError

if TYPE_CHECKING:
    from eubiosis.cli.trial_plans import Given

NUMBERS: tuple[tuple[str, str], ...] = (
    ("--control-rate", "Events per year in the control arm (counts; first relapse with TTFR)."),
    ("--ratio", "Rate ratio, treated over control (counts, TTFR with --control-rate)."),
    ("--dispersion", "k in variance = mean + k mean^2 (counts, TTFR with --control-rate)."),
    ("--effect-size", "Standardised mean difference (scores)."),
    ("--difference", "Difference in means in the score's unit, with --sd (scores)."),
    ("--sd", "Standard deviation of the score, with --difference."),
    ("--baseline-correlation", "Correlation of baseline and outcome (scores)."),
    ("--hazard-ratio", "Hazard ratio, treated over control (times)."),
    ("--control-hazard", "Events per year of those still at risk (times)."),
    ("--control-share", "Share of responders, or of samples with the strain, in the control arm."),
    ("--risk-difference", "Treated minus control share (responders)."),
    ("--risk-ratio", "Treated over control share (responders)."),
    ("--years", "Follow-up after the last participant entered, years."),
    ("--accrual-years", "Time of recruitment, years.  [default: 0]"),
    ("--dropout-per-year", "Drop-out hazard (counts, times).  [default: 0]"),
    ("--lost", "Share without an outcome (scores, responders, stool).  [default: 0]"),
    ("--allocation", "Treated per control participant.  [default: 1]"),
    ("--margin", "Effect under the null: non-inferiority, or superiority by a margin."),
    ("--period-correlation", "Correlation of two periods of one person (crossover)."),
    ("--carry-over", "Share of the effect that lasts into the next period (crossover)."),
    ("--cluster-size", "Mean number of participants of a cluster."),
    ("--icc", "Intraclass correlation (cluster)."),
    ("--size-variation", "Coefficient of variation of the cluster size."),
    ("--fold-change", "Effect as a factor: 2 is a doubling (GUILD, ACID)."),
    ("--log-ratio", "Effect as a difference of natural logarithms (GUILD, ACID)."),
    ("--between", "Variance between people (stool; else from the cohort of --marker)."),
    ("--period", "Variance between periods of a person (stool)."),
    ("--sample", "Variance between samples of a period (stool)."),
    ("--baseline-samples", "Samples of a person at baseline (stool)."),
    ("--followup-samples", "Samples of a person at follow-up (stool)."),
    ("--response-sd", "SD of the response between treated people (GUILD, ACID)."),
    ("--tests", "Guilds tested; alpha is divided by it (GUILD)."),
    ("--shift", "Distance between the arms' centres (DISTANCE)."),
    ("--dimension", "Effective number of axes (DISTANCE)."),
    ("--treated-share", "Share of samples with the strain under treatment (ENGRAFT)."),
    ("--sample-correlation", "Correlation of two samples of one person (ENGRAFT)."),
    ("--samples", "Samples of a person (ENGRAFT)."),
    ("--n", "Size(s): print the power instead of the size for a power."),
)
WORDS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("--better", ("lower", "higher"), "Which way is benefit, where a margin is tested."),
    ("--law", ("exact", "reduced SD"), "Law of the ANCOVA in tables (scores)."),
    ("--analysis", ("ancova", "change", "follow-up"), "What is compared (stool)."),
)


def _numbers_options(command: Callable[..., None]) -> Callable[..., None]:
    for name, text in reversed(NUMBERS):
        command = click.option(name, type=Numbers(), metavar="NUMBERS", help=text)(command)
    return command


def _word_options(command: Callable[..., None]) -> Callable[..., None]:
    for name, words, text in reversed(WORDS):
        command = click.option(name, type=click.Choice(words), help=text)(command)
    return command


@click.command()
@click.option(
    "--endpoint", required=True, help="ARR, MFIS, CDP24, RESPONDER, GUILD ...; a wrong one lists all."
)
@click.option(
    "--design", type=click.Choice(("parallel", "crossover", "cluster")), default="parallel", show_default=True
)
@_numbers_options
@_word_options
@click.option(
    "--marker", help="Guild, acid, dissimilarity or strain whose variances the repeated cohorts give."
)
@click.option("--cohort", help="Cohort that they are taken from; the first one known if not given.")
@click.option(
    "--method",
    type=click.IntRange(1, 3),
    help="Null variance of Zhu and Lakkis: 1 control rate, 2 as alternative, 3 pooled.  [default: 2]",
)
@click.option("--power", type=Numbers(), default="0.8", show_default=True, metavar="NUMBERS")
@click.option(
    "--alpha", type=Numbers(), default="0.05", show_default=True, metavar="NUMBERS", help="Two-sided."
)
@click.option(
    "--looks", type=Numbers(), metavar="NUMBERS", help="Information fractions of the looks, e.g. 0.5,1."
)
@click.option(
    "--rule",
    default="LD-OBF",
    show_default=True,
    help="Efficacy boundary: LD-OBF, LD-Pocock, HSD, KD, OF, P, WT, HP.",
)
@click.option("--rule-parameter", type=float, help="Parameter of HSD, KD or WT.")
@click.option("--futility", help="Futility spending: LD-OBF, LD-Pocock, HSD, KD.")
@click.option("--futility-parameter", type=float, help="Parameter of HSD or KD.")
@click.option("--binding", is_flag=True, help="The efficacy boundary counts on futility stops.")
@click.option("--reestimate-at", type=float, help="Blinded re-estimation at this share of the planned size.")
@click.option(
    "--most", type=float, default=2.0, show_default=True, help="Largest final size over the planned one."
)
@click.option("--floor", type=click.Choice(("planned", "interim")), default="planned", show_default=True)
@click.option(
    "--true-sd", type=float, help="True SD, in the unit of --sd; 1 is as planned with --effect-size (scores)."
)
@click.option("--true-control-rate", type=float, help="True control rate (counts).")
@click.option("--true-dispersion", type=float, help="True dispersion (counts).")
@click.option("--true-control-share", type=float, help="True control share (responders).")
@click.option(
    "--simulate", type=click.IntRange(100, 1_000_000), help="Simulate so many trials beside the closed form."
)
@click.option("--seed", type=int, default=2026, show_default=True)
@click.option("--figure", type=OUT_FILE, help="Write the curves as .svg or .png.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a table with commas.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def power(endpoint: str, design: str, as_csv: bool, as_json: bool, **options: Option) -> None:
    """Print how many participants an endpoint needs, or the power of a size; tables and curves of either.

    A number may be one (0.35), several (0.2,0.35) or a range (20:200:20); several make a table. Effects,
    rates and dispersion are assumptions of the caller; nothing here says that they are true.
    """
    from eubiosis.cli.trial_plans import ask
    from eubiosis.cli.trial_runs import Wanted, run

    given = _given(endpoint, design, options)
    asked = ask(given)
    wanted = Wanted.of(options, as_csv=as_csv, as_json=as_json)
    try:
        run(asked, given, wanted)
    except FindingsError as error:
        names = {**asked.options, "n": "--n", "power": "--power", "information": "--looks"}
        raise usage_error("trial power", [as_option(one, names) for one in error.findings]) from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _given(endpoint: str, design: str, options: Options) -> Given:
    """Sort the options into numbers, words and what names the plan."""
    from eubiosis.cli.trial_plans import Given

    numbers: dict[str, tuple[float, ...]] = {}
    words: dict[str, str] = {}
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if isinstance(value, tuple) and option != "--looks":
            numbers[option] = value
        elif option in {word for word, _, _ in WORDS} and value is not None:
            words[option] = str(value)
    if options["method"] is not None:
        words["--method"] = str(options["method"])
    marker, cohort = word_of(options, "marker"), word_of(options, "cohort")
    return Given(endpoint, design, marker, cohort, numbers, words)
