"""Figures of size, length and sensitivity: what stands in them, by hand, with seed and design under each."""

from __future__ import annotations

import dataclasses
import json
import math
import re

import jsonschema
import pytest
from answer_factory import make_answer
from figures_factory import make_figures_input, make_grid, make_point, make_sensitivity
from report_input_factory import make_report_input

from eubiosis.cli.trial_surface import surface_text
from eubiosis.core.power_surface import example_surface
from eubiosis.report.trial.board import board_cells, board_line
from eubiosis.report.trial.forest import effect_groups
from eubiosis.report.trial.heatmap import contours, heat_svg, heat_words, isoline, isoline_levels
from eubiosis.report.trial.page import trial_report
from eubiosis.report.trial.power_lengths import ends, length_cells, length_panels, length_words
from eubiosis.report.trial.published import published_cells, published_on_axis
from eubiosis.report.trial.results_json import results_json, results_text
from eubiosis.report.trial.results_schema import read_results, results_schema
from eubiosis.report.trial.sensitivity import index_groups, index_svg, index_words, top_words, tornado

INPUT = make_figures_input()


def plain(words: str) -> str:
    """Return words with plain spaces."""
    return words.replace("\u00a0", " ")


@pytest.fixture(scope="module")
def page() -> str:
    return trial_report(INPUT)


def section(page: str, name: str) -> str:
    start = page.index(f'<section id="{name}"')
    return page[start : page.index("</section>", start)]


def test_every_figure_names_seed_design_and_that_it_is_simulated(page):
    seed, design = str(INPUT.size.seed), INPUT.size.design_hash[:12]
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page, flags=re.DOTALL)
    assert len(captions) == page.count("<figure") >= 8
    for words in captions:
        assert f"seed {seed}" in words
        assert design in words
        assert "imulated" in words
    for name in ("effects", "tipping", "sensitivity"):  # figures that are tables
        assert f"seed {seed}; design {design}" in section(page, name)


def test_the_data_of_every_figure_are_in_the_json_and_in_a_table(page):
    record = json.loads(results_text(INPUT))
    assert [
        each.message for each in jsonschema.Draft202012Validator(results_schema()).iter_errors(record)
    ] == []
    assert record["answer"]["grids"][0]["common"][1] == [0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    assert record["sensitivity"]["rows"][0]["numbers"][0]["effect"] == {
        "share": 0.43,
        "low": 0.3,
        "high": 0.56,
    }
    assert record["scoreboard"]["rows"][0]["crps"]["ratio"] == 1.034
    assert record["answer"]["published"][0]["standardised"] == [-1.0, -0.5, 0.0]
    assert all(row["origin"] for name in ("sensitivity", "scoreboard") for row in record[name]["rows"])
    assert results_json(read_results(record)) == results_json(INPUT)
    files = ("power_by_length", "assurance_heatmap", "what_if", "sensitivity_1", "scoreboard", "published")
    for name in files:
        assert f'data-file="{name}"' in page


def test_panels_show_simulated_sizes_with_their_error_and_leave_out_what_gave_no_numbers():
    assert ends(make_point(60, 0.06)) == pytest.approx((0.0208, 0.0992), abs=1e-4)
    assert ends(make_point(60, 0.01))[0] == 0.0
    panels = {one["title"]: one["svg"] for one in length_panels(INPUT)}
    assert list(panels) == ["24 weeks", "48 weeks, as planned"]
    assert panels["48 weeks, as planned"].count("<circle") == 2
    assert "<circle" not in panels["24 weeks"]
    assert "no trial of 24 weeks was simulated" in length_words(INPUT)
    rows = {(row["weeks"], row["participants"]): row for row in length_cells(INPUT)}
    assert plain(rows["48", "60"]["simulated"]) == "6.0 % ± 2.0 %"
    assert plain(rows["48", "60"]["formula"]) == "7 %"
    assert rows["48", "240"]["simulated"] == "–"
    alone = make_report_input(answer=make_answer())
    assert "the formula stands alone" in length_words(alone)
    assert length_panels(make_report_input()) == []


def test_contours_and_isolines_by_hand():
    """Half way between 60 and 120 people in the logarithm lie 84.85; 600 visits are 200 seen thrice."""
    grid = make_grid(common=((0.2, 0.4, 0.6, 0.7, 0.7, 0.7), (0.1,) * 6, (0.5,) * 6))
    first, second = contours(grid, "common", 0.5)
    assert first == (pytest.approx((math.sqrt(60 * 120), 24.0)),)
    assert second == (pytest.approx((30.0, 96.0)),)
    assert isoline(grid, 600) == ((200.0, 24.0), (120.0, 48.0), (600 / 9, 96.0))
    assert isoline(grid, 100)[0] == pytest.approx((100 / 3, 24.0))
    assert len(isoline(grid, 100)) == 1  # 20 people lie below the grid
    assert isoline_levels(grid) == (100.0, 200.0, 500.0, 2000.0, 5000.0)
    drawn = heat_svg(grid, "common", (120, 48.0))
    assert drawn.count('class="heat"') == 18
    assert "at most 70 %. This design: 10 %." in plain(drawn)


def test_the_heatmap_says_how_far_it_goes():
    assert plain(heat_words(INPUT)).endswith("contours 50 %, 70 %, 80 %")
    low = dataclasses.replace(INPUT, answer=make_answer(grids=(make_grid(common=((0.1,) * 6,) * 3),)))
    assert plain(heat_words(low)).endswith("nowhere above 10 %, so that no contour is drawn")
    assert '<section id="heatmap"' not in trial_report(make_report_input(answer=make_answer()))


def test_the_tornado_starts_at_the_size_of_the_first_screen(page):
    drawn = tornado(INPUT)
    assert "size needed: 571" in drawn
    assert "if 90 % power were asked for: 836" in drawn
    assert "571 participants in all" in page
    assert tornado(make_report_input()) == ""


def test_indices_say_what_stands_out_and_what_the_rest_has():
    one = make_sensitivity()
    said = plain(" ".join(index_words(one)))
    assert "61 numbers were looked at over 80 worlds; 1 stands out" in said
    assert "total index 90 % (60 % to 100 %)" in said
    assert "Too few worlds." in said
    assert index_groups(INPUT)[0]["rows"][0]["name"] == "all numbers of the gut together"
    assert (
        plain(top_words(INPUT)[0])
        == "inulin and propionate: coupling of butyrate on Th1 (43 % of the spread of the effect)."
    )
    bare = dataclasses.replace(one, asked=0, numbers=(), noise=None, size_noise=None)
    only = dataclasses.replace(INPUT, sensitivity=(bare,))
    assert top_words(only) == ["inulin: too few worlds."]
    assert 'x1="47.4" x2="83.3"' in index_svg(one.numbers[0].effect, "c1")  # 30 and 56 % of 138, from 6 on
    assert index_svg(dataclasses.replace(one.numbers[0].effect, share=math.nan), "c1") == ""


def test_a_published_trial_stands_on_the_axis_or_says_why_not(page):
    assert INPUT.answer is not None
    rows = INPUT.answer.published
    drawn = published_on_axis(rows, "mfis", 2.0)
    assert [(row["study"], row["low"], row["middle"], row["high"]) for row in drawn] == [
        ("someone2020", "50.0", "75.0", "100.0")
    ]
    assert published_on_axis(rows, "mfis", 0.8)[0]["beyond"] == "‹"
    assert published_on_axis(rows, "relapses", 2.0) == []
    assert [row["placed"] for row in published_cells(rows)] == [
        "yes: over the pooled SD of its arms at one visit, 12",
        "no: its standard deviation is that of the change",
    ]
    cells = [row for group in effect_groups(INPUT, frozenset()) for row in group["rows"]]
    assert [row["endpoint"] for row in cells if row["published"]] == ["mfis"]  # once, beneath its last arm
    assert section(page, "effects").count('class="published"') == 1
    assert "doi 10.1/x" in section(page, "effects")


def test_the_scoreboard_line_holds_its_numbers(page):
    line = plain(board_line(INPUT))
    assert "of 14 finished studies that no number was fitted to, the error was 1.03 times" in line
    assert "(0.96 to 1.13; 10 could be compared), no skill shown" in line
    assert "50 % intervals held 35 % and 90 % intervals 72 % of 110 read-outs" in line
    assert "Of fatigue, 3 studies: the error was 1.18 times" in line
    assert line in plain(page)
    assert board_cells(INPUT)[2]["verdict"] == "no forecast of no change"
    assert board_line(make_report_input()) == ""


def test_a_surface_without_numbers_says_that_there_is_none():
    surface = example_surface()
    first = surface.points[0]
    none = first.changed(power=0.0, no_numbers=first.trials, successes=0, closed_form=None,
                         closed_form_low=None, closed_form_high=None)  # fmt: skip
    text = surface_text(surface.changed(points=(none, *surface.points[1:])))
    row = next(line for line in text.splitlines() if line.split()[:1] == ["60"])
    assert row.split()[1:3] == ["none", "-"]
    assert not none.changed(no_numbers=first.trials - 1).without_numbers
