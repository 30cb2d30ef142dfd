"""``eubiosis check``: every finding in workflows and stool tables, without a simulation."""

from __future__ import annotations

from pathlib import Path

import click

from eubiosis.core.findings import FindingCollector, FindingsError


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Report every finding in each FILE: workflows (.yaml, with the tables they name) and stool tables."""
    from eubiosis.workflow.files.check_files import check_file

    findings = FindingCollector()
    for file in files:
        before = len(findings.findings)
        summary = check_file(file, findings)
        if len(findings.findings) == before:
            click.echo(f"{file}: no findings ({summary})")
    if findings.findings:
        raise FindingsError(dict.fromkeys(findings.findings))
