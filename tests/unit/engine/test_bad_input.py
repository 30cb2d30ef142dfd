"""What a call refuses, and what it says."""

import math
from pathlib import Path

import numpy as np
import pytest

from engine_models import compiled
from eubiosis import engine
from eubiosis.engine import Add, AtLeast, Integral, Set, System, UnsupportedSbmlError, compile
from eubiosis.engine.expressions import Call, Number, Symbol


@pytest.fixture(scope="module")
def model():
    return compiled("k = 1; x = 1; y = 2; x' = -k*x; y' = x; z := x + y")


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.solve([0, 1], ["x", "nothing"]),
        lambda m: m.solve([0, 1], ["x"], parameters={"nothing": 1.0}),
        lambda m: m.solve([0, 1], ["x"], initial={"nothing": 1.0}),
        lambda m: m.solve([0, 1], ["x"], inputs=[Set(0.5, "nothing", 1.0)]),
        lambda m: m.solve([0, 1], ["x"], inputs=[Add(0.5, "nothing", 1.0)]),
        lambda m: m.solve([0, 1], reductions=[Integral("nothing")]),
        lambda m: m.steady_state(["nothing"]),
        lambda m: m.sensitivities([0, 1], ["x"], ["nothing"]),
        lambda m: m.sensitivities([0, 1], ["nothing"], ["k"]),
        lambda m: m.march([0, 1], ["nothing"]),
        lambda m: m.march([0, 1], ["x"], held={"nothing": np.ones(1)}),
    ],
)
def test_an_unknown_name_is_an_error_that_says_it(model, call):
    with pytest.raises(KeyError, match="nothing"):
        call(model)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda m: m.solve([0, 1], ["x"], parameters={"x": 1.0}), "x"),  # a state is no parameter
        (lambda m: m.solve([0, 1], ["x"], initial={"k": 1.0}), "k"),
        (lambda m: m.solve([0, 1], ["x"], inputs=[Add(0.5, "k", 1.0)]), "k"),  # amounts go to states
        (lambda m: m.solve([0, 1], ["x"], inputs=[AtLeast(0.5, "z", 1.0)]), "z"),
        (lambda m: m.solve([0, 1], ["x"], inputs=[Set(0.5, "z", 1.0)]), "z"),  # it follows a rule
        (lambda m: m.sensitivities([0, 1], ["x"], ["z"]), "z"),
        (lambda m: m.march([0, 1, 2], ["x"], held={"y": np.ones(2)}), "y"),
    ],
)
def test_a_name_of_the_wrong_kind_is_an_error(model, call, name):
    with pytest.raises(KeyError, match=name):
        call(model)


@pytest.mark.parametrize(
    "times", [[0.0, 2.0, 1.0], [0.0, 0.0], [], [[0.0, 1.0]], [0.0, np.nan], [0.0, np.inf]]
)
def test_times_must_be_finite_and_increase(model, times):
    for call in (model.solve, model.march):
        with pytest.raises(ValueError, match="times must be finite and increase"):
            call(times, ["x"])
    with pytest.raises(ValueError, match="times must be finite and increase"):
        model.sensitivities(times, ["x"], ["k"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda m: m.solve([0, 1], parameters={"k": np.ones(3)}, initial={"x": np.ones(2)}),
            "2 .*others for 3",
        ),
        (lambda m: m.solve([0, 1], parameters={"k": np.ones((3, 1))}), r"k has shape \(3, 1\); allowed"),
        (lambda m: m.solve([0, 1], parameters={"k": np.ones(0)}), r"k has shape \(0,\); allowed"),
        (lambda m: m.solve([0, 1], initial=np.ones((4, 3))), "initial has 3 columns; allowed: 2"),
        (lambda m: m.solve([0, 1], parameters={"k": np.ones(3)}, inputs=[Add(0, "x", np.ones(2))]), "x has"),
        (
            lambda m: m.solve([0, 1], inputs=[Add(np.nan, "x", 1.0)]),
            "x: the time of an input is not a number",
        ),
        (lambda m: m.solve([0, 1], inputs=[Add(np.array([0, np.nan]), "x", 1.0)]), "x: the time of an input"),
        (lambda m: m.solve([0, 1], threads=0), "threads is 0; allowed: 1 or more"),
        (lambda m: m.solve([0, 1], method="euler"), 'method "euler" is unknown; allowed: rodas4, rodas5p'),
        (lambda m: m.march([0, 1, 2], held={"k": np.ones(3)}), r"k has shape \(3,\); allowed: \(2,\) or"),
        (lambda m: m.march([0, 1, 2], linear={"k": np.ones(2)}), r"k has shape \(2,\); allowed: \(3,\) or"),
        (lambda m: m.march([0, 1], held={"k": np.ones(1)}, parameters={"k": 2.0}), "k is both"),
        (lambda m: m.march([0, 1], ["x"], steps=0), "steps is 0; allowed: 1 or more"),
        (lambda m: m.march([0, 1], ["x"], record=[2]), "record must increase from 0 to at most 1"),
        (lambda m: m.march([0, 1], ["x"], record=[1, 0]), "record must increase"),
    ],
)
def test_what_does_not_fit_is_an_error_that_says_what_is_allowed(model, call, message):
    with pytest.raises(ValueError, match=message):
        call(model)


def test_one_text_is_not_a_sequence_of_names(model):
    for call in (model.steady_state, lambda o: model.solve([0, 1], o), lambda o: model.march([0, 1], o)):
        with pytest.raises(TypeError, match='observables is the text "xy"; allowed: a sequence of names'):
            call("xy")


def test_what_is_not_sbml_is_an_error():
    with pytest.raises((ValueError, UnsupportedSbmlError)):
        engine.compile("<this is no model")
    with pytest.raises(FileNotFoundError):
        engine.compile(Path("no_such_file.xml"))


def test_explicit_runs_take_no_events():
    eventful = compiled("x = 0; x' = 1; E: at (x > 1): x = 0;")
    with pytest.raises(ValueError, match=r"E.*explicit runs take no SBML events"):
        eventful.march([0, 1], ["x"])


def test_mathematics_nested_too_deeply_is_refused_with_its_place():
    def system(depth):
        tree = Symbol("x")
        for _ in range(depth):
            tree = Call("sin", (tree,))
        return System("deep", ("x",), (), (), {"x": tree}, {}, {"x": 1.0}, {})

    assert compile(system(200)).solve([0.0, 1.0], ["x"]).status == ("ok",)
    for depth in (300, 100_000):
        with pytest.raises(ValueError, match="x: mathematics nested deeper than 200 operations"):
            compile(system(depth))


@pytest.mark.parametrize("exponent", [math.nan, math.inf, -math.inf, 1e300])
def test_an_exponent_that_is_no_small_number_is_no_crash(exponent):
    power = Call("^", (Symbol("x"), Number(exponent)))
    model = compile(System("power", ("x",), (), (), {"x": power}, {}, {"x": 0.5}, {}))
    right = "non_finite" if not exponent > 0 else "ok"
    assert model.solve([0.0, 1.0], ["x"]).status == (right,)
