"""Malformed files of every kind that is read: python benchmarks/fuzz.py --cases N [--seed S] [--seconds S].

A good file is mutated (bytes flipped, cut, doubled, words exchanged, hostile pieces put in) and read by
the function that the commands read it with. Allowed are a result, a ``FindingsError``, an ``OSError``, and
of SBML the ``ValueError`` that its reader documents. Everything else is a traceback; a case that takes longer
than ten seconds is a hang; a file that is opened for writing, removed or renamed outside the folder of the
case, or a process or connection begun, is a write elsewhere. Prints a table and the seed of every failure;
exit status 1 if there is one. No network, nothing is left behind.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from eubiosis.compute import run_lock
from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.compute.packing import DamagedPackage, pack, unpack
from eubiosis.compute.run_folder import MANIFEST, RunFolder, unfinished
from eubiosis.compute.run_lock import LOCK, RunLock
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.core.frame import Table

HANG = 10  # seconds
PIECES = [
    *(b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\x1b[2J", b"../../../../", b"/dev/zero",
      b"&a [*a]", b"!!python/object:os"),
    *(b"1e999", b"-0", b"nan", b"9" * 400, b"[" * 3000, b"{" * 3000, b'"', b"\t",
      b"\r\n", b"<!DOCTYPE x [", b"&lt;"),
    *(b"null", b"true", b"[]", b"{}", b'"\\ud800"', b"*", b"&", b"#", b":", b"- ", b"\xf0\x9f\xa7\xa0"),
]  # fmt: skip
WORD = re.compile(rb"[A-Za-z0-9_.-]+")
NUMBERS = [b"0", b"-1", b"1e308", b"1e-320", b"nan", b"INF", b"9" * 30, b"x" * 300]
Reader = Callable[[Path, bytes], object]


def mutated(good: bytes, dice: random.Random) -> bytes:
    """Return a file with one to four mutations."""
    content = bytearray(good)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(content) + 1)
        length = min(len(content) - at, int(2 ** dice.uniform(0, 9)))
        kind = dice.randrange(9)
        if kind == 0 and at < len(content):
            content[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            del content[at : at + length]
        elif kind == 2:
            content[at:at] = content[at : at + length]
        elif kind == 3:
            content[at : at + dice.randrange(6)] = dice.choice(PIECES)
        elif kind == 4:
            other = dice.randrange(len(content) + 1)
            content[at : at + length] = content[other : other + length]
        elif kind == 5 and dice.random() < 0.2:
            del content[at:]
        elif kind >= 6 and (words := list(WORD.finditer(content))):  # a word for another: the form stays
            one, other = dice.choice(words), dice.choice(words)[0]
            content[slice(*one.span())] = dice.choice([other, other, *NUMBERS])
        else:
            content[at:at] = bytes(dice.randrange(256) for _ in range(dice.randint(1, 8)))
    return bytes(content)


def workflow(folder: Path, content: bytes) -> object:
    """Check a workflow and the tables it names."""
    from eubiosis.workflow.files.tables import check_all

    path = folder / "workflow.yaml"
    path.write_bytes(content)
    findings = FindingCollector()
    found = check_all(path, findings)
    str(FindingsError(findings.findings))
    return found


def question(folder: Path, content: bytes) -> object:
    """Read a question."""
    from eubiosis.workflow.question import read_question

    path = folder / "question.yaml"
    path.write_bytes(content)
    return read_question(path)


def stool(name: str) -> Reader:
    """Return a reader of stool tables in files of a name."""

    def read(folder: Path, content: bytes) -> object:
        from eubiosis.population.stool.table import read_profiles

        path = folder / name
        path.write_bytes(content)
        return read_profiles(path)

    return read


def sbml(folder: Path, content: bytes) -> object:
    """Read a model, as the engine does before it compiles."""
    from eubiosis.engine.sbml import read_sbml

    del folder
    return read_sbml(content.decode("utf-8", "replace"))


def chunk(folder: Path, content: bytes) -> object:
    """Read a chunk as it lies on disk; it counts as missing unless it is whole."""
    store = ChunkStore(folder, "key")
    (folder / "gut-00000.chunk").write_bytes(content)
    return store.read("gut-00000"), store.foreign()


def signed_chunk(folder: Path, content: bytes) -> object:
    """Read a chunk whose checksum fits though its content was made elsewhere."""
    from eubiosis.workflow.trial_chunk import kept_chunk

    store = ChunkStore(folder, "key")
    store.write("gut-00000", content)
    return kept_chunk(store, "gut-00000")


def package(folder: Path, content: bytes) -> object:
    """Unpack a value of every kind of part."""
    del folder
    try:
        return unpack(content, _Kinds)
    except DamagedPackage:
        return None


def manifest(folder: Path, content: bytes) -> object:
    """Ask a run with this manifest how far it is, compare it, and try to replace it."""
    from eubiosis.workflow.runs import compare_runs, run_state

    run = folder / "run"
    run.mkdir()
    (run / MANIFEST).write_bytes(content)
    (run / "log.jsonl").write_bytes(content)
    str(run_state(run).words)
    try:
        return compare_runs(run, run)
    except FindingsError:
        with RunFolder(run, replace=True):
            return None


def lock(folder: Path, content: bytes) -> object:
    """Meet a lock and a log in an unfinished run."""
    from eubiosis.workflow.runs import run_state

    hidden = unfinished(folder / "run")
    hidden.mkdir()
    for name in (LOCK, "log.jsonl"):
        (hidden / name).write_bytes(content)
    os.utime(hidden / LOCK, (1e9, 1e9))
    run_lock._BEAT = 0.001  # nobody's heart beats here
    str(run_state(folder / "run").words)
    with RunLock(hidden, shown=folder / "run"):
        return None


_Kinds = tuple[Table, dict[str, float], tuple[int, ...], "str | None", bool]


def seeds() -> dict[str, tuple[bytes, Reader]]:
    """Return a good file of every kind with its reader."""
    table = PACKAGED_CONTENT / "example" / "stool.biom"
    text = "sample\tBacteroides\tRoseburia\tBlautia\n" + "".join(
        f"s{k}\t{k}\t3\t{7 * k}\n" for k in range(12)
    )
    model = (
        '<sbml xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2"><model>'
        '<listOfParameters><parameter id="k" value="0.25" constant="true"/>'
        '<parameter id="x" value="2" constant="false"/></listOfParameters><listOfRules>'
        '<rateRule variable="x"><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><cn>-1</cn>'
        "<ci>k</ci><apply><power/><ci>x</ci><cn>2</cn></apply></apply></math></rateRule></listOfRules></model></sbml>"
    )  # fmt: skip
    record = {"origin": "simulated; prior only: not calibrated to any clinical outcome", "eubiosis": "0.1.0",
              "seeds": {"seed": 3}, "inputs": {}, "facts": {"a": 1},
              "files": {"log.jsonl": {"sha256": "0" * 64, "bytes": 3}}}  # fmt: skip
    owner = {"process": 1, "machine": "m", "boot": "b", "process_start": "1", "since": "s", "token": "t"}
    values = (Table({"a": [1.5, 2.0], "b": ["x", "y"]}), {"k": 0.5}, (1, 2), "text", True)
    packed = pack(values)
    with tempfile.TemporaryDirectory() as aside:
        store = ChunkStore(Path(aside), "key")
        store.write("gut-00000", packed)
        kept = (Path(aside) / "gut-00000.chunk").read_bytes()
    yaml = (PACKAGED_CONTENT / "trials" / "demo.yaml").read_bytes()
    return {
        "workflow": (yaml, workflow),
        "question": ((PACKAGED_CONTENT / "briefs" / "fibre_add_on.yaml").read_bytes(), question),
        "stool table, text": (text.encode(), stool("stool.tsv")),
        "stool table, BIOM": (table.read_bytes(), stool("stool.biom")),
        "SBML": (model.encode(), sbml),
        "chunk": (kept, chunk),
        "chunk with a checksum that fits": (packed, signed_chunk),
        "package": (packed, package),
        "manifest and log": (json.dumps(record).encode(), manifest),
        "lock": (json.dumps(owner).encode(), lock),
    }


class Hang(BaseException):
    """A case that takes too long."""


class Watch:
    """Note what is opened for writing, removed or renamed outside the folder of the case."""

    def __init__(self) -> None:
        self.inside = ""
        self.outside: list[str] = []
        sys.addaudithook(self._heard)

    def _heard(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.inside:
            return
        paths: tuple[object, ...] = ()
        if event == "open" and len(arguments) > 2 and isinstance(arguments[2], int):
            writes = arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            paths = arguments[:1] if writes else ()
        elif event in ("os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.truncate"):
            paths = arguments[:1]
        elif event in ("os.rename", "os.link"):
            paths = arguments[:2]
        elif event in ("os.system", "subprocess.Popen", "os.exec", "socket.connect"):
            self.outside.append(event)
        for path in paths:
            if isinstance(path, str | bytes) and not self._own(os.fsdecode(path)):
                self.outside.append(f"{event} {os.fsdecode(path)}")

    def _own(self, path: str) -> bool:
        # relative names come from rmtree, which works below an open folder; byte code is Python's own
        whole = os.path.realpath(path)
        return whole.startswith(self.inside) or "__pycache__" in path or "/" not in path or path == os.devnull


def attempt(reader: Reader, content: bytes, watch: Watch) -> str:
    """Read one file; return "ok", or what went wrong."""

    def late(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise Hang

    folder = Path(tempfile.mkdtemp(prefix="eubiosis-fuzz-"))
    before = signal.signal(signal.SIGALRM, late)
    watch.inside, watch.outside = os.path.realpath(folder), []
    signal.alarm(HANG)
    try:
        reader(folder, content)
    except (FindingsError, OSError) as error:
        str(error)
    except Hang:
        return "hang"
    except Exception as error:  # noqa: BLE001 - the point of the exercise
        if not (reader is sbml and isinstance(error, ValueError)):
            return f"traceback: {type(error).__name__}: {str(error)[:150]}"
    finally:
        signal.alarm(0)
        outside, watch.inside = watch.outside, ""
        signal.signal(signal.SIGALRM, before)
        shutil.rmtree(folder, ignore_errors=True)
    return f"write elsewhere: {outside[0]}" if outside else "ok"


def fuzz(cases: int, seed: int = 1, seconds: float = 1e9) -> tuple[Counter[str], list[str]]:
    """Read ``cases`` mutated files, every kind in turn; return counts by kind and the failures in words."""
    watch, counts, failures = Watch(), Counter[str](), []
    kinds, began = seeds(), time.monotonic()
    for name, (good, reader) in kinds.items():
        attempt(reader, good, watch)  # loads what is loaded late
        said = attempt(reader, good, watch)
        if said != "ok":
            failures.append(f"{name}, not mutated: {said}")
    for case in range(cases):
        if time.monotonic() - began > seconds:
            break
        name = list(kinds)[case % len(kinds)]
        good, reader = kinds[name]
        said = attempt(reader, mutated(good, random.Random(f"{seed} {case}")), watch)
        counts[name] += 1
        if said != "ok":
            failures.append(f"seed {seed} case {case}, {name}: {said}")
    return counts, failures


def main() -> None:
    """Fuzz and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=1000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--seconds", type=float, default=600.0)
    chosen = options.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    began = time.process_time()
    counts, failures = fuzz(chosen.cases, chosen.seed, chosen.seconds)
    for name, count in counts.items():
        print(f"{name:34}{count:8}")
    for failure in failures[:100]:
        print(failure)
    print(f"{sum(counts.values())} cases, {len(failures)} failures, {time.process_time() - began:.0f} CPU s")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
