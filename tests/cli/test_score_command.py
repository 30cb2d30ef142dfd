"""``eubiosis score``: the shipped scoreboard as text, JSON and pages; options that do not go together."""

import json
from dataclasses import replace

import pytest

from eubiosis.workflow.score import synthetic
from eubiosis.workflow.score.synthetic import SyntheticResult
from eubiosis.workflow.score.tables import FORECASTS

RESULT = SyntheticResult("made", "a world", 20, 0.9, 0.05, 0.0, 0.2, 0.5, 0.9, "a mark", kept=True)


def test_the_shipped_scoreboard_is_printed_with_its_headline(eubiosis):
    status, out, err = eubiosis("score")
    assert status == 0, err
    assert "Fresh (" in out
    assert "Not fitted (" in out
    assert "not evidence that a therapy works" in out


def test_page_data_tables_and_seals_are_written_and_a_taken_folder_refused(eubiosis, tmp_path):
    folder = tmp_path / "board"
    status, out, err = eubiosis("score", "--out", folder, "--json")
    assert status == 0, err
    record = json.loads(out)
    assert record == json.loads((folder / "scoreboard.json").read_text(encoding="utf-8"))
    assert len(list((folder / "forecasts").glob("*.json"))) == len(record["seals"])
    page = (folder / "scoreboard.html").read_text(encoding="utf-8")
    assert all(seal["sha256"] in page for seal in record["seals"])
    assert "http:" not in page.replace("http://www.w3.org", "")
    assert "https:" not in page
    status, _, err = eubiosis("score", "--out", folder)
    assert status == 1
    assert "not empty" in err


def test_a_shipped_forecast_that_was_changed_is_refused_by_name(eubiosis, tmp_path):
    for path in FORECASTS.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "recycline_2016_minocycline.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["quantities"][0]["draws"][0] += 1e-4
    path.write_text(json.dumps(record))
    status, _, err = eubiosis("score", "--forecasts", tmp_path)
    assert status == 1
    assert "RECYCLINE 2016, minocycline: the forecast was changed after its date" in err


def test_a_forecast_with_a_number_that_is_none_is_refused_by_name(eubiosis, tmp_path):
    for path in FORECASTS.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "recycline_2016_minocycline.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["quantities"][0]["draws"][0] = float("nan")
    path.write_text(json.dumps(record))
    status, _, err = eubiosis("score", "--forecasts", tmp_path)
    assert status == 1
    assert "RECYCLINE 2016, minocycline: the forecast was changed after its date" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["table.csv"], "a table alone cannot be scored"),
        (["--workflow", "w.yaml"], "there is no table"),
        (["--stage", "predict"], "needs a folder"),
        (["--stage", "predict", "--forecasts", "f", "--out", "o"], "neither table nor --out"),
        (["t.csv", "--workflow", "w.yaml", "--plan", "p.yaml", "--stage", "both"], "no meaning with a table"),
        (["t.csv", "--synthetic"], "does not go with TABLE"),
        (["--synthetic", "--out", "o", "--stage", "both"], "does not go with --out, --stage"),
    ],
)
def test_options_that_do_not_go_together_are_refused(eubiosis, words, said):
    status, _, err = eubiosis("score", *words)
    assert status == 1
    assert said in err


def test_a_missed_mark_of_the_scoreboard_itself_is_an_exit_status(eubiosis, monkeypatch):
    monkeypatch.setattr(synthetic, "synthetic_results", lambda: (RESULT,))
    status, out, _ = eubiosis("score", "--synthetic")
    assert status == 0
    assert "kept: a mark" in out
    monkeypatch.setattr(synthetic, "synthetic_results", lambda: (replace(RESULT, kept=False),))
    status, out, _ = eubiosis("score", "--synthetic")
    assert status == 1
    assert "MISSED: a mark" in out
