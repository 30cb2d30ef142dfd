"""Power and assurance against participants for each length of treatment: simulation beside the formula."""

from __future__ import annotations

from typing import TypedDict

from eubiosis.core import laws
from eubiosis.core.power_surface import SurfacePoint
from eubiosis.core.report_input import TrialReportInput
from eubiosis.core.trial_answer import ComparisonAnswer, PowerLine
from eubiosis.report.figures.plain_svg import PlotFrame, TitledPlot, log_ticks, plot, text
from eubiosis.report.trial.words import formula_percent, percent, power_parts

_WIDTH, _HEIGHT = 360.0, 270.0


class LengthCells(TypedDict):
    """A row of the table behind the panels; what was not computed is a dash."""

    weeks: str
    participants: str
    relevant: str
    assurance: str
    simulated: str
    formula: str
    trials: str


def length_panels(report_input: TrialReportInput) -> list[TitledPlot]:
    """Return a panel for each length of treatment, of the primary endpoint in the arm that decides."""
    found: list[TitledPlot] = []
    row = _row(report_input)
    if row is None:
        return found
    for line in _lines(report_input, row):
        points = _points(report_input, line)
        planned = ", as planned" if line.weeks == row.weeks else ""
        found.append({"title": f"{line.weeks:g} weeks{planned}", "svg": _panel(line, points, row)})
    return found


def length_legend(report_input: TrialReportInput) -> list[tuple[str, str]]:
    """Return rows of the classes of a mark and what it stands for, of the marks that are drawn."""
    row = _row(report_input)
    lines = [] if row is None else _lines(report_input, row)
    points = [point for line in lines for point in _points(report_input, line)]
    rows = []
    if any(line.middle for line in lines):
        rows.append(("line c1", "formula: power if the true effect is the relevant one"))
    if any(line.common for line in lines):
        rows.append(("line c2 d2", "assurance"))
    if points:
        rows.append(("spot c3", "simulated trials with p < 0.05, effects of the worlds"))
    if any(point.closed_form is not None for point in points):
        rows.append(("line c3 d1", "formula at the same effects"))
    return rows


def length_cells(report_input: TrialReportInput) -> list[LengthCells]:
    """Return the numbers of the panels, by length and size."""
    row = _row(report_input)
    rows: list[LengthCells] = []
    for line in () if row is None else _lines(report_input, row):
        points = {point.participants: point for point in _points(report_input, line)}
        for size in sorted({*line.participants, *points}):
            rows.append(_cells(line, size, points.get(size)))
    return rows


def length_words(report_input: TrialReportInput) -> str:
    """Say of which endpoint and arm the panels are, and what was simulated."""
    row = _row(report_input)
    if row is None:
        return ""
    lines = _lines(report_input, row)
    bare = [f"{line.weeks:g}" for line in lines if not _points(report_input, line)]
    said = f"{row.label}, {row.arm} against {row.control}"
    if bare and report_input.surface is None:
        return f"{said}; no trials of other sizes were simulated, so that the formula stands alone"
    if bare:
        return f"{said}; no trial of {' or '.join(bare)} weeks was simulated, there the formula stands alone"
    return said


def _row(report_input: TrialReportInput) -> ComparisonAnswer | None:
    answer = report_input.answer
    if answer is None:
        return None
    return next((row for row in answer.rows if row.primary and row.arm == answer.headline_of), None)


def _lines(report_input: TrialReportInput, row: ComparisonAnswer) -> list[PowerLine]:
    answer = report_input.answer
    assert answer is not None
    own = [line for line in answer.lines if (line.endpoint, line.arm) == (row.endpoint, row.arm)]
    return sorted(own, key=lambda line: line.weeks)


def _points(report_input: TrialReportInput, line: PowerLine) -> tuple[SurfacePoint, ...]:
    """Return the simulated sizes of a line that gave numbers."""
    surface = report_input.surface
    if surface is None:
        return ()
    points = surface.line(line.endpoint, line.arm, line.weeks)
    return tuple(point for point in points if not point.without_numbers)


def ends(point: SurfacePoint) -> tuple[float, float]:
    """Return the simulated power less and plus 1.96 of its Monte Carlo errors, between 0 and 1."""
    away = laws.Z975 * point.power_error
    return max(0.0, point.power - away), min(1.0, point.power + away)


def _panel(line: PowerLine, points: tuple[SurfacePoint, ...], row: ComparisonAnswer) -> str:
    sizes = line.participants
    low, high = min((*sizes, *(p.participants for p in points))), max(sizes)
    frame = PlotFrame(_WIDTH, _HEIGHT, (low, high), (0.0, 1.0), left=50, right=14, bottom=44, log_x=True)
    ticks = [tick for tick in log_ticks(low, high) if f"{tick:g}"[0] == "1" or high / low < 50]
    parts = [
        frame.grid(
            ticks, (0.0, 0.25, 0.5, 0.75, 1.0), lambda n: f"{n:,.0f}", lambda share: f"{100 * share:.0f} %"
        )
    ]
    if line.middle:
        parts.append(frame.band(sizes, line.low, line.high, "band f1"))
        parts.append(frame.line(zip(sizes, line.middle, strict=True), "line c1"))
    if line.common:
        parts.append(frame.line(zip(sizes, line.common, strict=True), "line c2 d2"))
    if points:
        at = [point.participants for point in points]
        both = [ends(point) for point in points]
        parts.append(frame.band(at, [one for one, _ in both], [one for _, one in both], "band f3"))
        formula = [(p.participants, p.closed_form) for p in points if p.closed_form is not None]
        parts.append(frame.line(formula, "line c3 d1"))
        for p in points:
            place = f'cx="{frame.at_x(p.participants):.1f}" cy="{frame.at_y(p.power):.1f}"'
            parts.append(f'<circle {place} r="3.8" class="spot c3"/>')
    parts.append(frame.upright(row.participants, f"{row.participants:,}"))
    parts.append(text(_WIDTH / 2, _HEIGHT - 6, "participants, whole trial (log)", anchor="middle"))
    return plot(frame, parts, _label(line, points))


def _label(line: PowerLine, points: tuple[SurfacePoint, ...]) -> str:
    told = [f"{p.participants:,} participants {percent(p.power)}" for p in points]
    simulated = "simulated power with " + ", ".join(told) if told else "no trial of this length was simulated"
    what = f"{line.label}, {line.arm}, {line.weeks:g} weeks"
    return f"Power and assurance against participants, {what}: {simulated}"


def _cells(line: PowerLine, size: int, point: SurfacePoint | None) -> LengthCells:
    k = line.participants.index(size) if size in line.participants else None
    band = k is not None and bool(line.middle)
    return {
        "weeks": f"{line.weeks:g}",
        "participants": f"{size:,}",
        "relevant": f"{formula_percent(line.middle[k])} "
        f"({formula_percent(line.low[k])} to {formula_percent(line.high[k])})"
        if k is not None and band
        else "–",
        "assurance": formula_percent(line.common[k]) if k is not None and line.common else "–",
        "simulated": "–"
        if point is None
        else " ± ".join(filter(None, power_parts(point.power, point.power_error, point.trials))),
        "formula": "–" if point is None or point.closed_form is None else formula_percent(point.closed_form),
        "trials": "–" if point is None else f"{point.trials:,}",
    }
