"""Whether the numbers of an analysis may be read, and if not, why: one vocabulary for trials and evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal[
    "ok",
    "boundary",
    "not_converged",
    "too_few_events",
    "too_few_participants",
    "singular",
    "separated",
    "no_variance",
    "no_information",
    "not_finite",
    "contradictory",
]

USABLE: frozenset[str] = frozenset(("ok", "boundary"))

MEANING: dict[Status, str] = {
    "ok": "the numbers may be read",
    "boundary": "a parameter lies at the edge of its range; the smaller model was used and is valid",
    "not_converged": "no maximum was found",
    "too_few_events": "an arm has no event, or every possible one",
    "too_few_participants": "an arm or the table has too few participants for the model",
    "singular": "columns that depend on each other leave the contrast undefined",
    "separated": "the likelihood rises for ever: the estimate is infinite",
    "no_variance": "the residuals vanish: there is nothing to judge the estimate by",
    "no_information": "the data say nothing on the contrast",
    "not_finite": "an input is infinite, or missing where it may not be",
    "contradictory": "the inputs contradict each other",
}


@dataclass(frozen=True)
class Verdict:
    """A status with the reason in words; the reason is empty where the status says it all.

    >>> Verdict("separated", "every event is in one arm").usable
    False
    """

    status: Status = "ok"
    reason: str = ""

    @property
    def usable(self) -> bool:
        """Say whether the numbers may be read: status "ok" or "boundary"."""
        return self.status in USABLE


OK = Verdict()


def worst(*verdicts: Verdict) -> Verdict:
    """Return the first verdict that forbids the numbers, else the first that is not plainly ok.

    >>> worst(OK, Verdict("boundary"), Verdict("separated")).status
    'separated'
    """
    doubted = OK
    for verdict in verdicts:
        if not verdict.usable:
            return verdict
        if doubted is OK and verdict.status != "ok":
            doubted = verdict
    return doubted
