"""Sample sizes and powers against R: MKpower, rpact, gscounts, pwr and the base functions."""

import math

import numpy as np
import pytest

from eubiosis.analysis.planning import classic
from eubiosis.analysis.planning.counts import (
    CountTrial,
    FollowUp,
    calendar_time_of,
    information_at,
    negative_binomial_power,
    negative_binomial_size,
    sequential_negative_binomial,
)
from eubiosis.analysis.planning.sizes import quantiles
from eubiosis.analysis.sequential.boundaries import boundaries


def test_zhu_lakkis_examples(expected, agree):
    for row in expected("power_nb_zhu_lakkis")["examples"]:
        for method in (1, 2, 3):
            size = negative_binomial_size(
                row["mu0"],
                row["RR"],
                row["k"],
                FollowUp(row["duration"]),
                power=row["power"],
                allocation=row["ratio"],
                method=method,
            )
            agree("power_nb_zhu_lakkis", "n", size.n_control_exact, row[f"n0_approach{method}"], 1e-5)
            assert size.n_treated == math.ceil(row[f"n1_approach{method}"])


def test_zhu_lakkis_power_grid(expected, agree):
    for row in expected("power_nb_zhu_lakkis")["ms_power_grid_n200_per_arm"]:
        for method in (2, 3):
            power = negative_binomial_power(
                200, row["mu0"], row["RR"], row["k"], FollowUp(row["duration"]), method=method
            )
            agree("power_nb_zhu_lakkis", "power", power, row[f"power_n200_approach{method}"], 1e-5)


RPACT = {
    "copd_25pct": (1.4, 0.75, 0.5, FollowUp(1.0), {"power": 0.9}),
    "friede_schmidli_2010_table2_ni": (1.0, 1.0, 0.4, FollowUp(1.0), {"null_ratio": 1.15}),
    "ms_rr070_2y": (0.35, 0.7, 0.8, FollowUp(2.0), {}),
    "ms_rr085_variable": (0.35, 0.85, 0.8, FollowUp(1.5, 1.0), {"power": 0.9}),
    "ms_rr070_2to1": (0.35, 0.7, 0.8, FollowUp(2.0), {"allocation": 2.0}),
}


@pytest.mark.parametrize("name", list(RPACT))
def test_rpact_sizes(expected, agree, name):
    reference = expected("power_nb_rpact")[name]
    rate, ratio, dispersion, follow_up, options = RPACT[name]
    size = negative_binomial_size(rate, ratio, dispersion, follow_up, **options)
    assert (size.n_treated, size.n_control, size.n_total) == (
        reference["n_fixed1"],
        reference["n_fixed2"],
        reference["n_fixed"],
    )
    agree(
        "power_nb_rpact", "information", size.detail["information_needed"], reference["max_information"], 1e-6
    )


def test_rpact_power(expected, agree):
    reference = expected("power_nb_rpact")["ms_power_n400_2y"]
    for ratio, power in zip(reference["theta"], reference["power"], strict=True):
        nearly = ratio if ratio != 1 else 1 - 1e-12
        agree(
            "power_nb_rpact",
            "power",
            negative_binomial_power(200, 0.35, nearly, 0.8, FollowUp(2.0)),
            power,
            1e-6,
        )


def test_rpact_group_sequential(expected, agree):
    reference = expected("power_nb_rpact")["heart_failure_gs"]
    design = boundaries([1 / 3, 2 / 3, 1.0])
    plan = sequential_negative_binomial(design, 0.125, 0.7, 5.0, FollowUp(2.75, 1.25))
    assert plan.trial.n_control + plan.trial.n_treated == reference["max_subjects"]
    for what, got, want in (
        ("maximum information", plan.information_needed, "max_information"),
        ("critical", design.efficacy, "critical"),
        ("expected information", plan.expected_information, "expected_info_H1"),
        ("calendar time", plan.calendar_years, "calendar_time"),
    ):
        agree("power_nb_rpact", what, got, reference[want], 1e-6)


def test_gscounts(expected, agree):
    reference = expected("power_nb_gscounts")
    follow_up = FollowUp(2.75, 1.25)
    fixed = sequential_negative_binomial(boundaries([1.0]), 0.125, 0.7, 5.0, follow_up)
    total = fixed.trial.n_control + fixed.trial.n_treated
    assert total == reference["fixed"]["n"] == reference["vignette_published"]["fixed_n"]
    information = reference["fixed"]["max_info"]
    agree("power_nb_gscounts", "fixed information", fixed.information_reached, information, 1e-4)
    design = boundaries([0.4, 0.7, 1.0])
    three = sequential_negative_binomial(design, 0.125, 0.7, 5.0, follow_up)
    wanted = reference["obf_3looks"]
    assert three.trial.n_control + three.trial.n_treated == wanted["n"]
    agree("power_nb_gscounts", "information", three.information_reached, wanted["max_info"], 1e-4)
    agree("power_nb_gscounts", "critical", np.negative(design.efficacy), wanted["critical"], 1e-4)
    agree("power_nb_gscounts", "spend", np.diff(design.alpha_spent, prepend=0), wanted["spend"], 1e-4)
    # gscounts places a look at a fraction of the information reached, not of that needed
    times = [calendar_time_of(three.trial, t * three.information_reached) for t in design.information]
    agree("power_nb_gscounts", "calendar", times, wanted["calendar"], 1e-4)
    published = reference["vignette_published"]["calendar_looks"]
    assert np.round(times, 3).tolist() == published


def test_gscounts_with_binding_futility(expected, agree):
    """gscounts rounds 392.2 participants to the nearest even number, 392; here they are rounded up."""
    reference = expected("power_nb_gscounts")["binding_futility"]
    design = boundaries(
        [0.2, 0.5, 0.8, 1.0],
        futility="LD-Pocock",
        binding=True,
        efficacy_looks=[False, False, True, True],
        futility_looks=[True, True, False, True],
    )
    plan = sequential_negative_binomial(design, 2.0, 0.5, 5.0, FollowUp(2.25, 1.25))
    assert round(2 * plan.n_control_exact) == reference["n"]
    assert plan.trial.n_control == 197
    theirs = CountTrial(196, 196, 2.0, 0.5, 5.0, FollowUp(2.25, 1.25))
    agree("power_nb_gscounts", "information of 392", information_at(theirs, 3.5), reference["max_info"], 1e-4)


def test_t_test(expected, agree):
    reference = expected("power_classic")
    for row in reference["t_test_power"]:
        agree("power_classic", "t power", classic.t_test_power(row["n"], row["d"]), row["power"], 1e-5)
    agree(
        "power_classic", "t size", classic.t_test_size(0.3).n_control_exact, reference["t_test_n_d03"], 1e-5
    )
    sizes = [2 * classic.t_test_size(d).n_control_exact for d in (0.3, 0.5)]
    agree("power_classic", "rpact means", sizes, reference["means_rpact"]["n_t"], 1e-5)
    normal = 4 * (sum(quantiles(0.05, 0.8)) / 0.3) ** 2
    agree("power_classic", "normal size", normal, reference["means_rpact"]["n_normal_d03"], 1e-5)
    pairs = classic.paired_t_size(0.3).n_control_exact
    agree("power_classic", "paired t", pairs, reference["paired_t_n_d03"], 1e-5)


def test_exact_ancova_power(expected, agree):
    reference = expected("power_classic")
    for row in reference["ancova_two_arm_exact"]:
        n = row["n_per_arm"]
        power = classic.ancova_power((n, n), (0.0, row["d"]), 1 - row["r"] ** 2)
        agree("power_classic", "ANCOVA", power, row["power_shieh"], 1e-5)
    tables = reference["ancova_shieh_tables"]
    wide, narrow, other = (400, 450, 500), (410, 450, 490), (7.5366, 11.9849, 13.9785)
    cases = {
        "T1_n63": (63, wide, 9900, 1),
        "T1_n72_10cov": (72, wide, 9900, 10),
        "T2_n48": (48, wide, 7500, 1),
        "T3_n18": (18, wide, 1900, 1),
        "T4_n96": (96, narrow, 9900, 1),
        "T6_n24": (24, narrow, 1900, 1),
        "maxwell_delaney_n30": (30, other, 29.0898, 1),
    }
    assert set(cases) == set(tables)
    for name, (n, means, variance, covariates) in cases.items():
        power = classic.ancova_power([n / 3] * 3, means, variance, covariates=covariates, law="Shieh")
        agree("power_classic", f"ANCOVA {name}", power, tables[name], 1e-5)


def test_proportions_and_survival(expected, agree):
    reference = expected("power_classic")
    rates = reference["rates_rpact_50_vs_30"]
    size = classic.proportions_size(0.3, 0.5)
    agree("power_classic", "proportions", 2 * size.n_control_exact, rates["n"], 1e-5)
    agree("power_classic", "prop.test", size.n_control_exact, rates["power_prop_test_n"], 1e-5)
    agree("power_classic", "h", classic.cohen_h(0.5, 0.3), rates["cohen_h"], 1e-5)
    by_h = 2 * (sum(quantiles(0.05, 0.8)) / classic.cohen_h(0.5, 0.3)) ** 2
    agree("power_classic", "size by h", by_h, rates["pwr_2p_n"], 1e-5)
    events = classic.hazard_ratio_events(0.7)
    agree("power_classic", "Schoenfeld", events, reference["schoenfeld_events_hr07"], 1e-5)
    hazard = -math.log(0.75) / 2
    plan = {"follow_up_years": 2.0, "accrual_years": 1.0}
    plain = classic.hazard_ratio_size(0.7, hazard, **plan)
    lossy = classic.hazard_ratio_size(0.7, hazard, dropout_per_year=-math.log(0.95), **plan)
    survival = reference["survival_rpact"]
    agree(
        "power_classic",
        "survival",
        2 * plain.n_control_exact,
        survival["no_dropout_pi2_25_at_2y"]["nFixed"],
        1e-5,
    )
    agree("power_classic", "drop-out", 2 * lossy.n_control_exact, survival["dropout"]["nFixed"], 1e-5)
    agree("power_classic", "events", lossy.detail["events_exact"], survival["dropout"]["eventsFixed"], 1e-5)
    cluster = reference["design_effect_cluster"]
    agree(
        "power_classic",
        "design effect",
        classic.design_effect(cluster["m"], cluster["icc"]),
        cluster["deff"],
        1e-5,
    )
