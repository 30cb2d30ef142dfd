"""The table type: what goes in comes out, with kinds, units and gaps; what cannot go in is said."""

import enum
import math
import pickle
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eubiosis.core.columns import Column, TableSchema
from eubiosis.core.findings import FindingsError
from eubiosis.core.frame import Table, UnknownColumnError

SCRIPT = "<script>alert(1)</script>"
SCHEMA = TableSchema(
    "visits",
    (
        Column("subject", "Number of the subject", kind="count", unit="-", cdisc="USUBJID"),
        Column("arm", "Arm", kind="text", coding={"placebo": "control", "inulin": "12 g/day"}),
        Column("mfis", "Fatigue", unit="points"),
        Column("seen", "Whether the visit took place", kind="flag", optional=True),
    ),
    meaning="Visits",
    row="one visit",
)


def visits(**changes):
    columns = {"mfis": [38, None, 41.5], "subject": [1, 1, 2], "arm": ["placebo", "placebo", "inulin"]}
    return Table({**columns, **changes}, schema=SCHEMA, notes={"origin": "simulated"})


def test_a_schema_gives_order_kind_unit_and_meaning():
    table = visits()
    assert table.columns == ("subject", "arm", "mfis")
    assert table.shape == (3, 3)
    assert len(table) == 3
    assert table["subject"].dtype == np.int64
    assert table["mfis"].tolist()[::2] == [38.0, 41.5]
    assert math.isnan(table["mfis"][1])
    assert table.units == {"subject": "-", "mfis": "points"}
    assert table.schema["arm"].coding["inulin"] == "12 g/day"
    assert repr(table) == "Table visits: 3 rows x 3 columns (subject, arm, mfis [points])"


def test_every_finding_of_a_bad_table_is_told_at_once():
    with pytest.raises(FindingsError) as caught:
        Table(
            {"subject": [1.5], "arm": ["inulim"], "mfis": ["high"], "mfiss": [1.0], "seen": [1]},
            schema=SCHEMA,
        )
    text = str(caught.value)
    assert "visits: 5 findings" in text
    assert 'column "mfiss" is unknown; nearest "mfis"' in text
    assert "subject: holds real numbers; allowed: whole numbers" in text
    assert '"inulim" is unknown; nearest "inulin"; allowed: placebo, inulin' in text
    assert "mfis: holds text; allowed: real numbers" in text
    assert "seen: holds whole numbers; allowed: true or false" in text


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": [1, 2], "b": [1]}, "columns of different lengths: a 2, b 1"),
        ({"a": [[1], [2]]}, "values of type list"),
        ({"a": np.zeros((2, 3))}, "shape (2, 3); allowed: one value for each row"),
        ({"a": [1, "x"]}, "values of different or unknown kinds"),
        ({"a": [b"x"]}, "values of type binary"),
        ({"a": np.array([1, 2**64 - 1], dtype=np.uint64)}, "cannot be kept exactly"),
        ({"a": [1j]}, "values of different or unknown kinds"),
    ],
)
def test_values_that_are_no_column_are_refused(columns, said):
    with pytest.raises(FindingsError) as caught:
        Table(columns)
    assert said in str(caught.value)


def test_a_missing_column_and_a_wrong_unit_name_are_findings():
    with pytest.raises(FindingsError, match="subject: the column is missing"):
        Table({"arm": ["inulin"], "mfis": [1.0]}, schema=SCHEMA)
    with pytest.raises(FindingsError, match='column "mfsi" is unknown; nearest "mfis"'):
        Table({"mfis": [1.0]}, units={"mfsi": "points"})


def test_kinds_are_kept():
    class Word(enum.StrEnum):
        OK = "ok"

    table = Table(
        {
            "real": np.array([1.5, np.nan]),
            "small": np.array([1.5, 2.0], dtype=np.float32),
            "whole": np.array([1, 2], dtype=np.int32),
            "gap": [1, None],
            "flag": np.array([True, False]),
            "maybe": [True, None],
            "text": np.array(["a", "é"]),
            "hole": ["a", None],
            "word": [Word.OK, Word.OK],
            "day": np.array(["2026-11-29", "NaT"], dtype="datetime64[D]"),
            "infinite": [-math.inf, math.inf],
        }
    )
    kinds = {column.name: column.kind for column in table.schema.columns}
    assert kinds == {
        "real": "number", "small": "number", "whole": "count", "gap": "count", "flag": "flag",
        "maybe": "flag", "text": "text", "hole": "text", "word": "text", "day": "date", "infinite": "number",
    }  # fmt: skip
    assert table["text"].dtype.kind == "U"
    assert table["hole"].tolist() == ["a", None]
    assert table.texts("hole") == ("a", "")
    assert table["maybe"].tolist() == [True, None]
    assert np.isnan(table.numbers("gap")[1])
    assert np.isnan(table.numbers("maybe")[1])
    assert np.isnat(table["day"][1])
    assert table["infinite"].tolist() == [-math.inf, math.inf]
    with pytest.raises(TypeError, match='column "text" holds text'):
        table.numbers("text")


def test_nan_is_null_in_arrow_so_that_no_filter_depends_on_row_groups():
    table = Table({"x": [1.0, math.nan]})
    assert table.to_arrow().column("x").null_count == 1
    assert Table.from_arrow(pa.table({"x": [1.0, math.nan]})) == table


def test_nothing_can_be_changed():
    table = visits()
    with pytest.raises(AttributeError, match="cannot be changed"):
        table.rows = 3
    with pytest.raises(TypeError):
        table["mfis"] = [1, 2, 3]
    for name in table.columns:
        with pytest.raises(ValueError, match="read-only"):
            table[name][0] = table[name][0]
    with pytest.raises(TypeError):
        hash(table)


def test_an_unknown_column_is_told_with_the_nearest():
    with pytest.raises(UnknownColumnError) as caught:
        visits()["mfiss"]
    assert str(caught.value) == (
        'table visits has no such column: "mfiss" is unknown; nearest "mfis"; allowed: subject, arm, mfis'
    )
    for ask in (lambda t: t.select("arms"), lambda t: t.filter(arms=1), lambda t: t.texts("arms")):
        with pytest.raises(KeyError, match="arms"):
            ask(visits())


def test_rows_and_columns_are_picked():
    table = visits()
    assert table.filter(arm="placebo")["subject"].tolist() == [1, 1]
    assert table.filter(table["subject"] == 2, arm="inulin").to_pydict() == {
        "subject": [2], "arm": ["inulin"], "mfis": [41.5],
    }  # fmt: skip
    assert len(table.filter(arm=5)) == 0
    assert len(table.filter(mfis=math.nan)) == 0
    assert table.take([2, 0])["subject"].tolist() == [2, 1]
    assert table.head(1)["mfis"].tolist() == [38.0]
    assert table.select("mfis", "arm").columns == ("mfis", "arm")
    assert table.select("mfis").units == {"mfis": "points"}
    assert dict(table).keys() == {"subject", "arm", "mfis"}
    for mask in ([True], [1, 0, 1]):
        with pytest.raises(ValueError, match="a mask of"):
            table.filter(mask)
    with pytest.raises(IndexError):
        table.take([3])


def test_a_column_is_added_or_replaced_with_its_unit():
    table = visits().with_column(Column("age", "Age", unit="year"), [30.5, 30.5, 41])
    assert table.columns[-1] == "age"
    assert table.units["age"] == "year"
    changed = table.with_column(Column("mfis", "Fatigue", unit="%"), [1, 2, 3])
    assert changed.columns == table.columns
    assert changed.units["mfis"] == "%"
    assert Table.from_arrow(changed.to_arrow()).units == changed.units
    with pytest.raises(FindingsError, match="2 values; allowed: 3"):
        table.with_column("x", [1, 2])


def test_tables_of_the_same_columns_are_put_together():
    table = visits()
    both = Table.concat([table, table.take([1])])
    assert both["subject"].tolist() == [1, 1, 2, 1]
    assert both.schema == table.schema
    assert both.notes == {"origin": "simulated"}
    other = Table({"subject": [1], "arm": ["a"], "mfis": [2.0]}, units={"subject": "-", "mfis": "%"})
    with pytest.raises(ValueError, match="table 1 has other columns than table 0"):
        Table.concat([table, other])
    with pytest.raises(ValueError, match="no tables"):
        Table.concat([])


def test_equality_asks_for_values_kinds_and_units():
    assert visits() == visits()
    assert visits() != visits(mfis=[38, None, 42])
    assert visits() != visits(mfis=[38, 0, 41.5])
    assert Table({"x": [1]}) != Table({"x": [1.0]})
    assert Table({"x": [1.0]}) != Table({"x": [1.0]}, units={"x": "mM"})
    assert Table({"x": [1.0]}) != "x"


def test_parquet_keeps_values_units_meanings_codings_and_notes(tmp_path):
    folder = tmp_path / "arm=placebo"  # no column comes of a folder's name
    folder.mkdir()
    table = visits(seen=[True, False, None])
    table.write_parquet(folder / "visits.parquet")
    back = Table.read_parquet(folder / "visits.parquet")
    assert back == table
    assert back.schema.columns == tuple(
        Column(c.name, c.meaning, c.kind, c.unit, c.coding, c.cdisc) for c in table.schema.columns
    )
    assert back.notes == {"origin": "simulated"}
    assert (back.name, back.schema.meaning, back.schema.row) == ("visits", "Visits", "one visit")
    metadata = pq.read_schema(folder / "visits.parquet").metadata
    assert metadata[b"units"] == b'{"subject": "-", "mfis": "points"}'
    assert metadata[b"table"] == b"visits"
    assert table.to_parquet() == back.to_parquet()
    with pytest.raises(FileExistsError):
        table.write_parquet(folder / "visits.parquet")


def test_a_file_that_is_no_table_is_a_finding(tmp_path):
    with pytest.raises(FindingsError, match="the file is missing"):
        Table.read_parquet(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("not parquet at all", encoding="utf-8")
    with pytest.raises(FindingsError, match="no parquet file that can be read"):
        Table.read_parquet(tmp_path / "text.parquet")
    (tmp_path / "whole.parquet").write_bytes(visits().to_parquet())
    cut = (tmp_path / "whole.parquet").read_bytes()[:-30]
    (tmp_path / "cut.parquet").write_bytes(cut)
    with pytest.raises(FindingsError, match="no parquet file that can be read"):
        Table.read_parquet(tmp_path / "cut.parquet")


def test_arrow_of_others_is_taken_in():
    arrow = pa.table(
        {
            "group": pa.array(["MS", "HC", "MS"]).dictionary_encode(),
            "n": pa.array([1, 2, 3], pa.uint8()),
            "big": pa.array(["a", None, "c"], pa.large_string()),
        }
    )
    table = Table.from_arrow(arrow, name="people")
    assert table.to_pydict() == {"group": ["MS", "HC", "MS"], "n": [1, 2, 3], "big": ["a", None, "c"]}
    empty = Table.from_arrow(arrow.slice(0, 0))
    assert empty.shape == (0, 3)
    assert [c.kind for c in empty.schema.columns] == ["text", "count", "text"]
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(FindingsError, match="there twice"):
        Table.from_arrow(twice)
    assert pa.table(table).num_rows == 3  # through the C stream


def test_pandas_gets_the_columns_and_the_units():
    frame = visits(seen=[True, False, True]).to_pandas()
    assert frame["mfis"].isna().tolist() == [False, True, False]
    assert frame["subject"].tolist() == [1, 1, 2]
    assert frame.attrs == {"table": "visits", "units": {"subject": "-", "mfis": "points"}}


def test_without_pandas_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("eubiosis.core.frame.find_spec", lambda _: None)
    with pytest.raises(ImportError, match="pip install pandas"):
        visits().to_pandas()


def test_html_is_well_formed_escaped_and_has_a_figure_for_numbers_only():
    table = Table(
        {"<i>": [SCRIPT, "b"], "x": [1.0, 3.0], "one": [2, 2], "none": [math.nan, math.inf]},
        name="a & b",
        units={"x": "<mM>"},
    )  # fmt: skip
    html = table._repr_html_()
    assert "<script>" not in html
    root = ET.fromstring(html)
    assert len(root.findall(".//svg")) == 2
    assert [cell.text for cell in root.findall(".//tbody/tr/td")][:3] == [
        "<script>alert(1)</script>",
        "1",
        "2",
    ]
    assert root.find(".//svg").get("aria-label") == "x: 1 to 3"


def test_a_large_table_is_shown_in_part():
    table = Table({f"c{k}": np.arange(100.0) for k in range(20)})
    root = ET.fromstring(table._repr_html_())
    assert len(root.findall(".//tbody/tr")) == 8
    assert "92 more rows; more columns: c12" in "".join(root.itertext())


def test_a_table_travels_between_processes():
    table = visits()
    there = pickle.loads(pickle.dumps(table))  # noqa: S301
    assert there == table
    assert there.schema == table.schema


def test_no_library_of_tables_is_loaded_before_the_first_table():
    code = "import sys, eubiosis.core.frame; print([m for m in ('pyarrow', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


CELLS = {
    "number": st.one_of(st.none(), st.floats(allow_nan=False)),
    "count": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    "flag": st.one_of(st.none(), st.booleans()),
    "text": st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]))),
}


@given(st.data(), st.integers(0, 6))
def test_what_goes_in_comes_out(data, rows):
    schema = TableSchema("t", tuple(Column(kind, kind=kind) for kind in CELLS))
    columns = {kind: data.draw(st.lists(cell, min_size=rows, max_size=rows)) for kind, cell in CELLS.items()}
    table = Table(columns, schema=schema)
    assert table.to_pydict() == columns
    assert Table.from_arrow(pq.read_table(pa.BufferReader(table.to_parquet()))) == table


@given(st.lists(st.text(st.characters(categories=["L", "N", "P", "S"])), min_size=1, max_size=4))
def test_html_shows_any_text_as_it_is(texts):
    root = ET.fromstring(Table({"a": texts}, name=texts[0])._repr_html_())
    assert [cell.text or "" for cell in root.findall(".//tbody/tr/td")] == texts
