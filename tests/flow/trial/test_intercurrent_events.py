"""Intercurrent events in simulated trials: the laws that hold between worlds with and without them."""

from dataclasses import replace

import numpy as np
import pytest
from small_trials import SEED, packaged_model

from eubiosis.analysis import estimate
from eubiosis.analysis.strategies import analysed
from eubiosis.analysis.truth import true_effects
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.streams import SubjectDraws
from eubiosis.core.trial_tables import Observed
from eubiosis.population.generate import generate
from eubiosis.therapy import placebo, prebiotic
from eubiosis.trial import Design, simulate
from eubiosis.trial.world.clocks import Clocks, Marks
from eubiosis.trial.world.interruptions import OwnEvents, all_in_courses
from eubiosis.trial.world.rescue import expected_until, hidden_share, recovered, slowed, value_on

ALL = (
    {"event": "antibiotics", "per_year": 2.0, "strategies": {"stool_butyrate": "hypothetical"}},
    {
        "event": "drug_switch",
        "per_year": 0.5,
        "after_relapse": 0.5,
        "strategies": {"relapses": "composite", "edss": "composite"},
        "failure": {"edss": 10.0},
    },
    {"event": "rescue_steroids", "strategies": {"mfis": "hypothetical", "gd_lesions": "hypothetical"}},
    {"event": "contamination", "per_year": 0.5},
    {
        "event": "discontinuation",
        "per_year": 0.5,
        "strategies": {"treg": "principal stratum", "share_BIF": "while on treatment"},
    },
)


def design(events=(), participants=32):
    arms = {"placebo": placebo(), "inulin": prebiotic("inulin", dose="12 g/day")}
    return Design(
        arms=arms, participants=participants, visits=[0, 12, 24], primary="share_BIF",
        intercurrent=list(events), control_level={"relapses_per_year": 2.0, "gd_lesions_per_scan":
        1.5},
    )  # fmt: skip


def run(events=(), participants=32, replicates=4):
    model = packaged_model()
    return simulate(
        design(events, participants), generate(model, seed=SEED), model, gut_worlds=1, host_worlds=1,
        replicates=replicates, seed=SEED,
    )  # fmt: skip


@pytest.fixture(scope="module")
def plain():
    return run()


@pytest.fixture(scope="module")
def everything():
    return run(ALL)


def contaminated(strategy):
    return run([{"event": "contamination", "per_year": 3.0, "dose_share": 1.0, "strategy": strategy}])


@pytest.fixture(scope="module")
def tolerated():
    return contaminated("treatment policy")


@pytest.fixture(scope="module")
def removed():
    return contaminated("hypothetical")


def truths(trials):
    return {each.endpoint: each for each in true_effects(trials.latent)}


def test_the_truth_without_the_event_is_that_of_the_trial_without_events(plain, removed):
    """With events it is read from clocks, which are kept in single precision."""
    mine, theirs = truths(removed), truths(plain)
    for name in ENDPOINTS:
        assert mine[name].value == pytest.approx(theirs[name].value, rel=1e-7, abs=1e-12), name
        assert mine[name].spread == pytest.approx(theirs[name].spread, rel=1e-5), name


def test_contamination_dilutes_what_treatment_policy_asks_for(plain, tolerated, removed):
    policy, hypothetical = truths(tolerated)["share_BIF"].value, truths(removed)["share_BIF"].value
    assert hypothetical > 0.5  # inulin moves bifidobacteria, and half of the controls take it by then
    assert 0 < policy < 0.7 * hypothetical
    found = [
        np.mean([np.log(r.estimate.estimate) for r in estimate(trials.observed).of("share_BIF", "inulin")])
        for trials in (tolerated, plain)
    ]
    assert found[0] < found[1]


def test_the_record_of_both_strategies_is_the_same_and_what_is_analysed_is_not(tolerated, removed):
    (seen,), (other,) = tolerated.observed.stacks, removed.observed.stacks
    for name, values in seen.of_visits.items():
        np.testing.assert_array_equal(values, other.of_visits[name])
    controls = seen.arm == seen.arms.index("placebo")
    gone = np.isnan(analysed(other).of_visits["share_BIF"][-1]) & np.isfinite(
        other.of_visits["share_BIF"][-1]
    )
    assert gone[controls].sum() > 5
    assert not gone[~controls].any()
    assert set(other.intercurrent["arm"].tolist()) == {"placebo"}


def test_batches_and_single_analyses_agree_under_every_strategy(everything):
    observed = everything.observed
    tables = Observed(
        observed.subjects, observed.visits, observed.control, intercurrent=observed.intercurrent,
        relapses=observed.relapses, rules=observed.rules,
    )  # fmt: skip
    pairs = list(zip(estimate(observed, seed=3), estimate(tables, seed=3), strict=True))
    assert len(pairs) == 4 * len(ENDPOINTS)
    for one, other in pairs:
        assert one.trial == other.trial
        assert one.estimate.status == other.estimate.status
        if one.estimate.usable:
            assert one.estimate.estimate == pytest.approx(other.estimate.estimate, rel=1e-9)
            assert one.estimate.p_value == pytest.approx(other.estimate.p_value, rel=1e-9)


def test_events_are_a_persons_own_and_stand_in_the_observed_table(everything):
    table, (stack,) = everything.observed.intercurrent, everything.observed.stacks
    assert set(table["event"].tolist()) == {each["event"] for each in ALL}
    followed = dict(
        zip(stack.numbers.tolist(), (stack.of_subjects["follow_up_years"] * 365.25).T.tolist(), strict=True)
    )
    for person, number, day in zip(
        table["subject"].tolist(), table["replicate"].tolist(), table["day"].tolist(), strict=True
    ):
        assert 1 <= day <= followed[person][number] + 1
    steroids = table["event"] == "rescue_steroids"
    relapses = everything.observed.relapses
    before = {
        (r, s, d)
        for r, s, d in zip(*(relapses[n].tolist() for n in ("replicate", "subject", "day")), strict=True)
    }
    for row in zip(*(table[n][steroids].tolist() for n in ("replicate", "subject", "day")), strict=True):
        assert any((row[0], row[1], row[2] - 5 + k) in before for k in (-1, 0, 1)), row


def test_nobody_depends_on_who_else_is_enrolled_or_simulated(everything):
    again = run(ALL, participants=40, replicates=2)
    (few,), (many,) = everything.observed.stacks, again.observed.stacks
    np.testing.assert_array_equal(many.numbers[:32], few.numbers)
    for name in ("share_BIF", "edss", "gd_lesions_on_scan", "treg", "nfl"):
        np.testing.assert_array_equal(many.of_visits[name][:, :, :32], few.of_visits[name][:, :2])
    first = [
        tuple(row)
        for row in zip(*(v.tolist() for n, v in few.intercurrent.items()), strict=True)
        if row[2] < 2
    ]
    known = set(few.numbers.tolist())
    more = [
        tuple(row)
        for row in zip(*(v.tolist() for n, v in many.intercurrent.items()), strict=True)
        if row[3] in known
    ]
    assert first == more
    assert len(first) > 40


def test_without_events_nothing_is_added(plain):
    (stack,) = plain.observed.stacks
    assert plain.observed.intercurrent is None
    assert stack.rules == ()
    assert "gd_lesions_on_scan" not in stack.of_visits
    assert plain.latent.stacks[0].targets == {}


def test_events_that_never_come_leave_every_number_as_it_is(plain):
    never = run([
        {"event": "discontinuation", "per_year": 0.0, "strategy": "hypothetical"},
        {"event": "contamination", "per_year": 0.0},
        {"event": "drug_switch", "per_year": 0.0, "after_relapse": 0.0},
        {"event": "rescue_steroids", "after_relapse": 0.0},
    ])  # fmt: skip
    (one,), (other,) = plain.observed.stacks, never.observed.stacks
    assert len(never.observed.intercurrent) == 0
    for name, values in {**one.of_subjects, **one.of_visits}.items():
        np.testing.assert_array_equal(values, {**other.of_subjects, **other.of_visits}[name], name)
    mine, theirs = truths(never), truths(plain)
    for name in ENDPOINTS:
        assert mine[name].value == pytest.approx(theirs[name].value, rel=1e-7, abs=1e-12)
    assert [r.estimate.estimate for r in estimate(never.observed)] == [
        r.estimate.estimate for r in estimate(plain.observed)
    ]


def test_antibiotics_empty_the_gut_of_whoever_takes_them_and_of_nobody_else():
    own = OwnEvents.of(design(ALL), SubjectDraws(SEED, tuple(range(200))))
    arms = {arm.name: arm for arm in design(ALL).arms}
    taken = own.on_antibiotics(arms["placebo"], frozenset(["antibiotics"]))
    assert taken.shape == (200, 168)
    begins = own.days["antibiotics"]
    inside = np.isfinite(begins)
    assert inside.sum() / 200 == pytest.approx(2.0 * 168 / 365.25, rel=0.25)  # the rate that was asked for
    assert np.all(begins[inside] % 7 == 0)
    np.testing.assert_array_equal(
        (taken > 0).sum(axis=1), 7 * np.array([len(set(b[np.isfinite(b)])) for b in begins])
    )
    few = OwnEvents.of(design(ALL), SubjectDraws(SEED, (7, 3)))
    np.testing.assert_array_equal(few.days["antibiotics"], begins[[7, 3]])
    first, second = own.intakes(arms["placebo"], all_in_courses(design(ALL)))
    stopped = own.days["discontinuation"][:, 0]
    assert np.all(first.share.sum(axis=1)[np.isinf(stopped)] == 168)
    assert np.all(
        (first.share > 0).sum(axis=1)[np.isfinite(stopped)] == np.ceil(stopped[np.isfinite(stopped)])
    )
    assert second.therapy.product == "inulin"
    assert len(own.intakes(arms["inulin"], frozenset(["contamination"]))) == 1


def test_after_a_switch_a_clock_runs_slower_and_before_it_as_it_did():
    clock = Clocks.of(np.full((100, 1), 0.1))  # a relapse every ten days
    marks = Marks(np.zeros(3, int), np.zeros(3, int), np.array([2.0, 5.0, 9.0]), np.ones(3))
    switch = np.array([[40.0]])
    moved = slowed(clock, marks, switch, 0.5)
    assert moved.tolist() == pytest.approx([2.0, 6.0, 14.0])  # 4 + (5 - 4) / 0.5, and beyond the end
    assert clock.days(marks.person[:2], moved[:2]) == pytest.approx([20.0, 60.0])
    assert expected_until(clock, np.array([[100.0]]), switch, 0.5) == pytest.approx(4 + 0.5 * 6)
    assert expected_until(clock, np.array([[30.0]]), switch, 0.5) == pytest.approx(3.0)
    early = Clocks.of(np.full((100, 1), 0.1), np.array([2.0]))  # two lesions of before entry
    assert value_on(early, np.array([0]), np.array([40.0])) == pytest.approx(6.0)
    assert expected_until(early, np.array([[100.0]]), switch, 0.5) == pytest.approx(7.0)
    assert replace(marks, mark=moved).mark is moved


def test_steroids_hide_lesions_for_a_while_and_never_touch_what_stays():
    hidden = hidden_share(np.array([9.0, 10.0, 24.0, 400.0]), np.array([10.0, 10.0, 10.0, 10.0]))
    assert hidden.tolist() == pytest.approx([0.0, 0.96, 0.96 * np.exp(-1), 0.0], abs=1e-6)
    added, left = np.array([2.0, 2.0, 1.5, 0.5]), np.array([0.5, 0.5, 0.5, 0.5])
    since, begin = np.array([2.0, 10.0, 10.0, 300.0]), np.array([5.0, 5.0, np.inf, 5.0])
    assert recovered(added, left, since, begin).tolist() == pytest.approx([2.0, 0.5 + 0.7 * 1.5, 1.5, 0.5])
