"""The exported XPT against published rules of ADaM; its formats and its list of variables against each other.

pyreadstat reads the files: a program that is not ours. Every rule is also shown a table that breaks it.
"""

import csv
import dataclasses

import numpy as np
import pytest

from adam_rules import RULES, TERMS, Dataset, broken
from eubiosis.core.table_schemas import COMPLETED, REASONS_FOR_LEAVING
from eubiosis.workflow.exports.adam import leaving_reason
from eubiosis.workflow.exports.write import export_run
from tiny_runs import run_of_forty

pyreadstat = pytest.importorskip("pyreadstat")
pq = pytest.importorskip("pyarrow.parquet")
NAMES = ("ADSL", "ADTTE", "ADQS", "ADLB", "ADMB", "ADAE", "ADMRI")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run and, beside it, its export."""
    found = run_of_forty(tmp_path_factory.mktemp("adam"))
    export_run(found, found.parent / "adam")
    return found


@pytest.fixture(scope="module")
def adam(run):
    """The folder of the export."""
    return run.parent / "adam"


@pytest.fixture(scope="module")
def study(adam):
    """The tables as pyreadstat reads them from XPT."""
    found = {}
    for name in NAMES:
        frame, said = pyreadstat.read_xport(str(adam / f"{name.lower()}.xpt"))
        found[name] = Dataset(said.table_name, frame, said.column_names_to_labels)
    return found


def test_the_published_rules_hold(study):
    assert broken(study) == set()


def _with(study, name, **columns):
    """The study with columns of one table replaced; None drops one."""
    frame = study[name].frame.copy()
    labels = dict(study[name].labels)
    for column, values in columns.items():
        if values is None:
            frame = frame.drop(columns=column)
        else:
            frame[column] = values(frame) if callable(values) else values
            labels.setdefault(column, "Some Label")
    return {**study, name: Dataset(name, frame, labels)}


def _labelled(study, name, column, label):
    return {**study, name: dataclasses.replace(study[name], labels={**study[name].labels, column: label})}


def _moved(column):
    """Add one to the first row of a column."""
    return lambda f: [f[column].iloc[0] + 1, *f[column].iloc[1:]]


def _twice(study, name):
    rows = [*range(len(study[name].frame)), 0]
    return {**study, name: dataclasses.replace(study[name], frame=study[name].frame.iloc[rows])}


FAULTS = {
    "AD0001": lambda s: {name: data for name, data in s.items() if name != "ADSL"},
    "AD0005": lambda s: _with(s, "ADSL", ITTFL="y"),
    "AD0007": lambda s: _with(s, "ADSL", SAFFN=1.0),
    "AD0013": lambda s: _with(s, "ADQS", **{"2AVAL": 1.0}),
    "AD0016": lambda s: _labelled(s, "ADQS", "AVALU", "x" * 41),
    "AD0017": lambda s: _with(s, "ADQS", AVALU="x" * 201),
    "AD0018": lambda s: _labelled(s, "ADAE", "AOCCPFL", "First Occurrence Within Subject Flag"),
    "AD0019": lambda s: _with(s, "ADSL", ITTFL=""),
    "AD0046": lambda s: _with(s, "ADQS", ADY=lambda f: f.ADY - 1),
    "AD0047": lambda s: _with(s, "ADSL", RACE=None),
    "AD0048": lambda s: _with(s, "ADSL", ITTFL=None),
    "AD0054": lambda s: _twice(s, "ADSL"),
    "AD0090": lambda s: _with(s, "ADMRI", TRT01P=None),
    "AD0109": lambda s: _with(s, "ADLB", AVISITN=_moved("AVISITN")),
    "AD0127": lambda s: _with(s, "ADMB", ABLFL=""),
    "AD0129": lambda s: _with(s, "ADMB", BASE=_moved("BASE")),
    "AD0141": lambda s: _with(s, "ADQS", PARAM="Score"),
    "AD0143": lambda s: _with(s, "ADQS", PARAMCD=lambda f: "2" + f.PARAMCD),
    "AD0152": lambda s: _with(s, "ADQS", BASE=lambda f: f.BASE + 1),
    "AD0154": lambda s: _with(s, "ADQS", ABLFL="Y"),
    "AD0169": lambda s: _with(s, "ADTTE", CNSR=lambda f: f.CNSR / 2),
    "AD0176": lambda s: _with(s, "ADQS", ABLFL=lambda f: f.ABLFL.replace("", "N")),
    "AD0196": lambda s: _with(s, "ADQS", PARAM=""),
    "AD0198": lambda s: _with(s, "ADQS", AVAL=None),
    "AD0223": lambda s: _with(s, "ADLB", CHG=lambda f: f.CHG + 1e-9),
    "AD0250": lambda s: _with(s, "ADTTE", CNSDTDSC="end of follow-up"),
    "AD0256": lambda s: _with(s, "ADAE", USUBJID=lambda f: f.USUBJID + "X"),
    "AD1012": lambda s: _with(s, "ADSL", RACEN=1.0, RACE=None),
    "IG copies": lambda s: _with(s, "ADTTE", TRT01P="another"),
    "IG keys": lambda s: _twice(s, "ADAE"),
    "OCCDS first": lambda s: _with(s, "ADAE", AOCCFL="Y"),
    "CT": lambda s: _with(s, "ADSL", DCSREAS="lack_of_efficacy"),
}


def test_every_rule_is_shown_a_fault():
    assert set(FAULTS) == {"AD0001", *RULES}


@pytest.mark.parametrize("number", FAULTS)
def test_a_planted_fault_is_found_by_its_rule(study, number):
    assert any(each.startswith(f"{number} ") for each in broken(FAULTS[number](study)))


def test_parquet_csv_and_xpt_hold_the_same_values_to_the_last_bit(adam, study):
    for name in NAMES:
        arrow = pq.read_table(adam / f"{name.lower()}.parquet")
        with (adam / f"{name.lower()}.csv").open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        frame = study[name].frame
        assert arrow.column_names == header == list(frame.columns)
        assert arrow.num_rows == len(rows) == len(frame) > 0
        for place, column in enumerate(header):
            for own, text, sas in zip(
                arrow[column].to_pylist(), (row[place] for row in rows), frame[column].tolist(), strict=True
            ):
                if isinstance(own, str):
                    assert own == text == sas, (name, column)
                elif own is None:  # a missing number
                    assert text == "", (name, column)
                    assert np.isnan(sas), (name, column)
                else:
                    assert own == float(text) == sas, (name, column)


def test_the_list_of_variables_is_what_the_files_hold(adam, study):
    with (adam / "variables.csv").open(newline="", encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    for name in NAMES:
        frame, said = pyreadstat.read_xport(str(adam / f"{name.lower()}.xpt"))
        mine = [row for row in listed if row["dataset"] == name]
        assert [row["variable"] for row in mine] == list(frame.columns)
        assert [row["label"] for row in mine] == said.column_labels
        for row in mine:
            column, width = frame[row["variable"]], said.variable_storage_width[row["variable"]]
            assert (
                said.readstat_variable_types[row["variable"]]
                == {"text": "string", "float": "double"}[row["type"]]
            )
            longest = column.str.len().max() if row["type"] == "text" else 8
            assert width == max(longest, 1), (name, row["variable"])


def test_the_data_dictionary_names_variables_that_are_made_of_its_columns(run, adam):
    with (adam / "variables.csv").open(newline="", encoding="utf-8") as file:
        derived = {f"{row['dataset']}.{row['variable']}": row["derivation"] for row in csv.DictReader(file)}
    with (run / "data_dictionary.tsv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["table"] == "observed_subjects"]
    claims = {
        word: row
        for row in rows
        for word in row["cdisc"].replace(",", " ").split()
        if word.startswith("ADSL.")
    }
    assert set(claims) == {"ADSL.TRT01P", "ADSL.EOSSTT", "ADSL.DCSREAS"}
    for variable, row in claims.items():
        assert f"observed_subjects.{row['column']}" in derived[variable]


def test_every_reason_for_leaving_has_a_term_of_cdisc():
    terms = {leaving_reason(reason) for reason in REASONS_FOR_LEAVING if reason != COMPLETED}
    assert terms == TERMS["DCSREAS"] - {""}
