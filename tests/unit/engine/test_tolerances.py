"""Tolerances that follow the size of each state: any unit, any start, the same numbers."""

from math import factorial

import numpy as np
import pytest

from engine_models import compiled, same
from eubiosis.engine import Add, Set, Tolerances

T = np.array([0.0, 1.0, 5.0, 20.0])
TWO = "k = 1; m = 0.5; x = {s}; y = 0; x' = -k*x; y' = k*x - m*y"


def two_by_hand(scale):
    x = scale * np.exp(-T)
    return x, 2 * scale * (np.exp(-T / 2) - np.exp(-T))


@pytest.mark.parametrize("scale", [1e-30, 1e-13, 1e-9, 1.0, 1e12])
def test_a_model_of_any_size_comes_out_right(scale):
    """Two decays in a row by hand; the second state starts at zero."""
    got = compiled(TWO.format(s=scale)).solve(T, ["x", "y"])
    assert got.status == ("ok",)
    for name, exact in zip("xy", two_by_hand(scale), strict=True):
        np.testing.assert_allclose(got[name][0], exact, rtol=2e-7, atol=0)


def test_an_absolute_tolerance_stays_as_given():
    """1e-9 on values of 1e-13 lets anything pass: the caller asked for it."""
    got = compiled(TWO.format(s=1e-13)).solve(T, ["y"], tolerances=Tolerances(absolute=1e-9))
    assert np.abs(got["y"][0] - two_by_hand(1e-13)[1]).max() > 1e-16  # 1 %


def test_units_make_no_difference():
    """Amounts in mol and in pmol, a concentration and its amount: steps and relative numbers agree."""
    text = "V = {v}; E = {e}; K = {k}; S = {s}; P = 0; cut := 3*E*S/(K + S);S' = -cut/V; P' = cut; c := P/V"
    plain = compiled(text.format(v=2.0, e=1.0, k=0.5, s=1.0))
    small = compiled(text.format(v=2.0, e=1e-12, k=0.5e-12, s=1e-12))
    one, two = (m.solve(T, ["S", "P", "c"]) for m in (plain, small))
    assert one.effort.tolist() == two.effort.tolist()
    np.testing.assert_allclose(two.values * 1e12, one.values, rtol=1e-9, atol=1e-18)
    np.testing.assert_allclose(one["P"][0] + 2 * one["S"][0], 2.0, rtol=1e-9)


def test_states_of_very_different_sizes_in_one_model():
    """Cells in millions per millilitre make a hormone of 1e-13 mol per litre."""
    model = compiled("N = 1e6; h = 0; a = 3e-20; d = 0.4; N' = -0.1*N; h' = a*N - d*h")
    got = model.solve(T, ["h"])["h"][0]
    exact = 3e-20 * 1e6 / 0.3 * (np.exp(-0.1 * T) - np.exp(-0.4 * T))
    np.testing.assert_allclose(got, exact, rtol=1e-7, atol=0)


N = 20
CHAIN = (
    "k = 1; u = 0; x0 = 0;" + "".join(f"x{i} = 0;" for i in range(1, N)) + "x0' = u - k*x0;"
    "" + "".join(f"x{i}' = k*x{i - 1} - k*x{i};" for i in range(1, N))
)


@pytest.fixture(scope="module")
def chain():
    return compiled(CHAIN)


@pytest.mark.parametrize("dose", [1.0, 1e-9])
def test_a_chain_that_starts_empty_is_filled_by_a_late_dose(chain, dose):
    """x_i = dose t^i exp(-t) / i!, of which the last is 1e-18 of the dose at first."""
    last = f"x{N - 1}"
    got = chain.solve([0, 5, 6, 15, 35], ["x5", last], inputs=[Add(5.0, "x0", dose)])
    assert got.status == ("ok",)
    t = np.array([1.0, 10.0, 30.0])
    np.testing.assert_allclose(got["x5"][0, 2:], dose * t**5 * np.exp(-t) / 120, rtol=1e-6)
    exact = dose * t ** (N - 1) * np.exp(-t) / factorial(N - 1)
    np.testing.assert_allclose(got[last][0, 2:], exact, rtol=1e-6)
    assert got.effort[0, 0] < 600


def test_a_chain_that_starts_empty_is_filled_by_an_infusion(chain):
    """The sum of a steady inflow's chain: what came in minus what left the last."""
    got = chain.solve([0, 5, 105], ["x0", f"x{N - 1}"], inputs=[Set(5.0, "u", 1e-7)])
    assert got.status == ("ok",)
    np.testing.assert_allclose(got.states[0], 1e-7, rtol=1e-6)


def test_a_smooth_beginning_from_nothing():
    """x' = t^2 - x has neither a rate nor a slope at the start: x = 2 - 2 t + t^2 - 2 exp(-t)."""
    model = compiled("x = 0; y = 0; x' = 1e-9*time^2 - x; y' = x - y")
    got = model.solve([0.0, 1.0, 10.0], ["x"])
    t = np.array([0.0, 1.0, 10.0])
    exact = 1e-9 * (2 - 2 * t + t**2 - 2 * np.exp(-t))
    assert got.status == ("ok",)
    np.testing.assert_allclose(got["x"][0, 1:], exact[1:], rtol=1e-7)


def test_what_shrinks_and_grows_again_keeps_its_digits():
    """Down by eight orders of magnitude and up again: exp(-18) exp(18) = 1."""
    model = compiled("turn = 18; x = 1; x' = piecewise(-1, time < turn, 1)*x")
    got = model.solve([0.0, 18.0, 36.0], ["x"])
    np.testing.assert_allclose(got["x"][0], [1.0, np.exp(-18.0), 1.0], rtol=3e-6)
    deep = model.solve(
        [0.0, 60.0, 120.0], ["x"], parameters={"turn": 60.0}, tolerances=Tolerances(absolute=0.0)
    )
    np.testing.assert_allclose(deep["x"][0], [1.0, np.exp(-60.0), 1.0], rtol=1e-5)


def test_rates_that_cancel_to_rounding_errors_do_not_stop_a_run():
    """x is zero but for rounding errors of rates near one: it stays there, and the run goes on."""
    model = compiled(
        "a = 1; b = 1; x = 0; k = 0.1; q = 0.3; a' = -0.1*a; b' = -0.1*b;"
        "x' = k*(a + 0.7*b)*3 - q*b*1.7 - x + sin(0.1*a) - sin(0.1*b)"
    )
    got = model.solve([0, 5, 15], ["a", "x"])
    assert got.status == ("ok",)
    np.testing.assert_allclose(got["a"][0], np.exp([0, -0.5, -1.5]), rtol=1e-7)
    assert np.abs(got["x"]).max() < 1e-14
    assert got.effort[0, 0] < 600


def test_a_state_that_nothing_moves_stays_zero():
    model = compiled("x = 0; y = 1; x' = -x; y' = -y")
    got = model.solve(T, ["x", "y"])
    assert got.status == ("ok",)
    assert got["x"].tolist() == [[0.0] * 4]


def test_numbers_do_not_depend_on_the_company_or_its_sizes(chain):
    dose = 10.0 ** np.arange(-12.0, 7.0)
    k = np.linspace(0.5, 2.0, len(dose))
    whole = chain.solve(T, ["x3"], parameters={"k": k}, inputs=[Add(0.5, "x0", dose)])
    for rows in ([0], [7, 2], [18, 0, 11]):
        part = chain.solve(
            T, ["x3"], parameters={"k": k[rows]}, inputs=[Add(0.5, "x0", dose[rows])], threads=1
        )
        assert same(part.values, np.ascontiguousarray(whole.values[rows]))
        assert same(part.effort, np.ascontiguousarray(whole.effort[rows]))


def test_derivatives_of_a_small_model_are_right_too():
    """x = s exp(-k t) with s = 1e-13: dx/dk = -t x, dx/ds = x / s."""
    model = compiled("k = 1; s = 1e-13; x = s; x' = -k*x; y = 0; y' = x")
    got = model.sensitivities(T, ["x", "y"], ["k", "s"])
    x = 1e-13 * np.exp(-T)
    np.testing.assert_allclose(got.of("x", "k")[0], -T * x, rtol=1e-6, atol=1e-30)
    np.testing.assert_allclose(got.of("x", "s")[0], x / 1e-13, rtol=1e-6)
    np.testing.assert_allclose(got.of("y", "k")[0], -1e-13 * (1 - np.exp(-T)) + T * x, rtol=1e-5, atol=1e-22)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"relative": 0.0}, "relative is 0.0; allowed: above 0 and below 1"),
        ({"absolute": -1.0}, "absolute is -1.0; allowed: numbers from 0 on"),
        ({"absolute": np.array([1e-9, np.nan])}, "absolute is"),
        ({"max_steps": 0}, "max_steps is 0; allowed: 1 or more"),
        ({"negative": -1.0}, "negative is -1.0; allowed: 0 or more"),
    ],
)
def test_tolerances_that_mean_nothing_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        Tolerances(**given)
