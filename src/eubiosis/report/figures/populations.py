"""Pictures of virtual against real people: one group, six panels."""

from __future__ import annotations

from collections.abc import Sequence

from eubiosis.core.population_description import GroupComparison, PairAgreement
from eubiosis.report.figures.plain_panels import (
    LegendKey,
    dots,
    marker,
    panel_grid,
    roomy,
    tick,
    titled_axes,
    whisker,
)
from eubiosis.report.figures.plain_svg import PlotFrame, Point, plot, round_ticks, text

_WIDTH, _HEIGHT = 320.0, 260.0


def comparison_panels(group: GroupComparison) -> str:
    """Draw shares, presence, spread and correlations of a group, virtual against real, as SVG."""
    shares = [(100 * t.share.real, 100 * t.share.virtual) for t in group.taxa]
    carried = [(100 * t.carried.real, 100 * t.carried.virtual) for t in group.taxa]
    of = f"group {group.group}"
    panels = [
        _against(shares, "Mean share of reads", "%", of, logarithmic=True),
        _against(carried, "Share of people who carry it", "%", of),
        _diversity(group, of),
        _against(_pairs(group.correlations), "Rank correlations", "", of),
        _against(_pairs(group.presence), "Co-occurrence (phi)", "", of),
        _differences(group, of),
    ]
    return panel_grid(
        panels, [LegendKey("virtual", shape="o", fill="f1"), LegendKey("real", shape="s", fill="f2")]
    )


def _pairs(pairs: PairAgreement) -> list[Point]:
    return list(zip(pairs.real, pairs.virtual, strict=True))


def _frame(x: Point, y: Point, *, logarithmic: bool = False) -> PlotFrame:
    return PlotFrame(_WIDTH, _HEIGHT, x, y, left=50, top=24, bottom=40, log_x=logarithmic, log_y=logarithmic)


def _against(
    points: Sequence[Point], title: str, unit: str, of: str, *, logarithmic: bool = False
) -> tuple[str, str]:
    if logarithmic:
        points = [(x, y) for x, y in points if x > 0 and y > 0]
    if not points:
        frame = _frame((0.0, 1.0), (0.0, 1.0))
        empty = [text(_WIDTH / 2, _HEIGHT / 2, "too few taxa", anchor="middle")]
        return title, plot(frame, empty, f"{title}, {of}: too few taxa")
    ends = roomy([value for pair in points for value in pair], logarithmic=logarithmic)
    frame = _frame(ends, ends, logarithmic=logarithmic)
    shown = f", {unit}" if unit else ""
    parts = [
        titled_axes(frame, f"real{shown}", f"virtual{shown}"),
        frame.line([(ends[0], ends[0]), (ends[1], ends[1])], "thin c0"),
        dots(frame, points, "c1" if len(points) < 200 else "c1 many"),
    ]
    return title, plot(frame, parts, f"{title}, {of}: {len(points)} points, virtual against real")


def _diversity(group: GroupComparison, of: str) -> tuple[str, str]:
    title = "Shannon index, mean and SD"
    rows = (("real", group.shannon.real, group.shannon_sd.real, "s", 2),
            ("virtual", group.shannon.virtual, group.shannon_sd.virtual, "o", 1))  # fmt: skip
    top = 1.15 * max(mean + sd for _, mean, sd, _, _ in rows) or 1.0
    frame = _frame((-0.5, 1.5), (0.0, top))
    names = [name for name, *_ in rows]
    parts = [titled_axes(frame, "", "nats", write_x=lambda x: names[int(x)], at=((0, 1), None))]
    for k, (_, mean, sd, shape, hue) in enumerate(rows):
        parts.append(whisker(frame, k, mean - sd, mean + sd, f"c{hue}"))
        parts.append(marker(frame.at_x(k), frame.at_y(mean), shape, f"f{hue}"))
        parts.append(text(frame.at_x(k) + 10, frame.at_y(mean) + 4, f"{mean:.2f}"))
    told = ", ".join(f"{name} {mean:.2f} (SD {sd:.2f})" for name, mean, sd, _, _ in rows)
    return title, plot(frame, parts, f"{title}, {of}: {told}")


def _differences(group: GroupComparison, of: str) -> tuple[str, str]:
    title = "Standardised differences"
    found = sorted(t.difference for t in group.taxa)
    chance = group.largest_by_chance
    frame = _frame(roomy([*found, -chance, chance, -0.1, 0.1]), (0.0, 102.0))
    left, right = frame.at_x(-0.1), frame.at_x(0.1)
    top, foot = frame.top, frame.height - frame.bottom
    parts = [
        f'<rect class="faint f1" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
        f'height="{foot - top:.1f}"/>',
        titled_axes(
            frame, "virtual minus real, SD", "taxa below it, %", write_y=tick, at=(None, round_ticks(0, 100))
        ),
    ]
    for side in (-chance, chance):
        at = frame.at_x(side)
        parts.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{top:.1f}" y2="{foot:.1f}"/>')
    steps: list[Point] = []
    for k, value in enumerate(found):
        steps += [(value, 100 * k / len(found)), (value, 100 * (k + 1) / len(found))]
    parts.append(frame.line(steps, "line c1"))
    return title, plot(frame, parts, f"{title} of {len(found)} taxa, {of}; by chance up to {chance:.2f}")
