"""Estimands and statistics on observed tables: the same functions serve a virtual and a real trial."""

from eubiosis.analysis.estimate import Estimates, TrialEstimate, estimate
from eubiosis.analysis.result import Estimate
from eubiosis.analysis.truth import (
    OperatingCharacteristics,
    TrueEffect,
    operating_characteristics,
    true_effects,
)

__all__ = [
    "Estimate",
    "Estimates",
    "OperatingCharacteristics",
    "TrialEstimate",
    "TrueEffect",
    "estimate",
    "operating_characteristics",
    "true_effects",
]
