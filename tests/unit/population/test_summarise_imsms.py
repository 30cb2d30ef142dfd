"""The script that makes the reference summaries, on made-up numbers; it needs no cohort."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "validation" / "ms_imsms_2022" / "summarise.py"


@pytest.fixture(scope="module")
def summarise():
    spec = importlib.util.spec_from_file_location("summarise_ms_imsms_2022", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made_up_log_ratios():
    rows = np.random.default_rng(8).normal(size=(30, 6)) * np.arange(1, 7)
    return rows - rows.mean(axis=1, keepdims=True)


def test_shrunk_covariance_is_that_of_another_program(summarise):
    # scikit-learn 1.9.1, covariance.ledoit_wolf on the same rows in an orthonormal (Helmert) basis
    shrunk, weight = summarise.shrunk_covariance(made_up_log_ratios())
    assert weight == pytest.approx(0.14056941251111627, rel=1e-9)
    assert shrunk[0, 0] == pytest.approx(4.724464827442402, rel=1e-9)
    assert shrunk[2, 3] == pytest.approx(-1.3407452243440159, rel=1e-9)


def test_shrinkage_keeps_the_trace_and_the_space_of_log_ratios(summarise):
    rows = made_up_log_ratios()
    shrunk, _ = summarise.shrunk_covariance(rows)
    assert np.trace(shrunk) == pytest.approx(np.trace(np.cov(rows.T, bias=True)))
    np.testing.assert_allclose(shrunk.sum(axis=1), 0, atol=1e-9)


def test_sparse_bands_at_either_end_are_joined(summarise):
    scores = [0.0] * 3 + [2.5] * 20 + [4.0] * 15 + [6.0] * 12 + [8.0] * 4
    bands = summarise.edss_bands(scores)
    assert {band: bands.count(band) for band in dict.fromkeys(bands)} == {
        "0.0 to 3.5": 23,
        "4.0 to 5.5": 15,
        "6.0 to 8.5": 16,
    }


def test_a_group_of_fewer_than_100_people_gives_no_summary(summarise):
    with pytest.raises(ValueError, match="a summary of 99 people"):
        summarise.share_rows("MS", "relapsing", "sex", ["F"] * 99)
    assert summarise.share_rows("MS", "relapsing", "sex", ["F"] * 75 + ["M"] * 25)[0].value == 0.75


def test_a_missing_cohort_is_said_clearly(summarise, tmp_path, capsys):
    assert summarise.main(["--cohort", str(tmp_path / "nowhere")]) == 2
    assert "the cohort is not at" in capsys.readouterr().err
