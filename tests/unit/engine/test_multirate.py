"""Systems parted in two halves, against the whole solved at once."""

import numpy as np
import pytest

from engine_models import TIGHT, TIGHT_ANY_SIGN, compiled
from eubiosis.engine import Integral, Last, Maximum, Set, split

# a stiff gut that hands over y, and a driven host that integrates it; with gain the host acts back on the gut
TEXT = """
gain = 0; k = 50; z = 1; x = 1; y = 1; h = 0.5; d = 0
x' = k*(1 + d + gain*h - x)
y' = 0.3*(x - y)
signal := y^2
h' = z*signal - 0.8*h
level := h/(1 + h)
"""
ACTING = TEXT.replace("gain*h", "gain*level")
DAYS = np.arange(0.0, 41.0)
WANTED = (Integral("level"), Last("h"))
GENERATOR = np.random.default_rng(5)
DRIVE = GENERATOR.lognormal(0.0, 0.4, (40, 3))
DOSE = [Set(7.0, "d", np.array([0.0, 1.0, 2.0])), Set(20.0, "d", 0.0)]


def whole(text, **parameters):
    drive = [Set(float(day), "z", DRIVE[day]) for day in range(40)]
    return compiled(text).solve(
        [0.0, 40.0],
        parameters=parameters,
        inputs=[*DOSE, *drive],
        reductions=WANTED,
        tolerances=TIGHT_ANY_SIGN,
    )


def errors(text, parameters, **options):
    parts = split(compiled(text).system, ["h"])
    stiff, driven = parts.run(
        DAYS,
        parameters=parameters,
        inputs=DOSE,
        held={"z": DRIVE},
        reductions=WANTED,
        tolerances=TIGHT,
        **options,
    )
    assert stiff.status == driven.status == ("ok",) * 3
    exact = whole(text, **parameters)
    return max(float(np.max(np.abs(driven.reduced[r] / exact.reduced[r] - 1))) for r in WANTED)


def test_what_crosses_is_what_the_other_half_needs():
    one_way = split(compiled(TEXT.replace("gain*h", "0")).system, ["h"])
    assert one_way.forward == ("signal",)
    assert one_way.back == ()
    both = split(compiled(ACTING).system, ["h"])
    assert both.forward == ("signal",)
    assert both.back == ("level",)
    assert both.implicit.system.states == ("x", "y")
    assert both.explicit.system.states == ("h",)


def test_one_way_the_error_falls_with_the_steps_and_the_exchange():
    text = TEXT.replace("gain*h", "0")
    coarse = errors(text, {}, steps=1)
    assert coarse < 2e-3
    fine = errors(text, {}, steps=4)
    assert fine < coarse
    assert errors(text, {}, steps=4, every=5) > fine  # a line over five days is not the course


def test_both_ways_two_sweeps_are_of_second_order():
    """Without a drive, halving the interval halves the error of one sweep and quarters that of two."""
    parts, parameters = split(compiled(ACTING).system, ["h"]), {"gain": 0.5}
    exact = compiled(ACTING).solve([0.0, 8.0], parameters=parameters, tolerances=TIGHT_ANY_SIGN).states[0]

    def error(every, sweeps):
        stiff, driven = parts.run(
            np.arange(0.0, 8.25, 0.25),
            parameters=parameters,
            every=every,
            sweeps=sweeps,
            steps=4,
            tolerances=TIGHT,
        )
        return np.max(np.abs(np.array([stiff.states[0, 1], driven.states[0, 0]]) / exact[[1, 2]] - 1))

    once, twice = [error(n, 1) for n in (4, 2)], [error(n, 2) for n in (4, 2)]
    assert once[0] / once[1] == pytest.approx(2.0, abs=0.4)
    assert twice[0] / twice[1] == pytest.approx(4.0, abs=1.2)
    assert twice[1] < once[1] / 10


def test_both_ways_under_a_daily_drive():
    assert (
        errors(ACTING, {"gain": 0.5}, steps=4, sweeps=2)
        < errors(ACTING, {"gain": 0.5}, steps=4, sweeps=1) / 3
    )
    assert errors(ACTING, {"gain": 0.5}, steps=4, sweeps=2) < 2e-3


def test_a_bolus_on_the_grid_is_given_once():
    from eubiosis.engine import Add

    text = ACTING
    exact = compiled(text).solve(
        [0.0, 10.0], ["y"], parameters={"gain": 0.1}, inputs=[Add(4.0, "y", 3.0)], tolerances=TIGHT_ANY_SIGN
    )
    stiff, _ = split(compiled(text).system, ["h"]).run(
        np.arange(0.0, 10.5, 0.5),
        parameters={"gain": 0.1},
        inputs=[Add(4.0, "y", 3.0)],
        steps=4,
        tolerances=TIGHT,
    )
    assert stiff.states[0, 1] == pytest.approx(exact["y"][0, -1], rel=2e-3)


def test_a_subject_that_fails_keeps_its_reason():
    text = "k = 1; x = 1; x' = k*x^2; h = 0; h' = x - h"
    stiff, driven = split(compiled(text).system, ["h"]).run(
        [0.0, 1.0, 2.0], parameters={"k": np.array([0.1, 1.0])}, reductions=[Last("h")]
    )
    assert stiff.status == ("ok", "non_finite")
    assert np.isfinite(driven.reduced[Last("h")][0])
    assert np.isnan(driven.reduced[Last("h")][1])
    assert driven.status[1] != "ok"


def test_what_cannot_be_split_is_refused():
    with pytest.raises(KeyError, match="nearest"):
        split(compiled(TEXT).system, ["hh"])
    with pytest.raises(ValueError, match="event"):
        split(compiled(TEXT + "E: at h > 1: h = 0").system, ["h"])
    parts = split(compiled(ACTING).system, ["h"])
    with pytest.raises(ValueError, match="divisor"):
        parts.run(DAYS, every=3)
    with pytest.raises(ValueError, match="Maximum"):
        parts.run(DAYS, reductions=[Maximum("level")])
