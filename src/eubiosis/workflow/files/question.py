"""question.yaml: what a brief is asked, its closed schema and how it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator

from eubiosis.core.findings import Finding, FindingCollector, FindingsError
from eubiosis.core.kinds import flag, number, one_of, optional, plain, shown
from eubiosis.core.tables import RowProblem
from eubiosis.core.yaml_lines import read_yaml
from eubiosis.evidence.forecast.control_arms import BACKGROUNDS, PHENOTYPES
from eubiosis.evidence.records.store import Evidence, load
from eubiosis.workflow.files.checks import Reporter, check_keys
from eubiosis.workflow.files.spec import OptionalText, Section, Text

Blinding = Literal["double", "open"]
Role = Literal["primary", "secondary"]
Kind = Literal["count", "time", "score"]
# outcome of the evidence -> (kind, endpoint of the control-arm forecast)
COUNTED: Mapping[str, tuple[Kind, str]] = {
    "relapse_rate": ("count", "ARR"),
    "Gd_lesions": ("count", "Gd_per_scan"),
    "new_T2_lesions": ("count", "newT2_per_year"),
    "CDP12": ("time", "CDP12"),
    "CDP24": ("time", "CDP24"),
}
TIMES = ("CDP12", "CDP24")
SCORED_DOMAINS = ("clinical", "patient-reported", "biomarker", "immune", "microbiome", "imaging")
NOT_SCORED = ("relapse_rate_reported", "relapse_risk", "time_to_relapse", "NEDA3", "disease_activity")
MOST_YEARS = 5


def durations(value: Any) -> tuple[float, ...]:
    """Return the lengths of treatment to compare, in years and increasing."""
    allowed = f"a list of 1 to 4 numbers from 0.05 to {MOST_YEARS}, increasing, such as [1, 2]"
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= 4:
        raise RowProblem(f"{shown(value)} is no list of years", allowed=allowed, next_step="write [1, 2]")
    one = number(0.05, MOST_YEARS)
    years = tuple(float(one(item)) for item in value)
    if list(years) != sorted(set(years)):
        raise RowProblem("the years do not increase", allowed=allowed, next_step="put them in order")
    return years


class AskedPopulation(Section):
    """Who enters and on what; ``background`` is what both arms take."""

    phenotype: Annotated[str, BeforeValidator(one_of(PHENOTYPES))] = "RRMS"
    background: Annotated[str, BeforeValidator(one_of(BACKGROUNDS))]
    breakthrough: Annotated[bool, BeforeValidator(flag)] = False
    relapses_last_year: Annotated[int, BeforeValidator(number(0, 5, whole=True))] = 1
    mfis_from: Annotated[float | None, BeforeValidator(optional(number(0, 84)))] = None


class AskedDesign(Section):
    """How the trial is run; ``recruitable_per_arm`` is what can be recruited at most."""

    blinding: Annotated[Blinding, BeforeValidator(one_of(get_args(Blinding)))]
    comparator: Text
    years: Annotated[tuple[float, ...], BeforeValidator(durations)]
    recruitable_per_arm: Annotated[int, BeforeValidator(number(4, 20_000, whole=True))]
    dropout_per_year: Annotated[float | None, BeforeValidator(optional(number(0, 3)))] = None
    power: Annotated[float, BeforeValidator(number(0.5, 0.99))] = 0.8
    alpha: Annotated[float, BeforeValidator(number(0.001, 0.2))] = 0.05


class AskedEndpoint(Section):
    """An endpoint. ``effect`` and ``relevant`` are a ratio for counts and times, else SDs of benefit."""

    outcome: Text
    role: Annotated[Role, BeforeValidator(one_of(get_args(Role)))] = "secondary"
    effect: Annotated[float, BeforeValidator(number(0.01, 3))]
    relevant: Annotated[float | None, BeforeValidator(optional(number(0.01, 3)))] = None
    baseline_correlation: Annotated[float | None, BeforeValidator(optional(number(-0.95, 0.95)))] = None


class AskedRecruitment(Section):
    """How fast people come: randomised a month, all sites together."""

    per_month: Annotated[float | None, BeforeValidator(optional(number(0.05, 1000)))] = None


class AskedPrices(Section):
    """Prices that the user gives; without them nothing is costed."""

    currency: OptionalText = None
    fixed: Annotated[float | None, BeforeValidator(optional(number(0, 1e9)))] = None
    per_participant: Annotated[float | None, BeforeValidator(optional(number(0, 1e7)))] = None
    per_participant_year: Annotated[float | None, BeforeValidator(optional(number(0, 1e7)))] = None


class BriefQuestion(Section):
    """A whole question."""

    title: Text
    question: Text
    decision: Text
    intervention: Text
    agent: Text
    year: Annotated[int, BeforeValidator(number(1990, 2060, whole=True))]
    population: AskedPopulation
    design: AskedDesign
    endpoints: tuple[AskedEndpoint, ...]
    recruitment: AskedRecruitment = AskedRecruitment()
    prices: AskedPrices = AskedPrices()

    def kind(self, endpoint: AskedEndpoint, evidence: Evidence) -> tuple[Kind, str]:
        """Return the kind of an endpoint and its outcome id."""
        outcome = outcome_id(endpoint.outcome, evidence)
        return COUNTED.get(outcome, ("score", outcome))[0], outcome


def outcome_id(name: str, evidence: Evidence) -> str:
    """Return the id of an outcome by any of its names; the two progression times keep their words."""
    return name if name in TIMES else evidence.outcome(name).id


def read_question(path: Path | str) -> BriefQuestion:
    """Read a question; raises ``FindingsError`` with everything that is wrong, in order of lines."""
    own = FindingCollector()
    document = read_yaml(Path(path), own)
    if document is not None:
        report = Reporter(document, own)
        good = check_keys(document, BriefQuestion, report)
        _check_words(good, report)
        _check_endpoints(good.get("endpoints"), report)
        _check_prices(good.get("prices", {}), report)
    if own.findings or document is None:
        raise FindingsError(sorted(own.findings, key=_line))
    assert isinstance(document.content, dict)
    return BriefQuestion.model_validate({k: v for k, v in document.content.items() if v is not None})


def _line(finding: Finding) -> int:
    found = re.match(r"line ([0-9]+)", finding.place)
    return int(found[1]) if found else 0


def _check_words(good: Mapping[str, Any], report: Reporter) -> None:
    if "intervention" in good:
        _try(lambda: load().intervention(good["intervention"]).id, ("intervention",), report)
    population = good.get("population", {})
    if population.get("breakthrough") and population.get("background") == "none":
        report.add(
            ("population", "breakthrough"),
            "a relapse on a drug is asked for, and there is no drug",
            allowed="a background other than none",
            next_step="name the drug or remove the key",
        )


def _check_endpoints(endpoints: Any, report: Reporter) -> None:
    if endpoints is None:
        return
    if not 1 <= len(endpoints) <= 8:
        report.add(("endpoints",), f"{len(endpoints)} endpoints", allowed="1 to 8", next_step="name them")
    roles = [one.get("role") for one in endpoints]
    if roles and None not in roles and roles.count("primary") != 1:
        report.add(
            ("endpoints",),
            f"{roles.count('primary')} endpoints are primary",
            allowed="exactly one",
            next_step="write role: primary in one endpoint",
        )
    seen: dict[str, int] = {}
    for k, one in enumerate(endpoints):
        name = one.get("outcome")
        where = ("endpoints", k, "outcome")
        found = None if name is None else _try(partial(outcome_id, name, load()), where, report)
        if found is None:
            continue
        if found in seen:
            report.add(where, f"the outcome is that of endpoints[{seen[found]}]", next_step="keep one")
        seen.setdefault(found, k)
        _check_effect(k, one, found, report)


def _check_effect(k: int, one: Mapping[str, Any], outcome: str, report: Reporter) -> None:
    evidence = load()
    ratio = outcome in COUNTED
    if not ratio and (evidence.outcomes[outcome].domain not in SCORED_DOMAINS or outcome in NOT_SCORED):
        report.add(
            ("endpoints", k, "outcome"),
            f"{outcome} is neither a count, a time nor a score that can be sized",
            allowed="ARR, Gd_lesions, new_T2_lesions, CDP12, CDP24, or a score, marker or taxon",
            next_step="see: eubiosis evidence list outcomes",
        )
    for key in ("effect", "relevant"):
        value = one.get(key)
        if ratio and value is not None and value >= 1:
            report.add(
                ("endpoints", k, key),
                f"{plain(value)} is no benefit as a ratio",
                allowed="a ratio below 1, treated over control",
                next_step="write for example 0.85",
            )
    effect, relevant = one.get("effect"), one.get("relevant")
    if effect is not None and relevant is not None and (relevant < effect if ratio else relevant > effect):
        report.add(
            ("endpoints", k, "relevant"),
            f"the smallest relevant effect {plain(relevant)} is larger than the planned {plain(effect)}",
            allowed="at most the planned effect",
            next_step="correct one of the two",
        )
    if ratio and one.get("baseline_correlation") is not None:
        report.add(
            ("endpoints", k, "baseline_correlation"),
            "counts and times have no baseline correlation",
            allowed="a score",
            next_step="remove the key",
        )


def _check_prices(prices: Mapping[str, Any], report: Reporter) -> None:
    given = [key for key, value in prices.items() if key != "currency" and value is not None]
    if given and prices.get("currency") is None:
        report.add(("prices", "currency"), "prices without a currency", next_step="add prices.currency")


def _try(find: Callable[[], str], where: tuple[str | int, ...], report: Reporter) -> str | None:
    try:
        return find()
    except FindingsError as error:
        for finding in error.findings:
            report.add(where, finding.problem, allowed=finding.allowed, next_step=finding.next_step)
    return None
