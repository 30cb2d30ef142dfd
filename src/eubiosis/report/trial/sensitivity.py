"""What would change the answer: a tornado of other assumptions, and indices of the drawn numbers."""

from __future__ import annotations

import math
from typing import TypedDict

from eubiosis.core.report_input import TrialReportInput
from eubiosis.core.trial_answer import WhatIf
from eubiosis.core.world_sensitivity import IndexOverWorlds, NumberIndex, WorldSensitivity
from eubiosis.report.figures.plain_svg import PlotFrame, log_ticks, plot, text
from eubiosis.report.trial.words import percent

_WIDTH, _ROW = 460.0, 26.0
_BEYOND = 100_000  # participants; a size beyond it is drawn at the end
_TRACK = 150.0


class IndexCells(TypedDict):
    """A row of the table of indices: what, how many draws, and the index of the effect and of its size."""

    name: str
    id: str
    part: str
    draws: str
    effect: str
    size: str
    effect_svg: str
    size_svg: str
    out: str


class ArmIndices(TypedDict):
    """The indices of one arm."""

    arm: str
    label: str
    rows: list[IndexCells]
    words: list[str]


def tornado(report_input: TrialReportInput) -> str:
    """Draw the size that each other assumption asks for, from the size needed; "" without one."""
    answer = report_input.answer
    base = _base(report_input)
    if answer is None or base is None or not answer.what_if:
        return ""
    rows = answer.what_if
    sizes = [min(row.participants_needed or _BEYOND, _BEYOND) for row in rows]
    ends = (min(*sizes, base) / 1.25, max(*sizes, base) * 1.25)
    height = _ROW * 2 * len(rows) + 60
    frame = PlotFrame(_WIDTH, height, ends, (0.0, 1.0), left=14, right=30, top=24, bottom=44, log_x=True)
    parts = [frame.grid(log_ticks(*ends), (), lambda n: f"{n:,.0f}", str)]
    for k, (row, size) in enumerate(zip(rows, sizes, strict=True)):
        parts += _bar(frame, row, size, base, 30 + 2 * k * _ROW)
    parts.append(text(frame.at_x(base), 18, f"size needed: {base:,}", anchor="middle"))
    parts.append(text(_WIDTH / 2, height - 6, "participants in the whole trial (log scale)", anchor="middle"))
    told = "; ".join(f"if {row.change}: {_size(row)}" for row in rows)
    return plot(frame, parts, f"Size needed {base:,}; {told}")


def _bar(frame: PlotFrame, row: WhatIf, size: int, base: int, top: float) -> list[str]:
    start, end = sorted((frame.at_x(base), frame.at_x(size)))
    words = f"if {row.change}: {_size(row)}{'; the verdict turns' if row.flips else ''}"
    box = f'x="{start:.1f}" y="{top + 21:.1f}" width="{max(end - start, 1):.1f}" height="12"'
    place = f"{frame.at_x(base):.1f}"
    return [
        text(frame.left + 4, top + 15, words),
        f'<rect class="{"f2" if row.flips else "f1"}" {box}/>',
        f'<line class="mark" x1="{place}" x2="{place}" y1="{top + 18:.1f}" y2="{top + 36:.1f}"/>',
    ]


def _size(row: WhatIf) -> str:
    return "more than 100,000" if row.participants_needed is None else f"{row.participants_needed:,}"


def _base(report_input: TrialReportInput) -> int | None:
    answer = report_input.answer
    if answer is None:
        return None
    own = [row for row in answer.rows if row.primary and row.arm == answer.headline_of]
    return own[0].participants_needed[2] if own else None


def index_groups(report_input: TrialReportInput) -> list[ArmIndices]:
    """Return the indices of each arm, groups of numbers first."""
    return [
        {"arm": one.arm, "label": one.label, "rows": _rows(one), "words": list(index_words(one))}
        for one in report_input.sensitivity
    ]


def _rows(one: WorldSensitivity) -> list[IndexCells]:
    found = [
        _index_cells(group.label, "", "together", group.draws, group.effect, group.size, "")
        for group in one.groups
    ]
    return found + [
        _index_cells(
            row.label, row.id, row.part, row.draws, row.effect, row.size, "yes" if row.stands_out else "no"
        )
        for row in one.numbers
    ]


def _index_cells(
    name: str, number: str, part: str, draws: int, effect: IndexOverWorlds, size: IndexOverWorlds, out: str
) -> IndexCells:
    return {
        "name": name,
        "id": number,
        "part": part,
        "draws": f"{draws:,}",
        "effect": _share(effect),
        "size": _share(size),
        "effect_svg": index_svg(effect, "c1"),
        "size_svg": index_svg(size, "c3"),
        "out": out or "–",
    }


def _share(one: IndexOverWorlds) -> str:
    if not all(math.isfinite(value) for value in (one.share, one.low, one.high)):
        return "not estimable"
    return f"{percent(one.share)} ({percent(one.low)} to {percent(one.high)})"


def index_svg(one: IndexOverWorlds, hue: str) -> str:
    """Draw an index from 0 to 100 % with its interval; "" where there is none."""
    if not all(math.isfinite(value) for value in (one.share, one.low, one.high)):
        return ""

    def at(value: float) -> str:
        return f"{6 + value * (_TRACK - 12):.1f}"

    return (
        f'<svg class="plot index" viewBox="0 0 {_TRACK:g} 16" aria-hidden="true">'
        f'<line class="grid" x1="{at(0)}" x2="{at(1)}" y1="8" y2="8"/>'
        f'<line class="line {hue}" x1="{at(one.low)}" x2="{at(one.high)}" y1="8" y2="8"/>'
        f'<circle class="spot {hue}" cx="{at(one.share)}" cy="8" r="4"/></svg>'
    )


def index_words(one: WorldSensitivity) -> tuple[str, ...]:
    """Say what the indices of an arm show, and what they cannot."""
    said: list[str] = []
    if one.asked:
        out = [row for row in one.numbers if row.stands_out]
        noise = max(value for value in (one.noise, one.size_noise) if value is not None)
        said.append(
            f"{one.asked} numbers were looked at over {one.worlds} worlds; "
            + (f"{len(out)} {'stands' if len(out) == 1 else 'stand'} out" if out else "none stands out")
            + f" of what the largest of as many without influence would reach (up to {percent(noise)})."
        )
    said += one.why_none
    for group in one.groups:
        if group.label.startswith("all numbers of the gut") and math.isfinite(group.effect.share):
            rest = IndexOverWorlds(1 - group.effect.share, 1 - group.effect.high, 1 - group.effect.low)
            said.append(
                f"All that is drawn within a gut world has the total index {_share(rest)}: what the gut "
                "alone leaves, since host worlds are drawn anew in each."
            )
    return tuple(said)


def top_words(report_input: TrialReportInput) -> list[str]:
    """Return a line for each arm: the numbers that the effect goes back to, or why none is named."""
    found: dict[str, list[str]] = {}  # what is said, and of which arms
    for one in report_input.sensitivity:
        out = [row for row in one.numbers if row.stands_out][:3]
        if out:
            said = "; ".join(_top(row) for row in out) + "."
        elif one.asked:
            said = f"none of {one.asked} numbers stands out over {one.worlds} worlds."
        else:
            why = one.why_none[0] if one.why_none else "nothing was drawn."
            said = f"{why[0].lower()}{why[1:]}"
        found.setdefault(said, []).append(one.arm)
    return [f"{' and '.join(arms)}: {said}" for said, arms in found.items()]


def _top(row: NumberIndex) -> str:
    if row.size.share > row.effect.share:
        return f"{row.label} ({percent(row.size.share)} of the spread of the effect's size)"
    return f"{row.label} ({percent(row.effect.share)} of the spread of the effect)"
