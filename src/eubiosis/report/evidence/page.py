"""Self-contained HTML pages of the evidence: one pool, and the audit of claims."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from eubiosis.core.evidence_report import VERDICTS, AuditedClaim, PoolReport
from eubiosis.core.record import as_record
from eubiosis.report.figures.svg import inline_svg


def pool_page(report: PoolReport, pictures: Mapping[str, str]) -> str:
    """Return the page of a pool with its pictures (SVG text by name) and its data inside."""
    drawn = {
        name: Markup(inline_svg(svg, name=name, label=f"{name.capitalize()} plot"))
        for name, svg in pictures.items()
    }
    template = _environment().get_template("evidence_pool.html")
    return template.render(report=report, pooled=report.summary, pictures=drawn, data=_data(report))


def audit_page(claims: Sequence[AuditedClaim]) -> str:
    """Return the page of audited claims, grouped by verdict, with the data inside."""
    counts = Counter(one.verdict for one in claims)
    ordered = sorted(claims, key=lambda one: VERDICTS.index(one.verdict))
    template = _environment().get_template("evidence_audit.html")
    return template.render(records=ordered, counts=counts, verdicts=VERDICTS, data=_data(claims))


def link(source: str) -> str:
    """Return the first address in a source, or an empty string; only http and https addresses count."""
    for word in source.replace(";", " ").split():
        if word.startswith(("http://", "https://")):
            return word
    if source.startswith("10."):
        return "https://doi.org/" + source.partition(" ")[0]
    return ""


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("eubiosis.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["link"] = link
    environment.filters["number"] = _number
    return environment


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def _data(value: PoolReport | Sequence[AuditedClaim]) -> Markup:
    """Return JSON that cannot end its script element."""
    text = json.dumps(as_record(value), ensure_ascii=False).replace("<", "\\u003c")
    return Markup(text)
