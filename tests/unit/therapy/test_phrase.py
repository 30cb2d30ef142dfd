"""A therapy in one line of words: what is read, what is refused and with which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eubiosis.core.findings import FindingsError
from eubiosis.therapy import products
from eubiosis.therapy.phrase import LONGEST_PHRASE, read_phrase

products()  # read once, before any clock of a property runs
PERIODS = {"day": 1.0, "week": 7.0}
grams = st.decimals("0.1", "20", places=1)
times = st.integers(1, 4)
whole = st.integers(1, 40)


@given(
    grams, whole, st.sampled_from(sorted(PERIODS)), st.sampled_from(("{} g/day", "{} g a day", "{} g daily"))
)
def test_dose_and_duration_are_read_in_every_spelling(amount, count, period, spelling):
    dose = spelling.format(amount)
    found = read_phrase(f"inulin {dose} for {count} {period}{'s' if count > 1 else ''}")
    assert found.therapy.amount == pytest.approx(float(amount))
    assert found.days == round(count * PERIODS[period])
    assert found.therapy.start == 0
    assert found.therapy.stop == pytest.approx(found.days / 7, abs=1e-5)
    assert found.therapy.adherence.mean == 1
    assert found.therapy.adherence.steady


@given(st.integers(50, 250), times)
def test_doses_a_day_are_added_up(milligrams, often):
    words = {1: "once a day", 2: "twice a day"}.get(often, f"{often} times a day")
    found = read_phrase(f"propionate {milligrams} mg {words} for 2 weeks")
    assert found.therapy.amount == pytest.approx(milligrams * often / 1000)


@given(st.text(max_size=60))
def test_any_text_is_a_phrase_or_a_finding_with_a_next_step(text):
    try:
        found, findings = read_phrase(text), ()
    except FindingsError as error:
        found, findings = None, error.findings
    assert all(one.problem and one.next_step for one in findings)
    assert findings or (found.days >= 1 and found.products)


@given(st.sampled_from(("_", " ")), st.booleans())
def test_a_product_is_named_by_its_id_or_its_label(joint, upper):
    words = "high_fibre_diet".replace("_", joint)
    assert read_phrase(f"{words.upper() if upper else words} for 2 weeks").products == ("high_fibre_diet",)
    assert read_phrase("Diet with 40 g of fibre a day for 2 weeks").products == ("high_fibre_diet",)


def test_parts_share_the_last_duration_and_keep_their_own():
    found = read_phrase(
        "inulin 5 g/day from week 2 for 4 weeks + vancomycin 500 mg 4 times a day for 10 days"
    )
    first, second = found.therapy.given
    assert (first.start, first.stop) == (2, 6)
    assert (second.amount, second.stop) == (2000, pytest.approx(10 / 7, abs=1e-5))
    assert found.days == 42
    shared = read_phrase("inulin 5 g/day + b_infantis 1e10 CFU/day for 4 weeks").therapy
    assert [part.stop for part in shared.given] == [4, 4]


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("inulim 12 g/day for 3 weeks", 'nearest "inulin"'),
        ("inulin 12 g for 3 weeks", 'next: write "12 g/day"'),
        ("inulin for 3 weeks", "inulin has no dose"),
        ("inulin 12 g/day", "has no duration"),
        ("inulin 12 g/day for 3 fortnights", 'the duration "for 3 fortnights" cannot be read'),
        ("inulin 0 g/day for 3 weeks", 'the dose "0 g" is zero'),
        ("inulin 12 L/day for 3 weeks", 'does not measure the same as "g/d"'),
        ("inulin 60 g/day for 3 weeks", "above its ceiling of 20 g a day"),
        ("mediterranean diet 3 g/day for 2 weeks", "takes no dose"),
        ("ketogenic diet + mediterranean diet for 2 weeks", "both replace the habitual diet"),
        ("inulin 5 g/day + inulin 5 g/day for 2 weeks", "given twice in the same weeks"),
        ("inulin 5 g/day for 0.5 days", "out of range"),
        ("inulin 5 g/day for 9999 weeks", "out of range"),
        ("inulin 5 g/day + for 2 weeks", "no product is named"),
        ("inulin 5 g/day for 2 weeks +", "1 are empty"),
        ("", "the phrase is empty"),
        ("inulin\n5 g/day for 2 weeks", "not plain text"),
        ("x" * (LONGEST_PHRASE + 1), "too long"),
    ],
)
def test_what_is_wrong_is_said(phrase, words):
    with pytest.raises(FindingsError) as error:
        read_phrase(phrase)
    assert words in str(error.value)
    assert all(one.next_step for one in error.value.findings)


def test_a_phrase_is_told_of_no_key_that_it_has_not():
    with pytest.raises(FindingsError) as error:
        read_phrase("inulin 100 g/day for 3 weeks")
    (found,) = error.value.findings
    assert (found.allowed, found.next_step) == ("20 g/day or less", "lower the dose")


def test_everything_wrong_is_said_at_once():
    with pytest.raises(FindingsError) as error:
        read_phrase("inulim 12 g/day + propionate 1 g for 3 lustra")
    assert len(error.value.findings) == 3


def test_every_product_without_a_dose_can_be_named():
    for name, record in products().items():
        if record.dose is None and record.not_in_trials is None:
            assert read_phrase(f"{name} for 2 weeks").products == (name,)
