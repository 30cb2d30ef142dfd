"""A subject's numbers are its own: bit for bit whatever the company, order, threads or questions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_models import compiled, same
from eubiosis.engine import Add, Integral, Last, Maximum, Minimum, Scale, Set

PEOPLE = 37
GRID = np.linspace(0.0, 6.0, 25)
# products that are added, read out, shared between rates or fixed: what is fused follows from the sum alone
TEXT = """
    k = 1; s = 0.1; u = 0; c = 1.7; x = 1; y = 0.5; q = 0
    p := x*y; g := p + 0.3; f := c*s; e := f + x; r := 1/(0.7 + x); h := exp(-y)*f; b := sin(time)*u
    x' = 2 - k*x - p + u*0.1
    y' = c*s*x + 0.1*sin(y) - 40*y*y + r*0.2
    q' = p*(x - q) + h
"""
NAMES = ("x", "y", "q", "p", "g", "f", "e", "r", "h", "b", "u", "k")
REDUCTIONS = tuple(
    kind(name) for name in ("p", "g", "f", "h", "x") for kind in (Integral, Minimum, Maximum, Last)
)


@pytest.fixture(scope="module")
def model():
    return compiled(TEXT)


@pytest.fixture(scope="module")
def people():
    rng = np.random.default_rng(8)
    return {
        "parameters": {"k": rng.uniform(0.2, 3, PEOPLE), "s": rng.uniform(0, 1, PEOPLE)},
        "initial": {"x": rng.uniform(0.1, 3, PEOPLE)},
        "when": rng.uniform(0, 6, PEOPLE),
        "amount": rng.uniform(0, 4, PEOPLE),
    }


def solve(model, people, rows, times=GRID, names=NAMES, reductions=(), **options):
    """Solve some of the people, all dosed at times of their own."""
    take = lambda table: {name: column[rows] for name, column in table.items()}  # noqa: E731
    doses = [
        Add(people["when"][rows], "x", people["amount"][rows]),
        Set(2.0, "u", people["amount"][rows]),
        Scale(4.0, "y", 0.5),
    ]
    return model.solve(
        times,
        names,
        parameters=take(people["parameters"]),
        initial=take(people["initial"]),
        inputs=doses,
        reductions=reductions,
        **options,
    )


@pytest.fixture(scope="module")
def everybody(model, people):
    return solve(model, people, np.arange(PEOPLE), reductions=(Integral("p"), Maximum("h")), threads=1)


def own_parts(solution, rows):
    return [solution.values[rows], solution.states[rows], solution.effort[rows]]


@given(order=st.permutations(range(PEOPLE)), size=st.integers(1, PEOPLE), threads=st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_company_order_number_and_threads_change_nothing(model, people, everybody, order, size, threads):
    rows = np.array(order[:size])
    wanted = (Integral("p"), Maximum("h"))
    got = solve(model, people, rows, reductions=wanted, threads=threads)
    for one, other in zip(own_parts(got, slice(None)), own_parts(everybody, rows), strict=True):
        assert same(one, other)
    for reduction in wanted:
        assert same(got.reduced[reduction], everybody.reduced[reduction][rows])


@given(names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
@settings(max_examples=12, deadline=None)
def test_other_observables_change_nothing(model, people, everybody, names):
    got = solve(
        model, people, np.arange(PEOPLE), names=tuple(names), reductions=(Integral("p"), Maximum("h"))
    )
    for name in names:
        assert same(np.ascontiguousarray(got[name]), np.ascontiguousarray(everybody[name])), name
    assert same(got.states, everybody.states)


@given(wanted=st.lists(st.sampled_from(REDUCTIONS), max_size=4, unique=True))
@settings(max_examples=10, deadline=None)
def test_reductions_change_nothing(model, people, everybody, wanted):
    """Neither the courses nor one another."""
    got = solve(model, people, np.arange(PEOPLE), reductions=tuple(wanted))
    for one, other in zip(own_parts(got, slice(None)), own_parts(everybody, slice(None)), strict=True):
        assert same(one, other)
    for reduction in wanted:
        if reduction in everybody.reduced:
            assert same(got.reduced[reduction], everybody.reduced[reduction])


@given(inner=st.sets(st.integers(1, len(GRID) - 2)))
@settings(max_examples=20, deadline=None)
def test_output_points_change_nothing(model, people, everybody, inner):
    """Between the same start and end; what is read out at a time is the same wherever it stands in a list."""
    points = [0, *sorted(inner), len(GRID) - 1]
    rows = np.array([5, 30, 6])
    got = solve(model, people, rows, times=GRID[points], reductions=(Integral("p"),))
    assert same(got.values, np.ascontiguousarray(everybody.values[rows][:, points]))
    assert same(got.states, everybody.states[rows])
    assert same(got.effort, everybody.effort[rows])


def test_a_batch_in_many_chunks_is_the_same(model, people, everybody, monkeypatch):
    from eubiosis.engine import batch

    monkeypatch.setattr(batch, "_RECORD_BYTES", 1)
    monkeypatch.setattr(batch, "_FEWEST", 5)
    got = solve(model, people, np.arange(PEOPLE), reductions=(Integral("p"), Maximum("h"), Last("g")))
    for one, other in zip(own_parts(got, slice(None)), own_parts(everybody, slice(None)), strict=True):
        assert same(one, other)


def test_a_parameter_given_to_all_or_to_each_is_the_same(model):
    """Shared numbers are loaded as one, personal ones as vectors."""
    shared = model.solve(GRID, NAMES, parameters={"k": 0.9, "s": 0.3, "c": 1.1})
    each = model.solve(
        GRID, NAMES, parameters={name: np.full(11, v) for name, v in (("k", 0.9), ("s", 0.3), ("c", 1.1))}
    )
    for i in range(11):
        assert same(each.values[i], shared.values[0])
        assert same(each.effort[i], shared.effort[0])


def test_explicit_runs_do_not_depend_on_the_questions_either(model, people):
    held = {"u": np.random.default_rng(3).uniform(0, 2, (len(GRID) - 1, PEOPLE))}
    given = {"parameters": people["parameters"], "initial": people["initial"], "held": held, "steps": 20}
    whole = model.march(GRID, NAMES, reductions=(Integral("p"), Maximum("h"), Minimum("f")), **given)
    for name in NAMES:
        alone = model.march(GRID, [name], **given)
        assert same(np.ascontiguousarray(alone[name]), np.ascontiguousarray(whole[name])), name
        assert same(alone.states, whole.states)
