"""The hand-over by hand: references, receptor occupancy, oral propionate, plasma."""

import numpy as np
import pytest


def at(model, condition, names, day=0.0):
    return dict(
        zip(names, model.simulate(condition, [0.0, day] if day else [0.0], names).values[0, -1], strict=True)
    )


def number(model, name):
    return model.content.numbers[name].value


def test_a_healthy_gut_gives_the_host_exactly_its_reference(model):
    names = ("host_but", "host_pro", "host_lps_lumen", "host_muc", "host_ahr", "host_si_pro", "host_dH")
    got = at(model, "healthy", names)
    assert got["host_but"] == pytest.approx(15.0, rel=1e-7)
    assert got["host_pro"] == pytest.approx(18.0, rel=1e-7)
    assert got["host_lps_lumen"] == pytest.approx(1.0, rel=1e-7)
    assert got["host_muc"] == pytest.approx(1.0, rel=1e-7)
    assert got["host_ahr"] == pytest.approx(1.0, rel=1e-7)
    assert got["host_si_pro"] == 0.0
    assert got["host_dH"] == pytest.approx(0.0, abs=1e-8)


def test_the_acid_drive_of_health_is_that_of_the_specification(model):
    """s = .02 x 15 / .4 + .02 x 18 / 1.5 = .75 + .24 = .99; H0 = .99 / 1.99 = .497."""
    assert at(model, "healthy", ("host_H0",))["host_H0"] == pytest.approx(0.99 / 1.99, rel=1e-9)


def test_healthy_host_states_lie_where_the_closing_notes_say(model):
    """R, TJ, LPS = 1; D, T1, T17 and BB within 10 %; lesion and relapse read-outs relative to health = 1."""
    names = ("host_R", "host_TJ", "host_LPS", "host_D", "host_T1", "host_T17", "host_BB")
    got = at(model, "healthy", (*names, "host_C_rel", "host_MG_rel", "host_NfL_rel"))
    for name in ("host_R", "host_TJ", "host_LPS"):
        # smoothing leaves half a per cent of effector excess, and 1.5 times that in LPS
        assert got[name] == pytest.approx(1.0, abs=0.01), name
    for name in ("host_D", "host_T1", "host_T17", "host_BB"):
        assert got[name] == pytest.approx(1.0, abs=0.105), name
    for name in ("host_C_rel", "host_MG_rel", "host_NfL_rel"):
        assert got[name] == pytest.approx(1.0, rel=1e-9), name


def test_plasma_acids_in_health_equal_their_anchors(model):
    """Appearance over clearance: 1340.6/20010 = 67 uM, 27.22/7357 = 3.7 uM, 28.22/25660 = 1.1 uM."""
    got = at(model, "healthy", ("handover_plasma_Ac", "handover_plasma_Pr", "handover_plasma_Bu"))
    assert got["handover_plasma_Ac"] == pytest.approx(0.0670, abs=5e-5)
    assert got["handover_plasma_Pr"] == pytest.approx(0.0037, abs=5e-6)
    assert got["handover_plasma_Bu"] == pytest.approx(0.0011, abs=5e-6)


@pytest.mark.parametrize("condition", ["healthy", "ms", "ms_ketogenic"])
def test_receptor_occupancy_by_hand(model, condition):
    names = ("gut_Ind", "gut_ILA", "gut_IPA", "gut_IAA", "host_ahr")
    day = 84.0 if condition == "ms_ketogenic" else 0.0
    got = at(model, condition, names, day)
    healthy = at(model, "healthy", names)

    def occupancy(c):
        s = c["gut_Ind"] / 0.2 + (c["gut_ILA"] + c["gut_IPA"] + c["gut_IAA"]) / 1.0
        return s / (1 + s)

    assert got["host_ahr"] == pytest.approx(occupancy(got) / occupancy(healthy), rel=1e-6)


def test_ratios_to_the_own_healthy_state(model):
    names = ("gut_C_Bu", "gut_C_Pr", "gut_LPS", "gut_Mucus")
    ms, healthy = (
        at(model, "ms", (*names, "host_but", "host_pro", "host_lps_lumen", "host_muc")),
        at(model, "healthy", names),
    )
    assert ms["host_but"] == pytest.approx(15 * ms["gut_C_Bu"] / healthy["gut_C_Bu"], rel=1e-6)
    assert ms["host_pro"] == pytest.approx(18 * ms["gut_C_Pr"] / healthy["gut_C_Pr"], rel=1e-6)
    assert ms["host_lps_lumen"] == pytest.approx(ms["gut_LPS"] / healthy["gut_LPS"], rel=1e-6)
    assert ms["host_muc"] == pytest.approx(ms["gut_Mucus"] / healthy["gut_Mucus"], rel=1e-6)


def test_oral_propionate_at_steady_state_by_hand(model):
    names = (
        "handover_J_oral",
        "host_si_pro",
        "gut_supp_Pr",
        "handover_gut_propionate",
        "handover_plasma_Pr",
        "handover_portal_Pr",
        "gut_J_Pr",
    )
    got = at(model, "healthy_propionate", names, 300.0)
    before = at(model, "healthy", names)
    dose = 1.0 / 0.09606
    phi = number(model, "handover_phi")
    assert got["gut_supp_Pr"] == pytest.approx(phi * dose, rel=1e-9)
    absorbed = (1 - phi) * dose
    assert got["handover_J_oral"] == pytest.approx(absorbed, rel=1e-7)
    assert got["handover_gut_propionate"] == pytest.approx(absorbed / 24, rel=1e-7)
    # lamina propria per mmol absorbed as in the colon: .02 x 18 mM for the healthy colonic flow
    level = number(model, "handover_lp_share") * absorbed * (0.02 * 18) / before["gut_J_Pr"]
    assert got["host_si_pro"] == pytest.approx(level, rel=1e-6)
    # past the liver: 11 % of the oral flow, 9 % of what more the colon absorbs
    flow = 27.22 + 0.11 * absorbed + 0.09 * (got["gut_J_Pr"] - before["gut_J_Pr"])
    assert got["handover_plasma_Pr"] == pytest.approx(flow / 7357, rel=1e-6)
    # plasma outflow into the portal vein plus both flows
    portal = got["handover_plasma_Pr"] + (got["gut_J_Pr"] + absorbed) / 3075
    assert got["handover_portal_Pr"] == pytest.approx(portal, rel=1e-9)


def test_the_colon_hardly_notices_oral_propionate(model):
    """Specification: the colonic effect is below about 1 % (the colon makes some 100 mmol a day)."""
    names = ("gut_C_Pr",)
    ratio = at(model, "healthy_propionate", names, 84.0)["gut_C_Pr"] / at(model, "healthy", names)["gut_C_Pr"]
    assert 1.0 < ratio < 1.015


def test_acids_appear_in_the_periphery_in_proportion_to_what_the_colon_absorbs(model):
    names = ("gut_J_Ac", "handover_plasma_Ac", "gut_J_Bu", "handover_plasma_Bu")
    got, before = at(model, "healthy_inulin_20g", names, 84.0), at(model, "healthy", names)
    for acid, share, clearance in (("Ac", 0.36, 20010), ("Bu", 0.02, 25660)):
        more = got[f"handover_plasma_{acid}"] - before[f"handover_plasma_{acid}"]
        absorbed = got[f"gut_J_{acid}"] - before[f"gut_J_{acid}"]
        assert more == pytest.approx(share * absorbed / clearance, rel=1e-5)


def test_one_row_for_each_crossing_equation(model):
    from eubiosis.model.modules import parse_module

    defined = parse_module("handover", model.content.modules["handover"]).defines
    crossing = {t for t in defined if t.startswith(("gut_", "host_"))}
    assert crossing <= {row.target_variable for row in model.content.handover}
    host_inputs = {r.id for r in model.content.interface if r.module == "host" and r.direction == "input"} - {
        "host_shot",
        "host_Z",
        "host_u",
        "host_activity",
    }
    assert host_inputs == {t for t in crossing if t.startswith("host_")}
    assert np.isfinite([number(model, "handover_OX_host")]).all()
    assert number(model, "handover_OX_host") == 0
