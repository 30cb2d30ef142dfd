"""Designs made from Python: what is left out is filled in, and what is no trial is refused, all at once."""

import numpy as np
import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.therapy import acid, diet, placebo, prebiotic
from eubiosis.trial import Arm, ControlLevel, Design, Eligibility, Simulation

INULIN = prebiotic("inulin", dose="12 g/day")
PROPIONATE = acid("propionate", dose="1000 mg/day")
ARMS = {"placebo": placebo(), "inulin": INULIN}
GOOD = {"arms": ARMS, "participants": 40, "primary": "mfis"}


def findings(make=Design, /, **fields):
    with pytest.raises(FindingsError) as caught:
        make(**fields)
    assert all(f.next_step for f in caught.value.findings)
    return {f.place: f.problem for f in caught.value.findings}


def wrong(**fields):
    """What is wrong with the good design where these fields are different."""
    return findings(Design, **(GOOD | fields))


def test_what_is_left_out_is_filled_in():
    design = Design(**GOOD)
    assert design.control.name == "placebo"
    assert [arm.name for arm in design.active] == ["inulin"]
    assert design.allocation == (1, 1)
    assert {arm.therapy.stop for arm in design.arms} == {48.0}
    assert design.days == 336
    three = Design(**(GOOD | {"arms": {**ARMS, "propionate": PROPIONATE}, "visits": [0, 4, 26]}))
    assert three.allocation == (1, 1, 1)
    assert {arm.therapy.stop for arm in three.arms} == {26.0}


def test_a_list_a_tuple_and_a_mapping_of_arms_are_the_same_design():
    as_fields = [
        {"name": "placebo", "therapy": {"product": "placebo"}},
        {"name": "inulin", "therapy": {"product": "inulin", "dose": "12 g/day"}},
    ]
    made = [Arm(name=name, therapy=therapy) for name, therapy in ARMS.items()]
    designs = [Design(**(GOOD | {"arms": arms})) for arms in (ARMS, made, tuple(made), as_fields)]
    assert all(each == designs[0] for each in designs)
    # an arm that is made keeps its own control
    assert not any(arm.control for arm in made)


def test_a_control_that_is_named_is_kept():
    arms = [Arm(name="placebo", therapy=placebo()), Arm(name="low", therapy=INULIN, control=True)]
    assert Design(**(GOOD | {"arms": arms})).control.name == "low"


@pytest.mark.parametrize(
    ("fields", "place", "problem"),
    [
        ({"participants": -40}, "participants", "-40 is out of range"),
        ({"participants": 0}, "participants", "0 is out of range"),
        ({"participants": 1_000_001}, "participants", "1000001 is out of range"),
        ({"participants": 40.0}, "participants", "40.0 is not a whole number"),
        ({"participants": "40"}, "participants", '"40" where a number belongs'),
        ({"participants": True}, "participants", "true where a number belongs"),
        ({"participants": float("nan")}, "participants", "nan is not finite"),
        ({"participants": 3}, "participants", "3 participants do not fill one block of 4"),
        ({"visits": [0, 24, 12, 48]}, "visits", "the weeks of the visits do not increase"),
        ({"visits": [0, 0.05, 4]}, "visits", "the visits in weeks 0 and 0.05 are on one day"),
        ({"visits": [0, 12, 12]}, "visits", "the weeks of the visits do not increase"),
        ({"visits": [4, 12]}, "visits", "the first visit is in week 4, not in week 0"),
        ({"visits": [0]}, "visits", "a trial needs a first and a last visit"),
        ({"visits": []}, "visits", "a trial needs a first and a last visit"),
        ({"visits": [0, -4]}, "visits", "-4 is out of range"),
        ({"visits": [0, float("inf")]}, "visits", "inf is not finite"),
        ({"visits": 48}, "visits", "48 is not a plan of visits"),
        ({"visits": "every 5 weeks to week 48"}, "visits", "no whole number of intervals"),
        ({"arms": {"a": INULIN, "b": PROPIONATE}}, "arms", "no arms are the control"),
        ({"arms": {"a": placebo(), "b": placebo()}}, "arms", "no arms are the control"),
        ({"arms": {"placebo": placebo()}}, "arms", "the number of arms is 1"),
        ({"arms": {**ARMS, "c": INULIN, "d": INULIN}}, "arms", "the number of arms is 4"),
        ({"allocation": [1]}, "allocation", "1 shares for 2 arms"),
        ({"allocation": [1, 0]}, "allocation", "0 is out of range"),
        ({"allocation": [1, 1.5]}, "allocation", "1.5 is not a whole number"),
        ({"block": 0}, "block", "0 is out of range"),
        ({"block": 11, "participants": 21}, "participants", "21 participants do not fill one block of 22"),
        ({"dropout_per_year": -0.1}, "dropout_per_year", "-0.1 is out of range"),
        ({"placebo_response_mfis": -85}, "placebo_response_mfis", "-85 is out of range"),
        ({"primary": "fatigue"}, "primary", '"fatigue" is unknown'),
        ({"primary": "share_bif"}, "primary", 'nearest "share_BIF"'),
        ({"eligibility": {"age": [60, 18]}}, "eligibility.age", "the range [60, 18] is reversed"),
        ({"eligibility": {"edss": [0, 11]}}, "eligibility.edss", "11 is out of range"),
        ({"control_level": {"relapses_per_year": -1}}, "control_level.relapses_per_year", "-1 is out"),
        ({"participant": 40}, "participant", 'is unknown; nearest "participants"'),
    ],
)
def test_a_wrong_design_is_one_finding(fields, place, problem):
    found = wrong(**fields)
    assert list(found) == [place]
    assert problem in found[place]


@pytest.mark.parametrize("names", [("inulin", "inulin"), ("inulin", "INULIN"), ("inulin", " Inulin ")])
def test_equal_names_of_arms_are_refused(names):
    arms = [Arm(name=name, therapy=each) for name, each in zip(names, ARMS.values(), strict=True)]
    found = wrong(arms=arms)
    assert list(found) == ["arms[1].name"]
    assert "is that of arms[0] too" in found["arms[1].name"]


def test_two_controls_are_refused():
    arms = [Arm(name=name, therapy=each, control=True) for name, each in ARMS.items()]
    assert wrong(arms=arms) == {"arms": "2 arms are the control"}


def test_a_therapy_that_does_not_fit_the_visits_is_refused_by_its_arm():
    late = prebiotic("inulin", dose="12 g/day", start="week 12", stop="week 60")
    found = wrong(arms={"placebo": placebo(), "inulin": late})
    assert found == {"arms[1].therapy.stop": "week 60 is beyond the last visit in week 48"}


def test_a_therapy_that_starts_at_the_last_visit_is_refused():
    last = prebiotic("inulin", dose="12 g/day", start="week 48")
    found = wrong(arms={"placebo": placebo(), "inulin": last})
    assert list(found) == ["arms[1].therapy.start"]
    assert "starts at the last visit" in found["arms[1].therapy.start"]


def test_a_bare_number_as_dose_is_refused_inside_a_design():
    arms = [
        {"name": "placebo", "therapy": {"product": "placebo"}},
        {"name": "inulin", "therapy": {"product": "inulin", "dose": 12}},
    ]
    assert wrong(arms=arms) == {"arms[1].therapy.dose": "12 is not text"}


def test_the_primary_endpoint_must_be_named():
    assert findings(Design, arms=ARMS, participants=40) == {"primary": "the key is missing"}


def test_everything_wrong_comes_at_once():
    arms = [
        {"name": "placebo", "therapy": {"product": "placebo", "dose": "1 g/day"}},
        {"name": "Placebo", "therapy": {"product": "inulin", "dose": 12, "stop": "week 60"}, "colour": 1},
    ]
    found = findings(
        Design, arms=arms, participants=-1, visits="every 12 weeks to week 48", allocation=[1, 1, 1],
        eligibility={"age": [60, 18]}, primary="mfsi",
    )  # fmt: skip
    assert set(found) == {
        "arms[0].therapy.dose", "arms[1].name", "arms[1].therapy.dose", "arms[1].therapy.stop",
        "arms[1].colour", "participants", "allocation", "eligibility.age", "primary",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 41, 3, None])
def test_a_name_that_fits_no_figure_is_refused(name):
    assert list(findings(Arm, name=name, therapy=placebo())) == ["name"]


def test_an_arm_takes_its_fields_by_name_and_needs_a_therapy():
    with pytest.raises(TypeError, match="takes its fields by name"):
        Arm("placebo", placebo())
    assert findings(Arm, name="placebo", therapy="placebo") == {"therapy": '"placebo" where keys belong'}
    assert findings(Arm, name="placebo") == {"therapy.product": "the key is missing"}


def test_numpys_numbers_are_numbers():
    design = Design(**(GOOD | {"participants": np.int64(40), "dropout_per_year": np.float64(0.2)}))
    assert (design.participants, design.dropout_per_year) == (40, 0.2)
    assert wrong(participants=np.int64(-1)) == {"participants": "-1 is out of range"}


def test_a_changed_design_is_checked_like_a_new_one_and_leaves_the_old_one_alone():
    old = Design(**GOOD)
    new = old.changed(participants=80, eligibility=Eligibility(age=None), control_level=ControlLevel())
    assert (new.participants, new.eligibility.age, old.participants) == (80, None, 40)
    assert new.arms == old.arms
    assert findings(old.changed, participants=3) == {
        "participants": "3 participants do not fill one block of 4"
    }
    ends = {"placebo": placebo(stop="week 48"), "inulin": INULIN.changed(stop="week 48")}
    assert findings(Design(**(GOOD | {"arms": ends})).changed, visits=[0, 12]) == {
        f"arms[{k}].therapy.stop": "week 48 is beyond the last visit in week 12" for k in (0, 1)
    }
    assert list(findings(old.changed, arms=[old.arms[0]])) == ["arms", "allocation"]


def test_arms_that_are_changed_are_filled_in_like_those_of_a_new_design():
    old = Design(**GOOD)
    assert old.changed(arms=ARMS) == old
    unfinished = (Arm(name="placebo", therapy=placebo(), control=True), Arm(name="inulin", therapy=INULIN))
    assert old.changed(arms=unfinished) == old


def test_numpys_numbers_are_numbers_in_a_changed_design_too():
    assert Design(**GOOD).changed(participants=np.int64(80)).participants == 80


def test_an_unknown_name_in_a_changed_design_says_what_is_allowed():
    with pytest.raises(FindingsError) as caught:
        Design(**GOOD).changed(participant=80)
    assert "participants" in caught.value.findings[0].allowed
    assert caught.value.findings[0].next_step


@pytest.mark.parametrize("arms", [None, 3, "placebo"])
def test_arms_that_are_no_list_are_one_finding(arms):
    assert list(wrong(arms=arms)) == ["arms"]


def test_a_design_with_a_diet_says_so():
    design = Design(**(GOOD | {"arms": {"usual": placebo(), "diet": diet("mediterranean_diet")}}))
    words = "Mediterranean diet with 30 g of fibre a day, weeks 0 to 48"
    assert design.active[0].therapy.describe() == words


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"gut_worlds": 0}, "gut_worlds"),
        ({"host_worlds": 1001}, "host_worlds"),
        ({"replicates": 1.5}, "replicates"),
        ({"couplings": "symetric"}, "couplings"),
        ({"worlds": 3}, "worlds"),
    ],
)
def test_a_simulation_out_of_range_is_refused(fields, place):
    assert list(findings(Simulation, **fields)) == [place]


def test_a_therapy_without_an_end_follows_the_last_visit_when_the_visits_change():
    longer = Design(**GOOD).changed(visits="every 12 weeks to week 96")
    assert {arm.therapy.stop for arm in longer.arms} == {96.0}
    shorter = Design(**GOOD).changed(visits=[0, 12])
    assert {arm.therapy.stop for arm in shorter.arms} == {12.0}


@pytest.mark.parametrize("seed", [-1, 1.5, "7", None])
def test_a_seed_is_a_whole_number(seed):
    from eubiosis.core.spec import checked_seed

    with pytest.raises(FindingsError):
        checked_seed(seed)
