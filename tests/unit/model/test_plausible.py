"""Worlds agree with a healthy gut: what is drawn together, what is refused, which draw is kept."""

import numpy as np
import pytest

from eubiosis.model import plausible
from eubiosis.model.laboratory import Laboratory, distances
from eubiosis.model.worlds import as_person, draw_gut_world, draw_gut_worlds, reference_shares, world_rows


def misses(model, rows, values):
    numbers = {n: np.array([v]) for n, v in values.items() if n in model.content.numbers}
    laboratory = Laboratory.of(model, rows)
    answers = laboratory.answers(numbers)
    return int((distances(laboratory.rows, answers) > 0).sum())


def test_the_rows_that_judge(model):
    healthy, diets = plausible.healthy_rows(model), plausible.diet_rows(model)
    assert {r.id for r in healthy} == {f"T{k:03d}" for k in (*range(1, 11), 12, 13, 14)}
    assert {r.id for r in diets} == {f"T{k:03d}" for k in range(31, 37)}


@pytest.mark.parametrize("number", [1, 2])
def test_a_world_agrees_with_a_healthy_gut(model, number):
    world = draw_gut_world(model, number, seed=5)
    assert misses(model, plausible.healthy_rows(model), world.values) <= plausible.HEALTHY_MISSES
    assert misses(model, plausible.diet_rows(model), world.values) <= plausible.DIET_MISSES
    # and its healthy state is steady under its own numbers
    gut = model.gut_kernel
    values = {n: v for n, v in world.values.items() if n in gut.parameter_index}
    parameters = model.parameters("healthy", gut)
    for name, value in values.items():
        parameters[gut.parameter_index[name]] = value
    assert np.all(world.healthy >= 0)
    assert parameters[gut.parameter_index["gut_diet_SU"]] == pytest.approx(world.values["gut_F_SU"])


def together(draws, otherwise, attempts):
    """Return the draws of some attempts as sets."""
    wanted = [draws.get(k, otherwise) for k in attempts]
    return {name: np.array([one[name] for one in wanted]) for name in otherwise}


def test_the_first_good_draw_is_kept_however_many_are_judged_at_once(model, monkeypatch):
    good = {"gut_F_RS": model.content.numbers["gut_F_RS"].value}
    draws = {0: {"gut_F_RS": 0.1}, 1: {"gut_F_RS": 400.0}, 2: good}
    found = []
    for batch in (1, 2, 4):
        monkeypatch.setattr(plausible, "BATCH", batch)
        found += plausible.first_plausible(model, lambda _, attempts: together(draws, good, attempts))
    assert [f.attempt for f in found] == [2, 2, 2]
    for other in found[1:]:
        np.testing.assert_allclose(other.states, found[0].states, rtol=1e-6, atol=1e-12)


def test_numbers_that_no_gut_could_have_are_an_error(model, monkeypatch):
    monkeypatch.setattr(plausible, "BATCH", 4)
    monkeypatch.setattr(plausible, "MOST", 8)
    with pytest.raises(ArithmeticError, match="none of 8 draws"):
        plausible.first_plausible(model, lambda _, attempts: {"gut_F_RS": 500.0 + np.array(attempts)})


def test_worlds_drawn_together_are_those_drawn_alone(model):
    together_ = draw_gut_worlds(model, (3, 1), seed=5)
    for world in together_:
        alone = draw_gut_world(model, world.number, seed=5)
        np.testing.assert_allclose(world.healthy, alone.healthy, rtol=1e-6, atol=1e-12)
        assert world.values.keys() == alone.values.keys()
        assert world.values["gut_K_ox"] == alone.values["gut_K_ox"]


def test_people_with_ms_have_the_worlds_folds_and_settings(model):
    shares = reference_shares(model)[None]
    table, drawn = draw_gut_world(model, 0, 5), draw_gut_world(model, 1, 5)
    values, same = as_person(model, table, shares)
    np.testing.assert_allclose(same, shares, rtol=1e-12)
    assert values["gut_phi_IPA"] == model.content.numbers["gut_phi_IPA_ms"].value
    values, shifted = as_person(model, drawn, shares)
    assert values["gut_phi_IPA"] == drawn.values["gut_phi_IPA_ms"]
    fold = drawn.values["gut_fold_FAE"] / model.content.numbers["gut_fold_FAE"].value
    other = drawn.values["gut_fold_BAC"] / model.content.numbers["gut_fold_BAC"].value
    ratio = (shifted / shares)[0]
    assert ratio[6] / ratio[0] == pytest.approx(fold / other, rel=1e-9)
    assert shifted.sum() == pytest.approx(1)
    healthy, unmoved = as_person(model, drawn, shares, "healthy")
    assert "gut_phi_IPA" not in healthy
    np.testing.assert_allclose(unmoved, shares, rtol=1e-12)


def test_every_drawn_number_may_vary(model):
    drawn = {row.id for row in world_rows(model) if row.part == "gut"}
    assert {"gut_f_NH3", "gut_alpha_PR", "gut_F_PR", "gut_absorption_ms", "gut_phi_IPA_ms"} <= drawn
