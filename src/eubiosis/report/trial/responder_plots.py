"""Drawings of who responds: waterfall, forest of subgroups, calibration, gain by targeting."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from eubiosis.core.responders import (
    CalibrationFifth,
    ModeratorLine,
    TargetingCurve,
    Triple,
    Waterfall,
    WaterfallPanel,
)
from eubiosis.report.figures.plain_panels import across
from eubiosis.report.figures.plain_svg import PlotFrame, plot, ratio_ticks, round_ticks, text
from eubiosis.report.trial.words import NOT_ESTIMABLE, number, percent

_WIDTH = 340.0
_ROW = 46.0  # of the forest, for each moderator


def _around(values: Iterable[float], *, none: float) -> tuple[float, float]:
    """Return an axis that holds all finite values and the value of no effect."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min([*known, none]), max([*known, none])
    room = 0.06 * (high - low) or 1.0
    return low - room, high + room


def _scaled(value: float, scale: str) -> float:
    """Return a value as it is drawn: the logarithm of a ratio."""
    return math.log(value) if scale == "ratio" and value > 0 else value


def _written(value: float, scale: str) -> str:
    return _short(math.exp(value) if scale == "ratio" else value)


def _short(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")


def _ticks(ends: tuple[float, float], count: int, scale: str) -> tuple[float, ...]:
    """Return round values of an axis; of ratios it is they that are round, not their logarithms."""
    return ratio_ticks(*ends, count) if scale == "ratio" else round_ticks(*ends, count)


def waterfall_plot(fall: Waterfall, panel: WaterfallPanel) -> str:
    """Draw people by the rank of their effect: pale behind what was observed, in front the latent truth."""
    effects = [_scaled(value, fall.scale) for value in panel.effects]
    changes = [_scaled(value, fall.scale) for value in panel.changes]
    label = (
        f"{fall.label}, {fall.arm}: effects of single people in gut world {panel.gut_world}, host world "
        f"{panel.host_world}"
    )
    mark = None if fall.important is None else fall.important * (-1 if fall.better == "lower" else 1)
    frame = PlotFrame(
        _WIDTH,
        220,
        (0.0, max(len(effects), 1) + 1.0),
        _around([*effects, *changes, *([] if mark is None else [mark])], none=0.0),
        left=50,
        bottom=30,
    )
    if not effects:
        return plot(frame, [text(_WIDTH / 2, 110, NOT_ESTIMABLE, anchor="middle")], label)
    parts = [frame.grid((), _ticks(frame.y, 7, fall.scale), str, lambda y: _written(y, fall.scale))]
    parts += [_bar(frame, k, value, 0.84, "behind f0") for k, value in enumerate(changes, 1)]
    parts += [_bar(frame, k, value, 0.42, "f1") for k, value in enumerate(effects, 1)]
    parts.append(across(frame, 0.0, "axis"))
    if mark is not None:
        parts.append(across(frame, mark, "mark"))
        beside = frame.at_y(mark) + (-5 if mark > 0 else 13)
        parts.append(text(frame.width - frame.right, beside, "MCID", anchor="end", names="note"))
    parts.append(
        text(
            _WIDTH / 2,
            frame.height - 8,
            "people, by the rank of their true effect",
            anchor="middle",
            names="note",
        )
    )
    told = f"{number(panel.effects[0])} to {number(panel.effects[-1])}"
    return plot(frame, parts, f"{label}, latent truth from {told}")


def _bar(frame: PlotFrame, rank: int, value: float, width: float, names: str) -> str:
    if not math.isfinite(value):
        return ""
    left, right = frame.at_x(rank - width / 2), frame.at_x(rank + width / 2)
    top, foot = sorted((frame.at_y(value), frame.at_y(0.0)))
    height = max(foot - top, 0.8)
    size = f'width="{right - left:.1f}" height="{height:.1f}"'
    return f'<rect class="{names}" x="{left:.1f}" y="{top:.1f}" {size}/>'


def subgroup_plot(lines: Sequence[ModeratorLine]) -> str:
    """Draw the effects in both groups of each moderator, over trials."""
    scale = lines[0].scale
    ends = [_scaled(v, scale) for line in lines for triple in (line.low, line.high) for v in triple]
    frame = PlotFrame(
        _WIDTH, _ROW * len(lines) + 40, _around(ends, none=0.0), (0, 1), left=14, right=14, top=6
    )
    foot = _ROW * len(lines) + 8
    zero = frame.at_x(0.0)
    parts = [f'<line class="mark" x1="{zero:.1f}" x2="{zero:.1f}" y1="6" y2="{foot:.1f}"/>']
    told = []
    for k, line in enumerate(lines):
        top = _ROW * k + 18
        parts.append(text(frame.left, top, f"{line.moderator}: {line.low_label} | {line.high_label}"))
        for j, triple in enumerate((line.low, line.high)):
            parts.append(_interval(frame, triple, top + 9 + 11 * j, j, scale))
        told.append(f"{line.moderator}: {number(line.low[1])} and {number(line.high[1])}")
    for value in _ticks(frame.x, 5, scale):
        at = frame.at_x(value)
        parts.append(f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{foot:.1f}" y2="{foot + 4:.1f}"/>')
        parts.append(text(at, foot + 18, _written(value, scale), anchor="middle"))
    parts.append(
        f'<line class="axis" x1="{frame.left:.1f}" x2="{_WIDTH - frame.right:.1f}" '
        f'y1="{foot:.1f}" y2="{foot:.1f}"/>'
    )
    first = lines[0]
    return plot(frame, parts, f"{first.label}, {first.arm}, effect by subgroup. Medians: {'; '.join(told)}")


def _interval(frame: PlotFrame, values: Triple, y: float, group: int, scale: str) -> str:
    if not all(math.isfinite(v) for v in values):
        return text(frame.left, y + 4, NOT_ESTIMABLE, names="note")
    low, middle, high = (frame.at_x(_scaled(v, scale)) for v in values)
    hue = 1 + group
    mark = (
        f'<circle class="f{hue}" cx="{middle:.1f}" cy="{y:.1f}" r="4"/>'
        if group == 0
        else f'<rect class="f{hue}" x="{middle - 3.6:.1f}" y="{y - 3.6:.1f}" width="7.2" height="7.2"/>'
    )
    dash = " d1" if group else ""
    return f'<line class="line c{hue}{dash}" x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>{mark}'


def calibration_plot(lines: Sequence[CalibrationFifth]) -> str:
    """Draw the true mean of each fifth against its prediction, with the line on which both agree."""
    scale = lines[0].scale
    points = [(_scaled(line.predicted[1], scale), [_scaled(v, scale) for v in line.true]) for line in lines]
    values = [x for x, _ in points] + [v for _, own in points for v in own]
    ends = _around(values, none=0.0)
    frame = PlotFrame(_WIDTH, 250, ends, ends, left=56, bottom=44)
    ticks = _ticks(ends, 5, scale)
    parts = [
        frame.grid(ticks, ticks, lambda x: _written(x, scale), lambda y: _written(y, scale)),
        frame.line([(ends[0], ends[0]), (ends[1], ends[1])], "thin c0 d1"),
        text(_WIDTH / 2, 245, "predicted from observed data", anchor="middle", names="note"),
        text(frame.left + 4, frame.top + 10, "latent truth", names="note"),
    ]
    for x, (low, middle, high) in points:
        at = frame.at_x(x)
        parts.append(
            f'<line class="line c1" x1="{at:.1f}" x2="{at:.1f}" '
            f'y1="{frame.at_y(low):.1f}" y2="{frame.at_y(high):.1f}"/>'
        )
        parts.append(f'<circle class="spot c1" cx="{at:.1f}" cy="{frame.at_y(middle):.1f}" r="4"/>')
    told = "; ".join(f"{number(line.predicted[1])}: {number(line.true[1])}" for line in lines)
    name = f"{lines[0].label}, {lines[0].arm}"
    return plot(frame, parts, f"{name}, predicted and true effect by fifth: {told}")


def targeting_plot(curve: TargetingCurve, unit: str) -> str:
    """Draw the gain of those put first by a score, with its band over trials, and the truth by twins."""
    values = [v for triple in (*curve.observed, *curve.perfect) for v in triple]
    frame = PlotFrame(_WIDTH, 240, (0.0, 1.0), _around(values, none=0.0), left=56, right=26, bottom=44)
    xs = curve.shares
    parts = [
        frame.grid((0.2, 0.4, 0.6, 0.8, 1.0), round_ticks(*frame.y, 7), percent, _short),
        text(_WIDTH / 2, 235, "share of people treated, highest score first", anchor="middle", names="note"),
        frame.band(xs, [t[0] for t in curve.observed], [t[2] for t in curve.observed], "band f1"),
        across(frame, 0.0, "axis"),
        frame.line([(x, t[1]) for x, t in zip(xs, curve.observed, strict=True)], "line c1"),
    ]
    if all(math.isfinite(t[1]) for t in (*curve.perfect, *curve.by_twins)):
        parts.append(frame.line([(x, t[1]) for x, t in zip(xs, curve.by_twins, strict=True)], "line c2 d1"))
        parts.append(frame.line([(x, t[1]) for x, t in zip(xs, curve.perfect, strict=True)], "line c3 d2"))
    told = f"{number(curve.observed[0][1], sign=True)} {unit} for the first {percent(xs[0])}"
    return plot(
        frame, parts, f"{curve.label}, {curve.arm}, gain by targeting: median {told}, none for everybody"
    )
