"""Unit inference: hand-made mismatches are found, and what fits is not reported."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.core.units import UnitProblem
from eubiosis.engine import System
from eubiosis.engine.expressions import TIME, Call, Number, Symbol
from eubiosis.model.units import DIMENSIONLESS, Unit, infer_units, read_unit

UNITS = {"c": "g/L", "m": "mg/L", "k": "1/d", "f": "g/d", "V": "L", "n": "-", "x": "g/L", "a": "mM", "T": "d"}


def call(op, *arguments):
    return Call(op, tuple(Symbol(a) if isinstance(a, str) else a for a in arguments))


def judge(rules=None, rates=None):
    system = System(
        name="hand-made",
        states=tuple(rates or {}),
        parameters=tuple(UNITS),
        assigned=tuple(rules or {}),
        rates=rates or {},
        rules=rules or {},
        initial={},
        constants={},
        units={},
    )
    return infer_units(system, {name: read_unit(text) for name, text in UNITS.items()})


WRONG = {
    "sum of mass and molar concentration": call("+", "c", "a"),
    "milligram where gram": call("+", "c", "m"),
    "comparison of two units": call("<", "c", "k"),
    "piecewise of two units": call("piecewise", "c", call("<", TIME, "T"), "k"),
    "time against a rate": call(">=", TIME, "k"),
    "exponential of a concentration": call("exp", "c"),
    "logarithm of a concentration": call("ln", "c"),
    "exponent with a unit": call("^", "n", "c"),
    "variable power of a quantity with a unit": call("^", "c", "n"),
    "a literal added to a concentration": call("+", "c", Number(1.0)),
    "hidden in a product": call("*", "k", call("-", "c", "f")),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mismatch_in_a_rule_is_found(case):
    units, problems = judge({"z": WRONG[case]})
    assert [name for name, _ in problems] == ["z"]
    assert "z" not in units


RIGHT = {
    "c + m / 1000 is still a scale apart, but c + c is not": (call("+", "c", "c"), "g/L"),
    "Monod": (call("*", "k", call("/", "c", call("+", "c", "c"))), "1/d"),
    "inflow over volume": (call("/", "f", "V"), "g/(L*d)"),
    "square root of a square": (call("sqrt", call("^", "c", Number(2.0))), "g/L"),
    "power of a ratio": (call("^", call("/", "c", "x"), "n"), "-"),
    "negative power": (call("^", "T", Number(-1.0)), "1/d"),
    "minimum": (call("min", "c", "x"), "g/L"),
    "piecewise": (call("piecewise", "f", call("<", TIME, "T"), "f"), "g/d"),
    "logic": (call("and", call("<", "c", "x"), call(">", TIME, "T")), "-"),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_fits_has_its_unit(case):
    expression, text = RIGHT[case]
    units, problems = judge({"z": expression})
    assert problems == []
    assert units["z"].fits(read_unit(text))


def test_a_rate_must_be_its_state_per_day():
    good = call("-", call("/", "f", "V"), call("*", "k", "x"))
    assert judge(rates={"x": good})[1] == []
    for bad in (call("/", "f", "T"), call("*", "k", "m"), Symbol("c")):
        assert [name for name, _ in judge(rates={"x": bad})[1]] == ["x"]


def test_the_scale_alone_is_named_in_the_message():
    _, problems = judge(rates={"x": call("*", "k", "m")})
    assert "mg/(L*d)" in problems[0][1]
    assert "g/(L*d)" in problems[0][1].split("state per day")[1]


def test_one_bad_equation_does_not_accuse_those_that_use_it():
    _, problems = judge({"z": call("+", "c", "a"), "w": call("*", "z", "k"), "v": call("+", "f", "k")})
    assert [name for name, _ in problems] == ["z", "v"]


@settings(deadline=None)
@given(
    st.sampled_from([1.0, 1e-3, 1e-6, 1e-9, 1000.0, 60.0]),
    st.tuples(*[st.integers(-3, 3).map(float)] * 4),
)
def test_the_text_of_a_unit_reads_back(scale, powers):
    unit = Unit(scale, powers)
    assert read_unit(unit.text).fits(unit)


@pytest.mark.parametrize(
    "text", ["g/L", "mM", "mmol/d", "mmol/(gDW*d)", "1/d", "-", "ng/mL", "L/nmol", "cell/gDW"]
)
def test_units_of_the_tables_read_back(text):
    unit = read_unit(text)
    assert read_unit(unit.text).fits(unit)


def test_scales_by_hand():
    assert read_unit("mM").scale == pytest.approx(1e-3)
    assert read_unit("ng/mL").scale == pytest.approx(1e-6)  # 1e-9 g in 1e-3 L
    assert read_unit("1/h").scale == pytest.approx(24)
    assert read_unit("gDW/L").fits(read_unit("g/L"))
    assert read_unit("pH").fits(DIMENSIONLESS)


@pytest.mark.parametrize("text", ["gDWW", "kelvin", "K", "A", "g+L"])
def test_what_is_no_unit_of_the_model_is_refused(text):
    with pytest.raises((UnitProblem, KeyError)):
        read_unit(text)


def test_the_packaged_model_fits_and_every_assigned_quantity_has_a_unit(model):
    from eubiosis.model.join import declared_units

    units, problems = infer_units(model.system, declared_units(model.content, model.system))
    assert problems == []
    assert set(units) == set(model.system.assigned)
    assert units["gut_J_Bu"].fits(read_unit("mmol/d"))
    assert units["gut_stool_load"].fits(read_unit("cell/g"))
    assert units["handover_plasma_Pr"].fits(read_unit("mM"))
    assert units["host_relapse_rate"].fits(read_unit("1/d"))
