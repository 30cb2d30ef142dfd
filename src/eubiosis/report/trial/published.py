"""Published trials beside the simulated effects: on their axis where they can stand there, else why not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypedDict

from eubiosis.core.study_names import named
from eubiosis.core.trial_answer import PublishedEffect
from eubiosis.report.trial.words import interval_texts, low_to_high

_WIDTH = 200.0  # of a track, in units of its view box


class PublishedCells(TypedDict):
    """A published trial in the table beneath the simulated effects."""

    outcome: str
    study: str
    intervention: str
    result: str
    scale: str
    people: str
    placed: str
    read: str
    source: str


class PublishedRow(TypedDict):
    """A published trial on the axis of the simulated effects; places in units of the track."""

    study: str
    product: str
    scale: str
    people: str
    low: str
    middle: str
    high: str
    beyond: str
    result: str
    standardised: str
    interval: str
    cited: str


def published_cells(rows: Sequence[PublishedEffect]) -> list[PublishedCells]:
    """Return published trials of the same outcomes, as they report them."""
    return [
        {
            "outcome": row.label,
            "study": named(row.study),
            "intervention": row.intervention,
            "result": _result(row),
            "scale": row.scale,
            "people": f"{row.people:,}",
            "placed": f"{'yes' if row.standardised else 'no'}: {row.placed}" if row.placed else "not stated",
            "read": row.read.replace("_", " "),
            "source": _source(row),
        }
        for row in rows
    ]


def published_on_axis(rows: Sequence[PublishedEffect], endpoint: str, limit: float) -> list[PublishedRow]:
    """Return the published trials of an endpoint that stand on an axis from -``limit`` to ``limit``."""
    found: list[PublishedRow] = []
    for row in rows:
        if row.endpoint != endpoint or not finite(row):
            continue
        assert row.standardised is not None
        low, middle, high = row.standardised
        found.append(
            {
                "study": named(row.study),
                "product": row.intervention,
                "scale": row.scale,
                "people": f"{row.people:,}",
                "low": _at(low, limit),
                "middle": _at(middle, limit),
                "high": _at(high, limit),
                "beyond": ("‹" if low < -limit else "") + ("›" if high > limit else ""),
                "result": _result(row),
                "standardised": interval_texts(row.standardised, sign=True, decimals=2)[1],
                "interval": f"({low_to_high(row.standardised, sign=True, decimals=2)})",
                "cited": f"{f'doi {row.doi}' if row.doi else row.source}; read: {row.read.replace('_', ' ')}",
            }
        )
    return found


def finite(row: PublishedEffect) -> bool:
    """Tell whether a published effect can be drawn on the axis."""
    return row.standardised is not None and all(math.isfinite(value) for value in row.standardised)


def _at(value: float, limit: float) -> str:
    return f"{_WIDTH / 2 * (1 + min(max(value / limit, -1.0), 1.0)):.1f}"


def _result(row: PublishedEffect) -> str:
    return f"{row.estimate:.2f} ({row.low:.2f} to {row.high:.2f})".replace("-", "−")


def _source(row: PublishedEffect) -> str:
    return f"{row.source}; doi {row.doi}" if row.doi and row.doi not in row.source else row.source
