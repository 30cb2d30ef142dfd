"""Draw random data sets, let R and Eubiosis analyse them, and print where they agree and where not.

    python validation/differential/compare.py --sets 200 --seed 2026 --out OUT [--methods NAME ...]

Writes OUT/agreement.md (the table), OUT/disagreements.json (every data set on which the two differ, with both
answers), OUT/answers.json (R's) and, with ``--pin N``, OUT/sample.json: the first N data sets of each method
with R's numbers. With ``--reuse`` R's answers of an earlier run with the same sets and seed are taken.
R with the packages that ``methods.R`` names has to be installed; nothing is downloaded.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from methods import METHODS, our_numbers  # noqa: E402

KINDS = ("agree", "both refuse", "only ours refuses", "R warns, ours refuses", "only R refuses", "differ")
SMALL = 1e-3  # a difference is relative to R's number, or to this (an estimate: to its error) if larger


def draw(name: str, sets: int, seed: int) -> list[dict]:
    """Return the data sets of a method; set number i is the same whatever the number of sets."""
    place = list(METHODS).index(name)
    made = [METHODS[name].make(np.random.default_rng([seed, place, i])) for i in range(sets)]
    return [json.loads(json.dumps(one, default=float).replace("NaN", "null")) for one in made]


def ask_r(data: dict[str, list[dict]], kept: Path, *, reuse: bool) -> dict:
    """Return R's answers and the versions of its packages; keep them in a file."""
    if reuse:
        return json.loads(kept.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder, "asked.json"), Path(folder, "answered.json")
        asked.write_text(json.dumps(data), encoding="utf-8")
        subprocess.run(["Rscript", str(HERE / "methods.R"), str(asked), str(answered)], check=True)
        kept.write_bytes(answered.read_bytes())
        return json.loads(kept.read_text(encoding="utf-8"))


def judge(ours: dict, theirs: dict, rtol: float) -> tuple[str, float, str]:
    """Return the kind of (dis)agreement, the largest relative difference and the number it is in."""
    refused = "failed" in theirs or all(v is None for k, v in theirs.items() if k != "said")
    numbers = {k: v for k, v in ours.items() if k != "status"}
    silent = all(value is None for value in numbers.values())
    if silent or refused:
        kind = "both refuse" if silent and refused else "only R refuses" if refused else "only ours refuses"
        warned = kind == "only ours refuses" and theirs.get("said")
        return ("R warns, ours refuses" if warned else kind), 0.0, ""
    worst, where = 0.0, ""
    for key in sorted(set(numbers) & set(theirs)):
        mine, other = numbers[key], theirs[key]
        if mine is None and other is None:
            continue
        if mine is None or other is None:
            return (
                ("R warns, ours refuses" if theirs.get("said") and mine is None else "differ"),
                math.inf,
                key,
            )
        floor = theirs.get("se") if key in ("estimate", "slope") else None
        relative = abs(mine - other) / max(abs(other), floor or SMALL, SMALL)
        if relative >= worst:
            worst, where = relative, key
    return ("agree" if worst <= rtol else "differ"), worst, where


def compare(names: list[str], sets: int, seed: int, kept: Path, *, reuse: bool) -> tuple[list, dict, dict]:
    """Return one row per data set, R's versions and the data drawn."""
    data = {name: draw(name, sets, seed) for name in names}
    answer = ask_r(data, kept, reuse=reuse)
    rows = []
    for name in names:
        for i, (one, theirs) in enumerate(zip(data[name], answer["results"][name], strict=True)):
            ours = our_numbers(name, one)
            kind, worst, where = judge(ours, theirs, METHODS[name].rtol)
            rows.append(
                {
                    "method": name,
                    "set": i,
                    "kind": kind,
                    "worst": None if math.isinf(worst) else worst,
                    "where": where,
                    "ours": ours,
                    "R": theirs,
                }
            )
    return rows, answer["versions"], data


def as_markdown(rows: list[dict], versions: dict, sets: int, seed: int) -> str:
    """Return the table of agreement."""
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    lines = [
        f"{sets} random data sets per method, seed {seed}; {software}.",
        "",
        "| Method | In R | Tolerance | Agree | Largest difference | Both refuse | R warns, ours refuses "
        "| Only ours refuses | Only R refuses | Differ |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == name]
        number = {kind: sum(row["kind"] == kind for row in own) for kind in KINDS}
        worst = max((row["worst"] for row in own if row["kind"] == "agree"), default=math.nan)
        cells = [name, METHODS[name].peer, f"{METHODS[name].rtol:g}", number["agree"], f"{worst:.1e}",
                 number["both refuse"], number["R warns, ours refuses"], number["only ours refuses"],
                 number["only R refuses"], number["differ"]]  # fmt: skip
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the comparison and write its files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--methods", nargs="*", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--pin", type=int, default=0)
    parser.add_argument("--reuse", action="store_true")
    chosen = parser.parse_args()
    if shutil.which("Rscript") is None and not chosen.reuse:
        sys.stderr.write("Rscript is not installed: nothing to compare with\n")
        return 1
    chosen.out.mkdir(parents=True, exist_ok=True)
    answers = chosen.out / "answers.json"
    rows, versions, data = compare(chosen.methods, chosen.sets, chosen.seed, answers, reuse=chosen.reuse)
    table = as_markdown(rows, versions, chosen.sets, chosen.seed)
    (chosen.out / "agreement.md").write_text(table, encoding="utf-8")
    kept = [
        {**row, "data": data[row["method"]][row["set"]]}
        for row in rows
        if row["kind"] not in ("agree", "both refuse")
    ]
    (chosen.out / "disagreements.json").write_text(json.dumps(kept, indent=1), encoding="utf-8")
    if chosen.pin:
        sample = {"versions": versions, "seed": chosen.seed, "methods": {}}
        for name in chosen.methods:
            own = [row for row in rows if row["method"] == name][: chosen.pin]
            sample["methods"][name] = [
                {"data": data[name][row["set"]], "R": row["R"], "kind": row["kind"]} for row in own
            ]
        (chosen.out / "sample.json").write_text(json.dumps(sample), encoding="utf-8")
    sys.stdout.write(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
