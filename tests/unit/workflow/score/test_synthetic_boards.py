"""Made worlds with a known truth: the scoreboard keeps its marks, and a rigged one would not."""

from dataclasses import replace

from eubiosis.workflow.score import synthetic
from eubiosis.workflow.score.synthetic import WORLDS, synthetic_board

BY_NAME = {world.name: world for world in WORLDS}


def results(name, boards=4, **change):
    return synthetic._result(replace(BY_NAME[name], **change), boards, 5)


def test_skill_is_found_where_it_is():
    found = results("skill")
    assert found.kept
    assert found.ratio < 0.7


def test_a_world_without_effects_gives_no_skill():
    assert results("no effects").claimed == 0
    assert results("no effects, sure ones forecast").ratio > 2


def test_a_mark_is_missed_where_coverage_is_wrong():
    assert results("skill", spread=0.05).kept is False


def test_the_same_seed_gives_the_same_board():
    one, two = (synthetic_board(BY_NAME["wrong"], 3, 7) for _ in range(2))
    assert one == two
