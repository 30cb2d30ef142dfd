"""Supply inferred from composition: its own compositions are found again, no spread moves nothing."""

import numpy as np
import pytest

from eubiosis.core.guilds import GUILDS
from eubiosis.model.niche import OK
from eubiosis.model.worlds import draw_gut_world, hold_people, reference_shares
from eubiosis.population.generate import generate
from eubiosis.population.supply import SUBSTRATES, infer_supply, supply_sd


@pytest.fixture(scope="module")
def world(model):
    return draw_gut_world(model, 0, 0, vary=False)


@pytest.fixture(scope="module")
def people(model):
    return generate(model, group="Control", seed=3).candidates(12).shares


def shares_on(model, world, supply):
    """The composition to which the healthy gut goes when it gets ``supply`` times its carbohydrate."""
    kernel = model.gut_kernel
    given = {n: v for n, v in world.values.items() if n in kernel.parameter_index}
    given |= {f"gut_w_{g}": world.factors[k] for k, g in enumerate(GUILDS)}
    given |= {f"gut_F_{s}": supply * model.content.value(f"gut_F_{s}") for s in SUBSTRATES}
    end = kernel.solve([0.0, 3000.0], (), parameters=given, initial=world.healthy[None])
    assert end.status[0] == OK
    biomass = end.states[0, [kernel.state_index[f"gut_B_{g}"] for g in GUILDS]]
    return world.read_shares(biomass / biomass.sum())


def test_less_and_more_carbohydrate_are_told_apart(model, world):
    asked = np.array([shares_on(model, world, supply) for supply in (0.6, 1.0, 1.6)])
    found = infer_supply(model, world, asked).log_supply
    assert found[0] < -0.05 < found[1] < 0.05 + found[2]
    assert abs(found[1]) < 0.05
    assert found[2] > 0.05


def test_without_spread_everybody_has_the_models_own_diet(model, world, people):
    none = infer_supply(model, world, people, sd=0.0)
    assert none.points.tolist() == [0.0]
    assert np.array_equal(none.held[0].factors, hold_people(model, world, people, "healthy").factors)
    assert np.all(none.log_supply == 0)


def test_weights_sum_to_one_and_nobody_hangs_on_the_others(model, world, people):
    found = infer_supply(model, world, people)
    assert found.points[0] == pytest.approx(-2 * supply_sd())
    assert np.allclose(found.weights.sum(axis=1), 1)
    alone = infer_supply(model, world, people[4:5])
    assert alone.weights[0] == pytest.approx(found.weights[4], rel=1e-9)
    constant = np.full((len(found.points), len(people)), 3.5)
    assert found.mean(constant) == pytest.approx(3.5)


def test_who_cannot_be_held_has_no_supply_and_a_negative_spread_is_refused(model, world):
    asked = np.vstack([reference_shares(model), np.full(len(GUILDS), np.nan)])
    found = infer_supply(model, world, asked)
    assert np.isfinite(found.log_supply[0])
    assert np.isnan(found.log_supply[1])
    with pytest.raises(ValueError, match="0 or more"):
        infer_supply(model, world, asked, sd=-1.0)
