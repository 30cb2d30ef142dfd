"""Mixed models against R: mmrm (Kenward-Roger, Satterthwaite), nlme and lme4 with lmerTest."""

import numpy as np
import pytest

from eubiosis.analysis.estimators.continuous import ancova
from eubiosis.analysis.estimators.covariances import SharedIntercept, Unstructured
from eubiosis.analysis.estimators.mixed import evaluate_at, fit_mixed, group_rows
from eubiosis.analysis.estimators.repeated import cluster_trial, crossover, mmrm

RTOL = 1e-3


def _codes(values):
    return np.unique(values, return_inverse=True)[1].astype(np.intp)


def _coefficients(fit, adjusted):
    rows = [
        fit.contrast(row, "adjusted" if adjusted else "unadjusted") for row in np.eye(len(fit.coefficients))
    ]
    return (np.array(column) for column in zip(*rows, strict=True))


@pytest.fixture
def long(table):
    return table("made_mfis_long")


def _matrix(long, interaction=True):
    visit = _codes(long["week"])
    second, third = (visit == 1).astype(float), (visit == 2).astype(float)
    base, arm = long["mfis0"], long["arm"]
    columns = [np.ones(len(arm)), base, arm, second, third]
    if interaction:
        columns += [base * second, base * third]
    return np.column_stack([*columns, arm * second, arm * third]), visit


@pytest.mark.parametrize("method", ["kenward_roger", "satterthwaite"])
def test_mmrm_fatigue(long, expected, agree, method):
    reference = expected("mmrm_mfis")[method]
    matrix, visit = _matrix(long)
    blocks = group_rows(long["mfis"], matrix, _codes(long["id"]), visit)
    structure = Unstructured(3)
    fit = fit_mixed(blocks, structure)
    value, error, freedom = _coefficients(fit, adjusted=method == "kenward_roger")
    agree("mmrm_mfis", f"{method} estimates", value, reference["est"], RTOL)
    agree("mmrm_mfis", f"{method} errors", error, reference["se"], RTOL)
    agree("mmrm_mfis", f"{method} degrees of freedom", freedom, reference["df"], RTOL)
    agree("mmrm_mfis", "log-likelihood", fit.log_likelihood, reference["reml_loglik"], RTOL)
    sigma = structure.covariance(fit.theta, np.arange(3))
    agree("mmrm_mfis", "covariance", sigma, reference["cov"], RTOL)
    if method == "satterthwaite":
        agree("mmrm_mfis", "nlme errors", error, expected("mmrm_mfis")["gls_us"]["se"], RTOL)


def test_random_intercept(long, expected, agree):
    reference = expected("mmrm_mfis")["random_intercept_lmer"]
    matrix, visit = _matrix(long, interaction=False)
    fit = fit_mixed(group_rows(long["mfis"], matrix, _codes(long["id"]), visit), SharedIntercept())
    value, error, freedom = _coefficients(fit, adjusted=False)
    agree("mmrm_mfis", "lmer estimates", value, reference["est"], RTOL)
    agree("mmrm_mfis", "lmer errors", error, reference["se"], RTOL)
    agree("mmrm_mfis", "lmerTest degrees of freedom", freedom, reference["df"], RTOL)
    agree("mmrm_mfis", "variances", fit.theta, [reference["var_id"], reference["var_res"]], RTOL)


def test_mmrm_fev(table, expected, agree):
    data = table("fev")
    outcome = np.array([float(cell) if cell not in ("", "NA") else np.nan for cell in data["FEV1"].tolist()])
    kept = ~np.isnan(outcome)
    visit = _codes(data["AVISIT"])
    treated = (data["ARMCD"] == "TRT").astype(float)
    visits = [(visit == k).astype(float) for k in (1, 2, 3)]
    columns = [
        np.ones(len(outcome)),
        (data["RACE"] == "Black or African American").astype(float),
        (data["RACE"] == "White").astype(float),
        (data["SEX"] == "Female").astype(float),
        treated,
        *visits,
        *(treated * one for one in visits),
    ]
    matrix = np.column_stack(columns)[kept]
    blocks = group_rows(outcome[kept], matrix, _codes(data["USUBJID"])[kept], visit[kept])
    reference = expected("mmrm_fev")
    structure, sigma = Unstructured(4), np.array(reference["cov"])
    # R stopped a little short of the maximum: the restricted log-likelihood found here is higher. At R's
    # covariance everything agrees to the fixture's tolerance; at the maximum, estimates agree to a
    # thousandth of their standard errors and the rest to the tolerance.
    factor = np.linalg.cholesky(sigma)
    scales = np.diag(factor)
    theta = np.concatenate([np.log(scales), (factor / scales[:, None])[structure.rows, structure.columns]])
    there = evaluate_at(blocks, structure, theta)
    value, error, freedom = _coefficients(there, adjusted=True)
    agree("mmrm_fev", "estimates", value, reference["est"], RTOL)
    agree("mmrm_fev", "errors", error, reference["se"], RTOL)
    agree("mmrm_fev", "degrees of freedom", freedom, reference["df"], RTOL)
    agree("mmrm_fev", "t", value / error, reference["t"], RTOL)
    agree("mmrm_fev", "log-likelihood", there.log_likelihood, reference["reml_loglik"], 1e-9)
    fit = fit_mixed(blocks, structure)
    assert fit.log_likelihood > reference["reml_loglik"]
    value, error, freedom = _coefficients(fit, adjusted=True)
    at_most = 1e-3 * np.array(reference["se"])
    np.testing.assert_array_less(np.abs(value - reference["est"]), at_most)
    agree("mmrm_fev at the maximum", "errors", error, reference["se"], RTOL)
    agree("mmrm_fev at the maximum", "degrees of freedom", freedom, reference["df"], RTOL)
    agree("mmrm_fev at the maximum", "log-likelihood", fit.log_likelihood, reference["reml_loglik"], RTOL)
    found = structure.covariance(fit.theta, np.arange(4))
    np.testing.assert_array_less(np.abs(found - sigma), 1e-3 * np.outer(scales, scales))


@pytest.mark.parametrize("method", ["Kenward-Roger", "Satterthwaite"])
def test_mmrm_difference_at_every_visit(long, expected, agree, method):
    found = mmrm(
        long["id"],
        long["week"],
        long["mfis"],
        np.where(long["arm"] == 1, "active", "placebo"),
        treated="active",
        control="placebo",
        covariates={"mfis0": long["mfis0"]},
        by_visit=["mfis0"],
        small_sample=method,
    )
    reference = expected("mmrm_mfis")[method.lower().replace("-", "_")]["diff_by_visit"]
    assert [one.detail["visit"] for one in found] == reference["week"]
    agree("mmrm_mfis", "differences", [one.estimate for one in found], reference["diff"], RTOL)
    agree("mmrm_mfis", "their errors", [one.standard_error for one in found], reference["se"], RTOL)
    agree("mmrm_mfis", "their freedom", [one.degrees_of_freedom for one in found], reference["df"], RTOL)
    agree("mmrm_mfis", "their p", [one.p_value for one in found], reference["p"], RTOL)


def test_crossover(table, expected, agree):
    data, reference = table("made_crossover"), expected("crossover_2x2")
    arm = np.where(data["trt"] == 1, "active", "placebo")
    one = crossover(data["id"], data["period"], data["y"], arm, treated="active", control="placebo")
    mixed = reference["lmer"]
    agree("crossover_2x2", "effect", one.estimate, mixed["est"][1], 1e-5)
    agree("crossover_2x2", "error", one.standard_error, mixed["se"][1], 1e-5)
    agree("crossover_2x2", "freedom", one.degrees_of_freedom, mixed["df"][1], 1e-5)
    agree("crossover_2x2", "p", one.p_value, mixed["p"][1], 1e-5)
    variances = [one.detail["variance_between"], one.detail["variance_within"]]
    agree("crossover_2x2", "variances", variances, [mixed["var_id"], mixed["var_res"]], 1e-5)
    hills = reference["hills_armitage"]
    agree("crossover_2x2", "Hills-Armitage effect", one.estimate, hills["effect"], 1e-5)
    agree("crossover_2x2", "Hills-Armitage t", one.estimate / one.standard_error, hills["t"], 1e-5)
    people = np.unique(data["id"])
    sums = [data["y"][data["id"] == person].sum() for person in people]
    first = [data["seq"][data["id"] == person][0] for person in people]
    carry = ancova(sums, first, treated="AB", control="BA")
    wanted = reference["carryover"]
    agree("crossover_2x2", "carry-over t", carry.estimate / carry.standard_error, wanted["t"], 1e-5)
    agree("crossover_2x2", "carry-over p", carry.p_value, wanted["p"], 1e-5)


def test_crossover_every_coefficient(table, expected, agree):
    data, reference = table("made_crossover"), expected("crossover_2x2")["lmer"]
    one = np.ones(len(data["y"]))
    matrix = np.column_stack([one, data["trt"], data["period"] == 2, data["seq"] == "BA"]).astype(float)
    blocks = group_rows(data["y"], matrix, _codes(data["id"]), _codes(data["period"]))
    value, error, freedom = _coefficients(fit_mixed(blocks, SharedIntercept()), adjusted=False)
    agree("crossover_2x2", "coefficients", value, reference["est"], 1e-5)
    agree("crossover_2x2", "errors", error, reference["se"], 1e-5)
    agree("crossover_2x2", "degrees of freedom", freedom, reference["df"], 1e-5)


def test_cluster_trial(table, expected, agree):
    data, reference = table("made_cluster"), expected("cluster_trial")
    arm = np.where(data["arm"] == 1, "active", "placebo")
    arguments = {"treated": "active", "control": "placebo"}
    one = cluster_trial(data["cluster"], data["y"], arm, **arguments)
    mixed = reference["lmer_KR"]
    for what, got, name in (
        ("difference", one.estimate, "est"),
        ("error", one.standard_error, "se"),
        ("freedom", one.degrees_of_freedom, "df"),
        ("p", one.p_value, "p"),
    ):
        agree("cluster_trial", what, got, mixed[name][1], 1e-4)
    agree("cluster_trial", "ICC", one.detail["intraclass_correlation"], reference["icc"], 1e-4)
    plain = cluster_trial(data["cluster"], data["y"], arm, robust=True, **arguments)
    robust = reference["ols_cluster_robust_HC1"]
    agree(
        "cluster_trial",
        "robust",
        [plain.estimate, plain.standard_error],
        [robust["est"][1], robust["se"][1]],
        1e-4,
    )
