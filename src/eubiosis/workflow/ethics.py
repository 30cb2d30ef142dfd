"""What must be justified in writing before a trial is run, even a virtual one: severity ``ethics``."""

from __future__ import annotations

from collections.abc import Iterator

from eubiosis.core.spec import Place
from eubiosis.trial.design import Arm, Design

_UNTREATED = ("none", "not stated")


def ethical_concerns(design: Design) -> Iterator[tuple[Place, str]]:
    """Yield the concerns of a design with their places: withheld therapy, live products under suppression."""
    active = (design.eligibility.relapses_last_year or 0) >= 1
    if active and design.eligibility.background in _UNTREATED:
        for k, arm in enumerate(design.arms):
            if not any(part.record.group == "drug" for part in arm.therapy.given):
                yield (
                    ("arms", k),
                    f'arm "{arm.name}" withholds effective therapy in active disease: a relapse in the '
                    f"last year is asked for, and the background is {design.eligibility.background}",
                )
    for k, arm in enumerate(design.arms):
        why = _suppressed(design, arm)
        live = [part.record.label for part in arm.therapy.given if part.record.live != "none"]
        if why and live:
            what = f'arm "{arm.name}" gives {", ".join(live)}, which is live'
            yield ("arms", k), f"{what}, under severe immunosuppression: {why}"


def _suppressed(design: Design, arm: Arm) -> str:
    """Say why the people of an arm are severely immunosuppressed; empty where they are not."""
    if design.eligibility.immunosuppression == "severe":
        return "eligibility states it"
    drugs = [part.record.label for part in arm.therapy.given if part.record.immunosuppression == "severe"]
    return " and ".join(drugs)


def withheld_words(design: Design) -> tuple[str, ...]:
    """Return the concerns as sentences for a page."""
    return tuple(problem for _, problem in ethical_concerns(design))
