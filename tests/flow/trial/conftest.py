"""Worlds that several tests look at; making one takes seconds, so they are made once."""

import pytest
from small_trials import DESIGN, SEED, make_pool, make_world, packaged_model

from eubiosis.model.worlds import draw_host_world


@pytest.fixture(scope="session")
def trial_model():
    """The packaged model."""
    return packaged_model()


@pytest.fixture(scope="session")
def pool(trial_model):
    """Candidates of gut world 0 with the gut of every arm."""
    return make_pool(trial_model, DESIGN, size=60)


@pytest.fixture(scope="session")
def world(trial_model, pool):
    """A world of all forms at once, every gut-to-host coupling at a draw, so therapies reach the host."""
    return make_world(
        trial_model, pool, DESIGN, draw_host_world(trial_model, 2, SEED, "symmetric", forms=False, data=False)
    )


@pytest.fixture(scope="session")
def null_world(trial_model, pool):
    """The same people in a world in which no therapy reaches the host."""
    return make_world(trial_model, pool, DESIGN, draw_host_world(trial_model, 0, SEED, "zero"))
