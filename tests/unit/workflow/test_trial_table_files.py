"""Reading a real trial's table: dialects of CSV, Parquet, and XPT made byte by byte."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.core.frame import Table
from eubiosis.workflow.files.trial_table import read_trial_table

NUMBERS = {  # IBM floating point as the literature prints it: -118.625 is C276A000
    0.0: "0000000000000000",
    1.0: "4110000000000000",
    -118.625: "C276A00000000000",
    0.15625: "4028000000000000",
    100.0: "4264000000000000",
    math.nan: "2E00000000000000",
}


def refused(path: Path) -> str:
    with pytest.raises(FindingsError) as caught:
        read_trial_table(path)
    return str(caught.value)


def written(folder: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "id,mfis\nP1,3\nP2,\n",
        "\ufeffid,mfis\nP1,3\nP2,\n",
        "id;mfis\r\nP1;3\r\nP2;\r\n",
        "id\tmfis\nP1\t3\n\nP2\t\n",
        "sep=;\nid;mfis\nP1;3\nP2;\n",
        '"id","mfis"\n"P1","3"\n"P2",""',
        " id , mfis \nP1,3\nP2,\n",
    ],
)
def test_dialects_are_one_table(text: str, tmp_path: Path) -> None:
    read = read_trial_table(written(tmp_path, text))
    assert read.table.to_pydict() == {"id": ["P1", "P2"], "mfis": ["3", ""]}
    assert read.place_word == "line"


def test_lines_are_those_of_the_file_with_empty_lines_and_breaks_inside_quotes(tmp_path: Path) -> None:
    read = read_trial_table(written(tmp_path, 'id,note\n\nP1,"two\nlines"\nP2,x\n'))
    assert read.places.tolist() == [3, 5]
    assert read.table.texts("note") == ("two\nlines", "x")


def test_a_column_without_a_name_is_named_by_its_place(tmp_path: Path) -> None:
    read = read_trial_table(written(tmp_path, '"","y"\n"1",2\n'))
    assert read.table.columns == ("column 1", "y")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"id,mfis\n", "the table has no rows"),
        ("id,mfis\nP1,3\n".encode("utf-16"), "UTF-16 text"),
        ("id,mfis\nP1,3\nP\xe9,4\n".encode("latin-1"), "line 3: not UTF-8 text (byte 0xe9)"),
        (b"id,mfis\nP1,\x00\n", "line 2: a NUL character"),
        (b"id,mfis\nP1,3,4\nP2\n", "line 2: 3 cells; allowed: 2"),
        (b"id,mfis\nP1,3,4\nP2\n", "line 3: 1 cells; allowed: 2"),
        (b'id,mfis\nP1,"3\nP2,4\n', "not a table of cells"),
        (b"id,id\n1,2\n", 'line 1: the column "id" is there 2 times'),
        (b"id,mfis\n" + b"1,2,3\n" * 100, "80 more lines with another number of cells"),
    ],
)
def test_what_is_no_table_is_named(content: bytes, said: str, tmp_path: Path) -> None:
    assert said in refused(written(tmp_path, content))


def test_other_formats_are_refused_with_what_to_do(tmp_path: Path) -> None:
    assert "export the sheet as CSV in UTF-8" in refused(written(tmp_path, b"PK", "t.xlsx"))
    assert "export the table as one of these" in refused(written(tmp_path, b"x", "t.doc"))
    assert "no parquet file that can be read" in refused(written(tmp_path, b"x", "t.parquet"))
    assert "no SAS transport file" in refused(written(tmp_path, b"x", "t.xpt"))
    for ending in ("csv", "parquet", "xpt"):
        assert "the file is missing" in refused(tmp_path / f"none.{ending}")
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert "the file cannot be read" in refused(folder)


def test_parquet_keeps_its_kinds(tmp_path: Path) -> None:
    table = Table({"id": ["a", "b"], "n": [1, None], "x": [0.5, math.nan], "yes": [True, None]})
    table.write_parquet(tmp_path / "t.parquet")
    read = read_trial_table(tmp_path / "t.parquet")
    assert read.table == table
    assert (read.place_word, read.places.tolist()) == ("row", [1, 2])


# --- XPT ----------------------------------------------------------------------------------------------------


def xpt(variables: list[tuple[str, int, str]], rows: list[bytes], *, eight: bool = False) -> bytes:
    """Make a transport file: variables are (name, length, format), a length below zero is text."""

    def header(name: str, tail: str = "0" * 30) -> bytes:
        return f"HEADER RECORD*******{name:8}HEADER RECORD!!!!!!!{tail:32}".encode()

    names = ("LIBV8", "MEMBV8", "DSCPTV8", "NAMSTV8", "OBSV8") if eight else (
        "LIBRARY", "MEMBER", "DSCRPTR", "NAMESTR", "OBS",
    )  # fmt: skip
    plain = b" " * 80
    out = header(names[0]) + plain * 2 + header(names[1], "0" * 17 + "1600000000140") + header(names[2])
    out += plain * 2 + header(names[3], f"000000{len(variables):04d}" + "0" * 20)
    start, described = 0, b""
    for k, (name, length, kind) in enumerate(variables):
        one = struct.pack(">hhhh", 2 if length < 0 else 1, 0, abs(length), k + 1)
        one += name[:8].ljust(8).encode() + b" " * 40 + kind.ljust(8).encode() + struct.pack(">hhh", 0, 0, 0)
        one += b"  " + b" " * 8 + struct.pack(">hhl", 0, 0, start)
        one += (name.ljust(32).encode() if eight else b"\0" * 32) + b"\0" * 20
        assert len(one) == 140
        described, start = described + one, start + abs(length)
    out += described + b" " * (-len(described) % 80) + header(names[4])
    body = b"".join(rows)
    assert all(len(row) == start for row in rows)
    return out + body + b" " * (-len(body) % 80)


def number(value: float, length: int = 8) -> bytes:
    key = next(k for k in NUMBERS if k == value or (math.isnan(k) and math.isnan(value)))
    return bytes.fromhex(NUMBERS[key])[:length]


@pytest.mark.parametrize("eight", [False, True])
def test_numbers_texts_zeros_and_trailing_blank_text(eight: bool, tmp_path: Path) -> None:
    values = [0.0, 1.0, -118.625, math.nan, 0.15625, 100.0, 0.0]
    texts = ["Placebo", "", "Inulin", "a b", "", "", ""]
    rows = [t.ljust(8).encode() + number(v) for t, v in zip(texts, values, strict=True)]
    raw = xpt([("ARM", -8, ""), ("AVAL", 8, "")], rows, eight=eight)
    read = read_trial_table(written(tmp_path, raw, "t.xpt"))
    found = read.table.numbers("AVAL")
    assert len(read.table) == 7  # no row is lost, none invented
    assert found.tolist() == pytest.approx(values, nan_ok=True, abs=0)
    assert read.table.texts("ARM") == tuple(texts)


def test_short_numbers_special_missing_values_and_dates(tmp_path: Path) -> None:
    letters = [b"A\0\0", b"_\0\0", b"Z\0\0", b".\0\0"]
    rows = [number(1.0, 3) + number(100.0)] + [one + number(math.nan) for one in letters]
    raw = xpt([("N", 3, ""), ("ADT", 8, "DATE")], rows)
    read = read_trial_table(written(tmp_path, raw, "t.xpt"))
    assert read.table.numbers("N").tolist() == pytest.approx([1.0] + [math.nan] * 4, nan_ok=True)
    assert read.table.texts("ADT") == ("1960-04-10", "", "", "", "")  # day 100 after 1 January 1960


@pytest.mark.parametrize("count", [1, 9, 10, 11, 40])
def test_the_row_count_is_right_whatever_the_padding(count: int, tmp_path: Path) -> None:
    raw = xpt([("A", -1, ""), ("N", 8, "")], [b" " + number(0.0)] * count)
    assert len(read_trial_table(written(tmp_path, raw, "t.xpt")).table) == count


def test_a_file_of_text_only_says_when_its_end_cannot_be_told(tmp_path: Path) -> None:
    sure = xpt([("A", -40, "")], [b"x" * 40, b"y" * 40])
    assert len(read_trial_table(written(tmp_path, sure, "t.xpt")).table) == 2
    unsure = xpt([("A", -40, "")], [b"x" * 40])
    assert "blank rows at the end cannot be told" in refused(written(tmp_path, unsure, "u.xpt"))


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    whole = xpt([("N", 8, "")], [number(1.0)] * 12)
    for cut in (100, 400, 700, len(whole) - 1):
        assert "cut off or damaged" in refused(written(tmp_path, whole[:cut], "t.xpt"))
    assert "several data sets" in refused(written(tmp_path, whole + whole[240:], "t.xpt"))
    latin = xpt([("A", -2, ""), ("N", 8, "")], [b"\xe9 " + number(1.0)])
    assert "row 1, column A: not UTF-8 text" in refused(written(tmp_path, latin, "t.xpt"))
