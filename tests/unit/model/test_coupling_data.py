"""Biomarkers and couplings: likelihoods by hand, draws of the posterior, the prior without data."""

import math
import shutil

import numpy as np
import pytest
from scipy.stats import halfnorm, norm

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingsError
from eubiosis.model.clinical_key import demand_fresh_clinical
from eubiosis.model.clinical_tables import bounded_doublings, measure_gains, unknown_share
from eubiosis.model.content import load_content
from eubiosis.model.coupling_data import (
    CouplingData,
    CouplingDataRow,
    load_coupling_data,
    log_likelihood,
    read_coupling_rows,
)
from eubiosis.model.coupling_draws import draw_couplings, draw_taxa, posterior_couplings
from eubiosis.model.worlds import draw_host_world

SEED = 19


def row(**changes):
    return CouplingDataRow(
        **{
            "id": "made", "cohort": "made", "population": "ms", "observable": "treg", "control": "parallel",
            "therapy": "made", "condition": "ms_propionate", "day": 14.0, "estimate": 0.1, "se": 0.2,
            "role": "fit", "basis": "assumed", "source": "made", "licence": "made", "note": "made",
        } | changes
    )  # fmt: skip


def test_a_controlled_row_of_people_with_ms_is_normal_about_the_answer():
    answers = np.array([-0.3, 0.0, 0.1, 0.5])
    told = log_likelihood(row(), answers)
    expected = norm.logpdf(0.1, answers, 0.2)
    np.testing.assert_allclose(told - told[1], expected - expected[1])


def test_a_row_without_a_control_is_a_bound_with_a_bias_upwards():
    """The convolution of a half-normal bias and an error, by quadrature."""
    bound = row(control="none", bias_sd=0.3, estimate=0.24)
    answers = np.array([-0.2, 0.0, 0.24, 0.6])
    bias = np.linspace(0, 3, 60_001)
    prior = halfnorm.pdf(bias, scale=0.3)
    expected = [math.log(np.trapezoid(prior * norm.pdf(0.24 - a - bias, scale=0.2), bias)) for a in answers]
    told = log_likelihood(bound, answers)
    np.testing.assert_allclose(told - told[1], np.array(expected) - expected[1], atol=1e-4)
    assert told[1] > told[3]  # nothing is likelier than more than was seen


def test_other_people_s_answer_reaches_ms_through_a_factor_of_free_sign():
    other = row(population="other", transport_sd=1.0, estimate=0.0, se=0.05)
    near, far = log_likelihood(other, np.array([0.05])), log_likelihood(other, np.array([2.0]))
    assert near - far < 6.0  # a null elsewhere cannot rule out an effect in MS: its own sign may differ there
    assert log_likelihood(row(estimate=0.0, se=0.05), np.array([0.05])) - log_likelihood(
        row(estimate=0.0, se=0.05), np.array([2.0])
    ) == pytest.approx(0.5 * (2.0**2 - 0.05**2) / 0.05**2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"population": "eae"}, "from EAE"),
        ({"licence": ""}, "no licence"),
        ({"source": ""}, "no source"),
        ({"se": 0.0}, "standard error 0"),
        ({"control": "none"}, "bias_sd and control do not fit"),
        ({"population": "other"}, "transport_sd and population do not fit"),
        ({"observable": "none"}, "without observable"),
    ],
)
def test_a_row_that_may_not_be_fitted_is_refused_by_name(changes, words):
    with pytest.raises(ValueError, match=f"made: .*{words}"):
        row(**changes)


def test_a_cohort_counted_twice_and_a_held_out_one_are_refused(tmp_path):
    shutil.copytree(PACKAGED_CONTENT / "calibration", tmp_path / "calibration")
    file = tmp_path / "calibration/coupling_rows.tsv"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("propionate_treg\tduscha2020", "propionate_treg\tdegroot2020", 1), "utf-8")
    with pytest.raises(FindingsError) as caught:
        read_coupling_rows(tmp_path, holdouts=["drabinska2018"])
    words = str(caught.value)
    assert 'cohort "degroot2020, treg" occurs twice' in words
    assert 'cohort "drabinska2018" is held out and a fit row' in words


def test_with_the_coupling_data_removed_every_world_is_that_of_the_prior(model):
    cohorts = [r.cohort for r in model.coupling_data.rows]
    ones = {path.id: 1.0 for path in model.couplings.drawn}
    nothing = model.coupling_data.without(cohorts)
    assert nothing.rows == ()
    differs = 0
    for number in range(40):
        form = model.forms.of_world(number)
        prior = draw_couplings(model, number, SEED, form, ones)[1]
        assert posterior_couplings(model, number, SEED, form, ones, nothing) == prior
        assert posterior_couplings(model, number, SEED, form, ones, None) == prior
        differs += posterior_couplings(model, number, SEED, form, ones, model.coupling_data) != prior
    assert 0 < differs < 30
    assert draw_host_world(model, 3, SEED, "symmetric") != draw_host_world(
        model, 3, SEED, "symmetric", forms=False, data=False
    )


def test_kept_draws_are_those_of_the_prior_weighed_by_the_likelihood(model):
    """A sharp row of MS: the mean answer of the kept draws against importance weights of other draws."""
    ones = {path.id: 1.0 for path in model.couplings.drawn}
    sharp = row(estimate=0.08, se=0.1)
    data = CouplingData((sharp,), {"made": {"host_c_acid_treg": 0.095}})
    form = model.forms.rows[1]
    kept = [
        posterior_couplings(model, k, SEED, form, ones, data)["host_c_acid_treg"] * 0.095 for k in range(400)
    ]
    drawn = np.array(
        [draw_couplings(model, k, SEED + 1, form, ones)[1]["host_c_acid_treg"] * 0.095 for k in range(2500)]
    )
    weights = np.exp(log_likelihood(sharp, drawn))
    weights /= weights.sum()
    mean = float(weights @ drawn)
    sd = math.sqrt(float(weights @ (drawn - mean) ** 2))
    error = sd * math.sqrt(1 / 400 + float(weights @ weights))
    assert abs(np.mean(kept) - mean) < 4 * error
    assert np.std(kept) == pytest.approx(sd, rel=0.2)
    assert abs(mean - drawn.mean()) > 5 * error  # the data do move it


def test_worlds_of_a_form_use_its_paths_only_and_one_form_has_taxa(model):
    for number in range(8):
        form = model.forms.of_world(number)
        world = draw_host_world(model, number, SEED, "symmetric")
        on = {path.id for path in model.couplings.drawn if world[path.id] != 0}
        assert on <= form.paths
        assert set(draw_taxa(model, number, SEED, form)) == set(form.taxa)
    even, odd = (draw_taxa(model, k, SEED, model.forms.rows[3]) for k in (4, 5))
    assert odd == {guild: -value for guild, value in even.items()}


def test_gains_are_what_the_equations_say(model):
    """Treg settles at ((1 + r_S H) / (1 + r_S H0)) ** c: by hand for the pulse of oral butyrate in health."""
    value = {n: row.value for n, row in model.content.numbers.items()}
    s = value["host_f_LP"] * (
        value["host_but_ref"] / value["host_EC_B"] + value["host_pro_ref"] / value["host_EC_P"]
    )
    more = s + 0.48 / value["host_EC_P"]
    expected = math.log((1 + value["host_r_S"] * more / (1 + more)) / (1 + value["host_r_S"] * s / (1 + s)))
    stored = load_coupling_data(PACKAGED_CONTENT).gains["butyrate_treg"]
    assert stored["host_c_acid_treg"] == pytest.approx(expected, rel=0.02)
    again = {(r.row, r.path): r.gain for r in measure_gains(model)}
    for name, gains in model.coupling_data.gains.items():
        for path, gain in gains.items():
            assert again[name, path] == pytest.approx(gain, rel=1e-6)


def test_exposures_are_counted_in_doublings_that_no_split_of_inputs_changes():
    assert bounded_doublings(np.array([1.0, 2.0, 0.5, 1e9])) == pytest.approx([0.0, 1.0, -1.0, 3.0])
    assert unknown_share(np.array([0.7])) == pytest.approx(0.7)
    assert unknown_share(np.full(5, 0.3)) == pytest.approx(0.3)
    rng = np.random.default_rng(2)
    inputs = np.array([0.3, -0.1, 0.6])
    mixed = rng.dirichlet(np.ones(3), 200_000) @ inputs
    assert unknown_share(inputs) == pytest.approx(math.sqrt(np.mean(mixed**2)), rel=0.01)


def test_measured_tables_older_than_their_sources_are_refused(tmp_path):
    demand_fresh_clinical(load_content(PACKAGED_CONTENT))
    folder = tmp_path / "content"
    shutil.copytree(PACKAGED_CONTENT, folder)
    file = folder / "calibration/forms.tsv"
    file.write_text(file.read_text("utf-8").replace("consequence", "result", 1), "utf-8")
    with pytest.raises(FindingsError, match="older than the tables"):
        demand_fresh_clinical(load_content(folder))
