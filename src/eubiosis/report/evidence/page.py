"""Self-contained HTML pages of the evidence: one pool, and the audit of claims."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from eubiosis.report.figures.svg import inline_svg

VERDICT_ORDER = ("supported", "mixed", "contradicted", "untraceable", "not tested")


def pool_page(record: Mapping[str, Any], pictures: Mapping[str, str]) -> str:
    """Return the page of a pool record with its pictures (SVG text by name) and its data inside."""
    drawn = {
        name: Markup(inline_svg(svg, name=name, label=f"{name.capitalize()} plot"))
        for name, svg in pictures.items()
    }
    return (
        _environment()
        .get_template("evidence_pool.html")
        .render(record=record, pictures=drawn, data=_data(record))
    )


def audit_page(records: Sequence[Mapping[str, Any]]) -> str:
    """Return the page of audited claims, grouped by verdict, with the data inside."""
    counts = Counter(str(record["verdict"]) for record in records)
    ordered = sorted(records, key=lambda record: VERDICT_ORDER.index(record["verdict"]))
    template = _environment().get_template("evidence_audit.html")
    return template.render(records=ordered, counts=counts, verdicts=VERDICT_ORDER, data=_data(list(records)))


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


def _data(value: Any) -> Markup:
    """Return JSON that cannot end its script element."""
    text = json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")
    return Markup(text)
