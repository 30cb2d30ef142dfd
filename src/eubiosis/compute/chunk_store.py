"""Finished pieces of work on disk: each whole or not there, each with its checksum.

A piece is written into a temporary file, forced to the disk and renamed, so that a kill, a full disk or a
power cut leaves the old state or the new one. What does not read back as it was written counts as missing.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
from pathlib import Path

from eubiosis.core.findings import ExecutorError, Finding

_MAGIC = b"eubiosis chunk 2\n"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}")
_SUFFIX = ".chunk"
_MOST_HEAD = 400  # bytes of the line with key, length and checksum
_MOST_BYTES = 2**32  # of a chunk


class ChunkStore:
    """Chunks of one run below one folder, by name.

    ``key`` is the digest of everything that decides the chunks (workflow, inputs, model, version): a chunk of
    another key counts as missing. Names are lower-case letters, digits, ".", "_" and "-".

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     store = ChunkStore(Path(folder), key="abc")
    ...     store.write("gut-0000", b"numbers")
    ...     store.read("gut-0000"), store.read("gut-0001"), ChunkStore(Path(folder), key="x").read("gut-0000")
    (b'numbers', None, None)
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.key = key

    def write(self, name: str, content: bytes) -> None:
        """Write one chunk, whole or not at all; raises ``OSError`` where the disk does not take it."""
        target = self._path(name)
        if self.folder.is_symlink():
            raise OSError(errno.ELOOP, "a link, where a folder of the run is expected", str(self.folder))
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f".{name}.{secrets.token_hex(4)}.new"
        try:
            with temporary.open("xb") as out:
                out.write(_MAGIC + _head(name, self.key, content))
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(target)
        except BaseException as error:
            if isinstance(error, OSError) and error.filename is None:
                error.filename = str(target)  # a full disk does not say whose
            with contextlib.suppress(OSError):  # the error that is raised says more
                temporary.unlink(missing_ok=True)
            raise
        force_folder(self.folder)

    def read(self, name: str) -> bytes | None:
        """Return a chunk, or None where it is missing, damaged or of another run."""
        key, body = self._parted(name)
        return body if key == self.key else None

    def demanded(self, name: str) -> bytes:
        """Return a chunk that was there; raises ``ExecutorError`` where it is missing or damaged since."""
        content = self.read(name)
        if content is None:
            raise gone(name)
        return content

    def foreign(self) -> list[str]:
        """Return the names of chunks of another run that lie there; of each only the head is read."""
        return [name for name in self.names() if self._key_of(name) not in (None, self.key)]

    def is_there(self, name: str) -> bool:
        """Say whether a chunk of this run lies there in its full length; what it holds is not read."""
        return self._key_of(name) == self.key

    def _key_of(self, name: str) -> str | None:
        """Return the key in the head of a chunk; None where it is missing or not as long as its head says."""
        head = self._head_of(name)
        return None if head is None else head.partition(b" ")[0].decode("ascii", "replace")

    def _head_of(self, name: str) -> bytes | None:
        """Return the head of a chunk; None where it is missing or not as long as its head says.

        Nothing outside is looked at, no pipe is waited for, and what is too large for a chunk is none.
        """
        path = self._path(name)
        if self.folder.is_symlink() or path.is_symlink() or not path.is_file():
            return None
        with path.open("rb") as content:
            start = content.read(len(_MAGIC) + _MOST_HEAD)
        head, newline, _ = start[len(_MAGIC) :].partition(b"\n")
        words = head.split(b" ")
        if not (start.startswith(_MAGIC) and newline and len(words) == 3 and words[1].isdigit()):
            return None
        size = path.stat().st_size
        whole = len(_MAGIC) + len(head) + 1 + int(words[1]) == size <= _MOST_BYTES
        return head if whole else None

    def _parted(self, name: str) -> tuple[str | None, bytes]:
        """Return the key and the content of a chunk; no key where it is missing or damaged."""
        head = self._head_of(name)
        if head is None:
            return None, b""
        body = self._path(name).read_bytes()[len(_MAGIC) + len(head) + 1 :]
        key = head.partition(b" ")[0].decode("ascii", "replace")
        return (key, body) if head + b"\n" == _head(name, key, body) else (None, b"")

    def names(self) -> list[str]:
        """Return the names of the chunks that are there, whole or not, in order; other files are none."""
        if self.folder.is_symlink() or not self.folder.is_dir():
            return []
        names = (
            path.name.removesuffix(_SUFFIX) for path in self.folder.iterdir() if path.name.endswith(_SUFFIX)
        )
        return sorted(name for name in names if _is_name(name))

    def remove(self, name: str) -> None:
        """Remove a chunk, if it is there."""
        self._path(name).unlink(missing_ok=True)

    def whole(self) -> list[str]:
        """Return the names of the chunks that read back as they were written."""
        return [name for name in self.names() if self.read(name) is not None]

    def sweep(self) -> None:
        """Remove what a killed writer left half-written."""
        if self.folder.is_dir():
            for path in self.folder.glob(".*.new"):
                path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not _is_name(name):
            message = f"{name!r} is no name of a chunk"
            raise ValueError(message)
        return self.folder / f"{name}{_SUFFIX}"


def gone(name: str) -> ExecutorError:
    """Return the finding about a chunk that went, or was damaged, after it had been written; others stay."""
    problem = "it is missing, or damaged, since it was written in this run"
    step = "look at the disk and run it again with --resume: what is lacking is made anew"
    return ExecutorError([Finding(f"chunk {name}", "", problem, next_step=step)])


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and ".." not in name


def _head(name: str, key: str, content: bytes) -> bytes:
    """Return the line before a chunk; its checksum covers the name, so that no chunk passes for another."""
    digest = hashlib.sha256(f"{name}\x1f{key}\x1f".encode() + content).hexdigest()
    return f"{key} {len(content)} {digest}\n".encode()


def force_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system can (Windows cannot open a folder)."""
    flag = getattr(os, "O_DIRECTORY", None)
    if flag is None:
        return
    handle = os.open(folder, os.O_RDONLY | flag)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
