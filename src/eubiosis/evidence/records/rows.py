"""The published evidence as closed tables: one row one estimate, one row one study, terms with aliases.

Column meanings stand beside the fields. An empty cell means "not printed or not read", never zero.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import model_validator

from eubiosis.core.question import OutcomeKind
from eubiosis.core.tables import RowProblem, TableRow

Read = Literal["full_text", "table", "abstract", "data_file", "results_excerpt", "secondary", "recalled"]
Species = Literal["human", "mouse", "rat"]
Integrity = Literal["none", "notice", "failed_check", "retracted"]
DesignClass = Literal["randomised", "randomised_crossover", "non_randomised", "single_arm", "case", "animal"]
Direction = Literal["lower", "higher"]
Measure = Literal["MD", "RR", "rate_ratio", "proportion", "within_change", "narrative"]
Metric = Literal[
    "mean_difference", "mean_change", "risk_ratio", "OR", "HR", "rate_ratio", "IRR", "risk_difference_pp",
    "proportion", "percent_change", "ratio_vs_run_in", "weeks", "rho",
]  # fmt: skip
Verdict = Literal["favours_treatment", "no_difference", "favours_control", "uncontrolled_improvement"]
RISK_TOOLS = Literal["RoB 2", "ROBINS-I"]
DoiStatus = Literal["", "seen", "recalled", "not a DOI"]
RANDOMISED: tuple[DesignClass, ...] = ("randomised", "randomised_crossover")


class Study(TableRow):
    """A published study; the reports of one cohort share its ``cohort_id`` and count once.

    ``author_group`` names the study under which reports that share investigators are grouped. It leads to
    a warning when a pool rests on one group and never excludes anything.
    """

    id: str
    first_author: str
    year: int
    doi: str = ""
    pmid: str = ""
    registry_id: str = ""
    country: str = ""
    species: Species
    population: str
    blinding: str
    intervention: str  # class, a term of interventions.tsv
    subclass: str = ""  # narrower term of interventions.tsv
    agent: str
    dose: str = ""
    background_therapy: str = ""
    comparator: Literal["", "placebo or usual care", "lower dose", "active treatment"] = ""
    cohort_id: str
    author_group: str
    integrity_status: Integrity
    integrity_reason: str = ""
    doi_status: DoiStatus = ""
    notice_search: Literal["", "none found"] = ""
    note: str = ""

    @model_validator(mode="after")
    def _status_has_a_reason(self) -> Study:
        if self.integrity_status != "none" and not self.integrity_reason:
            raise RowProblem(
                f'integrity_status "{self.integrity_status}" without a reason', next_step="say what was found"
            )
        return self


class RiskOfBias(TableRow):
    """A risk-of-bias judgement of one study; every domain is empty until somebody has judged it.

    RoB 2 has domains 1 to 5, ROBINS-I 1 to 7. ``judged_by`` is a role, not a name.
    """

    study_id: str
    tool: RISK_TOOLS
    domain_1: str = ""
    domain_2: str = ""
    domain_3: str = ""
    domain_4: str = ""
    domain_5: str = ""
    domain_6: str = ""
    domain_7: str = ""
    overall: Literal["", "low", "some concerns", "moderate", "serious", "high", "critical"] = ""
    judged_by: str = ""
    date: str = ""

    @model_validator(mode="after")
    def _judgement_has_a_judge(self) -> RiskOfBias:
        if self.overall and not (self.judged_by and self.date):
            raise RowProblem("a judgement without judged_by and date", next_step="fill in both")
        return self


class StudyEstimate(TableRow):
    """One printed or computed estimate of one study.

    ``treatment_*`` and ``control_*`` are as printed, after conversion of standard errors where
    ``dispersion_type`` says "SE->SD"; for ``within_change`` rows the control columns hold the baseline.
    ``n_basis`` is "assumed" where the split of the arms was not printed. ``p_value`` is text: a number, a
    bound such as "<0.001", or "NS". ``quantity`` says whether means and SDs are of the change from baseline
    or of the level at the end, where the report says it.
    """

    id: str
    study_id: str
    report_year: int
    report_doi: str = ""
    design: str
    design_class: DesignClass
    n_treatment: int | None = None
    n_control: int | None = None
    n_basis: Literal["", "printed", "assumed"] = ""
    duration_weeks: float | None = None
    outcome: str
    outcome_scale: str
    scale: str
    direction_better: Direction
    measure: Measure
    treatment_mean: float | None = None
    treatment_sd: float | None = None
    control_mean: float | None = None
    control_sd: float | None = None
    effect: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: str = ""
    verdict: Verdict
    dispersion_type: Literal["", "SD", "SE", "SE->SD"] = ""
    effect_metric: Metric | None = None
    effect_origin: Literal["", "computed", "reported"] = ""
    source: str
    read: Read
    analysis: Literal["main", "sensitivity"] = "main"
    quantity: Literal["", "level", "change"] = ""
    note: str = ""

    @property
    def randomised(self) -> bool:
        """Say whether people were assigned at random."""
        return self.design_class in RANDOMISED

    @model_validator(mode="after")
    def _interval_is_ordered(self) -> StudyEstimate:
        if self.ci_low is not None and self.ci_high is not None and self.ci_low >= self.ci_high:
            raise RowProblem(f"the interval {self.ci_low} to {self.ci_high} is not ordered")
        if self.p_value and parse_p(self.p_value) is None:
            raise RowProblem(f'p value "{self.p_value}"', allowed="a number, <number, >number or NS")
        return self


class PValue(TableRow):
    """A printed p value: exact ("="), below ("<") or above (">") ``value``."""

    relation: Literal["=", "<", ">"]
    value: float


_P = re.compile(r"([<>]?)\s*(0?\.\d+|0|1(?:\.0*)?|\d(?:\.\d+)?e-\d+)")


def parse_p(text: str) -> PValue | None:
    """Read a printed p value; "NS" means above 0.05. Returns None for other text.

    >>> parse_p("<0.001")
    PValue(relation='<', value=0.001)
    """
    if text == "NS":
        return PValue(relation=">", value=0.05)
    match = _P.fullmatch(text.strip())
    if not match:
        return None
    relation: Literal["=", "<", ">"] = "<" if match[1] == "<" else ">" if match[1] == ">" else "="
    return PValue(relation=relation, value=float(match[2]))


class OutcomeTerm(TableRow):
    """A standard outcome term; ``aliases`` are separated by semicolons; ``ontology_id`` may be empty.

    ``kind`` says how a trial on it is sized: as a count, a time to an event, a score, or not at all;
    ``control_endpoint`` is the endpoint of control_arms.tsv that gives its level in a control arm.
    """

    id: str
    label: str
    domain: Literal[
        "clinical", "patient-reported", "imaging", "biomarker", "immune", "microbiome", "safety", "animal"
    ]
    kind: OutcomeKind | Literal["none"]
    control_endpoint: Literal["", "ARR", "Gd_per_scan", "newT2_per_year", "CDP12", "CDP24"] = ""
    ontology_id: str = ""
    aliases: str = ""


class InterventionTerm(TableRow):
    """A class of interventions or, with ``parent``, a narrower term."""

    id: str
    label: str
    parent: str = ""
    microbiome_targeted: Literal["yes", "no", "partly"]
    aliases: str = ""


class AgentTaxon(TableRow):
    """A taxon in an agent. ``taxid_read`` says whether the id stands in our taxon tables or was recalled."""

    agent: str
    taxon: str
    ncbi_taxid: int | None = None
    taxid_read: Literal["table", "recalled", ""] = ""
    dose_cfu_per_day: float | None = None
    note: str = ""


class ScaleTerm(TableRow):
    """A measuring scale: limits of one person's value, its smallest step, and the unit."""

    id: str
    description: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    unit: str = ""
    source: str
    read: Read
