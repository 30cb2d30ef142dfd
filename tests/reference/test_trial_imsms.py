"""A small trial whose subjects come from the people with MS of the iMSMS cohort beside the repository.

No value of a single person is printed or compared here.
"""

import os.path
from pathlib import Path

import numpy as np
import pytest

from eubiosis.core.guilds import GUILDS as GUILD_IDS
from eubiosis.model import load
from eubiosis.population import guild_contrast, read_profiles
from eubiosis.population.generate import cohort_of
from eubiosis.workflow.files.workflow_yaml import read_workflow
from eubiosis.workflow.trial_job import run_job

ROOT = Path(__file__).resolve().parents[2]
COHORT = ROOT.parent / "shared" / "cohorts" / "ms_imsms_2022"
TABLE, PEOPLE = COHORT / "genus_counts.tsv.gz", COHORT / "metadata.tsv"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not TABLE.exists(),
        reason="the iMSMS cohort is not at ../shared/cohorts/ms_imsms_2022; it is not part of the repository",
    ),
]


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    """A workflow of 12 people and 8 weeks on the cohort's own table and metadata."""
    path = tmp_path_factory.mktemp("imsms") / "workflow.yaml"
    path.write_text(
        f"""
title: A small trial on a real stool table
question: Does the chain run on real profiles?
context_of_use: A test.
decision: None.
population:
  source: stool
  group: MS
  table: {os.path.relpath(TABLE, path.parent)}
  metadata: {os.path.relpath(PEOPLE, path.parent)}
  id_column: sample_id
  group_column: disease
  control: Control
arms:
  - {{name: placebo, therapy: placebo}}
  - {{name: inulin, therapy: inulin, dose: 12 g/day}}
design:
  participants: 12
  visits: [0, 4, 8]
primary: share_BIF
simulation: {{gut_worlds: 1, host_worlds: 1, replicates: 2}}
""",
        encoding="utf-8",
    )
    return read_workflow(path)


@pytest.fixture(scope="module")
def job(spec):
    """The whole job, without its report."""
    return run_job(spec, progress=False)


@pytest.fixture(scope="module")
def cohort(spec):
    """Where the subjects of that trial come from."""
    return cohort_of(spec.population, load(), spec.seed)


def test_candidates_are_profiles_of_people_with_ms_only(cohort):
    contrast, members = cohort.contrast, cohort.members
    table = read_profiles(TABLE, metadata=PEOPLE, id_column="sample_id", group_column="disease")
    groups = np.array(table.groups)
    assert len(members) == 366 - sum(
        status not in ("ok", "mapped_below_half")
        for status, group in zip(contrast.status, groups, strict=True)
        if group == "MS"
    )
    assert {*groups[members]} == {"MS"}
    expected = guild_contrast(table, "Control")
    assert np.array_equal(contrast.log_ratios, expected.log_ratios, equal_nan=True)


def test_the_trial_runs_on_real_profiles(cohort, job):
    assert cohort.profiles == len(cohort.members)
    assert job.facts["population"] == f"{cohort.profiles} stool profiles of the given table"
    subjects, visits = job.tables["observed_subjects"], job.tables["observed_visits"]
    assert len(subjects["subject"]) == 12
    assert len({*subjects["subject"].tolist()}) == 12
    shares = sum(visits[f"share_{guild}"] for guild in GUILD_IDS)
    np.testing.assert_allclose(shares, 1.0, atol=1e-6)  # shares are kept in single precision
    usable = [e == "ok" for e in job.tables["estimates"]["status"]]
    assert np.mean(usable) > 0.8


def test_subjects_carry_numbers_and_no_name_of_a_participant(job):
    names = set(
        read_profiles(TABLE, metadata=PEOPLE, id_column="sample_id", group_column="disease").sample_ids
    )
    for table in job.tables.values():
        for column in table.to_pydict().values():
            texts = {value for value in column if isinstance(value, str)}
            assert not texts & names
    assert not any(name in repr(job.report_input) for name in names)
