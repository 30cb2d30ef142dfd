"""What is a person's own and lies outside the model: levels of fatigue, Treg, serum NfL and plasma acids, and
ratings at screening.

Every draw is keyed by the subject's number, so a person is the same in every trial and arm.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.calendar import DAYS_PER_YEAR
from eubiosis.core.streams import SubjectDraws
from eubiosis.engine import Array
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.population.reference import load_reference
from eubiosis.population.subjects import VirtualSubjects
from eubiosis.trial.world.gut import MARKERS, GutCourses
from eubiosis.trial.world.layer import trial_numbers
from eubiosis.trial.world.scales import edss_steps

_MOST_STEPS = 12  # of one person in one direction: a trial of ten years sees fewer than one on average


def rated(subjects: VirtualSubjects, laws: ClinicalLaws, seed: int) -> VirtualSubjects:
    """Return candidates with the EDSS that a rater gives at screening: what eligibility is judged by."""
    error = SubjectDraws(seed, subjects.numbers).normals("trial/edss screening", 1)[:, 0]
    return replace(subjects, assessed=edss_steps(subjects.edss + laws.number["host_edss_sd"] * error))


def fatigue_levels(edss: Array, laws: ClinicalLaws, draws: SubjectDraws) -> Array:
    """Return each one's own MFIS level, shape (subjects,).

    People with a higher EDSS are more tired than others by more than the same points of EDSS add to one
    person: the slope between people is what the correlation in ``trial_layer`` asks for in the reference
    population, with the errors of both scales, less that of the model's clinical law.
    """
    number = laws.number
    mean, sd = load_reference().covariates.edss_moments("MS", "relapsing")
    seen_edss = np.hypot(sd, number["host_edss_sd"])
    seen_mfis = np.hypot(number["host_mfis_sd"], number["host_mfis_sem"])
    wanted = trial_numbers()["trial_edss_mfis_correlation"].value * seen_mfis * seen_edss / sd**2
    slope = wanted - number["host_mfis_edss"]
    rest = np.sqrt(number["host_mfis_sd"] ** 2 - (slope * sd) ** 2)
    own = draws.normals("trial/mfis level", 1)[:, 0]
    return np.asarray(number["host_mfis_base"] + slope * (edss - mean) + rest * own)


def treg_levels(draws: SubjectDraws) -> Array:
    """Return each one's own Treg level relative to what the model gives, shape (subjects,)."""
    own = draws.normals("trial/treg level", 1)[:, 0]
    return np.asarray(np.exp(trial_numbers()["trial_sd_ln_treg_person"].value * own))


def nfl_levels(draws: SubjectDraws) -> Array:
    """Return each one's own level of serum NfL relative to what the model gives, shape (subjects,)."""
    own = draws.normals("trial/nfl level", 1)[:, 0]
    return np.asarray(np.exp(trial_numbers()["trial_sd_ln_nfl_person"].value * own))


def with_own_acids(gut: GutCourses, draws: SubjectDraws) -> GutCourses:
    """Give each subject acids of a level of its own, the same in every arm.

    Of plasma each acid has one of its own; of stool all acids and their total share one, because people
    differ in transit and water.
    """
    number = trial_numbers()
    plasma = [k for k, name in enumerate(MARKERS) if name.startswith("plasma_")]
    stool = [k for k, name in enumerate(MARKERS) if name.startswith("stool_")]
    own_plasma = draws.normals("trial/plasma level", len(plasma))
    own_stool = np.repeat(draws.normals("trial/stool level", 1), len(stool), axis=1)
    columns = [*plasma, *stool]
    level = np.exp(
        np.concatenate(
            (
                number["trial_sd_ln_plasma_person"].value * own_plasma,
                number["trial_sd_ln_stool_person"].value * own_stool,
            ),
            axis=1,
        )
    )

    def own(courses: GutCourses) -> GutCourses:
        markers = {arm: values.copy() for arm, values in courses.markers.items()}
        for values in markers.values():
            values[:, :, columns] *= level[:, None]
        return replace(courses, markers=markers)

    interrupted = {kept: own(each) for kept, each in gut.interrupted.items()}
    return replace(own(gut), interrupted=interrupted)


def own_edss(draws: SubjectDraws, days: NDArray[np.int64]) -> Array:
    """Return what EDSS gains or loses without a relapse up to each day, shape (subjects, days), in points.

    Steps of one point up and down come at constant rates of their own and stay; no therapy changes them.
    """
    number = trial_numbers()
    change = np.zeros((len(draws.numbers), len(days)))
    for sign, name in ((1.0, "trial_edss_own_up"), (-1.0, "trial_edss_own_down")):
        rate = number[name].value / DAYS_PER_YEAR
        steps = np.cumsum(draws.exponentials(f"trial/{name}", _MOST_STEPS), axis=1) / rate
        change += sign * np.sum(steps[:, None, :] <= days[:, None], axis=2)
    return change
