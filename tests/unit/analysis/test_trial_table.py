"""A real trial's table under its plan: every mismatch a finding by row and column, the rest as by hand."""

from __future__ import annotations

import numpy as np
import pytest

from eubiosis.analysis import TrialPlan, analyse
from eubiosis.core.findings import FindingsError
from eubiosis.core.frame import Table
from trial_plans import COLUMNS, WORDS, columns_of, endpoint, plan, rows

NO_VISIT = {"visit": None, "baseline_visit": None}


def changed(cells: dict[tuple[int, str], object]) -> dict[str, list[object]]:
    table = rows()
    for (row, column), value in cells.items():
        table[row - 1][COLUMNS.index(column)] = value
    return columns_of(table)


def texts(table: dict[str, list[object]]) -> dict[str, list[str]]:
    return {name: [str(value) for value in values] for name, values in table.items()}


def findings(table: dict[str, list[object]], content: dict | None = None) -> list[str]:
    with pytest.raises(FindingsError) as caught:
        analyse(texts(table), TrialPlan(**(content or plan())), file="trial.csv")
    return [f"{f.file} {f}" for f in caught.value.findings]


def test_ancova_is_that_of_the_normal_equations() -> None:
    found = analyse(columns_of(rows()), TrialPlan(**plan()))
    start, end = (np.array([row[3] for row in rows()[k::2]], dtype=float) for k in (0, 1))
    matrix = np.column_stack([np.ones(8), [0] * 4 + [1] * 4, start])
    beta, rest, *_ = np.linalg.lstsq(matrix, end, rcond=None)
    error = np.sqrt(rest[0] / 5 * np.linalg.inv(matrix.T @ matrix)[1, 1])
    one = found.endpoints[0].by_name[0].estimate
    assert one.estimate == pytest.approx(beta[1], rel=1e-12)
    assert one.standard_error == pytest.approx(error, rel=1e-12)
    assert (one.n_treated, one.n_control, one.degrees_of_freedom) == (4, 4, 5)
    assert dict(found.people) == {"placebo": 4, "inulin": 4}
    at_end = [one for one in found.endpoints[0].summaries if one.visit == "Week 12"]
    assert [one.value for one in at_end] == [40.0, 36.25]
    assert "No outcome, covariate or follow-up was missing." in found.methods[1]


def test_text_numbers_counts_and_a_data_frame_give_the_same() -> None:
    wanted = analyse(columns_of(rows()), TrialPlan(**plan())).to_table()
    assert analyse(texts(columns_of(rows())), TrialPlan(**plan())).to_table() == wanted
    assert analyse(Table(columns_of(rows())), TrialPlan(**plan())).to_table() == wanted
    pandas = pytest.importorskip("pandas")
    assert analyse(pandas.DataFrame(columns_of(rows())), TrialPlan(**plan())).to_table() == wanted


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({(4, "mfis"): "forty"}, 'row 4, column mfis: "forty" where a number belongs'),
        ({(4, "mfis"): "40 points"}, 'row 4, column mfis: "40 points" where a number belongs'),
        ({(4, "mfis"): "2026-03-01"}, 'row 4, column mfis: "2026-03-01" is a date where a number belongs'),
        ({(4, "mfis"): "01.03.2026"}, 'row 4, column mfis: "01.03.2026" is a date'),
        ({(4, "mfis"): "12,5", (6, "mfis"): "7,5"},
         'row 4 and 1 more, the last row 6, column mfis: "12,5" has a decimal comma'),
        ({(4, "mfis"): "1e999"}, "row 4, column mfis: a number that is not finite"),
        ({(4, "mfis"): "1e154"}, "row 4, column mfis: 1e+154 is no measured number"),
        ({(4, "mfis"): "inf"}, 'row 4, column mfis: "inf" where a number belongs'),
        ({(4, "mfis"): "1_0"}, 'row 4, column mfis: "1_0" where a number belongs'),
        ({(4, "arm"): "placebo", (3, "arm"): "placebo"},
         'row 3 and 1 more, the last row 4, column arm: arm "placebo" is unknown; nearest "Placebo"'),
        ({(4, "arm"): ""}, "row 4, column arm: no arm: the cell is empty"),
        ({(4, "visit"): "Week 11"}, 'row 4, column visit: visit "Week 11" is unknown; nearest "Week 12"'),
        ({(4, "visit"): "2026-03-01"}, 'row 4, column visit: "2026-03-01" is a date and no visit'),
        ({(4, "visit"): ""}, "row 4, column visit: no visit: the cell is empty"),
        ({(4, "id"): ""}, "row 4, column id: no participant: the cell is empty"),
        ({(4, "id"): "p2"}, 'row 4, column id: "p2" and "P2" are two spellings of one participant'),
        ({(4, "arm"): "Inulin"},
         "participant P2 is in two arms: inulin (row 4) and placebo; allowed: one arm"),
        ({(4, "visit"): "Baseline"},
         "row 4, column id: participant P2 has 2 rows at Baseline (rows 3, 4); allowed: one row"),
    ],
)  # fmt: skip
def test_a_mismatch_is_named_with_row_and_column(cells: dict, said: str) -> None:
    found = findings(changed(cells))
    assert any(said in one for one in found), found
    assert all(one.startswith("trial.csv ") and "; next: " in one for one in found)


def test_all_findings_come_at_once() -> None:
    found = findings(changed({(1, "mfis"): "x", (2, "visit"): "later", (3, "arm"): "other", (5, "id"): ""}))
    assert len(found) == 4


def test_a_column_that_is_absent_is_named_with_the_nearest_and_its_place_in_the_plan() -> None:
    content = plan(endpoint(column="mfs", covariates=[{"column": "aeg", "kind": "number"}]))
    found = findings(columns_of(rows()), content)
    assert [one.split(";")[0] for one in found] == [
        'plan endpoints[0].column: column "mfs" is unknown',
        'plan endpoints[0].covariates[0].column: column "aeg" is unknown',
    ]
    assert all("; nearest " in one for one in found)


def test_an_arm_of_the_plan_without_anybody_is_a_finding() -> None:
    content = plan()
    content["arms"] = [*content["arms"], {"name": "propionate"}]
    assert "nobody is in the arm propionate" in findings(columns_of(rows()), content)[0]


def test_a_code_for_missing_is_missing_only_where_the_plan_says_so_and_is_counted() -> None:
    table = changed({(2, "mfis"): 99, (10, "mfis"): -1, (12, "mfis"): "99.0"})
    said = findings(table, plan(endpoint(range=[0, 84])))
    assert [one.split(";")[0] for one in said] == [
        "trial.csv row 10, column mfis: -1 is out of range",
        "trial.csv row 2 and 1 more, the last row 12, column mfis: 99 is out of range",
    ]
    content = plan(endpoint(range=[0, 84]), missing=[{"column": "mfis", "codes": [99, -1]}])
    found = analyse(texts(table), TrialPlan(**content))
    one = found.endpoints[0].by_name[0].estimate
    assert (one.n_treated, one.missing_treated, one.n_control, one.missing_control) == (2, 2, 3, 1)
    assert any("Read as missing in mfis" in note and "99 (1 times)" in note for note in found.notes)
    assert "left out and counted" in found.methods[1]


def test_the_zero_of_another_reader_is_zero_and_counted() -> None:
    table = changed({(2, "mfis"): 5.397605346934028e-79})
    found = analyse(table, TrialPlan(**plan()))
    same = analyse(changed({(2, "mfis"): 0}), TrialPlan(**plan()))
    assert found.to_table() == same.to_table()
    assert any("1 values of mfis are below 1e-78" in note for note in found.notes)


def test_a_covariate_must_be_one_value_of_a_participant_and_na_is_no_category() -> None:
    content = plan(
        endpoint(covariates=[{"column": "age", "kind": "number"}, {"column": "sex", "kind": "category"}])
    )
    found = findings(changed({(2, "age"): 31, (5, "sex"): "NA", (6, "sex"): "NA"}), content)
    assert "row 2, column age: participant P1 has another value in an earlier row" in found[0]
    assert 'row 5 and 1 more, the last row 6, column sex: "NA" is a missing value or a word' in found[1]
    content["missing"] = [{"column": "sex", "codes": ["NA"]}]
    one = analyse(changed({(5, "sex"): "NA", (6, "sex"): "NA"}), TrialPlan(**content)).endpoints[0].by_name[0]
    assert one.estimate.missing_control == 1


def test_a_number_kept_as_text_is_a_number_and_a_coded_category_is_none() -> None:
    by_text = plan(endpoint(covariates=[{"column": "age", "kind": "number"}]))
    a = analyse(texts(columns_of(rows())), TrialPlan(**by_text)).endpoints[0].by_name[0].estimate
    assert a.degrees_of_freedom == 4
    coded = {**columns_of(rows()), "site": [1 + k // 2 % 3 for k in range(16)]}
    by_category = plan(endpoint(covariates=[{"column": "site", "kind": "category"}]))
    b = analyse(coded, TrialPlan(**by_category)).endpoints[0].by_name[0].estimate
    assert b.degrees_of_freedom == 3  # three sites are two columns


def test_rows_of_one_parameter_of_a_long_table_and_left_out_visits_and_arms() -> None:
    table = rows()
    table += [["P1", "Placebo", "Unscheduled", 1, 30, "F"], ["S1", "Screen failure", "Baseline", 2, 33, "F"]]
    long = columns_of(table)
    other = {name: values * 2 for name, values in long.items()}
    other["PARAMCD"] = ["MFIS"] * len(table) + ["FSS"] * len(table)
    content = plan(
        endpoint(rows=[{"column": "PARAMCD", "values": ["MFIS"]}]),
        arms_left_out=["Screen failure"], visits_left_out=["Unscheduled"],
    )  # fmt: skip
    found = analyse(other, TrialPlan(**content))
    wanted = analyse(columns_of(rows()), TrialPlan(**plan()))
    assert found.to_table() == wanted.to_table()
    assert found.notes == (
        "2 rows were left out: arm Screen failure.", "1 rows were left out: visit Unscheduled.",
    )  # fmt: skip
    content["endpoints"][0]["rows"][0]["values"] = ["mfis"]
    assert 'no row of column PARAMCD has the value "mfis" is unknown; nearest "MFIS"' in "".join(
        findings(other, content)
    )


def test_an_analysis_population_is_kept_and_said() -> None:
    table = {**columns_of(rows()), "ITTFL": ["N"] * 2 + ["Y"] * 14}
    found = analyse(table, TrialPlan(**plan(rows=[{"column": "ITTFL", "values": ["Y"]}])))
    assert (found.rows, found.used, dict(found.people)) == (16, 14, {"placebo": 3, "inulin": 4})
    assert "Only rows whose ITTFL is Y entered." in found.methods[0]


def test_values_after_an_event_are_set_missing_and_counted_where_the_strategy_is_hypothetical() -> None:
    event = {"event": "rescue drug", "strategy": "hypothetical", "week_column": "rescue"}
    content = plan(endpoint(estimand={**WORDS, "events": [event]}))
    table = {**columns_of(rows()), "rescue": [6, 6] + [12, 12] + [""] * 12}
    found = analyse(texts(table), TrialPlan(**content))
    assert found.endpoints[0].set_missing == 1  # week 12 of P1; the event of P2 was at week 12, not before it
    assert found.endpoints[0].by_name[0].estimate.missing_control == 1
    assert "1 values were left out so." in found.methods[1]


def test_yes_and_no_are_named_and_nothing_else_is_no() -> None:
    table = columns_of(rows())
    table["better"] = ["no", "yes", "no", "no", "no", "no", "no", "no"] + ["no", "yes"] * 4
    table["better"][-1] = "no"
    better = endpoint(
        name="responder", column="better", kind="binary", model="logistic risks", summary="risk difference",
        event_values=["yes"], baseline_visit=None,
    )  # fmt: skip
    found = analyse(table, TrialPlan(**plan(better)))
    assert found.endpoints[0].by_name[0].estimate.estimate == pytest.approx(3 / 4 - 1 / 4)
    table["better"][3] = "maybe"
    assert '2 different words that are no event: "no", "maybe"' in findings(table, plan(better))[0]
    table["better"][3] = "Yes"
    assert 'row 4, column better: spelt unlike the event values: "Yes"' in findings(table, plan(better))[0]


def test_an_arm_without_events_gets_what_was_done_and_not_what_was_planned() -> None:
    table = columns_of(rows())
    table["better"] = ["no"] * 8 + ["no", "yes"] * 3 + ["no", "no"]
    better = endpoint(
        name="responder", column="better", kind="binary", model="logistic risks", summary="risk difference",
        event_values=["yes"], baseline_visit=None,
    )  # fmt: skip
    found = analyse(table, TrialPlan(**plan(better)))
    one = found.endpoints[0].by_name[0].estimate
    assert (one.status, one.estimate) == ("boundary", pytest.approx(0.75))
    assert f"was estimated by {one.method} instead" in found.methods[1]
    assert "Newcombe" in found.methods[1]
    better["summary"] = "odds ratio"
    found = analyse(table, TrialPlan(**plan(better)))
    assert found.endpoints[0].by_name[0].estimate.status == "too_few_events"
    assert "no numbers (too few events" in found.methods[1]


def test_counts_biomarkers_and_times_refuse_what_they_cannot_be() -> None:
    count = endpoint(kind="count", model="negative binomial", exposure="age", baseline_visit=None)
    found = findings(changed({(2, "mfis"): -1, (4, "mfis"): 2.5, (6, "mfis"): 8e11}), plan(count))
    assert "row 2, column mfis: -1 is below zero" in found[0]
    assert "row 4, column mfis: 2.5 is no whole number" in found[1]
    assert "row 6, column mfis: 800000000000 is no count of events; allowed: up to 1,000,000" in found[2]
    ratio = endpoint(kind="ratio biomarker", model="ratio of geometric means")
    assert "row 2, column mfis: 0 has no logarithm" in findings(changed({(2, "mfis"): 0}), plan(ratio))[0]


def test_several_rows_without_a_visit_are_refused_with_what_to_do() -> None:
    said = findings(columns_of(rows()), plan(endpoint(**NO_VISIT)))
    assert len(said) == 8
    assert "participant P1 has 2 rows (rows 1, 2)" in said[0]
    assert "name the visit" in said[0]


def three_arms(multiplicity: str) -> list[tuple[float, float]]:
    content = plan(
        endpoint(),
        endpoint(name="end alone", baseline_visit=None),
        endpoint(name="seen", role="exploratory"),
        multiplicity=multiplicity,
    )  # fmt: skip
    found = analyse(columns_of(rows()), TrialPlan(**content)).to_table()
    return list(zip(found["p_value"].tolist(), found["p_adjusted"].tolist(), strict=True))


def test_holm_and_a_fixed_sequence_adjust_the_family_and_nothing_else() -> None:
    (p1, a1), (p2, a2), (_, a3) = three_arms("holm")
    small, large = sorted([p1, p2])
    assert {p1: a1, p2: a2} == pytest.approx({small: min(2 * small, 1), large: max(2 * small, large)})
    assert np.isnan(a3)
    (p1, a1), (p2, a2), _ = three_arms("fixed sequence")
    assert (a1, a2) == pytest.approx((p1, max(p1, p2)))
    assert all(np.isnan(adjusted) for _, adjusted in three_arms("none"))


def test_an_analysis_without_numbers_stays_with_its_status() -> None:
    table = changed({(row, "mfis"): "" for row in (10, 12, 14)})
    found = analyse(texts(table), TrialPlan(**plan(multiplicity="holm")))
    one = found.endpoints[0].by_name[0]
    assert not one.estimate.usable
    assert np.isnan(one.p_adjusted)
    assert (one.estimate.n_treated, one.estimate.missing_treated) == (1, 3)
    assert "no numbers" in found.methods[1]
    assert "1 of the hypotheses gave no numbers" in found.methods[2]


def test_nobody_with_a_value_is_a_finding() -> None:
    table = changed({(row, "mfis"): "" for row in range(2, 17, 2)})
    assert 'nobody has a value of the endpoint "fatigue" at Week 12' in findings(table)[0]


def test_nobody_with_all_that_the_model_needs_is_a_finding() -> None:
    table = columns_of(rows())  # half of the people have a baseline only, the others an end only
    table["mfis"] = [value if (k // 2 + k) % 2 else "" for k, value in enumerate(table["mfis"])]
    for model in ({}, {"model": "mmrm", "missing_data": "missing at random by mmrm"}):
        said = findings(table, plan(endpoint(**model)))
        assert 'nobody with a value of the endpoint "fatigue" has the baseline too' in said[0]


def test_a_hundred_wrong_words_are_twenty_findings_and_a_sum() -> None:
    table = columns_of(rows() * 10)
    table["id"] = [f"P{k}" for k in range(160)]
    table["mfis"] = [f"word {k}" for k in range(160)]
    said = findings(table)
    assert len(said) == 21
    assert "140 more different texts where numbers belong" in said[-1]


def test_imputation_says_what_it_imputed_and_follows_the_seed() -> None:
    table = {name: values * 4 for name, values in columns_of(rows()).items()}
    table["id"] = [f"P{k // 2}" for k in range(64)]
    table["mfis"] = [float(v) + 0.1 * (k * 7 % 11) for k, v in enumerate(table["mfis"])]
    for row in (1, 17, 41):
        table["mfis"][row] = None
    content = plan(endpoint(missing_data="jump to reference", imputations=20))
    first = analyse(table, TrialPlan(**content))
    assert first.to_table() == analyse(table, TrialPlan(**content)).to_table()
    assert "3 values of that visit were imputed" in first.methods[1]
    assert "jump to reference" in first.methods[1]
    other = analyse(table, TrialPlan(**{**content, "seed": 7}))
    assert other.to_table() != first.to_table()
