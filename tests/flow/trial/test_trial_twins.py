"""Twins: the same person under every arm differs by the therapy only."""

import dataclasses

import numpy as np
import pytest
from small_trials import (
    DESIGN,
    INULIN,
    PLACEBO,
    PROPIONATE,
    SEED,
    WEEKS,
    make_pool,
    make_world,
    with_therapy,
)

from eubiosis.analysis.truth.effects import Twins, effects_of_world
from eubiosis.core.streams import stream
from eubiosis.model.worlds import draw_host_world
from eubiosis.therapy import Adherence
from eubiosis.trial.world.host_world import EnrolledWorld, replicate, trial_stacks
from eubiosis.trial.world.layer import trial_numbers

ARMS = ("inulin", "propionate")


def latent_quantities(latent):
    return {field.name: getattr(latent, field.name) for field in dataclasses.fields(latent)}


@pytest.fixture(scope="module")
def untreated(trial_model):
    """A trial whose two therapies nobody takes."""
    arms = (
        PLACEBO,
        with_therapy(INULIN, adherence=Adherence(mean=0.0, sd=0.0)),
        with_therapy(PROPIONATE, adherence=Adherence(mean=0.0, sd=0.0)),
    )
    design = DESIGN.changed(arms=arms)
    pool = make_pool(trial_model, design, size=60)
    world = make_world(
        trial_model, pool, design, draw_host_world(trial_model, 2, SEED, "symmetric", forms=False, data=False)
    )
    return design, world


@pytest.mark.parametrize("arm", ARMS)
def test_without_adherence_every_latent_quantity_is_the_placebos(trial_model, untreated, arm):
    design, world = untreated
    for number in (0, 1):
        _, latent = replicate(trial_model, world, design, number)
        for name, by_arm in latent_quantities(latent).items():
            assert np.array_equal(by_arm[arm], by_arm["placebo"]), name
            assert np.isfinite(by_arm[arm]).all(), name


def test_a_trial_in_which_nobody_is_treated_is_the_placebo_trial_whatever_the_arm(trial_model, untreated):
    """Observed values depend on the assignment through the therapy only: the response to placebo included."""
    design, world = untreated
    # arms are dealt out by name, so other names are another randomisation
    renamed = design.changed(arms=tuple(arm.changed(name=NAMES[arm.name]) for arm in design.arms))
    relabelled = dataclasses.replace(
        world,
        gut=dataclasses.replace(world.gut, handed=_swap(world.gut.handed), markers=_swap(world.gut.markers)),
        host=dataclasses.replace(
            world.host,
            after=_swap(world.host.after),
            lesions=_swap(world.host.lesions),
            relapses=_swap(world.host.relapses),
        ),
        harms=_swap(world.harms),
    )
    one, _ = replicate(trial_model, world, design, 4)
    other, _ = replicate(trial_model, relabelled, renamed, 4)
    assert not np.array_equal([NAMES[arm] for arm in one.subjects["arm"]], other.subjects["arm"])
    for table, same in ((one.subjects, other.subjects), (one.visits, other.visits)):
        for column, values in table.items():
            if column != "arm":
                assert np.array_equal(values, same[column]), column


NAMES = {"placebo": "placebo", "inulin": "zz", "propionate": "aa"}


def _swap(by_arm):
    return {NAMES.get(name, name): values for name, values in by_arm.items()}


def test_at_week_0_no_arm_differs_from_another(trial_model, world):
    _, latent = replicate(trial_model, world, DESIGN, 0)
    for name in ("edss", "mfis", "markers", "treg", "nfl"):
        by_arm = getattr(latent, name)
        for arm in ARMS:
            np.testing.assert_array_equal(by_arm[arm][:, 0], by_arm["placebo"][:, 0], err_msg=name)


def test_a_therapy_reaches_the_host_in_a_world_with_couplings(trial_model, world):
    _, latent = replicate(trial_model, world, DESIGN, 0)
    for arm in ARMS:
        assert not np.array_equal(latent.expected_relapses[arm], latent.expected_relapses["placebo"])
        assert not np.array_equal(latent.treg[arm][:, -1], latent.treg["placebo"][:, -1])
        assert not np.array_equal(latent.nfl[arm][:, -1], latent.nfl["placebo"][:, -1])


def test_true_serum_nfl_is_the_state_of_the_host_times_a_level_of_the_person(trial_model, world):
    """By hand from the courses: the level is the person's own, and twins differ by the state alone."""
    healthy = trial_model.derived.of("healthy")["host_NfL_healthy"]
    spread = trial_numbers()["trial_sd_ln_nfl_person"].value
    own = [stream(SEED, "trial/nfl level", n).standard_normal() for n in world.subjects.numbers]
    level = np.exp(spread * np.array(own))
    _, latent = replicate(trial_model, world, DESIGN, 0)
    for arm in ("placebo", *ARMS):
        state = world.host.after[arm]["host_NfL"]
        np.testing.assert_allclose(
            latent.nfl[arm][:, 0], level * world.host.before["host_NfL"][-1] / healthy, rtol=1e-12
        )
        for visit, week in enumerate(WEEKS[1:], start=1):
            day = int(7 * week) - 1  # the state at the end of the day before the visit
            np.testing.assert_allclose(latent.nfl[arm][:, visit], level * state[day] / healthy, rtol=1e-12)
    assert np.all(latent.nfl["placebo"] > 0.1)
    assert 1.0 < np.exp(np.log(latent.nfl["placebo"][:, 0]).mean()) < 2.5  # people with MS lie above health


def test_the_true_effect_on_serum_nfl_is_that_of_the_state(trial_model, world):
    """Levels of people cancel between twins: the mean log ratio of the states at the last visit is left."""
    enrolled = EnrolledWorld.of(trial_model, world, DESIGN)
    ((_, truth),) = trial_stacks(trial_model, enrolled, DESIGN, (0, 0), (0,))
    found = {(e.endpoint, e.arm): e for e in effects_of_world(Twins.of([truth]), "placebo", SEED)}
    last = {arm: np.log(world.host.after[arm]["host_NfL"][-1]) for arm in ("placebo", *ARMS)}
    for arm in ARMS:
        change = last[arm] - last["placebo"]
        assert found["nfl", arm].value == pytest.approx(change.mean(), rel=1e-9, abs=1e-13)
        assert found["nfl", arm].spread == pytest.approx(change.std() / np.sqrt(len(change)), rel=1e-6)


def test_the_mirrored_world_turns_the_effect_on_regulatory_t_cells_round(trial_model, pool):
    effects = []
    for number in (2, 3):
        couplings = draw_host_world(trial_model, number, SEED, "symmetric", forms=False, data=False)
        world = make_world(trial_model, pool, DESIGN, couplings)
        _, latent = replicate(trial_model, world, DESIGN, 0)
        effects.append(np.log(latent.treg["inulin"][:, -1] / latent.treg["placebo"][:, -1]).mean())
    assert np.sign(effects[0]) == -np.sign(effects[1])


def test_the_luck_of_a_subject_is_the_same_in_every_arm(trial_model, null_world):
    """Where no therapy reaches the host, twins have the same relapses, residuals and fatigue to the bit."""
    for number in (0, 1):
        _, latent = replicate(trial_model, null_world, DESIGN, number)
        for name in ("edss", "mfis", "treg", "nfl", "expected_relapses", "expected_lesions"):
            by_arm = getattr(latent, name)
            for arm in ARMS:
                assert np.array_equal(by_arm[arm], by_arm["placebo"]), name
    one, two = (replicate(trial_model, null_world, DESIGN, number)[0] for number in (0, 1))
    assert not np.array_equal(one.visits["mfis"], two.visits["mfis"])
