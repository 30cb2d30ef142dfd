"""The command line of the shipped worlds: what it prints is what the tables hold."""

import json
import shutil

import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.model.shipped import FOLDER, GUT, read_made, read_worlds


def test_show_prints_the_effective_sample_size_and_what_is_missed(eubiosis):
    status, out, _ = eubiosis("calibration", "show")
    assert status == 0
    found = read_worlds(PACKAGED_CONTENT / FOLDER / GUT)
    assert len(found.weights) >= 500
    assert f"gut: {len(found.weights)} worlds, effective sample size {found.effective:.0f}" in out
    assert "calibrated in people with MS" in out
    notes = [line for line in out.splitlines() if line.startswith("note:")]
    assert not any("gut" in note or "target table" in note for note in notes)  # they fit the package


def test_show_as_json_holds_every_row_with_both_shares(eubiosis):
    _, out, _ = eubiosis("calibration", "show", "--json")
    shown = json.loads(out)
    assert shown["made"] == read_made(PACKAGED_CONTENT / FOLDER)
    rows = {row["id"]: row for row in shown["rows"]}
    assert {"T023", "N011", "T068", "N026"} <= rows.keys()
    assert all(row["role"] in ("fit", "check") for row in rows.values())
    fitted = [row for row in rows.values() if row["used"] == "yes" and row["half"] == "gut"]
    assert len(fitted) > 40
    better = sum(row["share"] >= row["prior_share"] for row in fitted)
    assert better > len(fitted) / 2  # what was matched is met more often than before


@pytest.fixture
def other_numbers(tmp_path):
    """A content whose habitual starch differs from that of the shipped worlds."""
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    table = folder / "parameters" / "gut_processes.tsv"
    lines = table.read_text(encoding="utf-8").splitlines()
    head = lines[0].split("\t")
    for k, line in enumerate(lines):
        cells = line.split("\t")
        if cells[0] == "gut_vmax_ROS_IN":
            cells[head.index("value")] = str(1.01 * float(cells[head.index("value")]))
            lines[k] = "\t".join(cells)
            break
    else:
        raise AssertionError("gut_vmax_ROS_IN is in another table")
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_show_says_that_worlds_do_not_fit_an_edited_content(eubiosis, other_numbers):
    status, out, _ = eubiosis("calibration", "show", "--content", other_numbers)
    assert status == 0
    assert "note: the numbers or equations of the gut have changed" in out
    assert "gut: " not in out
