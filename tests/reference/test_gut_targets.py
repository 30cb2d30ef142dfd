"""Targets and folds that come from cohorts, recomputed from them where they lie beside the repository."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COHORTS = ROOT.parent / "shared" / "cohorts"

pytestmark = pytest.mark.skipif(
    not COHORTS.is_dir(),
    reason="the cohorts are not at ../shared/cohorts; they are not part of the repository",
)


def test_the_tables_say_what_the_cohorts_give():
    spec = importlib.util.spec_from_file_location(
        "cohort_targets", ROOT / "validation/gut_refit/cohort_targets.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.disagreements() == []
