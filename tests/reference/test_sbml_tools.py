"""The exported conditions in other people's SBML simulators: libRoadRunner and COPASI.

Agreement of a and b is |a - b| <= 1e-4 |b| + 1e-7 x that state's healthy value (1 where that is zero), for
every state on every day of a year. The exported file is also run by this project's engine, and by the
schedule that ``Model.simulate`` uses instead of the piecewise doses of the file.
"""

import warnings

import antimony
import numpy as np
import pytest

from eubiosis import engine
from eubiosis.engine import Tolerances, read_sbml
from eubiosis.model.join import consistency_errors

pytestmark = pytest.mark.slow

CONDITIONS = (
    "healthy",
    "ms",
    "healthy_inulin_20g",
    "ms_inulin_20g",
    "healthy_vancomycin",
    "ms_vancomycin",
    "ms_fmt",
)
IN_ROADRUNNER = ("healthy", "ms", "healthy_inulin_20g", "healthy_vancomycin")  # a load takes seconds
DAYS = np.arange(366.0)
TIGHT = Tolerances(relative=1e-10, absolute=1e-14)


@pytest.fixture(scope="module")
def exported(model):
    """SBML text and the engine's own run of it, by condition."""
    runs = {}
    for condition in CONDITIONS:
        text = model.sbml(condition)
        solution = engine.compile(text).solve(DAYS, model.system.states, tolerances=TIGHT)
        assert solution.status == ("ok",)
        runs[condition] = (text, solution.values[0])
    return runs


@pytest.fixture(scope="module")
def scale(model):
    healthy = model.derived.of("healthy")
    return np.array([abs(healthy[s]) or 1.0 for s in model.system.states])


def assert_agree(model, scale, a, b):
    assert a.shape == b.shape == (len(DAYS), len(model.system.states))
    assert np.all(np.isfinite(b))
    over = np.abs(a - b) / (1e-4 * np.abs(b) + 1e-7 * scale)
    worst = np.unravel_index(np.argmax(over), over.shape)
    assert over.max() <= 1, (
        f"{model.system.states[worst[1]]} on day {DAYS[worst[0]]:g}: {over.max():.3g} x allowed"
    )


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_schedule_gives_what_the_exported_file_gives(model, exported, scale, condition):
    own = model.simulate(condition, DAYS, tolerances=TIGHT)
    assert own.status == ("ok",)
    assert_agree(model, scale, own.values[0], exported[condition][1])


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_default_tolerances_suffice(model, exported, scale, condition):
    """What a user gets without asking for anything meets the same bound."""
    assert_agree(model, scale, model.simulate(condition, DAYS).values[0], exported[condition][1])


@pytest.mark.parametrize("condition", IN_ROADRUNNER)
def test_libroadrunner_agrees(model, exported, scale, condition):
    from quick_roadrunner import load_quickly

    text, own = exported[condition]
    other = load_quickly(text)
    other.integrator.relative_tolerance = TIGHT.relative
    other.integrator.absolute_tolerance = TIGHT.absolute
    other.integrator.maximum_num_steps = 200_000
    other.timeCourseSelections = ["time", *model.system.states]
    course = np.asarray(other.simulate(0, 365, 366))
    np.testing.assert_allclose(course[:, 0], DAYS, atol=1e-9)
    assert_agree(model, scale, own, course[:, 1:])


@pytest.mark.parametrize("condition", CONDITIONS)
def test_copasi_agrees(model, exported, scale, condition):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packages that basico imports
        import basico
    text, own = exported[condition]
    other = basico.load_model_from_string(text)
    try:
        course = basico.run_time_course(
            model=other,
            start_time=0,
            duration=365,
            intervals=365,
            r_tol=TIGHT.relative,
            a_tol=TIGHT.absolute,
            max_steps=1_000_000,
            method="deterministic",
            use_sbml_id=True,
            update_model=False,
        )
    finally:
        basico.remove_datamodel(other)
    columns = [f"Values[{s}]" if f"Values[{s}]" in course.columns else s for s in model.system.states]
    assert_agree(model, scale, own, course[columns].to_numpy())


@pytest.mark.parametrize("condition", ["healthy", "ms_vancomycin", "ms_fmt"])
def test_the_exported_antimony_is_the_exported_sbml(model, exported, condition):
    """Antimony's own translation of the text reads as the same system."""
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(model.antimony(condition)) >= 0, antimony.getLastError()
    again, direct = read_sbml(antimony.getSBMLString("eubiosis")), read_sbml(exported[condition][0])
    for part in (
        "states",
        "parameters",
        "assigned",
        "rates",
        "rules",
        "events",
        "bounds",
    ):
        assert getattr(again, part) == getattr(direct, part), part
    for part in ("initial", "constants"):
        assert getattr(again, part) == in_fifteen_digits(getattr(direct, part)), part


def in_fifteen_digits(numbers):
    """Numbers as Antimony and libSBML write them (findings/libsbml_digits.sh)."""
    return {name: float(f"{value:.15g}") for name, value in numbers.items()}


@pytest.mark.parametrize("condition", ["healthy", "ms_inulin_20g", "healthy_vancomycin"])
def test_sbml_through_antimony_and_back(exported, condition):
    """Another tool's round trip: SBML -> Antimony -> SBML keeps every equation and number."""
    text = exported[condition][0]
    antimony.clearPreviousLoads()
    assert antimony.loadSBMLString(text) >= 0, antimony.getLastError()
    back = antimony.getSBMLString(antimony.getMainModuleName())
    first, second = read_sbml(text), read_sbml(back)
    assert set(first.states) == set(second.states)
    assert first.rates == second.rates
    assert first.rules == second.rules
    assert in_fifteen_digits(first.constants) == second.constants
    assert in_fifteen_digits(first.initial) == second.initial


@pytest.mark.parametrize("condition", ["healthy_inulin_20g", "ms_inulin_20g", "healthy_vancomycin"])
def test_libsbml_is_content(exported, condition):
    """The other conditions are among those of ``test_join``."""
    assert consistency_errors(exported[condition][0]) == []
