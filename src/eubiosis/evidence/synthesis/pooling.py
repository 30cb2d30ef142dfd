"""Pool the trials of an outcome and intervention with safe defaults, and show what each choice does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np

from eubiosis.core.evidence_report import Choice, Interval, PooledStudy, SensitivityLine
from eubiosis.core.evidence_schemas import POOLED_STUDIES, POOLING_CHOICES, UNPOOLED_ESTIMATES
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.kinds import how_many
from eubiosis.core.scales import Scale, metric_label, metric_word, natural
from eubiosis.evidence.records.columns import as_table, cells
from eubiosis.evidence.records.store import Evidence, load
from eubiosis.evidence.synthesis.bayes import BayesFit, bayes_fit
from eubiosis.evidence.synthesis.combine import MetaFit, Test, fit, tau2_interval
from eubiosis.evidence.synthesis.heterogeneity import Array, Tau2Method
from eubiosis.evidence.synthesis.selection import (
    Exclusion,
    PoolQuestion,
    Selection,
    select,
)
from eubiosis.evidence.synthesis.study_rows import pooled_study

if TYPE_CHECKING:
    from eubiosis.core.frame import Table

CiMethod = Literal["auto", "wald", "knapp-hartung", "bayes"]
FEW = 5  # below this many cohorts three intervals stand side by side and the Bayesian one leads
TAU_SCALE = (
    0.5  # half-normal scale in SD units, or on the log scale of a ratio (Roever 2021, Res Synth Methods)
)
TAU_SCALE_RD = 0.1


@dataclass(frozen=True, repr=False)
class PooledEffect:
    """A pooled estimate with everything it rests on.

    ``headline`` is the interval asked for; ``wald``, ``knapp_hartung`` and ``bayesian`` always stand
    beside it. ``tau2`` is on the analysis scale (the log scale for ratios), ``i2`` in percent.
    """

    question: PoolQuestion
    selection: Selection
    tau2_method: Tau2Method
    headline: Interval
    wald: Interval
    knapp_hartung: Interval
    bayesian: Interval
    prediction: Interval
    tau2: float
    tau2_interval: tuple[float, float] | None
    i2: float
    q: float
    q_p: float
    tau_scale: float
    weights: tuple[float, ...]
    warnings: tuple[str, ...]
    sensitivity: tuple[SensitivityLine, ...] = field(default=())

    @property
    def k(self) -> int:
        """Return the number of cohorts pooled."""
        return len(self.selection.included)

    @property
    def studies(self) -> Table:
        """Return the pooled estimates, one row each, with weight, source and how far that was read."""

        rows = [pooled_study(*each) for each in zip(self.selection.included, self.weights, strict=True)]
        return as_table(rows, PooledStudy, POOLED_STUDIES)

    @property
    def unpooled(self) -> Table:
        """Return every other estimate of the question, one row each, with the reason."""
        from eubiosis.core.frame import Table

        out = self.selection.excluded
        columns = {
            "study": [one.study.id for one in out],
            "estimate": [one.estimate.id for one in out],
            "why": [one.why.value for one in out],
            "reason": [one.reason for one in out],
            "source": [one.estimate.source for one in out],
        }
        return Table(columns, schema=UNPOOLED_ESTIMATES)

    @property
    def choices(self) -> Table:
        """Return what the headline becomes under other choices, one row each."""
        from eubiosis.core.frame import Table

        lines = self.sensitivity
        columns = {
            "choice": cells(line.choice.value for line in lines),
            "change": cells(line.change for line in lines),
            "k": cells(line.k for line in lines),
            "estimate": cells(line.interval.estimate for line in lines),
            "ci_low": cells(line.interval.low for line in lines),
            "ci_high": cells(line.interval.high for line in lines),
        }
        return Table(columns, schema=POOLING_CHOICES)

    def __repr__(self) -> str:
        one, unit = self.headline, f" {self.selection.unit}" if self.selection.unit else ""
        return (
            f"PooledEffect({self.selection.outcome.id} under {self.selection.intervention}: "
            f"{metric_label(self.scale)} {one.estimate:.2f} [{one.low:.2f}, {one.high:.2f}]{unit}, "
            f"{one.method}, {how_many(self.k, 'cohort')})"
        )

    def _repr_html_(self) -> str:
        warnings = "".join(f"<li>{escape(text)}</li>" for text in self.warnings)
        return f"<p>{escape(repr(self))}</p><ul>{warnings}</ul>{self.studies._repr_html_()}"

    @property
    def scale(self) -> Scale:
        """Return the scale of the analysis."""
        assert self.selection.scale is not None
        return self.selection.scale


def pool(
    outcome: str,
    intervention: str,
    *,
    studies: Sequence[str] = (),
    leave_out: Sequence[str] = (),
    metric: str = "auto",
    tau2: Tau2Method = "REML",
    ci: CiMethod = "auto",
    tau_scale: float | None = None,
    sensitivity: bool = True,
    evidence: Evidence | None = None,
) -> PooledEffect:
    """Pool the randomised comparisons of an outcome under an intervention.

    ``studies`` limits the pool; ``leave_out`` drops the whole cohort of each study named; ``metric`` is
    one of MD, SMD, RR, OR, HR, RD, rate-ratio or auto. ``tau_scale`` is the scale of the half-normal prior
    on tau in the unit of the effect. Raises ``FindingsError`` for unknown names and where no study is left.

    >>> pool("hs-CRP", "probiotic", tau2="DL", ci="wald", sensitivity=False)
    PooledEffect(hs_CRP under probiotic: MD -1.53 [-2.30, -0.75] hs-CRP ug/mL, Wald, 3 cohorts)
    """
    question = PoolQuestion(outcome, intervention, tuple(studies), tuple(leave_out), metric)
    return pool_question(
        evidence or load(), question, tau2=tau2, ci=ci, tau_scale=tau_scale, sensitivity=sensitivity
    )


def pool_question(
    evidence: Evidence,
    question: PoolQuestion,
    *,
    tau2: Tau2Method = "REML",
    ci: CiMethod = "auto",
    tau_scale: float | None = None,
    sensitivity: bool = True,
    selection: Selection | None = None,
) -> PooledEffect:
    """Pool what a question selects; see ``pool``. ``selection`` is that of the question, if made already."""
    selection = selection or select(evidence, question)
    if not selection.included:
        raise FindingsError([_nothing_left(selection)])
    pooled = _combine(selection, question, tau2, ci, tau_scale)
    if not sensitivity:
        return pooled
    return replace(pooled, sensitivity=tuple(_sensitivity(evidence, pooled, ci)))


def _combine(
    selection: Selection, question: PoolQuestion, tau2: Tau2Method, ci: CiMethod, tau_scale: float | None
) -> PooledEffect:
    scale = selection.scale
    assert scale is not None
    y = np.array([one.derived.effect.estimate for one in selection.included])
    v = np.array([one.derived.effect.variance for one in selection.included])
    k = len(y)
    spread = tau_scale if tau_scale is not None else default_tau_scale(selection)
    normal = fit(y, v, method=tau2)
    posterior = bayes_fit(y, v, tau_scale=spread)
    wald = _interval("Wald", scale, normal.estimate, normal.interval)
    hartung = _knapp_hartung(y, v, tau2, scale, "knapp-hartung")
    bayesian = _interval("Bayesian", scale, posterior.estimate, posterior.interval)
    bayesian = replace(
        bayesian, note=f"half-normal prior on tau with scale {spread:.4g}, flat prior on the mean"
    )
    headline = {
        "wald": wald,
        "knapp-hartung": hartung,
        "bayes": bayesian,
        "auto": bayesian if k < FEW else _knapp_hartung(y, v, tau2, scale, "knapp-hartung-adhoc"),
    }[ci]
    if headline.low is None:
        raise FindingsError([Finding("question", "ci", headline.note, next_step="ask for --ci bayes")])
    weights = 1 / (v + normal.tau2)
    return PooledEffect(
        question=question, selection=selection, tau2_method=tau2, headline=headline, wald=wald,
        knapp_hartung=hartung, bayesian=bayesian, prediction=_prediction(normal, posterior, scale),
        tau2=normal.tau2, tau2_interval=tau2_interval(y, v)[0] if k > 1 else None, i2=normal.i2, q=normal.q,
        q_p=normal.q_p, tau_scale=spread, weights=tuple(float(w) for w in weights / weights.sum()),
        warnings=(*_warnings(selection), *normal.notes),
    )  # fmt: skip


def default_tau_scale(selection: Selection) -> float:
    """Return the half-normal scale: 0.5 SD for means, 0.5 for log ratios, 0.1 for risk differences.

    For a mean difference the SD is pooled over the studies that print one; where none does, two median
    standard errors stand in for half an SD.
    """
    if selection.scale == "RD":
        return TAU_SCALE_RD
    if selection.scale != "MD":
        return TAU_SCALE
    sds = [one.derived.sd for one in selection.included if one.derived.sd]
    if sds:
        return TAU_SCALE * math.sqrt(sum(sd**2 for sd in sds) / len(sds))
    return 2 * float(np.median([one.derived.effect.standard_error for one in selection.included]))


def _interval(method: str, scale: Scale, estimate: float, limits: tuple[float, float]) -> Interval:
    return Interval(method, natural(estimate, scale), natural(limits[0], scale), natural(limits[1], scale))


def _knapp_hartung(y: Array, v: Array, tau2: Tau2Method, scale: Scale, test: Test) -> Interval:
    if len(y) < 2:
        return Interval("Hartung-Knapp", note="not defined for one study")
    fitted = fit(y, v, method=tau2, test=test)
    if fitted.status != "ok":
        return Interval("Hartung-Knapp", note="not defined: the studies do not differ at all")
    interval = _interval("Hartung-Knapp", scale, fitted.estimate, fitted.interval)
    return replace(interval, note="never narrower than Wald") if test == "knapp-hartung-adhoc" else interval


def _prediction(normal: MetaFit, posterior: BayesFit, scale: Scale) -> Interval:
    """Predict a new study's true effect: Bayesian below five cohorts, else Student's t with k - 2."""
    if normal.k < FEW:
        low, high = posterior.prediction_interval
        return Interval("Bayesian predictive", None, natural(low, scale), natural(high, scale))
    low, high = normal.prediction_interval(df=normal.k - 2)
    return Interval("t with k - 2 degrees of freedom", None, natural(low, scale), natural(high, scale))


def _warnings(selection: Selection) -> list[str]:
    included = selection.included
    k = len(included)
    words = []
    if k < 3:
        words.append(
            f"{how_many(k, 'independent cohort')}: too few to say how much effects differ between studies"
        )
    groups = {one.study.author_group for one in included}
    if len(groups) == 1 and k > 1:
        words.append("all studies share investigators: no independent replication")
    flagged = [one.study.id for one in included if one.study.integrity_status != "none"]
    if flagged:
        words.append(f"included although a check failed or a notice exists: {', '.join(flagged)}")
    guessed = [one.study.id for one in included if one.estimate.n_basis == "assumed"]
    if guessed:
        words.append(f"group sizes partly assumed: {', '.join(guessed)}")
    unblind = [one.study.id for one in included if one.study.blinding != "double-blind"]
    if unblind and selection.outcome.domain in ("patient-reported", "clinical"):
        words.append(f"not double-blind, so expectation may explain part of it: {', '.join(unblind)}")
    if k < 10:
        words.append(f"{k} of the 10 studies that a test for small-study bias needs")
    words += nulls_without_numbers(selection)
    unread = [one.study.id for one in included if one.estimate.read in ("abstract", "secondary")]
    if unread:
        words.append(f"read no further than the abstract or a secondary source: {', '.join(unread)}")
    return words


def nulls_without_numbers(selection: Selection) -> list[str]:
    """Name the randomised trials that found no difference and print no number, so that no pool holds them."""
    missing = [out.study.id for out in selection.excluded if out.silent_null]
    if not missing:
        return []
    return [f"found no difference but print no usable number, so the pool leans: {', '.join(missing)}"]


def _sensitivity(evidence: Evidence, pooled: PooledEffect, ci: CiMethod) -> list[SensitivityLine]:
    """Repeat the pool with one choice changed at a time; scale and interval stay as in the headline."""
    question = replace(pooled.question, metric=metric_word(pooled.scale))
    included = pooled.selection.included
    variants: list[tuple[Choice, str, PoolQuestion]] = []
    flagged = sorted({one.study.id for one in included if one.study.integrity_status == "failed_check"})
    if flagged:
        words = f"without studies that failed a check ({', '.join(flagged)})"
        variants.append((Choice.WITHOUT_FAILED_CHECKS, words, replace(question, statuses=("none",))))
    out = sorted({x.study.id for x in pooled.selection.excluded
                  if x.study.integrity_status in ("retracted", "notice")})  # fmt: skip
    if out:
        everything = replace(question, statuses=("none", "failed_check", "notice", "retracted"))
        words = f"with retracted studies and notices ({', '.join(out)})"
        variants.append((Choice.WITH_RETRACTED, words, everything))
    if any(one.estimate.dispersion_type == "SE->SD" for one in included):
        words = "dispersions read as printed, without conversion from standard errors"
        variants.append((Choice.AS_PRINTED, words, replace(question, dispersions="as printed")))
    if any(x.why is Exclusion.RECALLED for x in pooled.selection.excluded):
        words = "with recalled numbers that nobody has read"
        variants.append((Choice.WITH_RECALLED, words, replace(question, include_recalled=True)))
    if len(included) > 1:
        variants += [
            (
                Choice.WITHOUT_COHORT,
                f"without cohort {one.study.cohort_id}",
                replace(question, leave_out=(*question.leave_out, one.study.id)),
            )
            for one in included
        ]
    lines = [_line(evidence, choice, words, varied, pooled, ci) for choice, words, varied in variants]
    lines += [_method_line(pooled, other, ci) for other in ("DL", "PM", "ML") if other != pooled.tau2_method]
    if pooled.headline is pooled.bayesian:
        for factor, word in ((0.5, "half"), (2.0, "double")):
            again = _combine(
                pooled.selection, question, pooled.tau2_method, "bayes", factor * pooled.tau_scale
            )
            words = f"{word} the scale of the prior on tau"
            lines.append(SensitivityLine(Choice.TAU_PRIOR, words, pooled.k, again.headline))
    return lines


def _line(
    evidence: Evidence,
    choice: Choice,
    change: str,
    question: PoolQuestion,
    pooled: PooledEffect,
    ci: CiMethod,
) -> SensitivityLine:
    selection = select(evidence, question)
    if not selection.included:
        return SensitivityLine(choice, change, 0, Interval("none", note="no study is left"))
    ci = "bayes" if ci == "knapp-hartung" and len(selection.included) < 2 else ci
    again = _combine(selection, question, pooled.tau2_method, ci, pooled.tau_scale)
    return SensitivityLine(choice, change, again.k, again.headline)


def _method_line(pooled: PooledEffect, tau2: Tau2Method, ci: CiMethod) -> SensitivityLine:
    """Show another estimator of tau2 with the Wald interval, which unlike the Bayesian depends on it."""
    other: CiMethod = ci if ci == "knapp-hartung" else "wald"
    again = _combine(pooled.selection, pooled.question, tau2, other, pooled.tau_scale)
    words = f"tau2 by {tau2}, {again.headline.method} interval"
    return SensitivityLine(Choice.TAU2_METHOD, words, pooled.k, again.headline)


def _nothing_left(selection: Selection) -> Finding:
    reasons: list[str] = []
    for out in selection.excluded:
        line = f"{out.study.id}: {out.reason}"
        if line not in reasons:
            reasons.append(line)
    what = f"{selection.outcome.id} under {selection.intervention}"
    if not reasons:
        return Finding("evidence", what, "no record", next_step="see: eubiosis evidence list")
    problem = "no estimate can be pooled (" + "; ".join(reasons) + ")"
    next_step = "a prior without a trial is centred on zero: eubiosis evidence prior"
    return Finding("evidence", what, problem, next_step=next_step)
