"""How far a question lies from what was ever checked: one line and one table, for pages and files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Distance = Literal["checked", "near", "far", "never checked"]
DISTANCES: tuple[Distance, ...] = ("checked", "near", "far", "never checked")  # from the nearest on


@dataclass(frozen=True)
class ApplicabilityRow:
    """One aspect of what is asked, beside the nearest that a prediction was ever compared with.

    ``aspect`` is population, therapy, dose, duration or endpoint; ``arm`` names the arm that it is about,
    empty for the whole trial. ``asked`` and ``nearest`` are words; ``rows`` says how many comparisons are as
    near as ``nearest`` (0: none), ``distance`` how far that is and ``rule`` by which stated rule.
    """

    aspect: str
    arm: str
    asked: str
    nearest: str
    rows: int
    distance: Distance
    rule: str


@dataclass(frozen=True)
class Applicability:
    """The whole statement: ``summary`` is one sentence for the first page, ``worst`` the largest distance.

    ``compared`` says how many comparisons there are in all, never fitted and like for like.
    """

    summary: str
    worst: Distance
    compared: int
    rows: tuple[ApplicabilityRow, ...]
