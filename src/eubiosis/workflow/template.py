"""Make a folder with a commented workflow to start from, and the made example table beside it."""

from __future__ import annotations

from pathlib import Path

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.output import write_whole
from eubiosis.population.example import example_table

TEMPLATE = PACKAGED_CONTENT / "trials" / "template.yaml"


def new_workflow(folder: Path) -> Path:
    """Make ``folder`` with the commented ``workflow.yaml`` and the made ``stool.tsv``; return the workflow.

    Raises ``FindingsError`` when the folder exists already or cannot be made.
    """
    text = TEMPLATE.read_text(encoding="utf-8")
    try:
        folder.mkdir()
    except OSError as error:
        exists = isinstance(error, FileExistsError)
        finding = Finding(
            str(folder),
            "",
            "it exists already" if exists else f"the folder cannot be made ({error.strerror})",
            "the name of a new folder in a folder where you may write",
            "choose another name; nothing is overwritten" if exists else "name it in a folder that exists",
        )
        raise FindingsError([finding]) from error
    try:
        write_whole(folder / "stool.tsv", example_table().read_bytes())
        return write_whole(folder / "workflow.yaml", text)
    except OSError as error:
        (folder / "stool.tsv").unlink(missing_ok=True)
        folder.rmdir()
        problem = f"the file cannot be written ({error.strerror})"
        raise FindingsError([Finding(str(folder), "", problem, next_step="make room")]) from error
