"""Contrasts of groups: guilds, reported genera, diversity and predicted acids, each family corrected."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eubiosis.analysis.estimators.multiplicity import adjust
from eubiosis.analysis.estimators.two_groups import (
    GroupDifferences,
    mean_differences,
    prevalence_differences,
    shifts,
)
from eubiosis.core.guilds import GUILD_NAMES, GUILDS
from eubiosis.core.laws import Z975
from eubiosis.core.stool_profile import ContrastFamily, ContrastLine, ContrastScale
from eubiosis.population.contrast import replace_zeros
from eubiosis.workflow.profile.groups import MeasuredSamples, Rows
from eubiosis.workflow.profile.predictions import QUANTITIES, Predictions
from eubiosis.workflow.profile.samples import BUTYRATE_PRODUCERS, butyrate_producers

_SEED = 2026
_ON_THEIR_OWN = [k for k, one in enumerate(QUANTITIES) if not one.follows]
_FOLLOWING = [k for k, one in enumerate(QUANTITIES) if one.follows]
PRODUCERS = f"sum of butyrate producers ({', '.join(BUTYRATE_PRODUCERS)})"


def contrast_families(
    group: str, rows: Rows, control: str, control_rows: Rows, at: MeasuredSamples
) -> tuple[ContrastFamily, ...]:
    """Return all contrasts of one group against the controls; corrected within each family."""
    own, other = rows[at.usable[rows]], control_rows[at.usable[control_rows]]
    named, observed = at.named.in_table, at.contrast.observed
    guilds = np.column_stack([at.fractions, butyrate_producers(at.fractions)])
    guild_names = [*(f"{g} {GUILD_NAMES[g]}" for g in GUILDS), PRODUCERS]
    genera = [genus.name for genus in at.named.genera]
    logs = at.contrast.log_ratios
    genus_logs = _genus_log_ratios(at)
    seen = np.append(observed, True)

    def family(
        title: str,
        scale: ContrastScale,
        found: GroupDifferences,
        names: Sequence[str],
        tested: NDArray[np.bool_],
    ) -> ContrastFamily:
        return _family(title, scale, (group, control), (len(own), len(other)), found, names, tested)

    counts = at.table.guild_sums
    families = [
        family("Guilds, share of the mapped reads", "share", shifts(guilds[own], guilds[other], seed=_SEED),
               guild_names, seen),
        family("Guilds, centred log-ratio", "log ratio", mean_differences(logs[own], logs[other], seed=_SEED),
               guild_names[:-1], observed),
        family("Guilds, prevalence", "prevalence", prevalence_differences(counts[own], counts[other]),
               guild_names[:-1], np.ones(len(GUILDS), dtype=bool)),
        family("Reported genera, share of all reads", "share",
               shifts(at.named.shares[own], at.named.shares[other], seed=_SEED), genera, named),
        family("Reported genera, log-ratio to the mean guild", "log ratio",
               mean_differences(genus_logs[own], genus_logs[other], seed=_SEED), genera, named),
        family("Reported genera, prevalence", "prevalence",
               prevalence_differences(at.named.shares[own], at.named.shares[other]), genera, named),
    ]  # fmt: skip
    return (*families, *_further(group, control, own, other, at))


def _further(group: str, control: str, own: Rows, other: Rows, at: MeasuredSamples) -> list[ContrastFamily]:
    """Return the contrasts of diversity and of predicted quantities, where there are any."""
    pair, sizes, families = (group, control), (len(own), len(other)), []
    defined = [m for m in at.measures if m.diverse and not m.why_not]
    if defined:
        values = np.column_stack([m.values for m in defined])
        found = mean_differences(values[own], values[other], seed=_SEED)
        names = [m.name for m in defined]
        families.append(_family("Diversity", "difference", pair, sizes, found, names, _all(names)))
    if at.predictions is not None:
        names = [f"{QUANTITIES[k].name}, {QUANTITIES[k].place}" for k in _ON_THEIR_OWN]
        found = _predicted(at.predictions, own, other)
        title = "Predicted acids and indoles, logarithm"
        families.append(_family(title, "log", pair, sizes, found, names, _all(names)))
    return families


def _all(names: Sequence[str]) -> NDArray[np.bool_]:
    return np.ones(len(names), dtype=bool)


def _family(
    title: str,
    scale: ContrastScale,
    groups: tuple[str, str],
    sizes: tuple[int, int],
    found: GroupDifferences,
    names: Sequence[str],
    tested: NDArray[np.bool_],
) -> ContrastFamily:
    p_value = np.where(tested, found.p_value, np.nan)
    judged = np.isfinite(p_value)
    rate, holm = (np.full(len(p_value), np.nan) for _ in range(2))
    rate[judged], holm[judged] = adjust(p_value[judged], "BH"), adjust(p_value[judged], "holm")
    lines = []
    for k, name in enumerate(names):
        note = "" if judged[k] else ("not observed in this table" if not tested[k] else "does not vary")
        numbers = (found.effect[k], found.low[k], found.high[k], p_value[k], rate[k], holm[k])
        effect, low, high, p, bh, adjusted = (_number(x, keep=bool(tested[k])) for x in numbers)
        lines.append(ContrastLine(name, effect, low, high, p, bh, adjusted, note))
    return ContrastFamily(
        title, scale, groups[0], groups[1], sizes[0], sizes[1], found.method, int(judged.sum()), tuple(lines)
    )


def _number(value: float, *, keep: bool) -> float | None:
    return float(value) if keep and np.isfinite(value) else None


def _genus_log_ratios(at: MeasuredSamples) -> np.ndarray:
    """Return the log of each genus's share over the geometric mean of the observed guilds, (n, genera).

    Zeros of both are half the detection limit.
    """
    table, observed = at.table, at.contrast.observed
    guilds, _ = replace_zeros(table.guild_sums[:, observed], table.detection_limit)
    centre = np.log(guilds).mean(axis=1)
    mapped = table.guild_sums[:, observed].sum(axis=1)
    reads = at.named.shares * table.depth[:, None]
    floor = 0.5 * table.detection_limit[:, None]
    found = np.full(reads.shape, np.nan)
    known = at.usable
    ratio = np.where(reads > 0, reads, floor)[known] / mapped[known, None]
    found[known] = np.log(ratio) - centre[known, None]
    return found


def _predicted(predictions: Predictions, own: Rows, other: Rows) -> GroupDifferences:
    """Contrast predicted logarithms: people within a world and worlds add their variances."""
    from scipy.special import ndtr

    effects, variances = [], []
    for world in np.log(predictions.values[:, :, _ON_THEIR_OWN]):
        a, b = (world[rows][np.isfinite(world[rows]).all(axis=1)] for rows in (own, other))
        if min(len(a), len(b)) < 2:
            continue
        effects.append(a.mean(axis=0) - b.mean(axis=0))
        variances.append(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
    size = len(_ON_THEIR_OWN)
    if not effects:
        blank = np.full(size, np.nan)
        return GroupDifferences(blank, blank, blank, blank, "nobody could be held")
    between = np.var(effects, axis=0, ddof=1) if len(effects) > 1 else np.zeros(size)
    effect, error = np.mean(effects, axis=0), np.sqrt(np.mean(variances, axis=0) + between)
    with np.errstate(all="ignore"):
        p_value = np.where(error > 0, 2 * ndtr(-np.abs(effect) / error), np.nan)
    how = (
        f"difference of mean logarithms over {len(effects)} gut worlds, variances of both added; "
        f"{', '.join(f'{QUANTITIES[k].name} in {QUANTITIES[k].place}' for k in _FOLLOWING)} are proportional "
        "to others in every world"
    )
    return GroupDifferences(effect, effect - Z975 * error, effect + Z975 * error, p_value, how)
