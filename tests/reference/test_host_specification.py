"""The host half against the figures in the closing notes of its specification.

Those figures were made with the infiltrate itself in the two event rates; the model uses its excess over
health, as the same notes demand. So the comparison here puts the infiltrate back, and only here.

Tolerance. The figures come from 2000 simulated people, and so do ours, with other random numbers. The
standard error of each figure is measured by splitting our people into ten groups of 200 and dividing the
standard deviation of the groups by sqrt(10); a difference of two such samples has sqrt(2) times that. Three
of these, plus half a unit of the last printed digit, are allowed. Three cohorts (seeds 7, 8, 9) gave
standard errors of .08 to .14 and .05 to .06 for the dispersions over one and two years (heavy-tailed
frailty), .004 to .009 for scans without lesions, .006 to .007 and .009 to .012 for progression, .007 to
.010 and .005 to .008 for freedom from new lesions; all three agree with the notes. The dispersion over one
year is therefore a weak check (+- .5), the others are not.
"""

from dataclasses import replace

import numpy as np
import pytest

from eubiosis.engine import Set, Tolerances
from eubiosis.model.natural_history import figures
from eubiosis.model.natural_history.course import run_hosts
from eubiosis.model.natural_history.inputs import host_alone_inputs
from eubiosis.model.natural_history.people import Drive, People

# from the closing notes (p0 = .054), with half the last printed digit, and the largest tolerance accepted
NOTES = {
    "dispersion of relapses, 1 year": (0.78, 0.005, 0.60),
    "dispersion of relapses, 2 years": (1.00, 0.005, 0.30),
    "scans without Gd+ lesions": (0.58, 0.005, 0.05),
    "progression confirmed at 12 weeks, 1 year": (0.16, 0.005, 0.05),
    "progression confirmed at 12 weeks, 2 years": (0.25, 0.005, 0.06),
    "no new T2 lesion in 6 months": (0.39, 0.005, 0.06),
    "no new T2 lesion in 2 years": (0.15, 0.005, 0.05),
}
GROUPS = 10


def ms_inputs(model):
    return host_alone_inputs(model.content)


def healthy_references(model):
    healthy = model.derived.of("healthy")
    return {k: healthy[k] for k in ("host_C_healthy", "host_MG_healthy", "host_NfL_healthy")}


@pytest.fixture(scope="module")
def compared():
    """Figures of 2000 people and their standard errors, with the infiltrate itself in the rates."""
    from eubiosis.model import load

    model = load()
    patch = pytest.MonkeyPatch()
    patch.setattr(figures, "excess", lambda infiltrate, *_: infiltrate)
    try:
        cohort = figures.simulate_cohort(
            model.content, model.host_kernel, ms_inputs(model), healthy_references(model), size=2000, seed=7
        )
        whole = figures.natural_history(cohort)
        groups = []
        for g, who in enumerate(np.array_split(np.arange(2000), GROUPS)):
            people = cohort.people
            part = replace(
                cohort,
                people=People(
                    people.parameters[:, who], people.frailty[who], people.triggers[who], people.age[who]
                ),
                course={name: values[:, who] for name, values in cohort.course.items()},
                seed=100 + g,
            )
            groups.append(figures.natural_history(part))
    finally:
        patch.undo()
    errors = {name: np.std([g[name] for g in groups], ddof=1) / np.sqrt(GROUPS) for name in NOTES}
    return whole, errors


@pytest.mark.slow
@pytest.mark.parametrize("figure", NOTES)
def test_a_figure_of_the_closing_notes(compared, figure):
    whole, errors = compared
    wanted, half, largest = NOTES[figure]
    tolerance = 3 * np.sqrt(2) * errors[figure] + half
    assert tolerance < largest, "the sampling error is too large for the comparison to mean anything"
    assert whole[figure] == pytest.approx(wanted, abs=tolerance)


@pytest.mark.slow
def test_the_rates_are_scaled_to_their_levels(compared):
    """About .5 relapses a year and 1.2 enhancing lesions a scan, which is what the two scales are set to."""
    whole, _ = compared
    assert whole["relapses a year"] == pytest.approx(0.5, rel=0.08)
    assert whole["Gd+ lesions per scan"] == pytest.approx(1.2, rel=0.08)


def test_the_healthy_host_of_the_closing_notes(model):
    """T 1.07, BB 1.10, C .61, MG 1.40, NfL 1.7 in health at five years; axons only fall."""
    healthy = model.derived.of("healthy")
    for state, value in (("T1", 1.07), ("BB", 1.10), ("C", 0.61), ("MG", 1.40)):
        assert healthy[f"host_{state}"] == pytest.approx(value, abs=0.006), state
    assert healthy["host_NfL"] == pytest.approx(1.7, abs=0.06)
    axons = model.simulate("healthy", np.arange(0, 366, 5.0), ("host_Ax",))["host_Ax"][0]
    assert np.all(np.diff(axons) < 0)


def ms_person(model):
    kernel = model.host_kernel
    parameters = kernel.default_parameters.copy()
    values = ms_inputs(model) | healthy_references(model)
    values |= {"host_smold": model.content.numbers["host_smold_ms"].value}
    for name, value in values.items():
        parameters[kernel.parameter_index[name]] = value
    return parameters


def test_half_day_steps_against_an_adaptive_solver(model):
    """After a trigger of 1.5 the infiltrate errs by less than .05 % of its peak."""
    kernel, parameters, days = model.host_kernel, ms_person(model), 200
    person = dict(zip(kernel.system.parameters, parameters, strict=True))
    settled = kernel.solve([0.0, 400.0], ("host_C",), parameters=person).states[0]
    shots = np.zeros((days, 1))
    shots[5] = 1.5
    one = People(parameters[:, None], np.ones(1), np.ones(1), np.array([37.0]))
    steps, _ = run_hosts(kernel, one, Drive(np.ones((days, 1)), shots), ("host_C",), start=settled[:, None])
    exact = kernel.solve(
        np.arange(days + 1.0),
        ("host_C",),
        initial=settled,
        parameters=person,
        inputs=[Set(5.0, "host_shot", 1.5), Set(6.0, "host_shot", 0.0)],
        tolerances=Tolerances(relative=1e-10, absolute=1e-12),
    )["host_C"][0, 1:]
    assert exact.max() > 1.5 * settled[kernel.state_index["host_C"]]  # the trigger did something
    assert np.abs(steps["host_C"][:, 0] - exact).max() < 0.0005 * exact.max()


@pytest.mark.parametrize(
    ("smoothed", "raw", "epsilon"),
    [
        ("host_E", "host_E_raw", "host_eps"),
        ("host_dLPS_up", "host_dLPS", "host_eps"),
        ("host_Dd", "host_Dd_raw", "host_eps"),
        ("host_Cin", "host_Cin_raw", "host_eps"),
        ("host_MGx", "host_MGx_raw", "host_eps"),
        ("host_X", "host_X_raw", "host_eps_X"),
    ],
)
def test_positive_parts_are_smooth_positive_and_close(model, smoothed, raw, epsilon):
    """(x + sqrt(x^2 + e^2)) / 2: e/2 at zero, above max(x, 0), and less than e^2 / (4 |x|) away from it."""
    kernel, rng = model.host_kernel, np.random.default_rng(2)
    width = model.content.numbers[epsilon].value
    states = kernel.default_states[:, None] * rng.uniform(0.0, 3.0, (len(kernel.default_states), 400))
    parameters = np.repeat(ms_person(model)[:, None], 400, axis=1)
    parameters[kernel.parameter_index["host_lps_lumen"]] = rng.uniform(0.01, 3, 400)
    states[kernel.state_index["host_TJ"]] = rng.uniform(0.8, 1.2, 400)
    values = kernel.assigned_at(0.0, states, parameters)
    x, got = values[kernel.assigned_index[raw]], values[kernel.assigned_index[smoothed]]
    assert x.max() > 0
    assert x.min() < 0 or raw == "host_Dd_raw"  # a dendritic drive below zero needs a rarer state
    assert np.all(got > 0)
    gap = got - np.maximum(x, 0)
    assert np.all(gap > -1e-15)
    assert np.all(gap <= width / 2 * (1 + 1e-9))
    far = np.abs(x) > 10 * width
    assert np.all(gap[far] <= width**2 / (4 * np.abs(x[far])) * (1 + 1e-6) + 1e-14)
