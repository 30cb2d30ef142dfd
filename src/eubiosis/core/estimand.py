"""Estimands after ICH E9(R1): what a trial means to estimate, attribute by attribute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eubiosis.core.endpoints import Better

Role = Literal["primary", "secondary"]


@dataclass(frozen=True)
class IntercurrentEvent:
    """An event after randomisation that changes what an outcome means, and the strategy for it."""

    event: str
    strategy: str


@dataclass(frozen=True)
class Estimand:
    """One estimand: treatment, population, variable, intercurrent events, summary, and how it is estimated.

    ``endpoint`` is an id of ``core.endpoints``; ``better`` says in which direction the endpoint improves and
    ``tested`` which trial nobody has done ("" where there is one).
    """

    endpoint: str
    label: str
    role: Role
    treatment: str
    population: str
    variable: str
    intercurrent_events: tuple[IntercurrentEvent, ...]
    summary: str
    method: str
    covariates: tuple[str, ...]
    missing_data: str
    better: Better
    tested: str
