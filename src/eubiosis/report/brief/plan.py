"""The practical half of a brief: time, cost, harms, estimand, protocol paragraph, sources."""

from __future__ import annotations

from eubiosis.core.brief import BriefData, BriefEndpoint
from eubiosis.core.control_arm import DecidingArm
from eubiosis.core.evidence_report import PooledStudy
from eubiosis.core.question import AskedDesign
from eubiosis.report.brief.blocks import Passage, Row, TextTable, duration, read_words, source_words
from eubiosis.report.trial.words import many, percent, stated

METHODS = {
    "count": "a negative binomial model with the logarithm of follow-up as offset",
    "time": "a Cox model",
    "score": "an analysis of covariance on the baseline value",
}


def practical_blocks(brief: BriefData) -> list[Passage]:
    """Return time and cost, the estimand, the protocol paragraph and the sources, in reading order."""
    return [_practical(brief), _estimand(brief), _protocol(brief), _sources(brief)]


def _practical(brief: BriefData) -> Passage:
    """Return recruitment time, cost and what the harms can show."""
    harms = brief.harms
    rows: list[Row] = []
    paragraphs = []
    if brief.recruitment is None:
        why = "no rate was given" if brief.primary.sizes else "the primary endpoint has no size"
        paragraphs.append(f"Recruitment: {why}, so no time is stated.")
    else:
        rate = brief.question.recruitment.per_month
        costs = brief.cost or [None] * len(brief.recruitment)
        for one, cost in zip(brief.recruitment, costs, strict=True):
            price = "no prices given" if cost is None else f"{cost.cost:,.0f} {cost.currency}"
            short = "" if one.needed <= one.participants else f" (of {one.needed:,} needed)"
            rows.append(
                (duration(one.years), f"{one.participants:,}{short}", _months(one.months),
                 f"{one.calendar_years:.1f} years", price)
            )  # fmt: skip
        paragraphs.append(
            f"For the primary endpoint, at the stated {rate:g} randomised a month. Cost is the user's "
            "prices times people and years; nothing is added to them."
        )
    known = "; ".join(
        f"{x.study}, {x.event}: “{x.statement}” (read: {read_words(x.read)})" for x in harms.records
    )
    paragraphs.append(
        f"Harms: {harms.people:,} treated people without a single case rule out, with 95 %, only risks "
        f"above {percent(harms.excluded_risk, decimals=1)}. Records of harms and attrition, as reported"
        f"{'; a phrase without a count says nothing of safety' if known else ''}: "
        f"{known or 'none in the tables'}."
    )
    columns = ("treatment", "randomised", "recruitment", "first in to last out", "cost")
    title = "By length of treatment: people randomised in both arms, and the time and cost of the trial"
    return Passage(
        "Time, cost, harms", tuple(paragraphs), (TextTable(columns, tuple(rows), title),) if rows else ()
    )


def _months(months: float) -> str:
    whole = max(1, round(months))
    return many(whole, "month")


def _estimand(brief: BriefData) -> Passage:
    """Return the primary estimand and the intercurrent events."""
    attributes = tuple(pair for one in brief.estimands for pair in one.attributes)
    events = tuple((row.event, row.strategy, row.why, row.supplementary) for row in brief.intercurrent_events)
    tables = (
        TextTable(("attribute", "primary estimand"), attributes, "The primary estimand by attribute"),
        TextTable(
            ("intercurrent event", "strategy", "why", "supplementary"),
            events,
            "Events after randomisation, and what the main estimand makes of each",
        ),
    )
    return Passage("Estimand and intercurrent events", (), tables)


def _protocol(brief: BriefData) -> Passage:
    """Return a paragraph for a protocol, with the numbers of its references."""
    design, primary = brief.question.design, brief.primary
    pooled, arms = _pooled_sources(brief), _arm_sources(brief)
    number = {text: place for place, text in enumerate([*pooled, *arms], start=1)}
    if primary.pooled.pool is not None:
        found = primary.pooled.pool.summary
        cited = ", ".join(str(number[_study(x)]) for x in found.included)
        known = (
            f"{many(found.k, 'randomised cohort')} with {found.participants:,} participants "
            f"{'has' if found.k == 1 else 'have'} reported it [{cited}]; the certainty of their pooled "
            f"result is {found.certainty.level}, so the size does not rest on it."
        )
    else:
        known = f"No randomised result can be pooled for it ({primary.pooled.note})."
    blind = "double-blind" if design.blinding == "double" else "open-label"
    estimand = brief.estimands[0]
    text = (
        f"This is a randomised, {blind}, two-arm trial. Treatment: {estimand.treatment}. Population: "
        f"{estimand.population}. The primary endpoint, {estimand.variable}, is compared by "
        f"{METHODS[primary.kind]}. {known} {_size_words(primary, design)} Drop-out at "
        f"a rate of {brief.dropout.per_year:.3g} a person and year ({brief.dropout.origin}) is included. "
        f"{_control_words(brief, number[arms[0]], number[arms[-1]])} The main analysis keeps all "
        "randomised participants; the strategies for intercurrent events are in the table."
    )
    if primary.expectancy is not None:
        text += " As treatment is open, the result is that of treatment and expectancy together."
    return Passage("A paragraph for the protocol", (text,))


def _control_words(brief: BriefData, first: int, last: int) -> str:
    decisive = brief.control_arm.relapses.first_hand
    rate = decisive.forecast
    if rate is None:
        return f"The relapse rate of the control arm has {decisive.no_forecast}."
    extrapolated = ", extrapolated beyond them" if rate.extrapolated else ""
    words = (
        f"From {rate.arms} published control arms [{first} to {last}] the relapse rate of the control arm is "
        f"expected at {rate.rate:.2f} a year (95 % prediction interval {rate.low:.2f} to "
        f"{rate.high:.2f}{extrapolated})."
    )
    if brief.primary.kind == "score":
        words += (
            " No control arm's course of the primary endpoint is forecast: its size rests on the SD alone."
        )
    return words


def _size_words(primary: BriefEndpoint, design: AskedDesign) -> str:
    size = primary.smallest
    if size is None:
        return f"It is not sized: {primary.skipped}."
    goal = (
        f"For {percent(design.power)} power at a two-sided level of {design.alpha:g} and a true effect of "
        f"{primary.effect_text}, chosen by the planners,"
    )
    if size.reachable:
        return f"{goal} {size.n_per_arm:,} participants per arm are needed."
    return (
        f"{goal} {size.n_per_arm:,} participants per arm would be needed, and no more than "
        f"{design.recruitable_per_arm:,} can be recruited: the endpoint is not reachable."
    )


def _sources(brief: BriefData) -> Passage:
    """Return the numbered references and the assumptions behind the page."""
    texts = [*_pooled_sources(brief), *_arm_sources(brief)]
    references = tuple(f"[{k}] {text}" for k, text in enumerate(texts, start=1))
    rows = tuple(
        (x.what, stated(x.value) if x.unit == "-" else f"{stated(x.value)} {_plural(x.unit, x.value)}",
         "" if x.low is None or x.high is None else f"{stated(x.low)} to {stated(x.high)}", x.basis,
         "; ".join(part for part in (x.source, x.note) if part))
        for x in brief.assumptions
    )  # fmt: skip
    table = TextTable(
        ("number", "value", "range", "basis", "source and note"), rows, "Numbers behind the forecasts"
    )
    return Passage(
        "Sources", (), (table,), (), references, f"{len(references)} references, with how far each was read"
    )


def _plural(unit: str, value: float) -> str:
    return "years" if unit == "year" and value != 1 else unit


def _pooled_sources(brief: BriefData) -> list[str]:
    """Return the pooled studies, each once."""
    pools = (one.pooled.pool for one in brief.endpoints)
    return list(dict.fromkeys(_study(x) for pool in pools if pool is not None for x in pool.summary.included))


def _arm_sources(brief: BriefData) -> list[str]:
    """Return the control arms that decide, each once."""
    return list(dict.fromkeys(_arm(x) for x in brief.control_arm.relapses.deciding_arms))


def _arm(one: DecidingArm) -> str:
    source = one.source or "source in control_arms.tsv"
    return f"Control arm {one.trial}, {one.arm}, {one.year}: {source} (read: {read_words(one.read)})"


def _study(included: PooledStudy) -> str:
    source = included.doi or source_words(included.source)
    return f"{included.study}: {source} (read: {read_words(included.read)})"
