"""One kind of file, damaged by Atheris, which looks for bytes that reach new lines of our code.

python benchmarks/fuzzing/guided.py KIND CASES SECONDS SEED FOLDER runs in a process of its own, because the
library ends it. One line of JSON a failure, with the bytes that make it, on standard output. Needs atheris.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

MEMORY = 4096  # MB that a process may hold
LONGEST = 20_000  # bytes of a file


def guided(cases: int, seconds: float, seed: int, name: str) -> tuple[int, float, list[str]]:
    """Read up to ``cases`` files of a kind within ``seconds``; return the cases, CPU seconds and failures."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory(prefix="eubiosis-guided-") as folder:
        command = [sys.executable, __file__, name, str(cases), str(int(seconds)), str(seed), folder]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 120, check=False)
        except subprocess.TimeoutExpired:
            return 0, seconds, [f"{name}: no end {120} s after its time"]
        counted = Path(folder) / "cases"
        read = len(counted.read_bytes()) if counted.is_file() else 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    failures = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0:
        failures.append(f"{name}: ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return read, used, failures


def main() -> None:
    """Fuzz one kind; the library does not return."""
    import atheris

    sys.path.insert(0, str(Path(__file__).parents[2]))
    name, cases, seconds, seed, folder = sys.argv[1:]
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    with atheris.instrument_imports(include=["eubiosis", "yaml"]):
        from benchmarks.fuzzing.kinds import kinds
        from eubiosis.core.findings import FindingsError

        kind = kinds()[name]
        with tempfile.TemporaryDirectory() as aside, contextlib.suppress(FindingsError):
            kind.reader(Path(aside), kind.good)  # what is loaded late is looked at too
    from benchmarks.fuzzing.watched import Watch, attempt

    watch, corpus = Watch(), Path(folder) / "corpus"
    corpus.mkdir()
    (corpus / "good").write_bytes(kind.good)
    count = (Path(folder) / "cases").open("ab", buffering=0)
    end = time.monotonic() + float(seconds)

    def one(content: bytes) -> None:
        if time.monotonic() > end:
            return
        said = attempt(kind.reader, content, watch, kind.allowed)
        count.write(b".")
        if said != "ok":
            text = base64.b64encode(content).decode()
            sys.stdout.write(json.dumps({"kind": name, "said": said, "content": text}) + "\n")
            sys.stdout.flush()

    limits = [f"-runs={cases}", f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={LONGEST}",
              f"-rss_limit_mb={MEMORY}", f"-artifact_prefix={folder}/", "-timeout=0"]  # fmt: skip
    atheris.Setup([sys.argv[0], *limits, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
