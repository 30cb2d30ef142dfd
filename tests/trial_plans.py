"""Plans and tables that several tests of real trials' tables use."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import yaml

WORDS = {"treatment": "inulin or placebo", "population": "all randomised", "variable": "MFIS"}
COLUMNS = ("id", "arm", "visit", "mfis", "age", "sex")


def endpoint(**more: Any) -> dict[str, Any]:
    return {
        "name": "fatigue", "column": "mfis", "kind": "score", "model": "ancova",
        "missing_data": "complete cases", "visit": "Week 12", "baseline_visit": "Baseline", "estimand": WORDS,
        **more,
    }  # fmt: skip


def plan(*endpoints: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "title": "Made",
        "columns": {"participant": "id", "arm": "arm", "visit": "visit"},
        "arms": [
            {"name": "placebo", "spellings": ["Placebo", "PBO"], "control": True},
            {"name": "inulin", "spellings": ["Inulin"]},
        ],
        "visits": [{"name": "Baseline", "week": 0}, {"name": "Week 12", "week": 12}],
        "multiplicity": "none",
        "endpoints": list(endpoints) or [endpoint()],
        **more,
    }


def rows() -> list[list[object]]:
    """Eight people at two visits; ANCOVA of week 12 on baseline can be done by hand."""
    made: list[list[object]] = []
    for k, (start, end) in enumerate(
        [(40, 41), (30, 29), (50, 50), (36, 40), (42, 38), (31, 26), (47, 44), (38, 37)]
    ):
        who = (f"P{k + 1}", "Placebo" if k < 4 else "Inulin")
        made.append([*who, "Baseline", start, 30 + k, "FM"[k % 2]])
        made.append([*who, "Week 12", end, 30 + k, "FM"[k % 2]])
    return made


def columns_of(table: list[list[object]], names: tuple[str, ...] = COLUMNS) -> dict[str, list[object]]:
    return {name: [row[k] for row in table] for k, name in enumerate(names)}


def text_of(table: list[list[object]], names: tuple[str, ...] = COLUMNS, delimiter: str = ",") -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows([list(names), *table])
    return stream.getvalue()


def write_plan(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "plan.yaml"
    path.write_text(yaml.dump(content, Dumper=_Flat, sort_keys=False), encoding="utf-8")
    return path


class _Flat(yaml.SafeDumper):
    """Our reader of YAML takes no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        del data
        return True
