"""What acids have of a person's own: one level of stool for all of them, others of plasma, in every arm."""

import numpy as np
import pytest

from eubiosis.core.streams import SubjectDraws
from eubiosis.trial.world.gut import MARKERS, GutCourses
from eubiosis.trial.world.layer import trial_numbers
from eubiosis.trial.world.persons import with_own_acids

PEOPLE = 4_000
STOOL = [k for k, name in enumerate(MARKERS) if name.startswith("stool_")]
PLASMA = [k for k, name in enumerate(MARKERS) if name.startswith("plasma_")]
SHARES = [k for k, name in enumerate(MARKERS) if name.startswith("share_")]


def courses(people=PEOPLE):
    ones = {arm: np.ones((people, 2, len(MARKERS))) for arm in ("control", "active")}
    words = ("ok",) * people
    return GutCourses(words, {}, ones, words, np.zeros(people), np.ones(people))


@pytest.fixture(scope="module")
def levels():
    made = with_own_acids(courses(), SubjectDraws(5, tuple(range(PEOPLE))))
    return made, np.log(made.markers["control"][:, 0])


def test_the_acids_of_stool_share_one_level_and_those_of_plasma_have_their_own(levels):
    made, logs = levels
    assert np.ptp(logs[:, STOOL], axis=1).max() == 0
    number = trial_numbers()
    # the variance that the cohort shows, less that within a person and that of the model's people
    assert number["trial_sd_ln_stool_person"].value ** 2 == pytest.approx(0.423 - 0.42**2 - 0.033, abs=0.005)
    assert logs[:, STOOL[0]].std() == pytest.approx(number["trial_sd_ln_stool_person"].value, rel=0.05)
    assert logs[:, PLASMA[0]].std() == pytest.approx(number["trial_sd_ln_plasma_person"].value, rel=0.05)
    together = np.corrcoef(logs[:, [STOOL[0], *PLASMA]].T)
    assert np.abs(together - np.eye(len(together))).max() < 0.06
    assert np.all(logs[:, SHARES] == 0)
    np.testing.assert_array_equal(made.markers["active"], made.markers["control"])


def test_a_persons_level_does_not_depend_on_the_company(levels):
    few = with_own_acids(courses(2), SubjectDraws(5, (17, 3)))
    np.testing.assert_array_equal(few.markers["control"], levels[0].markers["control"][[17, 3]])
