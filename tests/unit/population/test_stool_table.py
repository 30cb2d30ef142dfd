"""Stool tables: the same small table in every form, and hand-counted shares."""

import bz2
import gzip
import lzma
import zipfile

import numpy as np
import pytest

from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.population.stool.table import read_profiles, read_stool_table
from eubiosis.population.stool.unpack import open_table
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


def test_a_rank_above_genus_is_exclusive_unless_it_repeats_what_lies_below(tmp_path):
    cells = [["id", "f__Lachnospiraceae", "f__Lachnospiraceae;g__Dorea", "f__Lachnospiraceae;g__Blautia"]]
    own = read_profiles(write(tmp_path / "own.tsv", [*cells, ["a", 5, 3, 4], ["b", 7, 3, 4]]))
    assert own.depth.tolist() == [12, 14]
    assert own.notes == ()
    same = read_profiles(write(tmp_path / "same.tsv", [*cells, ["a", 7, 3, 4], ["b", 9, 3, 6]]))
    assert same.depth.tolist() == [7, 9]
    assert "repeat the reads below them" in same.notes[0]


def test_a_taxon_on_several_lines_is_added_up(tmp_path):
    table = read_profiles(write(tmp_path / "t.tsv", [["id", "Blautia", "g__Blautia"], ["a", 1, 2]]))
    assert table.guild_sums[0, GUILDS.index("BLA")] == 3
    assert "added up" in table.notes[0]


@pytest.mark.parametrize("text", ["genus;P1;P2\nBlautia;0,25;0,5\nDorea;0,75;0,5\n",
                                  "P1 P2\nBlautia 0.25 0.5\nDorea 0.75 0.5\n",
                                  '"P1","P2"\n"Blautia",0.25,0.5\n"Dorea",0.75,0.5\n'])  # fmt: skip
def test_semicolons_decimal_commas_and_headers_one_cell_short_are_read(tmp_path, text):
    (tmp_path / "t.txt").write_text(text)
    table = read_profiles(tmp_path / "t.txt")
    assert table.sample_ids == ("P1", "P2")
    assert table.guild_sums[:, GUILDS.index("BLA")].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("pack", "ending"), [(bz2.compress, "bz2"), (lzma.compress, "xz")])
def test_packed_tables_are_read(tmp_path, pack, ending):
    plain = write(tmp_path / "t.tsv", by_rows())
    packed = tmp_path / f"t.tsv.{ending}"
    packed.write_bytes(pack(plain.read_bytes()))
    assert read_profiles(packed).sample_ids == ("a", "b", "c")


def test_a_zip_of_one_table_is_read_and_of_two_is_refused(tmp_path):
    plain = write(tmp_path / "t.tsv", by_rows())
    for members in (["t.tsv"], ["t.tsv", "u.tsv"]):
        with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
            for member in members:
                archive.write(plain, member)
        if len(members) == 1:
            assert read_profiles(tmp_path / "t.zip").sample_ids == ("a", "b", "c")
        else:
            with pytest.raises(FindingsError, match="an archive of 2 files"):
                read_profiles(tmp_path / "t.zip")


def test_what_unpacks_to_more_than_the_limit_is_refused_before_it_is_held(tmp_path):
    packed = tmp_path / "t.gz"
    packed.write_bytes(gzip.compress(bytes(3_000_000)))
    findings = FindingCollector()
    assert open_table(packed, findings, most=1_000_000) is None
    assert "more than 1,000,000 bytes" in findings.findings[0].problem


def test_blanks_are_zero_only_when_told(tmp_path):
    path = write(tmp_path / "t.tsv", [["id", "Blautia", "Dorea"], ["a", 5, ""], ["b", "", 7]])
    with pytest.raises(FindingsError, match="without a value"):
        read_profiles(path)
    table = read_profiles(path, blanks="zero")
    assert table.depth.tolist() == [5, 7]
    assert table.notes[0] == "2 blank cells taken as zero"


def test_a_column_can_be_left_out(tmp_path):
    path = write(tmp_path / "t.tsv", [["id", "age", "Blautia"], ["a", 40, 5], ["b", 50, 7]])
    with pytest.raises(FindingsError, match="metadata among the taxa"):
        read_profiles(path)
    assert read_profiles(path, ignore=["age"]).depth.tolist() == [5, 7]
    with pytest.raises(FindingsError, match='"sex" to be ignored is not there'):
        read_profiles(path, ignore=["age", "sex"])


@pytest.mark.parametrize(
    "text",
    [
        "Feature ID\tTaxon\tConfidence\notu1\tk__Bacteria; g__Blautia\t0.9\notu2\tg__Sutterella\t0.8\n",
        "OTU\tSize\tTaxonomy\notu1\t9\tBacteria(100);Blautia(98);\notu2\t9\tBacteria(100);Sutterella(90);\n",
        '"","Kingdom","Genus"\n"otu1","Bacteria","Blautia"\n"otu2","Bacteria","Sutterella"\n',
    ],
)
def test_a_second_file_names_the_features(tmp_path, text):
    table = write(tmp_path / "t.tsv", [["#OTU ID", "a", "b"], ["otu1", 5, 6], ["otu2", 1, 1]])
    (tmp_path / "tax.txt").write_text(text)
    found = read_profiles(table, taxonomy=tmp_path / "tax.txt")
    assert found.guild_sums[:, GUILDS.index("BLA")].tolist() == [5, 6]
    assert found.mapped_share.tolist() == [5 / 6, 6 / 7]
    (tmp_path / "tax.txt").write_text(text.replace("otu2", "otu9"))
    with pytest.raises(FindingsError, match="1 of 2 features are not in the taxonomy"):
        read_profiles(table, taxonomy=tmp_path / "tax.txt")


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
    with pytest.raises(FindingsError, match=r"add up to 0\.45 \(median\), to neither 1 nor 100"):
        read_profiles(write(tmp_path / "t.tsv", cells))
    table = read_profiles(write(tmp_path / "t.tsv", cells), scale="fractions")
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
