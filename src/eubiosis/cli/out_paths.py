"""Places that commands write to, looked at before the work that would end there."""

from __future__ import annotations

import os
from pathlib import Path

import click


class OutPath(click.Path):
    """A file or a folder to write: raises ``FindingsError`` where it cannot be made."""

    def __init__(self, *, folder: bool, exists: bool = False) -> None:
        super().__init__(path_type=Path, exists=exists, file_okay=not (exists and folder))
        self.folder = folder

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """Return the path; a lone "-" is left to the command."""
        from eubiosis.core.output import check_place

        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if str(path) != "-":
            check_place(path, folder=self.folder)
        return path


OUT_FILE, OUT_FOLDER = OutPath(folder=False), OutPath(folder=True)
