"""Render the report of a finished run once more, from its folder alone."""

from __future__ import annotations

import json
from pathlib import Path

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.output import write_whole
from eubiosis.core.report_input import TrialReportInput
from eubiosis.core.typed_json import NotSo
from eubiosis.workflow.runs import demand_whole, read_manifest

RESULTS = "results.json"


def results_of_run(run: Path) -> TrialReportInput:
    """Return what the report of a finished run shows.

    Raises ``FindingsError`` where the folder is none of a run, a file of it is missing or not as it was
    written, or its results have another layout than this version writes.
    """
    from eubiosis.report.trial.results_schema import read_results

    manifest = read_manifest(run)
    demand_whole(run, manifest)
    try:
        record = json.loads((run / RESULTS).read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise NotSo("no object")
        return read_results(record)
    except FileNotFoundError as error:
        problem = Finding(str(run), RESULTS, "is missing", "a run of eubiosis run", "name a run of a trial")
        raise FindingsError([problem]) from error
    except (NotSo, ValueError, RecursionError) as error:
        step = "render it with the version that wrote it (manifest.json names it), or run it again"
        raise FindingsError([Finding(str(run / RESULTS), "", str(error), next_step=step)]) from error


def rerender(run: Path, out: Path) -> Path:
    """Write the report of a finished run to ``out`` with the templates of this version; return its path.

    Raises ``FindingsError`` as ``results_of_run`` does, and where ``out`` lies in the run folder, whose
    files are those of its manifest.
    """
    from eubiosis.report.trial.page import trial_report

    report_input = results_of_run(run)
    if out.resolve().is_relative_to(run.resolve()):
        problem = "lies in the run folder, whose files its manifest names by their hash"
        raise FindingsError([Finding("--out", str(out), problem, "a file outside it", "name another file")])
    return write_whole(out, trial_report(report_input))
