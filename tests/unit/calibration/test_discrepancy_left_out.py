"""The discrepancy from residuals, by hand: studies alike, own error taken off, the scored one left out."""

import math

import pytest
from term_rows import row

from eubiosis.calibration.discrepancy import Residual, comparable, estimate, estimates


def residual(study, off, variance, moved=0.5, **changes):
    return Residual(row(**changes), study, "guild", off, variance, moved)


FOUND = (
    residual("A 2001", 0.5, 0.05), residual("A 2001", -0.3, 0.05, 0.3),
    residual("B 2002", 0.2, 0.09, 0.2), residual("C 2003", 0.6, 0.01, 0.4),
)  # fmt: skip


def test_studies_count_alike_and_their_own_error_is_taken_off():
    # A: (0.25 + 0.09) / 2 - 0.05 = 0.12; B: 0.04 - 0.09 = -0.05; C: 0.36 - 0.01 = 0.35
    found = estimate(FOUND, "guild")
    assert found.sd == pytest.approx(math.sqrt((0.12 - 0.05 + 0.35) / 3))
    assert (found.rows, found.studies) == (4, 3)
    assert found.full_at == pytest.approx(0.2)  # the mildest study


def test_the_scored_study_is_left_out():
    assert estimate(FOUND, "guild", "C 2003").sd == pytest.approx(math.sqrt((0.12 - 0.05) / 2))
    assert {each.without for each in estimates(FOUND)} == {"", "A 2001", "B 2002", "C 2003"}


def test_a_model_closer_than_the_studies_own_error_has_no_discrepancy_and_one_study_no_estimate():
    close = (residual("A 2001", 0.01, 0.1), residual("B 2002", 0.02, 0.1))
    assert estimate(close, "guild").sd == 0
    assert estimate(close, "guild", "A 2001") is None
    assert estimate(FOUND, "stool_acid") is None


def test_a_difference_between_people_is_no_response():
    with_ms = (*FOUND, residual("D 2004", 3.0, 0.0, statistic="over_healthy"))
    assert estimate(with_ms, "guild").sd == estimate(FOUND, "guild").sd


def test_each_figure_is_compared_once_with_a_control_rather_than_without():
    rows = (
        row(id="A", contrast="own habitual state"),
        row(id="B"),
        row(id="C", condition="healthy", low=None),
    )
    assert [each.id for each in comparable(rows)] == ["B"]
