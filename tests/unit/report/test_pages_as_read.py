"""Pages as a reader meets them: whole report and briefs, every visible word held against rules of writing."""

from __future__ import annotations

import dataclasses
import html
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from figures_factory import make_figures_input
from over_time_factory import with_over_time
from report_input_factory import make_report_input
from responder_factory import make_responders

from eubiosis.core.decisions import Chance
from eubiosis.core.over_time import WeekChange
from eubiosis.core.report_input import MarkerChange, SimulationSize
from eubiosis.core.responders import PhenotypeLine
from eubiosis.core.study_names import named, study_names
from eubiosis.report.abbreviations import ABBREVIATIONS, spelled_out
from eubiosis.report.brief.page import brief_html
from eubiosis.report.trial.page import trial_report
from eubiosis.report.trial.responders import responder_cells
from eubiosis.report.trial.sentences import sentences
from eubiosis.report.trial.week_changes import week_words
from eubiosis.report.trial.words import change_size, number, percent, power_parts, size_text
from eubiosis.trial.world.laboratory import reported
from eubiosis.workflow.brief import brief

BRIEFS = Path(__file__).parents[3] / "src" / "eubiosis" / "content" / "briefs"
NOUNS = "worlds|trials|participants|people|cohorts|numbers|draws|rows|relapses|subgroups|studies|months|fits"
# names that are no abbreviations: trials, roman numerals, titles of files
NAMES = {
    "AFFIRM", "SENTINEL", "TRIUMPHANT", "CMSC", "MSCRG", "PRISMS", "FREEDOMS", "CLARITY", "TEMSO", "TOWER",
    "DEFINE", "CONFIRM", "GALA", "ADVANCE", "REGARD", "BEYOND", "NORMIMS", "TRANSFORMS", "SIMCOMBIN", "CARE",
    "TENERE", "OPERA", "ASCLEPIOS", "OPTIMUM", "GEMINI", "FLS", "CMAJ", "CPRD", "BMC", "JRSS", "NBT", "MEG",
    "EGG", "RUN", "BRIEF", "PubMed", "VitD", "CSV", "JSON", "II", "ISME",
}  # fmt: skip


RULES = (
    rf"(?<![\d.,:±] )(?<![\d.,])\b1 (?:{NOUNS})\b",  # "1 worlds"
    r"(?<![\w.])\d+(?:\.\d+)?[eE][-+−]?\d+\b",
    r"× 10⁻",
    r"\bnan\b|\bNaN\b|\binf\b",
    r"\d%",
    r"[−-]0(?:\.0+)?(?![\d.])",
    r"\.{2,}|,,| ,|\( | \)(?! )",
)


def shown(page: str) -> str:
    """Return the visible text of a page, its cells and blocks apart."""
    body = re.sub(r"<(script|style|pre|code|head)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"[ \t\n]+", " ", re.sub(r"<[^>]*>", " ", body))).replace("\u00a0", " ")


@pytest.fixture(scope="module")
def report():
    made = with_over_time(make_figures_input())
    return trial_report(
        dataclasses.replace(
            made, responders=make_responders(),
        )
    )  # fmt: skip


@pytest.fixture(scope="module")
def pages(report):
    made = {name: brief_html(brief(BRIEFS / f"{name}.yaml")) for name in ("fmt_pilot", "probiotic_hs_crp")}
    return {"report": report, **made}


def test_one_thing_is_one_and_no_number_is_a_machine_s(pages):
    for name, page in pages.items():
        text = shown(page)
        for rule in RULES:
            around = [
                text[max(0, found.start() - 40) : found.end() + 30] for found in re.finditer(rule, text)
            ]
            assert around == [], (name, rule)


def test_every_table_says_what_it_is(pages):
    for name, page in pages.items():
        tables = re.findall(r"<table\b.*?</table>", page, flags=re.DOTALL)
        assert len(tables) > 8
        bare = [table[:200] for table in tables if "<caption" not in table]
        assert bare == [], name
        labels = re.findall(r'role="region" aria-label="([^"]*)"', page)
        assert all(not label.endswith((" …", "…")) or re.search(r"\w …$|\W …$", label) for label in labels)


def test_studies_go_by_their_names(pages):
    text = " ".join(map(shown, pages.values()))
    ids = re.findall(r"(?<![\w/.-])(?:" + "|".join(study_names()) + r")(?![\w/])", text)
    assert ids == []
    assert "Kouchaki 2017" in text
    names = list(study_names().values())
    assert sorted(names) == sorted(set(names))  # no two studies under one name
    assert named("kouchaki20170 10.1/kouchaki2017") == "kouchaki20170 10.1/kouchaki2017"


def test_abbreviations_are_spelled_out_where_they_are_used(pages):
    for name, page in pages.items():
        text = shown(page)
        listed = set(re.findall(r"<dt>([^<]*)</dt>", page.partition('id="abbreviations"')[2]))
        used = set(re.findall(r"(?<![\w/.-])[A-Z][A-Za-z]*[A-Z+][A-Za-z0-9]*\+?(?![\w/-])", text))
        used = {word for word in used if not re.match(r"PMC|NCT|[A-Z]\d|CD4$", word)}
        assert used - listed - NAMES == set(), name
        assert listed <= set(ABBREVIATIONS)
        assert "MS" in listed
    assert spelled_out("no place") == "no place"


def test_one_world_is_one_world():
    size = SimulationSize(worlds=1, trials=1, participants=120, seed=1, design_hash="")
    made = dataclasses.replace(make_report_input(), size=size)
    assert size_text(made) == "n = 1 world × 1 trial in each × 120 participants in each trial"
    row = dataclasses.replace(made.effects[0], not_usable=0)
    for failed, words in ((0, "All 400 fits"), (1, "1 of 400 fits was not"), (7, "7 of 400 fits were not")):
        one = dataclasses.replace(made, effects=(dataclasses.replace(row, not_usable=failed, trials=400),))
        assert any(line.startswith(words) for line in sentences(one))


def test_what_is_near_none_or_all_is_not_said_to_be_it():
    assert percent(0.0).startswith("0")
    assert percent(0.0049).startswith("under 1")
    assert percent(0.9951).startswith("over 99")
    assert percent(1.0).startswith("100")
    assert number(1e-15) == "0"
    assert number(-9.4e-4) == "−0.0009"
    # no trial of 36 found anything: a rule of three leaves up to 8 %, and no error of "± 0.0 %" is claimed
    assert power_parts(0.0, 0.0, 36) == ("none of 36", "")


@pytest.mark.parametrize(
    ("now", "before", "word"),
    [
        (0.304, 0.304, "prior only"),
        (0.304, 0.3043, "prior only"),  # prints alike
        (0.304, 0.305, "data hardly moved it"),
        (0.161, 0.167, "data hardly moved it"),
        (0.25, 0.31, "data moved it"),
    ],
)
def test_data_moved_a_chance_only_where_it_moved(now, before, word):
    assert Chance("ratio below 0.8", now, before).word == word


def test_a_marker_without_a_better_direction_has_no_benefit():
    """More butyrate in stool is not better; a page that calls it benefit could be quoted."""
    own = make_responders()
    line = own.phenotypes[0]
    neither = dataclasses.replace(line, endpoint="stool_butyrate", sign="benefit", stability=1.0, worlds=36)
    better = dataclasses.replace(line, endpoint="mfis", sign="benefit", stability=1.0, worlds=36)
    assert isinstance(line, PhenotypeLine)
    made = dataclasses.replace(
        make_report_input(), responders=dataclasses.replace(own, phenotypes=(neither, better))
    )
    words = [row[5] for table in responder_cells(made)["phenotype_tables"] for row in table["rows"]]
    assert [text.replace("\u00a0", " ") for text in words] == [
        "more in 100 % of 36 worlds", "benefit in 100 % of 36 worlds",
    ]  # fmt: skip


def test_a_level_few_steps_high_is_printed_twice_alike():
    """Plasma butyrate of 0.00096 and 0.00104 mM prints as 0.0010 mM both times: a change of exactly none."""
    levels = {
        name: np.array([1.0]) for name in (
            "stool_acetate", "stool_propionate", "stool_butyrate", "plasma_acetate", "plasma_propionate",
        )
    }  # fmt: skip
    before, after = (
        reported({**levels, "plasma_butyrate": np.array([level])})["plasma_butyrate"][0]
        for level in (0.00096, 0.00104)
    )
    assert before == after == 0.001
    rows = [
        WeekChange(
            group=group, endpoint=name, quantity=label, arm="placebo", weeks=(12.0,), median=(median,),
            found_in=(), found_first=(), trials=1, people=10.0, block_only=False,
        )
        for group, name, label, median in (
            ("plasma", "plasma_butyrate", "Butyrate in plasma", 0.0),
            ("plasma", "plasma_acetate", "Acetate in plasma", 1e-4),
            ("guild", "share_BAC", "Bacteroides and kin", 0.0),
        )
    ]  # fmt: skip
    made = dataclasses.replace(make_report_input(), week_changes=tuple(rows))
    assert "Exactly 0 in butyrate in plasma: acids are recorded in the steps" in week_words(made)
    assert "steps" not in week_words(dataclasses.replace(made, week_changes=tuple(rows[1:])))


def test_changes_say_over_whom_they_are():
    one = MarkerChange("guild", "Blautia", {}, people=1234, gut_worlds=6, block_only=True)
    assert change_size(SimpleNamespace(changes=(one,))) == (
        "n = 1,234 people of 6 gut worlds together, those of block 0 of trials that were cut, "
        "each in every arm"
    )
    whole = dataclasses.replace(one, people=1, gut_worlds=1, block_only=False)
    assert (
        change_size(SimpleNamespace(changes=(whole,)))
        == "n = 1 person of 1 gut world together, each in every arm"
    )
