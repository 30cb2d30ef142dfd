"""Negative binomial regression and g-computation against MASS, glmmTMB and sandwich in R."""

import numpy as np
import pytest

from eubiosis.analysis.estimators.count_profiles import profile_interval
from eubiosis.analysis.estimators.counts import fit_counts, likelihood_ratio_test, marginal_rates, rate_ratio
from eubiosis.analysis.estimators.negbin import fit_negative_binomial, fit_poisson

# In the adjusted relapse model glmmTMB's standard errors differ from the analytic ones by 2.5e-4; those of
# statsmodels differ from glmmTMB's by as much (../shared/statistics/check_python.out) and from ours by less
# than 1e-6 (tests/unit). Everywhere else the tolerance of the fixture, 1e-4, holds.
GLMMTMB_SE = {"adjusted": 3e-4}


@pytest.fixture
def trial(table):
    columns = table("made_trial")
    columns["group"] = np.where(columns["arm"] == 1, "active", "placebo")
    return columns


def _check_fit(agree, fixture, fit, reference, *, glmmtmb=None, se_rtol=1e-4):
    agree(fixture, "MASS coefficients", fit.coefficients, reference["est"], 1e-4)
    agree(fixture, "MASS standard errors", np.sqrt(np.diag(fit.covariance_fixed)), reference["se"], 1e-4)
    agree(fixture, "MASS theta", 1 / fit.dispersion, reference["theta"], 1e-4)
    if "logLik" in reference:
        agree(fixture, "MASS log-likelihood", fit.log_likelihood, reference["logLik"], 1e-4)
    if glmmtmb is not None:
        agree(fixture, "glmmTMB standard errors", np.sqrt(np.diag(fit.covariance)), glmmtmb, se_rtol)


@pytest.mark.parametrize(("model", "covariates"), [("adjusted", ["prior", "age"]), ("unadjusted", [])])
def test_relapse_regression(trial, expected, agree, model, covariates):
    reference = expected("nb_relapse")[model]
    columns = {name: trial[name] for name in covariates}
    _, fit = fit_counts(
        trial["relapses"], trial["fu_years"], trial["group"], control="placebo", covariates=columns
    )
    _check_fit(
        agree,
        "nb_relapse",
        fit,
        reference["MASS_glm_nb"],
        glmmtmb=reference["glmmTMB_nbinom2"]["se_full_hessian"],
        se_rtol=GLMMTMB_SE.get(model, 1e-4),
    )
    one = rate_ratio(
        trial["relapses"],
        trial["fu_years"],
        trial["group"],
        treated="active",
        control="placebo",
        covariates=columns,
    )
    agree("nb_relapse", "rate ratio", one.estimate, reference["MASS_glm_nb"]["rate_ratio_arm"], 1e-4)
    assert one.n_treated == one.n_control == 120


@pytest.mark.parametrize(("model", "covariates"), [("adjusted", ["prior", "age"]), ("unadjusted", [])])
def test_likelihood_ratio(trial, expected, agree, model, covariates):
    reference = expected("nb_relapse")[model]["MASS_glm_nb"]
    found = likelihood_ratio_test(
        trial["relapses"],
        trial["fu_years"],
        trial["group"],
        treated="active",
        control="placebo",
        covariates={name: trial[name] for name in covariates},
    )
    agree("nb_relapse", "likelihood ratio statistic", found.value, reference["LRT_arm"], 1e-4)
    agree("nb_relapse", "likelihood ratio p", found.p_value, reference["p_LRT"], 1e-4)


@pytest.mark.parametrize(("model", "covariates"), [("adjusted", ["prior", "age"]), ("unadjusted", [])])
def test_profile_interval(trial, expected, agree, model, covariates):
    """MASS holds the dispersion at its estimate; fitting it anew at each ratio moves the ends a little."""
    reference = expected("nb_relapse")[model]["MASS_glm_nb"]["rr_profile_ci"]
    design, fit = fit_counts(
        trial["relapses"],
        trial["fu_years"],
        trial["group"],
        control="placebo",
        covariates={name: trial[name] for name in covariates},
    )
    agree(
        "nb_relapse", "profile", np.exp(profile_interval(design, fit, "active", held=True)), reference, 1e-4
    )
    free = np.exp(profile_interval(design, fit, "active"))
    agree("nb_relapse", "profile, dispersion fitted", free, reference, 1e-2)
    assert free[0] < reference[0]
    assert free[1] > reference[1]


def test_interaction(trial, expected, agree):
    reference = expected("nb_relapse")["interaction_marker"]
    arm, marker = trial["arm"], trial["responder_marker"]
    matrix = np.column_stack([np.ones(240), arm, marker, trial["prior"], trial["age"], arm * marker])
    _check_fit(
        agree,
        "nb_relapse",
        fit_negative_binomial(trial["relapses"], matrix, np.log(trial["fu_years"])),
        reference,
    )


def test_marginal_rates(trial, expected, agree):
    reference = expected("nb_relapse")["arr_marginal"]
    found = marginal_rates(
        trial["relapses"],
        trial["fu_years"],
        trial["group"],
        treated="active",
        control="placebo",
        covariates={"prior": trial["prior"], "age": trial["age"]},
    )
    for one, name in zip(found, ("treated", "control", "ratio", "difference"), strict=True):
        agree("nb_relapse", f"marginal {name}", one.estimate, reference[name], 1e-4)


def test_crude_rates(trial, expected, agree):
    one = rate_ratio(
        trial["relapses"], trial["fu_years"], trial["group"], treated="active", control="placebo"
    )
    crude = expected("nb_relapse")["crude_arr"]
    agree(
        "nb_relapse",
        "crude rates",
        [
            one.detail["events_control"] / one.detail["years_control"],
            one.detail["events_treated"] / one.detail["years_treated"],
        ],
        [crude["0"], crude["1"]],
        1e-4,
    )


def test_poisson_with_three_standard_errors(trial, expected, agree):
    reference = expected("nb_relapse")
    offset = np.log(trial["fu_years"])
    matrix = np.column_stack([np.ones(240), trial["arm"], trial["prior"], trial["age"]])
    plain = fit_poisson(trial["relapses"], matrix, offset)
    agree("nb_relapse", "Poisson coefficients", plain.coefficients, reference["poisson"]["est"], 1e-4)
    agree("nb_relapse", "Poisson se", np.sqrt(np.diag(plain.covariance)), reference["poisson"]["se"], 1e-4)
    mu = np.exp(matrix @ plain.coefficients + offset)
    dispersion = np.sum((trial["relapses"] - mu) ** 2 / mu) / (240 - 4)
    agree(
        "nb_relapse", "quasi-Poisson dispersion", dispersion, reference["quasi_poisson"]["dispersion"], 1e-4
    )
    robust = rate_ratio(
        trial["relapses"],
        trial["fu_years"],
        trial["group"],
        treated="active",
        control="placebo",
        covariates={"prior": trial["prior"], "age": trial["age"]},
        law="Poisson, robust",
    )
    agree("nb_relapse", "Poisson HC0 se", robust.standard_error, reference["poisson_HC0"]["se"][1], 1e-4)
    agree("nb_relapse", "Poisson HC0 p", robust.p_value, reference["poisson_HC0"]["p"][1], 1e-4)


def test_lesions(trial, expected, agree):
    reference = expected("nb_lesions")
    _, fit = fit_counts(
        trial["new_t2"], np.ones(240), trial["group"], control="placebo", covariates={"gd0": trial["gd0"]}
    )
    errors = reference["glmmTMB_nbinom2"]["se_full_hessian"]
    _check_fit(agree, "nb_lesions", fit, reference["MASS_glm_nb"], glmmtmb=errors)


def test_epilepsy(table, expected, agree):
    data = table("epil")
    treated = (data["trt"] == "progabide").astype(float)
    matrix = np.column_stack(
        [np.ones(len(treated)), data["lbase"], treated, data["lage"], data["V4"], data["lbase"] * treated]
    )
    reference = expected("nb_mass_examples")["epil"]
    _check_fit(
        agree,
        "nb_mass_examples",
        fit_negative_binomial(data["y"], matrix),
        reference,
        glmmtmb=reference["glmmTMB_se"],
    )


@pytest.mark.parametrize("model", ["quine_main", "quine_nested"])
def test_quine(table, expected, agree, model):
    data = table("quine")
    male, native, slow = (
        (data[column] == level).astype(float) for column, level in (("Sex", "M"), ("Eth", "N"), ("Lrn", "SL"))
    )
    ages = [(data["Age"] == level).astype(float) for level in ("F1", "F2", "F3")]
    one = np.ones(len(male))
    if model == "quine_main":
        columns = [one, male, *ages, native, slow]
    else:
        by_sex = [1 - male, male]
        columns = [one, male, *(age * sex for age in ages for sex in by_sex)]
        columns += [part * sex for part in (native, slow, native * slow) for sex in by_sex]
    fit = fit_negative_binomial(data["Days"], np.column_stack(columns))
    _check_fit(agree, "nb_mass_examples", fit, expected("nb_mass_examples")[model])
