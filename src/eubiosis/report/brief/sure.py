"""The words and tables of a brief: how sure a trial is to succeed, and what expectancy adds to it."""

from __future__ import annotations

from eubiosis.core.brief import BriefData, BriefEndpoint
from eubiosis.core.endpoints import in_sentence
from eubiosis.report.brief.blocks import Passage, Row, TextTable, duration, number, read_words, span
from eubiosis.report.trial.words import percent


def assurance_passage(brief: BriefData) -> Passage:
    """Return the assurance of each endpoint under each prior, and the chances that the priors give."""
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
                    percent(line.assurance),
                    percent(line.ceiling),
                    reached["50%"],
                    reached["80%"],
                    exaggeration,
                    percent(line.below_relevant_given_success),
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
        f"{nulls.lesion_high:.2f} (the mechanism at this exposure, and for {percent(nulls.outside_share)} "
        f"of the variance what lies outside it; other ratios {nulls.other_low:.2f} to "
        f"{nulls.other_high:.2f}); sceptical: no effect, and 5 % for the "
        "planned effect or more; optimistic: the planned effect, and 5 % for none or harm; evidence: what "
        "the pooled trials predict, failed checks discounted, mixed with a null-centred part. None of them "
        "is a finding."
    )
    columns = ("endpoint", "prior of the effect", "assurance", "ceiling", "n per arm for 50 %",
               "n per arm for 80 %", "winner's curse", "succeeds, yet below the relevant effect")  # fmt: skip
    title = (
        "Assurance by prior. n per arm: the size at which the assurance is so large, none where no size "
        "reaches it. Last column: share of the successes with a true effect below the relevant one"
    )
    return Passage("How sure", (text,), (TextTable(columns, tuple(rows), title), *_chances(brief)))


def _chances(brief: BriefData) -> list[TextTable]:
    """Return the chances of each ratio beside their values before data on couplings."""
    rows = [
        (
            one.label,
            chance.statement,
            percent(chance.probability, decimals=1),
            percent(chance.before, decimals=1),
            chance.word,
        )
        for one in brief.endpoints
        for chance in one.chances
    ]
    columns = ("endpoint", "statement", "probability", "before data", "moved by data")
    caption = "What the prior of the true effect says: assumptions and what is known, not a finding"
    return [TextTable(columns, tuple(rows), caption)] if rows else []


def expectancy_passages(brief: BriefData) -> list[Passage]:
    """Return a passage for each endpoint that expectancy moves."""
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
        f"If treatment does nothing, the usual test still succeeds in {percent(found.false_success)} of "
        f"trials of this size, with a mean difference of {found.seen_if_null:.2f} SD.",
        f"The usual test would succeed in {percent(found.power_usual)} at the planned effect; a test that "
        f"takes expectancy off in {percent(found.power_corrected)}; for the power asked, {corrected}.",
        f"Only a difference above {found.needed:.2f} SD would leave treatment above zero with 97.5 %.",
        "What stays identifiable is the sum of treatment and expectancy. Treatment alone stays uncertain "
        f"by an SD of {found.best_error:.2f} however many take part; blinding, or an outcome that "
        "nobody reports, is what buys more.",
    )
    text = (
        f"The trial is open, and the patients themselves report {in_sentence(one.label)}. Expectancy adds "
        f"{found.mean:g} SD (95 % {found.low:g} to {found.high:g}; {found.basis}) apart from "
        f"treatment. What the assumption stands on: {review}."
    )
    return Passage(f"Expectancy: {one.label}", (text,), (), items)
