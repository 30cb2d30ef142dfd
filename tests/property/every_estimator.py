"""Every estimator on one made trial, and the ways in which that trial can be spoilt."""

import numpy as np

from eubiosis.analysis.estimators import (
    binary,
    continuous,
    counts,
    ecology,
    imputation,
    prognostic,
    repeated,
    survival,
)
from eubiosis.analysis.estimators.cox import proportional_hazards_tests
from eubiosis.analysis.estimators.histories import Histories
from eubiosis.core.findings import FindingsError

ARMS = {"treated": "t", "control": "c"}


def trial(seed, n=14):
    """Return the columns of a trial with two arms of ``n`` and every kind of endpoint."""
    draw = np.random.default_rng(seed)
    arm = np.repeat(["t", "c"], n)
    base = draw.normal(0, 1, 2 * n)
    wide = 5 + 0.5 * base[:, None] + draw.normal(0, 1, (2 * n, 1)) + draw.normal(0, 1, (2 * n, 3))
    wide[draw.random((2 * n, 3)) < 0.1] = np.nan
    time = np.round(draw.exponential(1, 2 * n) + 0.05, 2)
    return {
        "arm": arm,
        "person": np.arange(2 * n).astype(float),
        "base": base,
        "score": 5 + base + draw.normal(0, 1, 2 * n),
        "wide": wide,
        "counts": draw.poisson(2.0, 2 * n).astype(float),
        "years": draw.uniform(0.5, 1.5, 2 * n),
        "event": (draw.random(2 * n) < 0.5).astype(float),
        "time": time,
        "happened": (draw.random(2 * n) < 0.7).astype(float),
        "cluster": np.arange(2 * n) // 3,
        "stool": draw.poisson(8.0, (2 * n, 5)).astype(float),
    }


def _long(data):
    visits = data["wide"].shape[1]
    return (
        np.repeat(data["person"], visits), np.tile(np.arange(1.0, visits + 1), len(data["arm"])),
        data["wide"].ravel(), np.repeat(data["arm"], visits),
    )  # fmt: skip


def _periods(data):
    """Return a crossover of the first two visits, in which everybody takes both treatments."""
    person, visit, outcome, _ = _long({**data, "wide": data["wide"][:, :2]})
    first = np.repeat(data["arm"], 2)
    names = sorted(set(data["arm"].tolist()))
    swap = dict(zip(names, names[::-1], strict=True)) if len(names) == 2 else {}
    arm = np.where(visit == 1, first, [swap.get(name, name) for name in first.tolist()])
    return person, visit, outcome, arm


def _covariates(data):
    return {"base": data["base"]}


def _stool_distances(data):
    with np.errstate(invalid="ignore"):
        return np.abs(data["stool"][:, None] - data["stool"][None]).sum(axis=2)


def _histories(data):
    known = ~np.isnan(data["time"]) & ~np.isnan(data["happened"])
    matrix = np.column_stack([data["arm"] == "t", data["base"]]).astype(float)[known]
    stop = data["time"][known]
    return Histories(
        matrix, np.full(len(stop), -1.0), stop, data["happened"][known] == 1, np.zeros(len(stop), int)
    )


def _taxa(data, arms):
    names = [f"taxon {i}" for i in range(data["stool"].shape[1])]
    results = ecology.taxon_models(data["stool"], None, names, data["arm"], **arms)
    return [one.estimate for one in results]


def _imputed(data, arms):
    return [
        imputation.reference_based_difference(
            data["wide"],
            data["arm"],
            strategy="J2R",
            imputations=3,
            seed=1,
            covariates=_covariates(data),
            **arms,
        )
    ]


# name -> (data, arms) -> list of results with a status
ESTIMATORS = {
    "ancova": lambda d, a: [continuous.ancova(d["score"], d["arm"], covariates=_covariates(d), **a)],
    "ancova HC3": lambda d, a: [
        continuous.ancova(d["score"], d["arm"], covariates=_covariates(d), covariance="HC3", **a)
    ],
    "ancovas": lambda d, a: list(continuous.ancovas(d["score"], d["arm"], control=a["control"])),
    "geometric_mean_ratio": lambda d, a: [continuous.geometric_mean_ratio(_positive(d), d["arm"], **a)],
    "geometric_mean_ratios": lambda d, a: list(
        continuous.geometric_mean_ratios(_positive(d), d["arm"], control=a["control"])
    ),
    "cohen_d": lambda d, a: [continuous.cohen_d(d["score"], d["arm"], **a)],
    "hedges_g": lambda d, a: [continuous.hedges_g(d["score"], d["arm"], **a)],
    "rate_ratio": lambda d, a: [
        counts.rate_ratio(d["counts"], d["years"], d["arm"], covariates=_covariates(d), **a)
    ],
    "rate_ratio Poisson, robust": lambda d, a: [
        counts.rate_ratio(d["counts"], d["years"], d["arm"], law="Poisson, robust", **a)
    ],
    "rate_ratios": lambda d, a: list(
        counts.rate_ratios(d["counts"], d["years"], d["arm"], control=a["control"])
    ),
    "likelihood_ratio_test": lambda d, a: [
        counts.likelihood_ratio_test(d["counts"], d["years"], d["arm"], **a)
    ],
    "marginal_rates": lambda d, a: list(
        counts.marginal_rates(d["counts"], d["years"], d["arm"], covariates=_covariates(d), **a)
    )[2:],
    "risk_contrasts": lambda d, a: list(
        binary.risk_contrasts(d["event"], d["arm"], covariates=_covariates(d), **a)
    ),
    "hazard_ratio": lambda d, a: [
        survival.hazard_ratio(d["time"], d["happened"], d["arm"], covariates=_covariates(d), **a)
    ],
    "recurrent_rate_ratio": lambda d, a: [
        survival.recurrent_rate_ratio(
            d["person"], np.zeros(len(d["arm"])), d["time"], d["happened"], d["arm"], **a
        )
    ],
    "restricted_mean_difference": lambda d, a: [
        survival.restricted_mean_difference(d["time"], d["happened"], d["arm"], limit=0.5, **a)
    ],
    "log_rank": lambda d, _: [survival.log_rank(d["time"], d["happened"], d["arm"])],
    "proportional_hazards_tests": lambda d, _: list(proportional_hazards_tests(_histories(d), np.zeros(2))),
    "mmrm": lambda d, a: list(repeated.mmrm(*_long(d), **a)),
    "crossover": lambda d, a: [repeated.crossover(*_periods(d), **a)],
    "cluster_trial": lambda d, a: [repeated.cluster_trial(d["cluster"], d["score"], d["arm"], **a)],
    "cluster_trial robust": lambda d, a: [
        repeated.cluster_trial(d["cluster"], d["score"], d["arm"], robust=True, **a)
    ],
    "reference_based_difference": _imputed,
    "taxon_models": _taxa,
    "permanova": lambda d, _: [ecology.permanova(_stool_distances(d), d["arm"], permutations=19, seed=1)],
    "dispersion": lambda d, _: [ecology.dispersion(_stool_distances(d), d["arm"])],
    "prognostic_difference": lambda d, a: [
        getattr(prognostic.prognostic_difference(d["score"], d["arm"], d["base"], **a), part)
        for part in ("without", "with_score")
    ],
}  # fmt: skip


def _positive(data):
    with np.errstate(over="ignore"):
        return np.exp(data["score"])


def run(name, data, arms=ARMS):
    """Return the results of an estimator; a refusal by exception is an empty list."""
    try:
        return ESTIMATORS[name](data, arms)
    except (ValueError, FindingsError):
        return []


def numbers(one):
    """Return the numbers of a result of any type."""
    names = ("estimate", "standard_error", "p_value", "value", "pseudo_f", "f_statistic")
    return {name: getattr(one, name) for name in names if hasattr(one, name)}
