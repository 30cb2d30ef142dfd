"""First-order indices from given draws against indices that are known, and what their intervals hold."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eubiosis.analysis.truth.first_order import (
    between,
    bounded,
    cluster_means,
    clusters,
    first_order,
    halves,
    noise_level,
)


def ishigami(draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(seed).uniform(-math.pi, math.pi, (draws, 3))
    return x, np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def linear(draws: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """2 a + b + noise of variance 1: indices 4/6 and 1/6, and none of a number that is not in it."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(draws, 3))
    return x, 2 * x[:, 0] + x[:, 1] + rng.normal(size=draws)


def test_ishigami_against_its_known_indices():
    """0.3139, 0.4424 and 0 (a = 7, b = 0.1: Ishigami and Homma 1990): the third acts by interaction."""
    variance = 7**2 / 8 + 0.1 * math.pi**4 / 5 + 0.01 * math.pi**8 / 18 + 0.5
    known = [(1 + 0.1 * math.pi**4 / 5) ** 2 / 2 / variance, 7**2 / 8 / variance, 0.0]
    assert known[:2] == pytest.approx([0.3139, 0.4424], abs=1e-4)
    assert first_order(*ishigami(20_000, 1)) == pytest.approx(known, abs=0.012)
    few = np.mean([first_order(*ishigami(128, seed)) for seed in range(60)], axis=0)
    assert few == pytest.approx(known, abs=0.03)  # hardly biased where worlds are few


def test_a_linear_model_and_its_intervals():
    known = np.array([4 / 6, 1 / 6, 0.0])
    found, held = [], []
    for seed in range(30):
        x, y = linear(128, seed)
        shares = first_order(x, y)
        errors = halves(x, y, np.arange(128), np.random.default_rng(seed))
        rows = [bounded(float(share), float(error)) for share, error in zip(shares, errors, strict=True)]
        found.append(shares)
        held.append([row.low <= value <= row.high for row, value in zip(rows, known, strict=True)])
    assert np.mean(found, axis=0) == pytest.approx(known, abs=0.03)
    assert (np.mean(held, axis=0) >= 0.85).all()


def test_any_monotone_scale_of_a_number_gives_the_same_index():
    x, y = linear(100, 3)
    assert first_order(np.exp(x), y) == pytest.approx(first_order(x, y), abs=1e-12)
    assert first_order(x, 5 - 3 * y) == pytest.approx(first_order(x, y), abs=1e-12)


def test_numbers_and_effects_that_do_not_vary_have_none():
    x, y = linear(100, 4)
    x[:, 1] = 7.0
    assert np.isnan(first_order(x, y)).tolist() == [False, True, False]
    assert np.isnan(first_order(x, np.zeros(100))).all()


def test_noise_alone_passes_its_level_in_one_case_of_twenty():
    passed = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(80, 12)), rng.normal(size=80)
        passed += bool(np.nanmax(first_order(x, y)) > noise_level(x, y, np.arange(80), rng))
    assert passed <= 9  # 3 expected; 10 or more has a chance under 1 in 1,000


def test_groups_against_a_one_way_analysis_by_hand():
    """Three groups of two: among 4, within 0.5, so that the variance between is (4 - 0.5) / 2 = 1.75."""
    effects = np.array([0.5, 1.5, 2.5, 3.5, 2.5, 3.5])
    groups, units = np.array([0, 0, 1, 1, 2, 2]), np.arange(6)
    among = 2 * ((1 - 7 / 3) ** 2 + 2 * (3 - 7 / 3) ** 2) / 2
    expected = (among - 0.5) / 2 / np.var(effects, ddof=1)
    found = between(effects, groups, units)
    assert found.share == pytest.approx(min(expected, 1.0))
    assert found.low <= found.share <= found.high


def test_the_index_of_a_group_is_found_and_mirrored_pairs_are_one_unit():
    shares, mirrored = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        gut, host = np.repeat(rng.normal(size=30), 6), rng.normal(size=180)
        groups, units = np.repeat(np.arange(30), 6), np.arange(180) // 2
        shares.append(between(gut + host, groups, np.arange(180)).share)
        sign = np.tile([1.0, -1.0], 90)
        mirrored.append(between(np.repeat(np.abs(host[::2]), 2) * sign, groups, units).share)
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)
    assert max(mirrored) == pytest.approx(
        0.0, abs=1e-12
    )  # every pair sums to none, so nothing is left for the gut


def test_a_group_of_one_says_nothing():
    assert math.isnan(between(np.arange(6.0), np.zeros(6, dtype=np.int64), np.arange(6)).share)
    assert math.isnan(between(np.arange(6.0), np.arange(6), np.arange(6)).share)


def test_clusters_are_rows_that_are_alike():
    of = clusters(np.array([[1.0, 2.0], [0.0, 2.0], [1.0, 2.0]]))
    assert of[0] == of[2] != of[1]
    assert sorted(cluster_means(np.array([1.0, 5.0, 3.0]), of).tolist()) == [2.0, 5.0]


def test_mirrored_pairs_make_no_number_of_no_size_stand_out():
    """Sizes of effects come in equal pairs; a coupling that is mostly none must not look like a cause."""
    passed = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        sizes, units = np.repeat(np.abs(rng.normal(size=40)), 2), np.repeat(np.arange(40), 2)
        x = np.where(rng.random((80, 8)) < 0.8, 0.0, rng.normal(size=(80, 8)))
        mixed = rng.permutation(80)
        x, sizes, units = x[mixed], sizes[mixed], units[mixed]
        passed += bool(np.nanmax(first_order(x, sizes)) > noise_level(x, sizes, units, rng))
    assert passed <= 7  # 2 expected; 8 or more has a chance under 1 in 1,000


def test_the_indices_are_those_of_salib():
    """RBD-FAST of SALib takes the same given draws, six harmonics and the same correction of their count."""
    rbd_fast = pytest.importorskip("SALib.analyze.rbd_fast")
    x, y = ishigami(4_000, 7)
    problem = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[-math.pi, math.pi]] * 3}
    theirs = rbd_fast.analyze(problem, x, y, M=6, num_resamples=2, seed=1)["S1"]
    assert first_order(x, y) == pytest.approx(np.array(theirs), abs=0.02)
