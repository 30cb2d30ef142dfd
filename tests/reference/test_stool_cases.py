"""Stool tables in the layouts that other tools write, beside the repository: what each must give.

The tables are made up; their right behaviour stands in the README beside them.
"""

from pathlib import Path

import numpy as np
import pytest

from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.population.stool.table import read_profiles, read_stool_table
from eubiosis.population.taxa import GUILDS

SHARED = Path(__file__).resolve().parents[3] / "shared"
CASES = SHARED / "stool_cases"

pytestmark = pytest.mark.skipif(
    not CASES.is_dir(), reason="the made stool tables are not at ../shared/stool_cases; they are not packaged"
)


def sums(table, guild):
    return table.guild_sums[:, GUILDS.index(guild)].tolist()


def test_01_reads_above_genus_are_exclusive():
    table = read_profiles(CASES / "01_truncated_lineages.tsv")
    assert table.depth.tolist() == [745, 533, 622]
    assert sums(table, "BLA") == [500, 400, 300]


def test_02_lines_of_one_lineage_are_added_up_and_said():
    table = read_profiles(CASES / "02_one_lineage_per_asv.tsv")
    assert sums(table, "BLA") == [55, 33, 22]
    assert any("added up" in note for note in table.notes)


@pytest.mark.parametrize(
    ("name", "guild", "expected"),
    [
        ("03_otu_id_and_taxonomy_column.txt", "BLA", [5, 3, 2]),
        ("04_rank_columns.csv", "BLA", [9, 7, 6]),  # the second line is Lachnospiraceae without a genus
        ("05_write_table.txt", "BLA", [5, 3, 2]),
        ("06_metaphlan_merged.tsv", "BLA", [60, 40]),
        ("08_gtdb.tsv", "BLA", [55, 46, 37]),
        ("08_gtdb.tsv", "RUM", [20, 10, 5]),
        ("09_unc_in_brackets.tsv", "BLA", [59, 49, 39]),
        ("10_mothur_confidence.tsv", "ROS", [5, 4, 3]),
        ("14_ncbi_id_column.tsv", "ROS", [200, 900]),
        ("15_semicolon.csv", "BLA", [5, 3]),
    ],
)
def test_layouts_are_read(name, guild, expected):
    assert sums(read_profiles(CASES / name), guild) == expected


def test_06_the_rank_that_was_taken_is_said():
    assert any(
        "rank genus is taken" in note for note in read_profiles(CASES / "06_metaphlan_merged.tsv").notes
    )


def test_07_species_fall_back_on_their_genus_and_the_share_is_said():
    table = read_profiles(CASES / "07_species_names.tsv")
    assert table.share_by_rule["species"] == pytest.approx(1.0)
    assert sums(table, "ROS") == [10, 20]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("11_log10_table.tsv", "look like logarithms"),
        ("12_total_column.tsv", "sum of the other samples"),
        ("13_numeric_metadata_columns.csv", "metadata among the taxa"),
        ("16_blank_cells.tsv", "without a value"),
    ],
)
def test_what_is_not_a_table_of_reads_is_a_finding(name, said):
    findings = FindingCollector()
    read_stool_table(CASES / name, findings)
    assert any(said in finding.problem for finding in findings.findings)


def test_13_and_16_the_next_step_of_the_finding_works():
    assert read_profiles(CASES / "13_numeric_metadata_columns.csv", ignore=["age", "BMI"]).depth[0] == 800
    assert read_profiles(CASES / "16_blank_cells.tsv", blanks="zero").depth.tolist() == [5, 8]
    with pytest.raises(FindingsError, match="--blanks zero"):
        read_profiles(CASES / "16_blank_cells.tsv")


def test_17_a_group_column_is_the_group():
    assert read_profiles(CASES / "17_group_column.csv").groups == ("case", "control")


COHORTS = [
    ("ms_imsms_2022/genus_counts.tsv.gz", 0.95),
    ("int_baxter_2019_fibers/relative_abundance.tsv.gz", 0.90),
    ("int_tap_2015_fiber_crossover/genus_counts.tsv.gz", 0.90),
    ("int_weingarden_2015_fmt_cdi/genus_counts.tsv.gz", 0.90),
    ("scfa_quinnbohmann_2024_exvivo/studyB_genus_percent.tsv", 0.90),
    ("scfa_quinnbohmann_2024_exvivo/studyC_genus_reads.tsv.gz", 0.90),
]


@pytest.mark.parametrize(("name", "least"), COHORTS)
def test_nine_reads_in_ten_of_the_cohorts_are_assigned_or_left_out_on_purpose(name, least):
    path = SHARED / "cohorts" / name
    if not path.exists():
        pytest.skip(f"the cohort is not at ../shared/cohorts/{name}; it is not part of the repository")
    findings = FindingCollector()
    table = read_stool_table(path, findings)
    assert table is not None, findings.findings
    assert sum(table.share_by_rule.values()) >= least
    assert np.nanmax(table.mapped_share) <= 1 + 1e-9
