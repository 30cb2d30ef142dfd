"""A run folder: written aside and renamed when it is whole; finished pieces of work survive a failure."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
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
_READY = ".ready"  # in the hidden folder: what the run folder will be, without chunks and lock
_MARK = ".published"  # in the hidden folder: the digest of the manifest of the run that was made of it
_OLD = "old"  # beside the target: an earlier run that is being replaced
_GONE = "gone"  # beside the target: nobody's any more, being removed
_TURNS = 10  # to begin, where a run that ends removes the same folders


class RunFolder:
    """Write a run folder, whole or not at all.

    Use as a context manager. Files go into a hidden folder beside ``target`` (``unfinished``); when the block
    ends they are renamed to ``target`` in one step, and the hidden folder, with chunks and lock, is removed.
    An exception inside the block, Ctrl-C included, removes it, unless finished chunks lie in it: those stay
    for a run with ``resume`` (not after findings or numerical failures, which the same input would give
    again, save ``ExecutorError``). A kill at any moment leaves those chunks, or the whole run; what it leaves
    beside a whole run is removed by the next run with the same target, or with ``resume``.

    One process writes at a time: a lock lies in the hidden folder, and whoever comes second is refused at
    once. Entering raises ``FindingsError`` when the target is a file, a link, a folder that is not empty or
    one that nothing can be renamed to (the current folder, where a disk is mounted), when its parent cannot
    be written to, when another process writes, or when chunks of an earlier run lie there and ``resume`` is
    false. Writing and the end of the block raise it when another process has taken the lock over. With
    ``replace`` an earlier run folder is replaced, but only one that holds nothing besides the files of its
    own manifest.
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
        try:
            self._refuse_target()
        except FindingsError:
            if self.resume:
                self._tidy_finished()
            raise
        partial = unfinished(self.target)
        with ExitStack() as undo:
            undo.callback(self._remove_parents)
            undo.callback(_remove_empty, partial)
            try:
                self._lock = self._locked(partial)
            except OSError as error:
                raise self._refusal(
                    f"the run folder cannot be made here ({error.strerror})",
                    "a new folder where you may write",
                    "give another --out",
                ) from error
            undo.pop_all()
        self._folder = partial
        try:
            self._sweep()
            self._clear(partial)
            self._started = time.monotonic()
            self.log("started", utc=datetime.now(UTC).isoformat(timespec="seconds"), eubiosis=__version__)
        except BaseException:
            self._leave(keep=self._has_chunks())
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.log("finished", seconds=round(time.monotonic() - self._started, 1))
                self._write_manifest()
                self._publish()
        finally:
            final = kind is not None and issubclass(kind, _FINAL) and not issubclass(kind, ExecutorError)
            whole = _was_published(self.folder, self.target)
            self._leave(keep=not whole and (self._foreign or not final) and self._has_chunks())

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
                path.unlink(missing_ok=True)  # who waits for the lock removes what it was written to

    def _locked(self, partial: Path) -> RunLock:
        """Make the hidden folder and return its lock; raises ``OSError`` where that cannot be done."""
        for turn in range(_TURNS):
            try:
                for folder in reversed([p for p in partial.parents if not p.exists()]):
                    with suppress(FileExistsError):  # a run beside this one was faster
                        folder.mkdir()
                        self._made.append(folder)
                self._refuse_links(partial)
                with suppress(FileExistsError):
                    partial.mkdir()
                return RunLock(partial, shown=self.target).__enter__()
            except FileNotFoundError:  # removed meanwhile by a run that has just ended
                if turn == _TURNS - 1:
                    raise
        raise AssertionError("the last turn returns or raises")

    def _leave(self, *, keep: bool) -> None:
        """Give the hidden folder up, as it is or to be removed; that of another process is left to it."""
        assert self._lock is not None
        if keep or not self._lock.is_own():
            self._lock.__exit__(None, None, None)
            return
        gone = _beside(self.target, _GONE)
        try:
            self.folder.rename(gone)  # while it is locked: afterwards another run may begin in it
        finally:
            self._lock.__exit__(None, None, None)
        shutil.rmtree(gone, ignore_errors=True)  # the next run with this target tries again
        self._remove_parents()

    def _has_chunks(self) -> bool:
        return any((self.folder / CHUNKS).glob("*.chunk"))

    def _tidy_finished(self) -> None:
        """Remove what a kill left beside a finished run."""
        partial = unfinished(self.target)
        with suppress(OSError, FindingsError):
            if not partial.is_symlink() and _was_published(partial, self.target):
                self._lock, self._folder = RunLock(partial, shown=self.target).__enter__(), partial
                self._leave(keep=not _was_published(partial, self.target))
            self._sweep()

    def _sweep(self) -> None:
        """Remove what a kill left beside the target, and put back an earlier run that lost its name."""
        whole = self.target.absolute()
        name = re.compile(rf"\.{re.escape(whole.name)}\.[0-9a-f]{{8}}\.({_OLD}|{_GONE})")
        with suppress(OSError):
            for path in list(whole.parent.iterdir()):
                if not name.fullmatch(path.name) or path.is_symlink() or not path.is_dir():
                    continue
                if path.suffix == f".{_GONE}" or (_is_a_run(path) and _is_a_run(whole)):
                    shutil.rmtree(path, ignore_errors=True)
                elif self.replace and _is_a_run(path) and not whole.exists():
                    path.rename(whole)

    def _refuse_links(self, partial: Path) -> None:
        """Refuse a hidden folder that leads elsewhere: nothing is written or removed outside."""
        for path in (partial, partial / CHUNKS, partial / LOCK):
            mode = _mode(path)
            if stat.S_ISLNK(mode) or (path != partial / LOCK and mode and not stat.S_ISDIR(mode)):
                raise self._refusal(
                    f"{path.name} is a link or no folder", "a folder of an unfinished run", f"delete {path}"
                )
        for path in _strange(partial / CHUNKS):
            kind = "link" if path.is_symlink() else "folder"
            problem = f"{path.relative_to(partial).as_posix()} is a {kind}"
            raise self._refusal(problem, "chunks of an unfinished run", f"delete {path}")

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
        """Write a file and return its SHA-256; a name that is taken or leaves the folder is refused.

        Raises ``OSError``, which names the file, where the disk does not take it.
        """
        path = self._claim(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _named(path):
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
        path = self.folder / LOG
        with _named(path), path.open("a", encoding="utf-8", newline="\n") as stream:
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
        own = pure.parts[:1] in ((CHUNKS,), (_READY,), (_MARK,))
        if pure.is_absolute() or ".." in pure.parts or own or name.casefold() in self._taken:
            message = f'"{name}" is taken, reserved or outside the run folder'
            raise ValueError(message)
        path = self.folder / name
        assert self._lock is not None
        self._lock.demand()
        self._files.append(name)
        self._taken.add(name.casefold())
        return path

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
        path = self.folder / MANIFEST
        with _named(path):
            path.write_text(text, encoding="utf-8", newline="\n")

    def _publish(self) -> None:
        """Give the finished files the name of the run; chunks and lock stay behind in the hidden folder."""
        assert self._lock is not None
        self._refuse_target()  # somebody may have written there meanwhile
        names = [*self._files, LOG, MANIFEST]
        for name in names:
            _force(self.folder / name)
        for folder in {(self.folder / name).parent for name in names} - {self.folder}:
            force_folder(folder)
        self._lock.demand()
        ready, mark = self.folder / _READY, self.folder / _MARK
        with _named(mark):
            mark.write_text(_digest(self.folder / MANIFEST), encoding="utf-8")
        _force(mark)
        ready.mkdir()
        for first in sorted({PurePosixPath(name).parts[0] for name in names}):
            (self.folder / first).rename(ready / first)
        force_folder(ready)
        force_folder(self.folder)
        self._put_in_place(ready)
        force_folder(self.target.absolute().parent)

    def _put_in_place(self, ready: Path) -> None:
        """Rename the finished folder to the target: over an empty one, or in the place of an earlier run."""
        whole, old = self.target.absolute(), _beside(self.target, _OLD)
        try:
            if whole.exists() and _is_a_run(whole):
                whole.rename(old)
                if not _is_a_run(old):  # somebody has written there meanwhile
                    raise self._not_empty()
            elif whole.exists() and os.name != "posix":
                whole.rmdir()  # a folder is renamed over an empty one on other systems only
            ready.rename(whole)
        except BaseException as error:
            if old.exists() and ready.exists():
                self._put_back(old)
            if isinstance(error, OSError):
                self._refuse_target()  # somebody may have written there at this very moment
            raise
        if old.exists():
            gone = _beside(self.target, _GONE)
            with suppress(OSError):  # the new run is whole: the next with this target tries again
                old.rename(gone)
            shutil.rmtree(gone, ignore_errors=True)

    def _put_back(self, old: Path) -> None:
        """Give an earlier run its name again; raises ``FindingsError`` where it is taken."""
        try:
            old.rename(self.target.absolute())
        except OSError as error:
            raise self._refusal(
                f"a folder came there while an earlier run was to be replaced, which is now {old.name}",
                "a run folder that nobody else writes to",
                f"move the folder away, and rename {old} to what it was",
            ) from error

    def _refuse_target(self) -> None:
        with suppress(FileNotFoundError):  # what stood there went meanwhile
            self._refuse_what_stands_there(_mode(self.target))

    def _refuse_what_stands_there(self, mode: int) -> None:
        if stat.S_ISLNK(mode):
            raise self._refusal(
                "a link stands where the run folder should be",
                "a new or empty folder by its own name",
                "give the folder that it leads to, or another --out",
            )
        nameless = self.target.absolute().name in ("", "..")
        if nameless or (mode and (self.target.samefile(Path()) or os.path.ismount(self.target))):
            raise self._refusal(
                "the run folder cannot be put in the place of the current folder, of one above it or of "
                "one that a disk is mounted to",
                "a new folder below it",
                f"for example --out {self.target / 'run'}",
            )
        if mode and not stat.S_ISDIR(mode):
            raise self._refusal(
                "a file stands where the run folder should be", "a folder that does not exist yet"
            )
        if mode and any(self.target.iterdir()) and not (self.replace and _is_a_run(self.target)):
            raise self._not_empty()

    def _not_empty(self) -> FindingsError:
        return self._refusal("the folder is not empty", "a new or empty folder; nothing is overwritten")

    def _refusal(
        self, problem: str, allowed: str, next_step: str = "give another --out, or move the old one"
    ) -> FindingsError:
        return FindingsError([Finding(str(self.target), "--out", problem, allowed, next_step)])

    def _remove_parents(self) -> None:
        while self._made:
            try:
                self._made.pop().rmdir()
            except OSError:  # others use it, or have removed it
                return


def _mode(path: Path) -> int:
    """Return what stands somewhere, as ``stat`` knows it; 0 where nothing does."""
    try:
        return path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _is_a_run(folder: Path) -> bool:
    """Tell whether a folder holds a run and nothing else."""
    try:
        record = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(record, dict) or record.get("origin") != ORIGIN:
        return False
    files = record.get("files")
    own = {MANIFEST, *(files if isinstance(files, dict) else ())}
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}
    return there <= own


def _was_published(partial: Path, target: Path) -> bool:
    """Say whether the run that lies at the target came out of a hidden folder, which holds its remains."""
    try:
        mark = (partial / _MARK).read_text(encoding="utf-8")
        return not (partial / _READY).exists() and mark == _digest(target / MANIFEST)
    except (OSError, ValueError):
        return False


def _strange(chunks: Path) -> Iterator[Path]:
    """Return links and folders that lie in the place of chunks, or of folders of chunks."""
    if not chunks.is_dir():
        return
    with os.scandir(chunks) as entries:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if entry.name.endswith((".chunk", ".new")):
                if is_folder:
                    yield Path(entry.path)
            elif entry.is_symlink():
                yield Path(entry.path)
            elif is_folder:
                yield from _strange(Path(entry.path))


def _beside(target: Path, end: str) -> Path:
    """Return a new hidden name beside the target."""
    whole = target.absolute()
    return whole.parent / f".{whole.name}.{secrets.token_hex(4)}.{end}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in an ``OSError`` that does not say whose it is, as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def _force(path: Path) -> None:
    """Force a file to the disk."""
    with _named(path), path.open("rb+") as stream:
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
