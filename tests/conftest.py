"""Shared by every test: the packaged model, loaded once."""

import pytest

from eubiosis.model import Model, load


@pytest.fixture(scope="session")
def model() -> Model:
    """The packaged model; its kernels are compiled once for the whole run."""
    return load()
