"""Which marker at which visit would tell two forms of the model apart, and from how many people."""

from __future__ import annotations

from collections.abc import Sequence

from eubiosis.core.trial_answer import FingerprintRow
from eubiosis.workflow.trial_chunk import Chunk
from eubiosis.workflow.workflow import Workflow


def fingerprint_rows(workflow: Workflow, chunks: Sequence[Chunk]) -> tuple[FingerprintRow, ...]:
    """Return the rows."""
    return ()
