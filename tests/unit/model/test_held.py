"""Held niches: the least sum found by others' means, its two limits, and what is said of who is far."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Tolerances
from eubiosis.model.held import FAR, HELD, hold_niches
from eubiosis.model.niche import NICHE_UNSOLVED, OK, solve_niches
from eubiosis.model.worlds import draw_gut_world, hold_people, niche_prior, reference_shares
from eubiosis.population.subjects import subjects_from_reference

RATES = [f"gut_w_{g}" for g in GUILDS]
BIOMASS = [f"gut_B_{g}" for g in GUILDS]
AKK, BAC = GUILDS.index("AKK"), GUILDS.index("BAC")


@pytest.fixture(scope="module")
def world(model):
    return draw_gut_world(model, 0, 1, vary=False)


@pytest.fixture(scope="module")
def prior(model, world):
    return niche_prior(model, world)


@pytest.fixture(scope="module")
def asked(model):
    reference = dict(zip(GUILDS, reference_shares(model).tolist(), strict=True))
    return subjects_from_reference(reference, group="MS", size=300, seed=5).shares


def log_shares_at(model, world, ln_factors):
    """Log shares of the gut at rest under factors (n, guilds): the engine's own course, from afar."""
    found = model.gut_kernel.steady_state(
        parameters={name: np.exp(ln_factors[:, k]) for k, name in enumerate(RATES)},
        initial=np.repeat(world.healthy[None], len(ln_factors), axis=0),
        tolerances=Tolerances(relative=1e-10, absolute=1e-12, max_steps=20_000),
        stability=False,
        time=0.0,
    )
    assert set(found.status) == {"ok"}
    biomass = found.states[:, [model.gut_kernel.state_index[name] for name in BIOMASS]]
    return np.log(biomass / biomass.sum(axis=1, keepdims=True))


def total(prior, ln_factors, ln_shares, asked):
    """The sum as the module's text writes it."""
    away = (ln_shares - np.log(asked)) / prior.error
    excess = (ln_factors - np.log(prior.factors)) / prior.spread
    return (away**2).sum(axis=1) + (excess**2).sum(axis=1)


def test_one_direction_agrees_with_a_scalar_minimiser(model, world, prior):
    """All factors pinned but two whose product stays: one number is free, and scipy finds it too."""
    shares = reference_shares(model) * np.where(np.arange(14) == AKK, 4.0, 1.0)
    shares /= shares.sum()
    pinned = replace(prior, spread=np.where(np.isin(np.arange(14), (AKK, BAC)), 1.5, 1e-5))
    held = hold_niches(model.gut_kernel, {}, shares[None], pinned)
    moved = np.log(held.factors[0] / prior.factors)
    assert np.abs(np.delete(moved, (AKK, BAC))).max() < 1e-4

    def along(step):
        ln_factors = np.log(prior.factors)[None].copy()
        ln_factors[0, AKK] += step
        ln_factors[0, BAC] -= step
        return total(pinned, ln_factors, log_shares_at(model, world, ln_factors), shares)[0]

    best = minimize_scalar(along, bracket=(0.0, 0.5), tol=1e-5)
    assert 0.1 < best.x < 4.0
    assert moved[AKK] == pytest.approx(best.x, abs=5e-3)
    assert moved[BAC] == pytest.approx(-best.x, abs=5e-3)


def test_no_small_change_of_the_factors_lowers_the_sum(model, world, prior, asked):
    held = hold_niches(model.gut_kernel, {}, asked[:12], prior)
    rng = np.random.default_rng(8)
    for i in np.flatnonzero([word == OK for word in held.status])[:6]:
        steps = rng.normal(size=(20, len(GUILDS)))
        steps -= steps.mean(axis=1, keepdims=True)
        steps *= 0.05 / np.linalg.norm(steps, axis=1, keepdims=True)
        tried = np.vstack((np.log(held.factors[i])[None], np.log(held.factors[i]) + steps))
        sums = total(prior, tried, log_shares_at(model, world, tried), asked[i])
        assert sums[1:].min() > sums[0] - 1e-3


def test_without_a_prior_the_composition_is_held_exactly(model, world, prior, asked):
    loose = replace(prior, spread=np.full(len(GUILDS), np.inf))
    held = hold_niches(model.gut_kernel, {}, asked[:40], loose)
    scale = model.content.numbers["gut_w_scale"].value
    exact = solve_niches(model.gut_kernel, {}, asked[:40], geometric_mean=scale, start=world.healthy)
    both = [h in HELD and e == OK for h, e in zip(held.status, exact.status, strict=True)]
    gentle = np.flatnonzero(np.array(both) & (held.largest_factor < 100))
    assert len(gentle) > 20
    np.testing.assert_allclose(held.factors[gentle], exact.factors[gentle], rtol=1e-3)
    assert held.residual[gentle].max() < 1e-3


def test_without_a_composition_to_hold_the_factors_are_the_references(model, prior, asked):
    loose = replace(prior, error=np.full(len(GUILDS), np.inf))
    held = hold_niches(model.gut_kernel, {}, asked[:20], loose)
    np.testing.assert_allclose(held.factors, np.tile(prior.factors, (20, 1)), rtol=1e-6)
    np.testing.assert_allclose(held.shares, np.tile(reference_shares(model), (20, 1)), rtol=1e-5)


def test_the_order_of_people_and_the_threads_change_nothing(model, world, asked):
    order = np.random.default_rng(2).permutation(len(asked))
    one = hold_people(model, world, asked, threads=1)
    other = hold_people(model, world, asked[order], threads=2)
    np.testing.assert_array_equal(other.factors, one.factors[order])
    np.testing.assert_array_equal(other.states, one.states[order])
    assert other.status == tuple(one.status[i] for i in order)


@pytest.mark.parametrize("number", [0, 1, 4])
def test_the_reference_is_held_as_it_is_in_every_world(model, number):
    world = draw_gut_world(model, number, 11)
    held = hold_people(model, world, reference_shares(model)[None], "healthy")  # reads, as in a table
    assert held.status == (OK,)
    assert held.residual[0] < 1e-6
    assert held.largest_factor[0] == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(held.states[0], world.healthy, rtol=1e-5, atol=1e-9)


def test_nobody_is_beyond_a_bound_unsaid_and_the_held_gut_stays_there(model, world, prior, asked):
    held = hold_people(model, world, asked)
    status = np.array(held.status)
    assert set(status) <= {OK, FAR}
    beyond = (held.largest_factor > prior.most) | (held.residual > prior.far)
    assert (status[beyond] == FAR).all()
    assert (status[~beyond] == OK).all()
    assert (status == OK).mean() > 0.8
    assert held.settled.mean() > 0.97
    assert np.percentile(held.largest_factor, 98) < prior.most
    off = np.abs(np.log(held.shares) - np.log(asked))
    np.testing.assert_allclose(held.residual, off.max(axis=1), rtol=1e-12)
    np.testing.assert_allclose(held.residual_rms, np.sqrt((off**2).mean(axis=1)), rtol=1e-12)
    means = np.exp(np.log(held.factors).mean(axis=1))
    np.testing.assert_allclose(means, model.content.numbers["gut_w_scale"].value, rtol=1e-9)
    run = model.gut_kernel.solve(
        [0.0, 300.0],
        BIOMASS,
        initial=held.states[:40],
        parameters={name: held.factors[:40, k] for k, name in enumerate(RATES)},
        tolerances=Tolerances(relative=1e-9, absolute=1e-12, negative=1e4),
    )
    ends = run.values[:, -1] / run.values[:, -1].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(ends, held.shares[:40], rtol=1e-4)


def test_nobody_rests_where_the_least_push_drives_the_gut_away(model, world, asked):
    """Some factors have a rest like the tip of a hill; the engine's eigenvalues tell."""
    held = hold_people(model, world, asked)
    found = model.gut_kernel.steady_state(
        parameters={name: held.factors[:, k] for k, name in enumerate(RATES)},
        initial=held.states,
        newton=True,
        time=0.0,
    )
    assert "unstable" not in found.stability
    rows = [model.gut_kernel.state_index[name] for name in BIOMASS]
    np.testing.assert_allclose(found.states[:, rows], held.states[:, rows], rtol=1e-5)


def test_what_cannot_be_asked_for_is_said_and_disturbs_nobody(model, world, asked):
    rows = asked[:4].copy()
    rows[1] = np.nan
    rows[2, 3] = 0.0
    held = hold_people(model, world, rows)
    assert held.status[1] == held.status[2] == NICHE_UNSOLVED
    for values in (held.factors, held.states, held.shares, held.residual, held.largest_factor):
        assert np.isnan(values[[1, 2]]).all()
    alone = hold_people(model, world, asked[[0, 3]])
    np.testing.assert_array_equal(held.factors[[0, 3]], alone.factors)
    assert hold_people(model, world, asked[:0]).status == ()


def test_an_impossible_composition_is_held_from_afar(model, world):
    """99.9 % methanogens: they live on hydrogen that nobody would make."""
    shares = np.full(len(GUILDS), 0.001 / 13)
    shares[GUILDS.index("MET")] = 0.999
    held = hold_people(model, world, shares[None])
    assert held.status == (FAR,)
    assert held.residual[0] > 1
    assert held.shares[0, GUILDS.index("MET")] < 0.5


def test_biomass_and_reads_differ_by_what_a_world_draws(model):
    world = draw_gut_world(model, 3, 11)
    per_read = world.biomass_per_read
    assert np.all((per_read > 0.2) & (per_read < 5))
    assert len(set(per_read)) == len(GUILDS)
    reads = reference_shares(model)
    biomass = world.biomass_shares(reads)
    np.testing.assert_allclose(world.read_shares(biomass), reads, rtol=1e-12)
    # what stands behind a read, between any two guilds, is the ratio of their numbers
    assert (biomass[0] / biomass[5]) / (reads[0] / reads[5]) == pytest.approx(per_read[0] / per_read[5])
    own = np.array([world.values[f"gut_frac_{g}"] for g in GUILDS])
    np.testing.assert_allclose(own, biomass, rtol=1e-12)
    assert world.values["gut_Btot_ref"] != model.content.numbers["gut_Btot_ref"].value
