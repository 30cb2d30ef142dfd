"""Roots, fractional powers and Hill terms at zero: nothing is held still, no second future is passed over."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from engine_models import TIGHT_ANY_SIGN, compiled
from eubiosis.engine import Scale, Set


def filled(time):
    """Solve x' = 1 - sqrt x from 0: with s = sqrt x, t = -2 s - 2 ln(1 - s)."""
    root = brentq(lambda s: -2 * s - 2 * math.log1p(-s) - time, 0, 1 - 1e-15)
    return root * root


def test_a_root_that_begins_at_zero():
    times = [0, 0.01, 1, 5]
    got = compiled("x = 0; x' = 1 - sqrt(x)").solve(times, ["x"], tolerances=TIGHT_ANY_SIGN)
    assert got.status == ("ok",)
    assert got["x"][0] == pytest.approx([filled(t) if t else 0 for t in times], rel=1e-8)
    assert got["x"][0, 3] == pytest.approx(0.93866, abs=1e-5)


def test_a_root_that_begins_at_zero_beside_states_that_do_not():
    text = "x = 0; x' = 1 - sqrt(x); y = 1; y' = -y; z = 0; z' = y - z*sqrt(x)"
    got = compiled(text).solve([0, 5], ["x", "y"], tolerances=TIGHT_ANY_SIGN)
    assert got["x"][0, 1] == pytest.approx(filled(5), rel=1e-8)
    assert got["y"][0, 1] == pytest.approx(math.exp(-5), rel=1e-8)


@pytest.mark.parametrize("zero", [Set(2.0, "x", 0.0), Scale(2.0, "x", 0.0)])
def test_a_root_that_a_dose_sets_to_zero(zero):
    model = compiled("x = 0.5; x' = 1 - sqrt(x)")
    got = model.solve([0, 2, 7], ["x"], inputs=[zero], tolerances=TIGHT_ANY_SIGN)
    assert got["x"][0, 1:] == pytest.approx([0, filled(5)], rel=1e-8, abs=1e-12)
    event = compiled("x = 0.5; x' = 1 - sqrt(x); at time >= 2: x = 0")
    assert event.solve([0, 7], ["x"], tolerances=TIGHT_ANY_SIGN)["x"][0, 1] == pytest.approx(
        filled(5), rel=1e-8
    )


def test_the_steady_state_of_a_root_that_begins_at_zero():
    for newton in (None, True, False):
        chosen = {} if newton is None else {"newton": newton}
        got = compiled("x = 0; x' = 1 - sqrt(x)").steady_state(["x"], **chosen)
        assert got.status == ("ok",)
        assert got["x"][0] == pytest.approx(1, rel=1e-6)


def test_a_root_of_a_state_that_grows_from_zero_drives_another():
    """y' = sqrt(t) - y: y = int_0^t sqrt(u) e^(u - t) du."""
    got = compiled("x = 0; x' = 1; y = 0; y' = sqrt(x) - y").solve([0, 2], ["y"], tolerances=TIGHT_ANY_SIGN)
    right = quad(lambda u: math.sqrt(u) * math.exp(u - 2), 0, 2, epsabs=1e-13)[0]
    assert got["y"][0, 1] == pytest.approx(right, rel=1e-8)


@pytest.mark.parametrize("n", [0.3, 0.5, 1.0, 1.7, 2.0, 4.0])
def test_hill_terms_and_their_derivatives_from_zero(n):
    """y' = t^n / (K^n + t^n), and its derivatives by n and K under the integral."""
    text = "K = 0.8; n = 2; x = 0; x' = 1; y = 0; y' = x^n/(K^n + x^n)"
    got = compiled(text).sensitivities(
        [0, 2], ["y"], ["n", "K"], parameters={"n": n}, tolerances=TIGHT_ANY_SIGN
    )
    assert got.solution.status == ("ok",)

    def term(u):
        return u**n / (0.8**n + u**n)

    assert got.solution["y"][0, 1] == pytest.approx(quad(term, 0, 2, epsabs=1e-12)[0], rel=1e-7)
    by_n = quad(lambda u: term(u) * (1 - term(u)) * math.log(u / 0.8), 0, 2, epsabs=1e-12)[0]
    by_k = quad(lambda u: -n / 0.8 * term(u) * (1 - term(u)), 0, 2, epsabs=1e-12)[0]
    assert got.of("y", "n")[0, 1] == pytest.approx(by_n, rel=1e-6)
    assert got.of("y", "K")[0, 1] == pytest.approx(by_k, rel=1e-6)
    assert got.of("y", "n")[0, 0] == 0


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("y = 0; y' = sqrt(y)", "non_unique"),
        ("y = 0; y' = y^0.7 - y", "non_unique"),
        ("p = 0.6; y = 0; y' = y^p/(1 + y^p) - 0.1*y", "non_unique"),
        ("x = 0; y = 0; x' = 0.1*y; y' = sqrt(x)", "non_unique"),
        ("x = 1; y = 0; x' = -x; y' = sqrt(y)*x", "non_unique"),
        ("y = 0; y' = sqrt(y)*(1 + time)", "non_unique"),
        ("y = 0; y' = sqrt(y) + time", "ok"),
        ("z = 0; x = 0; y = 0; z' = 1; x' = z + y; y' = sqrt(x)", "ok"),
        ("w = 0; z = 0; x = 0; y = 0; w' = 1; z' = w; x' = z + y; y' = sqrt(x)", "ok"),
        ("y = 0; y' = -sqrt(y)", "ok"),
        ("y = 0; y' = y^1.5", "ok"),
        ("y = 0; y' = 1 + sqrt(y)", "ok"),
        ("x = 0; y = 0; x' = -x; y' = sqrt(x)", "ok"),
        ("y = 1e-9; y' = sqrt(y)", "ok"),
        ("x = 0; y = 0; x' = sqrt(y) - sqrt(x); y' = sqrt(x) - sqrt(y)", "ok"),
    ],
)
def test_a_start_with_more_than_one_future_has_a_word_of_its_own(text, word):
    got = compiled(text).solve([0, 1], ["y"], tolerances=TIGHT_ANY_SIGN)
    assert got.status == (word,)


def test_a_dose_that_leads_to_more_than_one_future():
    model = compiled("y = 1; y' = sqrt(y)")
    got = model.solve([0, 1, 2, 3], ["y"], inputs=[Set(2.0, "y", 0.0)], tolerances=TIGHT_ANY_SIGN)
    assert got.status == ("non_unique",)
    assert got["y"][0, 1] == pytest.approx(2.25)
    assert np.isnan(got["y"][0, 3])


def test_a_guarded_quotient_has_a_slope_where_the_guard_holds():
    text = "x = 1; y = 0; x' = piecewise(x/y, y > 0, -x) + 0*y; y' = 0*x"
    got = compiled(text).solve([0, 2], ["x"], tolerances=TIGHT_ANY_SIGN)
    assert got["x"][0, 1] == pytest.approx(math.exp(-2), rel=1e-9)


def test_an_infinite_slope_is_not_passed_over():
    """1 / x at 1e-160 is finite and its slope is not: no step is taken, and it is said."""
    model = compiled("x = 1e-160; y = 0; x' = 1e-170 - x; y' = 1e-160/x - y")
    got = model.solve([0, 1], ["y"], tolerances=TIGHT_ANY_SIGN)
    assert got.status == ("non_finite",)


def test_a_root_that_empties_a_state():
    """x' = -sqrt x from 1 is (1 - t / 2)^2 until 2, and zero from then on; what it fed stays."""
    text = "x = 1; y = 0; z = 0; n = 0; x' = -sqrt(x); y' = sqrt(x); z' = 1 - z; at x <= 0: n = time"
    got = compiled(text).solve([0, 1, 1.9, 2.1, 5], ["x", "y", "z", "n"], tolerances=TIGHT_ANY_SIGN)
    assert got.status == ("ok",)
    assert got["x"][0] == pytest.approx([1, 0.25, 0.0025, 0, 0], rel=1e-8)
    assert got["y"][0] == pytest.approx(1 - got["x"][0], rel=1e-9)
    assert got["z"][0, 4] == pytest.approx(1 - math.exp(-5), rel=1e-9)
    assert got["n"][0] == pytest.approx([0, 0, 0, 2, 2], rel=1e-6)


@pytest.mark.parametrize("power", [0.3, 0.7, 0.9])
def test_a_power_that_empties_a_state_which_a_dose_fills_again(power):
    """x' = -x^p from 1 is empty at 1 / (1 - p)."""
    end = 1 / (1 - power)
    model = compiled(f"x = 1; x' = -x^{power}")
    got = model.solve([0, 1.5 * end, 2 * end, 2.5 * end, 4 * end], ["x"], inputs=[Set(2 * end, "x", 1.0)])
    assert got.status == ("ok",)
    assert got["x"][0] == pytest.approx([1, 0, 1, 0.5**end, 0], rel=1e-6, abs=1e-30)


def test_what_goes_below_zero_under_a_root_is_not_finite():
    got = compiled("x = 1; x' = -1 - sqrt(x)").solve([0, 0.1, 5], ["x"], tolerances=TIGHT_ANY_SIGN)
    assert got.status == ("non_finite",)
    assert np.isnan(got["x"][0, 2])
