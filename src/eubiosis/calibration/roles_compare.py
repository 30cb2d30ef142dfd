"""A figure against what the model is asked: the same definition, dose, day and contrast, or no comparison.

A figure of a genus says nothing about a guild, one of 40 g nothing about 20 g, one of serum nothing about the
lumen. How well the comparison was controlled is another matter (``roles``): an own change and a change
against placebo answer the same question, one of them with a bias.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from eubiosis.model.content import ChangeRow, TargetRow

UNTREATED, HEALTHY, NONE, NOT_READ = "untreated", "healthy", "none", "not read"
_PER_GRAM, _FALL = "extra_per_g_itf", "log10_fall_3d"
_LEVELS = ("value", "log10", "share_of_acids", "absorbed_share", "excreted", "bolus", "population", _FALL)
_SPECIMENS = (
    ("gut_stool_", "stool"),
    ("gut_share_", "stool"),
    ("gut_bacteria_out", "stool"),
    ("gut_", "lumen"),
    ("handover_portal", "portal"),
    ("handover_", "plasma"),
    ("host_perm", "barrier"),
    ("host_ahr", "plasma"),
    ("host_LPS", "plasma"),
    ("host_", "blood"),
    ("treg_", "blood"),
    ("peak_", "plasma"),
)
_DOSE = re.compile(
    r"(?P<agent>\S+) (?:(?P<low>[\d.e+]+)(?:-(?P<high>[\d.e+]+))? (?P<unit>\S+|\S+ once)|not read)"
    r"(?: for (?P<days>[\d.]+) d)?"
)


@dataclass(frozen=True)
class Comparand:
    """What the model is asked, or what a study measured.

    ``taxon`` is guild, genus or "-"; ``dose`` reads "inulin 20 g/d", "diet fibre_40g", "none" and the like;
    ``contrast`` is none (a level), untreated, healthy, condition:NAME or drug:NAME.
    """

    taxon: str
    specimen: str
    dose: str
    day: float | None
    contrast: str
    per_gram: bool = False
    any_dose: bool = False


def asked_of(target: TargetRow, changes: Sequence[ChangeRow]) -> Comparand:
    """Say what a target asks of the model; ``changes`` are those of every condition."""
    own = [row for row in changes if row.condition == target.condition]
    day = target.day if target.statistic != _FALL else None
    if target.statistic == "therapy" and target.observable.endswith("d"):
        day = float(target.observable.removeprefix("treg_").removesuffix("d"))
    return Comparand(
        target.taxon,
        _specimen(target.observable),
        _dose(target, own),
        day,
        _contrast(target),
        per_gram=target.statistic == _PER_GRAM,
        any_dose=target.statistic == _FALL,
    )


def differences(asked: Comparand, measured: Comparand) -> tuple[str, ...]:
    """Name everything in which a figure differs from what the model is asked; empty where it may be compared.

    >>> guild = Comparand("guild", "stool", "inulin 20 g/d", 14, "untreated")
    >>> differences(guild, Comparand("genus", "stool", "inulin 10 g/d", 14, "untreated"))
    ('definition: a genus, asked of a guild', 'dose: inulin 10 g/d, asked of inulin 20 g/d')
    """
    found = []
    if measured.taxon != asked.taxon:
        found.append(f"definition: {_a(measured.taxon)}, asked of {_a(asked.taxon)}")
    if measured.specimen != asked.specimen:
        found.append(f"definition: measured in {measured.specimen}, asked of {asked.specimen}")
    if not _same_dose(asked, measured):
        found.append(f"dose: {measured.dose}, asked of {asked.dose}")
    if asked.day is not None and measured.day != asked.day:
        when = NOT_READ if measured.day is None else f"{measured.day:g}"
        found.append(f"day: {when}, asked of {asked.day:g}")
    if measured.contrast != asked.contrast:
        found.append(f"contrast: {measured.contrast}, asked of {asked.contrast}")
    return tuple(found)


def _a(taxon: str) -> str:
    return "no taxon" if taxon == "-" else f"a {taxon}"


def _same_dose(asked: Comparand, measured: Comparand) -> bool:
    if asked.dose == measured.dose:
        return NOT_READ not in measured.dose
    want, got = _DOSE.fullmatch(asked.dose), _DOSE.fullmatch(measured.dose)
    if not want or not got or want["agent"] != got["agent"]:
        return False
    if asked.per_gram or asked.any_dose:
        return True
    if got["low"] is None or want["unit"] != got["unit"] or want["days"] != got["days"]:
        return False
    amount, low = float(want["low"]), float(got["low"])
    high = float(got["high"]) if got["high"] else low
    return low * (1 - 1e-9) <= amount <= high * (1 + 1e-9)


def _specimen(observable: str) -> str:
    return next((where for begin, where in _SPECIMENS if observable.startswith(begin)), "-")


def _contrast(target: TargetRow) -> str:
    if target.statistic == "ratio_to":
        return target.contrast
    if target.statistic == "over_healthy":
        return HEALTHY
    if target.statistic == "drug":
        return f"drug:{target.contrast.removeprefix('against ')}"
    if target.statistic in _LEVELS and "against" not in target.contrast:
        return NONE
    return UNTREATED


def _dose(target: TargetRow, changes: Sequence[ChangeRow]) -> str:
    """Say what is given under the target's condition."""
    name = target.condition
    if name == "drug_classes":
        return "drugs"
    if name.startswith("drug_"):
        return f"drug {name.removeprefix('drug_')}"
    if "acids doubled" in target.contrast:
        return "acids doubled"
    if any(row.target == "gut_diet_on" for row in changes):
        return f"diet {name.split('_', 1)[1]}"
    given = [row for row in changes if row.kind == "input"]
    if any(row.kind == "event" for row in changes):
        return "transplant"
    return " and ".join(_amount(row, once=target.statistic == "bolus") for row in given) or NONE


def _amount(row: ChangeRow, *, once: bool) -> str:
    agent = row.target.split("_dose_")[-1].split("_cfu_")[-1]
    per_day = float(row.amount) * (1 if once else row.times_per_day)
    length = f" for {row.stop_day:g} d" if row.stop_day is not None and math.isfinite(row.stop_day) else ""
    return f"{agent} {per_day:g} {row.unit}{' once' if once else '/d'}{length}"
