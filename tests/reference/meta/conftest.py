"""Find the pinned numbers of R's metafor and the data they were computed from."""

import csv
import json
from pathlib import Path

import pytest
from stopping import scoring, solve_q

from eubiosis.evidence.synthesis import heterogeneity

ROOT = Path(__file__).resolve().parents[3]
PINNED = ROOT / "validation" / "metafor"
SHARED = ROOT.parent / "shared" / "statistics"


@pytest.fixture
def pinned():
    """Return a reader of (fixture, rows of its data as dictionaries of text)."""

    def read(name):
        fixture = json.loads((PINNED / "expected" / f"{name}.json").read_text())
        data = Path(fixture["data"]).name
        for folder in (PINNED / "data", SHARED / "data"):
            if (folder / data).exists():
                with (folder / data).open(newline="") as stream:
                    return fixture, list(csv.DictReader(stream))
        pytest.skip(f"{data} is not carried by the project and ../shared is absent")

    return read


def _stop(monkeypatch, step):
    for name in ("ML", "REML", "EB"):
        monkeypatch.setitem(heterogeneity._ESTIMATORS, name, scoring(name, step))
    monkeypatch.setattr(heterogeneity, "_solve_q", solve_q)


@pytest.fixture
def stops_like_r(monkeypatch):
    """Let the tau2 searches stop where metafor 3.8.1 stops with the half steps that the script asks for."""
    _stop(monkeypatch, 0.5)


@pytest.fixture
def full_steps(monkeypatch):
    """Return a switch to metafor's default full steps, where the script leaves its default alone."""
    return lambda step=1.0: _stop(monkeypatch, step)
