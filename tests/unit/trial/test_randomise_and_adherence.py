"""Permuted blocks and the beta law of adherence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.core.findings import FindingsError
from eubiosis.core.streams import SubjectDraws
from eubiosis.therapy import Adherence, give, placebo, prebiotic
from eubiosis.trial.design import Arm, Design
from eubiosis.trial.world.adherence import propensity
from eubiosis.trial.world.host_world import randomise

PEOPLE = 4000


def design(allocation=(1, 1), block=2):
    names = ("placebo", "inulin", "more inulin")[: len(allocation)]
    inulin = prebiotic("inulin", dose="12 g/day")
    arms = tuple(Arm(name=n, therapy=placebo() if n == "placebo" else inulin) for n in names)
    return Design(arms=arms, participants=100, allocation=allocation, block=block, primary="mfis")


def arm(mean, sd):
    taken = Adherence(mean=mean, sd=sd)
    return Arm(name="inulin", therapy=give("inulin", dose="12 g/day", adherence=taken))


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(1, 3), min_size=2, max_size=3).map(tuple),
    st.integers(1, 4),
    st.integers(1, 60),
    st.integers(0, 5),
)
def test_every_complete_block_holds_the_allocation(allocation, block, size, number):
    plan = design(allocation, block)
    arms = randomise(plan, size, 7, number)
    assert len(arms) == size
    length = block * sum(allocation)
    for start in range(0, size, length):
        part = arms[start : start + length]
        for one, share in zip(plan.arms, allocation, strict=True):
            found = np.sum(part == one.name)
            assert found == block * share if len(part) == length else found <= block * share


def test_randomisation_is_reproducible_and_differs_between_trials_and_seeds():
    plan = design((1, 1, 1))
    first = randomise(plan, 60, 7, 0)
    assert np.array_equal(first, randomise(plan, 60, 7, 0))
    assert not np.array_equal(first, randomise(plan, 60, 7, 1))
    assert not np.array_equal(first, randomise(plan, 60, 8, 0))
    # a longer trial begins with the same people in the same arms
    assert np.array_equal(first, randomise(plan, 90, 7, 0)[:60])


def test_every_place_in_a_block_gets_every_arm_equally_often():
    plan = design((1, 1), 2)
    first = np.array([randomise(plan, 4, 7, number) == "inulin" for number in range(1000)])
    assert np.all(np.abs(first.mean(axis=0) - 0.5) < 4 * np.sqrt(0.25 / 1000))


@pytest.mark.parametrize(("mean", "sd"), [(0.85, 0.15), (0.5, 0.1), (0.6, 0.35)])
def test_adherence_has_the_mean_and_spread_of_its_arm(mean, sd):
    taken = propensity(arm(mean, sd).therapy.adherence, SubjectDraws(3, tuple(range(PEOPLE))))
    assert np.all((taken >= 0) & (taken <= 1))
    assert abs(taken.mean() - mean) < 4 * sd / np.sqrt(PEOPLE)
    # the spread of a variance estimate, from the sample's own fourth moment
    fourth = np.mean((taken - taken.mean()) ** 4)
    assert abs(taken.var() - sd**2) < 4 * np.sqrt((fourth - sd**4) / PEOPLE)


@pytest.mark.parametrize(("mean", "sd"), [(0.7, 0.0), (0.0, 0.0), (1.0, 0.0)])
def test_adherence_without_spread_is_its_mean(mean, sd):
    assert propensity(arm(mean, sd).therapy.adherence, SubjectDraws(3, (0, 5, 9))).tolist() == [mean] * 3


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 0.2), (1.0, 0.2), (0.5, 0.5)])
def test_a_spread_that_no_share_can_have_is_refused(mean, sd):
    with pytest.raises(FindingsError, match=f"mean {mean:g} and sd {sd:g}"):
        arm(mean, sd)


def test_the_propensity_to_adhere_is_the_persons_own():
    draws = SubjectDraws(3, tuple(range(50)))
    easy, hard = (propensity(arm(mean, 0.15).therapy.adherence, draws) for mean in (0.9, 0.6))
    assert np.array_equal(np.argsort(easy), np.argsort(hard))
    alone = propensity(arm(0.9, 0.15).therapy.adherence, SubjectDraws(3, (17,)))
    assert alone[0] == easy[17]
