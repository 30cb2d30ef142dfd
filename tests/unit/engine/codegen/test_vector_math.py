"""Elementary functions against the C library in extended precision, over the whole range of doubles."""

import ctypes
import math

import numpy as np
import pytest

from eubiosis.engine.codegen import ir
from eubiosis.engine.codegen.ir_tools import INT, INT_POINTER, POINTER, Code
from eubiosis.engine.codegen.native import load_or_compile
from eubiosis.engine.codegen.vector_math import VectorMath

WIDTHS = (1, 2, 4, 8)
OPERATORS = {"exp": 1, "ln": 1, "log10": 1, "^": 2, "min": 2, "max": 2, "rem": 2, "quotient": 2, "sqrt": 1}
EXTENDED = np.finfo(np.longdouble).nmant >= 63
needs_extended = pytest.mark.skipif(not EXTENDED, reason="this machine has no extended precision")


def assembly(width):
    """Return a module with a function for each operator: (count, x, y, out) in a block of addresses."""
    module = ir.Module(name=f"functions{width}")
    for number, (name, arity) in enumerate(OPERATORS.items()):
        code = Code(module, f"apply{number}", [("block", INT_POINTER)], public=True)
        b = code.b
        emit = VectorMath(b, width)
        count = code.get(code["block"], 0)
        x, y, out = (b.inttoptr(code.get(code["block"], k), POINTER) for k in (1, 2, 3))
        with code.loop(b.udiv(count, INT(width))) as i:
            places = [
                b.bitcast(code.at(base, b.mul(i, INT(width))), emit.vector.as_pointer())
                for base in (x, y, out)
            ]
            values = [b.load(place, align=8) for place in places[:arity]]
            b.store(emit.apply(name, *values), places[2], align=8)
        code.finish()
    return module.texts(), {}


@pytest.fixture(scope="module")
def functions():
    return {
        width: load_or_compile(f"test functions {width}", lambda w=width: assembly(w)) for width in WIDTHS
    }


def apply(functions, name, *arguments, width=8):
    """Evaluate an operator on arrays."""
    arrays = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in arguments))
    size = arrays[0].size
    padded = [np.concatenate((a.ravel(), np.ones(-size % 8))) for a in arrays]
    out = np.empty_like(padded[0])
    block = (ctypes.c_int64 * 4)(len(out), padded[0].ctypes.data, padded[-1].ctypes.data, out.ctypes.data)
    functions[width].function(f"apply{list(OPERATORS).index(name)}")(ctypes.addressof(block))
    return out[:size]


def off(got, exact):
    """Return the error in units in the last place of the exact value."""
    spacing = np.spacing(np.abs(exact.astype(float)))
    return np.abs((got.astype(np.longdouble) - exact) / spacing).astype(float)


RNG = np.random.default_rng(7)
ANYTHING = np.concatenate(
    (
        RNG.normal(size=2000),
        np.exp(RNG.uniform(-740, 709, 2000)),
        -np.exp(RNG.uniform(-740, 709, 500)),
        RNG.integers(0, 2**63, 2000, dtype=np.int64).view(float),
        [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, 2.2e-308, 1.8e308, 709.78, -707.5, -707.6],
    )
)


@needs_extended
@pytest.mark.parametrize(("low", "high"), [(-707.5, 709.78), (-1, 1), (-1e-9, 1e-9), (0.34, 0.36)])
def test_exp_is_within_its_bound(functions, low, high):
    x = RNG.uniform(low, high, 20_000)
    assert off(apply(functions, "exp", x), np.exp(x.astype(np.longdouble))).max() <= 1.1


def test_exp_at_its_ends(functions):
    x = [0.0, -0.0, -707.6, -1e4, -np.inf, 709.8, 1e4, np.inf, 1.0]
    expected = [1.0, 1.0, 0.0, 0.0, 0.0, np.inf, np.inf, np.inf]
    got = apply(functions, "exp", x)
    assert got[:8].tolist() == expected
    assert got[8] == pytest.approx(math.e, rel=3e-16)
    assert np.isnan(apply(functions, "exp", [np.nan])).all()
    largest = apply(functions, "exp", [math.log(1.7976931348623157e308)])[0]
    assert largest == pytest.approx(1.7976931348622732e308, rel=1e-12)
    assert 0 < apply(functions, "exp", [-707.5])[0] < 1e-307


@needs_extended
@pytest.mark.parametrize(
    "x",
    [
        np.exp(RNG.uniform(-708, 709, 20_000)),
        RNG.uniform(0.5, 2, 20_000),
        1 + RNG.uniform(-1e-6, 1e-6, 20_000),
        RNG.uniform(0.70, 0.72, 20_000),  # about sqrt(1/2), where the exponent changes
        RNG.integers(1, 2**52, 20_000, dtype=np.int64).view(float),  # subnormal
        2.0 ** np.arange(-1074.0, 1024.0),
    ],
    ids=["all", "middle", "near one", "near root half", "subnormal", "powers of two"],
)
def test_ln_is_within_its_bound(functions, x):
    assert off(apply(functions, "ln", x), np.log(x.astype(np.longdouble))).max() <= 0.9


def test_ln_at_its_ends(functions):
    got = apply(functions, "ln", [1.0, 0.0, -0.0, np.inf, 5e-324, -1.0, -np.inf, np.nan, -5e-324])
    assert got[:4].tolist() == [0.0, -np.inf, -np.inf, np.inf]
    assert got[4] == pytest.approx(-1074 * math.log(2), rel=1e-15)
    assert np.isnan(got[5:]).all()


@needs_extended
def test_powers_are_within_the_stated_bound(functions):
    x = np.exp(RNG.uniform(-20, 20, 50_000))
    y = RNG.uniform(-30, 30, 50_000)
    size = np.abs(y * np.log(x))
    x, y, size = (v[size < 700] for v in (x, y, size))
    exact = np.power(x.astype(np.longdouble), y.astype(np.longdouble))
    assert np.all(off(apply(functions, "^", x, y), exact) <= 1.1 + 2 * size)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0.0, 2.5, 0.0),
        (0.0, 0.0, 1.0),
        (0.0, -1.5, math.inf),
        (-2.0, 3.0, -8.0),
        (-2.0, 2.0, 4.0),
        (-2.0, -3.0, -0.125),
        (math.inf, 0.5, math.inf),
        (math.inf, -0.5, 0.0),
        (0.5, math.inf, 0.0),
        (2.0, math.inf, math.inf),
        (2.0, -math.inf, 0.0),
        (5.0, 0.0, 1.0),
        (math.nan, 0.0, 1.0),
        (-1.0, 0.0, 1.0),
        (-2.0, 0.5, math.nan),
        (-1e-300, 1e-3, math.nan),
        (math.nan, 1.0, math.nan),
        (2.0, math.nan, math.nan),
        (1e300, 2.0, math.inf),
        (1e-300, 2.0, 0.0),
        (5e-324, 0.5, 2.0**-537),
    ],
)
def test_powers_at_their_ends(functions, x, y, expected):
    got = apply(functions, "^", [x], [y])[0]
    assert got == pytest.approx(expected, rel=1e-13, nan_ok=True)


def test_minimum_and_maximum_pass_nan_on(functions):
    x, y = [1.0, 3.0, np.nan, 1.0, -np.inf], [2.0, 2.0, 1.0, np.nan, np.inf]
    np.testing.assert_array_equal(apply(functions, "min", x, y), [1, 2, np.nan, np.nan, -np.inf])
    np.testing.assert_array_equal(apply(functions, "max", x, y), [2, 3, np.nan, np.nan, np.inf])


def test_remainders_have_the_sign_of_the_dividend(functions):
    x, y = [7.0, -7.0, 7.0, -7.0, 5.5], [3.0, 3.0, -3.0, -3.0, 0.25]
    assert apply(functions, "rem", x, y).tolist() == [1.0, -1.0, 1.0, -1.0, 0.0]
    assert apply(functions, "quotient", x, y).tolist() == [2.0, -2.0, -2.0, 2.0, 22.0]


@pytest.mark.parametrize("name", OPERATORS)
def test_a_value_does_not_depend_on_the_width_or_the_company(functions, name):
    other = RNG.permutation(ANYTHING) / 50
    arguments = (ANYTHING, other)[: OPERATORS[name]]
    one = apply(functions, name, *arguments, width=1)
    for width in WIDTHS[1:]:
        np.testing.assert_array_equal(apply(functions, name, *arguments, width=width), one)
    order = RNG.permutation(len(ANYTHING))
    moved = apply(functions, name, *(a[order] for a in arguments))
    np.testing.assert_array_equal(moved, one[order])
