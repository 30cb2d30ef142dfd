"""What a trial records: who is in, which visits take place, and values that an instrument can show."""

import numpy as np
import pytest
from small_trials import DESIGN, SEED, WEEKS, make_world

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.guilds import GUILDS as GUILD_IDS
from eubiosis.core.streams import SubjectDraws
from eubiosis.model.worlds import draw_host_world
from eubiosis.trial.design import Eligibility
from eubiosis.trial.world.gut import MARKERS
from eubiosis.trial.world.host import host_courses
from eubiosis.trial.world.host_world import TrialIsTooSmall, paper_reason, replicate

YEAR = 365.25
REPLICATES = 25


@pytest.fixture(scope="module")
def leaky():
    """The design with a dropout that loses a third of the people in 12 weeks."""
    return DESIGN.changed(dropout_per_year=1.8, missed_visits=0.0)


@pytest.fixture(scope="module")
def trials(trial_model, world, leaky):
    """Observed tables of many replicate trials."""
    return [replicate(trial_model, world, leaky, number)[0] for number in range(REPLICATES)]


def test_visits_after_dropout_are_absent_and_all_before_it_are_there(trials, leaky):
    lost = 0
    for trial in trials:
        followed = dict(zip(trial.subjects["subject"], trial.subjects["follow_up_years"] * YEAR, strict=True))
        for subject, days in followed.items():
            weeks = trial.visits["week"][trial.visits["subject"] == subject]
            assert weeks.tolist() == [week for week in WEEKS if 7 * week <= days + 1e-6]
        completed = trial.subjects["completed"]
        last = np.isin(trial.subjects["subject"], trial.visits["subject"][trial.visits["week"] == WEEKS[-1]])
        assert np.array_equal(completed, last)
        assert np.allclose(trial.subjects["follow_up_years"][completed], leaky.days / YEAR)
        assert np.all(trial.subjects["follow_up_years"] <= leaky.days / YEAR)
        lost += int(np.sum(~completed))
    people = REPLICATES * leaky.participants
    expected = 1 - np.exp(-leaky.dropout_per_year * leaky.days / YEAR)
    assert abs(lost / people - expected) < 4 * np.sqrt(expected * (1 - expected) / people)


def test_without_dropout_everybody_is_seen_at_every_visit(trial_model, world):
    design = DESIGN.changed(dropout_per_year=0.0, missed_visits=0.0)
    observed, _ = replicate(trial_model, world, design, 0)
    assert observed.subjects["completed"].all()
    assert len(observed.visits["week"]) == design.participants * len(WEEKS)


def test_no_event_is_counted_after_a_subject_has_left(trial_model, world, leaky, trials):
    """The same trial without dropout has the same events and more of them, by the share of time lost."""
    stays = leaky.changed(dropout_per_year=0.0)
    fewer = dict.fromkeys(("relapses", "gd_lesions", "t2_lesions", "scans"), 0)
    for number, trial in enumerate(trials):
        whole, _ = replicate(trial_model, world, stays, number)
        completed = trial.subjects["completed"]
        for name in fewer:
            assert np.all(trial.subjects[name] <= whole.subjects[name]), name
            assert np.array_equal(trial.subjects[name][completed], whole.subjects[name][completed]), name
            fewer[name] += int(np.sum(whole.subjects[name] - trial.subjects[name]))
        nothing = trial.subjects["follow_up_years"] * YEAR < 7 * WEEKS[1]
        for name in ("scans", "gd_lesions", "t2_lesions", "t2_years"):
            assert not trial.subjects[name][nothing].any(), name
    assert all(count > 0 for count in fewer.values())


def test_values_are_such_as_the_instruments_give(trials):
    for trial in trials:
        visits, subjects = trial.visits, trial.subjects
        assert np.all((visits["mfis"] >= 0) & (visits["mfis"] <= 84))
        assert np.array_equal(visits["mfis"], np.round(visits["mfis"]))
        assert np.all((visits["edss"] >= 0) & (visits["edss"] <= 10))
        assert np.array_equal(2 * visits["edss"], np.round(2 * visits["edss"]))
        assert np.all((visits["treg"] > 0) & (visits["treg"] < 100))
        assert np.all((visits["nfl"] > 0.05) & (visits["nfl"] < 50))
        np.testing.assert_array_equal(visits["nfl"], np.round(visits["nfl"], 2))
        for marker in MARKERS:
            assert np.all(visits[marker] > 0), marker
            assert np.isfinite(visits[marker]).all(), marker
        shares = sum(visits[f"share_{guild}"] for guild in GUILD_IDS)
        np.testing.assert_allclose(shares, 1.0, atol=1e-6)  # single precision
        for name in ("relapses", "gd_lesions", "t2_lesions", "scans", "relapses_last_year"):
            assert np.all(subjects[name] >= 0), name
            assert np.array_equal(subjects[name], np.round(subjects[name])), name
        assert set(ENDPOINTS) <= set(visits) | set(subjects)


def test_arms_hold_the_allocation_and_each_subject_has_one_arm(trials, leaky):
    for trial in trials:
        arms = trial.subjects["arm"]
        assert [int(np.sum(arms == arm.name)) for arm in leaky.arms] == [4, 4, 4]
        by_subject = dict(zip(trial.subjects["subject"], arms, strict=True))
        assert len(by_subject) == leaky.participants
        assert all(
            by_subject[subject] == arm
            for subject, arm in zip(trial.visits["subject"], trial.visits["arm"], strict=True)
        )


def test_the_response_to_placebo_is_the_same_in_every_arm(trial_model, null_world):
    without = DESIGN.changed(placebo_response_mfis=0.0, dropout_per_year=0.0, missed_visits=0.0)
    shift = without.changed(placebo_response_mfis=-6.0)
    changes = {arm.name: [] for arm in DESIGN.arms}
    for number in range(40):
        one, other = (replicate(trial_model, null_world, d, number)[0] for d in (without, shift))
        inside = (one.visits["mfis"] > 7) & (one.visits["mfis"] < 84)  # the ends of the scale cut it
        change = other.visits["mfis"] - one.visits["mfis"]
        week = one.visits["week"]
        assert not change[week == 0].any()
        for arm, collected in changes.items():
            collected.extend(change[inside & (week == WEEKS[-1]) & (one.visits["arm"] == arm)])
    for values in changes.values():
        # the full response at week 12, the ramp's end; scores are whole numbers
        assert set(values) <= {-6.0}
        assert len(values) > 50


def test_everyone_enrolled_meets_the_criteria_and_the_screen_adds_up(trial_model, pool):
    rules = Eligibility(age=(25.0, 55.0), edss=(0.0, 4.0), relapses_last_year=1, mfis_from=20.0)
    design = DESIGN.changed(participants=3, block=1, eligibility=rules)
    world = make_world(trial_model, pool, design, draw_host_world(trial_model, 2, SEED, "symmetric"))
    people = world.subjects
    assert len(people) == 3
    assert np.all((people.age >= 25) & (people.age <= 55))
    assert np.all((people.edss >= 0) & (people.edss <= 4))
    assert people.relapsing.all()
    assert np.all(world.relapses_before >= 1)
    assert list(people.numbers) == sorted(people.numbers)
    counts = world.screened
    assert counts["enrolled"] == 3
    # everybody up to the last one enrolled has been screened, once
    assert sum(counts.values()) == people.numbers[-1] + 1
    assert set(counts) <= {
        "enrolled", "age", "EDSS", "not relapsing-remitting", "relapses in the last year",
        "fatigue below the threshold", "stool profile: niche_unsolved",
    }  # fmt: skip
    on_paper = [paper_reason(pool.candidates, design, i) for i in range(people.numbers[-1] + 1)]
    for reason in ("age", "EDSS", "not relapsing-remitting"):
        assert counts.get(reason, 0) == on_paper.count(reason)


def test_criteria_that_are_switched_off_let_everyone_relapsing_in(pool):
    design = DESIGN.changed(eligibility=Eligibility(age=None, edss=None))
    for i, relapsing in enumerate(pool.candidates.relapsing):
        assert paper_reason(pool.candidates, design, i) == ("" if relapsing else "not relapsing-remitting")


def test_a_pool_that_cannot_fill_the_trial_says_so_with_the_numbers(trial_model, pool):
    eligible = sum(word == "ok" for word in pool.gut.status)
    design = DESIGN.changed(participants=eligible + 1)
    message = f"{eligible} of 60 candidates are eligible, {eligible + 1} are needed"
    with pytest.raises(TrialIsTooSmall, match=message):
        make_world(trial_model, pool, design, {})


@pytest.mark.parametrize("relapses_before", [None, 1, 2])
def test_the_control_arm_has_the_level_that_the_design_states(trial_model, pool, relapses_before):
    """Events of the control arm over the trial, each with the chance of the history that is asked for."""
    rules = Eligibility(relapses_last_year=relapses_before)
    eligible = np.flatnonzero([word == "ok" for word in pool.gut.status])
    whole = host_courses(
        trial_model,
        {},
        pool.gut.take(eligible),
        pool.candidates.take(eligible),
        DESIGN.changed(eligibility=rules),
        SubjectDraws(SEED, tuple(pool.candidates.numbers[i] for i in eligible)),
    )
    before = whole.relapses[""][-365:].sum(axis=0)
    # Poisson: none, or none and one, left out
    chance = {None: np.ones_like(before), 1: 1 - np.exp(-before), 2: 1 - np.exp(-before) * (1 + before)}
    weight = chance[relapses_before] / chance[relapses_before].sum()
    hazard, number = whole.relapses["placebo"], trial_model.content.numbers
    seen = (hazard / (1 + number["host_refractory"].value * hazard)).mean(axis=0)  # a relapse hides others
    level = DESIGN.control_level
    assert weight @ seen * YEAR == pytest.approx(level.relapses_per_year, rel=1e-6)
    lesions = weight @ whole.lesions["placebo"].mean(axis=0) * number["host_tau_Gd"].value
    assert lesions == pytest.approx(level.gd_lesions_per_scan, rel=1e-6)


def test_arms_differ_in_their_hazard_by_the_infiltrate_only(trial_model, world):
    """What is a person's own and what comes and goes is the same in every arm."""
    exponent = trial_model.content.numbers["host_gam_R"].value
    host = world.host
    assert np.ptp(np.log(host.relapses["placebo"][-1] / host.relapses["placebo"][0])) > 0.1
    for arm in ("inulin", "propionate"):
        infiltrate = host.after[arm]["host_C"] / host.after["placebo"]["host_C"]
        np.testing.assert_allclose(
            host.relapses[arm] / host.relapses["placebo"], infiltrate**exponent, rtol=1e-10
        )
        np.testing.assert_allclose(host.lesions[arm] / host.lesions["placebo"], infiltrate, rtol=1e-10)


def test_the_level_is_set_over_all_who_are_eligible_not_over_the_enrolled(trial_model, pool):
    world = make_world(trial_model, pool, DESIGN.changed(participants=3, block=1), {})
    everyone = sum(word == "ok" for word in pool.gut.status)
    whole = make_world(trial_model, pool, DESIGN.changed(participants=everyone), {})
    np.testing.assert_array_equal(world.host.relapses[""], whole.host.relapses[""][:, :3])


def test_scans_show_the_lesions_that_the_design_states(trial_model, pool):
    """A scan shows new lesions times the share that still enhances, also of those from before entry."""
    everyone = sum(word == "ok" for word in pool.gut.status)
    design = DESIGN.changed(participants=everyone, dropout_per_year=0.0, missed_visits=0.0)
    world = make_world(trial_model, pool, design, {})
    tau = trial_model.content.numbers["host_tau_Gd"].value
    rate = np.concatenate([world.host.lesions[""][-300:], world.host.lesions["placebo"]])
    days = len(rate) - 0.5 - np.arange(len(rate))
    expected = {
        week: (rate[: len(rate) - 84 + 7 * int(week)] * np.exp(-days[84 - 7 * int(week) :, None] / tau)).sum()
        for week in WEEKS[1:]
    }
    # no design may leave an arm empty; this one does, past the checks, to see everybody untreated
    placebo_only = design.model_copy(update={"allocation": (1, 0, 0)})
    tables = [replicate(trial_model, world, placebo_only, k)[0].subjects for k in range(80)]
    found = np.array([table["gd_lesions"].sum() for table in tables])
    assert abs(found.mean() - sum(expected.values())) < 4 * found.std() / np.sqrt(len(found))
    # new T2 lesions are those from entry to the last scan, each seen with the model's chance
    visible = trial_model.content.numbers["host_p_T2"].value
    new = visible * world.host.lesions["placebo"][:84].sum()
    t2 = np.array([table["t2_lesions"].sum() for table in tables])
    assert abs(t2.mean() - new) < 4 * t2.std() / np.sqrt(len(t2))
