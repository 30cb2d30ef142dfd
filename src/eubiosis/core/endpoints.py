"""The endpoints that a virtual trial observes: what each one is called, measured in and compared by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from eubiosis.core.guilds import GUILDS

EffectScale = Literal["ratio", "difference"]
Better = Literal["lower", "higher", "neither"]
Place = Literal["clinic", "scan", "blood", "stool", "plasma", "guild"]

_HIGHEST = {"edss": 10.0, "mfis": 84.0, "treg": 100.0}


@dataclass(frozen=True)
class Endpoint:
    """One observed endpoint.

    ``scale`` is how arms are compared: "ratio" (1 is no effect) or "difference" (0 is no effect, in
    ``unit``). ``clinical`` marks outcomes of the disease, which the model reaches only through couplings
    that no clinical outcome supports; the others are measured in stool, blood or gut. ``tested`` is empty
    or says which trial nobody has done. ``place`` is where it is measured; ``events`` and ``exposure`` name
    the columns of an endpoint that is counted, and are empty for the others; ``guild`` is that of a share.
    """

    id: str
    label: str
    unit: str
    scale: EffectScale
    better: Better
    clinical: bool
    tested: str = ""
    place: Place = "clinic"
    events: str = ""
    exposure: str = ""
    guild: str = ""

    @property
    def counted(self) -> bool:
        """Whether the endpoint is a count of events over an exposure."""
        return bool(self.events)

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value that the endpoint can have, in its unit."""
        return 0.0, _HIGHEST.get(self.id, 1.0 if self.guild else math.inf)

    @property
    def score(self) -> bool:
        """Whether the endpoint is a score, compared by the difference of its means."""
        return self.scale == "difference"


def _untested(outcome: str) -> str:
    return (
        f"no trial in our tables has tested {outcome} for inulin or oral propionate against a control group"
    )


def _acid(place: Literal["stool", "plasma"], acid: str, name: str) -> Endpoint:
    return Endpoint(
        f"{place}_{acid}", f"{name} in {place}", "mM", "ratio", "neither", clinical=False, place=place
    )


_ROWS = (
    Endpoint(
        "relapses",
        "Relapses",
        "1/year",
        "ratio",
        "lower",
        clinical=True,
        tested="no trial in our tables has tested relapses for a probiotic, prebiotic, synbiotic or acid",
        events="relapses",
        exposure="follow_up_years",
    ),
    Endpoint(
        "gd_lesions",
        "Gd+ lesions",
        "lesions/scan",
        "ratio",
        "lower",
        clinical=True,
        tested=_untested("Gd+ lesions"),
        place="scan",
        events="gd_lesions",
        exposure="scans",
    ),
    Endpoint(
        "t2_lesions",
        "New T2 lesions",
        "lesions/year",
        "ratio",
        "lower",
        clinical=True,
        tested=_untested("new T2 lesions"),
        place="scan",
        events="t2_lesions",
        exposure="t2_years",
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
        place="blood",
    ),
    Endpoint(
        "nfl",
        "Serum NfL",
        "times healthy",
        "ratio",
        "lower",
        clinical=False,
        tested=_untested("serum NfL in MS"),
        place="blood",
    ),
    _acid("stool", "scfa", "Short-chain fatty acids"),
    _acid("stool", "acetate", "Acetate"),
    _acid("stool", "propionate", "Propionate"),
    _acid("stool", "butyrate", "Butyrate"),
    _acid("plasma", "acetate", "Acetate"),
    _acid("plasma", "propionate", "Propionate"),
    _acid("plasma", "butyrate", "Butyrate"),
    *(
        Endpoint(
            f"share_{guild}",
            f"Share of guild {guild}",
            "fraction",
            "ratio",
            "neither",
            clinical=False,
            place="guild",
            guild=guild,
        )
        for guild in GUILDS
    ),
)

ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType({row.id: row for row in _ROWS})
# acids that an assay measures one by one, each with a limit of detection
LIMITED = tuple(
    name for name, row in ENDPOINTS.items() if row.place in ("stool", "plasma") and name != "stool_scfa"
)


def in_sentence(label: str) -> str:
    """Write a label inside a sentence: its first word small, unless an abbreviation or part of a name.

    >>> in_sentence("Fatigue (MFIS)"), in_sentence("EDSS"), in_sentence("Gd+ lesions"), in_sentence("New T2")
    ('fatigue (MFIS)', 'EDSS', 'Gd+ lesions', 'new T2')
    >>> in_sentence("Expanded Disability Status Scale"), in_sentence("High-sensitivity C-reactive protein")
    ('Expanded Disability Status Scale', 'high-sensitivity C-reactive protein')
    """
    first, _, after = label.partition(" ")
    rest, second = first[1:], after.partition(" ")[0]
    name = second[:1].isupper() and second[1:].isalpha() and second[1:].islower()
    word = rest[:1].isalpha() and rest.replace("-", "").isalpha() and rest.islower()
    return label[:1].lower() + label[1:] if word and not name else label
