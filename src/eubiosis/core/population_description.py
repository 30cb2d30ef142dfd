"""How virtual people compare with real ones, group by group: figures only, no value of a person."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Both:
    """One figure of the virtual and of the real people."""

    virtual: float
    real: float


@dataclass(frozen=True)
class TaxonComparison:
    """A taxon in both: mean share, share of people who carry it (0-1), and the difference of its log-ratio.

    ``difference`` is virtual minus real over the pooled standard deviation of the centred log-ratio (half a
    read added); ``sd_ratio`` the ratio of the two standard deviations.
    """

    name: str
    share: Both
    carried: Both
    difference: float
    sd_ratio: float


@dataclass(frozen=True)
class PairAgreement:
    """Correlations over pairs of taxa, virtual against real.

    ``rms`` is the root mean square difference, ``agreement`` the correlation of the two sets of
    correlations; ``rms_by_chance`` what two samples of these sizes from one population would differ by,
    estimated from random halves of the real people; None where fewer than three pairs, or pairs that do not
    vary, say nothing. ``virtual`` and ``real`` hold the pairs, for a picture.
    """

    pairs: int
    rms: float | None
    agreement: float | None
    rms_by_chance: float | None
    virtual: tuple[float, ...]
    real: tuple[float, ...]


@dataclass(frozen=True)
class GroupComparison:
    """One group of ``people``: taxa, diversity, zeros, correlations, and whether the two can be told apart.

    ``depth`` is the median number of reads, ``zeros`` the share of cells without a read, ``shannon`` and
    ``taxa_seen`` means with standard deviations beside. ``within_tenth`` and ``within_quarter`` are the
    shares of taxa whose standardised difference is so small; ``largest_by_chance`` the largest that random
    halves of the real people show, scaled to these sizes. ``told_apart`` is the share of people whose nearest
    other person is of their own kind (0.5: they cannot be told apart). ``distance`` is the median Hellinger
    distance of a virtual and of a real person to the nearest real one, ``closer_than_real`` the share of
    virtual people nearer to a real one than 95 % of the real are to each other, ``copies`` who equals one.
    """

    group: str
    people: Both
    pooled_share: Both
    depth: Both
    zeros: Both
    shannon: Both
    shannon_sd: Both
    taxa_seen: Both
    taxa_seen_sd: Both
    taxa: tuple[TaxonComparison, ...]
    within_tenth: float
    within_quarter: float
    largest_difference: float
    largest_by_chance: float
    correlations: PairAgreement
    presence: PairAgreement
    told_apart: float
    distance: Both
    closer_than_real: float
    copies: int


@dataclass(frozen=True)
class PopulationDescription:
    """Virtual against real people: the files, what was done, and one comparison for each group in both."""

    virtual_file: str
    real_file: str
    groups: tuple[GroupComparison, ...]
    notes: tuple[str, ...] = ()
