"""Indices over worlds of a run: made-up worlds whose effect follows one drawn number."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from eubiosis import model, therapy
from eubiosis.analysis.truth import TrueEffect
from eubiosis.trial.design import Design
from eubiosis.trial.world.drawn import DrawnNumbers
from eubiosis.workflow.trial_chunk import WorldForm
from eubiosis.workflow.world_shares import world_sensitivity

AXIS = model.load()


def design() -> Design:
    arms = {"placebo": therapy.placebo(), "inulin": therapy.prebiotic("inulin", dose="12 g/day")}
    return Design(arms=arms, participants=12, primary="relapses")


def worlds(gut_worlds: int, hosts: int, effect) -> list[SimpleNamespace]:
    """Return chunks of worlds; ``effect`` makes the effect of one from its gut, coupling and outside term."""
    rng = np.random.default_rng(5)
    chunks = []
    for g in range(gut_worlds):
        gut = {"gut_itf_fraction": float(rng.random()), "gut_same": 1.0}
        drawn, truths, forms = [], [], []
        for h in range(hosts):
            coupling, outside = rng.normal(size=2)
            drawn.append(
                {"host_c_acid_treg": float(coupling), "host_f_rel": float(rng.random()), "taxon_BIF": 0.0}
            )
            world = SimpleNamespace(gut=gut["gut_itf_fraction"], coupling=coupling, outside=outside)
            value = float(effect(world))
            truths.append(TrueEffect(g, h, "relapses", "inulin", value, 0.0, 1.0))
            forms.append(WorldForm(g, h, "N1" if h % 2 else "N0", "inulin", float(outside)))
        chunks.append(SimpleNamespace(drawn=DrawnNumbers(gut, tuple(drawn)), truths=truths, worlds=forms))
    return chunks


def test_the_number_that_an_effect_follows_stands_out_alone():
    """2 c + d: four fifths of the variance are the coupling's, one fifth the term's outside."""
    (found,) = world_sensitivity(design(), worlds(8, 20, lambda w: 2 * w.coupling + w.outside), AXIS, 1)
    shares = {row.id: row for row in found.numbers}
    assert (found.arm, found.worlds, found.asked) == ("inulin", 160, 3)  # the gut's own is of eight draws
    assert shares["host_c_acid_treg"].effect.share == pytest.approx(0.8, abs=0.1)
    assert shares["outside the mechanism"].effect.share == pytest.approx(0.2, abs=0.12)
    assert shares["host_c_acid_treg"].stands_out
    assert not shares["host_f_rel"].stands_out
    assert shares["host_c_acid_treg"].label.startswith("gut-to-host coupling")
    assert "stand 8 different draws of the 1 number of the gut" in found.why_none[0]
    assert "taxon_BIF" not in shares  # the same in every world


def test_a_gut_number_needs_gut_worlds_and_shows_in_the_size_of_symmetric_effects():
    few = world_sensitivity(design(), worlds(63, 2, lambda w: w.gut), AXIS, 1)[0]
    assert not [row for row in few.numbers if row.part == "the gut"]
    (found,) = world_sensitivity(
        design(), worlds(150, 4, lambda w: (w.gut + 0.2) * np.sign(w.coupling)), AXIS, 1
    )
    gut = next(row for row in found.numbers if row.id == "gut_itf_fraction")
    assert gut.draws == 150
    assert gut.effect.share < 0.15
    assert gut.size.share > 0.9
    whole = next(group for group in found.groups if group.label.startswith("all numbers of the gut"))
    assert whole.size.share == pytest.approx(1.0)


def test_too_few_worlds_and_effects_that_do_not_vary_say_so():
    (few,) = world_sensitivity(design(), worlds(6, 6, lambda w: w.coupling), AXIS, 1)
    assert few.numbers == ()
    assert few.asked == 0
    assert few.why_none[0].startswith(
        "Too few worlds for single numbers: behind this run stand 6 different draws of the 1 number"
    )
    assert few.why_none[0].endswith("At least 64 different draws are needed.")
    (still,) = world_sensitivity(design(), worlds(6, 6, lambda _: 0.0), AXIS, 1)
    assert still.why_none == ("The true effect is the same in every world: nothing moves it.",)
    assert world_sensitivity(design(), [SimpleNamespace(drawn=None)], AXIS, 1) == ()
