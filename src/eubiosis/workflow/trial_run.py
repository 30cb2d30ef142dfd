"""The main job: a workflow file in, a run folder with its tables and report out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from eubiosis.compute.run_folder import RunFolder
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.dictionary import DICTIONARY_FILE, dictionary_tsv
from eubiosis.core.findings import FindingCollector
from eubiosis.core.frame import Table
from eubiosis.core.table_schemas import TABLES
from eubiosis.workflow.files.spec import WorkflowSpec, resolved_yaml, to_design
from eubiosis.workflow.files.tables import check_all
from eubiosis.workflow.plan import analysis_plan, plan_hash

if TYPE_CHECKING:
    from eubiosis.core.report_input import TrialReportInput

DEMO = PACKAGED_CONTENT / "trials" / "demo.yaml"


class TrialJob(Protocol):
    """What the simulation hands back: tables by name, what the report shows, facts for the manifest."""

    @property
    def tables(self) -> Mapping[str, Mapping[str, Any]]:
        """Columns by name, by table."""
        ...

    @property
    def report_input(self) -> TrialReportInput:
        """Everything that the report shows."""
        ...

    @property
    def facts(self) -> Mapping[str, str]:
        """What else the manifest should hold."""
        ...


def check_run(workflow: Path) -> WorkflowSpec:
    """Read a workflow and the tables it names; raises ``FindingsError`` with all findings at once."""
    findings = FindingCollector()
    spec, _ = check_all(workflow, findings)
    findings.raise_if_any()
    if spec is None:  # a reader that returns nothing has said why
        raise AssertionError("no workflow and no finding")
    return spec


def run_trial(
    workflow: Path,
    out: Path,
    *,
    processes: int = 1,
    progress: bool | None = None,
    say: Callable[[str], None],
    replace: bool = False,
) -> Path:
    """Run a workflow and return the path of its report.

    The run folder ``out`` holds the resolved workflow, the analysis plan (hashed before the simulation
    begins), the tables, the results, the report, the log and the manifest. Raises ``FindingsError`` for bad
    input or a folder that cannot be used, and ``NumericalFailuresError`` when too many subjects could not
    be solved; the folder is then not there. With ``replace`` an earlier run in ``out`` is replaced.
    """
    spec = check_run(workflow)
    design = to_design(spec)
    plan = analysis_plan(spec)
    with RunFolder(out, replace=replace) as folder:
        _record_inputs(folder, workflow, spec)
        folder.write_text("workflow_resolved.yaml", resolved_yaml(spec))
        digest = plan_hash(plan)
        folder.write_json("plan.json", {"sha256": digest, "plan": plan})
        folder.add_fact("analysis_plan_sha256", digest)
        folder.log("analysis plan fixed", sha256=digest, primary=spec.primary)
        say(f"seed {spec.seed}; analysis plan {digest[:12]} fixed before the simulation")
        say(_size(spec))
        # late: the simulation and the report load numerical and plotting libraries
        job: TrialJob = import_module("eubiosis.workflow.trial_job").run_job(
            spec, design, processes=processes, progress=progress
        )
        folder.log("simulated", tables={name: _rows(table) for name, table in job.tables.items()})
        for name, table in job.tables.items():
            folder.write_table(name, Table(table, schema=TABLES[name]))
        folder.write_text(DICTIONARY_FILE, dictionary_tsv(TABLES[name] for name in job.tables))
        for name, value in job.facts.items():
            folder.add_fact(name, value)
        _write_report(folder, job.report_input)
    say(f"wrote {out}")
    return out / "report.html"


def _record_inputs(folder: RunFolder, workflow: Path, spec: WorkflowSpec) -> None:
    folder.add_seed("seed", spec.seed)
    folder.add_input("workflow", workflow)
    for label, path in (("stool table", spec.table_path), ("metadata", spec.metadata_path)):
        if path is not None:
            folder.add_input(label, path)
    folder.add_inputs("content", PACKAGED_CONTENT)


def _write_report(folder: RunFolder, report_input: TrialReportInput) -> None:
    page = import_module("eubiosis.report.trial.page")
    results = import_module("eubiosis.report.trial.results_json")
    folder.write_text("results.json", results.results_text(report_input))
    folder.write_text("report.html", page.trial_report(report_input))
    folder.log("report written")


def _size(spec: WorkflowSpec) -> str:
    runs = spec.simulation
    worlds = runs.gut_worlds * runs.host_worlds
    return (
        f"{spec.design.participants} subjects in {len(spec.arms)} arms, {runs.gut_worlds} gut worlds x "
        f"{runs.host_worlds} host worlds x {runs.replicates} replicates: {worlds * runs.replicates} trials"
    )


def _rows(table: Mapping[str, Any]) -> int:
    return max((len(column) for column in table.values()), default=0)
