"""Figures of a real trial's table: arms by visit, contrasts, residuals, missing values, survival."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eubiosis.analysis.result import RATIO_SCALES
from eubiosis.analysis.trial_table.results import EndpointResult, PlannedEstimate, TrialAnalysis
from eubiosis.report.figures.plain_panels import (
    HUES,
    ForestLine,
    ForestRow,
    ForestScale,
    LegendKey,
    bars,
    dots,
    forest,
    legend_rows,
    marker,
    roomy,
    ticks,
    titled_axes,
    whisker,
)
from eubiosis.report.figures.plain_svg import PlotFrame, Point, plot
from eubiosis.report.trial_table.words import interval, null_value, number, status_text

WIDTH, HEIGHT = 440.0, 280.0
MOST_POINTS = 1500  # of a quantile plot; more are thinned evenly
_SHAPES = ("s", "^", "D")
_STATISTICS = {
    "mean": "mean",
    "geometric mean": "geometric mean",
    "events per exposure": "events per unit of follow-up",
    "share with the event": "share with the event",
}


@dataclass(frozen=True)
class ArmStyle:
    """How an arm is drawn: the number of its colour, its dashes and the shape of its points."""

    hue: int
    dash: str
    shape: str


def arm_styles(analysis: TrialAnalysis) -> dict[str, ArmStyle]:
    """Return how each arm is drawn: the control grey, solid and round, the others in colour."""
    styles: dict[str, ArmStyle] = {}
    active = 0
    for arm in analysis.plan.arms:
        if arm.control:
            styles[arm.name] = ArmStyle(0, "", "o")
            continue
        styles[arm.name] = ArmStyle(1 + active % HUES, f" d{1 + active % 3}", _SHAPES[active % len(_SHAPES)])
        active += 1
    return styles


def figures_of(analysis: TrialAnalysis, number_of: int) -> list[tuple[str, str]]:
    """Return the figures of one endpoint, each with its caption."""
    result = analysis.endpoints[number_of]
    styles = arm_styles(analysis)
    sizes = ", ".join(f"{arm} {count:,}" for arm, count in analysis.people.items())
    drawn = []
    if result.summaries:
        statistic = _STATISTICS[result.summaries[0].statistic]
        caption = (
            f"As observed: {statistic} with {100 * (1 - analysis.plan.alpha):g} % interval, of who has a "
            "value; not adjusted."
        )
        drawn.append((_observed(result, styles), caption))
    if result.curves:
        caption = "Kaplan-Meier curves, of who has a time and a status; ticks are censored."
        drawn.append((_survival(result, styles), caption))
    level = f"{100 * rows[0].estimate.level:g} %" if (rows := result.estimates) else ""
    caption = f"Estimates of the plan's model with {level} intervals; the dashed line is no effect."
    drawn.append((_contrasts(analysis, result, styles), caption))
    if len(result.residuals.values):
        caption = f"{result.residuals.how[:1].upper()}{result.residuals.how[1:]}, against the normal law."
        drawn.append((_quantiles(result), caption))
    if missing_shares(analysis, result)[1].any():
        drawn.append((_missing(analysis, result, styles), "Share of the arm without a value."))
    return [(svg, f"{caption} n: {sizes}.") for svg, caption in drawn]


def _axis_of_values(result: EndpointResult) -> str:
    unit = result.planned.unit
    return f"{result.planned.column}{f', {unit}' if unit else ''}"


def _arm_keys(styles: Mapping[str, ArmStyle], *, line: bool, point: bool) -> list[LegendKey]:
    return [
        LegendKey(
            arm,
            f"line c{style.hue}{style.dash}" if line else "",
            style.shape if point else "",
            f"f{style.hue}",
        )
        for arm, style in styles.items()
    ]


def _places(result: EndpointResult) -> tuple[list[float], list[str], bool]:
    """Return where the visits of the summaries stand on an axis, their names, and whether they are weeks."""
    visits = {one.visit: one.week for one in result.summaries}
    weeks = list(visits.values())
    timed = len(visits) > 1 and not np.any(np.isnan(weeks))
    places = weeks if timed else [float(k) for k in range(len(visits))]
    return places, list(visits), timed


def _observed(result: EndpointResult, styles: Mapping[str, ArmStyle]) -> str:
    places, visits, timed = _places(result)
    logarithmic = result.planned.kind == "ratio biomarker"
    values = [x for one in result.summaries for x in (one.value, one.low, one.high)]
    ends = roomy(values, logarithmic=logarithmic)
    if result.planned.kind in ("count", "binary"):
        ends = (0.0, max(ends[1], 0.0) or 1.0)
    legend, top = legend_rows(_arm_keys(styles, line=timed, point=True), WIDTH)
    across = roomy(places) if timed else (-0.6, len(places) - 0.4)
    frame = PlotFrame(WIDTH, top + HEIGHT, across, ends, left=54, top=top + 24, bottom=40, log_y=logarithmic)
    shown = places[:: -(-len(places) // (8 if timed else 5))]
    named = dict(zip(places, visits, strict=True))
    parts = [
        legend,
        titled_axes(
            frame, "week" if timed else "", _axis_of_values(result), at=(shown, None),
            write_x=lambda x: f"{x:g}" if timed else named[x],
        ),
    ]  # fmt: skip
    reach = (max(places) - min(places)) * 0.012 if timed else 0.08
    for k, (arm, style) in enumerate(styles.items()):
        rows = {one.visit: one for one in result.summaries if one.arm == arm}
        shift = (k - (len(styles) - 1) / 2) * reach
        seen: list[Point] = []
        for place, visit in zip(places, visits, strict=True):
            one = rows[visit]
            if not np.isfinite(one.value) or (logarithmic and one.value <= 0):
                continue
            seen.append((place + shift, one.value))
            if np.isfinite([one.low, one.high]).all() and (one.low > 0 or not logarithmic):
                low, high = min(one.low, one.value), max(one.high, one.value)
                parts.append(whisker(frame, place + shift, low, high, f"c{style.hue}"))
        if timed:
            parts.append(frame.line(seen, f"line c{style.hue}{style.dash}"))
        parts += [marker(frame.at_x(x), frame.at_y(y), style.shape, f"f{style.hue}") for x, y in seen]
    label = f"{result.planned.name} by arm and visit as observed; the table of the page holds every number"
    return plot(frame, parts, label)


def _survival(result: EndpointResult, styles: Mapping[str, ArmStyle]) -> str:
    legend, top = legend_rows(_arm_keys(styles, line=True, point=False), WIDTH)
    last = max(
        (float(x) for one in result.curves for x in (*one.curve.stops[-1:], *one.curve.times[-1:])),
        default=1.0,
    )
    frame = PlotFrame(
        WIDTH, top + HEIGHT, (0.0, 1.02 * last or 1.0), (0.0, 102.0), left=54, top=top + 24, bottom=40
    )
    parts = [legend, titled_axes(frame, _axis_of_values(result), "without the event, %")]
    for one in result.curves:
        curve, style = one.curve, styles[one.arm]
        shares = [1.0, *(float(x) for x in curve.survival)]
        times = [0.0, *(float(x) for x in curve.times)]
        end = max(float(curve.stops[-1]) if len(curve.stops) else 0.0, times[-1])
        steps: list[Point] = []
        for k, (time, share) in enumerate(zip(times, shares, strict=True)):
            steps += [(time, 100 * shares[max(k - 1, 0)]), (time, 100 * share)]
        parts.append(frame.line([*steps, (end, 100 * shares[-1])], f"line c{style.hue}{style.dash}"))
        censored = np.setdiff1d(curve.stops, curve.times)
        thin = censored[:: max(1, len(censored) // 200)]
        for x, y in zip(thin.tolist(), curve.at(thin.tolist())[0], strict=True):
            at, up = frame.at_x(x), frame.at_y(100 * float(y))
            parts.append(f'<path class="whisker c{style.hue}" d="M{at:.1f},{up - 4:.1f}v8"/>')
    return plot(frame, parts, f"Kaplan-Meier curves of {result.planned.name} by arm")


def _contrasts(analysis: TrialAnalysis, result: EndpointResult, styles: Mapping[str, ArmStyle]) -> str:
    first = result.estimates[0].estimate
    ratio = first.scale in RATIO_SCALES
    null = null_value(first)
    ends = [null]
    rows = []
    for one in result.estimates:
        line = _contrast_line(one, styles, ratio=ratio)
        if line is not None and line.ends is not None and line.middle is not None:
            ends += [*line.ends, line.middle]
        found = one.estimate
        words = f"{number(found.estimate)} ({interval(found)})" if found.usable else status_text(found)
        text = f"{found.treated}{f', {one.visit}' if one.visit else ''}"
        main = one.visit == (result.planned.visit or "")
        rows.append(ForestRow(text, words, () if line is None else (line,), main))
    unit = result.planned.unit
    shown = f", {unit}" if unit and first.scale == "mean difference" else ""
    title = f"{first.scale} against {analysis.plan.control.name}{shown}"
    scale = ForestScale(roomy(ends, logarithmic=ratio), title, null, logarithmic=ratio)
    return forest(rows, scale, f"Estimates of {result.planned.name} with intervals")


def _contrast_line(one: PlannedEstimate, styles: Mapping[str, ArmStyle], *, ratio: bool) -> ForestLine | None:
    found = one.estimate
    if not (found.usable and np.isfinite(found.ci_high) and (found.ci_low > 0 or not ratio)):
        return None
    style = styles[found.treated]
    return ForestLine((found.ci_low, found.ci_high), found.estimate, style.hue, style.shape)


def _quantiles(result: EndpointResult) -> str:
    from scipy.special import ndtri

    values = result.residuals.values
    normal = ndtri((np.arange(len(values)) + 0.5) / len(values))
    chosen = np.unique(np.linspace(0, len(values) - 1, min(len(values), MOST_POINTS)).astype(np.int64))
    across, up = roomy(normal.tolist()), roomy(values.tolist())
    frame = PlotFrame(WIDTH, HEIGHT, across, up, left=54, top=24, bottom=40)
    low, high = max(across[0], up[0]), min(across[1], up[1])
    parts = [titled_axes(frame, "quantile of the normal law", "standardised residual")]
    if high > low:
        parts.append(frame.line([(low, low), (high, high)], "thin c0"))
    pairs = zip(normal[chosen].tolist(), values[chosen].tolist(), strict=True)
    parts.append(dots(frame, pairs, "c1 many"))
    return plot(frame, parts, f"Quantile plot of the residuals of {result.planned.name}")


def _missing(analysis: TrialAnalysis, result: EndpointResult, styles: Mapping[str, ArmStyle]) -> str:
    visits, shares = missing_shares(analysis, result)
    legend, top = legend_rows(_arm_keys(styles, line=False, point=True), WIDTH)
    most = max(5.0, 1.15 * 100 * float(shares.max(initial=0)))
    ends = (-0.5, len(visits) - 0.5)
    frame = PlotFrame(WIDTH, top + HEIGHT - 40, ends, (0.0, most), left=46, top=top + 24, bottom=40)
    places = [float(k) for k in range(0, len(visits), -(-len(visits) // 5))]
    parts = [
        legend,
        titled_axes(
            frame, "", "missing, %", at=(places, ticks((0.0, most), count=4)),
            write_x=lambda x: visits[int(x)],
        ),
    ]  # fmt: skip
    width = 0.8 / len(styles)
    for k, style in enumerate(styles.values()):
        left = (k - len(styles) / 2) * width
        rows = [(j + left, j + left + width, 100 * float(share)) for j, share in enumerate(shares[k])]
        parts.append(bars(frame, rows, f"f{style.hue}"))
    return plot(frame, parts, f"Share of missing values of {result.planned.name} by arm and visit")


def missing_shares(
    analysis: TrialAnalysis, result: EndpointResult
) -> tuple[list[str], np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    """Return the visits and the share without a value, (arms, visits)."""
    arms = [arm.name for arm in analysis.plan.arms]
    if not result.summaries:  # a time to an event: as its estimates count
        missing = {}
        for one in result.by_name:
            missing[one.estimate.treated] = one.estimate.missing_treated
            missing[one.estimate.control] = one.estimate.missing_control
        return [""], np.array([[missing[arm] / analysis.people[arm]] for arm in arms])
    visits = list(dict.fromkeys(one.visit for one in result.summaries))
    shares = [
        [one.missing / max(one.n + one.missing, 1) for one in result.summaries if one.arm == arm]
        for arm in arms
    ]
    return visits, np.array(shares)
