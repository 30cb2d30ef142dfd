"""Adherence reaches the gut and the observed table; products add up, transplants engraft, terms act."""

import numpy as np
import pytest
from small_trials import SEED, make_pool, make_world

from eubiosis.core.guilds import GUILDS
from eubiosis.core.streams import SubjectDraws
from eubiosis.engine import Set, Tolerances
from eubiosis.model.worlds import coupling_names
from eubiosis.therapy import Adherence, give, placebo, prebiotic, transplant
from eubiosis.trial import Arm, Design
from eubiosis.trial.world.adherence import taken
from eubiosis.trial.world.direct import direct_terms
from eubiosis.trial.world.gut import HANDED, MARKER_SOURCES, MARKERS, _niche_batch, gut_courses
from eubiosis.trial.world.host_world import enrol, replicate

VISITS = (0.0, 4.0, 8.0, 12.0)
DAYS = np.arange(85.0)
FULL = Adherence.full()


def two_arms(active, participants=8):
    arms = (Arm(name="control", therapy=placebo(), control=True), Arm(name="active", therapy=active))
    return Design(arms=arms, participants=participants, visits=VISITS, primary="stool_butyrate")


@pytest.fixture(scope="module")
def some(trial_model):
    """Two dozen people of gut world 0 whose composition is held, and their world."""
    pool = make_pool(trial_model, two_arms(placebo()), size=60)
    rows = np.flatnonzero([word == "ok" for word in pool.gut.status])[:24]
    return pool.gut_world, pool.candidates.take(rows)


def courses(model, some, therapy):
    return gut_courses(model, some[0], some[1], two_arms(therapy), SEED)


def test_weekly_doses_stand_for_daily_ones(trial_model, some):
    """The whole course is solved again with the dose of every day, written by hand."""
    therapy = prebiotic("inulin", dose="12 g/day")
    gut = courses(trial_model, some, therapy)
    share = taken(therapy.adherence, SubjectDraws(SEED, some[1].numbers), 84)
    assert 0.7 < share.mean() < 0.95
    held = _niche_batch(trial_model, some[0], some[1].shares)
    names = (*HANDED, *MARKER_SOURCES.values())
    solution = trial_model.upstream_kernel.solve(
        DAYS,
        names,
        parameters=held.parameters(),
        initial=held.states,
        inputs=[Set(float(day), "gut_dose_inulin", 12.0 * share[:, day]) for day in range(84)],
        tolerances=Tolerances(relative=1e-7, absolute=1e-11),
    )
    for endpoint in ("stool_scfa", "stool_butyrate", "share_BIF"):
        daily = solution[MARKER_SOURCES[endpoint]]
        k = MARKERS.index(endpoint)
        if endpoint == "share_BIF":
            daily = some[0].read_shares(np.stack([solution[f"gut_share_{g}"] for g in GUILDS], axis=-1))[
                ..., GUILDS.index("BIF")
            ]
        effect = np.log(daily[:, -1] / daily[:, 0]).mean()
        weekly = np.log(gut.markers["active"][:, -1, k] / gut.markers["active"][:, 0, k]).mean()
        assert abs(weekly - effect) < max(0.02 * abs(effect), 0.002), endpoint
    weeks = gut.handed["active"].mean(axis=(0, 1))
    daily_mean = solution.values[:, :, : len(HANDED)].mean(axis=(0, 1))
    np.testing.assert_allclose(weeks, daily_mean, rtol=2e-2)


def test_nobodys_gut_depends_on_the_company_however_irregular_they_are(trial_model, some):
    therapy = prebiotic("inulin", dose="12 g/day")
    together = courses(trial_model, some, therapy)
    few = (some[0], some[1].take(np.array([5, 2])))
    alone = courses(trial_model, few, therapy)
    assert np.array_equal(together.handed["active"][[5, 2]], alone.handed["active"])


def test_products_that_drive_one_input_add_up(trial_model, some):
    both = give("inulin", dose="5 g/day", adherence=FULL) + give("fos", dose="7 g/day", adherence=FULL)
    one = give("inulin", dose="12 g/day", adherence=FULL)
    pair = [courses(trial_model, some, therapy).markers["active"] for therapy in (both, one)]
    np.testing.assert_allclose(*pair, rtol=1e-9)


def test_the_parts_of_a_synbiotic_are_its_parts(trial_model, some):
    whole = give("synbiotic_infantis_fructans", adherence=FULL)
    bacteria = give("b_infantis", dose="1e10 CFU/day", adherence=FULL)
    parts = bacteria + give("inulin", dose="5.555556 g/day", adherence=FULL)
    pair = [courses(trial_model, some, therapy).markers["active"] for therapy in (whole, parts)]
    np.testing.assert_allclose(*pair, rtol=1e-12)
    fibre = courses(trial_model, some, give("inulin", dose="5.555556 g/day", adherence=FULL))
    assert not np.allclose(pair[0], fibre.markers["active"], rtol=1e-4)


def test_a_transplant_of_everything_leaves_the_donors_shares_and_own_stool_changes_nothing(trial_model, some):
    donor = {"BIF": 0.3, "FAE": 0.2}
    gut = courses(trial_model, some, transplant(donor=donor, engraftment=1.0))
    first_day = gut_courses(
        trial_model,
        some[0],
        some[1],
        two_arms(transplant(donor=donor, engraftment=1.0)).changed(visits=(0.0, 0.5)),
        SEED,
    )
    shares = [MARKERS.index(f"share_{g}") for g in GUILDS]
    seen = first_day.markers["active"][:, -1][:, shares]
    # whoever takes the transplant has the donor's guilds, alike in everybody and far from the control's
    law = give("fecal_transplant").adherence
    took = taken(law, SubjectDraws(SEED, some[1].numbers), 1)[:, 0] > 0
    assert 0 < took.sum() < len(took)
    spread = np.log(seen[took]).std(axis=0).max()
    assert spread < 0.25 < np.log(first_day.markers["control"][:, -1][:, shares]).std(axis=0).max()
    before, after = gut.markers["control"][~took], gut.markers["active"][~took]
    assert np.array_equal(before, after)  # a transplant that was missed does nothing
    own = courses(trial_model, some, give("autologous_transplant"))
    assert np.array_equal(own.markers["active"], own.markers["control"])


def test_a_preparation_is_ten_days_of_vancomycin(trial_model, some):
    prepared = transplant(preparation="vancomycin", engraftment=0.0)
    by_hand = give("vancomycin", dose="2 g/day", stop="week 1.4285714285714286", adherence=FULL)
    pair = [courses(trial_model, some, therapy).markers["active"][:, 1:] for therapy in (prepared, by_hand)]
    shares = [MARKERS.index(f"share_{g}") for g in GUILDS]
    np.testing.assert_allclose(*(np.log(each[:, :, shares]) for each in pair), atol=1e-4)


def test_what_is_not_representable_leaves_the_arm_the_controls_twin(trial_model, some):
    for name, dose in (("butyrate", "4 g/day"), ("hookworm", "25 unit/day"), ("maltodextrin", "12 g/day")):
        gut = courses(trial_model, some, give(name, dose=dose))
        assert np.array_equal(gut.markers["active"], gut.markers["control"])


@pytest.fixture(scope="module")
def drug_world(trial_model):
    arms = {
        "placebo": placebo(),
        "drug": give("natalizumab"),
        "half": give("natalizumab", adherence=FULL.changed(mean=0.5)),
    }
    design = Design(arms=arms, participants=12, visits=VISITS, primary="relapses")
    pool = make_pool(trial_model, design, size=60)
    terms = direct_terms(trial_model, design, 0, SEED, "symmetric")
    none = dict.fromkeys(coupling_names(trial_model), 0.0)
    return design, enrol(trial_model, "0.0", none, pool.candidates, pool.gut, design, SEED, terms), pool


def test_a_drug_lowers_lesions_and_half_of_it_less(trial_model, drug_world):
    _, world, _ = drug_world
    lesions = {arm: world.host.lesions[arm].sum() for arm in ("placebo", "drug", "half")}
    assert lesions["drug"] < lesions["half"] < lesions["placebo"]


def test_without_terms_a_drug_does_nothing_and_a_null_world_has_none(trial_model, drug_world):
    design, _, pool = drug_world
    assert direct_terms(trial_model, design, 0, SEED, "zero") == {}
    none = dict.fromkeys(coupling_names(trial_model), 0.0)
    world = make_world(trial_model, pool, design, none)
    assert np.array_equal(world.host.lesions["drug"], world.host.lesions["placebo"])


def test_factors_that_nobody_knows_are_mirrored_between_worlds(trial_model):
    arms = {"placebo": placebo(), "minocycline": give("minocycline", dose="200 mg/day")}
    design = Design(arms=arms, participants=12, visits=VISITS, primary="relapses")
    first, second, other = (direct_terms(trial_model, design, k, SEED, "symmetric") for k in (4, 5, 6))
    assert set(first["minocycline"]) == {"host_b17", "host_b1", "host_m_C"}
    for name, value in first["minocycline"].items():
        assert value == -second["minocycline"][name] != other["minocycline"][name]
    assert direct_terms(trial_model, design, 4, SEED, "hand_fit") == {"minocycline": {}}


def test_the_exposure_table_holds_what_the_days_sum_up_to(trial_model, drug_world):
    arms = {"placebo": placebo(), "inulin": prebiotic("inulin", dose="12 g/day", start="week 2")}
    design = Design(arms=arms, participants=12, visits=VISITS, primary="relapses")
    pool = make_pool(trial_model, design, size=60)
    world = make_world(trial_model, pool, design, dict.fromkeys(coupling_names(trial_model), 0.0))
    seen, _ = replicate(trial_model, world, design, 0)
    rows = seen.exposure(design, SEED)
    assert set(rows["product"]) == {"placebo", "inulin"}
    inulin = rows["product"] == "inulin"
    assert rows["week"][inulin].min() == 2
    one = rows["subject"][inulin][0]
    days = taken(Adherence(), SubjectDraws(SEED, (int(one),)), 84)[0].reshape(12, 7)[2:]
    mine = inulin & (rows["subject"] == one)
    weeks = int(mine.sum())
    np.testing.assert_allclose(rows["dose_taken"][mine], 12 * days.sum(axis=1)[:weeks])
    np.testing.assert_allclose(rows["days_taken"][mine], (days > 0).sum(axis=1)[:weeks])
    assert set(rows["dose_unit"][inulin]) == {"g"}
