"""Agreement with R's metafor 3.8.1 on eleven data sets, to the relative tolerance each fixture states.

The numbers are compared with our searches stopped where R stops its own (see ``stopping``); a second test
shows that unstopped they solve the equations better and lie within R's stopping threshold.
"""

import numpy as np
import pytest
from stopping import THRESHOLD, UNIROOT

from eubiosis.evidence.synthesis import combine as synthesis
from eubiosis.evidence.synthesis import counts, effects, small_study
from eubiosis.evidence.synthesis import heterogeneity as het
from eubiosis.evidence.synthesis.multilevel import three_level

NAMES = ["meta_made_k2", "meta_made_homogeneous", "meta_made_outlier", "meta_made_ms_rate_ratio",
         "meta_made_fatigue_smd", "meta_hackshaw1998", "meta_bcg", "meta_normand1999",
         "meta_hart1999_irr"]  # fmt: skip
TESTS = {"": "wald", "HKSJ": "knapp-hartung", "HKSJ_adhoc": "knapp-hartung-adhoc"}


def floats(rows, column):
    return np.array([float(row[column]) for row in rows])


def batteries(fixture, rows):
    """Yield (label, y, v, models, bias) of a fixture, with the effect sizes computed by us."""
    expected = fixture["expected"]
    name = fixture["id"]
    if name == "meta_bcg":
        es = [effects.log_risk_ratio(*bcg_cells(row)) for row in rows]
        yield "RR", *split(es), expected["models_logRR"], expected["bias_logRR"]
    elif name == "meta_normand1999":
        smd, md = zip(*(normand(row) for row in rows), strict=True)
        yield "SMD", *split(smd), expected["models_SMD"], expected["bias_SMD"]
        yield "MD", *split(md), expected["models_MD"], None
    elif name == "meta_hart1999_irr":
        es = [effects.log_rate_ratio(*(float(row[c]) for c in ("x1i", "t1i", "x2i", "t2i"))) for row in rows]
        yield "IRR", *split(es), expected["models"], None
    else:
        yield name, floats(rows, "yi"), floats(rows, "vi"), expected["models"], expected.get("bias")


def split(es):
    return np.array([e.estimate for e in es]), np.array([e.variance for e in es])


def bcg_cells(row):
    tpos, tneg, cpos, cneg = (float(row[c]) for c in ("tpos", "tneg", "cpos", "cneg"))
    return tpos, tpos + tneg, cpos, cpos + cneg


def normand(row):
    n1, m1, s1, n2, m2, s2 = (float(row[c]) for c in ("n1i", "m1i", "sd1i", "n2i", "m2i", "sd2i"))
    return (
        effects.standardised_mean_difference(m1, s1, n1, m2, s2, n2),
        effects.mean_difference(m1, s1, n1, m2, s2, n2),
    )


def agrees(ours, theirs, rtol):
    """Compare a number or a list; null in the fixture means not defined."""
    if theirs is None:
        return
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-9)


def check_model(fit, expected, rtol):
    agrees(fit.estimate, expected["b"], rtol)
    agrees(fit.standard_errors[0], expected["se"], rtol)
    agrees(fit.interval, [expected["ci_lb"], expected["ci_ub"]], rtol)
    agrees(fit.statistics[0], expected["stat"], rtol)
    agrees(fit.p_values[0], expected["p"], 10 * rtol if expected["p"] < 1e-6 else rtol)
    agrees(fit.tau2, expected["tau2"], rtol)
    agrees(fit.i2, expected["I2"], rtol)
    agrees(fit.h2, expected["H2"], rtol)
    agrees(fit.q, expected["Q"], rtol)
    agrees(fit.q_p, expected["Qp"], rtol)
    if expected["se_tau2"] is not None:
        agrees(fit.tau2_se, expected["se_tau2"], rtol)
    if "pi_lb" in expected and fit.method != "FE":
        agrees(fit.prediction_interval(), [expected["pi_lb"], expected["pi_ub"]], rtol)


@pytest.mark.parametrize("name", NAMES)
def test_estimators_and_intervals(name, pinned, stops_like_r):
    fixture, rows = pinned(name)
    compared = 0
    for _, y, v, models, _ in batteries(fixture, rows):
        for label, expected in models.items():
            method, _, test = label.partition("_")
            check_model(synthesis.fit(y, v, method=method, test=TESTS[test]), expected, fixture["rtol"])
            compared += 1
            if "tau2_ci_qprofile" in expected:
                interval, i2 = synthesis.tau2_interval(y, v)
                limit = max(100, 10 * expected["tau2"])  # where confint stops looking in metafor 3.8.1
                agrees(np.minimum(interval, limit), expected["tau2_ci_qprofile"], fixture["rtol"])
                if interval[1] < limit:
                    agrees(i2, expected["I2_ci"], fixture["rtol"])
    assert compared in (15, 30)


@pytest.mark.parametrize("name", NAMES)
def test_our_search_is_the_more_exact_one(name, pinned):
    fixture, rows = pinned(name)
    for _, y, v, models, _ in batteries(fixture, rows):
        x = np.ones((len(y), 1))
        for label in ("ML", "REML", "EB", "PM"):
            ours, theirs = synthesis.fit(y, v, method=label).tau2, models[label]["tau2"]
            threshold = 2 * UNIROOT if label == "PM" else 4 * THRESHOLD
            assert abs(ours - theirs) <= threshold
            ours_off, theirs_off = abs(equation(label, y, v, x, ours)), abs(equation(label, y, v, x, theirs))
            if ours > 0:
                assert ours_off <= max(theirs_off, 1e-8)
                assert ours_off < 1e-6
            else:
                assert equation(label, y, v, x, 0.0) <= 0


def equation(method, y, v, x, tau2):
    """Return the left side of the estimating equation, zero at the estimate."""
    p, w = het.projection(v, x, tau2), 1 / (v + tau2)
    if method == "ML":
        return y @ p @ p @ y - w.sum()
    if method == "REML":
        return y @ p @ p @ y - np.trace(p)
    return y @ p @ y - (len(y) - 1)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("meta_made_k2", "meta_hart1999_irr")])
def test_small_study_and_influence(name, pinned, stops_like_r):
    fixture, rows = pinned(name)
    rtol = fixture["rtol"]
    seen = 0
    for _, y, v, _, bias in batteries(fixture, rows):
        if bias is None:
            continue
        seen += 1
        lm = small_study.egger(y, v)
        agrees(lm.statistic, bias["egger_lm"]["t"], rtol)
        agrees(lm.p_value, bias["egger_lm"]["p"], rtol)
        agrees(lm.intercept, bias["egger_lm"]["intercept_egger"], rtol)
        assert lm.df == bias["egger_lm"]["df"]
        mixed = small_study.egger_mixed(y, v)
        agrees(mixed.statistic, bias["egger_rma_REML"]["z"], rtol)
        agrees(mixed.p_value, bias["egger_rma_REML"]["p"], rtol)
        rank = small_study.begg(y, v)
        agrees(rank.statistic, bias["begg_rank"]["kendall_tau"], rtol)
        agrees(rank.p_value, bias["begg_rank"]["p"], rtol)
        without = synthesis.leave_one_out(y, v)
        for attribute, values in bias["leave_one_out_REML"].items():
            ours = {"b": lambda f: f.estimate, "se": lambda f: f.standard_errors[0],
                    "tau2": lambda f: f.tau2, "I2": lambda f: f.i2}[attribute]  # fmt: skip
            agrees([ours(f) for f in without], values, rtol)
        growing = synthesis.cumulative(y, v)
        agrees([f.estimate for f in growing], bias["cumulative_REML"]["b"], rtol)
        agrees([f.standard_errors[0] for f in growing], bias["cumulative_REML"]["se"], rtol)
        diagnostic = synthesis.influence(y, v)
        agrees(diagnostic.cook_distance, bias["influence_REML"]["cook_d"], rtol)
        agrees(diagnostic.hat, bias["influence_REML"]["hat"], rtol)
        agrees(diagnostic.studentised_residual, bias["influence_REML"]["rstudent"], rtol)
        assert small_study.rosenthal_fail_safe(y, v) == bias["failsafe_rosenthal"]
    assert seen == 1


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("meta_made_k2", "meta_hart1999_irr")])
def test_trim_and_fill(name, pinned, full_steps):
    fixture, rows = pinned(name)
    rtol = fixture["rtol"]
    for _, y, v, _, bias in batteries(fixture, rows):
        if bias is None:
            continue
        for method, key in (("REML", "trimfill_REML"), ("FE", "trimfill_FE")):
            full_steps(
                1.0 if bias[key]["k0"] else 0.5
            )  # with nothing to fill, R returns the model it was given
            filled = small_study.trim_and_fill(y, v, method=method)
            assert (filled.added, filled.side) == (bias[key]["k0"], bias[key]["side"])
            agrees(filled.fit.estimate, bias[key]["b"], rtol)
            agrees(filled.fit.standard_errors[0], bias[key]["se"], rtol)
            agrees(filled.fit.tau2, bias[key].get("tau2"), rtol)


def test_effect_sizes_of_two_by_two_tables(pinned):
    fixture, rows = pinned("meta_bcg")
    functions = {"RR": effects.log_risk_ratio, "OR": effects.log_odds_ratio, "RD": effects.risk_difference,
                 "PETO": effects.peto_log_odds_ratio}  # fmt: skip
    for name, function in functions.items():
        y, v = split([function(*bcg_cells(row)) for row in rows])
        agrees(y, fixture["expected"]["effect_sizes"][name]["yi"], fixture["rtol"])
        agrees(v, fixture["expected"]["effect_sizes"][name]["vi"], fixture["rtol"])


def test_effect_sizes_of_means(pinned):
    fixture, rows = pinned("meta_normand1999")
    expected = fixture["expected"]
    arguments = [[float(row[c]) for c in ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")] for row in rows]
    for kind, key in (("large-sample", "vi_LS"), ("unbiased", "vi_UB")):
        y, v = split([effects.standardised_mean_difference(*a, variance=kind) for a in arguments])
        agrees(y, expected["SMD"]["yi"], fixture["rtol"])
        agrees(v, expected["SMD"][key], fixture["rtol"])
    y, v = split([effects.mean_difference(*a) for a in arguments])
    agrees(y, expected["MD"]["yi"], fixture["rtol"])
    agrees(v, expected["MD"]["vi"], fixture["rtol"])


def test_rate_ratios(pinned):
    fixture, rows = pinned("meta_hart1999_irr")
    columns = [floats(rows, c) for c in ("x1i", "t1i", "x2i", "t2i")]
    y, v = split([effects.log_rate_ratio(*row) for row in zip(*columns, strict=True)])
    agrees(y, fixture["expected"]["yi"], fixture["rtol"])
    agrees(v, fixture["expected"]["vi"], fixture["rtol"])
    pooled = counts.mantel_haenszel_rate_ratio(*columns)
    agrees(pooled.estimate, fixture["expected"]["MH_IRR"]["b"], fixture["rtol"])
    agrees(pooled.standard_error, fixture["expected"]["MH_IRR"]["se"], fixture["rtol"])


def test_mantel_haenszel_and_peto(pinned):
    fixture, rows = pinned("meta_bcg")
    expected, rtol = fixture["expected"], fixture["rtol"]
    columns = list(zip(*(bcg_cells(row) for row in rows), strict=True))
    for key, function in (("MH_RR", counts.mantel_haenszel_rr), ("MH_OR", counts.mantel_haenszel_or),
                          ("PETO", counts.peto)):  # fmt: skip
        pooled = function(*columns)
        agrees([pooled.estimate, pooled.standard_error, pooled.q],
               [expected[key][c] for c in ("b", "se", "Q")], rtol)  # fmt: skip
    test = counts.cochran_mantel_haenszel(*columns)
    agrees([test.statistic, test.p_value], [expected["MH_OR"]["CMH"], expected["MH_OR"]["CMHp"]], rtol)
    test = counts.tarone(*columns)
    agrees([test.statistic, test.p_value], [expected["MH_OR"]["TA"], expected["MH_OR"]["TAp"]], rtol)


def test_zero_cells(pinned):
    fixture, rows = pinned("meta_zero_cells")
    functions = {"RR": effects.log_risk_ratio, "OR": effects.log_odds_ratio, "RD": effects.risk_difference}
    for name, function in functions.items():
        y, v = split([function(*(float(row[c]) for c in ("a", "n1", "c", "n2"))) for row in rows])
        agrees(y, fixture["expected"][name]["yi"], fixture["rtol"])
        agrees(v, fixture["expected"][name]["vi"], fixture["rtol"])
        check_model(synthesis.fit(y, v, method="DL"), fixture["expected"][name]["DL"], fixture["rtol"])


@pytest.mark.parametrize(
    ("key", "method", "test"),
    [("REML", "REML", "wald"), ("REML_HKSJ", "REML", "knapp-hartung"), ("DL", "DL", "wald")],
)
def test_meta_regression(key, method, test, pinned, full_steps):
    full_steps()
    fixture, rows = pinned("meta_bcg")
    y, v = split([effects.log_risk_ratio(*bcg_cells(row)) for row in rows])
    x = np.column_stack([np.ones(len(y)), floats(rows, "ablat")])
    expected = fixture["expected"]["meta_regression_ablat"][key]
    fit = synthesis.fit(y, v, x=x, method=method, test=test)
    check_regression(y, v, x, fit, expected, fixture["rtol"])
    if "pred_at_10_30_50" in expected:
        mean, error = fit.predict(np.array([[1, 10], [1, 30], [1, 50]], dtype=float))
        agrees(mean, expected["pred_at_10_30_50"], fixture["rtol"])
        agrees(error, expected["pred_se"], fixture["rtol"])


def test_meta_regression_with_a_factor(pinned, full_steps):
    full_steps()
    fixture, rows = pinned("meta_bcg")
    y, v = split([effects.log_risk_ratio(*bcg_cells(row)) for row in rows])
    dummies = [[row["alloc"] == level for row in rows] for level in ("random", "systematic")]
    x = np.column_stack([np.ones(len(y)), floats(rows, "ablat"), floats(rows, "year"), *dummies]).astype(
        float
    )
    expected = fixture["expected"]["meta_regression_ablat_year_alloc_REML"]
    check_regression(y, v, x, synthesis.fit(y, v, x=x, method="REML"), expected, fixture["rtol"])


def check_regression(y, v, x, fit, expected, rtol):
    agrees(fit.coefficients, expected["b"], rtol)
    agrees(fit.standard_errors, expected["se"], rtol)
    agrees(fit.intervals[:, 0], expected["ci_lb"], rtol)
    agrees(fit.intervals[:, 1], expected["ci_ub"], rtol)
    agrees(fit.statistics, expected["stat"], rtol)
    agrees(fit.p_values, expected["p"], rtol)
    agrees([fit.tau2, fit.tau2_se, fit.i2, fit.h2, fit.q, fit.q_p],
           [expected[c] for c in ("tau2", "se_tau2", "I2", "H2", "Q", "Qp")], rtol)  # fmt: skip
    test = synthesis.moderator_test(y, v, x, fit)
    agrees([test.statistic, test.p_value], [expected["QM"], expected["QMp"]], rtol)
    if "R2" in expected:
        agrees(test.r2, expected["R2"], rtol)


def test_subgroups(pinned, full_steps):
    full_steps()
    fixture, rows = pinned("meta_bcg")
    y, v = split([effects.log_risk_ratio(*bcg_cells(row)) for row in rows])
    fits, test = synthesis.subgroups(y, v, [row["alloc"] for row in rows])
    for group, expected in fixture["expected"]["subgroup_alloc_REML"].items():
        check_model(fits[group], expected, fixture["rtol"])
    expected = fixture["expected"]["subgroup_test_alloc"]
    agrees(test.statistic, expected["QM"], fixture["rtol"])
    agrees(test.p_value, expected["p"], fixture["rtol"])


def test_three_levels(pinned):
    fixture, rows = pinned("meta_three_level")
    fit = three_level(floats(rows, "yi"), floats(rows, "vi"), [row["district"] for row in rows])
    expected, robust = fixture["expected"]["REML"], fixture["expected"]["robust_CR1"]
    rtol = fixture["rtol"]
    agrees(fit.estimate, expected["b"], rtol)
    agrees(fit.standard_error, expected["se"], rtol)
    agrees([fit.between, fit.within], [expected["sigma2_between"], expected["sigma2_within"]], rtol)
    agrees(fit.q, expected["Q"], rtol)
    agrees(fit.robust_standard_error, robust["se"], rtol)
    agrees(fit.estimate / fit.robust_standard_error, robust["t"], rtol)
    agrees(fit.robust_p, robust["p"], rtol)
    assert fit.robust_df == robust["df"]
    agrees(fit.log_likelihood, expected["logLik"], rtol)
