"""Analyse one observed trial: every endpoint, every active arm, by the method that its plan names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from eubiosis.analysis.estimators.continuous import ancovas, geometric_mean_ratios
from eubiosis.analysis.estimators.counts import rate_ratios
from eubiosis.analysis.estimators.randomisation import randomisation_p
from eubiosis.analysis.result import Estimate
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.streams import stream

# endpoint -> (column of events, column of exposure, unit of exposure)
COUNTS = {
    "relapses": ("relapses", "follow_up_years"),
    "gd_lesions": ("gd_lesions", "scans"),
    "t2_lesions": ("t2_lesions", "t2_years"),
}
SCORES = ("edss", "mfis")


def analyse_trial(
    subjects: Mapping[str, np.ndarray],
    visits: Mapping[str, np.ndarray],
    control: str,
    *,
    seed: int,
    label: str,
) -> list[Estimate]:
    """Return one estimate for each endpoint and active arm of an observed trial.

    Counts: negative binomial regression with the log of follow-up (or scans) as offset, and the p-value of a
    randomisation test, because counts are more unequal than that law; ``seed`` and ``label`` (of the trial)
    key its re-labellings. Scores: analysis of
    covariance of the last planned visit on baseline. Biomarkers: the same on the logarithm. A subject who
    misses the last visit is counted as missing there.
    """
    arm = subjects["arm"]
    results: list[Estimate] = []
    wide = _wide(subjects["subject"], visits)
    entered = list(dict.fromkeys(arm[arm != control].tolist()))  # active arms in the order of entry
    for endpoint in ENDPOINTS:
        if endpoint in COUNTS:
            events, exposure = COUNTS[endpoint]
            fits = rate_ratios(subjects[events], subjects[exposure], arm, control=control, endpoint=endpoint)
            results += [_with_randomisation_p(fit, subjects, events, exposure, seed, label) for fit in fits]
            continue
        baseline, last = wide[endpoint]
        if endpoint in SCORES:
            results += ancovas(
                last, arm, control=control, covariates={"baseline": baseline}, endpoint=endpoint
            )
            continue
        ratios = geometric_mean_ratios(last, arm, control=control, baseline=baseline, endpoint=endpoint)
        by_arm = {one.treated: one for one in ratios}
        results += [by_arm[name] for name in entered]
    return results


def _with_randomisation_p(
    fit: Estimate, subjects: Mapping[str, np.ndarray], events: str, exposure: str, seed: int, label: str
) -> Estimate:
    if not fit.usable:
        return fit
    p_value = randomisation_p(
        subjects[events],
        subjects[exposure],
        subjects["arm"],
        treated=fit.treated,
        control=fit.control,
        generator=stream(seed, f"analysis/{label}/{fit.endpoint}/{fit.treated}"),
    )
    return replace(fit, p_value=p_value, method=f"{fit.method}; p by randomisation test")


def _wide(subject: np.ndarray, visits: Mapping[str, np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return baseline and last planned visit of each endpoint, subjects in order; NaN if missed."""
    row = {number: i for i, number in enumerate(subject.tolist())}
    position = np.array([row[number] for number in visits["subject"].tolist()])
    first, end = visits["week"].min(), visits["week"].max()
    wide = {}
    for endpoint in ENDPOINTS:
        if endpoint in COUNTS:
            continue
        columns = []
        for week in (first, end):
            values = np.full(len(subject), np.nan)
            at = visits["week"] == week
            values[position[at]] = visits[endpoint][at]
            columns.append(values)
        wide[endpoint] = (columns[0], columns[1])
    return wide
