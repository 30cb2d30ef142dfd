"""The same content from Python and from workflow.yaml: the same workflow, or the same problems at its places.

The content is nested as the constructors take it; ``as_file`` writes down, apart from the reader, where each
field stands in the file.
"""

import copy
import json
import math
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from eubiosis.core.findings import FindingsError
from eubiosis.workflow import Workflow, read_workflow

GOOD = {
    "title": "Inulin and propionate",
    "question": "Does it change fatigue?",
    "context_of_use": "a test",
    "decision": "none",
    "seed": 7,
    "population": {"group": "MS"},
    "design": {
        "arms": [
            {"name": "placebo", "therapy": {"product": "placebo"}},
            {
                "name": "inulin",
                "therapy": {
                    "product": "inulin", "dose": "12 g/day", "start": "week 4", "stop": "week 24",
                    "adherence": {"mean": 0.8, "sd": 0.1},
                },
            },
            {"name": "diet", "therapy": {"product": "mediterranean_diet"}, "control": False},
        ],
        "participants": 48,
        "visits": [0, 12, 24, 48],
        "allocation": [1, 2, 1],
        "block": 2,
        "dropout_per_year": 0.1,
        "placebo_response_mfis": -3,
        "eligibility": {"age": [20, 55], "edss": None, "relapses_last_year": 1, "mfis_from": 10.5},
        "control_level": {"relapses_per_year": 0.2},
        "primary": "mfis",
    },
    "simulation": {"gut_worlds": 2, "host_worlds": 3, "replicates": 4, "couplings": "zero"},
}  # fmt: skip
OF_FILE = ("eligibility", "control_level", "primary", "arms")  # what stands beside the design in the file
THERAPIES = [("design", "arms", k, "therapy") for k in range(3)]
NOT_WHOLE = {("design",), *(place[:-1] for place in THERAPIES), *THERAPIES}  # spread over the file


def places(content, at=()):
    """Every place of a nested content, from the outside in."""
    for step, inner in content.items() if isinstance(content, dict) else enumerate(content):
        yield (*at, step)
        if isinstance(inner, dict | list):
            yield from places(inner, (*at, step))


LACKING = [
    ("design", "arms", 0, "therapy", "dose"),
    ("design", "arms", 0, "control"),
    ("design", "arms", 1, "control"),
    ("design", "arms", 2, "therapy", "stop"),
    ("design", "control_level", "gd_lesions_per_scan"),
    *(("population", key) for key in ("source", "table", "metadata", "id_column", "group_column", "control",
                                      "orientation", "scale")),
]  # fmt: skip
SECTIONS = [
    (),
    ("population",),
    ("simulation",),
    ("design",),
    ("design", "eligibility"),
    ("design", "control_level"),
    *THERAPIES,
    (*THERAPIES[1], "adherence"),
]
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("äßé\n"), max_size=8)
WORDS = st.sampled_from(
    [
        "mfis", "relapses", "share_bif", "placebo", "inulin", "inulim", "fecal_transplant", "vancomycin",
        "stool", "MS", "Ms", "zero", "week 0", "week 12", "week 24", "week 48", "week 60", "week 521",
        "12 g/day", "12", "-1 g/day", "1 mM/day", "every 12 weeks to week 48", "every 7 weeks to week 48",
        "INULIN", "diet", "x" * 41,
    ]
)  # fmt: skip
NUMBERS = st.integers(-3, 60) | st.integers(-(10**15), 10**15) | st.floats(-2, 100) | st.floats()
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT | WORDS
KEYS = TEXT.filter(bool)  # the reader of files takes an empty key for none
VALUES = SCALARS | st.lists(SCALARS, max_size=4) | st.dictionaries(KEYS, SCALARS, max_size=2)
SET = st.tuples(
    st.just("set"), st.sampled_from([p for p in places(GOOD) if p not in NOT_WHOLE] + LACKING), VALUES
)
DROP = st.tuples(st.just("drop"), st.sampled_from([p for p in places(GOOD) if p not in NOT_WHOLE]), st.none())
ADD = st.tuples(
    st.just("set"),
    st.tuples(st.sampled_from(SECTIONS), st.sampled_from(["sead", "doze", "visit", "colour"])).map(
        lambda found: (*found[0], found[1])
    ),
    VALUES,
)


def mutated(changes):
    """The good content with some values set and some keys dropped; a place that is gone is left alone."""
    content = copy.deepcopy(GOOD)
    for what, place, value in changes:
        if place == ("design", "arms") and isinstance(value, dict):
            continue  # a mapping from names to therapies: Python's own form
        holder = content
        for step in place[:-1]:
            inside = isinstance(holder, dict) and step in holder
            inside = inside or (isinstance(holder, list) and isinstance(step, int) and step < len(holder))
            holder = holder[step] if inside else None
        last = place[-1]
        known = isinstance(holder, list) and isinstance(last, int) and last < len(holder)
        if what == "set" and (isinstance(holder, dict) or known):
            holder[last] = value
        elif what == "drop" and isinstance(holder, dict):
            holder.pop(last, None)
    return content


def as_file(content):
    """The same content with the keys of workflow.yaml."""
    flat = {key: value for key, value in content.items() if key != "design"}
    design = content["design"]
    flat["design"] = {key: value for key, value in design.items() if key not in OF_FILE}
    flat |= {key: design[key] for key in OF_FILE if key in design}
    if isinstance(flat.get("arms"), list):
        flat["arms"] = [arm_in_file(arm) for arm in flat["arms"]]
    return flat


def arm_in_file(arm):
    if not isinstance(arm, dict) or not isinstance(arm.get("therapy"), dict):
        return arm
    therapy = {("therapy" if key == "product" else key): value for key, value in arm["therapy"].items()}
    return {**{key: value for key, value in arm.items() if key != "therapy"}, **therapy}


def place_in_file(path):
    path = re.sub(rf"^design\.(?={'|'.join(OF_FILE)})", "", path)
    path = re.sub(r"^(arms\[\d+\]\.therapy)\.product", r"\1", path)
    return re.sub(r"^(arms\[\d+\])\.therapy\.", r"\1.", path)


def written(value):
    """JSON, which is YAML, with NaN and infinity as YAML writes them."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(item) for item in value) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return json.dumps(value)


def from_python(content):
    try:
        return Workflow(**content), ()
    except FindingsError as error:
        return None, error.findings


def from_file(folder, content):
    path = folder / "workflow.yaml"
    path.write_text(written(as_file(content)), encoding="utf-8")
    try:
        return read_workflow(path), ()
    except FindingsError as error:
        return None, error.findings


def said(place, finding):
    """What both must say: the nearest key and the keys that are allowed belong to each form of its own."""
    if finding.problem.startswith("the key ") and "is unknown" in finding.problem:
        return place, finding.problem.split(";")[0], ""
    return place, finding.problem, finding.allowed


@settings(max_examples=400, deadline=None)
@given(changes=st.lists(SET | SET | DROP | ADD, min_size=1, max_size=3))
@example([])
@example([("set", ("design", "participants"), -48), ("set", ("design", "visits"), [0, 24, 12])])
@example([("set", ("design", "arms", 1, "name"), "Placebo"), ("drop", ("design", "primary"), None)])
@example([("set", ("design", "arms", 0, "control"), False)])
@example([("set", ("design", "arms", 1, "therapy", "dose"), 12)])
@example([("set", ("design", "arms", 1, "therapy", "stop"), "week 60"), ("set", ("design", "block"), 99)])
@example([("set", ("population", "source"), "stool"), ("set", ("population", "control"), "MS")])
def test_the_file_finds_what_the_constructors_find(tmp_path_factory, changes):
    content = mutated(changes)
    made, problems = from_python(copy.deepcopy(content))
    read, findings = from_file(tmp_path_factory.mktemp("w"), content)
    here = sorted(said(place_in_file(each.place), each) for each in problems)
    there = sorted(said(re.sub(r"^line \d+(, )?", "", each.place), each) for each in findings)
    assert here == there
    if made is not None:
        but_folder = {"population": {"folder"}}
        assert made.model_dump(exclude=but_folder) == read.model_dump(exclude=but_folder)
        assert made.design == read.design
