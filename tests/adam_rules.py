"""Rules of ADaM that CDISC has published, in our words, over frames that pyreadstat has read from XPT.

The numbers are those of CDISC's ADaM Conformance Rules (AD0047 is rule 47). What a number demands was read
in two public places: the draft rules of cdisc-org/cdisc-open-rules (commit 618ab81) and the listing of the
rules of Pinnacle 21 Community for ADaMIG 1.3 (lapsmith99/P21-Com-IG-html, commit 7fcd2a7). Rules without a
number come from what these and pointblank 1.1.1 say of variables of the IG and of occurrence data (OCCDS).
Terms are those of CDISC's Controlled Terminology for SDTM of 2024-09-27, as pointblank 1.1.1 carries it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

ADSL_NEEDS = "STUDYID USUBJID SUBJID SITEID AGE AGEU SEX RACE ARM TRT01P".split()
BDS_NEEDS = "STUDYID USUBJID PARAM PARAMCD".split()
OCCDS_NEEDS = "STUDYID USUBJID AESEQ AETERM AEDECOD".split()
POPULATIONS = {"ITTFL", "SAFFL", "FASFL", "PPROTFL", "COMPLFL", "RANDFL", "ENRLFL"}
TREATMENTS = re.compile("TRT[PA]|TRT[0-9]{2}[PA]|TRTSEQ[PA]")
RECORD_FLAGS = re.compile("ABLFL|ANL[0-9]{2}FL|AOCC.*FL|LLOQFL|TRTEMFL")
TERMS = {
    "SEX": {"F", "M", "U", "INTERSEX"},
    "AGEU": {"DAYS", "HOURS", "MONTHS", "WEEKS", "YEARS"},
    "RACE": {
        *("AMERICAN INDIAN OR ALASKA NATIVE", "ASIAN", "BLACK OR AFRICAN AMERICAN", "MULTIPLE", "WHITE"),
        *("NATIVE HAWAIIAN OR OTHER PACIFIC ISLANDER", "NOT REPORTED", "OTHER", "UNKNOWN"),
    },
    "EOSSTT": {"COMPLETED", "DISCONTINUED", "ONGOING"},
    "DCSREAS": {  # of the code list NCOMPLT those that our reasons can mean
        *("", "ADVERSE EVENT", "LACK OF EFFICACY", "LOST TO FOLLOW-UP", "OTHER", "WITHDRAWAL BY SUBJECT"),
    },
    "AESER": {"Y", "N"},
}
LABELS = {
    "STUDYID": "Study Identifier",
    "USUBJID": "Unique Subject Identifier",
    "SUBJID": "Subject Identifier for the Study",
    "SITEID": "Study Site Identifier",
    "ARM": "Description of Planned Arm",
    "TRT01P": "Planned Treatment for Period 01",
    "AGE": "Age",
    "AGEU": "Age Units",
    "SEX": "Sex",
    "RACE": "Race",
    "ITTFL": "Intent-To-Treat Population Flag",
    "EOSSTT": "End of Study Status",
    "DCSREAS": "Reason for Discontinuation from Study",
    "PARAMCD": "Parameter Code",
    "PARAM": "Parameter",
    "AVISIT": "Analysis Visit",
    "AVISITN": "Analysis Visit (N)",
    "ADY": "Analysis Relative Day",
    "AVAL": "Analysis Value",
    "BASE": "Baseline Value",
    "CHG": "Change from Baseline",
    "ABLFL": "Baseline Record Flag",
    "CNSR": "Censor",
    "EVNTDESC": "Event or Censoring Description",
    "CNSDTDSC": "Censor Date Description",
    "AESEQ": "Sequence Number",
    "AETERM": "Reported Term for the Adverse Event",
    "AEDECOD": "Dictionary-Derived Term",
    "ASTDY": "Analysis Start Relative Day",
    "AESER": "Serious Event",
    "AOCCFL": "1st Occurrence within Subject Flag",
    "AOCCPFL": "1st Occurrence of Preferred Term Flag",
}


@dataclass(frozen=True)
class Dataset:
    """One table as pyreadstat gives it: its name, its frame and the labels of its variables."""

    name: str
    frame: pd.DataFrame
    labels: Mapping[str, str]

    @property
    def is_bds(self) -> bool:
        return "PARAMCD" in self.frame

    def has(self, *names: str) -> bool:
        return set(names) <= set(self.frame.columns)


Study = Mapping[str, Dataset]
Rule = Callable[[Dataset, Study], Iterator[str]]
RULES: dict[str, Rule] = {}


def rule(number: str) -> Callable[[Rule], Rule]:
    """Enter a rule under its number; it yields what breaks it."""

    def enter(check: Rule) -> Rule:
        RULES[number] = check
        return check

    return enter


def broken(study: Study) -> set[str]:
    """Return the rules that a study breaks, each with its table and what breaks it."""
    found = set() if "ADSL" in study else {"AD0001 ADSL: there is none"}
    for data in study.values():
        found |= {
            f"{number} {data.name}: {what}" for number, check in RULES.items() for what in check(data, study)
        }
    return found


def _spread(frame: pd.DataFrame, key: list[str], value: str) -> bool:
    """Whether a value differs within a key (a missing one counts as a value)."""
    return bool((frame.groupby(key)[value].nunique(dropna=False) > 1).any())


def _null(column: pd.Series) -> pd.Series:
    return column.isna() | (column.astype(str) == "")


@rule("AD0013")  # 13 to 15: 8 characters, a letter first, then letters, digits and underscores
def names(data, study):
    yield from (name for name in data.frame if not re.fullmatch("[A-Z][A-Z0-9_]{0,7}", name))


@rule("AD0016")
def labels_of_forty_characters(data, study):
    yield from (name for name in data.frame if not 0 < len(data.labels[name] or "") <= 40)


@rule("AD0017")
def texts_of_two_hundred_characters(data, study):
    texts = data.frame.select_dtypes(exclude="number")
    yield from (name for name in texts if data.frame[name].astype(str).str.len().max() > 200)


@rule("AD0018")
def labels_of_the_standard(data, study):
    yield from (n for n in data.frame if n in LABELS and data.labels[n] != LABELS[n])


@rule("AD0005")
def flags_are_yes_no_or_missing(data, study):
    flags = [name for name in data.frame if name.endswith("FL")]
    yield from (name for name in flags if not set(data.frame[name]) <= {"Y", "N", ""})


@rule("AD0007")
def numeric_flags_have_their_flag(data, study):
    yield from (n for n in data.frame if n.endswith("FN") and f"{n[:-1]}L" not in data.frame)


@rule("AD0176")  # and 178, 269, 272: flags of records
def record_flags_are_yes_or_missing(data, study):
    flags = [name for name in data.frame if RECORD_FLAGS.fullmatch(name)]
    yield from (name for name in flags if not set(data.frame[name]) <= {"Y", ""})


@rule("AD0019")  # 19 to 25
def populations_are_yes_or_no(data, study):
    if data.name == "ADSL":
        yield from (n for n in data.frame if n in POPULATIONS and not set(data.frame[n]) <= {"Y", "N"})


@rule("AD0046")
def no_day_is_zero(data, study):
    yield from (name for name in data.frame if name.endswith("DY") and (data.frame[name] == 0).any())


@rule("AD0047")  # 47, 49 to 52, 55 and others: variables that have to be there
def required_variables(data, study):
    needs = ADSL_NEEDS if data.name == "ADSL" else BDS_NEEDS if data.is_bds else OCCDS_NEEDS
    yield from (name for name in needs if name not in data.frame)


@rule("AD0196")
def required_values(data, study):
    needs = ["STUDYID", "USUBJID"] + ["TRT01P"] * (data.name == "ADSL") + ["PARAM", "PARAMCD"] * data.is_bds
    yield from (name for name in needs if name in data.frame and _null(data.frame[name]).any())


@rule("AD0048")
def a_population(data, study):
    if data.name == "ADSL" and not POPULATIONS & set(data.frame):
        yield "no flag of a population"


@rule("AD0054")
def one_record_a_subject(data, study):
    if data.name == "ADSL" and data.frame.duplicated(["STUDYID", "USUBJID"]).any():
        yield "a subject has two records"


@rule("AD0256")
def subjects_of_adsl(data, study):
    if "ADSL" in study and not set(data.frame.USUBJID) <= set(study["ADSL"].frame.USUBJID):
        yield "a subject is not in ADSL"


@rule("IG copies")  # a variable of ADSL in another table has ADSL's values
def values_of_adsl(data, study):
    if data.name == "ADSL" or "ADSL" not in study:
        return
    people = study["ADSL"].frame.drop_duplicates("USUBJID").set_index("USUBJID")
    for name in set(data.frame) & set(people):
        theirs = data.frame.USUBJID.map(people[name])
        if (theirs.notna() & (theirs != data.frame[name])).any():
            yield name


@rule("AD0090")
def a_treatment(data, study):
    if data.is_bds and not any(TREATMENTS.fullmatch(name) for name in data.frame):
        yield "no variable of treatment"


@rule("AD0109")  # and 110
def visits_and_their_numbers(data, study):
    if data.has("PARAMCD", "AVISIT", "AVISITN"):
        pairs = (("AVISIT", "AVISITN"), ("AVISITN", "AVISIT"))
        yield from (value for key, value in pairs if _spread(data.frame, ["PARAMCD", key], value))
    elif data.has("AVISITN"):
        yield "AVISITN without AVISIT"


@rule("AD0141")  # and 142
def parameters_and_their_codes(data, study):
    if data.has("PARAM", "PARAMCD"):
        pairs = (("PARAM", "PARAMCD"), ("PARAMCD", "PARAM"))
        yield from (value for key, value in pairs if _spread(data.frame, [key], value))


@rule("AD0143")
def codes_are_names(data, study):
    if data.is_bds:
        yield from (c for c in data.frame.PARAMCD.unique() if not re.fullmatch("[A-Z_][A-Z0-9_]{0,7}", c))


@rule("AD0198")
def a_value(data, study):
    if data.is_bds and not {"AVAL", "AVALC"} & set(data.frame):
        yield "neither AVAL nor AVALC"


@rule("AD0127")
def a_baseline_has_its_record(data, study):
    if not data.has("PARAMCD", "BASE"):
        return
    if "ABLFL" not in data.frame:
        yield "BASE without ABLFL"
        return
    at = data.frame[data.frame.ABLFL == "Y"]
    with_record = set(zip(at.USUBJID, at.PARAMCD, strict=True))
    based = data.frame[data.frame.BASE.notna()]
    if not set(zip(based.USUBJID, based.PARAMCD, strict=True)) <= with_record:
        yield "BASE without a baseline record"


@rule("AD0129")
def one_baseline_value(data, study):
    if data.has("PARAMCD", "BASE") and _spread(data.frame, ["USUBJID", "PARAMCD"], "BASE"):
        yield "BASE differs within subject and parameter"


@rule("AD0152")
def the_baseline_is_its_record(data, study):
    if data.has("AVAL", "BASE", "ABLFL"):
        at = data.frame[data.frame.ABLFL == "Y"]
        if (at.BASE != at.AVAL).any():
            yield "BASE is not AVAL where ABLFL is Y"


@rule("AD0154")
def one_baseline_record(data, study):
    if data.has("PARAMCD", "ABLFL"):
        at = data.frame[data.frame.ABLFL == "Y"]
        if at.duplicated(["USUBJID", "PARAMCD"]).any():
            yield "two baseline records"


@rule("AD0223")
def the_change_is_a_difference(data, study):
    if data.has("AVAL", "BASE", "CHG"):
        moved = data.frame[data.frame.CHG.notna()]
        if ((moved.AVAL - moved.BASE) != moved.CHG).any():
            yield "CHG is not AVAL - BASE"


@rule("AD0169")
def censoring_is_a_whole_number(data, study):
    if data.has("CNSR") and not ((data.frame.CNSR >= 0) & (data.frame.CNSR % 1 == 0)).all():
        yield "CNSR"


@rule("AD0250")  # and 251
def descriptions_of_a_censoring(data, study):
    if "CNSR" not in data.frame:
        yield from {"EVNTDESC", "CNSDTDSC"} & set(data.frame)
    elif data.has("CNSDTDSC") and ((data.frame.CNSR > 0) == _null(data.frame.CNSDTDSC)).any():
        yield "CNSDTDSC is not there exactly where the time is censored"


@rule("AD1012")  # the second of a pair *, *N
def the_first_of_a_pair(data, study):
    pairs = {"AVISITN": "AVISIT", "PARAMN": "PARAM", "TRT01PN": "TRT01P", "RACEN": "RACE", "SEXN": "SEX"}
    yield from (n for n in data.frame if n in pairs and pairs[n] not in data.frame)


@rule("IG keys")  # a record is told by subject, parameter and visit, or by its sequence number
def keys(data, study):
    key = [name for name in ("USUBJID", "PARAMCD", "AVISIT", "AESEQ") if name in data.frame]
    if data.frame.duplicated(key).any():
        yield " and ".join(key)


@rule("OCCDS first")
def the_first_of_a_term(data, study):
    order = [name for name in ("USUBJID", "ASTDY", "AESEQ") if name in data.frame]
    flags = {"AOCCFL": ["USUBJID"], "AOCCPFL": ["USUBJID", "AEDECOD"]}
    for name in flags.keys() & set(data.frame):
        first = data.frame.sort_values(order, kind="stable").drop_duplicates(flags[name]).index
        if set(first) != set(data.frame.index[data.frame[name] == "Y"]):
            yield name


@rule("CT")
def terms(data, study):
    yield from (name for name in data.frame if name in TERMS and not set(data.frame[name]) <= TERMS[name])
