"""What happens to the subjects of one trial, on courses simple enough to work out by hand."""

import numpy as np
import pytest

from eubiosis.model.clinical import ClinicalLaws
from eubiosis.trial.world.events import event_days
from eubiosis.trial.world.host import BURN_IN, HostCourses
from eubiosis.trial.world.outcomes import TONE_DAYS, on_days, recent_tone, relapse_days

DAYS, SUBJECTS = 120, (3, 8, 5, 40)
STATES = ("host_D", "host_T1", "host_T17", "host_MG", "host_R")


@pytest.fixture(scope="module")
def laws(model):
    return ClinicalLaws({name: row.value for name, row in model.content.numbers.items()}, 2.0)


@pytest.fixture(scope="module")
def host():
    """Courses without a pattern; arm b has half the relapses and twice the lesions of arm a."""
    random = np.random.default_rng(4)

    def courses(days):
        return {name: random.uniform(0.5, 2.0, (days, len(SUBJECTS))) for name in STATES}

    rates = {"": random.uniform(0, 0.05, (BURN_IN, len(SUBJECTS)))}
    rates["a"] = random.uniform(0, 0.06, (DAYS, len(SUBJECTS)))
    return HostCourses(
        None,
        courses(BURN_IN),
        {"a": courses(DAYS), "b": courses(DAYS)},
        {**rates, "b": 2 * rates["a"]},
        {**rates, "b": rates["a"] / 2},
    )


def test_day_0_is_the_last_day_before_entry(host):
    days = np.array([0, 1, DAYS, -27])
    found = on_days(host, "a", "host_R", days)
    before, after = host.before["host_R"], host.after["a"]["host_R"]
    assert np.array_equal(found, np.array([before[-1], after[0], after[-1], before[-28]]))


def test_tone_is_the_mean_of_four_weeks(host, laws):
    days = np.array([0, 10, 84])
    tone = {k: np.concatenate((host.before[k], host.after["b"][k])) for k in STATES}
    tone = laws.tone(tone)
    found = recent_tone(host, laws, "b", days)
    for column, day in enumerate(days):
        window = tone[BURN_IN + day - TONE_DAYS : BURN_IN + day]
        np.testing.assert_allclose(found[:, column], window.mean(axis=0), rtol=1e-14)


def test_relapses_are_each_subjects_own_events_with_the_gap(host, laws):
    found = relapse_days(host, laws, ["a", "b"], SUBJECTS, 9, "7")
    gap = laws.number["host_refractory"]
    for arm, rows in found.items():
        for i, subject in enumerate(SUBJECTS):
            days = event_days(host.relapses[arm][:, i], 9, "trial/7/relapses", subject)
            kept = []
            for day in days:
                if not kept or day >= kept[-1] + gap:
                    kept.append(day)
            assert rows[i][np.isfinite(rows[i])].tolist() == kept
    assert np.isfinite(found["a"]).sum() > 4


def test_without_a_relapse_edss_drifts_with_active_microglia(laws):
    n = laws.number
    over = 0.3
    path = laws.edss(
        2.0, np.array([]), np.full(100, n["host_pira_MG"] + over), n["host_age_mean"], (1, "x", 1)
    )
    np.testing.assert_allclose(path - 2.0, n["host_pira"] / 365.25 * over * np.arange(1, 101), rtol=1e-9)


def test_a_relapse_rises_to_its_peak_and_falls_to_its_residual(laws):
    n = laws.number
    uniforms = np.array([[[0.999, 0.999]]])  # the highest peak, 3.5, with the highest residual, 3.0
    days = np.array([9, 10, 16, 17, 400])
    calm = np.zeros((401, 1))
    age = np.array([n["host_age_mean"]])
    path = laws.edss_on(days, np.array([1.0]), np.array([[10.0]]), calm, age, uniforms)[0]
    fall = np.exp(-(390 - n["host_edss_ramp"]) / n["host_edss_tau"])
    expected = [1.0, 4.0 + 0.5 / n["host_edss_ramp"], 4.5, 4.5, 4.0 + 0.5 * fall]
    np.testing.assert_allclose(path, expected, rtol=1e-12)
