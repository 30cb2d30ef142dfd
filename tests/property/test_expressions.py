"""Machine code against plain Python on random expression trees."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from eubiosis import engine
from eubiosis.engine import System
from eubiosis.engine.expressions import TIME, Call, Number, Symbol, evaluate, substitute, subtrees, symbols

STATES = ("x", "y")
PARAMETERS = ("a", "b")
NUMBERS = st.floats(-4, 4, allow_nan=False).map(lambda v: Number(round(v, 3)))
LEAVES = NUMBERS | st.sampled_from([Symbol(n) for n in (*STATES, *PARAMETERS, TIME)])
UNARY = ("neg", "exp", "ln", "log10", "sqrt", "abs", "sin", "cos", "tan", "tanh", "floor", "ceil")
RELATION = ("<", "<=", ">", ">=", "==", "!=")


def compound(children):
    pair = st.tuples(children, children)
    condition = st.builds(Call, st.sampled_from(RELATION), pair)
    logic = st.builds(
        Call, st.sampled_from(("and", "or", "xor")), st.tuples(condition, condition)
    ) | st.builds(lambda c: Call("not", (c,)), condition)
    return (
        st.builds(lambda op, a: Call(op, (a,)), st.sampled_from(UNARY), children)
        | st.builds(Call, st.sampled_from(("+", "-", "*", "/", "min", "max", "^")), pair)
        | st.builds(Call, st.sampled_from(("+", "*", "min", "max")), st.tuples(children, children, children))
        | st.builds(lambda base, n: Call("^", (base, Number(float(n)))), children, st.integers(-20, 20))
        | st.builds(lambda a, c, b: Call("piecewise", (a, c, b)), children, condition | logic, children)
        | st.builds(
            lambda a, c, b, d, e: Call("piecewise", (a, c, b, d, e)),
            children,
            condition,
            children,
            condition,
            children,
        )
        | condition
        | logic
    )


TREES = st.recursive(LEAVES, compound, max_leaves=12)
POINTS = st.tuples(*[st.floats(-3, 3, allow_nan=False).map(lambda v: round(v, 4))] * 5)


def system_of(tree):
    return System(
        name="one",
        states=STATES,
        parameters=PARAMETERS,
        assigned=("z",),
        rates={"x": tree, "y": Symbol("z")},
        rules={"z": tree},
        initial=dict.fromkeys(STATES, 0.0),
        constants=dict.fromkeys(PARAMETERS, 0.0),
        units={},
    )


def well_posed(tree, values):
    """Tell whether the tree and everything in it is finite, moderate, and not on the edge of a jump."""
    for sub in subtrees(tree):
        if not isinstance(sub, Call):
            continue
        value = evaluate(sub, values)
        if not math.isfinite(value) or abs(value) > 1e8:
            return False
        if sub.op in RELATION:
            left, right = (evaluate(a, values) for a in sub.arguments)
            if left != right and abs(left - right) < 1e-6 * (1 + abs(left)):
                return False
            if left == right and any(isinstance(a, Call) for a in sub.arguments):
                return False
        if sub.op in ("floor", "ceil"):
            inner = evaluate(sub.arguments[0], values)
            if isinstance(sub.arguments[0], Call) and abs(inner - round(inner)) < 1e-6 * (1 + abs(inner)):
                return False
    return True


def wiggle(tree, values):
    """How much the value moves when every number moves by a rounding error: the conditioning of the tree."""
    base = evaluate(tree, values)
    moved = [evaluate(tree, {k: v * (1 + s * 1e-12) + s * 1e-13 for k, v in values.items()}) for s in (1, -1)]
    return max(abs(m - base) for m in moved)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
@given(TREES, st.lists(POINTS, min_size=1, max_size=4))
def test_kernel_agrees_with_evaluate(tree, points):
    columns, wanted, slack = [], [], []
    for point in points:
        values = dict(zip((*STATES, *PARAMETERS, TIME), (*point[:4], 0.75), strict=True))
        try:
            assume(well_posed(tree, values))
            slack.append(wiggle(tree, values))
            wanted.append(evaluate(tree, values))
        except (ArithmeticError, ValueError):
            assume(False)
        columns.append(point)
    array = np.array(columns).T
    states, parameters = np.ascontiguousarray(array[:2]), np.ascontiguousarray(array[2:4])
    kernel = engine.compile(system_of(tree))
    out = np.empty_like(states)
    kernel.rates(0.75, states, parameters, out)
    for got, want, loose in zip(out[0], wanted, slack, strict=True):
        assert got == pytest.approx(want, rel=1e-11, abs=1e-11 + 100 * loose)
    assert np.array_equal(out[0], out[1])  # through the assigned quantity
    assert np.array_equal(out[0], kernel.assigned_at(0.75, states, parameters)[0])


@settings(deadline=None)
@given(TREES, POINTS)
def test_folding_constants_does_not_change_the_value(tree, point):
    values = dict(zip((*STATES, *PARAMETERS, TIME), (*point[:4], 0.75), strict=True))
    constants = {k: values[k] for k in PARAMETERS}
    try:
        whole = evaluate(tree, values)
        folded = substitute(tree, constants)
    except (ArithmeticError, ValueError):
        return
    assert not set(PARAMETERS) & set(symbols(folded))
    assert evaluate(folded, values) == whole or math.isnan(whole)


@pytest.mark.parametrize(
    ("tree", "value"),
    [
        (Call("-", (Number(1.0), Number(3.0))), -2.0),
        (Call("^", (Number(2.0), Number(-3.0))), 0.125),
        (Call("^", (Number(9.0), Number(0.5))), 3.0),
        (Call("xor", (Number(1.0), Number(1.0), Number(1.0))), 1.0),
        (Call("max", (Number(1.0), Number(3.0), Number(2.0))), 3.0),
        (Call("floor", (Number(-1.5),)), -2.0),
        (Call("log10", (Number(1000.0),)), 3.0),
        (Call("piecewise", (Number(1.0), Number(0.0), Number(2.0), Number(1.0), Number(3.0))), 2.0),
        (Call("piecewise", (Number(1.0), Number(0.0), Number(3.0))), 3.0),
    ],
)
def test_values_by_hand(tree, value):
    assert evaluate(tree, {}) == pytest.approx(value, rel=1e-15)
    kernel = engine.compile(system_of(tree))
    got = kernel.assigned_at(0.0, np.zeros((2, 1)), np.zeros((2, 1)))[0, 0]
    assert got == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    "tree",
    [
        Call("/", (Number(1.0), Number(0.0))),
        Call("ln", (Number(-1.0),)),
        Call("^", (Number(-2.0), Number(0.5))),
        Call("^", (Number(0.0), Number(-1.0))),
        Call("exp", (Number(1e4),)),
    ],
)
def test_undefined_mathematics_is_an_error_of_arithmetic(tree):
    with pytest.raises((ArithmeticError, ValueError)):
        evaluate(tree, {})


def test_a_symbol_without_a_value_is_a_key_error():
    with pytest.raises(KeyError):
        evaluate(Call("+", (Symbol("q"), Number(1.0))), {})
