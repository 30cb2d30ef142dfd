"""The command line of the shipped worlds: what it prints is what the tables hold."""

import json
import shutil
from dataclasses import replace

import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError
from eubiosis.model.shipped import FOLDER, GUT, HISTORY, read_made, read_worlds, shipped


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


STAKES = ("--participant", 5000, "--takers", 20_000, "--rate", 0.2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--people", 100, "--relapse", 1e308), "is not finite"),
        (("--people", 100, "--people", 100, "--relapse", 1e4), "2 times"),
        (("--people", 100, "--trial-years", "inf", "--relapse", 1e4), "for inf years"),
        (("--people", 10**400, "--relapse", 1e4), "allowed: 2 to 1,000,000 people"),
    ],
)
def test_decide_refuses_what_cannot_be_valued(eubiosis, arguments, said):
    status, out, err = eubiosis("calibration", "decide", "--therapy", "inulin", *STAKES, *arguments)
    assert status != 0
    assert said in err
    assert out == ""


def test_decide_words_the_tipping_point_by_the_sign_of_the_exposure(eubiosis):
    arguments = ("--therapy", "ketogenic_diet", "--therapy", "vitamin_d", "--people", 100, "--relapse", 1e4)
    status, out, _ = eubiosis("calibration", "decide", *STAKES, *arguments)
    assert status == 0
    # acids fall by 0.864 doublings on that diet: 0.8 ** (1 / -0.864) = 1.29, relapses that rise with acids
    assert "ketogenic_diet: 0.8 through acids alone needs a ratio of 1.3 per doubling" in out
    assert "vitamin_d: 0.8 through acids alone is out of reach" in out


def test_informed_needs_two_sets_and_worlds(eubiosis, tmp_path):
    page = tmp_path / "page.html"
    status, _, err = eubiosis("calibration", "informed", "--half", "gut", "--sets", 1, "--out", page)
    assert status != 0
    assert "allowed: 0, or 2 to 4000" in err
    content = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, content)
    (content / FOLDER / GUT).unlink()
    arguments = ("--half", "gut", "--sets", 0, "--out", page, "--content", content)
    status, _, err = eubiosis("calibration", "informed", *arguments)
    assert status != 0
    assert "no worlds of the gut lie in this content" in err
    assert not page.exists()


def test_show_gives_the_role_of_the_table_of_roles(eubiosis):
    shown = json.loads(eubiosis("calibration", "show", "--json")[1])
    roles = {row["id"]: row["role"] for row in json.loads(eubiosis("calibration", "roles", "--json")[1])}
    assert {row["id"]: row["role"] for row in shown["rows"]} == {
        row["id"]: roles[row["id"]] for row in shown["rows"]
    }
    assert all(row["role"] == "fit" for row in shown["rows"] if row["used"] == "yes")


def test_worlds_say_at_once_that_a_folder_cannot_be_written(eubiosis, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    out = tmp_path / "file" / "worlds"
    status, _, err = eubiosis("calibration", "worlds", "--reduced", "--half", "history", "--out", out)
    assert status != 0
    assert "level 1" not in err  # nothing was computed


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda _: [], "the table is empty"),
        (lambda lines: lines[:4], "3 worlds; allowed: 640, as worlds_made.tsv says"),
        (
            lambda lines: [lines[0].replace("gut_k_ila", "gut_k_ind"), *lines[1:]],
            "gut_k_ind: the column occurs twice",
        ),
        (
            lambda lines: [lines[0].replace("gut_k_ila", "gut_k_il"), *lines[1:]],
            "gut_k_ila: the column is missing",
        ),
        (lambda lines: [line.rpartition("\t")[0] for line in lines], "the column is missing"),
    ],
)
def test_a_damaged_table_of_worlds_is_refused(model, tmp_path, damage, said):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    table = folder / FOLDER / GUT
    lines = damage(table.read_text(encoding="utf-8").splitlines())
    table.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    content = replace(model.content, folder=folder)
    with pytest.raises(FindingsError, match=said):
        shipped(replace(model, content=content))


def test_a_lost_number_of_the_natural_history_is_refused(model, tmp_path):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    table = folder / FOLDER / HISTORY
    text = table.read_text(encoding="utf-8")
    assert "host_gam_R" in text
    table.write_text(text.replace("host_gam_R", "host_gam_S", 1), encoding="utf-8")
    with pytest.raises(FindingsError, match="host_gam_R: the column is missing"):
        shipped(replace(model, content=replace(model.content, folder=folder)))
