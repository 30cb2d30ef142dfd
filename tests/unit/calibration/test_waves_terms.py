"""What a row asks of a set: worked out by hand on the scale where its error lives."""

import math

import numpy as np
import pytest
from term_rows import row

from eubiosis.calibration.waves_terms import (
    TOLERANCE,
    UNSOLVED,
    WITHIN_ARM_BIAS,
    kind_of,
    scores,
    study_of,
    term,
    terms,
)


def test_a_controlled_estimate_is_normal_about_its_value_on_the_log_scale():
    asked = term(row())
    spread = math.hypot(math.log(2) / 1.959964, TOLERANCE)
    values = np.array([0.5, 0.25, 1.0])
    assert asked.off(values) == pytest.approx([0, -math.log(2) / spread, math.log(2) / spread], rel=1e-6)


def test_the_spread_below_may_differ_from_that_above():
    asked = term(row(low=0.4))
    below, above = (math.hypot(math.log(r) / 1.959964, TOLERANCE) for r in (0.5 / 0.4, 2.0))
    assert asked.off(np.array([0.3]))[0] == pytest.approx(math.log(0.3 / 0.5) / below, rel=1e-6)
    assert asked.off(np.array([0.9]))[0] == pytest.approx(math.log(0.9 / 0.5) / above, rel=1e-6)


def test_a_change_without_a_control_only_bounds_and_its_bias_softens_the_ends():
    asked = term(row(contrast="own habitual state"))
    spread = math.hypot(TOLERANCE, WITHIN_ARM_BIAS)
    found = asked.off(np.array([0.3, 0.99, 2.0, 0.125]))
    assert found == pytest.approx([0, 0, math.log(2) / spread, -math.log(2) / spread], rel=1e-6)


def test_an_open_end_is_never_missed_on_that_side():
    asked = term(row(low=None, target=None, high=0.999))
    assert asked.off(np.array([1e-6, 0.999]))[0] == 0
    assert asked.off(np.array([1.5]))[0] > 0


def test_a_set_that_could_not_be_solved_is_far_away_whatever_is_asked():
    assert term(row()).off(np.array([np.nan, -1.0])).tolist() == [UNSOLVED, UNSOLVED]


def test_a_level_is_compared_on_its_own_scale():
    asked = term(row(statistic="value", observable="gut_pH", taxon="-", contrast="none", target=6.2, low=5.8,
                     high=6.6))  # fmt: skip
    assert asked.off(np.array([6.6]))[0] == pytest.approx(1.959964, rel=1e-6)


@pytest.mark.parametrize(
    "changes",
    [{"read": "recalled"}, {"population": "people with MS (figure of healthy adults)"},
     {"target": None, "low": None, "high": None}],
)  # fmt: skip
def test_a_row_that_nobody_read_or_that_repeats_another_gives_nothing(changes):
    assert term(row(**changes)) is None
    assert terms([row(**changes), row()]) == (term(row()),)


def test_scores_are_one_row_a_term():
    found = scores(terms([row(id="A"), row(id="B", target=1.0, high=2.0)]), {
        "A": np.array([0.5, 0.5]), "B": np.array([1.0, 0.5]),
    })  # fmt: skip
    assert found.shape == (2, 2)
    assert found[0].tolist() == [0, 0]
    assert found[1, 1] < 0 == found[1, 0]


def test_kinds_and_studies_are_read_from_the_row():
    assert kind_of(row()) == "guild"
    assert kind_of(row(observable="gut_stool_Bu", taxon="-")) == "stool_acid"
    assert kind_of(row(observable="gut_pH", taxon="-")) == "other"
    assert study_of(row()) == "Baxter 2019"
    assert study_of(row(source="Arnoldini et al., cremerlab/fermentation_products")) == "Arnoldini et al."
