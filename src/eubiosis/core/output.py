"""Files that a command writes: whole or not at all, and what was there before stays until then."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path

from eubiosis.core.findings import Finding, FindingsError

_BLOCK = 4096  # bytes: what a disk gives at least
_HEAD = 65_536  # bytes of a page that hold its title, however long
_PAGE = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy"'
)
_NEXT = "choose another name; nothing is overwritten"


class Page(StrEnum):
    """Pages that may be made again in their own place, each known by the end of its title."""

    AXIS = "The gut-immune-brain axis in three people"
    MODEL = "The model: wiring, equations, numbers, signs"
    INFORMED = "What the data informed"
    TRIAL = " (simulated trial)"


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file beside its place, then rename it; raises ``OSError``, and the old file stays then.

    Text is written in UTF-8 with line feeds. The folder is made where it is missing.
    """
    with folder_of(path), beside(path) as temporary:
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield a name beside a file, with its ending, for a writer; what it wrote takes the file's place.

    An exception in the block leaves the file as it was. Raises ``OSError`` where the disk refuses, and for a
    device or a pipe, whose place a file would take.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(errno.EINVAL, "a device or a pipe, whose place a file would take", str(path))
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.new{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if error.filename in (None, str(temporary)):
            error.filename = str(path)  # the name that the user knows
        raise
    finally:
        with suppress(OSError):  # the error that is raised says more
            temporary.unlink(missing_ok=True)


@contextmanager
def folder_of(path: Path) -> Iterator[None]:
    """Make the folder that a file goes into; where the block fails, folders that were made go again."""
    made = [folder for folder in path.absolute().parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        with suppress(OSError):
            for folder in made:
                folder.rmdir()
        raise


@contextmanager
def staged(folder: Path, *, new: bool = False, own: Collection[str] | None = None) -> Iterator[Path]:
    """Yield an empty folder to write into; what it holds at the end of the block appears in ``folder``.

    An exception in the block leaves ``folder`` as it was. Files that were there already are replaced, one
    after the other, when all new ones are written; with ``new`` a folder that holds anything is refused, with
    ``own`` one that holds anything but these names. Raises ``FindingsError`` where the folder cannot be
    written; an ``OSError`` of the block about another file, such as one that it reads, stays what it is.
    """
    whole = folder.absolute()
    aside = whole.parent / f".{whole.name}.{secrets.token_hex(4)}.partial"
    check_free(folder, new=new, own=own)
    try:
        with folder_of(whole):
            try:
                aside.mkdir()
                yield aside
                if folder.exists():
                    _move_into(aside, whole)
                else:
                    os.replace(aside, whole)  # noqa: PTH105 - Path.replace says the same of a folder
            finally:
                shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        if not (_concerns(error, aside) or _concerns(error, whole)):
            raise
        raise _refused(folder, f"the folder cannot be written ({error.strerror})") from error


def check_free(folder: Path, *, new: bool = True, own: Collection[str] | None = None) -> None:
    """Raise ``FindingsError`` where ``staged`` would refuse a folder, before the work for it is done."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise _refused(folder, "a file stands there")
    others = [path.name for path in folder.iterdir() if path.name not in (own or ())]
    if others and (new or own is not None):
        problem = "it exists already and is not empty" if own is None else f"it holds {sorted(others)[0]} too"
        raise FindingsError([Finding(str(folder), "", problem, "a new or an empty folder", _NEXT)])


def check_new(path: Path, *, page: Page | None = None) -> None:
    """Raise ``FindingsError`` where a file stands that a command would replace.

    With ``page`` one of that kind may stand there, which is made again; it is known by its head.
    """
    if not path.is_file() or (page is not None and _is_page(path, page)):
        return
    if page is None:
        problem, allowed = "it exists already", "the name of a new file"
    else:
        problem, allowed = (
            "it exists already and is no such page",
            "a new file, or an earlier page of this kind",
        )
    raise FindingsError([Finding(str(path), "", problem, allowed, _NEXT)])


def check_place(path: Path, *, folder: bool) -> None:
    """Raise ``FindingsError`` where a file, or a ``folder``, cannot be written, before the work for it.

    A block of 4 kB is written beside the place and taken away again: rights alone do not tell of a full disk.
    """
    if path.exists() and path.is_dir() != folder:
        problem = "a file stands there" if folder else "a folder stands there"
        raise _refused(path, problem)
    nearest = next(each for each in (path.absolute(), *path.absolute().parents) if os.path.lexists(each))
    if nearest.is_symlink() and not nearest.exists():
        raise _refused(path, "a link that leads nowhere stands there")
    if nearest != path.absolute() and not nearest.is_dir():
        raise _refused(path, f"{nearest.name} is a file and no folder")
    probe = (nearest if nearest.is_dir() else nearest.parent) / f".{secrets.token_hex(8)}.probe"
    try:
        try:
            probe.write_bytes(bytes(_BLOCK))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise _refused(path, f"its folder cannot be written ({error.strerror})") from error


def copy_files(source: Path, target: Path) -> None:
    """Copy the files of a folder, those of its folders too; raises the ``OSError`` of the first that fails.

    What Python keeps beside its modules stays behind, and so do rights: a copy may be written.
    """
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def _is_page(path: Path, page: Page) -> bool:
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD).decode("utf-8", errors="replace")
    except OSError:  # what cannot be read is not known to be ours
        return False
    return head.startswith(_PAGE) and f"{page}</title>" in head


def _move_into(aside: Path, folder: Path) -> None:
    for path in sorted(p for p in aside.rglob("*") if not p.is_dir()):
        target = folder / path.relative_to(aside)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def _concerns(error: OSError, folder: Path) -> bool:
    """Whether an error names a folder, a file in it or a folder around it; one that names nothing may."""
    if not isinstance(error.filename, str | bytes | os.PathLike):
        return True
    named = Path(os.fsdecode(error.filename)).absolute()
    return named.is_relative_to(folder) or folder.is_relative_to(named)


def _refused(place: Path, problem: str) -> FindingsError:
    allowed = "a place where you may write, on a disk with room"
    return FindingsError([Finding(str(place), "", problem, allowed, "give another place, or make room")])
