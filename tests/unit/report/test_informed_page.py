"""The page of what the data informed: everything said once, nothing fetched, nothing executed."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from eubiosis.calibration.informed import Described, measures, profile
from eubiosis.core.informed import Informed
from eubiosis.report.informed.page import informed_page

RNG = np.random.default_rng(1)


@pytest.fixture(scope="module")
def found():
    prior = {name: RNG.lognormal(size=800) for name in ("gut_a", "gut_b", "gut_c", "ms_inulin_20g: BIF")}
    worlds = {name: RNG.lognormal(size=300) for name in prior}
    worlds["gut_a"] = np.exp(RNG.normal(1.0, 0.2, size=300))
    worlds["ms_inulin_20g: BIF"] = np.exp(RNG.normal(0.5, 0.1, size=300))
    described = {name: Described(f"what {name} is <b>", "mM") for name in prior}
    every = {one.name: one for one in measures(prior, worlds, np.ones(300), described)}
    predictions = (every.pop("ms_inulin_20g: BIF"),)
    seen = (prior["gut_a"], np.abs(np.log(prior["gut_a"]) - 1))
    one = profile(
        "gut_a", prior["gut_a"], worlds["gut_a"], np.ones(300), described=described["gut_a"], seen=seen
    )
    return Informed("shipped worlds, seed 1", 300, 300.0, 800, 12, "ab" * 32, "calibrated in healthy people",
                    tuple(every.values()), predictions, (one,))  # fmt: skip


@pytest.fixture(scope="module")
def page(found):
    return informed_page([("The gut", found), ("Natural history", replace(found, predictions=()))])


def test_what_was_not_informed_is_listed_by_name(page, found):
    still = [one.name for one in found.numbers if not one.informed]
    assert still == ["gut_b", "gut_c"]
    lists = re.findall(r'<ul class="still">(.*?)</ul>', page, re.DOTALL)
    assert len(lists) == 2
    for text in lists:
        assert re.findall(r"<code>(.*?)</code>", text) == still
    assert "<strong>1 of 3</strong> numbers were informed; 2 are as they were drawn" in page


def test_words_of_tables_are_escaped_and_the_data_cannot_end_their_element(page, found):
    assert "<b>" not in page
    assert "what gut_a is &lt;b&gt;" in page
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    read = json.loads(data[1])
    assert list(read) == ["The gut", "Natural history"]
    assert read["The gut"]["numbers"][0]["shrinkage"] == pytest.approx(found.numbers[0].shrinkage)
    assert len(re.findall("<script", page)) == 1


def test_nothing_is_fetched_and_no_id_stands_twice(page):
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="(?!#)', page.replace('xmlns:xlink="http://www.w3.org/1999/xlink"', ""))
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_few_worlds_are_said(found):
    text = informed_page([("The gut", replace(found, warnings=("the worlds are worth 31 equal ones",)))])
    assert "Few worlds.</strong> the worlds are worth 31 equal ones" in text
    assert "prior only" in text or "informed</span>" in text
