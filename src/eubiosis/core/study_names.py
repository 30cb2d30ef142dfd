"""Names of published studies for a reader, in the place of their ids: first author and year."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from eubiosis.core.content import PACKAGED_CONTENT


@lru_cache(maxsize=1)
def study_names() -> Mapping[str, str]:
    """Return id -> name; studies of one author and year keep what their ids add, in brackets.

    >>> study_names()["kouchaki2017"], study_names()["wahls2021_swank"]
    ('Kouchaki 2017', 'Wahls 2021 (swank)')
    >>> study_names()["fmt_caseseries2023"]
    'Literature review (Microorganisms 2023;11:2840)'
    """
    path = PACKAGED_CONTENT / "evidence" / "studies.tsv"
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    plain = {row["id"]: _plain(row["first_author"], row["year"]) for row in rows}
    shared = Counter(plain.values())
    names = {}
    for row in rows:
        own, name = row["id"], plain[row["id"]]
        rest = own.partition(row["year"])[2].strip("_")
        names[own] = f"{name} ({rest})" if shared[name] > 1 and rest else name
    return MappingProxyType(names)


def _plain(author: str, year: str) -> str:
    """Return author and year; a title that stands for an author, with its year in it, stays whole."""
    whole = author[1:-1] if author.startswith("(") and author.endswith(")") else author
    return whole if year in whole else f"{whole} {year}"


def named(text: str) -> str:
    """Return a text with every id of a study replaced by its name; addresses stay as they are.

    >>> named("failed check: rahimlou2022"), named("see https://x.org/kouchaki2017")
    ('failed check: Rahimlou 2022', 'see https://x.org/kouchaki2017')
    """
    return _ids().sub(lambda found: study_names()[found[0]], text)


@lru_cache(maxsize=1)
def _ids() -> re.Pattern[str]:
    longest_first = sorted(study_names(), key=len, reverse=True)
    return re.compile(r"(?<![\w/.-])(?:" + "|".join(map(re.escape, longest_first)) + r")(?![\w/])")
