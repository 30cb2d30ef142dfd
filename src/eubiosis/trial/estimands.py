"""The estimands that a design means to estimate: its primary endpoint first, then every other."""

from __future__ import annotations

from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.estimand import Estimand, IntercurrentEvent
from eubiosis.core.intercurrent import EVENTS, rules_of
from eubiosis.core.kinds import plain
from eubiosis.trial.design import Design
from eubiosis.trial.intercurrent import strategy_rules


def estimands(design: Design) -> tuple[Estimand, ...]:
    """Return one estimand for every endpoint, the primary first (attributes: ICH E9(R1)).

    >>> from eubiosis import therapy, trial
    >>> arms = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
    >>> first = estimands(trial.Design(arms=arms, participants=40, primary="mfis"))[0]
    >>> first.role, first.summary
    ('primary', 'difference in means, points')
    """
    ordered = [design.primary, *(name for name in ENDPOINTS if name != design.primary)]
    return tuple(_estimand(design, ENDPOINTS[name]) for name in ordered)


def primary_estimand(design: Design) -> Estimand:
    """Return the estimand of the primary endpoint.

    >>> from eubiosis import therapy, trial
    >>> arms = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
    >>> primary_estimand(trial.Design(arms=arms, participants=40, primary="relapses")).summary
    'rate ratio'
    """
    return _estimand(design, ENDPOINTS[design.primary])


def _estimand(design: Design, endpoint: Endpoint) -> Estimand:
    last = plain(design.visits[-1])
    return Estimand(
        endpoint=endpoint.id,
        label=endpoint.label,
        role="primary" if endpoint.id == design.primary else "secondary",
        treatment="assigned arm against control, whatever share of the dose is taken",
        population=f"all randomised subjects ({_eligible(design)})",
        variable=_variable(endpoint, last),
        intercurrent_events=(*_intercurrent(endpoint), *_declared(design, endpoint)),
        summary=_summary(endpoint),
        method=_method(endpoint),
        covariates=() if endpoint.counted else (_baseline(endpoint),),
        missing_data=_missing(design, endpoint),
        better=endpoint.better,
        tested=endpoint.tested,
    )


def _eligible(design: Design) -> str:
    rules = design.eligibility
    parts = [
        f"{label} {plain(span[0])} to {plain(span[1])}"
        for label, span in (("age", rules.age), ("EDSS", rules.edss))
        if span is not None
    ]
    if rules.relapses_last_year is not None:
        parts.append(f"{rules.relapses_last_year} or more relapses in the year before entry")
    if rules.mfis_from is not None:
        parts.append(f"MFIS {plain(rules.mfis_from)} or more at screening")
    return "; ".join(parts) or "no entry criteria"


def _variable(endpoint: Endpoint, last: str) -> str:
    if endpoint.id == "relapses":
        return f"number of relapses from week 0 to week {last} or dropout"
    if endpoint.counted:
        return f"number of {endpoint.label} on the scans from week 0 to week {last} or dropout"
    if endpoint.scale == "ratio":
        return f"logarithm of {endpoint.label} at week {last}"
    return f"{endpoint.label} at week {last}"


def _intercurrent(endpoint: Endpoint) -> tuple[IntercurrentEvent, ...]:
    dropout = "while observed" if endpoint.counted else "hypothetical: as if the subject had stayed"
    events = (
        IntercurrentEvent("taking less than the full dose", "treatment policy"),
        IntercurrentEvent("dropout", dropout),
    )
    if endpoint.counted:
        return events
    return (*events, IntercurrentEvent("a relapse before the last visit", "treatment policy"))


def _declared(design: Design, endpoint: Endpoint) -> tuple[IntercurrentEvent, ...]:
    """Return the events of the design, with the strategies that are applied."""
    rules = rules_of(strategy_rules(design.intercurrent), endpoint.id)
    return tuple(IntercurrentEvent(EVENTS[rule.event], rule.words) for rule in rules)


def _summary(endpoint: Endpoint) -> str:
    if endpoint.counted:
        return "rate ratio"
    return (
        "ratio of geometric means" if endpoint.scale == "ratio" else f"difference in means, {endpoint.unit}"
    )


def _method(endpoint: Endpoint) -> str:
    if endpoint.counted:
        return (
            "negative binomial regression, logarithm of follow-up as offset; p-value of a randomisation test "
            "of the crude rates"
        )
    scale = " of the logarithm" if endpoint.scale == "ratio" else ""
    return f"analysis of covariance{scale} at the last visit"


def _baseline(endpoint: Endpoint) -> str:
    return f"{'logarithm of the ' if endpoint.scale == 'ratio' else ''}baseline value"


def _missing(design: Design, endpoint: Endpoint) -> str:
    rules = rules_of(strategy_rules(design.intercurrent), endpoint.id)
    removed = any(rule.strategy == "hypothetical" for rule in rules)
    if endpoint.counted:
        ends = "dropout or where a hypothetical strategy ends the record" if removed else "dropout"
        return f"follow-up ends at {ends}; no imputation"
    lacking = "without a last visit that counts" if removed else "without a last visit"
    return f"subjects {lacking} are left out and counted; no imputation (missing at random)"
