"""A run's tables as other programs read them, its results by their schema, its report once more."""

import json
import shutil
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.core.frame import Table
from eubiosis.report.trial.results_schema import results_schema
from eubiosis.workflow.exports.adam_schemas import ADAM_TABLES
from eubiosis.workflow.exports.transport import write_transport
from eubiosis.workflow.exports.write import export_run
from eubiosis.workflow.rerender import rerender
from tiny_runs import run_of_forty

pd = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_of_forty(tmp_path_factory.mktemp("export"))


@pytest.fixture(scope="module")
def exported(run):
    """The folder of the export in every format."""
    pytest.importorskip("pyreadstat")
    export_run(run, run.parent / "adam")
    return run.parent / "adam"


def test_the_results_of_a_run_are_as_the_schema_says(run):
    record = json.loads((run / "results.json").read_text(encoding="utf-8"))
    found = jsonschema.Draft202012Validator(results_schema()).iter_errors(record)
    assert [f"{list(each.absolute_path)}: {each.message[:200]}" for each in found] == []


def test_the_report_is_rendered_again_to_the_byte(run, tmp_path):
    assert rerender(run, tmp_path / "again.html").read_bytes() == (run / "report.html").read_bytes()


def test_a_damaged_a_foreign_and_an_own_folder_are_refused_with_a_clear_word(run, tmp_path):
    (tmp_path / "foreign").mkdir()
    with pytest.raises(FindingsError, match="no finished run"):
        rerender(tmp_path / "foreign", tmp_path / "x.html")
    with pytest.raises(FindingsError, match="lies in the run folder"):
        rerender(run, run / "report.html")
    damaged = shutil.copytree(run, tmp_path / "damaged")
    results = damaged / "results.json"
    results.write_text(results.read_text(encoding="utf-8").replace('"schema"', '"scheme"'), encoding="utf-8")
    for act in (lambda: rerender(damaged, tmp_path / "x.html"), lambda: export_run(damaged, tmp_path / "y")):
        with pytest.raises(FindingsError, match="is not as it was written"):
            act()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged", "foreign"]


def test_another_program_reads_the_same_numbers_from_every_format(exported):
    for name, schema in ADAM_TABLES.items():
        arrow = Table.read_parquet(exported / f"{name.lower()}.parquet")
        sas = pd.read_sas(exported / f"{name.lower()}.xpt", format="xport", encoding="ascii")
        text = pd.read_csv(
            exported / f"{name.lower()}.csv", keep_default_na=False, float_precision="round_trip"
        )
        assert list(sas.columns) == list(text.columns) == [column.name for column in schema.columns]
        assert len(sas) == len(text) == len(arrow) > 0
        for column in schema.columns:
            if column.kind == "text":
                assert sas[column.name].fillna("").tolist() == list(arrow.texts(column.name))
                assert text[column.name].astype(str).tolist() == list(arrow.texts(column.name)) or (
                    column.name == "SUBJID"  # pandas takes the digits of a number for one
                )
            else:
                # IBM's floating point holds 53 bits here; pandas gives 5.4e-79 for its zero
                own = arrow.numbers(column.name)
                np.testing.assert_allclose(sas[column.name], own, rtol=1e-15, atol=1e-70)
                as_text = [float(cell) if cell != "" else np.nan for cell in text[column.name]]
                np.testing.assert_array_equal(as_text, own)


def test_labels_and_limits_of_the_transport_format(exported):
    pyreadstat = pytest.importorskip("pyreadstat")
    for name, schema in ADAM_TABLES.items():
        _, said = pyreadstat.read_xport(str(exported / f"{name.lower()}.xpt"))
        assert said.table_name == name
        assert "SIMULATED" in said.file_label
        assert said.column_names_to_labels == {column.name: column.meaning for column in schema.columns}
        assert all(len(c.name) <= 8 and len(c.meaning) <= 40 and c.cdisc for c in schema.columns)


def test_nobody_looks_real_and_every_variable_is_explained(exported):
    variables = pd.read_csv(exported / "variables.csv")
    for name in ADAM_TABLES:
        table = pd.read_csv(exported / f"{name.lower()}.csv")
        assert set(table["ORIGIN"]) == {"SIMULATED"}
        assert table["USUBJID"].str.startswith("SIM-").all()
        assert list(variables.loc[variables.dataset == name, "variable"]) == list(table.columns)
    assert set(variables.origin) == {"SIMULATED"}


def test_the_tables_agree_with_each_other_and_with_the_run(run, exported):
    """Conservation: events, people and changes counted in one table are those of another."""
    seen = {name: pd.read_csv(exported / f"{name.lower()}.csv") for name in ADAM_TABLES}
    subjects = Table.read_parquet(run / "tables" / "observed_subjects.parquet")
    people, times, scores = seen["ADSL"], seen["ADTTE"], seen["ADQS"]
    assert len(people) == len(subjects) == people.USUBJID.nunique()
    relapse = times[times.PARAMCD == "TTFR"]
    assert int((relapse.CNSR == 0).sum()) == int((people.NREL > 0).sum())
    assert (relapse.AVAL.to_numpy() <= people.FUYRS.to_numpy() * 365.25 + 1e-6).all()
    leaving = times[times.PARAMCD == "TTLEAVE"]
    assert (leaving.CNSR == 0).sum() == (people.EOSSTT == "DISCONTINUED").sum()
    moved = scores.dropna(subset=["CHG"])
    np.testing.assert_allclose(moved.AVAL - moved.BASE, moved.CHG)
    assert set(scores[scores.ABLFL == "Y"].AVISITN) == {0}
    shares = seen["ADMB"].groupby(["USUBJID", "AVISIT"]).AVAL.sum()
    np.testing.assert_allclose(shares, 1.0, atol=1e-6)
    lesions = seen["ADMRI"]
    assert lesions[lesions.PARAMCD == "T2NEW"].AVAL.sum() == subjects.numbers("t2_lesions").sum()
    assert seen["ADAE"].groupby(["USUBJID", "AEDECOD"]).size().max() == 1


def test_serum_nfl_is_a_laboratory_value_with_label_and_unit(run, exported):
    lab = pd.read_csv(exported / "adlb.csv")
    visits = Table.read_parquet(run / "tables" / "observed_visits.parquet")
    own = lab[lab.PARAMCD == "NFL"]
    assert set(own.PARAM) == {"Serum NfL (times healthy)"}
    assert set(own.AVALU) == {"times healthy"}
    assert own.LLOQFL.isna().all(), "no limit of its assay plays a part"
    np.testing.assert_allclose(sorted(own.AVAL), np.sort(visits.numbers("nfl")), rtol=1e-12)
    later = own[own.ABLFL != "Y"]
    np.testing.assert_allclose(later.CHG, later.AVAL - later.BASE, atol=1e-12)


def test_what_the_format_cannot_hold_is_refused_and_not_cut_off(tmp_path):
    table = Table({"ARATHERLONGNAME": [1.0], "TEXT": ["é" * 3]}, name="ADX")
    with pytest.raises(FindingsError) as refused:
        write_transport(table, tmp_path / "x.xpt")
    assert {one.place for one in refused.value.findings} == {"ARATHERLONGNAME", "TEXT"}
    assert not (tmp_path / "x.xpt").exists()


def test_a_full_disk_is_an_error_of_the_system():
    pytest.importorskip("pyreadstat")
    full = Path("/dev/full")
    if not full.is_char_device():
        pytest.skip("no device that is always full")
    with pytest.raises(OSError, match="the disk may be full"):
        write_transport(Table({"AVAL": np.arange(1e5)}, name="A"), full)
    assert full.is_char_device()
