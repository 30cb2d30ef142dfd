"""The page of a trial report: self-contained, escaped, honest in every row, the same bytes every time."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from answer_factory import make_answer
from report_input_factory import make_hard_input, make_report_input

from eubiosis.core.report_input import ArmInfo
from eubiosis.core.trial_answer import KnownPart, NextStep, PlainTable, TrialVerdict
from eubiosis.report.pages import packaged_text
from eubiosis.report.trial.page import trial_report
from eubiosis.report.trial.results_json import results_json

PRIOR_ONLY = "prior only: not calibrated to any clinical outcome"
SCRIPT = "\n".join((packaged_text("report.js"), packaged_text("trial_heatmap.js")))
VOID = {"meta", "br", "col", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """What a browser would see: elements with attributes, rows and scripts, and whether tags balance."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.rows: list[list[str]] = []
        self.svgs: list[str] = []
        self.scripts: list[str] = []
        self.definitions: list[str] = []
        self.captions: list[str] = []
        self.seen: list[str] = []
        self.stores = (
            ("svg", self.svgs),
            ("script", self.scripts),
            ("dd", self.definitions),
            ("figcaption", self.captions),
        )
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in VOID:
            return
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        for name, store in self.stores:
            if tag == name:
                store.append("")

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        inside = set(self.open)
        if "style" not in inside and "script" not in inside:
            self.seen.append(data)
        if inside & {"td", "th"}:
            self.rows[-1][-1] += data
        for name, store in self.stores:
            if name in inside:
                store[-1] += data

    @property
    def text(self) -> str:
        return " ".join(self.seen)


@pytest.fixture(scope="module")
def html() -> str:
    return trial_report(make_report_input(answer=make_answer()))


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def hard_html() -> str:
    return trial_report(make_hard_input())


def effect_rows(page: Page, labels: set[str]) -> list[list[str]]:
    return [row for row in page.rows if len(row) == 10 and any(label in row[0] for label in labels)]


def test_nothing_is_fetched(html, page):
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "image", "iframe", "object", "embed", "base", "video", "audio")
        assert not {"src", "srcset", "action", "background", "poster", "data"} & set(attributes)
        for name in ("href", "xlink:href"):
            if name in attributes:
                assert attributes[name].startswith("#")
                assert attributes[name][1:] in ids
    assert all(target.startswith("#") for target in re.findall(r"url\(\s*['\"]?([^)]*)", html))
    assert "@import" not in html
    assert "default-src 'none'" in html


@pytest.mark.parametrize("which", ["html", "hard_html"])
def test_tags_balance_and_ids_are_unique(which, request):
    page = Page(request.getfixturevalue(which))
    assert page.unbalanced == []
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids)) > 15


def test_reader_meets_the_answer_before_the_proof(page):
    order = [
        "Does 10 g of inulin",
        "Modified Fatigue Impact Scale, primary",
        "Not with this design:",
        "Chance of success",
        "Wrong signs among successes",
        "Size needed",
        "not a bound on the effect",
        "participants in the whole trial",
        "Next step",
        "workflow.yaml of the next step",
        "Nobody has stated how far",
        "All of this is simulated",
        "Sees: the true effect",
        "What this says, and",
        "Planning: which",
        "Whether to ask",
        "Synopsis",
        "What is known: inulin",
        "Clinical outcomes",
        "Published trials beside them",
        "Tipping points and forms of the model",
        "Fingerprint",
        "screened: 231",
        "What was observed at the visits",
        "gut guilds",
        "worlds: what nobody knows",
        "Numbers that the result rests on",
        "no measurement found",
        "Fifteen things",
        "Items of reporting guidelines",
        "master seed",
    ]
    places = [page.text.index(words) for words in order]
    assert places == sorted(places)


def test_untested_is_a_mark_of_a_column_with_its_legend(page):
    given = {(row.label, row.arm): row for row in make_report_input().effects}
    rows = effect_rows(page, {label for label, _ in given})
    assert len(rows) == len(given) == 40
    marked = [row for row in rows if row[1].startswith("†")]
    assert len(marked) == sum(bool(row.tested) for row in given.values()) == 8
    assert all("untested" in row[1] for row in marked)
    assert {row[1] for row in rows if row not in marked} == {"–"}
    assert "† untested: no trial in our tables has tested the outcome" in page.text
    assert "UNTESTED" not in page.text


def test_what_shows_exposure_is_called_adherence(page):
    butyrate = make_report_input().effects[0]
    shares = [
        dataclasses.replace(butyrate, endpoint="share_BIF", label="Share of Bifidobacterium", primary=False)
    ]
    read = Page(trial_report(make_report_input(effects=tuple(shares))))
    assert "adherence" in effect_rows(read, {"Share of Bifidobacterium"})[0][0]
    assert not any("adherence" in row[0] for row in effect_rows(page, {"Expanded Disability", "relapses"}))


def test_every_figure_says_what_it_is_of_what_and_from_how_many(page):
    svgs = [attributes for tag, attributes in page.elements if tag == "svg" and "role" in attributes]
    assert len(svgs) == 16  # the picture, a panel for each of twelve courses and of two lengths, the tornado
    assert all(attributes["role"] == "img" and len(attributes["aria-label"]) > 20 for attributes in svgs)
    captions = page.captions
    assert len(captions) == 8  # picture, lengths, tornado, flow, courses, changes, variance, basis
    assert sum("n = 40 worlds × 10 trials in each × 120 participants" in text for text in captions) == 7
    for text in captions[1:]:
        for words in ("simulated, not patient data", PRIOR_ONLY, "seed 2026", "design 3fa2c19b77d0"):
            assert words in text
    assert "Band: the Monte Carlo error" in captions[0]
    assert "median over subjects" in captions[4]


def test_header_cells_name_their_scope(page):
    headers = [attributes for tag, attributes in page.elements if tag == "th"]
    assert len(headers) > 60
    assert {attributes.get("scope") for attributes in headers} == {"row", "col"}


HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)"> & $\\frac{$ --> ]]> id="a" <b>'


def test_text_of_users_is_escaped():
    made = make_report_input(arms=2, endpoints=2, question=HOSTILE)
    arms = (made.arms[0], ArmInfo(HOSTILE, HOSTILE, control=False))
    answer = make_answer()
    wrong = TrialVerdict("not estimable", HOSTILE)
    answer = dataclasses.replace(
        answer,
        headline=wrong,
        headline_of=HOSTILE,
        rows=tuple(
            dataclasses.replace(row, label=HOSTILE, arm=HOSTILE, unit=HOSTILE, verdict=wrong)
            for row in answer.rows
        ),
        lines=tuple(dataclasses.replace(line, label=HOSTILE, arm=HOSTILE) for line in answer.lines),
        step=NextStep("size", HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        known=(
            KnownPart(HOSTILE, (HOSTILE,), (PlainTable(HOSTILE, (HOSTILE,), ((HOSTILE,),)),), (HOSTILE,)),
        ),
        published=tuple(dataclasses.replace(row, study=HOSTILE, source=HOSTILE) for row in answer.published),
        notes=(HOSTILE,),
    )
    report_input = dataclasses.replace(
        made,
        answer=answer,
        title=HOSTILE,
        context_of_use=HOSTILE,
        decision=HOSTILE,
        arms=arms,
        design=((HOSTILE, HOSTILE),),
        facts=((HOSTILE, HOSTILE),),
        warnings=(HOSTILE,),
        flow=tuple(dataclasses.replace(row, stage=HOSTILE, note=HOSTILE) for row in made.flow),
        effects=tuple(
            dataclasses.replace(row, label=HOSTILE, arm=HOSTILE, unit=HOSTILE, method=HOSTILE, tested=HOSTILE)
            for row in made.effects
        ),
        courses=tuple(dataclasses.replace(course, label=HOSTILE, unit=HOSTILE) for course in made.courses),
        changes=tuple(dataclasses.replace(row, group=HOSTILE, quantity=HOSTILE) for row in made.changes),
        variance=tuple(dataclasses.replace(row, label=HOSTILE, arm=HOSTILE) for row in made.variance),
        assumptions=tuple(
            dataclasses.replace(
                row, id=HOSTILE, description=HOSTILE, note=HOSTILE, source=HOSTILE, role=HOSTILE, unit=HOSTILE
            )
            for row in made.assumptions
        ),
    )
    page = Page(trial_report(report_input))
    assert page.unbalanced == []
    scripts = [attributes.get("type") for tag, attributes in page.elements if tag == "script"]
    assert scripts == ["application/json", None]
    assert page.scripts[1] == SCRIPT  # the page's own, and no letter of a user's
    assert not [tag for tag, _ in page.elements if tag == "img"]
    assert not [
        attributes for tag, attributes in page.elements if tag == "b" and attributes.get("class") is None
    ]
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert page.definitions.count(HOSTILE) == 3
    assert json.loads(page.scripts[0])["question"] == HOSTILE


def test_same_input_gives_the_same_bytes_in_another_process(hard_html):
    # hashes of text differ between the two processes, so an order taken from a set would show
    code = (
        "import hashlib; from report_input_factory import make_hard_input; "
        "from eubiosis.report.trial.page import trial_report; "
        "print(hashlib.sha256(trial_report(make_hard_input()).encode()).hexdigest())"
    )
    places = os.pathsep.join((str(Path(__file__).parent), *sys.path))
    environment = os.environ | {"PYTHONHASHSEED": "12345", "PYTHONPATH": places}
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert other.stdout.strip() == hashlib.sha256(hard_html.encode()).hexdigest()


def test_embedded_data_are_the_results_and_the_given_numbers(page):
    report_input = make_report_input(answer=make_answer())
    data = json.loads(page.scripts[0])
    assert data == results_json(report_input)
    assert data["schema"] == "eubiosis.trial_results/1"
    for row, given in zip(data["effects"]["rows"], report_input.effects, strict=True):
        assert (row["endpoint"], row["arm"]) == (given.endpoint, given.arm)
        assert row["truth"] == list(given.truth)
        assert row["power"] == given.power
    for row, given in zip(data["courses"]["rows"], report_input.courses, strict=True):
        assert row["by_arm"] == {arm: [list(q) for q in rows] for arm, rows in given.by_arm.items()}
    assert [row["worlds"] for row in data["variance"]["rows"]] == [r.worlds for r in report_input.variance]
    assert data["basis_shares"]["rows"] == [dict(report_input.basis_shares)]


def test_every_block_of_the_data_says_where_it_comes_from():
    data = results_json(make_report_input())
    blocks = [name for name, value in data.items() if isinstance(value, dict) and "rows" in value]
    assert blocks == [
        "flow",
        "effects",
        "courses",
        "course_lines",
        "clocks",
        "week_changes",
        "changes",
        "variance",
        "forms",
        "clinical_priors",
        "assumptions",
        "harms",
        "burden",
        "transplants",
        "intercurrent",
        "sensitivity",
        "scoreboard",
        "basis_shares",
    ]
    for name in blocks:
        origin = data[name]["origin"]
        assert origin["simulated"] is True
        assert PRIOR_ONLY in origin["statement"]
        assert origin["seed"] == 2026
    for name in ("effects", "courses", "changes", "variance", "forms"):
        assert all(PRIOR_ONLY in row["origin"] and "simulated" in row["origin"] for row in data[name]["rows"])


def test_what_is_not_finite_is_not_estimable(hard_html):
    page = Page(hard_html)
    assert not re.search(r"\b(nan|inf|infinity)\b", hard_html, re.IGNORECASE)
    rows = effect_rows(page, {"new gadolinium-enhancing lesions"})
    assert len(rows) == 1
    assert rows[0][4:8] == ["not estimable"] * 4
    assert "new gadolinium-enhancing lesions" in page.text.lower()
    data = json.loads(page.scripts[0])
    assert data["effects"]["rows"][2]["truth"] == [None, None, None]
    assert data["effects"]["rows"][0]["estimate"] == [None, 0.1, None]
    assert math.isnan(make_hard_input().effects[2].power)
    assert data["effects"]["rows"][2]["power"] is None


def test_what_is_not_stated_says_so(hard_html):
    captions = Page(hard_html).captions
    assert all("seed not stated" in text and "n not stated" in text for text in captions[:-1])
    assert len(captions) > 3


def test_a_report_without_parts_still_stands():
    empty = make_report_input(
        effects=(),
        courses=(),
        changes=(),
        variance=(),
        assumptions=(),
        flow=(),
        facts=(),
        warnings=(),
        design=(),
        basis_shares={},
    )
    page = Page(trial_report(empty))
    assert page.svgs == []
    assert page.unbalanced == []
    assert "No verdict: this report was made from parts" in page.text
    assert "No effects were handed to this report." in page.text
    assert "no evidence that a therapy works or is safe" in page.text
