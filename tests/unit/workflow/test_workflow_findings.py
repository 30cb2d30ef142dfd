"""Every bad workflow by its message and line, and all findings at once."""

import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.workflow.files.workflow_yaml import read_workflow

ARM = "    dose: 12 g/day\n"
DESIGN = "  participants: 40\n"
THIRD = "  - name: propionate\n    therapy: propionate\n    dose: 1000 mg/day\n"


def findings_of(path):
    with pytest.raises(FindingsError) as caught:
        read_workflow(path)
    return caught.value.findings


# replacement, text added at the end -> place, words of the message
BAD = {
    "unknown key": (
        "",
        "sead: 3\n",
        "line 14, sead",
        ['"sead" is unknown; nearest "seed"', "rename or remove"],
    ),
    "unknown key in an arm": (
        (ARM, ARM + "    adherance: {mean: 0.8}\n"),
        "",
        "line 11, arms[1].adherance",
        ['nearest "adherence"', "name, therapy, dose"],
    ),
    "unknown key in a section": (
        (DESIGN, DESIGN + "  visit: [0, 4]\n"),
        "",
        "line 13, design.visit",
        ['nearest "visits"'],
    ),
    "unknown key without a value": ("", "powr:\n", "line 14, powr", ["is unknown"]),
    "double key": ("", "title: again\n", "line 14, title", ["occurs twice (first on line 1)", "keep one"]),
    "double key in an arm": (
        (ARM, ARM + "    dose: 3 g/day\n"),
        "",
        "line 11, arms[1].dose",
        ["occurs twice (first on line 10)"],
    ),
    "unknown therapy": (
        ("therapy: inulin\n", "therapy: inulim\n"),
        "",
        "line 9, arms[1].therapy",
        ['"inulim" is unknown; nearest "inulin"', "placebo, ", ", inulin, ", ", propionate"],
    ),
    "negative dose": (("12 g/day", "-12 g/day"), "", "line 10, arms[1].dose", ["negative", '"12 g/day"']),
    "dose without unit": (("12 g/day", "12"), "", "line 10, arms[1].dose", ["12 is not text"]),
    "dose without a space": (
        ("12 g/day", "12g"),
        "",
        "line 10, arms[1].dose",
        ["cannot be read", "space, unit"],
    ),
    "dose of another dimension": (
        ("12 g/day", "12 mM/day"),
        "",
        "line 10, arms[1].dose",
        ["does not measure the same"],
    ),
    "dose per nothing": (("12 g/day", "12 g"), "", "line 10, arms[1].dose", ["cannot be read"]),
    "dose in an unknown unit": (("12 g/day", "12 spoon/day"), "", "line 10, arms[1].dose", ["is not a unit"]),
    "dose not finite": (("12 g/day", "1e999 g/day"), "", "line 10, arms[1].dose", ["negative or not finite"]),
    "dose missing": ((ARM, ""), "", "line 8, arms[1].dose", ["inulin has no dose", "add arms[1].dose"]),
    "dose of a placebo": (
        ("therapy: placebo\n", "therapy: placebo\n    dose: 1 g/day\n"),
        "",
        "line 8, arms[0].dose",
        ["a placebo has no dose", "remove the key"],
    ),
    "stop beyond the last visit": (
        (ARM, ARM + "    stop: week 50\n"),
        "",
        "line 11, arms[1].stop",
        ["week 50 is beyond the last visit in week 48", "visits: 0, 12, 24, 36, 48"],
    ),
    "stop before start": (
        (ARM, ARM + "    start: week 24\n    stop: week 12\n"),
        "",
        "line 12, arms[1].stop",
        ["week 12, not after its start in week 24", "start before stop"],
    ),
    "start without the word week": (
        (ARM, ARM + "    start: 24\n"),
        "",
        "line 11, arms[1].start",
        ["24 is not a week", '"week N"'],
    ),
    "negative week": ((ARM, ARM + "    start: week -2\n"), "", "line 11, arms[1].start", ["is not a week"]),
    "names twice": (
        ("name: inulin", "name: Placebo"),
        "",
        "line 8, arms[1].name",
        ['"Placebo" is that of arms[0] too', "rename one"],
    ),
    "no control": (
        ("therapy: placebo\n", "therapy: inulin\n    dose: 1 g/day\n"),
        "",
        "line 5, arms",
        ["no arms are the control", "exactly one", "control: true"],
    ),
    "two controls": (
        ("name: placebo\n", "name: placebo\n    control: true\n"),
        "CONTROL",
        "line 5, arms",
        ["2 arms are the control"],
    ),
    "control in words": (
        (ARM, ARM + "    control: yes\n"),
        "",
        "line 11, arms[1].control",
        ['"yes" is neither true nor false'],
    ),
    "adherence that no law has": (
        (ARM, ARM + "    adherence: {mean: 0.9, sd: 0.4}\n"),
        "",
        "line 11, arms[1].adherence",
        ["mean 0.9 and sd 0.4", "make sd smaller"],
    ),
    "NaN": (("40", ".nan"), "", "line 12, design.participants", ["nan is not finite"]),
    "infinity": (("40", "-.inf"), "", "line 12, design.participants", ["-inf is not finite"]),
    "number too large for a float": (
        ("40", "1e999"),
        "",
        "line 12, design.participants",
        ["inf is not finite"],
    ),
    "text where a number belongs": (
        ("40", "many"),
        "",
        "line 12, design.participants",
        ['"many" where a number belongs', "a whole number from 2"],
    ),
    "number in quotes": (("40", '"40"'), "", "line 12, design.participants", ['"40" where a number belongs']),
    "true for a number": (
        ("40", "true"),
        "",
        "line 12, design.participants",
        ["true where a number belongs"],
    ),
    "half a participant": (
        ("40", "40.5"),
        "",
        "line 12, design.participants",
        ["40.5 is not a whole number"],
    ),
    "too few for a block": (
        ("40", "3"),
        "",
        "line 12, design.participants",
        ["3 participants do not fill one block of 4", "4 or more (block 2 x allocation 2)"],
    ),
    "number for text": (("a test", "7"), "", "line 3, context_of_use", ["7 is not text"]),
    "empty text": (("a test", '"  "'), "", "line 3, context_of_use", ["the text is empty"]),
    "no value for a required key": (
        ("decision: none", "decision:"),
        "",
        "line 4, decision",
        ["nothing is not"],
    ),
    "missing key": (("decision: none\n", ""), "", "line 1, decision", ["the key is missing", "add decision"]),
    "missing section": (
        ("design:\n  participants: 40\n", ""),
        "",
        "line 1, design.participants",
        ["the key is missing"],
    ),
    "visits not from 0": (
        (DESIGN, DESIGN + "  visits: [4, 12]\n"),
        "",
        "line 13, design.visits",
        ["first visit is in week 4, not in week 0", "in order from 0"],
    ),
    "visits that do not increase": (
        (DESIGN, DESIGN + "  visits: [0, 12, 12, 48]\n"),
        "",
        "line 13, design.visits",
        ["do not increase"],
    ),
    "one visit": ((DESIGN, DESIGN + "  visits: [0]\n"), "", "line 13, design.visits", ["a first and a last"]),
    "visits with text": (
        (DESIGN, DESIGN + "  visits: [0, soon]\n"),
        "",
        "line 13, design.visits",
        ['"soon" where a number belongs'],
    ),
    "visits that do not end on the last week": (
        (DESIGN, DESIGN + "  visits: every 10 weeks to week 48\n"),
        "",
        "line 13, design.visits",
        ["no whole number of intervals"],
    ),
    "visits every 0 weeks": (
        (DESIGN, DESIGN + "  visits: every 0 weeks to week 48\n"),
        "",
        "line 13, design.visits",
        ["no whole number of intervals"],
    ),
    "visits in other words": (
        (DESIGN, DESIGN + "  visits: monthly\n"),
        "",
        "line 13, design.visits",
        ['"monthly" is not a plan of visits', "every 12 weeks to week 48"],
    ),
    "allocation of another length": (
        (DESIGN, DESIGN + "  allocation: [1, 1, 1]\n"),
        "",
        "line 13, design.allocation",
        ["3 shares for 2 arms", "one whole number for each arm"],
    ),
    "allocation of nobody": (
        (DESIGN, DESIGN + "  allocation: [1, 0]\n"),
        "",
        "line 13, design.allocation",
        ["0 is out of range", "from 1 to 10"],
    ),
    "negative dropout": (
        (DESIGN, DESIGN + "  dropout_per_year: -0.1\n"),
        "",
        "line 13, design.dropout_per_year",
        ["-0.1 is out of range"],
    ),
    "unknown endpoint": (("mfis", "fatigue"), "", "line 13, primary", ['"fatigue" is unknown', "mfis, treg"]),
    "near endpoint": (("mfis", "share_bif"), "", "line 13, primary", ['nearest "share_BIF"']),
    "list as endpoint": (("mfis", "[mfis]"), "", "line 13, primary", ["a list"]),
    "reversed range": (
        "",
        "eligibility: {age: [60, 18]}\n",
        "line 14, eligibility.age",
        ["[60, 18] is reversed", "smaller number first"],
    ),
    "range of one": (
        "",
        "eligibility: {edss: [2]}\n",
        "line 14, eligibility.edss",
        ["a list is not a range"],
    ),
    "range out of range": ("", "eligibility: {edss: [0, 11]}\n", "line 14, eligibility.edss", ["11 is out"]),
    "unknown couplings": (
        "",
        "simulation: {couplings: symetric}\n",
        "line 14, simulation.couplings",
        ['nearest "symmetric"', "symmetric, zero, hand_fit"],
    ),
    "no worlds": (
        "",
        "simulation: {gut_worlds: 0}\n",
        "line 14, simulation.gut_worlds",
        ["0 is out of range"],
    ),
    "negative seed": ("", "seed: -1\n", "line 14, seed", ["-1 is out of range"]),
    "section of another kind": ("", "population: MS\n", "line 14, population", ['"MS" where keys belong']),
    "unknown source": ("", "population: {source: stol}\n", "line 14, population.source", ['nearest "stool"']),
    "unknown group": (
        "",
        "population: {group: Ms}\n",
        "line 14, population.group",
        ["is unknown", "Control", "MS", "group of the reference population"],
    ),
    "table of the reference": (
        "",
        "population: {table: a.tsv}\n",
        "line 14, population.table",
        ["no table", "source: stool"],
    ),
    "stool without a table": (
        "",
        "population: {source: stool}\n",
        "line 14, population.table",
        ["needs a table", "add population.table"],
    ),
    "missing table": (
        "",
        "population: {source: stool, table: lost.tsv}\n",
        "line 14, population.table",
        ['"lost.tsv" is missing', "relative to the folder of the workflow", "correct the path"],
    ),
    "missing table by its absolute path": (
        "",
        "population: {source: stool, table: /lost.tsv}\n",
        "line 14, population.table",
        ['"/lost.tsv" is missing', "or absolute"],
    ),
    "ids without metadata": (
        "",
        "population: {source: stool, table: workflow.yaml, id_column: id}\n",
        "line 14, population.id_column",
        ["needs a metadata table"],
    ),
    "metadata without columns": (
        "",
        "population: {source: stool, table: workflow.yaml, metadata: workflow.yaml, id_column: id}\n",
        "line 14, population.group_column",
        ["names of its columns"],
    ),
    "one group twice": (
        "",
        "population: {source: stool, table: workflow.yaml, metadata: workflow.yaml, id_column: id, "
        "group_column: arm, control: MS}\n",
        "line 14, population.control",
        ["participants and controls at once"],
    ),
    "tag": (
        ("a test", "!!python/object/apply:os.getcwd []"),
        "",
        "line 3, context_of_use",
        ["not plain data", "remove the tag"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_workflow_is_a_finding_with_its_line(write, case):
    replacement, added, place, words = BAD[case]
    replacements = [replacement] if replacement else []
    if added == "CONTROL":
        replacements, added = [*replacements, (ARM, ARM + "    control: true\n")], ""
    found = [f for f in findings_of(write(*replacements, add=added)) if f.place == place]
    if case == "tag":  # what is left of the value is a second finding
        found = found[:1]
    assert len(found) == 1
    for word in words:
        assert word in str(found[0])
    assert found[0].file.endswith("workflow.yaml")
    assert found[0].next_step


@pytest.mark.parametrize("case", [c for c in BAD if c not in ("tag", "no control")])
def test_one_mistake_is_one_finding(write, case):
    replacement, added, _, _ = BAD[case]
    replacements = [replacement] if replacement else []
    if added == "CONTROL":
        replacements, added = [*replacements, (ARM, ARM + "    control: true\n")], ""
    assert len(findings_of(write(*replacements, add=added))) == 1


@pytest.mark.parametrize(("arms", "count"), [("", 1), (THIRD + THIRD.replace("name: p", "name: q"), 4)])
def test_one_arm_and_four_arms_are_too_few_and_too_many(write, arms, count):
    added = (ARM, ARM + arms)
    path = write(added) if arms else write(("  - name: inulin\n    therapy: inulin\n" + ARM, ""))
    found = [f for f in findings_of(path) if "number of arms" in f.problem]
    assert len(found) == 1
    assert str(count) in found[0].problem
    assert found[0].allowed == "2 or 3"


def test_all_findings_come_at_once_in_the_order_of_the_lines(write):
    path = write(
        ("therapy: inulin\n", "therapy: inulim\n"),
        ("12 g/day", "-3 g/day"),
        ("40", "many"),
        ("mfis", "mfsi"),
        ("a test", "''"),
        add="sead: 1\nsimulation: {replicates: .nan, worlds: 3}\neligibility: {age: [60, 18]}\n",
    )
    assert [f.place for f in findings_of(path)] == [
        "line 3, context_of_use",
        "line 9, arms[1].therapy",
        "line 10, arms[1].dose",
        "line 12, design.participants",
        "line 13, primary",
        "line 14, sead",
        "line 15, simulation.worlds",
        "line 15, simulation.replicates",
        "line 16, eligibility.age",
    ]
