"""Expected endpoints of many people: nobody's numbers depend on chunks, threads or the company."""

from __future__ import annotations

import numpy as np
import pytest

from eubiosis.model import load
from eubiosis.model.worlds import draw_gut_world, draw_host_world, reference_shares
from eubiosis.trial.expected import Crowd, ExpectedEndpoints, Exposure, _shared_out, expected_endpoints

PEOPLE, DAYS = 12, 60


@pytest.fixture(scope="module")
def run():
    model = load()
    world = draw_gut_world(model, 0, 1, vary=False)
    folds = np.exp(0.4 * np.random.default_rng(3).standard_normal((PEOPLE, 14)))
    shares = reference_shares(model) * folds
    shares /= shares.sum(axis=1, keepdims=True)
    shares[5] = np.nan  # nobody can hold this one
    crowd = Crowd(tuple(range(PEOPLE)), shares, np.linspace(20.0, 60.0, PEOPLE))
    gains = [draw_host_world(model, 0, 1, word) for word in ("zero", "hand_fit")]
    arms = [Exposure("placebo"), Exposure("inulin", "gut_dose_inulin", 10.0, 7.0, 35.0)]

    def ends(rows: slice = slice(None), **options: int) -> ExpectedEndpoints:
        part = Crowd(crowd.numbers[rows], crowd.shares[rows], crowd.age[rows])
        return expected_endpoints(model, world, gains, part, arms, days=DAYS, seed=2, **options)

    return ends


def test_numbers_do_not_depend_on_chunks_threads_or_company(run, monkeypatch) -> None:
    alone = run(threads=1)
    monkeypatch.setattr("eubiosis.trial.expected._SMALL_CHUNK", 2)
    np.testing.assert_array_equal(run(threads=3, chunk=4).values, alone.values)
    np.testing.assert_array_equal(run(slice(2, 7), threads=2).values, alone.values[2:7])


def test_only_who_has_no_steady_gut_is_left_out(run) -> None:
    ends = run()
    assert [i for i, word in enumerate(ends.status) if word != "ok"] == [5]
    assert ends.status[5] == "niche_unsolved"
    assert np.isnan(ends.values[5]).all()
    assert np.isfinite(np.delete(ends.values, 5, axis=0)).all()


def test_without_couplings_an_arm_changes_nothing(run) -> None:
    ends = run()
    zero, fitted = ends.values[:5, :, 0], ends.values[:5, :, 1]
    np.testing.assert_allclose(zero[:, 1], zero[:, 0], rtol=1e-12)
    assert np.all(np.abs(fitted[:, 1, 0] / fitted[:, 0, 0] - 1) > 1e-6)


@pytest.mark.parametrize(("people", "cores"), [(1, 8), (600, 2), (2_000, 2), (2_001, 3), (100_000, 16)])
def test_chunks_that_run_at_once_are_alike(people: int, cores: int) -> None:
    workers, size = _shared_out(people, 1_000, cores)
    assert 1 <= workers <= cores
    assert size <= 1_000
    chunks = -(-people // size)
    assert chunks % workers == 0
    assert people - (chunks - 1) * size > 0
