"""People of a real table whom no steady state holds: counted among those who were tried, and named."""

import dataclasses

import pytest
from small_trials import DESIGN, SEED, packaged_model

from eubiosis.model.worlds import draw_gut_world, hold_people
from eubiosis.population import generate, read_profiles
from eubiosis.trial.simulate import Task, gut_world_trials
from eubiosis.trial.simulation import Simulation
from eubiosis.workflow.trial_chunk import run_chunk
from eubiosis.workflow.trial_job import lost_warnings

GENERA = ("Bacteroides", "Faecalibacterium", "Roseburia", "Blautia", "Bifidobacterium", "Akkermansia")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Twelve ordinary people, and four whose reads are all but wholly Akkermansia."""
    rows = [(f"p{k:02d}", 4000 + 90 * k, 2000, 1000 + 40 * k, 1500, 300 + 9 * k, 200) for k in range(12)]
    rows += [(f"q{k}", 3, 2, 2, 2, 1, 90_000 + k) for k in range(4)]
    path = tmp_path_factory.mktemp("lost") / "stool.tsv"
    path.write_text("\n".join("\t".join(map(str, row)) for row in [("id", *GENERA), *rows]) + "\n")
    return generate(packaged_model(), read_profiles(path), seed=SEED)


def test_the_lost_are_those_whom_the_model_cannot_hold(cohort):
    model = packaged_model()
    task = Task(DESIGN, cohort, Simulation(gut_worlds=1, host_worlds=1, replicates=1), SEED, 0,
                model.content.folder)  # fmt: skip
    found = gut_world_trials(task).candidates
    people = cohort.candidates(2 * len(cohort.members))
    first = {int(sample): k for k, sample in reversed(list(enumerate(people.samples)))}
    rows = [first[sample] for sample in found.tried]
    held = hold_people(model, draw_gut_world(model, 0, SEED), people.shares[rows])
    unheld = tuple(s for s, word in zip(found.tried, held.status, strict=True) if word == "niche_unsolved")
    assert found.unheld == unheld
    assert found.asked == found.held + found.unsolved < found.made
    chunk = run_chunk(task)
    assert chunk.candidates == (found,)
    lost = dataclasses.replace(found, unheld=found.tried[-4:])
    (said,) = lost_warnings(cohort, [dataclasses.replace(chunk, candidates=(lost,))])
    assert f"4 of {len(found.tried)} people" in said
    assert "q0, q1, q2, q3." in said
