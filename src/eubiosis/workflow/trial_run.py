"""The main job: a workflow file in, a run folder with its tables and report out."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from numpy import __version__ as numpy_version

from eubiosis.compute.chunk_store import ChunkStore
from eubiosis.compute.executors import Executor
from eubiosis.compute.run_folder import BLOCK, RunFolder, table_stream
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.credibility import FILE as CREDIBILITY
from eubiosis.core.credibility import credibility_text
from eubiosis.core.dictionary import DICTIONARY_FILE, dictionary_tsv
from eubiosis.core.findings import FindingCollector
from eubiosis.core.frame import TableStream
from eubiosis.core.machine import give_back_memory
from eubiosis.core.table_schemas import TABLES
from eubiosis.core.version import __version__
from eubiosis.trial.simulation import TablesKept
from eubiosis.workflow.feasibility import Cost, check_disk, check_feasible
from eubiosis.workflow.files.tables import check_all
from eubiosis.workflow.files.workflow_yaml import located, resolved_yaml
from eubiosis.workflow.plan import analysis_plan
from eubiosis.workflow.workflow import Workflow

if TYPE_CHECKING:
    from eubiosis.core.report_input import TrialReportInput
    from eubiosis.workflow.trial_job import TrialJob

_BLOCKS_A_FILE = 64  # of the first trial's tables: some 15,000 participants

DEMO = PACKAGED_CONTENT / "trials" / "demo.yaml"


def check_run(workflow: Path) -> Workflow:
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
    resume: bool = False,
    large: bool = False,
    executor: Executor | None = None,
    content: Path = PACKAGED_CONTENT,
    tables: TablesKept | None = None,
) -> Path:
    """Run a workflow and return the path of its report.

    The run folder ``out`` holds the resolved workflow, the analysis plan (hashed before the simulation
    begins), the tables, the results, the report, what the run says of its credibility, the log and the
    manifest. Raises ``FindingsError`` for bad
    input or a folder that cannot be used, and ``NumericalFailuresError`` when too many subjects could not
    be solved; the folder is then not there. With ``replace`` an earlier run in ``out`` is replaced. Every gut
    world is written down when it is finished; ``resume`` goes on with those of a run that was interrupted.
    What cannot end well is refused before any work (``feasibility``); ``large`` asks for a run of more than a
    day. ``executor`` says where gut worlds are simulated (default: ``processes`` of this machine) and changes
    no bit. ``content`` is the folder that the model is loaded from; therapies, evidence and trial defaults
    stay those of the package. ``tables`` replaces ``simulation.tables`` of the workflow.

    >>> from eubiosis.core.findings import FindingsError
    >>> try:
    ...     run_trial(Path("lost.yaml"), Path("run"), say=print)
    ... except FindingsError as error:
    ...     print(error.findings[0].problem)
    the file is missing
    """
    spec = check_run(workflow)
    if tables is not None:
        spec = spec.changed(simulation=spec.simulation.changed(tables=tables))
    cost = _demand_feasible(workflow, spec, out, large=large)
    _demand_model(content)
    plan = analysis_plan(spec)
    with RunFolder(out, replace=replace, resume=resume) as folder:
        _record_inputs(folder, workflow, spec, content)
        store = folder.chunks(run_key(spec, folder.inputs))
        worlds = spec.simulation.gut_worlds
        folder.write_text("workflow_resolved.yaml", resolved_yaml(spec))
        digest = plan.digest
        from eubiosis.trial.simulate import MOST_IN_ONE_BLOCK  # late, as below

        folder.write_json("plan.json", {"sha256": digest, "plan": asdict(plan)})
        folder.add_fact("analysis_plan_sha256", digest)
        folder.log(
            "analysis plan fixed",
            sha256=digest,
            primary=spec.design.primary,
            gut_worlds=worlds,
            blocks=spec.design.participants > MOST_IN_ONE_BLOCK,
        )
        say(f"seed {spec.seed}; analysis plan {digest[:12]} fixed before the simulation")
        say(f"{_size(spec)}; {cost.words}")

        def resumed(there: int, of: str) -> None:
            folder.log("resumed", chunks=there, of=of)
            say(f"{there} {of}; the rest is simulated")

        # late: the simulation and the report load numerical and plotting libraries
        from eubiosis.workflow.credibility import credibility
        from eubiosis.workflow.trial_job import run_job

        job: TrialJob = run_job(
            spec,
            executor=executor or Executor(workers=processes),
            progress=progress,
            content=content,
            store=store,
            resumed=resumed,
        )
        folder.log("simulated", tables={name: len(table) for name, table in job.tables.items()})
        for name, table in job.tables.items():
            folder.write_table(name, table)
        further = (
            *_write_parts(folder, store, job.parts),
            *_write_all_tables(folder, store, spec, job.parts),
        )
        folder.write_text(DICTIONARY_FILE, dictionary_tsv(TABLES[name] for name in (*job.tables, *further)))
        for name, value in job.facts.items():
            folder.add_fact(name, value)
        for text in job.report_input.warnings:
            folder.log("warning", text=text)
            say(f"warning: {text}")
        _write_report(folder, job.report_input)
        folder.write_text(CREDIBILITY, credibility_text(credibility(spec, job.report_input, digest)))
    say(f"wrote {out}")
    return out / "report.html"


def _write_parts(folder: RunFolder, store: ChunkStore, parts: int) -> tuple[str, ...]:
    """Write the tables of a first trial that was cut, many blocks a file; return their names.

    Each block is a row group, which no table has for a block without a row.
    """
    if not parts:
        return ()
    from eubiosis.workflow.trial_blocks import first_tables
    from eubiosis.workflow.trial_chunk import chunk_name

    pieces = (name for name in store.names() if name.startswith(f"{chunk_name(0)}{BLOCK}"))
    blocks = (tables for piece in pieces for tables in first_tables(store, piece))
    written: set[str] = set()
    for number, first in enumerate(blocks):
        streams: dict[str, TableStream] = {}
        for tables in chain([first], islice(blocks, _BLOCKS_A_FILE - 1)):
            for name, table in tables.items():
                streams.setdefault(name, table_stream()).add(table)
        for name, stream in streams.items():
            folder.write_bytes(f"tables/{name}/part-{number:05d}.parquet", stream.close())
        written |= streams.keys()
    return tuple(name for name in TABLES if name in written)


def _write_all_tables(folder: RunFolder, store: ChunkStore, spec: Workflow, parts: int) -> tuple[str, ...]:
    """Write the tables of all trials where they are asked for, a file at a time; return their names."""
    if spec.simulation.tables != "all":
        return ()
    from eubiosis.workflow.all_tables import files_of_run, tables_of
    from eubiosis.workflow.trial_chunk import chunk_name

    intercurrent = bool(spec.design.intercurrent)
    gut_worlds = [chunk_name(number) for number in range(spec.simulation.gut_worlds)]
    names = gut_worlds if not parts else [n for n in store.names() if n.partition(".")[0] in gut_worlds]
    for path, content in files_of_run(store, iter(names), intercurrent=intercurrent):
        folder.write_bytes(path, content)
    return tuple(schema.name for schema in tables_of(intercurrent=intercurrent))


def run_key(spec: Workflow, inputs: Mapping[str, str]) -> str:
    """Return the digest of all that decides the chunks of a run: two runs with one key have the same bits.

    ``inputs`` are the digests of the files that were read, by label. Version, Python, numpy and kind of
    machine belong to it, because bits are not promised across them.
    """
    lines = [resolved_yaml(spec), __version__, platform.python_version(), platform.machine(), numpy_version]
    lines += [f"{label} {digest}" for label, digest in sorted(inputs.items()) if label != "workflow"]
    return hashlib.sha256("\x1f".join(lines).encode()).hexdigest()


def _demand_feasible(workflow: Path, spec: Workflow, out: Path, *, large: bool) -> Cost:
    """Return what the run is predicted to take; raises ``FindingsError`` where it could not end well."""
    own = FindingCollector()
    cost = check_feasible(spec, own, large=large)
    findings = FindingCollector(located(own.findings, workflow))
    check_disk(cost, out, findings)
    findings.raise_if_any()
    return cost


def _demand_model(content: Path) -> None:
    """Raise ``FindingsError`` with everything that is wrong in an edited content folder."""
    if content != PACKAGED_CONTENT:
        from eubiosis.model.lint import lint_content

        findings = FindingCollector(lint_content(content))
        findings.raise_if_any()


def _record_inputs(folder: RunFolder, workflow: Path, spec: Workflow, content: Path) -> None:
    folder.add_seed("seed", spec.seed)
    folder.add_input("workflow", workflow)
    for label, path in (
        ("stool table", spec.population.table_path),
        ("metadata", spec.population.metadata_path),
        ("taxonomy", spec.population.taxonomy_path),
    ):
        if path is not None:
            folder.add_input(label, path)
    folder.add_inputs("content", PACKAGED_CONTENT)
    if content != PACKAGED_CONTENT:
        folder.add_inputs("model content", content)


def _write_report(folder: RunFolder, report_input: TrialReportInput) -> None:
    from eubiosis.report.trial.page import trial_report
    from eubiosis.report.trial.results_json import results_text

    give_back_memory()  # of the tables, which are written
    folder.write_text("results.json", results_text(report_input))
    folder.write_text("report.html", trial_report(report_input))
    folder.log("report written")


def _size(workflow: Workflow) -> str:
    runs, design = workflow.simulation, workflow.design
    return (
        f"{_many(design.participants, 'subject')} in {_many(len(design.arms), 'arm')}, "
        f"{_many(runs.gut_worlds, 'gut world')} x {_many(runs.host_worlds, 'host world')} x "
        f"{_many(runs.replicates, 'replicate')}: {_many(runs.trials, 'trial')}"
    )


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"
