"""Figures of a natural history, on people simple enough to work out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from eubiosis.model.clinical import ClinicalLaws
from eubiosis.model.content import DrugRow
from eubiosis.model.lint import lint_content
from eubiosis.model.natural_history.answers import ALONE, references, setting
from eubiosis.model.natural_history.clinic import assessed, confirmed_progression, worse
from eubiosis.model.natural_history.cohort import live, simulate_cohort, summed_up
from eubiosis.model.natural_history.drugs import ratios
from eubiosis.model.natural_history.figures import lasting_figures, natural_history, relapse_figures
from eubiosis.model.natural_history.scale import ENTRY


@pytest.fixture(scope="module")
def cohort(model):
    """Sixty people, and the scales of the packaged model."""
    where = setting(model, "natural_history_joined")
    return simulate_cohort(
        model.content, model.host_kernel, where.inputs, references(model), size=60, seed=3
    ), where.scale


@pytest.mark.parametrize(
    ("course", "is_worse", "is_confirmed"),
    [
        ([2, 3, 3, 2], [0, 1, 1, 0], [0, 1, 1, 1]),
        ([2, 3, 2, 3], [0, 1, 0, 1], [0, 0, 0, 0]),  # never twice in a row
        ([2, 2.5, 2.5, 2.5], [0, 0, 0, 0], [0, 0, 0, 0]),  # half a point is not enough below 5.5
        ([0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]),  # from 0 it takes 1.5
        ([0, 1.5, 1.5, 0], [0, 1, 1, 0], [0, 1, 1, 1]),
        ([5, 6, 6, 6], [0, 1, 1, 1], [0, 1, 1, 1]),
        ([5.5, 6, 6, 6], [0, 1, 1, 1], [0, 1, 1, 1]),  # above 5 half a point is
        ([2, 2, 2, 3], [0, 0, 0, 1], [0, 0, 0, 0]),  # the last visit has none to confirm it
    ],
)
def test_progression_by_hand(course, is_worse, is_confirmed):
    observed = np.array([course], dtype=float)
    assert worse(observed)[0].tolist() == [bool(x) for x in is_worse]
    assert confirmed_progression(observed)[0].tolist() == [bool(x) for x in is_confirmed]


def test_an_assessment_without_noise_is_the_nearest_half_point():
    assert assessed(np.array([[1.0, 1.24, 1.26, 6.74]]), 0.0, 1)[0].tolist() == [1.0, 1.0, 1.5, 6.5]


def test_relapses_of_three_people_by_hand():
    nan = np.inf
    onsets = ENTRY + np.array(
        [[-400.0, -10.0, 5.0, 300.0], [364.0, 365.0, 729.0, 730.0], [nan, nan, nan, nan]]
    )
    figures = relapse_figures(onsets, np.ones(3, dtype=bool))
    # year 1: 2, 1, 0; year 2: 0, 2, 0; day 730 is past the second year
    assert figures["relapses in year 1"] == pytest.approx(1.0)
    assert figures["relapses a year"] == pytest.approx(5 / 6)
    assert figures["relapses year 1 over year 2"] == pytest.approx(3 / 2)
    assert figures["relapse-free over 2 years"] == pytest.approx(1 / 3)
    assert [figures[f"{k} relapses in year 1"] for k in range(4)] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    one = relapse_figures(onsets, np.array([False, True, False]))
    assert one["relapses in year 1"] == 1.0


def test_what_relapses_leave_without_noise_is_what_the_laws_say(model):
    """Shares of the peak and residual laws by hand; three visits after onset little is left to recover."""
    number = {name: row.value for name, row in model.content.numbers.items()}
    number |= {"host_edss_sd": 0.0, "host_edss_tau": 5.0}
    peak = [number[f"host_edss_peak_{k}"] for k in range(8)]
    mild = [number[f"host_edss_mild_{k}"] for k in range(3)]
    severe = [number[f"host_edss_severe_{k}"] for k in range(7)]
    light = sum(peak[:2]) / sum(peak)

    def mean(law):
        return sum(k / 2 * p for k, p in enumerate(law)) / sum(law)

    found = lasting_figures(ClinicalLaws(number, 1.0), 4)
    half = 1 - light * mild[0] / sum(mild) - (1 - light) * severe[0] / sum(severe)
    error = 4.5 * np.sqrt(half * (1 - half) / 20_000)
    assert found["relapses that leave 0.5 EDSS or more"] == pytest.approx(half, abs=error)
    level = light * mean(mild) + (1 - light) * mean(severe)
    assert found["EDSS change of a relapse"] == pytest.approx(level, abs=4.5 * 0.6 / np.sqrt(20_000))


def test_noise_of_assessments_makes_more_residuals_and_no_more_disability(model):
    number = {name: row.value for name, row in model.content.numbers.items()}
    quiet, loud = (lasting_figures(ClinicalLaws(number | {"host_edss_sd": sd}, 1.0), 4) for sd in (0.0, 0.4))
    name = "relapses that leave 0.5 EDSS or more"
    assert loud[name] > quiet[name] + 0.05
    mean = "EDSS change of a relapse"
    assert loud[mean] == pytest.approx(quiet[mean], abs=0.03)


def test_everybody_and_entrants_are_whom_they_say(cohort):
    people, scale = cohort
    history = live(people, scale)
    figures = natural_history(people, history)
    before = (history.onsets >= ENTRY - 365) & (history.onsets < ENTRY)
    assert np.array_equal(history.entered, before.any(axis=1))
    first = ((history.onsets >= ENTRY) & (history.onsets < ENTRY + 365)).sum(axis=1)
    assert figures["everybody"]["relapses in year 1"] == pytest.approx(first.mean())
    assert figures["entrants"]["relapses in year 1"] == pytest.approx(first[history.entered].mean())
    assert figures["entrants"]["Gd+ lesions per scan"] == pytest.approx(history.scans[history.entered].mean())
    assert figures["everybody"].keys() == figures["entrants"].keys()


def test_some_of_a_cohort_are_those_people(cohort):
    people, _ = cohort
    rows = np.array([7, 3, 40])
    part = people.take(rows)
    whole, few = people.relative(), part.relative()
    assert np.array_equal(few.lesions, whole.lesions[:, rows])
    assert np.array_equal(few.relapses, whole.relapses[:, rows])
    assert len(part.people) == 3
    assert np.array_equal(part.state, people.state[:, rows])


def test_the_mean_over_cohorts_and_its_error_by_hand():
    found = summed_up([{"a": 1.0}, {"a": 2.0}, {"a": 6.0}])
    assert found["a"] == (3.0, pytest.approx(np.sqrt(7 / 3)))  # variance 7 over three cohorts
    mean, error = summed_up([{"a": 4.0}])["a"]
    assert mean == 4.0
    assert np.isnan(error)


def drug(name="x", target="host_v_in", factor=1.0, comparator="placebo"):
    return DrugRow(
        drug=name, drug_class="c", target=target, factor=factor, comparator=comparator,
        basis="assumed", note="test",
    )  # fmt: skip


def test_a_drug_that_does_nothing_changes_nothing(cohort):
    people, scale = cohort
    found = ratios(people, {"x": (drug(),), "y": (drug("y", comparator="x"),)}, scale["host_h0"])
    assert not any("slope" in name for name in found)  # no line goes through a single point
    for name in ("drug_x relapses", "drug_x lesions", "drug_y relapses", "drug_y lesions"):
        assert found[name] == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("target", ["host_v_in", "host_k_in", "host_g", "host_bcell", "host_p0", "host_a_A"])
def test_the_more_of_a_point_of_attack_is_blocked_the_fewer_events(cohort, target):
    people, scale = cohort
    few = people.take(np.arange(20))
    drugs = {f"{k}": (drug(f"{k}", target, factor),) for k, factor in enumerate((0.9, 0.6, 0.2))}
    found = ratios(few, drugs, scale["host_h0"])
    for observable in ("relapses", "lesions"):
        values = [1.0, *(found[f"drug_{k} {observable}"] for k in range(3))]
        assert values == sorted(values, reverse=True)


def test_against_an_active_drug_the_ratio_is_that_of_the_two(cohort):
    people, scale = cohort
    few = people.take(np.arange(20))
    a, b = (drug("a", factor=0.5),), (drug("b", factor=0.2, comparator="a"),)
    both = ratios(few, {"a": a, "b": b}, scale["host_h0"])
    alone = ratios(few, {"b": (drug("b", factor=0.2),)}, scale["host_h0"])
    assert both["drug_b lesions"] * both["drug_a lesions"] == pytest.approx(
        alone["drug_b lesions"], rel=1e-12
    )
    logs = [np.log(both[f"drug_a {word}"]) for word in ("relapses", "lesions")]
    slope = next(v for k, v in both.items() if k.startswith("drug_classes"))
    assert slope == pytest.approx(logs[0] / logs[1], rel=1e-12)  # one drug against placebo: a line through it


def test_wrong_rows_of_drugs_are_found(model, tmp_path):
    import shutil

    folder = tmp_path / "content"
    shutil.copytree(model.content.folder, folder)
    table = folder / "drug_classes.tsv"
    lines = table.read_text().splitlines()
    cells = lines[1].split("\t")
    columns = {name: k for k, name in enumerate(lines[0].split("\t"))}
    cells[columns["target"]], cells[columns["factor"]], cells[columns["comparator"]] = (
        "host_v_inn",
        "-1",
        "aspirin",
    )
    table.write_text("\n".join((lines[0], "\t".join(cells), *lines[2:])) + "\n")
    said = " ".join(str(finding) for finding in lint_content(folder))
    for word in ("host_v_inn", "-1 is negative", "aspirin"):
        assert word in said


def test_the_settings_of_a_natural_history(model):
    where = setting(model, ALONE)
    assert where.inputs["host_but"] == model.content.numbers["host_ms_but"].value
    joined = setting(model, "natural_history_joined")
    assert joined.scale["host_h0"] == model.derived.of("ms")["host_h0"]
    # each gut has scales of its own, and both give the same level
    assert where.scale["host_lambda0"] != joined.scale["host_lambda0"]
    assert where.scale["host_lambda0"] == pytest.approx(joined.scale["host_lambda0"], rel=0.5)


def test_people_of_another_setting_can_share_the_drive(model, cohort):
    people, _ = cohort
    where = setting(model, "natural_history_joined")
    again = simulate_cohort(
        model.content, model.host_kernel, where.inputs, references(model), size=60, seed=3, drive=people.drive
    )
    assert np.array_equal(again.course["host_C"], people.course["host_C"])
    louder = replace(people.drive, tone=1.2 * people.drive.tone)
    other = simulate_cohort(
        model.content, model.host_kernel, where.inputs, references(model), size=60, seed=3, drive=louder
    )
    assert other.course["host_C"].mean() > people.course["host_C"].mean()
