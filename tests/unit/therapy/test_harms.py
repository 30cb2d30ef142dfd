"""Harms: exact limits by their definition, and a table in which every count can be."""

import math

import pytest

from eubiosis.core.tables import RowProblem
from eubiosis.therapy import product, products
from eubiosis.therapy.harms import (
    BACKGROUND,
    LEFT,
    asked_of,
    counts_of,
    exact_interval,
    harm_rows,
    harm_terms,
    rule_of_three,
    uncounted,
)


def at_most(events, people, risk):
    """P(X <= events), summed term by term."""
    return math.fsum(math.comb(people, k) * risk**k * (1 - risk) ** (people - k) for k in range(events + 1))


@pytest.mark.parametrize(("events", "people"), [(10, 26), (7, 21), (29, 35), (1, 100)])
def test_an_exact_interval_leaves_its_tails_outside(events, people):
    low, high = exact_interval(events, people)
    assert 1 - at_most(events - 1, people, low) == pytest.approx(0.025, rel=1e-9)
    assert at_most(events, people, high) == pytest.approx(0.025, rel=1e-9)


def test_of_no_event_the_limit_is_that_of_a_power_and_three_over_n_is_near():
    low, high = exact_interval(0, 97)
    assert (low, high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 97)))
    one_sided = 1 - 0.05 ** (1 / 97)
    assert rule_of_three(97) == pytest.approx(one_sided, rel=0.02)
    assert exact_interval(5, 5)[1] == 1.0
    with pytest.raises(RowProblem, match="6 events in 5 people"):
        exact_interval(6, 5)


@pytest.mark.parametrize("row", harm_rows(), ids=lambda row: row.id)
def test_a_row_is_possible_and_says_where_it_stands(row):
    assert row.harm in harm_terms()
    assert row.source
    assert row.population
    low, high = row.limits
    assert 0 <= low <= row.events / row.people <= high <= 1
    if row.pair:
        arms = sorted(other.arm for other in harm_rows() if other.pair == row.pair and other.harm == row.harm)
        assert arms == ["control", "treated"]
    if row.events == 0:
        assert "rule of three" in row.text


def test_every_class_of_the_table_belongs_to_a_product():
    classes = {row.therapy_class for row in harm_rows()} - {BACKGROUND}
    assert classes <= {one.harms for one in products().values()}


def test_live_products_answer_for_blood_and_transplants_for_their_donor():
    assert "bacteraemia" in asked_of(product("l_reuteri"))
    assert "fungaemia" in asked_of(product("s_boulardii"))
    assert "donor_infection" in asked_of(product("fecal_transplant"))
    assert asked_of(product("inulin")) == ("gastrointestinal",)
    assert counts_of(product("inulin")) == ()  # no count was read, and nothing is made up


def test_who_left_is_counted_over_both_arms_and_simulated_by_nobody():
    rows = [row for row in harm_rows() if row.harm == LEFT]
    assert len(rows) == 17
    assert all(row.arm == "both" and row.simulated == "no" and row.read == "abstract" for row in rows)
    by_id = {row.id: row for row in rows}
    assert (by_id["tudca_left"].events, by_id["tudca_left"].people) == (59 - 47, 59)
    assert (by_id["diet_paleo_left"].events, by_id["diet_paleo_left"].people) == (34 - 17, 34)


@pytest.mark.parametrize("name", products())
def test_a_therapy_without_counts_says_what_silence_excludes(name):
    one = product(name)
    words = uncounted(one)
    people = [row.people for row in counts_of(one) if row.arm == "treated"]
    assert "no count was read" in words
    if people:
        assert f"{100 * min(3 / max(people), 1):.2g} %" in words
    else:
        assert "no risk is excluded" in words
