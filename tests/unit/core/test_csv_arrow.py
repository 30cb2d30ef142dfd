"""Separated text: read in one go or batch by batch, the same columns; ragged rows; words below numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.core import csv_arrow
from eubiosis.core.csv_arrow import RaggedRows, SparseColumn, csv_columns

MISSING = ("", "NA")


def read(text, width, words=(0,)):
    columns = csv_columns(text.encode(), 0, "\t", width, words=words, missing=MISSING)
    return [column.dense() if isinstance(column, SparseColumn) else column for column in columns]


def same(one, other):
    return len(one) == len(other) and all(
        a == b if isinstance(a, tuple) else np.array_equal(a, b, equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )


CELL = st.one_of(
    st.integers(0, 10**9).map(str), st.floats(0, 1e6).map(repr), st.sampled_from(["NA", "", "x"])
)


@settings(deadline=None)  # the first reading imports Arrow
@given(
    st.lists(st.tuples(st.from_regex("[a-z0-9]{1,4}", fullmatch=True), CELL, CELL), min_size=1, max_size=12)
)
def test_batches_give_what_one_reading_gives(rows):
    text = "".join("\t".join(row) + "\n" for row in rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_arrow, "_LARGE", 0)
        streamed = read(text, 3)
    assert same(streamed, read(text, 3))


def test_columns_are_numbers_or_words_by_hand():
    names, numbers, blank, words = read("001\t1\tNA\tx\n002\t2.5\t\t3\n", 4)
    assert names == ("001", "002")
    assert numbers.tolist() == [1.0, 2.5]
    assert np.isnan(blank).all()
    assert words == ("x", "3")


def test_words_far_below_numbers_are_words_in_a_large_text(monkeypatch):
    monkeypatch.setattr(csv_arrow, "_LARGE", 0)
    text = "".join(f"r{k}\t{k}\n" for k in range(300_000)) + "last\tmany\n"
    names, column = read(text, 2)
    assert len(names) == len(column) == 300_001
    assert column[-2:] == ("299999", "many")


@pytest.mark.parametrize("large", [0, 1 << 24])
def test_rows_of_another_width_are_refused(monkeypatch, large):
    monkeypatch.setattr(csv_arrow, "_LARGE", large)
    with pytest.raises(RaggedRows, match="1 rows"):
        read("a\t1\nb\t1\t2\n", 2)
    assert read("", 2) == []
