"""Which numbers matter most for the headline figures, and how far those were read.

    python validation/sensitivity/run.py            # Morris, then Sobol: a quarter of an hour on two cores
    python validation/sensitivity/run.py --quick    # the same in small, to see that it runs

Morris screens every uncertain number that a figure can depend on; Sobol follows with those that matter.
Numbers move over the 95 % of their own law, the members of a group together. A fitted number for which no
range was found moves from 0.8 to 1.25 times its value; such a stand-in is marked.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from figures import FIGURES, PLAIN, has_steady_states, headline_figures
from SALib.analyze import morris as morris_analysis
from SALib.analyze import sobol as sobol_analysis
from SALib.sample import morris as morris_sample
from SALib.sample import sobol as sobol_sample

from eubiosis.core.provenance import SourcedNumber
from eubiosis.engine import Array
from eubiosis.model import Model, load
from eubiosis.model.draws import draw_together, free_names, groups, read_correlations
from eubiosis.model.numbers import is_read, shares_read
from eubiosis.model.worlds import coupling_names

HERE = Path(__file__).parent
LEVELS, TRAJECTORIES, BASE, FOLLOWED, TOP, CHUNK = 4, 20, 256, 25, 20, 400
EDGE = 0.025
BAR = 2 / 3
MOST_TRIED = 12


def stand_in(row: SourcedNumber) -> SourcedNumber:
    """Give a fitted number without a range 0.8 to 1.25 times its value, a share those odds."""
    value = row.value
    if value < 1 and "share" in row.description:
        odds = value / (1 - value)
        low, high = (odds * f / (1 + odds * f) for f in (0.8, 1.25))
        change = {"low": low, "high": high, "uncertainty": "logitnormal"}
    else:
        change = {"low": value * 0.8, "high": value * 1.25, "uncertainty": "lognormal"}
    return row.model_copy(update=change)


def moved_numbers(model: Model) -> dict[str, SourcedNumber]:
    """Return the numbers that move: not a coupling, and one that a figure can depend on."""
    kernels = (model.upstream_kernel, model.host_kernel)
    couplings = coupling_names(model)
    extra = ("gut_frac_", "gut_fold_")
    clinic = ("host_pira", "host_pira_MG", "host_smold_ms")
    moved = {}
    for name, row in model.content.numbers.items():
        reached = any(name in k.parameter_index for k in kernels) or name.startswith(extra) or name in clinic
        coupling = name in couplings or row.uncertainty == "symmetric"
        if not reached or coupling or row.level in ("definition", "visit"):
            continue
        if row.uncertain:
            moved[name] = row
        elif row.basis == "fitted" and row.value > 0:
            moved[name] = stand_in(row)
    whole = groups(model.content.numbers, model.content.numbers)
    for members in whole.values():  # a group of which some members reach no figure moves as a whole
        if any(name in moved for name in members):
            moved |= {name: model.content.numbers[name] for name in members}
    return moved


def sets_at(
    model: Model, moved: Mapping[str, SourcedNumber], free: Sequence[str], units: Array
) -> dict[str, Array]:
    """Return values at points of the unit cube, shape (points, free numbers).

    A number that is not free stays as the tables have it, or at its median in a group that is free in part.
    """
    block = EDGE + (1 - 2 * EDGE) * units
    quantiles = {name: np.full(len(block), 0.5) for name in free_names(moved, tuple(moved))}
    quantiles |= {name: block[:, i] for i, name in enumerate(free)}
    sets = draw_together(moved, tuple(moved), quantiles, read_correlations(model.content.folder))
    going = set(free)
    for members in groups(moved, moved).values():
        if going & set(members):
            going |= set(members)
    return {n: v if n in going else np.full(len(block), moved[n].value) for n, v in sets.items()}


def evaluate(
    model: Model, moved: Mapping[str, SourcedNumber], free: Sequence[str], units: Array, seed: int
) -> dict[str, Array]:
    """Return the figures at points of the unit cube, as logarithms where they are ratios."""
    parts: dict[str, list[Array]] = {name: [] for name in FIGURES}
    started = time.monotonic()
    for begin in range(0, len(units), CHUNK):
        sets = sets_at(model, moved, free, units[begin : begin + CHUNK])
        with np.errstate(all="ignore"):
            found = headline_figures(model, sets, seed)
            for name, values in found.items():
                parts[name].append(values if name in PLAIN else np.log(values))
        done = min(begin + CHUNK, len(units))
        print(f"  {done} of {len(units)} sets, {time.monotonic() - started:.0f} s", file=sys.stderr)
    return {name: np.concatenate(values) for name, values in parts.items()}


def keep_whole_blocks(values: Array, size: int) -> tuple[np.ndarray, int]:
    """Return the rows of blocks in which every set went well, and how many failed.

    With one NaN among the outputs SALib's indices are all zero.
    """
    good = np.isfinite(values)
    blocks = good.reshape(-1, size).all(axis=1)
    return np.repeat(blocks, size), int((~good).sum())


def solvable(
    model: Model, moved: Mapping[str, SourcedNumber], free: Sequence[str], wanted: int, seed: int
) -> tuple[Array, int]:
    """Sample Morris trajectories until ``wanted`` have a steady state throughout; say how many were tried."""
    problem = {"num_vars": len(free), "names": list(free), "bounds": [[0.0, 1.0]] * len(free)}
    size, found, tried = len(free) + 1, [], 0
    while len(found) < wanted and tried < MOST_TRIED * wanted:
        units = morris_sample.sample(problem, wanted, num_levels=LEVELS, seed=seed + 1000 * tried)
        for block in units.reshape(wanted, size, len(free)):
            tried += 1
            if len(found) < wanted and has_steady_states(model, sets_at(model, moved, free, block)).all():
                found.append(block)
        print(f"  {len(found)} of {tried} trajectories have a steady state throughout", file=sys.stderr)
    if not found:
        message = f"none of {tried} trajectories has a steady state throughout"
        raise ArithmeticError(message)
    return np.concatenate(found), tried


def screen(
    model: Model, moved: Mapping[str, SourcedNumber], trajectories: int, seed: int
) -> tuple[list[list[object]], dict[str, int], str]:
    """Run Morris; return a row for each number and figure, the failures by figure, and what was tried."""
    free = free_names(moved, tuple(moved))
    problem = {"num_vars": len(free), "names": list(free), "bounds": [[0.0, 1.0]] * len(free)}
    units, tried = solvable(model, moved, free, trajectories, seed)
    figures = evaluate(model, moved, free, units, seed)
    rows: list[list[object]] = []
    failed = {}
    for figure, values in figures.items():
        good, failed[figure] = keep_whole_blocks(values, len(free) + 1)
        if not good.any():
            continue
        result = morris_analysis.analyze(
            problem, units[good], values[good], num_levels=LEVELS, seed=seed, num_resamples=200
        )
        total = result["mu_star"].sum()
        kept = int(good.sum() // (len(free) + 1))
        for i, name in enumerate(free):
            rows.append(
                [figure, name, result["mu_star"][i], result["mu_star_conf"][i], result["sigma"][i],
                 result["mu_star"][i] / total, kept]
            )  # fmt: skip
    return rows, failed, f"{len(units) // (len(free) + 1)} of {tried} trajectories tried"


def follow(
    model: Model, moved: Mapping[str, SourcedNumber], names: Sequence[str], base: int, seed: int
) -> tuple[list[list[object]], dict[str, int]]:
    """Run Sobol on some numbers, all others as in the tables; return a row for each number and figure."""
    problem = {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}
    units = sobol_sample.sample(problem, base, calc_second_order=False, scramble=True, seed=seed)
    figures = evaluate(model, moved, names, units, seed)
    rows: list[list[object]] = []
    failed = {}
    for figure, values in figures.items():
        good, failed[figure] = keep_whole_blocks(values, len(names) + 2)
        if not good.any() or np.ptp(values[good]) == 0:
            continue
        result = sobol_analysis.analyze(problem, values[good], calc_second_order=False, seed=seed)
        for i, name in enumerate(names):
            rows.append(
                [figure, name, result["S1"][i], result["S1_conf"][i], result["ST"][i], result["ST_conf"][i],
                 float(np.std(values[good]))]
            )  # fmt: skip
    return rows, failed


def ranking(rows: Sequence[Sequence[object]], column: int) -> list[tuple[str, float]]:
    """Rank numbers by their share of each figure's total, averaged over the figures."""
    share: dict[str, dict[str, float]] = {}
    for row in rows:
        share.setdefault(str(row[0]), {})[str(row[1])] = max(float(row[column]), 0.0)
    mean: dict[str, float] = {}
    for values in share.values():
        total = sum(values.values()) or 1.0
        for name, value in values.items():
            mean[name] = mean.get(name, 0.0) + value / total / len(share)
    return sorted(mean.items(), key=lambda item: -item[1])


def by_number(rows: Sequence[Sequence[object]]) -> list[list[object]]:
    """Lay Morris rows out by number: its mean share, then its mean absolute effect on each figure."""
    effect = {(str(row[1]), str(row[0])): row[2] for row in rows}
    return [
        [name, share, *(effect.get((name, figure), "") for figure in FIGURES)]
        for name, share in ranking(rows, 2)
    ]


def write(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a table, floats to four digits."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(head)
        writer.writerows([[f"{c:.4g}" if isinstance(c, float) else c for c in row] for row in rows])


def report(
    model: Model,
    moved: Mapping[str, SourcedNumber],
    top: Sequence[tuple[str, float]],
    sobol: Sequence[Sequence[object]],
) -> list[list[object]]:
    """Return the rows of the top numbers with what each does most to, its basis and how far it was read."""
    rows: list[list[object]] = []
    for rank, (name, share) in enumerate(top, start=1):
        number = model.content.numbers[name]
        best = max((r for r in sobol if r[1] == name), key=lambda r: float(r[4]))
        law = number.uncertainty if number.uncertain else "stand-in"
        rows.append(
            [rank, name, number.description, number.value, number.unit, moved[name].low, moved[name].high,
             law, number.basis, number.read or "", "yes" if is_read(number) else "no", share, *best[:1],
             *best[2:6], number.together]
        )  # fmt: skip
    return rows


def verdict(model: Model, rows: Sequence[Sequence[object]]) -> list[str]:
    """Say how many of the top numbers were read, against the bar, and how it stands with all numbers."""
    read, bar = sum(row[10] == "yes" for row in rows), int(np.ceil(BAR * len(rows)))
    met = "is met" if read >= bar else f"is missed by {bar - read}"
    fitted = sum(row[10] == "yes" and row[8] == "fitted" for row in rows)
    shares = shares_read(model.content.numbers.values())
    return [
        f"of the {len(rows)} numbers that matter most {read} were read ({read / len(rows):.0%}); "
        f"the bar of two thirds ({bar}) {met}",
        f"of those read {fitted} are fitted: the source of their range was read, their value is not in it",
        f"of the {len(rows)} {sum(row[7] == 'stand-in' for row in rows)} have a stand-in range",
        "all numbers: " + ", ".join(f"{word} {share:.0%}" for word, share in shares.items()),
    ]


def main() -> None:
    """Run both methods, write the tables and print the top numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="4 trajectories and 16 base points")
    parser.add_argument("--seed", type=int, default=1, help="from 1 (SALib takes 0 for none)")
    parser.add_argument("--out", type=Path, default=HERE, help="folder for the result tables")
    options = parser.parse_args()
    if options.seed < 1:
        parser.error("--seed starts at 1")
    options.out.mkdir(parents=True, exist_ok=True)
    model = load()
    moved = moved_numbers(model)
    trajectories, base = (4, 16) if options.quick else (TRAJECTORIES, BASE)
    free = free_names(moved, tuple(moved))
    print(
        f"Morris: {len(free)} quantiles for {len(moved)} numbers, {trajectories} trajectories",
        file=sys.stderr,
    )
    screened, failed_morris, tried = screen(model, moved, trajectories, options.seed)
    write(options.out / "morris.tsv", ("id", "share", *FIGURES), by_number(screened))
    names = [name for name, _ in ranking(screened, 2)[:FOLLOWED]]
    print(f"Sobol: {len(names)} numbers, {base} base points", file=sys.stderr)
    sobol, failed_sobol = follow(model, moved, names, base, options.seed)
    write(options.out / "sobol.tsv", ("figure", "id", "S1", "S1_conf", "ST", "ST_conf", "sd"), sobol)
    top = ranking(sobol, 4)[:TOP]
    rows = report(model, moved, top, sobol)
    head = ("rank", "id", "description", "value", "unit", "low", "high", "law", "basis", "read", "is_read",
            "share", "most_for", "S1", "S1_conf", "ST", "ST_conf", "together")  # fmt: skip
    write(options.out / "top.tsv", head, rows)
    lines = [
        f"date {date.today().isoformat()}, seed {options.seed}, {'quick' if options.quick else 'full'}",
        f"Morris: {len(free)} quantiles for {len(moved)} numbers, {tried}; the others have no steady state",
        f"Sobol: {len(names)} numbers, {base * (len(names) + 2)} sets, 95 % intervals",
        "sets that failed, Morris: " + ", ".join(f"{k} {v}" for k, v in failed_morris.items()),
        "sets that failed, Sobol: " + ", ".join(f"{k} {v}" for k, v in failed_sobol.items()),
        *verdict(model, rows),
    ]
    (options.out / "summary.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for row in rows:
        print(f"{row[0]:>3} {row[1]:<22}{row[8]:<9}{row[9] or '-':<11}{row[11]:>7.1%}  {row[12]:<24}"
              f"ST {row[15]:.2f} +- {row[16]:.2f}")  # fmt: skip
    print("\n".join(lines))


if __name__ == "__main__":
    main()
