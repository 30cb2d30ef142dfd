"""Derive the ADaM-shaped tables from the observed tables of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from eubiosis.core.columns import TableSchema
from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.core.frame import Table
from eubiosis.therapy.harms import harm_terms
from eubiosis.workflow.exports.adam_schemas import ADAM_TABLES, NO_RACE, NO_SITE, SIMULATED

Cell: TypeAlias = "str | float | None"
Row: TypeAlias = dict[str, Cell]
DAYS_A_YEAR = 365.25
_SCORES = ("mfis", "edss")
_SHORT = {"stool": "ST", "plasma": "PL", "share": "SH"}
_REASONS = {  # why follow-up ended, in the words of CDISC's code list NCOMPLT
    "withdrew_consent": "WITHDRAWAL BY SUBJECT",
    "adverse_event": "ADVERSE EVENT",
    "lack_of_efficacy": "LACK OF EFFICACY",
    "lost_to_follow_up": "LOST TO FOLLOW-UP",
    "other": "OTHER",
}
_MRI = (  # column of observed_subjects, code, visit, what it is, unit
    ("gd_lesions_at_entry", "GDBL", "Baseline", "Gd+ lesions on the scan at randomisation", "lesion"),
    ("gd_lesions", "GDSUM", "Follow-up", "Gd+ lesions, summed over the scans attended", "lesion"),
    ("scans", "NSCAN", "Follow-up", "Scans attended after entry", "scan"),
    ("t2_lesions", "T2NEW", "Follow-up", "New T2 lesions from entry to the last scan attended", "lesion"),
    ("t2_years", "T2YRS", "Follow-up", "Time from entry to the last scan attended", "year"),
)


def parameter_code(endpoint: str) -> str:
    """Return the code of an endpoint, of at most 8 characters.

    >>> parameter_code("stool_butyrate"), parameter_code("share_BIF"), parameter_code("mfis")
    ('STBUTYRA', 'SHBIF', 'MFIS')
    """
    place, _, what = endpoint.partition("_")
    return (_SHORT.get(place, place) + what).upper()[:8]


def parameter_text(endpoint: str) -> str:
    """Return the parameter of an endpoint in words, with its unit."""
    known = ENDPOINTS[endpoint]
    return f"{known.label} ({known.unit})" if known.unit not in ("", "-") else known.label


def leaving_reason(why: str) -> str:
    """Return a reason for leaving in the words of CDISC's code list NCOMPLT; empty stays empty.

    >>> leaving_reason("withdrew_consent"), leaving_reason("")
    ('WITHDRAWAL BY SUBJECT', '')
    """
    return _REASONS.get(why, why.replace("_", " ").upper())


def adam_tables(
    study: str, subjects: Table, visits: Table, relapses: Table, adverse_events: Table
) -> dict[str, Table]:
    """Return the ADaM-shaped tables of one simulated trial, by name.

    ``study`` is its identifier; the tables are the observed ones of a run, of which columns that are
    optional may be absent. Missing numbers are NaN, missing texts empty.
    """
    people = {_whole(row["subject"]): row for row in _rows(subjects)}
    base = {number: _who(study, number, row) for number, row in people.items()}
    seen = _rows(visits)
    values = [name for name in visits.columns if name in ENDPOINTS]
    scores = [name for name in _SCORES if name in values]
    shares = [name for name in values if name.startswith("share_")]
    laboratory = [name for name in values if name not in (*scores, *shares)]
    found = {
        "ADSL": _subject_level(base, people, seen),
        "ADTTE": _times(base, people, _rows(relapses)),
        "ADQS": _by_visit(base, seen, scores),
        "ADLB": _by_visit(base, seen, laboratory, limited=True),
        "ADMB": _by_visit(base, seen, shares),
        "ADAE": _events(base, _rows(adverse_events)),
        "ADMRI": _lesions(base, people),
    }
    return {name: _table(ADAM_TABLES[name], rows) for name, rows in found.items()}


def _rows(table: Table) -> list[Row]:
    columns = table.to_pydict()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _who(study: str, number: int, row: Row) -> Row:
    return {
        "STUDYID": study,
        "USUBJID": f"{study}-{number:06d}",
        "ORIGIN": SIMULATED,
        "TRT01P": str(row["arm"]),
    }


def _subject_level(base: Mapping[int, Row], people: Mapping[int, Row], visits: Sequence[Row]) -> list[Row]:
    edss = {_whole(row["subject"]): row.get("edss") for row in visits if row["week"] == 0}
    return [
        {
            **base[number],
            "SUBJID": f"{number:06d}",
            "SITEID": NO_SITE,
            "ARM": str(row["arm"]),
            "AGE": row["age"],
            "AGEU": "YEARS",
            "SEX": "F" if row["female"] else "M",
            "RACE": NO_RACE,
            "ITTFL": "Y",
            "EOSSTT": "COMPLETED" if row["completed"] else "DISCONTINUED",
            "DCSREAS": "" if row["completed"] else leaving_reason(str(row.get("left_because") or "")),
            "FUYRS": row["follow_up_years"],
            "REL12BL": row["relapses_last_year"],
            "NREL": row["relapses"],
            "EDSSBL": edss.get(number),
        }
        for number, row in people.items()
    ]


def _times(base: Mapping[int, Row], people: Mapping[int, Row], relapses: Sequence[Row]) -> list[Row]:
    """Time to the first relapse, and to leaving the study; both are censored where follow-up ends."""
    first: dict[int, float] = {}
    for row in relapses:
        number, onset = _whole(row["subject"]), _number(row["day"])
        first[number] = min(onset, first.get(number, onset))
    rows = []
    for number, row in people.items():
        end = _number(row["follow_up_years"]) * DAYS_A_YEAR
        left = not row["completed"]
        reason = str(row.get("left_because") or "left the study").replace("_", " ")
        for code, words, day, said in (
            ("TTFR", "Time to First Relapse (days)", first.get(number), "first relapse"),
            ("TTLEAVE", "Time to Leaving the Study (days)", end if left else None, reason),
        ):
            censored = "" if day is not None else "end of follow-up"
            rows.append(
                {
                    **base[number],
                    "PARAMCD": code,
                    "PARAM": words,
                    "AVAL": end if day is None else day,
                    "CNSR": float(day is None),
                    "EVNTDESC": said if day is not None else censored,
                    "CNSDTDSC": censored,
                }
            )
    return rows


def _by_visit(
    base: Mapping[int, Row], visits: Sequence[Row], endpoints: Sequence[str], *, limited: bool = False
) -> list[Row]:
    before = {_whole(row["subject"]): row for row in visits if row["week"] == 0}
    rows: list[Row] = []
    for name in endpoints:
        for row in visits:
            value = row[name]
            if value is None:
                continue  # not measured at this visit: a long table has no row for it
            number, week = _whole(row["subject"]), _number(row["week"])
            start = before.get(number, {}).get(name)
            day = row.get("day")
            made: Row = {
                **base[number],
                "PARAMCD": parameter_code(name),
                "PARAM": parameter_text(name),
                "AVISIT": "Baseline" if week == 0 else f"Week {week:g}",
                "AVISITN": week,
                "ADY": None if day is None else _number(day) + 1,
                "AVAL": value,
                "AVALU": ENDPOINTS[name].unit,
                "BASE": start,
                "CHG": None if week == 0 or start is None else _number(value) - _number(start),
                "ABLFL": "Y" if week == 0 else "",
            }
            if limited:
                made["LLOQFL"] = "Y" if row.get(f"{name}_below_limit") else ""
            rows.append(made)
    return rows


def _events(base: Mapping[int, Row], events: Sequence[Row]) -> list[Row]:
    terms = harm_terms()
    seen: Counter[int] = Counter()
    rows: list[Row] = []
    for row in sorted(events, key=lambda event: (_whole(event["subject"]), _number(event["day"]))):
        number, harm = _whole(row["subject"]), str(row["event"])
        seen[number] += 1
        rows.append(
            {
                **base[number],
                "AESEQ": float(seen[number]),
                "AETERM": terms[harm].label if harm in terms else harm.replace("_", " "),
                "AEDECOD": harm,
                "ASTDY": row["day"],
                "AESER": "Y" if row["serious"] else "N",
                "AOCCPFL": "Y",
            }
        )
    return rows


def _lesions(base: Mapping[int, Row], people: Mapping[int, Row]) -> list[Row]:
    return [
        {
            **base[number],
            "PARAMCD": code,
            "PARAM": f"{words} ({unit})",
            "AVISIT": visit,
            "AVAL": row[column],
            "AVALU": unit,
            "ABLFL": "Y" if visit == "Baseline" else "",
        }
        for column, code, visit, words, unit in _MRI
        for number, row in people.items()
        if row.get(column) is not None
    ]


def _table(schema: TableSchema, rows: Sequence[Row]) -> Table:
    columns: dict[str, list[str] | list[float]] = {}
    for column in schema.columns:
        cells = [row[column.name] for row in rows]
        if column.kind == "text":
            columns[column.name] = [str(cell or "") for cell in cells]
        else:
            columns[column.name] = [float("nan") if cell is None else _number(cell) for cell in cells]
    return Table(columns, schema=schema)


def _whole(cell: Cell) -> int:
    return int(_number(cell))


def _number(cell: Cell) -> float:
    if cell is None or isinstance(cell, str):
        raise TypeError(f"{cell!r} is no number")
    return float(cell)
