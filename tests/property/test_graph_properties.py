"""Graphs of operations: derivatives against differences, simplification against plain values, sparse LU."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eubiosis.engine.codegen.graph import Graph
from eubiosis.engine.codegen.sparse import elimination_order, factorise, fill
from eubiosis.engine.expressions import Call, Number, Symbol, evaluate

X, Y = Symbol("x"), Symbol("y")
SMOOTH_ONE = ("exp", "ln", "log10", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "neg", "abs")
INVERSE = {  # an interval inside the domain of each
    "asin": (-0.9, 0.9),
    "acos": (-0.9, 0.9),
    "atan": (-5.0, 5.0),
    "asinh": (-5.0, 5.0),
    "acosh": (1.1, 5.0),
    "atanh": (-0.9, 0.9),
    "ln": (0.1, 9.0),
    "log10": (0.1, 9.0),
    "sqrt": (0.1, 9.0),
    "tan": (-1.4, 1.4),
}


def leaves(graph):
    """Return the names of two states as nodes."""
    return {"x": graph.node("state", 0), "y": graph.node("state", 1)}


def slope(tree, x, y, name):
    """Return the derivative that the graph finds, evaluated."""
    graph = Graph()
    names = leaves(graph)
    root = graph.build(tree, names)
    found = graph.gradients([root], [], {names["x"]: 0, names["y"]: 1})[root]
    node = found.get("xy".index(name), graph.zero)
    return graph.evaluate(node, {names["x"]: x, names["y"]: y})


def difference(tree, x, y, name):
    """Return the central difference of sixth order and how well it is known."""
    h = 1e-3
    point = {"x": x, "y": y}

    def at(k):
        return evaluate(tree, {**point, name: point[name] + k * h})

    weights = {1: 45, 2: -9, 3: 1}
    return sum(w * (at(k) - at(-k)) for k, w in weights.items()) / (60 * h)


@pytest.mark.parametrize("op", [*SMOOTH_ONE, *(o for o in INVERSE if o not in SMOOTH_ONE)])
@given(share=st.floats(0.02, 0.98))
@settings(max_examples=25, deadline=None)
def test_derivatives_of_functions_of_one_variable(op, share):
    low, high = INVERSE.get(op, (-2.0, 2.0))
    x = low + share * (high - low)
    assume(op != "abs" or abs(x) > 0.01)
    tree = Call(op, (X,))
    assert slope(tree, x, 0.0, "x") == pytest.approx(difference(tree, x, 0.0, "x"), rel=1e-8, abs=1e-9)


TWO = ("+", "-", "*", "/", "^", "min", "max", "rem")


@pytest.mark.parametrize("name", ["x", "y"])
@pytest.mark.parametrize("op", TWO)
@given(x=st.floats(0.1, 3.0), y=st.floats(0.1, 3.0))
@settings(max_examples=25, deadline=None)
def test_derivatives_of_functions_of_two_variables(op, name, x, y):
    assume(op not in ("min", "max") or abs(x - y) > 0.01)
    assume(op != "rem" or (y > 0.5 and min((x / y) % 1, 1 - (x / y) % 1) > 0.2))
    tree = Call(op, (X, Y))
    assert slope(tree, x, y, name) == pytest.approx(difference(tree, x, y, name), rel=1e-7, abs=1e-8)


def test_derivatives_of_powers_of_zero_and_negative_bases():
    """d(x^n)/dx = n x^(n-1) whatever the sign; d(x^y)/dy is zero at x = 0, y > 0."""
    cube, hill = Call("^", (X, Number(3.0))), Call("^", (X, Y))
    assert slope(cube, -2.0, 0.0, "x") == 12.0
    assert slope(cube, 0.0, 0.0, "x") == 0.0
    assert slope(hill, 0.0, 2.5, "x") == 0.0
    assert slope(hill, 0.0, 2.5, "y") == 0.0
    assert slope(Call("^", (X, Number(-2.0))), -2.0, 0.0, "x") == pytest.approx(0.25)
    assert slope(Call("^", (X, Number(0.5))), 4.0, 0.0, "x") == 0.25


@given(x=st.floats(-3, 3), y=st.floats(-3, 3))
@settings(max_examples=50, deadline=None)
def test_derivatives_of_branches_are_those_of_the_branch_taken(x, y):
    tree = Call("piecewise", (Call("^", (X, Number(2.0))), Call("<", (X, Y)), Call("*", (X, Y))))
    assert slope(tree, x, y, "x") == (2 * x if x < y else y)
    assert slope(tree, x, y, "y") == (0.0 if x < y else x)


def test_steps_have_no_slope():
    for op in ("floor", "ceil"):
        assert slope(Call(op, (X,)), 1.5, 0.0, "x") == 0.0
    assert slope(Call("quotient", (X, Y)), 7.0, 2.0, "x") == 0.0


def test_gradients_through_cuts_are_the_chain_rule():
    """z1 = x y, z2 = z1^2 + x, r = z1 z2: derivatives of each by hand."""
    graph = Graph()
    names = leaves(graph)
    z1 = names["z1"] = graph.build(Call("*", (X, Y)), names)
    z1_squared = Call("^", (Symbol("z1"), Number(2.0)))
    z2 = names["z2"] = graph.build(Call("+", (z1_squared, X)), names)
    r = graph.build(Call("*", (Symbol("z1"), Symbol("z2"))), names)
    found = graph.gradients([r], [z1, z2], {names["x"]: 0, names["y"]: 1})
    x, y = 1.5, -0.7
    values = {names["x"]: x, names["y"]: y}
    # r = x^3 y^3 + x^2 y
    assert graph.evaluate(found[r][0], values) == pytest.approx(3 * x**2 * y**3 + 2 * x * y, rel=1e-14)
    assert graph.evaluate(found[r][1], values) == pytest.approx(3 * x**3 * y**2 + x**2, rel=1e-14)
    assert graph.evaluate(found[z2][0], values) == pytest.approx(2 * x * y**2 + 1, rel=1e-14)


# --- simplification ----------------------------------------------------------------------------------------

SPECIAL = st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -0.5, -2.0]).map(Number)


def compound(children):
    pair = st.tuples(children, children)
    return (
        st.builds(Call, st.sampled_from(("+", "-", "*", "/", "min", "max")), pair)
        | st.builds(lambda a: Call("neg", (a,)), children)
        | st.builds(lambda a, n: Call("^", (a, Number(float(n)))), children, st.integers(-4, 5))
        | st.builds(lambda a, b, c: Call("piecewise", (a, Call("<", (b, c)), b)), *[children] * 3)
    )


TREES = st.recursive(SPECIAL | st.sampled_from([X, Y]), compound, max_leaves=10)


@given(
    tree=TREES, x=st.integers(-300, 300).map(lambda v: v / 100), y=st.integers(10, 300).map(lambda v: v / 100)
)
@settings(max_examples=300, deadline=None)
def test_simplifying_changes_no_value_beyond_rounding(tree, x, y):
    graph = Graph()
    names = leaves(graph)
    try:
        plain = evaluate(tree, {"x": x, "y": y})
        near = [evaluate(tree, {"x": x * (1 + s), "y": y * (1 - s)}) for s in (1e-13, -1e-13)]
    except (ArithmeticError, ValueError):
        return  # undefined as written
    assume(math.isfinite(plain) and abs(plain) < 1e12)
    loose = max(abs(n - plain) for n in near)
    got = graph.evaluate(graph.build(tree, names), {names["x"]: x, names["y"]: y})
    assert got == pytest.approx(plain, rel=1e-12, abs=1e-12 + 10 * loose)


@given(tree=TREES)
@settings(max_examples=100, deadline=None)
def test_the_same_tree_twice_is_the_same_node(tree):
    graph = Graph()
    names = leaves(graph)
    once = graph.build(tree, names)
    size = len(graph.operation)
    assert graph.build(tree, names) == once
    assert len(graph.operation) == size


def test_zero_over_zero_and_signed_zero_stay_what_they_are():
    graph = Graph()
    x = graph.node("state", 0)
    assert graph.number(0.0) != graph.number(-0.0)
    undefined = graph.div(graph.zero, x)
    assert undefined != graph.zero
    assert graph.neg(graph.neg(x)) == x
    assert graph.sub(x, graph.neg(x)) == graph.add(x, x)
    assert graph.mul(graph.neg(x), graph.neg(x)) == graph.mul(x, x)


# --- sparse elimination ------------------------------------------------------------------------------------


def random_matrix(rng, size, density):
    """Return a matrix whose diagonal outweighs its rows and columns, without a symmetric pattern."""
    matrix = np.where(rng.random((size, size)) < density, rng.normal(size=(size, size)), 0.0)
    np.fill_diagonal(matrix, 1 + np.abs(matrix).sum(axis=0) + np.abs(matrix).sum(axis=1))
    return matrix


def solve_by_factors(matrix, right, order=None):
    """Factorise as nodes, evaluate them, and substitute as the generated code does."""
    size = len(matrix)
    graph = Graph()
    places = {(int(i), int(j)): graph.node("input", int(i * size + j)) for i, j in np.argwhere(matrix)}
    filled = fill(size, places, elimination_order(size, places) if order is None else order)
    values = {node: float(matrix[place]) for place, node in places.items()}
    # lower factors have their sign turned and pivots are reciprocals
    factors = {
        place: graph.evaluate(node, values) for place, node in factorise(graph, places, filled).items()
    }
    x = [right[row] for row in filled.order]
    for k in range(size):
        for j in filled.lower[k]:
            x[k] += factors[k, j] * x[j]
    for k in reversed(range(size)):
        for j in filled.upper[k]:
            x[k] -= factors[k, j] * x[j]
        x[k] *= factors[k, k]
    out = np.empty(size)
    out[list(filled.order)] = x
    return out, filled


@given(seed=st.integers(0, 10_000), size=st.integers(1, 9), density=st.floats(0, 0.6))
@settings(max_examples=40, deadline=None)
def test_factors_solve_what_numpy_solves(seed, size, density):
    rng = np.random.default_rng(seed)
    matrix, right = random_matrix(rng, size, density), rng.normal(size=size)
    got, filled = solve_by_factors(matrix, right)
    np.testing.assert_allclose(got, np.linalg.solve(matrix, right), rtol=1e-11, atol=1e-12)
    assert sorted(filled.order) == list(range(size))
    assert filled.entries >= np.count_nonzero(matrix)
    natural, _ = solve_by_factors(matrix, right, list(range(size)))
    np.testing.assert_allclose(got, natural, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("size", [3, 8, 30])
def test_an_arrowhead_fills_not_at_all_when_its_head_goes_last(size):
    """Row 0 and column 0 full: in the natural order everything fills in, with the head last nothing does."""
    pattern = [(0, i) for i in range(size)] + [(i, 0) for i in range(size)] + [(i, i) for i in range(size)]
    order = elimination_order(size, pattern)
    assert order.index(0) >= size - 2  # with one arrow left the two are alike
    assert fill(size, pattern, order).entries == 3 * size - 2
    assert fill(size, pattern, list(range(size))).entries == size * size


def test_a_band_does_not_fill():
    size = 12
    pattern = [(i, j) for i in range(size) for j in range(size) if abs(i - j) <= 1]
    assert fill(size, pattern, elimination_order(size, pattern)).entries == len(pattern)
