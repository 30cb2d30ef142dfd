"""Figures of a real trial's table: arms by visit, contrasts, residuals, missing values, survival."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from eubiosis.analysis.result import RATIO_SCALES
from eubiosis.analysis.trial_table.results import EndpointResult, TrialAnalysis
from eubiosis.report.figures.marks import INK, SOFT, Mark, arm_marks
from eubiosis.report.figures.style import COLOURS, house_style, new_figure, to_svg
from eubiosis.report.trial_table.words import interval, null_value, number, status_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 4.7, 3.1  # inches: as wide as a telephone shows without shrinking the letters
MOST_POINTS = 1500  # of a quantile plot; more are thinned evenly
_PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
_ROUND = [digit * 10.0**power for power in range(-6, 7) for digit in (1, 1.5, 2, 3, 5, 7)]
_STATISTICS = {
    "mean": "mean",
    "geometric mean": "geometric mean",
    "events per exposure": "events per unit of follow-up",
    "share with the event": "share with the event",
}


def figures_of(analysis: TrialAnalysis, number_of: int) -> list[tuple[str, str]]:
    """Return the figures of one endpoint, each with its caption."""
    result = analysis.endpoints[number_of]
    marks = arm_marks(analysis.plan.arms)
    name = f"e{number_of}"
    drawn = []
    if result.summaries:
        statistic = _STATISTICS[result.summaries[0].statistic]
        caption = (
            f"As observed: {statistic} with {100 * (1 - analysis.plan.alpha):g} % interval, of who has a "
            "value; not adjusted."
        )
        drawn.append((_observed(analysis, result, marks, f"{name}-arms"), caption))
    if result.curves:
        caption = "Kaplan-Meier curves, of who has a time and a status; ticks are censored."
        drawn.append((_survival(analysis, result, marks, f"{name}-survival"), caption))
    drawn.append(
        (
            _contrasts(analysis, result, marks, f"{name}-contrasts"),
            "Estimates of the plan's model; the line is no effect.",
        )
    )
    if len(result.residuals.values):
        caption = f"{result.residuals.how[:1].upper()}{result.residuals.how[1:]}, against the normal law."
        drawn.append((_quantiles(analysis, result, f"{name}-residuals"), caption))
    if missing_shares(analysis, result)[1].any():
        caption = "Share of the arm without a value."
        drawn.append((_missing(analysis, result, marks, f"{name}-missing"), caption))
    return drawn


def _finish(analysis: TrialAnalysis, figure: Figure, name: str, label: str) -> str:
    sizes = ", ".join(f"{arm} {count:,}" for arm, count in analysis.people.items())
    with warnings.catch_warnings():
        # a script that the measuring font lacks is drawn by the reader's own fonts
        warnings.filterwarnings("ignore", message=".*[Gg]lyph.*")
        return to_svg(figure, origin=f"n: {sizes}", name=name, label=label)


def _axis_of_values(result: EndpointResult) -> str:
    unit = result.planned.unit
    return f"{result.planned.column}{f', {unit}' if unit else ''}"


def _places(result: EndpointResult) -> tuple[list[float], list[str], bool]:
    """Return where the visits of the summaries stand on an axis, their names, and whether they are weeks."""
    visits = {one.visit: one.week for one in result.summaries}
    weeks = list(visits.values())
    timed = len(visits) > 1 and not np.any(np.isnan(weeks))
    places = weeks if timed else [float(k) for k in range(len(visits))]
    return places, list(visits), timed


@house_style()
def _observed(analysis: TrialAnalysis, result: EndpointResult, marks: Mapping[str, Mark], name: str) -> str:
    figure, panels = new_figure(1, 1, width=WIDTH, height=HEIGHT)
    axis = panels[0][0]
    places, visits, timed = _places(result)
    reach = (max(places) - min(places)) * 0.012 if timed else 0.08
    arms = [arm.name for arm in analysis.plan.arms]
    for k, arm in enumerate(arms):
        rows = {one.visit: one for one in result.summaries if one.arm == arm}
        shift = (k - (len(arms) - 1) / 2) * reach
        x = np.array(places) + shift
        value = np.array([rows[visit].value for visit in visits])
        low = np.array([rows[visit].low for visit in visits])
        high = np.array([rows[visit].high for visit in visits])
        style = marks[arm]
        axis.errorbar(
            x, value, yerr=[np.maximum(value - low, 0), np.maximum(high - value, 0)], label=arm,
            color=style["color"], marker=style["marker"], markersize=4.5, capsize=2.5,
            linestyle=style["linestyle"] if timed else "none",
        )  # fmt: skip
    _visit_ticks(axis, places, visits, timed=timed)
    axis.set_ylabel(_axis_of_values(result))
    axis.set_title(result.planned.name)
    if result.planned.kind == "ratio biomarker":
        axis.set_yscale("log")
        _plain_ticks(axis, "y")
    if result.planned.kind in ("count", "binary"):
        axis.set_ylim(bottom=0)
    figure.legend(loc="outside upper center", ncols=min(len(arms), 3), fontsize=8)
    label = f"{result.planned.name} by arm and visit as observed; the table of the page holds every number"
    return _finish(analysis, figure, name, label)


def _visit_ticks(axis: Axes, places: list[float], visits: list[str], *, timed: bool) -> None:
    if timed:
        axis.set_xlabel("week")
        axis.set_xticks(places[:: -(-len(places) // 8)])
        axis.xaxis.set_major_formatter("{x:g}")
    else:
        axis.set_xticks(places, visits)
        axis.set_xlim(-0.6, len(places) - 0.4)


def _plain_ticks(axis: Axes, which: str) -> None:
    """Write the numbers of a logarithmic axis in full, and few of them."""
    from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter, NullLocator

    chosen = axis.yaxis if which == "y" else axis.xaxis
    low, high = axis.get_ylim() if which == "y" else axis.get_xlim()
    round_ones = [one for one in _ROUND if low <= one <= high]
    if high > 100 * low:
        chosen.set_major_locator(LogLocator(base=10))
    elif len(round_ones) >= 3:
        chosen.set_major_locator(FixedLocator(round_ones))
    else:
        chosen.set_major_locator(MaxNLocator(5))
    chosen.set_minor_locator(NullLocator())
    chosen.set_major_formatter("{x:g}")
    chosen.set_minor_formatter(NullFormatter())


@house_style()
def _survival(analysis: TrialAnalysis, result: EndpointResult, marks: Mapping[str, Mark], name: str) -> str:
    figure, panels = new_figure(1, 1, width=WIDTH, height=HEIGHT)
    axis = panels[0][0]
    for one in result.curves:
        curve, style = one.curve, marks[one.arm]
        last = curve.stops[-1] if len(curve.stops) else 0.0
        x = np.concatenate(([0.0], curve.times, [max(last, curve.times[-1] if len(curve.times) else 0.0)]))
        y = np.concatenate(([1.0], curve.survival, [curve.survival[-1] if len(curve.survival) else 1.0]))
        axis.step(x, y, where="post", color=style["color"], linestyle=style["linestyle"], label=one.arm)
        censored = np.setdiff1d(curve.stops, curve.times)
        thin = censored[:: max(1, len(censored) // 200)]
        axis.plot(
            thin, curve.at(thin.tolist())[0], linestyle="none", marker="|", color=style["color"], markersize=5
        )
    axis.set_ylim(0, 1.02)
    axis.set_xlim(left=0)
    axis.set_xlabel(_axis_of_values(result))
    axis.set_ylabel("without the event")
    axis.set_title(result.planned.name)
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    return _finish(analysis, figure, name, f"Kaplan-Meier curves of {result.planned.name} by arm")


@house_style()
def _contrasts(analysis: TrialAnalysis, result: EndpointResult, marks: Mapping[str, Mark], name: str) -> str:
    rows = list(result.estimates)
    figure, panels = new_figure(1, 1, width=WIDTH, height=1.35 + 0.42 * len(rows))
    axis = panels[0][0]
    null = null_value(rows[0].estimate)
    ratio = rows[0].estimate.scale in RATIO_SCALES
    axis.axvline(null, color=SOFT, linewidth=1, zorder=1)
    for y, one in enumerate(rows):
        found = one.estimate
        text = f"{found.treated}{f', {one.visit}' if one.visit else ''}"
        words = f"{number(found.estimate)} ({interval(found)})" if found.usable else status_text(found)[:48]
        main = one.visit == (result.planned.visit or "")
        for place, said, side in ((0, text, "left"), (1, words, "right")):
            axis.text(
                place, y - 0.3, said, transform=axis.get_yaxis_transform(), fontsize=8, ha=side, va="center",
                fontweight="bold" if main else "normal", color=INK, bbox=_PAPER,
            )  # fmt: skip
        finite = found.usable and np.isfinite(found.ci_high) and (found.ci_low > 0 or not ratio)
        if finite:
            style = marks[found.treated]
            axis.plot([found.ci_low, found.ci_high], [y + 0.1, y + 0.1], color=style["color"])
            axis.plot(found.estimate, y + 0.1, marker=style["marker"], color=style["color"], markersize=5.5)
    axis.set_ylim(len(rows) - 0.35, -0.7)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    if ratio:
        axis.set_xscale("log")
        _plain_ticks(axis, "x")
    unit = result.planned.unit
    shown = f", {unit}" if unit and rows[0].estimate.scale == "mean difference" else ""
    axis.set_xlabel(f"{rows[0].estimate.scale} against {analysis.plan.control.name}{shown}")
    axis.set_title(result.planned.name)
    return _finish(analysis, figure, name, f"Estimates of {result.planned.name} with intervals")


@house_style()
def _quantiles(analysis: TrialAnalysis, result: EndpointResult, name: str) -> str:
    from scipy.special import ndtri

    figure, panels = new_figure(1, 1, width=WIDTH, height=HEIGHT)
    axis = panels[0][0]
    values = result.residuals.values
    normal = ndtri((np.arange(len(values)) + 0.5) / len(values))
    chosen = np.unique(np.linspace(0, len(values) - 1, min(len(values), MOST_POINTS)).astype(np.int64))
    ends = [min(normal[0], values[0]), max(normal[-1], values[-1])]
    axis.plot(ends, ends, color=SOFT, linewidth=1)
    axis.plot(
        normal[chosen],
        values[chosen],
        linestyle="none",
        marker="o",
        markersize=2.6,
        color=COLOURS[0],
        alpha=0.7,
    )
    axis.set_xlabel("quantile of the normal law")
    axis.set_ylabel("standardised residual")
    axis.set_title(f"{result.planned.name}: residuals")
    return _finish(analysis, figure, name, f"Quantile plot of the residuals of {result.planned.name}")


@house_style()
def _missing(analysis: TrialAnalysis, result: EndpointResult, marks: Mapping[str, Mark], name: str) -> str:
    figure, panels = new_figure(1, 1, width=WIDTH, height=HEIGHT - 0.4)
    axis = panels[0][0]
    arms = [arm.name for arm in analysis.plan.arms]
    visits, shares = missing_shares(analysis, result)
    width = 0.8 / len(arms)
    for k, arm in enumerate(arms):
        x = np.arange(len(visits)) + (k - (len(arms) - 1) / 2) * width
        axis.bar(x, 100 * shares[k], width, color=marks[arm]["color"], label=arm)
    axis.set_xticks(np.arange(len(visits)), visits, rotation=30 if len(visits) > 4 else 0)
    axis.set_ylim(0, max(5.0, 1.15 * 100 * float(shares.max(initial=0))))
    axis.grid(axis="x", visible=False)
    axis.set_axisbelow(True)
    axis.set_ylabel("missing, %")
    axis.set_title(f"{result.planned.name}: missing values")
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    return _finish(
        analysis, figure, name, f"Share of missing values of {result.planned.name} by arm and visit"
    )


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
