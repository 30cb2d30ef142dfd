"""Many sets of numbers at once: the same answers as the check gives one by one, and distances by hand."""

from dataclasses import replace

import numpy as np
import pytest

from eubiosis.model.check import _Answers, check_targets
from eubiosis.model.laboratory import UNSOLVED_DISTANCE, Laboratory, distances, followers


def rows_of(model, *ids):
    return tuple(row for row in model.content.targets if row.id in ids)


def test_the_tables_own_set_gives_what_the_check_gives(model):
    """One row of every statistic, over healthy and MS, with a dose, a diet and a strain."""
    rows = rows_of(
        model, "T001", "T003", "T008", "T009", "T024", "T026", "T034", "T037", "T041", "T047", "T068", "T049"
    )
    assert len({row.statistic for row in rows}) == 10
    verdicts = check_targets(replace(model, content=replace(model.content, targets=rows)))
    laboratory = Laboratory.of(model, rows)
    answers = laboratory.answers({"gut_F_RS": np.full(2, model.content.numbers["gut_F_RS"].value)})
    assert len(laboratory.rows) == len(rows)
    for verdict in verdicts:
        one, other = answers[verdict.row.id]
        assert one == other
        assert one == pytest.approx(verdict.model, rel=2e-3), verdict.row.id


def test_a_set_is_what_the_edited_table_would_give(model):
    """Twice the protein: the held composition is solved anew, and diets that do not name protein follow."""
    rows = rows_of(model, "T010", "T068")
    laboratory = Laboratory.of(model, rows)
    protein = model.content.numbers["gut_F_PR"].value
    answers = laboratory.answers({"gut_F_PR": np.array([protein, 1.3 * protein])})
    for row in rows:
        assert answers[row.id][0] != pytest.approx(answers[row.id][1], rel=1e-3)
    assert followers(model, {"gut_F_PR": 3.0}) == {"gut_diet_PR": 3.0}


def test_targets_outside_the_gut_are_left_out(model):
    kept = {row.id for row in Laboratory.of(model).rows}
    assert "T054" not in kept  # Treg
    assert "T079" not in kept  # relapses of a population
    assert "T024" in kept


def test_distances_by_hand(model):
    (closed,) = rows_of(model, "T024")
    closed = closed.model_copy(update={"low": 1.0, "high": 3.0})
    above = closed.model_copy(update={"id": "a", "low": 2.0, "high": None})
    free = closed.model_copy(update={"id": "b", "low": None, "high": None})
    answers = {
        "T024": np.array([2.0, 3.5, 0.0, np.nan]),
        "a": np.array([2.0, 1.0, 5.0, 2.0]),
        "b": np.zeros(4),
    }
    found = distances((closed, above, free), answers)
    # half-width 1; open: a quarter of the end, here 0.5
    np.testing.assert_allclose(found, [[0, 0.5, 1, UNSOLVED_DISTANCE], [0, 2, 0, 0]])


def test_a_ratio_is_to_the_state_before_and_ratio_to_another_condition(model):
    """A transplant on day 0: the state just after it is not the reference. By hand from the two states."""
    (share,) = rows_of(model, "T024")
    asked = share.model_copy(
        update={"condition": "ms_fmt", "observable": "gut_share_AKK", "day": 0.0, "statistic": "ratio"}
    )
    name, engrafted = "gut_B_AKK", model.content.numbers["gut_fmt_E"].value
    ms, donor = model.derived.of("ms"), model.derived.of("healthy")
    total = sum(
        (1 - engrafted) * ms[n] + engrafted * donor[n]
        for n in ms
        if n.startswith("gut_B_") and "don" not in n
    )
    after = ((1 - engrafted) * ms[name] + engrafted * donor[name]) / total
    before = ms[name] / sum(v for n, v in ms.items() if n.startswith("gut_B_") and "don" not in n)
    answer, error = _Answers(model).of(asked)
    assert answer == pytest.approx(after / before, rel=1e-6)
    assert error is None  # nobody is drawn
    (crossover,) = rows_of(model, "T068")
    forty, ten = (
        model.simulate(c, [0.0, 5.0], ("gut_stool_Bu",)).values[0, 1, 0]
        for c in ("healthy_fibre_40g", "healthy_fibre_10g")
    )
    assert _Answers(model).of(crossover)[0] == pytest.approx(forty / ten, rel=1e-9)
