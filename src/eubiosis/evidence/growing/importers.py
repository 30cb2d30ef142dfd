"""Read reference files: RIS, NBIB, BibTeX, and CSV exports of PubMed, Scopus, Web of Science, registers.

Every record that cannot be read is a finding with its line; none is dropped in silence.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from eubiosis.core.findings import FindingCollector
from eubiosis.evidence.growing.references import Reference, normal_doi

Fields = dict[str, list[str]]
_REGISTER = re.compile(r"\bNCT\d{8}\b")

# dialect -> (columns that give it away, what our columns are called there)
CSV_DIALECTS: dict[str, tuple[set[str], dict[str, str]]] = {
    "PubMed": (
        {"PMID", "Title", "Journal/Book"},
        {
            "title": "Title",
            "authors": "Authors",
            "year": "Publication Year",
            "journal": "Journal/Book",
            "doi": "DOI",
            "pmid": "PMID",
        },
    ),
    "Scopus": (
        {"Title", "Source title", "EID"},
        {
            "title": "Title",
            "authors": "Authors",
            "year": "Year",
            "journal": "Source title",
            "doi": "DOI",
            "pmid": "PubMed ID",
            "url": "Link",
        },
    ),
    "Web of Science": (
        {"Article Title", "Source Title"},
        {
            "title": "Article Title",
            "authors": "Authors",
            "year": "Publication Year",
            "journal": "Source Title",
            "doi": "DOI",
            "pmid": "Pubmed Id",
        },
    ),
    "Web of Science (tagged)": (
        {"PT", "AU", "TI", "SO"},
        {"title": "TI", "authors": "AU", "year": "PY", "journal": "SO", "doi": "DI", "pmid": "PM"},
    ),
    "ClinicalTrials.gov": (
        {"NCT Number", "Study Title"},
        {"title": "Study Title", "year": "Start Date", "registry_id": "NCT Number", "url": "Study URL"},
    ),
}


def read_file(path: Path, findings: FindingCollector, *, source: str = "") -> list[Reference]:
    """Read one export, by its content; ``source`` names the database where the file does not say it.

    Problems go to ``findings``: an unknown format, a record without a title, bytes that are not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        findings.add(path.name, "", "the file is missing", next_step="correct the path")
        return []
    except UnicodeDecodeError as error:
        findings.add(path.name, f"byte {error.start}", "not UTF-8 text", next_step="export as UTF-8")
        return []
    return read_text(text, path.name, findings, source=source)


def read_text(text: str, name: str, findings: FindingCollector, *, source: str = "") -> list[Reference]:
    """Read the text of an export; see ``read_file``."""
    if re.search(r"^PMID ?- ", text, re.MULTILINE):
        return _collect(_nbib(text), name, source or "PubMed", findings)
    if re.search(r"^TY  - ", text, re.MULTILINE):
        return _collect(_ris(text), name, source or "RIS", findings)
    if re.match(r"\s*(%[^\n]*\n\s*)*@", text):
        return _collect(_bibtex(text, name, findings), name, source or "BibTeX", findings)
    return _csv(text, name, source, findings)


def _collect(
    records: Iterator[tuple[int, Fields]], name: str, source: str, findings: FindingCollector
) -> list[Reference]:
    """Turn tagged records (title, authors, year, journal, doi, pmid, registry_id, url) into references."""
    found = []
    for line, fields in records:
        title = " ".join(fields.get("title", [""])[:1]).strip()
        if not title:
            findings.add(
                name, f"line {line}", "a record without a title", next_step="add it or remove the record"
            )
            continue
        year = re.search(r"\b(1[89]|20)\d\d\b", " ".join(fields.get("year", [])))
        registry = _REGISTER.search(" ".join(fields.get("registry_id", [])))
        found.append(
            Reference(
                source=source,
                kind="register" if source == "ClinicalTrials.gov" else "database",
                title=title,
                authors="; ".join(fields.get("authors", [])),
                year=int(year[0]) if year else None,
                journal=" ".join(fields.get("journal", [""])[:1]),
                doi=next((d for d in map(normal_doi, fields.get("doi", [])) if d), ""),
                pmid=next((p for p in fields.get("pmid", []) if p.strip().isdigit()), ""),
                registry_id=registry[0] if registry else "",
                url=" ".join(fields.get("url", [""])[:1]),
                imported_from=name,
            )
        )
    return found


_RIS = {
    "TI": "title",
    "T1": "title",
    "AU": "authors",
    "A1": "authors",
    "PY": "year",
    "Y1": "year",
    "JO": "journal",
    "JF": "journal",
    "T2": "journal",
    "DO": "doi",
    "AN": "pmid",
    "UR": "url",
    "C1": "registry_id",
    "N1": "registry_id",
}
_NBIB = {
    "TI": "title",
    "FAU": "authors",
    "DP": "year",
    "JT": "journal",
    "LID": "doi",
    "AID": "doi",
    "PMID": "pmid",
    "SI": "registry_id",
}


def _ris(text: str) -> Iterator[tuple[int, Fields]]:
    fields: Fields = {}
    start, key = 1, ""
    for number, line in enumerate(text.splitlines(), start=1):
        match = re.match(r"([A-Z][A-Z0-9])  - ?(.*)", line)
        if match and match[1] == "TY":
            fields, start, key = {}, number, ""
        elif match and match[1] == "ER":
            yield start, fields
            fields = {}
        elif match:
            key = _RIS.get(match[1], "")
            if key:
                fields.setdefault(key, []).append(match[2].strip())
        elif key and line.strip() and fields.get(key):
            fields[key][-1] += " " + line.strip()
    if fields:
        yield start, fields


def _nbib(text: str) -> Iterator[tuple[int, Fields]]:
    fields: Fields = {}
    start, key = 1, ""
    for number, line in enumerate(text.splitlines(), start=1):
        match = re.match(r"([A-Z]{2,4}) *- (.*)", line)
        if match:
            if match[1] == "PMID" and fields:
                yield start, _dois_only(fields)
                fields = {}
            if not fields:
                start = number
            key = _NBIB.get(match[1], "")
            if key:
                fields.setdefault(key, []).append(match[2].strip())
        elif key and line.startswith("      ") and fields.get(key):
            fields[key][-1] += " " + line.strip()
    if fields:
        yield start, _dois_only(fields)


def _dois_only(fields: Fields) -> Fields:
    return {**fields, "doi": [d for d in fields.get("doi", []) if d.endswith("[doi]")]}


def _bibtex(text: str, name: str, findings: FindingCollector) -> Iterator[tuple[int, Fields]]:
    renamed = {"author": "authors", "booktitle": "journal", "journaltitle": "journal", "date": "year",
               "note": "registry_id"}  # fmt: skip
    for match in re.finditer(r"@(\w+)\s*\{", text):
        if match[1].lower() in ("comment", "string", "preamble"):
            continue
        line = text.count("\n", 0, match.start()) + 1
        body, closed = _braced(text, match.end())
        if not closed:
            place = f"line {line}"
            findings.add(name, place, "an entry whose brace is never closed", next_step="close it")
            continue
        fields: Fields = {}
        for key, value in _bibtex_fields(body):
            fields.setdefault(renamed.get(key, key), []).append(value)
        if "authors" in fields:
            fields["authors"] = re.split(r"\s+and\s+", fields["authors"][0])
        yield line, fields


def _braced(text: str, start: int) -> tuple[str, bool]:
    """Return the text up to the brace that closes the one before ``start``."""
    depth = 1
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[start:position], True
    return text[start:], False


def _bibtex_fields(body: str) -> Iterator[tuple[str, str]]:
    position = 0
    while match := re.compile(r"(\w[\w-]*)\s*=\s*").search(body, position):
        opening = body[match.end() : match.end() + 1]
        if opening == "{":
            value, _ = _braced(body, match.end() + 1)
            position = match.end() + len(value) + 2
        elif opening == '"':
            end = body.find('"', match.end() + 1)
            value = body[match.end() + 1 : end if end >= 0 else len(body)]
            position = match.end() + len(value) + 2
        else:
            value = re.match(r"[^,]*", body[match.end() :])[0]  # type: ignore[index]
            position = match.end() + len(value)
        yield match[1].lower(), " ".join(re.sub(r"[{}]", "", value).split())


def _csv(text: str, name: str, source: str, findings: FindingCollector) -> list[Reference]:
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = "\t" if first.count("\t") > first.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
    try:
        header, rows = set(reader.fieldnames or []), [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        findings.add(
            name, f"line {reader.line_num}", f"not a readable table: {error}", next_step="export it again"
        )
        return []
    for dialect, (signs, columns) in CSV_DIALECTS.items():
        if signs <= header:
            records = (
                (line, {key: [row.get(column) or ""] for key, column in columns.items()})
                for line, row in rows
            )
            return _collect(records, name, source or dialect.partition(" (")[0], findings)
    findings.add(name, "line 1", "an unknown format",
                 allowed="RIS, NBIB, BibTeX, or a CSV export of " + ", ".join(CSV_DIALECTS),
                 next_step="export again in one of these")  # fmt: skip
    return []
