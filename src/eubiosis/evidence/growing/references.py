"""A reference found by a search, and how two of them are recognised as the same report."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Literal

from eubiosis.core.findings import Finding, FindingCollector, FindingsError
from eubiosis.core.output import folder_of
from eubiosis.core.tables import TableRow, read_table, write_table

FILE = "references.tsv"
_ALIKE = 0.95


class Reference(TableRow):
    """One record of a search. ``duplicate_of`` names the earlier reference that reports the same.

    ``possible_duplicate_of`` is a near match that a person has to decide.
    """

    id: str = ""
    source: str
    kind: Literal["database", "register"]
    title: str
    authors: str = ""
    year: int | None = None
    journal: str = ""
    doi: str = ""
    pmid: str = ""
    registry_id: str = ""
    url: str = ""
    imported_from: str = ""
    duplicate_of: str = ""
    possible_duplicate_of: str = ""


def read_references(folder: Path) -> list[Reference]:
    """Read the references of a review folder (none where the file does not exist yet)."""
    path = folder / FILE
    if not path.exists():
        return []
    findings = FindingCollector()
    rows = read_table(path, Reference, findings)
    findings.raise_if_any()
    return rows


def demand_review(folder: Path) -> None:
    """Raise ``FindingsError`` where a folder holds no references: a review begins with an import."""
    if not (folder / FILE).is_file():
        problem, step = "there is no review here", "name its folder, or begin one: eubiosis evidence import"
        raise FindingsError([Finding(str(folder), FILE, problem, "a folder with references", step)])


def write_references(folder: Path, rows: list[Reference]) -> Path:
    """Write the references of a review folder."""
    with folder_of(folder / FILE):
        write_table(folder / FILE, rows, list(Reference.model_fields))
    return folder / FILE


def normal_doi(text: str) -> str:
    """Bring a DOI to one form: lower case, without resolver, "doi:" or a full stop at the end.

    >>> normal_doi("https://doi.org/10.1016/J.Cell.2020.02.035.")
    '10.1016/j.cell.2020.02.035'
    """
    match = re.search(r"10\.\d{4,9}/\S+", text.strip().lower())
    return match[0].rstrip(".,;]") if match else ""


def normal_title(text: str) -> str:
    """Reduce a title to its letters and digits, without accents, markup and case.

    >>> normal_title("Propionic acid: an <i>MS</i> pilot.")
    'propionic acid an ms pilot'
    """
    plain = unicodedata.normalize("NFKD", re.sub(r"<[^>]+>", "", text)).lower()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(re.findall(r"[a-z0-9]+", plain))


def merge(known: list[Reference], new: Iterable[Reference]) -> list[Reference]:
    """Append new references with ids, marking those that report the same as an earlier one.

    The same: an equal DOI, PMID or, within registers, registration number; or an equal title within one
    year where no DOI contradicts it. Nearly equal titles are marked as possible and left to a person.
    """
    merged = list(known)
    for reference in new:
        row = reference.model_copy(
            update={"id": f"ref{len(merged) + 1:05d}", "doi": normal_doi(reference.doi)}
        )
        same, possible = "", ""
        for earlier in merged:
            verdict = compare(earlier, row)
            if verdict == "same":
                same = earlier.duplicate_of or earlier.id
                break
            if verdict == "possible" and not possible:
                possible = earlier.duplicate_of or earlier.id
        merged.append(
            row.model_copy(update={"duplicate_of": same, "possible_duplicate_of": "" if same else possible})
        )
    return merged


def compare(a: Reference, b: Reference) -> Literal["same", "possible", "different"]:
    """Say whether two references report the same."""
    if a.kind != b.kind:
        return "different"
    pairs = (
        (a.doi, b.doi),
        (a.pmid, b.pmid),
        (a.registry_id, b.registry_id) if a.kind == "register" else ("", ""),
    )
    if any(x and x.lower() == y.lower() for x, y in pairs):
        return "same"
    if any(x and y for x, y in pairs):
        return "different"
    return _compare_titles(a, b)


def _compare_titles(a: Reference, b: Reference) -> Literal["same", "possible", "different"]:
    close_years = a.year is None or b.year is None or abs(a.year - b.year) <= 1
    first, second = normal_title(a.title), normal_title(b.title)
    if first == second and close_years:
        return "same"
    # quick bounds before the slow comparison
    if min(len(first), len(second)) < 0.9 * max(len(first), len(second)):
        return "different"
    alike = SequenceMatcher(None, first, second, autojunk=False)
    near = alike.real_quick_ratio() >= _ALIKE and alike.quick_ratio() >= _ALIKE and alike.ratio() >= _ALIKE
    return "possible" if near else "different"
