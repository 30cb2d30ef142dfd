"""The workflow of the soak and of the measured resume: a run accepts it, and it asks for what it was told."""

import runpy
from pathlib import Path

import pytest
import yaml

from eubiosis.workflow.soak.bench import FAILING, WORKFLOW
from eubiosis.workflow.soak.small_run import small_workflow
from eubiosis.workflow.trial_run import check_run

RESUMED = small_workflow(
    participants=120,
    visits="every 12 weeks to week 48",
    gut_worlds=30,
    host_worlds=3,
    replicates=4,
    surface=True,
)


@pytest.mark.parametrize(
    ("text", "people", "weeks", "worlds", "surface"),
    [
        (WORKFLOW, 8, 4, (3, 1, 2), False),
        (FAILING, 48, 4, (2, 1, 2), False),
        (RESUMED, 120, 48, (30, 3, 4), True),
    ],
)
def test_it_is_a_workflow_with_what_was_asked_for(tmp_path, text, people, weeks, worlds, surface):
    assert ("surface" in yaml.safe_load(text)) != surface
    (tmp_path / "workflow.yaml").write_text(text, encoding="utf-8")
    spec = check_run(tmp_path / "workflow.yaml")
    assert (spec.design.participants, max(spec.design.visits), spec.seed) == (people, weeks, 11)
    own = spec.simulation
    assert (own.gut_worlds, own.host_worlds, own.replicates) == worlds
    assert (spec.surface is not None) == surface


def test_the_measured_resume_and_the_soak_have_no_text_of_their_own():
    benchmark = Path(__file__).parents[3] / "benchmarks" / "resume.py"
    names = runpy.run_path(str(benchmark), run_name="read")
    assert names["small_workflow"] is small_workflow
    assert "primary:" not in benchmark.read_text(encoding="utf-8")
