"""Profile likelihood intervals: batched as one at a time, by hand, and where there is no end."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import chi2, poisson

from eubiosis.analysis.batched.counts import Events
from eubiosis.analysis.batched.counts import rate_ratios as many
from eubiosis.analysis.batched.profiles import profile_intervals
from eubiosis.analysis.estimators.count_profiles import profile_interval
from eubiosis.analysis.estimators.counts import fit_counts, rate_ratios


def made(seed, size, people, arms, dispersion=1.0, rate=1.0):
    """Counts of trials with unequal follow-up, some people without any."""
    rng = np.random.default_rng(seed)
    arm = np.stack([rng.permutation(np.arange(people) % arms) for _ in range(size)])
    years = rng.uniform(0.3, 2.0, (size, people)) * (rng.random((size, people)) > 0.05)
    frailty = rng.gamma(1 / dispersion, dispersion, (size, people)) if dispersion else 1.0
    counts = rng.poisson(rate * frailty * years * np.array([1.0, 0.6, 1.5])[arm]).astype(float)
    return counts, years, arm


@pytest.mark.parametrize(("dispersion", "people", "arms"), [(1.0, 30, 2), (0.0, 40, 2), (2.0, 60, 3)])
def test_batched_ends_are_those_of_one_at_a_time(dispersion, people, arms):
    counts, years, arm = made(3, 12, people, arms, dispersion)
    data = Events.of(counts, years, arm, np.stack([arm == k for k in range(arms)]))
    fits = many(data)
    found = profile_intervals(data, fits)
    assert fits.regular.all()
    for i in range(len(counts)):
        names = np.array(["c", "t1", "t2"])[arm[i]]
        design, fit = fit_counts(counts[i], years[i], names, control="c")
        for k in range(arms - 1):
            ends = profile_interval(design, fit, f"t{k + 1}")
            # of a standard error: 1e-6
            assert np.abs(found[:, i, k] - ends).max() < 1e-6 * fits.error[i, k]


def test_two_poisson_counts_by_hand():
    """Without overdispersion two sums are all there is: the likelihood of their split is binomial."""
    counts, years, arm = np.ones((1, 20)), np.ones((1, 20)), np.arange(20)[None] % 2
    counts[0, 0] = 2.0
    data = Events.of(counts, years, arm, np.stack([arm == 0, arm == 1]))
    fits = many(data)
    assert fits.boundary[0]
    control, treated = 11.0, 10.0

    def fall(ratio):
        rate = (control + treated) / (10 * (1 + np.exp(ratio)))

        def likelihood(first, other):
            return poisson.logpmf(control, 10 * first) + poisson.logpmf(treated, 10 * other)

        best = likelihood(control / 10, treated / 10)
        return 2 * (best - likelihood(rate, rate * np.exp(ratio))) - chi2.isf(0.05, 1)

    best = np.log(treated / control)
    ends = [brentq(fall, best - 5, best), brentq(fall, best, best + 5)]
    assert profile_intervals(data, fits)[:, 0, 0] == pytest.approx(ends, abs=1e-7)


def test_an_interval_holds_one_exactly_where_the_likelihood_ratio_does_not_reject():
    counts, years, arm = made(8, 40, 40, 2)
    names = np.array(["c", "t"])
    for i in range(len(counts)):
        (one,) = rate_ratios(counts[i], years[i], names[arm[i]], control="c", interval="profile")
        assert (one.ci_low <= 1.0 <= one.ci_high) == (one.p_value >= 0.05)
        assert one.ci_low < one.estimate < one.ci_high


def test_an_arm_without_events_has_no_numbers_and_another_law_no_profile():
    (none,) = rate_ratios(
        [0, 0, 0, 1, 2, 1], [1.0] * 6, ["t"] * 3 + ["c"] * 3, control="c", interval="profile"
    )
    assert (none.status, math.isnan(none.ci_low)) == ("too_few_events", True)
    with pytest.raises(ValueError, match='allowed: the law "negative binomial"'):
        rate_ratios([1, 2], [1.0, 1.0], ["t", "c"], control="c", law="Poisson", interval="profile")


@pytest.mark.parametrize(
    ("words", "said"),
    [({"interval": "profiled"}, 'nearest "profile"'), ({"law": "poisson"}, 'nearest "Poisson"')],
)
def test_an_unknown_interval_or_law_is_no_other_one(words, said):
    with pytest.raises(ValueError, match=said):
        rate_ratios([1, 2, 1, 0], [1.0] * 4, ["t", "c"] * 2, control="c", **words)
