"""``eubiosis therapy`` and ``eubiosis schema``: what can be given, and what files may hold."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_list_names_every_file_of_the_content(eubiosis):
    status, out, _ = eubiosis("therapy", "list")
    assert status == 0
    files = sorted(path.stem for path in (ROOT / "src/eubiosis/content/therapies").glob("*.yaml"))
    assert sorted(line.split()[0] for line in out.splitlines()) == files
    assert "not representable" in out
    rows = {row["id"]: row for row in json.loads(eubiosis("therapy", "list", "--json")[1])}
    dose = rows["inulin"]["dose"]
    assert (dose["input"], dose["unit"], dose["usual"]) == ("gut_dose_inulin", "g/d", "12 g/day")
    assert dose["ceiling"]["dose"] == "20 g/day"


def test_one_product_is_shown_and_an_unknown_one_is_named_with_the_nearest(eubiosis):
    assert "adherence scales gut_diet_on" in eubiosis("therapy", "show", "mediterranean_diet")[1]
    shown = eubiosis("therapy", "show", "vitamin_d")[1]
    assert "direct effect only" in shown
    assert "ceiling: 4000 IU/day (upper intake level; EFSA 2012" in shown
    assert "eubiosis evidence prior" in eubiosis("therapy", "show", "butyrate")[1]
    assert "TGO 105" in eubiosis("therapy", "show", "fecal_transplant")[1]
    status, _, err = eubiosis("therapy", "show", "inulim")
    assert status == 1
    assert 'nearest "inulin"' in err


def test_a_made_table_is_covered_without_a_name(eubiosis, tmp_path):
    path = tmp_path / "stool.tsv"
    path.write_text("sample\tBifidobacterium\tBacteroides\nperson_one\t30\t970\nperson_two\t0\t900\n")
    status, out, _ = eubiosis("therapy", "coverage", str(path), "--fibre", "inulin")
    assert status == 0
    assert "seen in 1, at least 0.001 of the reads in 1" in out
    assert "no human evidence of harm" in out
    assert "person_" not in out


def test_harms_sizes_examples_and_replays_are_printed(eubiosis, tmp_path):
    out = eubiosis("therapy", "harms", "s_boulardii", "--exclude", "0.01", "--people", "299")[1]
    assert "18 of 16,404" in out
    assert "gastrointestinal event: no count was read; that is not absence" in out
    assert "299 people exclude a risk of 0.01" in out
    path = tmp_path / "trial.yaml"
    assert eubiosis("therapy", "example", "vitamin_d", "--out", str(path))[0] == 0
    assert eubiosis("check", str(path))[0] == 0
    assert "warning" not in eubiosis("check", str(path))[1]
    path.write_text(path.read_text("utf-8").replace("4000 IU/day", "4 IU/day"), "utf-8")
    status, out, _ = eubiosis("check", str(path))
    assert status == 0
    assert 'warning: arm "active": ' in out
    assert "4 IU a day is less than a tenth of the usual 4000 IU a day" in out
    assert eubiosis("therapy", "example", "vitamin_d", "--out", str(path))[0] == 1
    assert "C10  fit    EAE" in eubiosis("therapy", "replays")[1]


def test_shares_are_printed_with_what_the_model_lacks(eubiosis):
    out = eubiosis("therapy", "shares", "hookworm", "--worlds", "2")[1]
    assert "no effect in the model" in out
    assert "not representable; the model has no helminth" in out
    assert "over 2 host worlds (few: 8 or more tell shares apart)" in out


@pytest.mark.parametrize("worlds", ["0", "1", "-3"])
def test_shares_of_no_pair_of_worlds_are_refused(eubiosis, worlds):
    status, out, err = eubiosis("therapy", "shares", "inulin", "--worlds", worlds)
    assert (status, out) == (2, "")
    assert "x>=2" in err


def test_the_page_of_the_documentation_is_the_content(eubiosis):
    page = (ROOT / "docs/reference/therapies.md").read_text(encoding="utf-8")
    assert eubiosis("therapy", "page")[1] == page


@pytest.mark.parametrize("name", ["workflow", "therapy"])
def test_a_schema_is_closed_and_has_bounds(eubiosis, name):
    schema = json.loads(eubiosis("schema", name)[1])
    if name == "workflow":
        assert schema["properties"]["design"]["properties"]["participants"]["maximum"] == 1_000_000
        assert schema["properties"]["arms"]["items"]["properties"]["therapy"]["enum"][0] == "placebo"
        assert "control_level" in schema["properties"]
    closed = [schema] if name == "workflow" else [schema["product"], schema["therapy"]]
    assert all(one["additionalProperties"] is False for one in closed)
