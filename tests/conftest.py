"""Shared by every test: the packaged model, loaded once, and how property tests draw."""

import gc
import os

import pytest
from hypothesis import settings

from eubiosis.core.machine import use_one_algebra_thread

use_one_algebra_thread()  # as the command line does: before numpy loads

from eubiosis.model import Model, load  # noqa: E402

# a run that decides draws the same examples each time; at the desk they are new in every run; how long one
# takes is nothing a test judges: that depends on what else the machine does
settings.register_profile("desk", deadline=None)
settings.register_profile("decides", deadline=None, derandomize=True)
settings.load_profile("decides" if os.environ.get("CI") else "desk")


def pytest_collection_finish() -> None:
    """Spare the tests and libraries, which stay to the end, from every collection of garbage to come."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def model() -> Model:
    """The packaged model; its kernels are compiled once for the whole run."""
    return load()
