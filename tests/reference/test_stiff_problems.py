"""Stiff problems whose answers are published, and small stiff models in another simulator.

Published values: Mazzia and Magherini (2008), Test Set for Initial Value Problem Solvers, release 2.4, from
runs in quadruple precision.
"""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from engine_models import TIGHT_ANY_SIGN, compiled, sbml
from eubiosis.engine import Tolerances

METHODS = ("rodas5p", "rodas4")
# problem: model, end, states, answer, absolute tolerance
PROBLEMS = {
    "robertson": (
        "x = 1; y = 0; z = 0; x' = -0.04*x + 1e4*y*z; y' = 0.04*x - 1e4*y*z - 3e7*y^2; z' = 3e7*y^2",
        1e11,
        ["x", "y", "z"],
        [0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050],
        1e-22,
    ),
    "van der pol": (
        "x = 2; y = 0; x' = y; y' = ((1 - x^2)*y - x)/1e-6",
        2.0,
        ["x", "y"],
        [0.1706167732170483e1, -0.8928097010247975],
        1e-12,
    ),
    "oregonator": (
        "x = 1; y = 2; z = 3; x' = 77.27*(y + x*(1 - 8.375e-6*x - y));"
        "y' = (z - (1 + x)*y)/77.27; z' = 0.161*(x - z)",
        360.0,
        ["x", "y", "z"],
        [0.1000814870318523e1, 0.1228178521549917e4, 0.1320554942846706e3],
        1e-12,
    ),
    "hires": (
        "y1 = 1; y2 = 0; y3 = 0; y4 = 0; y5 = 0; y6 = 0; y7 = 0; y8 = 0.0057;"
        "y1' = -1.71*y1 + 0.43*y2 + 8.32*y3 + 0.0007; y2' = 1.71*y1 - 8.75*y2;"
        "y3' = -10.03*y3 + 0.43*y4 + 0.035*y5; y4' = 8.32*y2 + 1.71*y3 - 1.12*y4;"
        "y5' = -1.745*y5 + 0.43*(y6 + y7); y6' = -280*y6*y8 + 0.69*y4 + 1.71*y5 - 0.43*y6 + 0.69*y7;"
        "y7' = 280*y6*y8 - 1.81*y7; y8' = -280*y6*y8 + 1.81*y7",
        321.8122,
        [f"y{i}" for i in range(1, 9)],
        [
            *(0.7371312573325668e-3, 0.1442485726316185e-3, 0.5888729740967575e-4, 0.1175651343283149e-2),
            *(0.2386356198831331e-2, 0.6238968252742796e-2, 0.2849998395185769e-2, 0.2850001604814231e-2),
        ],
        1e-15,
    ),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_published_answers(problem, method):
    text, end, names, answer, absolute = PROBLEMS[problem]
    tolerances = Tolerances(relative=1e-10, absolute=absolute, negative=np.inf)
    got = compiled(text).solve([0.0, end], names, tolerances=tolerances, method=method)
    assert got.status == ("ok",)
    np.testing.assert_allclose(got.values[0, -1], answer, rtol=2e-7)


@pytest.mark.parametrize("problem", ["van der pol", "hires"])
def test_whole_courses_are_those_of_an_implicit_runge_kutta_method(problem):
    """Radau IIA of order 5, from the rates of the compiled model at tolerance 1e-8."""
    text, end = PROBLEMS[problem][:2]
    model = compiled(text)
    none = model.default_parameters[:, None]

    def rates(time, y):
        out = np.empty((len(y), 1))
        model.rates(time, y[:, None], none, out)
        return out[:, 0]

    times = np.linspace(0, end, 41)
    radau = solve_ivp(rates, (0, end), model.default_states, "Radau", times, rtol=1e-8, atol=1e-11)
    got = model.solve(times, model.system.states, tolerances=TIGHT_ANY_SIGN)
    scale = np.abs(got.values[0]).max(axis=0)
    assert np.all(np.abs(got.values[0] - radau.y.T).max(axis=0) < 2e-6 * scale)


# --- another simulator of SBML -----------------------------------------------------------------------------

MODELS = {
    "enzyme": "E = 1; S = 50; C = 0; F = 0; kf = 100; kr = 10; kc = 5;"
    "J1: S + E -> C; kf*S*E - kr*C; J2: C -> E + F; kc*C;",
    "relaxation oscillator": "u = 1; v = 0; tau = 500; u' = tau*(u - u^3/3 - v); v' = u + 0.7 - 0.8*v;",
    "repressilator": "a = 1; b = 2; c = 3; n = 4; m = 0.001; big = 200;"
    "a' = big/(1 + c^n) + m - a; b' = big/(1 + a^n) + m - b; c' = big/(1 + b^n) + m - c;",
    "forced and dosed": "k = 300; x = 0; y = 0; s := 1 + sin(3*time);"
    "x' = s - k*(x - y); y' = k*(x - y) - 0.5*y; E: at (time >= 2.5): y = y + 4;",
    "switches": "x = 0; y = 1; u := piecewise(5, (time >= 1) && (time < 1.5), 0);"
    "x' = u - 1000*x*y; y' = 0.1 - 20*x*y; D: at (y < 0.5): y = 2*y;",
}


@pytest.mark.parametrize("name", MODELS)
def test_libroadrunner_agrees(name):
    from quick_roadrunner import load_quickly

    text = sbml(MODELS[name])
    other = load_quickly(text)
    other.integrator.relative_tolerance = 1e-11
    other.integrator.absolute_tolerance = 1e-14
    other.integrator.maximum_num_steps = 500_000
    model = compiled(MODELS[name])
    states = model.system.states
    floating = set(other.model.getFloatingSpeciesIds())
    other.timeCourseSelections = ["time", *(f"[{s}]" if s in floating else s for s in states)]
    course = np.asarray(other.simulate(0, 5, 101))
    got = model.solve(course[:, 0], states, tolerances=TIGHT_ANY_SIGN)
    assert got.status == ("ok",)
    scale = np.abs(course[:, 1:]).max(axis=0)
    away = np.ones(101, dtype=bool)
    away[[20, 30, 50]] = False  # at a change the other simulator reports the value before it
    assert np.all(np.abs(got.values[0] - course[:, 1:])[away].max(axis=0) < 2e-6 * scale)
