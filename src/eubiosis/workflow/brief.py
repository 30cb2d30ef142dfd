"""The brief: what is known before anything is simulated, from the evidence tables alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from eubiosis.analysis.planning.expectancy import excluded_risk, open_trial
from eubiosis.core import laws
from eubiosis.core.brief import (
    Assumption,
    BriefData,
    BriefEndpoint,
    ChosenByCutoff,
    CostRow,
    Dropout,
    Expectancy,
    ForecastLevel,
    Harms,
    KnownPool,
    NullCentred,
    ObservedRelapses,
    RecruitmentRow,
    ReviewRow,
)
from eubiosis.core.control_arm import BACKGROUND_LABELS, ControlArmForecast, ControlQuestion
from eubiosis.core.decisions import Chance, chances
from eubiosis.core.effect_prior import EffectPrior
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.output import staged, write_whole
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.question import AskedEndpoint, AskedQuestion, OutcomeKind
from eubiosis.core.record import as_json
from eubiosis.core.scales import is_ratio
from eubiosis.core.tables import display_name
from eubiosis.core.version import __version__
from eubiosis.evidence.forecast.control_arms import Assumptions, observed_interval, read_assumptions
from eubiosis.evidence.forecast.control_forecast import control_arm
from eubiosis.evidence.forecast.priors import PriorBasis, null_prior, prior_of, read_discounts
from eubiosis.evidence.records.rows import OutcomeTerm
from eubiosis.evidence.records.store import Evidence, load
from eubiosis.evidence.synthesis.selection import PoolQuestion, Selection, select
from eubiosis.workflow.brief_evidence import (
    claims_of,
    estimand_of,
    harms_of,
    intercurrent_events,
    known_of,
    pooled_unit,
    seen_trials,
)
from eubiosis.workflow.brief_sizes import (
    Level,
    Planned,
    assurances,
    chosen_by_cutoff,
    endpoint_level,
    other_effects,
    power_curve,
    priors_of,
    rate_level,
    sizes,
)
from eubiosis.workflow.question import Question, read_question

NOTICE = (
    "Origin: published evidence, arithmetic on it, and stated assumptions; nothing here is simulated by the "
    "mechanistic model. No number on this page says that the therapy works, none may be quoted as an effect, "
    "and none is advice for any person."
)
# counted outcome of the evidence -> the dispersion among the assumptions
DISPERSIONS = {
    "relapse_rate": "arr_dispersion",
    "Gd_lesions": "gd_dispersion",
    "new_T2_lesions": "t2_dispersion",
}
FILES = ("brief.html", "brief.md", "brief.json", "protocol_fields.json")  # of a brief in its folder
METRICS: dict[OutcomeKind, str] = {"score": "SMD", "count": "rate-ratio", "time": "HR"}


@dataclass(frozen=True, repr=False)
class Brief(BriefData):
    """What is known before anything is simulated: control arm, evidence, sizes, assurance, protocol.

    Nothing in it is simulated by the mechanistic model. In a notebook it shows itself.
    """

    def write(self, folder: Path | str) -> list[Path]:
        """Write brief.html, .md, .json and protocol_fields.json to a folder, all or none; return the paths.

        Those of an earlier brief are replaced. Raises ``FindingsError`` where the folder cannot be written,
        or holds anything else.
        """
        target = Path(folder)
        texts = {
            "brief.html": self.to_html(),
            "brief.md": self.to_markdown(),
            "brief.json": self.to_json(),
            "protocol_fields.json": self.to_protocol_fields(),
        }
        with staged(target, own=FILES) as aside:
            for name, text in texts.items():
                write_whole(aside / name, text)
        return [target / name for name in texts]

    def to_html(self) -> str:
        """Return the whole page, with its data inside."""
        from eubiosis.report.brief.page import brief_html

        return brief_html(self)

    def to_markdown(self) -> str:
        """Return the brief as Markdown, its numbers those of the page."""
        from eubiosis.report.brief.page import brief_markdown

        return brief_markdown(self)

    def to_protocol_fields(self) -> str:
        """Return the protocol facts under the headings of ICH M11, as JSON."""
        from eubiosis.report.brief.protocol_fields import protocol_fields

        return as_json(protocol_fields(self))

    def _repr_html_(self) -> str:
        from eubiosis.report.brief.page import brief_fragment

        return brief_fragment(self)


@dataclass(frozen=True)
class _Base:
    """What every endpoint of a brief rests on, each made once."""

    question: AskedQuestion
    tables: Evidence
    assumptions: Assumptions
    discounts: dict[str, float]
    control: ControlArmForecast
    dropout: Dropout


def brief(question: AskedQuestion | Path | str, *, evidence: Evidence | None = None) -> Brief:
    """Answer a question from published evidence and arithmetic alone; nothing is simulated.

    ``question`` is a ``Question``, or the path of a YAML file. The brief holds the control arm's forecast,
    the pools with their certainty, people per arm for each endpoint (or "not reachable"), the assurance
    under four priors, time and cost, the estimand and its events, and every assumption with its source.
    Raises ``FindingsError`` with everything that is wrong in the question.
    """
    if not isinstance(question, AskedQuestion):
        return _make(read_question(question), display_name(Path(question)), evidence or load())
    return _make(question, "Python", evidence or load())


def _make(question: AskedQuestion, file: str, tables: Evidence) -> Brief:
    assumptions, discounts = read_assumptions(tables), read_discounts(tables)
    people = question.design.recruitable_per_arm
    control = control_arm(_control_question(question), tables, assumptions)
    base = _Base(question, tables, assumptions, discounts, control, _dropout(question, control))
    endpoints = tuple(_endpoint(base, asked) for asked in question.endpoints)
    primary = next(one for one in endpoints if one.role == "primary")
    return Brief(
        schema=1,
        version=__version__,
        file=file,
        notice=NOTICE,
        question=question,
        background=BACKGROUND_LABELS[question.population.background],
        control_arm=control,
        control_observed=_observed(base),
        null_centred=_null_centred(question, tables, discounts),
        dropout=base.dropout,
        endpoints=endpoints,
        claims=claims_of(question.intervention, [one.outcome for one in endpoints], tables),
        seen=seen_trials(question.intervention, tables),
        harms=Harms(harms_of(question.intervention, tables), people, excluded_risk(people)),
        recruitment=_recruitment(question, primary),
        cost=_cost(question, primary),
        estimands=(estimand_of(question, primary),),
        intercurrent_events=intercurrent_events(question, endpoints),
        assumptions=tuple(_shown(row) for row in assumptions.values()),
    )


def _control_question(question: AskedQuestion) -> ControlQuestion:
    """Return the control arm that a question implies, followed for the longest time.

    Where it says nothing about relapses at entry, the arm is like those of the rows, which asked for one.
    """
    asked, design = question.population, question.design
    return ControlQuestion(
        year=question.year,
        background=asked.background,
        breakthrough=asked.breakthrough,
        phenotype=asked.phenotype,
        relapses_last_year=1 if asked.relapses_last_year is None else asked.relapses_last_year,
        mfis_from=asked.mfis_from,
        people=design.recruitable_per_arm,
        years=design.years[-1],
    )


def _dropout(question: AskedQuestion, control: ControlArmForecast) -> Dropout:
    longest, given = question.design.years[-1], question.design.dropout_per_year
    found = control.endpoints["dropout"]
    hazard, origin = (given, "given in the question") if given is not None else (
        found.hazard, f"{found.rows} control arms"
    )  # fmt: skip
    if hazard is None:
        problem = "no control arm gives the drop-out"
        raise FindingsError([Finding("question", "design", problem, next_step="add design.dropout_per_year")])
    return Dropout(hazard, origin, 1 - math.exp(-hazard * longest), longest)


def _endpoint(base: _Base, asked: AskedEndpoint) -> BriefEndpoint:
    term = base.tables.outcome(asked.outcome)
    kind = term.kind
    if kind == "none":  # a Question refuses it
        raise FindingsError([Finding("question", "endpoints", f"{term.id} cannot be sized")])
    question = base.question
    known, selection = known_of(term.id, question.intervention, asked.baseline_correlation, base.tables)
    pool = known.pool
    metric = "auto" if pool is not None else METRICS[kind]
    found = prior_of(selection, base.discounts, base.tables, metric=metric)
    own = tuple(one.study.cohort_id for one in selection.included)
    rest = null_prior(selection, base.discounts, base.tables, metric=METRICS[kind], left_out=own)
    level, skipped = _level(base, term, kind)
    planned = Planned(
        asked, kind, level, base.dropout.per_year, question.design, one_scan=term.id == "Gd_lesions"
    )
    needed = () if skipped else sizes(planned)
    best = min(needed, key=lambda size: size.n_per_arm).years if needed else None
    priors = priors_of(planned.benefit, kind, found, pool, rest)
    reported = term.domain == "patient-reported"
    open_and_reported = reported and question.design.blinding == "open"
    return BriefEndpoint(
        outcome=term.id,
        asked_as=asked.outcome,
        label=term.label,
        role=asked.role,
        kind=kind,
        effect=asked.effect,
        effect_text=_effect_text(base, asked, term, pool),
        relevant=asked.relevant,
        patient_reported=reported,
        control_level=None
        if level is None
        else ForecastLevel(level.middle, level.low, level.high, level.dispersion),
        pooled=known,
        evidence_prior_notes=found.notes,
        evidence_prior_basis=found.basis,
        chances=_chances(base, selection, found, metric),
        sizes=needed,
        best_years=best,
        assurance=() if best is None else assurances(planned, priors, best),
        expectancy=_expectancy(base, planned, best) if open_and_reported and best is not None else None,
        skipped=skipped,
        chosen=None if best is None else _chosen(base, planned, best),
        effects=() if best is None else other_effects(planned, best),
        powers=() if best is None else power_curve(planned, best, question.design.recruitable_per_arm),
    )


def _chances(base: _Base, selection: Selection, found: EffectPrior, metric: str) -> tuple[Chance, ...]:
    """Return the chances of a ratio, each beside its value before data on couplings; none of a score."""
    if not is_ratio(found.scale):
        return ()
    before = prior_of(selection, base.discounts, base.tables, metric=metric, basis=PriorBasis(before=True))
    return chances(found, before)


def _null_centred(question: AskedQuestion, tables: Evidence, discounts: dict[str, float]) -> NullCentred:
    """Return where 95 % of the null-centred priors of the intervention lie."""
    relapses, lesions = (
        null_prior(select(tables, PoolQuestion(name, question.intervention)), discounts, tables,
                   metric="rate-ratio")
        for name in ("relapse_rate", "new_T2_lesions")
    )  # fmt: skip
    half = laws.Z975 * discounts["null_sd_log"]
    assert relapses.outside_share is not None
    return NullCentred(
        score=laws.Z975 * discounts["null_sd_smd"],
        ratio_low=math.exp(relapses.quantile(0.025)),
        ratio_high=math.exp(relapses.quantile(0.975)),
        lesion_low=math.exp(lesions.quantile(0.025)),
        lesion_high=math.exp(lesions.quantile(0.975)),
        other_low=math.exp(-half),
        other_high=math.exp(half),
        outside_share=relapses.outside_share,
    )


def _level(base: _Base, term: OutcomeTerm, kind: OutcomeKind) -> tuple[Level | None, str]:
    """Return the control level of a count or time, or why there is none; a score needs none."""
    if kind == "score":
        return None, ""
    dispersion = base.assumptions[DISPERSIONS[term.id]].value if kind == "count" else 0.0
    if term.control_endpoint == "ARR":
        decisive = base.control.relapses.first_hand
        if decisive.forecast is None:
            return None, decisive.no_forecast
        return rate_level(decisive.forecast, dispersion), ""
    forecast = base.control.endpoints[term.control_endpoint]
    level = endpoint_level(forecast, kind, dispersion)
    return level, "" if level is not None else forecast.note


def _effect_text(base: _Base, asked: AskedEndpoint, term: OutcomeTerm, pool: KnownPool | None) -> str:
    if term.kind == "count":
        return f"rate ratio {asked.effect:g}"
    if term.kind == "time":
        return f"hazard ratio {asked.effect:g}"
    words = f"{asked.effect:g} SD between people"
    if asked.outcome.upper() == "MFIS":
        name = "mfis_all_sd" if base.question.population.mfis_from is None else "mfis_sd"
        return f"{words} ({asked.effect * base.assumptions[name].value:.2g} MFIS points)"
    if pool is not None and pool.sd_between is not None and pool.summary.unit:
        return f"{words} ({asked.effect * pool.sd_between:.2g} {pooled_unit(pool.summary.unit)})"
    return words


def _chosen(base: _Base, planned: Planned, years: float) -> ChosenByCutoff | None:
    threshold, asked = base.question.population.mfis_from, planned.asked
    if threshold is None or asked.outcome.upper() != "MFIS":
        return None
    mean, sd = base.assumptions["mfis_all_mean"].value, base.assumptions["mfis_all_sd"].value
    return chosen_by_cutoff(planned, threshold, mean, sd, years)


def _expectancy(base: _Base, planned: Planned, years: float) -> Expectancy:
    row, design = base.assumptions["expectancy"], planned.design
    assert row.low is not None
    assert row.high is not None
    staying = planned.staying(years)
    found = open_trial(
        design.recruitable_per_arm * staying,
        planned.benefit,
        expectancy_mean=row.value,
        expectancy_sd=(row.high - row.low) / (2 * laws.Z975),
        unexplained=planned.unexplained,
        power=design.power,
        alpha=design.alpha / 2,
    )
    reviews = (base.assumptions["unblinded_all"], base.assumptions["unblinded_not_acupuncture"])
    corrected = math.ceil(found.n_corrected / staying) if math.isfinite(found.n_corrected) else None
    return Expectancy(
        **{**vars(found), "n_corrected": corrected},
        mean=row.value,
        low=row.low,
        high=row.high,
        basis=row.basis,
        review=tuple(
            ReviewRow(one.description, one.value, one.low, one.high, one.read, one.source) for one in reviews
        ),
    )


def _observed(base: _Base) -> tuple[ObservedRelapses, ...]:
    forecast, people = base.control.relapses.first_hand.forecast, base.control.question.people
    if forecast is None:
        return ()
    dispersion = base.assumptions["arr_dispersion"].value
    return tuple(
        ObservedRelapses(
            years,
            people,
            *observed_interval(forecast, people, years, dispersion),
            forecast.rate * people * years,
        )
        for years in base.question.design.years
    )


def _recruitment(question: AskedQuestion, primary: BriefEndpoint) -> tuple[RecruitmentRow, ...] | None:
    rate = question.recruitment.per_month
    if rate is None or not primary.sizes:
        return None
    rows = []
    for size in primary.sizes:
        total = 2 * min(size.n_per_arm, question.design.recruitable_per_arm)
        months = total / rate
        rows.append(RecruitmentRow(size.years, total, 2 * size.n_per_arm, months, months / 12 + size.years))
    return tuple(rows)


def _cost(question: AskedQuestion, primary: BriefEndpoint) -> tuple[CostRow, ...] | None:
    prices = question.prices
    if not prices.given or not primary.sizes:
        return None
    rows = []
    for size in primary.sizes:
        total = 2 * min(size.n_per_arm, question.design.recruitable_per_arm)
        each = (prices.per_participant or 0) + (prices.per_participant_year or 0) * size.years
        rows.append(CostRow(size.years, total, prices.currency, (prices.fixed or 0) + total * each))
    return tuple(rows)


def _shown(row: SourcedNumber) -> Assumption:
    return Assumption(
        row.id, row.description, row.value, row.unit, row.low, row.high, row.basis, row.read, row.source,
        row.note,
    )  # fmt: skip


__all__ = ["Brief", "Question", "brief", "read_question"]
