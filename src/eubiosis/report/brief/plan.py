"""The practical half of a brief: time, cost, harms, estimand, protocol paragraph, sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eubiosis.report.brief.words import Block, Table, duration

METHODS = {
    "count": "a negative binomial model with the logarithm of follow-up as offset",
    "time": "a Cox model",
    "score": "an analysis of covariance on the baseline value",
}


def practical_block(record: Mapping[str, Any]) -> Block:
    """Return recruitment time, cost and what the harms can show."""
    harms, rows = record["harms"], []
    paragraphs = []
    recruitment = record["recruitment"]
    if recruitment is None:
        paragraphs.append("Recruitment: no rate was given, so no time is stated.")
    else:
        rate = record["question"]["recruitment"]["per_month"]
        costs = record["cost"] or [None] * len(recruitment)
        for one, cost in zip(recruitment, costs, strict=True):
            price = "no prices given" if cost is None else f"{cost['cost']:,.0f} {cost['currency']}"
            short = "" if one["needed"] <= one["participants"] else f" (of {one['needed']:,} needed)"
            rows.append(
                (duration(one["years"]), f"{one['participants']:,}{short}", f"{one['months']:.1f} months",
                 f"{one['calendar_years']:.1f} years", price)
            )  # fmt: skip
        paragraphs.append(
            f"For the primary endpoint, at the stated {rate:g} randomised a month. Cost is the user's "
            "prices times "
            "people and years; nothing is added to them."
        )
    known = "; ".join(
        f"{x['study']}, {x['event']}: “{x['statement']}” (read: {x['read']})" for x in harms["records"]
    )
    paragraphs.append(
        f"Harms: {harms['people']:,} treated people without a single case rule out, with 95 %, only risks "
        f"above {harms['excluded_risk']:.1%}. Records of harms and attrition, as reported: "
        f"{known or 'none in the tables'}."
    )
    columns = ("treatment", "randomised", "recruitment", "first in to last out", "cost")
    return Block(
        "Time, cost, harms", tuple(paragraphs), (Table(columns, tuple(rows)),) if rows else ()
    )  # fmt: skip


def estimand_block(record: Mapping[str, Any]) -> Block:
    """Return the primary estimand and the intercurrent events."""
    attributes = tuple((name, text) for one in record["estimands"] for name, text in one.items())
    events = tuple(
        (row["event"], row["strategy"], row["why"], row["supplementary"])
        for row in record["intercurrent_events"]
    )
    tables = (
        Table(("attribute", "primary estimand"), attributes),
        Table(("intercurrent event", "strategy", "why", "supplementary"), events),
    )
    return Block("Estimand and intercurrent events", (), tables)


def protocol_block(record: Mapping[str, Any]) -> Block:
    """Return a paragraph for a protocol, with the numbers of its references."""
    design = record["question"]["design"]
    primary = next(one for one in record["endpoints"] if one["role"] == "primary")
    references = citations(record)
    number = {text: place for place, text in enumerate(references, start=1)}
    size = min(primary["sizes"], key=lambda one: one["n_per_arm"])
    pooled = primary["pooled"]
    if pooled["k"]:
        cited = ", ".join(str(number[_study(x)]) for x in pooled["included"])
        known = (
            f"{pooled['k']} randomised cohorts with {pooled['participants']} participants have reported it "
            f"[{cited}]; the certainty of their pooled result is {pooled['certainty']['level']}, so the "
            "size does "
            "not rest on it."
        )
    else:
        known = f"No randomised result can be pooled for it ({pooled['note']})."
    blind = "double-blind" if design["blinding"] == "double" else "open-label"
    rate = record["control_arm"]["relapses"]["first_hand"]
    arms = [x for x in references if x.startswith("Control arm")]
    estimand = record["estimands"][0]
    extrapolated = ", extrapolated beyond them" if rate["extrapolated"] else ""
    text = (
        f"This is a randomised, {blind}, two-arm trial. Treatment: {estimand['treatment']}. Population: "
        f"{estimand['population']}. The primary endpoint, {estimand['variable']}, is compared by "
        f"{METHODS[primary['kind']]}. {known} {_size_words(size, primary, design)} A drop-out of "
        f"{record['dropout']['per_year']:.1%} a year ({record['dropout']['origin']}) is included. From "
        f"{rate['arms']} published control arms [{number[arms[0]]} to {number[arms[-1]]}] the relapse rate "
        f"of the control arm is expected at {rate['rate']:.2f} a year (95 % prediction interval "
        f"{rate['pi_low']:.2f} to {rate['pi_high']:.2f}{extrapolated}). The main analysis keeps all "
        "randomised participants; the strategies for intercurrent events are in the table."
    )
    if primary["expectancy"] is not None:
        text += " As treatment is open, the result is that of treatment and expectancy together."
    return Block("A paragraph for the protocol", (text,))


def _size_words(size: Mapping[str, Any], primary: Mapping[str, Any], design: Mapping[str, Any]) -> str:
    goal = (
        f"For {design['power']:.0%} power at a two-sided level of {design['alpha']:g} and a true effect of "
        f"{primary['effect_text']}, chosen by the planners,"
    )
    if size["reachable"]:
        return f"{goal} {size['n_per_arm']:,} participants per arm are needed."
    return (
        f"{goal} {size['n_per_arm']:,} participants per arm would be needed, and no more than "
        f"{design['recruitable_per_arm']:,} can be recruited: the endpoint is not reachable."
    )


def sources_block(record: Mapping[str, Any]) -> Block:
    """Return the numbered references and the assumptions behind the page."""
    references = tuple(f"[{k}] {text}" for k, text in enumerate(citations(record), start=1))
    rows = tuple(
        (x["what"], f"{x['value']:g} {x['unit']}".replace(" -", ""),
         "" if x["low"] is None else f"{x['low']:g} to {x['high']:g}", x["basis"],
         "; ".join(part for part in (x["source"], x["note"]) if part))
        for x in record["assumptions"]
    )  # fmt: skip
    table = Table(
        ("number", "value", "range", "basis", "source and note"), rows, "Numbers behind the forecasts"
    )
    return Block(
        "Sources", (), (table,), (), references, f"{len(references)} references, with how far each was read"
    )


def citations(record: Mapping[str, Any]) -> list[str]:
    """Return what the page rests on, each once: pooled studies, then the control arms that decide."""
    found = [_study(x) for one in record["endpoints"] for x in one["pooled"].get("included", ())]
    arms = [
        f"Control arm {x['trial']}, {x['arm']}, {x['year']}: {x['source'] or 'source in control_arms.tsv'} "
        f"(read: {x['read']})"
        for x in record["control_arm"]["relapses"]["deciding_arms"]
    ]
    return list(dict.fromkeys([*found, *arms]))


def _study(included: Mapping[str, Any]) -> str:
    return f"{included['study']}: {included['doi'] or included['source']} (read: {included['read']})"
