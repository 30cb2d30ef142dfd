"""The page of what the data informed needs worlds, and says so without them."""

import numpy as np
import pytest

from eubiosis.core.findings import FindingsError
from eubiosis.model import load
from eubiosis.model.shipped import Shipped, ShippedWorlds
from eubiosis.workflow import informed_page


def test_without_worlds_the_reason_is_a_finding(monkeypatch):
    monkeypatch.setattr(informed_page, "shipped", lambda _: Shipped(None, None, {}, ("no worlds here",)))
    with pytest.raises(FindingsError, match="no worlds here"):
        informed_page.informed_halves(load(), ("gut", "history"))


def test_the_page_says_whose_worlds_it_shows(monkeypatch, tmp_path):
    pytest.importorskip("emcee", reason="emcee is not installed")
    from eubiosis.calibration.worlds_history import HistoryProblem

    model = load()
    problem = HistoryProblem(model)
    drawn = problem.before_data(np.random.default_rng(5).standard_normal((250, len(problem.free))))
    worlds = ShippedWorlds(tuple(drawn), np.column_stack(list(drawn.values())), np.full(250, 1 / 250))
    made = {"seed": "7", "effort": "reduced"}
    monkeypatch.setattr(informed_page, "shipped", lambda _: Shipped(None, worlds, made, ()))
    found = informed_page.informed_halves(model, ("history",), seed=1)
    ((title, one),) = found
    assert title == "Natural history and drug classes"
    assert not any(measure.informed for measure in one.numbers)  # draws of the prior, with no data
    assert one.worlds == 250
    page = informed_page.write_informed_page(tmp_path / "pages" / "informed.html", found)
    text = page.read_text(encoding="utf-8")
    assert "shipped worlds, seed 7, effort reduced" in text
    assert f"{len(drawn)} are as they were drawn" in text
