"""Running named conditions: shapes, errors, and a fecal transplant by hand."""

import numpy as np
import pytest

from eubiosis.core.guilds import GUILDS


def test_shapes_are_subjects_times_observables(model):
    got = model.simulate(
        "ms", [0.0, 1.0, 5.0], ("gut_pH", "host_R"), changes={"gut_F_RS": np.array([10.0, 20.0])}
    )
    assert got.values.shape == (2, 3, 2)
    assert got["host_R"].shape == (2, 3)
    assert got.status == ("ok", "ok")
    assert got.states.shape == (2, 65)
    whole = model.simulate("healthy_inulin_7g")
    assert whole.values.shape == (1, 29, 65)


def test_unknown_names_are_key_errors(model):
    with pytest.raises(KeyError, match="gut_pHH"):
        model.simulate("ms", [0.0, 1.0], ("gut_pHH",))
    with pytest.raises(KeyError, match="gut_F_RR"):
        model.simulate("ms", [0.0, 1.0], ("gut_pH",), changes={"gut_F_RR": np.ones(2)})
    with pytest.raises(ValueError, match="increase"):
        model.simulate("ms", [1.0, 0.0], ("gut_pH",))


def test_a_transplant_by_hand(model):
    """B := (1 - E) B + E B_donor with E = .5: one engraftment number for every guild."""
    names = tuple(f"gut_B_{g}" for g in GUILDS)
    before, donor = (
        model.simulate("ms", [0.0], names).values[0, 0],
        model.simulate("healthy", [0.0], names).values[0, 0],
    )
    after = model.simulate("ms_fmt", [0.0], (*names, "gut_Efmt")).values[0, 0]
    np.testing.assert_allclose(after[:-1], 0.5 * before + 0.5 * donor, rtol=1e-12)
    assert after[-1] == 0.5
    later = model.simulate("ms_fmt", [0.0, 200.0], ("gut_Efmt",)).values[0, -1, 0]
    assert later == pytest.approx(0.5 * np.exp(-0.002 * 200), rel=1e-6)


def test_vancomycin_builds_up_and_washes_out_by_hand(model):
    """V stays at its goal on the habitual diet, so Vanc = dose / (V D) (1 - exp(-D t)), then exp(-D t)."""
    days = np.array([0.0, 1.0, 5.0, 10.0, 12.0])
    got = model.simulate("healthy_vancomycin", days, ("gut_Vanc", "gut_V"))
    volume, rate = got["gut_V"][0, 0], 1 / 1.6
    plateau = 2000 / (volume * rate)
    exact = np.where(
        days <= 10,
        plateau * (1 - np.exp(-rate * days)),
        plateau * (1 - np.exp(-rate * 10)) * np.exp(-rate * (days - 10)),
    )
    np.testing.assert_allclose(got["gut_Vanc"][0], exact, rtol=1e-6)
    assert plateau > 2000  # faecal level above 2000 mg/L, as section 5 of the specification has it


def test_the_volume_relaxes_to_its_goal(model):
    """dV/dt = (V* - V) D, so the distance falls by exp(-t / 1.6 d)."""
    days = np.array([0.0, 0.5, 2.0, 6.0])
    v = model.simulate("healthy_low_carbohydrate", days, ("gut_V", "gut_V_goal"))
    goal = v["gut_V_goal"][0]
    np.testing.assert_allclose(goal, goal[0], rtol=1e-12)
    bulk = {n: model.content.numbers[f"gut_b_{n}"].value for n in ("RS", "FS", "FI", "IN", "SU", "PR")}
    low = {"RS": 1.5, "FS": 2.3, "FI": 1.9, "IN": 0.6, "SU": 0.5, "PR": 15}
    usual = {n: model.content.numbers[f"gut_F_{n}"].value for n in low}
    ratio = sum(bulk[n] * low[n] for n in low) / sum(bulk[n] * usual[n] for n in low)
    # V_lumen (bulk / habitual bulk)^eta at the reference transit time
    volume, eta = (model.content.numbers[f"gut_{n}"].value for n in ("V_lumen", "eta_V"))
    assert model.content.numbers["gut_gamma_T"].value == 0
    assert goal[0] == pytest.approx(volume * ratio**eta, rel=1e-9)
    start = v["gut_V"][0, 0]
    np.testing.assert_allclose(v["gut_V"][0], goal[0] + (start - goal[0]) * np.exp(-days / 1.6), rtol=1e-6)


def test_unknown_persons_and_public_names():
    import eubiosis

    assert eubiosis.model.Model is not None
    with pytest.raises(AttributeError, match="public packages"):
        _ = eubiosis.modle
