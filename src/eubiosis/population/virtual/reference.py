"""Virtual people of the packaged reference population, as a stool table of genera with metadata.

Guilds and covariates are drawn from the group summaries of the reference population. Three things are made up
and measured nowhere: how the reads of a guild fall on its genera, how many lie outside all guilds, and the
depth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.guilds import GUILDS
from eubiosis.core.spec import checked_seed
from eubiosis.core.streams import stream
from eubiosis.population.reference import load_reference
from eubiosis.population.taxa import load_taxa
from eubiosis.population.virtual.made import MadeTable

_GENERA_OF_A_GUILD = 4
_WEIGHTS = (6.0, 2.5, 1.0, 0.5)  # of the Dirichlet draw of a guild's genera, in the order of the taxa table
_OUTSIDE = {"unclassified_Clostridiales": 3.0, "Sutterella": 2.0, "Bilophila": 1.0}
_OUTSIDE_BETA = (4.0, 36.0)  # of the share of reads outside all guilds: a tenth on average
_MEDIAN_DEPTH, _LOG_DEPTH_SD, _DEPTH_BOUND = 20_000, 0.35, 2.5
_PLAIN = re.compile(r"^[A-Z][a-z]+$")


def reference_people(people: int | Mapping[str, int], *, seed: int = 2026, first: int = 0) -> MadeTable:
    """Draw virtual people of the reference population: ``people`` of each group, or a number for each.

    Person k of a group depends on the seed, the group and k only. Guilds that the reference population has
    not observed (methanogens) have no column. Raises ``FindingsError`` for an unknown group or a number
    below 1.

    >>> reference_people({"MS": 2, "Control": 1}).samples
    ('made_MS_0000', 'made_MS_0001', 'made_Control_0000')
    """
    seed, population = checked_seed(seed), load_reference()
    known = population.groups()
    wanted = dict.fromkeys(known, people) if isinstance(people, int) else dict(people)
    unknown = [group for group in wanted if group not in known]
    if unknown or not wanted or min(wanted.values()) < 1:
        problem = f"group {unknown_word(unknown[0], known)}" if unknown else "no people in a group"
        raise FindingsError(
            [Finding("population", "people", problem, f"1 or more of {', '.join(known)}", "name groups")]
        )
    names = [(group, k) for group, number in wanted.items() for k in range(first, first + number)]
    covariates = [population.draw_covariates(group, 1, seed, first=k) for group, k in names]
    return MadeTable(
        samples=tuple(f"made_{group}_{k:04d}" for group, k in names),
        groups=tuple(group for group, _ in names),
        taxa=(*(genus for _, genus in _columns()), *_OUTSIDE),
        counts=np.array([_person(group, k, seed) for group, k in names]),
        origin="virtual people of the packaged reference population (iMSMS 2022, group summaries); genera "
        f"within guilds, reads outside guilds and depth are made up; seed {seed}",
        columns={
            "age": tuple(f"{one.age[0]:.0f}" for one in covariates),
            "sex": tuple(one.sex[0] for one in covariates),
            "bmi": tuple(f"{one.bmi[0]:.1f}" for one in covariates),
            "disease_course": tuple(one.disease_course[0] for one in covariates),
            "edss": tuple("" if np.isnan(one.edss[0]) else f"{one.edss[0]:.1f}" for one in covariates),
            "on_treatment": tuple("yes" if one.on_treatment[0] else "no" for one in covariates),
        },
    )


def _person(group: str, number: int, seed: int) -> np.ndarray:
    """Draw the counts of one person, shape (genera + outside,)."""
    population, random = load_reference(), stream(seed, f"population.made.{group}", number)
    profile = population.draw_profiles(group, 1, seed, first=number)
    carried = population.observed if profile.carried is None else profile.carried[0] & population.observed
    guilds = np.where(carried, np.exp(profile.log_ratios[0] + population.levels), 0.0)
    outside = random.beta(*_OUTSIDE_BETA)
    guilds *= (1 - outside) / guilds.sum()
    shares = np.concatenate(
        [share * random.dirichlet(_WEIGHTS[: len(genera)])
         for share, genera in zip(guilds[population.observed], _genera().values(), strict=True)]
        + [outside * random.dirichlet(list(_OUTSIDE.values()))]
    )  # fmt: skip
    spread = np.clip(random.standard_normal(), -_DEPTH_BOUND, _DEPTH_BOUND)
    return np.asarray(random.multinomial(round(_MEDIAN_DEPTH * np.exp(_LOG_DEPTH_SD * spread)), shares))


def _columns() -> list[tuple[str, str]]:
    return [(guild, genus) for guild, genera in _genera().items() for genus in genera]


@cache
def _genera() -> Mapping[str, Sequence[str]]:
    """Return the first genera of each observed guild in the taxa table, with plain names."""
    observed = load_reference().observed
    found: dict[str, list[str]] = {guild: [] for guild, seen in zip(GUILDS, observed, strict=True) if seen}
    for taxon in load_taxa().rows:
        own = found.get(taxon.guild or "")
        if (
            own is not None
            and taxon.rank == "genus"
            and _PLAIN.match(taxon.name)
            and len(own) < _GENERA_OF_A_GUILD
        ):
            own.append(taxon.name)
    return found
