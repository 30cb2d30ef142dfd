"""What the commands of ``eubiosis model`` share: the content option and loading what it names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from eubiosis.core.findings import FindingsError

if TYPE_CHECKING:
    from eubiosis.model.model import Model

CONTENT = click.option(
    "--content",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A content folder to use instead of the packaged one.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def load_model(content: Path | None) -> Model:
    """Load the packaged model, or an edited folder after its checks."""
    from eubiosis.core.content import PACKAGED_CONTENT
    from eubiosis.model import load

    if content is not None:  # an edited folder: its modules may be wrong as well as its tables
        demand_no_findings(content)
    return load(content or PACKAGED_CONTENT)


def demand_no_findings(folder: Path) -> None:
    """Raise ``FindingsError`` with everything that is wrong in a content folder."""
    from eubiosis.model.lint import lint_content

    findings = lint_content(folder)
    if findings:
        raise FindingsError(findings)
