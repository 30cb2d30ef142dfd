"""What happens to the subjects of one trial, on courses simple enough to work out by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from eubiosis.core.streams import stream
from eubiosis.model.clinical import ClinicalLaws
from eubiosis.trial.world.events import event_days
from eubiosis.trial.world.host import BURN_IN, HostCourses
from eubiosis.trial.world.outcomes import (
    TONE_DAYS,
    lesion_counts,
    mfis_at,
    of_own_arm,
    on_days,
    recent_tone,
    relapse_days,
    visit_edss,
)

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


def test_fatigue_adds_what_the_host_does_to_the_personal_level(host, laws):
    level, days = np.array([30.0, 40.0, 50.0, 20.0]), np.array([0, 84])
    edss = np.full((4, 2), 3.0)
    found = mfis_at(host, laws, "a", level, edss, days)
    microglia = host.after["a"]["host_MG"][83, 2] / 2.0
    expected = 50.0 + laws.mfis_change(recent_tone(host, laws, "a", days)[2, 1], microglia, np.array(3.0))
    assert found[2, 1] == pytest.approx(float(expected), rel=1e-14)


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


def test_edss_at_visits_is_that_of_the_daily_course(host, laws):
    entry, age = np.array([2.0, 3.5, 0.0, 5.0]), np.array([30.0, 40.0, 50.0, 60.0])
    subjects = SimpleNamespace(numbers=SUBJECTS, edss=entry, age=age)
    relapses = relapse_days(host, laws, ["a"], SUBJECTS, 9, "7")["a"]
    visits = np.array([0, 30, 60, DAYS])
    found = visit_edss(host, laws, "a", subjects, relapses, visits, (9, "severity"))
    assert np.array_equal(found[:, 0], entry)
    for i, subject in enumerate(SUBJECTS):
        onsets = relapses[i][np.isfinite(relapses[i])]
        microglia = host.after["a"]["host_MG"][:, i] / 2.0
        path = laws.edss(entry[i], onsets, microglia, age[i], (9, "severity", subject))
        assert np.array_equal(found[i, 1:], path[visits[1:] - 1])


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


def test_lesions_are_counted_at_the_scans_attended(host, laws):
    """One subject at a time, from its own events and fates."""
    arms, scans = np.array(["a", "b", "b", "a"]), np.array([40.0, 80.0, 120.0])
    attended = np.array([[True, True, True], [True, False, False], [False] * 3, [True, True, False]])
    found = lesion_counts(host, laws, arms, SUBJECTS, attended, scans, 9, "7")
    assert found["scans"].tolist() == [3, 1, 0, 2]
    assert found["t2_years"].tolist() == [120 / 365.25, 40 / 365.25, 0, 80 / 365.25]
    back = round(10 * laws.number["host_tau_Gd"])
    for i, subject in enumerate(SUBJECTS):
        if not attended[i].any():
            assert found["gd_lesions"][i] == found["t2_lesions"][i] == 0
            continue
        rate = np.concatenate((host.lesions[""][-back:, i], host.lesions[arms[i]][:, i]))
        onset = event_days(rate, 9, "trial/7/lesions", subject) - min(back, BURN_IN)
        luck = stream(9, "trial/7/lesion fate", subject)
        end = onset + laws.number["host_tau_Gd"] * luck.standard_exponential(len(onset))
        seen = luck.random(len(onset)) < laws.number["host_p_T2"]
        gd = sum(((onset <= day) & (end > day)).sum() for day in scans[attended[i]])
        t2 = (seen & (onset >= 0) & (onset <= scans[attended[i]][-1])).sum()
        assert (found["gd_lesions"][i], found["t2_lesions"][i]) == (gd, t2)
    assert found["t2_lesions"].sum() > 0


def test_nobody_scanned_nothing_counted(host, laws):
    attended = np.zeros((4, 2), dtype=bool)
    found = lesion_counts(host, laws, np.array(["a"] * 4), SUBJECTS, attended, np.array([1.0, 2.0]), 9, "7")
    assert all(not np.any(values) for values in found.values())


def test_each_subject_has_the_row_of_its_own_arm():
    by_arm = {"a": np.arange(3.0), "b": 10 + np.arange(3.0)}
    assert of_own_arm(by_arm, np.array(["b", "a", "b"])).tolist() == [10.0, 1.0, 12.0]
