"""How unsure a printed ratio of the gut is beyond its worlds: discrepancy, and transport to MS."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eubiosis.analysis.truth import Characteristic
from eubiosis.core.endpoints import ENDPOINTS, Endpoint
from eubiosis.core.laws import Z975
from eubiosis.model.discrepancy import (
    DiscrepancyRow,
    TransportRow,
    discrepancy_sd,
    disturbance,
    read_discrepancies,
    read_transport,
    transport_sd,
)
from eubiosis.model.model import Model
from eubiosis.trial.design import Design


@dataclass(frozen=True)
class Unsure:
    """Discrepancy and transport by endpoint and arm.

    ``conditions`` names the condition that each active arm is compared in, ``ratios`` how far the arm moves
    each ratio (arm -> endpoint -> ratio).
    """

    discrepancies: Sequence[DiscrepancyRow]
    transport: Sequence[TransportRow]
    conditions: Mapping[str, str | None]
    ratios: Mapping[str, Mapping[str, float]]

    @classmethod
    def of(cls, model: Model, design: Design, found: Iterable[Characteristic]) -> Unsure:
        """Read what is unsure, and how far each arm disturbs the gut over all worlds."""
        conditions = {
            arm.name: None if arm.therapy.record.compared is None else arm.therapy.record.compared.condition
            for arm in design.active
        }
        ratios: dict[str, dict[str, float]] = {name: {} for name in conditions}
        for row in found:
            if ENDPOINTS[row.endpoint].scale == "ratio" and row.arm in ratios:
                ratios[row.arm][row.endpoint] = _moved(row.truth)
        return cls(read_discrepancies(model.content), read_transport(model.content), conditions, ratios)

    def sd(self, endpoint: Endpoint, arm: str, ratio: float) -> float:
        """Return the sd of the log of an endpoint's ``ratio`` in an arm that its interval is widened by."""
        if endpoint.scale != "ratio" or not ratio > 0:
            return 0.0
        moved = disturbance(self.ratios[arm], endpoint.id)
        own = discrepancy_sd(self.discrepancies, endpoint.id, self.conditions[arm], moved)
        return math.hypot(own, transport_sd(self.transport, endpoint.id, math.log(ratio)))


def _moved(truth: tuple[float, float, float]) -> float:
    """Return the ratio whose log is the root mean square of a truth's over its worlds."""
    if not all(math.isfinite(q) and q > 0 for q in truth):
        return math.nan
    low, middle, high = (math.log(q) for q in truth)
    return math.exp(math.hypot(middle, (high - low) / (2 * Z975)))
