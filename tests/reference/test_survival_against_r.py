"""Cox, Kaplan-Meier, log-rank, restricted means and LWYY against R's survival package."""

import numpy as np
import pytest

from eubiosis.analysis.estimators.cox import concordance, fit_cox, proportional_hazards_tests
from eubiosis.analysis.estimators.histories import Histories
from eubiosis.analysis.estimators.survival import (
    hazard_ratio,
    kaplan_meier,
    log_rank,
    recurrent_rate_ratio,
    restricted_mean_difference,
)

RTOL = 1e-5
ENDPOINTS = {"relapse": ("t_first_relapse", "relapse_event"), "cdp12": ("t_cdp12", "cdp12")}


def _histories(matrix, time, event, stratum=None):
    layer = np.zeros(len(time), dtype=np.intp) if stratum is None else stratum.astype(np.intp)
    return Histories(np.asarray(matrix, float), np.full(len(time), -1.0), time, event == 1, layer)


def _check(agree, fixture, data, reference, ties="Efron"):
    fit = fit_cox(data, np.arange(len(data.stop)), ties)
    errors = np.sqrt(np.diag(fit.covariance))
    agree(fixture, f"{ties} coefficients", fit.coefficients, reference["beta"], RTOL)
    agree(fixture, f"{ties} errors", errors, reference["se"], RTOL)
    likelihoods = [fit.log_likelihood_null, fit.log_likelihood]
    agree(fixture, f"{ties} log-likelihood", likelihoods, reference["loglik"], RTOL)
    agree(fixture, f"{ties} likelihood ratio", 2 * (likelihoods[1] - likelihoods[0]), reference["lr"], RTOL)
    agree(fixture, f"{ties} score", fit.score, reference["score"], RTOL)
    wald = fit.coefficients @ np.linalg.solve(fit.covariance, fit.coefficients)
    assert round(float(wald), 2) == pytest.approx(reference["wald"], abs=0.0051)  # printed to two decimals
    agree(fixture, "concordance", concordance(data, fit.coefficients), reference["concordance"], RTOL)
    return fit


@pytest.fixture
def trial(table):
    columns = table("made_trial")
    columns["group"] = np.where(columns["arm"] == 1, "active", "placebo")
    return columns


@pytest.mark.parametrize("endpoint", list(ENDPOINTS))
def test_trial(trial, expected, agree, endpoint):
    reference = expected("cox_trial")[endpoint]
    time, event = (trial[name] for name in ENDPOINTS[endpoint])
    arm = trial["arm"][:, None]
    _check(agree, "cox_trial", _histories(arm, time, event), reference["cox_unadj"])
    adjusted = _histories(np.column_stack([arm, trial["age"], trial["edss0"]]), time, event)
    fit = _check(agree, "cox_trial", adjusted, reference["cox_adj"])
    _check(agree, "cox_trial", _histories(arm, time, event, trial["sex"]), reference["cox_strat_sex"])
    tests = proportional_hazards_tests(adjusted, fit.coefficients)
    agree("cox_trial", "zph", [one.value for one in tests], reference["zph_adj"]["chisq"], RTOL)
    agree("cox_trial", "zph p", [one.p_value for one in tests], reference["zph_adj"]["p"], RTOL)
    one = hazard_ratio(
        time,
        event,
        trial["group"],
        treated="active",
        control="placebo",
        covariates={"age": trial["age"], "edss0": trial["edss0"]},
    )
    wanted = [reference["cox_adj"][name][0] for name in ("hr", "ci_lb", "ci_ub", "p")]
    agree("cox_trial", "hazard ratio", [one.estimate, one.ci_low, one.ci_high, one.p_value], wanted, RTOL)
    stratified = hazard_ratio(
        time, event, trial["group"], treated="active", control="placebo", strata=trial["sex"]
    )
    agree("cox_trial", "stratified", stratified.estimate, reference["cox_strat_sex"]["hr"], RTOL)


@pytest.mark.parametrize("endpoint", list(ENDPOINTS))
def test_curves(trial, expected, agree, endpoint):
    reference = expected("cox_trial")[endpoint]
    time, event = (trial[name] for name in ENDPOINTS[endpoint])
    agree(
        "cox_trial", "log-rank", log_rank(time, event, trial["arm"]).value, reference["logrank_chisq"], RTOL
    )
    agree(
        "cox_trial", "log-rank p", log_rank(time, event, trial["arm"]).p_value, reference["logrank_p"], RTOL
    )
    peto = log_rank(time, event, trial["arm"], rho=1.0).value
    agree("cox_trial", "Peto-Prentice", peto, reference["peto_prentice_chisq"], RTOL)
    km = reference["km"]
    for k, arm in enumerate((0, 1)):
        curve = kaplan_meier(time[trial["arm"] == arm], event[trial["arm"] == arm])
        rows = slice(3 * k, 3 * k + 3)
        for got, name in zip(curve.at([0.5, 1.0, 1.5]), ("surv", "se", "lower", "upper"), strict=True):
            agree("cox_trial", f"Kaplan-Meier {name}", got, km[name][rows], RTOL)
        assert curve.number_at_risk([0.5, 1.0, 1.5]).tolist() == km["n_risk"][rows]
        assert curve.median == (np.inf if km["median"][k] is None else pytest.approx(km["median"][k]))
        mean, error = curve.restricted_mean(1.5)
        wanted = reference["rmst_tau1.5"]
        agree("cox_trial", "restricted mean", [mean, error], [wanted["mean"][k], wanted["se"][k]], RTOL)
    difference = restricted_mean_difference(
        time, event, trial["group"], treated="active", control="placebo", limit=1.5
    )
    means = reference["rmst_tau1.5"]["mean"]
    agree("cox_trial", "restricted mean difference", difference.estimate, means[1] - means[0], RTOL)
    agree(
        "cox_trial", "its error", difference.standard_error, np.hypot(*reference["rmst_tau1.5"]["se"]), RTOL
    )


@pytest.mark.parametrize("ties", ["Efron", "Breslow", "exact"])
def test_lung(table, expected, agree, ties):
    lung = table("lung")
    kept = ~np.isnan(lung["ph.ecog"])
    matrix = np.column_stack([lung[name] for name in ("age", "sex", "ph.ecog")])[kept]
    data = _histories(matrix, lung["time"][kept], lung["status"][kept] - 1)
    fit = _check(agree, "cox_lung", data, expected("cox_lung")[ties.lower()], ties)
    if ties == "Efron":
        tests = proportional_hazards_tests(data, fit.coefficients)
        wanted = expected("cox_lung")["zph_efron"]
        agree("cox_lung", "zph", [one.value for one in tests], wanted["chisq"], RTOL)
        sex = log_rank(lung["time"], lung["status"] - 1, lung["sex"])
        agree("cox_lung", "log-rank", sex.value, expected("cox_lung")["logrank_sex"], RTOL)


def test_lung_clustered_by_institution(table, expected, agree):
    lung = table("lung")
    kept = ~np.isnan(lung["inst"])
    matrix = np.column_stack([lung["age"], lung["sex"]])[kept]
    _, number = np.unique(lung["inst"][kept], return_inverse=True)
    fit = fit_cox(_histories(matrix, lung["time"][kept], lung["status"][kept] - 1), number)
    agree(
        "cox_lung", "robust errors", np.sqrt(np.diag(fit.robust)), expected("cox_lung")["robust_inst"], RTOL
    )


def test_recurrent_events(table, expected, agree):
    rows = table("made_recurrent")
    reference = expected("cox_recurrent_lwyy")
    group = np.where(rows["arm"] == 1, "active", "placebo")
    one = recurrent_rate_ratio(
        rows["id"], rows["start"], rows["stop"], rows["event"], group, treated="active", control="placebo"
    )
    agree("cox_recurrent_lwyy", "log rate ratio", np.log(one.estimate), reference["beta"], 1e-4)
    agree("cox_recurrent_lwyy", "robust error", one.standard_error, reference["se_robust"], 1e-4)
    agree(
        "cox_recurrent_lwyy", "model error", one.detail["standard_error_model"], reference["se_model"], 1e-4
    )
    assert one.detail["events_treated"] + one.detail["events_control"] == reference["events"]
    assert one.n_treated + one.n_control == len(np.unique(rows["id"]))
