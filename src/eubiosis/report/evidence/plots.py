"""Forest and funnel of a pool as they stand in its page: SVG in the page's colours."""

from __future__ import annotations

import math

from eubiosis.core.evidence_report import Interval, PoolReport
from eubiosis.core.kinds import how_many
from eubiosis.core.laws import Z975
from eubiosis.report.as_read import as_read
from eubiosis.report.figures.plain_panels import (
    ForestLine,
    ForestRow,
    ForestScale,
    LegendKey,
    dots,
    forest,
    roomy,
    shortened,
    titled_axes,
)
from eubiosis.report.figures.plain_svg import PlotFrame, plot, text

_SOUND, _FLAGGED, _MEAN, _NEXT = 1, 2, 0, 3


def pool_forest(report: PoolReport) -> str:
    """Draw studies, the three intervals of the mean and the prediction interval."""
    pooled = report.summary
    rows = []
    values = [1.0 if report.ratio else 0.0]
    largest = max(one.weight for one in pooled.included)
    for one in pooled.included:
        size = 3 + 4 * math.sqrt(one.weight / largest)
        hue = _FLAGGED if one.flagged else _SOUND
        line = ForestLine((one.ci_low, one.ci_high), one.estimate, hue, "s", size=size)
        rows.append(
            ForestRow(
                as_read(one.study),
                f"{_span(one.estimate, one.ci_low, one.ci_high)}, {100 * one.weight:.0f} %",
                (line,),
            )
        )
        values += [one.estimate, one.ci_low, one.ci_high]
    intervals = pooled.intervals
    for interval, label in (
        (intervals.bayesian.interval, "Bayesian"),
        (intervals.hartung_knapp, "Hartung-Knapp"),
        (intervals.wald, "Wald"),
    ):
        rows.append(
            _mean(interval, label, headline=interval.low == pooled.ci_low and interval.high == pooled.ci_high)
        )
    values += [x for x in (pooled.ci_low, pooled.ci_high, pooled.pi_low, pooled.pi_high) if x is not None]
    if pooled.pi_low is not None and pooled.pi_high is not None:
        line = ForestLine((pooled.pi_low, pooled.pi_high), None, _NEXT)
        rows.append(
            ForestRow(
                "prediction for a new study",
                f"{pooled.pi_low:.2f} to {pooled.pi_high:.2f}".replace("-", "−"),
                (line,),
            )
        )
    unit = f", {as_read(pooled.unit)}" if pooled.unit else ""
    ends = roomy(values, logarithmic=report.ratio)
    scale = ForestScale(
        ends, f"{pooled.metric}{unit}; {pooled.better} is better", values[0], logarithmic=report.ratio
    )
    keys = [
        LegendKey("study", "span c1", "s", "f1"),
        LegendKey("mean", "span c0", "D", "f0"),
        LegendKey("new study", "span c3"),
    ]
    if any(one.flagged for one in pooled.included):
        keys.insert(1, LegendKey("study whose numbers failed a check", "span c2", "s", "f2"))
    label = (
        f"Forest plot of {how_many(pooled.k, 'cohort')}: {report.outcome_label}, "
        f"{report.intervention_label}; the table of intervals below holds the numbers"
    )
    return forest(rows, scale, label, keys=keys, name="forest")


def _span(middle: float, low: float, high: float) -> str:
    return f"{middle:.2f} ({low:.2f} to {high:.2f})".replace("-", "−")


def _mean(interval: Interval, label: str, *, headline: bool) -> ForestRow:
    name = f"{label} (headline)" if headline else label
    if interval.estimate is None or interval.low is None or interval.high is None:
        return ForestRow(name, interval.note, (), headline)
    line = ForestLine((interval.low, interval.high), interval.estimate, _MEAN, "D")
    return ForestRow(name, _span(interval.estimate, interval.low, interval.high), (line,), headline)


def pool_funnel(report: PoolReport) -> str:
    """Draw the funnel on the analysis scale, with the 95 % region around the Wald mean."""
    pooled = report.summary
    centre = pooled.intervals.wald.estimate
    assert centre is not None
    if report.ratio:
        centre = math.log(centre)
    top = 1.15 * max(one.standard_error for one in pooled.included)
    places = [(one.analysis_estimate, one.standard_error) for one in pooled.included]
    ends = roomy([centre - Z975 * top, centre + Z975 * top, *(x for x, _ in places)])
    region = [(centre, 0.0), (centre - Z975 * top, top), (centre + Z975 * top, top)]
    frame = _Downwards(440, 330, ends, (0.0, top), left=54, top=24, bottom=40)
    parts = [
        titled_axes(frame, report.analysis_scale, f"standard error, {report.analysis_scale}"),
        f'<polygon class="faint f0" points="{frame.points(region)}"/>',
        frame.line([(centre, 0.0), (centre, top)], "thin c0"),
    ]
    for one, (x, y) in zip(pooled.included, places, strict=True):
        parts.append(dots(frame, [(x, y)], f"c{_FLAGGED if one.flagged else _SOUND}"))
        at, left = frame.at_x(x), frame.at_x(x) > 300
        words = shortened(as_read(one.study), 26)
        parts.append(
            text(
                at - 7 if left else at + 7,
                frame.at_y(y) - 4,
                words,
                anchor="end" if left else "start",
                names="note",
            )
        )
    label = f"Funnel plot of {how_many(pooled.k, 'cohort')}: standard error against effect"
    return plot(frame, parts, label, name="funnel")


class _Downwards(PlotFrame):
    """A plot whose y grows downwards."""

    def at_y(self, value: float) -> float:
        """Return where a value of y stands, zero on top."""
        return self.top + self.height - self.bottom - super().at_y(value)
