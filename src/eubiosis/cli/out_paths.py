"""Places that commands write to, looked at before the work that would end there."""

from __future__ import annotations

import os
from pathlib import Path

import click

from eubiosis.core.output import Page, check_free, check_new, check_place


class OutPath(click.Path):
    """A file or a folder to write: raises ``FindingsError`` where it cannot be made.

    A file must be new, or an earlier ``page`` of its kind; a folder with ``new`` must be new or empty.
    """

    def __init__(
        self, *, folder: bool, exists: bool = False, new: bool = False, page: Page | None = None
    ) -> None:
        super().__init__(path_type=Path, exists=exists, file_okay=not (exists and folder))
        self.folder, self.new, self.page = folder, new, page

    def convert(
        self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """Return the path; a lone "-" is left to the command."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if str(path) != "-":
            check_place(path, folder=self.folder)
            if self.new:
                check_free(path)
            elif not self.folder:
                check_new(path, page=self.page)
        return path


OUT_FILE, OUT_FOLDER = OutPath(folder=False), OutPath(folder=True)
NEW_FOLDER = OutPath(folder=True, new=True)
