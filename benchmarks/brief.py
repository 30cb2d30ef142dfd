#!/usr/bin/env python3
"""Time the brief and what is imported against another checkout, in turn; medians, also of the ratios.

    python benchmarks/brief.py OTHER_CHECKOUT [--pairs 7] [--question FILE]

Every figure is a whole process, this checkout's over the other's: CPU seconds (user and system, which a busy
machine stretches least) and wall seconds. The question is answered from each checkout's own copy where it is
one of the packaged ones.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
BRIEFS = Path("src/eubiosis/content/briefs")


def main() -> int:
    """Run every command in pairs and print the medians."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("other", type=Path, help="A checkout to compare with, such as one of 610d205.")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--question", type=Path, help="A question file; the packaged three by default.")
    asked = parser.parse_args()
    questions = [asked.question] if asked.question else sorted((HERE / BRIEFS).glob("*.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            **{f"brief {q.stem}": ("-m", "eubiosis", "brief", str(q), "--out", folder) for q in questions},
            "import eubiosis.evidence": ("-c", "import eubiosis.evidence"),
            "import eubiosis": ("-c", "import eubiosis"),
            "eubiosis --help": ("-m", "eubiosis", "--help"),
        }
        head = f"{'there':>8} {'ratio':>6}"
        print(f"{'command':<28} {'CPU here':>9} {head} {'wall here':>10} {head}")
        for name, command in commands.items():
            pairs = [
                (timed(HERE, command), timed(asked.other.resolve(), command)) for _ in range(asked.pairs + 1)
            ]
            print(line(name, pairs[1:]))  # the first pair warms the file cache
    return 0


def timed(tree: Path, command: tuple[str, ...]) -> tuple[float, float]:
    """Run a command with the package of a checkout; return CPU and wall seconds."""
    there = tuple(part.replace(str(HERE), str(tree)) for part in command)
    environment = {**os.environ, "PYTHONPATH": str(tree / "src")}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *there], env=environment, check=True, capture_output=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def line(name: str, pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> str:
    """Write the medians of a command and those of the ratios of its pairs."""
    cells = [f"{name:<28}"]
    for k, width in ((0, 9), (1, 10)):
        here, there = (statistics.median(pair[side][k] for pair in pairs) for side in (0, 1))
        ratio = statistics.median(pair[0][k] / pair[1][k] for pair in pairs)
        cells.append(f"{here:>{width}.3f} {there:>8.3f} {ratio:>6.3f}")
    return " ".join(cells)


if __name__ == "__main__":
    raise SystemExit(main())
