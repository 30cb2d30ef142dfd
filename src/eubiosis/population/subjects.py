"""Virtual subjects: a stool profile, covariates and a place in the model, one number for each subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eubiosis.core.streams import stream
from eubiosis.population.asked import asked_shares, drawn_shares, reliability
from eubiosis.population.contrast import GuildContrast
from eubiosis.population.reference import load_reference
from eubiosis.population.stool.table import USABLE

USABLE_PROFILE = USABLE


@dataclass(frozen=True)
class VirtualSubjects:
    """A pool of candidates, n of them, in the order of their numbers.

    ``numbers`` key every random draw of a subject; ``shares`` (n, guilds) is the gut composition that the
    model is asked to hold, in shares of reads, NaN where the profile cannot be used; ``profile_status`` says
    why. ``age`` in years, ``edss`` in points, ``female`` and ``relapsing`` boolean; ``assessed`` is the EDSS
    that a rater gave at screening, None where nobody has rated yet. ``samples`` (n,) is the position of each
    one's sample in a stool table, None for people of the reference population.
    """

    numbers: tuple[int, ...]
    shares: np.ndarray
    profile_status: tuple[str, ...]
    age: np.ndarray
    female: np.ndarray
    edss: np.ndarray
    relapsing: np.ndarray
    assessed: np.ndarray | None = None
    samples: np.ndarray | None = None

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
            None if self.assessed is None else self.assessed[rows],
            None if self.samples is None else self.samples[rows],
        )

    @classmethod
    def concat(cls, parts: Sequence[VirtualSubjects]) -> VirtualSubjects:
        """Put subjects who were made apart one after the other; all are rated, or none."""

        def joined(name: str) -> np.ndarray | None:
            values = [getattr(part, name) for part in parts]
            return None if values[0] is None else np.concatenate(values)

        def there(name: str) -> np.ndarray:
            return np.concatenate([getattr(part, name) for part in parts])

        return cls(
            tuple(number for part in parts for number in part.numbers),
            there("shares"),
            tuple(word for part in parts for word in part.profile_status),
            there("age"),
            there("female"),
            there("edss"),
            there("relapsing"),
            joined("assessed"),
            joined("samples"),
        )


def subjects_from_reference(
    reference_shares: Mapping[str, float], *, group: str, size: int, seed: int, first: int = 0
) -> VirtualSubjects:
    """Make candidates ``first`` onwards from the embedded reference population.

    ``reference_shares`` is the model's own reference composition (guild -> share, summing to one).
    """
    contrast = load_reference().draw_profiles(group, size, seed, first=first)
    shares = drawn_shares(contrast, reference_shares, group)
    return _subjects(shares, contrast.status, range(first, first + size), group, seed)


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
    shares = asked_shares(contrast, reference_shares, members)[rows]
    status = tuple(contrast.status[i] for i in rows)
    made = _subjects(shares, status, range(first, first + size), "MS", seed)
    return replace(made, samples=rows)


def _subjects(
    shares: np.ndarray, status: tuple[str, ...], numbers: range, group: str, seed: int
) -> VirtualSubjects:
    covariates = load_reference().draw_covariates(group, len(numbers), seed, first=numbers.start)
    return VirtualSubjects(
        tuple(numbers),
        shares,
        status,
        covariates.age,
        np.array([sex == "F" for sex in covariates.sex]),
        covariates.edss,
        np.array([course == "RRMS" for course in covariates.disease_course]),
    )


__all__ = [
    "USABLE_PROFILE",
    "VirtualSubjects",
    "reliability",
    "subjects_from_contrast",
    "subjects_from_reference",
]
