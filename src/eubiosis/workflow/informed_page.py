"""What the data informed, for the worlds that a content folder ships: computed, and written as a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from eubiosis.calibration.informed_worlds import SETS, Half, informed
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.informed import Informed
from eubiosis.core.output import write_whole
from eubiosis.model.model import Model
from eubiosis.model.shipped import shipped
from eubiosis.report.informed.page import informed_page

TITLES: dict[Half, str] = {"gut": "The gut", "history": "Natural history and drug classes"}


def informed_halves(
    model: Model,
    halves: Sequence[Half],
    *,
    sets: int = SETS,
    seed: int = 2026,
    say: Callable[[str], None] = lambda _: None,
) -> list[tuple[str, Informed]]:
    """Return (title, what the data informed) for each half; raises ``FindingsError`` without its worlds."""
    known = shipped(model)
    worlds = {"gut": known.gut, "history": known.history}
    found: list[tuple[str, Informed]] = []
    absent: list[Half] = []
    for half in halves:
        own = worlds[half]
        if own is None:
            absent.append(half)
            continue
        made = f"shipped worlds, seed {known.how(half, 'seed')}, effort {known.how(half, 'effort')}"
        found.append((TITLES[half], informed(model, own, half, origin=made, sets=sets, seed=seed, say=say)))
    if absent:
        raise FindingsError(
            [Finding(model.content.file("calibration"), "", why) for why in (*known.reasons, *known.absent)]
        )
    return found


def write_informed_page(path: Path, halves: Sequence[tuple[str, Informed]]) -> Path:
    """Write the page to ``path``; an existing one is replaced."""
    text = informed_page(halves)
    write_whole(path, text)
    return path
