"""``eubiosis check``: every finding in workflows and stool tables, without a simulation."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from eubiosis.cli.printing import json_option, print_json
from eubiosis.core.findings import FindingCollector, FindingsError


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--large", is_flag=True, help="A run of more than a day of CPU time is meant.")
@json_option
def check(files: tuple[Path, ...], *, large: bool, as_json: bool) -> None:
    """Report every finding in each FILE: workflow and its tables, question, plan (.yaml) or stool table.

    Of a workflow it also says what the run is predicted to take.
    """
    from eubiosis.workflow.files.check_files import check_file

    findings = FindingCollector()
    records = []
    for file in files:
        before = len(findings.findings)
        summary = check_file(file, findings, large=large)
        found = list(dict.fromkeys(findings.findings[before:]))
        records.append({"file": file, "findings": found, "summary": "" if found else summary})
        if not found and not as_json:
            click.echo(f"{file}: no findings ({summary})")
    if as_json:
        print_json({"files": records})
        sys.exit(1 if findings.findings else 0)
    if findings.findings:
        raise FindingsError(dict.fromkeys(findings.findings))
