"""What is said of each group of a stool table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.guilds import GUILD_NAMES, GUILDS
from eubiosis.core.laws import Z975
from eubiosis.core.stool_profile import (
    FAR_OFF,
    SMALLEST_SHOWN,
    GroupProfile,
    GuildLine,
    MeasureLine,
    NamedTaxonLine,
    PositionLine,
    PredictionLine,
    RunawayLine,
    SampleQuantiles,
    ShareInterval,
)
from eubiosis.population.contrast import GuildContrast
from eubiosis.population.position import Position
from eubiosis.population.stool.table import StoolTable
from eubiosis.workflow.profile.named import NamedGenera
from eubiosis.workflow.profile.predictions import QUANTITIES, Predictions
from eubiosis.workflow.profile.samples import DepthPosterior, SampleMeasure

Rows = NDArray[np.intp]
_LEAST_OFF = 0.02  # of the reads: below this share neither number matters


@dataclass(frozen=True)
class MeasuredSamples:
    """Everything that is known of the n samples, ready to be summarised by group.

    ``fractions`` and ``asked`` (n, guilds): raw shares of the mapped reads and what the model is asked to
    hold; ``reliability`` (guilds,), NaN where it is not known.
    """

    table: StoolTable
    contrast: GuildContrast
    fractions: np.ndarray
    posterior: DepthPosterior | None
    named: NamedGenera
    measures: tuple[SampleMeasure, ...]
    positions: tuple[tuple[str, Position], ...]
    asked: np.ndarray
    predictions: Predictions | None
    reliability: np.ndarray

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which samples can be used, (n,)."""
        return self.contrast.usable


def spread_of(values: np.ndarray) -> SampleQuantiles | None:
    """Return the quantiles of what is not NaN, or None where too few are left to be shown."""
    kept = values[~np.isnan(values)]
    if len(kept) < SMALLEST_SHOWN:
        return None
    return SampleQuantiles(*(float(q) for q in np.percentile(kept, (5, 25, 50, 75, 95))))


def group_profile(name: str, rows: Rows, at: MeasuredSamples) -> GroupProfile:
    """Return what is said of the samples ``rows``; a small group is only counted."""
    usable = rows[at.usable[rows]]
    if len(usable) < SMALLEST_SHOWN:
        return GroupProfile(name, len(rows), len(usable), shown=False)
    return GroupProfile(
        name,
        len(rows),
        len(usable),
        shown=True,
        guilds=tuple(_guild_line(k, usable, at) for k in range(len(GUILDS))),
        taxa=_taxon_lines(usable, at.named),
        measures=tuple(
            MeasureLine(m.name, m.unit, None if m.why_not else spread_of(m.values[usable]), m.why_not)
            for m in at.measures
        ),
        positions=tuple(
            line for what, one in at.positions if (line := _position_line(what, usable, one)) is not None
        ),
        predictions=() if at.predictions is None else _prediction_lines(usable, at.predictions),
    )


def _guild_line(k: int, rows: Rows, at: MeasuredSamples) -> GuildLine:
    shares, seen = at.fractions[rows, k], at.table.guild_sums[rows, k] > 0
    carriers = int(seen.sum())
    few = 0 < carriers < SMALLEST_SHOWN
    known = float(at.reliability[k])
    return GuildLine(
        guild=GUILDS[k],
        name=GUILD_NAMES[GUILDS[k]],
        mean=float(shares.mean()),
        depth_interval=None if at.posterior is None else _depth_interval(k, rows, shares, at.posterior),
        people_interval=_mean_interval(shares),
        median=float(np.median(shares)),
        prevalence=float(seen.mean()),
        carriers=carriers,
        carrier_median=None if few or not carriers else float(np.median(shares[seen])),
        reliability=None if np.isnan(known) else known,
    )


def _depth_interval(k: int, rows: Rows, raw: np.ndarray, posterior: DepthPosterior) -> ShareInterval:
    """Return what counting leaves open of a mean share: the spreads of the samples' posteriors, joined.

    It stands around the mean as it was read. The means of the posteriors would each hold the prior's half
    read, which a mean over many samples does not dilute.
    """
    mean = float(raw.mean())
    reach = Z975 * float(np.sqrt((posterior.sd[rows, k] ** 2).sum())) / len(rows)
    return ShareInterval(max(mean - reach, 0.0), min(mean + reach, 1.0))


def _mean_interval(values: np.ndarray) -> ShareInterval | None:
    from scipy.special import stdtrit

    if len(values) < 2:
        return None
    reach = float(stdtrit(len(values) - 1, 0.975)) * float(values.std(ddof=1)) / np.sqrt(len(values))
    return ShareInterval(max(float(values.mean() - reach), 0.0), min(float(values.mean() + reach), 1.0))


def _taxon_lines(rows: Rows, named: NamedGenera) -> tuple[NamedTaxonLine, ...]:
    lines = []
    for k, genus in enumerate(named.genera):
        shares, here = named.shares[rows, k], bool(named.in_table[k])
        lines.append(
            NamedTaxonLine(
                taxon=genus.name,
                studies_up=genus.up,
                studies_down=genus.down,
                studies_mixed=genus.mixed,
                in_table=here,
                mean=float(shares.mean()) if here else None,
                median=float(np.median(shares)) if here else None,
                prevalence=float((shares > 0).mean()) if here else None,
            )
        )
    return tuple(lines)


def _position_line(what: str, rows: Rows, position: Position) -> PositionLine | None:
    own = position.distances[rows]
    spread = spread_of(own)
    if spread is None or not position.guilds:
        return None
    edge = float(np.percentile(position.reference, 95))
    percentile = float(position.percentiles(np.array([spread.median]))[0])
    return PositionLine(what, spread, percentile, float((own > edge).mean()))


def _prediction_lines(rows: Rows, predictions: Predictions) -> tuple[PredictionLine, ...]:
    values = predictions.values[:, rows]
    if np.isfinite(values[:, :, 0]).any(axis=0).sum() < SMALLEST_SHOWN:
        return ()
    level = np.nanmedian(values, axis=1)
    ratio = np.nanmedian(predictions.over_reference[:, rows], axis=1)
    lines = []
    for k, one in enumerate(QUANTITIES):
        low, middle, high = (float(q) for q in np.percentile(level[:, k], (2.5, 50, 97.5)))
        parts = (float(q) for q in np.percentile(ratio[:, k], (2.5, 50, 97.5)))
        ratio_low, ratio_middle, ratio_high = parts
        lines.append(
            PredictionLine(
                one.name, one.place, one.unit, middle, low, high, ratio_middle, ratio_low, ratio_high
            )
        )
    return tuple(lines)


def runaway_lines(name: str, rows: Rows, at: MeasuredSamples) -> list[RunawayLine]:
    """Find guilds whose asked share is far from the raw one among the carriers of a group."""
    found = []
    usable = rows[at.usable[rows]]
    for k, guild in enumerate(GUILDS):
        carriers = usable[at.table.guild_sums[usable, k] > 0]
        if len(carriers) < SMALLEST_SHOWN or not at.contrast.observed[k]:
            continue
        raw, asked = at.fractions[carriers, k], at.asked[carriers, k]
        one, other = float(np.median(raw)), float(np.median(asked))
        if max(one, other) >= _LEAST_OFF and not 1 / FAR_OFF <= other / one <= FAR_OFF:
            off = int(((asked > FAR_OFF * raw) | (asked < raw / FAR_OFF)).sum())
            found.append(RunawayLine(name, guild, one, other, off, len(carriers)))
    return found


def group_rows(table: StoolTable) -> list[tuple[str, Rows]]:
    """Return the groups of a table in the order of their names, each with its samples; one without groups."""
    if table.groups is None:
        return [("all samples", np.arange(len(table.sample_ids)))]
    names: Sequence[str] = sorted(set(table.groups))
    labels = np.array(table.groups, dtype=object)
    return [(name or "(no group)", np.flatnonzero(labels == name)) for name in names]
