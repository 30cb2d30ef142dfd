"""The profile of a stool table as one page, its data inside."""

from __future__ import annotations

import json
from typing import TypedDict

from eubiosis.core.record import as_record
from eubiosis.core.stool_profile import (
    FAR_OFF,
    ContrastFamily,
    ContrastLine,
    GroupProfile,
    NamedTaxonLine,
    StoolProfile,
)
from eubiosis.report.pages import render
from eubiosis.report.profile_page import words

NOTICE = (
    "This page describes samples of stool as their table has them. It is no medical device and not for care: "
    "it holds no diagnosis, and nothing on it compares or ranks therapies for a person. What the model "
    "predicts is a prediction and no measurement."
)


class _Bar(TypedDict):
    low: float
    high: float
    at: float


class _ContrastRow(TypedDict):
    what: str
    effect: str
    interval: str
    p: str
    bh: str
    holm: str
    note: str
    studies: str
    strong: bool
    bar: _Bar | None


class _Family(TypedDict):
    title: str
    unit: str
    pair: str
    sizes: str
    method: str
    tested: int
    has_studies: bool
    rows: list[_ContrastRow]
    zero: float


def profile_page(profile: StoolProfile) -> str:
    """Return the page as HTML text that needs nothing beside itself; every text is escaped.

    The same profile gives the same bytes.
    """
    from markupsafe import Markup

    data = json.dumps(as_record(profile), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    reported = {line.taxon: line for group in profile.groups for line in group.taxa}
    return render(
        "profile.html",
        p=profile,
        w=words,
        notice=NOTICE,
        status=", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in profile.status.items()),
        largest_share=_largest_share(profile.groups),
        far_off=FAR_OFF,
        families=[_family(one, reported) for one in profile.contrasts],
        blanks=sum(line.known is None for line in profile.storms),
        figures=[[Markup(svg) for svg, _ in section.figures] for section in profile.sections],
        data=Markup(data),
    )


def _largest_share(groups: tuple[GroupProfile, ...]) -> float:
    """Return the share that a full bar stands for: the largest upper end, rounded up to a tenth."""
    ends = [
        max(line.mean, line.people_interval.high if line.people_interval else 0.0)
        for group in groups
        for line in group.guilds
    ]
    return min(-(-max(ends, default=1.0) * 10 // 1) / 10 or 0.1, 1.0)


def _family(family: ContrastFamily, reported: dict[str, NamedTaxonLine]) -> _Family:
    ends = [abs(end) for line in family.lines for end in (line.low, line.high) if end is not None]
    reach = max(ends, default=1.0)
    return {
        "title": family.title,
        "unit": words.EFFECT_UNITS[family.scale],
        "pair": f"{family.group} against {family.control}",
        "sizes": f"{family.n_group:,} and {family.n_control:,} samples",
        "method": family.method,
        "tested": family.tested,
        "has_studies": any(line.what in reported for line in family.lines),
        "rows": [_row(line, family, reported, reach or 1.0) for line in family.lines],
        "zero": 50.0,
    }


def _row(
    line: ContrastLine, family: ContrastFamily, reported: dict[str, NamedTaxonLine], reach: float
) -> _ContrastRow:
    genus = reported.get(line.what)
    return {
        "what": line.what,
        "effect": words.effect(line.effect, family.scale),
        "interval": words.interval(line, family.scale),
        "p": words.p_value(line.p_value),
        "bh": words.p_value(line.p_bh),
        "holm": words.p_value(line.p_holm),
        "note": line.note,
        "studies": words.studies(genus) if genus else "",
        "strong": line.p_bh is not None and line.p_bh < 0.05,
        "bar": _bar(line, reach),
    }


def _bar(line: ContrastLine, reach: float) -> _Bar | None:
    """Return where an interval and its effect stand in per cent of a width that ends at -reach and reach."""
    if line.low is None or line.high is None or line.effect is None:
        return None

    def at(value: float) -> float:
        return round(50 + 50 * min(max(value / reach, -1.0), 1.0), 2)

    return {"low": at(line.low), "high": at(line.high), "at": at(line.effect)}
