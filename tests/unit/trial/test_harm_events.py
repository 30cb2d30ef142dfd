"""Adverse events of a trial: as often as their rates say, with one luck in every arm."""

import numpy as np
import pytest

from eubiosis.core.trial_draws import TrialDraws
from eubiosis.therapy import give, placebo, transplant
from eubiosis.trial import Design
from eubiosis.trial.world.harms import HarmRates, events_of_trials, harm_rates

PEOPLE = 6000


def design(**active):
    arms = {"placebo": placebo(), **active}
    return Design(arms=arms, participants=12, visits=[0, 26, 52], primary="mfis")


def events_of(plan, rates, arm, seed=4):
    arms = np.full((1, PEOPLE), arm)
    followed = np.full((1, PEOPLE), float(plan.days))
    draws = TrialDraws(seed, "0.0", (0,))
    return events_of_trials(plan, rates, arms, tuple(range(PEOPLE)), followed, draws)[1]


def test_a_rate_gives_its_share_of_people():
    plan = design(inulin=give("inulin", dose="12 g/day"))
    rates = {arm.name: {"infection": HarmRates(0.5, (), ())} for arm in plan.arms}
    found = events_of(plan, rates, "inulin")
    expected = 1 - np.exp(-0.5 * 364 / 365.25)
    share = len(found["subject"]) / PEOPLE
    assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / PEOPLE)
    assert len(np.unique(found["subject"])) == len(found["subject"])  # the first event only
    assert set(found["event"]) == {"infection"}


def test_a_risk_of_a_single_day_falls_on_it_and_excess_lasts_as_long_as_the_therapy():
    one_day = HarmRates(0.0, (), ((70.0, 0.3), (98.0, 0.3)))
    clock = one_day.cumulated(200)
    assert clock[70] == 0
    assert clock[71] == pytest.approx(-np.log(0.7))
    assert clock[-1] == pytest.approx(-2 * np.log(0.7))
    excess = HarmRates(0.1, ((0.4, 2.0, 6.0),), ()).cumulated(100)
    assert excess[100] == pytest.approx((0.1 * 100 + 0.4 * 28) / 365.25)
    fewer = HarmRates(0.1, ((-0.4, 2.0, 6.0),), ()).cumulated(100)
    assert np.all(np.diff(fewer) >= 0)  # a therapy cannot undo an event


def test_a_subject_has_the_same_luck_in_every_arm():
    plan = design(inulin=give("inulin", dose="12 g/day"))
    rates = {
        "placebo": {"infection": HarmRates(0.3, (), ())},
        "inulin": {"infection": HarmRates(0.6, (), ())},
    }
    low, high = (events_of(plan, rates, arm) for arm in ("placebo", "inulin"))
    day = dict(zip(high["subject"].tolist(), high["day"].tolist(), strict=True))
    assert set(low["subject"].tolist()) < set(day)
    assert all(
        day[who] <= when for who, when in zip(low["subject"].tolist(), low["day"].tolist(), strict=True)
    )


def test_a_harm_that_nobody_saw_is_not_taken_for_absent_and_worlds_differ():
    plan = design(propionate=give("propionate", dose="1 g/day"))
    rates = [harm_rates(plan, 7, f"0.{k}")["propionate"]["serious"].excess[0][0] for k in range(40)]
    assert all(rate > 0 for rate in rates)
    # 0 of 97 over a year: Jeffreys' law has its mean at 0.5 / 98
    assert np.mean(rates) == pytest.approx(0.5 / 98, rel=0.6)
    assert len(set(rates)) == 40


def test_transplants_carry_their_risks_each_time_and_the_placebo_has_the_background():
    plan = design(transplant=transplant(number=3, donor_screening="as listed"))
    rates = harm_rates(plan, 7, "0.0")
    assert [day for day, _ in rates["transplant"]["gastrointestinal"].occasions] == [0.0, 28.0, 56.0]
    assert rates["transplant"]["donor_infection"].occasions[0][1] == pytest.approx(42 / 4241, rel=0.5)
    assert set(rates["placebo"]) == {"any_event", "infection", "serious_infection", "c_difficile"}
    assert rates["placebo"]["infection"] == rates["transplant"]["infection"]
    # 136 in 1000 person-years
    assert rates["placebo"]["infection"].background == pytest.approx(-np.log(1 - 0.136), rel=0.2)


def test_whoever_has_a_harm_has_every_harm_that_takes_it_in_by_that_day():
    """An infection in hospital is an infection, a serious event and an event; the rates of wholes hold."""
    plan = design(inulin=give("inulin", dose="12 g/day"))
    one_arm = {
        "any_event": HarmRates(1.2, (), ()),
        "serious": HarmRates(0.5, (), ()),
        "infection": HarmRates(0.4, (), ()),
        "serious_infection": HarmRates(0.1, (), ()),
        "skin": HarmRates(0.2, (), ()),
    }
    found = events_of(plan, {arm.name: one_arm for arm in plan.arms}, "inulin")
    day = {
        harm: dict(zip(found["subject"][own].tolist(), found["day"][own].tolist(), strict=True))
        for harm in one_arm
        for own in [found["event"] == harm]
    }
    for whole, parts in (
        ("any_event", ("serious", "infection", "serious_infection", "skin")),
        ("serious", ("serious_infection",)),
        ("infection", ("serious_infection",)),
    ):
        for part in parts:
            assert all(day[whole][who] <= when for who, when in day[part].items()), (whole, part)
    for harm, risk in one_arm.items():
        expected = 1 - np.exp(-risk.background * 364 / 365.25)
        error = np.sqrt(expected * (1 - expected) / PEOPLE)
        assert abs(len(day[harm]) / PEOPLE - expected) < 4 * error, harm
    assert len(day["any_event"]) > len(set(day["serious"]) | set(day["infection"]) | set(day["skin"]))


def test_a_whole_that_was_counted_less_often_than_its_parts_is_as_frequent_as_they_are():
    plan = design(inulin=give("inulin", dose="12 g/day"))
    rates = {
        "any_event": HarmRates(0.1, (), ()),
        "skin": HarmRates(0.3, (), ()),
        "infection": HarmRates(0.3, (), ()),
    }
    found = events_of(plan, {arm.name: rates for arm in plan.arms}, "placebo")
    people = {harm: set(found["subject"][found["event"] == harm].tolist()) for harm in rates}
    assert people["any_event"] == people["skin"] | people["infection"]
