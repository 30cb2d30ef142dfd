"""From stool tables of two visits to a study: each person's centred log-ratios before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.findings import FindingCollector
from eubiosis.core.guilds import GUILDS
from eubiosis.engine import Array
from eubiosis.population.contrast import (
    NOT_OBSERVED_ABOVE,
    GuildContrast,
    centred_log_ratios,
    replace_zeros,
)
from eubiosis.population.stool.table import StoolTable
from eubiosis.workflow.forecast.study import FinishedStudy

FEWEST_PEOPLE = 5


def guild_logs(table: StoolTable, observed: NDArray[np.bool_]) -> Array:
    """Return log-ratios centred over the observed guilds, (samples, guilds); 0 elsewhere, NaN if unusable."""
    replaced, shallow = replace_zeros(table.guild_sums[:, observed], table.detection_limit)
    logs = np.full(table.guild_sums.shape, np.nan)
    keep = table.usable & ~shallow
    logs[keep] = 0.0
    logs[np.ix_(keep, observed)] = centred_log_ratios(replaced[keep])
    return logs


def guild_study(
    before: StoolTable,
    after: StoolTable,
    people_before: Sequence[str],
    people_after: Sequence[str],
    *,
    acids_before: Mapping[str, Mapping[str, float]] | None = None,
    acids_after: Mapping[str, Mapping[str, float]] | None = None,
    fewest: int = FEWEST_PEOPLE,
) -> FinishedStudy:
    """Return the study of everybody with a usable sample at both visits; several samples are averaged.

    ``people_before`` names whose each sample of ``before`` is, "" for one that does not count, and so on.
    Acids map a quantity to person -> log. Raises ``FindingsError`` for fewer than
    ``fewest`` such people.
    """
    theirs = np.array([bool(name) for name in people_before])
    usable = before.usable & theirs
    share = (before.guild_sums[usable] > 0).mean(axis=0) if usable.any() else np.zeros(len(GUILDS))
    observed = share >= 1 - NOT_OBSERVED_ABOVE
    first, carried, counts = _by_person(before, people_before, observed)
    second, _, _ = _by_person(after, people_after, observed)
    people = sorted(set(first) & set(second))
    if len(people) < fewest:
        findings = FindingCollector()
        findings.add(after.file, "samples", f"{len(people)} people have a usable sample in both tables",
                     allowed=f"{fewest} or more, named alike in both",
                     next_step="name the rows of both tables by the person")  # fmt: skip
        findings.raise_if_any()
    x, y = np.array([first[p] for p in people]), np.array([second[p] for p in people])
    contrast = _contrast(people, x, np.array([carried[p] for p in people]), observed, share)
    sides: list[dict[str, Array]] = []
    for logs, acids in ((x, acids_before), (y, acids_after)):
        side = {f"share_{g}": logs[:, k] for k, g in enumerate(GUILDS) if observed[k]}
        for name, values in (acids or {}).items():
            side[name] = np.array([values.get(p, np.nan) for p in people])
        sides.append(side)
    return FinishedStudy(contrast, sides[0], sides[1], float(np.mean([counts[p] for p in people])))


def _by_person(
    table: StoolTable, people: Sequence[str], observed: NDArray[np.bool_]
) -> tuple[dict[str, Array], dict[str, NDArray[np.bool_]], dict[str, int]]:
    """Return each person's mean log-ratios, which guilds they carry, and how many samples they gave."""
    logs = guild_logs(table, observed)
    rows: dict[str, list[int]] = {}
    for k, name in enumerate(people):
        if name and np.isfinite(logs[k]).all():
            rows.setdefault(name, []).append(k)
    means: dict[str, Array] = {name: logs[own].mean(axis=0) for name, own in rows.items()}
    carried = {name: np.asarray((table.guild_sums[own] > 0).any(axis=0)) for name, own in rows.items()}
    return means, carried, {name: len(own) for name, own in rows.items()}


def _contrast(
    people: Sequence[str], logs: Array, carried: NDArray[np.bool_], observed: NDArray[np.bool_], share: Array
) -> GuildContrast:
    """Return baselines as contrasts to their own median."""
    centred = logs - np.median(logs, axis=0)
    centred[:, observed] -= centred[:, observed].mean(axis=1, keepdims=True)
    centred[:, ~observed] = 0.0
    everybody = np.ones(len(people), dtype=bool)
    return GuildContrast(
        tuple(people), centred, observed, share, ("ok",) * len(people), "median", carried, everybody
    )
