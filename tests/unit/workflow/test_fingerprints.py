"""The fingerprint: contrasts by visit by hand, and forms that a marker can and cannot tell apart."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from eubiosis import therapy
from eubiosis.compute.packing import pack, unpack
from eubiosis.trial.design import Design
from eubiosis.workflow.fingerprints import fingerprint_rows
from eubiosis.workflow.visit_effects import PairSums, VisitEffect, VisitSums, effects_of_pairs
from eubiosis.workflow.workflow import Workflow

NAN = math.nan


def stack(values: list[list[float]], attended: list[list[bool]] | None = None) -> SimpleNamespace:
    """Return one trial of four people, two on placebo, at weeks 0 and 12; rows are visits."""
    made = np.array(values)[:, None, :]
    seen = np.ones(made.shape, dtype=bool) if attended is None else np.array(attended)[:, None, :]
    return SimpleNamespace(
        gut_world=0, host_world=1,
        arms=("placebo", "inulin"), arm=np.array([[0, 0, 1, 1]]), weeks=(0.0, 12.0),
        attended=seen, of_visits={"edss": made}, of_subjects={},
    )  # fmt: skip


def test_changes_from_baseline_by_hand():
    sums = VisitSums("placebo")
    sums.add(stack([[1.0, 2.0, 1.0, 2.0], [1.0, 3.0, 3.0, 6.0]]))  # changes 0, 1 and 2, 4
    (row,) = sums.rows()
    assert (row.endpoint, row.arm, row.week, row.value) == ("edss", "inulin", 12.0, 2.5)
    assert row.error == pytest.approx(math.sqrt(2.0 / 2 + 0.5 / 2))
    assert row.spread == pytest.approx(math.sqrt((2.0 + 0.5) / 2))


def test_who_was_not_seen_is_not_counted():
    sums = VisitSums("placebo")
    sums.add(stack([[1.0, 2.0, 1.0, 2.0], [1.0, 3.0, 3.0, NAN]]))
    assert sums.rows() == ()  # one change is no spread
    sums.add(stack([[1.0, 2.0, 1.0, 2.0], [1.0, 3.0, 3.0, 9.0]], [[True] * 4, [True, True, True, False]]))
    (row,) = sums.rows()
    assert row.value == pytest.approx(2.0 - 0.5)  # two changes of 2 on inulin, from two trials


def test_sums_of_two_blocks_of_people_are_those_of_both():
    """Also after they were kept on the disk, and where one block alone is too few for a row."""
    parts = [
        stack([[1.0, 2.0, 1.0, 2.0], [1.0, 3.0, 3.0, NAN]]),
        stack([[1.0, 2.0, 1.0, 2.0], [NAN, 3.0, 3.0, 9.0]]),
    ]
    whole, (first, second) = VisitSums("placebo"), (VisitSums("placebo"), VisitSums("placebo"))
    for each, own in zip(parts, (first, second), strict=True):
        whole.add(each)
        own.add(each)
    kept = unpack(pack(first.pairs()), tuple[PairSums, ...])
    assert effects_of_pairs(kept, "placebo") == ()
    (pair,) = kept
    (row,) = effects_of_pairs([pair.plus(*second.pairs())], "placebo")
    assert (row,) == whole.rows()
    assert row.value == pytest.approx(11 / 3 - 2 / 3)  # changes 2, 2, 7 and 0, 1, 1


def chunks(spreads: dict[str, float], error: float) -> list[SimpleNamespace]:
    """Return worlds of forms whose true effects on Treg have these spreads, ten worlds a form."""
    worlds, effects = [], []
    for k, (form, spread) in enumerate(spreads.items()):
        for j in range(10):
            pair = (k, j)
            worlds.append(SimpleNamespace(gut_world=k, host_world=j, form=form))
            value = spread * (1 if j % 2 else -1)
            effects.append(VisitEffect(*pair, "treg", "inulin", 12.0, value, error, 0.3))
    return [SimpleNamespace(worlds=tuple(worlds), visit_effects=tuple(effects))]


def workflow() -> Workflow:
    arms = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
    design = Design(arms=arms, participants=120, primary="mfis")
    return Workflow(title="a", question="b", context_of_use="c", decision="d", design=design)


def test_a_form_that_moves_the_marker_is_told_from_those_that_do_not():
    rows = fingerprint_rows(workflow(), chunks({"A": 0.0, "B": 0.5, "C": 0.0}, 0.01))
    best = {row.forms: row for row in rows if row.samples == 1}
    assert best["A", "B"].chance > 0.8
    assert best["A", "C"].chance == best["A", "C"].ceiling == 0.5  # the same: guessing, at any size
    assert best["A", "C"].participants_needed is None
    four = {row.forms: row for row in rows if row.samples == 4}
    assert four["A", "B"].chance >= best["A", "B"].chance  # averaging never hurts
    assert four["A", "B"].participants_needed <= best["A", "B"].participants_needed
    block = workflow().design.block * 2  # two arms, one to one: no trial has an odd number of people
    assert all(row.participants_needed % block == 0 for row in rows if row.participants_needed is not None)


def test_a_spread_that_chance_would_show_is_none_and_few_worlds_say_nothing():
    noisy = fingerprint_rows(workflow(), chunks({"A": 0.1, "B": 0.11}, 0.1))
    assert {row.chance for row in noisy} == {0.5}
    few = chunks({"A": 0.0, "B": 0.5}, 0.01)
    few[0].worlds = few[0].worlds[:13]  # three of form B
    assert fingerprint_rows(workflow(), few) == ()


def test_every_marker_has_its_rows_the_best_first_and_counts_have_one_sample():
    made = chunks({"A": 0.0, "B": 0.5}, 0.01)
    more = [
        VisitEffect(row.gut_world, row.host_world, endpoint, "inulin", week, scale * row.value, 0.01, spread)
        for row in made[0].visit_effects
        for endpoint, week, scale, spread in (("mfis", 12.0, 8.0, 12.0), ("relapses", 48.0, 0.4, 4.0))
    ]
    made[0].visit_effects = (*made[0].visit_effects, *more)
    model = SimpleNamespace(content=SimpleNamespace(by_name={"host_mfis_sem": 7.3}))
    rows = fingerprint_rows(workflow(), made, model)
    kinds = [(row.endpoint, row.samples) for row in rows]
    assert sorted(kinds) == [("mfis", 1), ("mfis", 4), ("relapses", 1), ("treg", 1), ("treg", 4)]
    assert [row.chance for row in rows] == sorted((row.chance for row in rows), reverse=True)
    found = {(row.endpoint, row.samples): row for row in rows}
    assert found["mfis", 4].chance > found["mfis", 1].chance
    # without the model's number nobody knows what averaging questionnaires gives
    assert ("mfis", 4) not in {(row.endpoint, row.samples) for row in fingerprint_rows(workflow(), made)}
