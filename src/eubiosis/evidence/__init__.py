"""Published evidence: records, effect sizes, pooled estimates, certainty, claims, priors, graph."""
