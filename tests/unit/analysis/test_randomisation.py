"""Randomisation test of counts: by enumeration, by its level, and by what it must not depend on."""

from itertools import combinations

import numpy as np
import pytest

from eubiosis.analysis.estimators.randomisation import log_ratio, randomisation_p


def test_small_table_against_full_enumeration():
    counts = np.array([5, 7, 9, 0, 1, 2], dtype=float)
    years = np.array([1.0, 1.0, 0.5, 1.0, 1.0, 0.8])
    arm = np.array(["a", "a", "a", "b", "b", "b"])

    def statistic(rows):
        inside = np.zeros(6, dtype=bool)
        inside[list(rows)] = True
        first = (counts[inside].sum() + 0.5) / years[inside].sum()
        return abs(np.log(first / ((counts[~inside].sum() + 0.5) / years[~inside].sum())))

    observed = statistic((0, 1, 2))
    exact = np.mean([statistic(rows) >= observed - 1e-12 for rows in combinations(range(6), 3)])
    sampled = randomisation_p(
        counts, years, arm, treated="a", control="b", generator=np.random.default_rng(3), relabellings=20_000
    )
    assert exact == pytest.approx(2 / 20)
    assert sampled == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))


def test_level_holds_for_counts_that_no_negative_binomial_law_gives():
    generator = np.random.default_rng(11)
    trials, hits = 600, 0
    for _ in range(trials):
        # a tenth of the people carry nearly all lesions
        rates = np.where(generator.random(40) < 0.1, 60.0, 0.3) * generator.lognormal(0, 1.2, 40)
        counts = generator.poisson(rates)
        arm = generator.permutation(np.repeat(["a", "b"], 20))
        p = randomisation_p(
            counts, np.ones(40), arm, treated="a", control="b", generator=generator, relabellings=199
        )
        hits += p < 0.05
    # at most 5 %: 600 trials give a standard error of 0.9 %; three of them are allowed
    assert hits / trials < 0.05 + 3 * np.sqrt(0.05 * 0.95 / trials)
    assert hits / trials > 0.05 - 3 * np.sqrt(0.05 * 0.95 / trials)


def test_other_arms_play_no_part():
    counts, years = [3.0, 4.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]
    arm = ["a", "a", "b", "b"]
    alone = randomisation_p(counts, years, arm, treated="a", control="b", generator=np.random.default_rng(1))
    beside = randomisation_p(
        [*counts, 50.0], [*years, 1.0], [*arm, "c"],
        treated="a", control="b", generator=np.random.default_rng(1),
    )  # fmt: skip
    assert alone == beside


@pytest.mark.parametrize("nothing", [(99.0, 0.0), (np.nan, 1.0)])
def test_who_has_nothing_to_count_is_randomised_and_adds_nothing(nothing):
    """By enumeration of the ten ways to treat three of five people."""
    counts, years = np.array([6.0, 4.0, 0.0, 1.0, nothing[0]]), np.array([1.0, 1.0, 1.0, 1.0, nothing[1]])
    arm = np.array(["a", "a", "b", "b", "a"])
    kept = np.array([6.0, 4.0, 0.0, 1.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0, 0.0])

    def statistic(rows):
        inside = np.isin(np.arange(5), rows)
        first, other = ((kept[0][r].sum() + 0.5) / kept[1][r].sum() for r in (inside, ~inside))
        return abs(np.log(first / other))

    exact = np.mean([statistic(rows) >= statistic((0, 1, 4)) - 1e-12 for rows in combinations(range(5), 3)])
    found = randomisation_p(
        counts, years, arm, treated="a", control="b", generator=np.random.default_rng(3), relabellings=20_000
    )
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))


def test_an_arm_with_nobody_is_refused():
    with pytest.raises(ValueError, match="nobody in a"):
        randomisation_p([1.0], [1.0], ["b"], treated="a", control="b", generator=np.random.default_rng(1))


@pytest.mark.parametrize("rounding", [-1, 0, 1])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_group_with_all_the_time_is_infinitely_different_whatever_is_rounded(rounding, kind):
    time = np.array([6.0], dtype=kind)
    whole = np.array(6.0 * (1 + rounding * np.finfo(kind).eps), dtype=kind)
    ratio = log_ratio(np.array([2.0], dtype=kind), time, np.array(2.0, dtype=kind), whole)
    assert ratio.tolist() == [-np.inf]
    assert ratio.dtype == kind
