"""Our own analyses of the benchmark's tables: what a plan of ours would name beforehand, on observed data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from eubiosis.analysis.estimators.continuous import ancova, geometric_mean_ratio
from eubiosis.analysis.estimators.counts import rate_ratio
from eubiosis.analysis.estimators.randomisation import randomisation_test
from eubiosis.analysis.estimators.repeated import cluster_trial, mmrm
from eubiosis.analysis.result import RATIO_SCALES, Estimate

Rows = Sequence[Mapping[str, str]]
ARMS = {"treated": "active", "control": "placebo"}


def own_estimates(participants: Rows, visits: Rows) -> list[dict[str, object]]:
    """Return one row for each trial, endpoint and analysis; estimates are on the scale of the truth."""
    found = []
    for trial in dict.fromkeys(row["trial"] for row in participants):
        persons = [row for row in participants if row["trial"] == trial]
        seen = [row for row in visits if row["trial"] == trial]
        for endpoint, analysis, one in _analyses(persons, seen):
            found.append({"trial": trial, "endpoint": endpoint, "analysis": analysis, **_shown(one)})
    return found


def _analyses(persons: Rows, seen: Rows) -> Iterator[tuple[str, str, Estimate]]:
    arm = np.array([row["arm"] for row in persons])
    who = [row["participant"] for row in persons]
    values = {name: np.array([_number(row[name]) for row in persons]) for name in
              ("relapses", "follow_up_years", "relapses_last_year")}  # fmt: skip
    yield (
        "relapses",
        "negative binomial, relapses of the last year",
        rate_ratio(
            values["relapses"], values["follow_up_years"], arm,
            covariates={"before": values["relapses_last_year"]}, **ARMS,
        ),
    )  # fmt: skip
    yield "relapses", "negative binomial, p and interval by re-labelling", _relabelled(values, arm)
    last = max(float(row["week"]) for row in seen)
    at = {(row["participant"], float(row["week"])): row for row in seen}

    def column(week: float, name: str) -> np.ndarray:
        return np.array([_number(at[one, week][name]) if (one, week) in at else math.nan for one in who])

    first, end = column(0.0, "mfis"), column(last, "mfis")
    before = {"baseline": first}
    yield "mfis", "analysis of covariance, completers", ancova(end, arm, covariates=before, **ARMS)
    later = [row for row in seen if float(row["week"]) > 0]
    of = {one: k for k, one in enumerate(who)}
    places = np.array([of[row["participant"]] for row in later])
    repeated = mmrm(
        places, [float(row["week"]) for row in later], [_number(row["mfis"]) for row in later], arm[places],
        covariates={"baseline": first[places]}, by_visit=("baseline",), **ARMS,
    )  # fmt: skip
    yield "mfis", "repeated measures", repeated[-1]
    if any(row["donor"] for row in persons):
        cluster = [row["donor"] or row["participant"] for row in persons]
        yield (
            "mfis",
            "clusters of donors, robust",
            cluster_trial(cluster, end, arm, covariates=before, robust=True, **ARMS),
        )
    acid, acid_end = column(0.0, "stool_butyrate"), column(last, "stool_butyrate")
    yield (
        "stool_butyrate",
        "geometric means, completers",
        geometric_mean_ratio(acid_end, arm, baseline=acid, **ARMS),
    )


def _relabelled(values: Mapping[str, np.ndarray], arm: np.ndarray) -> Estimate:
    """Return what the simulator's trials are analysed by: a rate ratio with the test of re-labellings."""
    fit = rate_ratio(values["relapses"], values["follow_up_years"], arm, **ARMS)
    test = randomisation_test(
        values["relapses"], values["follow_up_years"], arm, generator=np.random.default_rng(1), **ARMS
    )
    low, high = np.exp([test.centre - test.reach, test.centre + test.reach]).tolist()
    return replace(fit, p_value=test.p_value, ci_low=low, ci_high=high)


def _shown(one: Estimate) -> dict[str, object]:
    ratio = one.scale in RATIO_SCALES
    numbers = {"estimate": one.estimate, "ci_low": one.ci_low, "ci_high": one.ci_high}
    logs = {name: math.log(value) if ratio and value > 0 else value for name, value in numbers.items()}
    return {**logs, "p": one.p_value, "status": one.status}


def _number(text: str) -> float:
    return float(text) if text else math.nan
