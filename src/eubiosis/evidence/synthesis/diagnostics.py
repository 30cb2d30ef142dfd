"""What else a pool can be asked: small-study tests, trim and fill, cumulative means, influence."""

from __future__ import annotations

import numpy as np

from eubiosis.core.evidence_report import (
    Diagnostics,
    DifferenceTest,
    FilledFunnel,
    FunnelTest,
    GrowingStep,
    SmallStudy,
    StudyInfluence,
    SubgroupLine,
    Subgroups,
    WaldMean,
)
from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.scales import natural
from eubiosis.evidence.synthesis import small_study
from eubiosis.evidence.synthesis.combine import MetaFit, cumulative, fit, influence, subgroups
from eubiosis.evidence.synthesis.pooling import PooledEffect

SUBGROUP_FIELDS = (
    "integrity_status",
    "blinding",
    "comparator",
    "subclass",
    "n_basis",
    "read",
    "dispersion_type",
)


def diagnostics_of(pooled: PooledEffect) -> Diagnostics:
    """Return the diagnostics of a pool, each with a word on what it can bear.

    Estimates are on the natural scale with Wald intervals; the funnel is judged on the analysis scale.
    """
    included, method = pooled.selection.included, pooled.tau2_method
    y = [one.derived.effect.estimate for one in included]
    v = [one.derived.effect.variance for one in included]
    by_year = sorted(range(len(y)), key=lambda i: (included[i].estimate.report_year, included[i].study.id))
    growing = cumulative([y[i] for i in by_year], [v[i] for i in by_year], method=method)
    steps = tuple(
        GrowingStep(included[i].study.id, included[i].estimate.report_year, _span(fitted, pooled))
        for i, fitted in zip(by_year, growing, strict=True)
    )
    if len(y) < 3 or len({round(value, 12) for value in v}) < 2:
        return Diagnostics(steps, None, None, f"{len(y)} studies: fewer than 3, nothing to test")
    shown = influence(y, v, method=method)
    egger, begg = small_study.egger(y, v), small_study.begg(y, v)
    return Diagnostics(
        steps,
        SmallStudy(
            _funnel_test(egger),
            _funnel_test(begg),
            _filled(y, v, pooled),
        ),
        tuple(
            StudyInfluence(one.study.id, float(cook), float(residual))
            for one, cook, residual in zip(
                included, shown.cook_distance, shown.studentised_residual, strict=True
            )
        ),
        "asymmetry has several causes; trim and fill is no correction"
        if len(y) >= small_study.ENOUGH_STUDIES
        else f"{len(y)} studies: far too few for these tests, not to be interpreted",
    )


def divide(pooled: PooledEffect, field: str) -> Subgroups:
    """Divide a pool by a property of the studies or estimates, and test the difference.

    ``field`` is one of ``SUBGROUP_FIELDS``; place and people are not among them. Raises ``FindingsError``
    for another field or where all studies fall into one group.

    >>> from eubiosis.evidence import pool
    >>> [one.group for one in divide(pool("hs-CRP", "probiotic", tau2="FE"), "integrity_status").groups]
    ['failed_check', 'none']
    """
    if field not in SUBGROUP_FIELDS:
        raise FindingsError([Finding("question", "by", unknown_word(field, SUBGROUP_FIELDS),
                                     allowed=", ".join(SUBGROUP_FIELDS))])  # fmt: skip
    included = pooled.selection.included
    groups = [
        str(getattr(one.study if hasattr(one.study, field) else one.estimate, field)) for one in included
    ]
    if len(set(groups)) < 2:
        raise FindingsError([Finding("question", "by", f"all studies have the same {field}: {groups[0]}")])
    effects = [one.derived.effect for one in included]
    fits, test = subgroups(
        [e.estimate for e in effects], [e.variance for e in effects], groups, method=pooled.tau2_method
    )
    return Subgroups(
        field,
        tuple(SubgroupLine(str(name), fitted.k, _span(fitted, pooled)) for name, fitted in fits.items()),
        DifferenceTest(test.statistic, test.df, test.p_value),
        "a comparison between trials and not within them: other differences may explain it",
    )


def meta_regression(pooled: PooledEffect, moderator: list[float]) -> MetaFit:
    """Regress the effects of a pool on one moderator, one value per study in the pool's order.

    Raises ``ValueError`` for a moderator of another length or with fewer than three studies.

    >>> from eubiosis.evidence import pool
    >>> len(meta_regression(pool("hs-CRP", "probiotic"), [8.0, 24.0, 16.0]).coefficients)
    2
    """
    included = pooled.selection.included
    if len(moderator) != len(included) or len(included) < 3:
        message = f"{len(moderator)} values for {len(included)} studies; at least three studies are needed"
        raise ValueError(message)
    x = np.column_stack([np.ones(len(moderator)), np.asarray(moderator, dtype=float)])
    effects = [one.derived.effect for one in included]
    return fit([e.estimate for e in effects], [e.variance for e in effects], x=x, method=pooled.tau2_method)


def _funnel_test(test: small_study.AsymmetryTest) -> FunnelTest:
    if not test.usable:
        return FunnelTest(None, None, test.reason)
    return FunnelTest(test.statistic, test.p_value)


def _filled(y: list[float], v: list[float], pooled: PooledEffect) -> FilledFunnel:
    try:
        filled = small_study.trim_and_fill(y, v, method=pooled.tau2_method)
    except (ArithmeticError, ValueError) as problem:
        return FilledFunnel(None, None, None, str(problem))
    return FilledFunnel(filled.added, filled.side, _span(filled.fit, pooled))


def _span(fitted: MetaFit, pooled: PooledEffect) -> WaldMean:
    low, high = fitted.interval
    scale = pooled.scale
    return WaldMean(natural(fitted.estimate, scale), natural(low, scale), natural(high, scale))
