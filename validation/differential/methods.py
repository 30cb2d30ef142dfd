"""What is compared: for each method a maker of data, our numbers by name, and the tolerance.

``METHODS`` maps a method's name, which is also its function in ``methods.R``, to ``Method``. Our numbers are
None where the analysis refuses; ``status`` then says why.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import draws
import numpy as np

from eubiosis.analysis.columns import build_design
from eubiosis.analysis.estimators import ecology, imputation, multiplicity, survival
from eubiosis.analysis.estimators.binary import fit_logistic, risk_contrasts
from eubiosis.analysis.estimators.continuous import ancova
from eubiosis.analysis.estimators.counts import fit_counts, rate_ratio
from eubiosis.analysis.estimators.covariances import Unstructured
from eubiosis.analysis.estimators.mixed import fit_mixed, group_rows
from eubiosis.analysis.estimators.repeated import cluster_trial, crossover
from eubiosis.analysis.result import Estimate
from eubiosis.analysis.sequential.boundaries import boundaries
from eubiosis.evidence.synthesis import combine, small_study
from eubiosis.evidence.synthesis import counts as tables
from eubiosis.evidence.synthesis.multilevel import three_level

Numbers = dict[str, float | str | None]
ARMS = ("treated", "control")


@dataclass(frozen=True)
class Method:
    """One comparison: who makes the data, our numbers, the relative tolerance, and its name in the table."""

    make: Callable[[np.random.Generator], dict]
    ours: Callable[[dict], Numbers]
    rtol: float
    peer: str


def _contrast(one: Estimate, *, ratio: bool, test: bool = True) -> Numbers:
    if not one.usable:
        return {"status": one.status}
    value = math.log(one.estimate) if ratio else one.estimate
    found: Numbers = {"estimate": value, "se": one.standard_error, "status": one.status}
    return {**found, "p": one.p_value} if test else found


def _arms(data: dict) -> dict:
    return {name: data[name] for name in ARMS}


def _column(data: dict, name: str) -> np.ndarray:
    return np.array([math.nan if value is None else value for value in data[name]], dtype=float)


def least_squares(data: dict) -> Numbers:
    """ANCOVA with the model's errors."""
    base = {"base": _column(data, "base")}
    return _contrast(
        ancova(_column(data, "outcome"), data["arm"], covariates=base, **_arms(data)), ratio=False
    )


def sandwich(data: dict) -> Numbers:
    """ANCOVA with HC3 errors."""
    base = {"base": _column(data, "base")}
    one = ancova(_column(data, "outcome"), data["arm"], covariates=base, covariance="HC3", **_arms(data))
    return _contrast(one, ratio=False)


def negative_binomial(data: dict) -> Numbers:
    """NB regression; the error with the dispersion held, which is what MASS prints."""
    extra = {"prior": _column(data, "prior")}
    one = rate_ratio(data["counts"], data["years"], data["arm"], covariates=extra, **_arms(data))
    if not one.usable:
        return {"status": one.status}
    design, fit = fit_counts(
        data["counts"], data["years"], data["arm"], control=data["control"], covariates=extra
    )
    column = design.column(f"arm[{data['treated']}]")
    found: Numbers = {"estimate": math.log(one.estimate), "status": one.status}
    if one.status == "boundary":
        return found
    return {**found, "se": math.sqrt(fit.covariance_fixed[column, column]), "theta": 1 / fit.dispersion}


def poisson_robust(data: dict) -> Numbers:
    """Poisson regression with HC0 errors."""
    one = rate_ratio(
        data["counts"], data["years"], data["arm"], law="Poisson, robust",
        covariates={"prior": _column(data, "prior")}, **_arms(data),
    )  # fmt: skip
    return _contrast(one, ratio=True)


def logistic(data: dict) -> Numbers:
    """Conditional odds ratio and standardised risk difference."""
    three = risk_contrasts(
        data["event"], data["arm"], covariates={"age": _column(data, "age")}, **_arms(data)
    )
    found = _contrast(three[2], ratio=True, test=False)
    if three[0].status == "ok":
        found["difference"] = three[0].estimate
    if three[2].usable:
        design = build_design(
            data["arm"], data["control"], required={"event": data["event"]},
            covariates={"age": _column(data, "age")},
        )  # fmt: skip
        found["log_likelihood"] = fit_logistic(design.values["event"], design.matrix).log_likelihood
    return found


def _cox(data: dict, ties: str, **more: object) -> Numbers:
    one = survival.hazard_ratio(
        data["time"], data["event"], data["arm"], ties=ties, covariates={"age": _column(data, "age")},
        **_arms(data), **more,
    )  # fmt: skip
    return _contrast(one, ratio=True)


def log_rank(data: dict) -> Numbers:
    """Log-rank and Peto-Prentice tests, the first also within strata."""
    found: Numbers = {}
    for name, more in (("plain", {}), ("weighted", {"rho": 1.0}), ("strata", {"strata": data["site"]})):
        one = survival.log_rank(data["time"], data["event"], data["arm"], **more)
        found[name] = one.value if one.usable else None
        found[f"{name}_p"] = one.p_value if one.usable else None
    return found


def kaplan_meier(data: dict) -> Numbers:
    """Median, survival and its error at a time."""
    curve = survival.kaplan_meier(data["time"], data["event"])
    share, error, _, _ = curve.at([float(np.median(data["time"]))])
    median = curve.median
    return {
        "median": median if math.isfinite(median) else None,
        "survival": float(share[0]),
        "error": float(error[0]) if math.isfinite(error[0]) and share[0] > 0 else None,
    }


def lwyy(data: dict) -> Numbers:
    """Recurrent events with errors summed by participant."""
    names = ("participant", "start", "stop", "event", "arm")
    return _contrast(
        survival.recurrent_rate_ratio(*(data[name] for name in names), **_arms(data)), ratio=True
    )


def kenward_roger(data: dict) -> Numbers:
    """Cluster trial: difference, adjusted error, degrees of freedom and p."""
    one = cluster_trial(data["cluster"], data["outcome"], data["arm"], **_arms(data))
    return {**_contrast(one, ratio=False), **({"df": one.degrees_of_freedom} if one.usable else {})}


def crossover_mixed(data: dict) -> Numbers:
    """Crossover; degrees of freedom are compared where no variance lies at zero."""
    one = crossover(data["participant"], data["period"], _column(data, "outcome"), data["arm"], **_arms(data))
    if one.status == "boundary":
        return {"estimate": one.estimate, "se": one.standard_error, "status": one.status}
    return {**_contrast(one, ratio=False), **({"df": one.degrees_of_freedom} if one.usable else {})}


def unstructured(data: dict) -> Numbers:
    """Repeated measures: difference at the last visit, unadjusted error, restricted log-likelihood."""
    outcome = _column(data, "outcome")
    kept = ~np.isnan(outcome)
    visit, arm = np.array(data["visit"])[kept], (np.array(data["arm"]) == data["treated"])[kept]
    at = (visit[:, None] == np.unique(visit)).astype(float)
    matrix = np.column_stack([at, at * arm[:, None], _column(data, "base")[kept]])
    person = np.array(data["participant"])[kept]
    blocks = group_rows(outcome[kept], matrix, person, np.searchsorted(np.unique(visit), visit))
    fit = fit_mixed(blocks, Unstructured(at.shape[1]))
    if not fit.soundness.usable:
        return {"status": fit.status}
    weights = np.zeros(matrix.shape[1])
    weights[2 * at.shape[1] - 1] = 1.0
    value, error, _ = fit.contrast(weights, "unadjusted")
    return {"estimate": value, "se": error, "log_likelihood": fit.log_likelihood, "status": fit.status}


def permanova(data: dict) -> Numbers:
    """Pseudo-F and share of Bray-Curtis distances."""
    found = ecology.permanova(ecology.dissimilarity(data["table"]), data["group"], permutations=9, seed=1)
    if not found.usable:
        return {"status": found.status}
    return {"f": found.pseudo_f, "share": found.r_squared, "status": found.status}


def dispersion(data: dict) -> Numbers:
    """F and mean distances to the spatial median."""
    found = ecology.dispersion(ecology.dissimilarity(data["table"]), data["group"])
    if not found.usable:
        return {"status": found.status}
    means = {f"mean_{name}": value for name, value in zip(found.groups, found.mean_distance, strict=True)}
    return {"f": found.f_statistic, "status": found.status, **means}


def diversity(data: dict) -> Numbers:
    """Mean Shannon, Simpson, richness, and evenness over the samples in which it is defined."""
    table = np.array(data["table"])
    found = {
        name: float(np.mean(ecology.alpha_diversity(table, name)))
        for name in ("shannon", "simpson", "richness")
    }
    even = ecology.alpha_diversity(table, "evenness")
    return {**found, "evenness": float(np.nanmean(even)) if not np.isnan(even).all() else None}


def rubin(data: dict) -> Numbers:
    """Rubin's rules with Barnard and Rubin's degrees of freedom."""
    one = imputation.pool(data["q"], data["u"], data["freedom"])
    return {
        "estimate": one.estimate,
        "total": one.total,
        "df": one.degrees_of_freedom,
        "fmi": one.fraction_missing,
    }


def adjusted(data: dict) -> Numbers:
    """Sums of adjusted p values; a value that is missing is compared for the false discovery rate only."""
    p = _column(data, "p")
    names = ["BH", "BY"] if np.isnan(p).any() else ["holm", "hochberg", "hommel", "bonferroni", "BH", "BY"]
    return {name: float(np.nansum(multiplicity.adjust(p, name))) for name in names}


def _meta(data: dict, method: str) -> Numbers:
    y, v = np.array(data["y"]), np.array(data["v"])
    plain = combine.fit(y, v, method=method)
    hartung = combine.fit(y, v, method=method, test="knapp-hartung")
    return {
        "tau2": plain.tau2, "estimate": plain.estimate, "se": float(plain.standard_errors[0]),
        "i2": plain.i2, "q": plain.q, "kh_se": float(hartung.standard_errors[0]),
        "kh_p": float(hartung.p_values[0]),
    }  # fmt: skip


def regression(data: dict) -> Numbers:
    """Meta-regression by REML."""
    y, v = np.array(data["y"]), np.array(data["v"])
    x = np.column_stack([np.ones(len(y)), data["x"]])
    one = combine.fit(y, v, x=x)
    return {"tau2": one.tau2, "slope": float(one.coefficients[1]), "se": float(one.standard_errors[1])}


def funnel(data: dict) -> Numbers:
    """Egger by least squares, Begg, and trim and fill with DL."""
    y, v = data["y"], data["v"]
    egger, begg = small_study.egger(y, v), small_study.begg(y, v)
    found: Numbers = {
        "egger": egger.statistic,
        "egger_p": egger.p_value,
        "begg": begg.statistic,
        "begg_p": begg.p_value,
    }
    try:
        filled = small_study.trim_and_fill(y, v, method="DL")
    except ArithmeticError:
        return {**found, "added": None}
    return {**found, "added": float(filled.added), "filled_estimate": filled.fit.estimate}


def _counted(data: dict, pool: Callable[..., tables.CountPool]) -> Numbers:
    one = pool(data["a"], data["n1"], data["c"], data["n2"])
    return (
        {"estimate": one.estimate, "se": one.standard_error, "q": one.q}
        if one.usable
        else {"status": one.status}
    )


def table_tests(data: dict) -> Numbers:
    """Cochran-Mantel-Haenszel and Tarone."""
    columns = (data["a"], data["n1"], data["c"], data["n2"])
    found: Numbers = {}
    for name, one in (("cmh", tables.cochran_mantel_haenszel(*columns)), ("tarone", tables.tarone(*columns))):
        found[name], found[f"{name}_p"] = (one.statistic, one.p_value) if one.status == "ok" else (None, None)
    if found["cmh"] == 0.0:  # fewer than half an event away: the continuity corrections of programs differ
        found["cmh"] = found["cmh_p"] = None
    return found


def nested(data: dict) -> Numbers:
    """Three-level model by REML."""
    one = three_level(data["y"], data["v"], data["cluster"])
    return {"estimate": one.estimate, "se": one.standard_error, "log_likelihood": one.log_likelihood}


RULES = {"asOF": "LD-OBF", "asP": "LD-Pocock", "asHSD": "HSD", "asKD": "KD"}


def group_sequential(data: dict) -> Numbers:
    """Critical values of a spending design."""
    parameter = data["parameter"] if data["rule"] in ("asHSD", "asKD") else None
    design = boundaries(data["information"], rule=RULES[data["rule"]], parameter=parameter)
    return {f"z{i}": float(z) for i, z in enumerate(design.efficacy)}


METHODS: dict[str, Method] = {
    "least_squares": Method(draws.scores, least_squares, 1e-6, "stats::lm"),
    "sandwich": Method(draws.scores, sandwich, 1e-6, "sandwich::vcovHC"),
    "negative_binomial": Method(draws.counts, negative_binomial, 1e-4, "MASS::glm.nb"),
    "poisson_robust": Method(draws.counts, poisson_robust, 1e-5, "stats::glm, sandwich"),
    "logistic": Method(draws.responders, logistic, 1e-5, "stats::glm"),
    "cox_efron": Method(draws.times, lambda d: _cox(d, "Efron"), 1e-5, "survival::coxph"),
    "cox_breslow": Method(draws.times, lambda d: _cox(d, "Breslow"), 1e-5, "survival::coxph"),
    "cox_exact": Method(draws.times, lambda d: _cox(d, "exact"), 1e-5, "survival::coxph"),
    "cox_strata": Method(draws.times, lambda d: _cox(d, "Efron", strata=d["site"]), 1e-5, "survival::coxph"),
    "log_rank": Method(draws.times, log_rank, 1e-6, "survival::survdiff"),
    "kaplan_meier": Method(draws.times, kaplan_meier, 1e-6, "survival::survfit"),
    "lwyy": Method(draws.recurrent, lwyy, 1e-5, "survival::coxph, cluster"),
    "kenward_roger": Method(draws.clusters, kenward_roger, 1e-3, "lme4, pbkrtest"),
    "crossover_mixed": Method(draws.crossovers, crossover_mixed, 1e-3, "lmerTest"),
    "unstructured": Method(draws.visits, unstructured, 1e-3, "nlme::gls"),
    "permanova": Method(draws.stool, permanova, 1e-6, "vegan::adonis2"),
    "dispersion": Method(draws.stool, dispersion, 1e-2, "vegan::betadisper"),
    "diversity": Method(draws.stool, diversity, 1e-9, "vegan::diversity"),
    "rubin": Method(draws.imputed, rubin, 1e-8, "mice::pool.scalar"),
    "adjusted": Method(draws.p_values, adjusted, 1e-9, "stats::p.adjust"),
    **{
        f"meta_{name}": Method(draws.effects, lambda d, m=name: _meta(d, m), 1e-4, "metafor::rma")
        for name in ("DL", "HE", "HS", "SJ", "ML", "REML", "PM", "FE")
    },
    "meta_regression": Method(draws.effects, regression, 1e-4, "metafor::rma"),
    "funnel": Method(draws.effects, funnel, 1e-5, "metafor::regtest, ranktest, trimfill"),
    "mantel_haenszel_or": Method(
        draws.tables, lambda d: _counted(d, tables.mantel_haenszel_or), 1e-6, "metafor::rma.mh"
    ),
    "mantel_haenszel_rr": Method(
        draws.tables, lambda d: _counted(d, tables.mantel_haenszel_rr), 1e-6, "metafor::rma.mh"
    ),
    "peto": Method(draws.tables, lambda d: _counted(d, tables.peto), 1e-6, "metafor::rma.peto"),
    "table_tests": Method(draws.tables, table_tests, 1e-6, "stats::mantelhaen.test, metafor"),
    "three_level": Method(draws.nested, nested, 1e-3, "metafor::rma.mv"),
    "group_sequential": Method(draws.looks, group_sequential, 1e-4, "rpact"),
}  # fmt: skip


def our_numbers(name: str, data: dict) -> Numbers:
    """Return our numbers of a data set; a refusal by exception is a status of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = METHODS[name].ours(data)
        except (ValueError, ArithmeticError) as refusal:
            return {"status": f"refused: {refusal}"}
    return {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in found.items()}
