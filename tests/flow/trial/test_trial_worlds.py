"""Worlds: every listed number can be drawn, mirrored couplings, and healthy people who stay the reference."""

import numpy as np
import pytest
from small_trials import SEED

from eubiosis.core.guilds import GUILDS
from eubiosis.model.draws import draw_number
from eubiosis.model.worlds import (
    coupling_names,
    draw_gut_world,
    draw_host_world,
    reference_shares,
    world_rows,
)
from eubiosis.trial.world.gut import HANDED, _niche_batch

REFERENCE_INPUTS = {"host_ahr": 1.0, "host_lps_lumen": 1.0, "host_muc": 1.0, "host_si_pro": 0.0}
REFERENCE_INPUTS |= dict.fromkeys(
    ("host_bile", "host_pcs", "host_is", "host_fructan", "host_akk", "host_equol"), 1.0
)


def test_every_number_of_the_table_of_worlds_can_be_drawn(trial_model):
    rows = world_rows(trial_model)
    assert len({row.id for row in rows}) == len(rows)
    assert {row.part for row in rows} == {"gut", "host"}
    for row in rows:
        source = trial_model.content.numbers[row.id]
        draws = [draw_number(source, q) for q in (1e-6, 0.025, 0.5, 0.975, 1 - 1e-6)]
        assert np.all(np.isfinite(draws)), row.id
        assert np.all(np.diff(draws) >= 0), row.id
        assert draws[0] < draws[-1], row.id
        # acetate that a butyrogen takes up may be negative: it makes some
        assert draws[0] >= 0 or row.id.startswith("gut_u_"), row.id
        if source.uncertainty not in ("uniform", "loguniform"):
            assert draws[1] == pytest.approx(source.low, rel=1e-6), row.id
            assert draws[3] == pytest.approx(source.high, rel=1e-6), row.id


def test_an_odd_host_world_keeps_the_numbers_of_the_even_world_before_and_turns_its_couplings(trial_model):
    names, rest = coupling_names(trial_model), {r.id for r in world_rows(trial_model) if r.part == "host"}
    assert len(names) >= 10
    moved = set()
    for even in (0, 2, 8):
        one, other = (
            draw_host_world(trial_model, even + k, SEED, "symmetric", forms=False, data=False) for k in (0, 1)
        )
        for name in names:
            assert (one[name] == 0) == (other[name] == 0)
            assert one[name] * other[name] <= 0
            moved |= {name} if one[name] else set()
        assert set(one) - set(names) == rest
        assert {name: one[name] for name in rest} == {name: other[name] for name in rest}
    assert len(moved) > 5


@pytest.mark.parametrize(("couplings", "value"), [("zero", 0.0), ("hand_fit", 1.0)])
def test_fixed_couplings_are_the_same_number_in_every_world(trial_model, couplings, value):
    """The hand fit is that of the specification: its thirteen paths are on, the later ones off."""
    later = "acid_epi acid_th1 plasma_bbb bile_dc bile_mg pcs_axon is_axon fructan_dc akk_th1".split()
    expected = dict.fromkeys(coupling_names(trial_model), value) | {f"host_c_{p}": 0.0 for p in later}
    assert len(expected) == 13 + len(later)
    for k in (0, 1, 5):
        assert draw_host_world(trial_model, k, SEED, couplings) == expected


def test_gut_world_0_is_the_tables_own_world(trial_model):
    world = draw_gut_world(trial_model, 0, SEED)
    healthy = trial_model.derived.of("healthy")
    references = {name for name in healthy if name.startswith("handover_ref_")}
    assert set(world.values) == references
    for name, value in world.values.items():
        assert value == pytest.approx(healthy[name], rel=1e-5), name
    states = np.array([healthy[name] for name in trial_model.gut_kernel.system.states])
    np.testing.assert_allclose(world.healthy, states, rtol=1e-5, atol=1e-9)


def test_a_gut_world_depends_on_its_number_and_seed_only(trial_model):
    one, again = (draw_gut_world(trial_model, 3, SEED) for _ in range(2))
    assert one.values == again.values
    assert np.array_equal(one.healthy, again.healthy)
    drawn = {row.id for row in world_rows(trial_model) if row.part == "gut"}
    assert drawn <= set(one.values)
    assert one.values["gut_K_ox"] != draw_gut_world(trial_model, 4, SEED).values["gut_K_ox"]
    assert one.values["gut_K_ox"] != draw_gut_world(trial_model, 3, SEED + 1).values["gut_K_ox"]
    assert drawn.isdisjoint(draw_gut_world(trial_model, 3, SEED, vary=False).values)


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_healthy_person_hands_the_host_its_reference_in_every_gut_world(trial_model, number):
    world = draw_gut_world(trial_model, number, SEED)
    held = _niche_batch(trial_model, world, reference_shares(trial_model)[None], "healthy")
    assert held.status == ("ok",)
    kernel, given = trial_model.upstream_kernel, {"parameters": held.parameters(), "initial": held.states}
    still = kernel.solve([0.0], HANDED, **given)
    handed = dict(zip(HANDED, still.values[0, 0], strict=True))
    numbers = trial_model.content.numbers
    expected = REFERENCE_INPUTS | {
        "host_but": numbers["host_but_ref"].value,
        "host_pro": numbers["host_pro_ref"].value,
        "host_ace": numbers["host_ace_ref"].value,
        "host_plasma_pro": numbers["host_plasma_pro_ref"].value,
    }
    assert handed == pytest.approx(expected, rel=1e-5)
    # and stays there: nothing moves over 12 weeks without a dose
    later = kernel.solve([0.0, 84.0], HANDED, **given)
    assert dict(zip(HANDED, later.values[0, 1], strict=True)) == pytest.approx(expected, rel=1e-4)
    assert len(GUILDS) == len(reference_shares(trial_model))


def test_a_draw_of_everything_holds_every_uncertain_number_of_the_half(trial_model):
    numbers, table_of = trial_model.content.numbers, trial_model.content.table_of
    tables = {f"parameters/{name}.tsv" for name in ("gut", "gut_processes", "handover")}
    uncertain = {n for n, row in numbers.items() if table_of[n] in tables and row.uncertainty != "none"}
    world = draw_gut_world(trial_model, 2, SEED, everything=True)
    assert uncertain <= set(world.values)
    assert len(uncertain) > 250
    listed = {row.id for row in world_rows(trial_model) if row.part == "gut"}
    assert listed <= set(world.values)
    host = draw_host_world(trial_model, 2, SEED, "symmetric", everything=True)
    assert {"host_K_g", "host_mfis_IL"} - set(host) == {"host_K_g"}  # fitted, and no range was found
    assert set(host).isdisjoint(world.values)
    # of what both draw, the value is the same: a number has one stream
    assert world.values["gut_K_ox"] == draw_gut_world(trial_model, 2, SEED).values["gut_K_ox"]
