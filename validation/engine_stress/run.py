"""Random stress of the engine: made networks with switches against a plain reference.

    .venv/bin/python validation/engine_stress/run.py --count 2000

prints how many networks were right, how many ended with which other word, how many were undecided (their
answer hangs on less than the tolerance), and every wrong one with its seed. Exit status 1 if one is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import antimony
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from made import Floats, Maker, Part
from smooth_pieces import Undecided, reference

from eubiosis import engine
from eubiosis.engine import Tolerances

ALLOWED = 2e-6  # of the largest value of the course: errors of steps at 1e-9, and of switching times
_OUTPUTS = 23


def text_of(parts: list[Part]) -> str:
    """Return the Antimony text of a network."""
    body = ";\n  ".join(line for part in parts for line in part.text)
    return f"model made()\n  {body};\nend\n"


def names_of(parts: list[Part]) -> list[str]:
    """Return the states of a network, in the order of the reference."""
    return [name for part in parts for name in part.names]


def judge(seed: int) -> tuple[str, str]:
    """Run one network; return a word ("right", "wrong", "undecided" or a status) and what is to be said."""
    make = Maker(seed)
    parts = make.network()
    times = np.sort(make.random.uniform(0, make.end, _OUTPUTS))
    times = np.concatenate(([0.0], times, [make.end]))
    try:
        expected = np.concatenate([reference(part, make.end, times) for part in parts], axis=1)
    except Undecided as reason:
        return "undecided", str(reason)
    antimony.clearPreviousLoads()
    if antimony.loadAntimonyString(text_of(parts)) < 0:
        raise ValueError(antimony.getLastError())
    model = engine.compile(antimony.getSBMLString("made"), keep=False)
    run = model.solve(times, names_of(parts), tolerances=Tolerances(1e-9, negative=np.inf))
    if run.status[0] != "ok":
        return run.status[0], ""
    return compare(run.values[0], expected, names_of(parts))


def compare(got: Floats, expected: Floats, names: list[str]) -> tuple[str, str]:
    """Judge a course by the largest error, in units of the largest value of each state."""
    size = np.abs(expected).max(axis=0)
    error = np.abs(got - expected).max(axis=0) / np.where(size > 0, size, 1.0)
    worst = int(np.nanargmax(error))
    if np.isnan(got).any() or error[worst] > ALLOWED:
        return "wrong", f"{names[worst]} is off by {error[worst]:.2g} of {size[worst]:.3g}"
    return "right", f"{error[worst]:.1g}"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first network")
    arguments = parser.parse_args()
    words: Counter[str] = Counter()
    for seed in range(arguments.first, arguments.first + arguments.count):
        word, reason = judge(seed)
        words[word] += 1
        if word not in ("right", "undecided"):
            kinds = "+".join(part.kind for part in Maker(seed).network())
            print(f"seed {seed}: {word} {reason} ({kinds})", flush=True)
    print(", ".join(f"{word} {count}" for word, count in sorted(words.items())))
    return int(words["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())
