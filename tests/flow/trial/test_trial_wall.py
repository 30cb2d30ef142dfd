"""The wall: what a trial records holds nothing latent, and analyses see nothing else."""

import dataclasses
from importlib import import_module

import numpy as np
import pytest
from small_trials import DESIGN, make_task, observed_of

from eubiosis.analysis.estimates import estimate
from eubiosis.core.endpoints import ENDPOINTS, LIMITED
from eubiosis.core.trial_tables import KEYS
from eubiosis.trial.simulate import simulate_gut_world
from eubiosis.trial.world import host_world
from eubiosis.trial.world.host_world import LatentTrial, ObservedTrial, replicate
from eubiosis.workflow.trial_chunk import reduced

OBSERVED_SUBJECT_COLUMNS = {
    "subject", "arm", "age", "female", "relapses_last_year", "follow_up_years", "completed", "relapses",
    "gd_lesions", "gd_lesions_at_entry", "scans", "t2_lesions", "t2_years", "left_because",
}  # fmt: skip
COUNTS = {"relapses", "gd_lesions", "t2_lesions"}
LABORATORY = {"assay_batch", *(f"{name}_below_limit" for name in LIMITED)}
OBSERVED_VISIT_COLUMNS = {"subject", "arm", "week", "day", *(set(ENDPOINTS) - COUNTS), *LABORATORY}


@pytest.fixture(scope="module")
def task():
    """One gut world with one host world and two trials."""
    return make_task(DESIGN.changed(participants=9), host_worlds=1, replicates=2)


@pytest.fixture(scope="module")
def trials(task):
    """The trials of that gut world."""
    return simulate_gut_world(task)


def latent_columns(latent, arms):
    """Every latent quantity of the arm that each subject was in, and of every arm, shape (subjects,)."""
    for field in dataclasses.fields(LatentTrial):
        for arm, values in getattr(latent, field.name).items():
            table = values.reshape(len(arms), -1)
            for k in range(table.shape[1]):
                yield f"{field.name} under {arm}, {k}", table[:, k]
        own = np.array([getattr(latent, field.name)[arm][i] for i, arm in enumerate(arms)])
        for k, column in enumerate(own.reshape(len(arms), -1).T):
            yield f"{field.name} of the own arm, {k}", column


def test_the_observed_tables_have_exactly_the_columns_of_a_trial(trial_model, world):
    observed, _ = replicate(trial_model, world, DESIGN, 0)
    assert set(observed.subjects) == OBSERVED_SUBJECT_COLUMNS
    assert set(observed.visits) == OBSERVED_VISIT_COLUMNS
    assert {field.name for field in dataclasses.fields(ObservedTrial)} == {
        "subjects", "visits", "adverse_events",
    }  # fmt: skip
    assert set(observed.adverse_events) == {"subject", "arm", "event", "day", "serious"}
    assert set(observed.exposure(DESIGN, world.seed)) == {
        "subject", "arm", "product", "week", "days_planned", "days_taken", "dose_taken", "dose_unit",
    }  # fmt: skip


def test_no_observed_column_equals_a_latent_one(trial_model, world):
    design = DESIGN.changed(dropout_per_year=0.0, missed_visits=0.0)
    observed, latent = replicate(trial_model, world, design, 0)
    subject = observed.subjects["subject"]
    columns = {
        name: values
        for name, values in observed.subjects.items()
        if values.dtype.kind == "f" and name not in ("age", "follow_up_years", "t2_years")
    }
    for week in design.visits:
        at = observed.visits["week"] == week
        assert np.array_equal(observed.visits["subject"][at], subject)
        columns |= {
            f"{name} at week {week:g}": values[at]
            for name, values in observed.visits.items()
            if values.dtype.kind == "f" and name not in ("week", "day")
        }
    hidden = dict(latent_columns(latent, observed.subjects["arm"]))
    hidden |= {"relapse hazard": world.host.people.frailty, "MFIS level": world.level}
    assert len(hidden) > 100
    for name, values in columns.items():
        for truth, latent_values in hidden.items():
            # whole and half numbers meet the truth by chance: EDSS before the first relapse is a half step
            most = 1.0 if name.startswith("edss") else 0.5
            assert np.mean(np.isclose(values, latent_values, rtol=1e-9, atol=0)) < most, (name, truth)


def test_estimates_of_a_job_do_not_move_with_the_truth_handed_beside_them(monkeypatch, task, trials):
    plain = reduced(trials)

    def disturbed(*arguments, **options):
        for observed, latent in host_world.trial_stacks(*arguments, **options):
            truth = (latent.of_world, latent.of_trials)
            moved = [{name: 3.0 * values for name, values in table.items()} for table in truth]
            yield observed, dataclasses.replace(latent, of_world=moved[0], of_trials=moved[1])

    monkeypatch.setattr(import_module("eubiosis.trial.simulate"), "trial_stacks", disturbed)
    other = reduced(simulate_gut_world(task))
    assert len(plain.estimates) == 2 * len(ENDPOINTS) * len(DESIGN.active)
    assert [repr(row) for row in other.estimates] == [repr(row) for row in plain.estimates]
    differing = [t.endpoint for t, u in zip(plain.truths, other.truths, strict=True) if t != u]
    assert "mfis" in differing  # so the disturbance did reach what is said about the truth


def test_only_markers_bear_one_name_on_both_sides_of_the_wall(trials):
    names = {*trials.latent.subjects, *trials.latent.guts} - {*KEYS, "subject", "arm", "week"}
    for table in (trials.observed.subjects, trials.observed.visits):
        # markers bear one name on both sides of the wall; their values are compared above
        assert names & set(table) <= set(ENDPOINTS)
    assert {"expected_relapses", "expected_new_lesions", "mfis_last_visit"} <= names


def test_one_estimate_for_each_endpoint_and_active_arm(trial_model, world):
    observed, _ = replicate(trial_model, world, DESIGN, 0)
    found = [(row.estimate.endpoint, row.estimate.treated) for row in estimate(observed_of(observed))]
    assert len(found) == len(set(found))
    assert set(found) == {(e, arm.name) for e in ENDPOINTS for arm in DESIGN.active}
