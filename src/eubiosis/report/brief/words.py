"""The words and tables of a brief, once, for the page and for Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table of texts: the columns and as many cells in every row."""

    columns: Row
    rows: tuple[Row, ...]
    title: str = ""


@dataclass(frozen=True)
class Block:
    """A part of the page: paragraphs, then tables, then points, then small print to open."""

    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    items: tuple[str, ...] = ()
    small: tuple[str, ...] = ()
    small_title: str = ""


def brief_blocks(record: Mapping[str, Any]) -> list[Block]:
    """Return the parts of a brief in reading order."""
    from eubiosis.report.brief.plan import estimand_block, practical_block, protocol_block, sources_block

    return [
        _answer(record),
        _control(record),
        _known(record),
        _sizes(record),
        _assurance(record),
        *_expectancy(record),
        practical_block(record),
        estimand_block(record),
        protocol_block(record),
        sources_block(record),
    ]


def duration(years: float) -> str:
    """Write a length of time: weeks below a year.

    >>> duration(0.25), duration(1.0), duration(1.5)
    ('13 weeks', '1 year', '1.5 years')
    """
    if years < 1:
        return f"{round(years * 365.25 / 7)} weeks"
    return "1 year" if years == 1 else f"{years:g} years"


def per_arm(size: Mapping[str, Any], largest: int) -> str:
    """Return the people per arm as words: the number, or "not reachable" with the number.

    >>> per_arm({"reachable": False, "n_per_arm": 2967}, 150)
    'not reachable (2,967; 150 can be recruited)'
    """
    if size["reachable"]:
        return f"{size['n_per_arm']:,}"
    return f"not reachable ({size['n_per_arm']:,}; {largest:,} can be recruited)"


def _answer(record: Mapping[str, Any]) -> Block:
    asked, design = record["question"], record["question"]["design"]
    items = []
    for one in record["endpoints"]:
        best = min(one["sizes"], key=lambda size: size["n_per_arm"])
        words = per_arm(best, design["recruitable_per_arm"])
        reach = f"{words} per arm" if best["reachable"] else words
        known = _known_words(one)
        items.append(
            f"{one['label']} ({one['role']}), if the truth were {one['effect_text']}: {reach} at "
            f"{duration(best['years'])}. {known}"
        )
    entry = asked["population"]
    who = f"{entry['phenotype']}, background {record['background']}; {asked['agent']}"
    return Block(
        "The answer", (f"Decision: {asked['decision']} Population and product: {who}.",), (), tuple(items)
    )


def _known_words(one: Mapping[str, Any]) -> str:
    pooled = one["pooled"]
    if not pooled["k"]:
        return f"Known about this class of product: {pooled['note']}; the prior is centred on no effect."
    cohorts = "1 randomised cohort" if pooled["k"] == 1 else f"{pooled['k']} randomised cohorts"
    certainty = pooled["certainty"]["level"]
    return f"Known: {cohorts}, {pooled['participants']} participants, certainty {certainty}."


def _control(record: Mapping[str, Any]) -> Block:
    control = record["control_arm"]
    rates, people = control["relapses"], control["question"]["people"]
    first, every = rates["first_hand"], rates["all_arms"]
    seen = record["control_observed"]
    rests = f"{first['arms']} arms read at first hand" + _reasons(first["extrapolated"])
    rows: list[Row] = [
        (
            f"Relapses a year, seen over {duration(one['years'])}",
            f"{first['rate']:.3f} ({one['expected_relapses']:.1f} relapses)",
            f"{first['pi_low']:.3f} to {first['pi_high']:.3f}",
            f"{one['low']:.3f} to {one['high']:.3f}",
            rests,
        )
        for one in seen
    ]
    free = rates["relapse_free"]
    rows.append(
        (
            f"Free of relapses after {duration(free['years'])}, from the rate",
            f"{free['share']:.0%}",
            f"{free['pi_low']:.0%} to {free['pi_high']:.0%}",
            "",
            f"median error {free['median_error_points']:.1f} points in {len(free['backtest'])} other arms"
            + ("; EXTRAPOLATED as the rate" if first["extrapolated"] else ""),
        )
    )
    rows += [_endpoint_row(one) for one in control["endpoints"].values()]
    rows.append(("Neurofilament light", "no forecast", "", "", control["nfl"]["note"]))
    factors = "; ".join(
        f"{c['term']} x{c['factor']:.3f} [{c['low']:.3f}, {c['high']:.3f}]" for c in first["coefficients"]
    )
    apart, late = first["leave_one_trial_out"], every["fit_to_2019_predict_later"]
    paragraphs = (
        f"Arms whose rate was read only at second hand do not decide; with all {every['arms']} arms the rate "
        f"is {every['rate']:.3f} ({every['pi_low']:.3f} to {every['pi_high']:.3f}). Regression: {factors}. "
        f"Arms left out with their trial: {apart['inside']} of {apart['arms']} inside the interval; all "
        f"arms, fitted to 2019: {late['inside']} of {late['arms']} later ones inside.",
        _selection_words(control["regression_to_the_mean"]),
    )
    columns = ("what the control arm shows", "forecast", "true value of a new arm, 95 %",
               f"what {people:,} people will show, 95 %", "rests on")  # fmt: skip
    return Block("The control arm", paragraphs, (Table(columns, tuple(rows)),))


def _endpoint_row(one: Mapping[str, Any]) -> Row:
    if one["value"] is None:
        return one["label"], "no forecast", "", "", one["note"]
    percent = one["kind"] == "hazard"
    keys = ("value", "pi_low", "pi_high", "observed_low", "observed_high")
    value, low, high, least, most = (
        f"{one[key]:.0%}" if percent else f"{one[key]:.2f}".replace("-", "−") for key in keys
    )
    label = f"{one['label']} after {duration(one['years'])}" if percent else f"{one['label']}, {one['unit']}"
    return label, value, f"{low} to {high}", f"{least} to {most}", one["note"] + _reasons(one["extrapolated"])


def _reasons(reasons: Sequence[str]) -> str:
    return "" if not reasons else "; EXTRAPOLATED: " + "; ".join(reasons)


def _selection_words(found: Mapping[str, Any]) -> str:
    relapses = found["relapses"]
    words = (
        "No relapse is asked for at entry, so relapses show no regression to the mean; the arms behind the "
        "forecast asked for one, which is why it is extrapolated."
    )
    if relapses["before"] > relapses["on_trial"]:
        words = (
            "Regression to the mean: people chosen for a relapse in the last year had "
            f"{relapses['before']:.2f} in that year and show {relapses['on_trial']:.2f} a year afterwards if "
            f"their true rates stay as they are: a fall of {relapses['fall_without_treatment']:.0%} that "
            "would be no effect of anything."
        )
    if "mfis" in found:
        mfis = found["mfis"]
        words += (
            f" People chosen for an MFIS of {mfis['from']:g} or more average {mfis['at_entry']:.1f} at "
            "entry and "
            f"{mfis['again']:.1f} when asked again; placebo responses come on top."
        )
    return words


def _known(record: Mapping[str, Any]) -> Block:
    rows: list[Row] = []
    small: list[str] = []
    for one in record["endpoints"]:
        pooled = one["pooled"]
        small += [
            f"{one['label']}, not pooled: {out['study']}: {out['reason']} "
            f"({out['source']}; read: {out['read']})"
            for out in pooled["excluded"]
        ]
        if not pooled["k"]:
            rows.append((one["label"], pooled["note"], "–", "–", _nulls(pooled) or "–"))
            continue
        hartung = pooled["intervals"]["hartung_knapp"]
        hk = "undefined" if hartung["ci_low"] is None else _span(hartung["ci_low"], hartung["ci_high"])
        flagged = [x["study"] for x in pooled["included"] if x["integrity_status"] != "none"]
        without = next((x for x in pooled["sensitivity"] if "failed a check" in x["change"]), None)
        integrity = "no flag" if not flagged else "failed check: " + ", ".join(flagged)
        if without is not None and without["estimate"] is not None:
            integrity += (
                f"; without: {_number(without['estimate'])} [{_span(without['ci_low'], without['ci_high'])}]"
            )
        rows.append(
            (
                one["label"],
                f"{pooled['k']} cohort{'s' if pooled['k'] > 1 else ''}, {pooled['participants']} people",
                f"{pooled['metric']} {_number(pooled['estimate'])} {pooled['unit']} "
                f"[{_span(pooled['ci_low'], pooled['ci_high'])}] {pooled['ci_method']}; Hartung-Knapp "
                f"[{hk}]; "
                f"a new trial [{_span(pooled['pi_low'], pooled['pi_high'])}]",
                f"certainty {pooled['certainty']['level']}",
                "; ".join(part for part in (integrity, _nulls(pooled)) if part),
            )
        )
    audit = tuple((claim["statement"], claim["verdict"], claim["reason"]) for claim in record["claims"])
    tables = [Table(("outcome", "randomised evidence", "pooled", "certainty", "integrity"), tuple(rows),
                    "Pooled differences between arms as published, with their defects")]  # fmt: skip
    if audit:
        tables.append(
            Table(("claim in circulation", "verdict", "why"), audit, "Claims held against the records")
        )
    return Block("What is known", (), tuple(tables), (), tuple(small), "records that are not pooled, and why")


def _nulls(pooled: Mapping[str, Any]) -> str:
    """Name the trials that found no benefit and give no number to pool."""
    found = [
        out["study"] for out in pooled["excluded"] if out["verdict"] in ("no_difference", "favours_control")
    ]
    names = ", ".join(dict.fromkeys(found))
    return f"without numbers, and no benefit: {names}" if found else ""


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _span(low: float, high: float) -> str:
    return f"{_number(low)}, {_number(high)}"


def _sizes(record: Mapping[str, Any]) -> Block:
    design = record["question"]["design"]
    years = design["years"]
    rows: list[Row] = []
    for one in record["endpoints"]:
        cells = [per_arm(size, design["recruitable_per_arm"]) for size in one["sizes"]]
        last = one["sizes"][-1]
        level = "" if one["control_level"] is None else (
            f"{last['n_if_control_high']:,} to {last['n_if_control_low']:,}"
        )  # fmt: skip
        rows.append((one["label"], one["effect_text"], *cells, level))
    dropout = record["dropout"]
    text = (
        f"People per arm for {design['power']:.0%} power, two-sided {design['alpha']:g}, if the truth "
        "were the "
        "planned effect, which is the planner's choice and no estimate. Drop-out "
        f"{dropout['per_year']:.1%} a "
        f"year ({dropout['origin']}; {dropout['share']:.0%} within {duration(dropout['years'])}) is counted: "
        "those who leave give their time to counts and no final score."
    )
    columns = ("endpoint", "planned effect", *(f"{duration(y)}" for y in years),
               f"over the control interval, {duration(years[-1])}")  # fmt: skip
    return Block("How many", (text,), (Table(columns, tuple(rows)),))


def _assurance(record: Mapping[str, Any]) -> Block:
    rows: list[Row] = []
    for one in record["endpoints"]:
        for line in one["assurance"]:
            reached = {
                k: "none" if n is None else f"{n:,}" if line["reachable"][k] else f"{n:,}, not reachable"
                for k, n in line["sizes"].items()
            }
            curse = line["estimate_given_success"] / line["true_effect_given_success"]
            exaggeration = f"x{curse:.2f}" if line["true_effect_given_success"] > 0 else "no true benefit"
            rows.append(
                (
                    f"{one['label']}, {duration(line['years'])}",
                    line["prior"],
                    f"{line['assurance']:.0%}",
                    f"{line['ceiling']:.0%}",
                    reached["50%"],
                    reached["80%"],
                    exaggeration,
                    f"{line['below_relevant_given_success']:.0%}",
                )
            )
    people = record["question"]["design"]["recruitable_per_arm"]
    nulls = record["null_centred"]
    text = (
        f"The probability that a trial of {people:,} per arm succeeds when the effect itself is uncertain, "
        "and the control level with it, each endpoint at the duration of its smallest size. No trial can "
        "pass the ceiling, the prior probability of any benefit, by more than false positives. The winner's "
        "curse says by how much the estimates of trials that succeed exceed the truth behind them, ratios on "
        f"the log scale. Null-centred: no effect, 95 % within {nulls['score']:.2f} SD or within ratios of "
        f"{nulls['ratio_low']:.2f} to {nulls['ratio_high']:.2f}; sceptical: no effect, and 5 % for the "
        "planned effect or more; optimistic: the planned effect, and 5 % for none or harm; evidence: what "
        "the pooled trials predict, failed checks discounted, mixed with a null-centred part. None of them "
        "is a finding."
    )
    columns = ("endpoint", "prior of the effect", "assurance", "ceiling", "n for 50 %", "n for 80 %",
               "winner's curse", "succeeds, yet below the relevant effect")  # fmt: skip
    return Block("How sure", (text,), (Table(columns, tuple(rows)),))


def _expectancy(record: Mapping[str, Any]) -> list[Block]:
    blocks = []
    for one in record["endpoints"]:
        found = one["expectancy"]
        if found is None:
            continue
        review = "; ".join(
            f"{x['what']}: {_number(x['value'])} [{_span(x['low'], x['high'])}] ({x['source']}, read: "
            f"{x['read']})"
            for x in found["review"]
        )
        corrected = (
            "no size reaches it"
            if found["n_corrected"] is None
            else f"{found['n_corrected']:,} per arm would be needed"
        )
        items = (
            f"If treatment does nothing, the usual test still succeeds in {found['false_success']:.0%} of "
            f"trials of this size, with a mean difference of {found['seen_if_null']:.2f} SD.",
            f"The usual test would succeed in {found['power_usual']:.0%} at the planned effect; a test that "
            f"takes expectancy off in {found['power_corrected']:.0%}; for the power asked, {corrected}.",
            f"Only a difference above {found['needed']:.2f} SD would leave treatment above zero with 97.5 %.",
            "What stays identifiable is the sum of treatment and expectancy. Treatment alone stays uncertain "
            f"by an SD of {found['best_error']:.2f} however many take part; blinding, or an outcome that "
            "nobody reports, is what buys more.",
        )
        text = (
            f"The trial is open, and the patients themselves report {one['label'].lower()}. Expectancy adds "
            f"{found['mean']:g} SD (95 % {found['low']:g} to {found['high']:g}; {found['basis']}) apart from "
            f"treatment. What the assumption stands on: {review}."
        )
        blocks.append(Block(f"Expectancy: {one['label']}", (text,), (), items))
    return blocks
