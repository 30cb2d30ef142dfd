"""Combinations: what can be given together, and what contradicts itself."""

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.therapy import Therapy, Transplant, diet, give, placebo, prebiotic, transplant


def refused(**fields):
    with pytest.raises(FindingsError) as caught:
        Therapy(**fields)
    assert all(finding.next_step for finding in caught.value.findings)
    return {finding.place: finding.problem for finding in caught.value.findings}


def test_two_therapies_are_one_of_both_parts():
    both = give("inulin", dose="5 g/day") + give("b_infantis", dose="1e10 CFU/day", start="week 2")
    assert [part.product for part in both.components] == ["inulin", "b_infantis"]
    first, second = both.describe().split(" + ")
    assert first == "inulin 5 g a day, weeks 0 to the last visit"
    assert second == "B. infantis 1e10 CFU a day, weeks 2 to the last visit"
    three = both + give("vitamin_d", dose="4000 IU/day")
    assert [part.product for part in three.given] == ["inulin", "b_infantis", "vitamin_d"]
    assert (placebo() + give("natalizumab")).describe() == "placebo + natalizumab, weeks 0 to the last visit"


@pytest.mark.parametrize(
    ("first", "added", "words"),
    [
        ({"product": "mediterranean_diet"}, {"product": "western_diet"}, "both replace the habitual diet"),
        ({"product": "inulin", "dose": "5 g/day"}, {"product": "inulin", "dose": "5 g/day"}, "given twice"),
        (
            {"product": "vancomycin", "dose": "1 g/day"},
            {"product": "l_casei", "dose": "1e9 CFU/day"},
            "acts on the live bacteria of L. casei Shirota",
        ),
        ({"product": "fecal_transplant"}, {"product": "autologous_transplant"}, "two transplants"),
    ],
)
def test_what_contradicts_itself_is_refused_at_its_place(first, added, words):
    found = refused(**first, added=[added])
    assert list(found) == ["added[0].product"]
    assert words in found["added[0].product"]
    # one after the other they do not contradict each other
    apart = Therapy(**first, stop="week 4", added=[{**added, "start": "week 4"}])
    assert len(apart.given) == 2


def test_a_yeast_can_be_given_with_an_antibiotic():
    assert give("vancomycin", dose="1 g/day") + give("s_boulardii", dose="1e10 CFU/day")


def test_faults_of_parts_come_at_once_with_their_places():
    added = [{"product": "inulim"}, {"product": "pectin", "dose": "90 g/day"}]
    found = refused(product="inulin", dose="30 g/day", added=added)
    assert set(found) == {"dose", "added[0].product", "added[1].dose"}
    assert "above its ceiling of 20 g a day (tolerance: Schaafsma and Slavin 2014" in found["dose"]


def test_a_dose_above_the_ceiling_needs_its_reason_and_one_at_it_none():
    assert prebiotic("inulin", dose="20 g/day")
    assert give("inulin", dose="30 g/day", above_ceiling="dose of a trial of tolerance").amount == 30
    assert "above its ceiling" in refused(product="vitamin_d", dose="14007 IU/day")["dose"]


@pytest.mark.parametrize(
    ("product", "dose", "problem"),
    [
        ("b_infantis", "10 g/day", "does not measure the same as CFU/d"),
        ("inulin", "1e10 CFU/day", "does not measure the same as g/d"),
        ("vitamin_d", "100 mg/day", "does not measure the same as IU/d"),
        ("hookworm", "25 IU/day", "does not measure the same as unit/d"),
    ],
)
def test_a_dose_of_another_kind_is_refused(product, dose, problem):
    assert problem in refused(product=product, dose=dose)["dose"]


def test_only_transplants_have_a_donor_and_a_profile_names_guilds():
    assert "is no transplant" in refused(product="inulin", dose="5 g/day", transplant={})["transplant"]
    with pytest.raises(FindingsError, match='"BIV" is no guild'):
        Transplant(donor={"BIV": 0.1})
    with pytest.raises(FindingsError, match=r"sum to 1\.5"):
        Transplant(donor={"BIF": 0.7, "FAE": 0.8})
    assert transplant(number=2, every_weeks=1.0, preparation="vancomycin").transplant.days == (10.0, 17.0)


def test_a_diet_can_be_half_of_the_days_and_takes_no_dose():
    assert diet("alternate_day_fasting").record.diet.days_a_week == 3.5
    assert "takes no dose" in refused(product="western_diet", dose="1 g/day")["dose"]
