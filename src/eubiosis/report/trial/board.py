"""How forecasts of finished studies did: one line for the first screen, and the table behind it."""

from __future__ import annotations

from typing import TypedDict

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.report_input import TrialReportInput
from eubiosis.core.scoreboard import BoardGroup, CoverageSeen, RatioSeen
from eubiosis.report.trial.words import percent

ALL = "not fitted"
_KINDS = {"mfis": "fatigue", "relapses": "relapses", "gd_lesions": "lesions", "t2_lesions": "lesions"}
_PLACES = {"guild": "guilds", "stool": "stool acids"}


class BoardCells(TypedDict):
    """A row of the table of groups of studies."""

    group: str
    what: str
    studies: str
    quantities: str
    ratio: str
    verdict: str
    half: str
    ninety: str


def board_cells(report_input: TrialReportInput) -> list[BoardCells]:
    """Return the groups of the scoreboard."""
    return [
        {
            "group": row.group,
            "what": row.what,
            "studies": f"{row.studies:,}",
            "quantities": f"{row.quantities:,}",
            "ratio": _ratio(row.crps),
            "verdict": "no forecast of no change" if row.crps is None else row.crps.verdict,
            "half": _coverage(row.coverage_50),
            "ninety": _coverage(row.coverage_90),
        }
        for row in report_input.scoreboard
    ]


def board_line(report_input: TrialReportInput) -> str:
    """Return the scoreboard in one line: all studies that nothing was fitted to, and the primary's kind."""
    groups = {row.group: row for row in report_input.scoreboard}
    whole = groups.get(ALL)
    if whole is None:
        return ""
    said = (
        f"Scoreboard: of {whole.studies} finished studies that no number was fitted to, {_told(whole)}; "
        f"50 % intervals held {percent(whole.coverage_50.share)} and 90 % intervals "
        f"{percent(whole.coverage_90.share)} of {whole.quantities:,} read-outs."
    )
    kind = _kind(report_input)
    own = groups.get(f"{ALL}, {kind}")
    if own is not None:
        said += f" Of {kind}, {own.studies} {'study' if own.studies == 1 else 'studies'}: {_told(own)}."
    elif kind:
        said += f" Of {kind}: none."
    return said


def _told(row: BoardGroup) -> str:
    if row.crps is None:
        return "no forecast of no change to compare with"
    seen = row.crps
    ends = "no interval" if seen.low is None or seen.high is None else f"{seen.low:.2f} to {seen.high:.2f}"
    return (
        f"the error was {seen.ratio:.2f} times that of a forecast of no change ({ends}; {seen.studies} "
        f"could be compared), {seen.verdict}"
    )


def _kind(report_input: TrialReportInput) -> str:
    primary = next((row.endpoint for row in report_input.effects if row.primary), "")
    if primary in _KINDS:
        return _KINDS[primary]
    return _PLACES.get(ENDPOINTS[primary].place, "") if primary in ENDPOINTS else ""


def _ratio(seen: RatioSeen | None) -> str:
    if seen is None:
        return "–"
    if seen.low is None or seen.high is None:
        return f"{seen.ratio:.2f} (no interval)"
    return f"{seen.ratio:.2f} ({seen.low:.2f} to {seen.high:.2f})"


def _coverage(seen: CoverageSeen) -> str:
    return f"{seen.hits} of {seen.of}, {percent(seen.share)} ({percent(seen.low)} to {percent(seen.high)})"
