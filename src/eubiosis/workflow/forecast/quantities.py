"""What is forecast: guilds, acids of stool, lumen and plasma, and what gut bacteria make of tryptophan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from eubiosis.core.guilds import GUILDS

Place = Literal["guild", "stool", "lumen", "plasma", "tryptophan"]


@dataclass(frozen=True)
class ForecastQuantity:
    """A quantity of the model: ``source`` its name there, ``endpoint`` that of a trial or content table."""

    id: str
    label: str
    place: Place
    source: str
    unit: str

    @property
    def guild(self) -> str:
        """The guild of a share, empty for the others."""
        return self.id.removeprefix("share_") if self.place == "guild" else ""


_ACIDS = (("acetate", "Ac"), ("propionate", "Pr"), ("butyrate", "Bu"))
_SOURCES = {"stool": "gut_stool_", "lumen": "gut_C_", "plasma": "handover_plasma_"}
_AROMATICS = (
    ("lumen_indole", "indole in the lumen", "gut_Ind"),
    ("plasma_indoxyl_sulfate", "indoxyl sulfate in plasma", "handover_plasma_IS"),
    ("plasma_indole_propionate", "indole-3-propionate in plasma", "handover_plasma_IPA"),
    ("plasma_indole_lactate", "indole-3-lactate in plasma", "handover_plasma_ILA"),
    ("plasma_indole_acetate", "indole-3-acetate in plasma", "handover_plasma_IAA"),
)
GUILD_QUANTITIES = tuple(
    ForecastQuantity(f"share_{g}", g, "guild", f"gut_share_{g}", "share of reads") for g in GUILDS
)
QUANTITIES: tuple[ForecastQuantity, ...] = (
    *GUILD_QUANTITIES,
    *(
        ForecastQuantity(f"{place}_{acid}", f"{acid} in {place}", place, f"{_SOURCES[place]}{short}", "mM")
        for place in ("stool", "lumen", "plasma")
        for acid, short in _ACIDS
    ),
    *(ForecastQuantity(name, label, "tryptophan", source, "mM") for name, label, source in _AROMATICS),
)
