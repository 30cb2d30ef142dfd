"""The page of a real trial's table: nothing fetched, everything escaped, the numbers of the analysis."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from eubiosis.analysis import TrialPlan, analyse
from eubiosis.core.findings import FindingsError
from eubiosis.report.trial_table.page import analysis_page
from eubiosis.report.trial_table.words import number
from trial_plans import columns_of, endpoint, plan, rows

NASTY = '<script>alert("x")</script> & $\\frac{a}{b}$'


def everything() -> dict:
    yes = {"event_values": ["M"], "summary": "risk ratio", "column": "sex", "baseline_visit": None}
    time = {"event": "sex", "event_values": ["M"], "column": "age", "visit": None, "baseline_visit": None}
    once = {"rows": [{"column": "visit", "values": ["Week 12"]}]}
    return plan(
        endpoint(unit="points"),
        endpoint(name="ratio", kind="ratio biomarker", model="ratio of geometric means"),
        endpoint(name="count", kind="count", model="negative binomial", exposure="age", baseline_visit=None),
        endpoint(name="yes", kind="binary", model="logistic risks", role="secondary", **yes),
        endpoint(name="time", kind="time to event", model="cox", **time, **once),
        multiplicity="holm",
    )


@pytest.fixture(scope="module")
def page() -> str:
    return analysis_page(analyse(columns_of(rows()), TrialPlan(**everything()), file="trial.csv"))


def test_the_page_needs_nothing_beside_itself_and_is_the_same_again(page: str) -> None:
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", page)
    assert "url(http" not in page
    assert page == analysis_page(analyse(columns_of(rows()), TrialPlan(**everything()), file="trial.csv"))


def test_ids_are_unique_and_figures_have_names(page: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    figures = re.findall(r"<svg[^>]*>", page)
    assert len(figures) == 5 * 2 + 3  # arms and contrasts; residuals of three; nobody is missing
    assert page.count("Nobody is missing a value at any visit.") == 5
    assert all('role="img"' in one for one in figures)


def test_the_data_inside_are_those_of_the_analysis(page: str) -> None:
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])
    found = analyse(columns_of(rows()), TrialPlan(**everything())).to_table()
    assert [row["estimate"] for row in data["estimates"]] == found.to_pydict()["estimate"]
    assert data["participants"] == {"placebo": 4, "inulin": 4}
    assert data["plan"]["endpoints"][0]["imputations"] == 50  # every default written out
    assert number(found["estimate"][0]) in page


def test_text_of_the_plan_and_the_table_is_escaped() -> None:
    content = plan(endpoint(name="<b>fatigue</b>", unit="<i>"))
    content["title"] = NASTY
    content["arms"][1] = {"name": "<img onerror=x>", "spellings": ["Inulin"]}
    text = analysis_page(analyse(columns_of(rows()), TrialPlan(**content), file="<file>.csv"))
    seen: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            del attrs
            seen.append(tag)

    Tags().feed(text)
    assert "img" not in seen
    assert "b" not in seen
    assert seen.count("script") == 1


IN_VISIT = {"visit": None, "baseline_visit": None, "rows": [{"column": "visit", "values": ["Week 12"]}]}
KINDS = {
    "ancova": endpoint(),
    "mmrm": endpoint(model="mmrm", missing_data="missing at random by mmrm"),
    "imputed": endpoint(missing_data="jump to reference", imputations=5),
    "ratio": endpoint(kind="ratio biomarker", model="ratio of geometric means"),
    "count": endpoint(kind="count", model="negative binomial", exposure="age", baseline_visit=None),
    "binary": endpoint(
        kind="binary", model="logistic risks", column="sex", event_values=["M"], summary="risk difference",
        baseline_visit=None,
    ),
    "time": endpoint(
        kind="time to event", model="cox", column="age", event="sex", event_values=["M"], **IN_VISIT
    ),
}  # fmt: skip
SPOILT = {
    "constant": lambda _: 7,
    "two people": lambda k: k if k < 4 else "",
    "one arm at the end": lambda k: k + 3 if k < 8 or k % 2 == 0 else "",
    "perfect": lambda k: 10 + k // 2,
}


@pytest.mark.parametrize("spoil", SPOILT)
@pytest.mark.parametrize("kind", KINDS)
def test_degenerate_data_are_drawn_or_refused_and_no_number_is_made_up(kind: str, spoil: str) -> None:
    table = columns_of(rows())
    table["mfis"] = [SPOILT[spoil](k) for k in range(16)]
    if spoil == "constant":
        table["age"], table["sex"] = [30] * 16, ["F"] * 16
    try:
        found = analyse(table, TrialPlan(**plan(KINDS[kind])))
    except FindingsError:
        return
    assert "</html>" in analysis_page(found)
    for one in found.endpoints[0].estimates:
        finite = np.isfinite([one.estimate.estimate, one.estimate.standard_error, one.estimate.p_value])
        assert finite.all() == one.estimate.usable
        if spoil == "constant":
            assert one.estimate.status != "ok"


def test_an_analysis_without_numbers_is_drawn_and_said() -> None:
    table = columns_of(rows())
    for k in (9, 11, 13):
        table["mfis"][k] = None
    text = analysis_page(analyse(table, TrialPlan(**plan())))
    assert "no numbers (" in text
    assert "nan" not in re.sub(r"<script.*?</script>", "", text, flags=re.S).lower().split()
