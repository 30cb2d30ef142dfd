"""The groups of the packaged scoreboard, as the report of a trial shows them."""

from __future__ import annotations

from functools import cache

from pydantic import TypeAdapter

from eubiosis.core.scoreboard import BoardGroup
from eubiosis.workflow.score.tables import FOLDER

GROUPS = FOLDER / "groups.json"


@cache
def shown_groups() -> tuple[BoardGroup, ...]:
    """Return every group of the packaged scoreboard: the sealed forecasts against what the studies found.

    The numbers are those of ``eubiosis score`` and lie beside the forecasts: to score them anew would take a
    second of every run.
    """
    return _GROUPS.validate_json(GROUPS.read_bytes())


def groups_text(groups: tuple[BoardGroup, ...]) -> str:
    """Return the content of ``GROUPS`` that has these groups."""
    return _GROUPS.dump_json(groups, indent=1).decode() + "\n"


_GROUPS = TypeAdapter(tuple[BoardGroup, ...])
