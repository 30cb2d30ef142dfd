"""Make a folder with a commented workflow to start from."""

from __future__ import annotations

from pathlib import Path

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.output import write_whole

TEMPLATE = PACKAGED_CONTENT / "trials" / "template.yaml"


def new_workflow(folder: Path) -> Path:
    """Make ``folder`` with the commented ``workflow.yaml`` in it and return the file's path.

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
        return write_whole(folder / "workflow.yaml", text)
    except OSError as error:
        folder.rmdir()
        problem = f"the file cannot be written ({error.strerror})"
        raise FindingsError([Finding(str(folder), "", problem, next_step="make room")]) from error
