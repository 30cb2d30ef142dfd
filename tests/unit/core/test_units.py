"""Units: conversions against hand calculations."""

import pytest

from eubiosis.core import units
from eubiosis.core.units import UnitProblem, base_factors, conversion_factor, parse_unit


@pytest.mark.parametrize(
    ("source", "target", "factor"),
    [
        ("mg/d", "g/d", 1e-3),
        ("1/h", "1/d", 24.0),
        ("uM", "mM", 1e-3),
        ("mmol/d", "mol/d", 1e-3),
        ("gDW/L", "g/L", 1.0),
        ("-", "", 1.0),
        ("1/(mM*d)", "1/(uM*d)", 1e-3),
    ],
)
def test_conversion_matches_hand_calculation(source, target, factor):
    assert conversion_factor(source, target) == pytest.approx(factor, rel=1e-12)


def test_different_dimensions_are_refused():
    with pytest.raises(UnitProblem, match="does not measure"):
        conversion_factor("g/d", "mmol/d")


def test_nonsense_is_refused_with_the_nearest_unit():
    with pytest.raises(UnitProblem, match="is not a unit"):
        parse_unit("gDWW/L")


def test_base_factors_of_a_molar_flow():
    multiplier, exponents = base_factors("mmol/d")
    assert multiplier == pytest.approx(1e-3)
    assert exponents == {"mole": 1, "day": -1}


def test_base_factors_of_a_concentration():
    multiplier, exponents = base_factors("mM")
    assert multiplier == pytest.approx(1e-3)
    assert exponents == {"mole": 1, "litre": -1}


@pytest.mark.parametrize(("given", "wanted"), sorted(units._EVERYDAY))
def test_the_library_says_the_same_of_everyday_units(given: str, wanted: str) -> None:
    assert units._looked_up(given, wanted) == conversion_factor(given, wanted)
