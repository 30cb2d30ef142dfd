"""The page of the model: self-contained, every link leads somewhere, every equation and number is on it."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from eubiosis.core.model_page import Agreement, SignRow, SignTable
from eubiosis.report.model_page.page import model_page
from eubiosis.workflow.model_page import page_content


def made_signs():
    row = SignRow(
        mechanism="m1",
        source="a <b>",
        target="c",
        evidence="+",
        evidence_type="mouse",
        read="abstract",
        study="Nobody2000",
        doi="",
        source_quantities="gut_C_Bu",
        target_quantities="host_R",
        match="same",
        changes=(0.1, 0.2, 0.3),
        share_up=0.5,
        hand_fit="+",
        verdict="free",
        steady=True,
    )
    counts = {"agree": 0, "disagree": 0, "free": 1, "absent": 0}
    return SignTable((row,), 5, counts, (Agreement("records", 0, 0, 0, 0, 0.0, 1.0),), 1, ("d",), "ms",
                     (7.0, 84.0, 365.0), 84.0, 4)  # fmt: skip


@pytest.fixture(scope="module")
def content(model):
    return page_content(model, made_signs())


@pytest.fixture(scope="module")
def page(content):
    return model_page(content)


class Seen(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.links, self.sources = [], [], []

    def handle_starttag(self, tag, attrs):
        del tag
        given = dict(attrs)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given["href"]] if "href" in given else []
        self.sources += [given[name] for name in ("src", "xlink:href") if name in given]


def test_every_link_leads_to_something_on_the_page(page):
    seen = Seen()
    seen.feed(page)
    assert len(seen.ids) == len(set(seen.ids))
    assert len(seen.links) > 1000
    assert {link.removeprefix("#") for link in seen.links} <= set(seen.ids)
    assert all(link.startswith("#") for link in seen.links)
    assert seen.sources == []


def test_nothing_is_fetched_and_the_script_is_the_one_allowed(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page).group(1).replace("&#39;", "'")
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.S)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'", "style-src 'unsafe-inline'", "base-uri 'none'", "form-action 'none'",
        f"script-src 'sha256-{digest}'",
    ]  # fmt: skip
    addresses = set(re.findall(r"https?://[^\"' <)]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert " onclick" not in page


def test_every_equation_and_number_is_on_it(model, page):
    seen = Seen()
    seen.feed(page)
    for name in (*model.system.states, *model.system.assigned):
        assert f"q-{name}" in seen.ids
    for name in model.content.numbers:
        assert f"n-{name}" in seen.ids
    assert "host_lesion_rate</b> :=" in page
    butyrate = model.simulate("healthy", [0.0], ["gut_C_Bu"])["gut_C_Bu"][0, 0]
    assert 10 < butyrate < 30  # mM; another number would be a slip of the unit
    shown = page.split('id="q-gut_C_Bu"')[1].split('id="q-')[0]
    assert f"healthy {butyrate:.4g}" in shown  # at the reference, as eubiosis model show gives it


def test_headings_are_those_of_the_file(model, content):
    by_module = {}
    for group in content.groups:
        by_module.setdefault(group.module, []).append(group.heading)
    assert "Bile acids" in by_module["gut"]
    assert "Blood-brain barrier" in by_module["host"]
    for module, text in model.content.modules.items():
        lines = [line.split("//")[0] for line in text.splitlines()]
        written = sum(bool(re.match(r"\s*\w+(' =| :=)", line)) for line in lines)
        shown = sum(e.kind != "event" for g in content.groups if g.module == module for e in g.equations)
        assert shown == written, module


def test_what_people_wrote_is_escaped(page):
    assert "a &lt;b&gt;" in page
    assert "a <b>" not in page


def test_the_page_reads_without_a_script(page):
    """The filter is hidden until the script shows it; the rows are there without it."""
    assert re.search(r'<div id="filters" hidden>', page)
    assert page.count('<tr id="n-') == page.count("data-basis=")
    assert "<noscript" not in page
