"""Sums for an analysis of covariance from a run's table of visits: ours, DuckDB and polars, side by side.

    pip install duckdb polars    # not among our requirements
    python benchmarks/table_engines.py [--subjects 200000]

A table of visits like that of a large run (two arms, two visits, 24 measured endpoints, a Parquet file for
each thousand subjects; the values are random numbers) is summed by arm and endpoint: people, means, squares
and products of baseline and last visit. Each engine runs in a process of its own, twice. Prints JSON: CPU and
wall seconds, peak memory, the largest relative difference from ours, and whether both times gave the same
bits. Bounded: some minutes, no network, nothing is left behind.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from eubiosis.analysis.streamed.sums import Moments

ENDPOINTS = tuple(f"e{k:02d}" for k in range(24))
ARMS = ("active", "placebo")
PART = 1_000
Floats = NDArray[np.float64]


def make_table(folder: Path, subjects: int) -> None:
    """Write the parts; the rows of a subject lie together, the baseline first."""
    for part, first in enumerate(range(0, subjects, PART)):
        random = np.random.default_rng(part)
        people = np.arange(first, min(first + PART, subjects))
        level = random.normal(40.0, 15.0, (len(people), 1, len(ENDPOINTS)))
        values = (level + random.normal(0.0, 5.0, (len(people), 2, len(ENDPOINTS)))).reshape(
            -1, len(ENDPOINTS)
        )
        columns = {
            "subject": np.repeat(people, 2),
            "arm": np.repeat(np.array(ARMS)[people % 2], 2),
            "week": np.tile([0.0, 48.0], len(people)),
            **{name: values[:, k] for k, name in enumerate(ENDPOINTS)},
        }
        pq.write_table(pa.table(columns), folder / f"block-{part:05d}.parquet")


def ours(folder: Path) -> Floats:
    """Sum part by part, as a run sums its blocks: (arms, endpoints, numbers)."""
    total: Moments | None = None
    for path in sorted(folder.iterdir()):
        table = pq.read_table(path)
        values = np.stack([table[name].to_numpy() for name in ENDPOINTS]).reshape(len(ENDPOINTS), -1, 2)
        arm = table["arm"].to_numpy()[::2]
        inside = np.stack([np.broadcast_to(arm == name, values.shape[:2]) for name in ARMS])
        own = Moments.of(values[..., 1], values[..., 0], inside)
        total = own if total is None else total.plus(own)
    assert total is not None
    parts = (total.analysed, total.x, total.y, total.xx, total.xy, total.yy)
    return np.stack(parts, axis=-1).transpose(1, 0, 2)


def duckdb(folder: Path) -> Floats:
    """Sum by one query over all parts."""
    import duckdb as engine

    wanted = ", ".join(
        f"regr_count(b.{e}, a.{e}), regr_avgx(b.{e}, a.{e}), regr_avgy(b.{e}, a.{e}), "
        f"regr_sxx(b.{e}, a.{e}), regr_sxy(b.{e}, a.{e}), regr_syy(b.{e}, a.{e})"
        for e in ENDPOINTS
    )
    table = f"read_parquet('{folder}/*.parquet')"
    rows = engine.sql(
        f"select a.arm, {wanted} from {table} a join {table} b using (subject) "
        "where a.week = 0 and b.week = 48 group by a.arm order by a.arm"
    ).fetchall()
    return np.array([row[1:] for row in rows], dtype=float).reshape(len(ARMS), len(ENDPOINTS), 6)


def polars(folder: Path) -> Floats:
    """Sum lazily over all parts, with the streaming engine."""
    import polars as pl

    whole = pl.scan_parquet(f"{folder}/*.parquet")
    start = whole.filter(pl.col("week") == 0).drop("week")
    end = whole.filter(pl.col("week") == 48).drop("week", "arm")
    sums = []
    for name in ENDPOINTS:
        x, y = pl.col(name), pl.col(f"{name}_end")
        dx, dy = x - x.mean(), y - y.mean()
        numbers = (x.count(), x.mean(), y.mean(), (dx * dx).sum(), (dx * dy).sum(), (dy * dy).sum())
        sums += [number.cast(pl.Float64).alias(f"{name} {k}") for k, number in enumerate(numbers)]
    joined = start.join(end, on="subject", suffix="_end").group_by("arm").agg(sums).sort("arm")
    rows = joined.collect(engine="streaming").drop("arm").to_numpy()
    return np.asarray(rows, dtype=float).reshape(len(ARMS), len(ENDPOINTS), 6)


ENGINES = {"ours": ours, "duckdb": duckdb, "polars": polars}


def child(engine: str, folder: Path, out: Path) -> None:
    """Run one engine and write its sums and what they cost."""
    began, used = time.perf_counter(), time.process_time()
    found = ENGINES[engine](folder)
    cost = {
        "wall_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - used,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    np.save(out, found)
    print(json.dumps(cost))


def main() -> None:
    """Make the table, run every engine twice and print what was seen."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--subjects", type=int, default=200_000)
    options.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        child(chosen.child[0], Path(chosen.child[1]), Path(chosen.child[2]))
        return
    with tempfile.TemporaryDirectory(prefix="eubiosis-engines-") as aside:
        folder = Path(aside) / "observed_visits"
        folder.mkdir()
        make_table(folder, chosen.subjects)
        seen: dict[str, object] = {"subjects": chosen.subjects, "load": os.getloadavg()[0]}
        reference = None
        for engine in ENGINES:
            runs, sums = [], []
            for turn in range(2):
                out = Path(aside) / f"{engine}-{turn}.npy"
                command = [sys.executable, __file__, "--child", engine, str(folder), str(out)]
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
                if done.returncode:
                    raise SystemExit(f"{engine} ended with {done.returncode}: {done.stderr[-500:]}")
                runs.append(json.loads(done.stdout))
                sums.append(np.load(out))
            reference = sums[0] if reference is None else reference
            seen[engine] = {
                "runs": runs,
                "largest relative difference": float(np.max(np.abs(sums[0] / reference - 1.0))),
                "same bits twice": bool(np.array_equal(sums[0], sums[1])),
            }
    print(json.dumps(seen, indent=1))


if __name__ == "__main__":
    main()
