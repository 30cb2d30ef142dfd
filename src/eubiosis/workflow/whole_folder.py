"""Write a folder whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

from eubiosis.core.findings import Finding, FindingsError


def write_whole(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write files by name into a new or empty folder and return their paths.

    Raises ``FindingsError`` where the folder holds something or cannot be made; then nothing is left behind.
    """
    check_free(folder)
    partial = folder.absolute().parent / f".{folder.absolute().name}.{secrets.token_hex(4)}.partial"
    try:
        partial.mkdir(parents=True)
        for name, content in contents.items():
            (partial / name).write_bytes(content)
        if folder.exists():
            folder.rmdir()
        os.replace(partial, folder)  # noqa: PTH105 - Path.replace says the same of a folder
    except OSError as error:
        raise _refused(folder, f"the folder cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return [folder / name for name in contents]


def check_free(folder: Path) -> None:
    """Raise ``FindingsError`` where a folder holds something, before the work for it is done."""
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise _refused(folder, f"the folder cannot be read ({error.strerror})") from error
    if taken:
        raise _refused(folder, "it exists already and is not empty")


def _refused(folder: Path, problem: str) -> FindingsError:
    allowed = "a new or empty folder where you may write"
    return FindingsError([Finding(str(folder), "", problem, allowed, "give another --out")])
