"""A forecast says which of its worlds gave no answer."""

import numpy as np
import pytest

from eubiosis.calibration.left_out import LeftOutWorlds
from eubiosis.core.findings import FindingsError
from eubiosis.model import load
from eubiosis.workflow.score.predict import DRAWS, Forecaster
from eubiosis.workflow.score.readouts import asked_quantities


def forecast(answers):
    """Return the forecast of one study from four worlds of the same weight that answer so."""
    asked = [a for a in asked_quantities() if a.route == "row" and a.kind == "stool acids"]
    study, arm = asked[0].read_out.study, asked[0].read_out.arm
    own = [a for a in asked if (a.read_out.study, a.read_out.arm) == (study, arm)]
    worlds = LeftOutWorlds(
        study, "all", {}, np.full(4, 0.25), {a.key: np.array(answers) for a in own}, 0, np.nan
    )
    forecaster = Forecaster(load(), asked_quantities(), "2026-12-01", str, _left={study: worlds})
    return forecaster._row(own)


def test_worlds_without_an_answer_are_counted_and_said():
    whole = forecast([1.0, 1.1, 1.2, 1.3])
    assert whole.worlds == 4
    assert "left out" not in whole.design
    part = forecast([1.0, np.nan, 1.2, np.inf])
    assert part.worlds == 2
    assert f"; {DRAWS // 2} of {DRAWS} draws left out, as their world gave no finite answer" in part.design
    assert np.isfinite([q.draws for q in part.quantities]).all()


def test_no_answer_at_all_is_a_finding():
    with pytest.raises(FindingsError, match="no world has a finite answer"):
        forecast([np.nan] * 4)
