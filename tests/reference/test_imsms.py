"""The iMSMS cohort beside the repository: mapped share, and the packaged summaries recomputed.

No value of a single person is printed or compared here.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from eubiosis.population.contrast import guild_contrast
from eubiosis.population.reference import load_reference
from eubiosis.population.stool.table import read_profiles

ROOT = Path(__file__).resolve().parents[2]
COHORT = ROOT.parent / "shared" / "cohorts" / "ms_imsms_2022"

pytestmark = pytest.mark.skipif(
    not (COHORT / "genus_counts.tsv.gz").exists(),
    reason="the iMSMS cohort is not at ../shared/cohorts/ms_imsms_2022; it is not part of the repository",
)


@pytest.fixture(scope="module")
def summarise():
    path = ROOT / "validation" / "ms_imsms_2022" / "summarise.py"
    spec = importlib.util.spec_from_file_location("summarise_ms_imsms_2022", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table():
    return read_profiles(
        COHORT / "genus_counts.tsv.gz",
        metadata=COHORT / "metadata.tsv",
        id_column="sample_id",
        group_column="disease",
    )


def test_the_taxa_table_maps_85_percent_of_the_reads(table):
    assert len(table.sample_ids) == 732
    assert table.overall_mapped_share >= 0.85
    assert np.median(table.mapped_share) >= 0.85
    groups = np.array(table.groups)
    for group in ("MS", "Control"):
        members = groups == group
        assert table.guild_sums[members].sum() / table.depth[members].sum() >= 0.85


def test_methanobrevibacter_is_the_guild_that_is_not_observed(table):
    contrast = guild_contrast(table, "Control")
    assert contrast.not_observed() == ("MET",)
    assert contrast.status.count("too_shallow") == 0


def test_packaged_summaries_agree_with_a_recomputation(summarise):
    for name, rows in summarise.summarise(COHORT).items():
        assert summarise.packaged_lines(name) == summarise.table_lines(rows), name


def test_the_packaged_contrast_is_the_mean_of_the_people_with_ms(table):
    contrast = guild_contrast(table, "Control")
    ms = np.array([group == "MS" for group in table.groups])
    packaged = load_reference().contrasts["MS"]
    np.testing.assert_allclose(contrast.log_ratios[ms].mean(axis=0), packaged, atol=0.011)
