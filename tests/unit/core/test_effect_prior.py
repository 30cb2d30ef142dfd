"""Mixture priors against their moments, worked out by hand."""

import math

import numpy as np
import pytest

from eubiosis.core.effect_prior import EffectPrior


def test_mixture_against_its_moments():
    mixture = EffectPrior(
        "o", "i", "SMD", "", "lower", (0.3, 0.7), (-1.0, 0.5), (0.2, 0.4), ("a",), (), "derived", ()
    )
    assert mixture.mean == pytest.approx(0.3 * -1 + 0.7 * 0.5)
    variance = 0.3 * (0.04 + 1) + 0.7 * (0.16 + 0.25) - mixture.mean**2
    assert mixture.sd == pytest.approx(math.sqrt(variance))
    assert mixture.cdf(mixture.quantile(0.2)) == pytest.approx(0.2)
    draws = mixture.sample(np.random.default_rng(1), 40_000)
    assert draws.mean() == pytest.approx(mixture.mean, abs=0.02)
    grid = np.linspace(-4, 4, 4001)
    density = np.exp([mixture.log_density(float(x)) for x in grid])
    assert float(density.sum() * (grid[1] - grid[0])) == pytest.approx(1, abs=1e-6)
    with pytest.raises(ValueError, match="sum to 1"):
        EffectPrior("o", "i", "SMD", "", "lower", (0.3, 0.3), (0.0, 0.0), (1.0, 1.0), (), (), "derived", ())
