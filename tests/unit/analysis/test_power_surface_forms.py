"""Surfaces from cells: closed forms against the planner, Monte Carlo errors by hand, sizes, and reasons."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import nct
from scipy.stats import t as student

from eubiosis.analysis.planning.counts import FollowUp, negative_binomial_power
from eubiosis.analysis.planning.prior_assurance import MixturePrior
from eubiosis.analysis.surface.build import (
    Priors,
    SurfaceInput,
    disagreement,
    monte_carlo,
    power_surface,
)
from eubiosis.analysis.surface.cells import SurfaceCell
from eubiosis.analysis.surface.closed import Nuisance, size_for

COUNT = SurfaceCell(
    0, 0, "relapses", "a", "c", 48.0, 200, 1, trials=100, no_numbers=0, successes=40, towards=39, wrong=1,
    value=math.log(0.6), effect=math.log(0.6), square=0.05, variance=0.05, analysed=100.0, control=100.0,
    spread=0.8, rate=0.5, exposure=2.0,
)  # fmt: skip
SCORE = replace(
    COUNT, endpoint="mfis", value=-3.0, effect=-3.0, square=4.0, variance=4.0, spread=200.0, rate=0.0,
    exposure=0.0,
)  # fmt: skip
GIVEN = SurfaceInput("relapses", 7, 200)


def test_the_closed_form_of_counts_is_the_planners_third_approach():
    form = Nuisance.of([COUNT])
    planned = negative_binomial_power(100, 0.5, 0.6, 0.8, FollowUp(2.0), method=3)
    # the planner does not count rejections in the wrong direction: 1e-6 of them here
    assert form.power(200) == pytest.approx(planned, abs=1e-5)
    assert Nuisance.of([replace(COUNT, value=0.0)]).power(200) == pytest.approx(0.05, abs=1e-12)


def test_the_closed_form_of_a_score_is_the_noncentral_t():
    form = Nuisance.of([SCORE])
    shift, freedom = 3.0 / math.sqrt(200 * 2 / 100), 197
    point = student.isf(0.025, freedom)
    power = nct.sf(point, freedom, shift) + nct.cdf(-point, freedom, shift)
    assert form.power(200) == pytest.approx(power, abs=1e-9)
    needed = size_for(form, 0.8, 100_000)
    assert form.power(needed) >= 0.8 > form.power(needed - 1)
    assert size_for(Nuisance.of([replace(SCORE, value=0.0)]), 0.8, 100_000) is None


def test_more_control_events_narrow_the_interval_and_the_band_holds_the_middle():
    surface = power_surface([COUNT], replace(GIVEN, bands={"relapses": (0.5, 2.0, "made up")}))
    (point,) = surface.points
    form = Nuisance.of([COUNT])
    assert point.closed_form_low == form.power(200, 0.5) < point.closed_form < point.closed_form_high
    assert (surface.control_rates[0].low, surface.control_rates[0].high) == (0.25, 1.0)


def test_worlds_and_sizes_are_pooled_by_world():
    """Half the worlds have an effect; nuisance numbers are means over the sizes of a world."""
    other = replace(COUNT, host_world=1, value=0.0, spread=0.4)
    small = replace(other, participants=100, analysed=50.0, control=50.0, spread=1.0)
    form = Nuisance.of([COUNT, other, small])
    assert form.spread.tolist() == pytest.approx([0.8, (0.4 * 200 + 1.0 * 100) / 300])
    assert form.power(200) == pytest.approx(form.powers(200).mean())
    assert form.powers(200)[1] == pytest.approx(0.05)


def test_the_monte_carlo_error_holds_the_pool_and_the_spread_of_gut_worlds():
    # one gut world: binomial of (40.5 / 101) over 100 trials, times the root of 1 + 200 / 50
    p = 40.5 / 101
    assert monte_carlo([COUNT], 50) == pytest.approx(math.sqrt(p * (1 - p) / 100 * 5))
    far = replace(COUNT, gut_world=1, successes=90)
    assert monte_carlo([COUNT, far], 200) == pytest.approx(np.std([0.4, 0.9], ddof=1) / math.sqrt(2))


def test_the_size_for_a_power_lies_on_the_line_between_two_sizes():
    cells = [
        replace(COUNT, participants=n, successes=hits, towards=hits)
        for n, hits in ((100, 50), (400, 98))
    ]  # fmt: skip
    surface = power_surface(cells, GIVEN)
    size = surface.size_needed("relapses", "a", 48.0, 0.8)
    # normal points 0, 0.8416 and 2.0537 at roots 10, ?, 20
    assert size == math.ceil((10 + 10 * 0.841621 / 2.053749) ** 2)
    why = power_surface(cells[:1], GIVEN).sizes_needed[0]
    assert why.participants is None
    assert why.why_none == "at most 50% up to 100 participants, the largest simulated"


def test_assurance_grows_with_the_size_towards_the_chance_of_benefit():
    wide = MixturePrior("common", (1.0,), (0.3,), (0.3,))
    doubt = MixturePrior("sceptical", (1.0,), (0.0,), (0.1,))
    cells = [replace(COUNT, participants=n) for n in (100, 1000, 10_000)]
    surface = power_surface(cells, replace(GIVEN, priors={("relapses", "a"): Priors(wide, doubt)}))
    common = [point.assurance_common for point in surface.points]
    assert common == sorted(common)
    assert common[-1] < wide.ceiling
    assert all(point.assurance_sceptical < point.assurance_common for point in surface.points)
    none = surface.size_needed("relapses", "a", 48.0, 0.9, basis="assurance, sceptical prior")
    reason = next(row.why_none for row in surface.sizes_needed if "sceptical" in row.basis)
    assert none is None
    assert reason == "at most 50% at any size: the chance of any benefit"


def test_a_disagreement_has_its_reason():
    form = Nuisance.of([COUNT])
    agreed = form.power(200)
    assert disagreement([replace(COUNT, trials=10_000, successes=round(10_000 * agreed))], form, agreed) == ""
    wild = replace(COUNT, trials=10_000, successes=2_000, square=0.2)
    assert "times as far as a negative binomial law" in disagreement([wild], form, 0.2)
    rare = replace(COUNT, trials=10_000, successes=100, rate=0.02, no_numbers=900)
    said = disagreement([rare], Nuisance.of([rare]), 0.01)
    assert "4.0 events in the control arm" in said
    assert "9% of the trials give no numbers" in said


def test_nothing_to_put_together_is_refused():
    with pytest.raises(ValueError, match="one pair of worlds at least"):
        power_surface([], GIVEN)
    with pytest.raises(ValueError, match="ask for larger ones"):
        power_surface([replace(COUNT, spread=math.nan)], GIVEN)
