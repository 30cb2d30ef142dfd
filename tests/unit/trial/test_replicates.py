"""Many trials at once, on courses simple enough to work out by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.core.streams import stream
from eubiosis.core.trial_draws import TrialDraws
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.therapy import placebo, prebiotic
from eubiosis.trial.design import Arm, Design
from eubiosis.trial.world.clocks import Clocks, marks_below, widths
from eubiosis.trial.world.courses import WorldCourses
from eubiosis.trial.world.events import cumulated, passages
from eubiosis.trial.world.gut import MARKERS
from eubiosis.trial.world.host import HostCourses
from eubiosis.trial.world.layer import trial_numbers
from eubiosis.trial.world.replicates import _apart, _looks, relapse_rows, replicates
from eubiosis.trial.world.scales import edss_steps

PEOPLE, BEFORE = 30, 400
STATES = ("host_D", "host_T1", "host_T17", "host_MG", "host_R")


def design(weeks=(0.0, 12.0, 24.0), participants=PEOPLE, **changes):
    arms = (
        Arm(name="b", therapy=placebo(), control=True),
        Arm(name="a", therapy=prebiotic("inulin", dose="12 g/day")),
    )
    return Design(arms=arms, participants=participants, visits=weeks, primary="mfis", **changes)


@pytest.fixture(scope="module")
def laws(model):
    return ClinicalLaws({name: row.value for name, row in model.content.numbers.items()}, 2.0)


def made_courses(laws, plan, people=PEOPLE, relapses=2.0, lesions=3.0):
    """Courses without a pattern; arm a has half the relapses and lesions of arm b. Rates are per year."""
    random = np.random.default_rng(4)
    days = plan.days
    every = 400  # days of everybody's course, so that a shorter trial is the beginning of a longer one
    rate = random.uniform(0.5, 1.5, (every, 60))[:days, :people] / 365.25
    course = {name: random.uniform(0.5, 2.0, (every, 60))[:days, :people] for name in STATES}
    past = {name: random.uniform(0.5, 2.0, (BEFORE, 60))[:, :people] for name in STATES}
    nfl = made_nfl(days, people)
    past["host_NfL"] = nfl.past
    earlier = random.uniform(0, 2, (BEFORE, 60))[:, :people] * lesions / 365.25
    host = HostCourses(
        None,
        past,
        {"a": course | {"host_NfL": nfl.after / 2}, "b": course | {"host_NfL": nfl.after}},
        {"": earlier, "b": lesions * rate, "a": lesions / 2 * rate},
        {"": earlier, "b": relapses * rate, "a": relapses / 2 * rate},
    )
    marker = np.exp(random.normal(1.0, 0.3, (60, 1, len(MARKERS))))[:people]
    marker[..., 8:] /= marker[..., 8:].sum(axis=-1, keepdims=True)
    gut = SimpleNamespace(markers=dict.fromkeys("ab", np.repeat(marker, len(plan.visits), axis=1)))
    subjects = SimpleNamespace(
        numbers=tuple(range(100, 100 + people)),
        edss=random.uniform(0, 5, 60)[:people],
        age=random.uniform(20, 60, 60)[:people],
    )
    levels = (
        random.uniform(10, 60, 60)[:people], np.ones(people), nfl.level, np.zeros((people, len(plan.visits)))
    )  # fmt: skip
    return WorldCourses.of(subjects, gut, host, levels, plan, laws)


def made_nfl(days, people=PEOPLE):
    """Serum NfL of the control arm's host before and after entry, and each one's own level."""
    random = np.random.default_rng(5)
    return SimpleNamespace(
        past=random.uniform(0.8, 3.0, (BEFORE, 60))[:, :people],
        after=random.uniform(0.8, 3.0, (400, 60))[:days, :people],
        level=np.exp(random.normal(0.0, 0.3, 60))[:people],
    )


def run(laws, plan, numbers=(0,), people=PEOPLE, **rates):
    return replicates(made_courses(laws, plan, people, **rates), plan, laws, 7, "0.0", numbers)


def same(one, other):
    return np.array_equal(one, other, equal_nan=True)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 5), st.floats(0.01, 40.0))
def test_clocks_find_the_days_that_a_bisection_of_each_course_finds(seed, people, expected):
    random = np.random.default_rng(seed)
    rates = random.exponential(expected / 50, (50, people)) * (random.random((50, people)) < 0.7)
    clock = Clocks.of(rates)
    draws = TrialDraws(seed, "0.0", (0, 1))
    marks = marks_below(draws, "x", clock.until, clock.until)
    found = clock.days(marks.person, marks.mark)
    for trial in (0, 1):
        own = marks.trial == trial
        rows = np.full((people, len(marks.mark) + 1), np.inf)
        for k in range(people):
            mine = np.sort(marks.mark[own & (marks.person == k)])
            rows[k, : len(mine)] = mine
        who, days = passages(clock.whole.T, rows)
        order = np.lexsort((found[own], marks.person[own]))
        assert np.array_equal(marks.person[own][order], who)
        np.testing.assert_allclose(found[own][order], days, atol=1e-9)
    exact = cumulated(rates)
    for person, day, mark in zip(marks.person, found, marks.mark, strict=True):  # of the rates as they were
        passed = np.interp(day, np.arange(len(exact)), exact[:, person])
        assert abs(passed - mark) <= 2e-7 * exact[-1, person]


def test_clocks_of_some_people_copy_no_course_and_are_theirs():
    """Hand-made courses: one person twice, a shorter course of theirs, and both put together."""
    clock = Clocks.of(np.array([[1.0, 2.0, 4.0], [3.0, 2.0, 1.0]]), np.array([0.5, 0.25, 0.0]))
    some = clock.take(np.array([2, 0, 2]))
    assert some.courses is clock.courses
    assert some.until.tolist() == [5.0, 4.5, 5.0]
    assert some.at_entry.tolist() == [0.0, 0.5, 0.0]
    assert some.expected.tolist() == [5.0, 4.0, 5.0]
    assert some.whole.tolist() == [[0, 0, 4, 5], [0, 0.5, 1.5, 4.5], [0, 0, 4, 5]]
    assert some.days(np.array([0, 1, 2]), np.array([2.0, 3.0, 4.5])).tolist() == [0.5, 1.5, 1.5]
    twice = some.take(np.array([1, 0]))
    assert twice.values(np.array([0, 1]), np.array([2, 2])).tolist() == [1.5, 4.0]
    assert twice.short(1).until.tolist() == [1.5, 4.0]
    assert twice.scaled(2.0).until.tolist() == [8.5, 10.0]
    assert Clocks.concat([some, clock]).until.tolist() == [5.0, 4.5, 5.0, 4.5, 4.25, 5.0]


def test_a_course_of_no_day_has_no_events_and_ends():
    for clock in (Clocks.of(np.zeros((0, 3))), Clocks.of(np.ones((1, 3))).short(0)):
        assert clock.days(np.array([], dtype=np.int64), np.array([])).shape == (0,)
    assert Clocks.of(np.ones((1, 3))).days(np.array([2]), np.array([0.25])).tolist() == [0.25]


def test_counts_of_marks_are_poisson():
    """Mean and variance of the counts of 400 trials are the expectation; sums of exponentials are exact."""
    expected = np.array([0.3, 2.0, 9.0, 40.0])
    marks = marks_below(TrialDraws(3, "0.0", tuple(range(400))), "x", expected, expected)
    counts = np.zeros((400, 4))
    np.add.at(counts, (marks.trial, marks.person), 1)
    assert np.all(np.abs(counts.mean(axis=0) - expected) < 4 * np.sqrt(expected / 400))
    ratio = counts.var(axis=0) / expected
    spread = np.sqrt((2 + 1 / expected) / 400)  # of the variance of a Poisson count, over its mean
    assert np.all(np.abs(ratio - 1) < 4 * spread)
    assert np.all(widths(expected) >= expected)


def test_a_lesion_lasts_an_exponential_time_whether_t2_shows_it_or_not():
    fate = np.random.default_rng(1).standard_exponential(40_000)
    visible, lasts = _looks(fate, 0.26)
    assert abs(visible.mean() - 0.26) < 4 * np.sqrt(0.26 * 0.74 / 40_000)
    for some in (visible, ~visible):
        assert abs(lasts[some].mean() - 1) < 4 / np.sqrt(some.sum())
        for point in (0.1, 0.7, 2.0):
            share = np.exp(-point)
            assert abs((lasts[some] > point).mean() - share) < 4 * np.sqrt(share * (1 - share) / some.sum())
    assert _looks(fate, 1.0)[0].all()
    assert not _looks(fate, 0.0)[0].any()


def test_events_too_near_the_last_one_counted_are_dropped():
    place = np.array([0, 0, 0, 0, 2, 2, 5])
    days = np.array([1.0, 20.0, 40.0, 69.0, 3.0, 100.0, 4.0])
    assert _apart(place, days, 30.0).tolist() == [True, False, True, False, True, True, True]


def test_the_scan_at_entry_shows_what_still_enhances_in_every_arm_alike(laws):
    """Poisson about the share exp(-age / mean) of the lesions of each earlier day, whatever the arm does."""
    plan = design(participants=28)
    courses = made_courses(laws, plan, people=28, lesions=40.0)
    made = replicates(courses, plan, laws, 7, "0.0", tuple(range(120)))
    seen = made.subjects["gd_lesions_at_entry"]
    expected = courses.lesions[0].at_entry
    assert np.array_equal(expected, courses.lesions[1].at_entry)
    assert np.all(np.abs(seen.mean(axis=0) - expected) < 4.5 * np.sqrt(expected / 120))
    active = made.arm == [arm.name for arm in plan.arms].index("a")
    share = seen[active].sum() / seen.sum()
    own = expected[None] * active
    assert abs(share - own.sum() / (120 * expected.sum())) < 4 * np.sqrt(0.25 / seen.sum())


def test_relapse_days_are_those_of_the_relapses_that_are_counted(laws):
    plan = design(dropout_per_year=1.5)
    made = run(laws, plan, (0, 1, 2), relapses=6.0)
    trial, person, day = relapse_rows(made.relapses, made.arm, made.presence.followed)
    counts = np.zeros(made.arm.shape)
    np.add.at(counts, (trial, person), 1)
    assert np.array_equal(counts, made.subjects["relapses"])
    assert counts.sum() > 50
    assert day.min() >= 1
    assert np.all(day <= np.ceil(made.presence.followed[trial, person]))
    place = trial * made.arm.shape[1] + person
    assert np.all(np.diff(place) >= 0)
    assert np.all(np.diff(day)[np.diff(place) == 0] >= laws.number["host_refractory"] - 1)


def test_a_trial_has_the_same_numbers_in_any_company(laws):
    plan = design()
    alone, among = run(laws, plan, (2,)), run(laws, plan, (0, 1, 2, 3))
    assert same(alone.arm[0], among.arm[2])
    assert same(alone.edss[:, :, 0], among.edss[:, :, 2])
    for name, values in alone.subjects.items():
        assert same(values[0], among.subjects[name][2]), name
    for name, values in alone.visits.items():
        assert same(values[:, 0], among.visits[name][:, 2]), name
    assert not same(among.visits["mfis"][:, 0], among.visits["mfis"][:, 1])


def test_the_first_people_are_the_same_however_many_follow(laws):
    few = run(laws, design(), (0, 1), people=24, relapses=6.0, lesions=60.0)
    many = run(laws, design(participants=48), (0, 1), people=48, relapses=6.0, lesions=60.0)
    assert same(few.arm, many.arm[:, :24])
    assert same(few.edss, many.edss[..., :24])
    for name, values in few.subjects.items():
        assert same(values, many.subjects[name][:, :24]), name
    for name, values in few.visits.items():
        assert same(values, many.visits[name][..., :24]), name
    assert few.subjects["gd_lesions"].sum() > 10


def test_a_visit_more_leaves_the_others_as_they_are(laws):
    few, more = run(laws, design(), (0, 1)), run(laws, design((0.0, 6.0, 12.0, 24.0)), (0, 1))
    for name, values in few.visits.items():
        assert same(values, more.visits[name][[0, 2, 3]]), name
    assert same(few.presence.days, more.presence.days[[0, 2, 3]])
    assert same(few.subjects["relapses"], more.subjects["relapses"])
    assert np.all(few.subjects["scans"] <= more.subjects["scans"])


def test_the_order_of_the_arms_changes_nothing(laws):
    plan = design()
    swapped = plan.changed(arms=plan.arms[::-1])
    one, other = run(laws, plan, (0, 1)), run(laws, swapped, (0, 1))
    assert same(one.arm, 1 - other.arm)
    assert same(one.edss, other.edss[::-1])
    for name, values in one.visits.items():
        assert same(values, other.visits[name]), name
    for name, values in one.subjects.items():
        assert same(values, other.subjects[name]), name


def test_half_the_rate_never_gives_more_events(laws):
    laws = ClinicalLaws({**laws.number, "host_refractory": 0.0}, 2.0)  # a relapse more may hide another
    made = run(laws, design(), tuple(range(20)), relapses=4.0)
    first, second = made.relapses
    counts = [
        np.bincount(each.trial * PEOPLE + each.person, minlength=20 * PEOPLE) for each in (first, second)
    ]
    assert np.all(counts[1] <= counts[0])
    assert counts[1].sum() < counts[0].sum()


def test_true_edss_is_entry_drift_and_what_relapses_leave(laws):
    plan = design()
    courses = made_courses(laws, plan, relapses=6.0)
    made = replicates(courses, plan, laws, 7, "0.0", (5,))
    uniforms = TrialDraws(7, "0.0", (5,)).uniforms("edss/0", PEOPLE, 8)[0].reshape(PEOPLE, 4, 2)
    own = made.relapses[1]
    several = 0
    for person in range(PEOPLE):
        days = own.days[own.person == person]
        assert np.all(np.diff(days) >= laws.number["host_refractory"])
        several += len(days) > 1
        for v, day in enumerate(courses.days):
            score = courses.edss[1, v, person]
            for k, onset in enumerate(days):
                if day > 0:
                    score += float(laws.relapse_edss(np.array(day - 1 - onset), *uniforms[person, k]))
            assert made.edss[1, v, 0, person] == pytest.approx(np.clip(score, 0, 10), abs=1e-12)
    assert several > 3


def test_gd_lesions_at_scans_and_new_t2_lesions_have_their_expectations(laws):
    """A scan shows the lesions of each earlier day times the share that still enhances."""
    plan = design(dropout_per_year=0.0, missed_visits=0.0)
    courses = made_courses(laws, plan, lesions=30.0)
    made = replicates(courses, plan, laws, 7, "0.0", tuple(range(200)))
    tau, seen = laws.number["host_tau_Gd"], laws.number["host_p_T2"]
    random = np.random.default_rng(4)
    rate = random.uniform(0.5, 1.5, (400, 60))[: plan.days, :PEOPLE] / 365.25
    for _ in STATES:
        random.uniform(0.5, 2.0, (400, 60))
    for _ in STATES:
        random.uniform(0.5, 2.0, (BEFORE, 60))
    before = random.uniform(0, 2, (BEFORE, 60))[:, :PEOPLE] * 30 / 365.25
    for k, share in enumerate((1.0, 0.5)):
        daily = np.concatenate((before, 30 * share * rate))
        expected = 0.0
        for day in courses.days[1:]:
            age = BEFORE + day - np.arange(BEFORE + day) - 0.5
            expected = expected + np.exp(-age / tau) @ daily[: BEFORE + day]
        rows = made.arm == k
        found = made.subjects["gd_lesions"][rows]
        total = np.broadcast_to(expected, rows.shape)[rows]
        assert abs((found - total).mean()) < 5 * np.sqrt(2 * total.mean() / rows.sum())
        new = made.subjects["t2_lesions"][rows]
        true = seen * np.broadcast_to((30 * share * rate).sum(axis=0), rows.shape)[rows]
        assert abs((new - true).mean()) < 4 * np.sqrt(true.mean() / rows.sum())


def test_who_has_left_is_not_seen_and_others_miss_as_many_visits_as_the_design_says(laws):
    plan = design((0.0, 12.0, 24.0), dropout_per_year=1.0, missed_visits=0.2)
    made = run(laws, plan, tuple(range(100)))
    there = made.presence
    due = 7 * np.array(plan.visits)[:, None, None] <= there.followed
    assert not np.any(there.attended & ~due)
    assert there.attended[0].all()
    missed = (due & ~there.attended)[1:].sum() / due[1:].sum()
    assert abs(missed - 0.2) < 4 * np.sqrt(0.2 * 0.8 / due[1:].sum())
    late = there.days[1:] - 7 * np.array(plan.visits)[1:, None, None]
    assert (late.min(), late.max()) == (-7, 7)
    assert not there.days[0].any()
    for name, values in made.visits.items():
        if values.dtype.kind == "f":
            assert np.array_equal(np.isfinite(values), there.attended), name
        elif name != "assay_batch":  # a flag is of a sample that was taken
            assert not np.any(values & ~there.attended), name


def test_values_are_such_as_can_be(laws):
    made = run(laws, design(missed_visits=0.0, dropout_per_year=0.0), tuple(range(10)))
    steps = {0.0, *np.arange(1.0, 10.5, 0.5)}
    assert set(np.unique(made.visits["edss"])) <= steps
    assert not np.signbit(made.visits["edss"]).any()
    assert not np.signbit(made.visits["mfis"]).any()
    assert np.all((made.visits["treg"] > 0) & (made.visits["treg"] < 20))
    acids = [made.visits[f"stool_{name}"] for name in ("acetate", "propionate", "butyrate")]
    np.testing.assert_allclose(made.visits["stool_scfa"], sum(acids), rtol=1e-14)
    # one sample's acids rise and fall together
    logs = [np.log(each[1] / each[0]).ravel() for each in acids]
    shared = trial_numbers()["trial_share_stool_dilution"].value
    assert np.corrcoef(logs)[0, 1] == pytest.approx(shared, abs=0.08)


def test_observed_serum_nfl_is_state_times_level_times_error(laws):
    """By hand: the state at the end of the day before the visit, halved in arm a, and an error of 18 %."""
    plan = design(missed_visits=0.0, dropout_per_year=0.0)
    nfl, numbers = made_nfl(plan.days), tuple(range(40))
    made = run(laws, plan, numbers)
    courses = made_courses(laws, plan)
    spread = trial_numbers()["trial_sd_ln_nfl"].value
    assert spread == 0.18
    logs = []
    for v, week in enumerate(plan.visits):
        state = nfl.past[-1] if week == 0 else nfl.after[int(7 * week) - 1]
        for number in numbers:
            treated = np.array([courses.arms[k] == "a" for k in made.arm[number]])
            true = nfl.level * state * np.where(treated & (week > 0), 0.5, 1.0)
            luck = stream(7, f"trial/0.0/measure/nfl/week {week:g}", number)
            error = luck.standard_normal(PEOPLE, dtype=np.float32)
            seen = made.visits["nfl"][v, number]
            np.testing.assert_allclose(seen, true * np.exp(spread * error), atol=0.005 + 1e-6)
            np.testing.assert_array_equal(seen, np.round(seen, 2))
            logs.append(np.log(seen / true))
    assert np.std(logs) == pytest.approx(spread, rel=4 / np.sqrt(2 * np.size(logs)) + 0.002)
    assert np.mean(logs) == pytest.approx(0.0, abs=4 * spread / np.sqrt(np.size(logs)))


def test_the_luck_of_serum_nfl_is_its_own(laws):
    """Its errors have nothing to do with those of Treg in the same blood, or with another visit's."""
    plan = design(missed_visits=0.0, dropout_per_year=0.0)
    made, courses = run(laws, plan, tuple(range(100))), made_courses(laws, plan)
    places = np.arange(PEOPLE)
    errors = []
    for v in (1, 2):
        errors.append(np.log(made.visits["nfl"][v] / courses.nfl[:, v][made.arm, places]).ravel())
    errors.append(np.log(made.visits["treg"][1] / courses.treg_percent[:, 1][made.arm, places]).ravel())
    found = np.corrcoef(errors)
    assert np.abs(found[np.triu_indices(3, 1)]).max() < 4 / np.sqrt(100 * PEOPLE)


def test_no_step_of_a_half_and_no_negative_zero():
    scores = np.array([-0.3, -0.0, 0.2, 0.49, 0.5, 0.74, 1.2, 1.26, 9.8, 12.0])
    assert edss_steps(scores).tolist() == [0, 0, 0, 0, 1, 1, 1, 1.5, 10, 10]
    assert not np.signbit(edss_steps(scores)).any()
