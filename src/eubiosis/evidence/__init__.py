"""Published evidence: records, effect sizes, pooled estimates, certainty, checks, claims, priors, graph.

Everything here says what published reports contain, with their defects; nothing is evidence that a therapy
works, and nothing is advice for any person. Names are loaded on first use.

>>> import eubiosis as eb
>>> pooled = eb.evidence.pool(outcome="hs-CRP", intervention="probiotic", tau2="REML")
>>> pooled.k, eb.evidence.grade(pooled).level
(3, 'very low')
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eubiosis.core.lazy import lazily

if TYPE_CHECKING:
    from eubiosis.core.control_arm import ControlArmForecast, ControlQuestion
    from eubiosis.core.effect_prior import EffectPrior
    from eubiosis.evidence.forecast.control_forecast import control_arm
    from eubiosis.evidence.forecast.priors import holdout_studies, prior, prior_for_target
    from eubiosis.evidence.graph.build import build_graph
    from eubiosis.evidence.graph.query import answer
    from eubiosis.evidence.integrity.checking import check
    from eubiosis.evidence.integrity.claims import audit
    from eubiosis.evidence.records.control_arms import ControlArm, ControlArmRate
    from eubiosis.evidence.records.frames import (
        interventions,
        outcomes,
        published,
        studies,
        study,
        table,
    )
    from eubiosis.evidence.records.rows import Study, StudyEstimate
    from eubiosis.evidence.records.store import Evidence, load
    from eubiosis.evidence.synthesis.certainty import grade
    from eubiosis.evidence.synthesis.combine import fit
    from eubiosis.evidence.synthesis.counts import (
        cochran_mantel_haenszel,
        mantel_haenszel_or,
        mantel_haenszel_rate_ratio,
        mantel_haenszel_rr,
        peto,
        tarone,
    )
    from eubiosis.evidence.synthesis.diagnostics import divide, meta_regression
    from eubiosis.evidence.synthesis.multilevel import three_level
    from eubiosis.evidence.synthesis.pooling import PooledEffect, pool
    from eubiosis.evidence.synthesis.summary import summary

_HOMES = {
    "ControlArm": "eubiosis.evidence.records.control_arms",
    "ControlArmForecast": "eubiosis.core.control_arm",
    "ControlArmRate": "eubiosis.evidence.records.control_arms",
    "ControlQuestion": "eubiosis.core.control_arm",
    "EffectPrior": "eubiosis.core.effect_prior",
    "Evidence": "eubiosis.evidence.records.store",
    "PooledEffect": "eubiosis.evidence.synthesis.pooling",
    "Study": "eubiosis.evidence.records.rows",
    "StudyEstimate": "eubiosis.evidence.records.rows",
    "answer": "eubiosis.evidence.graph.query",
    "audit": "eubiosis.evidence.integrity.claims",
    "build_graph": "eubiosis.evidence.graph.build",
    "check": "eubiosis.evidence.integrity.checking",
    "cochran_mantel_haenszel": "eubiosis.evidence.synthesis.counts",
    "control_arm": "eubiosis.evidence.forecast.control_forecast",
    "divide": "eubiosis.evidence.synthesis.diagnostics",
    "fit": "eubiosis.evidence.synthesis.combine",
    "grade": "eubiosis.evidence.synthesis.certainty",
    "holdout_studies": "eubiosis.evidence.forecast.priors",
    "interventions": "eubiosis.evidence.records.frames",
    "load": "eubiosis.evidence.records.store",
    "mantel_haenszel_or": "eubiosis.evidence.synthesis.counts",
    "mantel_haenszel_rate_ratio": "eubiosis.evidence.synthesis.counts",
    "mantel_haenszel_rr": "eubiosis.evidence.synthesis.counts",
    "meta_regression": "eubiosis.evidence.synthesis.diagnostics",
    "outcomes": "eubiosis.evidence.records.frames",
    "peto": "eubiosis.evidence.synthesis.counts",
    "pool": "eubiosis.evidence.synthesis.pooling",
    "prior": "eubiosis.evidence.forecast.priors",
    "prior_for_target": "eubiosis.evidence.forecast.priors",
    "published": "eubiosis.evidence.records.frames",
    "studies": "eubiosis.evidence.records.frames",
    "study": "eubiosis.evidence.records.frames",
    "summary": "eubiosis.evidence.synthesis.summary",
    "table": "eubiosis.evidence.records.frames",
    "tarone": "eubiosis.evidence.synthesis.counts",
    "three_level": "eubiosis.evidence.synthesis.multilevel",
}

__all__ = [
    "ControlArm",
    "ControlArmForecast",
    "ControlArmRate",
    "ControlQuestion",
    "EffectPrior",
    "Evidence",
    "PooledEffect",
    "Study",
    "StudyEstimate",
    "answer",
    "audit",
    "build_graph",
    "check",
    "cochran_mantel_haenszel",
    "control_arm",
    "divide",
    "fit",
    "grade",
    "holdout_studies",
    "interventions",
    "load",
    "mantel_haenszel_or",
    "mantel_haenszel_rate_ratio",
    "mantel_haenszel_rr",
    "meta_regression",
    "outcomes",
    "peto",
    "pool",
    "prior",
    "prior_for_target",
    "published",
    "studies",
    "study",
    "summary",
    "table",
    "tarone",
    "three_level",
]


__getattr__ = lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
