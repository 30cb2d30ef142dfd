"""The part of a trial report on who responds: labelled, honest, whole where things are lacking."""

import json
import math
import re
from html import unescape

import jsonschema
import pytest
from report_input_factory import make_report_input
from responder_factory import NONE, make_curve, make_responders

from eubiosis.report.trial.page import trial_report
from eubiosis.report.trial.responder_plots import waterfall_plot
from eubiosis.report.trial.responders import curve_words
from eubiosis.report.trial.results_json import results_text
from eubiosis.report.trial.results_schema import read_results, results_schema


def part(**changes):
    page = trial_report(make_report_input(responders=make_responders(**changes)))
    return page[page.index('<section id="responders">') : page.index('<section id="tipping">')]


@pytest.fixture(scope="module")
def shown():
    return part()


def plain(text):
    return unescape(text).replace("\xa0", " ")


def rows(text, name):
    table = re.search(rf'<table data-file="{name}".*?</table>', text, re.DOTALL)[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>.*?</tr>", table)]
    return [[plain(cell) for cell in row] for row in cells]


def test_every_figure_says_what_its_marks_are_of_how_many_and_from_which_seed(shown):
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", shown)
    assert len(captions) == 5  # two waterfalls, subgroups, calibration, targeting
    for caption in captions:
        for words in ("n = 36 trials", "120 participants", "simulated", "seed 2026", "design 3fa2c19b77d0"):
            assert words in caption
        assert "no band" in caption or "2.5 to 97.5 %" in caption
    labels = re.findall(r'role="img" aria-label="([^"]*)"', shown)
    assert len(labels) == 6
    assert all(len(label) > 30 for label in labels)
    assert "style=" not in shown


def test_truth_is_labelled_where_it_is_drawn(shown):
    assert shown.count("latent truth, which no trial could see") >= 3
    assert "Bars are single people" in shown
    assert "nobody knows which is true" in shown


def test_a_threshold_has_its_source_and_where_there_is_none_it_is_said(shown):
    assert "(MCID), 4 points towards benefit (A study; 365 people)" in shown
    assert "50 % of people on inulin and in 49 % of those on the control" in plain(shown)
    assert "No smallest difference that matters (MCID) of regulatory T cells is in our tables" in shown
    # the line stands at four points below none, between none and the lowest change of twelve
    fall = make_responders().waterfalls[0]
    svg = waterfall_plot(fall, fall.panels[0])
    (level,) = re.findall(r'<line class="axis" x1="50.0"[^>]*y1="([\d.]+)"', svg)
    (mark,) = re.findall(r'<line class="mark"[^>]*y1="([\d.]+)"', svg)
    bars = re.findall(r'<rect class="behind f0"[^>]*y="([\d.]+)"[^>]*height="([\d.]+)"', svg)
    assert len(bars) == 2  # the third person missed the visit
    top, height = map(float, bars[0])
    assert top == pytest.approx(float(level), abs=0.11)
    assert (float(mark) - float(level)) / height == pytest.approx(4 / 12, abs=0.01)


def test_figures_have_their_data(shown):
    people = rows(shown, "waterfall")
    assert people[1][1:] == ["inulin", "2", "3", "1", "−2.50", "−12"]
    assert people[2][6] == "missed the visit"
    (line,) = rows(shown, "subgroups_1")[1:]
    assert line[-1] == "3 of 36 (2 % to 22 %)"
    assert rows(shown, "subgroups_2")[1][-1] == "not estimable"
    assert len(rows(shown, "calibration")) == 6
    assert rows(shown, "targeting")[1][2:4] == ["50 %", "+0.50 (−4.00 to +5.00)"]
    assert rows(shown, "targeting_areas")[1][-1] == "1 of 36 (under 1 % to 14 %)"
    women = rows(shown, "phenotypes_1")[1]
    assert women[2:4] == ["women", "72 % (66 % to 80 %)"]
    assert women[5:] == ["benefit in 53 % of 36 worlds", "0.3 %", "2", "464"]
    assert rows(shown, "phenotypes_2")[1][6:] == ["no MCID", "2", "no MCID in our tables"]


@pytest.mark.parametrize(
    ("autoc", "begins"),
    [
        ((-6.5, 0.5, 5.4), "Nothing is found"),
        ((0.0, 0.5, 5.4), "Nothing is found"),
        ((0.2, 0.5, 5.4), "The AUTOC of one trial runs from +0.200 to +5.40: those whom the score puts"),
        ((-5.4, -0.5, -0.2), "The AUTOC of one trial runs from −5.40 to −0.200: those whom the score puts"),
        (NONE, "No area can be given"),
    ],
)  # fmt: skip
def test_an_interval_that_holds_none_finds_nothing(autoc, begins):
    words = curve_words(make_curve(autoc=autoc, found=autoc[0] > 0))
    assert words.startswith(begins)
    assert "1 of 36 trials would claim a gain" in words
    assert (" first lose in these worlds" in words) is (autoc[2] < 0)
    assert (" first gain in these worlds" in words) is (autoc[0] > 0)


def test_no_word_advises_one_person(shown):
    text = re.sub(r"<[^>]+>", " ", unescape(shown)).lower()
    assert "nothing here says whom to treat" in text
    for word in (
        "should",
        "recommend",
        "you ",
        "your",
        "suitable",
        "candidate for",
        "must be treated",
        "effective",
    ):
        assert word not in text


def test_what_is_lacking_is_said():
    empty = part(waterfalls=(), subgroups=(), calibration=(), curves=(), phenotypes=())
    assert empty.count("can be given") == 4
    assert "<svg" not in empty.replace('<svg viewBox="0 0 46 14"', "")
    without = trial_report(make_report_input())
    assert "No trial was kept for this part" in without


def test_results_hold_the_figures_and_come_back():
    made = make_report_input(responders=make_responders())
    record = json.loads(results_text(made))
    assert jsonschema.Draft202012Validator(results_schema()).is_valid(record)
    assert record["responders"]["origin"].startswith("Eubiosis")
    assert record["responders"]["waterfalls"][0]["panels"][0]["changes"] == [-12.0, None, 8.0]
    back = read_results(record)
    assert trial_report(back) == trial_report(made)
    assert math.isnan(back.responders.subgroups[1].low[0])
    record["responders"]["pairs"] = "many"
    assert not jsonschema.Draft202012Validator(results_schema()).is_valid(record)
