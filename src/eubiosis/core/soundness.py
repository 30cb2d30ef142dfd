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

MEANING: dict[str, str] = {
    "ok": "the numbers may be read",
    "boundary": "a parameter lies at its bound and the smaller model was used; the numbers may be read",
    "not_converged": "no numbers: the fit did not converge",
    "too_few_events": "no numbers: an arm has no event, or nothing but events",
    "too_few_participants": "no numbers: too few participants in an arm or for the model",
    "singular": "no numbers: the contrast depends on other columns of the design",
    "separated": "no numbers: the likelihood rises for ever, the estimate is infinite",
    "no_variance": "no numbers: the residuals vanish, there is nothing to judge the estimate by",
    "no_information": "no numbers: the data say nothing on the contrast",
    "not_finite": "no numbers: an input is infinite, or missing where it may not be",
    "contradictory": "no numbers: the inputs contradict each other",
}


@dataclass(frozen=True)
class Soundness:
    """A status with the reason in words; the reason is empty where the status says it all.

    >>> Soundness("separated", "every event is in one arm").usable
    False
    """

    status: Status = "ok"
    reason: str = ""

    @property
    def usable(self) -> bool:
        """Say whether the numbers may be read: status "ok" or "boundary"."""
        return self.status in USABLE


OK = Soundness()


def worst(*several: Soundness) -> Soundness:
    """Return the first soundness that forbids the numbers, else the first that is not plainly ok.

    >>> worst(OK, Soundness("boundary"), Soundness("separated")).status
    'separated'
    """
    doubted = OK
    for soundness in several:
        if not soundness.usable:
            return soundness
        if doubted is OK and soundness.status != "ok":
            doubted = soundness
    return doubted
