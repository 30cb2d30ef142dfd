"""Packaged gut worlds are those that are drawn one by one, and a changed model is not given them."""

import numpy as np
import pytest

from eubiosis.model import gut_worlds as worlds
from eubiosis.model.worlds import draw_gut_world


@pytest.mark.parametrize("number", [1, 3])
def test_a_packaged_world_is_the_drawn_one(model, number):
    assert worlds.packaged(model), "run: eubiosis model derive"
    found = worlds.gut_worlds(model, 3)[number - 1]
    drawn = draw_gut_world(model, number, worlds.SEED)
    assert found.number == number
    assert dict(found.values) == dict(drawn.values)
    assert np.array_equal(found.healthy, drawn.healthy)
    assert np.array_equal(found.factors, drawn.factors)


def test_without_the_packaged_draws_worlds_are_looked_for(model, monkeypatch):
    packaged = worlds.gut_worlds(model, 1)
    monkeypatch.setattr(worlds, "worlds_key", lambda _: "another model")
    assert not worlds.packaged(model)
    assert dict(worlds.gut_worlds(model, 1)[0].values) == dict(packaged[0].values)
