"""Responders and other yes-or-no endpoints: logistic regression with standardised risks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.analysis.columns import (
    TABLE,
    DesignMatrix,
    Floats,
    arm_column,
    build_design,
    demand_arm,
    inverse,
)
from eubiosis.analysis.guard import SEES_ALL, Blind, finite_rows, independent_columns
from eubiosis.analysis.result import Estimate, Scale, wald
from eubiosis.core.findings import FindingCollector
from eubiosis.core.soundness import OK, Soundness, worst

MAX_ITERATIONS = 50
STEEPEST = 25.0  # a linear predictor beyond this is looked at: has the likelihood a maximum at all?


@dataclass(frozen=True)
class LogisticFit:
    """A fitted logistic regression: coefficients (columns,), their covariance, log-likelihood, soundness.

    ``blind`` says which contrasts are undefined although the fit has numbers.
    """

    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    soundness: Soundness = OK
    blind: Blind = SEES_ALL


def fit_logistic(event: Floats, matrix: Floats) -> LogisticFit:
    """Fit by maximum likelihood; ``event`` (rows,) is 0 or 1, ``matrix`` (rows, columns) with intercept.

    Where coefficients run to infinity (separation) the rows that they fit perfectly are left out and the
    others keep their estimates; columns that depend on earlier ones have coefficient zero.
    """
    columns = matrix.shape[1]
    if len(event) > columns and np.linalg.matrix_rank(matrix) == columns:
        fit = _newton(event, matrix)
        if fit.soundness.usable:
            return fit
    rows = finite_rows(matrix, 2 * event - 1)
    why = Soundness("singular", "the contrast depends on other columns of the design, or has no rows")
    if not rows.all():
        why = Soundness(
            "separated", "a combination of columns tells who has the event: its odds ratio is infinite"
        )
    kept, blind = independent_columns(matrix[rows], why)
    if not len(kept) or rows.sum() <= len(kept):
        return _no_fit(columns, why)
    part = _newton(event[rows], matrix[rows][:, kept], steepest=math.inf)
    beta, spread = np.zeros(columns), np.zeros((columns, columns))
    beta[kept], spread[np.ix_(kept, kept)] = part.coefficients, part.covariance
    return replace(part, coefficients=beta, covariance=spread, blind=blind)


def _newton(event: Floats, matrix: Floats, steepest: float = STEEPEST) -> LogisticFit:
    beta = np.zeros(matrix.shape[1])
    value = _log_likelihood(event, matrix @ beta)
    for _ in range(MAX_ITERATIONS):
        linear = matrix @ beta
        if np.max(np.abs(linear)) > steepest:
            break
        risk = 1.0 / (1.0 + np.exp(-np.clip(linear, -500.0, 500.0)))
        score = matrix.T @ (event - risk)
        information = (matrix * (risk * (1 - risk))[:, None]).T @ matrix
        try:
            step = np.linalg.solve(information, score)
            if 0.5 * float(step @ score) < 1e-13:
                return LogisticFit(beta, inverse(information), value)
        except np.linalg.LinAlgError:
            break
        size = 1.0
        while _log_likelihood(event, matrix @ (beta + size * step)) < value - 1e-12 and size > 1e-8:
            size /= 2
        beta = beta + size * step
        value = _log_likelihood(event, matrix @ beta)
    return _no_fit(matrix.shape[1], Soundness("not_converged", "the logistic likelihood found no maximum"))


def _no_fit(columns: int, soundness: Soundness) -> LogisticFit:
    return LogisticFit(np.full(columns, math.nan), np.full((columns, columns), math.nan), math.nan, soundness)


def risk_contrasts(
    event: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
    endpoint: str = "responder",
    level: float = 0.95,
) -> tuple[Estimate, Estimate, Estimate]:
    """Estimate (risk difference, risk ratio, conditional odds ratio) of one arm against another.

    Each participant's risk under either arm is predicted by logistic regression and averaged
    (g-computation); intervals are by the delta method, for the covariates as observed. ``detail`` holds
    both risks, the events and, in the difference, the number needed to treat. Where nobody or everybody
    in one arm has the event the ratios are "too_few_events", and the difference is the unadjusted one with
    status "boundary": Newcombe's interval from two score intervals (1998, Statistics in Medicine 17:873,
    method 10) and the score test; where it is so in both arms there is no test either. Values other than 0
    and 1 raise ``FindingsError``.

    >>> event, arm = [1, 1, 1, 0, 1, 0, 0, 0], ["t"] * 4 + ["c"] * 4
    >>> round(risk_contrasts(event, arm, treated="t", control="c")[0].estimate, 6)
    0.5
    """
    design = build_design(arm, control, required={"event": event}, covariates=covariates)
    demand_arm(treated, design.treated_arms)
    outcome = design.values["event"]
    if not np.all(np.isin(outcome, (0.0, 1.0))):
        findings = FindingCollector()
        findings.add(TABLE, "event", "a value other than 0 and 1", allowed="1 event, 0 none")
        findings.raise_if_any()
    fit = fit_logistic(outcome, design.matrix)
    extreme, events = _extremes(design, treated)
    both = [design.with_arm(name) for name in (treated, control)]
    if not len(outcome):  # nobody is left: a mean over nobody is not a number
        both = [np.full((1, design.matrix.shape[1]), math.nan)] * 2
    odds = np.zeros(len(fit.coefficients))
    odds[design.column(arm_column(treated))] = 1.0
    soundness = worst(design.soundness, extreme, fit.soundness)
    marginal = worst(soundness, fit.blind.on(np.concatenate(both)))
    risks, gradients = [], []
    for matrix in both:
        risk = 1.0 / (1.0 + np.exp(-(matrix @ fit.coefficients)))
        risks.append(float(risk.mean()))
        gradients.append((matrix * (risk * (1 - risk))[:, None]).mean(axis=0))
    difference = risks[0] - risks[1]
    detail: dict[str, float | int | str] = {
        "risk_treated": risks[0],
        "risk_control": risks[1],
        "events_treated": events[0],
        "events_control": events[1],
        **fit.blind.note(),
    }
    needed = {"number_needed_to_treat": 1 / difference if difference else math.inf}
    ratio = math.log(risks[0] / risks[1]) if marginal.usable else math.nan
    parts: tuple[tuple[float, Floats, Scale, Soundness], ...] = (
        (difference, gradients[0] - gradients[1], "risk difference", marginal),
        (ratio, gradients[0] / risks[0] - gradients[1] / risks[1], "risk ratio", marginal),
        (float(odds @ fit.coefficients), odds, "odds ratio", worst(soundness, fit.blind.on(odds))),
    )
    first, second, third = (
        wald(
            value,
            math.sqrt(max(float(gradient @ fit.covariance @ gradient), 0.0)) if own.usable else math.nan,
            endpoint=endpoint,
            method="logistic regression" + ("" if scale == "odds ratio" else ", g-computation"),
            arms=(treated, control),
            scale=scale,
            counts=design.counts(treated),
            level=level,
            soundness=own,
            detail={**detail, **needed} if scale == "risk difference" else detail,
        )
        for value, gradient, scale, own in parts
    )
    if design.soundness.usable and extreme.status == "too_few_events":
        first = _crude_difference(design, events, treated, reason=extreme.reason, template=first)
    return first, second, third


def newcombe_interval(
    events: tuple[int, int], sizes: tuple[int, int], level: float = 0.95
) -> tuple[float, float]:
    """Return Newcombe's interval of a risk difference (method 10: from Wilson's score intervals).

    ``events`` and ``sizes`` are (treated, control), each size positive. It holds at risks of 0 and 1.

    >>> low, high = newcombe_interval((56, 48), (70, 80))
    >>> round(low, 4), round(high, 4)
    (0.0524, 0.3339)
    """
    from scipy.special import ndtri

    z = -float(ndtri((1 - level) / 2))
    risks, lows, highs = [], [], []
    for a, n in zip(events, sizes, strict=True):
        risk = a / n
        half = z * math.sqrt(risk * (1 - risk) / n + z**2 / (4 * n**2))
        centre, wide = risk + z**2 / (2 * n), 1 + z**2 / n
        risks.append(risk)
        lows.append((centre - half) / wide)
        highs.append((centre + half) / wide)
    difference = risks[0] - risks[1]
    return (
        difference - math.hypot(risks[0] - lows[0], highs[1] - risks[1]),
        difference + math.hypot(highs[0] - risks[0], risks[1] - lows[1]),
    )


def _crude_difference(
    design: DesignMatrix, events: tuple[int, int], treated: str, *, reason: str, template: Estimate
) -> Estimate:
    """Estimate the unadjusted risk difference where a regression has no finite fit."""
    sizes = (template.n_treated, template.n_control)
    risks = events[0] / sizes[0], events[1] / sizes[1]
    pooled = sum(events) / sum(sizes)
    covariates = design.matrix.shape[1] - len(design.arms)
    left_out = "; the covariates are left out" if covariates else ""
    one = wald(
        risks[0] - risks[1],
        math.sqrt(pooled * (1 - pooled) * (1 / sizes[0] + 1 / sizes[1])),
        endpoint=template.endpoint,
        method="two proportions, score test and Newcombe interval",
        arms=(treated, design.control),
        scale="risk difference",
        counts=design.counts(treated),
        level=template.level,
        soundness=Soundness("boundary", f"{reason}: unadjusted difference{left_out}"),
        detail={
            "risk_treated": risks[0],
            "risk_control": risks[1],
            "events_treated": events[0],
            "events_control": events[1],
        },
    )
    if not one.usable:
        return replace(template, detail={**template.detail, "reason": reason})
    low, high = newcombe_interval(events, sizes, template.level)
    return replace(one, ci_low=low, ci_high=high)


def _log_likelihood(event: Floats, linear: Floats) -> float:
    return float(event @ linear - np.sum(np.logaddexp(0.0, linear)))


def _extremes(design: DesignMatrix, treated: str) -> tuple[Soundness, tuple[int, int]]:
    """Count the events of both arms; say where an arm is empty or has none, or nothing but events."""
    outcome, events, found = design.values["event"], [], []
    for name in (treated, design.control):
        rows = outcome[design.arm == name]
        events.append(int(rows.sum()))
        if not len(rows):
            found.append(Soundness("too_few_participants", f"nobody was observed in {name}"))
        elif events[-1] in (0, len(rows)):
            who = "nobody" if events[-1] == 0 else "everybody"
            found.append(Soundness("too_few_events", f"{who} in {name} has the event"))
    order = sorted(found, key=lambda one: one.status != "too_few_participants")
    return worst(*order), (events[0], events[1])
