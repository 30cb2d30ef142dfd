"""What a run says of its worlds, and which worlds it takes."""

import numpy as np
import pytest

from eubiosis.model.model import Model
from eubiosis.model.shipped import shipped
from eubiosis.model.worlds import draw_gut_world
from eubiosis.trial.simulate import gut_world
from eubiosis.trial.simulation import Simulation
from eubiosis.workflow.worlds_used import FACT, HISTORY_FACT, worlds_facts, worlds_warnings

SHIPPED, PRIOR = Simulation(), Simulation(worlds_from="prior")


def test_the_default_stands_on_shipped_worlds_and_counts_the_different_ones(model):
    facts = worlds_facts(model, SHIPPED, 7)
    found = shipped(model).gut
    assert facts[FACT].startswith(f"{len(found.weights)} shipped worlds (effective sample size ")
    assert "5 different ones in 5 draws" in facts[FACT]
    assert not any(" gut " in text for text in worlds_warnings(model, SHIPPED))


def test_draws_of_the_prior_are_named_as_such_and_need_no_warning(model):
    facts = worlds_facts(model, PRIOR, 7)
    assert "prior" in facts[FACT]
    assert facts[HISTORY_FACT] == "the tables"
    assert worlds_warnings(model, PRIOR) == ()


def test_a_model_with_other_numbers_falls_back_aloud(model):
    value = model.content.numbers["gut_F_RS"].value
    other = Model(model.content.with_values({"gut_F_RS": 1.2 * value}), model.derived)
    (warning,) = [text for text in worlds_warnings(other, SHIPPED) if " gut " in text]
    assert warning.startswith("Shipped worlds are not used")
    assert "Draws of the prior, or the tables, stand in" in warning
    assert "no shipped worlds fit" in worlds_facts(other, SHIPPED, 7)[FACT]


@pytest.mark.parametrize("number", [1, 4])
def test_world_k_of_a_run_is_a_shipped_one_and_of_the_prior_a_draw(model, number):
    found = shipped(model).gut
    world = gut_world(model, number, SHIPPED, 7)
    row = found.row(number, 7, "gut")
    for k, name in enumerate(found.names):
        assert world.values[name] == pytest.approx(found.values[row, k], rel=1e-12)
    drawn, same = gut_world(model, number, PRIOR, 7), draw_gut_world(model, number, 7)
    assert drawn.values == same.values
    assert drawn.values["gut_K_ox"] != world.values["gut_K_ox"]


def test_world_0_holds_the_tables(model):
    for simulation in (SHIPPED, PRIOR):
        world = gut_world(model, 0, simulation, 7)
        assert "gut_K_ox" not in world.values
        assert np.all(world.factors > 0)
