"""The shipped scoreboard: every seal holds, every number that is quoted is the one that is made."""

import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from eubiosis.core.scoreboard import STATUSES
from eubiosis.report.score_page import board_markdown, coverage_words, ratio_words
from eubiosis.workflow.score.board import board_tables, compare
from eubiosis.workflow.score.readouts import asked_quantities
from eubiosis.workflow.score.sealed import read_sealed
from eubiosis.workflow.score.shown import shown_groups
from eubiosis.workflow.score.tables import FORECASTS

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def board():
    return compare()


def test_the_groups_that_reports_show_are_those_of_the_scoreboard(board):
    """After a change of forecasts: python validation/sealed_forecasts/groups.py --write."""
    assert len(shown_groups()) == len(board.groups) > 5
    for shown, scored in zip(shown_groups(), board.groups, strict=True):
        assert list(leaves(asdict(shown))) == [
            (name, pytest.approx(value, rel=1e-9) if isinstance(value, float) else value)
            for name, value in leaves(asdict(scored))
        ]


def leaves(values, above=""):
    """Return the names and values at the ends of nested mappings."""
    for name, value in values.items():
        yield from leaves(value, f"{above}{name}.") if isinstance(value, dict) else [(above + name, value)]


def test_every_forecast_is_sealed_before_its_comparison():
    for forecast, row in read_sealed(FORECASTS):
        assert row.predicted <= row.compared, forecast.name
        assert row.first_said, forecast.name
        assert all(len(set(q.draws)) > 1 for q in forecast.quantities), forecast.name


def test_what_was_fresh_at_the_first_comparison_is_fresh(board):
    asked = {(a.read_out.study, a.read_out.arm, a.read_out.quantity): a.status for a in asked_quantities()}
    for each in board.quantities:
        assert each.status == asked[each.study, each.arm, each.quantity]
        assert each.status in STATUSES


def test_a_groups_coverage_and_ratio_follow_from_its_figures(board):
    fresh = [q for q in board.quantities if q.status == "fresh"]
    group = board.group("fresh")
    assert group.coverage_90.hits == sum(0.05 <= q.place <= 0.95 for q in fresh)
    by_study = {q.study: [p for p in fresh if p.study == q.study] for q in fresh}
    model = [np.mean([q.crps for q in own]) for own in by_study.values()]
    reference = [np.mean([q.crps_reference for q in own]) for own in by_study.values()]
    assert group.crps.ratio == pytest.approx(np.mean(model) / np.mean(reference))


def test_skill_is_claimed_nowhere_without_both_intervals_below_one(board):
    for group in board.groups:
        for ratio in (group.crps, group.energy):
            if ratio is not None and ratio.verdict == "skill":
                assert ratio.high < 1
        if group.crps is not None and group.crps.verdict == "skill":
            assert group.yardstick.high < 1


def test_the_readme_quotes_ratio_coverage_and_width_as_they_are(board):
    text = re.sub(r"\s+", " ", (ROOT / "README.md").read_text(encoding="utf-8"))
    for name in ("fresh", "not fitted"):
        group = board.group(name)
        assert ratio_words(group.crps) in text
        assert f"{group.studies} studies" in text
        assert f"{group.width:.2f}" in text
        for coverage in (group.coverage_50, group.coverage_90):
            assert coverage_words(coverage).split(";")[0].rstrip(")") in text


def test_the_page_of_the_documentation_is_the_one_that_is_made(board):
    page = ROOT / "docs" / "reference" / "scoreboard.md"
    assert page.read_text(encoding="utf-8") == board_markdown(board)


def test_tables_hold_every_row(board):
    tables = board_tables(board)
    assert len(tables["quantities.tsv"].splitlines()) == len(board.quantities) + 1
    assert len(tables["studies.tsv"].splitlines()) == len(board.studies) + 1
    assert "no interval was read" in tables["not_scored.tsv"]
