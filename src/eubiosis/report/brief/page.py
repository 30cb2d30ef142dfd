"""The brief as one page: the same blocks as self-contained HTML and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from eubiosis.report.brief.words import brief_blocks
from eubiosis.report.pages import render


def brief_html(record: Mapping[str, Any]) -> str:
    """Return the page of a brief, with its data inside; every text is escaped."""
    data = json.dumps(record, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return render("brief.html", record=record, blocks=brief_blocks(record), data=Markup(data))


def brief_markdown(record: Mapping[str, Any]) -> str:
    """Return the brief as Markdown, its numbers those of the page."""
    asked = record["question"]
    parts = [
        f"# {_inline(asked['title'])}",
        f"*{_inline(asked['question'])}*",
        f"> {_inline(record['notice'])}",
    ]
    for block in brief_blocks(record):
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
    parts.append(f"Eubiosis {record['version']}; from {_inline(record['file'])}.")
    return "\n\n".join(parts) + "\n"


def _row(cells: list[str] | tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


def _inline(text: str) -> str:
    """Keep a text on its line and its characters literal."""
    flat = " ".join(text.split())
    for mark in ("\\", "|", "<", "*", "_", "`"):
        flat = flat.replace(mark, "\\" + mark)
    return flat
