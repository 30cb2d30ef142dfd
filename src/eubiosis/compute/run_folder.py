"""A run folder: written aside and renamed when it is whole, so a failure leaves nothing half-written."""

from __future__ import annotations

import hashlib
import json
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

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.frame import Table
from eubiosis.core.json_data import Json
from eubiosis.core.version import __version__

ORIGIN = "simulated; prior only: not calibrated to any clinical outcome"
LIBRARIES = ("antimony", "llvmlite", "numpy", "pyarrow", "pydantic", "python-libsbml", "pyyaml", "scipy")
LOG = "log.jsonl"
MANIFEST = "manifest.json"


class RunFolder:
    """Write a run folder, whole or not at all.

    Use as a context manager. Files go into a hidden folder beside ``target``, which is renamed to
    ``target`` when the block ends; an exception inside the block, Ctrl-C included, removes it. Entering
    raises ``FindingsError`` when the target is a file or a folder that is not empty, or when its parent
    cannot be written to. With ``replace`` an earlier run folder is replaced, but only one that holds nothing
    besides the files of its own manifest.
    """

    def __init__(self, target: Path, *, replace: bool = False) -> None:
        self.target = target
        self.replace = replace
        self._seeds: dict[str, int] = {}
        self._inputs: dict[str, dict[str, str | int]] = {}
        self._facts: dict[str, str | int | float | bool] = {}
        self._made: list[Path] = []
        self._files: list[str] = []
        self._started = 0.0
        self._folder: Path | None = None

    def __enter__(self) -> RunFolder:
        self._refuse_target()
        whole = self.target.absolute()
        with ExitStack() as undo:
            undo.callback(self._remove_parents)
            try:
                for folder in reversed([p for p in whole.parents if not p.exists()]):
                    folder.mkdir()
                    self._made.append(folder)
                partial = whole.parent / f".{whole.name}.{secrets.token_hex(4)}.partial"
                partial.mkdir()
            except OSError as error:
                raise self._refusal(
                    f"the run folder cannot be made here ({error.strerror})",
                    "a new folder where you may write",
                    "give another --out",
                ) from error
            undo.pop_all()
        self._folder = partial
        self._started = time.monotonic()
        self.log("started", utc=datetime.now(UTC).isoformat(timespec="seconds"), eubiosis=__version__)
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
            if self.folder.exists():
                shutil.rmtree(self.folder)
                self._remove_parents()

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
        # names that differ in capitals only are one file on Windows and macOS
        taken = {other.casefold() for other in (LOG, MANIFEST, *self._files)}
        if pure.is_absolute() or ".." in pure.parts or name.casefold() in taken:
            message = f'"{name}" is taken, reserved or outside the run folder'
            raise ValueError(message)
        self._files.append(name)
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
        if whole.exists():
            whole.rename(old)
        self.folder.rename(whole)
        if old.exists():
            shutil.rmtree(old)

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
        except (OSError, ValueError):
            return False
        if not isinstance(record, dict) or record.get("origin") != ORIGIN:
            return False
        own = {MANIFEST, *record.get("files", {})}
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


def table_bytes(table: Table, notes: Mapping[str, str] | None = None) -> bytes:
    """Return a parquet file as bytes, the same for the same table and notes.

    Raises ``ValueError`` for notes that would replace the origin.
    """
    own = {"origin": ORIGIN, "eubiosis": __version__}
    taken = own.keys() & (notes or {}).keys()
    if taken:
        message = f'notes "{", ".join(sorted(taken))}" are written by the run folder itself'
        raise ValueError(message)
    return table.to_parquet({**(notes or {}), **own})


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
