"""Make each tutorial an executed notebook: python docs/make_notebooks.py [--check]."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

from eubiosis.cli.main import in_one_line
from eubiosis.core.output import check_place, write_whole

TUTORIALS = Path(__file__).resolve().parent / "tutorials"
# what the notebook shows at its end, as rich displays: names that the tutorial gave
SHOWN = {
    "first_trial": ("stool", "cohort", "trials", "estimates", "power"),
    "evidence_and_brief": ("pooled", "pooled.studies"),
}


def notebook(page: Path) -> nbformat.NotebookNode:
    """Return a tutorial as a notebook: words, code with a paragraph a cell, and the displays at its end."""
    book = jupytext.reads(page.read_text(encoding="utf-8"), fmt="md")
    book.metadata.clear()
    cells = []
    for cell in book.cells:
        if cell.cell_type == "code":
            parts = _paragraphs(cell.source)
            cells += [nbformat.v4.new_code_cell(part) for part in (*parts, *SHOWN.get(page.stem, ()))]
        else:
            cells.append(nbformat.v4.new_markdown_cell(cell.source))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # the same page gives the same bytes
    book.cells = cells
    return book


def _paragraphs(code: str) -> list[str]:
    """Split code at its blank lines where the next line begins a statement of its own."""
    parts: list[str] = []
    for part in code.split("\n\n"):
        if parts and part[:1] in (" ", ")", "]", "}"):
            parts[-1] += "\n\n" + part
        else:
            parts.append(part)
    return parts


def executed(book: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Run a notebook in an empty folder; raises ``CellExecutionError`` with the cell that fails."""
    with tempfile.TemporaryDirectory(prefix="eubiosis-notebook-") as folder:
        NotebookClient(
            book, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}
        ).execute()
    for cell in book.cells:
        cell.metadata.clear()  # times of execution
    book.metadata.clear()
    return book


def faults(page: Path) -> list[str]:
    """Return what is wrong with the notebook beside a page: absent, of other cells, or not executed."""
    target = page.with_suffix(".ipynb")
    if not target.exists():
        return [f"{target.name} is missing"]
    wanted, found = notebook(page), nbformat.read(target, as_version=4)
    if [(c.cell_type, c.source) for c in wanted.cells] != [(c.cell_type, c.source) for c in found.cells]:
        return [f"{target.name} is not what its page says"]
    code = [cell for cell in found.cells if cell.cell_type == "code"]
    failed = any(out.output_type == "error" for cell in code for out in cell.outputs)
    run = all(cell.execution_count for cell in code) and any(cell.outputs for cell in code)
    return [] if run and not failed else [f"{target.name} is not executed, or a cell failed"]


def main(arguments: list[str]) -> int:
    """Execute and write the notebooks, or with --check name those that are not up to date."""
    pages = sorted(TUTORIALS.glob("*.md"))
    if arguments == ["--check"]:
        wrong = [fault for page in pages for fault in faults(page)]
        for fault in wrong:
            print(f"{fault}; next: python docs/make_notebooks.py", file=sys.stderr)
        return 1 if wrong else 0
    check_place(TUTORIALS, folder=True)
    for page in pages:
        text = nbformat.writes(executed(notebook(page)))
        write_whole(page.with_suffix(".ipynb"), text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(in_one_line(lambda: main(sys.argv[1:])))
