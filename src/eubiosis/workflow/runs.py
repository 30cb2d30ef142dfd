"""Runs that exist: how far one is, what two differ in, and whether one repeats itself to the bit."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np

from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.compute.run_folder import BLOCK, CHUNKS, LOG, MANIFEST, ORIGIN, unfinished
from eubiosis.compute.run_lock import LOCK, alive, owner_of
from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.frame import Table
from eubiosis.core.json_data import Json

State = Literal["finished", "running", "interrupted"]
_SHOWN = 5  # names of files in one finding
MOST_BYTES = 50_000_000  # of a manifest or log: more is no file of ours


@dataclass(frozen=True)
class RunState:
    """How far a run is: finished chunks of all, seconds since its start, who writes it (in words)."""

    run: str
    state: State
    chunks: int
    of: int | None
    seconds: float
    owner: str
    blocks: bool = False  # chunks are blocks of people, whose number is not known beforehand

    @property
    def words(self) -> str:
        """Return one line."""
        if self.state == "finished":
            return f"finished in {self.seconds:.0f} s"
        share = f"{self.chunks} of {'?' if self.of is None else self.of} gut worlds are written down"
        if self.blocks:
            share = f"{self.chunks} blocks of gut worlds are written down"
        if self.state == "running":
            return f"running: {share}; {self.owner}"
        return f"interrupted: {share}; next: the same command with --resume"


def run_state(run: Path) -> RunState:
    """Return how far a run is.

    Raises ``FindingsError`` where there is none, begun or finished, or its manifest is none of ours.
    """
    if (run / MANIFEST).is_file():
        read_manifest(run)
        events = _events(run / LOG)
        return RunState(run.name, "finished", 0, None, _seconds(events), "")
    hidden = unfinished(run)
    if hidden.is_symlink() or not hidden.is_dir():
        raise _refused(run, "there is no run, neither finished nor begun", "a folder that eubiosis run wrote")
    events, owner = _events(hidden / LOG), owner_of(hidden / LOCK)
    planned = [worlds for event in events if type(worlds := event.get("gut_worlds")) is int]
    running = owner is not None and alive(owner, hidden / LOCK)
    names = ChunkStore(hidden / CHUNKS, "").names()
    return RunState(
        run.name,
        "running" if running else "interrupted",
        len(names),
        planned[-1] if planned else None,
        _seconds(events),
        owner.words if running and owner is not None else "",
        any(BLOCK in name for name in names) or any(event.get("blocks") is True for event in events),
    )


@dataclass(frozen=True)
class RunDifference:
    """One thing in which two runs differ: where, and what each has (empty: it is not there)."""

    kind: Literal["input", "seed", "fact", "software", "table", "file"]
    name: str
    first: str
    second: str


def compare_runs(first: Path, second: Path) -> tuple[RunDifference, ...]:
    """Name inputs, seeds, facts, software, tables (with the largest difference) and files that differ.

    Raises ``FindingsError`` for a folder that is no finished run, or where a file is not as it was written.
    """
    one, other = read_manifest(first), read_manifest(second)
    demand_whole(first, one)
    demand_whole(second, other)
    found = [
        *_entries("input", _digests(one, "inputs"), _digests(other, "inputs")),
        *_entries("seed", _words(one, "seeds"), _words(other, "seeds")),
        *_entries("fact", _words(one, "facts"), _words(other, "facts")),
        *_entries("software", _software(one), _software(other)),
    ]
    files = [_digests(one, "files"), _digests(other, "files")]
    for difference in _entries("file", *files):
        both = all(difference.name in each for each in files)
        if difference.name == LOG:
            continue
        if both and difference.name.endswith(".parquet"):
            found.append(_tables(difference.name, first, second))
        else:
            found.append(difference)
    return tuple(found)


def rerun(
    run: Path,
    *,
    processes: int = 1,
    progress: bool | None = None,
    say: Callable[[str], None],
    files: Mapping[str, Path | None] | None = None,
    content: Path | None = None,
) -> tuple[RunDifference, ...]:
    """Repeat a run from its own folder and return the tables and results that are not the same to the bit.

    A run on a stool table needs that table again, because a run folder holds no person's data: ``files`` has
    the paths by "stool table", "metadata" and "taxonomy". ``content`` is the folder that the model was loaded
    from, where that was not the package's own. Raises ``FindingsError`` for a file whose digest is another
    than in the manifest, and for a folder that is no finished run or was made by another version.
    """
    from eubiosis.core.content import PACKAGED_CONTENT
    from eubiosis.core.version import __version__
    from eubiosis.workflow.trial_run import run_trial

    manifest = read_manifest(run)
    demand_whole(run, manifest)
    made_by = manifest.get("eubiosis")
    if made_by != __version__:
        raise _refused(run, f"version {made_by} made it, this is {__version__}", "a run of this version")
    inputs = _digests(manifest, "inputs")
    if "workflow_resolved.yaml" not in _digests(manifest, "files"):
        raise _refused(run, "its manifest names no workflow_resolved.yaml")
    if (run / "workflow_resolved.yaml").stat().st_size > MOST_BYTES:
        raise _refused(run, "workflow_resolved.yaml is larger than any of ours")
    _demand_content(run, "content/", PACKAGED_CONTENT, inputs)
    _demand_content(run, "model content/", content, inputs)
    try:
        text = (run / "workflow_resolved.yaml").read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _refused(run, "workflow_resolved.yaml is no text in UTF-8") from error
    with TemporaryDirectory(prefix="eubiosis-rerun-") as aside:
        folder = Path(aside)
        for label in _INPUTS:
            text = _placed(run, label, (files or {}).get(label), inputs, text)
        workflow = folder / "workflow.yaml"
        workflow.write_text(text, encoding="utf-8")
        run_trial(
            workflow,
            folder / "run",
            processes=processes,
            progress=progress,
            say=say,
            large=True,  # the run that is repeated was begun once
            content=content or PACKAGED_CONTENT,
        )
        differences = compare_runs(run, folder / "run")
    return tuple(
        each for each in differences if each.kind == "table" or each.name in ("results.json", "plan.json")
    )


def read_manifest(run: Path) -> Mapping[str, Json]:
    """Return the manifest of a finished run; raises ``FindingsError`` where it is none of ours."""
    path = run / MANIFEST
    try:
        if path.exists() and not path.is_file():
            raise _refused(run, f"{MANIFEST} is no file")
        if path.stat().st_size > MOST_BYTES:
            raise _refused(run, f"{MANIFEST} is larger than any of ours")
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _refused(run, f"there is no {MANIFEST}: no finished run") from error
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(run, f"{MANIFEST} cannot be read ({error})") from error
    if not isinstance(record, dict) or record.get("origin") != ORIGIN:
        raise _refused(run, f"{MANIFEST} is none that eubiosis wrote")
    return record


def demand_whole(run: Path, manifest: Mapping[str, Json]) -> None:
    """Refuse a run whose files are missing, changed, or lie outside it."""
    record = manifest.get("files")
    files = record if isinstance(record, dict) else {}
    found = {name: _problem(run, name, each) for name, each in files.items() if isinstance(each, dict)}
    if any(found.values()):
        raise FindingsError(
            [
                Finding(str(run), name, problem, "the files of its manifest", "take an undamaged copy")
                for name, problem in found.items()
                if problem
            ]
        )


def _problem(run: Path, name: str, record: Mapping[str, Json]) -> str:
    """Return what is wrong with a file of a manifest; empty where it is as it was written."""
    path = run / name
    try:
        if Path(name).is_absolute() or ".." in Path(name).parts or _leads_out(run, path):
            return "leads out of the run folder"
        if not path.is_file():
            return "is missing"
    except (OSError, ValueError, RuntimeError):  # a link in a circle, or a name that no system takes
        return "leads out of the run folder"
    size = record.get("bytes")
    try:
        if type(size) is int and path.stat().st_size != size:  # a hole of a terabyte is not read
            return "is not as it was written"
        return "" if _sha256(path) == record.get("sha256") else "is not as it was written"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _leads_out(run: Path, path: Path) -> bool:
    return not path.resolve().is_relative_to(run.resolve())


def _sha256(path: Path) -> str:
    """Return the digest of a file, which is read in pieces; raises ``OSError`` where it cannot be read."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _demand_content(run: Path, prefix: str, folder: Path | None, inputs: Mapping[str, str]) -> None:
    """Refuse a content folder whose files are not those that the run read."""
    then = {name.removeprefix(prefix): each for name, each in inputs.items() if name.startswith(prefix)}
    edited = prefix != "content/"
    if edited and not then and folder is not None:
        problem = "the run had the model of the package, and another is given"
        raise _refused(run, problem, "the model of the package", "omit --content")
    if edited and then and folder is None:
        problem = "the run read a model of its own, which its folder does not hold"
        raise _refused(run, problem, "the content folder that the run was given", "give --content")
    if not then or folder is None:
        return
    now = {path.relative_to(folder).as_posix(): _sha256(path) for path in folder.rglob("*") if path.is_file()}
    others = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
    if others:
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        where = f"--content {folder}" if edited else "the content of the package"
        raise _refused(
            run,
            f"{where} is not what the run read: {', '.join(others[:_SHOWN])}{more}",
            "the files with the digests of the manifest",
            "give --content the folder of the run" if edited else "install the package that made the run",
        )


def _placed(run: Path, label: str, path: Path | None, inputs: Mapping[str, str], text: str) -> str:
    """Check an input that the run folder does not hold, and name it in the workflow."""
    option, key = _INPUTS[label]
    if label not in inputs:
        if path is not None:
            raise _refused(run, f"the run had no {label}, and one is given")
        return text
    if path is None:
        raise _refused(run, f"the run read a {label}, which its folder does not hold", step=f"give {option}")
    if _sha256(path) != inputs[label]:
        raise _refused(run, f"{path.name} is not the {label} that the run read", f"sha256 {inputs[label]}")
    place = json.dumps(str(path.absolute()))
    return re.sub(rf"(?m)^( *){key}: .*$", lambda found: f"{found[1]}{key}: {place}", text)


_INPUTS = {  # label of an input -> the option that names it, and its key in the workflow
    "stool table": ("--table", "table"),
    "metadata": ("--metadata", "metadata"),
    "taxonomy": ("--taxonomy", "taxonomy"),
}


def _tables(name: str, first: Path, second: Path) -> RunDifference:
    """Say by how much a table differs: columns, rows, or the largest relative difference of a number."""
    one, other = (Table.read_parquet(run / name) for run in (first, second))
    if one.columns != other.columns:
        return RunDifference("table", name, ", ".join(one.columns), ", ".join(other.columns))
    if len(one) != len(other):
        return RunDifference("table", name, f"{len(one)} rows", f"{len(other)} rows")
    worst, places = 0.0, []
    for column in one.columns:
        mine, theirs = one[column], other[column]
        if mine.dtype.kind in "fiub" and theirs.dtype.kind in "fiub":
            a, b = mine.astype(float), theirs.astype(float)
            same = (a == b) | (np.isnan(a) & np.isnan(b))
            if same.all():
                continue
            size = np.maximum(np.maximum(np.abs(a), np.abs(b))[~same], 1e-300)
            with np.errstate(invalid="ignore"):  # infinite against infinite, or against missing
                apart = np.nan_to_num(np.abs(a - b)[~same] / size, nan=np.inf)
            worst = max(worst, float(apart.max()))
            places.append(f"{column} ({int((~same).sum())} rows)")
        elif mine.tolist() != theirs.tolist():
            places.append(f"{column} (words)")
    where = ", ".join(places) or "units or notes only"
    return RunDifference("table", name, where, f"largest relative difference {worst:.3g}")


def _entries(
    kind: Literal["input", "seed", "fact", "software", "file"],
    one: Mapping[str, str],
    other: Mapping[str, str],
) -> list[RunDifference]:
    names = sorted({*one, *other})
    return [
        RunDifference(kind, name, one.get(name, ""), other.get(name, ""))
        for name in names
        if one.get(name) != other.get(name)
    ]


def _digests(manifest: Mapping[str, Json], part: str) -> dict[str, str]:
    record = manifest.get(part)
    if not isinstance(record, dict):
        return {}
    return {str(k): str(v.get("sha256", "")) for k, v in record.items() if isinstance(v, dict)}


def _words(manifest: Mapping[str, Json], part: str) -> dict[str, str]:
    record = manifest.get(part)
    return {str(k): str(v) for k, v in record.items()} if isinstance(record, dict) else {}


def _software(manifest: Mapping[str, Json]) -> dict[str, str]:
    own = {name: str(manifest.get(name, "")) for name in ("eubiosis", "python", "system")}
    return {**own, **_words(manifest, "libraries")}


def _events(path: Path) -> list[dict[str, Json]]:
    """Return the lines of a log; one that a kill cut off is passed over, it is the last."""
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return []
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            found.append(record)
    return found


def _seconds(events: list[dict[str, Json]]) -> float:
    said = [each.get("seconds") for each in events]
    numbers = [each for each in said if isinstance(each, int | float) and not isinstance(each, bool)]
    return float(numbers[-1]) if numbers and 0 <= numbers[-1] < 1e12 else 0.0


def _refused(
    run: Path, problem: str, allowed: str = "a finished run folder", step: str = ""
) -> FindingsError:
    return FindingsError([Finding(str(run), "", problem, allowed, step or "look at the path")])
