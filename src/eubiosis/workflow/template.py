"""Make a folder to start from: a workflow, a question or a plan for each kind of use."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import Finding, FindingCollector, FindingsError, unknown_word
from eubiosis.core.output import write_whole
from eubiosis.core.tables import TableRow, read_table
from eubiosis.population.example import example_table

STARTS = PACKAGED_CONTENT / "starts" / "starts.tsv"
DEFAULT_START = "trial"


class Start(TableRow):
    """A file to start from: ``file`` lies below the content, ``what`` says what it is for."""

    id: str
    kind: Literal["workflow", "question", "plan"]
    file: str
    what: str

    @property
    def path(self) -> Path:
        """Where the packaged file lies."""
        return PACKAGED_CONTENT / self.file

    @property
    def target(self) -> str:
        """The name of the file in a new folder."""
        return f"{self.kind}.yaml"


@cache
def starts() -> tuple[Start, ...]:
    """Read the list of starts; raises ``FindingsError`` where it names a file that is missing.

    >>> [each.id for each in starts()][:3]
    ['trial', 'own_table', 'fatigue']
    """
    findings = FindingCollector()
    rows = read_table(STARTS, Start, findings)
    for row in rows:
        if not row.path.is_file():
            findings.add(STARTS.name, row.id, f"{row.file} is missing", next_step="write it")
    findings.raise_if_any()
    return tuple(rows)


def new_workflow(folder: Path, start: str = DEFAULT_START) -> Path:
    """Make ``folder`` with the file of a start, beside a workflow the made ``stool.tsv``; return the file.

    Raises ``FindingsError`` for an unknown start, and when the folder exists already or cannot be made.
    """
    known = {each.id: each for each in starts()}
    if start not in known:
        said = Finding(
            "--from", "", f"start {unknown_word(start, known)}", next_step="see: eubiosis new --list"
        )
        raise FindingsError([said])
    chosen = known[start]
    text = chosen.path.read_text(encoding="utf-8")
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
        if chosen.kind == "workflow":
            write_whole(folder / "stool.tsv", example_table().read_bytes())
        return write_whole(folder / chosen.target, text)
    except OSError as error:
        (folder / "stool.tsv").unlink(missing_ok=True)
        folder.rmdir()
        problem = f"the file cannot be written ({error.strerror})"
        raise FindingsError([Finding(str(folder), "", problem, next_step="make room")]) from error
