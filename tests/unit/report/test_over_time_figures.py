"""Clocks, changes by week and lines on the page of a trial: numbers, words, marks, tables and data."""

import dataclasses
import itertools
import json
import re

import jsonschema
import pytest
from over_time_factory import WEEKS, with_over_time
from report_input_factory import make_hard_input, make_report_input

from eubiosis.report.trial.clocks import band_words, clock_figures, few_words
from eubiosis.report.trial.course_lines import course_words, line_panels, lines_words
from eubiosis.report.trial.page import trial_report
from eubiosis.report.trial.results_json import results_text
from eubiosis.report.trial.results_schema import read_results, results_schema
from eubiosis.report.trial.week_changes import colour_limit, heat_panels, week_table, week_words

NAN = float("nan")


@pytest.fixture(scope="module")
def made():
    return with_over_time(make_report_input())


@pytest.fixture(scope="module")
def html(made):
    return trial_report(made)


def section(html, name):
    return re.search(rf'<section id="{name}">.*?</section>', html, re.DOTALL)[0]


def points(svg, names):
    found = re.findall(rf'<polyline class="{names}" points="([^"]*)"', svg)
    return [[tuple(map(float, pair.split(","))) for pair in one.split()] for one in found]


def test_lines_stand_where_their_numbers_are(made):
    """Share .85 at week 36 lies at 3/4 of the width; equal steps of the share are equal on the page."""
    figure = clock_figures(made)[0]
    (line,) = points(figure["svg"], "line c0")
    xs, ys = zip(*line, strict=True)
    assert [round(x, 1) for x in xs] == [54.0, 131.5, 209.0, 286.5, 364.0]
    steps = {round(b - a, 1) for a, b in itertools.pairwise(ys)}
    assert max(steps) - min(steps) <= 0.1
    assert min(steps) > 0, "a falling share goes down the page"


def test_progression_falls_at_visits_only(made):
    svg = clock_figures(made)[1]["svg"]
    (line,) = points(svg, "line c0")
    moves = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(line)]
    assert all(dx == 0 or dy == 0 for dx, dy in moves)
    assert len(line) == 2 * len(WEEKS)


def test_numbers_at_risk_stand_under_their_weeks(made):
    for figure in clock_figures(made):
        for risk in ("40", "38", "37", "34", "32"):
            assert figure["svg"].count(f">{risk}</text>") >= 3, "one for each arm"
        assert [row[5] for row in figure["rows"][:5]] == ["40.0", "38.2", "36.6", "34.4", "31.7"]
    assert "people followed" in clock_figures(made)[2]["svg"]


def test_a_cut_axis_says_so(made):
    low = clock_figures(made)[0]["svg"]
    assert "axis begins at 50 %" in low
    deep = dataclasses.replace(made.clocks[0], low=(1.0, 0.1, 0.1, 0.0, 0.0))
    whole = clock_figures(dataclasses.replace(made, clocks=(deep,)))[0]["svg"]
    assert "axis begins" not in whole


def test_every_figure_says_unit_number_band_seed_and_design(html, made):
    for name in ("people", "clocks", "weeks"):
        own = section(html, name)
        captions = re.findall(r"<figcaption>(.*?)</figcaption>", own, re.DOTALL)
        assert captions
        for text in captions:
            # the heatmap is of the first trials alone; the courses do not say here of how many
            assert ("n = 40 trials, the first " if name == "weeks" else "n = 40 worlds × 10") in text
            assert "seed 2026" in text
            assert "design 3fa2c19b77d0" in text
            assert "simulated, not patient data" in text
        labels = re.findall(r'<svg class="plot" [^>]*role="img" aria-label="([^"]+)"', own)
        assert len(labels) == {"people": 3, "clocks": 3, "weeks": 3}[name]
    assert section(html, "clocks").count("median and 5 to 95 % over 400 trials") == 3
    assert "n = 40 trials, the first of each pair of worlds × 120 participants" in section(html, "weeks")
    assert "no confidence interval" in section(html, "clocks")
    assert "all trials (400)" in band_words(made.clocks)
    fewer = [dataclasses.replace(one, replicates=2000) for one in made.clocks]
    assert "the first 10 of 2,000 trials of each pair of worlds" in band_words(fewer)


def test_few_worlds_and_trials_are_said_in_every_caption(made):
    """One world is one guess at the effect: its arms may lie far apart, and a caption is cut out with it."""
    assert few_words(made) == ""
    two = tuple(dataclasses.replace(one, trials=2) for one in made.clocks)
    few = dataclasses.replace(made, clocks=two, size=dataclasses.replace(made.size, worlds=1))
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", section(trial_report(few), "clocks"), re.DOTALL)
    assert len(captions) == 3
    for text in captions:
        assert "Only one world of the many that could be: how far arms lie apart here is a guess" in text
        assert "So few trials leave the ends of the band rough." in text
    assert "Only 29 worlds" in few_words(
        dataclasses.replace(made, size=dataclasses.replace(made.size, worlds=29))
    )
    unknown = dataclasses.replace(made, size=dataclasses.replace(made.size, worlds=None))
    assert few_words(unknown) == ""


def test_tables_hold_every_number_and_can_be_downloaded(html, made):
    names = re.findall(r'data-file="([^"]+)"', html)
    wanted = {"clock_first_relapse", "clock_progression", "clock_relapses", "week_changes", "courses"}
    assert wanted <= set(names)
    assert len(week_table(made)) == sum(len(row.weeks) for row in made.week_changes)
    assert {row["found_first"] for row in week_table(made) if row["arm"] == "placebo"} == {"–"}


def test_what_cannot_be_timed_is_said_in_a_sentence(made):
    none = dataclasses.replace(
        made.clocks[3], weeks=(), median=(), low=(), high=(), at_risk=(), read=(), note="no two visits fit"
    )
    page = trial_report(dataclasses.replace(made, clocks=(*made.clocks[:3], none)))
    assert "Not drawn: no two visits fit." in section(page, "clocks")
    bare = trial_report(make_report_input())
    assert "No days of relapses or of progression were handed to this report" in section(bare, "clocks")
    assert "No changes by week were handed to this report" in section(bare, "weeks")
    assert '<section id="people">' not in bare


def test_a_curve_that_ends_early_is_drawn_as_far_as_it_is_known(made):
    end = dataclasses.replace(made.clocks[0], median=(1.0, 0.9, NAN, NAN, NAN))
    figure = clock_figures(dataclasses.replace(made, clocks=(end,)))[0]
    assert len(points(figure["svg"], "line c0")[0]) == 2
    assert figure["rows"][2][2] == "not estimable"
    gone = dataclasses.replace(end, median=(NAN,) * 5)
    assert not points(clock_figures(dataclasses.replace(made, clocks=(gone,)))[0]["svg"], "line c0")


def test_colours_follow_sign_and_size_and_marks_follow_the_trials(made):
    assert colour_limit(made.week_changes) == pytest.approx(1.2 * 1.1)
    inulin = next(panel["svg"] for panel in heat_panels(made) if panel["title"] == "inulin")
    cells = re.findall(r'class="(rise|fall)( often)?" fill-opacity="([\d.]+)"', inulin)
    assert len(cells) == 16
    assert cells[3] == ("rise", " often", "0.50"), "the largest change has the strongest colour"
    assert {kind for kind, _, _ in cells[4:8]} == {"fall"}
    assert float(cells[4][2]) == pytest.approx(0.5 * 0.28 / 1.32, abs=0.006)
    assert inulin.count(" *</text>") == 3, "0.84 is none, 1.08, 1.2 and 1.32 are"
    assert "+1.32 *" in inulin
    assert "−0.28" in inulin
    placebo = next(panel["svg"] for panel in heat_panels(made) if panel["title"] == "placebo")
    assert " *" not in placebo
    assert "often" not in placebo


def test_many_visits_are_drawn_in_part_and_it_says_so(made):
    weeks = tuple(float(w) for w in range(2, 26, 2))
    rows = tuple(
        dataclasses.replace(row, weeks=weeks, median=weeks, found_in=(), found_first=())
        for row in made.week_changes
    )
    many = dataclasses.replace(made, week_changes=rows)
    assert "4 of 12 visits are drawn" in week_words(many)
    drawn = re.findall(r">(\d+)</text>", heat_panels(many)[0]["svg"])
    assert drawn[:4] == ["2", "10", "16", "24"]


def test_a_change_without_a_number_is_no_colour(made):
    lost = dataclasses.replace(made.week_changes[0], median=(NAN, 0.1, 0.1, NAN))
    svg = heat_panels(dataclasses.replace(made, week_changes=(lost,)))[0]["svg"]
    assert svg.count('class="unknown"') == 2
    assert "nan" not in svg


def test_lines_are_people_of_the_first_trial_beside_the_bands(made, html):
    panels = line_panels(made)
    assert [panel["title"].rpartition(": ")[2] for panel in panels] == ["placebo", "inulin", "propionate"]
    assert [len(points(panel["svg"], f"thin c{k}")) for k, panel in enumerate(panels)] == [3, 3, 3]
    assert "first 3 virtual people" in html
    assert "healthy level" not in lines_words(made), "no line is one of NfL"
    nfl = dataclasses.replace(made.course_lines[0], endpoint="nfl")
    assert "Serum NfL is in multiples of the model's healthy level" in lines_words(
        dataclasses.replace(made, course_lines=(*made.course_lines, nfl))
    )


def test_courses_name_the_band_that_they_hold(made):
    assert "thin edges: 2.5 to 97.5 %" in course_words(made), "as an older run wrote them"
    newer = [
        dataclasses.replace(
            one, levels=(5.0, 25.0, 50.0, 75.0, 95.0), trials=36, people=120.0, block_only=True
        )
        for one in made.courses
    ]
    words = course_words(dataclasses.replace(made, courses=tuple(newer)))
    assert "thin edges: 5 to 95 %" in words
    assert "36 trials of 120 people" in words
    assert "block 0 only" in words


@pytest.mark.parametrize("base", [make_report_input(), make_hard_input()], ids=["plain", "hard"])
def test_results_validate_and_come_back_to_the_byte(base):
    given = with_over_time(base)
    text = results_text(given)
    record = json.loads(text)
    assert [e.message for e in jsonschema.Draft202012Validator(results_schema()).iter_errors(record)] == []
    assert trial_report(read_results(record)) == trial_report(given)
    for name in ("clocks", "week_changes", "course_lines"):
        assert record[name]["rows"]
        assert all("prior only" in row["origin"] for row in record[name]["rows"])
        del record[name]
    old = read_results(record)
    assert (old.clocks, old.week_changes, old.course_lines) == ((), (), ())


def test_a_hostile_arm_is_text(made):
    name = '"><script>alert(1)</script>'
    arms = (dataclasses.replace(made.arms[0], name=name), *made.arms[1:])
    bad = dataclasses.replace(
        made,
        arms=arms,
        clocks=tuple(dataclasses.replace(c, arm=name) if c.arm == "placebo" else c for c in made.clocks),
        week_changes=tuple(dataclasses.replace(w, arm=name) for w in made.week_changes[:1]),
    )
    page = trial_report(bad)
    assert "<script>alert" not in page
    assert "&gt;&lt;script&gt;alert" in page
