#!/usr/bin/env python3
"""Fifty trials with a known truth: make the tables, and score an analysis on them.

    python validation/benchmark_trials/run.py make [--out FOLDER]       tables, truth and manifest
    python validation/benchmark_trials/run.py score [--folder FOLDER]   our own analyses; prints and writes
    python validation/benchmark_trials/run.py score --estimates TABLE   somebody else's analyses
    python validation/benchmark_trials/run.py check [--folder FOLDER]   exit 1 unless every hash fits

Thirty trials come from the mechanistic trial simulator, twenty from simple laws (``simple.py``). The truth
lies in a file of its own; ``manifest.json`` holds the hash of it and of every table.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.sample_scores import counted_share
from eubiosis.core.trial_tables import OneTrial

sys.path.insert(0, str(Path(__file__).parent))
from own import own_estimates
from simple import LAWS, WEEKS, trial, truth

FOLDER = Path(__file__).parent / "tables"
SEED = 20261130
FILES = ("trials.csv", "participants.csv", "visits.csv", "dictionary.csv", "truth.csv")
ENDPOINTS = ("relapses", "mfis", "stool_butyrate")
COMPLETE = 400  # complete trials behind the truth of a score with a floor
CLASSES = (
    "no effect",
    "biomarker only",
    "clinical",
    "harm",
    "responders",
    "donors",
    "no effect, the worse leave",
)
SIZES = (60, 80, 100, 120, 160)
TRIAL = ("trial", "participants", "weeks", "donors")
PERSON = ("trial", "participant", "arm", "donor", "age", "female", "relapses_last_year", "follow_up_years",
          "completed", "relapses")  # fmt: skip
VISIT = ("trial", "participant", "week", "mfis", "stool_butyrate")
TRUTH = ("trial", "class", "made_by", "endpoint", "truth", "error", "is_null")
DICTIONARY = (
    ("file", "column", "meaning", "unit"),
    ("all", "trial", "trial, T01 to T50; each is analysed by itself", ""),
    ("trials", "participants", "randomised, 1:1", ""),
    ("trials", "weeks", "planned visits; the last is the end", "week"),
    ("trials", "donors", "how many donors the active arm has; 0: none", ""),
    ("participants", "participant", "number within the trial", ""),
    ("participants", "arm", "active or placebo, as randomised", ""),
    ("participants", "donor", "donor of an active participant; empty: none", ""),
    ("participants", "age", "age at entry", "year"),
    ("participants", "female", "1 a woman, 0 a man", ""),
    ("participants", "relapses_last_year", "relapses in the year before entry", ""),
    ("participants", "follow_up_years", "from randomisation to the end or to leaving", "year"),
    ("participants", "completed", "1 stayed to the last visit, 0 left", ""),
    ("participants", "relapses", "relapses during follow-up", ""),
    ("visits", "week", "planned week; a visit that did not take place has no row", "week"),
    ("visits", "mfis", "fatigue, higher is worse; empty: not measured", "points"),
    ("visits", "stool_butyrate", "butyrate in stool; empty: not measured", "mM"),
    ("truth", "class", "what the world is", ""),
    ("truth", "made_by", "simulator or simple law", ""),
    ("truth", "truth",
     "effect of active against placebo had nobody left: log rate ratio (relapses), points at "
     "the last visit (mfis), log ratio of geometric means at the last visit (stool_butyrate)", ""),
    ("truth", "error", "Monte Carlo error of the truth; 0 where it is exact", "as the truth"),
    ("truth", "is_null", "1 where the truth is no effect", ""),
)  # fmt: skip
Columns = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Made:
    """One trial with its truth."""

    kind: str
    made_by: str
    participants: Columns
    visits: Columns
    weeks: Sequence[float]
    donors: int
    truth: Mapping[str, float]
    error: Mapping[str, float]


def main() -> int:
    """Make, check or score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("make", "score", "check"))
    parser.add_argument("--out", "--folder", dest="folder", type=Path, default=FOLDER)
    parser.add_argument("--estimates", type=Path)
    chosen = parser.parse_args()
    if chosen.what == "make":
        began = time.process_time()
        write(chosen.folder, make())
        print(f"made in {time.process_time() - began:.0f} CPU s")
        return 0
    problems = changed(chosen.folder)
    print("\n".join(problems) or "every hash fits")
    if problems or chosen.what == "check":
        return int(bool(problems))
    if chosen.estimates:
        found = read_estimates(chosen.estimates, chosen.folder)
    else:
        found = own_estimates(
            rows_of(chosen.folder / "participants.csv"), rows_of(chosen.folder / "visits.csv")
        )
        columns = ("trial", "endpoint", "analysis", "estimate", "ci_low", "ci_high", "p", "status")
        write_rows(chosen.folder / "own_estimates.csv", columns, found)
    text = scored(found, rows_of(chosen.folder / "truth.csv"))
    if not chosen.estimates:
        (chosen.folder / "own_scores.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def make() -> list[Made]:
    """Make all fifty trials, in an order that tells nothing."""
    made = [*from_simulator(), *from_laws()]
    order = np.random.default_rng(SEED).permutation(len(made))
    return [made[k] for k in order]


def from_simulator() -> list[Made]:
    """Make the trials of the mechanistic simulator: truths are those of twins in the trial's own world."""
    import eubiosis as eb
    from eubiosis.therapy import Therapy, placebo

    model = eb.model.load()
    plans = (
        ("no effect", placebo(), "zero", 8),
        ("biomarker only", Therapy(product="inulin", dose="16 g/day"), "zero", 8),
        ("clinical", Therapy(product="dimethyl_fumarate"), "hand_fit", 8),
        ("clinical", Therapy(product="ocrelizumab"), "hand_fit", 6),
    )
    made: list[Made] = []
    for number, (kind, therapy, couplings, worlds) in enumerate(plans):
        arms = [
            {"name": "placebo", "therapy": placebo(), "control": True},
            {"name": "active", "therapy": therapy},
        ]
        for world in range(worlds):  # people and numbers of the model are new in each trial
            cohort = eb.population.generate(model, seed=SEED + 100 * number + world)
            design = eb.trial.Design(
                arms=arms, participants=SIZES[(number + world) % len(SIZES)], visits=list(WEEKS),
                primary="mfis", dropout_per_year=0.15, missed_visits=0.07,
                control_level={"relapses_per_year": 0.5},
            )  # fmt: skip
            trials = eb.trial.simulate(
                design, cohort, model, gut_worlds=1, host_worlds=1, replicates=1, couplings=couplings,
                seed=SEED + 100 * number + world,
            )  # fmt: skip
            true = {one.endpoint: one.value for one in eb.analysis.true_effects(trials.latent)}
            error = 0.0
            if true["mfis"]:  # the score has a floor, which the truth of twins does not know
                complete = design.changed(dropout_per_year=0.0, missed_visits=0.0)
                many = eb.trial.simulate(
                    complete, cohort, model, gut_worlds=1, host_worlds=1, replicates=COMPLETE,
                    couplings=couplings, seed=SEED + 100 * number + world,
                )  # fmt: skip
                true["mfis"], error = _difference(many.observed.trials())
            for one in trials.observed.trials():
                persons, visits = one.subjects, one.visits
                made.append(
                    Made(kind, "simulator", _persons(persons), _visits(persons, visits), WEEKS, 0,
                         {name: true[name] for name in ENDPOINTS}, {"mfis": error})
                )  # fmt: skip
    return made


def _difference(trials: Iterable[OneTrial]) -> tuple[float, float]:
    """Return the mean difference of the change of the observed score over complete trials, and its error."""
    found = []
    for one in trials:
        week, score, arm = (np.asarray(one.visits[name]) for name in ("week", "mfis", "arm"))
        ends = {
            (name, when): score[(week == when) & (arm == name)].mean()
            for name in ("active", "placebo")
            for when in (WEEKS[0], WEEKS[-1])
        }
        means = {name: ends[name, WEEKS[-1]] - ends[name, WEEKS[0]] for name in ("active", "placebo")}
        found.append(means["active"] - means["placebo"])
    return float(np.mean(found)), float(np.std(found, ddof=1) / math.sqrt(len(found)))


def _persons(own: Columns) -> Columns:
    return {
        "participant": np.arange(1, len(own["arm"]) + 1),
        "arm": own["arm"],
        "donor": np.full(len(own["arm"]), ""),
        "age": np.round(np.asarray(own["age"], dtype=float)),
        "female": own["female"],
        "relapses_last_year": own["relapses_last_year"],
        "follow_up_years": np.round(np.asarray(own["follow_up_years"], dtype=float), 3),
        "completed": own["completed"],
        "relapses": own["relapses"],
    }


def _visits(persons: Columns, own: Columns) -> Columns:
    place = {subject: k + 1 for k, subject in enumerate(np.asarray(persons["subject"]).tolist())}
    return {
        "participant": np.array([place[subject] for subject in np.asarray(own["subject"]).tolist()]),
        "week": own["week"],
        "mfis": np.round(np.asarray(own["mfis"], dtype=float), 1),
        "stool_butyrate": np.round(np.asarray(own["stool_butyrate"], dtype=float), 2),
    }


def from_laws() -> list[Made]:
    """Make the trials of simple laws; the truth of each law is that of 200,000 twins."""
    made = []
    for number, (kind, law) in enumerate(LAWS.items()):
        true, errors = truth(law, SEED + number)
        for k in range(5):
            persons, visits = trial(law, SIZES[(number + k) % len(SIZES)], SEED + 1000 * (number + 1) + k)
            made.append(Made(kind, "simple law", persons, visits, WEEKS, law.donors, true, errors))
    return made


def write(folder: Path, made: Sequence[Made]) -> None:
    """Write tables, dictionary, truth and the manifest with their hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    named = [(f"T{k + 1:02d}", one) for k, one in enumerate(made)]
    trials = [
        {"trial": name, "participants": len(one.participants["arm"]),
         "weeks": " ".join(f"{w:g}" for w in one.weeks), "donors": one.donors}
        for name, one in named
    ]  # fmt: skip
    true = [
        {"trial": name, "class": one.kind, "made_by": one.made_by, "endpoint": endpoint,
         "truth": round(value, 5), "error": round(one.error.get(endpoint, 0.0), 5),
         "is_null": int(abs(value) < 5e-3)}
        for name, one in named
        for endpoint, value in one.truth.items()
    ]  # fmt: skip
    persons = [{"trial": name, **row} for name, one in named for row in rows(one.participants)]
    visits = [{"trial": name, **row} for name, one in named for row in rows(one.visits)]
    words = [dict(zip(DICTIONARY[0], row, strict=True)) for row in DICTIONARY[1:]]
    write_rows(folder / "trials.csv", TRIAL, trials)
    write_rows(folder / "participants.csv", PERSON, persons)
    write_rows(folder / "visits.csv", VISIT, visits)
    write_rows(folder / "dictionary.csv", DICTIONARY[0], words)
    write_rows(folder / "truth.csv", TRUTH, true)
    manifest = {"seed": SEED, "trials": len(made), "files": {name: _sha(folder / name) for name in FILES}}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def changed(folder: Path) -> list[str]:
    """Name every table, the truth included, that is not as the manifest says."""
    missing = [name for name in (*FILES, "manifest.json") if not (folder / name).is_file()]
    if missing:
        return [f"{folder / name}: the file is missing" for name in missing]
    held = json.loads((folder / "manifest.json").read_text("utf-8"))["files"]
    return [
        f"{name}: its hash is not that of the manifest"
        for name in FILES
        if held.get(name) != _sha(folder / name)
    ]


def scored(found: Sequence[Mapping[str, object]], true: Sequence[Mapping[str, str]]) -> str:
    """Return the scores as a table: one row for each analysis and class.

    MCE is the Monte Carlo error of the bias; shares have exact 95 % intervals.
    """
    known = {(row["trial"], row["endpoint"]): row for row in true}
    lines = [
        "| endpoint | analysis | class | trials | bias (MCE) | coverage of 95 % | p < 0.05 where null "
        "| p < 0.05 where not | wrong sign | no numbers |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for endpoint, analysis in dict.fromkeys((str(r["endpoint"]), str(r["analysis"])) for r in found):
        for kind in (*CLASSES, "all"):
            own = [
                (row, known[str(row["trial"]), endpoint]) for row in found
                if (row["endpoint"], row["analysis"]) == (endpoint, analysis)
                and kind in ("all", known[str(row["trial"]), endpoint]["class"])
            ]  # fmt: skip
            if own:
                lines.append(f"| {endpoint} | {analysis} | {kind} | " + " | ".join(_cells(own)) + " |")
    return "\n".join(lines) + "\n"


def _cells(own: Sequence[tuple[Mapping[str, object], Mapping[str, str]]]) -> list[str]:
    usable = [
        (*(_number(a, name) for name in ("estimate", "ci_low", "ci_high", "p")), float(t["truth"]),
         t["is_null"] == "1")
        for a, t in own
        if math.isfinite(_number(a, "estimate"))
    ]  # fmt: skip
    if not usable:
        return [str(len(own)), "", "", "", "", "", str(len(own))]
    error = np.array([estimate - true for estimate, _, _, _, true, _ in usable])
    mce = error.std(ddof=1) / math.sqrt(len(error)) if len(error) > 1 else math.nan
    covered = [low <= true <= high for _, low, high, _, true, _ in usable]
    null = [p < 0.05 for *_, p, _, is_null in usable if is_null]
    power = [p < 0.05 for *_, p, _, is_null in usable if not is_null]
    wrong = [p < 0.05 and estimate * true < 0 for estimate, _, _, p, true, is_null in usable if not is_null]
    return [
        str(len(own)), f"{error.mean():+.3f} ({mce:.3f})", _share(covered), _share(null), _share(power),
        _share(wrong), str(len(own) - len(usable)),
    ]  # fmt: skip


def _share(hits: Sequence[bool]) -> str:
    """Write a count with the exact 95 % interval of its share; empty where nothing can be counted."""
    if not hits:
        return ""
    one = counted_share(sum(hits), len(hits))
    return f"{one.hits} of {one.of} ({one.low:.2f} to {one.high:.2f})"


def read_estimates(path: Path, folder: Path = FOLDER) -> list[dict[str, object]]:
    """Read somebody's estimates; exits naming columns, trials, repeated rows or cells that are wrong."""
    found: list[dict[str, object]] = [dict(row) for row in rows_of(path)]
    needed = {"trial", "endpoint", "estimate", "ci_low", "ci_high", "p"}
    if not found or needed - found[0].keys():
        sys.exit(f"{path.name}: columns {', '.join(sorted(needed))} are needed, on the scale of the truth")
    wrong = sorted({str(row["endpoint"]) for row in found} - set(ENDPOINTS))
    if wrong:
        sys.exit(f"{path.name}: endpoint {', '.join(wrong)} is unknown; allowed: {', '.join(ENDPOINTS)}")
    named = [(row.get("analysis", "theirs"), row["trial"], row["endpoint"]) for row in found]
    known = {(row["trial"], row["endpoint"]) for row in rows_of(folder / "truth.csv")}
    strange = sorted(
        {f"{trial}, {endpoint}" for _, trial, endpoint in named if (trial, endpoint) not in known}
    )
    if strange:
        sys.exit(f"{path.name}: no such trial and endpoint: {'; '.join(strange[:5])}")
    twice = sorted({", ".join(map(str, one)) for one, count in Counter(named).items() if count > 1})
    if twice:
        sys.exit(f"{path.name}: given twice: {'; '.join(twice[:5])}; keep one row of each")
    for line, row in enumerate(found, start=2):
        for name in ("estimate", "ci_low", "ci_high", "p"):
            try:
                _number(row, name)
            except ValueError:
                sys.exit(f"{path.name}, line {line}: {name} {str(row[name])!r} is no number; empty: none")
    return [{"analysis": "theirs", **row} for row in found]


def rows(columns: Columns) -> list[dict[str, object]]:
    """Turn columns into rows, missing numbers into None and truth values into 1 and 0."""
    lists = {name: np.asarray(values).tolist() for name, values in columns.items()}
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a CSV file as rows of text; exits with a word where there is none."""
    if not path.is_file():
        sys.exit(f"{path}: the file is missing")
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write_rows(path: Path, columns: Sequence[str], table: Sequence[Mapping[str, object]]) -> None:
    """Write rows as a CSV file: numbers as short as they are, nothing for what is missing."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(row[name]) for name in columns] for row in table)


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return value


def _number(row: Mapping[str, object], name: str) -> float:
    text = str(row[name])
    return float(text) if text else math.nan


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
