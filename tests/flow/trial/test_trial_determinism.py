"""The same seed gives the same tables, byte for byte: repeated, over processes, in any order of subjects."""

import dataclasses

import numpy as np
import pytest
from small_trials import DESIGN, INULIN, PLACEBO, SEED, make_task, make_world

from eubiosis.compute.executors import Executor
from eubiosis.compute.run_folder import table_bytes
from eubiosis.model.worlds import draw_host_world
from eubiosis.trial.simulate import simulate_gut_world
from eubiosis.trial.world.gut import gut_courses
from eubiosis.trial.world.host_world import ObservedTrial, replicate
from eubiosis.workflow.trial_job import run_job
from eubiosis.workflow.workflow import Workflow

SMALL = {
    "title": "A trial to repeat",
    "question": "Are the tables the same?",
    "context_of_use": "A test.",
    "decision": "None.",
    "seed": SEED,
    "design": {
        "arms": [
            {"name": "placebo", "therapy": {"product": "placebo", "stop": "week 8"}, "control": True},
            {"name": "inulin", "therapy": {"product": "inulin", "dose": "12 g/day", "stop": "week 8"}},
        ],
        "participants": 12,
        "visits": [0, 4, 8],
        "allocation": [1, 1],
        "primary": "mfis",
    },
    "simulation": {"gut_worlds": 2, "host_worlds": 2, "replicates": 2},
}


def tables_of(processes, **changes):
    job = run_job(Workflow(**(SMALL | changes)), executor=Executor(workers=processes), progress=False)
    written = {name: table_bytes(table) for name, table in job.tables.items()}
    return job, written


@pytest.fixture(scope="module")
def first():
    """The job in one process."""
    return tables_of(1)


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(first):
    job, written = first
    other, again = tables_of(2)
    assert list(written) == list(again)
    for name, content in written.items():
        assert content == again[name], name
    assert repr(other.report_input) == repr(job.report_input)
    assert other.facts == job.facts


@pytest.mark.slow
def test_a_repeated_job_writes_the_same_bytes_and_another_seed_does_not(first):
    job, written = first
    again, repeated = tables_of(1)
    assert repeated == written
    assert repr(again.report_input) == repr(job.report_input)
    _, other = tables_of(1, seed=SEED + 1, simulation={"gut_worlds": 1, "host_worlds": 1, "replicates": 1})
    filled = [name for name in written if len(job.tables[name])]  # so few people may have no relapse
    assert {*written} - {*filled} <= {"observed_relapses"}
    assert all(other[name] != written[name] for name in filled)


def test_the_tables_of_a_job_are_all_there_and_hold_what_was_asked_for(first):
    job, _ = first
    assert set(job.tables) == {
        "estimates", "latent_effects", "latent_worlds", "observed_subjects", "observed_visits",
        "observed_exposure", "observed_adverse_events", "observed_relapses", "latent_subjects",
        "figure_clocks", "figure_courses", "figure_lines", "figure_week_changes",
    }  # fmt: skip
    assert set(job.tables["estimates"]["world"]) == {"0.0", "0.1", "1.0", "1.1"}
    assert set(job.tables["estimates"]["replicate"]) == {0, 1}
    assert len(job.tables["observed_subjects"]["subject"]) == 12
    assert len(job.tables["latent_subjects"]["subject"]) == 24


def test_a_world_does_not_depend_on_how_many_worlds_there_are(first):
    """A job of one gut world gives the rows of that world in the larger job."""
    one, _ = tables_of(1, simulation=SMALL["simulation"] | {"gut_worlds": 1})
    for name in ("estimates", "latent_effects"):
        small, large = one.tables[name], first[0].tables[name]
        rows = len(small["world"])
        assert set(small["world"]) == {"0.0", "0.1"}
        assert small.columns == large.columns
        assert small == large.head(rows)


def test_the_first_people_are_the_same_when_more_are_enrolled():
    """Rates are set on a fixed pool, and luck is dealt out in the order of entry."""
    few, many = (
        simulate_gut_world(make_task(DESIGN.changed(participants=n), host_worlds=1, replicates=2))
        for n in (12, 24)
    )
    (one,), (other,) = few.observed.stacks, many.observed.stacks
    assert same(one.numbers, other.numbers[:12])
    assert same(one.arm, other.arm[:, :12])
    for name, values in one.of_subjects.items():
        assert same(values, other.of_subjects[name][..., :12]), name
    for name, values in one.of_visits.items():
        assert same(values, other.of_visits[name][..., :12]), name
    assert same(few.latent.stacks[0].of_world["expected_relapses"],
                many.latent.stacks[0].of_world["expected_relapses"][:, :12])  # fmt: skip


def shuffled(subjects, gut, order):
    return subjects.take(order), gut.take(order)


def same(one, other):
    """Equal to the last bit, NaN where NaN."""
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def assert_same_trial(one, other):
    for field in dataclasses.fields(ObservedTrial):
        left, right = getattr(one, field.name), getattr(other, field.name)
        assert list(left) == list(right)
        for column, values in left.items():
            assert same(values, right[column]), column


@pytest.mark.parametrize("order_seed", [1, 2])
def test_the_order_of_candidates_changes_no_bit_of_a_trial(trial_model, pool, order_seed):
    order = np.random.default_rng(order_seed).permutation(len(pool.candidates))
    couplings = draw_host_world(trial_model, 2, SEED, "symmetric")
    candidates, gut = shuffled(pool.candidates, pool.gut, order)
    mixed = make_world(
        trial_model, dataclasses.replace(pool, candidates=candidates, gut=gut), DESIGN, couplings
    )
    plain = make_world(trial_model, pool, DESIGN, couplings)
    assert mixed.subjects.numbers == plain.subjects.numbers
    assert mixed.screened == plain.screened
    for number in (0, 3):
        assert_same_trial(
            *(replicate(trial_model, world, DESIGN, number)[0] for world in (plain, mixed)),
        )


def test_the_gut_of_a_subject_does_not_depend_on_the_company_or_its_order(trial_model, pool):
    design = DESIGN.changed(arms=(PLACEBO, INULIN), allocation=(1, 1))
    held = [i for i, word in enumerate(pool.gut.status) if word == "ok"]
    rows = np.array(held[4::-1])
    few = gut_courses(trial_model, pool.gut_world, pool.candidates.take(rows), design, SEED)
    for arm in ("placebo", "inulin"):
        assert same(few.handed[arm], pool.gut.handed[arm][rows])
        assert same(few.markers[arm], pool.gut.markers[arm][rows])
    assert few.status == tuple(pool.gut.status[i] for i in rows)


def test_candidates_who_are_not_run_say_why_and_have_no_numbers(trial_model, pool):
    """Nobody at all may be left to run."""
    three = pool.candidates.take(np.arange(3))
    three = dataclasses.replace(three, profile_status=("ok", "nothing_mapped", "ok"))
    gut = gut_courses(trial_model, pool.gut_world, three, DESIGN, SEED, wanted=np.array([False, True, False]))
    assert gut.status == ("not_run", "profile_nothing_mapped", "not_run")
    for table in (gut.handed, gut.markers):
        assert all(np.isnan(values).all() for values in table.values())


def test_a_composition_without_a_steady_state_stays_in_the_table_beside_one_that_has_it(trial_model, pool):
    held = pool.gut.status.index("ok")
    pair = pool.candidates.take(np.array([held, held]))
    shares = pair.shares.copy()
    shares[0] = np.where(np.arange(shares.shape[1]) == 0, 1.0, 0.0)
    design = DESIGN.changed(arms=(PLACEBO, INULIN), allocation=(1, 1))
    gut = gut_courses(trial_model, pool.gut_world, dataclasses.replace(pair, shares=shares), design, SEED)
    assert gut.status == gut.niche == ("niche_unsolved", "ok")
    assert np.isnan(gut.residual[0])
    assert gut.residual[1] < 1
    assert np.isnan(gut.handed["inulin"][0]).all()
    assert np.array_equal(gut.handed["inulin"][1], pool.gut.handed["inulin"][held])
