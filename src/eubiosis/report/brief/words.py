"""The words and tables of a brief, once, for the page and for Markdown: the evidence half."""

from __future__ import annotations

from collections.abc import Sequence

from eubiosis.core.brief import BriefData, BriefEndpoint, Known, SeenRow
from eubiosis.core.control_arm import EndpointForecast, RegressionToTheMean
from eubiosis.core.endpoints import in_sentence
from eubiosis.core.evidence_report import Choice
from eubiosis.report.brief.blocks import (
    Passage,
    Row,
    TextTable,
    duration,
    number,
    per_arm,
    read_words,
    source_words,
    span,
)
from eubiosis.report.brief.curve import power_svg
from eubiosis.report.brief.sure import assurance_passage, expectancy_passages
from eubiosis.report.trial.words import many, percent


def evidence_blocks(brief: BriefData) -> list[Passage]:
    """Return what is answered, forecast, known, needed and promised, in reading order."""
    return [
        _answer(brief),
        _control(brief),
        _known(brief),
        _sizes(brief),
        assurance_passage(brief),
        *expectancy_passages(brief),
    ]


def _answer(brief: BriefData) -> Passage:
    asked, design = brief.question, brief.question.design
    items = []
    for one in brief.endpoints:
        best = one.smallest
        if best is None:
            items.append(f"{one.label} ({one.role}): not sized, {one.skipped}. {_known_words(one)}")
            continue
        words = per_arm(best, design.recruitable_per_arm)
        reach = f"{words} per arm" if best.reachable else words
        items.append(
            f"{one.label} ({one.role}), if the truth were {one.effect_text}: {reach} at "
            f"{duration(best.years)}{_if_chosen(one)}. {_known_words(one)}"
        )
    who = f"{asked.population.phenotype}, background {brief.background}; {asked.agent}"
    return Passage(
        "The answer", (f"Decision: {asked.decision} Population and product: {who}.",), (), tuple(items)
    )


def _if_chosen(one: BriefEndpoint) -> str:
    """Say beside a size what the cut-off of the question makes of it, where that is more people."""
    chosen = one.chosen
    if chosen is None or one.smallest is None or chosen.n_per_arm <= one.smallest.n_per_arm:
        return ""
    return (
        f"; {chosen.n_per_arm:,} if the correlation given is of people not chosen by the cut-off of "
        f"{chosen.threshold:g}"
    )


def _known_words(one: BriefEndpoint) -> str:
    known = one.pooled.pool
    if known is None:
        return (
            f"Known about this class of product in people with MS: {one.pooled.note}; the prior is "
            "centred on "
            "no effect."
        )
    pooled = known.summary
    cohorts = many(pooled.k, "randomised cohort")
    return f"Known: {cohorts}, {pooled.participants:,} participants, certainty {pooled.certainty.level}."


def _control(brief: BriefData) -> Passage:
    control = brief.control_arm
    rates, people = control.relapses, control.question.people
    first, every = rates.first_hand, rates.all_arms
    rows: list[Row] = _relapse_rows(brief)
    rows += [_endpoint_row(one) for one in control.endpoints.values()]
    rows.append(("Neurofilament light", "no forecast", "", "", control.nfl.note))
    base, *others = first.coefficients
    factors = "; ".join(
        (
            f"{base.term}: {base.factor:.3f} a year [{base.low:.3f}, {base.high:.3f}]",
            *(f"{c.term} ×{c.factor:.2f} [{c.low:.2f}, {c.high:.2f}]" for c in others),
        )
    )
    apart, late, other = first.leave_one_trial_out, every.fit_to_2019_predict_later, every.forecast
    told = every.calibration
    alike = (
        ""
        if other is None
        else (
            f"; with all {other.arms} arms the rate is {other.rate:.3f} a year "
            f"({other.low:.3f} to {other.high:.3f})"
        )
    )
    paragraphs = (
        f"Arms whose rate was read only at second hand do not decide{alike}. Regression: {factors}. "
        f"Arms left out with their trial: {apart.inside} of {apart.arms} inside the 95 % interval; all "
        f"arms, fitted to 2019: {late.inside} of {late.arms} later ones inside.",
        f"How far to trust it: of all {told.arms} arms, each forecast without its trial, "
        f"{percent(told.inside_50)} lay inside their 50 % interval, {percent(told.inside_80)} inside 80 % "
        f"and {percent(told.inside_95)} inside 95 %. From the arms until 2012, the {told.later_arms} later "
        f"ones ran {told.later_ratio:.2f} times their forecast, {told.later_inside} inside 95 %.",
        _selection_words(control.regression_to_the_mean, brief.question.population.relapses_last_year),
    )
    columns = ("what the control arm shows", "forecast", "true value of a new arm, 95 %",
               f"what {people:,} people will show, 95 %", "rests on")  # fmt: skip
    title = (
        "What a control arm of this trial is forecast to show. Rows: published control arms behind a number; "
        "median error: of forecasts of arms that were left out"
    )
    return Passage("The control arm", paragraphs, (TextTable(columns, tuple(rows), title),))


def _relapse_rows(brief: BriefData) -> list[Row]:
    """Return the rate and the one forecast of the relapse-free share, or that there is none."""
    first, free = brief.control_arm.relapses.first_hand, brief.control_arm.relapses.relapse_free
    rate = first.forecast
    if rate is None or free is None:
        return [("Relapses a year", "no forecast", "", "", first.no_forecast)]
    rests = f"{rate.arms} arms read at first hand" + _reasons(rate.extrapolated)
    rows: list[Row] = [
        (
            f"Relapses a year, seen over {duration(one.years)}",
            f"{rate.rate:.3f} (about {one.expected_relapses:.0f} relapses)",
            f"{rate.low:.3f} to {rate.high:.3f}",
            f"{one.low:.3f} to {one.high:.3f}",
            rests,
        )
        for one in brief.control_observed
    ]
    rows.append(
        (
            f"Free of relapses after {duration(free.years)}: the forecast, from the rate",
            percent(free.share),
            f"{percent(free.pi_low)} to {percent(free.pi_high)}",
            "",
            f"median error {free.median_error_points:.1f} percentage points in {len(free.backtest)} arms"
            + ("; extrapolated as the rate is" if rate.extrapolated else ""),
        )
    )
    return rows


CROSS_CHECK = (
    "a cross-check, not the forecast: the shares that few other arms print, of other years and entry rules; "
    "the row from the rate holds, which follows both"
)


def _endpoint_row(one: EndpointForecast) -> Row:
    numbers = [
        value for value in (one.value, one.low, one.high, one.observed_low, one.observed_high)
        if value is not None
    ]  # fmt: skip
    if one.value is None:
        return one.label, "no forecast", "", "", one.note
    note = f"{CROSS_CHECK}; {one.note}" if one.endpoint == "relapse_free" else one.note
    shares = one.kind == "hazard"
    wide = one.kind == "points" and max(map(abs, numbers)) >= 9.95  # points: two decimals say too much
    value, low, high, least, most = (
        percent(x) if shares else number(x, decimals=1 if wide else 2) for x in numbers
    )
    label = f"{one.label} after {duration(one.years)}" if shares else f"{one.label}, {one.unit}"
    return label, value, f"{low} to {high}", f"{least} to {most}", note + _reasons(one.extrapolated)


def _reasons(reasons: Sequence[str]) -> str:
    return "" if not reasons else f"; extrapolated ({'; '.join(reasons)})"


def _selection_words(found: RegressionToTheMean, asked: int | None) -> str:
    relapses = found.relapses
    words = (
        "No relapse is asked for at entry, so relapses show no regression to the mean; the arms behind the "
        "forecast asked for one, which is why it is extrapolated."
    )
    if relapses is None:
        words = "Without a forecast of the rate nothing is said about its regression to the mean."
    elif asked is None:
        words = (
            "The question says nothing about relapses at entry; the arms behind the forecast nearly all "
            f"asked for one in the year before. Of {relapses.before:.2f} relapses in that year they would "
            f"show {relapses.on_trial:.2f} a year afterwards by regression to the mean alone."
        )
    elif relapses.before > relapses.on_trial:
        words = (
            "Regression to the mean: people chosen for a relapse in the last year had "
            f"{relapses.before:.2f} in that year and show {relapses.on_trial:.2f} a year afterwards if "
            f"their true rates stay as they are: a fall of {percent(relapses.fall_without_treatment)} that "
            "would be no effect of anything."
        )
    mfis = found.mfis
    if mfis is not None:
        words += (
            f" People chosen for an MFIS of {mfis.threshold:g} or more average {mfis.at_entry:.1f} at "
            f"entry and {mfis.again:.1f} when asked again; placebo responses come on top."
        )
    return words


def _known(brief: BriefData) -> Passage:
    rows = tuple(_known_row(one) for one in brief.endpoints)
    small = tuple(
        f"{one.label}, not pooled: {out.study}: {out.reason} ({source_words(out.source)}; read: "
        f"{read_words(out.read)})"
        for one in brief.endpoints
        for out in one.pooled.excluded
    )
    audit = tuple((claim.statement, claim.verdict, claim.reason) for claim in brief.claims)
    tables = [TextTable(("outcome", "randomised evidence", "pooled", "certainty", "integrity"), rows,
                        "Pooled differences between arms as published, with their defects (MD: mean "
                        "difference; SMD: the same in SDs; in square brackets 95 % intervals)")]  # fmt: skip
    if audit:
        tables.append(
            TextTable(("claim in circulation", "verdict", "why"), audit, "Claims held against the records")
        )
    others = tuple(
        (one.label, f"{x.study}: {x.population}", f"{x.agent} {x.dose}".strip(), x.result,
         f"{x.certainty}: {x.reasons}", f"{x.source} (read: {read_words(x.read)})")
        for one in brief.endpoints for x in one.pooled.indirect
    )  # fmt: skip
    if others:
        tables.append(
            TextTable(
                (
                    "outcome",
                    "trial and people",
                    "agent",
                    "result",
                    "certainty for multiple sclerosis",
                    "source",
                ),
                others,
                "Indirect: controlled trials in other people, never pooled with those above",
            )
        )
    if brief.seen:
        tables.append(_seen(brief.seen))
    return Passage("What is known", (), tuple(tables), (), small, "records that are not pooled, and why")


def _seen(rows: Sequence[SeenRow]) -> TextTable:
    """Return the trials whose numbers were not read, so that nobody takes the records for all there is."""
    cells = tuple(
        (f"{x.trial} {x.registry_id}".strip(), x.agent, x.design, x.people or "not read", x.state,
         "; ".join(filter(None, (x.found, x.note))), f"{x.source} (read: {read_words(x.read)})")
        for x in rows
    )  # fmt: skip
    columns = ("trial", "agent", "design", "people", "state", "remarks", "source")
    return TextTable(columns, cells, "Seen, numbers not read: trials of this class that are no record yet")


def _known_row(one: BriefEndpoint) -> Row:
    nulls = _nulls(one.pooled)
    if one.pooled.pool is None:
        return one.label, one.pooled.note, "–", "–", nulls or "–"
    pooled = one.pooled.pool.summary
    hartung = pooled.intervals.hartung_knapp
    hk = "undefined" if hartung.low is None else span(hartung.low, hartung.high)
    flagged = [x.study for x in pooled.included if x.flagged]
    integrity = "no flag" if not flagged else "failed check: " + ", ".join(flagged)
    without = pooled.changed(Choice.WITHOUT_FAILED_CHECKS)
    if without is not None and without.estimate is not None:
        integrity += f"; without: {number(without.estimate)} [{span(without.low, without.high)}]"
    return (
        one.label,
        f"{many(pooled.k, 'cohort')}, {pooled.participants:,} people",
        f"{pooled.metric} {number(pooled.estimate)} {pooled.unit} "
        f"[{span(pooled.ci_low, pooled.ci_high)}] {pooled.ci_method}; Hartung-Knapp [{hk}]; "
        f"a new trial [{span(pooled.pi_low, pooled.pi_high)}]",
        f"certainty {pooled.certainty.level}",
        "; ".join(part for part in (integrity, nulls) if part),
    )


def _nulls(known: Known) -> str:
    """Name the trials that found no benefit and give no number to pool."""
    names = ", ".join(dict.fromkeys(out.study for out in known.excluded if out.found_no_benefit))
    return f"without numbers, and no benefit: {names}" if names else ""


def _sizes(brief: BriefData) -> Passage:
    design, dropout = brief.question.design, brief.dropout
    rows: list[Row] = []
    for one in brief.endpoints:
        if not one.sizes:
            rows.append((one.label, one.effect_text, *(["not sized"] * len(design.years)), one.skipped))
            continue
        cells = [per_arm(size, design.recruitable_per_arm) for size in one.sizes]
        last = one.sizes[-1]
        level = f"{last.n_if_control_high:,} to {last.n_if_control_low:,}"
        rows.append((one.label, one.effect_text, *cells, "" if one.control_level is None else level))
    text = (
        f"People per arm for {percent(design.power)} power, two-sided {design.alpha:g}, if the truth were "
        f"the planned effect, which is the planner's choice and no estimate. Drop-out at a rate of "
        f"{dropout.per_year:.3g} a person and year ({dropout.origin}; {percent(dropout.share)} leave within "
        f"{duration(dropout.years)}) is counted: "
        "those who leave give their time to counts and no final score. Every SD is that between people at "
        "one visit, and the baseline takes r² of its variance off; it is not the SD of the change."
    )
    columns = ("endpoint", "planned effect", *(duration(y) for y in design.years),
               f"over the control interval, {duration(design.years[-1])}")  # fmt: skip
    title = (
        "People per arm by length of treatment; in the last column at the ends of the 95 % interval of the "
        "control level, where one plays a part"
    )
    tables = (TextTable(columns, tuple(rows), title), *_other_sizes(brief))
    figure = power_svg(brief.primary, design.recruitable_per_arm, design.power)
    return Passage("How many", (text, *_chosen_words(brief)), tables, figure=figure)


def _effect_unit(one: BriefEndpoint) -> str:
    """Name what an effect of an endpoint counts in, as its planned effect is written."""
    return "rate ratio" if one.effect_text.startswith("rate ratio") else "SD between people"


def _other_sizes(brief: BriefData) -> list[TextTable]:
    """Return the sizes for other effects and the power at other sizes, for the primary endpoint."""
    one = brief.primary
    if one.best_years is None:
        return []
    length, asked = duration(one.best_years), brief.question.design
    effects = tuple((f"{row.effect:.3g}", f"{row.n_for_80:,}", f"{row.n_for_90:,}") for row in one.effects)
    powers = tuple((f"{row.n_per_arm:,}", percent(row.power)) for row in one.powers[::3])
    return [
        TextTable((f"true effect, {_effect_unit(one)}", "n for 80 % power", "n for 90 % power"), effects,
                  f"{one.label} at {length}: people per arm if the effect were another"),
        TextTable(("people per arm", "power"), powers,
                  f"{one.label} at {length}: power at {one.effect_text}; at most "
                  f"{asked.recruitable_per_arm:,} per arm can be recruited"),
    ]  # fmt: skip


def _beyond(needed: int, most: int) -> str:
    return f", more than the {most:,} that can be recruited" if needed > most else ""


def _chosen_words(brief: BriefData) -> list[str]:
    most = brief.question.design.recruitable_per_arm
    return [
        f"Choosing people by a cut-off of {one.chosen.threshold:g} lowers the correlation: where the one "
        f"given for {in_sentence(one.label)} is of people not chosen, it is {one.chosen.correlation:.2f} "
        "among "
        f"those who enter (their baseline keeps {percent(one.chosen.sd_share)} of its SD), and "
        f"{one.chosen.n_per_arm:,} per arm are needed{_beyond(one.chosen.n_per_arm, most)}."
        for one in brief.endpoints
        if one.chosen is not None
    ]
