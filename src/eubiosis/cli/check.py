"""``eubiosis check``: every finding in workflows and stool tables, without a simulation."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.core.findings import FindingCollector, FindingsError


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--large", is_flag=True, help="A run of more than a day of CPU time is meant.")
def check(files: tuple[Path, ...], *, large: bool) -> None:
    """Report every finding in each FILE: workflows (.yaml, with the tables they name) and stool tables.

    Of a workflow it also says what the run is predicted to take.
    """
    from eubiosis.workflow.files.check_files import check_file

    findings = FindingCollector()
    for file in files:
        before = len(findings.findings)
        summary = check_file(file, findings, large=large)
        if len(findings.findings) == before:
            click.echo(f"{file}: no findings ({summary})")
    if findings.findings:
        raise FindingsError(dict.fromkeys(findings.findings))
