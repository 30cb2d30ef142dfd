"""``eubiosis profile --under``: the forecast of a table's group under a therapy, and its score afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eubiosis.core.findings import Finding, FindingsError

if TYPE_CHECKING:
    from eubiosis.core.stool_profile import ProfileSection
    from eubiosis.population.contrast import GuildContrast
    from eubiosis.population.stool.table import StoolTable


WORLDS = 200  # behind every interval


def check_phrase(under: str) -> None:
    """Raise ``FindingsError`` for a phrase that cannot be read or forecast, before any table is read."""
    from eubiosis.model import load
    from eubiosis.therapy.phrase import read_phrase
    from eubiosis.workflow.forecast.courses import regimen_of

    regimen_of(load(), read_phrase(under))


def forecast_sections(
    table: StoolTable,
    contrast: GuildContrast,
    under: str,
    *,
    control: str | None = None,
    against: StoolTable | None = None,
) -> list[ProfileSection]:
    """Return the forecast of everybody but the controls, or with ``against`` the scores of a finished study.

    Raises ``FindingsError`` for a phrase that cannot be read and for too few people.
    """
    from eubiosis.model import load
    from eubiosis.therapy.phrase import read_phrase
    from eubiosis.workflow.forecast.courses import regimen_of
    from eubiosis.workflow.forecast.group import forecast_group
    from eubiosis.workflow.forecast.paired import guild_study
    from eubiosis.workflow.forecast.published import published_changes
    from eubiosis.workflow.forecast.section import forecast_section, scores_section
    from eubiosis.workflow.forecast.study import score_study

    model = load()
    phrase = read_phrase(under)
    members = _members(table, control)
    if against is None:
        return [forecast_section(forecast_group(model, contrast, members, phrase, worlds=WORLDS))]
    own = {table.sample_ids[k] for k in members}
    study = guild_study(
        table,
        against,
        [name if name in own else "" for name in table.sample_ids],
        [name if name in own else "" for name in against.sample_ids],
    )
    scores = score_study(
        model, study, regimen_of(model, phrase), published_changes(model, phrase), worlds=WORLDS
    )
    return [scores_section(scores, f"{against.file} under {phrase.text}")]


def _members(table: StoolTable, control: str | None) -> np.ndarray:
    groups: Sequence[str] = table.groups or ("",) * len(table.sample_ids)
    members = np.array([k for k, name in enumerate(groups) if control is None or name != control], dtype=int)
    if not len(members):
        problem = f'every sample is of the control group "{control}"'
        raise FindingsError(
            [Finding(table.file, "groups", problem, "a group that takes the therapy", "name the controls")]
        )
    return members
