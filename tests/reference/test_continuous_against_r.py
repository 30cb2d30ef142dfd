"""ANCOVA, robust errors, standardised differences against R (lm, sandwich, effectsize, emmeans)."""

import numpy as np
import pytest

from eubiosis.analysis.estimators.continuous import ancova, cohen_d, glass_delta, hedges_g
from eubiosis.analysis.estimators.linear import fit_least_squares

RTOL = 1e-6
FIXTURE = "ancova_mfis"


@pytest.fixture
def trial(table):
    columns = table("made_trial")
    columns["group"] = np.where(columns["arm"] == 1, "active", "placebo")
    return columns


def test_ancova_counts_the_missing_and_meets_lm(trial, expected, agree):
    reference = expected(FIXTURE)["ancova"]
    one = ancova(
        trial["mfis48"],
        trial["group"],
        treated="active",
        control="placebo",
        covariates={"mfis0": trial["mfis0"]},
    )
    agree(FIXTURE, "difference", one.estimate, reference["est"][1], RTOL)
    agree(FIXTURE, "standard error", one.standard_error, reference["se"][1], RTOL)
    agree(FIXTURE, "p", one.p_value, reference["p"][1], RTOL)
    agree(FIXTURE, "interval", [one.ci_low, one.ci_high], reference["ci_arm"], RTOL)
    agree(
        FIXTURE,
        "sigma, R2",
        [one.detail["residual_sd"], one.detail["r_squared"]],
        [reference["sigma"], reference["r2"]],
        RTOL,
    )
    assert (one.n_treated, one.n_control) == (99, 99)
    assert one.missing_treated + one.missing_control == int(np.isnan(trial["mfis48"]).sum())


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("ancova", ["mfis0"]),
        ("ancova_change", ["mfis0"]),
        ("ancova_3cov", ["mfis0", "age", "sex"]),
    ],
)
def test_every_coefficient(trial, expected, agree, model, names):
    reference = expected(FIXTURE)[model]
    kept = ~np.isnan(trial["mfis48"])
    matrix = np.column_stack([np.ones(len(kept)), trial["arm"], *(trial[name] for name in names)])[kept]
    outcome = (trial["mfis48"] - trial["mfis0"] * (model == "ancova_change"))[kept]
    fit = fit_least_squares(outcome, matrix)
    agree(FIXTURE, f"{model} coefficients", fit.coefficients, reference["est"], RTOL)
    agree(FIXTURE, f"{model} errors", np.sqrt(np.diag(fit.covariance)), reference["se"], RTOL)
    if model == "ancova":
        robust = fit_least_squares(outcome, matrix, "HC3")
        agree(
            FIXTURE, "HC3 errors", np.sqrt(np.diag(robust.covariance)), expected(FIXTURE)["hc3"]["se"], RTOL
        )
        at = np.array([[1.0, arm, trial["mfis0"][kept].mean()] for arm in (0, 1)])
        agree(FIXTURE, "marginal means", at @ fit.coefficients, expected(FIXTURE)["lsmeans"]["mean"], RTOL)


def test_standardised_differences(trial, expected, agree):
    reference = expected(FIXTURE)
    arms = {"treated": "active", "control": "placebo"}
    d = cohen_d(trial["mfis48"], trial["group"], **arms)
    agree(FIXTURE, "d", d.estimate, reference["cohens_d"]["d"], RTOL)
    agree(FIXTURE, "d interval", [d.ci_low, d.ci_high], reference["cohens_d"]["ci"], RTOL)
    agree(FIXTURE, "Student p", d.p_value, reference["student"]["p"], RTOL)
    g = hedges_g(trial["mfis48"], trial["group"], **arms)
    agree(FIXTURE, "g", g.estimate, reference["hedges_g"]["g"], RTOL)
    agree(FIXTURE, "g interval", [g.ci_low, g.ci_high], reference["hedges_g"]["ci"], RTOL)
    delta = glass_delta(trial["mfis48"], trial["group"], **arms)
    agree(FIXTURE, "Glass delta", delta, reference["glass_delta"], RTOL)
