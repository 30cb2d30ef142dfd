"""MathML to trees: every operator of SBML against a value worked out by hand."""

import math

import pytest

from eubiosis.engine import UnsupportedSbmlError, read_sbml
from eubiosis.engine.expressions import Call, Number, Symbol
from sbml_text import CORE, MATHML, document, function, initial, maths, parameter, rule

VALUES = {
    "2 + 3 * 4 - 1": 13,
    "-(3 - 5)": 2,
    "2^10": 1024,
    "exp(0)": 1,
    "ln(exponentiale)": 1,
    "log10(1000)": 3,
    "log(2, 32)": 5,
    "sqrt(2.25)": 1.5,
    "root(3, 27)": 3,
    "abs(-2.5)": 2.5,
    "floor(-1.5)": -2,
    "ceil(-1.5)": -1,
    "factorial(5)": 120,
    "min(3, -1, 2)": -1,
    "max(3, -1, 7, 2)": 7,
    "max(4)": 4,
    "quotient(17, 5)": 3,
    "quotient(-17, 5)": -3,
    "rem(17, 5)": 2,
    "rem(-17, 5)": -2,
    "rem(17, -5)": 2,
    "avogadro": 6.02214179e23,
    "pi": 3.141592653589793,
    "time": 0,
    "infinity": math.inf,
    "sin(pi/6)": 0.5,
    "cos(pi/3)": 0.5,
    "tan(pi/4)": 1,
    "sec(pi/3)": 2,
    "csc(pi/6)": 2,
    "cot(pi/4)": 1,
    "sinh(ln(2))": 0.75,
    "cosh(ln(2))": 1.25,
    "tanh(ln(2))": 0.6,
    "sech(ln(2))": 0.8,
    "csch(ln(2))": 4 / 3,
    "coth(ln(2))": 5 / 3,
    "arcsin(0.5)": math.pi / 6,
    "arccos(0.5)": math.pi / 3,
    "arctan(1)": math.pi / 4,
    "arcsec(2)": math.pi / 3,
    "arccsc(2)": math.pi / 6,
    "arccot(1)": math.pi / 4,
    "arccot(0)": math.pi / 2,
    "arcsinh(0.75)": math.log(2),
    "arccosh(1.25)": math.log(2),
    "arctanh(0.6)": math.log(2),
    "arcsech(0.8)": math.log(2),
    "arccsch(4 / 3)": math.log(2),
    "arccoth(5 / 3)": math.log(2),
    "implies(true, false)": 0,
    "implies(false, false)": 1,
    "implies(false, true)": 1,
    "true && 3": 1,
    "!0": 1,
    "xor(true, true, true)": 1,
    "xor(true, true)": 0,
    "true + true": 2,
    "(2 > 1) * 5": 5,
    "lt(1, 2, 3)": 1,
    "lt(1, 3, 2)": 0,
    "geq(3, 3, 2)": 1,
    "eq(2, 2, 3)": 0,
    "1 != 2": 1,
    "piecewise(1, false, 2, true, 3)": 2,
    "piecewise(1, false, 3)": 3,
    "1/0": math.inf,
    "-1/0": -math.inf,
    "ln(0)": -math.inf,
}
BY_MATHML = {
    '<cn type="rational">3<sep/>8</cn>': 0.375,
    '<cn type="e-notation">2.5<sep/>-3</cn>': 0.0025,
    '<cn type="integer">7</cn>': 7,
    "<apply><plus/></apply>": 0,
    "<apply><times/></apply>": 1,
    "<apply><and/></apply>": 1,
    "<apply><or/></apply>": 0,
    "<apply><xor/></apply>": 0,
    "<apply><and/><cn>5</cn></apply>": 1,
    "<apply><or/><cn>0</cn></apply>": 0,
    "<apply><plus/><cn>5</cn></apply>": 5,
    "<apply><eq/><cn>5</cn></apply>": 1,
    "<apply><root/><cn>16</cn></apply>": 4,
    "<apply><root/><degree><cn>4</cn></degree><cn>16</cn></apply>": 2,
    "<apply><log/><cn>100</cn></apply>": 2,
    "<apply><log/><logbase><cn>4</cn></logbase><cn>64</cn></apply>": 3,
    "<piecewise><otherwise><cn>6</cn></otherwise></piecewise>": 6,
    "<semantics><apply><plus/><cn>1</cn><cn>2</cn></apply></semantics>": 3,
}


def value(formula):
    return read_sbml(document(parameter("p", 0), initial("p", formula))).constants["p"]


@pytest.mark.parametrize("formula", [*VALUES, *BY_MATHML])
def test_every_operator(formula):
    expected = {**VALUES, **BY_MATHML}[formula]
    assert value(formula) == pytest.approx(expected, rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(
    "formula", ["piecewise(1, false)", "notanumber", "0/0", "<piecewise/>", "ln(-1)", "sqrt(-4)", "(-2)^0.5"]
)
def test_what_is_not_a_number(formula):
    assert math.isnan(value(formula))


def test_only_the_operators_of_the_kernel_remain():
    """Everything composite is written out; relations have two arguments and piecewise an otherwise."""
    formulas = [*VALUES, *BY_MATHML, "piecewise(1, p > 2)"]
    parts = [parameter("p", 1)]
    for i, formula in enumerate(formulas):
        parts += [parameter(f"q{i}", 0), rule(f"q{i}", formula)]
    plain = {
        "+",
        "*",
        "-",
        "/",
        "^",
        "neg",
        "exp",
        "ln",
        "log10",
        "sqrt",
        "abs",
        "floor",
        "ceil",
        "sin",
        "cos",
    }
    plain |= {"tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "min", "max"}
    plain |= {"rem", "quotient", "factorial", "piecewise", "<", "<=", ">", ">=", "==", "!=", "and", "or"}
    plain |= {"xor", "not"}
    stack = list(read_sbml(document(*parts)).rules.values())
    while stack:
        tree = stack.pop()
        if not isinstance(tree, Call):
            continue
        assert tree.op in plain
        if tree.op in ("<", "<=", ">", ">=", "==", "!=", "-", "/", "^", "rem", "quotient"):
            assert len(tree.arguments) == 2
        if tree.op == "piecewise":
            assert len(tree.arguments) % 2 == 1
        stack.extend(tree.arguments)


def test_functions_call_functions_in_any_order_and_their_arguments_shadow_the_model():
    """outer(x) = 10 inner(x + 1), inner(p) = p^2; p is also a parameter, with another value."""
    system = read_sbml(
        document(
            function("outer", "x", "10 * inner(x + 1)"),
            function("inner", "p", "p^2"),
            function("three", "3"),
            parameter("p", 100),
            parameter("y", 0),
            parameter("z", 0),
            initial("y", "outer(2)"),
            rule("z", "inner(p) + three()"),
        )
    )
    assert system.constants["y"] == 90
    assert system.rules["z"] == Call("+", (Call("^", (Symbol("p"), Number(2.0))), Number(3.0)))


def test_an_argument_is_the_callers_symbol_even_when_it_has_the_name_of_a_variable():
    """f(x, y) = x - y called as f(y, x) swaps the two; nothing is captured."""
    system = read_sbml(
        document(
            function("f", "x", "y", "x - g(y, x)"),
            function("g", "x", "y", "x / y"),
            *(parameter(name, number) for name, number in (("x", 8), ("y", 2), ("z", 0))),
            initial("z", "f(y, x)"),
        )
    )
    assert system.constants["z"] == 2 - 8 / 2


REFUSED = {
    "unknown function": ((), "nothing(1)", ("q", "nothing", "function definition")),
    "wrong number of arguments": ((function("f", "x", "x"),), "f(1, 2)", ("q", "f", "2 arguments")),
    "circle of functions": (
        (function("f", "x", "g(x)"), function("g", "x", "f(x)")),
        "f(1)",
        ("function definitions", "f -> g -> f"),
    ),
    "outer name in a function": ((function("f", "x", "x + p"),), "f(1)", ("function definition f", "p")),
    "function without mathematics": (
        ('<functionDefinition id="f"/>',),
        "f(1)",
        ("q", "f", "no mathematics"),
    ),
    "delay": (
        (),
        '<apply><csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/delay">'
        "delay</csymbol><ci>p</ci><cn>1</cn></apply>",
        ("q", "the delay function"),
    ),
    "undeclared symbol": ((), "p + missing", ("q", "symbol missing")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_mathematics(case):
    functions, formula, words = REFUSED[case]
    with pytest.raises(UnsupportedSbmlError) as caught:
        read_sbml(document(*functions, parameter("p", 1), parameter("q"), rule("q", formula)))
    for word in words:
        assert word in str(caught.value)


def test_mathematics_nested_deeply_is_refused_not_a_crash():
    deep = "<ci>p</ci>"
    for _ in range(3000):
        deep = f"<apply><minus/>{deep}</apply>"
    with pytest.raises(UnsupportedSbmlError, match="nested"):
        read_sbml(document(parameter("p", 1), parameter("q"), rule("q", deep)))


def test_the_helper_writes_what_it_should():
    assert MATHML in maths("a + b")
    assert CORE in document(parameter("a", 1))
