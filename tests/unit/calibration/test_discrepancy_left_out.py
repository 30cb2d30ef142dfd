"""The discrepancy from residuals: own error taken off, the scored study left out."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from term_rows import row

from eubiosis.calibration.discrepancy import Residual, comparable, estimate, estimates


def residual(study, off, variance, moved=0.5, **changes):
    return Residual(row(**changes), study, "guild", off, variance, moved)


FOUND = (
    residual("A 2001", 0.5, 0.05), residual("A 2001", -0.3, 0.05, 0.3),
    residual("B 2002", 0.2, 0.09, 0.2), residual("C 2003", 0.6, 0.01, 0.4),
)  # fmt: skip


def posterior_size(rows):
    """Return the estimate by quadrature of the posterior under a flat prior from 0 to 1."""

    def density(sd):
        return math.prod(norm.pdf(each.off, scale=math.sqrt(each.variance + sd**2)) for each in rows)

    return math.sqrt(quad(lambda s: s**2 * density(s), 0, 1)[0] / quad(density, 0, 1)[0])


def test_the_estimate_is_the_root_of_the_posterior_mean_square():
    found = estimate(FOUND, "guild")
    assert found.sd == pytest.approx(posterior_size(FOUND), rel=1e-4)
    assert (found.rows, found.studies) == (4, 3)
    assert found.full_at == pytest.approx(0.2)  # the mildest study


def test_the_scored_study_is_left_out():
    assert estimate(FOUND, "guild", "C 2003").sd == pytest.approx(posterior_size(FOUND[:3]), rel=1e-4)
    assert {each.without for each in estimates(FOUND)} == {"", "A 2001", "B 2002", "C 2003"}


def test_many_figures_give_their_spread_beyond_what_they_explain():
    rng = np.random.default_rng(2)
    many = [residual(f"S{k % 9}", x, 0.04) for k, x in enumerate(rng.normal(0, math.hypot(0.3, 0.2), 4000))]
    assert estimate(many, "guild").sd == pytest.approx(0.3, abs=0.015)


def test_one_study_gives_no_estimate():
    assert estimate(FOUND[:2], "guild") is None
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
