"""``eubiosis trial analyse``: a table and its plan from the shell."""

from __future__ import annotations

import csv
import io
import json

import pytest

from eubiosis.core.trial_plan import TrialPlan
from trial_plans import plan, rows, text_of, write_plan


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trial.csv").write_text(text_of(rows()), encoding="utf-8")
    write_plan(tmp_path, plan())
    return tmp_path


def test_estimates_go_to_standard_output_and_methods_to_standard_error(eubiosis, files):
    status, out, err = eubiosis("trial", "analyse", "trial.csv", "--plan", "plan.yaml")
    assert status == 0
    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["endpoint"], row["treated"], row["status"]) == ("fatigue", "inulin", "ok")
    assert "The table trial.csv (text, cells parted by comma) has 16 rows" in err


def test_json_and_a_folder_hold_the_same_numbers(eubiosis, files):
    status, out, err = eubiosis(
        "trial", "analyse", "trial.csv", "--plan", "plan.yaml", "--json", "--out", "a"
    )
    assert status == 0
    printed = json.loads(out)
    assert printed == json.loads((files / "a" / "analysis.json").read_text())
    assert sorted(path.name for path in (files / "a").iterdir()) == [
        "analysis.html", "analysis.json", "estimates.csv", "estimates.parquet", "methods.txt",
        "summaries.csv", "summaries.parquet",
    ]  # fmt: skip
    assert len(err.splitlines()) == 7
    assert not [path for path in files.iterdir() if path.name.endswith(".partial")]


def test_a_folder_that_holds_something_is_left_alone(eubiosis, files):
    (files / "a").mkdir()
    (files / "a" / "mine.txt").write_text("mine")
    status, out, err = eubiosis("trial", "analyse", "trial.csv", "--plan", "plan.yaml", "--out", "a")
    assert (status, out) == (1, "")
    assert "it exists already and is not empty" in err
    assert [path.name for path in (files / "a").iterdir()] == ["mine.txt"]
    assert not [path for path in files.iterdir() if path.name.endswith(".partial")]


def test_findings_of_table_and_plan_come_together(eubiosis, files):
    write_plan(files, plan(alpha=3, multiplicity="holmes"))
    (files / "trial.csv").write_text("id,arm\n1\n", encoding="utf-8")
    status, out, err = eubiosis("trial", "analyse", "trial.csv", "--plan", "plan.yaml")
    assert (status, out) == (1, "")
    assert "plan.yaml: 2 findings" in err
    assert "trial.csv: 1 finding" in err


def test_a_finding_has_line_and_column(eubiosis, files):
    text = text_of(rows()).replace("P2,Placebo,Week 12,29", "P2,placebo,Week 12,x")
    (files / "trial.csv").write_text(text, encoding="utf-8")
    status, _, err = eubiosis("trial", "analyse", "trial.csv", "--plan", "plan.yaml")
    assert status == 1
    assert 'line 5, column arm: arm "placebo" is unknown; nearest "Placebo"' in err
    assert 'line 5, column mfis: "x" where a number belongs' in err


def test_a_decimal_comma_is_read_as_the_plan_says(eubiosis, files):
    table = [[*row[:3], f"{row[3]},5", *row[4:]] for row in rows()]
    (files / "trial.csv").write_text(text_of(table, delimiter=";"), encoding="utf-8")
    status, _, err = eubiosis("trial", "analyse", "trial.csv", "--plan", "plan.yaml")
    assert status == 1
    assert "has a decimal comma, and the plan says point" in err
    write_plan(files, plan(decimal="comma"))
    status, out, _ = eubiosis("trial", "analyse", "trial.csv", "--plan", "plan.yaml")
    whole = (files / "trial.csv").write_text(text_of(rows()), encoding="utf-8")
    write_plan(files, plan())
    assert whole
    same = eubiosis("trial", "analyse", "trial.csv", "--plan", "plan.yaml")[1]
    (comma,), (point,) = (list(csv.DictReader(io.StringIO(text))) for text in (out, same))
    assert status == 0
    assert float(comma["estimate"]) == pytest.approx(float(point["estimate"]))


def test_a_plan_is_asked_for_and_its_schema_is_printed(eubiosis, files):
    assert eubiosis("trial", "analyse", "trial.csv")[0] == 2
    status, out, _ = eubiosis("schema", "plan")
    assert status == 0
    assert json.loads(out) == TrialPlan.json_schema()
