"""Stool tables: the same small table in every form, and hand-counted shares."""

import gzip

import numpy as np
import pytest

from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.population.stool.table import read_profiles, read_stool_table
from eubiosis.population.taxa import GUILDS

# hand-made, nobody's stool
ROWS = {
    "a": {"Bacteroides": 50, "Phocaeicola": 10, "Blautia": 30, "Sutterella": 10},
    "b": {"Bacteroides": 0, "Phocaeicola": 0, "Blautia": 20, "Sutterella": 180},
    "c": {"Bacteroides": 40, "Phocaeicola": 0, "Blautia": 40, "Sutterella": 0},
}
TAXA = list(ROWS["a"])


def write(path, cells, delimiter="\t"):
    path.write_text("\n".join(delimiter.join(str(c) for c in row) for row in cells) + "\n", encoding="utf-8")
    return path


def by_rows(rows=ROWS, scale=1.0):
    return [["id", *TAXA], *([k, *(row[t] * scale for t in TAXA)] for k, row in rows.items())]


def test_guild_sums_and_shares_are_those_counted_by_hand(tmp_path):
    table = read_profiles(write(tmp_path / "t.tsv", by_rows()))
    bac, bla = GUILDS.index("BAC"), GUILDS.index("BLA")
    assert table.scale == "counts"
    assert table.orientation == "samples_in_rows"
    assert table.guild_sums[:, bac].tolist() == [60, 0, 40]
    assert table.guild_sums[:, bla].tolist() == [30, 20, 40]
    assert table.depth.tolist() == [100, 200, 80]
    assert table.mapped_share.tolist() == [0.9, 0.1, 1.0]
    assert table.status == ("ok", "mapped_below_half", "ok")
    assert table.overall_mapped_share == pytest.approx(190 / 380)
    assert table.fractions[0, bac] == pytest.approx(60 / 90)
    assert [(t.name, t.share) for t in table.unmapped] == [("Sutterella", 190 / 380)]


@pytest.mark.parametrize("suffix", ["t.csv", "t.tsv", "t.csv.gz"])
def test_text_form_does_not_matter(tmp_path, suffix):
    wanted = read_profiles(write(tmp_path / "wanted.tsv", by_rows())).guild_sums
    path = write(tmp_path / suffix.removesuffix(".gz"), by_rows(), "," if ".csv" in suffix else "\t")
    if suffix.endswith(".gz"):
        packed = tmp_path / suffix
        packed.write_bytes(gzip.compress(path.read_bytes()))
        path = packed
    np.testing.assert_array_equal(read_profiles(path).guild_sums, wanted)


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path):
    text = "\r\n".join("\t".join(str(c) for c in row) for row in by_rows())
    (tmp_path / "t.tsv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_profiles(tmp_path / "t.tsv").sample_ids == ("a", "b", "c")


def test_fractions_and_percent_are_recognised(tmp_path):
    closed = {k: {t: v / sum(row.values()) for t, v in row.items()} for k, row in ROWS.items()}
    fractions = read_profiles(write(tmp_path / "f.tsv", by_rows(closed)))
    percent = read_profiles(write(tmp_path / "p.tsv", by_rows(closed, 100.0)))
    assert (fractions.scale, percent.scale) == ("fractions", "percent")
    np.testing.assert_allclose(fractions.fractions, percent.fractions)
    # half the smallest value above zero stands for half the detection limit
    np.testing.assert_allclose(fractions.detection_limit, [0.1, 0.1, 0.5])


def test_groups_come_from_the_metadata_in_the_order_of_the_table(tmp_path):
    path = write(tmp_path / "t.tsv", by_rows())
    meta = write(tmp_path / "m.csv", [["arm", "who"], ["z", "c"], ["y", "b"], ["x", "a"], ["x", "d"]], ",")
    table = read_profiles(path, metadata=meta, id_column="who", group_column="arm")
    assert table.groups == ("x", "y", "z")
    assert table.notes == ("metadata without a sample in the table: 1 line",)


def test_a_sample_outside_all_guilds_stays_with_its_status(tmp_path):
    rows = {**ROWS, "d": {"Bacteroides": 0, "Phocaeicola": 0, "Blautia": 0, "Sutterella": 7}}
    table = read_profiles(write(tmp_path / "t.tsv", by_rows(rows)))
    assert table.status[3] == "no_known_taxon"
    assert np.isnan(table.fractions[3]).all()
    assert table.usable.tolist() == [True, True, True, False]


def test_an_empty_sample_is_a_finding_and_stays_in_the_table(tmp_path):
    rows = {**ROWS, "d": dict.fromkeys(TAXA, 0)}
    findings = FindingCollector()
    table = read_stool_table(write(tmp_path / "t.tsv", by_rows(rows)), findings)
    assert table is not None
    assert table.status[3] == "empty"
    assert [f.place for f in findings.findings] == ["sample d"]


def test_orientation_can_be_said(tmp_path):
    cells = [["", "Bacteroides", "Blautia"], ["Roseburia", "1", "2"], ["Dorea", "3", "4"]]
    path = write(tmp_path / "t.tsv", cells)
    with pytest.raises(FindingsError, match="as many known taxa"):
        read_profiles(path)
    assert read_profiles(path, orientation="samples_in_columns").sample_ids == ("Bacteroides", "Blautia")


def test_a_named_scale_is_checked(tmp_path):
    path = write(tmp_path / "t.tsv", by_rows())
    with pytest.raises(FindingsError, match="3 samples above what fractions can add up to"):
        read_profiles(path, scale="fractions")
    assert read_profiles(path, scale="counts").scale == "counts"


def test_a_rank_above_genus_beside_its_genera_is_a_finding(tmp_path):
    cells = [["id", "f__Lachnospiraceae", "f__Lachnospiraceae;g__Dorea"], ["a", "5", "3"]]
    with pytest.raises(FindingsError, match="would count twice"):
        read_profiles(write(tmp_path / "t.tsv", cells))


def test_an_unnamed_genus_beside_named_ones_of_its_family_is_none(tmp_path):
    cells = [["id", "f__Lachnospiraceae;g__", "f__Lachnospiraceae;g__Dorea"], ["a", "5", "3"]]
    table = read_profiles(write(tmp_path / "t.tsv", cells))
    assert table.guild_sums[0, GUILDS.index("BLA")] == 8


def test_a_table_with_hardly_known_names_says_so(tmp_path):
    rows = {k: {**row, "Sutterella": 10_000} for k, row in ROWS.items()}
    table = read_profiles(write(tmp_path / "t.tsv", by_rows(rows)))
    assert "only 1% of all reads are in a guild" in table.notes[0]


def test_fractions_of_a_part_of_the_sample_are_said_to_be(tmp_path):
    cells = [["id", "Blautia", "Dorea"], ["a", "0.25", "0.25"], ["b", "0.3", "0.1"]]
    table = read_profiles(write(tmp_path / "t.tsv", cells))
    assert table.scale == "fractions"
    assert table.notes == (
        "samples add up to 0.45 of 1 (median): the mapped share is of what the table holds",
    )


@pytest.mark.parametrize(
    ("rows", "scale"),
    [
        ([[30, 70], [1, 99]], "percent"),
        ([[30, 70], [2, 99]], "percent"),
        ([[30, 70], [30, 90]], "counts"),
        ([[1, 0], [0, 1]], "counts"),
        ([[0.5, 0.5], [1, 0]], "fractions"),
        ([[33.3, 66.7], [60, 40]], "percent"),
        ([[1000.5, 3], [700.25, 2]], "counts"),
    ],
)
def test_scales_are_told_apart_by_their_sums(tmp_path, rows, scale):
    cells = [["id", "Blautia", "Dorea"], *([f"s{k}", *row] for k, row in enumerate(rows))]
    assert read_profiles(write(tmp_path / "t.tsv", cells)).scale == scale


def test_platforms_are_carried_along(tmp_path):
    table = read_profiles(write(tmp_path / "t.tsv", by_rows()), platform="16S V4, Greengenes")
    assert table.platform == "16S V4, Greengenes"
