"""The figures of the sensitivity analysis, computed in batches, against the model's own conditions."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from eubiosis.model.natural_history.scale import joined_inputs

SCRIPT = Path(__file__).parents[2] / "validation" / "sensitivity" / "figures.py"


@pytest.fixture(scope="module")
def figures():
    spec = importlib.util.spec_from_file_location("sensitivity_figures", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_own_set_gives_what_the_named_conditions_give(model, figures, monkeypatch):
    monkeypatch.setattr(figures, "DOSE", 20.0)
    monkeypatch.setattr(figures, "PEOPLE", 2)
    value = model.content.numbers["gut_F_PR"].value
    found = figures.headline_figures(model, {"gut_F_PR": np.full(2, value)}, 3)
    assert set(found) == set(figures.FIGURES)
    inulin = model.simulate(
        "ms_inulin_20g", [0.0, 84.0], ("gut_stool_Bu", "gut_share_ROS", "host_ahr", "host_lps_lumen")
    )
    salt = model.simulate("ms_propionate", [0.0, 28.0], ("handover_plasma_Pr",))
    handed = joined_inputs(model.kernel, model.derived.of("ms"))
    expected = {
        "stool_butyrate_inulin": inulin["gut_stool_Bu"],
        "roseburia_inulin": inulin["gut_share_ROS"],
        "ahr_inulin": inulin["host_ahr"],
        "lps_inulin": inulin["host_lps_lumen"],
        "plasma_propionate_oral": salt["handover_plasma_Pr"],
    }
    for name, course in expected.items():
        assert found[name][0] == pytest.approx(course[0, 1] / course[0, 0], rel=1e-4), name
    assert found["ahr_ms"][0] == pytest.approx(handed["host_ahr"], rel=1e-5)
    assert found["lps_ms"][0] == pytest.approx(handed["host_lps_lumen"], rel=1e-5)


def test_a_set_without_a_healthy_state_is_nan_and_leaves_its_neighbours_alone(model, figures, monkeypatch):
    """With proliferation of 14 a day no naive priming keeps the healthy host at 1."""
    monkeypatch.setattr(figures, "PEOPLE", 2)
    value = model.content.numbers["host_g"].value
    alone = figures.headline_figures(model, {"host_g": np.full(1, value)}, 3)
    both = figures.headline_figures(model, {"host_g": np.array([value, 10 * value])}, 3)
    assert not figures.has_steady_states(model, {"host_g": np.full(1, 10 * value)})[0]
    for name in figures.FIGURES:
        assert both[name][0] == pytest.approx(alone[name][0], rel=1e-6), name
    for name in ("relapses_hand_fit", "lesions_spread", "nfl_ms", "edss_drift"):
        assert np.isnan(both[name][1]), name
    assert both["lps_ms"][1] == pytest.approx(alone["lps_ms"][0], rel=1e-6)  # the gut does not mind


def test_priming_follows_so_that_the_healthy_host_stays_at_one(model, figures):
    kernel = model.host_kernel
    own = {"host_d_x": np.array([0.11, 0.13]), "host_g": np.array([1.4, 1.3])}
    figures._follow(model, own, 2)
    solution = kernel.solve([0.0, 1.0], ("host_T1", "host_T17"), parameters=own)
    # the rates at T1 = T17 = 1 without antigen: nothing moves at first
    for name in ("host_T1", "host_T17"):
        assert solution[name][:, 0] == pytest.approx(1.0, rel=0.05)
