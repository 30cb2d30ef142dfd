"""What the data informed in weighted worlds of the real gut: those that were weighed by one number alone."""

import numpy as np
import pytest

from eubiosis.calibration.informed_worlds import SETS, informed, therapy_rows
from eubiosis.calibration.waves import GutProblem
from eubiosis.model import load
from eubiosis.model.laboratory import Laboratory
from eubiosis.model.shipped import ShippedWorlds

WEIGHED = "gut_vmax_BIF_IN"


@pytest.fixture(scope="module")
def model():
    return load()


@pytest.fixture(scope="module")
def worlds(model):
    problem = GutProblem.of(model)
    points = np.random.default_rng(8).standard_normal((400, len(problem.free)))
    column = problem.free.index(WEIGHED)
    points[:, column] = 0.8 + np.sqrt(0.2) * points[:, column]  # after a measurement of 1 with error 0.5
    sets = problem.sets(points)
    values = np.column_stack([sets[name] for name in problem.names])
    return ShippedWorlds(tuple(problem.names), values, np.full(400, 1 / 400))


def test_the_number_that_was_weighed_is_informed_and_the_others_are_not(model, worlds):
    found = informed(model, worlds, "gut", origin="a test", sets=0)
    by_name = {one.name: one for one in found.numbers}
    assert by_name[WEIGHED].shrinkage == pytest.approx(0.8, abs=4 * by_name[WEIGHED].error)
    assert by_name[WEIGHED].shift == pytest.approx(0.8, abs=4 * by_name[WEIGHED].shift_error)
    assert [one.name for one in found.numbers if one.informed] == [WEIGHED]
    assert found.profiles[0].name == WEIGHED
    assert len(found.profiles) == 10
    assert found.predictions == ()
    assert found.calibrated == "calibrated in healthy people and people with other conditions"


def test_predictions_are_run_and_few_worlds_are_said(model, worlds):
    found = informed(model, worlds, "gut", origin="a test", sets=6)
    assert SETS == 200
    assert "predictions rest on 6 worlds; 200 are asked for" in found.warnings
    by_name = {one.name: one for one in found.predictions}
    assert by_name["T023"].label.startswith("Bifidobacterium fold on inulin 20 g")
    assert {row.id for row in therapy_rows()} <= set(by_name)
    assert any(value is not None for value in found.profiles[0].best)


def test_therapies_are_asked_as_the_laboratory_asks_a_row(model):
    rows = [row for row in therapy_rows() if row.id == "ms_inulin_20g: gut_share_BIF"]
    (answer,) = Laboratory.of(model, rows, threads=1).answers({"gut_kappa": np.array([0.9])}).values()
    assert 1.2 < answer[0] < 6
