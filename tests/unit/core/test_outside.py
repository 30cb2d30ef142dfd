"""Effects outside the mechanism: the posterior of their spread, what a class shares, what is refused."""

import math
import shutil

import numpy as np
import pytest
from scipy.stats import halfnorm, multivariate_normal

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError
from eubiosis.core.outside import DeltaTrial, fit_outside, outside_of, read_outside
from eubiosis.core.tables import RowProblem
from eubiosis.evidence.synthesis.bayes import bayes_fit

TABLES = read_outside(PACKAGED_CONTENT)


def trial(name, estimate, se, effect_class="a", **changes):
    return DeltaTrial(
        **{
            "cohort": name, "trial": name, "agent": name, "effect_class": effect_class, "population": "MS",
            "outcome": "relapses", "estimate": estimate, "se": se, "how": "made", "blinded": "yes",
            "randomised": 200, "role": "fit", "basis": "derived", "source": "made", "licence": "made",
        } | changes
    )  # fmt: skip


def edited(tmp_path, table, old, new):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT / "calibration", folder / "calibration")
    file = folder / "calibration" / table
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder


def test_without_trials_the_spread_has_its_prior_and_centre_zero():
    found = fit_outside([], tau_scale=0.5)
    for p in (0.25, 0.5, 0.975):
        assert found.tau_quantile(p) == pytest.approx(halfnorm.ppf(p, scale=0.5), abs=0.01)
    weights, means, sds = found.components("anything")
    assert not means.any()
    assert math.sqrt(weights @ sds**2) == pytest.approx(0.5, rel=1e-3)  # E tau^2 of a half-normal


def test_the_posterior_is_that_of_the_normal_law_written_out():
    """Weights of all nodes against scipy's multivariate normal, with bias, a class and a shared control."""
    rows = [
        trial("one", -0.4, 0.3),
        trial("two", 0.1, 0.2),
        trial("three", -0.2, 0.25, "b", control="c", control_variance=0.03),
        trial("four", -0.3, 0.25, "b", control="c", control_variance=0.03),
    ]
    found = fit_outside(rows, tau_scale=0.4, bias_mean=-0.5, bias_sd=0.3)
    se = np.array([r.se for r in rows])
    same = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], dtype=float)
    fixed = np.diag(se**2) + 0.09 * np.outer(se, se)
    fixed[2, 3] += 0.03
    fixed[3, 2] += 0.03
    some = [0, 7, 100, 333, 500, 700]
    log = []
    for k in some:
        tau, rho = found.taus[k], found.rhos[k]
        between = tau**2 * (rho * same + (1 - rho) * np.eye(4))
        log.append(multivariate_normal.logpdf([r.estimate for r in rows], -0.5 * se, fixed + between))
    prior = fit_outside([], tau_scale=0.4).weights
    told = np.log(found.weights[some] / prior[some])
    np.testing.assert_allclose(told - told[2], np.array(log) - log[2], atol=1e-8)


def test_eight_large_trials_have_the_spread_that_was_published_with_them():
    """The evidence prints tau .20 (REML .19, 0 to .52) and a mean ratio of .95 (.72 to 1.23) for k = 8."""
    eight = [r for r in TABLES.trials if r.role == "fit" or r.trial == "RECYCLINE"]
    assert len(eight) == 8
    plain = bayes_fit([r.estimate for r in eight], [r.se**2 for r in eight], tau_scale=0.5)
    assert plain.tau_median == pytest.approx(0.20, abs=0.01)
    assert math.exp(plain.estimate) == pytest.approx(0.95, abs=0.01)
    about_zero = fit_outside(eight, tau_scale=0.5)
    assert about_zero.tau_quantile(0.5) == pytest.approx(0.20, abs=0.02)
    assert about_zero.tau_quantile(0.975) < 0.60


def test_a_held_out_trial_is_never_fitted():
    assert {r.trial for r in TABLES.trials if r.role == "holdout"} == {"RECYCLINE", "WIRMS"}
    assert "RECYCLINE" not in {r.trial for r in outside_of(TABLES).rows}
    assert len(outside_of(TABLES).rows) == 7


def test_publication_bias_shifts_what_is_reported_and_not_the_spread():
    """Trials that report one standard error too little: with that stated nothing is left to spread."""
    rows = [trial(f"t{k}", -se, se, f"c{k}") for k, se in enumerate((0.15, 0.3, 0.45, 0.6, 0.2, 0.5))]
    told = fit_outside(rows, tau_scale=0.5, bias_mean=-1.0)
    blind = fit_outside(rows, tau_scale=0.5)
    assert told.tau_quantile(0.5) < 0.6 * blind.tau_quantile(0.5)
    assert not told.components("new")[1].any()


def test_arms_that_share_a_control_count_less_than_two_trials():
    """By hand for two equal arms: the class's mean is 2 y tau^2 rho / (se^2 + shared + tau^2 (1 + rho))."""
    shared = {"control": "c", "control_variance": 0.045}
    twice = fit_outside(
        [trial("x", -0.5, 0.3, **shared), trial("x", -0.5, 0.3, agent="y", **shared)], tau_scale=0.5
    )
    apart = fit_outside([trial("x", -0.5, 0.3), trial("y", -0.5, 0.3)], tau_scale=0.5)
    for found, common in ((twice, 0.045), (apart, 0.0)):
        tau2, rho = found.taus**2, found.rhos
        expected = -tau2 * rho / (0.09 + common + tau2 * (1 + rho))
        np.testing.assert_allclose(found.class_means["a"], expected, rtol=1e-9)


def test_leaving_a_cohort_out_is_never_having_seen_it():
    kept = [r for r in TABLES.fitted() if r.cohort != "ms_stat2_2025"]
    never = fit_outside(kept, tau_scale=0.5, bias_sd=TABLES.value("bias_slope_sd"))
    np.testing.assert_array_equal(outside_of(TABLES, ["ms_stat2_2025"]).weights, never.weights)
    assert outside_of(TABLES).tau_quantile(0.5) != never.tau_quantile(0.5)


def test_draws_have_the_posterior_s_moments_and_a_class_hangs_together():
    found = outside_of(TABLES)
    pair = {"inulin": "prebiotic", "starch": "prebiotic", "propionate": "scfa"}
    drawn = [found.draw(2 * k, 11, pair) for k in range(4000)]
    values = np.array([[d[name] for name in pair] for d in drawn])
    tau2 = float(found.weights @ found.taus**2)
    common = float(found.weights @ (found.taus**2 * found.rhos))
    covariance = np.cov(values.T)
    assert np.diag(covariance) == pytest.approx(np.full(3, tau2), rel=0.15)
    assert covariance[0, 1] == pytest.approx(common, rel=0.2)
    assert abs(covariance[0, 2]) < 0.2 * common
    for k in (0, 6):
        even, odd = found.draw(k, 11, pair), found.draw(k + 1, 11, pair)
        assert odd == {name: -value for name, value in even.items()}
        assert found.draw(k, 11, {"inulin": "prebiotic"}) == {"inulin": even["inulin"]}


@pytest.mark.parametrize(
    ("table", "old", "new", "words"),
    [
        ("delta_trials.tsv", "simcombin2011\tSIMCOMBIN", "hupperts2019_solar\tSIMCOMBIN", "is counted twice"),
        ("delta_trials.tsv", "304\tholdout", "304\tfit", 'cohort "sorensen2016_recycline" is held out'),
        ("delta_trials.tsv", "PMID 21742556\tfacts of a publication; no text or table copied",
         "PMID 21742556\t", "SIMCOMBIN: no licence"),
        ("delta_trials.tsv", "abstract\tPMID 21742556", "abstract\t", "SIMCOMBIN: no source"),
        ("delta_trials.tsv", "44\tcheck", "44\tfit", "open or too small"),
        ("delta_trials.tsv", "PrevANZ placebo\t0.036", "\t0.036", "one of control and control_variance"),
        ("delta_priors.tsv", "outside the mechanism\t0\tlog ratio\t-0.174", "x\t-0.1\tlog ratio\t-0.174",
         "no support at zero"),
    ],
)  # fmt: skip
def test_what_may_not_enter_is_refused_by_name(tmp_path, table, old, new, words):
    folder = edited(tmp_path, table, old, new)
    with pytest.raises(FindingsError, match=words):
        read_outside(folder, frozenset({"sorensen2016_recycline"}))


def test_a_standard_error_of_nothing_is_refused():
    with pytest.raises(ValueError, match="standard error above 0"):
        trial("x", 0.1, 0.0)
    assert issubclass(RowProblem, ValueError)
