"""Estimates take the place of assumptions; a named miss goes where its class covers it."""

import math

import pytest
from term_rows import row

from eubiosis.calibration.discrepancy import Residual, estimate
from eubiosis.calibration.discrepancy_table import estimated, read_left_out
from eubiosis.core.findings import FindingsError
from eubiosis.model.discrepancy import DiscrepancyRow


def assumed(name, quantity, scope, sd):
    return DiscrepancyRow(
        id=name, quantity=quantity, scope=scope, sd=sd, unit="log ratio", basis="assumed", note="x"
    )


TABLE = (
    assumed("guilds", "guild", "any", 0.3),
    assumed("FAE_fibre", "share_FAE", "ms_fibre_40g", 0.5),
    assumed("VEI_fibre", "share_VEI", "ms_fibre_40g", 0.83),
    assumed("pH_ketogenic", "gut_pH", "healthy_ketogenic", 0.08),
)


def residual(name, study, off, moved=0.4):
    return Residual(row(id=name, target=0.9), study, "guild", off, 0.04, moved)


def test_a_class_is_estimated_and_named_rows_stay_only_above_it():
    left_out = (
        residual("N026", "A 2001", -0.3),
        residual("N029", "A 2001", 0.8),
        residual("N001", "B 2002", 0.2),
    )
    found = {each.id: each for each in estimated(TABLE, left_out)}
    assert found["guilds"].sd == pytest.approx(estimate(left_out, "guild").sd, abs=0.005)
    assert found["guilds"].sd > math.sqrt(0.05)
    assert (found["guilds"].basis, found["guilds"].full_at) == ("derived", 0.4)
    assert "FAE_fibre" not in found  # sqrt(0.05) is less than the class has
    assert found["VEI_fibre"].sd == pytest.approx(math.sqrt(0.60), abs=0.005)
    assert "matched without A 2001" in found["VEI_fibre"].note
    assert found["pH_ketogenic"] == TABLE[3]


def test_without_a_second_study_the_assumption_stays():
    found = estimated(TABLE, (residual("N001", "B 2002", 0.2),))
    assert found == TABLE


def test_a_residual_of_no_row_is_a_finding(tmp_path, model):
    text = "id\tstudy\tkind\tlog_off\texplained_variance\tpredicted_log_ratio\nX999\tA\tguild\t0.1\t0\t0.2\n"
    (tmp_path / "worlds_left_out.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(FindingsError, match="X999"):
        read_left_out(tmp_path, model.content)
