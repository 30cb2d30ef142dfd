"""The endpoints that a virtual trial observes: what each one is called, measured in and compared by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from eubiosis.core.guilds import GUILDS

EffectScale = Literal["ratio", "difference"]
Better = Literal["lower", "higher", "neither"]


@dataclass(frozen=True)
class Endpoint:
    """One observed endpoint.

    ``scale`` is how arms are compared: "ratio" (1 is no effect) or "difference" (0 is no effect, in
    ``unit``). ``clinical`` marks outcomes of the disease, which the model reaches only through couplings
    that no clinical outcome supports; the others are measured in stool, blood or gut. ``tested`` is empty
    or says which trial nobody has done.
    """

    id: str
    label: str
    unit: str
    scale: EffectScale
    better: Better
    clinical: bool
    tested: str = ""


def _untested(outcome: str) -> str:
    return (
        f"no trial in our tables has tested {outcome} for inulin or oral propionate against a control group"
    )


def _acid(place: str, acid: str, name: str) -> Endpoint:
    return Endpoint(f"{place}_{acid}", f"{name} in {place}", "mM", "ratio", "neither", clinical=False)


_ROWS = (
    Endpoint(
        "relapses",
        "Relapses",
        "1/year",
        "ratio",
        "lower",
        clinical=True,
        tested="no trial in our tables has tested relapses for a probiotic, prebiotic, synbiotic or acid",
    ),
    Endpoint(
        "gd_lesions",
        "Gd+ lesions",
        "lesions/scan",
        "ratio",
        "lower",
        clinical=True,
        tested=_untested("Gd+ lesions"),
    ),
    Endpoint(
        "t2_lesions",
        "New T2 lesions",
        "lesions/year",
        "ratio",
        "lower",
        clinical=True,
        tested=_untested("new T2 lesions"),
    ),
    Endpoint("edss", "EDSS", "points", "difference", "lower", clinical=True, tested=_untested("EDSS")),
    Endpoint(
        "mfis", "Fatigue (MFIS)", "points", "difference", "lower", clinical=True, tested=_untested("MFIS")
    ),
    Endpoint(
        "treg",
        "Regulatory T cells",
        "% of CD4+ T cells",
        "ratio",
        "higher",
        clinical=False,
        tested=_untested("regulatory T cells in MS"),
    ),
    _acid("stool", "scfa", "Short-chain fatty acids"),
    _acid("stool", "acetate", "Acetate"),
    _acid("stool", "propionate", "Propionate"),
    _acid("stool", "butyrate", "Butyrate"),
    _acid("plasma", "acetate", "Acetate"),
    _acid("plasma", "propionate", "Propionate"),
    _acid("plasma", "butyrate", "Butyrate"),
    *(
        Endpoint(f"share_{guild}", f"Share of guild {guild}", "fraction", "ratio", "neither", clinical=False)
        for guild in GUILDS
    ),
)

ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType({row.id: row for row in _ROWS})
