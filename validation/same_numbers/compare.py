"""Compare a run of the demo with the run of commit 610d205, value by value, after the rename map.

    python validation/same_numbers/compare.py RUN                        against the pinned hashes
    python validation/same_numbers/compare.py RUN --relative 1e-9        last digits may differ, and are said
    python validation/same_numbers/compare.py RUN --against OLD_RUN      row by row, with places
    python validation/same_numbers/compare.py RUN --against OLD_RUN --relative 1e-9
    python validation/same_numbers/compare.py OLD_RUN --pin              write expected.json

A column of a table, and every path of results.json (rows of a list side by side), is one sequence of values.
Numbers are written as hexadecimal floats, so that a difference in the last digit is one; whole numbers and
real ones of the same value are equal, as are 0 and -0, and NaN, null and no value. Exit 0 nothing differs,
1 something does. See README.md.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import json
import math
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from eubiosis.engine.codegen.native import vector_width

HERE = Path(__file__).parent
EXPECTED = HERE / "expected.json"
RENAMES = HERE / "renames.json"
Leaf = str | float | int | bool | None
Json = Leaf | list["Json"] | dict[str, "Json"]
Columns = dict[str, list[Leaf]]
_SHOWN = 5  # differing rows of a column


@dataclass(frozen=True)
class Renames:
    """What changed its name since 610d205: old to new; and what is no number of the demo."""

    columns: Mapping[str, str]
    results: Mapping[str, str]
    words: Mapping[str, Mapping[str, str]]
    exempt: Sequence[str]
    noise: Mapping[str, str]

    @classmethod
    def read(cls) -> Renames:
        """Read the map."""
        record = json.loads(RENAMES.read_text(encoding="utf-8"))
        return cls(record["columns"], record["results"], record["words"], record["exempt"], record["noise"])

    def new_name(self, old: str) -> str:
        """Return the present name of a column ("tables/TABLE.COLUMN") or path ("results.json/PATH")."""
        return {**self.columns, **self.results}.get(old, old)

    def is_exempt(self, name: str) -> bool:
        """Say whether a name is a hash, a version or the like."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.exempt)


def sequences(run: Path) -> Columns:
    """Return every column of every table and every path of results.json of a run, by name."""
    found: Columns = {}
    for file in sorted((run / "tables").glob("*.parquet")):
        for column, values in pq.read_table(file).to_pydict().items():
            found[f"tables/{file.stem}.{column}"] = values
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    for path, leaf in leaves(results, ""):
        found.setdefault(f"results.json/{path}", []).append(leaf)
    return found


def leaves(value: Json, path: str) -> Iterator[tuple[str, Leaf]]:
    """Yield every leaf with its path; "[]" is any row of a list, pairs of a list of pairs are keys."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        pairs = value and all(isinstance(v, list) and len(v) == 2 and isinstance(v[0], str) for v in value)
        for inner in value:
            if pairs:
                assert isinstance(inner, list)
                yield from leaves(inner[1], f"{path}.{inner[0]}")
            else:
                yield from leaves(inner, f"{path}[]")
    else:
        yield path, value


def canonical(value: Leaf) -> str:
    """Write a value so that equal values are written alike."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "missing"
    if isinstance(value, (int, float)):
        return (float(value) + 0.0).hex()
    return json.dumps(value)


def digest(values: Sequence[Leaf]) -> str:
    """Return the SHA-256 of a sequence of values."""
    return hashlib.sha256("\n".join(map(canonical, values)).encode()).hexdigest()


def as_before(name: str, values: Sequence[Leaf], renames: Renames) -> list[Leaf]:
    """Return values with their words as 610d205 wrote them."""
    words = {new: old for old, new in renames.words.get(name, {}).items()}
    return [words.get(value, value) if isinstance(value, str) else value for value in values]


def shadows(name: str, values: Sequence[Leaf]) -> list[float]:
    """Return the length of a column as a vector, and its products with three random ones of its own.

    A change of any value moves all three by about as much, so that they bound the change without the values.
    A missing value counts as zero (where they are is compared on its own); empty for a column that holds no
    real number.
    """
    if not any(isinstance(value, float) and math.isfinite(value) for value in values):
        return []
    numbers = np.array(
        [v if isinstance(v, (int, float)) and math.isfinite(v) else 0.0 for v in values], dtype=float
    )
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    weights = np.random.default_rng(seed).standard_normal((3, len(numbers)))
    return [float(np.linalg.norm(numbers)), *(weights @ numbers).tolist()]


def gaps(values: Sequence[Leaf]) -> str:
    """Return the SHA-256 of which values are missing or infinite."""
    marks = ("." if isinstance(v, (int, float)) and math.isfinite(v) else canonical(v) for v in values)
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()


def pinned_line(name: str, values: Sequence[Leaf]) -> list[str | int | float]:
    """Return what is pinned of a column: how many values, their hash and, of numbers, gaps and shadows."""
    shadow = shadows(name, values)
    return [len(values), digest(values), *([gaps(values), *shadow] if shadow else [])]


def change(before: Sequence[float], now: Sequence[float]) -> float:
    """Return about how far a column moved, over its length; infinite where that cannot be said."""
    if not before or not now or not before[0]:
        return math.inf
    return math.dist(before[1:], now[1:]) / math.sqrt(3) / before[0]


def against_pins(run: Columns, renames: Renames, relative: float) -> tuple[list[str], list[str]]:
    """Return what differs from the pinned hashes: by more than a tolerance, and within it."""
    pinned = json.loads(EXPECTED.read_text(encoding="utf-8"))["sequences"]
    said, small = [], []
    for old, (count, sha256, *rest) in pinned.items():
        new = renames.new_name(old)
        if renames.is_exempt(old):
            continue
        if new not in run:
            said.append(f"{old}: no longer there{f' as {new}' if new != old else ''}")
            continue
        values = as_before(old, run[new], renames)
        if len(values) != count:
            said.append(f"{new}: {len(values)} values, {count} in 610d205")
        elif digest(values) != sha256:
            moved = change(rest[1:], shadows(old, values))
            line = f"{new}: values differ by about {moved:.1e} of the column's length"
            if rest and rest[0] != gaps(values):
                said.append(f"{new}: values differ, and other ones are missing or infinite")
            elif relative and old in renames.noise:
                small.append(f"{line} ({renames.noise[old]})")
            else:
                (small if moved <= relative else said).append(line)
    return said, small


def against_run(run: Columns, old_run: Columns, renames: Renames, relative: float) -> list[str]:
    """Return what differs from another run, with the rows."""
    said = []
    for old, before in old_run.items():
        new = renames.new_name(old)
        if renames.is_exempt(old):
            continue
        if new not in run:
            said.append(f"{old}: no longer there{f' as {new}' if new != old else ''}")
            continue
        now = as_before(old, run[new], renames)
        if len(now) != len(before):
            said.append(f"{new}: {len(now)} values, {len(before)} before")
            continue
        rows = [
            k for k, pair in enumerate(zip(before, now, strict=True)) if not _equal(*pair, relative=relative)
        ]
        said += [f"{new} row {k}: {before[k]!r} became {now[k]!r}" for k in rows[:_SHOWN]]
        if len(rows) > _SHOWN:
            said.append(f"{new}: {len(rows)} of {len(now)} rows differ{_largest(before, now)}")
    return said


def _equal(before: Leaf, now: Leaf, *, relative: float) -> bool:
    if canonical(before) == canonical(now):
        return True
    numbers = all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in (before, now))
    return bool(relative and numbers and math.isclose(before, now, rel_tol=relative))  # type: ignore[arg-type]


def _largest(before: Sequence[Leaf], now: Sequence[Leaf]) -> str:
    apart = [
        abs(b - a) / max(abs(a), abs(b), 1e-300)
        for a, b in zip(before, now, strict=True)
        if isinstance(a, float) and isinstance(b, float) and math.isfinite(a) and math.isfinite(b)
    ]
    return f"; largest relative difference {max(apart):.1e}" if apart else ""


def pin(run: Columns, renames: Renames) -> None:
    """Write the hashes of a run."""
    record = {
        "commit": "610d205",
        "command": "eubiosis demo",
        "made_with": made_with(),
        "sequences": {
            name: pinned_line(name, values) for name, values in run.items() if not renames.is_exempt(name)
        },
    }
    EXPECTED.write_text(json.dumps(record, indent=0) + "\n", encoding="utf-8")


def made_with() -> dict[str, str | int]:
    """Return what the last digits may depend on besides the code."""
    versions = {name: version(name) for name in ("numpy", "scipy", "llvmlite", "python-libsbml")}
    return {"python": platform.python_version(), "vectors": vector_width(), **versions}


def main() -> int:
    """Read the command line, compare and print every difference."""
    parser = argparse.ArgumentParser(description="Compare a run of the demo with 610d205's.")
    parser.add_argument("run", type=Path, help="run folder of `eubiosis demo`")
    parser.add_argument("--against", type=Path, metavar="OLD_RUN", help="a run folder of 610d205")
    parser.add_argument(
        "--relative", type=float, default=0.0, help="how far a number may move; of a column, over its length"
    )
    parser.add_argument("--pin", action="store_true", help="write expected.json from this run of 610d205")
    asked = parser.parse_args()
    renames, run = Renames.read(), sequences(asked.run)
    if asked.pin:
        pin(run, renames)
        return 0
    small: list[str] = []
    if asked.against is None:
        said, small = against_pins(run, renames, asked.relative)
        compared = len(json.loads(EXPECTED.read_text(encoding="utf-8"))["sequences"])
    else:
        before = sequences(asked.against)
        said = against_run(run, before, renames, asked.relative)
        compared = sum(not renames.is_exempt(name) for name in before)
    for line in small:
        print(f"last digits: {line}")
    for line in said:
        print(line)
    if said and asked.against is None:
        print(f"the pins were made with {json.loads(EXPECTED.read_text(encoding='utf-8'))['made_with']}")
        print(f"this run is compared with {made_with()}")
    values = sum(len(column) for column in run.values())
    print(f"{compared} columns and paths compared ({values} values in this run): {len(said)} differences")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
