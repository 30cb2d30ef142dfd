"""From guild sums to a person's log-ratio contrast, and onto the model's reference composition.

Read fractions of one platform are neither biomass fractions nor comparable with another platform. What is
carried over is therefore only how a sample differs from the controls of its own table. Log-ratio analysis
of compositions: Aitchison 1982 (J R Stat Soc B 44:139); multiplicative replacement of zeros:
Martin-Fernandez, Barcelo-Vidal and Pawlowsky-Glahn 2003 (Math Geol 35:253). Both are cited as the origin of
the method; the formulas below are written out and tested on their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eubiosis.core.findings import FindingCollector
from eubiosis.population.stool.table import USABLE, StoolTable, check_control
from eubiosis.population.taxa import GUILDS

NOT_OBSERVED_ABOVE = 0.9
MOST_REPLACED = 0.5
Centre = Literal["controls", "median", "reference_controls"]


@dataclass(frozen=True)
class GuildContrast:
    """How subjects differ from the centre of their table, as log-ratios over the observed guilds.

    ``log_ratios`` (n, 14), natural logarithm, columns as in ``GUILDS``: a row sums to 0 over the observed
    guilds and is 0 for a guild that is not observed; NaN for a subject that cannot be used. ``observed``
    (14,) boolean; ``detected_share`` (14,) between 0 and 1: in how many usable samples a guild was seen.
    ``status`` (n,): "ok" and "mapped_below_half" are usable, the rest say why not. ``carried`` (n, 14) says
    in whom a guild was seen at all (None: all in all), and ``in_centre`` (n,) who the centre was taken from
    (None: everybody who can be used).
    """

    subject_ids: tuple[str, ...]
    log_ratios: np.ndarray
    observed: np.ndarray
    detected_share: np.ndarray
    status: tuple[str, ...]
    centre: Centre
    carried: NDArray[np.bool_] | None = None
    in_centre: NDArray[np.bool_] | None = None

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which samples can be used, (n,): the one answer that checks, profiles and trials give."""
        return np.array([word in USABLE for word in self.status], dtype=bool)

    def not_observed(self) -> tuple[str, ...]:
        """Name the guilds that keep the reference prior."""
        return tuple(guild for guild, seen in zip(GUILDS, self.observed, strict=True) if not seen)

    def target_fractions(self, reference_fractions: Mapping[str, float]) -> np.ndarray:
        """Return the contrasts put onto a composition, shape (n, 14), rows sum to 1.

        ``reference_fractions``, guild -> fraction, sums to 1. It is taken as a centre on the log scale and
        not as a mean; for shares whose mean is a reference see ``asked.asked_shares``. The contrast
        multiplies it; guilds that were not observed keep their reference fraction unchanged, the others share
        the rest. Rows of unusable subjects are NaN. Raises ``ValueError`` for a reference that lacks a guild,
        is not positive or does not sum to 1 (within 0.001; it is then closed exactly).
        """
        reference = closed_reference(reference_fractions)
        fractions = np.full(self.log_ratios.shape, np.nan)
        known = ~np.isnan(self.log_ratios).any(axis=1)
        raised = np.where(self.observed, reference * np.exp(self.log_ratios[known]), 0.0)
        share = float(reference[self.observed].sum())
        scaled = raised * (share / raised.sum(axis=1, keepdims=True))
        fractions[known] = np.where(self.observed, scaled, reference)
        return fractions

    def target_log_ratios(self, reference_fractions: Mapping[str, float]) -> np.ndarray:
        """Return the centred log-ratios of ``target_fractions``, shape (n, 14), rows sum to 0."""
        return centred_log_ratios(self.target_fractions(reference_fractions))


def guild_contrast(table: StoolTable, control: str | None = None) -> GuildContrast:
    """Return each sample's contrast to the mean log-ratio of the controls, or to the table's median.

    ``control`` names the group of the controls; without it the centre is the median of all usable samples,
    so a table of one sample has no contrast. Raises ``FindingsError`` for a group that the table lacks.

    >>> from tempfile import TemporaryDirectory
    >>> from eubiosis.population import read_profiles, write_example_table
    >>> with TemporaryDirectory() as folder:
    ...     stool = read_profiles(write_example_table(f"{folder}/stool.tsv", people=6))
    >>> guild_contrast(stool).log_ratios.shape
    (6, 14)
    """
    if control is not None:
        findings = FindingCollector()
        check_control(table, control, findings)
        findings.raise_if_any()
    usable = table.usable
    detected_share = np.zeros(len(GUILDS))
    if usable.any():
        detected_share = (table.guild_sums[usable] > 0).mean(axis=0)
    observed = detected_share >= 1 - NOT_OBSERVED_ABOVE
    replaced, shallow = replace_zeros(table.guild_sums[:, observed], table.detection_limit)
    keep = usable & ~shallow
    log_ratios = np.full(table.guild_sums.shape, np.nan)
    log_ratios[keep] = 0.0
    log_ratios[np.ix_(keep, observed)] = centred_log_ratios(replaced[keep])
    status: list[str] = list(table.status)
    for k in np.flatnonzero(usable & shallow):
        status[k] = "too_shallow"
    in_centre = keep.copy()
    if control is not None:
        in_centre &= np.array([group == control for group in table.groups or ()], dtype=bool)
    if in_centre.any() and observed.any():
        members = log_ratios[in_centre]
        centre = _mean(members) if control is not None else np.median(members, axis=0)
        log_ratios = log_ratios - centre
        # medians of log-ratios need not sum to zero; contrasts do
        log_ratios[:, observed] -= log_ratios[:, observed].mean(axis=1, keepdims=True)
    return GuildContrast(
        subject_ids=table.sample_ids,
        log_ratios=log_ratios,
        observed=observed,
        detected_share=detected_share,
        status=tuple(status),
        centre="median" if control is None else "controls",
        carried=table.guild_sums > 0,
        in_centre=in_centre,
    )


def replace_zeros(sums: np.ndarray, detection_limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return compositions without zeros, and which samples are too shallow for that.

    ``sums`` (n, parts) and ``detection_limit`` (n,) are in one scale. Each sample is closed to 1; a zero
    becomes half the detection limit d over the sample's sum, and the other parts are multiplied by one
    minus what the zeros received, so that ratios between seen parts stay. A sample in which the zeros
    would receive more than half of the whole, or that is empty, is too shallow: its row is NaN.

    >>> replace_zeros(np.array([[60.0, 40.0, 0.0]]), np.array([1.0]))[0].round(3).tolist()
    [[0.597, 0.398, 0.005]]
    """
    total = sums.sum(axis=1)
    composition = np.full(sums.shape, np.nan)
    np.divide(sums, total[:, None], out=composition, where=total[:, None] > 0)
    half_limit = np.full(len(total), np.nan)
    np.divide(0.5 * detection_limit, total, out=half_limit, where=total > 0)
    zero = sums == 0
    received = np.where(total > 0, zero.sum(axis=1) * half_limit, np.inf)
    shallow = received > MOST_REPLACED
    replaced = np.where(zero, half_limit[:, None], composition * (1 - received)[:, None])
    replaced[shallow] = np.nan
    return replaced, shallow


def centred_log_ratios(compositions: np.ndarray) -> np.ndarray:
    """Return log parts minus their mean over the parts, shape (n, parts); parts must be positive.

    A row of NaN stays a row of NaN; no rows and no parts give an array of that shape.
    """
    if not compositions.size:
        return compositions.copy()
    logarithms = np.log(compositions)
    return np.asarray(logarithms - logarithms.mean(axis=1, keepdims=True))


def _mean(rows: np.ndarray) -> np.ndarray:
    # exactly rounded sums: the order of the samples changes no bit
    return np.array([math.fsum(column) / len(rows) for column in rows.T])


def closed_reference(fractions: Mapping[str, float]) -> np.ndarray:
    """Return a reference composition as an array (14,), closed to 1; ``ValueError`` for a wrong one."""
    missing = [guild for guild in GUILDS if guild not in fractions]
    extra = [guild for guild in fractions if guild not in GUILDS]
    if missing or extra:
        message = f"reference composition: missing {missing}, unknown {extra}; allowed: {', '.join(GUILDS)}"
        raise ValueError(message)
    reference = np.array([float(fractions[guild]) for guild in GUILDS])
    total = math.fsum(reference)
    if not (reference > 0).all() or not abs(total - 1) <= 1e-3:
        message = f"reference composition sums to {total:g}; allowed: positive fractions that sum to 1"
        raise ValueError(message)
    return np.asarray(reference / total)
