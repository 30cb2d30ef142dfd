"""A made stool table: counts of virtual people, with metadata, labelled as made in every part of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from eubiosis.core.version import __version__

LABEL = "made"


@dataclass(frozen=True, repr=False)
class MadeTable:
    """Counts (people, taxa) of virtual people; ``columns`` are further metadata, people long each.

    ``origin`` says what they were drawn from. Nobody in it exists.
    """

    samples: tuple[str, ...]
    groups: tuple[str, ...]
    taxa: tuple[str, ...]
    counts: np.ndarray
    origin: str
    columns: Mapping[str, tuple[object, ...]] = field(default_factory=dict)

    def table_text(self) -> str:
        """Return samples by taxa, separated by tabs, with the group in the second column."""
        head = ("sample", "group", *self.taxa)
        rows = zip(self.samples, self.groups, self.counts.tolist(), strict=True)
        return _tsv([head, *((sample, group, *counts) for sample, group, counts in rows)])

    def metadata_text(self) -> str:
        """Return one line a person: sample, group, that it is made, reads, and what else is known."""
        depth = self.counts.sum(axis=1).tolist()
        head = ("sample", "group", "origin", "reads", *self.columns)
        rows = zip(self.samples, self.groups, depth, *self.columns.values(), strict=True)
        return _tsv([head, *((row[0], row[1], LABEL, *row[2:]) for row in rows)])

    def origin_text(self, **more: object) -> str:
        """Return what the people were drawn from, as JSON; ``more`` goes in beside."""
        said = {
            "label": "Made: virtual people. Nobody in this table exists; it is evidence of nothing.",
            "origin": self.origin,
            "eubiosis": __version__,
            "people": {group: self.groups.count(group) for group in dict.fromkeys(self.groups)},
            "taxa": len(self.taxa),
        }
        return json.dumps({**said, **more}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def files(self, **more: object) -> dict[str, bytes]:
        """Return the files of the table by name: ``stool.tsv``, ``people.tsv`` and ``origin.json``."""
        return {
            "stool.tsv": self.table_text().encode(),
            "people.tsv": self.metadata_text().encode(),
            "origin.json": self.origin_text(**more).encode(),
        }

    def __repr__(self) -> str:
        return f"MadeTable of {len(self.samples)} virtual people by {len(self.taxa)} taxa; {self.origin}"


def _tsv(rows: list[tuple[object, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows(rows)
    return text.getvalue()
