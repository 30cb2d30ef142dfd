"""Courses of a trial report arm by arm: bands over people, and a few people of the first trial as lines."""

from __future__ import annotations

from eubiosis.core.report_input import CourseBand, TrialReportInput
from eubiosis.report.figures.plain_svg import PlotFrame, TitledPlot, plot, round_ticks, text
from eubiosis.report.trial.courses import course_largest, course_texts, in_read_unit, tick_text
from eubiosis.report.trial.words import arm_hues, estimable, many, trials_text


def line_panels(report_input: TrialReportInput) -> list[TitledPlot]:
    """Draw each endpoint that has lines, a panel for each arm, all arms of an endpoint on one scale."""
    endpoints = dict.fromkeys(line.endpoint for line in report_input.course_lines)
    bands = {band.endpoint: band for band in report_input.courses if band.endpoint in endpoints}
    return [
        {"title": f"{band.label}, {band.unit}: {arm}", "svg": _panel(report_input, band, arm, hue)}
        for band in bands.values()
        for arm, hue in arm_hues(report_input)
        if band.by_arm.get(arm) and all(estimable(q) for q in band.by_arm[arm])
    ]


def course_words(report_input: TrialReportInput) -> str:
    """Say what lines and bands of the courses are, and over how many people."""
    if not report_input.courses:
        return ""
    band = report_input.courses[0]
    low, first, _, third, high = band.levels
    over = ""
    if band.trials is not None and band.people is not None:
        over = f", {trials_text(band.trials)} of {band.people:,.0f} people together"
    block = "; block 0 only of trials that were cut" if band.block_only else ""
    return (
        f"Thick line: median over subjects of the first trial of every pair of worlds{over}{block}; filled "
        f"band: {first:g} to {third:g} %; thin edges: {low:g} to {high:g} %."
    )


def lines_words(report_input: TrialReportInput) -> str:
    """Say who the lines are."""
    most = max(
        (
            sum(
                (line.arm, line.endpoint) == (other.arm, other.endpoint)
                for other in report_input.course_lines
            )
            for line in report_input.course_lines
        ),
        default=0,
    )
    unit = ""
    if any(line.endpoint == "nfl" for line in report_input.course_lines):
        unit = (
            " Serum NfL is in multiples of the model's healthy level: picograms a millilitre differ between "
            "assays."
        )
    return (
        f"Thin lines: the first {most} virtual people that entered each arm of the first trial, chosen by "
        f"their order alone; a line passes over visits that were missed.{unit}"
    )


def _panel(report_input: TrialReportInput, band: CourseBand, arm: str, hue: int) -> str:
    own = [line for line in report_input.course_lines if (line.endpoint, line.arm) == (band.endpoint, arm)]
    everyone = [line for line in report_input.course_lines if line.endpoint == band.endpoint]
    values = [v for line in everyone for v in line.values]
    values += [
        q[k] for rows in band.by_arm.values() if all(map(estimable, rows)) for q in rows for k in (0, 4)
    ]
    room = 0.04 * (max(values) - min(values)) or 1.0
    low = max(0.0, min(values) - room) if min(values) >= 0 else min(values) - room
    frame = PlotFrame(
        320, 200, (band.weeks[0], band.weeks[-1]), (low, max(values) + room), left=52, bottom=36
    )
    rows = band.by_arm[arm]
    every = max(1, -(-len(band.weeks) // 7))
    dash = f" d{hue}" if hue else ""
    parts = [
        frame.grid(band.weeks[::every], round_ticks(*frame.y, 4), lambda x: f"{x:g}", tick_text),
        text(frame.width / 2, frame.height - 3, "weeks from randomisation", anchor="middle", names="note"),
        frame.band(band.weeks, [q[0] for q in rows], [q[4] for q in rows], f"faint f{hue}"),
        frame.band(band.weeks, [q[1] for q in rows], [q[3] for q in rows], f"band f{hue}"),
        *(frame.line(zip(line.weeks, line.values, strict=True), f"thin c{hue}") for line in own),
        frame.line(zip(band.weeks, (q[2] for q in rows), strict=True), f"line c{hue}{dash}"),
    ]
    start, end = course_texts((rows[0][2], rows[-1][2]), course_largest(band))
    told = f"median from {start} to {end}, and {many(len(own), 'person', 'people')} as lines"
    return plot(frame, parts, f"{band.label}, {band.unit}, {arm}, over the visits: {told}")


def course_rows(report_input: TrialReportInput) -> list[tuple[str, ...]]:
    """Return endpoint, unit, arm, week and the five quantiles of every course, as words."""
    return [
        (band.label, band.unit, arm, f"{week:g}", *course_texts(q, course_largest(band)))
        for band in map(in_read_unit, report_input.courses)
        for arm, rows in band.by_arm.items()
        for week, q in zip(band.weeks, rows, strict=False)
    ]
