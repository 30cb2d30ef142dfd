"""Repeated scores, crossover and cluster trials: mixed models with small-sample degrees of freedom."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eubiosis.analysis.columns import TABLE, DesignMatrix, Floats, arm_column, build_design, demand_arm
from eubiosis.analysis.estimators.covariances import SharedIntercept, Unstructured
from eubiosis.analysis.estimators.linear import cluster_covariance, fit_least_squares
from eubiosis.analysis.estimators.mixed import Errors, MixedFit, fit_mixed, group_rows
from eubiosis.analysis.guard import one_arm_each
from eubiosis.analysis.result import Counts, Estimate, failed, wald
from eubiosis.core.findings import FindingCollector
from eubiosis.core.soundness import OK, Soundness, worst

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
    ``detail`` names the visit. Returns one estimate per visit; a visit at which an arm was not seen is
    "singular" and leaves the others their numbers. A participant in two arms is "contradictory". Two rows
    of a participant at one visit raise ``ValueError``, an unknown name in ``by_visit`` ``FindingsError``.

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
    design = design.doubted(one_arm_each(np.asarray(participant), np.asarray(arm)))
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
                design.soundness,
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
    treatments a participant was given, periods in the order of their numbers. A period that is missing
    says the same whether its row has no outcome or is absent: the sequence is then the only one of the
    others that the rows left fit. ``detail`` counts participants who fit none or several; they have a
    sequence of their own. The degrees of freedom are Satterthwaite's. Two rows of a participant in one
    period are "contradictory". Carry-over is not tested: with it the effect is not identified from the
    second period.

    >>> who, period = [1, 1, 2, 2, 3, 3, 4, 4], [1, 2] * 4
    >>> arm = ["a", "c", "c", "a", "a", "c", "c", "a"]
    >>> score = [5.0, 7.1, 6.8, 5.2, 4.9, 6.9, 7.4, 5.1]
    >>> found = crossover(who, period, score, arm, treated="a", control="c")
    >>> found.status, round(found.estimate, 2)
    ('boundary', -2.0)
    """
    labels, periods = np.asarray(arm).astype(str), canonical_periods(period)
    people = np.asarray(participant).astype(str)
    sequence, unknown = sequences(people, periods, labels)
    design = build_design(
        labels, control, required={"outcome": outcome}, covariates={"period": periods, "sequence": sequence}
    ).doubted(_one_row_each(people, periods))
    demand_arm(treated, design.treated_arms)
    fit = _shared_intercept(design, people[design.kept], expected_information=False)
    weights = np.zeros(design.matrix.shape[1])
    weights[design.column(arm_column(treated))] = 1.0
    return _estimate(
        fit,
        weights,
        design.soundness,
        small_sample="Satterthwaite",
        method="crossover, mixed model",
        endpoint=endpoint,
        arms=(treated, control),
        counts=_people(participant, arm, design, people[design.kept], treated),
        level=level,
        detail={**_variances(fit), **({"sequences_unknown": unknown} if unknown else {})},
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
    the number of clusters stands in ``detail``. Where the variance between clusters is estimated as zero
    the degrees of freedom still follow the clusters (status "boundary"); where whole clusters are
    randomised and no arm has two of them there is no information on their spread.

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
    soundness = worst(design.soundness, _clusters_enough(design, number, treated))
    if robust:
        least = fit_least_squares(design.values["outcome"], design.matrix)
        spread = least.covariance
        if soundness.usable and least.soundness.usable:
            spread = cluster_covariance(least, design.matrix, number)
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
            soundness=worst(soundness, least.judge(column, spread)),
            detail={"clusters": clusters, **least.blind.note()},
        )
    fit = _shared_intercept(design, kept, expected_information=True)
    weights = np.zeros(design.matrix.shape[1])
    weights[column] = 1.0
    return _estimate(
        fit,
        weights,
        soundness,
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
    soundness: Soundness,
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
    if fit.soundness.usable:
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
        soundness=worst(soundness, fit.blind.on(weights) if fit.soundness.usable else OK, fit.soundness),
        detail={**detail, "log_likelihood": fit.log_likelihood, **fit.blind.note()},
    )


def _long_design(
    participant: ArrayLike,
    visit: ArrayLike,
    outcome: ArrayLike,
    arm: ArrayLike,
    *,
    control: str,
    covariates: Mapping[str, ArrayLike] | None,
) -> tuple[DesignMatrix, NDArray[np.str_], Floats]:
    people = np.asarray(participant).astype(str)
    design = build_design(arm, control, required={"outcome": outcome, "visit": visit}, covariates=covariates)
    return design, people[design.kept], design.values["visit"]


def _nobody(
    visit: ArrayLike, design: DesignMatrix, endpoint: str, arms: tuple[str, str], *, level: float
) -> tuple[Estimate, ...]:
    """Return a result without numbers for every visit of a table in which no row is complete."""
    return tuple(
        failed(
            worst(design.soundness, Soundness("too_few_participants", "no complete row")),
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
    design: DesignMatrix, visits: Floats, times: Floats, by_visit: Sequence[str]
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


def canonical_periods(period: ArrayLike) -> NDArray[np.str_]:
    """Return the periods as texts in which one number has one spelling: 2, 2.0 and "2" are "2"."""
    texts = np.asarray(period).astype(str)
    try:
        numbers = texts.astype(np.float64)
    except ValueError:
        return texts
    return np.array(["nan" if math.isnan(value) else f"{value:.15g}" for value in numbers.tolist()])


def sequences(
    people: NDArray[np.str_], periods: NDArray[np.str_], labels: NDArray[np.str_]
) -> tuple[NDArray[np.str_], int]:
    """Return the sequence of each row's participant, and how many participants fit no one sequence.

    Whoever lacks periods gets the only sequence of the complete participants that fits the periods kept.
    """
    order = sorted(set(periods.tolist()) - {"nan", ""}, key=_natural)
    given: dict[str, dict[str, str]] = {}
    for person, when, label in zip(people.tolist(), periods.tolist(), labels.tolist(), strict=True):
        given.setdefault(person, {})[when] = label
    complete = {
        tuple(own[when] for when in order) for own in given.values() if all(when in own for when in order)
    }
    found: dict[str, str] = {}
    unknown = 0
    for person, own in given.items():
        fits = [
            one for one in complete if all(own.get(w, arm) == arm for w, arm in zip(order, one, strict=True))
        ]
        if len(fits) != 1:
            unknown += 1
            fits = [tuple(own[when] for when in order if when in own)]
        found[person] = "-".join(fits[0])
    return np.array([found[person] for person in people.tolist()]), unknown


def _natural(text: str) -> tuple[tuple[int, float, str], ...]:
    """Sort numbers inside a text as numbers: "period 2" before "period 10"."""
    pieces = re.split(r"(\d+(?:\.\d+)?)", text)
    return tuple((0, float(piece), "") if i % 2 else (1, 0.0, piece) for i, piece in enumerate(pieces))


def _one_row_each(people: NDArray[np.str_], periods: NDArray[np.str_]) -> Soundness:
    pairs, rows = np.unique(np.column_stack([people, periods]), axis=0, return_counts=True)
    if len(pairs) == len(people):
        return OK
    person, when = pairs[int(np.argmax(rows > 1))]
    return Soundness("contradictory", f'participant "{person}" has two rows in period {when}')


def _clusters_enough(design: DesignMatrix, number: NDArray[np.intp], treated: str) -> Soundness:
    """Say whether the spread between clusters can be told from the arms, where these are whole clusters."""
    inside = {name: set(number[design.arm == name].tolist()) for name in (treated, design.control)}
    one, other = inside.values()
    if not one or not other:
        return Soundness("too_few_participants", f"{len(one)} and {len(other)} clusters in the two arms")
    if one & other or max(len(one), len(other)) > 1:
        return OK
    return Soundness("no_information", "one cluster in each arm: its effect cannot be told from the arm's")


def _shared_intercept(
    design: DesignMatrix, groups: NDArray[np.str_], *, expected_information: bool
) -> MixedFit:
    number = np.unique(groups, return_inverse=True)[1].astype(np.intp)
    order = np.argsort(number, kind="stable")
    starts = np.searchsorted(number[order], np.unique(number))
    position = np.empty(len(number), dtype=np.intp)
    position[order] = np.arange(len(number)) - starts[number[order]]
    blocks = group_rows(design.values["outcome"], design.matrix, number, position)
    return fit_mixed(blocks, SharedIntercept(), expected_information=expected_information)


def _variances(fit: MixedFit) -> dict[str, float | int | str]:
    if not fit.soundness.usable:
        return {}
    between, within = (float(part) for part in fit.theta)
    return {
        "variance_between": between,
        "variance_within": within,
        "intraclass_correlation": between / (between + within),
    }


def _people(
    participant: ArrayLike, arm: ArrayLike, design: DesignMatrix, kept: NDArray[np.str_], treated: str
) -> Counts:
    """Count persons, not rows: analysed with at least one complete row, missing with none."""
    everyone, arms = np.asarray(participant).astype(str), np.asarray(arm).astype(str)
    sizes = []
    for name in (treated, design.control):
        inside = len(np.unique(kept[design.arm == name]))
        sizes.append((inside, len(np.unique(everyone[arms == name])) - inside))
    return Counts(sizes[0][0], sizes[1][0], sizes[0][1], sizes[1][1])
