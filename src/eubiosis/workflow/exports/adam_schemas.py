"""The columns of the ADaM-shaped tables: name, label, kind, unit and how each is derived.

Names have at most 8 characters and labels at most 40, as SAS transport files of version 5 demand. The shapes
follow ADaM where it has one (ADSL; a row a parameter and visit with BASE and CHG; time to event with CNSR);
ADMB, of relative abundance, has no standard of its own. Dates are absent on purpose, and what the simulation
does not hold (sites, race) is said to be so. ``docs/how_to/exports.md`` names the published rules that the
tables keep and those that they do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from eubiosis.core.columns import Column, TableSchema

SIMULATED = "SIMULATED"
NO_SITE = "SIM"
NO_RACE = "UNKNOWN"


def _text(name: str, label: str, derived: str) -> Column:
    return Column(name, label, "text", cdisc=derived)


def _number(name: str, label: str, derived: str, unit: str = "-") -> Column:
    return Column(name, label, "number", unit, cdisc=derived)


# ``cdisc`` of these columns holds the derivation: what the variable is made of
_SUBJECT = (
    _text("STUDYID", "Study Identifier", "SIM- and the hash of the analysis plan"),
    _text("USUBJID", "Unique Subject Identifier", "STUDYID and the number of the virtual subject"),
    _text("ORIGIN", "Origin of the Record", f"always {SIMULATED}: nobody in the table exists"),
    _text("TRT01P", "Planned Treatment for Period 01", "observed_subjects.arm"),
)
_PARAMETER = (
    _text("PARAMCD", "Parameter Code", "see variables.csv"),
    _text("PARAM", "Parameter", "label and unit of the endpoint"),
)
_VISITS = (
    *_SUBJECT,
    *_PARAMETER,
    _text("AVISIT", "Analysis Visit", "Baseline for week 0, else Week and its number"),
    _number("AVISITN", "Analysis Visit (N)", "observed_visits.week", "week"),
    _number("ADY", "Analysis Relative Day", "observed_visits.day + 1: day 1 is that of randomisation", "day"),
    _number("AVAL", "Analysis Value", "the column of the endpoint", "as PARAM says"),
    _text("AVALU", "Analysis Value Unit", "unit of the endpoint"),
    _number("BASE", "Baseline Value", "AVAL at week 0, missing without one", "as PARAM says"),
    _number("CHG", "Change from Baseline", "AVAL - BASE after week 0", "as PARAM says"),
    _text("ABLFL", "Baseline Record Flag", "Y at week 0"),
)


def _schema(name: str, meaning: str, row: str, columns: tuple[Column, ...]) -> TableSchema:
    return TableSchema(name, columns, meaning, row)


ADSL = _schema(
    "ADSL",
    "Subject-level analysis data, SIMULATED",
    "one randomised virtual subject",
    (
        *_SUBJECT[:3],
        _text("SUBJID", "Subject Identifier for the Study", "observed_subjects.subject"),
        _text("SITEID", "Study Site Identifier", f"always {NO_SITE}: no sites are simulated"),
        _text("ARM", "Description of Planned Arm", "observed_subjects.arm"),
        _SUBJECT[3],
        _number("AGE", "Age", "observed_subjects.age", "year"),
        _text("AGEU", "Age Units", "YEARS"),
        _text("SEX", "Sex", "F or M from observed_subjects.female"),
        _text("RACE", "Race", f"always {NO_RACE}: race is not simulated"),
        _text("ITTFL", "Intent-To-Treat Population Flag", "Y: everybody who was randomised"),
        _text("EOSSTT", "End of Study Status", "COMPLETED or DISCONTINUED from observed_subjects.completed"),
        _text(
            "DCSREAS",
            "Reason for Discontinuation from Study",
            "observed_subjects.left_because in the words of CDISC's code list NCOMPLT",
        ),
        _number("FUYRS", "Follow-up (Years)", "observed_subjects.follow_up_years", "year"),
        _number("REL12BL", "Relapses in the Year Before Entry", "observed_subjects.relapses_last_year"),
        _number("NREL", "Relapses During Follow-up", "observed_subjects.relapses"),
        _number("EDSSBL", "EDSS at Baseline", "observed_visits.edss at week 0", "points"),
    ),
)
ADTTE = _schema(
    "ADTTE",
    "Time-to-event analysis data, SIMULATED",
    "one time of one virtual subject",
    (
        *_SUBJECT,
        *_PARAMETER,
        _number("AVAL", "Analysis Value", "days from randomisation (day 1) to event or censoring", "day"),
        _number("CNSR", "Censor", "0 where the event was seen, 1 where follow-up ended before it"),
        _text("EVNTDESC", "Event or Censoring Description", "what ended the time"),
        _text("CNSDTDSC", "Censor Date Description", "empty where the event was seen"),
    ),
)
ADQS = _schema("ADQS", "Scores by visit, SIMULATED", "one score of one subject at one visit", _VISITS)
ADLB = _schema(
    "ADLB",
    "Laboratory values by visit, SIMULATED",
    "one value of one subject at one visit",
    (*_VISITS, _text("LLOQFL", "Below Limit of Detection Flag", "Y where half the limit is written")),
)
ADMB = _schema("ADMB", "Guild shares by visit, SIMULATED", "one guild of one subject at one visit", _VISITS)
ADAE = _schema(
    "ADAE",
    "Adverse events, SIMULATED",
    "the first event of one harm in one virtual subject",
    (
        *_SUBJECT,
        _number("AESEQ", "Sequence Number", "counts the rows of the subject by ASTDY, from 1"),
        _text("AETERM", "Reported Term for the Adverse Event", "label of the harm: nobody reported it"),
        _text("AEDECOD", "Dictionary-Derived Term", "observed_adverse_events.event: our harm, not MedDRA"),
        _number("ASTDY", "Analysis Start Relative Day", "observed_adverse_events.day", "day"),
        _text("AESER", "Serious Event", "Y or N from observed_adverse_events.serious"),
        _text("AOCCPFL", "1st Occurrence of Preferred Term Flag", "Y: only the first of each harm is kept"),
    ),
)
ADMRI = _schema(
    "ADMRI",
    "Lesions on MRI, SIMULATED",
    "one count of one virtual subject",
    (
        *_SUBJECT,
        *_PARAMETER,
        _text("AVISIT", "Analysis Visit", "Baseline, or Follow-up for sums over the scans attended"),
        _number("AVAL", "Analysis Value", "the column of observed_subjects", "as PARAM says"),
        _text("AVALU", "Analysis Value Unit", "unit of the count"),
        _text("ABLFL", "Baseline Record Flag", "Y at Baseline"),
    ),
)
ADAM_TABLES: Mapping[str, TableSchema] = MappingProxyType(
    {schema.name: schema for schema in (ADSL, ADTTE, ADQS, ADLB, ADMB, ADAE, ADMRI)}
)
