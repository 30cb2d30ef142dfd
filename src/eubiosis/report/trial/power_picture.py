"""The one picture of the first screen: power against participants, the design marked."""

from __future__ import annotations

from eubiosis.core.report_input import TrialReportInput
from eubiosis.core.trial_answer import PowerLine, TrialAnswer
from eubiosis.report.figures.plain_svg import PlotFrame, log_ticks, plot, text
from eubiosis.report.trial.words import formula_percent, wrapped

_WIDTH, _HEIGHT = 540.0, 330.0
_WORDS = 110.0  # wide: "80 %: asked for"


def shown_lines(answer: TrialAnswer, design_weeks: float) -> list[PowerLine]:
    """Return the lines of the picture: each pictured endpoint in the arm that decides, as long as planned."""
    found = []
    for endpoint in answer.pictured:
        own = [one for one in answer.lines if one.endpoint == endpoint and one.weeks == design_weeks]
        own.sort(key=lambda one: one.arm != answer.headline_of)
        found += own[:1]
    return found


def power_picture(report_input: TrialReportInput) -> str:
    """Draw the picture; "" where no line can be drawn."""
    answer = report_input.answer
    if answer is None or not answer.rows:
        return ""
    design = answer.rows[0]
    lines = shown_lines(answer, design.weeks)
    if not lines:
        return ""
    sizes = lines[0].participants
    frame = PlotFrame(
        _WIDTH, _HEIGHT, (sizes[0], sizes[-1]), (0.0, 1.0), left=50, right=26, bottom=46, log_x=True
    )
    # beside the upright line of the design and not through it
    near = frame.at_x(design.participants) < frame.left + _WORDS
    place, anchor = (frame.width - frame.right - 4, "end") if near else (frame.left + 4, "start")
    parts = [
        frame.grid(log_ticks(sizes[0], sizes[-1]), (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), lambda n: f"{n:,.0f}",
                   lambda share: f"{100 * share:.0f} %"),
        text(place, frame.at_y(0.8) - 5, "80 %: asked for", anchor=anchor, names="note"),
    ]  # fmt: skip
    for k, line in enumerate(lines):
        hue, dash = k + 1, f" d{k}" if k else ""
        if line.middle:
            parts.append(frame.band(sizes, line.low, line.high, f"band f{hue}"))
            parts.append(frame.line(zip(sizes, line.middle, strict=True), f"line c{hue}{dash}"))
        if line.common and (k == 0 or not line.middle):
            parts.append(frame.line(zip(sizes, line.common, strict=True), f"thin c{hue} d2"))
        for size, power, _ in line.simulated:
            at = f'cx="{frame.at_x(size):.1f}" cy="{frame.at_y(power):.1f}"'
            parts.append(f'<circle {at} r="3.8" class="spot c{hue}"/>')
    parts.append(frame.upright(design.participants, f"this design, {design.participants:,}"))
    parts.append(
        text(_WIDTH / 2, _HEIGHT - 8, "participants in the whole trial (log scale)", anchor="middle")
    )
    return plot(frame, parts, _label(lines, design.participants), name="picture")


def _label(lines: list[PowerLine], participants: int) -> str:
    told = []
    for line in lines:
        k = line.participants.index(participants)
        if line.middle:
            low, middle, high = (formula_percent(each[k]) for each in (line.low, line.middle, line.high))
            words = f"{middle} ({low} to {high})"
            told.append(f"{line.label}, {line.arm}: power {words}")
        elif line.common:
            told.append(f"{line.label}, {line.arm}: assurance {formula_percent(line.common[k])}")
    return f"Power against participants. With this design's {participants:,}: " + "; ".join(told)


def picture_legend(report_input: TrialReportInput) -> list[tuple[str, str]]:
    """Return rows of the classes of a mark and what it stands for."""
    answer = report_input.answer
    if answer is None or not answer.rows:
        return []
    rows = []
    lines = shown_lines(answer, answer.rows[0].weeks)
    for k, line in enumerate(lines):
        named = next(r for r in answer.rows if (r.endpoint, r.arm) == (line.endpoint, line.arm))
        hue, dash = k + 1, f" d{k}" if k else ""
        name = wrapped(f"{line.label}, {line.arm}", 60, 1)[0]
        if line.middle:
            size = (
                f"ratio {named.relevant:g}" if named.scale == "ratio" else f"{named.relevant:g} {named.unit}"
            )
            rows.append(
                (f"line c{hue}{dash}", f"{name}: power if the true effect is the relevant one ({size})")
            )
        if line.common and (k == 0 or not line.middle):
            prior = next((p for p in named.promises if p.prior in ("common", "simulated worlds")), None)
            words = "the common prior" if prior and prior.prior == "common" else "the simulated worlds"
            rows.append(
                (
                    f"thin c{hue} d2",
                    f"{name}: assurance over {words}"
                    if words.endswith("worlds")
                    else f"{name}: assurance under {words}",
                )
            )
    if any(line.simulated for line in lines):
        words = "circles: simulated trials with p < 0.05 in either direction, each world with its own effect"
        rows.append(("spot c1", words))
    return rows
