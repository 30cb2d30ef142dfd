"""Boundaries, spending and average sample numbers against rpact, and boundaries against East."""

import numpy as np
import pytest

from eubiosis.analysis.sequential.boundaries import boundaries, stopping

FIXTURE = "group_sequential_bounds"
RULES = {"OF": "OF", "P": "P", "asOF": "LD-OBF", "asP": "LD-Pocock", "HP": "HP", "WT": "WT"}


@pytest.mark.parametrize("looks", [2, 3, 4, 5])
@pytest.mark.parametrize("name", list(RULES))
def test_equally_spaced_looks(expected, agree, name, looks):
    reference = expected(FIXTURE)[f"{name}_K{looks}"]
    design = boundaries(reference["information"], rule=RULES[name], parameter=0.25 if name == "WT" else None)
    # the fixture prints alpha at the last look as 0.02499999 and the root is found to that accuracy
    agree(FIXTURE, f"{name} z", design.efficacy, reference["z"], 1e-5)
    agree(FIXTURE, f"{name} nominal p", design.nominal_p, reference["nominal_p"], 1e-5)
    agree(FIXTURE, f"{name} alpha spent", design.alpha_spent, reference["cumulative_alpha"], 1e-5)
    agree(FIXTURE, f"{name} shift", design.drift**2, reference["shift"], 1e-5)
    agree(FIXTURE, f"{name} inflation", design.inflation, reference["inflation_factor"], 1e-5)
    for drift, key in ((design.drift, "asn_H1"), (0.0, "asn_H0")):
        cost = stopping(design, drift).expected_information * design.inflation
        agree(FIXTURE, f"{name} {key}", cost, reference[key], 1e-5)


@pytest.mark.parametrize("binding", [False, True])
def test_futility_by_beta_spending(expected, agree, binding):
    reference = expected(FIXTURE)[f"unequal_asOF_bsOF_{'binding' if binding else 'nonbinding'}"]
    design = boundaries([0.4, 0.7, 1.0], power=0.9, futility="LD-OBF", binding=binding)
    agree(FIXTURE, "efficacy with futility", design.efficacy, reference["z"], 1e-5)
    agree(FIXTURE, "futility", design.futility[:2], reference["futility"], 1e-5)


def test_other_spending_functions(expected, agree):
    hsd = boundaries([0.5, 1.0], rule="HSD", parameter=-4.0)
    agree(FIXTURE, "HSD", hsd.efficacy, expected(FIXTURE)["HSD_gamma_minus4"]["z"], 1e-5)
    kd = boundaries([0.5, 1.0], rule="KD", parameter=2.0)
    agree(FIXTURE, "KD", kd.efficacy, expected(FIXTURE)["KimDeMets_rho2"]["z"], 1e-5)


@pytest.mark.parametrize("binding", [True, False])
def test_looks_that_test_for_one_thing_only(expected, agree, binding):
    """East's published boundaries; there benefit is negative."""
    reference = expected("power_nb_gscounts")["east_published"]["binding" if binding else "nonbinding"]
    information = [0.2, 0.5, 0.8, 1.0] if binding else [0.3, 0.6, 0.75, 1.0]
    design = boundaries(
        information,
        power=0.8 if binding else 0.9,
        futility="LD-Pocock" if binding else "LD-OBF",
        binding=binding,
        efficacy_looks=[False, False, True, True],
        futility_looks=[True, True, False, True],
    )
    agree(
        "power_nb_gscounts",
        "East efficacy",
        np.negative(design.efficacy[2:]),
        reference["efficacy"][2:],
        1e-4,
    )
    agree(
        "power_nb_gscounts",
        "East futility",
        np.negative(design.futility[:2]),
        reference["futility"][:2],
        1e-4,
    )
    if binding:
        own = expected("power_nb_gscounts")["binding_futility"]
        agree("power_nb_gscounts", "efficacy", np.negative(design.efficacy[2:]), own["eff"][2:], 1e-4)
        agree("power_nb_gscounts", "futility", np.negative(design.futility[:2]), own["fut"][:2], 1e-4)
