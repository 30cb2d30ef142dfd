"""Sealed forecasts: what was changed, lost or dated afterwards is refused by name."""

import json
from dataclasses import replace
from datetime import date

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.core.scoreboard import NormalLaw, ReadOut, SealedForecast, SealedQuantity
from eubiosis.workflow.score import board
from eubiosis.workflow.score.sealed import SEALS, digest, mark_compared, read_sealed, seal

QUANTITY = SealedQuantity("q", "a figure", "made", "log ratio", "fresh", (0.1, 0.2, 0.3), NormalLaw(0.0, 0.4))
MADE = SealedForecast("Study 2020", "fibre", "people", "2026-01-05", "v", "m", "d", "h", 3, 3.0, (QUANTITY,))
FOUND = [ReadOut("Study 2020", "fibre", "q", 0.25, 0.1)]


def changed(folder, **what):
    path = next(folder.glob("*.json"))
    record = json.loads(path.read_text(encoding="utf-8"))
    record["quantities"][0] |= what
    path.write_text(json.dumps(record))
    return path, record


def test_what_was_sealed_is_read_again(tmp_path):
    seal(tmp_path, [MADE])
    ((read, row),) = read_sealed(tmp_path)
    assert read == MADE
    assert row.sha256 == digest(MADE)
    assert len(row.sha256) == 64


@pytest.mark.parametrize("what", [{"draws": [0.1, 0.2, 0.31]}, {"status": "fitted"}, {"reference": None}])
def test_a_forecast_that_was_changed_is_refused_by_name(tmp_path, what):
    seal(tmp_path, [MADE])
    changed(tmp_path, **what)
    with pytest.raises(FindingsError, match=r"Study 2020, fibre: the forecast was changed after its date"):
        read_sealed(tmp_path)


def test_a_new_hash_in_the_file_alone_does_not_help(tmp_path):
    seal(tmp_path, [MADE])
    path, record = changed(tmp_path, draws=[0.9])
    record["sha256"] = digest(replace(MADE, quantities=(replace(QUANTITY, draws=(0.9,)),)))
    path.write_text(json.dumps(record))
    with pytest.raises(FindingsError, match="hash does not fit"):
        read_sealed(tmp_path)


def test_a_lost_file_a_broken_one_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(FindingsError, match="predict first"):
        read_sealed(tmp_path)
    seal(tmp_path, [MADE])
    path = next(tmp_path.glob("*.json"))
    path.write_text("{}")
    with pytest.raises(FindingsError, match="no sealed forecast"):
        read_sealed(tmp_path)
    path.unlink()
    with pytest.raises(FindingsError, match="is missing"):
        read_sealed(tmp_path)


def test_a_date_after_the_comparison_is_refused(tmp_path):
    seal(tmp_path, [MADE])
    mark_compared(tmp_path, date(2026, 1, 6))
    text = (tmp_path / SEALS).read_text(encoding="utf-8")
    (tmp_path / SEALS).write_text(text.replace("2026-01-06", "2026-01-01"))
    with pytest.raises(FindingsError, match="before its comparison"):
        read_sealed(tmp_path)


def test_a_study_forecast_twice_is_refused(tmp_path):
    with pytest.raises(FindingsError, match="twice"):
        seal(tmp_path, [MADE, MADE])


def test_other_numbers_after_a_comparison_are_a_second_look(tmp_path):
    seal(tmp_path, [MADE])
    assert board.compare(tmp_path, today=date(2026, 1, 6), read_outs=FOUND).quantities[0].status == "fresh"
    seal(tmp_path, [replace(MADE, date="2026-02-01", version="w")])
    assert board.compare(tmp_path, read_outs=FOUND).quantities[0].status == "fresh"
    seal(tmp_path, [replace(MADE, date="2026-02-01", quantities=(replace(QUANTITY, draws=(0.25,)),))])
    assert board.compare(tmp_path, read_outs=FOUND).quantities[0].status == "seen"


def test_the_first_comparison_stays_on_record(tmp_path):
    seal(tmp_path, [MADE])
    board.compare(tmp_path, today=date(2026, 1, 6), read_outs=FOUND)
    made = board.compare(tmp_path, today=date(2026, 3, 6), read_outs=FOUND)
    assert made.seals[0].compared == "2026-01-06"


def test_the_folder_of_a_scoreboard_holds_page_data_and_tables(tmp_path):
    seal(tmp_path / "sealed", [MADE])
    made = board.compare(tmp_path / "sealed", read_outs=FOUND)
    board.write_board(made, tmp_path / "out", forecasts=tmp_path / "sealed")
    page = (tmp_path / "out" / "scoreboard.html").read_text(encoding="utf-8")
    record = json.loads((tmp_path / "out" / "scoreboard.json").read_text(encoding="utf-8"))
    assert digest(MADE) in page
    assert "no medical advice" in page or "nothing is medical advice" in page
    assert record["quantities"][0]["estimate"] == 0.25
    assert (
        (tmp_path / "out" / "quantities.tsv").read_text(encoding="utf-8").startswith("study\tarm\tquantity")
    )
    assert read_sealed(tmp_path / "out" / "forecasts")[0][0] == MADE
