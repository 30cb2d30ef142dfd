"""Files that a command writes: whole or not at all, and what was there before stays until then."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eubiosis.core.findings import Finding, FindingsError


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file beside its place, then rename it; raises ``OSError``, and the old file stays then.

    Text is written in UTF-8 with line feeds. The folder is made where it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


@contextmanager
def staged(folder: Path, *, new: bool = False) -> Iterator[Path]:
    """Yield an empty folder to write into; what it holds at the end of the block appears in ``folder``.

    An exception in the block leaves ``folder`` as it was. Files that were there already are replaced, one
    after the other, when all new ones are written; with ``new`` a folder that holds anything is refused.
    Raises ``FindingsError`` where the folder cannot be written.
    """
    whole = folder.absolute()
    aside = whole.parent / f".{whole.name}.{secrets.token_hex(4)}.partial"
    check_free(folder, new=new)
    try:
        aside.mkdir(parents=True)
    except OSError as error:
        raise _refused(folder, f"the folder cannot be made ({error.strerror})") from error
    try:
        yield aside
        if folder.exists():
            _move_into(aside, whole)
        else:
            os.replace(aside, whole)  # noqa: PTH105 - Path.replace says the same of a folder
    except OSError as error:
        raise _refused(folder, f"the folder cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_free(folder: Path, *, new: bool = True) -> None:
    """Raise ``FindingsError`` where ``staged`` would refuse a folder, before the work for it is done."""
    if folder.exists() and (not folder.is_dir() or (new and any(folder.iterdir()))):
        problem = "it exists already and is not empty" if folder.is_dir() else "a file stands there"
        raise _refused(folder, problem)


def _move_into(aside: Path, folder: Path) -> None:
    for path in sorted(p for p in aside.rglob("*") if not p.is_dir()):
        target = folder / path.relative_to(aside)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def _refused(folder: Path, problem: str) -> FindingsError:
    allowed = "a folder where you may write, on a disk with room"
    return FindingsError([Finding(str(folder), "", problem, allowed, "give another folder, or make room")])
