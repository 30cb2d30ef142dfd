#!/usr/bin/env python3
"""Read stool tables of three sizes with this checkout and another, in turns; and in the sparse formats.

    python benchmarks/stool_tables.py --base FOLDER [--sizes 1000x500 2000x2000 20000x2000] [--rounds 3]

FOLDER holds a checkout of the older revision (610d205); it reads text alone, so the other formats are held
against this checkout's own text. Tables are made: samples by lineages, 30 % of the cells above zero, one
lineage in eight a genus of the taxa table. Every reading is a process of its own: processor and wall seconds
of the whole call without imports, and the largest memory that the process held. The largest table is read
once by the older revision, which takes minutes; the other figures are medians.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from statistics import median

import numpy as np
from scipy import sparse

ROOT = Path(__file__).resolve().parents[1]
FILLED = 0.3
KNOWN_EVERY = 8
LARGE = 10_000_000  # cells from which on the older revision reads once
_CHILD = """
import json, resource, sys, time
from eubiosis.population import load_taxa, read_profiles
load_taxa()
begin, used = time.perf_counter(), time.process_time()
table = read_profiles(sys.argv[1])
taken = time.perf_counter() - begin, time.process_time() - used
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([*taken, peak, float(table.depth.sum()), len(table.sample_ids)]))
"""


def made_counts(samples: int, taxa: int, seed: int = 2026) -> sparse.csr_array:
    """Make counts, (samples, taxa), of which ``FILLED`` are above zero."""
    random = np.random.default_rng(seed)
    held = random.random((samples, taxa), dtype=np.float32) < FILLED
    places = np.flatnonzero(held)
    counts = 1 + random.geometric(0.02, len(places)).astype(np.int32)
    full = np.zeros(samples * taxa, dtype=np.int32)
    full[places] = counts
    return sparse.csr_array(full.reshape(samples, taxa))


def lineages(taxa: int) -> list[str]:
    """Name ``taxa`` lineages, one in ``KNOWN_EVERY`` of a genus that the taxa table knows."""
    from eubiosis.population import load_taxa

    known = [
        t.name for t in load_taxa().rows if t.rank == "genus" and t.role == "resident" and ";" not in t.name
    ]
    names = []
    for j in range(taxa):
        number, rest = divmod(j, KNOWN_EVERY)
        genus = known[number] if rest == 0 and number < len(known) else f"Made{j:05d}"
        names.append(f"k__Bacteria;p__Made;c__Made;o__Made;f__Made{j % 97};g__{genus}")
    return names


def write_text(path: Path, counts: sparse.csr_array, names: list[str]) -> Path:
    """Write samples by lineages, separated by tabs."""
    with path.open("w", encoding="utf-8") as out:
        out.write("sample\t" + "\t".join(names) + "\n")
        for i in range(counts.shape[0]):
            row = counts[[i], :].toarray().ravel().tolist()
            out.write(f"s{i}\t" + "\t".join(map(str, row)) + "\n")
    return path


def write_sparse(folder: Path, counts: sparse.csr_array, names: list[str]) -> dict[str, Path]:
    """Write the table as BIOM 2.1, QIIME 2 artifact and h5ad, with the formats' own libraries."""
    import anndata
    import biom
    import h5py
    import pandas as pd

    samples = [f"s{i}" for i in range(counts.shape[0])]
    table = biom.Table(sparse.csr_matrix(counts.T.astype(float)), names, samples)
    with h5py.File(folder / "t.biom", "w") as file:
        table.to_hdf5(file, "a benchmark")
    root = "00000000-0000-4000-8000-000000000000"
    with zipfile.ZipFile(folder / "t.qza", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{root}/VERSION", "QIIME 2\narchive: 6\nframework: 2025.4.0\n")
        archive.writestr(
            f"{root}/metadata.yaml", f"uuid: {root}\ntype: FeatureTable[Frequency]\nformat: made\n"
        )
        archive.write(folder / "t.biom", f"{root}/data/feature-table.biom")
    data = anndata.AnnData(
        sparse.csr_matrix(counts.astype(np.float32)),
        obs=pd.DataFrame(index=samples),
        var=pd.DataFrame(index=names),
    )
    data.write_h5ad(folder / "t.h5ad")
    return {name: folder / f"t.{name}" for name in ("biom", "qza", "h5ad")}


def reading(tree: Path, path: Path) -> list[float]:
    """Read a table in a process of its own; wall seconds, processor seconds, MiB, reads, samples."""
    environment = {**os.environ, "PYTHONPATH": str(tree / "src"), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(path)],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: list[float] = json.loads(done.stdout)
    return found


def line(job: str, now: list[list[float]], base: list[list[float]]) -> str:
    """Lay out one job: medians of both sides, and what the other side takes over what this one does."""
    mine = [median(column) for column in zip(*now, strict=True)]
    text = f"| {job} | {mine[1]:.2f} | {mine[0]:.2f} | {mine[2]:.0f} |"
    if not base:
        return f"{text} - | - | - | - | - |"
    other = [median(column) for column in zip(*base, strict=True)]
    if abs(other[3] - mine[3]) > 1e-6 * other[3]:
        message = f"{job}: the two sides count {mine[3]} and {other[3]} reads"
        raise SystemExit(message)
    ratios = f"{other[1] / mine[1]:.1f} | {other[2] / mine[2]:.2f}"
    return f"{text} {other[1]:.2f} | {other[0]:.2f} | {other[2]:.0f} | {ratios} |"


def main() -> int:
    """Read every size in turns and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, help="A checkout to compare with, such as one of 610d205.")
    parser.add_argument("--sizes", nargs="+", default=["1000x500", "2000x2000", "20000x2000"])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    columns = ("CPU s", "wall s", "MiB", "CPU s there", "wall s there", "MiB there")
    print("| job |", " | ".join((*columns, "CPU there/here", "MiB there/here")), "|")
    print("|---|---|---|---|---|---|---|---|---|")
    for size in asked.sizes:
        samples, taxa = map(int, size.split("x"))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            counts, names = made_counts(samples, taxa), lineages(taxa)
            text = write_text(folder / "t.tsv", counts, names)
            others = write_sparse(folder, counts, names)
            del counts
            now: list[list[float]] = []
            base: list[list[float]] = []
            for turn in range(asked.rounds):
                now.append(reading(ROOT, text))
                if asked.base and (turn == 0 or samples * taxa < LARGE):
                    base.append(reading(asked.base.resolve(), text))
            print(line(f"text, {size}, {text.stat().st_size / 1e6:.0f} MB", now, base), flush=True)
            for form, path in others.items():
                found = [reading(ROOT, path) for _ in range(asked.rounds)]
                if {row[3] for row in found} != {now[0][3]}:
                    message = f"{form}: other sums than the text's"
                    raise SystemExit(message)
                print(line(f"{form}, {size}, {path.stat().st_size / 1e6:.0f} MB", found, []), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
