"""Tables of tipping points and of the fingerprint of the model's forms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

from eubiosis.core.endpoints import ENDPOINTS, in_sentence
from eubiosis.core.guilds import GUILD_NAMES
from eubiosis.core.trial_answer import FingerprintRow, TippingRow
from eubiosis.report.trial.words import NOT_ESTIMABLE, many, number, percent

_LOW, _HIGH = 0.1, 100.0  # ends of the axis, in times
_PLACES = {"stool": "in stool", "plasma": "in plasma", "guild": "in stool, by sequencing"}


class TippingCells(TypedDict):
    """A row of the tipping points; ``at`` is the place on the axis in per cent, None where it has none."""

    outcome: str
    form: str
    at: float | None
    needed: str
    edge: str
    relevant: str
    worlds: str


class FingerprintCells(TypedDict):
    """A row of the fingerprint."""

    forms: str
    arm: str
    label: str
    week: str
    samples: str
    chance: str
    ceiling: str
    needed: str


def tipping_cells(rows: Sequence[TippingRow]) -> list[TippingCells]:
    """Return the rows of the tipping points."""
    return [_tip(row) for row in rows]


def _tip(row: TippingRow) -> TippingCells:
    unit = "" if row.scale == "ratio" else f" {row.unit}"
    lead = "ratio " if row.scale == "ratio" else ""
    at = None
    if row.factor is not None:
        share = math.log(min(max(row.factor, _LOW), _HIGH) / _LOW) / math.log(_HIGH / _LOW)
        at = round(100 * share, 2)
    return {
        "outcome": f"{row.label}, {row.arm}",
        "form": row.form_label if row.form == "outside" else f"{row.form}: {row.form_label}",
        "at": at,
        "needed": "never: no effect towards benefit" if row.factor is None else f"{number(row.factor)} times",
        "edge": NOT_ESTIMABLE if not math.isfinite(row.edge) else f"{lead}{number(row.edge)}{unit}",
        "relevant": f"{lead}{row.relevant:g}{unit}",
        "worlds": f"{row.worlds:,}",
    }


def fingerprint_cells(rows: Sequence[FingerprintRow]) -> list[FingerprintCells]:
    """Return the rows of the fingerprint."""
    return [
        {
            "forms": f"{row.forms[0]} or {row.forms[1]}",
            "arm": row.arm,
            "label": row.label,
            "week": f"{row.week:g}" + (", whole follow-up" if _counted(row.endpoint) else ""),
            "samples": "–" if _counted(row.endpoint) else str(row.samples),
            "chance": percent(row.chance),
            "ceiling": percent(row.ceiling),
            "needed": "no trial" if row.participants_needed is None else f"{row.participants_needed:,}",
        }
        for row in rows
    ]


def fingerprint_parts(rows: Sequence[FingerprintRow]) -> list[tuple[str, list[FingerprintCells]]]:
    """Return the best row of each marker and number of samples, then the long tail under its words."""
    best: dict[tuple[str, int], FingerprintRow] = {}
    for row in rows:
        best.setdefault((row.endpoint, row.samples), row)
    first = list(best.values())
    shown = set(map(id, first))
    rest = [row for row in rows if id(row) not in shown]
    parts = [("", fingerprint_cells(first))]
    if rest:
        parts.append((f"{len(rest)} more: all forms, arms and visits", fingerprint_cells(rest)))
    return parts


def blind_markers() -> list[tuple[str, str]]:
    """Return what is measured and can tell no forms apart, because they share the gut: label and place.

    >>> blind_markers()[0]
    ('Short-chain fatty acids in stool', 'in stool')
    """
    return [
        (f"Share of {GUILD_NAMES[row.guild]}" if row.guild else row.label, _PLACES[row.place])
        for row in ENDPOINTS.values()
        if row.place in _PLACES
    ]


_ROUGH = (
    " Markers of the gut cannot: all forms share the gut. The best of several markers is picked from few "
    "worlds of each "
    "form, so that these chances are rough and rather too high."
)


def fingerprint_words(rows: Sequence[FingerprintRow]) -> str:
    """Say in a sentence what could tell the forms apart best."""
    return _best_words(rows) + _ROUGH


def _counted(endpoint: str) -> bool:
    return endpoint in ENDPOINTS and ENDPOINTS[endpoint].counted


def _when(row: FingerprintRow) -> str:
    """Say at which visit, or over which follow-up, a marker is taken."""
    return f"over {row.week:g} weeks" if _counted(row.endpoint) else f"in week {row.week:g}"


def _taken(row: FingerprintRow) -> str:
    """Say how many samples a visit are averaged; a count has none."""
    return "" if _counted(row.endpoint) else f"; {many(row.samples, 'sample')} a visit"


def _best_words(rows: Sequence[FingerprintRow]) -> str:
    best = max(rows, key=lambda row: row.chance)
    end = max(rows, key=lambda row: row.ceiling)
    said = (
        f"With {best.participants:,} participants the best marker is {in_sentence(best.label)} {_when(best)} "
        f"({best.arm}{_taken(best)}): it names the right one "
        f"of {best.forms[0]} and {best.forms[1]} in {percent(best.chance)} of trials, where guessing "
        "does in 50 %."
    )
    reached = [row for row in rows if row.participants_needed is not None]
    if reached:
        least = min(reached, key=lambda row: row.participants_needed or 0)
        return (
            f"{said} {least.label} {_when(least)} would reach 80 % for {least.forms[0]} and "
            f"{least.forms[1]} "
            f"with {least.participants_needed:,} participants."
        )
    return (
        f"{said} No marker reaches 80 % at any size; the most is {percent(end.ceiling)} "
        f"({in_sentence(end.label)})."
    )
