"""Draw uncertain numbers: each from its own law, and the members of a group together.

Quantiles come in, values go out, one or many at a time; nothing here is random. A whole keeps its sum, a
line moves all its members with one quantile, and ranks are correlated by a normal copula.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from eubiosis.core.findings import FindingCollector
from eubiosis.core.laws import Z975, root
from eubiosis.core.provenance import Basis, Read, SourcedNumber
from eubiosis.core.tables import TableRow, read_table
from eubiosis.engine import Array

TABLE = "parameters/correlations.tsv"
Numbers = Mapping[str, SourcedNumber]


class CorrelationRow(TableRow):
    """The rank correlation of two numbers of one group."""

    group: str
    first: str
    second: str
    correlation: float
    basis: Basis
    read: Read | None = None
    source: str = ""
    note: str = ""


def read_correlations(folder: Path) -> tuple[CorrelationRow, ...]:
    """Read the rank correlations of a content folder."""
    findings = FindingCollector()
    rows = read_table(folder / TABLE, CorrelationRow, findings)
    findings.raise_if_any()
    return tuple(rows)


def quantile_of(row: SourcedNumber, quantile: ArrayLike) -> Array:
    """Return a number's values at quantiles (0-1) of its own law, in the shape of ``quantile``.

    The value is the median and ``low`` and ``high`` are the 2.5 and 97.5 % points; where the value is not in
    the middle of them, the spread below it differs from the spread above it. A normal law is cut off at
    them. For the uniform and loguniform law they are its ends, for the symmetric one, normal about zero,
    ``high`` is the 97.5 % point; there the value plays no part. Raises ``ValueError`` for a number that has
    no law of its own.
    """
    from scipy.special import expit, logit, ndtri

    q = np.asarray(quantile, dtype=float)
    low, high, law = row.low, row.high, row.uncertainty
    if low is None or high is None or law in ("none", "dirichlet"):
        message = f"{row.id} has no law of its own to draw from"
        raise ValueError(message)
    if law == "uniform":
        return np.asarray(low + (high - low) * q)
    if law == "loguniform":
        return np.asarray(low * (high / low) ** q)
    z = ndtri(q)
    if law == "symmetric":
        return np.asarray(high / Z975 * z)
    if law == "normal":
        return np.asarray(np.clip(_around(row.value, low, high, z), low, high))
    if law == "lognormal":
        return np.asarray(np.exp(_around(np.log(row.value), np.log(low), np.log(high), z)))
    return np.asarray(expit(_around(logit(row.value), logit(low), logit(high), z)))


def draw_number(row: SourcedNumber, quantile: float) -> float:
    """Return one value of a number at a quantile of its law; see ``quantile_of``."""
    return float(quantile_of(row, quantile))


def groups(numbers: Numbers, names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the groups that are drawn together among ``names``: group -> its members, in order."""
    found: dict[str, list[str]] = {}
    for name in names:
        if numbers[name].together:
            found.setdefault(_group(numbers[name]), []).append(name)
    return {group: tuple(members) for group, members in found.items()}


def whole_groups(numbers: Numbers) -> dict[str, tuple[str, ...]]:
    """Return every group of the tables with all its members."""
    return groups(numbers, numbers)


def free_names(numbers: Numbers, names: Iterable[str]) -> tuple[str, ...]:
    """Return those of ``names`` that need a quantile: all but the followers along a line."""
    seen: set[str] = set()
    free = []
    for name in names:
        group = _group(numbers[name])
        if group.startswith("line:"):
            if group in seen:
                continue
            seen.add(group)
        free.append(name)
    return tuple(free)


def draw_together(
    numbers: Numbers,
    names: Sequence[str],
    quantiles: Mapping[str, ArrayLike],
    correlations: Sequence[CorrelationRow] = (),
) -> dict[str, Array]:
    """Draw all of ``names``, the members of a group jointly; values in the shape of the quantiles.

    ``quantiles`` holds one (or an array) for each of ``free_names``; along a line the first member's moves
    all. Raises ``ValueError`` where only a part of a group is asked for.
    """
    own = {name: np.asarray(quantiles[name], dtype=float) for name in free_names(numbers, names)}
    complete = whole_groups(numbers)
    drawn: dict[str, Array] = {}
    for group, members in groups(numbers, names).items():
        missing = set(complete[group]) - set(members)
        if missing:
            message = f"{group} is drawn together; {', '.join(sorted(missing))} is not among the names"
            raise ValueError(message)
        rows = [numbers[name] for name in members]
        if group.startswith("line:"):
            drawn |= _line(rows, own[members[0]])
        elif group.startswith("whole:"):
            drawn |= _whole(rows, [own[name] for name in members])
        else:
            drawn |= _ranks(rows, [own[name] for name in members], correlations)
    single = (name for name in names if name not in drawn)
    return drawn | {name: quantile_of(numbers[name], own[name]) for name in single}


def dirichlet_weight(rows: Sequence[SourcedNumber]) -> float:
    """Return the weight (sum of the exponents) of the Dirichlet law whose marginals are as wide as stated.

    The widths of the marginal 95 % ranges are matched in sum.
    """
    from scipy.special import betaincinv

    total = sum(row.value for row in rows)
    shares = np.array([row.value / total for row in rows])
    stated = sum((row.high or 0.0) - (row.low or 0.0) for row in rows) / total

    def excess(log_weight: float) -> float:
        weight = np.exp(log_weight)
        ends = [betaincinv(weight * shares, weight * (1 - shares), p) for p in (0.025, 0.975)]
        return float(np.sum(ends[1] - ends[0]) - stated)

    return math.exp(root(excess, math.log(0.5), math.log(1e6)))


def _around(middle: float, low: float, high: float, z: Array) -> Array:
    return np.asarray(middle + np.where(z > 0, high - middle, middle - low) / Z975 * z)


def _group(row: SourcedNumber) -> str:
    return row.together.rstrip("+-")


def _line(rows: Sequence[SourcedNumber], quantile: Array) -> dict[str, Array]:
    """Move all members with one quantile, those marked - against it."""
    first = rows[0].together[-1]
    return {row.id: quantile_of(row, quantile if row.together[-1] == first else 1 - quantile) for row in rows}


def _whole(rows: Sequence[SourcedNumber], quantiles: Sequence[Array]) -> dict[str, Array]:
    """Draw each member and divide by the sum, so that the whole of the table is kept."""
    from scipy.special import gammaincinv

    total = sum(row.value for row in rows)
    weight = dirichlet_weight(rows) if rows[0].uncertainty == "dirichlet" else 0.0
    parts = [
        gammaincinv(weight * row.value / total, q) if weight else quantile_of(row, q)
        for row, q in zip(rows, quantiles, strict=True)
    ]
    scale = total / np.sum(parts, axis=0)
    return {row.id: np.asarray(part * scale) for row, part in zip(rows, parts, strict=True)}


def _ranks(
    rows: Sequence[SourcedNumber], quantiles: Sequence[Array], correlations: Sequence[CorrelationRow]
) -> dict[str, Array]:
    """Correlate independent quantiles by a normal copula; ``correlations`` are rank correlations."""
    from scipy.special import ndtr, ndtri

    place = {row.id: i for i, row in enumerate(rows)}
    matrix = np.eye(len(rows))
    for pair in correlations:
        if pair.group == rows[0].together:
            i, j = place[pair.first], place[pair.second]
            # the correlation of two normals with this rank correlation
            matrix[i, j] = matrix[j, i] = 2 * np.sin(np.pi / 6 * pair.correlation)
    normal = np.tensordot(np.linalg.cholesky(matrix), ndtri(np.stack(quantiles)), axes=1)
    return {row.id: quantile_of(row, ndtr(z)) for row, z in zip(rows, normal, strict=True)}
