"""From a YAML file to a domain object, with every finding at its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from eubiosis.core.findings import Finding, FindingCollector
from eubiosis.core.spec import Problem, Spec
from eubiosis.core.yaml_lines import Document, read_yaml

SpecT = TypeVar("SpecT", bound=Spec)


def read_spec(path: Path, kind: type[SpecT], findings: FindingCollector) -> SpecT | None:
    """Read a domain object from a YAML file; None, with its faults in ``findings``, where that fails."""
    document = read_yaml(path, findings)
    if document is None:
        return None
    problems = kind.problems(document.content)
    if problems:
        findings.extend(in_document(document, problems))
        return None
    assert isinstance(document.content, Mapping)
    return kind.model_validate(document.content)


def in_document(document: Document, problems: Iterable[Problem]) -> Iterator[Finding]:
    """Return the findings of a file, in the order of its lines."""
    for line, problem in sorted(((document.line(p.place), p) for p in problems), key=lambda pair: pair[0]):
        yield problem.finding(document.file, f"line {line}" if line else "")
