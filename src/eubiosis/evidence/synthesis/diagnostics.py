"""What else a pool can be asked: small-study tests, trim and fill, cumulative means, influence."""

from __future__ import annotations

from typing import Any

import numpy as np

from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.evidence.synthesis import small_study
from eubiosis.evidence.synthesis.combine import MetaFit, cumulative, fit, influence, subgroups
from eubiosis.evidence.synthesis.pooling import Pooled, natural

SUBGROUP_FIELDS = (
    "integrity_status",
    "blinding",
    "comparator",
    "subclass",
    "n_basis",
    "read",
    "dispersion_type",
)


def diagnostics_record(pooled: Pooled) -> dict[str, Any]:
    """Return the diagnostics of a pool as JSON-ready data, each with a word on what it can bear.

    Estimates are on the natural scale with Wald intervals; the funnel is judged on the analysis scale.
    """
    included = pooled.selection.included
    y = [one.derived.effect.estimate for one in included]
    v = [one.derived.effect.variance for one in included]
    by_year = sorted(range(len(y)), key=lambda i: (included[i].estimate.report_year, included[i].study.id))
    growing = cumulative([y[i] for i in by_year], [v[i] for i in by_year], method=pooled.tau2_method)
    record: dict[str, Any] = {
        "cumulative_by_year": [
            {"added": included[i].study.id, "year": included[i].estimate.report_year, **_span(fitted, pooled)}
            for i, fitted in zip(by_year, growing, strict=True)
        ],
        "small_study": None,
        "influence": None,
        "note": f"{len(y)} studies: fewer than 3, nothing to test",
    }
    if len(y) < 3 or len({round(value, 12) for value in v}) < 2:
        return record
    enough = len(y) >= small_study.ENOUGH_STUDIES
    shown = influence(y, v, method=pooled.tau2_method)
    record["small_study"] = {
        **{test.name: _test_record(test) for test in (small_study.egger(y, v), small_study.begg(y, v))},
        "trim and fill": _trimmed_record(y, v, pooled),
    }  # fmt: skip
    record["influence"] = [
        {"study": one.study.id, "cook_distance": float(cook), "studentised_residual": float(residual)}
        for one, cook, residual in zip(included, shown.cook_distance, shown.studentised_residual, strict=True)
    ]
    record["note"] = (
        "asymmetry has several causes; trim and fill is no correction"
        if enough
        else f"{len(y)} studies: far too few for these tests, not to be interpreted"
    )
    return record


def subgroup_record(pooled: Pooled, field: str) -> dict[str, Any]:
    """Return the pool divided by a property of the studies or estimates, with the test of their difference.

    ``field`` is one of ``SUBGROUP_FIELDS``; place and people are not among them. Raises ``FindingsError``
    for another field or where all studies fall into one group.
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
    return {
        "by": field,
        "groups": [{"group": name, "k": fitted.k, **_span(fitted, pooled)} for name, fitted in fits.items()],
        "difference": {"Q": test.statistic, "df": test.df, "p": test.p_value},
        "note": "a comparison between trials and not within them: other differences may explain it",
    }


def meta_regression(pooled: Pooled, moderator: list[float]) -> MetaFit:
    """Regress the effects of a pool on one moderator, one value per study in the pool's order.

    Raises ``ValueError`` for a moderator of another length or with fewer than three studies.
    """
    included = pooled.selection.included
    if len(moderator) != len(included) or len(included) < 3:
        message = f"{len(moderator)} values for {len(included)} studies; at least three studies are needed"
        raise ValueError(message)
    x = np.column_stack([np.ones(len(moderator)), np.asarray(moderator, dtype=float)])
    effects = [one.derived.effect for one in included]
    return fit([e.estimate for e in effects], [e.variance for e in effects], x=x, method=pooled.tau2_method)


def _test_record(test: small_study.AsymmetryTest) -> dict[str, float | str | None]:
    if not test.usable:
        return {"statistic": None, "p": None, "note": test.reason}
    return {"statistic": test.statistic, "p": test.p_value}


def _trimmed_record(y: list[float], v: list[float], pooled: Pooled) -> dict[str, float | int | str | None]:
    try:
        filled = small_study.trim_and_fill(y, v, method=pooled.tau2_method)
    except (ArithmeticError, ValueError) as problem:
        return {"added": None, "note": str(problem)}
    return {"added": filled.added, "side": filled.side, **_span(filled.fit, pooled)}


def _span(fitted: MetaFit, pooled: Pooled) -> dict[str, float]:
    low, high = fitted.interval
    scale = pooled.scale
    return {
        "estimate": natural(fitted.estimate, scale),
        "ci_low": natural(low, scale),
        "ci_high": natural(high, scale),
    }
