"""A run with one gut in a hundred that the solver fails on: python -m ...failing run WORKFLOW --out RUN ...

Which one fails hangs on its own starting state alone, so that it is the same in every order and chunk.
"""

from __future__ import annotations

import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eubiosis.engine.compiled import Compiled
from eubiosis.engine.solution import NON_FINITE, STATUS_WORDS, Solution
from eubiosis.workflow.trial_run import run_trial

ONE_IN = 100


def fail_some() -> None:
    """Let the solver of this process fail on one subject in a hundred."""
    solve = Compiled.solve

    def failing(self: Compiled, *given: Any, **named: Any) -> Solution:
        solution = solve(self, *given, **named)
        initial = named.get("initial")
        if not isinstance(initial, np.ndarray) or initial.ndim != 2 or len(initial) != len(solution.codes):
            return solution
        fails = np.array([zlib.crc32(np.ascontiguousarray(row).tobytes()) % ONE_IN == 0 for row in initial])
        codes, values = solution.codes.copy(), solution.values.copy()
        codes[fails] = STATUS_WORDS.index(NON_FINITE)
        values[fails] = np.nan
        return replace(solution, codes=codes, values=values)

    Compiled.solve = failing  # type: ignore[method-assign]


def _quiet(text: str) -> None:
    del text


if __name__ == "__main__":
    fail_some()
    workflow, out = Path(sys.argv[2]), Path(sys.argv[4])
    run_trial(workflow, out, progress=False, say=_quiet, resume=True)
