"""The tables of clinical priors and of forms on the page of a trial."""

import dataclasses

from report_input_factory import make_report_input

from eubiosis.core.report_input import ClinicalPriorRow, FormEffect
from eubiosis.report.trial.page import trial_report
from eubiosis.report.trial.priors import form_cells, prior_cells
from eubiosis.report.trial.results_json import results_json
from eubiosis.report.trial.words import percent

PRIOR = ClinicalPriorRow(
    endpoint="relapses", label="Relapses", arm="inulin", intervention="prebiotic", scale="ratio", unit="",
    prior=(0.45, 1.0, 2.24), basis="assumed", cohorts=(), outside_share=0.59,
    chances=(("ratio below 0.8", 0.193, 0.196, "data moved it"),), tipping=0.29, notes=("made <b>up</b>",),
)  # fmt: skip
FORM = FormEffect(
    endpoint="relapses", label="Relapses", arm="inulin", form="N2", form_label="barrier", weight=0.25,
    worlds=10, enough=False, truth=(0.75, 1.0, 1.34), truth_error=(0.045, 0.006, float("nan")),
)  # fmt: skip


def test_cells_say_what_rests_on_what_and_how_few_worlds_there_are():
    made = dataclasses.replace(make_report_input(endpoints=2, courses=()), priors=(PRIOR,), forms=(FORM,))
    (row,), (form,) = prior_cells(made), form_cells(made)
    assert row["prior"] == "1.00 (0.45 to 2.24)"
    assert row["outside"] == percent(0.59)
    told, before = percent(0.193, decimals=1), percent(0.196, decimals=1)
    assert row["chances"][0] == f"ratio below 0.8: {told} (before data {before}; data moved it)"
    assert "would have to change by a ratio of 0.290 per doubling of acids" in row["chances"][1]
    assert form["form"] == "N2: barrier"
    assert form["worlds"] == "10 (fewer than 200)"
    assert form["error"] == "not estimable"


def test_the_page_shows_both_tables_and_escapes_them():
    page = trial_report(
        dataclasses.replace(make_report_input(endpoints=2, courses=()), priors=(PRIOR,), forms=(FORM,))
    )
    assert "Clinical effects before this simulation" in page
    assert "holds in these four, which share gut, history and the term outside" in page
    assert "never attributed to a path" in page
    assert "made &lt;b&gt;up&lt;/b&gt;" in page
    bare = trial_report(make_report_input(endpoints=2, courses=()))
    assert "Clinical effects before this simulation" not in bare
    assert "By form of the model" not in bare


def test_results_hold_both_and_say_that_a_prior_is_not_simulated():
    data = results_json(
        dataclasses.replace(make_report_input(endpoints=2, courses=()), priors=(PRIOR,), forms=(FORM,))
    )
    assert data["forms"]["rows"][0]["truth"] == [0.75, 1.0, 1.34]
    assert data["forms"]["rows"][0]["truth_error"] == [0.045, 0.006, None]
    assert data["clinical_priors"]["rows"][0]["prior"] == [0.45, 1.0, 2.24]
    assert "not simulated" in data["clinical_priors"]["rows"][0]["origin"]
