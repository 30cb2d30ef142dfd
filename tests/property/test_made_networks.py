"""A small sample of the random stress of `validation/engine_stress`: none may be wrong with status ok."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "validation" / "engine_stress"


@pytest.fixture(scope="module")
def stress():
    spec = importlib.util.spec_from_file_location("engine_stress_run", FOLDER / "run.py")
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path[:] = before


@pytest.mark.parametrize("seed", range(10_000, 10_012))
def test_made_networks_against_the_plain_reference(stress, seed):
    word, reason = stress.judge(seed)
    assert word in ("right", "undecided"), reason


def test_the_comparison_can_fail(stress):
    right = np.array([[0.0, 1.0], [2.0, 3.0]])
    assert stress.compare(right, right, ["a", "b"])[0] == "right"
    assert stress.compare(right * (1 + 1e-5), right, ["a", "b"])[0] == "wrong"
    assert stress.compare(np.where(right == 3, np.nan, right), right, ["a", "b"])[0] == "wrong"
