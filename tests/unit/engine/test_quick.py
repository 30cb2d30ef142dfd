"""Code that is compiled quickly and optimised code give the same bits; varied parameters compile nothing."""

import numpy as np
import pytest

from engine_models import compiled, same
from eubiosis import engine
from eubiosis.engine import Integral, Last, Maximum

TIMES = np.linspace(0.0, 30.0, 31)
MODELS = {
    "stiff": "a = 1; b = 0; c = 0; k = 0.04; a' = -k*a + 1e4*b*c; b' = k*a - 1e4*b*c - 3e7*b^2; c' = 3e7*b^2",
    "functions": "x = 1; y = 2; n = 2.3; x' = 0.1 + exp(-y) - x^n/(1 + x^n); y' = ln(x) - 0.3*y + sin(time)",
    "events": "x = 0; k = 0.5; n = 0.1; x' = k - n*x; at x > 2.5: x = 0.5; at time > 7: k = 0.9",
}


def chain(size):
    """Return a ring of exchanges with products, whose factors fill in."""
    lines = [f"x{i} = {1 + i % 7}; " for i in range(size)] + ["k = 0.3; h = 2.1;"]
    for i in range(size):
        left, right, far = (i - 1) % size, (i + 1) % size, (7 * i + 3) % size
        lines.append(f"x{i}' = k*(x{left} - 2*x{i} + x{right}) - x{i}*x{far}/(h + x{far}) + 1;")
    return "\n".join(lines)


MODELS |= {"ring of 12": chain(12), "ring of 60": chain(60)}


@pytest.mark.parametrize("name", MODELS)
def test_the_same_bits(name):
    quick, full = (engine.compile(compiled(MODELS[name]).system, optimize=best) for best in (False, True))
    first = quick.system.states[0]
    wanted = [Integral(first), Maximum(first), Last(first)]
    names = [*quick.system.states]
    parameter = next(name for name in quick.system.parameters if name in ("k", "n"))
    own = {parameter: quick.system.constants[parameter] * np.geomspace(0.6, 1.5, 5)}
    one, other = (
        model.solve(TIMES, names, parameters=own, reductions=wanted, threads=1) for model in (quick, full)
    )
    assert one.status == other.status == ("ok",) * len(one.status)
    assert same(one.values, other.values)
    assert np.array_equal(one.effort, other.effort)
    assert all(same(one.reduced[r], other.reduced[r]) for r in wanted)
    assert [kernel.program.options.quick for kernel in quick.library.loops] == [True]
    assert [kernel.program.options.quick for kernel in full.library.loops] == [False]
    for k, value in enumerate(own[parameter]):  # a subject alone has code of one lane
        alone = quick.solve(TIMES, names, parameters={parameter: value}, reductions=wanted)
        assert same(alone.values[0], one.values[k])
        assert np.array_equal(alone.effort[0], one.effort[k])
        assert all(alone.reduced[r][0] == one.reduced[r][k] for r in wanted)


def test_the_call_decides():
    model = compiled(MODELS["stiff"])
    widths = []
    for subjects, quick in ((1, [True]), (2, [True] * 2), (63, [True] * 2), (64, [True, True, False])):
        model.solve(TIMES, ["a"], parameters={"k": np.full(subjects, 0.04)})
        assert [kernel.program.options.quick for kernel in model.library.loops] == quick
        widths = [kernel.width for kernel in model.library.loops]
    assert widths == [1, engine.vector_width(), engine.vector_width()]


def test_another_set_of_varied_parameters_compiles_nothing():
    model = compiled("x = 1; y = 0; k = 1; l = 2; m = 3; x' = -k*x; y' = l*x - m*y")
    alone = model.solve(TIMES, ["x", "y"], parameters={"k": 2.0, "l": 5.0})
    k = model.solve(TIMES, ["x", "y"], parameters={"k": [2.0, 3.0], "l": 5.0})
    both = model.solve(TIMES, ["x", "y"], parameters={"l": [5.0, 6.0], "k": [2.0, 4.0]})
    assert len(model.library.loops) == 2  # one for a subject alone
    assert same(alone.values[0], k.values[0])
    assert same(alone.values[0], both.values[0])
    np.testing.assert_allclose(k["x"], np.exp(-np.outer([2.0, 3.0], TIMES)), atol=1e-7)
