"""The benchmark of fifty trials: its hashes, its simple laws by hand, and scores of known estimates."""

import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[3] / "validation" / "benchmark_trials"


def _load(name):
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def run():
    before = list(sys.path)
    module = _load("run")
    sys.path[:] = before
    return module


@pytest.fixture(scope="module")
def simple():
    return _load("simple")


def test_the_shipped_tables_are_whole(run):
    assert run.changed(run.FOLDER) == []
    trials, true = run.rows_of(run.FOLDER / "trials.csv"), run.rows_of(run.FOLDER / "truth.csv")
    assert (len(trials), len(true), {row["class"] for row in true}) == (50, 150, set(run.CLASSES))
    assert sum(path.stat().st_size for path in run.FOLDER.iterdir()) < 2_000_000
    text = {name: (run.FOLDER / name).read_text("utf-8") for name in ("participants.csv", "visits.csv")}
    assert not any("nan" in one or "True" in one for one in text.values())
    persons = run.rows_of(run.FOLDER / "participants.csv")
    assert {row["trial"] for row in persons} == {row["trial"] for row in trials}
    left = [row for row in persons if row["completed"] == "0"]
    assert 0.05 < len(left) / len(persons) < 0.4


def test_a_truth_that_was_changed_is_named(run, tmp_path):
    folder = shutil.copytree(run.FOLDER, tmp_path / "tables")
    path = folder / "truth.csv"
    path.write_text(path.read_text("utf-8").replace("harm", "no effect", 1), "utf-8")
    assert run.changed(folder) == ["truth.csv: its hash is not that of the manifest"]


def test_truths_of_the_simple_laws_by_hand(simple):
    true, errors = simple.truth(simple.Law(ratio=1.6, fatigue=3.0), 1)
    assert true["relapses"] == pytest.approx(np.log(1.6))
    assert true["mfis"] == pytest.approx(3.0, abs=0.1)  # a ceiling and a floor take a little
    assert true["stool_butyrate"] == 0.0
    assert errors["mfis"] < 0.01
    true, _ = simple.truth(simple.Law(fatigue=-9.0, share=0.3, butyrate=0.3), 2)
    assert -2.7 <= true["mfis"] < -2.5  # three in ten times nine, less the floor
    assert true["stool_butyrate"] == pytest.approx(0.3)


def test_the_simple_laws_do_what_they_say(simple):
    law = simple.Law(ratio=2.0, leave=1e-9, missed=0.0, donors=3, donor_sd=1.0)
    persons, visits = simple.trial(law, 4_000, 3)
    again, _ = simple.trial(law, 4_000, 3)
    assert all((persons[name] == again[name]).all() for name in persons)
    active = persons["arm"] == "active"
    assert active.sum() == 2_000
    assert persons["relapses"][active].mean() / persons["relapses"][~active].mean() == pytest.approx(
        2, rel=0.15
    )
    assert set(persons["donor"][active]) == {"D1", "D2", "D3"}
    assert set(persons["donor"][~active]) == {""}
    assert len(visits["week"]) == 5 * 4_000
    worse, seen = simple.trial(simple.Law(worse_leave=2.0), 4_000, 4)
    first = seen["mfis"][seen["week"] == 0]
    assert first[worse["completed"]].mean() < first[~worse["completed"]].mean()


def test_scores_of_known_estimates(run):
    true = [
        {"trial": f"T{k}", "endpoint": "mfis", "class": "harm", "truth": "2", "is_null": "0"}
        for k in range(4)
    ]
    rows = [
        {"trial": f"T{k}", "endpoint": "mfis", "analysis": "a", "estimate": e, "ci_low": e - 1,
         "ci_high": e + 1, "p": p}
        for k, (e, p) in enumerate([(2.0, 0.01), (2.5, 0.01), (4.0, 0.2), (-1.0, 0.01)])
    ]  # fmt: skip
    line = next(line for line in run.scored(rows, true).splitlines() if "| harm |" in line)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    # errors 0, 0.5, 2, -3: mean -0.125, SD 2.097, over the root of 4
    assert cells[4] == "-0.125 (1.048)"
    assert cells[5].startswith("2 of 4")
    assert (cells[6], cells[7][:6], cells[8][:6], cells[9]) == ("", "3 of 4", "1 of 4", "0")
    lost = run.scored([{**rows[0], "estimate": "", "p": ""}], true)
    assert lost.splitlines()[2].endswith("| 1 |")


def test_somebody_else_s_estimates_are_checked(run, tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("trial,endpoint,estimate\nT01,mfis,1\n", "utf-8")
    with pytest.raises(SystemExit, match="ci_high"):
        run.read_estimates(path)
    path.write_text("trial,endpoint,estimate,ci_low,ci_high,p\nT01,edss,1,0,2,0.1\n", "utf-8")
    with pytest.raises(SystemExit, match="edss is unknown"):
        run.read_estimates(path)
    head = "trial,endpoint,estimate,ci_low,ci_high,p\n"
    for body, words in (
        ("T01,mfis,1,0,2,0.1\nT01,mfis,1,0,2,0.1\n", "given twice: theirs, T01, mfis"),
        ("T99,mfis,1,0,2,0.1\n", "no such trial and endpoint: T99, mfis"),
        ("T01,mfis,one,0,2,0.1\n", "line 2: estimate 'one' is no number"),
    ):
        path.write_text(head + body, "utf-8")
        with pytest.raises(SystemExit, match=words):
            run.read_estimates(path)
    path.write_text(head + "T01,mfis,,,,\nT02,mfis,1,0,2,0.1\n", "utf-8")
    assert [row["trial"] for row in run.read_estimates(path)] == ["T01", "T02"]


def test_a_file_that_is_missing_is_said(run, tmp_path):
    with pytest.raises(SystemExit, match=r"lost\.csv: the file is missing"):
        run.read_estimates(tmp_path / "lost.csv")
    assert len(run.changed(tmp_path)) == 6
    assert all(line.endswith("the file is missing") for line in run.changed(tmp_path))
