"""A sample of validation/trials: level and coverage of every endpoint in null worlds."""

import importlib.util
import math
from pathlib import Path

import pytest

from eubiosis.core.endpoints import ENDPOINTS

SCRIPT = Path(__file__).parents[3] / "validation" / "trials" / "operating.py"
TRIALS, WORLDS = 300, 2


@pytest.fixture(scope="module")
def counts():
    spec = importlib.util.spec_from_file_location("operating", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, module.sample([40], TRIALS, WORLDS)


def test_few_null_trials_are_significant_and_most_intervals_hold_no_effect(counts):
    _, cells = counts
    error = math.sqrt(0.05 * 0.95 / TRIALS)
    assert set(cells[40]) == set(ENDPOINTS)
    for name, (trials, rejected, usable, held) in cells[40].items():
        assert trials == TRIALS
        assert usable > 0.95 * TRIALS, name
        # 27 endpoints: four errors are exceeded by chance in one of 600 runs
        assert rejected / trials < 0.05 + 4 * error, name
        assert held / usable > 0.95 - 4 * error, name


def test_the_table_names_every_cell_outside_its_limits(counts):
    module, _ = counts
    fair, foul = (10_000, 500, 10_000, 9_500), (10_000, 900, 10_000, 9_100)
    cells = {60: dict.fromkeys(ENDPOINTS, fair) | {"edss": foul}}
    text = module.markdown(cells)
    assert "edss at n = 60: rejected 9.0 %; edss at n = 60: coverage 91.0 %." in text
    assert text.count("at n = 60:") == 2
