"""From the files of a real trial, a table and a plan, to its analysis and its folder."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from eubiosis.analysis.trial_table.analyse import analyse
from eubiosis.analysis.trial_table.results import TrialAnalysis
from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.core.frame import Table
from eubiosis.core.from_yaml import check_yaml
from eubiosis.core.output import staged, write_whole
from eubiosis.core.record import as_json
from eubiosis.core.trial_plan import TrialPlan
from eubiosis.workflow.files.trial_table import ReadTable, read_trial_table


def analyse_files(table: Path | str, plan: Path | str) -> TrialAnalysis:
    """Read a table and its plan and analyse it; raises ``FindingsError`` with what is wrong in both.

    >>> try:
    ...     analyse_files("trial.csv", "plan.yaml")
    ... except FindingsError as error:
    ...     print(error)
    plan.yaml: 1 finding
      the file is missing; next: correct the path
    trial.csv: 1 finding
      the file is missing; next: correct the path
    """
    findings = FindingCollector()
    read_plan = check_yaml(Path(plan), TrialPlan, findings)
    read: ReadTable | None = None
    try:
        read = read_trial_table(Path(table))
    except FindingsError as error:
        findings.extend(error.findings)
    findings.raise_if_any()
    assert read is not None
    assert read_plan is not None
    return analyse(
        read.table,
        read_plan,
        file=read.file,
        places=read.places,
        place_word=read.place_word,
        how=read.how,
    )


def write_analysis(analysis: TrialAnalysis, folder: Path | str) -> list[Path]:
    """Write the analysis into a new folder, whole or not at all, and return its files.

    ``analysis.html``, ``analysis.json``, ``methods.txt``, and the estimates and summaries as CSV and Parquet.
    Raises ``FindingsError`` where the folder holds something or cannot be made.

    >>> import tempfile
    >>> from eubiosis.analysis import TrialPlan, analyse
    >>> words = {"treatment": "inulin or placebo", "population": "all randomised", "variable": "MFIS"}
    >>> fatigue = {"name": "fatigue", "column": "mfis", "kind": "score", "model": "ancova",
    ...            "missing_data": "complete cases", "estimand": words}
    >>> plan = TrialPlan(title="Made", columns={"participant": "id", "arm": "arm"}, endpoints=[fatigue],
    ...                  arms=[{"name": "placebo", "control": True}, {"name": "inulin"}], multiplicity="none")
    >>> table = {"id": ["a", "b", "c", "d", "e", "f"], "mfis": [40, 42, 44, 35, 38, 41],
    ...          "arm": ["placebo"] * 3 + ["inulin"] * 3}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_analysis(analyse(table, plan), Path(folder) / "out")][:3]
    ['analysis.html', 'analysis.json', 'methods.txt']
    """
    from eubiosis.report.trial_table.page import analysis_page, analysis_record

    folder = Path(folder)
    tables = {"estimates": analysis.to_table(), "summaries": analysis.summaries()}
    contents: dict[str, bytes] = {
        "analysis.html": analysis_page(analysis).encode(),
        "analysis.json": (as_json(analysis_record(analysis)) + "\n").encode(),
        "methods.txt": ("\n\n".join((*analysis.methods, *analysis.notes)) + "\n").encode(),
        **{f"{name}.csv": table_csv(one).encode() for name, one in tables.items()},
        **{f"{name}.parquet": one.to_parquet() for name, one in tables.items()},
    }
    with staged(folder, new=True) as aside:
        for name, content in contents.items():
            write_whole(aside / name, content)
    return [folder / name for name in contents]


def table_csv(table: Table) -> str:
    """Return a table as CSV text; a missing value is an empty cell."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.columns)
    columns = table.to_pydict()
    for row in zip(*columns.values(), strict=True):
        writer.writerow(["" if value is None else value for value in row])
    return stream.getvalue()
