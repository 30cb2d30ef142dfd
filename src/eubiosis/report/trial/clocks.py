"""Clocks of a trial report: Kaplan-Meier with numbers at risk, and cumulative relapses, with a band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypedDict

from eubiosis.core.over_time import ClockCurve
from eubiosis.core.report_input import TrialReportInput
from eubiosis.report.figures.plain_svg import PlotFrame, plot, round_ticks, text
from eubiosis.report.trial.words import NOT_ESTIMABLE, arm_hues, count, number, percent, trials_text, wrapped

_WIDTH, _HEIGHT, _LINE = 380.0, 250.0, 15.0
_FEW_TRIALS = 100  # fewer than five lie beyond each end of the band
_FEW_WORLDS = 30
_FEET = 7  # times at which numbers at risk are written
_TITLES = {
    "first_relapse": "Free of relapse, % of people (Kaplan-Meier)",
    "progression": "Free of confirmed progression, % of people (Kaplan-Meier)",
    "relapses": "Mean cumulative relapses a person (Nelson-Aalen)",
}


class ClockFigure(TypedDict):
    """One figure: what it is, its drawing, how the event is defined, and its numbers in words.

    ``rows`` are arm, week, median, low, high, people at risk, trials with anybody at risk. Without a drawing
    ``note`` says why there is none.
    """

    outcome: str
    title: str
    svg: str
    trials: str
    note: str
    summary: str
    rows: list[tuple[str, str, str, str, str, str, str]]


def clock_figures(report_input: TrialReportInput) -> list[ClockFigure]:
    """Return a figure for each outcome that the report has."""
    hues = dict(arm_hues(report_input))
    outcomes = list(dict.fromkeys(curve.outcome for curve in report_input.clocks))
    return [
        _figure([curve for curve in report_input.clocks if curve.outcome == outcome], hues)
        for outcome in outcomes
    ]


def band_words(curves: Sequence[ClockCurve]) -> str:
    """Say what lines and bands of the clocks are, and over how many trials."""
    if not curves:
        return ""
    one = curves[0]
    of_all = (
        "all trials"
        if one.per_pair == one.replicates
        else f"the first {one.per_pair:,} of {one.replicates:,} trials of each pair of worlds"
    )
    return (
        f"Line: median over {of_all} ({one.trials:,}); band: 5 to 95 % of these trials at each time, "
        "pointwise. It holds what nobody knows about the model, who enters, and the chance of one trial; it "
        "is no confidence interval, and arms that lie apart are no evidence. Observed data, whatever "
        f"strategy an endpoint has for intercurrent events."
    )


def few_words(report_input: TrialReportInput) -> str:
    """Say what few worlds or trials make of the clocks; "" where there are enough of both."""
    if not report_input.clocks:
        return ""
    worlds, trials = report_input.size.worlds, report_input.clocks[0].trials
    said = []
    if worlds is not None and worlds < _FEW_WORLDS:
        so_few = "one world" if worlds == 1 else f"{worlds} worlds"
        said.append(
            f"Only {so_few} of the many that could be: how far arms lie apart here is a guess and no result."
        )
    if trials < _FEW_TRIALS:
        said.append("So few trials leave the ends of the band rough.")
    return " ".join(said)


def _figure(curves: Sequence[ClockCurve], hues: dict[str, int]) -> ClockFigure:
    first = curves[0]
    drawn = [curve for curve in curves if curve.weeks]
    return {
        "outcome": first.outcome,
        "title": _TITLES[first.outcome],
        "svg": _drawing(drawn, hues) if drawn else "",
        "trials": trials_text(first.trials),
        "note": first.note,
        "summary": "; ".join(
            f"{curve.arm}: {curve.events:,.1f} events in {count(curve.people)} people" for curve in drawn
        ),
        "rows": [row for curve in drawn for row in _rows(curve)],
    }


def _rows(curve: ClockCurve) -> list[tuple[str, str, str, str, str, str, str]]:
    def written(value: float) -> str:
        if not math.isfinite(value):
            return NOT_ESTIMABLE
        return f"{value:.3f}" if curve.outcome == "relapses" else percent(value, decimals=1)

    return [
        (curve.arm, f"{week:g}", written(middle), written(low), written(high), f"{risk:,.1f}", f"{read:,}")
        for week, middle, low, high, risk, read in zip(
            curve.weeks, curve.median, curve.low, curve.high, curve.at_risk, curve.read, strict=True
        )
    ]


def _drawing(curves: Sequence[ClockCurve], hues: dict[str, int]) -> str:
    first = curves[0]
    share = first.outcome != "relapses"
    low, high = _range(curves, share=share)
    foot = 2 * _LINE * len(curves) + _LINE + 8
    frame = PlotFrame(
        _WIDTH, _HEIGHT + foot, (first.weeks[0], first.weeks[-1]), (low, high), left=54, right=16,
        bottom=foot + 40,
    )  # fmt: skip
    every = max(1, -(-len(first.weeks) // _FEET))
    feet = [*range(0, len(first.weeks), every)]
    ticks = round_ticks(low, high, 5)
    parts = [
        frame.grid([first.weeks[k] for k in feet], ticks, lambda x: f"{x:g}",
                   (lambda y: f"{100 * y:.0f} %") if share else (lambda y: f"{y:g}")),
        text(_WIDTH / 2, _HEIGHT + 14 - 18, "weeks from randomisation", anchor="middle", names="note"),
    ]  # fmt: skip
    if share and low > 0:
        parts.append(text(frame.left + 5, _HEIGHT - 46, f"axis begins at {100 * low:.0f} %", names="note"))
    for curve in curves:
        parts += _curve(frame, curve, hues.get(curve.arm, 0))
    parts += _at_risk(frame, curves, feet, hues)
    return plot(frame, parts, _label(curves))


def _range(curves: Sequence[ClockCurve], *, share: bool) -> tuple[float, float]:
    ends = [v for curve in curves for v in (*curve.low, *curve.high) if math.isfinite(v)]
    if share:
        lowest = math.floor(10 * min(ends, default=0.0) - 1e-9) / 10
        return (max(0.0, lowest) if lowest > 0.2 else 0.0), 1.0
    return 0.0, max(ends, default=1.0) * 1.05 or 1.0


def _curve(frame: PlotFrame, curve: ClockCurve, hue: int) -> list[str]:
    dash = f" d{hue}" if hue else ""
    rows = [
        row
        for row in zip(curve.weeks, curve.median, curve.low, curve.high, strict=True)
        if all(math.isfinite(value) for value in row)
    ]
    if not rows:
        return []
    if curve.outcome == "progression":  # falls at visits only
        before = [(later[0], *row[1:]) for row, later in pairwise(rows)]
        rows = [row for pair in zip(rows, [*before, rows[-1]], strict=True) for row in pair]
    weeks, middle, low, high = (list(column) for column in zip(*rows, strict=True))
    return [
        frame.band(weeks, low, high, f"faint f{hue}"),
        *(frame.line(zip(weeks, edge, strict=True), f"thin c{hue}{dash}") for edge in (low, high)),
        frame.line(zip(weeks, middle, strict=True), f"line c{hue}{dash}"),
    ]


def _at_risk(
    frame: PlotFrame, curves: Sequence[ClockCurve], feet: Sequence[int], hues: dict[str, int]
) -> list[str]:
    words = "followed" if curves[0].outcome == "relapses" else "at risk"
    top = _HEIGHT + 18
    parts = [text(4, top, f"people {words}, mean of a trial", names="note")]
    for curve in curves:
        hue = hues.get(curve.arm, 0)
        dash = f" d{hue}" if hue else ""
        top += _LINE
        parts.append(
            f'<line x1="4" x2="34" y1="{top - 4:.1f}" y2="{top - 4:.1f}" class="line c{hue}{dash}"/>'
        )
        parts.append(text(40, top, wrapped(curve.arm, 46, 1)[0], names="note"))
        top += _LINE
        for k in feet:
            place = frame.at_x(curve.weeks[k])
            parts.append(text(place, top, f"{curve.at_risk[k]:,.0f}", anchor="middle", names="note"))
    return parts


def _label(curves: Sequence[ClockCurve]) -> str:
    first = curves[0]

    def end(curve: ClockCurve) -> str:
        values = (curve.median[-1], curve.low[-1], curve.high[-1])
        if not all(math.isfinite(value) for value in values):
            return NOT_ESTIMABLE
        if first.outcome == "relapses":
            return f"{number(values[0])} ({number(values[1])} to {number(values[2])})"
        return f"{percent(values[0])} ({percent(values[1])} to {percent(values[2])})"

    told = "; ".join(f"{curve.arm} {end(curve)}" for curve in curves)
    return f"{first.label}, {first.unit}, over {first.weeks[-1]:g} weeks. At the end, over trials: {told}"
