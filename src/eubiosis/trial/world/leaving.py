"""Why people leave a trial: the shares of the reasons, and a reason for everybody who left."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector
from eubiosis.core.provenance import SourcedFact
from eubiosis.core.table_schemas import COMPLETED, REASONS_FOR_LEAVING
from eubiosis.core.tables import read_table
from eubiosis.core.trial_draws import TrialDraws

TABLE = PACKAGED_CONTENT / "trials" / "reasons_for_leaving.tsv"


@cache
def reasons() -> tuple[SourcedFact, ...]:
    """Read the reasons and their shares, in the order of the table; raises ``FindingsError``."""
    findings = FindingCollector()
    rows = tuple(read_table(TABLE, SourcedFact, findings))
    total = sum(row.value for row in rows)
    if abs(total - 1) > 1e-9:
        findings.add(TABLE.name, "value", f"the shares sum to {total:g}", allowed="shares that sum to 1")
    known = set(REASONS_FOR_LEAVING) - {COMPLETED}
    if {row.id for row in rows} != known:
        findings.add(
            TABLE.name,
            "id",
            "other reasons than those of the data dictionary",
            allowed=", ".join(sorted(known)),
        )
    findings.raise_if_any()
    return rows


def why_left(completed: NDArray[np.bool_], draws: TrialDraws) -> NDArray[np.str_]:
    """Return why each one's follow-up ended, shape (trials, people) as ``completed``.

    A reason is drawn apart from the day of leaving, by the same shares in every arm.
    """
    rows = reasons()
    luck = draws.uniforms("reason for leaving", completed.shape[1])[..., 0]
    bounds = np.cumsum([row.value for row in rows])[:-1]
    words = np.array([*(row.id for row in rows), COMPLETED])
    place = np.where(completed, len(rows), np.searchsorted(bounds, luck, side="right"))
    return np.asarray(words[place])
