"""The random drive: its law by hand, and a person's drive whoever else is drawn."""

import numpy as np
import pytest

from eubiosis.core.streams import CohortDraws, SubjectDraws, stream
from eubiosis.model.natural_history.people import People, draw_drive

PEOPLE, DAYS = 4000, 120


def people(rates):
    """People who differ in nothing but their rate of triggers (1/yr)."""
    rates = np.asarray(rates, dtype=float)
    return People(np.zeros((1, len(rates))), np.ones(len(rates)), rates, np.full(len(rates), 40.0))


@pytest.fixture(scope="module")
def numbers(model):
    return {name: row.value for name, row in model.content.numbers.items()}


@pytest.fixture(scope="module")
def drive(model):
    return draw_drive(model.content, people(np.full(PEOPLE, 90.0)), CohortDraws(3, PEOPLE), days=DAYS)


def test_the_tone_has_mean_one_and_the_stated_spread_on_every_day(drive, numbers):
    variance = numbers["host_sd_Z"] ** 2 + numbers["host_sd_Z2"] ** 2
    logs = np.log(drive.tone)
    for day in (0, 1, DAYS // 2, DAYS - 1):
        assert abs(logs[day].mean() + variance / 2) < 4.5 * np.sqrt(variance / PEOPLE)
        assert abs(logs[day].var() / variance - 1) < 4.5 * np.sqrt(2 / PEOPLE)
        # the standard error of the mean of a lognormal law of mean 1
        assert abs(drive.tone[day].mean() - 1) < 4.5 * np.sqrt(np.expm1(variance) / PEOPLE)


def test_what_multiplies_the_hazard_has_mean_one_and_the_stated_spread_on_every_day(drive, numbers):
    variance = numbers["host_sd_u"] ** 2
    logs = np.log(drive.hazard)
    for day in (0, 1, DAYS // 2, DAYS - 1):
        assert abs(logs[day].mean() + variance / 2) < 4.5 * np.sqrt(variance / PEOPLE)
        assert abs(logs[day].var() / variance - 1) < 4.5 * np.sqrt(2 / PEOPLE)
        assert abs(drive.hazard[day].mean() - 1) < 4.5 * np.sqrt(np.expm1(variance) / PEOPLE)


@pytest.mark.parametrize("lag", [1, 30, 110])
def test_what_multiplies_the_hazard_forgets_at_its_correlation_time(drive, numbers, lag):
    logs = np.log(drive.hazard)
    found = np.corrcoef(logs[5], logs[5 + lag])[0, 1]
    expected = np.exp(-lag / numbers["host_tau_u"])
    assert abs(np.arctanh(found) - np.arctanh(expected)) < 4.5 / np.sqrt(PEOPLE)


def test_the_hazard_and_the_tone_know_nothing_of_each_other(drive):
    found = np.corrcoef(np.log(drive.hazard[40]), np.log(drive.tone[40]))[0, 1]
    assert abs(np.arctanh(found)) < 4.5 / np.sqrt(PEOPLE)


@pytest.mark.parametrize("lag", [1, 30, 100])
def test_the_tone_forgets_at_its_two_correlation_times(drive, numbers, lag):
    parts = [(numbers[f"host_sd_{z}"] ** 2, numbers[f"host_tau_{z}"]) for z in ("Z", "Z2")]
    expected = sum(v * np.exp(-lag / tau) for v, tau in parts) / sum(v for v, _ in parts)
    logs = np.log(drive.tone)
    found = np.corrcoef(logs[5], logs[5 + lag])[0, 1]
    assert abs(np.arctanh(found) - np.arctanh(expected)) < 4.5 / np.sqrt(PEOPLE)


def test_triggers_come_at_their_rate_with_exponential_sizes(drive, numbers):
    mean = 90.0 / 365.25
    struck = drive.shots > 0
    days = struck.size
    assert abs(struck.mean() - -np.expm1(-mean)) < 4.5 * np.sqrt(mean / days)
    # a day's load is a compound Poisson sum: mean and variance of exponential sizes
    size = numbers["host_shot_mean"]
    assert abs(drive.shots.mean() - mean * size) < 4.5 * size * np.sqrt(2 * mean / days)
    assert abs(drive.shots.var() / (2 * mean * size**2) - 1) < 0.02


def test_many_triggers_on_one_day_add_up(model):
    """At 0.9 triggers a day up to four are told apart: the mean of the law cut at four, by hand."""
    rate = 0.9
    law = np.exp(-rate) * rate ** np.arange(4) / np.array([1, 1, 2, 6])
    expected = float(np.arange(4) @ law + 4 * (1 - law.sum()))
    shots = draw_drive(
        model.content, people(np.full(2000, 365.25 * rate)), CohortDraws(8, 2000), days=50
    ).shots
    assert shots.mean() == pytest.approx(expected, rel=0.02)


def test_nobody_is_struck_without_a_rate(model):
    assert not draw_drive(model.content, people([0.0, 0.0]), CohortDraws(3, 2), days=40).shots.any()


def test_a_persons_drive_follows_the_recursion_written_out(model, numbers):
    own = draw_drive(model.content, people([9.0, 40.0]), SubjectDraws(5, (11, 4)), days=30)
    log_tone = np.zeros(30)
    for name in ("Z", "Z2"):
        sd, keep = numbers[f"host_sd_{name}"], np.exp(-1 / numbers[f"host_tau_{name}"])
        noise = stream(5, f"drive/host_sd_{name}", 4).standard_normal(31)
        z = noise[0]
        for day in range(30):
            log_tone[day] += sd * z - sd**2 / 2
            z = keep * z + np.sqrt(1 - keep**2) * noise[day + 1]
    np.testing.assert_allclose(np.log(own.tone[:, 1]), log_tone, rtol=0, atol=1e-13)
    sd, keep = numbers["host_sd_u"], np.exp(-1 / numbers["host_tau_u"])
    noise = stream(5, "drive/host_sd_u", 4).standard_normal(31)
    z = [noise[0]]
    for day in range(29):
        z.append(keep * z[-1] + np.sqrt(1 - keep**2) * noise[day + 1])
    np.testing.assert_allclose(np.log(own.hazard[:, 1]), sd * np.array(z) - sd**2 / 2, rtol=0, atol=1e-13)
    uniform = stream(5, "drive/triggers", 4).random(30)
    sizes = stream(5, "drive/sizes", 4).standard_exponential(120).reshape(30, 4)
    one = uniform > np.exp(-40 / 365.25)
    two = uniform > np.exp(-40 / 365.25) * (1 + 40 / 365.25)
    expected = numbers["host_shot_mean"] * (one * sizes[:, 0] + two * sizes[:, 1])
    np.testing.assert_allclose(own.shots[:, 1], expected, rtol=1e-14)


def test_a_large_cohort_can_be_drawn_in_parts(model):
    everyone = people(np.linspace(1.0, 200.0, 12))
    whole = draw_drive(model.content, everyone, SubjectDraws(5, tuple(range(12))), days=60)
    rows = np.array([7, 2, 9])
    part = draw_drive(model.content, everyone.take(rows), SubjectDraws(5, (7, 2, 9)), days=60)
    assert np.array_equal(part.tone, whole.tone[:, rows])
    assert np.array_equal(part.shots, whole.shots[:, rows])
    assert np.array_equal(part.hazard, whole.hazard[:, rows])


def test_first_days_and_repeats_of_a_drive(model):
    whole = draw_drive(model.content, people([5.0, 9.0]), SubjectDraws(5, (1, 2)), days=20)
    first, twice = whole.first(7), whole.repeated(2)
    for name in ("tone", "shots", "hazard"):
        values = getattr(whole, name)
        assert np.array_equal(getattr(first, name), values[:7])
        assert np.array_equal(getattr(twice, name), np.hstack((values, values)))
