"""A generator of stool tables: presence, level and co-occurrence of taxa in groups of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.special import ndtr, ndtri

from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.spec import checked_seed
from eubiosis.core.streams import stream
from eubiosis.population.virtual.correlation import correlation_root
from eubiosis.population.virtual.likelihoods import Marginals
from eubiosis.population.virtual.made import MadeTable

_DEPTH_BOUND = 2.5  # standard deviations of log depth
_LEAST_DEPTH = 100.0


@dataclass(frozen=True)
class GroupModel:
    """What is known of a group of ``people``: taxa (taxa,), their correlation (taxa, taxa), depth of reads.

    Depth is lognormal, by the mean and standard deviation of its natural logarithm.
    """

    people: int
    marginals: Marginals
    correlation: np.ndarray
    log_depth_mean: float
    log_depth_sd: float

    @cached_property
    def root(self) -> np.ndarray:
        """Return the symmetric square root of the correlation."""
        return correlation_root(self.correlation)


@dataclass(frozen=True, repr=False)
class Generator:
    """A generator fitted to a stool table; ``fit_generator`` makes one.

    ``taxa`` name the columns, the last of them what was pooled. ``blur`` is the noise that was put on every
    number, in standard errors; ``basis`` the basis of consent, in the words of whoever fitted it.
    """

    taxa: tuple[str, ...]
    groups: Mapping[str, GroupModel]
    fitted_to: str
    platform: str = ""
    blur: float = 0.0
    basis: str = field(default="")

    def draw(self, people: int, *, seed: int = 2026, groups: Sequence[str] = (), first: int = 0) -> MadeTable:
        """Draw ``people`` virtual people of each group (or of those named), from number ``first`` on.

        Person k of a group depends on the seed, the group and k only. Raises ``FindingsError`` for a group
        that was not fitted or a number below 1.
        """
        seed = checked_seed(seed)
        wanted = tuple(groups) or tuple(self.groups)
        unknown = [g for g in wanted if g not in self.groups]
        if unknown or people < 1:
            problem = f"group {unknown_word(unknown[0], self.groups)}" if unknown else f"{people} people"
            allowed = ", ".join(self.groups) if unknown else "1 or more of each group"
            raise FindingsError([Finding("generator", "", problem, allowed, "name groups and a number")])
        counts = [
            _person(self.groups[group], stream(seed, f"population.virtual.{group}", k))
            for group in wanted for k in range(first, first + people)
        ]  # fmt: skip
        names = [(group, k) for group in wanted for k in range(first, first + people)]
        return MadeTable(
            samples=tuple(f"made_{group}_{k:04d}" for group, k in names),
            groups=tuple(group for group, _ in names),
            taxa=self.taxa,
            counts=np.array(counts),
            origin=f"virtual people of a generator fitted to {self.fitted_to}; seed {seed}",
        )

    def __repr__(self) -> str:
        held = ", ".join(f"{name} ({model.people} people)" for name, model in self.groups.items())
        return f"Generator of {len(self.taxa)} taxa, fitted to {self.fitted_to}: {held}; blur {self.blur:g}"


def draw_together(model: GroupModel, size: int, random: np.random.Generator) -> np.ndarray:
    """Draw the counts of many people from one stream, (size, taxa): sooner, but not person by person."""
    normals = random.standard_normal((size, len(model.root)))
    shares = _shares(model.marginals, normals @ model.root)
    return np.asarray(random.multinomial(_depths(model, random.standard_normal(size)), shares))


def _person(model: GroupModel, random: np.random.Generator) -> np.ndarray:
    """Draw the counts of one person, shape (taxa,)."""
    # one person at a time: its bits cannot depend on how many others are drawn
    z = (model.root * random.standard_normal(len(model.root))).sum(axis=1)
    shares = _shares(model.marginals, z[None, :])[0]
    return np.asarray(random.multinomial(_depths(model, random.standard_normal(1))[0], shares))


def _shares(marginals: Marginals, z: np.ndarray) -> np.ndarray:
    """Return the shares that normal scores (people, taxa) stand for, rows summing to one."""
    rank = ndtr(z)
    carried = rank > 1 - marginals.carried
    nobody = ~carried.any(axis=1)
    carried[nobody, int(marginals.carried.argmax())] = True
    among = np.clip((rank - 1 + marginals.carried) / marginals.carried, 1e-4, 1 - 1e-4)
    shares = np.where(carried, np.exp(marginals.level_mean + marginals.level_sd * ndtri(among)), 0.0)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def _depths(model: GroupModel, normals: np.ndarray) -> np.ndarray:
    bounded = np.clip(normals, -_DEPTH_BOUND, _DEPTH_BOUND)
    depths = np.exp(model.log_depth_mean + model.log_depth_sd * bounded)
    return np.asarray(np.round(np.maximum(depths, _LEAST_DEPTH)).astype(np.int64))
