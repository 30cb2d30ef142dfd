"""What a profile of a stool table says: group summaries, contrasts, warnings, blanks; what the page shows.

Every share is between 0 and 1, every logarithm natural; None stands where a number is not defined or was
kept back. A group with fewer people than ``SMALLEST_SHOWN`` is counted and not summarised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from eubiosis.core.provenance import Read
from eubiosis.core.record import HIDDEN, OPTIONAL

SCHEMA = "eubiosis.stool_profile.1"
SMALLEST_SHOWN = 5
FAR_OFF = 3.0  # times, between the raw share of a guild and the one that is asked of the model
ContrastScale = Literal["share", "log ratio", "prevalence", "difference", "log"]


@dataclass(frozen=True)
class SampleQuantiles:
    """Quantiles over samples: 5, 25, 50, 75 and 95 % points."""

    low: float
    lower: float
    median: float
    upper: float
    high: float


@dataclass(frozen=True)
class ShareInterval:
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True)
class UnmappedShare:
    """A taxon in no guild: its share of all reads of the table, and why it is in none."""

    name: str
    share: float
    reason: str


@dataclass(frozen=True)
class GuildLine:
    """One guild in one group.

    ``mean`` is the mean share of the mapped reads and ``depth_interval`` what the number of reads alone
    leaves open of it (None for a table without counts); ``people_interval`` is that of the mean over
    people. ``prevalence`` is the share of people in whom it was seen, ``carriers`` how many, and
    ``carrier_median`` its median share among these. ``reliability`` says how much of one sample's log-ratio
    belongs to the person.
    """

    guild: str
    name: str
    mean: float
    depth_interval: ShareInterval | None
    people_interval: ShareInterval | None
    median: float
    prevalence: float
    carriers: int
    carrier_median: float | None
    reliability: float | None


@dataclass(frozen=True)
class NamedTaxonLine:
    """A genus that studies of MS report: its share of all reads and its prevalence in one group.

    ``studies_up`` and ``studies_down`` count published studies in which it was higher or lower in MS.
    """

    taxon: str
    studies_up: int
    studies_down: int
    studies_mixed: int
    in_table: bool
    mean: float | None
    median: float | None
    prevalence: float | None


@dataclass(frozen=True)
class MeasureLine:
    """One number per sample over a group; ``why_not`` says why it is not defined for this table."""

    measure: str
    unit: str
    spread: SampleQuantiles | None
    why_not: str = ""


@dataclass(frozen=True)
class PositionLine:
    """Where a group lies among the controls of the packaged reference population.

    ``spread`` are Aitchison distances over the guilds observed in both; ``percentile`` is the share of the
    reference's controls that lie nearer than the group's median sample, ``beyond`` the share of the group
    that lies farther out than 95 % of them.
    """

    what: str
    spread: SampleQuantiles
    percentile: float
    beyond: float


@dataclass(frozen=True)
class PredictionLine:
    """A quantity of the model for a group: its median person, with 95 % of gut worlds.

    ``ratio`` is the median of each person's value over that of the healthy reference in the same world.
    """

    quantity: str
    place: str
    unit: str
    median: float
    low: float
    high: float
    ratio: float
    ratio_low: float
    ratio_high: float


@dataclass(frozen=True)
class GroupProfile:
    """One group of samples; ``shown`` is False where it is too small to be summarised."""

    name: str
    people: int
    usable: int
    shown: bool
    guilds: tuple[GuildLine, ...] = ()
    taxa: tuple[NamedTaxonLine, ...] = ()
    measures: tuple[MeasureLine, ...] = ()
    positions: tuple[PositionLine, ...] = ()
    predictions: tuple[PredictionLine, ...] = ()


@dataclass(frozen=True)
class ContrastLine:
    """One contrast: ``effect`` of a group against the control, its interval and p-values."""

    what: str
    effect: float | None
    low: float | None
    high: float | None
    p_value: float | None
    p_bh: float | None
    p_holm: float | None
    note: str = ""


@dataclass(frozen=True)
class ContrastFamily:
    """Contrasts that were tested together: ``tested`` of them are corrected for each other."""

    title: str
    scale: ContrastScale
    group: str
    control: str
    n_group: int
    n_control: int
    method: str
    tested: int
    lines: tuple[ContrastLine, ...]


@dataclass(frozen=True)
class RunawayLine:
    """A guild whose share as asked of the model is far from the raw one, among those who carry it.

    ``raw`` and ``asked`` are medians over ``carriers`` samples; ``people`` of these are far off one by one.
    """

    group: str
    guild: str
    raw: float
    asked: float
    people: int
    carriers: int


@dataclass(frozen=True)
class StormsLine:
    """One item of the STORMS checklist: what the profile knows of it, or None where the authors must say.

    ``read`` says how far the name of the item was read: second-hand, or recalled.
    """

    section: str
    item: str
    known: str | None
    read: Read


@dataclass(frozen=True)
class SectionTable:
    """A table of a further section: texts; the first column heads the rows, ``numeric`` ones align right."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()


@dataclass(frozen=True)
class ProfileSection:
    """A section that another part of the software adds to the profile, e.g. a forecast.

    ``first_line`` stands at the head of the page, before everything else; ``figures`` are pairs of SVG text,
    made by ``report``, and caption; ``data`` goes into the JSON under ``name``.
    """

    name: str
    title: str
    first_line: str = ""
    paragraphs: tuple[str, ...] = ()
    tables: tuple[SectionTable, ...] = ()
    figures: tuple[tuple[str, str], ...] = field(default=(), metadata=HIDDEN)
    data: object = None


@dataclass(frozen=True)
class PersonLine:
    """One sample, only where persons were asked for.

    ``fractions`` are shares of the mapped reads by guild, ``depth_intervals`` their 95 % intervals from
    depth, ``log_ratios`` those to the centre of the table, ``held_shares`` what the model holds.
    """

    sample: str
    group: str | None
    status: str
    depth: float
    mapped_share: float | None
    fractions: Mapping[str, float | None]
    depth_intervals: Mapping[str, ShareInterval] | None
    log_ratios: Mapping[str, float | None]
    distance: float | None
    distance_percentile: float | None
    niche: str
    niche_residual: float | None
    niche_residual_rms: float | None
    niche_largest_factor: float | None
    held_shares: Mapping[str, float | None]


@dataclass(frozen=True)
class HeldSummary:
    """How the samples are held in the model: how many with which word, and the extremes."""

    status: Mapping[str, int]
    largest_residual: float | None
    largest_factor: float | None


@dataclass(frozen=True)
class StoolProfile:
    """A profile of one stool table; the record is the JSON that the page carries.

    ``worlds`` counts the gut worlds behind the predictions.
    """

    schema: str
    eubiosis: str
    origin: str
    first_sentence: str
    file: str
    format: str
    scale: str
    orientation: str
    platform: str
    samples: int
    status: Mapping[str, int]
    depth: SampleQuantiles | None
    mapped_overall: float
    mapped: SampleQuantiles | None
    share_by_rule: Mapping[str, float]
    unmapped: tuple[UnmappedShare, ...]
    centre: str
    not_observed: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    smallest_shown: int
    groups: tuple[GroupProfile, ...]
    contrasts: tuple[ContrastFamily, ...]
    contrast_notes: tuple[str, ...]
    worlds: int
    prediction_note: str
    runaways: tuple[RunawayLine, ...]
    held: HeldSummary
    storms: tuple[StormsLine, ...]
    sections: tuple[ProfileSection, ...] = ()
    persons: tuple[PersonLine, ...] | None = field(default=None, metadata=OPTIONAL)


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of a profile's record.

    >>> json_schema()["title"]
    'StoolProfile'
    """
    from pydantic import TypeAdapter

    made: dict[str, object] = TypeAdapter(StoolProfile).json_schema(mode="serialization")
    definitions = made["$defs"]
    assert isinstance(definitions, dict)
    section = definitions["ProfileSection"]
    section["properties"].pop("figures")  # pictures stay on the page
    made["properties"]["schema"]["const"] = SCHEMA  # type: ignore[index]
    return made
