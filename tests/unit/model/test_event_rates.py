"""The event rates and their scales: by hand, against drawn events, and in people without the disease."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.core.streams import CohortDraws, stream
from eubiosis.engine import Integral, Last, Maximum
from eubiosis.model.natural_history.clinic import enhancing_lesions, relapse_onsets, relapses_between
from eubiosis.model.natural_history.course import STEPS_PER_DAY
from eubiosis.model.natural_history.people import HOST_INPUTS, draw_drive, draw_people
from eubiosis.model.natural_history.rates import (
    counted,
    entry_chance,
    hazard_scale,
    lesion_scale,
    relative_rates,
)
from eubiosis.model.tolerances import STRICT


@pytest.fixture(scope="module")
def numbers(model):
    return {name: row.value for name, row in model.content.numbers.items()}


def test_the_rates_are_those_of_the_models_equations(model, numbers):
    """The same infiltrate through the SBML rules and through what the cohorts use."""
    kernel = model.host_kernel
    infiltrate = np.array([0.01, 0.6, 2.0, 15.0])
    frailty, hazard = np.array([1.0, 0.3, 2.0, 1.5]), np.array([0.2, 1.0, 4.0, 0.7])
    states = np.repeat(kernel.default_states[:, None], 4, axis=1)
    states[kernel.state_index["host_C"]] = infiltrate
    parameters = np.repeat(kernel.default_parameters[:, None], 4, axis=1)
    for name, value in (("host_activity", 1.0), ("host_v_i", frailty), ("host_u", hazard)):
        parameters[kernel.parameter_index[name]] = value
    for name, value in (("host_lambda0", 0.02), ("host_h0", 0.003)):
        parameters[kernel.parameter_index[name]] = value
    values = kernel.assigned_at(0.0, states, parameters)
    rates = relative_rates(numbers, infiltrate[None], frailty, hazard[None]).times(0.02, 0.003)
    np.testing.assert_allclose(
        values[kernel.assigned_index["host_lesion_rate"]], rates.lesions[0], rtol=1e-12
    )
    np.testing.assert_allclose(
        values[kernel.assigned_index["host_relapse_rate"]], rates.relapses[0], rtol=1e-12
    )


def test_twice_the_disease_is_twice_the_events_at_one_infiltrate(model):
    kernel = model.host_kernel
    states = np.repeat(kernel.default_states[:, None], 3, axis=1)
    parameters = np.repeat(kernel.default_parameters[:, None], 3, axis=1)
    parameters[kernel.parameter_index["host_activity"]] = [0.0, 0.5, 1.0]
    for name in ("host_lambda0", "host_h0"):
        parameters[kernel.parameter_index[name]] = 0.01
    values = kernel.assigned_at(0.0, states, parameters)
    for name in ("host_lesion_rate", "host_relapse_rate"):
        none, half, whole = values[kernel.assigned_index[name]]
        assert none == 0.0
        assert half == pytest.approx(whole / 2, rel=1e-12)
        assert whole > 0


def test_a_healthy_person_under_the_same_drive_has_no_ms(model):
    """A year after two: no lesions and no relapses at all, and less infiltrate than anybody with MS."""
    kernel, healthy, days = model.host_kernel, model.derived.of("healthy"), 1095
    inputs = {name: kernel.default_parameters[kernel.parameter_index[name]] for name in HOST_INPUTS}
    scale = {n: model.derived.of("ms")[n] for n in ("host_lambda0", "host_h0")}
    references = {k: v for k, v in healthy.items() if k.endswith("_healthy")}
    wanted = (
        Integral("host_lesion_rate"),
        Integral("host_relapse_rate"),
        Last("host_C"),
        Last("host_NfL_rel"),
        Maximum("host_D"),
    )
    found = {}
    for activity in (0.0, 1.0):
        draws = CohortDraws(5, 200)
        people = draw_people(model.content, kernel, inputs, references | scale, draws, activity=activity)
        drive = draw_drive(model.content, people, draws, days=days)
        held = {"host_Z": drive.tone, "host_shot": drive.shots, "host_u": drive.hazard}
        run = kernel.march(
            np.arange(days + 1.0),
            (),
            parameters={n: v for n, v in people.values(kernel).items() if n not in held},
            initial=model.states("healthy", kernel)[None],
            held=held,
            record=(),
            reductions=wanted,
            steps=STEPS_PER_DAY,
            tolerances=STRICT,
        )
        found[activity] = {r: run.reduced[r] for r in wanted}
    well, ill = found[0.0], found[1.0]
    assert np.all(well[wanted[0]] == 0.0)
    assert np.all(well[wanted[1]] == 0.0)
    assert ill[wanted[0]].sum() > 1000  # lesions of 200 people in three years: several each
    assert ill[wanted[1]].sum() > 100
    # the immune system is struck all the same; little of it gets into the CNS
    assert np.median(well[wanted[4]]) > 0.5 * np.median(ill[wanted[4]])
    assert np.median(well[wanted[2]]) < 0.05 * np.median(ill[wanted[2]])
    assert np.all(well[wanted[3]] < 1.5)  # serum NfL stays that of controls
    assert np.mean(ill[wanted[3]]) > 1.2


def test_counted_relapses_against_drawn_ones():
    """Half a million days at one hazard: each relapse hides the ones of the thirty days after it."""
    for rate in (0.002, 0.02):
        onsets = relapse_onsets(np.full((500, 1000), rate), 30.0, stream(2, "test"))
        seen = relapses_between(onsets, 100, 500).sum() / (400 * 1000)
        daily = -np.expm1(-rate)
        # a renewal process of one trial a day: a gap of g days after each success hides g - 1 later ones
        exact = daily / (1 + 29 * daily)
        assert abs(seen / exact - 1) < 4.5 / np.sqrt(seen * 400 * 1000)
        assert counted(np.array(rate), 30.0) == pytest.approx(exact, rel=0.02)


@given(
    seed=st.integers(0, 2**31),
    rate=st.floats(0.0, 2.0),
    gap=st.sampled_from([1.0, 7.0, 30.0]),
)
@settings(max_examples=30, deadline=None)
def test_onsets_are_ordered_days_of_the_run_with_the_gap_between_them(seed, rate, gap):
    onsets = relapse_onsets(np.full((60, 5), rate), gap, np.random.default_rng(seed))
    for row in onsets:
        days = row[np.isfinite(row)]
        assert np.all((days >= 0) & (days < 60))
        assert np.all(days == np.round(days))
        assert np.all(np.diff(days) >= gap)
        assert not np.any(np.isfinite(row[len(days) :]))


def test_a_certain_relapse_comes_again_when_the_gap_is_over():
    onsets = relapse_onsets(np.full((100, 2), 1e9), 30.0, np.random.default_rng(1))
    assert onsets[:, :4].tolist() == [[0, 30, 60, 90]] * 2
    assert not np.isfinite(onsets[:, 4:]).any()


def test_nobody_relapses_without_a_hazard():
    onsets = relapse_onsets(np.zeros((50, 3)), 30.0, np.random.default_rng(1))
    assert not np.isfinite(onsets).any()


def test_lesions_that_last_for_ever_or_not_at_all():
    rates, scans = np.full((40, 300), 0.05), np.array([9, 19, 39])
    for_ever = enhancing_lesions(rates, 1e12, scans, np.random.default_rng(3))
    assert np.all(np.diff(for_ever, axis=1) >= 0)
    mean = 0.05 * (scans + 1)  # all that appeared up to the day of the scan
    assert np.all(np.abs(for_ever.mean(axis=0) - mean) < 4.5 * np.sqrt(mean / 300))
    # one that fades at once is seen if it appears on the day of the scan
    moment = enhancing_lesions(rates, 1e-12, scans, np.random.default_rng(3))
    assert np.all(np.abs(moment.mean(axis=0) - 0.05) < 4.5 * np.sqrt(0.05 / 300))


def test_a_scan_shows_the_rate_times_the_duration():
    counts = enhancing_lesions(np.full((400, 400), 0.05), 24.0, np.array([350]), np.random.default_rng(4))
    whole_days = 1 / -np.expm1(-1 / 24.0)  # a lesion of day d shows on day d + k with exp(-k / 24)
    mean = 0.05 * whole_days
    assert abs(counts.mean() - mean) < 4.5 * np.sqrt(mean / 400)


def test_the_chance_to_enter_is_the_poisson_laws():
    expected = np.array([0.0, 0.1, 0.7, 3.0])
    np.testing.assert_allclose(entry_chance(expected), 1 - np.exp(-expected), rtol=1e-12)
    np.testing.assert_allclose(
        entry_chance(expected, 2), 1 - np.exp(-expected) * (1 + expected), rtol=1e-9, atol=1e-15
    )
    assert entry_chance(expected, 0).tolist() == [1, 1, 1, 1]


def test_two_kinds_of_people_by_hand():
    """Half expect one relapse in the year before and half two; both go on as before."""
    before = np.array([1.0, 2.0])
    after = np.tile(before / 365.25, (10, 1))
    one, two = 1 - np.exp(-0.5), 1 - np.exp(-1.0)  # chances at scale one half
    level = 0.5 * (one * 1 + two * 2) / (one + two)
    assert hazard_scale(before, after, level, 0.0) == pytest.approx(0.5, rel=1e-8)
    # without the rule to have had a relapse, everybody counts: 0.5 x 1.5 on average
    assert hazard_scale(before, after, 0.75, 0.0, least=0) == pytest.approx(0.5, rel=1e-8)
    lesions = np.array([[1.0, 4.0], [3.0, 4.0]])
    chance = np.array([one, two])
    mean = (one * 2 + two * 4) / (one + two)
    assert lesion_scale(lesions, chance, 1.2, 24.0) == pytest.approx(1.2 / (24 * mean), rel=1e-12)
    assert lesion_scale(lesions, 0 * chance, 1.2, 24.0) == pytest.approx(1.2 / (24 * 3), rel=1e-12)


@given(
    seed=st.integers(0, 2**31),
    level=st.floats(0.05, 3.0),
    gap=st.sampled_from([0.0, 30.0]),
    least=st.integers(0, 2),
)
@settings(max_examples=25, deadline=None)
def test_at_its_scale_the_level_is_met_and_no_unit_matters(seed, level, gap, least):
    draw = np.random.default_rng(seed)
    after = draw.lognormal(0, 1, (30, 50)) * draw.lognormal(0, 0.7, 50)
    before = 365 * after.mean(axis=0) * draw.lognormal(0, 0.3, 50)
    scale = hazard_scale(before, after, level, gap, least=least)
    chance = entry_chance(scale * before, least)
    met = chance @ (365.25 * counted(scale * after, gap)).mean(axis=0) / chance.sum()
    assert met == pytest.approx(level, rel=1e-6)
    again = hazard_scale(10 * before, 10 * after, level, gap, least=least)
    assert again == pytest.approx(scale / 10, rel=1e-6)


def test_a_level_that_no_hazard_reaches_is_refused():
    with pytest.raises(ValueError, match=r"no scale of the relapse hazard gives 20 relapses a year"):
        hazard_scale(np.ones(3), np.ones((5, 3)), 20.0, 30.0)
    assert hazard_scale(np.ones(3), np.ones((5, 3)), 0.0, 30.0) == 0.0


def test_what_is_not_known_of_the_gut_does_not_differ_between_people(model):
    """Gains and couplings are one number for everybody; entry, frailty and the like are each one's own."""
    kernel = model.host_kernel
    inputs = {name: kernel.default_parameters[kernel.parameter_index[name]] for name in HOST_INPUTS}
    people = draw_people(model.content, kernel, inputs, {}, CohortDraws(5, 50))
    for name in kernel.parameter_index:
        differs = np.ptp(people.parameters[kernel.parameter_index[name]]) > 0
        if name.startswith("host_c_") or name in ("host_f_rel", "host_e_TJ", "host_gam17S"):
            assert not differs, name
        if name in ("host_k_in", "host_a_A", "host_K_R", "host_k_rem", "host_smold"):
            assert differs, name
    assert np.ptp(people.frailty) > 0
    assert np.all(people.parameters[kernel.parameter_index["host_activity"]] == 1)
