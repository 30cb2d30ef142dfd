"""What was fitted elsewhere kept to the roles, and a breach is found by name."""

from dataclasses import replace

import pytest

from eubiosis.calibration.leakage_use import check_use
from eubiosis.calibration.roles import read_tables


@pytest.fixture(scope="module")
def tables():
    return read_tables()


def elsewhere(tables, tmp_path, **files):
    (tmp_path / "calibration").mkdir()
    for name, text in files.items():
        (tmp_path / "calibration" / f"{name}.tsv").write_text(text, encoding="utf-8")
    return replace(tables, content=replace(tables.content, folder=tmp_path))


def test_the_shipped_tables_keep_to_the_roles(tables):
    assert [str(finding) for finding in check_use(tables)] == []


def test_worlds_that_were_matched_to_a_check_a_repeat_or_a_stranger_are_found(tables, tmp_path):
    lines = ["id\thalf\trole\tused", "N011\tgut\tfit\tyes", "N021\tgut\tcheck\tyes", "T024\tgut\tfit\tyes"]
    lines += ["X999\tgut\tfit\tyes", "N022\tgut\tcheck\tno"]
    found = check_use(elsewhere(tables, tmp_path, worlds_targets="\n".join(lines)))
    assert [finding.place for finding in found] == ["N021", "T024", "X999"]
    assert "its role is check" in str(found[0])
    assert "not stated" in str(found[2])


def test_a_prior_that_was_fitted_to_the_cohort_of_a_hold_out_is_found(tables, tmp_path):
    text = "cohort\trole\nsorensen2016_recycline\tfit\ntanasescu2020_wirms\tholdout\nsimcombin2011\tfit\n"
    (finding,) = check_use(elsewhere(tables, tmp_path, delta_trials=text))
    assert finding.place == "sorensen2016_recycline"
    assert "hold-out H5" in str(finding)


def test_no_table_is_no_finding(tables, tmp_path):
    assert check_use(elsewhere(tables, tmp_path)) == []
