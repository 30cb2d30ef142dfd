"""What widens a printed ratio beyond its worlds: nothing where a therapy leaves the gut alone."""

import math

import pytest

from eubiosis.core.endpoints import ENDPOINTS
from eubiosis.model.discrepancy import DiscrepancyRow, TransportRow, disturbance
from eubiosis.workflow.unsure import Unsure

ROWS = (
    DiscrepancyRow(id="guilds", quantity="guild", scope="any", sd=0.4, unit="log ratio", basis="fitted",
                   source="x", note="n", full_at=0.2),
    DiscrepancyRow(id="FAE", quantity="share_FAE", scope="ms_fibre_40g", sd=0.6, unit="log ratio",
                   basis="assumed", note="n"),
)  # fmt: skip
TRANSPORT = (TransportRow(quantity="guild", sd=0.5, basis="assumed", note="n"),)


def unsure(condition, **ratios):
    return Unsure(ROWS, TRANSPORT, {"arm": condition}, {"arm": ratios})


def test_a_therapy_that_moves_no_guild_widens_no_guild():
    still = unsure(None, share_BIF=1.0, share_ROS=1.0)
    assert still.sd(ENDPOINTS["share_ROS"], "arm", 1.0) == 0


def test_a_guild_that_the_model_holds_still_is_widened_when_its_neighbours_move():
    moved = unsure(None, share_BIF=math.exp(0.4), share_ROS=1.0)  # root mean square 0.28: above 0.2
    assert moved.sd(ENDPOINTS["share_ROS"], "arm", 1.0) == pytest.approx(0.4)
    half = unsure(None, share_BIF=math.exp(0.1 * math.sqrt(2)), share_ROS=1.0)  # root mean square 0.1
    assert half.sd(ENDPOINTS["share_ROS"], "arm", 1.0) == pytest.approx(0.2)


def test_transport_widens_in_proportion_to_the_response_and_adds_in_squares():
    moved = unsure(None, share_BIF=math.exp(0.4), share_ROS=1.0)
    found = moved.sd(ENDPOINTS["share_BIF"], "arm", math.exp(0.4))
    assert found == pytest.approx(math.hypot(0.4, 0.5 * 0.4))
    assert moved.sd(ENDPOINTS["share_BIF"], "arm", math.exp(-0.4)) == pytest.approx(found)


def test_a_named_condition_is_not_scaled():
    still = unsure("ms_fibre_40g", share_FAE=1.0)
    assert still.sd(ENDPOINTS["share_FAE"], "arm", 1.0) == pytest.approx(0.6)


def test_what_is_no_ratio_of_the_gut_is_left_as_it_is():
    moved = unsure(None, share_BIF=2.0, relapses=0.5, mfis=-3.0)
    assert moved.sd(ENDPOINTS["relapses"], "arm", 0.5) == 0
    assert moved.sd(ENDPOINTS["mfis"], "arm", -3.0) == 0


def test_disturbance_by_hand():
    ratios = {"share_BIF": math.exp(0.3), "share_ROS": math.exp(-0.4), "stool_acetate": 2.0}
    assert disturbance(ratios, "share_FAE") == pytest.approx(math.sqrt((0.09 + 0.16) / 2))
    assert disturbance(ratios, "stool_butyrate") == pytest.approx(math.log(2))
    assert disturbance(ratios, "relapses") is None
