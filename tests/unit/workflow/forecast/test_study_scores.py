"""Scores of a finished study: four people by hand, a placebo that is regression alone, pairs of tables."""

import math

import numpy as np
import pytest

from eubiosis.analysis.forecast_scores import crps_normal
from eubiosis.core.findings import FindingsError
from eubiosis.core.guilds import GUILDS
from eubiosis.model.discrepancy import discrepancy_sd, read_discrepancies
from eubiosis.population import guild_contrast, read_profiles, write_example_table
from eubiosis.therapy.phrase import read_phrase
from eubiosis.workflow.forecast.courses import Courses, regimen_of
from eubiosis.workflow.forecast.group import SimulatedGroup
from eubiosis.workflow.forecast.noise import noise_of
from eubiosis.workflow.forecast.paired import guild_study
from eubiosis.workflow.forecast.published import Published, PublishedChange
from eubiosis.workflow.forecast.quantities import QUANTITIES
from eubiosis.workflow.forecast.section import scores_section
from eubiosis.workflow.forecast.study import FinishedStudy, score_changes, score_study

BIF = GUILDS.index("BIF")
NAMES = [quantity.id for quantity in QUANTITIES]
NONE = Published((), ())


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return read_profiles(write_example_table(tmp_path_factory.mktemp("study") / "stool.tsv", people=8))


def made(changes, worlds):
    """Courses in which only BIF moves: ``changes`` with the tables' numbers, ``worlds`` in each world."""

    def courses(move):
        before = np.zeros((len(changes), len(NAMES)))
        after = before.copy()
        after[:, BIF] = move
        return Courses(np.arange(len(changes)), before, after)

    return SimulatedGroup(
        courses(changes), tuple(courses(move) for move in worlds), np.ones(len(GUILDS), bool)
    )


def test_four_people_by_hand(model, table):
    contrast = guild_contrast(table)
    four = type(contrast)(
        contrast.subject_ids[:4], contrast.log_ratios[:4], contrast.observed, contrast.detected_share,
        contrast.status[:4], "median", contrast.carried[:4], contrast.in_centre[:4],
    )  # fmt: skip
    x, y = np.array([-1.0, 0.0, 1.0, 2.0]), np.array([0.5, 1.0, 1.5, 2.0])
    study = FinishedStudy(four, {"share_BIF": x}, {"share_BIF": y})
    regimen = regimen_of(model, read_phrase("inulin 20 g/day for 2 weeks"))
    trial = PublishedChange("share_BIF", math.e, None, None, "mean_log_ratio", 14, "", "", "", fitted=False)
    found = made(np.full(4, 0.8), [np.full(4, 0.6), np.full(4, 1.0)])
    scores = score_changes(model, study, regimen, found, Published((trial,), ()))
    noise = noise_of(QUANTITIES[BIF])
    measured, back = y - x, (noise.reliability - 1) * (x - 0.5)
    forecasts = {
        "model": back + 0.8, "model_tables": back + 0.8, "no_change": 0 * x, "regression": back,
        "published": back + 1.0,
        "others": back + np.array([np.delete(measured - back, k).mean() for k in range(4)]),
    }  # fmt: skip
    (row,) = scores.quantities
    for name, forecast in forecasts.items():
        assert row.mae[name] == pytest.approx(np.abs(measured - forecast).mean()), name
    named = discrepancy_sd(read_discrepancies(model.content), "share_BIF", "ms_inulin_20g")
    spread = math.sqrt(noise.regression_variance + np.std([0.6, 1.0], ddof=1) ** 2 + named**2)
    assert row.crps["model"] == pytest.approx(crps_normal(measured, back + 0.8, spread).mean())
    assert row.crps["no_change"] == pytest.approx(
        crps_normal(measured, 0 * x, math.sqrt(noise.no_change_variance)).mean()
    )
    mae = next(one for one in scores.classes if one.score == "mae")
    best = min(("no_change", "regression", "published"), key=lambda name: row.mae[name])
    assert (mae.best, mae.gain) == (best, pytest.approx(row.mae[best] - row.mae["model"]))
    assert row.measured_change == pytest.approx(measured.mean())


def test_a_placebo_is_regression_alone(model, table):
    names = list(table.sample_ids)
    study = guild_study(table, table, names, [*names[1:], names[0]])
    regimen = regimen_of(model, read_phrase("placebo for 2 weeks"))
    scores = score_study(model, study, regimen, NONE, worlds=2)
    for row in scores.quantities:
        assert row.mae["model"] == row.mae["regression"] == row.mae["model_tables"]
        assert row.crps["model"] == row.crps["regression"]
        assert row.mae["published"] is None
    for one in scores.classes:
        assert one.by_method["model"] == one.by_method["regression"]
    text = str(scores_section(scores, "made"))
    assert not any(name in text for name in names)


def test_samples_of_a_visit_are_averaged_and_people_are_matched_by_name(table):
    names = ["a", "a", "b", "c", "d", "e", "", "f"]
    later = ["e", "d", "c", "b", "a", "", "", ""]
    study = guild_study(table, table, names, later)
    assert study.contrast.subject_ids == ("a", "b", "c", "d", "e")
    assert study.samples == pytest.approx(6 / 5)
    # who gave two samples has the mean of their log-ratios, zeros being half a read
    seen = np.where(table.guild_sums > 0, table.guild_sums, 0.5)[:, study.contrast.observed]
    own = np.log(seen) - np.log(seen).mean(axis=1, keepdims=True)
    column = np.flatnonzero(study.contrast.observed).tolist().index(BIF)
    assert study.before["share_BIF"][0] == pytest.approx(own[:2, column].mean(), abs=1e-3)
    assert np.allclose(study.contrast.log_ratios.sum(axis=1), 0)
    assert np.allclose(sum(study.after[f"share_{g}"] for g in GUILDS if f"share_{g}" in study.after), 0)


def test_too_few_people_in_both_tables_is_a_finding(table):
    with pytest.raises(FindingsError, match="2 people have a usable sample in both tables"):
        guild_study(table, table, ["a", "b", *[""] * 6], ["b", "a", "c", *[""] * 5])
