"""Asked shares: presence and level apart, controls with the reference as their mean, and bounds."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eubiosis.core.guilds import GUILDS
from eubiosis.population.asked import (
    _centre_of_controls,
    _within,
    asked_shares,
    drawn_shares,
    geometric_centre,
    load_bounds,
    shrunk_levels,
)
from eubiosis.population.contrast import guild_contrast
from eubiosis.population.reference import load_reference
from eubiosis.population.stool.table import read_profiles

CASES = Path(__file__).resolve().parents[4] / "shared" / "stool_cases"
MET, AKK, PRV = (GUILDS.index(g) for g in ("MET", "AKK", "PRV"))
ALL = np.ones(len(GUILDS), dtype=bool)


def test_a_centre_by_hand():
    """Two guilds, two people with odds of 4 and 1/4 around the centre: odds 1 give the mean (1/2, 1/2)."""
    levels = np.log(np.array([[2.0, 0.5], [0.5, 2.0]]))
    centre = geometric_centre(levels, np.ones((2, 2), dtype=bool), ALL[:2], np.array([0.5, 0.5]))
    np.testing.assert_allclose(centre, [0.5, 0.5], atol=1e-9)
    # one of two people carries the second guild: with a mean of 1/4 the carrier has a half
    carried = np.array([[True, True], [True, False]])
    centre = geometric_centre(np.zeros((2, 2)), carried, ALL[:2], np.array([0.75, 0.25]))
    np.testing.assert_allclose(centre, [0.5, 0.5], atol=1e-9)


@given(seed=st.integers(0, 10_000), people=st.integers(2, 30))
def test_the_people_of_the_centre_have_the_reference_as_their_mean(seed, people):
    rng = np.random.default_rng(seed)
    levels = rng.normal(0, 1.5, (people, len(GUILDS)))
    carried = np.ones(levels.shape, dtype=bool)
    reference = rng.dirichlet(np.full(len(GUILDS), 3.0))
    centre = geometric_centre(levels, carried, ALL, reference)
    shares = centre * np.exp(levels)
    shares /= shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares.mean(axis=0), reference, rtol=1e-6)


def test_levels_are_shrunk_to_those_who_carry_a_guild():
    log_ratios = np.zeros((3, len(GUILDS)))
    log_ratios[:, AKK] = [3.0, 1.0, -6.0]
    carried = np.ones(log_ratios.shape, dtype=bool)
    carried[2, AKK] = False
    found = shrunk_levels(log_ratios, carried, np.arange(3))
    # their mean is 2; the reliability of Akkermansia is 0.72 (reliability.tsv)
    np.testing.assert_allclose(found[:2, AKK], [2.72, 1.28], rtol=1e-12)


def test_bounds_by_hand():
    rows = np.array([[0.7, 0.2, 0.1], [0.5, 0.5, 0.0], [0.2, 0.3, 0.5]])
    found = _within(rows, np.array([0.01, 0.01, 0.05]), np.array([0.4, 1.0, 1.0]))
    # over the most: the others grow in proportion; under the least: the others give way
    np.testing.assert_allclose(found[0], [0.4, 0.4, 0.2])
    np.testing.assert_allclose(found[1], [0.4, 0.55, 0.05])
    np.testing.assert_allclose(found[2], rows[2])


def test_simulated_controls_have_the_models_reference_as_their_mean(model):
    reference = {g: model.content.numbers[f"gut_frac_{g}"].value for g in GUILDS}
    closed = np.array(list(reference.values())) / sum(reference.values())
    population = load_reference()
    size = 3_000
    shares = drawn_shares(population.draw_profiles("Control", size, seed=4), reference, "Control")
    error = shares.std(axis=0) / np.sqrt(size)
    # five standard errors; bounds and the fixed draws of the centre move a mean by a few per cent
    assert (np.abs(shares.mean(axis=0) - closed) <= 5 * error + 0.05 * closed).all()
    ms = drawn_shares(population.draw_profiles("MS", size, seed=4), reference, "MS")
    # the raw table has 2.5 times as much Akkermansia in MS (0.0503 of guild reads against 0.0198)
    assert 1.8 < ms[:, AKK].mean() / shares[:, AKK].mean() < 2.9
    assert shares.max(axis=0)[AKK] <= load_bounds().most[AKK] + 1e-12


def test_the_geometric_centre_is_the_one_that_was_found_by_hand(model):
    """Geometric over arithmetic mean of the cohort's controls, computed from its raw table by other code."""
    expected = {"BAC": 1.17, "PRV": 0.18, "AKK": 0.27, "RUM": 1.17, "BIF": 0.53, "LAC": 1.0, "FAE": 1.08,
                "ROS": 1.22, "ANA": 1.1, "VEI": 0.93, "BLA": 1.24, "ENT": 0.56, "CLO": 1.25}  # fmt: skip
    reference = np.array([model.content.numbers[f"gut_frac_{g}"].value for g in GUILDS])
    reference /= reference.sum()
    ratio = _centre_of_controls(tuple(reference)) / reference
    seen = [GUILDS.index(g) for g in expected]
    scaled = np.exp(np.log(ratio[seen]) - np.log(list(expected.values())))
    # carriers' level is above that of all with zeros replaced: guilds that many lack may differ more
    often = np.array([load_reference().detected["Control"][k] > 0.95 for k in seen])
    assert np.abs(np.log(scaled[often])).max() < 0.15
    assert np.abs(np.log(scaled)).max() < 0.5


def test_carriers_of_a_rare_guild_keep_a_composition_near_their_raw_one(model):
    """Stool case 18: a third of the people carry methanogens at some 4 % of their reads."""
    if not CASES.is_dir():
        pytest.skip("the made stool tables beside the project are absent")
    table = read_profiles(
        CASES / "18_bimodal_methanogens.tsv",
        metadata=CASES / "18_groups.tsv",
        id_column="sample_id",
        group_column="group",
    )
    from eubiosis.workflow.held_profiles import asked_profiles, held_profiles

    contrast = guild_contrast(table, "Control")
    reference = {g: model.content.numbers[f"gut_frac_{g}"].value for g in GUILDS}
    asked = asked_shares(contrast, reference, np.arange(len(table.sample_ids)))
    raw, carriers = table.fractions, table.guild_sums[:, MET] > 0
    assert carriers.sum() == 8
    assert (asked[carriers, MET] < 0.06).all()
    assert (asked[carriers, MET] > 0.005).all()
    # the guilds are moved by one common step each (the platform), and by shrinkage: no more
    moved = np.log(asked[carriers] / raw[carriers])
    moved -= np.median(moved, axis=0)
    assert np.abs(moved).max() < 1.0
    trace = load_bounds().trace * reference["MET"]
    np.testing.assert_allclose(asked[~carriers, MET], trace, rtol=0.05)
    held = held_profiles(asked_profiles(contrast, table.groups))
    assert set(held.status) == {"ok"}
    assert (held.shares[carriers, MET] > 10 * held.shares[~carriers, MET].max()).all()


def test_the_mean_shares_of_the_raw_cohort_come_back():
    cohort = CASES.parent / "cohorts" / "ms_imsms_2022"
    if not cohort.is_dir():
        pytest.skip("the cohort beside the project is absent")
    table = read_profiles(
        cohort / "genus_counts.tsv.gz",
        metadata=cohort / "metadata.tsv",
        id_column="sample_id",
        group_column="disease",
    )
    groups = np.array(table.groups)
    raw = {g: table.fractions[groups == g].mean(axis=0) for g in ("Control", "MS")}
    reference = dict(zip(GUILDS, (raw["Control"] / raw["Control"].sum()).tolist(), strict=True))
    population = load_reference()
    for group, tolerance in (("Control", 0.15), ("MS", 0.35)):
        shares = drawn_shares(population.draw_profiles(group, 3_000, seed=4), reference, group)
        ratio = shares.mean(axis=0)[population.observed] / raw[group][population.observed]
        assert np.abs(np.log(ratio)).max() < tolerance, dict(zip(GUILDS, ratio.round(2), strict=False))
