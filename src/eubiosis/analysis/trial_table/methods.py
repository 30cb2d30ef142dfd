"""The methods in words, from what was done: nothing is said of what the analysis did not do."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from eubiosis.analysis.result import Estimate
from eubiosis.analysis.trial_table.models import STRATEGY_CODES
from eubiosis.analysis.trial_table.results import EndpointResult, TrialAnalysis
from eubiosis.core.kinds import plain
from eubiosis.core.trial_plan import IMPUTING, PlannedEndpoint, TrialPlan
from eubiosis.core.version import __version__

_MODELS: Mapping[str, str] = MappingProxyType(
    {
        "ancova": "by analysis of covariance (ordinary least squares, equal variances, intervals of "
        "Student's t)",
        "mmrm": "by a mixed model for repeated measures with a mean for each arm and visit and an "
        "unstructured covariance shared by the arms (restricted maximum likelihood; {errors}, degrees of "
        "freedom of Satterthwaite)",
        "ratio of geometric means": "by analysis of covariance of the natural logarithm (ordinary least "
        "squares, intervals of Student's t), exponentiated",
        "negative binomial": "by negative binomial regression with the logarithm of follow-up as offset "
        "(maximum likelihood, dispersion shared by the arms, standard errors of the full observed "
        "information, normal reference law)",
        "logistic risks": "by logistic regression (maximum likelihood)",
        "cox": "by Cox's proportional hazards regression (Efron's ties, normal reference law)",
    }
)
_ERRORS: Mapping[str, str] = MappingProxyType(
    {
        "Kenward-Roger, linear": "Kenward-Roger errors without the term for the curvature of the "
        "parameterisation",
        "Kenward-Roger": "Kenward-Roger errors",
        "Satterthwaite": "errors of the covariance taken as known",
    }
)
_IMPUTED: Mapping[str, str] = MappingProxyType(
    {
        "MAR": "at random within each arm",
        "J2R": "by a jump to the control arm (jump to reference)",
        "CIR": "by the increments of the control arm (copy increments in reference)",
        "CR": "from the control arm (copy reference)",
    }
)
_MULTIPLICITY: Mapping[str, str] = MappingProxyType(
    {
        "none": "p-values were not adjusted for the number of hypotheses ({count})",
        "holm": "p-values of the {count} hypotheses were adjusted by Holm's procedure",
        "fixed sequence": "the {count} hypotheses were tested in the order of the plan, each only where all "
        "before it were rejected; the adjusted p-value is the largest so far",
    }
)


def methods_text(analysis: TrialAnalysis, how: str) -> tuple[str, ...]:
    """Return the methods as paragraphs."""
    plan = analysis.plan
    return (
        _data(analysis, how),
        *(_endpoint(result, plan) for result in analysis.endpoints),
        _several(analysis),
        f"The analysis was done with Eubiosis {__version__}. Observed summaries and figures are not adjusted "
        "for covariates.",
    )


def _data(analysis: TrialAnalysis, how: str) -> str:
    plan = analysis.plan
    people = ", ".join(f"{number:,} in the arm {name}" for name, number in analysis.people.items())
    read = f" ({how})" if how else ""
    shape = "one row a participant and visit" if plan.columns.visit is not None else "one row a participant"
    text = (
        f"The table {analysis.file}{read} has {analysis.rows:,} rows, {shape}; {analysis.used:,} rows of "
        f"{sum(analysis.people.values()):,} participants were analysed: {people}. Participants were analysed "
        "in the arm that the table states."
    )
    if plan.rows:
        kept = " and ".join(f"{one.column} is {' or '.join(one.values)}" for one in plan.rows)
        text += f" Only rows whose {kept} entered."
    if plan.visits:
        visits = ", ".join(
            one.name
            if one.name.casefold() == f"week {plain(one.week)}"
            else f"{one.name} (week {plain(one.week)})"
            for one in sorted(plan.visits, key=lambda one: one.week)
        )
        text += f" Visits were {visits}."
    return text


def _endpoint(result: EndpointResult, plan: TrialPlan) -> str:
    planned = result.planned
    estimand = planned.estimand
    unit = f" [{planned.unit}]" if planned.unit else ""
    at = f" at {planned.visit}" if planned.visit else ""
    first = result.by_name[0].estimate
    parts = [
        f"{planned.name} ({planned.role}; column {planned.column}{unit}). Estimand: {estimand.variable}{at}, "
        f"in {estimand.population}, {estimand.treatment}; summary measure: {first.scale}, each active arm "
        f"against {plan.control.name}.",
        f"It was estimated {_model(planned)}{_summary(planned)}{_covariates(planned)}.",
        _smaller_model(result),
        _missing(result),
        *_events(result),
        _counts(result),
    ]
    return " ".join(part for part in parts if part)


def _model(planned: PlannedEndpoint) -> str:
    return _MODELS[planned.model].format(errors=_ERRORS[planned.small_sample])


def _summary(planned: PlannedEndpoint) -> str:
    if planned.model != "logistic risks":
        return ""
    if planned.summary == "odds ratio":
        return ", as the conditional odds ratio"
    return (
        ", whose predictions under either arm were averaged over all participants (g-computation, delta "
        f"method), as the {planned.summary}"
    )


def _covariates(planned: PlannedEndpoint) -> str:
    terms = []
    log = " on the logarithm" if planned.kind == "ratio biomarker" else ""
    if planned.baseline_visit is not None:
        terms.append(f"the value at {planned.baseline_visit}{log}")
    if planned.baseline_column is not None:
        terms.append(f"the baseline (column {planned.baseline_column}){log}")
    if terms and planned.model == "mmrm":
        terms[0] += " with a slope for each visit"
    terms += [one.column + (" (categories)" if one.kind == "category" else "") for one in planned.covariates]
    noun = "covariate" if len(terms) == 1 else "covariates"
    return f", with the {noun} {', '.join(terms)}" if terms else ", without covariates"


def _missing(result: EndpointResult) -> str:
    planned = result.planned
    if planned.missing_data == "complete cases":
        lacking = any(one.estimate.missing_treated + one.estimate.missing_control for one in result.by_name)
        if not lacking:
            return "No outcome, covariate or follow-up was missing."
        return (
            "Participants with a missing outcome, covariate or follow-up were left out and counted (complete "
            "cases)."
        )
    if planned.missing_data not in IMPUTING:
        return (
            "Every observed visit entered; missing outcomes were taken to be missing at random given the "
            "observed visits and the covariates. Participants without any outcome after the baseline, or "
            "with a missing covariate, were left out and counted."
        )
    done = [one.estimate.detail for one in result.by_name if "imputed_treated" in one.estimate.detail]
    if not done:
        return f'The planned imputation ("{planned.missing_data}") could not be carried out.'
    filled = sum(int(one["imputed_treated"]) for one in done) + int(done[0]["imputed_control"])
    return (
        f"Missing outcomes were imputed {planned.imputations} times by a multivariate normal regression: "
        f"gaps before the last observation at random within the arm, later ones "
        f"{_IMPUTED[STRATEGY_CODES[planned.missing_data]]}; each completed table was analysed by analysis of "
        "covariance of the last visit and pooled by Rubin's rules (Barnard and Rubin's degrees of freedom). "
        f"{filled} values of that visit were imputed."
    )


def _smaller_model(result: EndpointResult) -> str:
    """Say where a smaller model than the one of the plan was used."""
    edge = [one.estimate for one in result.by_name if one.estimate.status == "boundary"]
    if edge and result.planned.model == "negative binomial":
        return "The counts showed no overdispersion, so that the fit is that of the Poisson law."
    return " ".join(
        f"{one.treated} against {one.control} was estimated by {one.method} instead "
        f"({one.detail.get('reason', 'a parameter lies at its bound')})."
        for one in edge
    )


def _events(result: EndpointResult) -> list[str]:
    said = []
    for event in result.planned.estimand.events:
        if event.strategy == "treatment policy":
            said.append(f'Values after the event "{event.event}" were used as recorded (treatment policy).')
        else:
            said.append(
                f'Values after the event "{event.event}" (week in column {event.week_column}) were set '
                "missing (hypothetical strategy)."
            )
    if any(event.strategy == "hypothetical" for event in result.planned.estimand.events):
        said.append(f"{result.set_missing:,} values were left out so.")
    if not said:
        said.append("The plan names no intercurrent event; all recorded values were used.")
    return said


def _counts(result: EndpointResult) -> str:
    words = []
    for one in result.by_name:
        found = one.estimate
        words.append(
            f"{found.treated}: {found.n_treated:,} analysed, {found.missing_treated:,} missing; "
            f"{found.control}: {found.n_control:,}, {found.missing_control:,}"
            + ("" if found.usable else f"; no numbers ({_why(found)})")
        )
    return "Participants: " + ". ".join(dict.fromkeys(words)) + "."


def _why(found: Estimate) -> str:
    reason = str(found.detail.get("reason", ""))
    return f"{found.status.replace('_', ' ')}{': ' if reason else ''}{reason}"


def _several(analysis: TrialAnalysis) -> str:
    plan = analysis.plan
    rows = [one for result in analysis.endpoints for one in result.estimates if one.hypothesis]
    failed = sum(not one.estimate.usable for one in rows)
    text = _MULTIPLICITY[plan.multiplicity].format(count=len(rows))
    level = f"{100 * (1 - plan.alpha):g} %"
    text = f"Two-sided tests at {plan.alpha:g}; {text}. Intervals are of {level} and not adjusted."
    if failed and plan.multiplicity != "none":
        text += f" {failed} of the hypotheses gave no numbers; they stay in the family and are not rejected."
    if any(result.planned.role == "exploratory" for result in analysis.endpoints):
        text += " Exploratory endpoints are outside the family; their p-values describe."
    return text
