"""The brief as one page: the same blocks as self-contained HTML and as Markdown."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import replace

from eubiosis.core.brief import BriefData
from eubiosis.core.record import as_record
from eubiosis.report.as_read import as_read
from eubiosis.report.brief.blocks import Passage, TextTable
from eubiosis.report.brief.plan import practical_blocks
from eubiosis.report.brief.words import evidence_blocks


def brief_blocks(brief: BriefData) -> list[Passage]:
    """Return the parts of a brief in reading order; studies are named by author and year, not by id."""
    return [_named(part) for part in (*evidence_blocks(brief), *practical_blocks(brief))]


def _named(part: Passage) -> Passage:
    tables = tuple(
        replace(table, title=as_read(table.title), rows=tuple(tuple(map(as_read, row)) for row in table.rows))
        for table in part.tables
    )
    return replace(
        part,
        paragraphs=tuple(map(as_read, part.paragraphs)),
        tables=tables,
        items=tuple(map(as_read, part.items)),
        small=tuple(map(as_read, part.small)),
    )


def brief_html(brief: BriefData) -> str:
    """Return the page of a brief, with its data inside; every text is escaped."""
    from markupsafe import Markup

    from eubiosis.report.pages import render

    data = json.dumps(as_record(brief), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return render("brief.html", record=brief, blocks=brief_blocks(brief), data=Markup(data))


def brief_fragment(brief: BriefData) -> str:
    """Return the brief as HTML for a notebook: no page around it, no style, every text escaped."""
    asked = brief.question
    parts = [f"<h3>{html.escape(asked.title)}</h3>", f"<p><em>{html.escape(asked.question)}</em></p>"]
    parts.append(f"<p><strong>{html.escape(brief.notice)}</strong></p>")
    for block in brief_blocks(brief):
        parts.append(f"<h4>{html.escape(block.title)}</h4>")
        parts += [f"<p>{html.escape(text)}</p>" for text in block.paragraphs]
        parts += [_table(table) for table in block.tables]
        parts.append(block.figure)
        if block.items:
            parts.append("<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in block.items) + "</ul>")
    return "\n".join(parts)


def _table(table: TextTable) -> str:
    head = "".join(f"<th>{html.escape(name)}</th>" for name in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    title = f"<caption>{html.escape(table.title)}</caption>" if table.title else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def brief_markdown(brief: BriefData) -> str:
    """Return the brief as Markdown, its numbers those of the page."""
    parts = [
        f"# {_inline(brief.question.title)}",
        f"*{_inline(brief.question.question)}*",
        f"> {_inline(brief.notice)}",
    ]
    for block in brief_blocks(brief):
        parts.append(f"## {_inline(block.title)}")
        parts += [_inline(text) for text in block.paragraphs]
        for table in block.tables:
            if table.title:
                parts.append(f"**{_inline(table.title)}**")
            lines = [_row(table.columns), _row(["---"] * len(table.columns))]
            parts.append("\n".join([*lines, *(_row([_inline(cell) for cell in row]) for row in table.rows)]))
        if block.items:
            parts.append("\n".join(f"- {_inline(item)}" for item in block.items))
        if block.small:
            parts.append("\n".join(f"- {_inline(item)}" for item in block.small))
    parts.append(f"Eubiosis {brief.version}; from {_inline(brief.file)}.")
    return "\n\n".join(parts) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _inline(text: str) -> str:
    """Keep a text on its line and its characters literal."""
    flat = " ".join(text.split())
    for mark in ("\\", "|", "<", "*", "_", "`"):
        flat = flat.replace(mark, "\\" + mark)
    return flat
