"""Published evidence: records, effect sizes, pooled estimates, certainty, checks, claims, priors, graph.

Everything here says what published reports contain, with their defects; nothing is evidence that a therapy
works, and nothing is advice for any person. Names are loaded on first use.

>>> import eubiosis as eb
>>> pooled = eb.evidence.pool(outcome="hs-CRP", intervention="probiotic", tau2="REML")
>>> pooled.k, eb.evidence.grade(pooled).level
(3, 'very low')
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eubiosis.core.control_arm import ControlArmForecast, ControlQuestion
    from eubiosis.core.effect_prior import EffectPrior
    from eubiosis.evidence.forecast.control_forecast import control_arm
    from eubiosis.evidence.forecast.priors import holdout_studies, prior, prior_for_target
    from eubiosis.evidence.graph.build import build as build_graph
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
    "ControlArm": "records.control_arms",
    "ControlArmForecast": "eubiosis.core.control_arm",
    "ControlArmRate": "records.control_arms",
    "ControlQuestion": "eubiosis.core.control_arm",
    "EffectPrior": "eubiosis.core.effect_prior",
    "Evidence": "records.store",
    "PooledEffect": "synthesis.pooling",
    "Study": "records.rows",
    "StudyEstimate": "records.rows",
    "answer": "graph.query",
    "audit": "integrity.claims",
    "build_graph": "graph.build",
    "check": "integrity.checking",
    "cochran_mantel_haenszel": "synthesis.counts",
    "control_arm": "forecast.control_forecast",
    "divide": "synthesis.diagnostics",
    "fit": "synthesis.combine",
    "grade": "synthesis.certainty",
    "holdout_studies": "forecast.priors",
    "interventions": "records.frames",
    "load": "records.store",
    "mantel_haenszel_or": "synthesis.counts",
    "mantel_haenszel_rate_ratio": "synthesis.counts",
    "mantel_haenszel_rr": "synthesis.counts",
    "meta_regression": "synthesis.diagnostics",
    "outcomes": "records.frames",
    "peto": "synthesis.counts",
    "pool": "synthesis.pooling",
    "prior": "forecast.priors",
    "prior_for_target": "forecast.priors",
    "published": "records.frames",
    "studies": "records.frames",
    "study": "records.frames",
    "summary": "synthesis.summary",
    "table": "records.frames",
    "tarone": "synthesis.counts",
    "three_level": "synthesis.multilevel",
}
_RENAMED = {"build_graph": "build"}

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


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module 'eubiosis.evidence' has no attribute {name!r}; public names: {', '.join(__all__)}"
        raise AttributeError(message)
    home = _HOMES[name]
    module = import_module(home if home.startswith("eubiosis.") else f"eubiosis.evidence.{home}")
    found: object = getattr(module, _RENAMED.get(name, name))
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
