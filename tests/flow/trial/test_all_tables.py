"""The tables of every trial, written world by world: the same numbers as in memory, and taken up again."""

import pytest
from small_trials import DESIGN, make_task

from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.compute.executors import Executor
from eubiosis.core.findings import FindingsError
from eubiosis.core.frame import Table
from eubiosis.core.table_schemas import TRIAL_LATENT, TRIAL_SUBJECTS, TRIAL_VISITS
from eubiosis.trial.simulate import simulate_gut_world
from eubiosis.trial.simulation import Simulation
from eubiosis.workflow.all_tables import ALL_TABLES, are_whole, files_of_run, tables_store
from eubiosis.workflow.trial_chunk import KeptTask, run_kept_chunk
from eubiosis.workflow.trial_job import run_job
from eubiosis.workflow.trial_pieces import _is_kept
from eubiosis.workflow.workflow import Workflow

WORDS = {"title": "t", "question": "q", "context_of_use": "a test", "decision": "none"}


@pytest.fixture(scope="module")
def task():
    return make_task(DESIGN, gut_worlds=1, host_worlds=2, replicates=2, tables="all")


@pytest.fixture(scope="module")
def store(task, tmp_path_factory):
    made = ChunkStore(tmp_path_factory.mktemp("run") / "chunks", "key")
    run_kept_chunk(KeptTask(task, made, "gut-00000"))
    return made


def test_the_files_hold_what_the_trials_hold_in_memory(task, store):
    files = dict(files_of_run(store, iter(["gut-00000"])))
    assert list(files) == [f"tables/all/{schema.name}/gut-00000.parquet" for schema in ALL_TABLES]
    trials = simulate_gut_world(task)
    for schema, table in (
        (TRIAL_SUBJECTS, trials.observed.subjects),
        (TRIAL_VISITS, trials.observed.visits),
        (TRIAL_LATENT, trials.latent.subjects),
    ):
        found = Table.from_parquet(files[f"tables/all/{schema.name}/gut-00000.parquet"])
        assert found.units == table.units
        assert found == table


def test_a_world_whose_tables_are_damaged_is_not_finished(task, store):
    assert _is_kept(store, task)
    (damaged,) = tables_store(store).folder.glob("*trial_visits.chunk")
    content = damaged.read_bytes()
    damaged.write_bytes(content[:-1])
    assert not are_whole(tables_store(store), "gut-00000")
    assert not _is_kept(store, task)
    with pytest.raises(
        FindingsError, match=r"gut-00000\.trial_visits: 1 finding\n  it is missing, or damaged"
    ):
        dict(files_of_run(store, iter(["gut-00000"])))
    damaged.write_bytes(content)
    assert _is_kept(store, task)


def test_a_cluster_is_refused_before_any_work():
    workflow = Workflow(**WORDS, design=DESIGN, simulation=Simulation(tables="all"))
    with pytest.raises(FindingsError) as caught:
        run_job(workflow, executor=Executor("dask", address="127.0.0.1:1"))
    assert caught.value.findings[0].place == "simulation.tables"
