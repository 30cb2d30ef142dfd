"""The groups of the packaged scoreboard, as the report of a trial shows them."""

from __future__ import annotations

from functools import cache

from eubiosis.analysis.scoreboard import score_forecasts
from eubiosis.core.scoreboard import BoardGroup
from eubiosis.workflow.score.readouts import asked_quantities
from eubiosis.workflow.score.sealed import read_sealed, status_now
from eubiosis.workflow.score.tables import FORECASTS


@cache
def shown_groups() -> tuple[BoardGroup, ...]:
    """Return every group of the packaged scoreboard: the sealed forecasts against what the studies found.

    The numbers are those of ``eubiosis score``. Raises ``FindingsError`` for a forecast that is not as it was
    sealed.
    """
    found = [each.read_out for each in asked_quantities()]
    forecasts = [status_now(forecast, row) for forecast, row in read_sealed(FORECASTS)]
    return score_forecasts(forecasts, found, title="").groups
