"""``eubiosis trial pilot``: go or no-go rules, how often they err, and what a pilot is not for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from eubiosis.cli.numbers import usage_error
from eubiosis.core.findings import FindingsError
from eubiosis.core.record import Plain

if TYPE_CHECKING:
    from eubiosis.analysis.planning.pilot import FeasibilityRule, SafetyRule, SignalRule

Json = dict[str, Plain]


@click.command()
@click.option("--n", type=int, required=True, help="Participants of the pilot, both arms.")
@click.option(
    "--feasibility", multiple=True, metavar="NAME=LOW:HIGH",
    help="A share: unacceptable at LOW, acceptable at HIGH, e.g. retention=0.6:0.85. May be given again.",
)  # fmt: skip
@click.option(
    "--safety", multiple=True, metavar="NAME=LOW:HIGH",
    help="A risk: tolerable at LOW, intolerable at HIGH, e.g. serious=0.02:0.15. May be given again.",
)  # fmt: skip
@click.option(
    "--treated", type=int, help="Participants whom safety is counted among.  [default: half of --n]"
)
@click.option("--effect-size", type=float, help="Standardised effect worth having: adds a signal rule.")
@click.option("--signal-alpha", type=float, help="One-sided type I error of the signal.  [default: 0.2]")
@click.option("--baseline-correlation", type=float, help="Correlation of baseline and outcome.  [default: 0]")
@click.option(
    "--alpha", type=float, default=0.05, show_default=True, help="Chance of going although unacceptable."
)
@click.option(
    "--beta", type=float, default=0.05, show_default=True, help="Chance of stopping although acceptable."
)
@click.option("--seed", type=int, default=2026, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def pilot(
    n: int, feasibility: tuple[str, ...], safety: tuple[str, ...], treated: int | None,
    effect_size: float | None, signal_alpha: float | None, baseline_correlation: float | None, alpha: float,
    beta: float, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Print go and no-go rules of a pilot, how often they err, and what it must not be used for."""
    from eubiosis.analysis.planning.pilot import NOT_FOR, misuse, scenarios

    problems: list[str] = []
    feasible = _feasibility_rules(feasibility, n, alpha, beta, problems)
    safe = _safety_rules(safety, max(n // 2, 1) if treated is None else treated, alpha, problems)
    problems += [_absent("--n", "--feasibility", rule) for rule in feasible if not rule.exists]
    problems += [_absent("--treated", "--safety", rule) for rule in safe if not rule.exists]
    signal = _signal_rule(n, effect_size, signal_alpha, baseline_correlation, problems)
    if not problems and not (feasible or safe or signal):
        problems.append("no rule; allowed: one or more of --feasibility, --safety, --effect-size")
    names = [rule.name for rule in feasible] + [rule.name for rule in safe]
    problems += [f'two rules are called "{name}"' for name in dict.fromkeys(names) if names.count(name) > 1]
    if treated is not None and not safety:
        problems.append("--treated without --safety")
    if treated is not None and treated > n:
        problems.append(f"--treated {treated} of --n {n}; allowed: up to --n")
    if problems:
        raise usage_error("trial pilot", problems)
    answer: Json = {
        "n": n,
        "feasibility": [_feasibility_answer(rule) for rule in feasible],
        "safety": [_safety_answer(rule) for rule in safe],
        "signal": None if signal is None else _signal_answer(signal),
        "go_overall": {one.name: one.going for one in scenarios(tuple(feasible), tuple(safe), signal)},
        "must_not_be_used_for": list(NOT_FOR),
        "sizing_by_the_estimate": None,
    }
    if signal is not None:
        found = misuse(signal, seed=seed)
        answer["sizing_by_the_estimate"] = {
            "effect_in_truth": signal.effect, "pilots_that_went": found.went,
            "n_per_arm_needed": found.needed,
            "n_per_arm_planned_5_50_95": list(found.points), "mean_true_power": found.mean_power,
            "mean_true_power_error": found.error, "share_below_half_power": found.below_half,
            "estimate_over_truth": found.exaggeration, "sd_upper_80_factor": found.sd_factor,
        }  # fmt: skip
    if as_json:
        click.echo(json.dumps(answer, indent=2))
    else:
        click.echo("\n".join(_lines(answer)))


def _feasibility_rules(
    texts: tuple[str, ...], n: int, alpha: float, beta: float, problems: list[str]
) -> list[FeasibilityRule]:
    from eubiosis.analysis.planning.pilot import FeasibilityRule

    rules = []
    for name, low, high in _named_pairs("--feasibility", texts, problems):
        try:
            rules.append(
                FeasibilityRule(
                    people=n, unacceptable=low, acceptable=high, alpha=alpha, beta=beta, name=name
                )
            )
        except FindingsError as error:
            problems += [f"--feasibility {name}: {one}" for one in error.findings]
    return rules


def _safety_rules(texts: tuple[str, ...], people: int, alpha: float, problems: list[str]) -> list[SafetyRule]:
    from eubiosis.analysis.planning.pilot import SafetyRule

    rules = []
    for name, low, high in _named_pairs("--safety", texts, problems):
        try:
            rules.append(SafetyRule(people=people, tolerable=low, intolerable=high, alpha=alpha, name=name))
        except FindingsError as error:
            problems += [f"--safety {name}: {one}" for one in error.findings]
    return rules


def _signal_rule(
    n: int, effect: float | None, alpha: float | None, correlation: float | None, problems: list[str]
) -> SignalRule | None:
    from eubiosis.analysis.planning.pilot import SignalRule

    if effect is None:
        alone = [("--signal-alpha", alpha), ("--baseline-correlation", correlation)]
        problems += [f"{name} without --effect-size" for name, value in alone if value is not None]
        return None
    try:
        return SignalRule(
            people=n,
            effect=effect,
            alpha=0.2 if alpha is None else alpha,
            baseline_correlation=correlation or 0.0,
        )
    except FindingsError as error:
        names = {"people": "--n", "effect": "--effect-size", "alpha": "--signal-alpha",
                 "baseline_correlation": "--baseline-correlation"}  # fmt: skip
        problems += [
            f"{names.get(one.place, one.place)}: {one.problem}; allowed: {one.allowed}"
            for one in error.findings
        ]
        return None


def _named_pairs(option: str, texts: tuple[str, ...], problems: list[str]) -> list[tuple[str, float, float]]:
    found = []
    for text in texts:
        name, _, pair = text.partition("=")
        low, colon, high = pair.partition(":")
        try:
            if not (name and colon):
                raise ValueError
            found.append((name.strip(), float(low), float(high)))
        except ValueError:
            problems.append(f'{option} "{text}"; allowed: NAME=LOW:HIGH, e.g. retention=0.6:0.85')
    return found


def _absent(size: str, option: str, rule: FeasibilityRule | SafetyRule) -> str:
    """Say that a rule does not exist for so few people, and from how many on it does."""
    from eubiosis.analysis.planning.pilot import MOST_SOUGHT, smallest_with_rule

    least = smallest_with_rule(rule)
    people = "1 participant" if rule.people == 1 else f"{int(rule.people)} participants"
    problem = f"{option} {rule.name}: no rule exists for {people}"
    if least is None:
        return f"{problem}, nor for any number up to {MOST_SOUGHT}; next: move the two shares apart"
    return f"{problem}; allowed: {size} {least} or more"


def _feasibility_answer(rule: FeasibilityRule) -> Json:
    bad, good = rule.chances(rule.unacceptable), rule.chances(rule.acceptable)
    return {
        "name": rule.name, "people": rule.people, "go_at_or_above": rule.go, "stop_at_or_below": rule.stop,
        "go_although_unacceptable": bad[0], "amend_if_unacceptable": bad[1], "stop_if_unacceptable": bad[2],
        "go_if_acceptable": good[0], "amend_if_acceptable": good[1], "stop_although_acceptable": good[2],
    }  # fmt: skip


def _safety_answer(rule: SafetyRule) -> Json:
    return {
        "name": rule.name, "people": rule.people, "stop_at_or_above": rule.stop,
        "stop_although_tolerable": rule.stopping(rule.tolerable),
        "go_although_intolerable": 1 - rule.stopping(rule.intolerable),
        "risk_excluded_without_events": rule.excluded(0),
        "risk_excluded_just_below_the_stop": rule.excluded(rule.stop - 1), "one_sided_level": rule.level,
    }  # fmt: skip


def _signal_answer(rule: SignalRule) -> Json:
    return {
        "people": rule.people, "one_sided_alpha": rule.alpha, "go_without_effect": rule.going(0.0),
        "go_at_the_effect": rule.going(rule.effect), "stop_at_the_effect": 1 - rule.going(rule.effect),
        "half_width_of_the_95_interval": rule.half_width,
    }  # fmt: skip


def _lines(answer: Json) -> list[str]:
    """Write the answer as indented lines, one number a line."""
    lines: list[str] = []

    def write(name: str, value: Plain, depth: int) -> None:
        pad = "  " * depth
        if isinstance(value, dict):
            lines.append(f"{pad}{name}")
            for key, one in value.items():
                write(str(key), one, depth + 1)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for one in value:
                write(name, one, depth)
        elif isinstance(value, list) and value and isinstance(value[0], str):
            lines.append(f"{pad}{name}")
            lines.extend(f"{pad}  - {one}" for one in value)
        elif isinstance(value, list):
            lines.append(f"{pad}{name}  " + "  ".join(f"{one:g}" for one in value)) if value else None
        elif value is not None:
            shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            lines.append(f"{pad}{name}  {shown}")

    for name, value in answer.items():
        write(name, value, 0)
    return lines
