"""Conditions: doses by hand, and what a bad row is told."""

from dataclasses import replace

import pytest

from eubiosis.core.findings import FindingCollector
from eubiosis.model.conditions import read_conditions
from eubiosis.model.content import ChangeRow


def pulse(model, condition, target):
    return next(p for p in model.conditions[condition].pulses if p.target == target)


def test_vancomycin_500_mg_four_times_a_day_is_2000_mg_a_day_for_ten_days(model):
    p = pulse(model, "healthy_vancomycin", "gut_dose_vancomycin")
    assert (p.level, p.start, p.stop) == (2000.0, 0.0, 10.0)
    times = [0.0, 9.99, 10.0, 11.0]
    level = model.simulate("healthy_vancomycin", times, ("gut_dose_vancomycin",)).values[0, :, 0]
    assert level.tolist() == [2000, 2000, 0, 0]


def test_sodium_propionate_500_mg_twice_a_day_is_1_g_and_10_41_mmol(model):
    """C3H5NaO2 by hand: 3 x 12.011 + 5 x 1.008 + 22.990 + 2 x 15.999 = 96.061 g/mol."""
    p = pulse(model, "ms_propionate", "handover_dose_propionate_salt")
    assert p.level == pytest.approx(1.0, rel=1e-12)
    molar_mass = 3 * 12.011 + 5 * 1.008 + 22.990 + 2 * 15.999
    assert 1000 / molar_mass == pytest.approx(10.41, abs=0.005)
    dose = model.simulate("ms_propionate", [0.0], ("handover_dose_propionate",)).values[0, 0, 0]
    assert dose == pytest.approx(1000 / molar_mass, rel=1e-4)


def test_inulin_20_g_of_product_brings_18_g_of_fructans(model):
    names = ("gut_F_IN_now", "gut_F_IN")
    now, habitual = model.simulate("healthy_inulin_20g", [0.0], names).values[0, 0]
    assert now - habitual == pytest.approx(18.0, rel=1e-12)


def row(**change):
    values = {
        "condition": "healthy",
        "target": "gut_dose_inulin",
        "amount": "10",
        "unit": "g",
        "kind": "input",
        "basis": "assumed",
    }
    return ChangeRow(**(values | change))


def findings_of(model, *rows):
    collector = FindingCollector()
    built = read_conditions(replace(model.content, changes=rows), collector)
    return collector.findings, built


def test_a_good_row_has_no_finding(model):
    findings, built = findings_of(model, row(times_per_day=3, start_day=2, stop_day=5))
    assert findings == []
    (p,) = built["healthy"].pulses
    assert (p.level, p.start, p.stop) == (30.0, 2.0, 5.0)
    assert built["healthy"].schedule == [(2.0, {"gut_dose_inulin": 30.0}), (5.0, {"gut_dose_inulin": 0.0})]


BAD = {
    "a mistyped condition": (row(condition="helthy"), 'nearest "healthy"'),
    "a mistyped target": (row(target="gut_dose_inulim"), 'nearest "gut_dose_inulin"'),
    "a negative amount": (row(amount="-1"), "negative"),
    "an amount that is no number": (row(amount="many"), "neither a number nor a known parameter"),
    "a wrong unit": (row(unit="mmol"), "does not measure the same"),
    "a unit that is none": (row(unit="grm"), "not a unit"),
    "stop before start": (row(start_day=5, stop_day=2), "starts on day 5 and stops on day 2"),
    "a daily rate several times a day": (
        row(unit="g/d", times_per_day=2),
        "times_per_day 2 does not go with",
    ),
    "a parameter dosed as an input": (row(target="gut_F_IN", unit="g/d"), "not an input"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_a_finding_with_its_place(model, case):
    bad, words = BAD[case]
    findings, _ = findings_of(model, bad)
    assert len(findings) == 1
    assert words in str(findings[0])
    assert bad.condition in findings[0].place
    assert findings[0].file.endswith("conditions/changes.tsv")


def test_overlapping_rows_are_a_finding_and_touching_ones_are_not(model):
    first = row(start_day=0, stop_day=10)
    findings, _ = findings_of(model, first, row(start_day=9, stop_day=20))
    assert [f.problem for f in findings] == ["two changes of one input overlap in time"]
    assert findings[0].next_step
    for rows in ((first, row(amount="5", start_day=10, stop_day=20)),) * 1:
        for order in (rows, rows[::-1]):
            findings, built = findings_of(model, *order)
            assert findings == []
            assert built["healthy"].schedule == [
                (0.0, {"gut_dose_inulin": 10.0}),
                (10.0, {"gut_dose_inulin": 5.0}),
                (20.0, {"gut_dose_inulin": 0.0}),
            ]


def test_all_findings_come_at_once(model):
    findings, _ = findings_of(model, *(bad for bad, _ in BAD.values()))
    assert len(findings) >= len(BAD)


def test_a_unit_in_milligrams_is_converted(model):
    _, built = findings_of(model, row(amount="500", unit="mg", times_per_day=2))
    assert built["healthy"].pulses[0].level == pytest.approx(1.0)


def test_an_unknown_condition_names_the_nearest(model):
    from eubiosis.core.findings import FindingsError

    with pytest.raises(FindingsError, match='nearest "healthy_inulin_20g"'):
        model.simulate("healthy_inulin_20")
