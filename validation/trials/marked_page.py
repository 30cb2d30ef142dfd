"""Write a table into a page of the documentation, between two marks."""

from __future__ import annotations

from pathlib import Path


def put_between(page: Path, begin: str, end: str, text: str) -> None:
    """Put ``text`` where something stands between the marks ``begin`` and ``end``, which stay.

    Raises ``ValueError`` where the page has not one of each.
    """
    head, rest = page.read_text(encoding="utf-8").split(begin)
    _, tail = rest.split(end)
    page.write_text(f"{head}{begin}\n{text}{end}{tail}", encoding="utf-8")
