"""What an analysis does where the truth is known: the only room that accepts latent tables."""

from eubiosis.analysis.truth.characteristics import (
    Characteristic,
    OperatingCharacteristics,
    operating_characteristics,
)
from eubiosis.analysis.truth.effects import TrueEffect, effects_table, true_effects

__all__ = [
    "Characteristic",
    "OperatingCharacteristics",
    "TrueEffect",
    "effects_table",
    "operating_characteristics",
    "true_effects",
]
