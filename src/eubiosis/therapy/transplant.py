"""Fecal transplants: from whom, how many, how prepared, and what share engrafts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from eubiosis.core.guilds import GUILDS
from eubiosis.core.kinds import Share, Text
from eubiosis.core.spec import Problem, Spec, rule

_VANCOMYCIN_DAYS = 10.0  # of a preparation, before the first transplant


class Transplant(Spec):
    """One or more fecal transplants: from whom, how, how many, and what share of the guilds engrafts.

    ``donor`` is "healthy" (the composition of the model's healthy reference), "own" (the recipient's stool
    again, which is a placebo) or a profile: shares of guilds by their ids, the others at the reference.
    ``engraftment`` is the one number of the model; left out, every world draws its own. ``stool`` and
    ``route`` are recorded; the model has no law for either. ``preparation`` "vancomycin" gives 2 g a day for
    ten days before the first transplant. ``donor_screening`` says in words how donors are screened.

    >>> Transplant(donor="healthy", number=3).every_weeks
    4.0
    """

    donor: Literal["healthy", "own"] | Mapping[str, Annotated[float, Field(gt=0, le=1)]] = "healthy"
    stool: Annotated[str, Field(pattern=r"^[0-9.]+ g$")] | None = None
    route: Literal["colonoscopy", "enema", "capsules", "nasoduodenal", "not stated"] = "not stated"
    number: Annotated[int, Field(ge=1, le=52)] = 1
    every_weeks: Annotated[float, Field(gt=0, le=52)] = 4.0
    engraftment: Share | None = None
    preparation: Literal["none", "vancomycin"] = "none"
    donor_screening: Text | None = None

    @staticmethod
    @rule("donor")
    def _a_profile_names_guilds(donor: object) -> Iterator[Problem]:
        if isinstance(donor, Mapping):
            wrong = [name for name in donor if name not in GUILDS]
            for name in wrong:
                yield Problem(("donor", name), f'"{name}" is no guild', ", ".join(GUILDS), "rename the key")
            if not wrong and sum(donor.values()) > 1 + 1e-9:
                problem = f"the shares of the donor sum to {sum(donor.values()):g}"
                yield Problem(("donor",), problem, "1 at most", "write shares, not percent")

    @property
    def days(self) -> tuple[float, ...]:
        """Days of the transplants after the start of the therapy, the preparation before them."""
        first = _VANCOMYCIN_DAYS if self.preparation == "vancomycin" else 0.0
        return tuple(first + 7 * self.every_weeks * k for k in range(self.number))


def transplant_words(transplant: Transplant) -> str:
    """Say what is given and how; without the donors' screening, that no protocol text is written."""
    if transplant.donor != "own" and transplant.donor_screening is None:
        return "donor screening is not stated, so no protocol text is written"
    donor = transplant.donor if isinstance(transplant.donor, str) else "a given profile"
    words = [f"{transplant.number} from donor: {donor}", f"route {transplant.route}"]
    if transplant.number > 1:
        words.append(f"every {transplant.every_weeks:g} weeks")
    if transplant.stool is not None:
        words.append(f"{transplant.stool} of stool each")
    if transplant.preparation != "none":
        words.append("after ten days of vancomycin 2 g a day")
    if transplant.donor_screening is not None:
        words.append(f"donors screened: {transplant.donor_screening}")
    return ", ".join(words)
