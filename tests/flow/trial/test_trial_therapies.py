"""Therapies reach the model: a trial's gut courses are those of the model's own inputs, written by hand."""

import csv

import numpy as np
import pytest
from small_trials import SEED, make_pool

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.engine import Set, Tolerances
from eubiosis.therapy import Adherence, Therapy, antibiotic, diet, give, placebo, prebiotic
from eubiosis.trial import Arm, Design
from eubiosis.trial.world.gut import HANDED, MARKER_SOURCES, MARKERS, _niche_batch, gut_courses
from eubiosis.trial.world.inputs import gut_inputs

VISITS = (0.0, 2.0, 4.0, 8.0)
DAYS = np.arange(57.0)
FULL = Adherence.full()


def diet_levels(condition):
    """What a condition's own table says of its inputs, in the model's unit, read without our reader."""
    with (PACKAGED_CONTENT / "conditions" / "changes.tsv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["condition"] == condition]
    return {row["target"]: float(row["amount"]) * float(row["times_per_day"]) for row in rows}


def two_arms(active, **control):
    return Design(
        arms=(
            Arm(**{"name": "control", "therapy": placebo(), "control": True, **control}),
            Arm(name="active", therapy=active),
        ),
        participants=4,
        visits=VISITS,
        primary="stool_butyrate",
    )


@pytest.fixture(scope="module")
def few(trial_model):
    """Three people of gut world 0 whose composition is held, and their world."""
    pool = make_pool(trial_model, two_arms(placebo()), size=40)
    rows = np.flatnonzero([word == "ok" for word in pool.gut.status])[:3]
    return pool.gut_world, pool.candidates.take(rows)


def courses(model, few, design):
    world, people = few
    return gut_courses(model, world, people, design, SEED)


def by_hand(model, few, inputs):
    """What the same people hand over and show at visits, with inputs that the test writes down."""
    world, people = few
    held = _niche_batch(model, world, people.shares)
    solution = model.upstream_kernel.solve(
        DAYS,
        (*HANDED, *MARKER_SOURCES.values()),
        parameters=held.parameters(),
        initial=held.states,
        inputs=inputs,
        tolerances=Tolerances(relative=1e-7, absolute=1e-11),
    )
    visits = [round(7 * week) for week in VISITS]
    return solution.values[:, :, : len(HANDED)], solution.values[:, visits, len(HANDED) :]


def assert_same(gut, arm, expected):
    """Within what the tolerance of a trial's gut, 1e-5, leaves."""
    handed, markers = expected
    np.testing.assert_allclose(gut.handed[arm], handed, rtol=5e-5, atol=1e-9)
    np.testing.assert_allclose(gut.markers[arm], markers, rtol=5e-5, atol=1e-9)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_a_diet_sets_what_reaches_the_colon_for_its_weeks_and_the_share_that_is_adhered_to(
    trial_model, few, share
):
    levels = diet_levels("ms_mediterranean")
    assert levels == {
        "gut_diet_on": 1, "gut_diet_FS": 17, "gut_diet_FI": 13, "gut_diet_IN": 5, "gut_diet_RS": 20,
        "gut_diet_PR": 9,
    }  # fmt: skip
    therapy = diet("mediterranean_diet", start="week 2", stop="week 4")
    therapy = therapy.changed(adherence=FULL.changed(mean=share))
    gut = courses(trial_model, few, two_arms(therapy))
    written = [Set(14.0, name, level) for name, level in levels.items() if name != "gut_diet_on"]
    written += [Set(14.0, "gut_diet_on", share), Set(28.0, "gut_diet_on", 0.0)]
    assert_same(gut, "active", by_hand(trial_model, few, written))


def test_a_diet_changes_the_gut_while_it_lasts_and_not_before(trial_model, few):
    gut = courses(trial_model, few, two_arms(diet("high_fibre_diet", start="week 2", stop="week 4")))
    # what fibre feeds first; stool butyrate can go either way in a person
    fed = MARKERS.index("share_BIF")
    change = np.abs(np.log(gut.markers["active"] / gut.markers["control"])[:, :, fed])
    assert np.all(change[:, :2] < 1e-6)  # weeks 0 and 2: nothing has been eaten yet
    assert np.all(change[:, 2] > 0.01)
    assert np.all(change[:, 3] < change[:, 2])  # a month after its end it wears off


def test_every_diet_of_the_content_can_be_given(trial_model, few):
    moved = {}
    for name in ("high_fibre_diet", "mediterranean_diet", "ketogenic_diet"):
        gut = courses(trial_model, few, two_arms(diet(name)))
        assert gut.status == ("ok",) * 3
        moved[name] = gut.markers["active"][:, -1]
    assert not np.allclose(moved["high_fibre_diet"], moved["mediterranean_diet"], rtol=1e-3)
    scfa = MARKERS.index("stool_scfa")
    # less substrate, less acid: order of the diets by the fibre that reaches the colon
    order = sorted(moved, key=lambda name: moved[name][:, scfa].mean())
    assert order == ["ketogenic_diet", "mediterranean_diet", "high_fibre_diet"]


def test_vancomycin_in_grams_reaches_the_model_in_milligrams(trial_model, few):
    therapy = antibiotic("vancomycin", dose="2 g/day", stop="week 2").changed(adherence=FULL)
    gut = courses(trial_model, few, two_arms(therapy))
    written = [Set(0.0, "gut_dose_vancomycin", 2000.0), Set(14.0, "gut_dose_vancomycin", 0.0)]
    assert_same(gut, "active", by_hand(trial_model, few, written))
    same = antibiotic("vancomycin", dose="2000 mg/day", stop="week 2").changed(adherence=FULL)
    assert np.array_equal(
        courses(trial_model, few, two_arms(same)).markers["active"], gut.markers["active"], equal_nan=True
    )


def test_a_therapy_until_the_last_visit_is_not_stopped(trial_model):
    therapy = give("inulin", dose="12 g/day", start="week 1", stop="week 8", adherence=FULL)
    share = np.repeat([[1.0], [0.5]], 56, axis=1)
    (only,) = gut_inputs(trial_model, therapy, [share], [None], 56).inputs
    assert (only.time, only.name) == (7.0, "gut_dose_inulin")
    assert np.array_equal(only.value, [12.0, 6.0])


def test_a_placebo_arm_stays_where_it_is(trial_model, few):
    gut = courses(trial_model, few, two_arms(diet("ketogenic_diet")))
    still = gut.markers["control"]
    assert np.array_equal(still, np.repeat(still[:, :1], len(VISITS), axis=1))


def test_a_control_arm_takes_its_therapy(trial_model, few):
    inulin = prebiotic("inulin", dose="12 g/day").changed(adherence=FULL)
    gut = courses(trial_model, few, two_arms(placebo(), name="inulin", therapy=inulin))
    given = courses(trial_model, few, two_arms(inulin))
    assert np.array_equal(gut.markers["inulin"], given.markers["active"])


def test_an_arm_of_a_changed_design_is_given_its_therapy(trial_model, few):
    inulin: Therapy = prebiotic("inulin", dose="12 g/day").changed(adherence=FULL)
    new = two_arms(inulin)
    changed = two_arms(placebo()).changed(arms=(new.arms[0], Arm(name="active", therapy=inulin)))
    gut, given = courses(trial_model, few, changed), courses(trial_model, few, new)
    assert np.array_equal(gut.markers["active"], given.markers["active"])
