"""Columns that say in one word what the extractor wrote in a remark, so that no program reads remarks."""

from __future__ import annotations

import re

_WRONG_TAG = re.compile(r"means|tagged|not an organism|check|neutrophil")
_YES = {True: "yes", False: "no"}


def marked(table: str, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the rows of a table with its added columns, before the last one."""
    add = ADDED.get(table)
    return rows if add is None else [_before_last(row, add(row)) for row in rows]


def _before_last(row: dict[str, str], added: dict[str, str]) -> dict[str, str]:
    *others, last = row
    return {**{name: row[name] for name in others}, **added, last: row[last]}


def _study(row: dict[str, str]) -> dict[str, str]:
    return {
        "doi_status": "recalled" if "DOI recalled" in row["note"] else "",
        "notice_search": "none found" if "no retraction or notice" in row["note"] else "",
    }


def _estimate(row: dict[str, str]) -> dict[str, str]:
    words = row["outcome_scale"]
    return {
        "analysis": "sensitivity" if "sensitivity" in words else "main",
        "quantity": "change" if "change" in words else "",
    }


def _meta_analysis(row: dict[str, str]) -> dict[str, str]:
    return {
        "network": _YES["NMA" in row["model"]],
        "called": "non-significant" if "non-significant" in row["note"] else "",
        "metric_doubted": _YES["ratio-like" in row["note"]],
    }


def _entity(row: dict[str, str]) -> dict[str, str]:
    return {"wrong_tag": _YES[bool(_WRONG_TAG.match(row["note"]))]}


def _taxon(row: dict[str, str]) -> dict[str, str]:
    return {
        "genus": row["taxon"].split(" ")[0] if row["rank"] in ("genus", "species") else "",
        "report": "review" if "review" in f"{row['method']} {row['country']}" else "primary",
    }


ADDED = {
    "studies": _study,
    "estimates": _estimate,
    "meta_analyses": _meta_analysis,
    "entities": _entity,
    "taxa": _taxon,
}
