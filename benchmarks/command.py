"""The command: which workloads, how, and the table of results."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from functools import partial

from benchmarks import forms, halves, single, solved, streamed
from benchmarks.curves import progress
from benchmarks.foreign.compare import foreign

_CORE = ("ours_per_s", "peer_per_s", "error_ours", "error_peer", "ratio_at_equal_error", "threads")
_COLUMNS = ("workload", *_CORE)


def main(arguments: list[str] | None = None) -> int:
    """Run the workloads that were asked for and write the results."""
    options = _parser().parse_args(arguments)
    sys.stdout.flush()
    results_stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # CVODE warns on the standard output, in our process and in children: not among the results
    chosen = options.workload or list(_workloads(options.full))
    results = []
    for name in chosen:
        progress(f"--- {name}")
        measures = _workloads(options.full)[name](options.threads, quick=options.quick)
        row = {"workload": name, **dict.fromkeys(_CORE), "threads": options.threads, **measures}
        results.append(row | {"quick": options.quick, "python": platform.python_version()})
    if options.json:
        for row in results:
            print(json.dumps(row), file=results_stream)
    else:
        print(_table(results), file=results_stream)
    results_stream.close()
    return 0


def _workloads(full: bool) -> dict[str, Callable[..., dict[str, object]]]:
    return {
        "full_step": solved.step,
        "full_weekly": solved.weekly,
        "scaling_states": solved.scaling_states,
        "split": halves.split,
        "population": streamed.population,
        "scaling_subjects": streamed.scaling_subjects,
        "study": partial(streamed.study, full=full),
        "niche": single.niche,
        "startup": single.startup,
        "limit": single.limit,
        "peer_forms": forms.peer_forms,
        "foreign": foreign,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Benchmarks of the engine against its peers.")
    parser.add_argument(
        "--workload", action="append", choices=list(_workloads(False)), help="may be repeated"
    )
    parser.add_argument("--threads", type=int, default=2, help="our threads and the peers' processes")
    parser.add_argument("--quick", action="store_true", help="fewer subjects, tolerances and rounds")
    parser.add_argument("--full", action="store_true", help="study: all worlds, not a projection from 2 %%")
    parser.add_argument("--json", action="store_true", help="one JSON object for each workload")
    return parser


def _table(results: list[dict[str, object]]) -> str:
    lines = ["  ".join(f"{name:>20}" for name in _COLUMNS)]
    for row in results:
        lines.append("  ".join(f"{_cell(row[name]):>20}" for name in _COLUMNS))
        rest = {k: v for k, v in row.items() if k not in _COLUMNS}
        lines += [f"    {line}" for line in _lines(rest)]
    return "\n".join(lines)


def _lines(values: Mapping[str, object]) -> list[str]:
    """Write nested measures as indented lines; a curve as one line for each point."""
    lines = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            lines += [f"{name}:", *(f"  {line}" for line in _lines(value))]
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            lines.append(f"{name}:")
            lines += ["  " + "  ".join(f"{k} {_cell(v)}" for k, v in point.items()) for point in value]
        elif isinstance(value, list):
            lines.append(f"{name}: {', '.join(_cell(v) for v in value)}")
        else:
            lines.append(f"{name}: {_cell(value)}")
    return lines


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
