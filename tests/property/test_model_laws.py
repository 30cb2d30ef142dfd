"""Laws of the model: electrons and carbon close, inventories close, nothing is negative or acts undosed."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from eubiosis.model import Model
from eubiosis.model.conditions import Condition, Pulse

# electrons and carbons of one molecule, from the formulas (formate counts as hydrogen equivalents)
ELECTRONS = {"Ac": 8, "Pr": 14, "Bu": 20, "La": 12, "Su": 14, "H2": 2}
CARBONS = {"Ac": 2, "Pr": 3, "Bu": 4, "La": 3, "Su": 4, "H2": 0}
PATHWAYS = "BAC PRV AKK RUM_RS RUM BIF LAC FAE ROS ANA VEI BLA ENT CLO PB_BUT".split()
WITH_ETHANOL = {"BIF", "LAC", "ENT"}
COUPLINGS = [
    f"host_c_{path}"
    for path in (
        "acid_treg acid_dc acid_th17 acid_tj acid_bbb acid_mg ahr_dc ahr_th17 ahr_treg ahr_mg "
        "lps_dc lps_th17 mucus_tj "
        "acid_epi acid_th1 plasma_bbb bile_dc bile_mg pcs_axon is_axon fructan_dc akk_th1"
    ).split()
]
PRIOR_ONLY = [f"host_c_{path}" for path in "acetate_treg acid_rem equol_dc galt_th17".split()]


def with_conditions(model: Model, conditions: Mapping[str, Condition]) -> Model:
    """The model with other conditions than its tables hold."""
    other = replace(model)
    other.__dict__["conditions"] = conditions
    return other


def amounts(model):
    """Every stoichiometric amount, whether it stands in a table or follows from one that does."""
    system = model.gut_kernel.system
    found = {n: r.value for n, r in model.content.numbers.items()}
    constants = [n for n in system.assigned if n.startswith("gut_hex_") and n != "gut_hexose_yield"]
    got = model.simulate("healthy", [0.0], constants).values[0, 0]
    found |= dict(zip(constants, got, strict=True))
    # butyrogens take up acetate
    return found | {f"gut_hex_{g}_Ac": -found[f"gut_u_{g}"] for g in ("FAE", "ROS", "ANA")}


def row(model, prefix):
    """Stoichiometry of one row of the process table: product -> amount."""
    found = amounts(model)
    return {m: found[f"{prefix}_{m}"] for m in ELECTRONS if f"{prefix}_{m}" in found}


def weigh(stoichiometry, weights):
    return sum(weights[m] * amount for m, amount in stoichiometry.items())


@pytest.mark.parametrize("pathway", PATHWAYS)
def test_a_hexose_gives_its_24_electrons(model, pathway):
    products = row(model, f"gut_hex_{pathway}")
    assert products
    out = weigh(products, ELECTRONS)
    assert out <= 24.3
    if pathway not in WITH_ETHANOL:
        assert out == pytest.approx(24, rel=0.01)
        return
    # ethanol carries 12 electrons in 2 carbons; what is missing must fit into the missing carbon
    notes = {model.content.numbers[f"gut_hex_{pathway}_{m}"].note for m in products if m == "La"}
    assert all("ethanol" in note for note in notes)
    ethanol = (24 - out) / 12
    assert ethanol > 0
    assert weigh(products, CARBONS) + 2 * ethanol <= 6.06


def test_the_list_of_pathways_is_complete(model):
    ids = {n.removeprefix("gut_hex_").rsplit("_", 1)[0] for n in amounts(model) if n.startswith("gut_hex_")}
    assert ids == set(PATHWAYS)


@pytest.mark.parametrize("pathway", PATHWAYS)
def test_no_carbon_appears_from_a_hexose(model, pathway):
    assert weigh(row(model, f"gut_hex_{pathway}"), CARBONS) <= 6.0 * 1.001


@pytest.mark.parametrize(
    ("prefix", "electrons", "carbons"),
    [
        ("gut_lac_ANA", 12, 3),
        ("gut_lac_VEI", 12, 3),
        ("gut_suc_VEI", 14, 4),
        ("gut_h2_BLA", 2, np.inf),  # carbon comes from carbon dioxide
    ],
)
def test_cross_feeding_keeps_electrons_and_makes_no_carbon(model, prefix, electrons, carbons):
    products = row(model, prefix)
    assert weigh(products, ELECTRONS) == pytest.approx(electrons, rel=0.01)
    assert weigh(products, CARBONS) <= carbons * 1.001


def test_a_methanogen_needs_four_hydrogens_for_one_methane(model):
    assert model.content.numbers["gut_ch4_per_h2"].value * 8 == pytest.approx(ELECTRONS["H2"])


def test_protein_gives_no_more_carbon_than_it_has(model):
    """A gram of protein holds about 0.53 g of carbon, 44 mmol."""
    for guild in ("BAC", "LAC", "VEI", "ENT", "CLO"):
        products = row(model, f"gut_pro_{guild}")
        assert products
        assert 0 < weigh(products, CARBONS) < 44


SNAPSHOTS = (
    ("healthy", 0.0),
    ("ms_vancomycin", 8.0),
    ("healthy_ketogenic", 1.0),
    ("healthy_synbiotic", 20.0),
)


@pytest.mark.parametrize(("condition", "day"), SNAPSHOTS)
def test_electrons_close_over_all_production_rules(model, condition, day):
    """Electrons in acids and hydrogen made equal those of what was fermented, stoichiometry by hand.

    The table of section 3 of the gut specification: 24 a hexose but 21.3 for LAC, 16.3 for ENT and for BIF
    what is not in ethanol, half of what is not lactate; a lactate 12, a succinate 14, an acetogen's hydrogen
    2; a gram of protein as the table says.
    """
    shunt = 24 - 12 * (1 - model.content.numbers["gut_hex_BIF_La"].value) / 2
    missing = {"LAC": 21.3, "PB_LAC": 21.3, "ENT": 16.3, "BIF": shunt, "PB_BIF": shunt}
    protein = {"BAC": 57.6, "LAC": 16.0, "VEI": 44.0, "ENT": 26.2, "CLO": 39.4}
    hexoses = [n for n in model.system.assigned if n.startswith("gut_h_")]
    assert len(hexoses) == 18
    names = (
        *hexoses,
        *(f"gut_P_{m}" for m in ELECTRONS),
        *(f"gut_q_{g}_PR" for g in protein),
        *(f"gut_B_{g}" for g in protein),
        *("gut_U_La", "gut_U_Su", "gut_q_BLA_H2", "gut_B_BLA"),
    )
    grid = [0.0, day] if day else [0.0]
    at = dict(zip(names, model.simulate(condition, grid, names).values[0, -1], strict=True))
    made = sum(ELECTRONS[m] * at[f"gut_P_{m}"] for m in ELECTRONS)
    fermented = sum(at[h] * missing.get(h.removeprefix("gut_h_"), 24) for h in hexoses)
    fermented += sum(e * at[f"gut_q_{g}_PR"] * at[f"gut_B_{g}"] for g, e in protein.items())
    fermented += 12 * at["gut_U_La"] + 14 * at["gut_U_Su"] + 2 * at["gut_q_BLA_H2"] * at["gut_B_BLA"]
    assert made == pytest.approx(fermented, rel=2e-4)


@pytest.mark.parametrize(("condition", "day"), SNAPSHOTS)
def test_carbohydrate_taken_up_is_kept_or_leaks(model, condition, day):
    guilds = "BAC PRV AKK RUM BIF LAC FAE ROS ANA VEI BLA ENT CLO PB_LAC PB_BIF PB_BUT PB_PRV PB_YST".split()
    pools = "RS FS FI IN MU SU".split()
    names = (
        *(f"gut_U_{k}" for k in pools),
        "gut_leak_total",
        *(f"gut_kept_{g}" for g in guilds),
        *(f"gut_B_{g}" for g in guilds),
    )
    grid = [0.0, day] if day else [0.0]
    at = dict(zip(names, model.simulate(condition, grid, names).values[0, -1], strict=True))
    taken = sum(at[f"gut_U_{k}"] for k in pools)
    kept = sum(at[f"gut_kept_{g}"] * at[f"gut_B_{g}"] for g in guilds)
    assert taken - at["gut_leak_total"] == pytest.approx(kept, rel=1e-9)


# quantity -> (inflow in amount/d, made in amount/L/d, taken in amount/L/d, absorbed in 1/d)
INVENTORIES = {
    "gut_S_RS": ("gut_F_RS_now", None, "gut_U_RS", None),
    "gut_S_IN": ("gut_F_IN_now", None, "gut_U_IN", None),
    "gut_S_SU": ("gut_F_SU_now", "gut_leak_total", "gut_U_SU", None),
    "gut_C_Ac": (None, "gut_P_Ac", None, "gut_a_scfa"),  # times 1: absorption of the reference
    "gut_C_Bu": (None, "gut_P_Bu", None, "gut_a_scfa"),
    "gut_C_La": (None, "gut_P_La", "gut_U_La", "gut_a_lac"),
    "gut_C_Su": (None, "gut_P_Su", "gut_U_Su", "gut_a_suc"),
    "gut_C_H2": (None, "gut_P_H2", "gut_U_H2", "gut_k_gas"),
    "gut_BAs": (None, "gut_v_7a", None, "gut_a_bas"),
    "gut_Vanc": ("gut_dose_vancomycin", None, None, None),
}


@pytest.fixture(scope="module")
def switched(model):
    """A diet switch under vancomycin: the volume falls by a third while everything moves."""
    low = model.conditions["healthy_low_carbohydrate"]
    vancomycin = model.conditions["healthy_vancomycin"]
    both = replace(
        low, pulses=(*low.pulses, *vancomycin.pulses), defaults={**low.defaults, **vancomycin.defaults}
    )
    laboratory = with_conditions(model, {"both": both})
    names = (
        {n for parts in INVENTORIES.values() for n in parts[:3] if n} | set(INVENTORIES) | {"gut_V", "gut_D"}
    )
    ordered = tuple(sorted(names))
    # geometric first, to resolve the first minutes; then every 3 minutes
    grid = np.unique(
        np.concatenate([[0.0], np.geomspace(1e-6, 0.02, 400), np.arange(0.02, 9.0, 0.002), [9.0]])
    )
    solution = laboratory.simulate("both", grid, ordered)
    assert solution.status == ("ok",)
    course = {n: solution[n][0] for n in ordered}
    assert course["gut_V"][-1] < 0.8 * course["gut_V"][0]
    return grid, course


@pytest.mark.parametrize("quantity", INVENTORIES)
def test_an_inventory_changes_by_what_goes_in_and_out(model, switched, quantity):
    """d(x V)/dt = inflow + (made - taken - absorbed x) V - D x V, whatever the volume does."""
    grid, at = switched
    inflow, made, taken, absorbed = INVENTORIES[quantity]
    volume, x = at["gut_V"], at[quantity]
    into = (at[inflow] if inflow else 0.0) + (at[made] * volume if made else 0.0)
    out = x * volume * at["gut_D"] + (at[taken] * volume if taken else 0.0)
    if absorbed:
        out = out + model.content.numbers[absorbed].value * x * volume
    change = x[-1] * volume[-1] - x[0] * volume[0]
    into_total = np.trapezoid(np.broadcast_to(into, grid.shape), grid)
    out_total = np.trapezoid(out, grid)
    assert change == pytest.approx(into_total - out_total, abs=1e-3 * abs(into_total))
    # the test has teeth: forgetting the dilution by the changing volume would be seen in the stores
    if quantity in ("gut_S_RS", "gut_Vanc"):
        assert abs(change - (into_total - out_total)) < 1e-3 * abs(change)


@pytest.mark.parametrize("person", ["healthy", "ms"])
def test_hydrogen_closes_at_steady_state(model, person):
    names = (
        "gut_P_H2",
        "gut_q_MET_H2",
        "gut_B_MET",
        "gut_q_BLA_H2",
        "gut_B_BLA",
        "gut_C_H2",
        "gut_D",
        "gut_CH4",
        "gut_V",
    )
    h = dict(zip(names, model.simulate(person, [0.0], names).values[0, 0], strict=True))
    methanogens, acetogens = h["gut_q_MET_H2"] * h["gut_B_MET"], h["gut_q_BLA_H2"] * h["gut_B_BLA"]
    lost = (model.content.numbers["gut_k_gas"].value + h["gut_D"]) * h["gut_C_H2"]
    assert h["gut_P_H2"] - methanogens - acetogens - lost == pytest.approx(0, abs=1e-6 * h["gut_P_H2"])
    assert h["gut_CH4"] == pytest.approx(methanogens * h["gut_V"] / 4, rel=1e-9)


SCALABLE = {"1/d", "g/L", "mM", "g/(gDW*d)", "mmol/(gDW*d)", "g/d", "mmol/d", "mg/L", "d", "L", "gDW/L"}
WILD = ("ms", "ms_ketogenic", "ms_vancomycin", "ms_fmt", "healthy_fibre_40g", "healthy_vsl3")


@pytest.mark.parametrize("condition", WILD)
def test_nothing_turns_negative_whatever_the_parameters(model, condition):
    """Five draws for each of six conditions, every dimensional parameter within a factor of two."""
    rng = np.random.default_rng(sum(map(ord, condition)))
    names = [
        n
        for n, v in model.content.numbers.items()
        if v.unit in SCALABLE and n in model.kernel.parameter_index and v.value
    ]
    assert len(names) > 150
    changes = {n: model.content.numbers[n].value * 2 ** rng.uniform(-1, 1, 5) for n in names}
    days = np.unique(np.concatenate([np.arange(0, 3, 0.1), np.arange(3, 120, 3.0)]))
    solution = model.simulate(condition, days, changes=changes)
    assert solution.status == ("ok",) * 5
    # the absolute tolerance of the integrator is 1e-12; a state may graze zero by a few of those
    assert solution.values.min() >= -1e-10


@pytest.mark.parametrize("condition", WILD)
def test_shares_of_guilds_and_probabilities_stay_within_bounds(model, condition):
    names = (*(n for n in model.system.assigned if n.startswith("gut_share_")), "host_f17", "host_sup")
    values = model.simulate(condition, np.arange(0, 200, 5.0), names).values
    assert values.min() >= 0
    assert values.max() <= 1
    np.testing.assert_array_less(values[0, :, :-2].sum(axis=1), 1 + 1e-12)


DOSES = (
    "gut_dose_inulin gut_dose_rs gut_dose_pectin gut_dose_vancomycin gut_cfu_PB_LAC gut_cfu_PB_BIF "
    "gut_cfu_PB_BUT gut_cfu_PB_PRV gut_cfu_PB_YST handover_dose_propionate_salt handover_dose_tudca_salt"
).split()


def test_no_dose_no_difference(model):
    def nothing(start, stop):
        return Condition(
            "nothing",
            "ms",
            100.0,
            "every dose is zero",
            tuple(Pulse(d, 0.0, start, stop) for d in DOSES),
            defaults=dict.fromkeys(DOSES, 0.0),
        )

    laboratory = with_conditions(
        model, {**model.conditions, "all": nothing(0.0, 101.0), "some": nothing(5.0, 33.3)}
    )
    days = np.arange(0, 101.0)
    base = laboratory.simulate("ms", days).values
    assert np.array_equal(laboratory.simulate("all", days).values, base)
    # a zero dose that starts and stops makes the integrator restart, nothing else
    np.testing.assert_allclose(laboratory.simulate("some", days).values, base, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "condition", ["ms_ketogenic", "ms_fibre_40g", "ms_vancomycin", "ms_propionate", "ms_fmt"]
)
def test_without_couplings_the_gut_does_not_reach_the_host(model, condition):
    assert all(c in model.kernel.parameter_index for c in COUPLINGS)
    host = tuple(s for s in model.system.states if s.startswith("host_"))
    days = np.arange(0, 366, 5.0)
    off = {c: np.zeros(1) for c in (*COUPLINGS, *PRIOR_ONLY)}
    treated = model.simulate(condition, days, host, changes=off).values
    untreated = model.simulate("ms", days, host, changes=off).values
    np.testing.assert_allclose(treated, untreated, rtol=1e-6, atol=1e-9)
    # and with them it does
    with_couplings = model.simulate(condition, days, host).values
    assert np.abs(with_couplings / model.simulate("ms", days, host).values - 1).max() > 1e-3


def test_the_list_of_couplings_is_the_models(model):
    from eubiosis.model.worlds import coupling_names

    assert set(coupling_names(model)) == set(COUPLINGS)


def test_without_couplings_no_therapy_changes_a_relapse(model):
    from eubiosis.model.therapies import compare_therapies

    rows = compare_therapies(
        model,
        {"ketogenic diet": "ms_ketogenic", "propionate": "ms_propionate", "transplant": "ms_fmt"},
        size=30,
        couplings=dict.fromkeys(COUPLINGS, 0.0),
    )
    assert [r.condition for r in rows] == ["ms_ketogenic", "ms_propionate", "ms_fmt"]
    for r in rows:
        assert r.relapses[0] == pytest.approx(1.0, abs=1e-12)
        assert r.lesions[0] == pytest.approx(1.0, abs=1e-12)
        assert r.treg_84d[0] == pytest.approx(1.0, abs=1e-12)
        assert r.share_worse[0] == 0.0
    assert rows[0].gut["butyrate"] < 0.5  # the gut itself did change


def test_the_order_of_subjects_never_matters(model):
    rng = np.random.default_rng(3)
    changes = {
        "gut_T_transit": rng.uniform(1, 3, 5),
        "gut_F_RS": rng.uniform(5, 30, 5),
        "host_a_A": rng.uniform(1, 4, 5),
    }
    days = np.arange(0, 60, 5.0)
    straight = model.simulate("ms_fibre_40g", days, changes=changes).values
    order = rng.permutation(5)
    permuted = model.simulate("ms_fibre_40g", days, changes={k: v[order] for k, v in changes.items()}).values
    assert np.array_equal(permuted, straight[order])
    alone = model.simulate("ms_fibre_40g", days, changes={k: v[[2]] for k, v in changes.items()}).values
    assert np.array_equal(alone[0], straight[2])
