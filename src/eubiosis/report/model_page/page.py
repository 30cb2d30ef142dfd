"""The page of the model as one self-contained HTML file; a script only filters the table of numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from html import escape

from markupsafe import Markup

from eubiosis.core.model_page import EquationGroup, ModelEquation, ModelPage, NumberRow, SignRow
from eubiosis.core.output import Page
from eubiosis.report.model_page.diagram import diagram
from eubiosis.report.pages import NOTICE, render

_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_COLOURS = {"measured": "#0f5132", "fitted": "#0072B2", "derived": "#5b6e7f", "assumed": "#b45309"}
_KINDS = {"rate": "rate of change", "rule": "always equal to", "event": "set by an event"}
_OPEN_UP_TO = 12
_ROUNDING = 1e-13


def model_page(page: ModelPage) -> str:
    """Return the HTML text of the page."""
    numbers = {row.number.id: row for row in page.numbers}
    equations = {e.id for group in page.groups for e in group.equations if e.kind != "event"}
    equations |= {row[0] for row in page.inputs}
    return render(
        "model_page.html",
        title=str(Page.MODEL),
        page=page,
        script="model_page.js",
        notice=NOTICE,
        picture=Markup(diagram(page.wiring)),
        modules=_modules(page, numbers, equations),
        hubs=[(_label(page, box), len(targets)) for box, targets in page.wiring.hubs],
        basis=_basis(page),
        tables=sorted({row.table for row in page.numbers}),
        rows=[_number_row(row, equations) for row in page.numbers],
        signs=[_sign_row(row) for row in page.signs.rows],
        free=page.signs.counts["free"],
    )


def _basis(page: ModelPage) -> list[dict[str, object]]:
    counts: Counter[str] = Counter(row.number.basis for row in page.numbers)
    share = 100 / len(page.numbers)
    return [
        {"name": name, "count": counts[name], "percent": share * counts[name], "colour": colour}
        for name, colour in _COLOURS.items()
    ]


def _label(page: ModelPage, box: str) -> str:
    return next((node.label for node in page.wiring.nodes if node.id == box), box)


def _modules(
    page: ModelPage, numbers: Mapping[str, NumberRow], equations: set[str]
) -> list[dict[str, object]]:
    modules: dict[str, list[EquationGroup]] = {}
    for group in page.groups:
        modules.setdefault(group.module, []).append(group)
    return [
        {
            "name": name,
            "count": sum(len(group.equations) for group in groups),
            "groups": [
                {
                    "heading": group.heading,
                    "open": len(group.equations) <= _OPEN_UP_TO,
                    "equations": [_equation(e, numbers, equations) for e in group.equations],
                }
                for group in groups
            ],
        }
        for name, groups in modules.items()
    ]


def _equation(
    equation: ModelEquation, numbers: Mapping[str, NumberRow], equations: set[str]
) -> dict[str, object]:
    used = [numbers[name] for name in dict.fromkeys(_WORD.findall(equation.expression)) if name in numbers]
    sign = {"rate": "′ =", "rule": ":=", "event": "="}[equation.kind]
    return {
        "id": equation.id,
        "anchor": f"q-{equation.id}" if equation.kind != "event" else "",
        "label": equation.label,
        "kind": _KINDS[equation.kind],
        "sign": sign,
        "text": _linked(equation.expression, numbers, equations),
        "unit": _unit(equation.unit),
        "line": equation.line,
        "note": equation.note,
        "reference": [(person, _shown(value)) for person, value in equation.values],
        "used_by": [name for name in equation.used_by if name in equations and name != equation.id],
        "numbers": [_number_line(row) for row in used],
    }


def _shown(value: float) -> str:
    """Return a reference value; what is zero but for rounding is shown as zero."""
    return f"{value:.4g}" if abs(value) > _ROUNDING else "0"


def _linked(expression: str, numbers: Mapping[str, NumberRow], equations: set[str]) -> Markup:
    """Return an expression with every quantity and number linked to where it stands."""
    parts: list[str] = []
    end = 0
    for match in _WORD.finditer(expression):
        word = match.group()
        target = f"n-{word}" if word in numbers else f"q-{word}" if word in equations else ""
        parts.append(escape(expression[end : match.start()]))
        parts.append(f'<a href="#{target}">{word}</a>' if target else escape(word))
        end = match.end()
    return Markup("".join([*parts, escape(expression[end:])]))


def _number_line(row: NumberRow) -> dict[str, str]:
    number = row.number
    read = f", {number.read.replace('_', ' ')}" if number.read else ""
    return {
        "id": number.id,
        "value": f"{number.value:.6g}",
        "unit": _unit(number.unit),
        "range": _range(row),
        "basis": number.basis,
        "read": read,
        "source": number.source or number.note,
    }


def _range(row: NumberRow) -> str:
    number = row.number
    return (
        f"{number.low:.4g} to {number.high:.4g}" if number.low is not None and number.high is not None else ""
    )


def _number_row(row: NumberRow, equations: set[str]) -> dict[str, object]:
    number = row.number
    return {
        **_number_line(row),
        "description": number.description,
        "uncertainty": number.uncertainty,
        "level": number.level,
        "read": (number.read or "").replace("_", " "),
        "source": number.source,
        "note": "; ".join(text for text in (number.note, _fitted(number.fitted_to)) if text),
        "table": row.table,
        "used_by": [name for name in row.used_by if name in equations],
    }


def _fitted(fitted_to: str) -> str:
    return f"fitted to {fitted_to}" if fitted_to else ""


def _unit(unit: str) -> str:
    return "" if unit == "-" else unit


def _sign_row(row: SignRow) -> dict[str, object]:
    share = "" if row.share_up is None else f"{100 * row.share_up:.0f} %"
    return {
        "row": row,
        "evidence": _arrow(row.evidence),
        "model": "none" if row.verdict == "absent" else _arrow(row.hand_fit),
        "changes": [f"{100 * change:+.2g} %" if row.verdict != "absent" else "0" for change in row.changes],
        "share": share,
    }


def _arrow(sign: str) -> str:
    return {"+": "raises", "-": "lowers"}.get(sign, "none")
