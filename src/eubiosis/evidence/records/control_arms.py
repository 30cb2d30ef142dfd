"""Row schemas of the control arms of published trials, and of the regression of their relapse rates."""

from __future__ import annotations

from typing import Literal

from eubiosis.core.calendar import WEEKS_PER_YEAR
from eubiosis.core.tables import TableRow
from eubiosis.evidence.records.rows import Read

SECOND_HAND: tuple[Read, ...] = ("secondary", "recalled")
Endpoint = Literal[
    "ARR", "relapse_free", "CDP12", "CDP24", "Gd_per_scan", "newT2_per_year", "dropout", "MFIS_change",
    "FSS_change", "NfL_ratio", "ARR_baseline_other", "Gd_share_other", "MFIS_responder_other", "NEDA_other",
    "fatigue_other", "newT2_other", "rescue_other", "Gd_other",
]  # fmt: skip


class ControlArm(TableRow):
    """A control arm of a trial in multiple sclerosis and one of its endpoints.

    ``arm`` is what the people took for the trial; ``background`` says whether they took a disease-modifying
    drug beside it and ``background_therapy`` names it as printed. ``rrms_percent`` is the share with
    relapsing-remitting disease. ``participants`` counts the arm, or both arms where ``participants_in`` says
    so. ``followup_weeks`` is the longest time printed; ``followup_is`` says what that number is. ``doubt`` is
    what somebody remembers otherwise and nobody has checked; the value stands as it was read.
    """

    trial: str
    year_published: int | None = None
    enrolled_from: int | None = None
    enrolled_to: int | None = None
    enrolled_note: str = ""
    arm: str
    background: Literal["none", "drug", "usual care", "not stated"]
    background_therapy: str
    phenotype: Literal["RRMS", "CIS", "SPMS", "PPMS", "RRMS or CIS", "mixed"]
    rrms_percent: float | None = None
    age_group: Literal["adults", "children"]
    population: str
    entry_relapses: str = ""
    entry_edss: str = ""
    age_years: float | None = None
    female_percent: float | None = None
    disease_duration_years: float | None = None
    relapses_year_before: float | None = None
    gd_enhancing_percent: float | None = None
    baseline_note: str = ""
    participants: int | None = None
    participants_in: Literal["", "arm", "both arms"] = ""
    participants_note: str = ""
    followup_weeks: float | None = None
    followup_weeks_from: float | None = None
    followup_is: Literal["", "fixed", "median", "range", "at least", "at most", "per period"] = ""
    followup_note: str = ""
    endpoint: Endpoint
    value: float
    unit: str
    ci_low: float | None = None
    ci_high: float | None = None
    sd: float | None = None
    source: str = ""
    where_read: str
    read: Read
    doubt: str = ""
    note: str = ""

    @property
    def people(self) -> float | None:
        """Return the size of the arm: half of both arms together, None where it was not read."""
        if self.participants is None:
            return None
        return self.participants / 2 if self.participants_in == "both arms" else float(self.participants)

    @property
    def years(self) -> float | None:
        """Return the years of follow-up, None where they were not read."""
        return None if self.followup_weeks is None else self.followup_weeks / WEEKS_PER_YEAR

    @property
    def first_hand(self) -> bool:
        """Say whether somebody read the source itself."""
        return self.read not in SECOND_HAND

    @property
    def on_drug(self) -> bool:
        """Say whether the people took something beside what the arm is named after."""
        return self.background != "none"

    @property
    def relapsing(self) -> bool:
        """Say whether at least nine in ten are adults with relapsing-remitting disease, or it or a CIS."""
        if self.age_group != "adults":
            return False
        return self.phenotype == "RRMS or CIS" or (self.rrms_percent or 0.0) >= 90


class ControlArmRate(TableRow):
    """An arm of the regression of control-arm relapse rates on calendar time.

    ``on_drug`` is no for placebo alone; ``relapse_on_drug`` yes where a relapse on that drug was asked for at
    entry; ``add_on`` yes for placebo on top of a drug. ``participants_used`` is ``participants`` or what was
    assumed without it; ``log_rate_variance``, ``log_rate`` and ``years_from_2015`` are derived and may stay
    empty. ``record`` is the trial in control_arms.tsv that the rate was taken from and ``read`` how far that
    was read.
    """

    trial: str
    arm: str
    year_published: int
    relapses_per_year: float
    participants: float | None = None
    followup_years: float
    on_drug: bool
    relapse_on_drug: bool
    add_on: bool
    relapses_year_before: float | None = None
    participants_used: float
    log_rate_variance: float | None = None
    log_rate: float | None = None
    years_from_2015: float | None = None
    record: str = ""
    read: Read
    source: str = ""

    @property
    def first_hand(self) -> bool:
        """Say whether somebody read the source itself."""
        return self.read not in SECOND_HAND
