"""Tell counts, fractions, percent and logarithms apart by what the values of each sample add up to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool.features import Matrix, row_sums, stored
from eubiosis.population.stool.words import counted, shown

Scale = Literal["counts", "fractions", "percent"]
SCALES: tuple[str, ...] = get_args(Scale)
_TOLERANCE = 0.02
_LEAST_SHARE = 0.6  # of 1 or 100: samples that add up to less are not taken for shares without being told
_LARGEST_LOG = 30.0


def detect_scale(
    file: str, samples: Sequence[str], values: Matrix, findings: FindingCollector
) -> Scale | None:
    """Return what the cells of a table are; samples in different scales, or in none, are a finding.

    ``values`` has shape (samples, taxa), all 0 or more. Whole numbers are counts, unless every sample adds
    up to 100. Otherwise samples that add up to 1 hold fractions, to 100 percent (2 % more is allowed for
    rounding, a part of at least 60 % for taxa that were left out), and above that counts that were rescaled.
    What adds up to neither is refused: logarithms look like that. Samples without reads have no say.
    """
    sums = row_sums(values)
    filled = sums > 0
    if not filled.any():
        return "counts"
    whole = _whole_rows(values)
    if whole.all():
        hundred = np.abs(sums[filled] - 100) <= 100 * _TOLERANCE
        return "percent" if hundred.all() else "counts"
    members: dict[Scale, list[str]] = {}
    odd: list[str] = []
    large = float(stored(values).max(initial=0.0)) > _LARGEST_LOG
    for sample, total, is_whole in zip(samples, sums, whole, strict=True):
        kind = _kind(float(total), bool(is_whole), large) if total > 0 else None
        if kind is not None:
            members.setdefault(kind, []).append(sample)
        elif total > 0:
            odd.append(sample)
    if odd:
        _report_neither(file, odd, sums[filled], values, findings)
        return None
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


def _whole_rows(values: Matrix) -> np.ndarray:
    if isinstance(values, np.ndarray):
        return np.asarray(np.all(values == np.round(values), axis=1))
    broken = values.copy()
    broken.data = (values.data != np.round(values.data)).astype(float)
    return np.asarray(row_sums(broken) == 0)


def _report_neither(
    file: str, odd: Sequence[str], sums: np.ndarray, values: Matrix, findings: FindingCollector
) -> None:
    held = stored(values)
    logs = float(held.max(initial=0.0)) <= _LARGEST_LOG
    what = "the values look like logarithms" if logs else "the values are neither counts nor shares"
    findings.add(
        file,
        "",
        f"{what}: {counted(len(odd), 'sample')} add up to {np.median(sums):.3g} (median), to neither 1 nor "
        f"100 ({shown(odd)})",
        allowed="counts, or fractions adding up to 1, or percent adding up to 100",
        next_step="undo the transformation; if they are shares of a part of the sample, name --scale",
    )


def check_scale(
    file: str, samples: Sequence[str], values: Matrix, scale: Scale, findings: FindingCollector
) -> None:
    """Report samples that add up to more than the named scale allows."""
    limit = {"counts": np.inf, "fractions": 1.0, "percent": 100.0}[scale] * (1 + _TOLERANCE)
    above = [s for s, total in zip(samples, row_sums(values), strict=True) if total > limit]
    if above:
        findings.add(
            file,
            "",
            f"{counted(len(above), 'sample')} above what {scale} can add up to ({shown(above)})",
            allowed=f"sums up to {limit:g}",
            next_step="name another scale, or correct the samples",
        )


def _kind(total: float, whole: bool, large: bool) -> Scale | None:
    if _LEAST_SHARE <= total <= 1 + _TOLERANCE:
        return "fractions"
    if 100 * _LEAST_SHARE <= total <= 100 * (1 + _TOLERANCE):
        return "percent"
    return "counts" if whole or (total > 100 and large) else None
