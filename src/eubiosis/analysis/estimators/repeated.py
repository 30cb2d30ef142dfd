"""Repeated scores, crossover and cluster trials: mixed models with small-sample degrees of freedom."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.analysis.columns import TABLE, Design, Floats, arm_column, build_design, demand_arm
from eubiosis.analysis.estimators.covariances import SharedIntercept, Unstructured
from eubiosis.analysis.estimators.linear import cluster_covariance, fit_least_squares
from eubiosis.analysis.estimators.mixed import Errors, MixedFit, fit_mixed, group_rows
from eubiosis.analysis.result import Counts, Estimate, Status, failed, wald
from eubiosis.core.findings import FindingCollector

SmallSample = Literal["Kenward-Roger, linear", "Kenward-Roger", "Satterthwaite"]
ERRORS: dict[SmallSample, Errors] = {
    "Kenward-Roger, linear": "adjusted linear",
    "Kenward-Roger": "adjusted",
    "Satterthwaite": "unadjusted",
}


def mmrm(
    participant: ArrayLike,
    visit: ArrayLike,
    outcome: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
    by_visit: Sequence[str] = (),
    small_sample: SmallSample = "Kenward-Roger, linear",
    endpoint: str = "score",
    level: float = 0.95,
) -> tuple[Estimate, ...]:
    """Estimate the mean difference at every visit by a mixed model for repeated measures.

    One row per participant and visit (numbers, sorted here); the mean is free for each arm and visit,
    the covariance between visits unstructured and shared by the arms. ``covariates`` enter once, those
    named in ``by_visit`` (the baseline, usually) with a slope per visit. Rows without an outcome are left
    out, which is valid when data are missing at random; participants without any are counted as missing.
    The degrees of freedom are the same for all three of ``small_sample``. "Kenward-Roger, linear" adds to
    the variance what estimating the covariance costs and is exact where there is one visit;
    "Kenward-Roger" also subtracts a term for the curvature of mmrm's parameterisation, as that R package
    does by default, and is then too small in small trials; "Satterthwaite" adds nothing.
    ``detail`` names the visit. Returns one estimate per visit. Two rows of a participant at one visit
    raise ``ValueError``, an unknown name in ``by_visit`` ``FindingsError``.

    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> who, visit = np.repeat(np.arange(20), 2), np.tile([1, 2], 20)
    >>> arm = np.where(who % 2, "active", "control")
    >>> score = rng.normal(size=20)[who] + rng.normal(scale=0.5, size=40) - (arm == "active") * visit
    >>> found = mmrm(who, visit, score, arm, treated="active", control="control")
    >>> [(one.status, one.estimate < 0) for one in found]
    [('ok', True), ('ok', True)]
    """
    design, people, visits = _long_design(
        participant, visit, outcome, arm, control=control, covariates=covariates
    )
    demand_arm(treated, design.treated_arms)
    times = np.unique(visits)
    if len(times) == 0:
        return _nobody(visit, design, endpoint, (treated, control), level=level)
    matrix, places = _by_visit(design, visits, times, by_visit)
    number = np.unique(people, return_inverse=True)[1].astype(np.intp)
    position = np.searchsorted(times, visits).astype(np.intp)
    fit = fit_mixed(group_rows(design.values["outcome"], matrix, number, position), Unstructured(len(times)))
    counts = _people(participant, arm, design, people, treated)
    results = []
    for k, time in enumerate(times.tolist()):
        weights = np.zeros(matrix.shape[1])
        weights[places[arm_column(treated)][k]] = 1.0
        results.append(
            _estimate(
                fit,
                weights,
                small_sample=small_sample,
                method=f"MMRM, {small_sample}",
                endpoint=endpoint,
                arms=(treated, control),
                counts=counts,
                level=level,
                detail={"visit": time, "observations": fit.rows},
            )
        )
    return tuple(results)


def crossover(
    participant: ArrayLike,
    period: ArrayLike,
    outcome: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    endpoint: str = "score",
    level: float = 0.95,
) -> Estimate:
    """Estimate the treatment effect of a crossover from a mixed model with period and sequence.

    One row per participant and period; participants are random intercepts, the sequence is the order of
    treatments a participant was given. The degrees of freedom are Satterthwaite's. Carry-over is not
    tested: with it the effect is not identified from the second period.

    >>> who, period = [1, 1, 2, 2, 3, 3, 4, 4], [1, 2] * 4
    >>> arm = ["a", "c", "c", "a", "a", "c", "c", "a"]
    >>> score = [5.0, 7.1, 6.8, 5.2, 4.9, 6.9, 7.4, 5.1]
    >>> found = crossover(who, period, score, arm, treated="a", control="c")
    >>> found.status, round(found.estimate, 2)
    ('boundary', -2.0)
    """
    labels, periods = np.asarray(arm).astype(str), np.asarray(period).astype(str)
    people = np.asarray(participant).astype(str)
    sequence = _sequences(people, periods, labels)
    design = build_design(
        labels, control, required={"outcome": outcome}, covariates={"period": periods, "sequence": sequence}
    )
    demand_arm(treated, design.treated_arms)
    fit = _shared_intercept(design, people[design.kept], expected_information=False)
    weights = np.zeros(design.matrix.shape[1])
    weights[design.column(arm_column(treated))] = 1.0
    return _estimate(
        fit,
        weights,
        small_sample="Satterthwaite",
        method="crossover, mixed model",
        endpoint=endpoint,
        arms=(treated, control),
        counts=_people(participant, arm, design, people[design.kept], treated),
        level=level,
        detail=_variances(fit),
    )


def cluster_trial(
    cluster: ArrayLike,
    outcome: ArrayLike,
    arm: ArrayLike,
    *,
    treated: str,
    control: str,
    covariates: Mapping[str, ArrayLike] | None = None,
    robust: bool = False,
    endpoint: str = "score",
    level: float = 0.95,
) -> Estimate:
    """Estimate the mean difference of a cluster-randomised trial.

    One row per participant; clusters are random intercepts with Kenward-Roger errors and degrees of
    freedom, or, where ``robust``, least squares with errors summed by cluster (HC1 type) and clusters
    minus two degrees of freedom. ``detail`` has the intraclass correlation. Participants are counted;
    the number of clusters stands in ``detail``.

    >>> cluster = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    >>> arm = ["a"] * 3 + ["c"] * 3 + ["a"] * 3 + ["c"] * 3
    >>> score = [5.0, 5.4, 4.8, 7.0, 6.6, 7.4, 5.9, 6.3, 5.6, 7.9, 8.1, 7.5]
    >>> found = cluster_trial(cluster, score, arm, treated="a", control="c")
    >>> found.status, round(found.estimate, 2)
    ('ok', -1.92)
    """
    groups = np.asarray(cluster).astype(str)
    design = build_design(arm, control, required={"outcome": outcome}, covariates=covariates)
    demand_arm(treated, design.treated_arms)
    kept = groups[design.kept]
    column = design.column(arm_column(treated))
    number = np.unique(kept, return_inverse=True)[1].astype(np.intp)
    clusters = len(np.unique(number))
    if robust:
        least = fit_least_squares(design.values["outcome"], design.matrix)
        status: Status = "ok" if least.full_rank else "singular"
        spread = cluster_covariance(least, design.matrix, number) if least.full_rank else least.covariance
        return wald(
            float(least.coefficients[column]),
            math.sqrt(float(spread[column, column])),
            endpoint=endpoint,
            method="least squares, cluster-robust",
            arms=(treated, control),
            scale="mean difference",
            counts=design.counts(treated),
            level=level,
            degrees_of_freedom=clusters - 2,
            status=status,
            detail={"clusters": clusters},
        )
    fit = _shared_intercept(design, kept, expected_information=True)
    weights = np.zeros(design.matrix.shape[1])
    weights[column] = 1.0
    return _estimate(
        fit,
        weights,
        small_sample="Kenward-Roger",
        method="cluster trial, mixed model",
        endpoint=endpoint,
        arms=(treated, control),
        counts=design.counts(treated),
        level=level,
        detail={**_variances(fit), "clusters": clusters},
    )


def _estimate(
    fit: MixedFit,
    weights: Floats,
    *,
    small_sample: SmallSample,
    method: str,
    endpoint: str,
    arms: tuple[str, str],
    counts: Counts,
    level: float,
    detail: Mapping[str, float | int | str],
) -> Estimate:
    value, error, freedom = math.nan, math.nan, math.nan
    if fit.status in ("ok", "boundary"):
        value, error, freedom = fit.contrast(weights, ERRORS[small_sample])
    return wald(
        value,
        error,
        endpoint=endpoint,
        method=method,
        arms=arms,
        scale="mean difference",
        counts=counts,
        level=level,
        degrees_of_freedom=freedom,
        status=fit.status,
        detail={**detail, "log_likelihood": fit.log_likelihood},
    )


def _long_design(
    participant: ArrayLike,
    visit: ArrayLike,
    outcome: ArrayLike,
    arm: ArrayLike,
    *,
    control: str,
    covariates: Mapping[str, ArrayLike] | None,
) -> tuple[Design, NDArray[np.str_], Floats]:
    people = np.asarray(participant).astype(str)
    design = build_design(arm, control, required={"outcome": outcome, "visit": visit}, covariates=covariates)
    return design, people[design.kept], design.values["visit"]


def _nobody(
    visit: ArrayLike, design: Design, endpoint: str, arms: tuple[str, str], *, level: float
) -> tuple[Estimate, ...]:
    """Return a result without numbers for every visit of a table in which no row is complete."""
    return tuple(
        failed(
            "too_few_participants",
            endpoint=endpoint,
            method="MMRM",
            arms=arms,
            scale="mean difference",
            counts=design.counts(arms[0]),
            level=level,
            detail={"visit": time, "observations": 0},
        )
        for time in np.unique(np.asarray(visit, dtype=np.float64)).tolist()
    )


def _by_visit(
    design: Design, visits: Floats, times: Floats, by_visit: Sequence[str]
) -> tuple[Floats, dict[str, list[int]]]:
    """Split the intercept, the arms and the named covariates by visit; return where each column went."""
    findings = FindingCollector()
    for name in by_visit:
        if not any(column == name or column.startswith(f"{name}[") for column in design.names):
            findings.add(TABLE, name, "not among the covariates", allowed=", ".join(design.names))
    findings.raise_if_any()
    at = (visits[:, None] == times[None, :]).astype(np.float64)
    columns: list[Floats] = []
    places: dict[str, list[int]] = {}
    for name, column in zip(design.names, design.matrix.T, strict=True):
        split = name == "intercept" or name.startswith("arm[") or name.split("[")[0] in by_visit
        new = column[:, None] * at if split else column[:, None]
        places[name] = list(range(len(columns), len(columns) + new.shape[1]))
        columns.extend(new.T)
    return np.column_stack(columns), places


def _sequences(
    people: NDArray[np.str_], periods: NDArray[np.str_], labels: NDArray[np.str_]
) -> NDArray[np.str_]:
    order = {
        person: "-".join(labels[rows][np.argsort(periods[rows])])
        for person in np.unique(people)
        for rows in (np.flatnonzero(people == person),)
    }
    return np.array([order[person] for person in people])


def _shared_intercept(design: Design, groups: NDArray[np.str_], *, expected_information: bool) -> MixedFit:
    number = np.unique(groups, return_inverse=True)[1].astype(np.intp)
    order = np.argsort(number, kind="stable")
    starts = np.searchsorted(number[order], np.unique(number))
    position = np.empty(len(number), dtype=np.intp)
    position[order] = np.arange(len(number)) - starts[number[order]]
    blocks = group_rows(design.values["outcome"], design.matrix, number, position)
    return fit_mixed(blocks, SharedIntercept(), expected_information=expected_information)


def _variances(fit: MixedFit) -> dict[str, float | int | str]:
    if fit.status not in ("ok", "boundary"):
        return {}
    between, within = (float(part) for part in fit.theta)
    return {
        "variance_between": between,
        "variance_within": within,
        "intraclass_correlation": between / (between + within),
    }


def _people(
    participant: ArrayLike, arm: ArrayLike, design: Design, kept: NDArray[np.str_], treated: str
) -> Counts:
    """Count persons, not rows: analysed with at least one complete row, missing with none."""
    everyone, arms = np.asarray(participant).astype(str), np.asarray(arm).astype(str)
    sizes = []
    for name in (treated, design.control):
        inside = len(np.unique(kept[design.arm == name]))
        sizes.append((inside, len(np.unique(everyone[arms == name])) - inside))
    return Counts(sizes[0][0], sizes[1][0], sizes[0][1], sizes[1][1])
