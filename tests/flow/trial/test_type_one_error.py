"""Type I error of every analysis in trials where no therapy does anything.

The active arm has no dose, so both arms are the placebo twin. Each replicate draws its people anew from an
enrolled pool (with replacement, each as a new person with luck of their own), randomises, lets events happen
and measures; only the courses of gut and host, which nothing here changes, are not run again.
"""

import dataclasses

import numpy as np
import pytest
from scipy.stats import binom
from small_trials import INULIN, PLACEBO, SEED, make_pool, make_world, with_therapy

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.model.worlds import draw_host_world
from eubiosis.trial.design import Design
from eubiosis.trial.simulate import _take, _take_host, replicate
from eubiosis.workflow.trial_analysis import analyse_trial

REPLICATES = 400
HEAVY_TAILED = ("gd_lesions", "t2_lesions")
POOL = 36
DESIGN = Design(
    arms=(PLACEBO, with_therapy(INULIN, dose=0.0)),
    participants=60,
    visits=(0.0, 12.0, 24.0, 36.0, 48.0),
    allocation=(1, 1),
)
# In 1500 such trials all analyses but those of lesions were within 5.8 %; relapses, about 12 in a trial, were
# significant in 2.7 % (Monte Carlo error 0.6 %): the Wald test of few events errs on the safe side.
# With 27 analyses, each judged at 0.05 / 27, a sound family fails in at most 5 of 100 sets of seeds
FAMILY_LEVEL = 0.05
LIMITS = binom.ppf(
    [FAMILY_LEVEL / len(ENDPOINTS) / 2, 1 - FAMILY_LEVEL / len(ENDPOINTS) / 2], REPLICATES, 0.05
)


@pytest.fixture(scope="module")
def enrolled(trial_model):
    """People of one world and 48 weeks of their untreated course."""
    design = dataclasses.replace(DESIGN, participants=POOL)
    pool = make_pool(trial_model, design, size=110)
    return make_world(trial_model, pool, design, draw_host_world(trial_model, 0, SEED, "zero"))


def resampled(world, size, generator):
    """Another trial's people: drawn from the pool, each one new."""
    rows = generator.integers(0, len(world.subjects), size)
    return dataclasses.replace(
        world,
        subjects=dataclasses.replace(world.subjects.take(rows), numbers=tuple(range(size))),
        gut=_take(world.gut, rows),
        host=_take_host(world.host, rows),
        relapses_before=world.relapses_before[rows],
        level=world.level[rows],
    )


@pytest.fixture(scope="module")
def false_alarms(trial_model, enrolled):
    """How many of the null trials gave p < 0.05, and how many gave no p, by endpoint."""
    generator = np.random.default_rng(SEED)
    significant, without = dict.fromkeys(ENDPOINTS, 0), dict.fromkeys(ENDPOINTS, 0)
    for number in range(REPLICATES):
        people = resampled(enrolled, DESIGN.participants, generator)
        observed, _ = replicate(trial_model, people, DESIGN, number)
        for one in analyse_trial(observed.subjects, observed.visits, "placebo"):
            significant[one.endpoint] += one.significant()
            without[one.endpoint] += not one.usable
    return significant, without


def test_an_arm_without_dose_is_the_placebo_arm(enrolled):
    for by_arm in (enrolled.host.relapses, enrolled.host.lesions, enrolled.gut.markers):
        assert np.array_equal(by_arm["inulin"], by_arm["placebo"])


def within_monte_carlo_error(false_alarms, endpoint):
    significant, _ = false_alarms
    share = significant[endpoint] / REPLICATES
    assert LIMITS[0] <= significant[endpoint] <= LIMITS[1], f"{endpoint}: {share:.3f} of the null trials"


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", [name for name in ENDPOINTS if name not in HEAVY_TAILED])
def test_one_null_trial_in_twenty_is_significant(false_alarms, endpoint):
    within_monte_carlo_error(false_alarms, endpoint)


@pytest.mark.slow
@pytest.mark.xfail(
    raises=AssertionError,
    reason="lesion rates of people differ far more than a negative binomial law with one dispersion allows "
    "(a few people have most of the lesions), so its Wald interval is too narrow: of 1500 null trials of 60 "
    "people 22.3 % were significant for Gd+ lesions and 19.5 % for new T2 lesions (Monte Carlo error 1.1 %)",
)
@pytest.mark.parametrize("endpoint", HEAVY_TAILED)
def test_one_null_trial_in_twenty_is_significant_for_lesions(false_alarms, endpoint):
    within_monte_carlo_error(false_alarms, endpoint)


@pytest.mark.slow
def test_nearly_every_null_trial_gives_a_p_value(false_alarms):
    _, without = false_alarms
    assert all(count <= 0.05 * REPLICATES for count in without.values()), without
