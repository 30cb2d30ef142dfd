"""Niche factors: a free run returns the composition they were solved for."""

import numpy as np
import pytest

from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Tolerances
from eubiosis.model.niche import NICHE_UNSOLVED, fold_shares, solve_niche

RATES = [f"gut_w_{g}" for g in GUILDS]
BIOMASS = [f"gut_B_{g}" for g in GUILDS]


@pytest.fixture(scope="module")
def reference(model):
    shares = np.array([model.content.numbers[f"gut_frac_{g}"].value for g in GUILDS])
    return shares / shares.sum()


def compositions(model, reference):
    folds = np.array([model.content.numbers[f"gut_fold_{g}"].value for g in GUILDS])
    rng = np.random.default_rng(17)
    return {
        "healthy": reference,
        "ms": fold_shares(reference, folds),
        "random": fold_shares(reference, np.exp(rng.normal(0, 0.5, len(GUILDS)))),
    }


@pytest.mark.parametrize("who", ["healthy", "ms", "random"])
def test_a_free_run_of_300_days_returns_the_fractions(model, reference, who):
    shares = compositions(model, reference)[who]
    kernel = model.gut_kernel
    scale = model.content.numbers["gut_w_scale"].value
    niche = solve_niche(kernel, {}, shares, geometric_mean=scale)
    assert niche.status == "ok"
    # the geometric mean by hand, as the fourteenth root of the product
    assert np.prod(niche.factors) ** (1 / 14) == pytest.approx(scale, rel=1e-9)
    # from the solution, and from far away: every guild at a fifteenth of the default biomass
    away = niche.states.copy()
    rows = [kernel.state_index[n] for n in BIOMASS]
    away[rows] = 60.0 / 15
    for start, tolerance in ((niche.states, 1e-6), (away, 1e-4)):
        run = kernel.solve(
            [0.0, 300.0],
            BIOMASS,
            initial=start,
            parameters=dict(zip(RATES, niche.factors, strict=True)),
            tolerances=Tolerances(relative=1e-10, absolute=1e-13),
        )
        assert run.status == ("ok",)
        end = run.values[0, -1]
        np.testing.assert_allclose(end / end.sum(), shares, rtol=tolerance)


def test_ms_shares_are_renormalised(model, reference):
    """The cohort's folds sum to more than the reference; shares must sum to one."""
    folds = np.array([model.content.numbers[f"gut_fold_{g}"].value for g in GUILDS])
    assert (reference * folds).sum() == pytest.approx(1.020, abs=0.002)
    shares = compositions(model, reference)["ms"]
    assert shares.sum() == pytest.approx(1.0, rel=1e-12)
    # log-ratio targets: ratios between guilds move by the ratio of their folds
    fae, ent = GUILDS.index("FAE"), GUILDS.index("ENT")
    moved = (shares[fae] / shares[ent]) / (reference[fae] / reference[ent])
    assert moved == pytest.approx(0.67 / 1.41, rel=1e-12)


def test_the_packaged_ms_state_has_these_shares(model, reference):
    shares = compositions(model, reference)["ms"]
    states = np.array([model.derived.of("ms")[n] for n in BIOMASS])
    np.testing.assert_allclose(states / states.sum(), shares, rtol=1e-6)


def test_an_impossible_composition_is_niche_unsolved_and_stays_in_the_table(model, reference):
    """99.9 % methanogens: they live on hydrogen that nobody would make."""
    shares = np.full(len(GUILDS), 0.001 / 13)
    shares[GUILDS.index("MET")] = 0.999
    niche = solve_niche(model.gut_kernel, {}, shares, geometric_mean=2.66)
    assert niche.status == NICHE_UNSOLVED
    assert niche.factors.shape == (14,)
    assert np.isnan(niche.factors).all()
    assert np.isnan(niche.states).all()
