"""Responders and other yes-or-no endpoints: logistic regression with standardised risks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.analysis.columns import (
    TABLE,
    Design,
    Floats,
    arm_column,
    build_design,
    demand_arm,
    inverse,
)
from eubiosis.analysis.result import Estimate, Scale, Status, wald
from eubiosis.core.findings import FindingCollector

MAX_ITERATIONS = 50
STEEPEST = 25.0  # a linear predictor beyond this means that the groups are separated


@dataclass(frozen=True)
class LogisticFit:
    """A fitted logistic regression: coefficients (columns,), their covariance, log-likelihood, status."""

    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    status: Status


def fit_logistic(event: Floats, matrix: Floats) -> LogisticFit:
    """Fit by maximum likelihood; ``event`` (rows,) is 0 or 1, ``matrix`` (rows, columns) with intercept.

    Separated data have no maximum and give "not_converged".
    """
    columns = matrix.shape[1]
    empty, square = np.full(columns, math.nan), np.full((columns, columns), math.nan)
    if len(event) <= columns or np.linalg.matrix_rank(matrix) < columns:
        return LogisticFit(empty, square, math.nan, "singular")
    beta = np.zeros(columns)
    value = _log_likelihood(event, matrix @ beta)
    for _ in range(MAX_ITERATIONS):
        linear = matrix @ beta
        if np.max(np.abs(linear)) > STEEPEST:
            break
        risk = 1.0 / (1.0 + np.exp(-linear))
        score = matrix.T @ (event - risk)
        information = (matrix * (risk * (1 - risk))[:, None]).T @ matrix
        step = np.linalg.solve(information, score)
        if 0.5 * float(step @ score) < 1e-13:
            return LogisticFit(beta, inverse(information), value, "ok")
        size = 1.0
        while _log_likelihood(event, matrix @ (beta + size * step)) < value - 1e-12 and size > 1e-8:
            size /= 2
        beta = beta + size * step
        value = _log_likelihood(event, matrix @ beta)
    return LogisticFit(empty, square, math.nan, "not_converged")


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
    both risks, the events and, in the difference, the number needed to treat. An arm in which nobody or
    everybody has the event gives "too_few_events". Values other than 0 and 1 raise ``FindingsError``.

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
    status, events = _status(design, fit, treated)
    risks, gradients = [], []
    for name in (treated, control):
        matrix = design.with_arm(name)
        risk = 1.0 / (1.0 + np.exp(-(matrix @ fit.coefficients)))
        risks.append(float(risk.mean()))
        gradients.append((matrix * (risk * (1 - risk))[:, None]).mean(axis=0))
    odds = np.zeros(len(fit.coefficients))
    odds[design.column(arm_column(treated))] = 1.0
    difference = risks[0] - risks[1]
    detail: dict[str, float | int | str] = {
        "risk_treated": risks[0],
        "risk_control": risks[1],
        "events_treated": events[0],
        "events_control": events[1],
    }
    needed = {"number_needed_to_treat": 1 / difference if difference else math.inf}
    ratio = math.log(risks[0] / risks[1]) if status == "ok" else math.nan
    parts: tuple[tuple[float, Floats, Scale], ...] = (
        (difference, gradients[0] - gradients[1], "risk difference"),
        (ratio, gradients[0] / risks[0] - gradients[1] / risks[1], "risk ratio"),
        (float(odds @ fit.coefficients), odds, "odds ratio"),
    )
    first, second, third = (
        wald(
            value,
            float(np.sqrt(gradient @ fit.covariance @ gradient)),
            endpoint=endpoint,
            method="logistic regression" + ("" if scale == "odds ratio" else ", g-computation"),
            arms=(treated, control),
            scale=scale,
            counts=design.counts(treated),
            level=level,
            status=status,
            detail={**detail, **needed} if scale == "risk difference" else detail,
        )
        for value, gradient, scale in parts
    )
    return first, second, third


def _log_likelihood(event: Floats, linear: Floats) -> float:
    return float(event @ linear - np.sum(np.logaddexp(0.0, linear)))


def _status(design: Design, fit: LogisticFit, treated: str) -> tuple[Status, tuple[int, int]]:
    outcome, events, extreme = design.values["event"], [], False
    for name in (treated, design.control):
        rows = outcome[design.arm == name]
        events.append(int(rows.sum()))
        extreme = extreme or events[-1] in (0, len(rows))
    return ("too_few_events" if extreme else fit.status), (events[0], events[1])
