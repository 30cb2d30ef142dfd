"""Published evidence: records, effect sizes, pooled estimates, certainty, checks, claims, priors, graph."""

from eubiosis.evidence.forecast.priors import holdout_studies, prior, prior_for_target
from eubiosis.evidence.graph.build import build as build_graph
from eubiosis.evidence.integrity.checking import check
from eubiosis.evidence.integrity.claims import audit
from eubiosis.evidence.records.store import load
from eubiosis.evidence.synthesis.certainty import grade
from eubiosis.evidence.synthesis.pooling import pool

__all__ = [
    "audit",
    "build_graph",
    "check",
    "grade",
    "holdout_studies",
    "load",
    "pool",
    "prior",
    "prior_for_target",
]
