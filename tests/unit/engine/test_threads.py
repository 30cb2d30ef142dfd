"""Threads take subjects from one counter: together they do each of them once."""

import numpy as np
import pytest

from engine_models import compiled, same
from eubiosis.core.machine import available_threads
from eubiosis.engine import Last, vector_width
from eubiosis.engine.codegen.kernels import LoopKernel
from eubiosis.engine.march import MarchKernel

PEOPLE = 50
RATES = np.linspace(0.1, 2.0, PEOPLE)


@pytest.fixture
def counters(monkeypatch):
    """The counter of every run of a kernel, by thread."""
    seen = []
    for kind in (LoopKernel, MarchKernel):
        plain = kind.run

        def watched(self, block, plain=plain):
            seen.append(block["counter"])
            plain(self, block)

        monkeypatch.setattr(kind, "run", watched)
    return seen


@pytest.mark.parametrize("way", ["solve", "steady_state"])
def test_each_subject_is_taken_once(counters, way):
    model = compiled("k = 1; x = 2; x' = 1 - k*x")

    def run(threads):
        if way == "solve":
            return model.solve([0.0, 3.0], parameters={"k": RATES}, threads=threads).states
        return model.steady_state(parameters={"k": RATES}, newton=False, threads=threads).states

    alone = run(1)
    counters.clear()
    together = run(2)
    assert len(counters) == 2
    assert counters[0] is counters[1]
    # every subject once, and each lane of each thread asks once more in vain
    assert counters[0][0] == PEOPLE + 2 * vector_width()
    assert same(alone, together)


def test_explicit_runs_take_each_group_once(counters):
    model = compiled("k = 1; x = 2; x' = -k*x")
    grid = np.linspace(0.0, 3.0, 31)
    alone = model.march(grid, parameters={"k": RATES}, reductions=[Last("x")], threads=1)
    counters.clear()
    together = model.march(grid, parameters={"k": RATES}, reductions=[Last("x")], threads=2)
    assert counters[0] is counters[1]
    assert counters[0][0] == -(-PEOPLE // vector_width()) + 2
    assert same(alone.reduced[Last("x")], together.reduced[Last("x")])


def test_how_many_threads_may_be_said_from_outside(monkeypatch):
    monkeypatch.setenv("EUBIOSIS_THREADS", "3")
    assert available_threads() == 3
    monkeypatch.setenv("EUBIOSIS_THREADS", "none")
    with pytest.raises(ValueError, match="EUBIOSIS_THREADS"):
        available_threads()
