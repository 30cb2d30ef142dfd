"""The explicit method beside the Rosenbrock one: coefficients, which models have it, who uses it when.

The systems are linear, x' = speed A x with a dense A, so that the answer is known: expm(speed t A) x(0).
"""

import numpy as np
import pytest
from scipy.linalg import expm
from test_tableaus import count, density, elementary, square, trees

from engine_models import compiled
from eubiosis.engine import Set, Tolerances
from eubiosis.engine.codegen.pair import cost_ratio
from eubiosis.engine.codegen.program import Options, Program
from eubiosis.engine.codegen.tableaus import TSIT5

SIZE = 30
TIMES = np.linspace(0.0, 4.0, 21)


def matrix():
    """A dense matrix with eigenvalues between -3 and 0, far from the axis of its coordinates."""
    basis = np.linalg.qr(np.random.default_rng(5).standard_normal((SIZE, SIZE)))[0]
    return basis @ np.diag(-np.linspace(0.1, 3.0, SIZE)) @ basis.T


START = np.cos(np.arange(SIZE))


@pytest.fixture(scope="module")
def dense():
    """The dense system, and beside it a state that decays ``fast``."""
    lines = ["speed = 1", "fast = 1", "y = 1", "y' = -fast*(y - cos(time))"]
    for i, row in enumerate(matrix()):
        terms = " + ".join(f"({weight:.17g})*x{j}" for j, weight in enumerate(row))
        lines += [f"x{i} = {START[i]:.17g}", f"x{i}' = speed*({terms})"]
    return compiled("\n".join(lines))


def exact(speed, times=TIMES):
    return np.stack([expm(speed * t * matrix()) @ START for t in times])


STATES = [f"x{i}" for i in range(SIZE)]

# --- coefficients ------------------------------------------------------------------------------------------

A = square(TSIT5.a, TSIT5.stages)
B = A[-1]


def misses(weights, nodes, x=1.0):
    """How far weights are from the conditions of trees with so many nodes, for a part ``x`` of the step."""
    return max(abs(weights @ elementary(t, A, A) - x**nodes / density(t)) for t in trees(nodes))


def test_every_order_condition_holds_up_to_five_and_fails_beyond():
    assert max(misses(B, nodes) for nodes in range(1, 6)) < 2e-14
    assert misses(B, 6) > 1e-5
    assert count(trees(6)[0]) == 6


def test_the_embedded_result_is_one_order_lower():
    lower = B - TSIT5.error
    assert max(misses(lower, nodes) for nodes in range(1, 5)) < 2e-14
    assert misses(lower, 5) > 1e-5


def test_the_last_two_stages_stand_at_the_end_and_times_are_sums():
    np.testing.assert_allclose(A.sum(axis=1), TSIT5.c, atol=1e-14)
    assert TSIT5.c[-2:] == (1.0, 1.0)


@pytest.mark.parametrize("x", [0.0, 0.1, 0.37, 0.5, 0.8, 1.0])
def test_dense_output_meets_the_conditions_of_order_four(x):
    inner = sum(x**r * np.array(row) for r, row in enumerate(TSIT5.dense))
    weights = x * (B + (1 - x) * inner)
    assert max(misses(weights, nodes, x) for nodes in range(1, 5)) < 2e-14


def test_explicit_steps_are_stable_on_the_negative_axis_to_three_and_a_half():
    """|R(z)| <= 1 for z from -3.5 to 0 and not at -3.6: what the choice takes as its limit, 3, is inside."""

    def growth(z):
        return abs(1 + z * B @ np.linalg.solve(np.eye(TSIT5.stages) - z * A, np.ones(TSIT5.stages)))

    assert max(growth(z) for z in np.linspace(-3.5, 0, 400)) <= 1 + 1e-12
    assert growth(-3.6) > 1


# --- which models ------------------------------------------------------------------------------------------


def ratio(model):
    program = Program(model.system, Options(), switching=True)
    jacobian, _ = program.jacobian()
    return cost_ratio(program, jacobian, program.matrix(jacobian)[1])


def test_a_dense_matrix_costs_many_explicit_steps_and_a_chain_few(dense):
    chain = compiled("\n".join(f"z{i} = 1; z{i}' = z{max(i - 1, 0)} - 2*z{i}" for i in range(SIZE)))
    assert ratio(dense) > 3
    assert ratio(chain) < 3


def test_integrals_do_not_change_a_course(dense):
    from eubiosis.engine import Integral

    plain = dense.solve(TIMES, STATES)
    with_more = dense.solve(TIMES, STATES, reductions=[Integral("x0"), Integral("y")])
    np.testing.assert_array_equal(plain.values, with_more.values)


# --- who uses it when --------------------------------------------------------------------------------------


@pytest.mark.parametrize("relative", [1e-4, 1e-6, 1e-8, 1e-10])
def test_a_course_that_is_not_stiff_is_right(dense, relative):
    got = dense.solve(TIMES, STATES, tolerances=Tolerances(relative))
    size = np.abs(exact(1.0)).max()
    assert got.status == ("ok",)
    assert np.abs(got.values[0] - exact(1.0)).max() < 30 * relative * size


def test_both_methods_agree_with_the_answer_and_differ_in_their_steps(dense):
    """Rodas4 has no companion, and errs in another way: both must be right."""
    pair, alone = (
        dense.solve(TIMES, STATES, tolerances=Tolerances(1e-9), method=m) for m in ("rodas5p", "rodas4")
    )
    for got in (pair, alone):
        assert np.abs(got.values[0] - exact(1.0)).max() < 1e-7
    assert pair.effort[0, 0] != alone.effort[0, 0]


@pytest.mark.parametrize("fast", [1e4, 1e6])
def test_a_stiff_course_is_not_walked_in_explicit_steps(dense, fast):
    """Explicit steps would be at most 3.6 / fast long: more than 10,000 of them."""
    got = dense.solve(TIMES, [*STATES, "y"], parameters={"fast": fast})
    assert got.status == ("ok",)
    assert got.effort[0, 0] < 1_000
    slow = (fast**2 * np.cos(TIMES[1:]) + fast * np.sin(TIMES[1:])) / (1 + fast**2)
    np.testing.assert_allclose(got["y"][0, 1:], slow, rtol=1e-6)
    np.testing.assert_allclose(got.values[0, :, :-1], exact(1.0), atol=1e-6)


def test_a_course_that_becomes_stiff_under_way_changes_its_method_and_back(dense):
    """From 1 to 2 stiff, then not: some explicit steps are refused, few are lost, the answer is the same."""
    inputs = [Set(1.0, "fast", 1e5), Set(2.0, "fast", 1.0)]
    got = dense.solve(TIMES, STATES, inputs=inputs)
    assert got.status == ("ok",)
    assert got.effort[0, 0] < 1_500
    np.testing.assert_allclose(got.values[0], exact(1.0), atol=1e-6)


def test_stiff_and_other_subjects_in_one_batch_have_the_numbers_they_have_alone(dense):
    """Lanes that make steps of one method do not touch those that wait for the other."""
    fast = np.where(np.arange(70) % 3 == 0, 1e5, 1.0) * np.linspace(0.5, 2.0, 70)
    speed = np.linspace(0.3, 3.0, 70)
    together = dense.solve(TIMES, STATES, parameters={"fast": fast, "speed": speed})
    few = dense.solve(TIMES, STATES, parameters={"fast": fast[:5], "speed": speed[:5]})
    np.testing.assert_array_equal(together.values[:5], few.values)
    for i in (0, 1, 42, 69):
        alone = dense.solve(TIMES, STATES, parameters={"fast": fast[i], "speed": speed[i]})
        np.testing.assert_array_equal(together.values[i], alone.values[0])
        np.testing.assert_array_equal(together.effort[i], alone.effort[0])
        np.testing.assert_allclose(alone.values[0], exact(speed[i]), atol=2e-6)
