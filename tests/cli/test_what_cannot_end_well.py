"""Nonsense that a user may write is a finding of ``check`` or of the command itself, before any work."""

import shutil

import pytest

import eubiosis as eb
from engine_models import sbml
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
    ({"population": "{source: reference, group: Control}"}, "population.group: 0% of the reference"),
    ({"more": "eligibility: {age: [18, 18]}"}, "eligibility: 0% of the reference population would enter"),
    ({"more": "eligibility: {edss: [9, 10]}"}, "eligibility: 0% of the reference population would enter"),
    ({"more": "eligibility: {mfis_from: 84}"}, "fatigue below the threshold"),
    ({"design": "{participants: 20, visits: [0, 0.001]}"}, "the visits in weeks 0 and 0.001 are on one day"),
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


TABLES = {
    "huge.tsv": "id\tBlautia\tDorea\na\t1e308\t2\n",
    "half.tsv": "id\tBlautia\tDorea\na\t0.25\t0.25\nb\t0.2\t0.3\n",
    "total.tsv": "id\tBlautia\tDorea\tTotal\na\t1\t2\t3\n",
    "quote.csv": 'id,"Blautia,Dorea\na,1,2\n',
    "escape.tsv": "id\tBlautia\tDorea\n\x1b[2Ja\t1\t2\n",
    "question.yaml": 'title: "\\ud800"\n',
    "trial.csv": "nothing,of,ours\n1,2,3\n",
    "mine.txt": "keep",
}
COMMANDS = [  # what is typed below a folder with these tables, and a word of what is answered
    ("profile huge.tsv", "above 1e+15"),
    ("profile half.tsv", "0.5"),
    ("profile total.tsv", "Total"),
    ("profile quote.csv", "quotation mark"),
    ("profile escape.tsv", "control characters"),
    ("profile none.tsv", "none.tsv"),
    ("profile --explain \x1b[2J", "Usage"),
    ("check question.yaml", "half of a character pair"),
    ("brief question.yaml --out page", "half of a character pair"),
    ("brief none.yaml --out page", "none.yaml"),
    ("brief none.yaml --out mine.txt", "a file stands there"),
    ("run none.yaml --out r", "none.yaml"),
    ("run none.yaml --out r --executor tomorrow", '"tomorrow" names no executor'),
    ("run none.yaml --out r --executor dask://example.org:1", "is another machine"),
    ("status none", "there is no run"),
    ("rerun none", "none"),
    ("report none --out r.html", "none"),
    ("export none --to e", "none"),
    ("compare none none", "none"),
    ("evidence pool --outcome hs-CRP --intervention probiotic --studies ,", "names no study"),
    ("evidence pool --outcome hs-CRPP --intervention probiotic", 'nearest "hs'),
    ("evidence flow --review none", "there is no review here"),
    ("evidence template .", "ready"),
    ("therapy show inulim", 'nearest "inulin"'),
    ("therapy show \x1b[2J", "is unknown"),
    ("model show gut_V_lumenn", 'nearest "gut_V_lumen"'),
    ("model simulate nobody", "is unknown"),
    ("engine run nan.xml --times 0,1 --observe x", "an exponent that is not a number"),
    ("engine run none.xml --times 0,1 --observe x", "none.xml"),
    ("trial analyse trial.csv --plan none.yaml --out a", "none.yaml"),
    ("score trial.csv", "a table alone cannot be scored"),
    ("forecast registry verify --seal 0000", "0000"),
    ("cache shoow", "shoow"),
    ("completion tcsh", "tcsh"),
    ("doctor --soak --only flood", '"flood" is no fault'),
    ("certificates mine.txt", "a file stands there"),
    ("\x1b[2J", "is unknown"),
]


def test_every_named_nonsense_is_answered_in_words(eubiosis, tmp_path, monkeypatch):
    """Refused with exit status 1 or 2, in words that a terminal may show, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "studies.tsv").write_text("id\n")
    squared, two = sbml("x = 3; x' = -x^2"), '<cn type="integer"> 2 </cn>'
    assert squared.count(two) == 1
    (tmp_path / "nan.xml").write_text(squared.replace(two, "<notanumber/>"), encoding="utf-8")
    before = sorted(path.name for path in tmp_path.iterdir())
    for command, word in COMMANDS:
        status, out, said = eubiosis(*command.split())
        if command.startswith("profile --explain"):  # an answer: it is in no table
            assert (status, said) == (0, "")
            assert "is not in the taxa table" in out
        else:
            assert status in (1, 2), (command, status, out, said)
            assert word in said, (command, said)
            assert out == "", command
        assert "Traceback" not in said
        assert "\x1b" not in out + said, command
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert len(COMMANDS) + len(CASES) > 45
