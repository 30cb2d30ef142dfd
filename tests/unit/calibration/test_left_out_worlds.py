"""Worlds without a study: weights against laws that are known, and numbers carried back to their scores."""

import numpy as np
import pytest
from scipy import stats

from eubiosis.calibration.left_out import (
    GutWorldsAtHand,
    LeftOutWorlds,
    pareto_tail,
    points_of,
    smoothed_weights,
)
from eubiosis.calibration.waves import GutProblem
from eubiosis.core.findings import FindingsError
from eubiosis.model import load
from eubiosis.model.shipped import ShippedWorlds, shipped


def test_taking_a_likelihood_from_the_weights_gives_the_law_without_it():
    # prior N(0, 1), a figure N(x; 0.5, 1): the posterior's draws, with the figure taken out, are the prior's
    draw = np.random.default_rng(0)
    x = draw.normal(0.25, 0.5**0.5, 4000)
    weights, shape = smoothed_weights((x - 0.5) ** 2 / 2, np.ones(len(x), dtype=bool))
    mean = weights @ x
    assert weights.sum() == pytest.approx(1)
    assert mean == pytest.approx(0.0, abs=0.1)
    assert weights @ (x - mean) ** 2 == pytest.approx(1.0, abs=0.2)
    assert shape < 0.7


@pytest.mark.parametrize("shape", [0.2, 0.6, 1.0])
def test_the_shape_of_a_pareto_tail_is_found(shape):
    x = np.sort(stats.genpareto.rvs(shape, scale=2.0, size=4000, random_state=7))
    found, scale = pareto_tail(x)
    assert found == pytest.approx(shape, abs=0.08)
    assert scale == pytest.approx(2.0, rel=0.1)


def test_one_world_that_carries_everything_is_not_trusted():
    logs = np.zeros(400)
    logs[:20] = np.arange(20)
    weights, shape = smoothed_weights(logs, np.ones(400, dtype=bool))
    few = LeftOutWorlds("s", "reweighted", {}, weights, {}, 3, shape)
    assert few.effective < 100
    assert not few.suffices


def test_worlds_that_do_not_count_get_no_weight():
    kept = np.arange(50) % 2 == 0
    weights, _ = smoothed_weights(np.linspace(0, 1, 50), kept)
    assert (weights[~kept] == 0).all()
    assert weights.sum() == pytest.approx(1)


def test_numbers_go_back_to_scores_that_give_them_again():
    model = load()
    own = shipped(model).gut
    assert own is not None
    values = {name: own.values[:12, k] for k, name in enumerate(own.names)}
    problem = GutProblem.of(model, threads=1)
    again = problem.sets(points_of(model, values))
    for name, numbers in values.items():
        np.testing.assert_allclose(again[name], numbers, rtol=1e-6, atol=1e-9 * max(abs(numbers).max(), 1))


def test_every_world_is_asked_at_its_own_reference_biomass():
    """The printed table holds what stands behind a read; 303 and 500 have no rest at the model's biomass."""
    model = load()
    own = shipped(model).gut
    assert own is not None
    rows = [0, 1, 303, 500]
    few = ShippedWorlds(own.names, own.values[rows], own.weights[rows] / own.weights[rows].sum())
    hand = GutWorldsAtHand.of(model, few)
    np.testing.assert_array_equal(hand.weights, few.weights)
    points = points_of(model, {name: few.values[:, k] for k, name in enumerate(few.names)})
    again = hand.problem.answers(points)  # what the likelihood of these points sees
    for term in hand.problem.fitted:
        np.testing.assert_allclose(hand.answers[term.row.id], again[term.row.id], rtol=2e-3, atol=1e-6)
    broken = few.values.copy()
    broken[2, few.names.index("gut_Y_carb")] *= 1e-9
    with pytest.raises(FindingsError, match="world 2: no healthy steady state"):
        GutWorldsAtHand.of(model, ShippedWorlds(few.names, broken, few.weights))


def test_a_study_of_no_fitted_row_leaves_the_worlds_as_they_are():
    model = load()
    own = shipped(model).gut
    assert own is not None
    few = type(own)(own.names, own.values[:8], own.weights[:8] / own.weights[:8].sum())
    hand = GutWorldsAtHand.of(model, few)
    found = hand.without("nobody 1999")
    assert found.how == "all"
    np.testing.assert_array_equal(found.weights, hand.weights)
    weighted = hand.reweighted("Levi 2021")
    assert weighted.rows == 2
    assert not np.allclose(weighted.weights, hand.weights)
