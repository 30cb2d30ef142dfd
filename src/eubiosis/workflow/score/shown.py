"""The groups of the packaged scoreboard, as the report of a trial shows them."""

from __future__ import annotations

from functools import cache

from pydantic import TypeAdapter

from eubiosis.analysis.scoreboard import score_forecasts
from eubiosis.core.scoreboard import BoardGroup
from eubiosis.workflow.score.readouts import asked_quantities
from eubiosis.workflow.score.sealed import read_sealed, status_now
from eubiosis.workflow.score.tables import FOLDER, FORECASTS

GROUPS = FOLDER / "groups.json"


@cache
def shown_groups() -> tuple[BoardGroup, ...]:
    """Return every group of the packaged scoreboard: the sealed forecasts against what the studies found.

    The numbers are those of ``eubiosis score`` and lie beside the forecasts: to score them anew would take a
    second of every run.
    """
    return _GROUPS.validate_json(GROUPS.read_bytes())


def scored_groups() -> tuple[BoardGroup, ...]:
    """Score the packaged forecasts anew.

    Raises ``FindingsError`` for a forecast that is not as it was sealed.
    """
    found = [each.read_out for each in asked_quantities()]
    forecasts = [status_now(forecast, row) for forecast, row in read_sealed(FORECASTS)]
    return score_forecasts(forecasts, found, title="").groups


def groups_text() -> str:
    """Return the content of ``GROUPS`` as it has to be now."""
    return _GROUPS.dump_json(scored_groups(), indent=1).decode() + "\n"


_GROUPS = TypeAdapter(tuple[BoardGroup, ...])
