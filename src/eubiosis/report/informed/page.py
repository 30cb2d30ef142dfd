"""The page of what the data informed, one section for each half; self-contained, with its data inside."""

from __future__ import annotations

import json
from collections.abc import Sequence

from markupsafe import Markup

from eubiosis.core.informed import Informed, Measure
from eubiosis.core.output import Page
from eubiosis.core.record import as_record
from eubiosis.core.version import __version__
from eubiosis.report.informed.figures import before_and_after, distances, profiles
from eubiosis.report.pages import render

_FIRM = "\N{NO-BREAK SPACE}"
_NOTICE = (
    "Nothing on this page is evidence that a therapy works, and nothing is medical advice. It says which "
    "numbers and predictions of the model published figures moved, and which are as they were assumed."
)


def informed_page(halves: Sequence[tuple[str, Informed]]) -> str:
    """Return the HTML text; ``halves`` are (title, what the data informed)."""
    return render(
        "informed.html",
        title=str(Page.INFORMED),
        notice=_NOTICE,
        halves=[_half(title, found, f"half{k}") for k, (title, found) in enumerate(halves)],
        data=Markup(_data(halves)),
    )


def _half(title: str, found: Informed, name: str) -> dict[str, object]:
    origin = f"Eubiosis {__version__}, simulated; {found.origin}"
    moved = sorted((one for one in found.numbers if one.informed), key=_by_distance)
    still = sorted((one for one in found.numbers if not one.informed), key=lambda one: one.name)
    therapies = [one for one in found.predictions if ": " in one.name]
    measured = [one for one in found.predictions if ": " not in one.name]
    return {
        "title": title,
        "found": found,
        "origin": origin,
        "moved": [_line(one) for one in moved],
        "still": still,
        "therapies": [_line(one) for one in therapies],
        "measured": [_line(one) for one in measured],
        "distances": Markup(distances(found.numbers, name=f"{name}-distances")),
        "before": Markup(_before(therapies, f"{name}-before")),
        "profiles": Markup(profiles(found.profiles)),
        "run": any(value is not None for one in found.profiles for value in one.best),
    }


def _before(therapies: Sequence[Measure], name: str) -> str:
    return before_and_after(therapies, name=name) if therapies else ""


def _by_distance(one: Measure) -> float:
    return -one.distance


def _line(one: Measure) -> dict[str, object]:
    unit = "" if one.unit == "-" else one.unit
    return {
        "name": one.name,
        "label": one.label,
        "unit": unit,
        "prior": _interval(one.prior),
        "worlds": _interval(one.worlds),
        "error": ", ".join(_small(one.worlds_error[end], one.worlds[1]) for end in (0, 2)),
        "shrinkage": _percent(one.shrinkage, one.error),
        "shift": f"{one.shift:+.2f} ± {one.shift_error:.2f}".replace("-", "−").replace(" ", _FIRM),
        "distance": f"{one.distance:.2f}",
        "informed": one.informed,
    }


def _interval(points: tuple[float, float, float]) -> str:
    """Return median and ends; a line may break before the bracket only."""
    low, middle, high = (f"{point:.3g}" for point in points)
    return f"{middle} ({low}{_FIRM}to{_FIRM}{high})".replace("-", "−")


def _small(error: float, beside: float) -> str:
    """Return an error; what is rounding beside its number is shown as zero."""
    return f"{error:.2g}" if error > 1e-9 * abs(beside) else "0"


def _percent(share: float, error: float) -> str:
    return f"{round(100 * share) + 0:.0f} ± {100 * error:.0f} %".replace("-", "−").replace(" ", _FIRM)


def _data(halves: Sequence[tuple[str, Informed]]) -> str:
    """Return JSON that cannot end its script element."""
    text = json.dumps({title: as_record(found) for title, found in halves}, ensure_ascii=False)
    return text.replace("<", "\\u003c")
