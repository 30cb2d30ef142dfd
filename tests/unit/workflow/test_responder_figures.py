"""From what gut worlds keep of responders to figures: counted and ranked by hand."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from eubiosis import therapy
from eubiosis.trial.design import Design
from eubiosis.workflow.responder_chunk import (
    BARS,
    OF_AREAS,
    OF_GROUPS,
    OF_PEOPLE,
    WorldResponders,
    benefit_sign,
    compared_endpoints,
)
from eubiosis.workflow.responder_figures import commonest_sign, responder_figures
from eubiosis.workflow.visit_effects import VisitSums


def design(primary="mfis"):
    arms = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
    return Design(arms=arms, participants=40, primary=primary)


def world(means, *, p_values=(0.01, 0.2), areas=(1.0, 0.1, 0.4, 0.1)):
    """One gut world of as many host worlds as there are mean effects, on fatigue in one arm."""
    pairs = len(means)
    bars = np.full((pairs, 1, 2, BARS), np.nan)
    people = np.full((pairs, 1, len(OF_PEOPLE)), np.nan)
    groups = np.full((pairs, 1, 5, len(OF_GROUPS)), np.nan)
    for k, mean in enumerate(means):
        bars[k, 0, :, :2] = [[mean - 1, mean + 1], [-5.0, 5.0]]
        people[k, 0] = [20, mean, 0.1, 0.5, 0.4]
        groups[k, 0, 0] = [-1.0, 1.0, 2.0, p_values[k % 2], 0.75, 0.0, mean, 0.0, 0.2, 40, 38]
    fifths = np.broadcast_to(np.array([[-2.0, -1, 0, 1, 2], [0.0] * 5]), (pairs, 1, 2, 5))
    curves = np.zeros((pairs, 1, 3, 10))
    found = np.broadcast_to(np.array(areas), (pairs, 1, len(OF_AREAS)))
    arrays = (bars, people, groups, fifths, curves, found)
    return WorldResponders(
        0, (("mfis", "inulin"),), np.arange(pairs), *(a.astype(np.float32) for a in arrays)
    )


def chunk(row, blocks=0, hosts=None):
    known = range(len(row.host_worlds) if hosts is None else hosts)
    forms = tuple(SimpleNamespace(gut_world=row.gut_world, host_world=h, form=f"N{h % 4}") for h in known)
    return SimpleNamespace(responders=(row,), worlds=forms, blocks=blocks)


def figures(*means, primary="mfis", blocks=0, hosts=None, **options):
    return responder_figures(design(primary), [chunk(world(means, **options), blocks, hosts)])


def test_three_worlds_are_drawn_by_the_rank_of_their_benefit():
    means = [0.0, -3.0, 2.0, 1.0, -1.0, 4.0, -2.0, 3.0, 5.0, -4.0, -5.0]  # lower is better
    (fall,) = figures(*means).waterfalls
    assert [panel.mean for panel in fall.panels] == [4.0, 0.0, -4.0]  # 10, 50, 90 % of the benefit
    first = fall.panels[0]
    assert (first.host_world, first.form, first.people) == (5, "N1", 20)
    assert first.effects == (3.0, 5.0)
    assert first.changes == (-5.0, 5.0)
    assert fall.important == 4.0
    assert "10.1016/j.msard.2019.07.028" in fall.important_source
    one = figures(1.0).waterfalls[0]
    assert [panel.place for panel in one.panels] == ["world 1 of 1 by mean benefit, the least first"]
    assert [panel.place for panel in fall.panels][1:] == [
        "the middle world",
        "a high world: one in ten has a larger mean benefit",
    ]


def test_interactions_are_counted_beside_the_nominal_level():
    lines = figures(*[0.5] * 10).subgroups
    sex = lines[0]
    assert (sex.significant, sex.trials, sex.people) == (5, 10, 38)
    assert sex.interaction == (2.0, 2.0, 2.0)
    assert sex.share[1] == 0.5
    assert sex.share[0] == pytest.approx(0.187, abs=1e-3)  # Clopper and Pearson, 5 of 10
    assert lines[1].trials == 0
    assert math.isnan(lines[1].share[1])


def test_phenotypes_by_hand():
    rows = figures(-2.0, -1.0, 3.0, 0.0).phenotypes
    men, women = rows
    assert men.effect == (0.0, 0.0, 0.0)
    assert (men.sign, men.stability, men.screened_for_responder) == ("none", 1.0, None)
    assert men.screened_for_one == pytest.approx(4.0)
    assert (women.sign, women.stability, women.worlds) == ("benefit", 0.5, 4)
    assert women.prevalence[1] == 0.75
    assert women.screened_for_responder == pytest.approx(1 / (0.75 * 0.2), rel=1e-5)


def test_a_claim_is_an_area_of_two_standard_errors():
    found = figures(0.0, 0.0).curves[0]
    assert (found.claiming, found.trials, found.found) == (2, 2, True)
    none = figures(0.0, 0.0, areas=(-1.0, 0.1, 0.0, 0.1)).curves[0]
    assert (none.claiming, none.found) == (0, False)
    assert figures(0.0, areas=(math.nan,) * 4).curves == ()
    assert any("Too few people" in note for note in figures(0.0, areas=(math.nan,) * 4).notes)


def test_what_the_figures_are_of_is_said():
    assert figures(0.0).notes == figures(0.0, blocks=1).notes == ()  # one block is everybody
    assert "of block 0 of each gut" in figures(0.0, blocks=3).notes[0]
    assert (
        "first 6 host worlds of each gut world are looked at here, of 20 worlds"
        in figures(*[0.0] * 6, hosts=20).notes[0]
    )
    assert figures(0.0, primary="relapses").notes[0].startswith("Relapses, the primary endpoint, is a count")
    assert responder_figures(design(), [SimpleNamespace(responders=(), worlds=(), blocks=0)]) is None


def test_counts_are_left_out_and_fatigue_stands_beside():
    assert [each.id for each in compared_endpoints(design())] == ["mfis"]
    assert [each.id for each in compared_endpoints(design("treg"))] == ["treg", "mfis"]
    assert [each.id for each in compared_endpoints(design("t2_lesions"))] == ["mfis"]
    assert [benefit_sign(each) for each in compared_endpoints(design("treg"))] == [1.0, -1.0]


def test_ratios_are_printed_as_ratios():
    row = world([math.log(2.0)])
    row = replace(row, comparisons=(("treg", "inulin"),))
    made = responder_figures(design("treg"), [chunk(row)])
    assert made.waterfalls[0].panels[0].mean == pytest.approx(2.0)
    assert made.waterfalls[0].important is None
    assert made.notes == ()
    neither = replace(row, comparisons=(("stool_butyrate", "inulin"),))
    made = responder_figures(design("stool_butyrate"), [chunk(neither)])
    assert made.notes == (
        "Butyrate in stool: neither direction is better. Where this part has to rank people, more of it "
        "stands first.",
    )
    assert made.subgroups[0].interaction[1] == pytest.approx(math.exp(2.0))


def test_signs_of_nothing_are_none():
    assert commonest_sign(np.array([0.0, 1e-12, -1.0])) == ("none", pytest.approx(2 / 3))


def test_counts_of_a_fingerprint_by_hand():
    """Two arms of two people: 1 and 3 events in a year each, then 2 and 6; nobody without time counts."""
    sums = VisitSums("placebo")
    of_subjects = {
        "relapses": np.array([1.0, 3.0, 2.0, 6.0, 9.0]),
        "follow_up_years": np.array([1.0, 1.0, 1.0, 1.0, 0.0]),
    }
    stack = SimpleNamespace(
        gut_world=0, host_world=1, arms=("placebo", "inulin"), arm=np.array([[0, 0, 1, 1, 1]]),
        weeks=(0.0, 12.0), attended=np.zeros((2, 1, 5), dtype=bool), of_visits={}, of_subjects=of_subjects,
        column=lambda name: of_subjects[name][None],
    )  # fmt: skip
    sums.add(stack)
    (row,) = sums.rows()
    assert (row.endpoint, row.arm, row.week) == ("relapses", "inulin", 12.0)
    assert row.value == pytest.approx(math.log(2.0))
    # residuals -1, 1 of four events, and -2, 2 of eight: variances of the logarithm 2/16 and 8/64
    assert row.error == pytest.approx(math.sqrt(2 / 16 + 8 / 64))
    assert row.spread == pytest.approx(row.error)  # two people: their sum over 2, and over 2 arms
