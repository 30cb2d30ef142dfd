"""``eubiosis population``: the example, made people, and what is refused with nothing written."""

import json

import pytest

from eubiosis.cli import stool_options
from eubiosis.population.virtual.reference import reference_people


@pytest.fixture
def run(monkeypatch, eubiosis, tmp_path):
    """Run the command in an empty folder; return status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        return eubiosis("population", *arguments)

    return call


def test_the_example_is_copied_once(run, tmp_path):
    status, out, _ = run("example", "made")
    assert status == 0
    assert len(out.splitlines()) == len(list((tmp_path / "made").iterdir())) == 6
    assert run("example", "made")[0] == 1


def test_people_of_the_reference(run, tmp_path):
    assert run("generate", "--people", "12", "--group", "MS", "--seed", "3", "--out", "made")[0] == 0
    assert (tmp_path / "made" / "stool.tsv").read_text(encoding="utf-8") == reference_people(
        {"MS": 12}, seed=3
    ).table_text()
    assert json.loads((tmp_path / "made" / "origin.json").read_text(encoding="utf-8"))["people"] == {"MS": 12}


def test_a_table_gives_people_only_with_consent_and_enough_people(run, tmp_path):
    (tmp_path / "few.tsv").write_text(reference_people(30, seed=3).table_text())
    status, _, err = run("generate", "--from", "few.tsv", "--people", "5", "--out", "made")
    assert status == 1
    assert "no basis of consent" in err
    assert err.count("100 people or more in a group") == 2
    assert not (tmp_path / "made").exists()
    assert run("generate", "--people", "5", "--consent-basis", "x", "--out", "made")[0] == 2


def test_fitted_people_are_written_with_what_they_give_away_and_held_against_the_table(run, tmp_path):
    (tmp_path / "real.tsv").write_text(reference_people({"MS": 130}, seed=3).table_text())
    fit = ("--from", "real.tsv", "--taxa", "5", "--blur", "5", "--consent-basis", "made people")
    status, out, err = run("generate", *fit, "--people", "40", "--save-generator", "--out", "made")
    assert status == 0, err
    assert "area of the attack" in out
    record = json.loads((tmp_path / "made" / "origin.json").read_text(encoding="utf-8"))
    assert record["privacy"][0]["auc"] <= 0.55
    assert record["consent_basis"] == "made people"
    again = run("generate", "--generator", "made/generator.json", "--people", "4", "--out", "more")
    assert again[0] == 0
    status, out, _ = run("describe", "made/stool.tsv", "real.tsv", "--out", "page")
    assert status == 0
    assert "told apart by nearest neighbours" in out
    page = (tmp_path / "page" / "population.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 8  # each figure by itself
    assert "http://" not in page.replace("http://www.w3.org", "")
    status, out, _ = run("describe", "made/stool.tsv", "real.tsv", "--json")
    assert json.loads(out)["groups"][0]["people"] == {"virtual": 40.0, "real": 130.0}
    assert run("describe", "real.tsv", "real.tsv")[0] == 1


def test_a_long_reading_says_how_far_it_is(monkeypatch, tmp_path, capsys):
    (tmp_path / "t.tsv").write_text("id\tBlautia\na\t3\n")
    assert stool_options.progress_of(tmp_path / "t.tsv") is None
    assert stool_options.progress_of(tmp_path / "absent.tsv") is None
    monkeypatch.setattr(stool_options, "_LONG", 0)
    show = stool_options.progress_of(tmp_path / "t.tsv")
    for k in range(101):
        show("reading rows", k / 100)
    assert capsys.readouterr().err.splitlines() == [
        f"t.tsv: reading rows {share}%" for share in (0, 25, 50, 75, 100)
    ]
