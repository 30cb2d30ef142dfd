"""Failures have a word, end a course with NaN, and leave the company alone."""

import numpy as np
import pytest

from engine_models import TIGHT, compiled, same
from eubiosis import engine
from eubiosis.engine import Integral, Last, Maximum, Tolerances

TIMES = np.linspace(0, 3, 13)
PEOPLE = 19


@pytest.fixture(scope="module")
def exploding():
    return compiled("p = 0.1; x = 1; x' = p*x^2; q := p + time; z := x + 1")


def test_the_words_are_what_is_documented():
    assert engine.FAILURES == (
        "step_limit",
        "non_finite",
        "negative",
        "event_failure",
        "sliding",
        "non_unique",
        "undecided",
    )


def test_a_blow_up_is_not_finite_and_nan_from_there_on(exploding):
    """x = 1 / (1 - p t) is infinite at 1 / p."""
    got = exploding.solve(TIMES, ["x", "z"], parameters={"p": 1.0}, tolerances=TIGHT)
    assert got.status == ("non_finite",)
    good = TIMES < 1
    np.testing.assert_allclose(got["x"][0, good], 1 / (1 - TIMES[good]), rtol=1e-8)
    assert np.isnan(got.values[0, TIMES > 1]).all()
    assert np.isnan(got.states).all()


def test_what_needs_no_state_ends_with_the_failure_too(exploding):
    alone = exploding.solve(TIMES, ["q", "p"], parameters={"p": 1.0})
    both = exploding.solve(TIMES, ["q", "p", "x"], parameters={"p": 1.0})
    assert same(alone.values, both.values[:, :, :2])
    assert np.isnan(alone.values[0, TIMES > 1]).all()
    assert alone["q"][0, 1] == 1.25


@pytest.mark.parametrize("bad", [[0], [7], [18], [3, 4, 11]])
def test_failed_subjects_leave_the_others_alone_in_numbers_and_effort(exploding, bad):
    p = np.linspace(0.05, 0.3, PEOPLE)
    wanted = [Integral("x"), Maximum("x"), Last("q")]
    good = exploding.solve(TIMES, ["x"], parameters={"p": p}, reductions=wanted, tolerances=TIGHT)
    assert set(good.status) == {"ok"}
    p[bad] = [1.0, 5.0, np.nan][: len(bad)]
    mixed = exploding.solve(TIMES, ["x"], parameters={"p": p}, reductions=wanted, tolerances=TIGHT)
    rest = np.setdiff1d(np.arange(PEOPLE), bad)
    assert [mixed.status[i] for i in rest] == ["ok"] * len(rest)
    assert [mixed.status[i] for i in bad] == ["non_finite"] * len(bad)
    for part in ("values", "states", "effort"):
        assert same(getattr(mixed, part)[rest], getattr(good, part)[rest]), part
    for reduction in wanted:
        assert same(mixed.reduced[reduction][rest], good.reduced[reduction][rest])
        assert np.isnan(mixed.reduced[reduction][bad]).all()


def test_the_step_limit_counts_steps_tried():
    model = compiled("w = 1; x = 1; v = 0; x' = v; v' = -w^2*x")
    w = np.array([1.0, 100.0, 1.0])
    limited = Tolerances(max_steps=300, negative=np.inf)
    got = model.solve([0.0, 1.0, 5.0], ["x"], parameters={"w": w}, tolerances=limited)
    assert got.status == ("ok", "step_limit", "ok")
    assert got.effort[1, 0] == 301
    assert np.isnan(got["x"][1, 2])
    assert same(got["x"][0], got["x"][2])


def test_a_negative_state_has_its_word_and_keeps_its_values():
    model = compiled("x = 1; x' = -1")
    strict = Tolerances(absolute=1e-12, negative=1e4)
    got = model.solve([0.0, 2.0], ["x"], reductions=[Last("x"), Integral("x")], tolerances=strict)
    assert got.status == ("negative",)
    assert got["x"][0] == pytest.approx([1, -1])
    assert got.reduced[Last("x")][0] == got["x"][0, 1] == got.states[0, 0]
    assert got.reduced[Integral("x")][0] == pytest.approx(0, abs=1e-10)
    assert model.solve([0.0, 2.0], ["x"]).status == ("ok",)  # any sign, unless one asks
    of_its_size = Tolerances(negative=1e4)  # a floor of -1e4 x 1e-16 x 1
    assert model.solve([0.0, 2.0], ["x"], tolerances=of_its_size).status == ("negative",)
    assert model.solve([0.0, 1.0], ["x"], tolerances=of_its_size).status == ("ok",)
    loose = Tolerances(absolute=1e-3, negative=1e4)  # a floor of -10
    assert model.solve([0.0, 2.0], ["x"], tolerances=loose).status == ("ok",)


def test_an_endless_cascade_is_an_event_failure():
    """From x = at on, two events undo one another for ever."""
    model = compiled(
        "at_x = 1; x = 0; y = 0; x' = 1; E1: at (x >= at_x): y = 1;"
        "E2: at (y > 0.5): y = 0; E3: at (y < 0.5 && x >= at_x): y = 1;"
    )
    at = np.array([9.0, 0.75, 9.0, 0.0])
    got = model.solve(TIMES, ["x", "y"], parameters={"at_x": at}, tolerances=TIGHT)
    assert got.status[:3] == ("ok", "event_failure", "ok")
    assert got["y"][1, :3].tolist() == [0.0] * 3
    assert np.isnan(got.values[1, 4:]).all()
    assert np.isnan(got.states[1]).all()
    alone = model.solve(TIMES, ["x", "y"], parameters={"at_x": 9.0}, tolerances=TIGHT)
    for i in (0, 2):
        assert same(got.values[i], alone.values[0])
        assert same(got.effort[i], alone.effort[0])


def test_a_number_that_is_not_one_fails_at_once_and_alone():
    model = compiled("k = 1; x = 1; x' = -k*x")
    got = model.solve([0.0, 1.0], ["x"], parameters={"k": np.array([1.0, np.nan, np.inf, 1.0])})
    assert got.status == ("ok", "non_finite", "non_finite", "ok")
    assert got["x"][[0, 3], 1] == pytest.approx(np.exp(-1))
    starts = model.solve([0.0, 1.0], ["x"], initial={"x": np.array([1.0, np.nan])})
    assert starts.status == ("ok", "non_finite")


def test_a_start_that_follows_from_undefined_mathematics_stays_in_the_table():
    model = compiled("a = 1; x = 1/a - 2/a; x' = -x")
    got = model.solve([0.0, 1.0], ["x"], parameters={"a": np.array([1.0, 0.0])})
    assert got.status[1] == "non_finite"
    assert got["x"][0, 1] == pytest.approx(-np.exp(-1))
