"""A made stool table to try things with: counts of genera, drawn from the embedded reference population."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.guilds import GUILDS
from eubiosis.core.streams import stream
from eubiosis.population.reference import load_reference
from eubiosis.population.taxa import load_taxa

_DEPTH = 20_000
_UNMAPPED = 0.1


def write_example_table(path: Path | str, *, people: int = 40, seed: int = 2026) -> Path:
    """Write a made stool table, samples by genera, half of the people with MS and half controls.

    The guilds are drawn from the embedded reference population around a flat composition, each guild's
    reads lie in the first genus of the taxa table, and a tenth of the reads are in a genus that no guild
    holds. Columns: ``sample``, ``group`` and one for each genus. It describes nobody. Raises
    ``FindingsError`` for fewer than two people or a file that exists.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_example_table(Path(folder) / "stool.tsv", people=4).read_text().count("made")
    4
    """
    target = Path(path)
    if people < 2 or target.exists():
        problem = f"{people} people" if people < 2 else "the file exists already"
        raise FindingsError(
            [Finding(str(target), "", problem, "2 people or more, a new file", "choose another")]
        )
    genera = _genera()
    with target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter="\t", lineterminator="\n")
        writer.writerow(["sample", *genera, "Sutterella"])
        for k in range(people):
            group = "MS" if k % 2 == 0 else "Control"
            profile = load_reference().draw_profiles(group, 1, seed, first=k)
            shares = np.exp(profile.log_ratios[0]) * (1 - _UNMAPPED) / np.exp(profile.log_ratios[0]).sum()
            draw = stream(seed, "population.example", k).multinomial(_DEPTH, [*shares, _UNMAPPED])
            writer.writerow([f"made_{group}_{k:03d}", *draw.tolist()])
    return target


@cache
def _genera() -> tuple[str, ...]:
    """Return one resident genus for each guild, in the order of the guilds."""
    first: dict[str, str] = {}
    for taxon in load_taxa().rows:
        if taxon.rank == "genus" and taxon.role == "resident" and taxon.guild is not None:
            first.setdefault(taxon.guild, taxon.name)
    return tuple(first[guild] for guild in GUILDS)
