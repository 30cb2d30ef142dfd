"""Real stool profiles held in the model, one by one: how near, and at what price."""

from __future__ import annotations

from functools import cache

import numpy as np

from eubiosis.core.guilds import GUILDS
from eubiosis.model import Model, load
from eubiosis.model.held import HeldNiches
from eubiosis.model.worlds import draw_gut_world, hold_people, reference_shares
from eubiosis.population.asked import asked_shares
from eubiosis.population.contrast import GuildContrast


@cache
def profile_model() -> Model:
    """Return the packaged model, loaded once: what profiles are held in and predicted by."""
    return load()


def held_profiles(asked: np.ndarray) -> HeldNiches:
    """Hold samples in the model with its table values, by the shares that are asked for, (n, guilds).

    Who cannot be used has status "niche_unsolved" and NaN.
    """
    model = profile_model()
    return hold_people(model, draw_gut_world(model, 0, 0, vary=False), asked, "healthy")


def asked_profiles(contrast: GuildContrast, groups: tuple[str, ...] | None = None) -> np.ndarray:
    """Return the shares of reads that the model is asked to hold for every sample, (n, guilds).

    A sample's levels are shrunk to the mean of its own group (of ``groups`` (n,); the whole table without).
    Rows of samples that cannot be used are NaN.
    """
    reference = dict(zip(GUILDS, reference_shares(profile_model()).tolist(), strict=True))
    usable = contrast.usable
    names = np.array(groups if groups is not None else ("",) * len(usable), dtype=object)
    asked = np.full(contrast.log_ratios.shape, np.nan)
    for name in dict.fromkeys(names[usable].tolist()):
        own = np.flatnonzero(usable & (names == name))
        asked[own] = asked_shares(contrast, reference, own)[own]
    return asked
