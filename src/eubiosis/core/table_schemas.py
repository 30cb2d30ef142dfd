"""The tables that leave the software, column by column: what the data dictionary is made of.

CDISC names are those of SDTM and ADaM as the documentation of the R packages admiral and tidytlg lists them
(``AVAL`` is the value of a long table with one row for each parameter; ours are wide). EDSS belongs to SDTM's
RS domain in CDISC's supplement for the scale (version 2.0, draft of 2023-09-07).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from eubiosis.core.columns import Column, TableSchema
from eubiosis.core.endpoints import ENDPOINTS, LIMITED
from eubiosis.core.evidence_schemas import EVIDENCE_TABLES
from eubiosis.core.figure_schemas import FIGURE_TABLES
from eubiosis.core.guilds import GUILD_NAMES
from eubiosis.core.intercurrent import EVENTS
from eubiosis.core.solution_schemas import SOLUTION_TABLES
from eubiosis.core.soundness import MEANING

ESTIMATE_SCALES = MappingProxyType(
    {
        "rate ratio": "events per year, treated over control",
        "rate difference": "events per year, treated minus control",
        "rate": "events per year in one arm",
        "mean": "mean of one arm",
        "mean difference": "treated minus control, in the endpoint's unit",
        "ratio of geometric means": "treated over control",
        "standardised mean difference": "difference over the standard deviation between participants",
        "hazard ratio": "hazard, treated over control",
        "risk difference": "share of participants, treated minus control",
        "risk ratio": "share of participants, treated over control",
        "odds ratio": "odds, treated over control",
        "restricted mean difference": "mean time free of the event within a horizon, treated minus control",
    }
)
ESTIMATE_STATUS = MappingProxyType(MEANING)
PROFILE_STATUS = MappingProxyType(
    {
        "ok": "can be used",
        "mapped_below_half": "can be used with caution: less than half of the reads are in a guild",
        "no_known_taxon": "cannot be used: no taxon is in a guild",
        "too_shallow": "cannot be used: too few reads to replace the zeros",
        "empty": "cannot be used: no reads",
    }
)

COMPLETED = "completed"
REASONS_FOR_LEAVING = MappingProxyType(
    {
        COMPLETED: "did not leave: follow-up reached the last visit",
        "withdrew_consent": "withdrew consent",
        "adverse_event": "adverse event",
        "lack_of_efficacy": "lack of efficacy",
        "lost_to_follow_up": "lost to follow-up",
        "other": "another reason",
    }
)

_SUBJECT = Column(
    "subject", "Number of the virtual subject; keys every random draw", "count", "-", cdisc="DM.SUBJID"
)
_ARM = Column("arm", "Arm that the subject was randomised to", "text", cdisc="DM.ARM, ADSL.TRT01P")
_WORLD = Column(
    "world", "World of the simulation: number of the gut world, a point, of the host world", "text"
)
_ENDPOINT = Column(
    "endpoint", "Id of the endpoint, as the columns of observed tables", "text", cdisc="PARAMCD"
)
_VALUE = "AVAL"


def _measured(names: Iterable[str], prefix: str = "", cdisc: str = _VALUE) -> tuple[Column, ...]:
    return tuple(
        Column(
            name, f"{prefix}{ENDPOINTS[name].label}", unit=ENDPOINTS[name].unit, cdisc=cdisc, optional=True
        )
        for name in names
    )


_MARKERS = tuple(name for name in ENDPOINTS if name.startswith(("stool_", "plasma_", "share_")))

OBSERVED_SUBJECTS = TableSchema(
    "observed_subjects",
    (
        _SUBJECT,
        _ARM,
        Column("age", "Age at entry", unit="year", cdisc="DM.AGE"),
        Column("female", "Whether the subject is a woman", "flag", cdisc="DM.SEX (F, M)"),
        Column("relapses_last_year", "Relapses in the year before entry", unit="relapse"),
        Column("follow_up_years", "Time from randomisation to the end of follow-up", unit="year"),
        Column(
            "completed", "Whether follow-up reached the last visit", "flag", cdisc="ADSL.EOSSTT = COMPLETED"
        ),
        Column(
            "left_because",
            "Why follow-up ended",
            "text",
            coding=REASONS_FOR_LEAVING,
            cdisc="ADSL.DCSREAS",
            optional=True,
        ),
        Column("relapses", "Relapses during follow-up", unit="relapse", cdisc=_VALUE),
        Column(
            "gd_lesions_at_entry", "Gd+ lesions on the scan at randomisation", unit="lesion", optional=True
        ),
        Column("gd_lesions", "Gd+ lesions, summed over the scans attended", unit="lesion", cdisc=_VALUE),
        Column("scans", "Scans attended after entry", unit="scan"),
        Column(
            "t2_lesions", "New T2 lesions from entry to the last scan attended", unit="lesion", cdisc=_VALUE
        ),
        Column("t2_years", "Time from entry to the last scan attended", unit="year"),
    ),
    "What a simulated trial would record of each participant.",
    "one randomised subject",
)
OBSERVED_VISITS = TableSchema(
    "observed_visits",
    (
        _SUBJECT,
        _ARM,
        Column("week", "Planned week of the visit, 0 being before any dose", unit="week", cdisc="AVISITN"),
        Column("day", "Day of the visit, 0 being that of randomisation", unit="day", optional=True),
        *_measured(("edss",), cdisc="SDTM RS domain; AVAL"),
        *_measured(("mfis", "treg", "nfl")),
        *_measured(_MARKERS, "As measured: "),
        Column(
            "assay_batch",
            "Batch of the visit's samples in the assays of acids, numbered within the week",
            "count",
            "-",
            optional=True,
        ),
        *(
            Column(
                f"{name}_below_limit",
                f"Whether the level lay below the limit of detection; half the limit is written then: "
                f"{ENDPOINTS[name].label}",
                "flag",
                optional=True,
            )
            for name in LIMITED
        ),
        Column(
            "gd_lesions_on_scan",
            "Gd+ lesions on the scan of the visit; where the design has intercurrent events",
            unit="lesion",
            optional=True,
        ),
        Column(
            "t2_lesions_so_far",
            "New T2 lesions from entry to the scan of the visit; where the design has intercurrent events",
            unit="lesion",
            optional=True,
        ),
    ),
    "What a simulated trial would record at each visit that took place.",
    "one visit of one subject that took place",
)
OBSERVED_EXPOSURE = TableSchema(
    "observed_exposure",
    (
        _SUBJECT,
        _ARM,
        Column("product", "Product as the catalogue of therapies names it", "text", cdisc="EX.EXTRT"),
        Column("week", "Week of the trial, 0 being the first", unit="week"),
        Column("days_planned", "Days of the week on which a dose was planned", unit="day"),
        Column("days_taken", "Days of the week on which a dose was taken, in whole or in part", unit="day"),
        Column(
            "dose_taken",
            "Amount taken in the week; 0 for a product without a dose",
            unit="as dose_unit says",
            cdisc="EX.EXDOSE",
        ),
        Column("dose_unit", "Unit of the amount; empty where there is none", "text", cdisc="EX.EXDOSU"),
    ),
    "What each participant took, as a count of returned doses without error would show it.",
    "one product of one subject in one week of follow-up",
)
OBSERVED_ADVERSE_EVENTS = TableSchema(
    "observed_adverse_events",
    (
        _SUBJECT,
        _ARM,
        Column("event", "Harm as the table of harms names it", "text", cdisc="AE.AEDECOD"),
        Column("day", "Day of the trial on which it began, 1 being the first", unit="day", cdisc="AE.AESTDY"),
        Column("serious", "Whether harms of the kind are serious", "flag", cdisc="AE.AESER"),
    ),
    "Adverse events: background and what published counts say of the therapy, at rates that no one knows.",
    "the first event of one harm in one subject",
)
OBSERVED_RELAPSES = TableSchema(
    "observed_relapses",
    (
        _SUBJECT,
        _ARM,
        Column("day", "Day of the trial on which it began, 1 being the first", unit="day", cdisc="CE.CESTDY"),
    ),
    "The relapses that the table of subjects counts, with their days.",
    "one relapse of one subject during follow-up",
)
OBSERVED_INTERCURRENT = TableSchema(
    "observed_intercurrent",
    (
        _SUBJECT,
        _ARM,
        Column("event", "Kind of intercurrent event", "text", coding=EVENTS, cdisc="CE.CEDECOD"),
        Column("day", "Day of the trial on which it began, 1 being the first", unit="day", cdisc="CE.CESTDY"),
    ),
    "Intercurrent events (ICH E9(R1)) as the design lets them happen, while the participant was followed.",
    "one event of one subject during follow-up",
)
LATENT_SUBJECTS = TableSchema(
    "latent_subjects",
    (
        _SUBJECT,
        Column("arm", "Arm under which the subject's course was simulated", "text"),
        Column("expected_relapses", "Expected number of relapses over the planned follow-up", unit="relapse"),
        Column(
            "expected_new_lesions", "Expected number of new lesions over the planned follow-up", unit="lesion"
        ),
        Column("edss_last_visit", "True EDSS at the last planned visit", unit="points"),
        Column(
            "mfis_last_visit",
            "True fatigue (MFIS) at the last planned visit, within 0 to 84, with the placebo response",
            unit="points",
        ),
        Column(
            "treg_last_visit",
            "True regulatory T cells at the last planned visit",
            unit="% of CD4+ T cells",
        ),
        Column("nfl_last_visit", "True serum NfL at the last planned visit", unit="times healthy"),
        *_measured(_MARKERS, "True value at the last planned visit: ", cdisc=""),
    ),
    "The simulated truth of every subject under every arm; no trial could see it.",
    "one subject under one arm",
    latent=True,
)
LATENT_EFFECTS = TableSchema(
    "latent_effects",
    (
        _WORLD,
        _ENDPOINT,
        Column("arm", "Active arm that is compared with the control", "text"),
        Column(
            "value",
            "True effect: natural logarithm of the ratio, or difference in the endpoint's unit",
            unit="as the endpoint is compared",
        ),
        Column(
            "spread",
            "Standard error of the true effect that comes from which subjects were drawn",
            unit="as value",
        ),
        Column(
            "unit_sd",
            "Standard deviation between control subjects (of the logarithm for ratios); 1 for counts",
            unit="as value",
        ),
    ),
    "The true effect of each active arm in each world; no trial could see it.",
    "one endpoint of one active arm in one world",
    latent=True,
)
ESTIMATES = TableSchema(
    "estimates",
    (
        _WORLD,
        Column("replicate", "Number of the simulated trial in its world", "count", "-"),
        _ENDPOINT,
        Column("method", "Method of analysis", "text"),
        Column("treated", "Active arm", "text", cdisc="TRTP"),
        Column("control", "Control arm", "text"),
        Column("scale", "What the estimate is", "text", coding=ESTIMATE_SCALES),
        Column("estimate", "Estimate, a ratio as it is", unit="as scale says"),
        Column(
            "standard_error",
            "Standard error, of the natural logarithm for ratios and rates",
            unit="as scale says",
        ),
        Column("ci_low", "Lower bound of the 95 % confidence interval", unit="as scale says"),
        Column("ci_high", "Upper bound of the 95 % confidence interval", unit="as scale says"),
        Column("p_value", "Two-sided p-value", unit="-"),
        Column("n_treated", "Participants of the active arm who were analysed", "count", "-"),
        Column("n_control", "Participants of the control arm who were analysed", "count", "-"),
        Column(
            "missing_treated", "Participants of the active arm left out for a missing value", "count", "-"
        ),
        Column(
            "missing_control", "Participants of the control arm left out for a missing value", "count", "-"
        ),
        Column(
            "status", "Whether the numbers may be read, or why there are none", "text", coding=ESTIMATE_STATUS
        ),
        Column("degrees_of_freedom", "Of Student's t; infinite for a normal distribution", unit="-"),
    ),
    "What an analysis reports of every simulated trial.",
    "one endpoint of one active arm in one simulated trial",
)
COHORT = TableSchema(
    "cohort",
    (
        _SUBJECT,
        Column("age", "Age at entry", unit="year", cdisc="DM.AGE"),
        Column("female", "Whether the subject is a woman", "flag", cdisc="DM.SEX (F, M)"),
        Column("edss", "EDSS at entry", unit="points"),
        Column("relapsing", "Whether the course is relapsing-remitting", "flag"),
        Column("profile_status", "Whether the stool profile can be used", "text"),
        *(
            Column(f"share_{guild}", f"Share of gut biomass asked for: {name}", unit="fraction")
            for guild, name in GUILD_NAMES.items()
        ),
    ),
    "Virtual subjects before a trial.",
    "one virtual subject",
)
STOOL_PROFILES = TableSchema(
    "stool_profiles",
    (
        Column("sample", "Id of the sample in its table", "text"),
        Column("group", "Group of the sample in the metadata", "text", optional=True),
        Column("status", "Whether the sample can be used", "text", coding=PROFILE_STATUS),
        Column("depth", "Sum over all taxa of the sample", unit="as the table's scale"),
        Column("mapped_share", "Share of the sample's reads that is in a guild", unit="fraction"),
        *(
            Column(f"read_share_{guild}", f"Share of the mapped reads: {name}", unit="fraction")
            for guild, name in GUILD_NAMES.items()
        ),
        *(
            Column(
                f"log_ratio_{guild}",
                f"Natural log-ratio to the centre of the table: {name}",
                unit="-",
                optional=True,
            )
            for guild, name in GUILD_NAMES.items()
        ),
    ),
    "Guild shares of the reads of real stool samples on their own sequencing platform; not biomass.",
    "one sample",
)

_KEYS = (
    Column("gut_world", "Number of the gut world: a draw of what nobody knows about the gut", "count", "-"),
    Column("host_world", "Number of the host world inside it: a draw of the couplings", "count", "-"),
    Column("replicate", "Number of the simulated trial in its pair of worlds", "count", "-"),
)


def _keyed(schema: TableSchema, name: str, rows: str) -> TableSchema:
    return replace(schema, name=name, columns=(*_KEYS, *schema.columns), row=rows)


TRIAL_SUBJECTS = _keyed(OBSERVED_SUBJECTS, "trial_subjects", "one randomised subject of one simulated trial")
TRIAL_VISITS = _keyed(
    OBSERVED_VISITS, "trial_visits", "one visit that took place, of one subject in one trial"
)
TRIAL_EXPOSURE = _keyed(
    OBSERVED_EXPOSURE, "trial_exposure", "one product and week of one subject of the first trial of a world"
)
TRIAL_ADVERSE_EVENTS = _keyed(
    OBSERVED_ADVERSE_EVENTS,
    "trial_adverse_events",
    "the first event of one harm in one subject of one simulated trial",
)
TRIAL_RELAPSES = _keyed(
    OBSERVED_RELAPSES, "trial_relapses", "one relapse of one subject during follow-up of one simulated trial"
)
TRIAL_INTERCURRENT = _keyed(
    OBSERVED_INTERCURRENT,
    "trial_intercurrent",
    "one intercurrent event of one subject during follow-up of one simulated trial",
)
TRIAL_LATENT = _keyed(LATENT_SUBJECTS, "trial_latent", "one subject of one simulated trial under one arm")
TRIAL_GUTS = TableSchema(
    "trial_guts",
    (
        _KEYS[0],
        _SUBJECT,
        Column("arm", "Arm under which the subject's gut was simulated", "text"),
        Column("week", "The first and the last planned visit", unit="week"),
        *_measured(_MARKERS, "True value: ", cdisc=""),
    ),
    "The true guild shares and acids of every subject under every arm, before and at the end of follow-up.",
    "one subject of one gut world under one arm at one visit",
    latent=True,
)
TRIAL_SCREENING = TableSchema(
    "trial_screening",
    (
        *_KEYS[:2],
        Column("outcome", "Whether a candidate was enrolled, or the first reason for failing", "text"),
        Column("candidates", "Candidates with that outcome", "count", "-"),
    ),
    "What became of the candidates who were screened until the trial was full.",
    "one outcome in one pair of worlds",
)
LATENT_WORLDS = TableSchema(
    "latent_worlds",
    (
        *_KEYS[:2],
        Column("form", "Form of the model in this host world", "text"),
        Column("arm", "Active arm", "text", cdisc="TRT01P"),
        Column(
            "outside_log_ratio",
            "Term of the therapy outside the mechanism, as a log ratio of relapses: of no path",
            unit="-",
        ),
    ),
    "What each host world is, and what its therapies do beside every path. Truth that no trial sees.",
    "one active arm in one pair of worlds",
    latent=True,
)

TRIAL_ESTIMATES = replace(
    ESTIMATES, name="trial_estimates", columns=(ESTIMATES.columns[0], *_KEYS[:2], *ESTIMATES.columns[1:])
)
TRUE_EFFECTS = replace(
    LATENT_EFFECTS,
    name="true_effects",
    columns=(LATENT_EFFECTS.columns[0], *_KEYS[:2], *LATENT_EFFECTS.columns[1:]),
)
OPERATING_CHARACTERISTICS = TableSchema(
    "operating_characteristics",
    (
        _ENDPOINT,
        Column("arm", "Active arm that is compared with the control", "text"),
        Column("scale", "How arms are compared: ratio (null 1) or difference (null 0)", "text"),
        *(
            Column(f"{what}_{at}", f"{words}, {at.replace('q', '')} % point", unit="as scale says")
            for what, words in (
                ("truth", "True effect over worlds"),
                ("estimate", "Estimate over simulated trials"),
            )
            for at in ("q2.5", "q50", "q97.5")
        ),
        *(
            Column(
                f"truth_{at}_error",
                f"Monte Carlo error of the {at.replace('q', '')} % point of the truth, over gut worlds",
                unit="as scale says",
            )
            for at in ("q2.5", "q50", "q97.5")
        ),
        Column("power", "Share of trials with p < 0.05 in either direction", unit="fraction"),
        Column("power_error", "Its Monte Carlo standard error, over gut worlds", unit="fraction"),
        Column(
            "coverage", "Share of trials whose 95 % interval holds the truth of its world", unit="fraction"
        ),
        Column("bias", "Mean distance of the estimate from the truth of its world", unit="analysis scale"),
        Column("bias_error", "Its Monte Carlo standard error, over gut worlds", unit="analysis scale"),
        Column("trials", "Simulated trials", "count", "-"),
        Column("not_usable", "Trials whose analysis gave no numbers", "count", "-"),
    ),
    "What an analysis does over simulated trials whose truth is known.",
    "one endpoint of one active arm",
    latent=True,
)

_OF_PLAN = (
    Column("endpoint", "Name of the endpoint in the plan", "text", cdisc="PARAM"),
    Column("role", "Role of the endpoint in the plan", "text"),
    Column("visit", "Visit of the plan, empty where the endpoint has none", "text", cdisc="AVISIT"),
    Column("week", "Week of that visit", unit="week", optional=True),
)
TRIAL_ANALYSIS = TableSchema(
    "trial_analysis",
    (
        *_OF_PLAN,
        Column("hypothesis", "Whether the row is one of the hypotheses of the plan", "flag"),
        Column("method", "Method that was used", "text"),
        Column("treated", "Active arm", "text"),
        Column("control", "Control arm", "text"),
        Column("scale", "What is estimated", "text", coding=ESTIMATE_SCALES),
        Column("estimate", "Estimate", unit="as scale says"),
        Column(
            "standard_error",
            "Its standard error on the analysis scale (log for ratios)",
            unit="as scale says",
        ),
        Column("ci_low", "Lower end of the interval", unit="as scale says"),
        Column("ci_high", "Upper end of the interval", unit="as scale says"),
        Column("level", "Level of the interval, 1 - alpha of the plan, not adjusted", unit="fraction"),
        Column("p_value", "Two-sided p-value, not adjusted", unit="-"),
        Column(
            "p_adjusted", "The p-value adjusted by the rule of the plan; missing outside its family", unit="-"
        ),
        Column("degrees_of_freedom", "Degrees of freedom; infinite for the normal law", unit="-"),
        Column("n_treated", "Participants analysed in the active arm", "count", "-"),
        Column("n_control", "Participants analysed in the control arm", "count", "-"),
        Column(
            "missing_treated", "Participants of the active arm whom a missing value kept out", "count", "-"
        ),
        Column(
            "missing_control", "Participants of the control arm whom a missing value kept out", "count", "-"
        ),
        Column("status", "Whether the numbers may be read", "text", coding=ESTIMATE_STATUS),
        Column("reason", "Particulars of the status", "text"),
    ),
    "The estimates of a real trial's table under its analysis plan.",
    "one contrast of one endpoint at one visit",
)
TRIAL_SUMMARIES = TableSchema(
    "trial_summaries",
    (
        *_OF_PLAN,
        Column("arm", "Arm", "text", cdisc="TRT01P"),
        Column("statistic", "What is summarised: mean, geometric mean, rate or share", "text"),
        Column("n", "Participants with a value", "count", "-"),
        Column("missing", "Participants of the arm without a value", "count", "-"),
        Column("value", "The statistic, as observed and not adjusted", unit="as statistic says"),
        Column("low", "Lower end of its interval", unit="as statistic says"),
        Column("high", "Upper end of its interval", unit="as statistic says"),
    ),
    "What was observed in each arm of a real trial's table.",
    "one arm at one visit of one endpoint",
)

TABLES: Mapping[str, TableSchema] = MappingProxyType(
    {
        schema.name: schema
        for schema in (
            OBSERVED_SUBJECTS,
            OBSERVED_VISITS,
            OBSERVED_EXPOSURE,
            OBSERVED_ADVERSE_EVENTS,
            OBSERVED_RELAPSES,
            OBSERVED_INTERCURRENT,
            LATENT_SUBJECTS,
            LATENT_EFFECTS,
            ESTIMATES,
            COHORT,
            STOOL_PROFILES,
            TRIAL_SUBJECTS,
            TRIAL_VISITS,
            TRIAL_EXPOSURE,
            TRIAL_ADVERSE_EVENTS,
            TRIAL_RELAPSES,
            TRIAL_INTERCURRENT,
            TRIAL_LATENT,
            TRIAL_GUTS,
            TRIAL_SCREENING,
            LATENT_WORLDS,
            TRIAL_ESTIMATES,
            TRUE_EFFECTS,
            OPERATING_CHARACTERISTICS,
            TRIAL_ANALYSIS,
            TRIAL_SUMMARIES,
            *FIGURE_TABLES,
            *EVIDENCE_TABLES,
            *SOLUTION_TABLES,
        )
    }
)
