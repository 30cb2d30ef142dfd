"""The words and tables of a brief, once, for the page and for Markdown: the evidence half."""

from __future__ import annotations

from collections.abc import Sequence

from eubiosis.core.brief import BriefData, BriefEndpoint, Known, SeenRow
from eubiosis.core.control_arm import EndpointForecast, RegressionToTheMean
from eubiosis.core.evidence_report import Choice
from eubiosis.report.brief.blocks import Passage, Row, TextTable, duration, number, per_arm, read_words, span
from eubiosis.report.brief.curve import power_svg


def evidence_blocks(brief: BriefData) -> list[Passage]:
    """Return what is answered, forecast, known, needed and promised, in reading order."""
    return [
        _answer(brief),
        _control(brief),
        _known(brief),
        _sizes(brief),
        _assurance(brief),
        *_expectancy(brief),
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
            f"{duration(best.years)}. {_known_words(one)}"
        )
    who = f"{asked.population.phenotype}, background {brief.background}; {asked.agent}"
    return Passage(
        "The answer", (f"Decision: {asked.decision} Population and product: {who}.",), (), tuple(items)
    )


def _known_words(one: BriefEndpoint) -> str:
    known = one.pooled.pool
    if known is None:
        return f"Known about this class of product: {one.pooled.note}; the prior is centred on no effect."
    pooled = known.summary
    cohorts = "1 randomised cohort" if pooled.k == 1 else f"{pooled.k} randomised cohorts"
    return f"Known: {cohorts}, {pooled.participants} participants, certainty {pooled.certainty.level}."


def _control(brief: BriefData) -> Passage:
    control = brief.control_arm
    rates, people = control.relapses, control.question.people
    first, every = rates.first_hand, rates.all_arms
    rows: list[Row] = _relapse_rows(brief)
    rows += [_endpoint_row(one) for one in control.endpoints.values()]
    rows.append(("Neurofilament light", "no forecast", "", "", control.nfl.note))
    factors = "; ".join(f"{c.term} ×{c.factor:.3f} [{c.low:.3f}, {c.high:.3f}]" for c in first.coefficients)
    apart, late, other = first.leave_one_trial_out, every.fit_to_2019_predict_later, every.forecast
    told = every.calibration
    alike = (
        ""
        if other is None
        else (
            f"; with all {other.arms} arms the rate is {other.rate:.3f} ({other.low:.3f} to {other.high:.3f})"
        )
    )
    paragraphs = (
        f"Arms whose rate was read only at second hand do not decide{alike}. Regression: {factors}. "
        f"Arms left out with their trial: {apart.inside} of {apart.arms} inside the interval; all "
        f"arms, fitted to 2019: {late.inside} of {late.arms} later ones inside.",
        f"How far to trust it: of all {told.arms} arms, each forecast without its trial, "
        f"{told.inside_50:.0%} lay inside their 50 % interval, {told.inside_80:.0%} inside 80 % and "
        f"{told.inside_95:.0%} inside 95 %. From the arms until 2012, the {told.later_arms} later ones ran "
        f"{told.later_ratio:.2f} times their "
        f"forecast, {told.later_inside} inside 95 %.",
        _selection_words(control.regression_to_the_mean, brief.question.population.relapses_last_year),
    )
    columns = ("what the control arm shows", "forecast", "true value of a new arm, 95 %",
               f"what {people:,} people will show, 95 %", "rests on")  # fmt: skip
    return Passage("The control arm", paragraphs, (TextTable(columns, tuple(rows)),))


def _relapse_rows(brief: BriefData) -> list[Row]:
    """Return the rate and the one forecast of the relapse-free share, or that there is none."""
    first, free = brief.control_arm.relapses.first_hand, brief.control_arm.relapses.relapse_free
    rate = first.forecast
    if rate is None or free is None:
        return [("Relapses a year", "no usable forecast", "", "", first.no_forecast)]
    rests = f"{rate.arms} arms read at first hand" + _reasons(rate.extrapolated)
    rows: list[Row] = [
        (
            f"Relapses a year, seen over {duration(one.years)}",
            f"{rate.rate:.3f} ({one.expected_relapses:.1f} relapses)",
            f"{rate.low:.3f} to {rate.high:.3f}",
            f"{one.low:.3f} to {one.high:.3f}",
            rests,
        )
        for one in brief.control_observed
    ]
    rows.append(
        (
            f"Free of relapses after {duration(free.years)}: the forecast, from the rate",
            f"{free.share:.0%}",
            f"{free.pi_low:.0%} to {free.pi_high:.0%}",
            "",
            f"median error {free.median_error_points:.1f} percentage points in {len(free.backtest)} arms"
            + ("; EXTRAPOLATED as the rate" if rate.extrapolated else ""),
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
    percent = one.kind == "hazard"
    value, low, high, least, most = (f"{x:.0%}" if percent else number(x) for x in numbers)
    label = f"{one.label} after {duration(one.years)}" if percent else f"{one.label}, {one.unit}"
    return label, value, f"{low} to {high}", f"{least} to {most}", note + _reasons(one.extrapolated)


def _reasons(reasons: Sequence[str]) -> str:
    return "" if not reasons else "; EXTRAPOLATED: " + "; ".join(reasons)


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
            f"their true rates stay as they are: a fall of {relapses.fall_without_treatment:.0%} that "
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
        f"{one.label}, not pooled: {out.study}: {out.reason} ({out.source}; read: {read_words(out.read)})"
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
        f"{pooled.k} cohort{'s' if pooled.k > 1 else ''}, {pooled.participants} people",
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
        f"People per arm for {design.power:.0%} power, two-sided {design.alpha:g}, if the truth were the "
        f"planned effect, which is the planner's choice and no estimate. Drop-out {dropout.per_year:.1%} a "
        f"year ({dropout.origin}; {dropout.share:.0%} within {duration(dropout.years)}) is counted: "
        "those who leave give their time to counts and no final score. Every SD is that between people at "
        "one visit, and the baseline takes r² of its variance off; it is not the SD of the change."
    )
    columns = ("endpoint", "planned effect", *(duration(y) for y in design.years),
               f"over the control interval, {duration(design.years[-1])}")  # fmt: skip
    tables = (TextTable(columns, tuple(rows)), *_other_sizes(brief))
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
    powers = tuple((f"{row.n_per_arm:,}", f"{row.power:.0%}") for row in one.powers[::3])
    return [
        TextTable((f"true effect, {_effect_unit(one)}", "n for 80 % power", "n for 90 % power"), effects,
                  f"{one.label} at {length}: people per arm if the effect were another"),
        TextTable(("people per arm", "power"), powers,
                  f"{one.label} at {length}: power at {one.effect_text}; at most "
                  f"{asked.recruitable_per_arm:,} per arm can be recruited"),
    ]  # fmt: skip


def _chosen_words(brief: BriefData) -> list[str]:
    return [
        f"Choosing people by a cut-off of {one.chosen.threshold:g} lowers the correlation: where the one "
        f"given for {one.label.lower()} is of people not chosen, it is {one.chosen.correlation:.2f} among "
        f"those who enter (their baseline keeps {one.chosen.sd_share:.0%} of its SD), and "
        f"{one.chosen.n_per_arm:,} per arm are needed."
        for one in brief.endpoints
        if one.chosen is not None
    ]


def _assurance(brief: BriefData) -> Passage:
    rows: list[Row] = []
    for one in brief.endpoints:
        for line in one.assurance:
            reached = {
                k: "none" if n is None else f"{n:,}" if line.reachable[k] else f"{n:,}, not reachable"
                for k, n in line.sizes.items()
            }
            curse = line.estimate_given_success / line.true_effect_given_success
            exaggeration = f"×{curse:.2f}" if line.true_effect_given_success > 0 else "no true benefit"
            rows.append(
                (
                    f"{one.label}, {duration(line.years)}",
                    line.prior,
                    f"{line.assurance:.0%}",
                    f"{line.ceiling:.0%}",
                    reached["50%"],
                    reached["80%"],
                    exaggeration,
                    f"{line.below_relevant_given_success:.0%}",
                )
            )
    people, nulls = brief.question.design.recruitable_per_arm, brief.null_centred
    text = (
        f"The probability that a trial of {people:,} per arm succeeds when the effect itself is uncertain, "
        "and the control level with it, each endpoint at the duration of its smallest size. No trial can "
        "pass the ceiling, the prior probability of any benefit, by more than false positives. The winner's "
        "curse says by how much the estimates of trials that succeed exceed the truth behind them, ratios on "
        f"the log scale. Null-centred: no effect, 95 % within {nulls.score:.2f} SD, within relapse ratios "
        f"of {nulls.ratio_low:.2f} to {nulls.ratio_high:.2f} and lesion ratios of {nulls.lesion_low:.2f} to "
        f"{nulls.lesion_high:.2f} (the mechanism at this exposure, and for {nulls.outside_share:.0%} "
        f"of the variance what lies outside it; other ratios {nulls.other_low:.2f} to "
        f"{nulls.other_high:.2f}); sceptical: no effect, and 5 % for the "
        "planned effect or more; optimistic: the planned effect, and 5 % for none or harm; evidence: what "
        "the pooled trials predict, failed checks discounted, mixed with a null-centred part. None of them "
        "is a finding."
    )
    columns = ("endpoint", "prior of the effect", "assurance", "ceiling", "n per arm for 50 %",
               "n per arm for 80 %", "winner's curse", "succeeds, yet below the relevant effect")  # fmt: skip
    return Passage("How sure", (text,), (TextTable(columns, tuple(rows)), *_chances(brief)))


def _chances(brief: BriefData) -> list[TextTable]:
    """Return the chances of each ratio beside their values before data on couplings."""
    rows = [
        (one.label, chance.statement, f"{chance.probability:.1%}", f"{chance.before:.1%}", chance.word)
        for one in brief.endpoints
        for chance in one.chances
    ]
    columns = ("endpoint", "statement", "probability", "before data", "what moved it")
    caption = "What the prior of the true effect says: assumptions and what is known, not a finding"
    return [TextTable(columns, tuple(rows), caption)] if rows else []


def _expectancy(brief: BriefData) -> list[Passage]:
    return [_expectancy_block(one) for one in brief.endpoints if one.expectancy is not None]


def _expectancy_block(one: BriefEndpoint) -> Passage:
    found = one.expectancy
    assert found is not None
    review = "; ".join(
        f"{x.what}: {number(x.value)} [{span(x.low, x.high)}] ({x.source}, read: {read_words(x.read)})"
        for x in found.review
    )
    corrected = "no size reaches it"
    if found.n_corrected is not None:
        corrected = f"{found.n_corrected:,} per arm would be needed"
    items = (
        f"If treatment does nothing, the usual test still succeeds in {found.false_success:.0%} of "
        f"trials of this size, with a mean difference of {found.seen_if_null:.2f} SD.",
        f"The usual test would succeed in {found.power_usual:.0%} at the planned effect; a test that "
        f"takes expectancy off in {found.power_corrected:.0%}; for the power asked, {corrected}.",
        f"Only a difference above {found.needed:.2f} SD would leave treatment above zero with 97.5 %.",
        "What stays identifiable is the sum of treatment and expectancy. Treatment alone stays uncertain "
        f"by an SD of {found.best_error:.2f} however many take part; blinding, or an outcome that "
        "nobody reports, is what buys more.",
    )
    text = (
        f"The trial is open, and the patients themselves report {one.label.lower()}. Expectancy adds "
        f"{found.mean:g} SD (95 % {found.low:g} to {found.high:g}; {found.basis}) apart from "
        f"treatment. What the assumption stands on: {review}."
    )
    return Passage(f"Expectancy: {one.label}", (text,), (), items)
