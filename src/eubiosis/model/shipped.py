"""The shipped worlds: weighted sets of numbers that published figures have not ruled out.

They are made by ``eubiosis calibration worlds`` and lie in ``content/calibration`` as numbers, one row a
world. World ``k`` of a run is one of them, in proportion to its weight: places along the ladder of weights
follow the golden ratio from a start that the seed decides, which is a systematic sample that can be extended,
so the same number means the same world however many are asked for. Each table holds a key of what it was made
from; where the model has other numbers now, its worlds are not used, and the reason is said.
"""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.provenance import SourcedNumber
from eubiosis.core.streams import stream
from eubiosis.core.tables import display_name
from eubiosis.engine import Array
from eubiosis.model.content import Content
from eubiosis.model.draws import read_correlations
from eubiosis.model.join import joined_antimony
from eubiosis.model.model import Model
from eubiosis.model.plausible import held_healthy
from eubiosis.model.worlds import GutWorld, draw_gut_worlds, gut_numbers, with_reference

FOLDER = "calibration"
GUT, HISTORY, MADE = "worlds_gut.tsv", "worlds_natural_history.tsv", "worlds_made.tsv"
HISTORY_LAWS = "worlds_history.tsv"
SEED = 2026
_GOLDEN = (math.sqrt(5) - 1) / 2
_REMAKE = "eubiosis calibration worlds --seed 2026 --out FOLDER"


@dataclass(frozen=True)
class ShippedWorlds:
    """Worlds of one half: ``names`` of numbers, ``values`` (worlds, numbers), ``weights`` summing to one."""

    names: tuple[str, ...]
    values: Array
    weights: Array

    @property
    def effective(self) -> float:
        """The effective sample size of the weights."""
        return float(1 / (self.weights**2).sum())

    def row(self, number: int, seed: int, half: str) -> int:
        """Return which world a run's world ``number`` (1, 2, ...) is.

        Neighbours along the ladder are no relatives: the seed shuffles the worlds first.
        """
        order = stream(seed, f"shipped {half}/order").permutation(len(self.weights))
        start = stream(seed, f"shipped {half}/start").random()
        ladder = np.cumsum(self.weights[order])
        place = (start + (number - 1) * _GOLDEN) % 1.0
        return int(order[min(int(np.searchsorted(ladder, place * ladder[-1], side="right")), len(order) - 1)])

    def distinct(self, count: int, seed: int, half: str) -> int:
        """Return how many different worlds the first ``count`` of a run are."""
        return len({self.row(number, seed, half) for number in range(1, count + 1)})


@dataclass(frozen=True)
class Shipped:
    """The worlds that fit this model; a half is None where there are none.

    ``reasons`` says why worlds that were made do not fit, ``absent`` which halves were never made.
    """

    gut: ShippedWorlds | None
    history: ShippedWorlds | None
    made: Mapping[str, str]
    reasons: tuple[str, ...]
    absent: tuple[str, ...] = ()

    def how(self, half: Literal["gut", "history"], word: str) -> str:
        """Return the version, seed, effort, targets_key or roles_sha256 that a half was made with."""
        return made_with(self.made, half, word)


def shipped(model: Model) -> Shipped:
    """Return the shipped worlds of the content that a model was loaded from, where they fit it."""
    folder = model.content.folder / FOLDER
    made = read_made(folder)
    halves = {
        "gut": (folder / GUT, "gut_key", gut_key(model)),
        "natural history": (folder / HISTORY, "history_key", history_key(model.content)),
    }
    absent, reasons = [], []
    found: dict[str, ShippedWorlds | None] = dict.fromkeys(halves)
    for half, (path, word, key) in halves.items():
        if word not in made or not path.is_file():
            absent.append(f"no worlds of the {half} lie in this content; make them: {_REMAKE}")
        elif made[word] != key:
            reasons.append(
                f"the numbers or equations of the {half} have changed since its worlds were made; "
                f"remake: {_REMAKE}"
            )
        else:
            found[half] = worlds = read_worlds(path)
            expected = frozenset(gut_numbers(model))
            if half != "gut":
                expected = _history_numbers(folder, worlds.names)
            _check_worlds(worlds, path, made.get(word.replace("key", "worlds"), ""), expected)
    return Shipped(found["gut"], found["natural history"], made, tuple(reasons), tuple(absent))


def matched_gut_world(model: Model, worlds: ShippedWorlds, number: int, seed: int) -> GutWorld:
    """Return gut world ``number`` (1, 2, ...) of a run; raises ``FindingsError`` where it has no rest."""
    return matched_gut_worlds(model, worlds, (number,), seed, threads=1)[0]


def matched_gut_worlds(
    model: Model, worlds: ShippedWorlds, numbers: Sequence[int], seed: int, *, threads: int | None = None
) -> tuple[GutWorld, ...]:
    """Return gut worlds by their ``numbers`` (1, 2, ...), many at a time; see ``matched_gut_world``."""
    rows = [worlds.row(number, seed, "gut") for number in numbers]
    values = {name: worlds.values[rows, k] for k, name in enumerate(worlds.names)}
    found = []
    held = held_healthy(model, with_reference(model, values), threads=threads)
    if lost := [row for row, one in zip(rows, held, strict=True) if one is None]:
        raise unsolved_worlds(model, lost)
    for number, one in zip(numbers, held, strict=True):
        assert one is not None
        found.append(GutWorld(number, one.values, one.states, one.factors))
    return tuple(found)


def unsolved_worlds(model: Model, rows: Sequence[int]) -> FindingsError:
    """Return the finding about shipped gut worlds, by their row, that have no healthy steady state."""
    problem = "no healthy steady state with the numbers of this row"
    step = f"restore the table or remake it: {_REMAKE}"
    name = model.content.file(f"{FOLDER}/{GUT}")
    return FindingsError(
        [Finding(name, f"world {row}", problem, next_step=step) for row in sorted(set(rows))]
    )


def gut_worlds(model: Model, count: int, seed: int = SEED) -> tuple[GutWorld, ...]:
    """Return gut worlds 1 to ``count``: shipped ones where they fit the model, else draws of the prior."""
    numbers = range(1, count + 1)
    own = shipped(model).gut
    if own is not None:
        return matched_gut_worlds(model, own, numbers, seed)
    return draw_gut_worlds(model, numbers, seed)


def matched_history(worlds: ShippedWorlds, number: int, seed: int) -> dict[str, float]:
    """Return the natural history of host world ``number`` of a run; a mirrored pair shares it.

    The first pair keeps the tables. Factors of drugs are left out: no trial arm takes one.
    """
    pair = number // 2
    if not pair:
        return {}
    row = worlds.row(pair, seed, "history")
    return {
        name: float(worlds.values[row, k]) for k, name in enumerate(worlds.names) if name.startswith("host_")
    }


def gut_key(model: Model) -> str:
    """Hash what gut worlds depend on: equations and numbers of gut and hand-over, and the laws of worlds."""
    content = model.content
    texts = [_plain(joined_antimony(content, ("gut", "handover"), {}))]
    texts += [f"{row.person} {row.target} {content.value(row.value):.9g}" for row in content.persons]
    names = set(gut_numbers(model)) | {n for n in content.numbers if n.startswith(("gut_", "handover_"))}
    texts += _laws(content.numbers[name] for name in sorted(names))
    texts += [
        f"{row.group} {row.first} {row.second} {row.correlation:.9g}"
        for row in read_correlations(content.folder)
    ]
    texts += sorted(gut_numbers(model))
    return _hash(texts)


def history_key(content: Content) -> str:
    """Hash what worlds of the natural history depend on: the host's equations and numbers, and the drugs."""
    texts = [_plain(joined_antimony(content, ("host",), {}))]
    texts += _laws(row for name, row in sorted(content.numbers.items()) if name.startswith("host_"))
    texts += [f"{row.drug} {row.target} {row.factor:.9g} {row.comparator}" for row in content.drugs]
    laws = content.folder / FOLDER / HISTORY_LAWS
    if laws.is_file():
        texts += [" ".join(line.split("\t")[:4]) for line in laws.read_text(encoding="utf-8").splitlines()]
    return _hash(texts)


def targets_key(content: Content) -> str:
    """Hash what the rows of the target table ask: their numbers, conditions and roles, not their notes."""
    texts = [
        f"{row.id} {row.condition} {row.observable} {row.statistic} {row.day} {row.target} {row.low} "
        f"{row.high} {row.role}"
        for row in content.targets
    ]
    texts += [f"{row.condition} {row.person} {row.days:g}" for row in content.conditions]
    texts += [
        f"{row.condition} {row.target} {row.amount} {row.times_per_day} {row.start_day} {row.stop_day}"
        for row in content.changes
    ]
    return _hash(texts)


def _history_numbers(folder: Path, names: Iterable[str]) -> frozenset[str]:
    """Name what worlds of the natural history hold: the rows of its laws, and the factors of drugs it has."""
    drugs = {name for name in names if name.startswith("drug_")}
    laws = folder / HISTORY_LAWS
    if not laws.is_file():
        return frozenset(names)
    lines = laws.read_text(encoding="utf-8").splitlines()[1:]
    return frozenset({line.split("\t", 1)[0] for line in lines if line} | drugs)


def _check_worlds(worlds: ShippedWorlds, path: Path, count: str, expected: frozenset[str]) -> None:
    """Raise ``FindingsError`` where a table lacks numbers or worlds that its making wrote."""
    name, own = display_name(path), set(worlds.names)
    wrong = dict.fromkeys(sorted(expected - own), "the column is missing")
    wrong |= dict.fromkeys(sorted(own - expected), "is no number that worlds hold")
    step = f"restore the table or remake it: {_REMAKE}"
    findings = [Finding(name, column, problem, next_step=step) for column, problem in wrong.items()]
    if count != str(len(worlds.weights)):
        findings.append(
            Finding(name, "", f"{len(worlds.weights)} worlds", allowed=f"{count}, as {MADE} says")
        )
    if findings:
        raise FindingsError(findings)


def made_with(made: Mapping[str, str], half: str, word: str) -> str:
    """Return what a half was made with; tables in which both halves were made by one call say it once."""
    return made.get(f"{half}_{word}", made.get(word, "unknown"))


def read_made(folder: Path) -> dict[str, str]:
    """Read how the worlds were made: word -> what it was; empty where none are shipped."""
    path = folder / MADE
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    return dict(line.split("\t", 1) for line in lines if "\t" in line)


def read_worlds(path: Path) -> ShippedWorlds:
    """Read a table of worlds; raises ``FindingsError`` with every cell that is no number."""
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int) -> ShippedWorlds:
    name = display_name(path)
    with path.open(encoding="utf-8", newline="") as text:
        lines = list(csv.reader(text, delimiter="\t"))
    if not lines:
        raise FindingsError([Finding(name, "", "the table is empty", next_step=f"remake it: {_REMAKE}")])
    header, *rows = lines
    findings = [
        Finding(name, column, "the column occurs twice")
        for column, times in Counter(header).items()
        if times > 1
    ]
    if header[:2] != ["world", "weight"]:
        findings.append(Finding(name, "header", "the columns", allowed="world, weight, then numbers"))
        raise FindingsError(findings)
    values = np.full((len(rows), len(header) - 1), np.nan)
    for line, cells in enumerate(rows):
        if len(cells) != len(header):
            findings.append(
                Finding(name, f"line {line + 2}", f"{len(cells)} cells", allowed=f"{len(header)}")
            )
            continue
        for column, cell in enumerate(cells[1:]):
            try:
                values[line, column] = float(cell)
            except ValueError:
                findings.append(
                    Finding(name, f"line {line + 2}, column {header[column + 1]}", f'"{cell}" is no number')
                )
    weights = values[:, 0]
    if not findings and not (np.isfinite(values).all() and (weights >= 0).all() and weights.sum() > 0):
        findings.append(Finding(name, "", "a number that is not finite, or weights that are not positive"))
    if findings:
        raise FindingsError(findings)
    return ShippedWorlds(tuple(header[2:]), values[:, 1:], weights / weights.sum())


def _laws(rows: Iterable[SourcedNumber]) -> list[str]:
    return [
        f"{r.id} {r.value:.9g} {r.low} {r.high} {r.uncertainty} {r.variability} {r.together}" for r in rows
    ]


def _plain(text: str) -> str:
    """Return a module without comments and spaces, which change nothing."""
    return re.sub(r"\s+", "", re.sub(r"//[^\n]*", "", text))


def _hash(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
