"""Make the profile of a stool table: everything that the command prints and the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

import numpy as np

from eubiosis.core.guilds import GUILDS
from eubiosis.core.stool_profile import (
    SCHEMA,
    SMALLEST_SHOWN,
    ContrastFamily,
    GroupProfile,
    HeldSummary,
    PersonLine,
    ProfileSection,
    ShareInterval,
    StoolProfile,
    UnmappedShare,
)
from eubiosis.core.version import __version__
from eubiosis.model.held import HeldNiches
from eubiosis.model.niche import NICHE_UNSOLVED
from eubiosis.population.asked import known_reliability
from eubiosis.population.contrast import GuildContrast, guild_contrast
from eubiosis.population.lost import LostProfiles
from eubiosis.population.position import position_by_contrast, position_by_level
from eubiosis.population.stool.table import StoolTable
from eubiosis.workflow.held_profiles import asked_profiles, held_profiles, profile_model
from eubiosis.workflow.profile.contrasts import PRODUCERS, contrast_families
from eubiosis.workflow.profile.groups import (
    MeasuredSamples,
    Rows,
    group_profile,
    group_rows,
    runaway_lines,
    spread_of,
)
from eubiosis.workflow.profile.named import named_genera
from eubiosis.workflow.profile.predictions import WORLDS, Predictions, predict
from eubiosis.workflow.profile.samples import (
    SampleMeasure,
    butyrate_producers,
    counted,
    depth_posterior,
    diversities,
)
from eubiosis.workflow.profile.storms import storms_lines
from eubiosis.workflow.profile.words import (
    ORIGIN,
    PREDICTION_NOTE,
    contrast_sentences,
    first_sentence,
    warnings_of,
)

_UNMAPPED = 20
_NAMED = 6  # small groups that are named one by one
_MOST_PEOPLE = 1_000  # of a table are predicted; the rest is left out and that is said
LEVEL = "to the mean of the reference's controls, platforms and all"
CONTRAST = "from the centre of this table, beside the reference's controls from theirs"


@dataclass(frozen=True)
class ProfileAsk:
    """What is asked of a profile.

    ``control`` names the group that others are compared with (None: the first by name, which is said);
    ``persons`` puts single samples into it; ``worlds`` gut worlds are behind the predictions (0: none are
    made).

    >>> ProfileAsk().persons
    False
    """

    control: str | None = None
    persons: bool = False
    worlds: int = WORLDS


@dataclass(frozen=True)
class ProfiledTable:
    """A profile with what it was made from, for sections that others add.

    ``asked`` (n, guilds) is what the model is asked to hold for each sample, ``held`` how it does.

    >>> sorted(ProfiledTable.__dataclass_fields__)
    ['asked', 'contrast', 'held', 'profile', 'table']
    """

    profile: StoolProfile
    table: StoolTable
    contrast: GuildContrast
    asked: np.ndarray
    held: HeldNiches

    def with_sections(self, sections: Sequence[ProfileSection]) -> ProfiledTable:
        """Return the same with further sections, in order."""
        return replace(self, profile=replace(self.profile, sections=(*self.profile.sections, *sections)))


def profile_table(table: StoolTable, ask: ProfileAsk | None = None) -> ProfiledTable:
    """Return the profile of a table that ``read_stool_table`` gave.

    Raises ``FindingsError`` for a control group that the table lacks, ``ValueError`` for a table without its
    features.

    >>> from tempfile import TemporaryDirectory
    >>> from eubiosis.population import read_profiles, write_example_table
    >>> with TemporaryDirectory() as folder:
    ...     stool = read_profiles(write_example_table(f"{folder}/stool.tsv", people=6))
    >>> profile_table(stool, ProfileAsk(worlds=0)).profile.samples
    6
    """
    ask = ask or ProfileAsk()
    contrast = guild_contrast(table, ask.control)
    asked = asked_profiles(contrast, table.groups)
    held = held_profiles(asked)
    predictions, left_out = _predicted(asked, ask)
    at = _measured(table, contrast, asked, predictions)
    rows = group_rows(table)
    families, small, notes = _contrasts(rows, at, ask)
    profile = replace(
        _of_table(table, contrast),
        warnings=(*warnings_of(table, contrast), *_lost(contrast, held), *left_out),
        groups=_without_many_small([group_profile(name, own, at) for name, own in rows]),
        contrasts=families,
        contrast_notes=(*notes, *contrast_sentences(families, small)),
        worlds=ask.worlds,
        prediction_note=PREDICTION_NOTE if predictions is not None else "",
        runaways=tuple(line for name, own in rows for line in runaway_lines(name, own, at)),
        held=_held_summary(held),
        storms=storms_lines(table, families, int(contrast.usable.sum())),
        persons=_persons(table, contrast, held, at) if ask.persons else None,
    )
    if not ask.persons and int(table.usable.sum()) < SMALLEST_SHOWN:
        profile = _of_few(profile)
    return ProfiledTable(profile, table, contrast, asked, held)


def _of_few(profile: StoolProfile) -> StoolProfile:
    """Return the profile of fewer samples than a group is summarised from without numbers that are theirs."""
    few = f"Fewer than {SMALLEST_SHOWN} usable samples: what is in no guild is not shown by name."
    return replace(
        profile,
        unmapped=(),
        held=HeldSummary(profile.held.status, None, None),
        warnings=(*profile.warnings, few),
    )


def _of_table(table: StoolTable, contrast: GuildContrast) -> StoolProfile:
    """Return what is known before any group is looked at; the rest is empty."""
    return StoolProfile(
        schema=SCHEMA,
        eubiosis=__version__,
        origin=ORIGIN,
        first_sentence=first_sentence(table, contrast),
        file=PurePath(table.file).name,
        format=table.format,
        scale=table.scale,
        orientation=table.orientation,
        platform=table.platform,
        samples=len(table.sample_ids),
        status=_counted_words(contrast.status),
        depth=spread_of(table.depth.astype(float)) if counted(table) else None,
        mapped_overall=table.overall_mapped_share,
        mapped=spread_of(table.mapped_share),
        share_by_rule=dict(table.share_by_rule),
        unmapped=tuple(UnmappedShare(u.name, u.share, u.reason) for u in table.unmapped[:_UNMAPPED]),
        centre=contrast.centre,
        not_observed=contrast.not_observed(),
        warnings=(),
        notes=table.notes,
        smallest_shown=SMALLEST_SHOWN,
        groups=(),
        contrasts=(),
        contrast_notes=(),
        worlds=0,
        prediction_note="",
        runaways=(),
        held=HeldSummary({}, None, None),
        storms=(),
    )


def _measured(
    table: StoolTable, contrast: GuildContrast, asked: np.ndarray, predictions: Predictions | None
) -> MeasuredSamples:
    fractions = table.fractions
    producers = SampleMeasure(PRODUCERS, "fraction", butyrate_producers(fractions), diverse=False)
    return MeasuredSamples(
        table,
        contrast,
        fractions,
        depth_posterior(table),
        named_genera(table),
        (*diversities(table), producers),
        ((LEVEL, position_by_level(table, contrast)), (CONTRAST, position_by_contrast(contrast))),
        asked,
        predictions,
        known_reliability(),
    )


def _predicted(asked: np.ndarray, ask: ProfileAsk) -> tuple[Predictions | None, tuple[str, ...]]:
    """Predict the first people of the table, as many as are done in seconds."""
    if not ask.worlds:
        return None, ()
    if len(asked) <= _MOST_PEOPLE:
        return predict(profile_model(), asked, worlds=ask.worlds), ()
    chosen = np.linspace(0, len(asked) - 1, _MOST_PEOPLE).round().astype(int)
    thinned = np.full(asked.shape, np.nan)
    thinned[chosen] = asked[chosen]
    said = f"Predictions are of {_MOST_PEOPLE:,} of the {len(asked):,} samples, evenly over the table."
    return predict(profile_model(), thinned, worlds=ask.worlds), (said,)


def _contrasts(
    groups: Sequence[tuple[str, Rows]], at: MeasuredSamples, ask: ProfileAsk
) -> tuple[tuple[ContrastFamily, ...], list[str], list[str]]:
    """Return the families, the groups too small for one, and how the control was chosen."""
    if at.table.groups is None or len(groups) < 2:
        return (), [], []
    large = [(name, rows) for name, rows in groups if at.usable[rows].sum() >= SMALLEST_SHOWN]
    small = [name for name, rows in groups if at.usable[rows].sum() < SMALLEST_SHOWN]
    if len(large) < 2 or (ask.control is not None and ask.control in small):
        return (), small, ["No two groups are large enough to be compared."]
    notes = []
    control = ask.control
    if control is None:
        control = large[0][0]
        notes.append(
            f'Groups are compared with "{control}", the first by name, since no control group was named.'
        )
    rows_of = dict(large)
    families = [
        family
        for name, rows in large
        if name != control
        for family in contrast_families(name, rows, control, rows_of[control], at)
    ]
    return tuple(families), small, notes


def _without_many_small(groups: Sequence[GroupProfile]) -> tuple[GroupProfile, ...]:
    """Join the groups that are not shown where they are many: their names may be ids of people."""
    small = [group for group in groups if not group.shown]
    if len(small) <= _NAMED:
        return tuple(groups)
    people, usable = sum(g.people for g in small), sum(g.usable for g in small)
    joined = GroupProfile(f"{len(small):,} small groups", people, usable, shown=False)
    return (*(group for group in groups if group.shown), joined)


def _counted_words(words: Sequence[str]) -> dict[str, int]:
    return {word: words.count(word) for word in sorted(set(words))}


def _lost(contrast: GuildContrast, held: HeldNiches) -> tuple[str, ...]:
    """Name the samples that cannot be used or held, where they are more than a tenth."""
    unheld = np.flatnonzero([word == NICHE_UNSOLVED for word in held.status]).tolist()
    everybody = range(len(contrast.subject_ids))
    said = LostProfiles.of(contrast, everybody, [(everybody, unheld)]).warning()
    return () if said is None else (said + ".",)


def _held_summary(held: HeldNiches) -> HeldSummary:
    return HeldSummary(_counted_words(held.status), _largest(held.residual), _largest(held.largest_factor))


def _largest(values: np.ndarray) -> float | None:
    return float(np.nanmax(values)) if np.isfinite(values).any() else None


def _persons(
    table: StoolTable, contrast: GuildContrast, held: HeldNiches, at: MeasuredSamples
) -> tuple[PersonLine, ...]:
    level = at.positions[0][1]
    distances, percentiles = level.distances, level.percentiles()
    return tuple(
        PersonLine(
            sample=sample,
            group=table.groups[k] if table.groups else None,
            status=contrast.status[k],
            depth=float(table.depth[k]),
            mapped_share=_number(table.mapped_share[k]),
            fractions=_by_guild(at.fractions[k]),
            depth_intervals=_intervals(k, at),
            log_ratios=_by_guild(contrast.log_ratios[k]),
            distance=_number(distances[k]),
            distance_percentile=_number(percentiles[k]),
            niche=held.status[k],
            niche_residual=_number(held.residual[k]),
            niche_residual_rms=_number(held.residual_rms[k]),
            niche_largest_factor=_number(held.largest_factor[k]),
            held_shares=_by_guild(held.shares[k]),
        )
        for k, sample in enumerate(table.sample_ids)
    )


def _intervals(k: int, at: MeasuredSamples) -> Mapping[str, ShareInterval] | None:
    if at.posterior is None or np.isnan(at.posterior.low[k]).any():
        return None
    pairs = zip(at.posterior.low[k], at.posterior.high[k], strict=True)
    return {guild: ShareInterval(float(a), float(b)) for guild, (a, b) in zip(GUILDS, pairs, strict=True)}


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _by_guild(row: np.ndarray) -> dict[str, float | None]:
    return {guild: _number(value) for guild, value in zip(GUILDS, row, strict=True)}
