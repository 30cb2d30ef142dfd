"""Laws of a table's analysis: order, spelling and kind of cells change nothing; bad cells are refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.analysis import TrialPlan, analyse
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.workflow.files.xport import _numbers
from trial_plans import COLUMNS, columns_of, endpoint, plan, rows

PLAN = TrialPlan(**plan(endpoint(covariates=[{"column": "age", "kind": "number"}])))
WANTED = analyse(columns_of(rows()), PLAN)
CELLS = st.one_of(
    st.sampled_from(
        ["", "NA", ".", "99", "-1", "Placebo", "placebo", "PBO ", "Week 12", "2026-01-02", "1,5"]
    ),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.text(max_size=6),
)


@given(st.permutations(range(16)))
@settings(max_examples=30, deadline=None)
def test_the_order_of_rows_changes_nothing(order: list[int]) -> None:
    found = analyse(columns_of([rows()[k] for k in order]), PLAN).to_table()
    for name in ("estimate", "standard_error", "p_value", "n_treated", "n_control"):
        assert found[name].tolist() == pytest.approx(WANTED.to_table()[name].tolist(), rel=1e-9)


@given(st.lists(st.sampled_from(["Placebo", "PBO", " PBO"]), min_size=8, max_size=8), st.booleans())
@settings(max_examples=20, deadline=None)
def test_spellings_of_the_plan_and_the_kind_of_a_cell_change_nothing(spelt: list[str], as_text: bool) -> None:
    table = rows()
    for k, word in enumerate(spelt):
        table[k][1] = word
    if as_text:
        table = [[str(cell) for cell in row] for row in table]
    assert analyse(columns_of(table), PLAN).to_table() == WANTED.to_table()


@given(st.floats(-50, 50), st.floats(0.1, 10))
@settings(max_examples=30, deadline=None)
def test_a_shift_and_a_scale_of_the_score_move_the_estimate_alike(shift: float, scale: float) -> None:
    table = rows()
    for row in table:
        row[3] = float(str(row[3])) * scale + shift
    one = analyse(columns_of(table), PLAN).endpoints[0].by_name[0].estimate
    wanted = WANTED.endpoints[0].by_name[0].estimate
    assert one.estimate == pytest.approx(scale * wanted.estimate, rel=1e-6)
    assert one.p_value == pytest.approx(wanted.p_value, rel=1e-5)


@given(st.lists(st.tuples(st.integers(0, 15), st.sampled_from(COLUMNS), CELLS), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_a_spoilt_table_is_refused_by_row_and_column_or_analysed(spoilt: list[tuple[int, str, str]]) -> None:
    table = [[str(cell) for cell in row] for row in rows()]
    for row, column, cell in spoilt:
        table[row][COLUMNS.index(column)] = cell
    refused: tuple[Finding, ...] | None = None
    try:
        found = analyse(columns_of(table), PLAN)
    except FindingsError as error:
        refused = error.findings
    if refused is not None:
        assert refused
        assert all("column " in one.place for one in refused)
        return
    one = found.endpoints[0].by_name[0].estimate
    assert one.n_treated + one.n_control + one.missing_treated + one.missing_control == sum(
        found.people.values()
    )
    assert one.usable == bool(np.isfinite(one.estimate))


def hexadecimal_float(value: float) -> bytes:
    """Write a number in IBM's floating point, exactly, by its definition: sign, exponent of 16, fraction."""
    size, exponent = abs(Fraction(value)), 64
    while size >= 1:
        size, exponent = size / 16, exponent + 1
    while size and size < Fraction(1, 16):
        size, exponent = size * 16, exponent - 1
    fraction = size * 2**56
    assert fraction.denominator == 1
    return (((value < 0) << 63) | ((exponent if size else 0) << 56) | int(fraction)).to_bytes(8, "big")


@given(st.lists(st.floats(1e-70, 1e70) | st.floats(-1e70, -1e-70) | st.just(0.0), min_size=1, max_size=20))
def test_numbers_of_a_transport_file_are_read_to_the_last_bit(values: list[float]) -> None:
    raw = np.frombuffer(b"".join(map(hexadecimal_float, values)), dtype=np.uint8).reshape(-1, 8)
    assert _numbers(raw).tolist() == values
