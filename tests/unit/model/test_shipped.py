"""Shipped worlds: drawn in proportion to their weights, refused when the model has changed."""

import shutil

import numpy as np
import pytest

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError
from eubiosis.core.guilds import GUILDS
from eubiosis.model import load
from eubiosis.model.content import load_content
from eubiosis.model.model import Model
from eubiosis.model.shipped import (
    ShippedWorlds,
    gut_key,
    history_key,
    matched_gut_world,
    matched_gut_worlds,
    matched_history,
    read_worlds,
    shipped,
    targets_key,
)


def worlds(weights):
    weights = np.array(weights, dtype=float)
    return ShippedWorlds(("gut_K_ox",), np.arange(len(weights))[:, None] + 1.0, weights / weights.sum())


def test_a_run_draws_in_proportion_to_the_weights():
    found = worlds([5, 3, 1, 1])
    rows = [found.row(number, 7, "gut") for number in range(1, 2001)]
    shares = np.bincount(rows, minlength=4) / 2000
    assert shares == pytest.approx([0.5, 0.3, 0.1, 0.1], abs=0.004)  # a systematic sample is that even


def test_no_world_comes_twice_while_there_are_plenty():
    found = worlds(np.ones(640))
    for seed in range(20):
        assert found.distinct(200, seed, "gut") == 200


def test_a_world_is_the_same_however_many_are_drawn_and_another_with_another_seed():
    found = worlds(np.ones(50))
    assert [found.row(k, 3, "gut") for k in (1, 2, 9)] == [found.row(k, 3, "gut") for k in (1, 2, 9)]
    assert [found.row(k, 3, "gut") for k in range(1, 9)] != [found.row(k, 4, "gut") for k in range(1, 9)]
    assert [found.row(k, 3, "gut") for k in range(1, 9)] != [found.row(k, 3, "history") for k in range(1, 9)]
    assert found.effective == pytest.approx(50)


def test_a_mirrored_pair_shares_its_natural_history_and_the_first_keeps_the_tables():
    found = ShippedWorlds(
        ("host_sd_u", "drug_factor_x"), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0.5, 0.5])
    )
    assert matched_history(found, 0, 1) == matched_history(found, 1, 1) == {}
    assert matched_history(found, 2, 1) == matched_history(found, 3, 1)
    assert set(matched_history(found, 2, 1)) == {"host_sd_u"}


def test_a_shipped_world_is_held_at_rest_with_its_own_numbers(model):
    value = 1.1 * model.content.numbers["gut_F_RS"].value
    found = ShippedWorlds(("gut_F_RS",), np.array([[value]]), np.array([1.0]))
    world = matched_gut_world(model, found, 1, 5)
    assert world.values["gut_F_RS"] == value
    gut = model.gut_kernel
    parameters = model.parameters("healthy", gut)
    for name, number in world.values.items():
        if name in gut.parameter_index:
            parameters[gut.parameter_index[name]] = number
    for name, factor in zip([f"gut_w_{g}" for g in GUILDS], world.factors, strict=True):
        parameters[gut.parameter_index[name]] = factor
    states, rates = world.healthy[:, None].copy(), np.empty((len(world.healthy), 1))
    gut.rates(0.0, states, parameters[:, None].copy(), rates)
    assert np.all(np.abs(rates[:, 0]) < 1e-6 * (np.abs(world.healthy) + 1e-3))
    assert world.values["handover_ref_Bu"] == pytest.approx(world.healthy[gut.state_index["gut_C_Bu"]])


def test_shipped_worlds_without_a_steady_state_are_refused_by_their_row(model):
    """Guilds that make next to nothing of carbohydrate hold no healthy gut; the world beside it does."""
    own = shipped(model).gut
    values, column = own.values[:3].copy(), own.names.index("gut_Y_carb")
    values[0, column] *= 1e-9
    found = ShippedWorlds(own.names, values, np.full(3, 1 / 3))
    number = {found.row(k, 5, "gut"): k for k in range(1, 20)}
    assert matched_gut_world(model, found, number[1], 5).values["gut_Y_carb"] == values[1, column]
    with pytest.raises(FindingsError, match=r"worlds_gut\.tsv.*\n.*world 0: no healthy steady state") as one:
        matched_gut_worlds(model, found, [number[1], number[0], number[0]], 5, threads=1)
    (finding,) = one.value.findings
    assert "calibration worlds" in finding.next_step


def edited(tmp_path, file, old, new):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return load_content(folder)


def test_a_note_changes_no_key_and_a_number_its_own_half_only(model, tmp_path):
    tau = model.content.numbers["host_tau_Gd"]
    note = edited(tmp_path, model.content.table_of[tau.id], tau.note, "no range was found")
    assert history_key(note) == history_key(model.content)
    name, value = "gut_F_RS", model.content.numbers["gut_F_RS"].value
    other = Model(model.content.with_values({name: 2 * value}), model.derived)
    assert gut_key(other) != gut_key(model)
    assert history_key(other.content) == history_key(model.content)
    host = Model(model.content.with_values({"host_sd_u": 0.9}), model.derived)
    assert gut_key(host) == gut_key(model)
    assert history_key(host.content) != history_key(model.content)
    assert targets_key(host.content) == targets_key(model.content)


def test_worlds_of_another_model_are_not_used_and_the_reason_is_said(model):
    assert shipped(model).gut is not None  # those of the package fit the package
    value = model.content.numbers["gut_F_RS"].value
    other = Model(model.content.with_values({"gut_F_RS": 2 * value}), model.derived)
    found = shipped(other)
    assert found.gut is None
    assert any("of the gut have changed" in reason and "eubiosis calibration worlds" in reason
               for reason in found.reasons)  # fmt: skip


def test_a_content_without_worlds_says_so(tmp_path):
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    for path in (folder / "calibration").glob("worlds_*"):
        if path.name not in {"worlds_history.tsv", "worlds_transport.tsv"}:
            path.unlink()
    found = shipped(load(folder))
    assert (found.gut, found.history) == (None, None)
    assert (found.reasons, len(found.absent)) == ((), 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("world\tweight\tgut_K_ox\n0\t1\tmuch\n", '"much" is no number'),
        ("world\tweight\tgut_K_ox\n0\t1\n", "2 cells"),
        ("world\tgut_K_ox\n0\t1\n", "the columns"),
        ("world\tweight\tgut_K_ox\n0\t-1\t2\n", "weights that are not positive"),
        ("world\tweight\tgut_K_ox\n0\t1\tnan\n", "not finite"),
    ],
)
def test_a_table_that_cannot_be_read_is_a_finding(tmp_path, text, words):
    path = tmp_path / "worlds_gut.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FindingsError, match=words):
        read_worlds(path)
