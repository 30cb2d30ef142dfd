"""Tables are closed: an unknown or missing column, a short row or a bad cell is a finding, all at once."""

from typing import Literal

import pytest

from eubiosis.core.findings import FindingCollector
from eubiosis.core.tables import TableRow, check_unique, display_name, read_table, write_table


class Fruit(TableRow):
    """A row for these tests."""

    id: str
    mass: float
    colour: Literal["red", "green"]
    note: str = ""


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "fruit.tsv"
    path.write_bytes(text.encode(encoding))
    collector = FindingCollector()
    return read_table(path, Fruit, collector), collector.findings


def test_a_good_table_is_read_and_empty_cells_take_their_defaults(tmp_path):
    rows, findings = read(tmp_path, "id\tmass\tcolour\tnote\napple\t1.5\tred\t\n\n pear \t 2\tgreen\tripe\n")
    assert findings == []
    assert [(r.id, r.mass, r.colour, r.note) for r in rows] == [
        ("apple", 1.5, "red", ""),
        ("pear", 2.0, "green", "ripe"),
    ]


def test_an_unknown_column_names_the_nearest_and_a_missing_one_is_named_too(tmp_path):
    rows, findings = read(tmp_path, "id\tmas\tcolour\napple\t1\tred\n")
    assert rows == []
    assert len(findings) == 2
    assert all(f.place == "header" and f.file.endswith("fruit.tsv") for f in findings)
    assert 'column "mas" is unknown; nearest "mass"' in findings[0].problem
    assert findings[0].allowed == "id, mass, colour, note"
    assert findings[0].next_step
    assert findings[1].problem == 'column "mass" is missing'


def test_every_bad_row_is_reported_and_the_good_ones_are_kept(tmp_path):
    text = "id\tmass\tcolour\napple\theavy\tred\npear\t1\npear\t1\tblue\nplum\t\tred\nfig\t2\tgreen\n"
    rows, findings = read(tmp_path, text)
    assert [r.id for r in rows] == ["fig"]
    assert [f.place for f in findings] == [
        "line 2 (apple), column mass",
        "line 3",
        "line 4 (pear), column colour",
        "line 5 (plum), column mass",
    ]
    assert "heavy" in findings[0].problem
    assert findings[1].problem == "2 cells"
    assert findings[1].allowed.startswith("3 ")
    assert findings[2].problem == '"blue" is unknown'
    assert "red" in findings[2].allowed
    assert "green" in findings[2].allowed
    assert findings[3].problem == "the cell is empty"


def test_two_bad_cells_of_one_row_are_two_findings(tmp_path):
    _, findings = read(tmp_path, "id\tmass\tcolour\napple\theavy\tblue\n")
    assert {f.place for f in findings} == {"line 2 (apple), column mass", "line 2 (apple), column colour"}


def test_a_missing_file_and_one_in_another_encoding_are_findings(tmp_path):
    collector = FindingCollector()
    assert read_table(tmp_path / "none.tsv", Fruit, collector) == []
    assert "missing" in collector.findings[0].problem
    assert collector.findings[0].next_step
    _, findings = read(tmp_path, "id\tmass\tcolour\nÄpfel\t1\tred\n", encoding="latin-1")
    assert findings[0].problem == "not UTF-8 text"
    assert findings[0].place == "byte 15"


def test_an_empty_file_is_reported_as_missing_columns(tmp_path):
    rows, findings = read(tmp_path, "")
    assert rows == []
    assert {f.problem for f in findings} == {f'column "{c}" is missing' for c in ("id", "mass", "colour")}


def test_a_written_table_reads_back_the_same(tmp_path):
    rows = [
        Fruit(id="apple", mass=0.1 + 0.2, colour="red"),
        Fruit(id="fig", mass=1e-17, colour="green", note="a b"),
    ]
    path = tmp_path / "out.tsv"
    write_table(path, rows, tuple(Fruit.model_fields))
    collector = FindingCollector()
    assert read_table(path, Fruit, collector) == rows
    assert collector.findings == []


def test_a_key_that_occurs_twice_is_found_with_both_places():
    collector = FindingCollector()
    check_unique([("a", "line 2"), ("b", "line 3"), ("a", "line 4")], "f.tsv", "fruit", collector)
    assert [(f.place, f.problem) for f in collector.findings] == [
        ("line 4", 'fruit "a" occurs twice (first: line 2)')
    ]


def test_content_files_are_named_from_the_content_folder(tmp_path):
    assert display_name(tmp_path / "content" / "models" / "gut.ant") == "content/models/gut.ant"


def test_rows_are_frozen():
    row = Fruit(id="apple", mass=1, colour="red")
    with pytest.raises(ValueError, match="frozen"):
        row.mass = 2
