"""Read the numbers of R, and show at the end how closely each was met."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
PINNED = ROOT / "validation" / "r_statistics"
SHARED = ROOT.parent / "shared" / "statistics"

ACHIEVED: dict[str, tuple[float, float, str]] = {}


@pytest.fixture
def expected():
    """Return the part ``expected`` of a fixture by its name."""

    def load(name):
        return json.loads((PINNED / "expected" / f"{name}.json").read_text(encoding="utf-8"))["expected"]

    return load


@pytest.fixture
def table():
    """Return a data table as columns: numbers where every cell is one or empty, texts otherwise."""

    def load(name):
        places = [folder / "data" / f"{name}.csv" for folder in (PINNED, SHARED)]
        found = [place for place in places if place.exists()]
        if not found:
            pytest.skip(f"{name}.csv is not in the repository and ../shared/statistics/data is absent")
        with found[0].open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        return {column: _typed([row[column] for row in rows]) for column in rows[0]}

    return load


@pytest.fixture
def agree(request):
    """Assert agreement to a relative tolerance and record the largest difference met."""

    def check(fixture, what, got, want, rtol, *, atol=0.0):
        got, want = np.atleast_1d(np.asarray(got, float)), np.atleast_1d(np.asarray(want, float))
        assert got.shape == want.shape, f"{fixture}, {what}: shape {got.shape} against {want.shape}"
        assert np.all(np.isfinite(got)), f"{fixture}, {what}: {got}"
        difference = float(np.max(np.abs(got - want) / np.maximum(np.abs(want), 1e-12)))
        if atol:
            difference = float(np.max(np.abs(got - want)))
        key = f"{fixture} ({'absolute' if atol else 'relative'}, {rtol or atol:g})"
        if difference >= ACHIEVED.get(key, (-1.0, 0.0, ""))[0]:
            ACHIEVED[key] = (difference, rtol or atol, what)
        np.testing.assert_allclose(got, want, rtol=rtol, atol=atol, err_msg=f"{fixture}: {what}")

    return check


def pytest_terminal_summary(terminalreporter):
    """Print the largest difference per fixture and tolerance."""
    if not ACHIEVED:
        return
    terminalreporter.section("largest difference from the reference, per fixture and tolerance")
    for key, (difference, _, what) in sorted(ACHIEVED.items()):
        terminalreporter.write_line(f"{difference:9.1e}  {key}: {what}")


def _typed(cells):
    try:
        return np.array([float(cell) if cell not in ("", "NA") else np.nan for cell in cells])
    except ValueError:
        return np.array(cells)
