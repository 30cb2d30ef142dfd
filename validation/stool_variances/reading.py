"""Read the cohorts' files: rows, abundances, microarrays; and Bray-Curtis between samples."""

from __future__ import annotations

import csv
import gzip
import io
import re
import tempfile
from pathlib import Path

import numpy as np

from eubiosis.population import GuildContrast, guild_contrast, read_profiles


def bray(table: np.ndarray) -> np.ndarray:
    """Return Bray-Curtis dissimilarities of shares, (samples, samples), from (samples, taxa)."""
    closed = table / table.sum(axis=1, keepdims=True)
    return np.array([0.5 * np.abs(closed - row).sum(axis=1) for row in closed])


def hitchip(path: Path) -> GuildContrast:
    """Read a microarray table: probes of one genus are added up under the name of the genus."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        rows = list(csv.reader(stream, delimiter="\t"))
    genera = [re.split(r"[ _]", name)[0] for name in rows[0][1:]]
    names = sorted(set(genera))
    columns = [[j for j, genus in enumerate(genera) if genus == name] for name in names]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "genera.tsv"
        with made.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
            writer.writerow(["sample_id", *names])
            for row in rows[1:]:
                numbers = np.array(row[1:], dtype=float)
                writer.writerow([row[0], *(f"{numbers[part].sum():g}" for part in columns)])
        return guild_contrast(read_profiles(made))


def abundances(path: Path) -> dict[str, np.ndarray]:
    """Return each sample's abundances, in the order of the columns of a compressed table."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        reader = csv.reader(stream, delimiter="\t")
        next(reader)
        return {row[0]: np.array(row[1:], dtype=float) for row in reader}


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a tab-separated table, compressed or not."""
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(io.StringIO(text.decode("utf-8")), delimiter="\t"))
