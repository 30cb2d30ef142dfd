"""The term outside the mechanism in simulated trials: what it moves, what it leaves, and the exact null."""

import math

import numpy as np
import pytest
from small_trials import DESIGN, SEED, make_task, packaged_model, with_therapy

from eubiosis.core.clinical_prior import packaged_clinical
from eubiosis.core.outside import outside_of
from eubiosis.model.worlds import draw_host_world
from eubiosis.trial.simulate import simulate_gut_world
from eubiosis.trial.simulation import Simulation
from eubiosis.trial.world.beyond import Beyond, draw_beyond
from eubiosis.trial.world.host_world import enrol, replicate
from eubiosis.workflow.trial_chunk import reduced

SMALL = DESIGN.changed(participants=9)
SLOPE = packaged_clinical().outside.value("lesion_slope")


@pytest.fixture(scope="module")
def outside_only():
    """Two host worlds without couplings, in which therapies have a term outside the mechanism."""
    return simulate_gut_world(
        make_task(SMALL, 0, host_worlds=2, replicates=1, couplings="zero", outside="drawn")
    )


def test_relapses_and_lesions_of_the_treated_arms_take_the_term_and_nothing_else_does(outside_only):
    term = {
        (int(h), arm): float(size)
        for h, arm, size in zip(
            outside_only.worlds["host_world"], outside_only.worlds.texts("arm"),
            outside_only.worlds["outside_log_ratio"], strict=True,
        )
    }  # fmt: skip
    assert set(outside_only.worlds.texts("form")) == {"all paths"}
    seen = 0
    for truth in reduced(outside_only).truths:
        size = term[truth.host_world, truth.arm]
        if truth.endpoint == "relapses":
            assert truth.value == pytest.approx(size, abs=1e-9)
        elif truth.endpoint in ("gd_lesions", "t2_lesions"):
            assert truth.value == pytest.approx(size / SLOPE, abs=1e-9)
        elif truth.endpoint in ("treg", "nfl"):  # EDSS and MFIS follow the relapses of the term
            assert truth.value == 0.0
        else:
            continue
        seen += 1
    assert seen == 2 * 2 * 5
    assert term[0, "inulin"] == -term[1, "inulin"] != 0  # mirror images
    assert term[0, "inulin"] != term[0, "propionate"]


def test_scores_follow_the_relapses_of_the_arm_and_have_no_term_of_their_own(trial_model, pool):
    """Twenty times the relapses in one arm: nobody ends with less disability or fatigue, some with more."""
    zero = draw_host_world(trial_model, 0, SEED, "zero")
    beyond = Beyond("x", {"inulin": math.log(20)}, {}, SLOPE)
    world = enrol(trial_model, "0.0", zero, pool.candidates, pool.gut, DESIGN, SEED, beyond)
    _, latent = replicate(trial_model, world, DESIGN, 0)
    np.testing.assert_allclose(
        latent.expected_relapses["inulin"], 20 * latent.expected_relapses["placebo"], rtol=1e-9
    )
    for score in (latent.edss, latent.mfis):
        more = score["inulin"][:, -1] - score["placebo"][:, -1]
        assert more.min() >= -1e-9
        assert more.max() > 0
        np.testing.assert_array_equal(score["propionate"], score["placebo"])
    np.testing.assert_array_equal(latent.treg["inulin"], latent.treg["placebo"])


def test_couplings_zero_and_nothing_outside_is_exactly_null():
    for changes in ({}, {"outside": "zero"}):
        trials = simulate_gut_world(
            make_task(SMALL, 0, host_worlds=1, replicates=1, couplings="zero", **changes)
        )
        clinical = ("relapses", "gd_lesions", "t2_lesions", "edss", "mfis", "treg", "nfl")
        values = [t.value for t in reduced(trials).truths if t.endpoint in clinical]
        assert values == [0.0] * (len(clinical) * 2)
        assert not trials.worlds["outside_log_ratio"].any()


def test_in_the_form_without_paths_the_term_is_the_whole_effect():
    """Host world 6 has the form N0: nothing of the gut reaches the host, and the term stays."""
    model = packaged_model()
    assert model.forms.of_world(6).id == "N0"
    task = make_task(SMALL, 3, host_worlds=2, replicates=1)
    trials = simulate_gut_world(task)
    assert set(trials.worlds.texts("form")) == {"N0"}
    term = dict(zip(trials.worlds.texts("arm"), trials.worlds["outside_log_ratio"], strict=False))
    for truth in reduced(trials).truths:
        if truth.endpoint == "relapses" and truth.host_world == 1:
            assert truth.value == pytest.approx(float(trials.worlds["outside_log_ratio"][2:][
                ["inulin", "propionate"].index(truth.arm)
            ]), abs=1e-9)  # fmt: skip
        if truth.endpoint in ("treg", "nfl"):
            assert truth.value == 0.0
    assert set(term) == {"inulin", "propionate"}


def test_in_the_form_without_paths_every_person_has_no_effect_on_scores_but_through_the_term(
    trial_model, pool
):
    """Person by person: what the report draws of single people in form N0 is the term outside alone."""
    host = draw_host_world(trial_model, 6, SEED, "symmetric")
    for outside, none in (("zero", True), ("drawn", False)):
        beyond = draw_beyond(trial_model, 6, SEED, Simulation(outside=outside), DESIGN)
        assert beyond.form == "N0"
        world = enrol(trial_model, "0.6", host, pool.candidates, pool.gut, DESIGN, SEED, beyond)
        _, latent = replicate(trial_model, world, DESIGN, 0)
        for arm in ("inulin", "propionate"):
            for score in (latent.expected_relapses, latent.expected_lesions):
                assert np.array_equal(score[arm], score["placebo"]) == none
            for score in (latent.edss, latent.mfis) if none else ():
                np.testing.assert_array_equal(score[arm], score["placebo"])
        np.testing.assert_array_equal(latent.treg["inulin"], latent.treg["placebo"])


def test_who_has_no_fatigue_left_has_no_effect_on_it(trial_model, world):
    """A placebo response of the whole scale leaves everybody at 0, in truth as in what is recorded."""
    usual = replicate(trial_model, world, DESIGN, 0)[1].mfis
    assert (usual["inulin"] != usual["placebo"]).any()
    gone = DESIGN.changed(placebo_response_mfis=-84.0)
    observed, latent = replicate(trial_model, world, gone, 0)
    after = np.array(gone.visits) >= 12  # when the response has come in full
    assert after.any()
    for arm in ("inulin", "placebo", "propionate"):
        assert (latent.mfis[arm][:, after] == 0).all()
        assert (latent.mfis[arm] >= 0).all()
        assert (latent.mfis[arm] <= 84).all()
    assert observed.visits["mfis"].min() == 0


def test_a_placebo_has_no_term_and_a_draw_belongs_to_the_therapy_not_to_the_trial():
    model, simulation = packaged_model(), Simulation()
    whole = draw_beyond(model, 9, SEED, simulation, DESIGN)
    assert set(whole.outside) == {"inulin", "propionate"}
    assert whole.of_therapy(DESIGN.control.therapy) == 0.0
    alone = DESIGN.changed(arms=(DESIGN.arms[0], DESIGN.arms[2]), allocation=(1, 1))
    assert draw_beyond(model, 9, SEED, simulation, alone).outside["propionate"] == whole.outside["propionate"]
    doubled = DESIGN.changed(arms=(*DESIGN.arms[:2], with_therapy(DESIGN.arms[1]).changed(name="again")))
    found = draw_beyond(model, 9, SEED, simulation, doubled)
    assert found.of_therapy(doubled.arms[2].therapy) == found.of_therapy(doubled.arms[1].therapy)
    posterior = outside_of(packaged_clinical().outside)
    assert whole.outside["inulin"] == posterior.draw(9, SEED, {"inulin": "prebiotic"})["inulin"]


def test_the_term_acts_while_the_therapy_is_taken_and_taxa_follow_their_share(pool):
    """Days by hand: weeks 2 to 6 of treatment; a guild's share over that of the control arm."""
    short = with_therapy(DESIGN.arms[1], start="week 2", stop="week 6")
    design = DESIGN.changed(arms=(DESIGN.arms[0], short, DESIGN.arms[2]))
    found = Beyond("N3", {"inulin": -0.2}, {}, 0.5).log_ratios(design, pool.gut)
    assert found["placebo"] is None
    assert found["propionate"] is None
    course = found["inulin"][:, 0]
    assert np.flatnonzero(course).tolist() == list(range(14, 42))
    assert set(course[14:42]) == {-0.2}
    taxa = Beyond("N3", {}, {"LAC": 0.3}, 0.5).log_ratios(design, pool.gut)
    assert taxa["placebo"] is None
    ok = np.flatnonzero([s == "ok" for s in pool.gut.status])
    last = taxa["inulin"][-1, ok]
    assert np.all(np.isfinite(last))
    assert np.abs(last).max() > 0.01
    assert np.abs(taxa["inulin"][0, ok]).max() < 1e-9  # before the first dose an arm is its control


def test_an_active_control_keeps_its_level_and_the_others_lose_its_term(pool):
    arms = (
        DESIGN.arms[0].changed(control=False),
        DESIGN.arms[1].changed(control=True),
        DESIGN.arms[2],
    )
    design = DESIGN.changed(arms=arms)
    found = Beyond("x", {"inulin": -0.2, "propionate": 0.1}, {}, 0.5).log_ratios(design, pool.gut)
    assert found["inulin"] is None
    assert found["placebo"][5, 0] == pytest.approx(0.2)
    assert found["propionate"][5, 0] == pytest.approx(0.3)
    assert math.isclose(found["propionate"][5, 0] - found["placebo"][5, 0], 0.1)
