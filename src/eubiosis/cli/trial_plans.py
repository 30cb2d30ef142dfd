"""From the options of ``eubiosis trial power`` to a plan: which plan an endpoint has, and what fills it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from eubiosis.analysis.planning.plans import Plan
from eubiosis.analysis.planning.rates import RatePlan
from eubiosis.analysis.planning.scores import ClusterPlan, CrossoverPlan, ScorePlan
from eubiosis.analysis.planning.shares import ClusterResponderPlan, RiskDifferencePlan, RiskRatioPlan
from eubiosis.analysis.planning.stool import DistancePlan, EngraftmentPlan, LogRatioPlan
from eubiosis.analysis.planning.stool_variance import (
    Component,
    Kind,
    Row,
    Spread,
    cohorts,
    find,
    markers,
    spread_of,
)
from eubiosis.analysis.planning.times import FirstRelapsePlan, TimePlan
from eubiosis.cli.numbers import as_option, usage_error
from eubiosis.core.findings import FindingCollector, FindingsError, unknown_word

COUNTS = ("ARR", "NEWT2", "GD", "CUA")
SCORES = ("MFIS", "FSS", "SDMT", "MSIS29", "EQ5D", "BDI", "HADS", "NFL", "BVL", "SCFA", "T25FW", "9HPT")
TIMES = ("TTFR", "CDP12", "CDP24")
SHARES = ("RESPONDER", "NEDA3")
STOOL = ("GUILD", "ACID", "DISTANCE", "ENGRAFT")
ENDPOINTS = (*COUNTS, *SCORES, *TIMES, *SHARES, *STOOL)
DESIGNS = ("parallel", "crossover", "cluster")
MOST_PER_YEAR = {"relapses": 10.0, "lesions": 100.0}  # as a workflow states its control arm
MOST_YEARS = 10.0
_RELIABLE = 0.8  # asked of the mean of a visit's samples
NULL_VARIANCES = {1: "control rate", 2: "alternative", 3: "pooled rate"}

# the option of a field, where it is not the field's own name
RENAMED: Mapping[type[Plan], Mapping[str, str]] = {
    ScorePlan: {"effect": "--effect-size"},
    CrossoverPlan: {"effect": "--effect-size", "correlation": "--period-correlation"},
    ClusterPlan: {"effect": "--effect-size"},
    RiskDifferencePlan: {"difference": "--risk-difference"},
    RiskRatioPlan: {"ratio": "--risk-ratio"},
    ClusterResponderPlan: {"difference": "--risk-difference"},
    EngraftmentPlan: {"correlation": "--sample-correlation"},
    RatePlan: {"null_variance": "--method"},
}
# options that stand for a field in another way
ALTERNATIVES: Mapping[type[Plan], Mapping[str, str]] = {
    ScorePlan: {"effect": "--difference"},
    CrossoverPlan: {"effect": "--difference"},
    ClusterPlan: {"effect": "--difference"},
    LogRatioPlan: {"log_ratio": "--fold-change"},
}
Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Given:
    """The options that were given: numbers, words, and the words that name a plan."""

    endpoint: str
    design: str = "parallel"
    marker: str | None = None
    cohort: str | None = None
    numbers: Mapping[str, Numbers] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AskedPlan:
    """A plan at the first value of everything, the numbers to vary, and what the table shows for them.

    ``shown`` maps a field to the option's name and the values as given; ``notes`` say where numbers come
    from that nobody gave.
    """

    plan: Plan
    over: Mapping[str, Numbers]
    shown: Mapping[str, tuple[str, Numbers]]
    options: Mapping[str, str]
    notes: tuple[str, ...]


def plan_class(given: Given) -> type[Plan]:
    """Return the plan of an endpoint and design; an unknown word or pair raises ``UsageError``."""
    if given.endpoint not in ENDPOINTS:
        message = f"endpoint {unknown_word(given.endpoint, ENDPOINTS)}; allowed: {', '.join(ENDPOINTS)}"
        raise usage_error("trial power", [message])
    kinds: dict[str, type[Plan]] = {}
    if given.endpoint in COUNTS:
        kinds = {"parallel": RatePlan}
    elif given.endpoint in SCORES:
        kinds = {"parallel": ScorePlan, "crossover": CrossoverPlan, "cluster": ClusterPlan}
    elif given.endpoint in TIMES:
        first = given.endpoint == "TTFR" and "--control-rate" in given.numbers
        kinds = {"parallel": FirstRelapsePlan if first else TimePlan}
    elif given.endpoint in SHARES:
        ratio = "--risk-ratio" in given.numbers and "--risk-difference" not in given.numbers
        kinds = {"parallel": RiskRatioPlan if ratio else RiskDifferencePlan, "cluster": ClusterResponderPlan}
    else:
        stool: dict[str, type[Plan]] = {
            "GUILD": LogRatioPlan,
            "ACID": LogRatioPlan,
            "DISTANCE": DistancePlan,
            "ENGRAFT": EngraftmentPlan,
        }
        kinds = {"parallel": stool[given.endpoint]}
    if given.design not in kinds:
        message = f"endpoint {given.endpoint} has no design {given.design}; allowed: {', '.join(kinds)}"
        raise usage_error("trial power", [message])
    return kinds[given.design]


def options_of(kind: type[Plan]) -> dict[str, str]:
    """Return the option of each field of a plan."""
    names = list(kind.model_fields)
    renamed = RENAMED.get(kind, {})
    return {name: renamed.get(name, "--" + name.replace("_", "-")) for name in names}


def ask(given: Given) -> AskedPlan:
    """Build the plan that the options ask for; every finding about them is in one ``UsageError``."""
    kind = plan_class(given)
    options = options_of(kind)
    problems: list[str] = []
    filled, notes = _from_cohorts(given, problems)
    failed = bool(problems)
    values: dict[str, Numbers] = {}
    shown: dict[str, tuple[str, Numbers]] = {}
    for name in kind.bounds():
        found = _value_of(kind, name, given, problems)
        if found is not None:
            option, raw, converted = found
            values[name] = converted
            shown[name] = (option.removeprefix("--").replace("-", "_"), raw)
        elif name in filled:
            values[name] = (filled[name],)
    needed = [name for name, field in kind.model_fields.items() if field.is_required()]
    others = ALTERNATIVES.get(kind, {})
    said = {name for name in needed if {options[name], others.get(name)} & set(given.numbers)}
    absent = [options[name] for name in needed if name not in values and name not in said]
    if given.endpoint in STOOL and (failed or given.marker is None):
        from_cohort = {"--between", "--period", "--sample", "--dimension", "--sample-correlation"}
        lacking = [option for option in absent if option in from_cohort]
        absent = [option for option in absent if option not in from_cohort]
        if lacking and not failed:
            absent.append(f"--marker (or {', '.join(lacking)})")
    if absent:
        listed = ["--fold-change" if option == "--log-ratio" else option for option in absent]
        problems.insert(0, f"endpoint {given.endpoint} needs {', '.join(listed)}")
    used = {*options.values(), *ALTERNATIVES.get(kind, {}).values(), "--n", "--power", "--alpha"}
    unused = [option for option in (*given.numbers, *given.words) if option not in used]
    if unused:
        problems.append(f"endpoint {given.endpoint} does not use {', '.join(sorted(unused))}")
    words_of = {name: given.words[options[name]] for name in kind.choices() if options[name] in given.words}
    if "--method" in given.words and kind is RatePlan:
        words_of["null_variance"] = NULL_VARIANCES[int(given.words["--method"])]
    problems.extend(_unlikely(given))
    findings = _value_findings(kind, values)
    problems.extend(as_option(one, options) for one in findings.findings)
    if problems:
        raise usage_error("trial power", problems)
    try:
        plan = kind(**{name: value[0] for name, value in values.items()}, **words_of)
    except FindingsError as error:
        raise usage_error("trial power", [as_option(one, options) for one in error.findings]) from error
    over = {name: value for name, value in values.items() if len(value) > 1}
    return AskedPlan(plan, over, shown, options, notes)


def _unlikely(given: Given) -> list[str]:
    """Say which rates and durations are no such rates and durations: their unit is another."""
    events = "relapses" if given.endpoint in ("ARR", "TTFR") else "lesions"
    most = {
        "--control-rate": (MOST_PER_YEAR[events], f"{events} of one person in a year, not percent"),
        "--years": (MOST_YEARS, "years, not weeks or months"),
        "--accrual-years": (MOST_YEARS, "years, not weeks or months"),
    }
    return [
        f"{option}: {value:g}; allowed: up to {highest:g} {unit}"
        for option, (highest, unit) in most.items()
        for value in given.numbers.get(option, ())
        if value > highest
    ]


def _value_findings(kind: type[Plan], values: Mapping[str, Numbers]) -> FindingCollector:
    findings = FindingCollector()
    bounds = kind.bounds()
    for name, several in values.items():
        for value in several:
            if bounds[name].outside(np.asarray([value])).size:
                findings.add(kind.__name__, name, f"{value:g}", allowed=bounds[name].allowed)
    return findings


def _value_of(
    kind: type[Plan], name: str, given: Given, problems: list[str]
) -> tuple[str, Numbers, Numbers] | None:
    """Return the option of a field that was given, its values as given and as the plan takes them."""
    option = options_of(kind)[name]
    other = ALTERNATIVES.get(kind, {}).get(name)
    values = given.numbers
    if other is not None and other in values:
        if option in values:
            problems.append(f"{option} and {other} say the same; give one of them")
        if other == "--difference" and "--sd" not in values:
            problems.append("--difference needs --sd, the standard deviation in the same unit")
        if other == "--fold-change":
            if any(one <= 0 for one in values[other]):
                problems.append("--fold-change: allowed: positive numbers (2 is a doubling)")
                return None
            return other, values[other], tuple(math.log(one) for one in values[other])
        return other, values[other], values[other]
    if name == "sd" and option in values and "--difference" not in values:
        problems.append("--sd without --difference; an --effect-size is in SDs already")
    return (option, values[option], values[option]) if option in values else None


def _from_cohorts(given: Given, problems: list[str]) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return what the repeated cohorts say about a stool endpoint, and where it comes from."""
    if given.endpoint not in STOOL:
        if given.marker or given.cohort:
            problems.append(f"endpoint {given.endpoint} does not use --marker, --cohort")
        return {}, ()
    if given.marker is None:
        if given.cohort is not None:
            problems.append("--cohort without --marker")
        return {}, ()
    try:
        return _looked_up(given, given.marker)
    except FindingsError as error:
        problems.extend(f"--{one.file}: {one.problem}; allowed: {one.allowed}" for one in error.findings)
        return {}, ()


def _looked_up(given: Given, marker: str) -> tuple[dict[str, float], tuple[str, ...]]:
    if given.endpoint == "ENGRAFT":
        strains = [one for one in markers("engraftment") if one != "donor_similarity"]
        findings = FindingCollector()
        if marker not in strains:
            findings.add("marker", "", unknown_word(marker, strains), allowed=", ".join(strains))
        findings.raise_if_any()
        product = find("engraftment", marker, given.cohort or "wbf011_product", ("share", "correlation"))
        placebo = find("engraftment", marker, "wbf011_placebo", ("share",))
        found = [placebo["share"], *product.values()]
        filled = {"control_share": placebo["share"].value, "treated_share": product["share"].value}
        if "correlation" in product:
            filled["correlation"] = max(product["correlation"].value, 0.0)
        return filled, tuple(_note(row) for row in found)
    kinds: dict[str, Kind] = {"GUILD": "guild", "ACID": "acid", "DISTANCE": "distance"}
    kind = kinds[given.endpoint]
    known = markers(kind)
    findings = FindingCollector()
    if marker not in known:
        findings.add("marker", "", unknown_word(marker, known), allowed=", ".join(known))
    findings.raise_if_any()
    cohort = given.cohort or cohorts(kind, marker)[0]
    spread = spread_of(kind, marker, cohort)
    filled = {"between": spread.between, "period": spread.period, "sample": spread.sample}
    rows: list[Row] = list(spread.rows)
    if kind == "distance":
        followed = given.words.get("--analysis") == "follow-up"
        name: Component = "dimension" if followed else "dimension_change"
        row = find("distance", marker, cohort, (name,))[name]
        filled["dimension"] = row.value
        rows.append(row)
    many = [one for key in ("--baseline-samples", "--followup-samples") for one in given.numbers.get(key, ())]
    if not spread.separable and any(one > 1 for one in many):
        findings.add(
            "cohort", "", f'"{cohort}" has one sample a visit: it cannot show what more samples a visit buy',
            allowed=", ".join(c for c in cohorts(kind, marker) if spread_of(kind, marker, c).separable)
            or "none",
        )  # fmt: skip
    findings.raise_if_any()
    return filled, (*(_note(row) for row in rows), _reliabilities(spread))


def _reliabilities(spread: Spread) -> str:
    """Say how reliable a visit is with one sample and with more, as far as the cohort can show it."""
    one = f"reliability of one sample {spread.reliability():.2f} (share of the variance between people)"
    if not spread.separable:
        return f"{one}; the cohort cannot show what more samples a visit buy"
    more = ", ".join(f"{count} samples {spread.reliability(count):.2f}" for count in (2, 3, 5))
    needed = spread.samples_for(_RELIABLE)
    enough = "no number of samples" if needed is None else f"{needed} a visit"
    return f"{one}; the mean of {more}; for {_RELIABLE:g}: {enough}"


def _note(row: Row) -> str:
    return (
        f"{row.description}: {row.value:g} ({row.low:g} to {row.high:g}), {row.cohort}, {row.people} people, "
        f"{row.samples} samples; {row.source}"
    )
