"""The Rosenbrock methods from their coefficients: order, consistency, stability, dense output.

Coefficients are taken back to the form of Hairer and Wanner (1996, section IV.7), equation (7.4):
k_i = h f(y0 + sum alpha_ij k_j) + h J sum gamma_ij k_j, by Gamma^-1 = diag(1 / gamma) - C, alpha = A Gamma.
With beta = alpha + gamma the conditions for order p are one for each rooted tree with at most p nodes, where
a node with one child uses beta and a node with several uses alpha.
"""

import itertools

import numpy as np
import pytest

from engine_models import TIGHT_ANY_SIGN, compiled
from eubiosis.engine import Tolerances
from eubiosis.engine.codegen.tableaus import RODAS4, RODAS5P

METHODS = [RODAS4, RODAS5P]
by_name = pytest.mark.parametrize("method", METHODS, ids=[m.name for m in METHODS])


def square(rows, size):
    """Write ragged rows as a lower triangle."""
    out = np.zeros((size, size))
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out


def classical(method):
    """Return alpha, Gamma, b and the map from k to the weights of any combination of our stage vectors."""
    s = method.stages
    a, c = square(method.a, s), square(method.c, s)
    gamma = np.linalg.inv(np.eye(s) / method.gamma - c)
    weights = a[-1] + np.eye(s)[-1]  # the step: the last argument plus the last stage vector
    return a @ gamma, gamma, weights @ gamma, gamma


def trees(nodes):
    """Return all rooted trees with so many nodes, each a sorted tuple of its children."""
    if nodes == 1:
        return [()]
    found = set()
    for parts in partitions(nodes - 1):
        for children in itertools.product(*(trees(p) for p in parts)):
            found.add(tuple(sorted(children)))
    return sorted(found)


def partitions(total, most=None):
    if total == 0:
        return [()]
    most = total if most is None else min(most, total)
    return [(p, *rest) for p in range(most, 0, -1) for rest in partitions(total - p, p)]


def density(tree):
    """gamma(t): the number of nodes times the densities of the children."""
    return (1 + sum(map(count, tree))) * np.prod([density(child) for child in tree])


def count(tree):
    return 1 + sum(map(count, tree))


def elementary(tree, alpha, beta):
    """Return the vector of weights of a tree over the stages."""
    if len(tree) == 1:
        return beta @ elementary(tree[0], alpha, beta)
    out = np.ones(len(alpha))
    for child in tree:
        out = out * (alpha @ elementary(child, alpha, beta))
    return out


def test_there_are_as_many_trees_as_known():
    """1, 1, 2, 4, 9: Hairer, Norsett and Wanner (1993), table II.2.1."""
    assert [len(trees(n)) for n in range(1, 6)] == [1, 1, 2, 4, 9]


@by_name
def test_every_order_condition_up_to_the_order_holds_and_one_beyond_fails(method):
    alpha, gamma, b, _ = classical(method)
    for nodes in range(1, method.order + 1):
        for tree in trees(nodes):
            got = b @ elementary(tree, alpha, alpha + gamma)
            assert got == pytest.approx(1 / density(tree), abs=2e-12), tree
    beyond = [abs(b @ elementary(t, alpha, alpha + gamma) - 1 / density(t)) for t in trees(method.order + 1)]
    assert max(beyond) > 1e-5


@by_name
def test_the_embedded_result_is_one_order_lower(method):
    """Without the last stage vector, which is the error estimate."""
    alpha, gamma, _, back = classical(method)
    lower = square(method.a, method.stages)[-1] @ back
    orders = [
        max(abs(lower @ elementary(t, alpha, alpha + gamma) - 1 / density(t)) for t in trees(nodes))
        for nodes in range(1, method.order + 1)
    ]
    assert max(orders[:-1]) < 2e-12
    assert orders[-1] > 1e-5


@by_name
def test_times_and_time_derivatives_of_the_stages_are_sums_of_coefficients(method):
    """alpha_i = sum_j alpha_ij and d_i = sum_j gamma_ij, as for the time written as one more state."""
    alpha, gamma, _, _ = classical(method)
    np.testing.assert_allclose(alpha.sum(axis=1), method.alpha, atol=2e-13)
    np.testing.assert_allclose(gamma.sum(axis=1), method.d, atol=2e-12)
    np.testing.assert_allclose(np.diag(gamma), method.gamma, rtol=1e-14)


def stability(method, z, weights=None):
    """R(z) = 1 + z b (I - z beta)^-1 1."""
    alpha, gamma, b, _ = classical(method)
    one = np.ones(method.stages)
    b = b if weights is None else weights
    return 1 + z * b @ np.linalg.solve(np.eye(method.stages) - z * (alpha + gamma), one)


@by_name
def test_the_method_is_l_stable(method):
    """|R| <= 1 on the imaginary axis, poles at 1 / gamma > 0 only, and R(-infinity) = 0."""
    alpha, gamma, b, back = classical(method)
    at_infinity = 1 - b @ np.linalg.solve(alpha + gamma, np.ones(method.stages))
    assert abs(at_infinity) < 1e-11
    embedded = square(method.a, method.stages)[-1] @ back
    assert abs(1 - embedded @ np.linalg.solve(alpha + gamma, np.ones(method.stages))) < 1e-11
    assert method.gamma > 0
    for y in np.concatenate((np.linspace(0, 20, 2001), np.logspace(1.3, 6, 200))):
        assert abs(stability(method, 1j * y)) <= 1 + 1e-12


@by_name
def test_the_stability_function_is_the_exponential_to_the_order(method):
    h = np.array([0.2, 0.1])
    errors = [abs(stability(method, -x) - np.exp(-x)) for x in h]
    assert np.log2(errors[0] / errors[1]) > method.order + 0.7


# --- the same from the outside: y' = y^2 cos t, y = 1 / (1 / y0 - sin t) ------------------------------------

START, END = 0.1, 12.1


@pytest.fixture(scope="module")
def waving():
    return compiled("y = 1; y' = y^2*cos(time)/2")


def waving_answer(t):
    return 1 / (1 - (np.sin(t) - np.sin(START)) / 2)


@by_name
def test_the_error_falls_with_the_order_when_the_tolerance_does(waving, method):
    """The estimate of a step is of order h^p, so steps grow like tolerance^(-1/p)."""
    runs = []
    for relative in (1e-6, 1e-12):
        tolerances = Tolerances(relative=relative, absolute=relative)
        got = waving.solve([START, END], ["y"], tolerances=tolerances, method=method.name)
        runs.append((got.effort[0, 0], abs(got["y"][0, 1] - waving_answer(END))))
    (coarse, large), (fine, small) = runs
    order = np.log(large / small) / np.log(fine / coarse)
    assert method.order - 0.6 < order < method.order + 1.6
    assert np.log(1e6) / np.log(fine / coarse) == pytest.approx(method.order, abs=0.9)


# --- dense output ------------------------------------------------------------------------------------------


@by_name
def test_dense_output_meets_the_order_conditions_of_one_order_less(method):
    """At x the combination of stage vectors must satisfy sum b_i(x) Phi_i(t) = x^n / density, n <= p - 1."""
    alpha, gamma, _, back = classical(method)
    s = method.stages
    dense = square(method.dense, s)
    end = square(method.a, s)[-1] + np.eye(s)[-1]
    for x in (0.0, 0.1, 0.37, 0.5, 0.8, 1.0):
        inner = sum(x**r * row for r, row in enumerate(dense))
        b = x * (end + (1 - x) * inner) @ back  # of y(x) - y0
        for nodes in range(1, method.order):
            for tree in trees(nodes):
                got = b @ elementary(tree, alpha, alpha + gamma)
                assert got == pytest.approx(x**nodes / density(tree), abs=5e-12), (x, tree)


@by_name
def test_dense_output_errs_like_its_order_between_the_steps(waving, method):
    """Between steps the error falls like steps^-(order of the dense output)."""
    inside = np.linspace(START, END, 402)
    worst, steps = [], []
    for relative in (1e-5, 1e-10):
        tolerances = Tolerances(relative=relative, absolute=relative)
        got = waving.solve(inside, ["y"], tolerances=tolerances, method=method.name)
        worst.append(np.abs(got["y"][0] - waving_answer(inside)).max())
        steps.append(got.effort[0, 0])
    order = np.log(worst[0] / worst[1]) / np.log(steps[1] / steps[0])
    assert order > method.order - 1 - 0.4
    assert worst[1] < 1e-7


def test_both_methods_reach_one_answer(waving):
    got = [waving.solve([START, END], ["y"], tolerances=TIGHT_ANY_SIGN, method=m.name)["y"] for m in METHODS]
    np.testing.assert_allclose(*got, rtol=1e-9)
