"""Published evidence: records, effect sizes, pooled estimates, certainty, checks, claims, priors, graph."""

from eubiosis.evidence.certainty import grade
from eubiosis.evidence.checking import check
from eubiosis.evidence.claims import audit
from eubiosis.evidence.graph import build as build_graph
from eubiosis.evidence.pooling import pool
from eubiosis.evidence.priors import holdout_studies, prior, prior_for_target
from eubiosis.evidence.store import load

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
