"""Virtual subjects: a stool profile, covariates and a place in the model, one number for each subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from eubiosis.core.findings import FindingCollector
from eubiosis.core.guilds import GUILDS
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.streams import stream
from eubiosis.core.tables import TableRow, read_table
from eubiosis.population.contrast import GuildContrast
from eubiosis.population.reference import POPULATION_FOLDER, load_reference

USABLE_PROFILE = ("ok", "mapped_below_half")


class ReliabilityRow(TableRow):
    """How much of a guild's log-ratio in one sample belongs to the person: between 0 and 1."""

    guild: str
    reliability: float
    people: int
    unit: str
    basis: Basis
    read: Read
    source: str
    note: str


@dataclass(frozen=True)
class VirtualSubjects:
    """A pool of candidates, n of them, in the order of their numbers.

    ``numbers`` key every random draw of a subject; ``shares`` (n, guilds) is the gut composition that the
    model is asked to hold, NaN where the profile cannot be used; ``profile_status`` says why. ``age`` in
    years, ``edss`` in points, ``female`` and ``relapsing`` boolean.
    """

    numbers: tuple[int, ...]
    shares: np.ndarray
    profile_status: tuple[str, ...]
    age: np.ndarray
    female: np.ndarray
    edss: np.ndarray
    relapsing: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: np.ndarray) -> VirtualSubjects:
        """Return some of the subjects, in the order of ``rows`` (positions)."""
        return VirtualSubjects(
            tuple(self.numbers[i] for i in rows),
            self.shares[rows],
            tuple(self.profile_status[i] for i in rows),
            self.age[rows],
            self.female[rows],
            self.edss[rows],
            self.relapsing[rows],
        )


def subjects_from_reference(
    reference_shares: Mapping[str, float], *, group: str, size: int, seed: int, first: int = 0
) -> VirtualSubjects:
    """Make candidates ``first`` onwards from the embedded reference population.

    ``reference_shares`` is the model's own reference composition (guild -> share, summing to one).
    """
    contrast = load_reference().draw_profiles(group, size, seed, first=first)
    return _subjects(contrast, np.arange(size), reference_shares, range(first, first + size), group, seed)


def subjects_from_contrast(
    contrast: GuildContrast,
    reference_shares: Mapping[str, float],
    *,
    members: np.ndarray,
    size: int,
    seed: int,
    first: int = 0,
) -> VirtualSubjects:
    """Make candidates ``first`` onwards from real profiles: rows ``members`` (positions) of a contrast.

    Every profile is used once, in an order drawn from the seed, before any is used again. Covariates are
    drawn from the reference population: those of the participants themselves are not taken over.
    """
    begin, end = first // len(members), -(-(first + size) // len(members))
    order = [
        members[stream(seed, "population.order", k).permutation(len(members))] for k in range(begin, end)
    ]
    skip = first - begin * len(members)
    rows = np.concatenate(order)[skip : skip + size]
    return _subjects(contrast, rows, reference_shares, range(first, first + size), "MS", seed)


def reliability() -> np.ndarray:
    """Return each guild's reliability in one sample, shape (guilds,); 1 where it is not known."""
    findings = FindingCollector()
    rows = read_table(POPULATION_FOLDER / "reliability.tsv", ReliabilityRow, findings)
    findings.raise_if_any()
    known = {row.guild: row.reliability for row in rows}
    return np.array([known.get(guild, 1.0) for guild in GUILDS])


def _subjects(
    contrast: GuildContrast,
    rows: np.ndarray,
    reference_shares: Mapping[str, float],
    numbers: range,
    group: str,
    seed: int,
) -> VirtualSubjects:
    covariates = load_reference().draw_covariates(group, len(numbers), seed, first=numbers.start)
    # one sample shows a person's level with noise: the expected level is nearer to the centre
    shrunk = replace(contrast, log_ratios=contrast.log_ratios * reliability())
    return VirtualSubjects(
        tuple(numbers),
        shrunk.target_fractions(reference_shares)[rows],
        tuple(contrast.status[i] for i in rows),
        covariates.age,
        np.array([sex == "F" for sex in covariates.sex]),
        covariates.edss,
        np.array([course == "RRMS" for course in covariates.disease_course]),
    )
