"""A run folder: written aside and renamed when it is whole; finished pieces of work survive a failure."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import TracebackType

from eubiosis.compute.chunk_store import ChunkStore, force_folder
from eubiosis.compute.run_lock import LOCK, RunLock
from eubiosis.core.errors import NumericalFailuresError
from eubiosis.core.findings import ExecutorError, Finding, FindingsError
from eubiosis.core.frame import Table, TableStream
from eubiosis.core.json_data import Json
from eubiosis.core.version import __version__

ORIGIN = "simulated; prior only: not calibrated to any clinical outcome"
LIBRARIES = ("antimony", "llvmlite", "numpy", "pyarrow", "pydantic", "python-libsbml", "pyyaml", "scipy")
LOG = "log.jsonl"
CHUNKS = "chunks"
BLOCK = ".block-"  # in the names of chunks that hold a block of the subjects of a gut world
_FINAL = (FindingsError, NumericalFailuresError)  # the same input would end in the same way
MANIFEST = "manifest.json"


class RunFolder:
    """Write a run folder, whole or not at all.

    Use as a context manager. Files go into a hidden folder beside ``target`` (``unfinished``), which is
    renamed to ``target`` when the block ends. An exception inside the block, Ctrl-C included, removes it,
    unless finished chunks lie in it: those stay for a run with ``resume`` (not after findings or numerical
    failures, which the same input would give again, save ``ExecutorError``). One process writes at a time: a
    lock lies in the hidden folder, and whoever comes second is refused at once. Entering raises
    ``FindingsError`` when the target is a file or a folder that is not empty, when its parent cannot be
    written to, when another process writes, or when chunks of an earlier run lie there and ``resume`` is
    false. With ``replace`` an earlier run folder is replaced, but only one that holds nothing besides the
    files of its own manifest.
    """

    def __init__(self, target: Path, *, replace: bool = False, resume: bool = False) -> None:
        self.target = target
        self.replace = replace
        self.resume = resume
        self._lock: RunLock | None = None
        self._foreign = False  # chunks of another run lie there
        self._seeds: dict[str, int] = {}
        self._inputs: dict[str, dict[str, str | int]] = {}
        self._facts: dict[str, str | int | float | bool] = {}
        self._made: list[Path] = []
        self._files: list[str] = []
        # names that differ in capitals only are one file on Windows and macOS
        self._taken = {name.casefold() for name in (LOG, MANIFEST, LOCK)}
        self._started = 0.0
        self._folder: Path | None = None

    def __enter__(self) -> RunFolder:
        self._refuse_target()
        whole = self.target.absolute()
        partial = unfinished(self.target)
        with ExitStack() as undo:
            undo.callback(self._remove_parents)
            try:
                for folder in reversed([p for p in whole.parents if not p.exists()]):
                    folder.mkdir()
                    self._made.append(folder)
                self._refuse_links(partial)
                if not partial.exists():
                    partial.mkdir()
                    undo.callback(_remove_empty, partial)
                lock = RunLock(partial, shown=self.target).__enter__()
            except OSError as error:
                raise self._refusal(
                    f"the run folder cannot be made here ({error.strerror})",
                    "a new folder where you may write",
                    "give another --out",
                ) from error
            undo.pop_all()
        self._lock, self._folder = lock, partial
        try:
            self._clear(partial)
        except BaseException:
            self._lock.__exit__(None, None, None)
            raise
        self._started = time.monotonic()
        self.log("started", utc=datetime.now(UTC).isoformat(timespec="seconds"), eubiosis=__version__)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._lock is not None
        try:
            if kind is None:
                self.log("finished", seconds=round(time.monotonic() - self._started, 1))
                self._write_manifest()
                self._publish()
        finally:
            if self.folder.exists():
                final = kind is not None and issubclass(kind, _FINAL) and not issubclass(kind, ExecutorError)
                kept = (self._foreign or not final) and any((self.folder / CHUNKS).glob("*.chunk"))
                self._lock.__exit__(None, None, None)
                if not kept:
                    shutil.rmtree(self.folder)
                    self._remove_parents()

    @property
    def inputs(self) -> dict[str, str]:
        """The digests of the files recorded as inputs, by label."""
        return {label: str(facts["sha256"]) for label, facts in self._inputs.items()}

    def chunks(self, key: str) -> ChunkStore:
        """Return the store of finished pieces of work; ``key`` is the digest of all that decides them.

        Raises ``FindingsError`` where the chunks that lie there are of another key: a changed workflow,
        table, model or version makes another run.
        """
        store = ChunkStore(self.folder / CHUNKS, key)
        store.sweep()
        self._foreign = bool(store.foreign())
        if self._foreign:
            raise self._refusal(
                "the unfinished run that lies there is of another workflow, table, model or version",
                "the workflow that it was begun with",
                f"give another --out, or delete {unfinished(self.target).name}",
            )
        return store

    def _clear(self, partial: Path) -> None:
        """Remove what an earlier run left, save its chunks, which only a run with ``resume`` may take up."""
        left = sorted((partial / CHUNKS).glob("*.chunk"))
        if left and not self.resume:
            raise self._refusal(
                f"an unfinished run lies there, with {len(left)} finished chunks",
                "the option --resume, which goes on with it",
                f"give --resume, or another --out, or delete {partial.name}",
            )
        for path in partial.iterdir():
            if path.name in (CHUNKS, LOCK):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _refuse_links(self, partial: Path) -> None:
        """Refuse a hidden folder that leads elsewhere: nothing is written or removed outside."""
        for path in (partial, partial / CHUNKS, partial / LOCK):
            if path.is_symlink() or (path != partial / LOCK and path.exists() and not path.is_dir()):
                raise self._refusal(
                    f"{path.name} is a link or no folder", "a folder of an unfinished run", f"delete {path}"
                )

    @property
    def folder(self) -> Path:
        """The folder that is being written; raises ``RuntimeError`` outside the block."""
        if self._folder is None:
            message = "a run folder is written inside its with block"
            raise RuntimeError(message)
        return self._folder

    def write_text(self, name: str, text: str) -> str:
        """Write a text file in UTF-8 and return its SHA-256."""
        return self.write_bytes(name, text.encode("utf-8"))

    def write_json(self, name: str, record: Mapping[str, Json]) -> str:
        """Write a record as JSON and return the file's SHA-256; NaN raises ``ValueError``."""
        return self.write_text(name, json.dumps(record, indent=1, allow_nan=False) + "\n")

    def write_bytes(self, name: str, content: bytes) -> str:
        """Write a file and return its SHA-256; a name that is taken or leaves the folder is refused."""
        path = self._claim(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return hashlib.sha256(content).hexdigest()

    def write_table(self, name: str, table: Table, notes: Mapping[str, str] | None = None) -> str:
        """Write ``tables/NAME.parquet`` and return its SHA-256.

        ``notes`` go into the file beside its origin, the table's own notes and its units. The same table and
        notes give the same bytes. Raises ``ValueError`` for notes that would replace the origin.
        """
        return self.write_bytes(f"tables/{name}.parquet", table_bytes(table, notes))

    def log(self, event: str, **fields: object) -> None:
        """Add a line to log.jsonl."""
        record = {"seconds": round(time.monotonic() - self._started, 3), "event": event, **fields}
        with (self.folder / LOG).open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(json.dumps(record, allow_nan=False) + "\n")

    def add_seed(self, name: str, seed: int) -> None:
        """Record a seed for the manifest."""
        self._seeds[name] = seed

    def add_fact(self, name: str, value: str | int | float | bool) -> None:
        """Record one more thing for the manifest."""
        self._facts[name] = value

    def add_input(self, label: str, path: Path) -> str:
        """Record what a file read by the run held, under a label without a path; return its SHA-256."""
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        self._inputs[label] = {"sha256": digest, "bytes": len(content)}
        return digest

    def add_inputs(self, prefix: str, folder: Path) -> None:
        """Record every file below a folder, under the prefix and its path inside the folder."""
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            self.add_input(f"{prefix}/{path.relative_to(folder).as_posix()}", path)

    def _claim(self, name: str) -> Path:
        pure = PurePosixPath(name)
        inside_chunks = pure.parts[:1] == (CHUNKS,)
        if pure.is_absolute() or ".." in pure.parts or inside_chunks or name.casefold() in self._taken:
            message = f'"{name}" is taken, reserved or outside the run folder'
            raise ValueError(message)
        self._files.append(name)
        self._taken.add(name.casefold())
        return self.folder / name

    def _write_manifest(self) -> None:
        files: dict[str, dict[str, str | int]] = {}
        for name in sorted([*self._files, LOG]):
            content = (self.folder / name).read_bytes()
            files[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        record: dict[str, Json] = {
            "origin": ORIGIN,
            "eubiosis": __version__,
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
            "libraries": {library: metadata.version(library) for library in LIBRARIES},
            "seeds": self._seeds,
            "facts": self._facts,
            "inputs": self._inputs,
            "files": files,
        }
        _refuse_absolute_paths(record)
        text = json.dumps(record, indent=1, allow_nan=False) + "\n"
        (self.folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")

    def _publish(self) -> None:
        self._refuse_target()  # somebody may have written there meanwhile
        whole = self.target.absolute()
        old = whole.parent / f".{whole.name}.{secrets.token_hex(4)}.old"
        for name in [*self._files, LOG, MANIFEST]:
            _force(self.folder / name)
        force_folder(self.folder)
        if whole.exists():
            whole.rename(old)
        self.folder.rename(whole)
        force_folder(whole.parent)
        # only now: until the run is whole under its name, its chunks are all there is of it
        assert self._lock is not None
        self._lock.moved(whole)
        self._lock.__exit__(None, None, None)
        for left in (whole / CHUNKS, old):
            if left.exists():
                shutil.rmtree(left)

    def _refuse_target(self) -> None:
        if not self.target.exists() and not self.target.is_symlink():
            return
        if not self.target.is_dir():
            raise self._refusal(
                "a file stands where the run folder should be", "a folder that does not exist yet"
            )
        if any(self.target.iterdir()) and not (self.replace and self._is_a_run()):
            raise self._refusal("the folder is not empty", "a new or empty folder; nothing is overwritten")

    def _is_a_run(self) -> bool:
        """Tell whether the target holds a run and nothing else."""
        manifest = self.target / MANIFEST
        try:
            record = json.loads(manifest.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return False
        if not isinstance(record, dict) or record.get("origin") != ORIGIN:
            return False
        files = record.get("files")
        own = {MANIFEST, *(files if isinstance(files, dict) else ())}
        there = {p.relative_to(self.target).as_posix() for p in self.target.rglob("*") if not p.is_dir()}
        return there <= own

    def _refusal(
        self, problem: str, allowed: str, next_step: str = "give another --out, or move the old one"
    ) -> FindingsError:
        return FindingsError([Finding(str(self.target), "--out", problem, allowed, next_step)])

    def _remove_parents(self) -> None:
        while self._made:
            folder = self._made.pop()
            if any(folder.iterdir()):
                return
            folder.rmdir()


def _remove_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()


def _force(path: Path) -> None:
    """Force a file to the disk."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def unfinished(target: Path) -> Path:
    """Return the hidden folder in which the run ``target`` is written until it is whole."""
    whole = target.absolute()
    return whole.parent / f".{whole.name}.partial"


def table_bytes(table: Table, notes: Mapping[str, str] | None = None) -> bytes:
    """Return a parquet file as bytes, the same for the same table and notes.

    Raises ``ValueError`` for notes that would replace the origin.
    """
    own = _origin()
    taken = own.keys() & (notes or {}).keys()
    if taken:
        message = f'notes "{", ".join(sorted(taken))}" are written by the run folder itself'
        raise ValueError(message)
    return table.to_parquet({**(notes or {}), **own})


def table_stream() -> TableStream:
    """Return a parquet file that grows by tables and says where they come from."""
    return TableStream(_origin())


def _origin() -> dict[str, str]:
    return {"origin": ORIGIN, "eubiosis": __version__}


def _refuse_absolute_paths(record: Mapping[str, Json]) -> None:
    for text in _texts(record):
        if PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute():
            message = f'the manifest would hold an absolute path: "{text}"'
            raise ValueError(message)


def _texts(record: Json) -> Iterable[str]:
    if isinstance(record, str):
        yield record
    elif isinstance(record, Mapping):
        for key, value in record.items():
            yield str(key)
            yield from _texts(value)
