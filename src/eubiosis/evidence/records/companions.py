"""Row schemas of the tables beside studies and estimates, as extracted (column meanings in the how-to)."""

from __future__ import annotations

from typing import Literal

from eubiosis.core.tables import TableRow
from eubiosis.evidence.records.rows import DoiStatus, Read


class MetaAnalysis(TableRow):
    """A published pooled result."""

    id: str
    author: str
    year: int
    doi: str = ""
    k: int | None = None
    n: int | None = None
    outcome: str
    intervention: str
    comparator: str = ""
    species: Literal["human", "EAE", "mixed"]
    model: str = ""
    effect_metric: str = ""
    effect: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    i2: float | None = None
    p_value: str = ""
    source: str
    read: Read
    network: bool = False  # a network meta-analysis
    called: Literal["", "non-significant"] = ""  # what the authors call the result
    metric_doubted: bool = False  # the interval does not fit the metric printed
    note: str = ""


class PinnedPool(TableRow):
    """A pool computed once by another program from the estimates; ours must reproduce it."""

    id: str
    intervention: str
    outcome: str
    metric: Literal["MD", "SMD", "RR"]
    k: int
    studies: str
    effect: float
    ci_low: float
    ci_high: float
    tau2: float | None = None
    i2: float | None = None
    tau2_method: str
    ci_method: str
    note: str = ""


class AdverseEvent(TableRow):
    """Safety and attrition."""

    study_id: str
    intervention: str
    agent: str
    record_type: Literal["AE", "SAE", "attrition"]
    event: str
    treatment_n: int | None = None
    treatment_events: int | None = None
    treatment_pct: float | None = None
    control_n: int | None = None
    control_events: int | None = None
    control_pct: float | None = None
    p_value: str = ""
    statement: str
    source: str
    read: Read


class CalibrationTarget(TableRow):
    """A quantity to fit, to check, or to hold out; a hold-out is never fitted or tuned to."""

    id: str
    role: Literal["fit", "check", "holdout"]
    intervention: str
    quantity: str
    value: str = ""
    ci_low: float | None = None
    ci_high: float | None = None
    n: str = ""
    evidence_type: str
    study_ids: str
    source_confidence: str
    use: str
    cohort_id: str = ""
    note: str = ""


class TaxonDirection(TableRow):
    """A taxon higher or lower in people with multiple sclerosis in one study."""

    study_id: str
    first_author: str
    year: int
    doi: str = ""
    country: str = ""
    n_ms: str = ""
    n_control: str = ""
    ms_type: str = ""
    method: str = ""
    taxon: str
    ncbi_taxid: int | None = None
    rank: str
    direction: Literal["up", "down"]
    effect: str = ""
    p: str = ""
    source: str
    read: Read
    taxid_source: str = ""
    genus: str = ""  # of a genus or a species
    report: Literal["primary", "review"] = "primary"
    doi_status: DoiStatus = ""


class TaxonConsensus(TableRow):
    """Counts of studies per taxon and direction."""

    level: Literal["taxid", "genus_rollup"]
    taxon: str
    ncbi_taxid: int | None = None
    rank: str
    n_up: int
    n_down: int
    n_no_difference_reported: int
    n_mixed_within_study: int
    n_studies: int
    studies_up: str = ""
    studies_down: str = ""
    studies_mixed: str = ""
    systematic_review: str = ""


class Signature(TableRow):
    """A curated signature of BugSigDB (CC BY 4.0, bugsigdb.org), one taxon per row."""

    bsdb_id: str
    pmid: str
    doi: str
    study: str
    year: int
    country: str
    host: str
    body_site: str
    uberon: str
    condition: str
    group0: str
    group1: str
    n_group0: int | None = None
    n_group1: int | None = None
    sequencing: str
    region_16s: str
    stat_test: str
    mht_correction: str
    alpha_diversity: str = ""
    source_in_paper: str
    abundance_in_group1: Literal["increased", "decreased"]
    taxon_name: str
    ncbi_taxid: int


class Entity(TableRow):
    """A gene, disease, chemical or taxon that the field's review names, with its id and known wrong tags."""

    kind: Literal["gene", "disease", "chemical", "taxon"]
    name: str
    id: str
    description: str = ""
    wrong_tag: bool = False  # the review's tag does not fit the name
    note: str = ""


class MarkerLevel(TableRow):
    """A metabolite, barrier or immune marker, or risk factor in multiple sclerosis against controls."""

    study_id: str
    doi: str = ""
    quantity: str
    matrix: str = ""
    species: str
    group: str = ""
    n: str = ""
    mean: str = ""
    sd: str = ""
    median: str = ""
    iqr: str = ""
    unit: str = ""
    p_vs_control: str = ""
    source: str
    read: Read
    doi_status: DoiStatus = ""


class Mechanism(TableRow):
    """A signed causal edge between two entities; ids ending in "~" are unverified."""

    id: str
    pathway: str
    source_entity: str
    source_id: str = ""
    target_entity: str
    target_id: str = ""
    sign: Literal["+", "-", "+/-"]
    evidence_type: Literal["human", "mouse", "in vitro"]
    model: str = ""
    dose_response: str = ""
    recalled_detail: str = ""
    study: str
    doi: str = ""
    read: Read
    doi_status: DoiStatus = ""


class Anchor(TableRow):
    """A number for a coupling or for natural history."""

    topic: str
    quantity: str
    population_or_system: str = ""
    intervention: str = ""
    dose: str = ""
    time: str = ""
    n: str = ""
    value: str = ""
    sd_or_ci: str = ""
    unit: str = ""
    comparator_value: str = ""
    comparator_sd: str = ""
    effect: str = ""
    p: str = ""
    study: str
    doi_or_pmid: str = ""
    where_read: str
    read: Read
    role_suggestion: Literal["fit", "check"]
    note: str = ""


class SeenTrial(TableRow):
    """A trial that a page names and whose numbers were not read: no record, and not to be forgotten.

    Nothing is pooled or forecast from it. ``intervention`` is empty where it is no class of ours: such a
    trial is here for its control arm.
    """

    id: str
    trial: str
    registry_id: str = ""
    intervention: str = ""
    agent: str
    design: str
    people: str = ""
    state: Literal["recruiting", "running", "reported", "not read"]
    found: str = ""
    source: str
    read: Read
    note: str = ""


class IndirectTrial(TableRow):
    """A controlled trial of an intervention in people without multiple sclerosis, on an outcome of ours.

    It stands beside what is known in multiple sclerosis, rated down for the people (and for a marker where
    ``surrogate``), and is never pooled with it.
    """

    id: str
    study: str
    intervention: str
    outcome: str
    population: str
    surrogate: bool
    agent: str
    dose: str = ""
    weeks: float | None = None
    n_treatment: int | None = None
    n_control: int | None = None
    result: str
    found: Literal["favours_treatment", "no_difference", "favours_control"]
    p_value: str = ""
    source: str
    read: Read
    note: str = ""
