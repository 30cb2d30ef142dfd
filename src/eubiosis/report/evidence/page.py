"""Self-contained HTML pages of the evidence: one pool, and the audit of claims."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup

from eubiosis.core.evidence_report import VERDICTS, AuditedClaim, PoolReport
from eubiosis.core.kinds import how_many
from eubiosis.core.record import as_record
from eubiosis.report.evidence.plots import pool_forest, pool_funnel
from eubiosis.report.pages import render


def pool_page(report: PoolReport) -> str:
    """Return the page of a pool with its pictures and its data inside."""
    drawn = {"forest": Markup(pool_forest(report)), "funnel": Markup(pool_funnel(report))}
    return render(
        "evidence_pool.html",
        report=report,
        pooled=report.summary,
        pictures=drawn,
        many=how_many,
        data=_data(report),
    )


def audit_page(claims: Sequence[AuditedClaim]) -> str:
    """Return the page of audited claims, grouped by verdict, with the data inside."""
    counts = Counter(one.verdict for one in claims)
    ordered = sorted(claims, key=lambda one: VERDICTS.index(one.verdict))
    return render(
        "evidence_audit.html", records=ordered, counts=counts, verdicts=VERDICTS, data=_data(claims)
    )


def _data(value: PoolReport | Sequence[AuditedClaim]) -> Markup:
    """Return JSON that cannot end its script element."""
    text = json.dumps(as_record(value), ensure_ascii=False).replace("<", "\\u003c")
    return Markup(text)
