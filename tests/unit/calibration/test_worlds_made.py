"""A tiny sample of the worlds' remake: the same seed, the same tables; and what they say is what they are."""

import numpy as np
import pytest

from eubiosis.calibration import waves
from eubiosis.calibration.sampling import Effort
from eubiosis.calibration.waves import GutProblem
from eubiosis.calibration.worlds import gut_half, write_worlds
from eubiosis.model.laboratory import Laboratory
from eubiosis.model.shipped import GUT, MADE, gut_key, made_with, read_made, read_worlds
from eubiosis.model.worlds import with_reference

pytest.importorskip("emcee", reason="emcee is not installed")
EFFORT = Effort(12, 1, 1)


@pytest.fixture(scope="module")
def made(model, tmp_path_factory):
    folders = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(waves, "_TOGETHER", 160)  # draws of the prior at a time
        for name in ("one", "again"):
            folder = tmp_path_factory.mktemp(name)
            half = gut_half(model, EFFORT, 3, lambda _: None, threads=1)
            write_worlds(folder, model, half, None, 3, reduced=True)
            folders.append(folder)
    return half, folders


def test_the_same_seed_writes_the_same_tables(made):
    one, again = made[1]
    names = sorted(path.name for path in one.iterdir())
    assert {GUT, MADE, "worlds_waves.tsv", "worlds_targets.tsv"} == set(names)
    for name in names:
        assert (one / name).read_bytes() == (again / name).read_bytes()


def test_what_is_written_is_what_was_matched(made, model):
    half, (folder, _) = made
    found = read_worlds(folder / GUT)
    assert found.weights == pytest.approx(half.sample.weights, rel=1e-5)
    assert read_made(folder)["gut_key"] == gut_key(model)
    assert float(read_made(folder)["gut_effective"]) == pytest.approx(found.effective, abs=0.1)
    # every world agrees with a healthy gut, and the share that meets a row is that of the worlds themselves
    problem = GutProblem.of(model, threads=1)
    values = {name: found.values[:, k] for k, name in enumerate(found.names)}
    seen = next(row for row in half.rows if row.row.id == "N011")
    laboratory = Laboratory.of(model, (seen.row,), 1)
    roseburia = laboratory.answers(with_reference(model, values))["N011"]
    inside = (roseburia >= 0.48) & (roseburia <= 0.9)
    assert seen.share == pytest.approx(found.weights[inside].sum(), abs=1e-6)
    assert np.isfinite(problem.log_likelihood(half.sample.points)).all()


def test_a_half_keeps_what_it_was_made_with_when_the_other_is_made_anew(made, model, tmp_path):
    half, _ = made
    write_worlds(tmp_path, model, half, None, 3, reduced=True)
    write_worlds(tmp_path, model, None, half, 9, reduced=False)
    found = read_made(tmp_path)
    assert [found[f"{name}_seed"] for name in ("gut", "history")] == ["3", "9"]
    assert [found[f"{name}_effort"] for name in ("gut", "history")] == ["reduced", "full"]
    # tables of both halves from one call, as they were written before, say it once for both
    (tmp_path / MADE).write_text("what\tvalue\nseed\t2026\neffort\tfull\ngut_key\tx\nhistory_key\ty\n")
    write_worlds(tmp_path, model, half, None, 5, reduced=True)
    found = read_made(tmp_path)
    assert {word: made_with(found, half_, "seed") for word, half_ in (("a", "gut"), ("b", "history"))} == {
        "a": "5",
        "b": "2026",
    }
