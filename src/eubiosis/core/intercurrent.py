"""Intercurrent events and strategies after ICH E9(R1): the words, and what applies them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Strategy = Literal["treatment policy", "hypothetical", "composite", "while on treatment", "principal stratum"]
POLICY: Strategy = "treatment policy"
EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "antibiotics": "a course of antibiotics",
        "drug_switch": "a switch of the disease-modifying drug",
        "rescue_steroids": "high-dose steroids after a relapse",
        "contamination": "a control takes the product of an active arm",
        "discontinuation": "the product of the trial is stopped for good",
    }
)
STRATEGIES: Mapping[Strategy, str] = MappingProxyType(
    {
        "treatment policy": "what is recorded counts, whatever happened",
        "hypothetical": "as if it had not happened: what it affects is set missing (missing at random)",
        "composite": "it counts as a failure: one more event, or the worst value that the design states",
        "while on treatment": "only what came before it counts",
        "principal stratum": "only people to whom it would happen in no arm; it happens in all arms alike",
    }
)


@dataclass(frozen=True)
class StrategyRule:
    """The strategy of one endpoint for one intercurrent event.

    ``failure`` is the value that the event counts as under a composite strategy, None for a count. What is
    recorded from the day of the event for ``affects`` days counts as affected by it (infinity: to the end).
    """

    endpoint: str
    event: str
    strategy: Strategy
    failure: float | None = None
    affects: float = math.inf

    @property
    def words(self) -> str:
        """The strategy in words, with what it needs.

        >>> StrategyRule("edss", "drug_switch", "composite", failure=10.0).words
        'composite: it counts as 10'
        """
        if self.strategy == "composite":
            value = "one more event" if self.failure is None else f"{self.failure:g}"
            return f"composite: it counts as {value}"
        if self.strategy == "hypothetical":
            until = "from then on" if math.isinf(self.affects) else f"for {self.affects:g} days"
            return f"hypothetical: as if it had not happened; what is recorded {until} is set missing"
        return f"{self.strategy}: {STRATEGIES[self.strategy]}"


def removed_from(rules: Iterable[StrategyRule]) -> frozenset[str]:
    """Return the events that do not happen in the world of one endpoint's estimand: the hypothetical ones.

    >>> sorted(removed_from([StrategyRule("mfis", "antibiotics", "hypothetical")]))
    ['antibiotics']
    """
    return frozenset(rule.event for rule in rules if rule.strategy == "hypothetical")


def rules_of(rules: Iterable[StrategyRule], endpoint: str) -> tuple[StrategyRule, ...]:
    """Return the rules of one endpoint, in their order."""
    return tuple(rule for rule in rules if rule.endpoint == endpoint)
