"""Make a domain object from a YAML file: the object's own rules, with the lines of the file.

The file decides nothing: what the constructor refuses is refused here too, in the same words.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from eubiosis.core.findings import Finding, FindingCollector, FindingsError
from eubiosis.core.spec import Problem, Spec
from eubiosis.core.yaml_lines import Document, read_yaml

SpecT = TypeVar("SpecT", bound=Spec)


def from_yaml(path: Path | str, kind: type[SpecT]) -> SpecT:
    """Read a YAML file into a domain object.

    Raises ``FindingsError`` with everything that is wrong, in order of lines.
    """
    findings = FindingCollector()
    made = check_yaml(Path(path), kind, findings)
    if made is None:
        raise FindingsError(findings.findings)
    return made


def check_yaml(path: Path, kind: type[SpecT], findings: FindingCollector) -> SpecT | None:
    """Read a YAML file into a domain object; report all that is wrong, by line, and return None then."""
    own = FindingCollector()
    document = read_yaml(path, own)
    if document is not None:
        own.extend(findings_at(document, kind.problems(document.content)))
    findings.extend(in_order(own.findings))
    return None if own.findings or document is None else kind.model_validate(document.content)


def findings_at(document: Document, problems: Iterable[Problem]) -> list[Finding]:
    """Return problems of an object as findings in the file that it was read from."""
    return [each.finding(document.file, document.line(each.place)) for each in problems]


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings by their lines; those of one line, and of none, stay in the order they have."""
    return sorted(findings, key=lambda finding: finding.line)
