"""Nonsense that a user may write is a finding of ``check`` or of the command itself, before any work."""

import shutil

import pytest

import eubiosis as eb
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError

WORKFLOW = """\
title: {title}
question: Is it refused?
context_of_use: A test.
decision: None.
seed: 11
population: {population}
arms:
  - {{name: placebo, therapy: placebo}}
  - {{name: inulin, therapy: inulin, dose: {dose}}}
design: {design}
primary: {primary}
simulation: {simulation}
{more}
"""
GOOD = {
    "title": "T", "population": "{source: reference}", "dose": "12 g/day", "primary": "stool_butyrate",
    "design": "{participants: 20, visits: [0, 4, 12]}", "more": "",
    "simulation": "{gut_worlds: 1, host_worlds: 1, replicates: 2}",
}  # fmt: skip
CASES = [
    ({"population": "{source: reference, group: Control}"}, "population.group: 0.0% of the reference"),
    ({"more": "eligibility: {age: [18, 18]}"}, "eligibility: 0.0% of the reference population would enter"),
    ({"more": "eligibility: {edss: [9, 10]}"}, "eligibility: 0.0% of the reference population would enter"),
    ({"more": "eligibility: {mfis_from: 84}"}, "fatigue below the threshold"),
    ({"design": "{participants: 20, visits: [0, 0.001]}"}, "the visit after week 0 falls on the same day"),
    ({"design": "{participants: 20, dropout_per_year: 5}"}, "participants are expected in the smallest arm"),
    ({"title": '"\\ud800"'}, "half of a character pair"),
    ({"dose": "5 kg/day"}, "above its ceiling of 20 g a day"),
    ({"dose": "1e300 kg/day"}, "above its ceiling of 20 g a day"),
    ({"dose": "12 tonne/day"}, "above its ceiling of 20 g a day"),
    ({"dose": "12 g/h"}, "the dose 288 g a day"),
    ({"more": "eligibility: {edss: [0, 0]}", "primary": "edss"}, "nobody with any disability enters"),
    (
        {"more": "control_level: {relapses_per_year: 0, gd_lesions_per_scan: 0}", "primary": "relapses"},
        "can occur",
    ),
    (
        {
            "design": "{participants: 20000, visits: [0, 4, 12]}",
            "simulation": "{gut_worlds: 1000, host_worlds: 1000, replicates: 10000}",
        },
        "--large",
    ),
]


def check(eubiosis, folder, *options, **changes):
    path = folder / "workflow.yaml"
    path.write_text(WORKFLOW.format(**{**GOOD, **changes}), encoding="utf-8")
    return eubiosis("check", path, *options)


@pytest.mark.parametrize(("changes", "words"), CASES)
def test_a_workflow_that_cannot_end_well_is_refused_by_check(eubiosis, tmp_path, changes, words):
    status, _, said = check(eubiosis, tmp_path, **changes)
    assert status == 1
    assert words in said
    assert "next:" in said


def test_a_good_one_is_told_what_it_will_take(eubiosis, tmp_path):
    status, said, _ = check(eubiosis, tmp_path)
    assert status == 0
    assert "CPU minutes" in said
    assert "MB on disk" in said


def test_lists_and_reviews_that_hold_nothing_are_no_lists_and_reviews(eubiosis, tmp_path):
    pool = ("evidence", "pool", "--outcome", "hs-CRP", "--intervention", "probiotic")
    for option in ("--studies", "--leave-out"):
        status, _, said = eubiosis(*pool, option, ",")
        assert status == 2
        assert '"," names no study' in said
    status, out, said = eubiosis("evidence", "flow", "--review", tmp_path / "nope")
    assert (status, out) == (1, "")
    assert "there is no review here" in said


def test_a_brief_replaces_an_earlier_one_and_nothing_else(eubiosis, tmp_path):
    question = PACKAGED_CONTENT / "briefs" / "fibre_add_on.yaml"
    out = tmp_path / "out"
    out.mkdir()
    (out / "brief.html").write_text("an earlier one")
    assert eubiosis("brief", question, "--out", out)[0] == 0
    (out / "mine.txt").write_text("keep")
    before = (out / "brief.html").read_bytes()
    status, _, said = eubiosis("brief", question, "--out", out)
    assert status == 1
    assert "it holds mine.txt too" in said
    assert (out / "brief.html").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "keep", "words"),
    [("worlds.tsv", 0.0, "worlds.tsv"), ("models/interface.tsv", 0.5, "of interface.tsv")],
)
def test_content_that_was_cut_off_is_found(eubiosis, tmp_path, name, keep, words):
    shutil.copytree(PACKAGED_CONTENT, tmp_path / "content")
    path = tmp_path / "content" / name
    header, rest = path.read_text().split("\n", 1)
    path.write_text(header + "\n" + rest[: int(keep * len(rest))])
    status, _, said = eubiosis("model", "check", "--content", tmp_path / "content")
    assert status == 1
    assert words in said


def test_from_python_too():
    arms = {"placebo": eb.therapy.placebo(), "inulin": eb.therapy.prebiotic("inulin", dose="12 g/day")}
    with pytest.raises(FindingsError, match="participants: -3 is out of range") as caught:
        eb.trial.Design(arms=arms, participants=-3, visits=(48, 0), primary="stool_butyrate")
    assert any("visits" in finding.place for finding in caught.value.findings)
    with pytest.raises(FindingsError, match="no arms are the control"):
        eb.trial.Design(arms={"inulin": arms["inulin"]}, participants=20, visits=(0, 12), primary="mfis")
    with pytest.raises(FindingsError, match='next: write "12 g/day"'):
        eb.therapy.prebiotic("inulin", dose=12)
