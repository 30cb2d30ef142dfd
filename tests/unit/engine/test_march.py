"""Explicit runs: order, driven parameters, the last group of subjects, agreement with ``solve``."""

import numpy as np
import pytest

from engine_models import TIGHT, compiled, same
from eubiosis.engine import Integral, Last, Maximum, Minimum, Tolerances
from eubiosis.engine.codegen.native import vector_width

GRID = np.linspace(0.0, 4.0, 9)


@pytest.fixture(scope="module")
def driven():
    return compiled("k = 0.8; u = 0; w = 0; x = 1; x' = u + w - k*x; y := x + u")


def test_the_error_is_of_fourth_order():
    """x' = x^2 cos t / 2 has x = 1 / (1 - sin(t) / 2)."""
    model = compiled("x = 1; x' = x^2*cos(time)/2")
    exact = 1 / (1 - np.sin(GRID) / 2)
    errors = [np.abs(model.march(GRID, ["x"], steps=n)["x"][0] - exact).max() for n in (2, 4, 8, 16)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders == pytest.approx([4, 4, 4], abs=0.35)


def held_answer(k, rates, grid):
    x = [1.0]
    for rate, length in zip(rates, np.diff(grid), strict=True):
        x.append(rate / k + (x[-1] - rate / k) * np.exp(-k * length))
    return np.array(x)


def test_held_inputs_jump_at_the_points_of_the_grid(driven):
    rates = np.random.default_rng(0).uniform(0, 5, (len(GRID) - 1, 5))
    got = driven.march(GRID, ["x", "u", "y"], held={"u": rates}, steps=40)
    assert got.status == ("ok",) * 5
    for i in range(5):
        np.testing.assert_allclose(got["x"][i], held_answer(0.8, rates[:, i], GRID), rtol=1e-8)
        assert got["u"][i].tolist() == [rates[0, i], *rates[:, i]]  # of the interval that ends there


def test_linear_inputs_run_between_the_points(driven):
    """x' = w - k x with w = m t: x = m (t / k - 1 / k^2) + (1 + m / k^2) e^(-kt)."""
    slopes, k = np.array([0.5, 2.0, 7.0]), 0.8
    got = driven.march(GRID, ["x", "w"], linear={"w": np.outer(GRID, slopes)}, steps=40)
    t, m = GRID[None, :], slopes[:, None]
    np.testing.assert_allclose(got["x"], m * (t / k - 1 / k**2) + (1 + m / k**2) * np.exp(-k * t), rtol=1e-8)
    np.testing.assert_allclose(got["w"], m * t, rtol=1e-15)


def test_held_and_linear_inputs_together_and_for_everybody(driven):
    held, linear = np.arange(8.0), GRID**2
    both = driven.march(GRID, ["x"], held={"u": held}, linear={"w": linear}, steps=3)
    wide = driven.march(
        GRID,
        ["x"],
        parameters={"k": np.full(6, 0.8)},
        held={"u": held},
        linear={"w": np.repeat(linear[:, None], 6, axis=1)},
        steps=3,
    )
    for i in range(6):
        assert same(wide["x"][i], both["x"][0])


@pytest.mark.parametrize("extra", [-3, -1, 0, 1, 3])
def test_the_last_group_of_subjects_comes_out_as_alone(driven, extra):
    """Numbers of subjects around two vectors."""
    people = 2 * vector_width() + extra
    rng = np.random.default_rng(people)
    k, rates, start = rng.uniform(0.1, 2, people), rng.uniform(0, 5, (8, people)), rng.uniform(0, 3, people)
    wanted = [Integral("x"), Maximum("y"), Minimum("x"), Last("y")]

    def run(rows, threads):
        return driven.march(
            GRID,
            ["x", "y"],
            parameters={"k": k[rows]},
            initial={"x": start[rows]},
            held={"u": rates[:, rows]},
            reductions=wanted,
            steps=2,
            threads=threads,
        )

    whole = run(np.arange(people), 2)
    for i in range(people):
        alone = run(np.array([i]), 1)
        assert same(alone.values[0], whole.values[i])
        assert same(alone.states[0], whole.states[i])
        for reduction in wanted:
            assert same(alone.reduced[reduction], whole.reduced[reduction][i : i + 1])


def test_it_agrees_with_solve():
    text = "k = 2; x = 1; y = 0.5; x' = y - k*x^3 + sin(time); y' = x - y*x; s := x*y"
    model = compiled(text)
    k, wanted = np.linspace(0.5, 3, 10), [Integral("s"), Last("s")]
    exact = model.solve(GRID, ["x", "y", "s"], parameters={"k": k}, reductions=wanted, tolerances=TIGHT)
    got = model.march(GRID, ["x", "y", "s"], parameters={"k": k}, reductions=wanted, steps=200)
    np.testing.assert_allclose(got.values, exact.values, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(got.states, exact.states, rtol=1e-8)
    for reduction in wanted:
        np.testing.assert_allclose(got.reduced[reduction], exact.reduced[reduction], rtol=1e-8)


def test_records_are_kept_where_they_are_asked_for(driven):
    every = driven.march(GRID, ["x", "y"], held={"u": np.arange(8.0)})
    some = driven.march(
        GRID, ["y", "x"], held={"u": np.arange(8.0)}, record=[0, 3, 8], reductions=[Last("x")]
    )
    assert some.times.tolist() == GRID[[0, 3, 8]].tolist()
    assert same(np.ascontiguousarray(every["x"][:, [0, 3, 8]]), np.ascontiguousarray(some["x"]))
    assert same(np.ascontiguousarray(every["y"][:, [0, 3, 8]]), np.ascontiguousarray(some["y"]))
    assert some.reduced[Last("x")][0] == every["x"][0, -1]
    assert some.effort.tolist() == [[8, 0]]


def test_integrals_and_extremes_take_steps_into_account(driven):
    got = driven.march(
        GRID, parameters={"k": np.array([0.5, 1.0])}, reductions=[Integral("x"), Minimum("x")], steps=50
    )
    k = np.array([0.5, 1.0])
    np.testing.assert_allclose(got.reduced[Integral("x")], (1 - np.exp(-4 * k)) / k, rtol=1e-8)
    np.testing.assert_allclose(got.reduced[Minimum("x")], np.exp(-4 * k), rtol=1e-8)


def test_failures_have_their_words():
    model = compiled("p = 1; x = 1; x' = p*x^2 - 1")
    p = np.array([0.1, 90.0, 0.5])
    strict = Tolerances(absolute=1e-12, negative=1e4)
    got = model.march(GRID, ["x"], parameters={"p": p}, steps=30, tolerances=strict)
    assert got.status[1] == "non_finite"
    assert got.status[0] == "negative"
    fine = model.march(GRID, ["x"], parameters={"p": p}, steps=30)
    assert fine.status[0] == "ok"
    assert same(fine["x"][[0, 2]], got["x"][[0, 2]])
    with pytest.raises(ValueError, match="no error control: give an absolute tolerance"):
        model.march(GRID, ["x"], tolerances=Tolerances(negative=1e4))


def test_driven_subjects_decide_the_size_of_the_batch(driven):
    assert driven.march(GRID, ["x"], held={"u": np.ones((8, 4))}).values.shape == (4, 9, 1)
    with pytest.raises(ValueError, match="u has values for 4 subjects, others for 3"):
        driven.march(GRID, ["x"], parameters={"k": np.ones(3)}, held={"u": np.ones((8, 4))})
