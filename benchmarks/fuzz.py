"""Malformed files of every kind that is read: python benchmarks/fuzz.py --cases N [--seed S] [--seconds S].

A good file is damaged (bytes flipped, cut, doubled, words exchanged, hostile pieces put in; YAML also as
trees that hypothesis draws) and read by the function that the commands read it with, in a child process of
bounded memory. Allowed are a result, a ``FindingsError``, an ``OSError``, and of SBML the ``ValueError`` that
its reader documents. Everything else is a traceback; a case that computes for more than ten seconds, or rests
for fifteen, is a hang; a file that is opened for writing, removed or renamed outside the folder of the case,
or a process or connection begun, is a write elsewhere. HDF5 is the exception that the program makes itself:
what keeps its C code busy, or crashes it, is ended by a limit and counted apart. Prints a table, the time and
the seed of every failure; exit status 1 if there is one. No network, nothing is left behind. With --atheris
the bytes are changed by that library instead, which keeps what reaches new lines of our code; it is installed
by hand (pip install atheris) and leaves out trees and HDF5.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import resource
import sys
import time
import warnings
from collections.abc import Collection
from pathlib import Path

if not __package__:  # called by its path
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.fuzzing.guided import guided
from benchmarks.fuzzing.kinds import Kind, kinds
from benchmarks.fuzzing.watched import BATCH, Count, Watch, attempt, run_batch

__all__ = ["Kind", "fuzz", "kinds"]


def fuzz(
    cases: int, seed: int = 1, seconds: float = 1e9, only: Collection[str] = (), batch: int = BATCH
) -> dict[str, Count]:
    """Read ``cases`` damaged files, every kind in turn, a batch at a time; return the counts by kind.

    Trees, which take longest, come half as often as the others.
    """
    watch, found = Watch(), {name: each for name, each in kinds().items() if not only or name in only}
    counts, began = {name: Count() for name in found}, time.monotonic()
    for name, kind in found.items():
        for _ in range(2):  # the first loads what is loaded late
            said = attempt(kind.reader, kind.good, watch, kind.allowed)
        if said != "ok":
            counts[name].failures.append(f"{name}, not damaged: {said}")
    whole = sum(kind.weight for kind in found.values())
    shares = {name: -(-cases * kind.weight // whole) for name, kind in found.items()}
    for number in range(-(-max(shares.values()) // batch)):
        for name, kind in found.items():
            if time.monotonic() - began > seconds:
                return counts
            most = min(batch, shares[name] - number * batch)
            if most > 0:
                run_batch(name, kind, number, seed, most, watch, counts[name])
    return counts


def fuzz_guided(cases: int, seed: int, seconds: float, only: Collection[str] = ()) -> dict[str, Count]:
    """Read ``cases`` files that Atheris makes, every kind in its own process and share of ``seconds``."""
    found = [
        name
        for name, kind in kinds().items()
        if not kind.tree and not kind.guarded and (not only or name in only)
    ]
    counts = {}
    for name in found:
        share = -(-cases // len(found))
        read, used, failures = guided(share, seconds / len(found), seed, name)
        counts[name] = Count(read, 0, used, [text[:2000] for text in failures])
    return counts


def main() -> None:
    """Fuzz and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--seconds", type=float, default=600.0)
    options.add_argument("--only", action="append", default=[], help="one of the kinds; may be given again")
    options.add_argument("--atheris", action="store_true", help="damage guided by coverage; needs atheris")
    chosen = options.parse_args()
    if chosen.atheris and importlib.util.find_spec("atheris") is None:
        options.error("atheris is not installed: pip install atheris")
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    how = fuzz_guided if chosen.atheris else fuzz
    counts = how(chosen.cases, chosen.seed, chosen.seconds, chosen.only)
    print("| kind | cases | failures | ended by the limit of the child | CPU s |\n|---|--:|--:|--:|--:|")
    for name, each in counts.items():
        print(f"| {name} | {each.cases:,} | {len(each.failures)} | {each.ended} | {each.seconds:.0f} |")
    cases, ended = (sum(getattr(c, what) for c in counts.values()) for what in ("cases", "ended"))
    failures = [text for each in counts.values() for text in each.failures]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    print(f"| together | {cases:,} | {len(failures)} | {ended} | {cpu:.0f} |")
    for text in failures[:100]:
        print(text)
    print(f"{cases} cases, {len(failures)} failures, {cpu:.0f} CPU s, {time.monotonic() - began:.0f} s")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
