"""Tell counts, fractions and percent apart by what the values of each sample add up to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool.reading import counted, shown

Scale = Literal["counts", "fractions", "percent"]
SCALES: tuple[str, ...] = get_args(Scale)
_TOLERANCE = 0.02


def detect_scale(
    file: str, samples: Sequence[str], values: np.ndarray, findings: FindingCollector
) -> Scale | None:
    """Return what the cells of a table are; samples in different scales are a finding.

    ``values`` has shape (samples, taxa), all 0 or more. Whole numbers are counts, unless every sample adds
    up to 100. Otherwise samples that add up to at most 1 hold fractions, to at most 100 percent (2 % more
    is allowed for rounding), and above that counts that were rescaled. Samples without reads have no say.
    """
    sums = values.sum(axis=1)
    filled = sums > 0
    if not filled.any():
        return "counts"
    whole = np.all(values == np.round(values), axis=1)
    if whole.all():
        hundred = np.abs(sums[filled] - 100) <= 100 * _TOLERANCE
        return "percent" if hundred.all() else "counts"
    kinds: list[Scale | None] = [
        _kind(total, is_whole) if total > 0 else None for total, is_whole in zip(sums, whole, strict=True)
    ]
    members: dict[Scale, list[str]] = {}
    for sample, kind in zip(samples, kinds, strict=True):
        if kind is not None:
            members.setdefault(kind, []).append(sample)
    if len(members) == 1:
        return next(iter(members))
    described = "; ".join(
        f"{kind} in {counted(len(ids), 'sample')} ({shown(ids)})" for kind, ids in members.items()
    )
    findings.add(
        file,
        "",
        f"samples in different scales: {described}",
        allowed="one of counts, fractions (adding up to 1) and percent (adding up to 100) in all samples",
        next_step="bring them to one scale; if they are in one, name it with --scale",
    )
    return None


def check_scale(
    file: str, samples: Sequence[str], values: np.ndarray, scale: Scale, findings: FindingCollector
) -> None:
    """Report samples that add up to more than the named scale allows."""
    limit = {"counts": np.inf, "fractions": 1.0, "percent": 100.0}[scale] * (1 + _TOLERANCE)
    above = [s for s, total in zip(samples, values.sum(axis=1), strict=True) if total > limit]
    if above:
        findings.add(
            file,
            "",
            f"{counted(len(above), 'sample')} above what {scale} can add up to ({shown(above)})",
            allowed=f"sums up to {limit:g}",
            next_step="name another scale, or correct the samples",
        )


def _kind(total: float, whole: bool) -> Scale:
    if total <= 1 + _TOLERANCE:
        return "fractions"
    if abs(total - 100) <= 100 * _TOLERANCE:
        return "percent"
    return "counts" if whole or total > 100 else "percent"
