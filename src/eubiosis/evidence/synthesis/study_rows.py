"""One pooled estimate as a row: its interval, weight, source and how far that was read."""

from __future__ import annotations

from eubiosis.core import laws
from eubiosis.core.evidence_report import PooledStudy
from eubiosis.core.scales import natural
from eubiosis.evidence.synthesis.selection import Included


def pooled_study(one: Included, weight: float) -> PooledStudy:
    """Return one pooled estimate with its Wald interval, record, source and how far that was read."""
    effect, row, study = one.derived.effect, one.estimate, one.study
    half = laws.Z975 * effect.standard_error
    return PooledStudy(
        study=study.id,
        cohort=study.cohort_id,
        estimate_id=row.id,
        estimate=natural(effect.estimate, effect.scale),
        ci_low=natural(effect.estimate - half, effect.scale),
        ci_high=natural(effect.estimate + half, effect.scale),
        analysis_estimate=effect.estimate,
        standard_error=effect.standard_error,
        weight=weight,
        n_treatment=row.n_treatment,
        n_control=row.n_control,
        integrity_status=study.integrity_status,
        integrity_reason=study.integrity_reason,
        how=one.derived.how,
        agent=study.agent,
        source=row.source,
        read=row.read,
        doi=row.report_doi or study.doi,
    )
