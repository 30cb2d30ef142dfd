#!/usr/bin/env python3
"""Turn the extracted comma-separated evidence into the project's tab-separated tables, keeping every row.

    python3 validation/evidence_tables/convert.py ../shared/evidence

Writes src/eubiosis/content/evidence/*.tsv and prints rows read and rows written for each table; any
difference is an error. What is changed on the way is stated in ``rules.py``: columns are split between
studies and estimates, terms are added, and a few remarks are reworded.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import rules
from marks import marked

TARGET = Path(__file__).resolve().parents[2] / "src" / "eubiosis" / "content" / "evidence"


def main(arguments: list[str]) -> int:
    """Convert every table; return 1 when a row was lost."""
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    source = Path(arguments[0])
    TARGET.mkdir(parents=True, exist_ok=True)
    lost = 0
    interventions = read(source / "interventions.csv")
    studies, estimates, risk = rules.split(interventions)
    lost += write("studies", studies, expected=len({row["study_id"] for row in interventions}))
    lost += write("estimates", estimates, expected=len(interventions))
    lost += write("risk_of_bias", risk, expected=sum(s["species"] == "human" for s in studies))
    for name, renames in rules.PLAIN.items():
        rows = [rules.plain(row, renames) for row in read(source / f"{name}.csv")]
        if name == "control_arms_arr_input":
            arms = [
                rules.plain(row, rules.PLAIN["control_arms"]) for row in read(source / "control_arms.csv")
            ]
            rows = [rules.control_arm_rate(row) for row in rules.with_read(rows, arms)]
        if name == "control_arms":
            rows = [rules.control_arm(row) for row in rows]
            rows += [{column: new.get(column, "") for column in rows[0]} for new in rules.NEW_CONTROL_ARMS]
        if name in rules.NUMBERED:
            rows = [{"id": f"{rules.NUMBERED[name]}{i:03d}", **row} for i, row in enumerate(rows, start=1)]
        lost += write(rules.FILES.get(name, name), rows, expected=len(rows))
    return 1 if lost else 0


def read(path: Path) -> list[dict[str, str]]:
    """Read one comma-separated table."""
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write(name: str, rows: list[dict[str, str]], *, expected: int) -> int:
    """Write one table, read it back, and return 1 when its number of rows is not the expected one."""
    path = TARGET / f"{name}.tsv"
    rows = marked(name, rows)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0].keys(), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    with path.open(newline="", encoding="utf-8") as stream:
        written = sum(1 for _ in csv.DictReader(stream, delimiter="\t"))
    print(f"{name}: {expected} rows read, {written} rows written")
    return int(written != expected)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
