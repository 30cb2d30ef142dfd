"""Make each tutorial a notebook: python docs/make_notebooks.py [--check]."""

from __future__ import annotations

import sys
from pathlib import Path

import jupytext

TUTORIALS = Path(__file__).resolve().parent / "tutorials"


def notebook(page: Path) -> str:
    """Return a tutorial as the text of a notebook: its words and its code, without outputs or metadata."""
    book = jupytext.reads(page.read_text(encoding="utf-8"), fmt="md")
    book.metadata.clear()
    for number, cell in enumerate(book.cells):
        cell["id"] = f"cell-{number}"  # the same page gives the same bytes
        cell.metadata.clear()
    text: str = jupytext.writes(book, fmt="ipynb")
    return text


def main(arguments: list[str]) -> int:
    """Write the notebooks, or with --check name those that are not up to date."""
    stale = []
    for page in sorted(TUTORIALS.glob("*.md")):
        target = page.with_suffix(".ipynb")
        text = notebook(page)
        if arguments == ["--check"]:
            if not target.exists() or target.read_text(encoding="utf-8") != text:
                stale.append(target.name)
        else:
            target.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{name} is not what its page says; next: python docs/make_notebooks.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
