"""Make the shipped worlds: waves, weights, what every row says to them, and the tables that carry them."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eubiosis.calibration.discrepancy import Residual, estimates, residuals
from eubiosis.calibration.roles import join, read_tables, roles_hash
from eubiosis.calibration.sampling import Effort, Sample, TemperingLevel, tempered
from eubiosis.calibration.waves import IMPLAUSIBLE, GutProblem, implausibility
from eubiosis.calibration.waves_terms import Term
from eubiosis.calibration.worlds_history import HistoryProblem, history_terms
from eubiosis.core.output import beside, check_new, staged
from eubiosis.core.version import __version__
from eubiosis.engine import Array
from eubiosis.model.content import TargetRow
from eubiosis.model.model import Model
from eubiosis.model.shipped import GUT, HISTORY, MADE, gut_key, history_key, made_with, read_made, targets_key

WAVES, ROWS = "worlds_waves.tsv", "worlds_targets.tsv"
LEFT_OUT, DISCREPANCY = "worlds_left_out.tsv", "worlds_discrepancy.tsv"
Say = Callable[[str], None]
GUT_EFFORT, HISTORY_EFFORT = Effort(640, 15, 120, left_out=30), Effort(256, 4, 8)
GUT_REDUCED, HISTORY_REDUCED = Effort(64, 6, 12, left_out=2), Effort(24, 1, 1)
_PRIOR_HISTORY = 200  # draws of the prior that a row's prior share is counted from


@dataclass(frozen=True)
class RowSeen:
    """What a row of the target table met: shares of the prior and of the worlds that lie in its interval.

    ``prior`` and ``worlds`` are the 2.5, 50 and 97.5 % points of what they give; ``used`` says whether the
    row gave a likelihood.
    """

    row: TargetRow
    half: str
    used: bool
    prior_share: float
    share: float
    prior: tuple[float, float, float]
    worlds: tuple[float, float, float]


@dataclass(frozen=True)
class Half:
    """The worlds of one half: ``values`` id -> (worlds,), as they are shipped."""

    sample: Sample
    values: Mapping[str, Array]
    rows: tuple[RowSeen, ...]
    drawn: int
    plausible: float
    seconds: float
    residuals: tuple[Residual, ...] = ()


def gut_half(model: Model, effort: Effort, seed: int, say: Say, threads: int | None = None) -> Half:
    """Match the gut: draws that a healthy gut does not contradict, carried to what the fitted rows allow."""
    began = time.perf_counter()
    problem = GutProblem.of(model, threads=threads)
    start, drawn, before = problem.prior(effort.points, seed)
    agree = problem.healthy(before)
    say(
        f"gut: {len(drawn)} draws of the prior, {agree.sum()} agree with a healthy gut; "
        f"{len(problem.fitted)} rows"
    )
    sample = tempered(problem.log_likelihood, start, effort, seed, _told("gut", say))
    after = problem.answers(sample.points)
    used = {each.row.id: each for each in problem.fitted}
    rows = _seen("gut", problem.laboratory.rows, used, before, after, agree / agree.sum(), sample.weights)
    plausible = float(np.mean(implausibility(problem.fitted, after) <= IMPLAUSIBLE))
    sets = problem.sets(sample.points)
    values = {name: sets[name] for name in problem.names}
    left_out: tuple[Residual, ...] = ()
    if effort.left_out:
        left_out = residuals(
            model,
            sample.points,
            sample.weights,
            seed=seed,
            generations=effort.left_out,
            say=say,
            threads=threads,
        )
    return Half(sample, values, rows, len(drawn), plausible, time.perf_counter() - began, left_out)


def history_half(model: Model, effort: Effort, seed: int, say: Say) -> Half:
    """Match the natural history and the drug classes."""
    began = time.perf_counter()
    problem = HistoryProblem(model)
    start = problem.prior(max(effort.points, _PRIOR_HISTORY if effort.points > 100 else 0), seed)
    before = problem.answers(start[: min(len(start), _PRIOR_HISTORY)])
    say(f"natural history: {len(problem.fitted)} rows, {len(problem.free)} free numbers")
    sample = tempered(
        problem.log_likelihood, start[: effort.points], effort, seed, _told("natural history", say)
    )
    after = problem.answers(sample.points)
    used = {each.row.id: each for each in history_terms(model)}
    looked = [row for row in model.content.targets if row.id in after]
    size = len(next(iter(before.values())))
    rows = _seen("history", looked, used, before, after, np.full(size, 1 / size), sample.weights)
    plausible = float(np.mean(implausibility(problem.fitted, after) <= IMPLAUSIBLE))
    return Half(
        sample, problem.values(sample.points), rows, len(start), plausible, time.perf_counter() - began
    )


def write_half(folder: Path, table: str, half: Half) -> None:
    """Write the worlds of a half as they were drawn, six digits a number."""
    names = list(half.values)
    _write(
        folder / table,
        ("world", "weight", *names),
        (
            (k, f"{weight:.6g}", *(f"{half.values[name][k]:.6g}" for name in names))
            for k, weight in enumerate(half.sample.weights)
        ),
    )


def check_folder(folder: Path) -> None:
    """Raise ``FindingsError`` where a table stands that ``write_worlds`` would replace and did not write."""
    tables = (GUT, HISTORY, WAVES, ROWS, LEFT_OUT, DISCREPANCY)
    if not (folder / MADE).exists():
        for name in tables:
            check_new(folder / name)


def write_worlds(
    folder: Path, model: Model, gut: Half | None, history: Half | None, seed: int, *, reduced: bool
) -> None:
    """Write everything that belongs to the worlds into ``folder``; a half that is None is left as it is.

    All of it or nothing; raises ``FindingsError`` where the folder cannot be written, or holds such a table
    without the one that says how it was made.
    """
    check_folder(folder)
    halves = {name: half for name, half in (("gut", gut), ("history", history)) if half is not None}
    earlier = read_made(folder)
    how = {
        "version": __version__,
        "seed": seed,
        "effort": "reduced" if reduced else "full",
        "targets_key": targets_key(model.content),
        "roles_sha256": roles_hash(join(read_tables(model.content))),
    }
    made: dict[str, Any] = {word: value for word, value in earlier.items() if word not in how}
    for name in ("gut", "history"):
        if name in halves:
            made |= {f"{name}_{word}": value for word, value in how.items()}
        elif f"{name}_key" in earlier:  # the other half keeps what it was made with
            made |= {f"{name}_{word}": made_with(earlier, name, word) for word in how}
    keys = {"gut": gut_key(model), "history": history_key(model.content)}
    with staged(folder) as aside:
        for name in (WAVES, ROWS):  # lines of the other half stay
            if (folder / name).is_file():
                shutil.copyfile(folder / name, aside / name)
        for name, half in halves.items():
            write_half(aside, GUT if name == "gut" else HISTORY, half)
            made |= {
                f"{name}_key": keys[name],
                f"{name}_worlds": len(half.sample.weights),
                f"{name}_effective": f"{half.sample.effective:.1f}",
                f"{name}_levels": len(half.sample.levels),
                f"{name}_plausible": f"{half.plausible:.3f}",
                f"{name}_drawn": half.drawn,
            }
        roles = {row.id: row.role for row in join(read_tables(model.content))}
        if gut is not None and gut.residuals:
            write_left_out(aside, gut.residuals)
        _write(aside / MADE, ("what", "value"), made.items())
        _write(
            aside / WAVES,
            ("half", "level", "power", "effective_share", "accepted", "median_log_likelihood"),
            (
                (
                    name,
                    x.number,
                    f"{x.power:.5g}",
                    f"{x.effective:.3f}",
                    f"{x.accepted:.3f}",
                    f"{x.median:.3f}",
                )
                for name, half in halves.items()
                for x in half.sample.levels
            ),
            kept=lambda line: line[0] not in halves,
        )
        _write(
            aside / ROWS,
            ("id", "half", "role", "used", "prior_share", "share", *_points("prior"), *_points("worlds")),
            (
                (r.row.id, r.half, roles.get(r.row.id, r.row.role), "yes" if r.used else "no",
                 f"{r.prior_share:.4f}", f"{r.share:.4f}", *(f"{x:.5g}" for x in (*r.prior, *r.worlds)))
                for half in halves.values()
                for r in half.rows
            ),
            kept=lambda line: line[1] not in halves,
        )  # fmt: skip


def write_left_out(folder: Path, left_out: Sequence[Residual]) -> None:
    """Write how far worlds are off in studies they were not matched to, and the discrepancy that leaves."""
    _write(
        folder / LEFT_OUT,
        ("id", "study", "kind", "log_off", "explained_variance", "predicted_log_ratio"),
        (
            (r.row.id, r.study, r.kind, f"{r.off:.4f}", f"{r.variance:.4f}", f"{r.moved:.4f}")
            for r in left_out
        ),
    )
    _write(
        folder / DISCREPANCY,
        ("kind", "scored_study", "sd", "rows", "studies", "full_at"),
        (
            (e.kind, e.without, f"{e.sd:.3f}", e.rows, e.studies, f"{e.full_at:.3f}")
            for e in estimates(left_out)
        ),
    )


def _seen(
    half: str,
    rows: Iterable[TargetRow],
    used: Mapping[str, Term],
    before: Mapping[str, Array],
    after: Mapping[str, Array],
    prior_weights: Array,
    weights: Array,
) -> tuple[RowSeen, ...]:
    return tuple(
        RowSeen(
            row,
            half,
            row.id in used,
            _share(row, before[row.id], prior_weights),
            _share(row, after[row.id], weights),
            _weighted(before[row.id], prior_weights),
            _weighted(after[row.id], weights),
        )
        for row in rows
        if row.role in ("fit", "check")
    )


def _share(row: TargetRow, values: Array, weights: Array) -> float:
    """Return the weight of what lies in a row's interval; NaN where it has none."""
    if row.low is None and row.high is None:
        return float("nan")
    low = -np.inf if row.low is None else row.low
    high = np.inf if row.high is None else row.high
    with np.errstate(invalid="ignore"):
        return float(weights[(values >= low) & (values <= high)].sum())


def _weighted(values: Array, weights: Array) -> tuple[float, float, float]:
    """Return the weighted 2.5, 50 and 97.5 % points of finite values."""
    fine = np.isfinite(values) & (weights > 0)
    if not fine.any():
        return (float("nan"),) * 3
    order = np.argsort(values[fine])
    ladder = np.cumsum(weights[fine][order])
    places = np.searchsorted(ladder / ladder[-1], (0.025, 0.5, 0.975))
    low, middle, high = values[fine][order][np.minimum(places, len(order) - 1)]
    return float(low), float(middle), float(high)


def _points(of: str) -> tuple[str, ...]:
    return (f"{of}_low", f"{of}_median", f"{of}_high")


def _told(half: str, say: Say) -> Callable[[TemperingLevel], None]:
    def told(level: TemperingLevel) -> None:
        say(
            f"{half}, level {level.number}: power {level.power:.3f}, effective share {level.effective:.2f}, "
            f"accepted {level.accepted:.2f}, median log likelihood {level.median:.1f}"
        )

    return told


def _write(
    path: Path,
    header: Sequence[str],
    rows: Iterable[Sequence[Any]],
    kept: Callable[[Sequence[str]], bool] = lambda _: False,
) -> None:
    """Write a table; lines of an earlier one that are ``kept`` come first."""
    lines: list[Sequence[Any]] = []
    if path.is_file():
        earlier = csv.reader(path.read_text(encoding="utf-8").splitlines()[1:], delimiter="\t")
        lines = [line for line in earlier if kept(line)]
    with beside(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text, delimiter="\t", lineterminator="\n")
        writer.writerow(header)
        writer.writerows([*lines, *rows])
