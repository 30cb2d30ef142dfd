"""Published effects on the axis of the simulated ones, by hand, and those that must not stand there."""

from __future__ import annotations

import math

import pytest

from eubiosis import evidence
from eubiosis.evidence.records.rows import StudyEstimate
from eubiosis.workflow.published_effects import on_axis, pooled_sd

KATZSAND = next(row for row in evidence.load().estimates if row.id == "katzsand2019/1")


def level(**changes: object) -> StudyEstimate:
    made = {"quantity": "level", "n_treatment": 11, "n_control": 21, "treatment_sd": 3.0, "control_sd": 6.0}
    return KATZSAND.model_copy(update={**made, "dispersion_type": "SD", **changes})


def test_a_ratio_of_rates_is_its_logarithm():
    """The rate ratio 0.5 (0.25 to 1) lies at -0.693 (-1.386 to 0)."""
    found = on_axis("relapses", "rate ratio", (0.25, 0.5, 1.0), None)
    assert found.values == pytest.approx((-2 * math.log(2), -math.log(2), 0.0))


def test_a_difference_is_divided_by_the_pooled_deviation():
    """(10 x 9 + 20 x 36) / 30 = 27, so that the pooled deviation is 5.196."""
    assert pooled_sd(level()) == pytest.approx(math.sqrt(27))
    found = on_axis("mfis", "MD", (-10.392, -5.196, 0.0), level())
    assert found.values == pytest.approx((-2.0, -1.0, 0.0), abs=1e-3)
    error = level(dispersion_type="SE", treatment_sd=3 / math.sqrt(11), control_sd=6 / math.sqrt(21))
    assert pooled_sd(error) == pytest.approx(math.sqrt(27))
    assert on_axis("mfis", "SMD", (-1.0, -0.5, 0.0), level()).values == (-1.0, -0.5, 0.0)


@pytest.mark.parametrize(
    ("endpoint", "metric", "row", "words"),
    [
        ("mfis", "MD", KATZSAND, "of the change"),
        ("mfis", "SMD", level(quantity=""), "do not say"),
        ("mfis", "MD", None, "do not say"),
        ("mfis", "MD", level(control_sd=None), "no standard deviation"),
        ("t2_lesions", "HR", None, "hazard ratio"),
        ("relapses", "RR", None, "shares of people"),
        ("stool_scfa", "MD", level(), "no log ratio"),
        ("mfis", "RR", level(), "no difference"),
    ],
)
def test_what_cannot_stand_there_says_why(endpoint, metric, row, words):
    found = on_axis(endpoint, metric, (0.5, 0.7, 0.9), row)
    assert found.values is None
    assert words in found.words
