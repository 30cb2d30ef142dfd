"""Write refitted numbers into the parameter tables, each with what it was fitted to and its range.

    python validation/gut_refit/apply.py FILE       FILE as `fit.py --write` gives it

A number that ended within 2 % of its allowed range from the former value keeps the former value: the targets
say nothing about it. The portal outflows of the hand-over follow from the healthy absorption in closed form.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from fit import HERE, STEP, Objective, read_numbers, read_space

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.engine import Array
from eubiosis.model import load
from eubiosis.model.laboratory import Laboratory

NEAR = 0.02
REFERENCE_TRANSIT = 1.6  # days: gut_T_ref while the search runs
MOST_NAMED = 4
# portal less peripheral concentration (mM), fasting (Peters 1992; peripheral butyrate Bodinham 2014)
PORTAL_RISE = {"Ac": 0.128 - 0.067, "Pr": 0.0344 - 0.0037, "Bu": 0.0176 - 0.0011}
BY_HAND = "refitted with all gut targets marked fitted (validation/gut_refit); most sensitive first"


def main() -> int:
    """Apply; return the exit status."""
    space, path = read_space(), Path(sys.argv[1])
    unit, former = space.unit(read_numbers(space, path)), space.unit(space.former)
    unit = np.where(np.abs(unit - former) < NEAR, former, unit)
    objective = Objective(Laboratory.of(load()), space, 0.0)
    informed = sensitivities(objective, unit)
    found = ranges(HERE / "ranges_found.tsv")
    values = {n: float(v[0]) for n, v in space.numbers(unit[None]).items()}
    changes: dict[str, tuple[float, float, float, bool, str]] = {}
    flows: dict[str, float] = {}
    for k, name in enumerate(space.ids):
        if unit[k] == former[k]:
            continue
        value = float(f"{values[name]:.3g}")
        low, high = found.get(name, (space.low[k], space.high[k]))
        changes[name] = (value, min(low, value), max(high, value), bool(space.log[k]), informed[name])
    # only volume x (absorption of water + rate of transit) counts, so transit may be the reference
    if "gut_T_transit" in changes:
        transit, water = (changes.get(n, (values[n],))[0] for n in ("gut_T_transit", "gut_a_W"))
        volume = values["gut_V_lumen"] * (water + 1 / REFERENCE_TRANSIT) / (water + 1 / transit)
        k = space.ids.index("gut_V_lumen")
        low, high = min(space.low[k], volume), max(space.high[k], volume)
        changes["gut_V_lumen"] = (float(f"{volume:.3g}"), low, high, True, informed["gut_V_lumen"])
        flows = {"gut_T_ref": transit}
    held = objective.laboratory.healthy(space.numbers(unit[None]))
    flows |= {
        f"handover_Q_{a}": float(held.parameters[f"handover_ref_J_{a}"][0]) / r
        for a, r in PORTAL_RISE.items()
    }
    for table in ("gut", "gut_processes", "handover", "persons"):
        rewrite(PACKAGED_CONTENT / f"parameters/{table}.tsv", changes, flows)
    print(f"{len(changes)} of {len(space.ids)} numbers changed")
    return 0


def sensitivities(objective: Objective, unit: Array) -> dict[str, str]:
    """Name the targets that each number moves most, in half-widths of their interval over its range."""
    rows = [r for r in objective.rows if r.low is not None and r.high is not None]
    signs = np.where(unit + STEP <= 1, STEP, -STEP)
    sets = np.vstack([unit, unit + np.diag(signs)])
    parts = [objective.answers(sets[k : k + 64]) for k in range(0, len(sets), 64)]
    answers = {row.id: np.concatenate([part[row.id] for part in parts]) for row in rows}
    halves = {row.id: (float(row.high or 0) - float(row.low or 0)) / 2 for row in rows}
    moved = np.array([(answers[r.id][1:] - answers[r.id][0]) / signs / halves[r.id] for r in rows])
    moved = np.where(np.isfinite(moved), np.abs(moved), 0.0)
    named = {}
    for k, name in enumerate(objective.space.ids):
        order = np.argsort(-moved[:, k])[:MOST_NAMED]
        named[name] = " ".join(rows[j].id for j in order if moved[j, k] > 0.05)
    return named


def ranges(path: Path) -> dict[str, tuple[float, float]]:
    """Read the ranges that the history matching found, 5 to 95 %."""
    with path.open(encoding="utf-8") as stream:
        return {r["id"]: (float(r["low"]), float(r["high"])) for r in csv.DictReader(stream, delimiter="\t")}


def rewrite(
    path: Path, changes: dict[str, tuple[float, float, float, bool, str]], flows: dict[str, float]
) -> None:
    """Rewrite one parameter table."""
    header, *lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    columns = header.split("\t")
    out = [header]
    for line in lines:
        row = dict(zip(columns, [*line.split("\t"), *[""] * len(columns)], strict=False))
        if row["id"] in flows:
            row["value"] = f"{flows[row['id']]:.4g}"
        if row["id"] in changes:
            value, low, high, log, informed = changes[row["id"]]
            before = row["value"]
            if row["read"] == "recalled" or not row["source"]:
                row |= {"read": "", "source": "validation/gut_refit"}
            row |= {"value": f"{value:g}", "low": f"{low:.3g}", "high": f"{high:.3g}", "basis": "fitted"}
            row["distribution"] = row["distribution"] or ("lognormal" if log else "uniform")
            row["fitted_to"] = f"{BY_HAND}: {informed}" if informed else BY_HAND
            row["note"] = "; ".join(filter(None, (row["note"], f"{before} before the refit")))
        out.append("\t".join(row[c] for c in columns))
    path.write_text("\n".join(out) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    raise SystemExit(main())
