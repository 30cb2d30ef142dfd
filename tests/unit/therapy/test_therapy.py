"""Therapies: doses with their units, weeks, and everything that is no therapy refused from Python."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eubiosis.core.findings import FindingsError
from eubiosis.therapy import (
    Adherence,
    Therapy,
    acid,
    antibiotic,
    diet,
    give,
    placebo,
    prebiotic,
    products,
)
from eubiosis.therapy.dose import read_dose


def findings(make, *arguments, **fields):
    with pytest.raises(FindingsError) as caught:
        make(*arguments, **fields)
    assert all(f.next_step for f in caught.value.findings)
    return {f.place: f.problem for f in caught.value.findings}


@pytest.mark.parametrize(
    ("therapy", "amount"),
    [
        (prebiotic("inulin", dose="12 g/day"), 12.0),
        (prebiotic("inulin", dose="1200 mg/day"), 1.2),
        (prebiotic("inulin", dose="84 g/week"), 12.0),
        (acid("propionate", dose="1000 mg/day"), 1.0),
        # the model takes vancomycin in mg/d: 500 mg four times a day
        (antibiotic("vancomycin", dose="2 g/day"), 2000.0),
        (antibiotic("vancomycin", dose="2000 mg/day"), 2000.0),
        (antibiotic("vancomycin", dose="0.125 g/d"), 125.0),
        (placebo(), 0.0),
        (diet("mediterranean_diet"), 0.0),
    ],
)
def test_the_amount_is_the_dose_in_the_unit_of_the_model(therapy, amount):
    assert therapy.amount == pytest.approx(amount, rel=1e-12)


@given(st.floats(1e-6, 1e6))
def test_a_dose_of_vancomycin_in_grams_is_a_thousand_times_that_in_milligrams(grams):
    therapy = give("vancomycin", dose=f"{grams!r} g/day", above_ceiling="arithmetic of units")
    assert therapy.amount == pytest.approx(1000 * grams, rel=1e-12)


def test_a_therapy_in_words():
    assert placebo().describe() == "placebo"
    words = antibiotic("vancomycin", dose="2 g/day", start="week 4", stop="week 6").describe()
    assert words == "oral vancomycin 2 g a day, weeks 4 to 6"
    assert prebiotic("inulin", dose="50 mg/day").describe().startswith("inulin 50 mg a day")
    words = diet("ketogenic_diet", stop="week 24").describe()
    assert words == "ketogenic diet, weeks 0 to 24"


def test_a_dose_in_words_has_three_digits_and_keeps_its_amount():
    weekly = prebiotic("inulin", dose="12 g/week")
    assert weekly.describe().startswith("inulin 1.71 g a day")
    assert weekly.amount == pytest.approx(12 / 7)
    assert str(read_dose("14007 IU/day")) == "14000 IU a day"
    assert str(read_dose("7e10 CFU/week")) == "1e10 CFU a day"
    with pytest.raises(
        FindingsError, match=r"the dose 20.0001 g a day of inulin is above its ceiling of 20 g"
    ):
        prebiotic("inulin", dose="20.0001 g/day")


def test_no_dose_points_to_the_placebo():
    with pytest.raises(FindingsError, match='write a dose, or "placebo" for none'):
        prebiotic("inulin", dose="0 g/day")


@pytest.mark.parametrize(
    ("therapy", "far_below"),
    [
        (prebiotic("inulin", dose="12 mg/day"), True),
        (prebiotic("inulin", dose="1.19 g/day"), True),
        (prebiotic("inulin", dose="1.2 g/day"), False),
        (give("vitamin_d", dose="40 IU/day"), True),
        (placebo(), False),
        (diet("mediterranean_diet"), False),
    ],
)
def test_a_dose_below_a_tenth_of_the_usual_one_is_told(therapy, far_below):
    assert bool(therapy.far_below_usual) is far_below


@pytest.mark.parametrize("dose", [12, 12.0, True, ["12 g/day"], {"amount": 12}])
def test_a_dose_that_is_no_text_is_refused(dose):
    assert "is not text" in findings(prebiotic, "inulin", dose=dose)["dose"]
    assert "is not text" in findings(Therapy, product="inulin", dose=dose)["dose"]


@pytest.mark.parametrize(
    ("dose", "problem"),
    [
        ("12", 'the dose "12" cannot be read'),
        ("12g/day", "cannot be read"),
        ("12 g", "cannot be read"),
        ("", "cannot be read"),
        ("-1 g/day", "is negative or not finite"),
        ("0 g/day", "is zero"),
        ("0.0 mg/week", "is zero"),
        ("1e-999 g/day", "is zero"),
        ("1e999 g/day", "is negative or not finite"),
        ("nan g/day", "cannot be read"),
        ("12 mM/day", "does not measure the same"),
        ("12 spoon/day", "is not a unit"),
        ("1.2.3 g/day", "cannot be read"),
    ],
)
def test_a_dose_that_cannot_be_taken_is_refused(dose, problem):
    assert problem in findings(prebiotic, "inulin", dose=dose)["dose"]


def test_a_product_with_a_dose_needs_one_and_another_takes_none():
    assert findings(Therapy, product="inulin") == {"dose": "inulin has no dose"}
    assert findings(Therapy, product="placebo", dose="1 g/day") == {"dose": "a placebo has no dose"}
    assert findings(give, "ketogenic_diet", dose="1 g/day") == {"dose": "ketogenic_diet takes no dose"}


def test_every_product_can_be_given_at_its_usual_dose():
    for one in products().values():
        usual = None if one.dose is None else one.dose.usual
        therapy = give(one.id, dose=None if usual is None else usual.text)
        assert one.label in therapy.describe()
        assert therapy.adherence.mean == (0.85 if one.adherence is None else one.adherence.mean)


def test_a_product_of_another_group_or_none_is_refused():
    problem = findings(prebiotic, "propionate", dose="1 g/day")["product"]
    assert problem == '"propionate" is of the group acid, not prebiotic'
    problem = findings(acid, "propionat", dose="1 g/day")["product"]
    assert problem == '"propionat" is unknown; nearest "propionate"'
    assert "3 is unknown" in findings(Therapy, product=3, dose="1 g/day")["product"].replace('"', "")


@pytest.mark.parametrize("start", [0, 12.0, "12", "week -1", "week 521", "weeks 3", "day 3", None, True])
def test_a_start_that_is_no_week_is_refused(start):
    assert set(findings(prebiotic, "inulin", dose="12 g/day", start=start)) == {"start"}


@pytest.mark.parametrize(
    ("start", "stop"), [("week 4", "week 4"), ("week 8", "week 4"), ("week 0", "week 0")]
)
def test_a_therapy_stops_after_its_start(start, stop):
    found = findings(prebiotic, "inulin", dose="12 g/day", start=start, stop=stop)
    assert list(found) == ["stop"]
    assert "not after its start" in found["stop"]


def test_everything_wrong_with_a_therapy_comes_at_once():
    adherence = {"mean": 1.2, "spread": 0.1}
    found = findings(
        Therapy, product="inulim", dose=12, start=0, stop="later", adherence=adherence, colour="red"
    )
    assert set(found) == {
        "product", "dose", "start", "stop", "adherence.mean", "adherence.spread", "colour",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"mean": -0.1}, "mean"),
        ({"mean": 1.1}, "mean"),
        ({"mean": float("nan")}, "mean"),
        ({"mean": "most"}, "mean"),
        ({"mean": True}, "mean"),
        ({"sd": -0.1}, "sd"),
        ({"sd": 0.6}, "sd"),
        ({"mean": 0.9, "sd": 0.3}, ""),  # 0.3^2 is 0.9 x 0.1: all would take all or nothing
    ],
)
def test_adherence_that_no_law_has_is_refused(fields, place):
    assert list(findings(Adherence, **fields)) == [place]


def test_a_changed_therapy_is_checked_like_a_new_one_and_leaves_the_old_one_alone():
    old = prebiotic("inulin", dose="12 g/day", stop="week 24")
    new = old.changed(dose="6 g/day", adherence=Adherence(mean=0.5, sd=0.1))
    assert (new.amount, new.adherence.mean, new.stop) == (6.0, 0.5, 24.0)
    assert (old.amount, old.adherence.mean) == (12.0, 0.85)
    assert findings(old.changed, dose=6) == {"dose": "6 is not text"}
    assert "not after its start" in findings(old.changed, start="week 30")["stop"]
    assert findings(old.changed, product="placebo") == {"dose": "a placebo has no dose"}


def test_doses_of_different_units_are_read_as_the_same_amount():
    assert read_dose("1 g/day").grams == read_dose(" 1000 mg/d ").grams == read_dose("7e-3 kg/week").grams
