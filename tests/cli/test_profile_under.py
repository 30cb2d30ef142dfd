"""``eubiosis profile --under``: the first line, what the output is not, a finished study, bad phrases."""

import json

import pytest

from eubiosis.cli import forecast
from eubiosis.population import write_example_table

INULIN = "inulin 20 g/day for 2 weeks"


@pytest.fixture
def run(monkeypatch, eubiosis, tmp_path):
    """Run the command in a folder with a made table of eight people; return status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(forecast, "WORLDS", 3)
    write_example_table(tmp_path / "stool.tsv", people=8)

    def call(*arguments):
        return eubiosis("profile", "stool.tsv", "--worlds", "0", *arguments)

    return call


def test_first_line_page_and_json_say_what_the_forecast_is_and_name_nobody(run, tmp_path):
    status, out, _ = run("--under", INULIN, "--out", "page")
    assert status == 0
    assert out.splitlines()[0].startswith("Skill on measured studies")
    page = (tmp_path / "page" / "profile.html").read_text(encoding="utf-8")
    assert page.index("Skill on measured studies") < page.index("<h1>")
    text = (tmp_path / "page" / "profile.json").read_text(encoding="utf-8")
    for each in (out, page, text):
        assert "no medical device, not for the care of anybody" in each
        assert "made_MS_000" not in each
    (section,) = json.loads(text)["sections"]
    assert section["data"]["enough_worlds"] is False
    assert {row["quantity"] for row in section["data"]["quantities"]} >= {"share_BIF", "stool_butyrate"}


def test_a_finished_study_is_scored_without_a_word_about_a_person(run, tmp_path):
    write_example_table(tmp_path / "after.tsv", people=8, seed=7)
    status, out, _ = run("--under", INULIN, "--against", "after.tsv")
    assert status == 0
    assert out.splitlines()[0].startswith(f"after.tsv under {INULIN}, CRPS: guilds")
    assert "MAE" in out
    assert "CRPS" in out
    assert "made_MS_000" not in out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--under", "inulim 20 g/day for 2 weeks"), 1, 'nearest "inulin"'),
        (("--under", "natalizumab for 2 weeks"), 1, "reaches nothing in the gut"),
        (("--against", "after.tsv"), 2, "--against needs --under"),
        (("--under", INULIN, "--against", "lost.tsv"), 1, "the file is missing"),
    ],
)
def test_bad_input_is_said_and_nothing_is_printed(run, arguments, status, words):
    found, out, err = run(*arguments)
    assert found == status
    assert words in err
    assert out == ""


def test_a_follow_up_of_others_is_a_finding(run, tmp_path):
    path = write_example_table(tmp_path / "others.tsv", people=8)
    path.write_text(path.read_text(encoding="utf-8").replace("made_", "else_"), encoding="utf-8")
    status, _, err = run("--under", INULIN, "--against", "others.tsv")
    assert status == 1
    assert "0 people have a usable sample in both tables" in err
    assert "name the rows of both tables by the person" in err
