"""Which of the drawn numbers the true effect on the primary endpoint goes back to: shares of its variance.

First-order indices over the worlds of a run. A share says how much of the spread between worlds would go, on
average, if the number were known; it says nothing about people, and an effect is that of the model.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAST_WORLDS = 64  # different draws of a number below which nothing is said about it alone


@dataclass(frozen=True)
class IndexOverWorlds:
    """A first-order index with its 95 % interval; not a number where it cannot be given."""

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class NumberIndex:
    """One drawn number: the index of the true effect, and that of its size whatever the sign.

    ``draws`` counts the different draws behind it. ``stands_out`` says whether one of the two is larger than
    the largest that numbers without any influence reach in 19 of 20 cases.
    """

    id: str
    label: str
    part: str
    draws: int
    effect: IndexOverWorlds
    size: IndexOverWorlds
    stands_out: bool


@dataclass(frozen=True)
class GroupIndex:
    """Numbers that are drawn together, as one input: all of the gut, or the form of the model."""

    label: str
    draws: int
    effect: IndexOverWorlds
    size: IndexOverWorlds


@dataclass(frozen=True)
class WorldSensitivity:
    """The indices of the true effect of one arm on the primary endpoint, over ``worlds`` pairs of worlds.

    ``numbers`` are the largest of ``asked`` that were looked at, ``noise`` and ``size_noise`` what the
    largest of as many numbers without influence stays below in 19 of 20 cases (None: nothing was looked at).
    ``why_none`` says in words why there are no numbers, or why a part of them is missing.
    """

    endpoint: str
    label: str
    arm: str
    worlds: int
    asked: int
    numbers: tuple[NumberIndex, ...]
    groups: tuple[GroupIndex, ...]
    noise: float | None
    size_noise: float | None
    why_none: tuple[str, ...]
